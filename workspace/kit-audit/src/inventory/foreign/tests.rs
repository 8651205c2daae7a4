use kit_tree::blobs::MemoryBlobs;
use kit_tree::{BlobSink as _, Meta, Mode};

use super::*;

/// Reads a root of these files; a text that begins with `->` is a link.
fn read(files: &[(&str, &str)]) -> (Foreign, Tree, MemoryBlobs) {
    let (mut tree, blobs) = (Tree::new(), MemoryBlobs::default());
    for (at, text) in files {
        let path: TreePath = at.parse().unwrap();
        tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).unwrap();
        let entry = if let Some(target) = text.strip_prefix("->") {
            Entry::symlink(target)
        } else {
            let (blob, size) = blobs.put(&mut text.as_bytes()).unwrap();
            Entry::File { meta: Meta::root(Mode::FILE), blob, size }
        };
        tree.insert(path, entry).unwrap();
    }
    let known = Known { name: "web.tar", architecture: Some("amd64"), pin: None };
    (Foreign::read(known, &tree, &blobs), tree, blobs)
}

fn owners(foreign: &Foreign) -> BTreeMap<String, String> {
    let files = foreign.inventory.files.iter().filter(|file| !file.entry.is_directory());
    files.map(|file| (file.path.to_string(), file.owner.to_string())).collect()
}

const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
const STATUS: &str = "\
Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc
Version: 2.36-9+deb12u14
Description: GNU C Library
 goes on
 here

Package: gone
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: perl-base
Status: install ok installed
Architecture: amd64
Source: perl (5.36.0-7)
Version: 5.36.0-7+b1
";

#[test]
fn dpkg_says_what_there_is_and_whose_it_is() {
    let (foreign, ..) = read(&[
        ("/usr/lib/os-release", DEBIAN),
        ("/etc/os-release", "->../usr/lib/os-release"),
        ("/lib", "->usr/lib"),
        ("/usr/lib/libc.so.6", "c"),
        ("/usr/bin/perl", "perl"),
        ("/usr/local/bin/own", "own program"),
        ("/var/lib/dpkg/status", STATUS),
        // Older than the `/usr` that has all.
        ("/var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib\n/lib/libc.so.6\n"),
        ("/var/lib/dpkg/info/perl-base.list", "/.\n/usr\n/usr/bin\n/usr/bin/perl\n/usr/bin/not-there\n"),
    ]);
    assert_eq!(foreign.odd, [] as [&str; 0]);
    let owners = owners(&foreign);
    assert_eq!(owners["/usr/lib/libc.so.6"], "libc6 2.36-9+deb12u14");
    assert_eq!(owners["/usr/bin/perl"], "perl-base 5.36.0-7+b1");
    assert_eq!(owners["/usr/local/bin/own"], "image web.tar");
    let found: Vec<_> = foreign.unowned().map(|file| file.path.to_string()).collect();
    assert_eq!(found, ["/etc/os-release", "/usr/lib/os-release", "/usr/local/bin/own"]);
    let of = |name: &str| {
        let all = &foreign.inventory.components;
        all.values().find(|component| component.name == name).cloned()
    };
    assert!(of("gone").is_none());
    let perl = of("perl-base").unwrap();
    let source = perl.source.map(|source| (source.name, source.version));
    assert_eq!(source, Some(("perl".to_owned(), "5.36.0-7".to_owned())));
    assert_eq!((perl.suite.as_deref(), perl.files), (Some("bookworm"), 3));
    let libc = of("libc6").unwrap();
    assert_eq!(libc.source.unwrap().version, "2.36-9+deb12u14");
    assert_eq!(
        libc.purl.as_deref(),
        Some("pkg:deb/debian/libc6@2.36-9%2Bdeb12u14?arch=amd64&distro=bookworm")
    );
    assert_eq!(libc.summary.as_deref(), Some("GNU C Library"));
}

#[test]
fn images_without_a_package_manager_say_it_a_package_at_a_time() {
    let single = "Package: tzdata\nVersion: 2024a-0+deb12u1\nArchitecture: all\n";
    let (foreign, ..) = read(&[
        ("/etc/os-release", DEBIAN),
        ("/usr/share/zoneinfo/UTC", "tz"),
        ("/var/lib/dpkg/status.d/tzdata", single),
        (
            "/var/lib/dpkg/status.d/tzdata.md5sums",
            "0123456789abcdef0123456789abcdef  usr/share/zoneinfo/UTC\n",
        ),
    ]);
    assert_eq!(owners(&foreign)["/usr/share/zoneinfo/UTC"], "tzdata 2024a-0+deb12u1");
    assert_eq!(foreign.odd, [] as [&str; 0]);
}

