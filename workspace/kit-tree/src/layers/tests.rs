use kit_hash::BlobId;

use super::*;
use crate::dump::Dump;

/// A layer of lines `KIND PATH [REST]`: directories, files with a text, links, hard links, those to layers below (`lower`); `implied` ones too.
fn layer(text: &str) -> Tree {
    let (mut tree, mut implied, mut linked) = (Tree::new(), BTreeSet::new(), BTreeMap::new());
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<_> = line.splitn(3, ' ').collect();
        let path = TreePath::new(words[1]).unwrap();
        let rest = words.get(2).copied().unwrap_or_default();
        let entry = match words[0] {
            "implied" => {
                implied.insert(path.clone());
                Entry::directory()
            }
            "dir" => {
                let mode = u32::from_str_radix(rest, 8).unwrap_or(0o755);
                Entry::Directory(Meta::root(Mode::new(mode).unwrap()))
            }
            "file" => Entry::File {
                meta: Meta::root(Mode::FILE),
                blob: BlobId::of(rest.as_bytes()),
                size: rest.len() as u64,
            },
            "link" => Entry::symlink(rest.as_bytes()),
            "lower" => {
                linked.insert(path.clone(), TreePath::new(rest).unwrap());
                Entry::File { meta: Meta::root(Mode::FILE), blob: BlobId::of(b""), size: 0 }
            }
            "hard" => Entry::HardLink { target: TreePath::new(rest).unwrap() },
            other => panic!("{other}"),
        };
        tree.insert(path, entry).unwrap();
    }
    Layer::new(tree, implied, linked).unwrap().into_tree()
}

