use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use rustix::fs::{CWD, mkfifoat};

use super::*;
use crate::testing::{make_dir, open_dir, path, write};

const LIMITS: ImportLimits = ImportLimits { entries: 100, bytes: 1 << 20 };

fn import_path(path: &Path) -> Result<Tree, ImportError> {
    import(&open_dir(path), &LIMITS, &MemoryBlobs::new())
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn keeps_what_counts() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    make_dir(&at("b/c"));
    set_mode(&at("b/c"), 0o2700);
    write(&at("b/run"), b"#!\n");
    set_mode(&at("b/run"), 0o711);
    write(&at("a"), b"a");
    set_mode(&at("a"), 0o600);
    std::fs::hard_link(at("a"), at("b/twin")).unwrap();
    symlink("/etc/passwd", at("link")).unwrap();
    symlink(".", at("b/loop")).unwrap();
    let dump = Dump(&import_path(dir.path()).unwrap()).to_string();
    let (a, run) = (kit_hash::BlobId::of(b"a"), kit_hash::BlobId::of(b"#!\n"));
    assert_eq!(
        dump,
        format!(
            "/ dir 0755 0:0\n/a file 0644 0:0 1 {a}\n/b dir 0755 0:0\n/b/c dir 0755 0:0\n\
             /b/loop symlink 0777 0:0 -> .\n/b/run file 0755 0:0 3 {run}\n/b/twin file 0644 0:0 1 {a}\n\
             /link symlink 0777 0:0 -> /etc/passwd\n"
        )
    );
}

#[test]
fn reports_all_that_would_be_lost_in_path_order() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (name, mode) in [("z/setuid", 0o4755), ("setgid", 0o2755), ("sticky", 0o1644), ("unreadable", 0o044)]
    {
        make_dir(at(name).parent().unwrap());
        write(&at(name), b"");
        set_mode(&at(name), mode);
    }
    make_dir(&at("tmp"));
    set_mode(&at("tmp"), 0o1777);
    make_dir(&at("closed"));
    set_mode(&at("closed"), 0o300);
    mkfifoat(CWD, at("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let _socket = UnixListener::bind(at("socket")).unwrap();
    let error = import_path(dir.path()).unwrap_err();
    set_mode(&at("closed"), 0o700);
    assert_eq!(
        error.to_string(),
        "8 things can't be taken over: `/closed` is not readable for its owner, `/fifo` is a fifo, \
         `/setgid` has its set-group-id bit, …"
    );
    let ImportError::Findings(findings) = error else { panic!("{error}") };
    let found: Vec<_> = findings.iter().map(|f| (f.path.to_string(), f.what.clone())).collect();
    let expected = [
        ("/closed", ImportProblem::Unreadable),
        ("/fifo", ImportProblem::Fifo),
        ("/setgid", ImportProblem::SetGroup),
        ("/socket", ImportProblem::Socket),
        ("/sticky", ImportProblem::Sticky),
        ("/tmp", ImportProblem::Sticky),
        ("/unreadable", ImportProblem::Unreadable),
        ("/z/setuid", ImportProblem::SetUser),
    ];
    assert_eq!(found, expected.map(|(path, what)| (path.to_owned(), what)));
}

#[test]
fn stops_at_its_limits() {
    let dir = tempfile::tempdir().unwrap();
    let sparse = std::fs::File::options().create_new(true).write(true).open(dir.path().join("bomb")).unwrap();
    sparse.set_len(10 << 30).unwrap();
    let error = import_path(dir.path()).unwrap_err();
    assert!(matches!(&error, ImportError::TooLarge { path: p, .. } if *p == path("bomb")), "{error}");

    let dir = tempfile::tempdir().unwrap();
    for number in 0..=LIMITS.entries {
        make_dir(&dir.path().join(number.to_string()));
    }
    assert!(matches!(import_path(dir.path()), Err(ImportError::TooMany { limit: 100 })));
}

#[test]
fn a_path_too_deep_to_name_is_a_finding() {
    let dir = tempfile::tempdir().unwrap();
    let root = open_dir(dir.path());
    let mut below = disk::make_dir(&root, b"x").unwrap();
    let name = [b'y'; 250];
    for _ in 0..17 {
        below = disk::make_dir(&below, &name).unwrap();
    }
    let error = import_path(dir.path()).unwrap_err();
    disk::remove_all(root.as_fd(), b"x").unwrap();
    let ImportError::Findings(findings) = error else { panic!("{error}") };
    assert!(
        matches!(findings.as_slice(), [ImportFinding { what: ImportProblem::Path(_), .. }]),
        "{findings:?}"
    );
}
