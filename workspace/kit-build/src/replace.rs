//! Write beside, sync, rename: a file appears whole or not at all, and what a writer that was killed left goes.
//!
//! The file beside is `NAME.PID-NUMBER.new`. Its writer holds a lock on it, so leftovers are told from work under way of
//! another process, even of one in another PID namespace.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use cap_std::fs::{Dir, MetadataExt as _, OpenOptions};

/// Puts what `write` writes at `name` in `dir`, in place of what is there.
pub fn replace(dir: &Dir, name: &str, write: &mut dyn FnMut(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (beside, mut file) = create_beside(dir, name)?;
    let written = write(&mut file).and_then(|()| file.sync_all());
    written.and_then(|()| dir.rename(&beside, dir, name)).inspect_err(|_| {
        // What was there stays; what was begun goes.
        _ = dir.remove_file(&beside);
    })
}

/// Makes a file that its writer alone has locked.
fn create_beside(dir: &Dir, name: &str) -> io::Result<(String, File)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let beside = format!("{name}.{}-{number}.new", std::process::id());
        let file = match dir.open_with(&beside, OpenOptions::new().write(true).create_new(true)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        // Before it is locked, somebody who sweeps may take it for a leftover: then another one is made.
        let file = file.into_std();
        if file.try_lock().is_ok() && cap_std::fs::Metadata::from_file(&file)?.nlink() > 0 {
            return Ok((beside, file));
        }
    }
}

/// Removes what killed writers have left beside the files in `dir` that `is_ours` names.
pub fn sweep(dir: &Dir, is_ours: &dyn Fn(&str) -> bool) -> io::Result<()> {
    for entry in dir.entries()? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        if goes_to(name).is_some_and(is_ours) {
            remove_leftover(dir, name)?;
        }
    }
    Ok(())
}

/// Returns the name that a file beside is to get; none for all other files.
pub fn goes_to(beside: &str) -> Option<&str> {
    let (name, writer) = beside.strip_suffix(".new")?.rsplit_once('.')?;
    let (pid, number) = writer.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(pid) && is_number(number)).then_some(name)
}

fn remove_leftover(dir: &Dir, name: &str) -> io::Result<()> {
    let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) };
    let file = match dir.open(name) {
        Ok(file) => file.into_std(),
        Err(error) => return gone(error),
    };
    match file.try_lock() {
        Ok(()) => dir.remove_file(name).or_else(gone),
        // Its writer is at work.
        Err(std::fs::TryLockError::WouldBlock) => Ok(()),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[expect(clippy::disallowed_methods, reason = "a test opens its own directory")]
    fn directory() -> (tempfile::TempDir, Dir) {
        let path = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(path.path(), cap_std::ambient_authority()).unwrap();
        (path, dir)
    }

    fn names(dir: &Dir) -> Vec<String> {
        let mut names: Vec<_> =
            dir.entries().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_whole_files_alone() {
        let (_path, dir) = directory();
        dir.write("a", "old").unwrap();
        let failed = replace(&dir, "a", &mut |file| {
            file.write_all(b"ne")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!((dir.read_to_string("a").unwrap().as_str(), names(&dir)), ("old", vec!["a".to_owned()]));
        replace(&dir, "a", &mut |file| file.write_all(b"new")).unwrap();
        assert_eq!((dir.read_to_string("a").unwrap().as_str(), names(&dir)), ("new", vec!["a".to_owned()]));
    }

    #[test]
    fn sweeps_leftovers_and_nothing_else() {
        let (_path, dir) = directory();
        for name in ["a.1-2.new", "a.b.1-2.new", "c.1-2.new", "a.new", "a.1.new", "a.1-x.new", "1-2.new"] {
            dir.write(name, "").unwrap();
        }
        replace(&dir, "a", &mut |file| {
            sweep(&dir, &|name| name != "c")?;
            file.write_all(b"new")
        })
        .unwrap();
        assert_eq!(names(&dir), ["1-2.new", "a", "a.1-x.new", "a.1.new", "a.new", "c.1-2.new"]);
        assert_eq!(dir.read_to_string("a").unwrap(), "new", "the one under way was left alone");
    }
}