#[test]
fn apk_says_it_too() {
    let installed = "P:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\nT:the musl c library\nF:lib\nR:ld-musl.so\n\nP:top\nV:1\nF:\nR:own\n\n";
    let (foreign, tree, blobs) = read(&[
        ("/etc/os-release", "ID=alpine\nVERSION_ID=3.20.1\nPRETTY_NAME='Alpine Linux v3.20'\n"),
        ("/lib/ld-musl.so", "m"),
        ("/own", "o"),
        ("/lib/apk/db/installed", installed),
    ]);
    let owners = owners(&foreign);
    assert_eq!([&owners["/lib/ld-musl.so"], &owners["/own"]], ["musl 1.2.5-r0", "top 1"]);
    assert_eq!(foreign.system.as_ref().unwrap().words(), "Alpine Linux v3.20");
    assert_eq!(foreign.system.as_ref().unwrap().debian_suite(), None);
    let licences = foreign.licences(&tree, &blobs);
    let musl = ComponentId::Apk { name: "musl".to_owned(), version: "1.2.5-r0".to_owned() };
    assert_eq!(licences[&musl].expression(), Some("MIT"));
    let purl = foreign.inventory.components[&musl].purl.as_deref();
    assert_eq!(purl, Some("pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64"));
}

#[test]
fn hostile_lists_are_told_and_nothing_else_happens() {
    let long = "x".repeat(300);
    let status = format!(
        "Package: ../../etc\nVersion: 1\nArchitecture: all\n\nPackage: ok\nVersion: 1 2\nArchitecture: all\n\n\
         no field at all\n\nPackage: {long}\nVersion: 1\nArchitecture: all\n\nVersion: 1\nArchitecture: all\n\n\
         Package: a\nSource: b (c) <d>\nVersion: 1\nArchitecture: all\n\n\u{0}\u{1}\u{fffd}\n\n\
         Package: good\nVersion: 1\nArchitecture: all\n"
    );
    let (foreign, ..) = read(&[
        ("/etc/os-release", "ID=\"deb\u{1b}[31mian\"\nnothing\n=\nKIT_PIN"),
        ("/var/lib/dpkg/status", &status),
        ("/var/lib/dpkg/info/good.list", "/../../etc/passwd\n//a\n/usr/bin/tool\n\u{0}\n"),
        ("/usr/bin/tool", "t"),
        ("/etc/passwd", "root"),
        ("/var/lib/dpkg/status.d/loop", "->loop"),
    ]);
    assert_eq!(owners(&foreign)["/usr/bin/tool"], "good 1");
    assert_eq!(owners(&foreign)["/etc/passwd"], "image web.tar");
    assert_eq!(foreign.inventory.components.len(), 2);
    assert_eq!(
        foreign.odd.iter().filter(|odd| odd.starts_with("`/var/lib/dpkg/status`, line ")).count(),
        7,
        "{:#?}",
        foreign.odd
    );
    assert!(
        foreign.odd.iter().any(|odd| odd.contains("names the path `/../../etc/passwd`")),
        "{:?}",
        foreign.odd
    );
    assert!(foreign.odd.iter().all(|odd| odd.chars().count() < 300));
    // What a terminal could take for more than text is gone from what the image calls itself.
    assert_eq!(foreign.system.unwrap().id, "deb[31mian");
}

#[test]
fn more_than_can_be_told_is_told_once() {
    let status = "Package: a b\n\n".repeat(200);
    let (foreign, ..) = read(&[("/var/lib/dpkg/status", &status)]);
    assert_eq!(foreign.odd.len(), MOST_ODD + 1);
    assert!(!foreign.has_packages());
}

/// Which lists were read is seen by what is odd in them.
#[test]
fn no_more_lists_are_read_than_count() {
    let paths = "/\n".repeat(MOST_PATHS + 1);
    let long = "x".repeat(usize::try_from(LONGEST_FILES).unwrap() + 1);
    let status = "Package: a\nVersion: 1\nArchitecture: all\n\nPackage: b\nVersion: 1\nArchitecture: all\n";
    let (foreign, ..) = read(&[
        ("/var/lib/dpkg/status", status),
        ("/var/lib/dpkg/info/a.list", &paths),
        ("/var/lib/dpkg/info/b.list", &long),
    ]);
    assert_eq!(foreign.odd, [format!("lists name more than {MOST_PATHS} paths")]);
    assert_eq!(foreign.inventory.components.len(), 3);
    let package = |number: usize| format!("Package: a{number}\nVersion: 1\nArchitecture: all\n\n");
    let many = (0..=MOST_PACKAGES).map(package).collect::<Vec<_>>().concat();
    let (foreign, ..) = read(&[
        ("/var/lib/dpkg/status", &format!("{many}no field\n")),
        ("/var/lib/dpkg/status.d/b", "no field\n"),
    ]);
    assert_eq!(foreign.odd, [format!("there are more than {MOST_PACKAGES} packages")]);
}

#[test]
fn lists_are_read_up_to_a_limit_in_all() {
    let mut tree = Tree::new();
    let blobs = MemoryBlobs::default();
    let (blob, size) = blobs.put(&mut &b"P:a\n"[..]).unwrap();
    for path in ["/one", "/two", "/three"] {
        tree.insert(path.parse().unwrap(), Entry::File { meta: Meta::root(Mode::FILE), blob, size }).unwrap();
    }
    let mut reader = Reader {
        root: &tree,
        blobs: &blobs,
        system: None,
        components: BTreeMap::new(),
        owners: BTreeMap::new(),
        paths: 0,
        left: 7,
        odd: Vec::new(),
    };
    let found = ["/one", "/two", "/three"].map(|path| reader.text(path, LONGEST_LIST).is_some());
    assert_eq!(found, [true, false, false]);
    assert_eq!(
        reader.odd,
        [format!("lists have more than {MOST_LISTED} bytes: none are read from `/two` on")]
    );
}
