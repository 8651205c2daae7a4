//! Two states of an image that differ in every part.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{BlobId, Sha256};
use kit_recipe::{Architecture, Container};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Meta, Mode, Tree};
use serde_json::{Value, json};

use crate::difference::State;
use crate::difference::kind::{Kind, Named};
use crate::difference::state::{Owned, Package, Vulnerabilities, Vulnerability};
use crate::finding::Severity;
use crate::hardening::kernel::KernelConfig;
use crate::inventory::tests::sample::name;
use crate::inventory::{Place, Role};

/// What breaks out of terminals, tables, code and pages.
pub(super) const HOSTILE: &str =
    "a`|b` <script>alert(1)</script> @someone **b** [x](http://x) <img src=x> \\|\u{202e}\x1b[0m";

fn named(kind: Kind, name: &str) -> Named {
    Named { kind, name: name.to_owned() }
}

fn debian(name: &str) -> Named {
    named(Kind::Debian, name)
}

type Packages = BTreeMap<Named, BTreeMap<String, Package>>;

fn packages(list: &[(Named, &str, Role)]) -> Packages {
    let mut all = Packages::new();
    for (named, version, role) in list {
        let package = Package { role: Some(*role), sha256: None };
        all.entry(named.clone()).or_default().insert((*version).to_owned(), package);
    }
    all
}

fn file(meta: Meta, content: &str) -> Entry {
    Entry::File { meta, blob: BlobId::of(content.as_bytes()), size: content.len() as u64 }
}

pub(super) fn plain(content: &str) -> Entry {
    file(Meta::root(Mode::FILE), content)
}

/// A program that runs as its owner.
pub(super) fn set_user_id(content: &str) -> Entry {
    file(Meta::root(Mode::new(0o4755).unwrap()), content)
}

type Files = BTreeMap<(Place, kit_tree::TreePath), Owned>;

pub(super) fn files(list: &[(&str, Entry)]) -> Files {
    let one = |(path, entry): &(&str, Entry)| {
        let owned = Owned { entry: entry.clone(), owner: Some("libc6 2".to_owned()) };
        ((Place::Root, path.parse().unwrap()), owned)
    };
    list.iter().map(one).collect()
}

/// Takes containers, each with what is changed of the usual configuration.
fn take_services(state: &mut State, services: &[(&str, &[(&str, Value)])]) {
    let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
    for (number, (service, changes)) in services.iter().enumerate() {
        let text = kit_plan::runtime::config(&name(service), &Container::default(), Architecture::USUAL);
        let mut config: Value = serde_json::from_str(&text).unwrap();
        for (pointer, value) in *changes {
            let (parent, key) = pointer.rsplit_once('/').unwrap();
            config.pointer_mut(parent).unwrap()[key] = value.clone();
        }
        let bytes = config.to_string().into_bytes();
        let path = format!("/containers/services/{number:03}-{service}/config.json").parse().unwrap();
        let (size, blob) = (bytes.len() as u64, blobs.insert(bytes));
        tree.insert_file(path, Mode::FILE, blob, size).unwrap();
    }
    state.take_root(&tree, &blobs);
}

fn licences(list: &[(&str, Option<&str>)]) -> BTreeMap<Named, BTreeSet<Option<String>>> {
    let one =
        |(name, licence): &(&str, Option<&str>)| (debian(name), BTreeSet::from([licence.map(str::to_owned)]));
    list.iter().map(one).collect()
}

fn vulnerabilities(list: &[(&str, &str, Severity, Option<&str>, &str)], asked: &[&str]) -> Vulnerabilities {
    let one = |(id, component, severity, fixed, summary): &(&str, &str, Severity, Option<&str>, &str)| {
        let vulnerability = Vulnerability {
            severity: *severity,
            is_undetermined: false,
            version: "1.2".to_owned(),
            fixed: fixed.map(str::to_owned),
            summary: (*summary).to_owned(),
        };
        (((*id).to_owned(), (*component).to_owned()), vulnerability)
    };
    let asked = asked.iter().map(|name| (*name).to_owned()).collect();
    Vulnerabilities { found: list.iter().map(one).collect(), asked }
}

fn digests(list: &[(&str, u64)]) -> BTreeMap<Sha256, Option<u64>> {
    list.iter().map(|(text, size)| (Sha256::of(text.as_bytes()), Some(*size))).collect()
}

