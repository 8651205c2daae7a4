use std::collections::BTreeSet;
use std::io::{Seek as _, Write as _};
use std::time::Duration;

use cap_std::ambient_authority;
use cap_std::fs::OpenOptions;
use kit_store::Durability;
use kit_tree::{Meta, Mode};

use super::seen::{FILES, SETTLED};
use super::*;

/// A time at which all files are old.
const LATER: u64 = 1 << 40;
/// A time at which none is.
const EARLIER: u64 = 1_000_000_000;

struct Case {
    directory: tempfile::TempDir,
    store: Store,
    out: Dir,
    tree: Tree,
}

impl Case {
    /// Starts with an output of a file and of a directory with a file.
    #[expect(clippy::disallowed_methods, reason = "a test makes its own directories")]
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir(&path).unwrap();
            (Dir::open_ambient_dir(&path, ambient_authority()).unwrap(), path)
        };
        let (dir, path) = open("store");
        let store = Store::open_with(dir, path, Durability::Kill, &mut || ()).unwrap();
        let mut tree = Tree::new();
        tree.insert(TreePath::new("layout").unwrap(), Entry::Directory(Meta::root(Mode::DIRECTORY))).unwrap();
        for (name, content) in [("image", "content one"), ("layout/blob", "content two")] {
            let blob = store.put_bytes(content.as_bytes()).unwrap();
            tree.insert_file(TreePath::new(name).unwrap(), Mode::FILE, blob, content.len() as u64).unwrap();
        }
        let (out, _) = open("out");
        Self { directory, store, out, tree }
    }

    /// Returns what had to be done for both files.
    fn written_at(&self, now: u64) -> [State; 2] {
        let written = write_outputs(&self.store, &self.tree, &self.out, self.directory.path(), now).unwrap();
        let states: Vec<_> = written.iter().map(|file| file.state).collect();
        assert_eq!(self.out.read_to_string("image").unwrap(), "content one");
        assert_eq!(self.out.read_to_string("layout/blob").unwrap(), "content two");
        // What comes next is in another step of the file system's clock.
        std::thread::sleep(Duration::from_millis(20));
        states.try_into().unwrap()
    }

    /// Writes the outputs, and has them read and remembered.
    fn remembered(self) -> Self {
        assert_eq!(self.written_at(LATER), [State::New; 2]);
        assert_eq!(self.written_at(LATER), [State::Unchanged; 2]);
        assert!(self.knows("image") && self.knows("layout/blob"));
        self
    }

    fn blob(&self, name: &str) -> BlobId {
        match self.tree.get(&TreePath::new(name).unwrap()) {
            Some(Entry::File { blob, .. }) => *blob,
            _ => panic!("{name} is no file"),
        }
    }

    fn state(&self, name: &str) -> FileState {
        FileState::of(&self.out.metadata(name).unwrap())
    }

    fn knows(&self, name: &str) -> bool {
        Seen::of(&self.store, &self.tree, LATER).knows(&self.blob(name), &self.state(name))
    }

    /// Writes over a file that is there.
    fn overwrite(&self, name: &str, content: &str) -> cap_std::fs::File {
        let mut file = self.out.open_with(name, OpenOptions::new().write(true)).unwrap();
        file.write_all(content.as_bytes()).unwrap();
        file
    }
}

#[test]
fn what_was_read_once_is_not_read_again() {
    let case = Case::new().remembered();
    // Nobody can tell from outside whether a file was read, unless what is remembered is a lie.
    for name in ["image", "layout/blob"] {
        case.overwrite(name, "CONTENT");
        let mut seen = Seen::of(&case.store, &case.tree, LATER);
        seen.read(&case.blob(name), &case.state(name));
        seen.keep().unwrap();
    }
    let written = write_outputs(&case.store, &case.tree, &case.out, case.directory.path(), LATER).unwrap();
    assert!(written.iter().all(|file| file.state == State::Unchanged));
    assert_eq!(case.out.read_to_string("image").unwrap(), "CONTENT one");
    // What only looks touched is read.
    std::thread::sleep(Duration::from_millis(20));
    let touched = case.out.open_with("image", OpenOptions::new().write(true)).unwrap().into_std();
    touched.set_modified(touched.metadata().unwrap().modified().unwrap()).unwrap();
    case.overwrite("layout/blob", "content two");
    assert_eq!(case.written_at(LATER), [State::New, State::Unchanged]);
}

#[test]
fn other_bytes_of_the_same_length_are_found() {
    let case = Case::new().remembered();
    case.overwrite("image", "CONTENT");
    case.overwrite("layout/blob", "CONTENT");
    assert_eq!(case.written_at(LATER), [State::New; 2]);
    // With the time of what was there, too.
    let times = |name| case.out.metadata(name).unwrap().modified().unwrap().into_std();
    let (image, blob) = (times("image"), times("layout/blob"));
    case.overwrite("image", "CONTENT").into_std().set_modified(image).unwrap();
    case.overwrite("layout/blob", "CONTENT").into_std().set_modified(blob).unwrap();
    assert_eq!((times("image"), times("layout/blob")), (image, blob));
    assert_eq!(case.written_at(LATER), [State::New; 2]);
}

#[test]
fn another_file_at_the_same_name_is_found() {
    let case = Case::new().remembered();
    for name in ["image", "layout/blob"] {
        let time = case.out.metadata(name).unwrap().modified().unwrap().into_std();
        let mut other = case.out.create("other").unwrap().into_std();
        other.write_all(b"CONTENT one").unwrap();
        other.set_modified(time).unwrap();
        case.out.rename("other", &case.out, name).unwrap();
    }
    assert_eq!(case.written_at(LATER), [State::New; 2]);
    case.out.remove_file("image").unwrap();
    case.out.remove_dir_all("layout").unwrap();
    assert_eq!(case.written_at(LATER), [State::New; 2]);
}

#[test]
fn what_may_change_unseen_is_read_each_time() {
    let case = Case::new();
    assert_eq!(case.written_at(EARLIER), [State::New; 2]);
    assert_eq!(case.written_at(EARLIER), [State::Unchanged; 2]);
    assert!(!case.knows("image") && !case.knows("layout/blob"));
    let changed = u64::try_from(case.state("image").changed()).unwrap();
    for (now, is_known) in [(changed, false), (changed + SETTLED - 1, false), (changed + SETTLED, true)] {
        let mut seen = Seen::of(&case.store, &case.tree, now);
        seen.read(&case.blob("image"), &case.state("image"));
        seen.keep().unwrap();
        assert_eq!(case.knows("image"), is_known, "{now}");
    }
}

#[test]
fn few_files_are_remembered_of_each_content_and_the_last_ones() {
    let case = Case::new();
    let blob = case.blob("image");
    let states: Vec<_> = (0..=FILES)
        .map(|number| {
            let mut file = case.out.create(format!("{number}")).unwrap();
            file.write_all(b"content one").unwrap();
            file.rewind().unwrap();
            case.state(&number.to_string())
        })
        .collect();
    for state in &states {
        let mut seen = Seen::of(&case.store, &case.tree, LATER);
        seen.read(&blob, state);
        seen.keep().unwrap();
    }
    let seen = Seen::of(&case.store, &case.tree, LATER);
    let known: Vec<_> = states.iter().map(|state| seen.knows(&blob, state)).collect();
    assert_eq!(known, [&[false][..], &[true; FILES]].concat());
    let other = BTreeSet::from([case.blob("layout/blob")]);
    assert_eq!(case.store.facts("outputs", &other), kit_store::Facts::new());
}
