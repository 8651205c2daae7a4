use std::collections::BTreeMap;

use kit_hash::BlobId;
use kit_tree::{Meta, Mode};

use super::*;

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn file(text: &str, mode: u32) -> Entry {
    let meta = Meta::root(Mode::new(mode).unwrap());
    Entry::File { meta, blob: BlobId::of(text.as_bytes()), size: text.len() as u64 }
}

fn tree(entries: &[(&str, Entry)]) -> Tree {
    let mut tree = Tree::new();
    for (at, entry) in entries {
        tree.make_parents(&path(at), &Meta::root(Mode::DIRECTORY)).unwrap();
        tree.insert(path(at), entry.clone()).unwrap();
    }
    tree
}

/// An inventory where all is the package `demo`.
fn inventory(locked: &Tree) -> Inventory {
    let owner = ComponentId::Recipe(kit_recipe::recipe::RecipeName::Package("demo".parse().unwrap()));
    let file = |(path, entry): (&TreePath, &Entry)| File {
        place: Place::Root,
        path: path.clone(),
        entry: entry.clone(),
        owner: owner.clone(),
    };
    let mut inventory = Inventory {
        image: "demo".to_owned(),
        pin: None,
        architecture: "x86_64".to_owned(),
        source_date: 0,
        components: BTreeMap::from([(owner.clone(), Component::named("demo"))]),
        files: locked.entries().map(file).collect(),
    };
    inventory.count_files();
    inventory
}

#[test]
fn each_way_to_differ_is_told_with_its_owner() {
    let locked = tree(&[
        ("/bin/same", file("a", 0o755)),
        ("/bin/content", file("a", 0o755)),
        ("/bin/mode", file("a", 0o755)),
        ("/bin/gone", file("a", 0o755)),
        ("/bin/link", Entry::symlink("same")),
        ("/bin/kind", file("a", 0o755)),
    ]);
    let found = tree(&[
        ("/bin/same", file("a", 0o755)),
        ("/bin/content", file("bb", 0o755)),
        ("/bin/mode", file("a", 0o4755)),
        ("/bin/link", Entry::symlink("content")),
        ("/bin/kind", Entry::directory()),
        ("/bin/kind/new", file("a", 0o644)),
    ]);
    let mut inventory = inventory(&locked);
    let told: Vec<_> = inventory
        .take_found(&locked, &found, Attributes::Kept)
        .into_iter()
        .map(|one| {
            let owner = one.owner.map_or_else(String::new, |owner| owner.to_string());
            format!("{} {} [{}] {owner}", one.how.word(), one.path, one.what.join(", "))
        })
        .collect();
    assert_eq!(
        told,
        [
            "changed /bin/content [content of 1 bytes is another one of 2] package demo",
            "missing /bin/gone [] package demo",
            "changed /bin/kind [a file is a directory] package demo",
            "added /bin/kind/new [] ",
            "changed /bin/link [leads to `content` instead of `same`] package demo",
            "changed /bin/mode [mode 0755 is 4755] package demo",
        ]
    );
    // What was found is what there is, and what was altered is nobody's.
    let paths: Vec<_> = inventory.files.iter().map(|file| file.path.to_string()).collect();
    assert!(
        paths.contains(&"/bin/kind/new".to_owned()) && !paths.contains(&"/bin/gone".to_owned()),
        "{paths:?}"
    );
    let owner = |at: &str| inventory.file(&path(at)).unwrap().owner.to_string();
    assert_eq!([owner("/bin/same"), owner("/bin/content")], ["package demo", "image demo, altered"]);
    let altered = &inventory.components[&ComponentId::Foreign("demo, altered".to_owned())];
    assert_eq!((altered.files, altered.bytes), (5, 4));
}

#[test]
fn the_same_is_the_same_and_initrds_have_no_attributes() {
    let with = |value: &[u8]| {
        let xattrs = BTreeMap::from([(b"security.capability".to_vec(), value.to_vec())]);
        let meta = Meta { xattrs, ..Meta::root(Mode::FILE) };
        tree(&[("/bin/a", Entry::File { meta, blob: BlobId::of(b"a"), size: 1 })])
    };
    let (locked, other) = (with(b"1"), with(b"2"));
    let mut inventory = inventory(&locked);
    let before = inventory.clone();
    assert_eq!(inventory.take_found(&locked, &locked, Attributes::Kept), []);
    assert_eq!(inventory.take_found(&locked, &other, Attributes::Left), []);
    assert_eq!(inventory, before);
    assert_eq!(inventory.take_found(&locked, &other, Attributes::Kept).len(), 1);
}

#[test]
fn names_of_one_file_are_compared_as_files() {
    let locked = tree(&[("/a", file("x", 0o644)), ("/b", file("x", 0o644))]);
    let found = tree(&[("/a", file("x", 0o644)), ("/b", Entry::HardLink { target: path("/a") })]);
    assert_eq!(inventory(&locked).take_found(&locked, &found, Attributes::Kept), []);
}
