//! Established tools, from locked packages, read what kit writes: GNU tar, cpio, zstd and skopeo.
#![expect(clippy::disallowed_methods, reason = "tests read what programs wrote")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_format::Limits;
use kit_format::oci::read_layout;
use kit_hash::{BlobId, Sha256};
use kit_recipe::Lockfile;
use kit_store::Store;
use kit_store::import::{ImportLimits, import};
use kit_tests::TestProject;
use kit_tests::formats::{Seen, record};

/// What `minimal` doesn't have: owners, set-uid and sticky bits, long and odd names, an empty file.
const ODD: &str = r#"
[[file]]
path = "/odd/owned"
contents = "x"
mode = "0640"
uid = 1000
gid = 4294967294

[[file]]
path = "/odd/setuid"
contents = "x"
mode = "4755"

[[file]]
path = "/odd/empty"
contents = ""

[[file]]
path = "/odd/Größe mit Leerzeichen"
contents = "ä"

[[file]]
path = "/odd/LONG/LONG"
contents = "long"

[[directory]]
path = "/odd/sticky"
mode = "1777"

[[symlink]]
path = "/odd/link"
target = "LONG/LONG/LONG/LONG"
"#;

/// The formats that these tools read.
const FORMATS: [&str; 3] =
    ["--format", "kernel+initrd,tar,tar+gzip,tar+zstd,tar-kernel-initrd,oci", "minimal"];

/// Makes a project whose image is `minimal` and what it doesn't have, and builds it.
fn built() -> TestProject {
    let project = TestProject::new();
    project.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock");
    let odd = ODD.replace("LONG", &"long-name-".repeat(20));
    project.write("recipes/images/minimal.toml", &(project.read("recipes/images/minimal.toml") + &odd));
    project.kit(&["lock"]).succeeded();
    project.kit(&[&["build"], &FORMATS[..]].concat()).succeeded();
    project
}

/// Runs a program of a tool in the project and returns what it printed.
fn tool(project: &TestProject, tool: &str, command: &[&str]) -> String {
    project.kit(&[&["tool", tool, "--"], command].concat()).succeeded().stdout
}

/// An entry of a tree, in the words that all tools share.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    /// As `ls -l` shows them, for example `drwxr-xr-x`.
    kind_and_mode: String,
    uid: u64,
    gid: u64,
    /// Size and BLAKE3 digest of a file.
    content: Option<(u64, String)>,
    /// Where a symlink points to.
    target: Option<String>,
}

/// Reads a dump of kit's own.
fn read_dump(dump: &str) -> BTreeMap<String, Entry> {
    dump.lines().map(entry_of_dump).collect()
}

fn entry_of_dump(line: &str) -> (String, Entry) {
    let kinds = [" dir ", " file ", " symlink "];
    let (at, kind) =
        kinds.iter().find_map(|kind| Some((line.find(kind)?, kind.trim()))).expect("a kind that is here");
    let (path, rest) = (&line[1..at], &line[at + kind.len() + 2..]);
    let words: Vec<_> = rest.splitn(4, ' ').collect();
    let mode = u32::from_str_radix(words[0], 8).expect("an octal mode");
    let (uid, gid) = words[1].split_once(':').expect("an owner");
    let content = || (words[2].parse().expect("a size"), words[3].to_owned());
    let entry = Entry {
        kind_and_mode: kind_and_mode(kind, mode),
        uid: uid.parse().expect("a number"),
        gid: gid.parse().expect("a number"),
        content: (kind == "file").then(content),
        target: rest.split_once(" -> ").map(|(_, target)| unescape(target)),
    };
    (unescape(path), entry)
}

/// Takes the `\xNN` of a dump back.
fn unescape(text: &str) -> String {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits"));
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).expect("names here are UTF-8")
}

fn kind_and_mode(kind: &str, mode: u32) -> String {
    let bit = |bit: u32, letter: char| if mode & bit == 0 { '-' } else { letter };
    let special = |bit: u32, execute: u32, letter: char| match (mode & bit != 0, mode & execute != 0) {
        (false, false) => '-',
        (false, true) => 'x',
        (true, true) => letter,
        (true, false) => letter.to_ascii_uppercase(),
    };
    let kind = match kind {
        "dir" => 'd',
        "symlink" => 'l',
        _ => '-',
    };
    String::from_iter([
        kind,
        bit(0o400, 'r'),
        bit(0o200, 'w'),
        special(0o4000, 0o100, 's'),
        bit(0o040, 'r'),
        bit(0o020, 'w'),
        special(0o2000, 0o010, 's'),
        bit(0o004, 'r'),
        bit(0o002, 'w'),
        special(0o1000, 0o001, 't'),
    ])
}

