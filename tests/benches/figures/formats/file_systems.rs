//! A Debian root as `SquashFS` and EROFS: kit's writers beside `mksquashfs` and `mkfs.erofs`.
//!
//! Both get the same files, which are in the page cache, as many threads as there are processors, and the same codec, level and size of
//! blocks. They take turns. kit reads from its store, where it checks each file's digest, and keeps what it has compressed there before it writes
//! the file; the others read a directory. xz is and gzip are so slow that they get a part of the files.

use std::path::Path;
use std::process::Command;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::TreeId;
use kit_recipe::Lockfile;
use kit_store::Materialise;
use kit_store::Store;
use kit_tests::{TestProject, program};
use kit_tree::{Entry, Meta, Mode, Tree, TreePath};

use super::{memory, package, ratio, walls, writer};
use crate::process::{self, Watched};
use crate::stores;
use crate::table::Row;

/// With all that they depend on, these are a gigabyte.
const LARGE: [&str; 8] = [
    "ffmpeg",
    "gcc",
    "git",
    "nginx-full",
    "openssh-server",
    "python3-cryptography",
    "qemu-system-arm",
    "qemu-system-x86",
];
/// What of it the slow ones get.
const PART: &str = "usr/bin";
const MB: u64 = 1_000_000;

/// A file system, and what makes it otherwise.
struct Case {
    /// The word of [`writer`].
    kind: &'static str,
    what: &'static str,
    tool: &'static str,
    /// What the tool gets besides files; `{}` is the number of processors.
    options: &'static [&'static str],
    runs: usize,
    /// Whether it is written of a part of the files.
    part: bool,
}

const SQUASHFS: [&str; 8] =
    ["-noappend", "-quiet", "-no-progress", "-all-root", "-b", "131072", "-processors", "{}"];

const CASES: [Case; 5] = [
    Case {
        kind: "squashfs-zstd",
        what: "SquashFS, zstd 15",
        tool: "mksquashfs",
        options: &["-comp", "zstd", "-Xcompression-level", "15"],
        runs: 1,
        part: false,
    },
    Case {
        kind: "squashfs-gzip",
        what: "SquashFS, gzip 9",
        tool: "mksquashfs",
        options: &["-comp", "gzip", "-Xcompression-level", "9"],
        runs: 1,
        part: true,
    },
    Case {
        kind: "squashfs-xz",
        what: "SquashFS, xz 6",
        tool: "mksquashfs",
        options: &["-comp", "xz"],
        runs: 1,
        part: true,
    },
    Case { kind: "erofs", what: "EROFS", tool: "mkfs.erofs", options: &[], runs: 3, part: false },
    Case {
        kind: "erofs-lz4",
        what: "EROFS, lz4hc, clusters of 64 KiB",
        tool: "mkfs.erofs",
        options: &["-zlz4hc", "-C65536"],
        runs: 1,
        part: false,
    },
];

pub(crate) fn measure() -> Vec<Row> {
    let warm = TestProject::new();
    warm.write("recipes/packages/large.toml", &package("large", &LARGE));
    // Tools have no outputs: what is locked is what was unpacked.
    warm.write("recipes/tools.toml", "[tools]\npackages = [\"large\"]\n");
    warm.kit(&["lock", "tools"]).succeeded();
    let lock = Lockfile::parse(&warm.read("lockfiles/tools.lock")).expect("kit reads what it writes");
    let step = lock.steps.get("package large").expect("it was put together");
    // What is compressed is large and worth nothing afterwards.
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    stores::twin(&program::shared_store(), &place.path().join("store"));
    let store = stores::open(&place.path().join("store"));
    let all = store.tree(&step.tree).expect("it was put together");
    let part = below(&all, PART);
    let roots = [(&all, "all"), (&part, "part")]
        .map(|(tree, name)| Root::make(&store, tree, &place.path().join(name)));
    drop(store);
    CASES.iter().flat_map(|case| case.measure(&roots[usize::from(case.part)], place.path())).collect()
}

/// A tree, and the same as a directory.
struct Root {
    id: TreeId,
    directory: std::path::PathBuf,
    bytes: u64,
}

impl Root {
    fn make(store: &Store, tree: &Tree, directory: &Path) -> Self {
        std::fs::create_dir(directory).expect("a directory");
        let dir = Dir::open_ambient_dir(directory, ambient_authority()).expect("a directory");
        store.materialise(tree, &dir, directory, Materialise::Copies).expect("room");
        let id = store.put_tree(tree).expect("room");
        Self { id, directory: directory.to_owned(), bytes: tree.content_size() }
    }
}

/// Returns what lies below a directory.
fn below(tree: &Tree, directory: &str) -> Tree {
    let path = TreePath::new(directory).expect("a path");
    let mut part = Tree::new();
    part.make_parents(&path, &Meta::root(Mode::DIRECTORY)).expect("it is empty");
    part.insert(path.clone(), Entry::directory()).expect("its parents are there");
    for (path, entry) in tree.below(&path) {
        // A second name of a file whose first one lies elsewhere stays away.
        _ = part.insert(path.clone(), entry.clone());
    }
    part
}

impl Case {
    fn measure(&self, root: &Root, place: &Path) -> Vec<Row> {
        let (ours, theirs) =
            (place.join(format!("{}.kit", self.kind)), place.join(format!("{}.tool", self.kind)));
        let what = format!("{} of {} MB of files", self.what, root.bytes / MB);
        if Command::new(self.tool).arg("-version").output().is_err() {
            let runs = format!("{} is not on this machine", self.tool);
            return vec![Row { what, figure: "not measured".to_owned(), runs, limit: "" }];
        }
        let (mut kit, mut tool) = (Vec::new(), Vec::new());
        for _ in 0..self.runs {
            rustix::fs::sync();
            kit.push(process::watch(&mut writer::command(self.kind, &place.join("store"), &root.id, &ours)));
            rustix::fs::sync();
            _ = std::fs::remove_file(&theirs);
            tool.push(process::watch(&mut self.tool_command(root, &theirs)));
        }
        self.rows(&what, (&kit, &tool), (length(&ours), length(&theirs)))
    }

    fn tool_command(&self, root: &Root, file: &Path) -> Command {
        let count = std::thread::available_parallelism().map_or(1, usize::from).to_string();
        let mut command = Command::new(self.tool);
        if self.tool == "mksquashfs" {
            command.arg(&root.directory).arg(file);
            command.args(SQUASHFS.iter().map(|option| option.replace("{}", &count))).args(self.options);
        } else {
            command.args(["--quiet", "-T0", "--all-root"]).args(self.options).arg(file).arg(&root.directory);
        }
        command
    }

    fn rows(&self, what: &str, (ours, theirs): (&[Watched], &[Watched]), sizes: (u64, u64)) -> Vec<Row> {
        let (kit, tool) = sizes;
        #[expect(clippy::cast_precision_loss, reason = "a ratio of lengths needs few digits")]
        let larger = (kit as f64 / tool as f64 - 1.0) * 100.0;
        let size = Row {
            what: "kit's file is larger by".to_owned(),
            figure: format!("{larger:.1} %"),
            runs: format!("{} and {} MB", kit / MB, tool / MB),
            limit: "at most 2 %",
        };
        vec![
            walls(what, ours),
            walls(&format!("the same by `{}`", self.tool), theirs),
            ratio("kit is faster by".to_owned(), ours, theirs, "at least 1 time"),
            size,
            memory("peak of kit's memory".to_owned(), ours, "under 128 MiB"),
            memory(format!("that of `{}`", self.tool), theirs, ""),
        ]
    }
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).expect("it was written").len()
}
