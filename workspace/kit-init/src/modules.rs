//! Kernel modules, in the order that the image's builder found out.

use std::os::fd::AsFd;

use crate::console::Console;
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// The list: one absolute path of a module file on a line, in load order. Empty lines and lines that start with `#`
/// mean nothing. A `?` before the path: the machine may lack what the module is for. Behind such a path, after spaces, are those of
/// the same kind that it builds on: without one of them, the kernel isn't asked, and doesn't complain.
const LIST: &str = "/etc/kit/modules";

/// Loads every module of the list, if there is one. A module that cannot be loaded is a warning.
pub(crate) fn load_all(console: &mut Console) {
    if !files::is_other(LIST) {
        return;
    }
    match files::read_text(LIST) {
        Ok(text) => {
            let mut absent = Vec::new();
            for line in lines(&text) {
                match load(line, &absent) {
                    Ok(Outcome::Loaded) => (),
                    Ok(Outcome::Absent(path)) => absent.push(path),
                    Err(failure) => console.say(failure),
                }
            }
        }
        Err(failure) => console.say(failure),
    }
}

fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// What became of a module.
#[derive(Debug, PartialEq, Eq)]
enum Outcome<'a> {
    /// It is loaded, or part of the kernel.
    Loaded,
    /// The machine lacks what this one, by its path, is for, and may.
    Absent(&'a str),
}

/// Loads the module of a line of the list; `absent` are those of earlier lines that the machine lacks something for.
fn load<'a>(line: &'a str, absent: &[&str]) -> Result<Outcome<'a>, Failure> {
    let (line, optional) = line.strip_prefix('?').map_or((line, false), |line| (line, true));
    let mut paths = line.split(' ');
    let path = if optional { paths.next().unwrap_or_default() } else { line };
    if optional && paths.any(|needed| absent.contains(&needed)) {
        return Ok(Outcome::Absent(path));
    }
    if !path.starts_with('/') {
        return Err(Failure::new("load module", path, "its path is not absolute"));
    }
    let file = sys::c_string(path).and_then(|path| sys::io::open(&path, libc::O_RDONLY));
    match sys::system::load_module(file.during("load module", path)?.as_fd()) {
        Ok(()) | Err(Errno(libc::EEXIST)) => Ok(Outcome::Loaded),
        // It finds nothing to drive, or one that it builds on found nothing.
        Err(Errno(libc::ENODEV | libc::ENOENT)) if optional => Ok(Outcome::Absent(path)),
        Err(Errno(libc::ENOENT)) => {
            Err(Failure::new("load module", path, "it needs a module that is not loaded before it"))
        }
        Err(Errno(libc::ENOEXEC)) => Err(Failure::new("load module", path, "it is not for this kernel")),
        Err(failed) => Err(failed).during("load module", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_comments_and_empty_lines() {
        let list = "# input\n/lib/a.ko\n\n  /lib/b.ko  \r\n#/lib/c.ko\n";
        assert_eq!(lines(list).collect::<Vec<_>>(), ["/lib/a.ko", "/lib/b.ko"]);
        assert_eq!(lines("").count(), 0);
    }

    #[test]
    fn a_module_that_is_not_there_is_told_with_its_reason() {
        let message = |path| load(path, &[]).unwrap_err().to_string();
        assert_eq!(message("/no/x.ko"), "cannot load module /no/x.ko: No such file or directory");
        assert_eq!(message("?/no/x.ko"), "cannot load module /no/x.ko: No such file or directory");
        assert_eq!(message("x.ko"), "cannot load module x.ko: its path is not absolute");
    }
    #[test]
    fn what_builds_on_an_absent_one_is_not_tried() {
        let line = "?/no/disk.ko /no/class.ko /no/bus.ko";
        assert_eq!(load(line, &["/no/bus.ko"]).unwrap(), Outcome::Absent("/no/disk.ko"));
        let failure = load(line, &["/no/other.ko"]).unwrap_err().to_string();
        assert_eq!(failure, "cannot load module /no/disk.ko: No such file or directory");
        // One that must be loaded is tried, whatever it builds on.
        assert!(load("/no/disk.ko /no/bus.ko", &["/no/bus.ko"]).is_err());
    }
}