/// Splits the first words of a line off; returns them and what follows the single space after them.
fn words(line: &str, count: usize) -> (Vec<&str>, &str) {
    let (mut words, mut rest) = (Vec::new(), line);
    for _ in 0..count {
        rest = rest.trim_start();
        let end = rest.find(' ').expect("another word");
        words.push(&rest[..end]);
        rest = &rest[end..];
    }
    (words, &rest[1..])
}

/// Splits the target of a symlink off its name.
fn target_of<'a>(kind_and_mode: &str, name: &'a str) -> (&'a str, Option<String>) {
    match name.split_once(" -> ").filter(|_| kind_and_mode.starts_with('l')) {
        Some((name, target)) => (name, Some(target.to_owned())),
        None => (name, None),
    }
}

/// Compares what `tar --list --verbose --full-time` says with a tree.
fn compare_with_tar(listing: &str, tree: &BTreeMap<String, Entry>, time: &str) {
    let mut seen = BTreeSet::new();
    for line in listing.lines() {
        // Mode, owner and group, size, date, time.
        let (words, name) = words(line, 5);
        let (name, target) = target_of(words[0], name);
        let name = name.trim_start_matches("./").trim_end_matches('/');
        let entry = tree.get(name).unwrap_or_else(|| panic!("`{name}` is not in the tree"));
        let size = entry.content.as_ref().map_or(0, |(size, _)| *size);
        assert_eq!(words[0], entry.kind_and_mode, "{name}");
        assert_eq!(words[1], format!("{}/{}", entry.uid, entry.gid), "{name}");
        assert_eq!(words[2], size.to_string(), "{name}");
        assert_eq!(format!("{} {}", words[3], words[4]), time, "{name}");
        assert_eq!(target, entry.target, "{name}");
        assert!(seen.insert(name.to_owned()), "`{name}` comes twice");
    }
    assert_eq!(seen.len(), tree.len());
}

/// Compares files that a tool unpacked, all of them by the same user, with a tree without some of its paths.
fn compare_with_files(directory: &Path, tree: &BTreeMap<String, Entry>, without: &str) {
    for (name, entry) in tree.iter().filter(|(name, _)| *name != without) {
        let path = directory.join(name);
        let metadata = path.symlink_metadata().unwrap_or_else(|error| panic!("`{name}`: {error}"));
        let kind = if metadata.is_symlink() {
            "symlink"
        } else if metadata.is_dir() {
            "dir"
        } else {
            "file"
        };
        assert_eq!(
            kind_and_mode(kind, metadata.permissions().mode() & 0o7777),
            entry.kind_and_mode,
            "{name}"
        );
        if let Some((_, digest)) = &entry.content {
            let content = std::fs::read(&path).expect("it can be read");
            assert_eq!(BlobId::of(&content).to_string(), *digest, "{name}");
        }
        let target = entry.target.is_some().then(|| std::fs::read_link(&path).expect("it is a link"));
        assert_eq!(target, entry.target.as_ref().map(Into::into), "{name}");
    }
    let count = walk(directory);
    assert_eq!(count + usize::from(tree.contains_key(without)), tree.len(), "no more and no less");
}

/// Counts a directory and all below it.
fn walk(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).expect("it can be listed");
    let below = entries.map(|entry| {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() && !path.is_symlink() { walk(&path) } else { 1 }
    });
    1 + below.sum::<usize>()
}

fn lock(project: &TestProject) -> Lockfile {
    Lockfile::parse(&project.read("lockfiles/minimal.lock")).expect("kit writes what it can read")
}

/// Returns the source date of a lockfile's text as GNU tar shows it.
fn source_date(project: &TestProject) -> String {
    let text = project.read("lockfiles/minimal.lock");
    let line = text.lines().find(|line| line.starts_with("source-date = ")).expect("it has one");
    line.trim_start_matches("source-date = ").trim_end_matches('Z').replace('T', " ")
}

#[test]
fn gnu_tar_lists_and_extracts_the_tar() {
    let project = built();
    let tree = read_dump(&project.kit(&["show", "minimal", "--files"]).succeeded().stdout);
    let list = ["tar", "--list", "--verbose", "--numeric-owner", "--full-time", "--quoting-style=literal"];
    let listing = tool(&project, "gnu-tar", &[&list[..], &["--file=out/minimal.tar"]].concat());
    compare_with_tar(&listing, &tree, &source_date(&project));
    // A sandbox gives nobody a set-uid file.
    std::fs::create_dir(project.path().join("tar")).expect("it is new");
    let extract = ["tar", "--extract", "--preserve-permissions", "--directory=tar", "--exclude=odd/setuid"];
    tool(&project, "gnu-tar", &[&extract[..], &["--file=out/minimal.tar"]].concat());
    compare_with_files(&project.path().join("tar"), &tree, "odd/setuid");
    record("tar", Seen::ReadBy("tar"));
    the_same_archive_is_in_what_is_compressed(&project);
    the_archive_of_what_boots_has_its_files(&project);
}