#[track_caller]
fn gives(layers: &[&str], expected: &str) {
    let layers: Vec<_> = layers.iter().map(|text| layer(text)).collect();
    let stacked = stack(&layers.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(Dump(&stacked).to_string(), Dump(&layer(expected)).to_string());
}

#[test]
fn later_layers_replace_and_hide() {
    gives(
        &[
            "dir a\nfile a/one 1\nfile a/two 2\ndir b\nfile b/x x\nfile c c\nfile c-d d",
            "implied a\nfile a/.wh.one \nfile a/three 3\nfile .wh.c \ndir b 700\nfile b/.wh..wh..opq \nfile b/y y",
        ],
        "dir a\nfile a/two 2\nfile a/three 3\ndir b 700\nfile b/y y\nfile c-d d",
    );
}

#[test]
fn a_name_that_is_hidden_and_there_is_there() {
    gives(
        &[
            "dir d\nfile d/-x 1\nfile d/x 1",
            "implied d\nfile d/-x 2\nfile d/.wh.-x \nfile d/.wh.x \nfile d/x 2",
        ],
        "dir d\nfile d/-x 2\nfile d/x 2",
    );
}

#[test]
fn directories_that_are_only_implied_stay_as_they_are() {
    gives(&["dir tmp 1777", "implied tmp\nfile tmp/a a"], "dir tmp 1777\nfile tmp/a a");
    gives(&["dir tmp 1777", "dir tmp 755"], "dir tmp 755");
    gives(&["implied srv\nfile srv/a a"], "dir srv 755\nfile srv/a a");
}

#[test]
fn kinds_replace_each_other_whole() {
    gives(&["dir a\nfile a/x x", "file a a"], "file a a");
    gives(&["file a a", "dir a\nfile a/x x"], "dir a\nfile a/x x");
    gives(&["link a b\ndir b", "dir a\nfile a/x x"], "dir a\nfile a/x x\ndir b");
}

#[test]
fn links_below_are_followed_inside_of_the_root() {
    gives(
        &[
            "link lib ../../usr/lib\ndir usr\nlink usr/lib /usr/lib64\ndir usr/lib64\nfile usr/lib64/old o",
            "implied lib\nfile lib/new n\nfile lib/.wh.old ",
        ],
        "link lib ../../usr/lib\ndir usr\nlink usr/lib /usr/lib64\ndir usr/lib64\nfile usr/lib64/new n",
    );
    let (below, above) = (layer("link z b\ndir b"), layer("implied z\nfile z/x x\nfile b b"));
    assert!(matches!(stack(&[&below, &above]), Err(LayerError::Link { .. })));
    let (below, above) = (layer("link a b\nlink b a"), layer("implied a\nfile a/x x"));
    assert!(matches!(stack(&[&below, &above]), Err(LayerError::Link { .. })));
}

#[test]
fn other_names_of_a_file_stay() {
    gives(&["file a 1\nhard b a\nhard c a", "file a 2"], "file a 2\nfile b 1\nhard c b");
    gives(&["file a 1\nhard b a", "file .wh.a "], "file b 1");
}

#[test]
fn files_below_get_further_names() {
    gives(&["file a 1\nlink s a", "lower b a\nlower t s"], "file a 1\nhard b a\nlink s a\nlink t a");
    // In one archive they are hidden or replaced after that.
    gives(&["file a 1", "lower b a\nfile .wh.a "], "file b 1");
    gives(&["file a 1", "file a 2\nlower b a"], "file a 2\nfile b 1");
    // Names of names, in whatever order they sort.
    gives(&["dir d\nfile d/x 1", "lower m d/x\nhard z m"], "dir d\nfile d/x 1\nhard m d/x\nhard z d/x");
    // The way to it leads through links of the layers below.
    gives(
        &["dir usr\ndir usr/bin\nlink bin usr/bin\nfile usr/bin/a 1", "implied bin\nlower bin/b bin/a"],
        "dir usr\ndir usr/bin\nlink bin usr/bin\nfile usr/bin/a 1\nhard usr/bin/b usr/bin/a",
    );
    gives(
        &["dir usr\ndir usr/bin\nlink bin usr/bin\nfile usr/bin/a 1", "lower b bin/a"],
        "dir usr\ndir usr/bin\nlink bin usr/bin\nfile b 1\nhard usr/bin/a b",
    );
    for target in ["none", "d", "d/none", "a/x"] {
        let (below, above) = (layer("dir d\nfile a 1"), layer(&format!("lower b {target}")));
        let error = stack(&[&below, &above]).unwrap_err();
        assert!(matches!(error, LayerError::Target { .. }), "{error}");
        assert!(error.to_string().contains(&format!("`/b` is a hard link to `/{target}`")), "{error}");
    }
    assert!(matches!(stack(&[&layer("lower b a")]), Err(LayerError::Target { .. })));
}

#[test]
fn what_old_file_systems_left_means_nothing() {
    gives(&["dir .wh..wh.plnk\nfile .wh..wh.plnk/1.2 x\nfile .wh..wh.aufs \nfile a a"], "file a a");
}

#[test]
fn what_cant_hide_anything_is_refused() {
    for text in ["dir .wh.a", "file .wh.a text", "link .wh.a b", "file .wh. ", "file .wh... ", "file .wh.. "]
    {
        let tree = || {
            let mut tree = Tree::new();
            let words: Vec<_> = text.splitn(3, ' ').collect();
            let entry = match words[0] {
                "dir" => Entry::directory(),
                "link" => Entry::symlink(b"b".as_slice()),
                _ => Entry::File {
                    meta: Meta::root(Mode::FILE),
                    blob: BlobId::of(words[2].as_bytes()),
                    size: words[2].len() as u64,
                },
            };
            tree.insert(TreePath::new(words[1]).unwrap(), entry).unwrap();
            tree
        };
        assert!(
            matches!(Layer::new(tree(), BTreeSet::new(), BTreeMap::new()), Err(LayerError::Whiteout { .. })),
            "{text}"
        );
    }
}

proptest::proptest! {
    /// Whatever layers hold, laying them over each other gives a tree or an error.
    #[test]
    fn never_panics(lines in proptest::collection::vec(
        ("implied|dir|file|link|hide|lower", "[ab](/[ab]){0,2}", "[ab./]{1,4}"), 0..12,
    )) {
        let mut layers = vec![(Tree::new(), BTreeSet::new(), BTreeMap::new()); 3];
        for (at, (kind, path, rest)) in lines.into_iter().enumerate() {
            let (tree, implied, linked) = &mut layers[at % 3];
            let (path, entry) = match kind.as_str() {
                "link" => (path, Entry::symlink(rest.into_bytes())),
                "hide" => {
                    let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
                    let file = Entry::File { meta: Meta::root(Mode::FILE), blob: BlobId::of(b""), size: 0 };
                    (format!("{directory}/.wh.{name}").trim_start_matches('/').to_owned(), file)
                }
                "lower" => {
                    if let (Ok(path), Ok(rest)) = (TreePath::new(&path), TreePath::new(rest)) {
                        linked.insert(path, rest);
                    }
                    (path, Entry::File { meta: Meta::root(Mode::FILE), blob: BlobId::of(b""), size: 0 })
                }
                "file" => {
                    (path, Entry::File { meta: Meta::root(Mode::FILE), blob: BlobId::of(b"x"), size: 1 })
                }
                _ => (path, Entry::directory()),
            };
            let path = TreePath::new(path).unwrap();
            let parents = tree.make_parents(&path, &Meta::root(Mode::DIRECTORY));
            if parents.is_ok() && tree.insert(path.clone(), entry).is_ok() && kind == "implied" {
                implied.insert(path);
            }
        }
        let layers: Vec<_> =
            layers.into_iter().filter_map(|(tree, implied, linked)| Layer::new(tree, implied, linked).ok()).collect();
        let layers: Vec<_> = layers.into_iter().map(Layer::into_tree).collect();
        _ = stack(&layers.iter().collect::<Vec<_>>());
    }
}
