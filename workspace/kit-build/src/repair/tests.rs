use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::BlobId;
use kit_plan::derivation;
use kit_store::{Durability, Store};
use kit_tree::{BlobSink as _, Blobs as _, Mode, Tree, TreePath};

use super::*;
use crate::seams::{Executed, Script};
use crate::{Execute, Fetch};

/// Nothing is fetched or run here.
struct Nobody;

impl Fetch for Nobody {
    fn fetch(&self, _: &derivation::Fetch, _: &mut File, _: &mut dyn FnMut(u64)) -> Result<(), BuildError> {
        Err(BuildError::NoCargoHome)
    }

    fn announce(&self, _: &[&derivation::Fetch]) -> Result<(), BuildError> {
        Ok(())
    }
}

impl Execute for Nobody {
    fn execute(&self, _: &Script<'_>, _: &mut dyn FnMut(&[u8])) -> Result<Executed, BuildError> {
        Err(BuildError::NoCargoHome)
    }
}

/// Writes down what was repaired.
#[derive(Default)]
struct Repaired(Mutex<Vec<String>>);

impl Events for Repaired {
    fn event(&self, event: Event<'_>) {
        if let Event::Repaired { item, .. } = event {
            self.0.lock().unwrap().push(item.to_owned());
        }
    }
}

struct Bench {
    directory: tempfile::TempDir,
    store: Store,
    repaired: Repaired,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let dir = open(directory.path());
        let store = Store::open_with(dir, directory.path(), Durability::Kill, &mut || ()).unwrap();
        Self { directory, store, repaired: Repaired::default() }
    }

    fn engine(&self) -> Engine<'_> {
        Engine {
            store: &self.store,
            fetch: &Nobody,
            execute: &Nobody,
            events: &self.repaired,
            jobs: 1,
            order: crate::engine::Order::LongestFirst,
            room: crate::engine::Room { processors: 1, memory_bytes: None },
            on_failure: crate::engine::OnFailure::Stop,
        }
    }

    fn repaired(&self) -> Vec<String> {
        std::mem::take(&mut self.repaired.0.lock().unwrap())
    }

    /// Changes the content of a blob without changing its length.
    fn damage(&self, blob: &BlobId, content: &str) {
        let name = blob.to_string();
        let dir = open(&self.directory.path().join("objects").join(&name[..2]));
        let mode = |mode| cap_std::fs::Permissions::from_std(std::fs::Permissions::from_mode(mode));
        dir.set_permissions(&name, mode(0o644)).unwrap();
        dir.write(&name, content).unwrap();
        dir.set_permissions(&name, mode(0o444)).unwrap();
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own directory")]
fn open(path: &std::path::Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).unwrap()
}

fn tree_of(blob: BlobId, size: u64) -> Tree {
    let mut tree = Tree::new();
    tree.insert_file(TreePath::new("file").unwrap(), Mode::FILE, blob, size).unwrap();
    tree
}

#[test]
fn what_is_damaged_goes_and_the_work_is_done_again() {
    let bench = Bench::new();
    let blob = bench.store.put_bytes(b"content").unwrap();
    bench.damage(&blob, "cOntent");
    let mut rounds = 0;
    let io = |source| BuildError::Io { what: "read".to_owned(), source };
    let read = bench.engine().repairing(BuildError::damage, || {
        rounds += 1;
        bench.store.put(&mut &b"content"[..]).map_err(io)?;
        bench.store.read(&blob, 100).map_err(io)
    });
    assert_eq!((read.unwrap().as_slice(), rounds), (&b"content"[..], 2));
    assert_eq!(bench.repaired(), [format!("blob `{blob}`")]);
    assert_eq!(bench.store.verify(&mut |_| ()).unwrap(), []);
}

#[test]
fn other_failures_and_hopeless_ones_are_final() {
    let bench = Bench::new();
    let mut rounds = 0;
    let mut count = |failure: BuildError| {
        rounds += 1;
        Err::<(), _>(failure)
    };
    let done = bench.engine().repairing(BuildError::damage, || count(BuildError::NoCargoHome));
    assert_eq!((done.unwrap_err().code(), bench.repaired().len()), ("kit::crates::no_home", 0));
    let gone = BlobId::of(b"never made");
    let done = bench
        .engine()
        .repairing(BuildError::damage, || count(bench.store.open_blob(&gone).map(drop).unwrap_err().into()));
    assert_eq!((done.unwrap_err().code(), bench.repaired().len()), ("kit::store::missing", 1));
    assert_eq!(rounds, 3);
}

#[test]
fn finds_what_a_step_worked_on_to_blame() {
    let bench = Bench::new();
    let blob = bench.store.put_bytes(b"content").unwrap();
    let tree = bench.store.put_tree(&tree_of(blob, 7)).unwrap();
    let failure = || BuildError::Unpack { title: "unpack".to_owned(), source: "no such format".into() };
    let blamed = bench.engine().blame("unpack", failure(), &[tree]);
    assert_eq!(blamed.code(), "kit::unpack::archive");
    bench.damage(&blob, "cOntent");
    let blamed = bench.engine().blame("unpack", failure(), &[tree]);
    assert_eq!(blamed.code(), "kit::store::corrupt");
    assert_eq!(blamed.damage().len(), 1);
    assert_eq!(blamed.damage()[0].item, Item::Blob(blob));
    // A failure that says itself what is damaged: once is enough.
    let read = bench.store.read(&blob, 100).unwrap_err();
    let failure = BuildError::Write { title: "write".to_owned(), source: Box::new(read) };
    assert_eq!(failure.damage().len(), 1);
    assert_eq!(bench.engine().blame("write", failure, &[tree]).damage().len(), 1);
}
