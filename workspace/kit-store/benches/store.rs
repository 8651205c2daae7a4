//! Speed of the store: `cargo bench -p kit-store`, in the directory for temporary files.
//!
//! Prints milliseconds; the first line is what the file system itself takes to write as many files, to compare with.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark makes its own directories and prints"
)]

use std::time::Instant;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::{Identity as _, ResolvedId};
use kit_store::import::ImportLimits;
use kit_store::{Cost, Durability, Materialise, Record, Store, import};
use kit_tree::{Mode, Tree, TreePath};

const FILES: usize = 10_000;

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    println!("{what:<58} {:>9.1} ms", start.elapsed().as_secs_f64() * 1000.0);
    result
}

fn content(number: usize) -> Vec<u8> {
    number.to_string().repeat(200 + number % 500).into_bytes()
}

fn main() {
    let root = tempfile::tempdir().expect("a directory for temporary files");
    let raw = root.path().join("raw");
    std::fs::create_dir(&raw).expect("room");
    timed("10,000 small files written without a store", || {
        for number in 0..FILES {
            std::fs::write(raw.join(number.to_string()), content(number)).expect("room");
        }
    });
    let path = root.path().join("store");
    std::fs::create_dir(&path).expect("room");
    let dir = || Dir::open_ambient_dir(&path, ambient_authority()).expect("a directory");
    let store = timed("open a new store", || Store::open(dir(), &path).expect("a store"));
    let mut tree = Tree::new();
    timed("put 10,000 small files", || {
        for number in 0..FILES {
            let bytes = content(number);
            let blob = store.put_bytes(&bytes).expect("room");
            let file = TreePath::new(format!("usr/share/d{}/f{number}", number % 300)).expect("a path");
            let mode = if number % 20 == 0 { Mode::PROGRAM } else { Mode::FILE };
            tree.insert_file(file, mode, blob, bytes.len() as u64).expect("a place");
        }
    });
    let id = timed("put their tree", || store.put_tree(&tree).expect("room"));
    // Only what took long is synced at once.
    let cost = Cost { wall_millis: 1000, ..Cost::default() };
    let record = Record { tree: id, log: None, cost };
    let put = |n| store.put_record(&ResolvedId::from_bytes([n; 32]), &record).expect("room");
    timed("put its record, which syncs all of it", || put(1));
    timed("put another record, with little to sync", || put(2));
    timed("put the same 10,000 files again", || {
        (0..FILES).for_each(|number| _ = store.put_bytes(&content(number)).expect("room"));
    });
    timed("open the store again", || drop(Store::open(dir(), &path).expect("a store")));
    timed("read the tree", || store.tree(&id).expect("a tree"));
    timed("find the tree complete", || assert!(store.has_tree_complete(&id).expect("a tree")));
    let fill = |how| {
        let scratch = store.scratch().expect("room");
        store.materialise(&tree, scratch.dir(), scratch.path(), how).expect("room");
        scratch
    };
    timed("materialise by hard links, 500 programs made first", || fill(Materialise::HardLinks));
    let linked = timed("materialise by hard links", || fill(Materialise::HardLinks));
    let copied = timed("materialise as copies", || fill(Materialise::Copies));
    let limits = ImportLimits { entries: u64::MAX, bytes: u64::MAX };
    timed("import what is in the store already", || {
        assert_eq!(import(copied.dir(), &limits, &store).expect("a tree").id(), tree.id());
    });
    timed("remove the hard links", || drop(linked));
    timed("materialised, made", || drop(store.materialised(&id).expect("room")));
    timed("materialised, there", || drop(store.materialised(&id).expect("room")));
    timed("verify", || assert!(store.verify(&mut |_| ()).expect("a store").is_empty()));
    timed("measure", || store.du().expect("a store"));
    drop(copied);
    drop(store);
    let quick = Store::open_with(dir(), &path, Durability::Kill, &mut || ()).expect("a store");
    let put = |n| quick.put_record(&ResolvedId::from_bytes([n; 32]), &record).expect("room");
    timed("put a record that need not survive a power cut", || put(3));
}