pub(super) fn before() -> State {
    let mut state = State::named("demo@HEAD");
    state.packages = Some(packages(&[
        (debian("libc6"), "2.36-9+deb12u9", Role::Shipped),
        (debian("gone"), "1", Role::Shipped),
        (debian("older"), "1:2", Role::Shipped),
        (debian("gcc"), "12", Role::Tool),
        (debian("strip"), "2", Role::Tool),
        (named(Kind::Image, "registry.example/a:1"), "sha256:aa", Role::Shipped),
    ]));
    state.recipes = Some(BTreeMap::from([("package web".to_owned(), "aaaaaaaaaaaa".to_owned())]));
    state.files = Some(files(&[
        ("/usr/bin/ping", file(Meta::root(Mode::PROGRAM), "ping")),
        ("/etc/motd", plain("hello")),
        ("/etc/issue", plain("one")),
        ("/etc/link", Entry::symlink("motd")),
        ("/old", plain("old")),
        ("/same", plain("same")),
    ]));
    take_services(&mut state, &[("web", &[("/root/readonly", json!(false))])]);
    state.take_kernel(&KernelConfig::parse("CONFIG_NR_CPUS=4\nCONFIG_BUG=y\n").unwrap());
    state.take_command_line("console=ttyS0 quiet kit.pin=aa");
    state.licences = Some(licences(&[("libc6", Some("LGPL-2.1-or-later")), ("gone", None)]));
    state.vulnerabilities = Some(vulnerabilities(
        &[
            ("CVE-2026-0001", "zlib", Severity::Critical, None, "a first one"),
            ("CVE-2026-0002", "gone", Severity::Low, None, "a second one"),
        ],
        &["zlib", "gone"],
    ));
    state.sizes = Some(BTreeMap::from([(debian("libc6"), 1000), (debian("gone"), 500)]));
    state.downloads = Some(BTreeMap::from([
        ("demo-initrd.img".to_owned(), digests(&[("initrd 1", 1_900_000)])),
        ("demo.oci".to_owned(), digests(&[("layer", 10), ("config", 2)])),
    ]));
    state.sources = digests(&[("a", 10), ("b", 10)]);
    state
}

pub(super) fn after() -> State {
    let mut state = State::named("demo");
    state.packages = Some(packages(&[
        (debian("libc6"), "2.36-9+deb12u10", Role::Shipped),
        (debian("new"), "1", Role::Part),
        (debian("older"), "1", Role::Shipped),
        (debian("gcc"), "13", Role::Tool),
        (debian("strip"), "2", Role::Shipped),
        (named(Kind::Image, "registry.example/a:1"), "sha256:bb", Role::Shipped),
    ]));
    state.recipes = Some(BTreeMap::from([("package web".to_owned(), "bbbbbbbbbbbb".to_owned())]));
    let mut meta = Meta::root(Mode::new(0o4755).unwrap());
    meta.gid = 7;
    let mut capability = vec![1, 0, 0, 2, 0, 0x20, 0, 0];
    capability.resize(20, 0);
    meta.xattrs.insert(b"security.capability".to_vec(), capability);
    state.files = Some(files(&[
        ("/usr/bin/ping", file(meta, "ping")),
        ("/etc/motd", plain("hello, world")),
        ("/etc/issue", plain("two")),
        ("/etc/link", Entry::directory()),
        ("/new", plain("new")),
        ("/usr/bin/su", set_user_id("su")),
        ("/same", plain("same")),
    ]));
    take_services(
        &mut state,
        &[
            (
                "web",
                &[
                    ("/process/capabilities", json!({ "bounding": ["CAP_NET_ADMIN"] })),
                    ("/process/noNewPrivileges", json!(false)),
                    ("/process/args", json!(["/web", "--fast"])),
                ],
            ),
            ("log", &[("/process/user", json!({ "uid": 5, "gid": 5 })), ("/root/readonly", json!(false))]),
        ],
    );
    state.take_kernel(&KernelConfig::parse("CONFIG_NR_CPUS=8\nCONFIG_DEVMEM=y\n").unwrap());
    state.take_command_line("console=ttyS0 debug kit.pin=bb");
    state.licences = Some(licences(&[("libc6", Some("MIT")), ("new", Some("GPL-3.0-only"))]));
    state.vulnerabilities = Some(vulnerabilities(
        &[("CVE-2026-0003", "new", Severity::High, Some("1.3"), "a third one")],
        &["zlib", "new"],
    ));
    state.sizes = Some(BTreeMap::from([(debian("libc6"), 1100), (debian("new"), 800)]));
    state.downloads = Some(BTreeMap::from([
        ("demo-initrd.img".to_owned(), digests(&[("initrd 2", 2_000_000)])),
        ("demo.oci".to_owned(), digests(&[("layer", 10), ("config", 2)])),
        ("demo.tar".to_owned(), digests(&[("tar", 1000)])),
    ]));
    state.sources = digests(&[("a", 10), ("c", 20)]);
    state
}

/// Two states whose names are all meant to break something.
pub(super) fn hostile() -> (State, State) {
    let (mut one, mut other) = (State::named(HOSTILE), State::named(HOSTILE));
    one.packages = Some(packages(&[(debian(HOSTILE), HOSTILE, Role::Shipped)]));
    other.packages = Some(packages(&[(debian(HOSTILE), "2", Role::Shipped)]));
    let mut meta = Meta::root(Mode::FILE);
    meta.xattrs.insert(HOSTILE.as_bytes().to_vec(), HOSTILE.as_bytes().to_vec());
    one.files = Some(BTreeMap::new());
    let path = HOSTILE.replace('/', "!");
    let owned = Owned { entry: file(meta, ""), owner: Some(HOSTILE.to_owned()) };
    let path = kit_tree::TreePath::new(path).unwrap();
    other.files = Some(BTreeMap::from([((Place::Root, path), owned)]));
    one.licences = Some(licences(&[(HOSTILE, Some(HOSTILE))]));
    other.licences = Some(licences(&[(HOSTILE, Some("MIT"))]));
    one.vulnerabilities = Some(Vulnerabilities::default());
    other.vulnerabilities =
        Some(vulnerabilities(&[(HOSTILE, HOSTILE, Severity::High, Some(HOSTILE), HOSTILE)], &[HOSTILE]));
    one.take_command_line("");
    other.take_command_line(HOSTILE);
    (one, other)
}