fn the_same_archive_is_in_what_is_compressed(project: &TestProject) {
    let plain = read(project, "out/minimal.tar");
    // Of these tools none unpacks gzip, but busybox does, which the image has.
    let gunzip = ["shell", "busybox", "--bind", ".", "--", "gunzip", "-k", "out/minimal.tar.gz"];
    std::fs::remove_file(project.path().join("out/minimal.tar")).expect("it is there");
    project.kit(&gunzip).succeeded();
    assert!(read(project, "out/minimal.tar") == plain, "what gunzip unpacks is another archive");
    record("tar+gzip", Seen::ReadBy("busybox"));
    tool(project, "zstd", &["zstd", "--decompress", "--quiet", "--force", "out/minimal.tar.zst"]);
    assert!(read(project, "out/minimal.tar") == plain, "what zstd unpacks is another archive");
    record("tar+zstd", Seen::ReadBy("zstd"));
}

fn the_archive_of_what_boots_has_its_files(project: &TestProject) {
    std::fs::create_dir(project.path().join("boot")).expect("it is new");
    let extract = ["tar", "--extract", "--verbose", "--directory=boot", "--file=out/minimal-boot.tar"];
    let names = ["minimal-cmdline", "minimal-initrd.img", "minimal-kernel"];
    let listed = tool(project, "gnu-tar", &extract);
    assert_eq!(listed, names.iter().fold("./\n".to_owned(), |lines, name| lines + name + "\n"));
    for name in names {
        let same = read(project, &format!("boot/{name}")) == read(project, &format!("out/{name}"));
        assert!(same, "{name}");
    }
    record("tar-kernel-initrd", Seen::ReadBy("tar"));
}

