//! The files that a container reaches, by Landlock.

use std::fs::File;
use std::os::fd::AsFd;

use super::open_path;
use crate::config::Landlock;
use crate::error::{During, Failure};
use crate::sys::landlock::{EXECUTE, IOCTL_DEV, READ_DIR, READ_FILE, TRUNCATE, WRITE_FILE};
use crate::sys::{self, Errno};

/// Rights that there are to a file; the others are a directory's.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;

/// Puts the rules on this process, whose root is the container's.
pub(super) fn restrict(rules: &Landlock) -> Result<(), Failure> {
    let known = match sys::landlock::known_rights() {
        Err(Errno(libc::ENOSYS | libc::EOPNOTSUPP)) => {
            return Err(Failure::new("limit", "the files", "the kernel has no Landlock"));
        }
        known => known.during("limit", "the files")?,
    };
    let ruleset = sys::landlock::create_ruleset(known).during("make", "the rules of Landlock")?;
    let lists = [
        (&rules.read, READ_FILE | READ_DIR),
        (&rules.execute, EXECUTE | READ_FILE | READ_DIR),
        (&rules.write, known & !EXECUTE),
    ];
    for (paths, rights) in lists {
        for path in paths {
            let allow = || -> Result<(), Errno> {
                let file = File::from(open_path(path)?);
                let possible = if file.metadata()?.is_dir() { known } else { known & OF_FILES };
                sys::landlock::allow_beneath(ruleset.as_fd(), file.as_fd(), rights & possible)
            };
            allow().during("allow", path)?;
        }
    }
    sys::landlock::restrict_self(ruleset.as_fd()).during("limit", "the files")
}
