//! Kernel modules, in the order that the image's builder found out.

use std::os::fd::AsFd;

use crate::console::Console;
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// The list: one absolute path of a module file on a line, in load order. Empty lines and lines that start with `#`
/// mean nothing. A `?` before the path: the machine may lack what the module is for.
const LIST: &str = "/etc/kit/modules";

/// Loads every module of the list, if there is one. A module that cannot be loaded is a warning.
pub(crate) fn load_all(console: &mut Console) {
    if !files::is_other(LIST) {
        return;
    }
    match files::read_text(LIST) {
        Ok(text) => {
            for line in lines(&text) {
                if let Err(failure) = load(line) {
                    console.say(failure);
                }
            }
        }
        Err(failure) => console.say(failure),
    }
}

fn lines(list: &str) -> impl Iterator<Item = &str> {
    list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn load(line: &str) -> Result<(), Failure> {
    let (path, optional) = line.strip_prefix('?').map_or((line, false), |path| (path, true));
    if !path.starts_with('/') {
        return Err(Failure::new("load module", path, "its path is not absolute"));
    }
    let file = sys::c_string(path).and_then(|path| sys::io::open(&path, libc::O_RDONLY));
    match sys::system::load_module(file.during("load module", path)?.as_fd()) {
        // It is loaded, or part of the kernel.
        Ok(()) | Err(Errno(libc::EEXIST)) => Ok(()),
        // It finds nothing to drive, or one that it builds on found nothing.
        Err(Errno(libc::ENODEV | libc::ENOENT)) if optional => Ok(()),
        Err(Errno(libc::ENOENT)) => {
            Err(Failure::new("load module", path, "it needs a module that is not loaded before it"))
        }
        Err(Errno(libc::ENOEXEC)) => Err(Failure::new("load module", path, "it is not for this kernel")),
        failed => failed.during("load module", path),
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
        let message = |path| load(path).unwrap_err().to_string();
        assert_eq!(message("/no/x.ko"), "cannot load module /no/x.ko: No such file or directory");
        assert_eq!(message("?/no/x.ko"), "cannot load module /no/x.ko: No such file or directory");
        assert_eq!(message("x.ko"), "cannot load module x.ko: its path is not absolute");
    }
}