fn read(project: &TestProject, path: &str) -> Vec<u8> {
    std::fs::read(project.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn zstd_and_cpio_read_the_initrd() {
    let project = built();
    let tree = read_dump(&project.kit(&["show", "minimal", "--files"]).succeeded().stdout);
    tool(&project, "zstd", &["zstd", "--test", "out/minimal-initrd.img"]);
    std::fs::create_dir(project.path().join("cpio")).expect("it is new");
    tool(&project, "zstd", &["zstd", "--decompress", "-o", "minimal.cpio", "out/minimal-initrd.img"]);
    let list = ["cpio", "--list", "--verbose", "--numeric-uid-gid", "--quiet", "--file=minimal.cpio"];
    let mut seen = BTreeSet::new();
    for line in tool(&project, "cpio", &list).lines() {
        // Mode, links, owner, group, size, month, day, year or time.
        let (words, name) = words(line, 8);
        let (name, target) = target_of(words[0], name);
        let name = if name == "." { "" } else { name };
        let entry = tree.get(name).unwrap_or_else(|| panic!("`{name}` is not in the tree"));
        assert_eq!(words[0], entry.kind_and_mode, "{name}");
        assert_eq!(format!("{} {}", words[2], words[3]), format!("{} {}", entry.uid, entry.gid), "{name}");
        assert_eq!(target, entry.target, "{name}");
        assert!(seen.insert(name.to_owned()), "`{name}` comes twice");
    }
    // The kernel makes `/` itself.
    seen.insert(String::new());
    assert_eq!(seen, tree.keys().cloned().collect());
    let extract = ["cpio", "--extract", "--make-directories", "--quiet", "--directory=cpio"];
    tool(&project, "cpio", &[&extract[..], &["--file=minimal.cpio", "--nonmatching", "odd/setuid"]].concat());
    compare_with_files(&project.path().join("cpio"), &tree, "odd/setuid");
    files_with_the_same_content_are_one(&project.path().join("cpio"), &tree);
    for tool in ["zstd", "cpio"] {
        record("kernel+initrd", Seen::ReadBy(tool));
    }
}

/// What two containers have in common is there once.
fn files_with_the_same_content_are_one(directory: &Path, tree: &BTreeMap<String, Entry>) {
    let mut inodes: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
    let mut names = 0;
    for (name, entry) in tree.iter().filter(|(name, _)| *name != "odd/setuid") {
        if let Some((size @ 1.., digest)) = &entry.content {
            let key = (digest, size, &entry.kind_and_mode, entry.uid, entry.gid);
            let inode = directory.join(name).metadata().expect("it is there").ino();
            inodes.entry(key).or_default().insert(inode);
            names += 1;
        }
    }
    assert!(inodes.values().all(|inodes| inodes.len() == 1), "{inodes:?}");
    assert!(inodes.len() < names, "both containers have busybox");
}

#[test]
fn skopeo_reads_and_copies_the_images_that_the_lockfile_pins() {
    let project = built();
    let tree = read_dump(&project.kit(&["show", "minimal", "--files"]).succeeded().stdout);
    let lock = lock(&project);
    assert_eq!(lock.containers.len(), 2);
    for (name, pin) in &lock.containers {
        let from = format!("oci:out/minimal.oci:minimal-{name}");
        let manifest = tool(&project, "skopeo", &["skopeo", "inspect", "--raw", &from]);
        assert_eq!(Sha256::of(manifest.as_bytes()), pin.manifest, "{name}");
        let config = tool(&project, "skopeo", &["skopeo", "inspect", "--config", "--raw", &from]);
        assert_eq!(Sha256::of(config.as_bytes()), pin.config, "{name}");

        let layout = format!("oci:copied-{name}:again");
        tool(&project, "skopeo", &["skopeo", "copy", "--preserve-digests", &from, &layout]);
        let copied = tool(&project, "skopeo", &["skopeo", "inspect", "--raw", &layout]);
        assert_eq!(copied, manifest, "{name}");

        // Skopeo checks the digest of what it decompresses against the configuration.
        let directory = format!("plain-{name}");
        let to = format!("dir:{directory}");
        tool(&project, "skopeo", &["skopeo", "copy", "--dest-decompress", &from, &to]);
        let manifest: serde_json::Value =
            serde_json::from_str(&project.read(&format!("{directory}/manifest.json"))).expect("it is JSON");
        let layers = manifest["layers"].as_array().expect("it has layers");
        assert_eq!(layers.len(), pin.layers.len(), "{name}");
        let digest = layers[0]["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:"));
        let layer = format!("--file={directory}/{}", digest.expect("it has a digest"));
        let list =
            ["tar", "--list", "--verbose", "--numeric-owner", "--full-time", "--quoting-style=literal"];
        let listing = tool(&project, "gnu-tar", &[&list[..], &[&layer]].concat());
        compare_with_tar(&listing, &root_of(&tree, name.as_str()), &source_date(&project));
    }
    let from = "oci:out/minimal.oci:minimal";
    tool(&project, "skopeo", &["skopeo", "copy", "--preserve-digests", from, "oci:copied:again"]);
    record("oci", Seen::ReadBy("skopeo"));
}

/// Returns the root of a container inside of an image.
fn root_of(tree: &BTreeMap<String, Entry>, container: &str) -> BTreeMap<String, Entry> {
    let suffix = format!("-{container}/rootfs");
    let top = tree.keys().find(|name| name.ends_with(&suffix)).expect("it is in the image");
    let below = tree.iter().filter_map(|(name, entry)| {
        Some((name.strip_prefix(top)?.trim_start_matches('/').to_owned(), entry.clone()))
    });
    below.collect()
}

#[test]
fn a_program_of_a_tool_answers_for_itself() {
    let project = TestProject::new();
    let run = |tool: &str, program: &[&str]| project.kit(&[&["tool", tool, "--"], program].concat());
    run("gnu-tar", &["tar", "--list", "--file=missing"]).failed(2, &["tar: missing: Cannot open"]);
    run("gnu-tar", &["missing"]).failed(2, &["kit::tool::start", "there is no program `missing` inside"]);
    run("missing", &["tar"]).failed(1, &["kit::tools::missing", "`missing`"]);
}

#[test]
fn kit_reads_its_own_layout() {
    let project = built();
    let lock = lock(&project);
    let open =
        |path: &Path| Dir::open_ambient_dir(path, ambient_authority()).expect("the directory is there");
    let place = tempfile::tempdir().expect("a directory");
    let store = Store::open(open(place.path()), place.path()).expect("a store");
    let limits = ImportLimits { entries: 1000, bytes: 1 << 30 };
    let tree = import(&open(&project.path().join("out/minimal.oci")), &limits, &store).expect("plain files");
    let images = read_layout(&tree, &store, &Limits::standard()).expect("kit reads what it writes");
    let names: Vec<_> = images.iter().map(|image| image.ref_name.clone().unwrap_or_default()).collect();
    assert_eq!(names, ["minimal", "minimal-shell", "minimal-sysctl"]);
    for image in &images[1..] {
        let name = image.ref_name.as_deref().and_then(|name| name.strip_prefix("minimal-"));
        let pin = &lock.containers[&name.expect("it has a name").parse().expect("it is a name")];
        let layers: Vec<_> = image.layers.iter().map(|layer| layer.digest).collect();
        assert_eq!((&image.manifest, &image.config, &layers), (&pin.manifest, &pin.config, &pin.layers));
        assert_eq!(image.platform, pin.platform);
    }
}
