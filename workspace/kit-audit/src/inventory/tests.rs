pub(crate) mod sample;

use std::collections::BTreeSet;

use kit_hash::Sha256;
use kit_recipe::lockfile::{DebSource, DebianSource, SourceFile, SourcePart};
use kit_tree::Entry;

use self::sample::{Sample, deb_id, name, recipe_id};
use super::*;

const IMAGE: &str = r#"
[image]
name = "demo"
formats = ["kernel+initrd"]
[kernel]
package = "kernel"
modules = ["ext4"]
microcode = "/boot/microcode.img"
[init]
packages = ["base", "hello"]
[[service]]
name = "web"
package = "web"
command = ["/bin/web"]
binds = ["/etc/motd:/etc/motd"]
[tree]
prefer = { "/etc/issue" = "base" }
[[file]]
path = "/etc/motd"
contents = "of the image"
[[directory]]
path = "/usr/bin"
mode = "0700"
"#;

fn debs(package: &str, rest: &str) -> String {
    format!(
        "[package]\nname = \"{package}\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [\"some\"]\n{rest}"
    )
}

const HELLO: &str = r#"
[package]
name = "hello"
version = "2.0"
license = "MIT"
[sources.src]
suite = "bookworm"
source = "hello"
[sources.crates]
crates = "Cargo.lock"
[sources.given]
suite = "bookworm"
packages = ["data"]
[build]
tools = ["toolchain"]
run = "make"
"#;

fn hello_source() -> DebianSource {
    let file = |part, file_name: &str| SourceFile {
        part,
        name: file_name.to_owned(),
        size: 10,
        sha256: Sha256::of(file_name.as_bytes()),
        tree: None,
    };
    DebianSource {
        name: "hello".to_owned(),
        version: "2-1".to_owned(),
        suite: "bookworm".to_owned(),
        directory: "pool/hello".to_owned(),
        files: vec![
            file(SourcePart::Description, "hello_2-1.dsc"),
            file(SourcePart::Original, "hello_2.orig.tar.gz"),
        ],
    }
}

/// An image of debs, of what a script builds, of a kernel's modules, and of a container.
fn demo() -> Sample {
    let base =
        debs("base", "[tree]\nprefer = { \"/etc/names\" = \"netbase\" }\nexclude = [\"/usr/share/**\"]\n");
    let web = debs(
        "web",
        "[tree]\nexclude = [\"/usr/include\"]\n[[symlink]]\npath = \"/etc/web\"\ntarget = \"x\"\n",
    );
    let sample = Sample::new(&[
        ("image demo", IMAGE),
        ("package base", &base),
        ("package hello", HELLO),
        ("package kernel", &debs("kernel", "")),
        ("package module-tools", &debs("module-tools", "")),
        ("package patch", &debs("patch", "")),
        ("package toolchain", &debs("toolchain", "")),
        ("package web", &web),
    ]);
    sample
        .lock_debs("base", "debian", &["base-files", "netbase", "docs"])
        .lock_debs("hello", "given", &["data"])
        .lock_debs("kernel", "debian", &["linux-image"])
        .lock_debs("module-tools", "debian", &["kmod"])
        .lock_debs("patch", "debian", &["patch"])
        .lock_debs("toolchain", "debian", &["gcc"])
        .lock_debs("web", "debian", &["web", "data"])
        .lock_crates("hello", "crates", &["serde"])
        .locked(|lock| _ = lock.debian_sources.insert((name("hello"), name("src")), hello_source()))
        .step(
            "unpack base-files 1",
            &[("/etc/names", "1234"), ("/usr/bin/a", "12345"), ("/usr/bin/b", "-> /usr/bin/a")],
        )
        .step("unpack netbase 1", &[("/etc/names", "12"), ("/etc/issue", "123"), ("/usr/bin/", "/")])
        .step("unpack docs 1", &[("/usr/share/doc/x", "1")])
        .step("unpack data 1", &[("/usr/include/data.h", "123")])
        .step(
            "unpack linux-image 1",
            &[
                ("/boot/vmlinuz-6", "kernel"),
                ("/boot/microcode.img", "mc"),
                ("/usr/lib/modules/6/ext4.ko", "module"),
            ],
        )
        .step("unpack web 1", &[("/bin/web", "1234567"), ("/bin/web2", "-> /bin/web")])
        .step("unpack kmod 1", &[("/bin/depmod", "1")])
        .step("unpack patch 1", &[("/bin/patch", "1")])
        .step("unpack gcc 1", &[("/bin/gcc", "1")])
        .step(
            "build hello",
            &[("/usr/bin/hello", "hello"), ("/usr/share/hello/data.h", "123"), ("/etc/issue", "x")],
        )
        .step("modules demo", &[("/etc/kit/modules", "ext4.ko"), ("/usr/lib/modules/6/ext4.ko", "module")])
}

/// The owner of each path below a directory, as text.
fn owners(inventory: &Inventory, place: Place, below: &str) -> Vec<String> {
    let files = inventory.files.iter().filter(|file| file.place == place && !file.entry.is_directory());
    let shown = files.filter(|file| file.path.to_string().starts_with(below));
    shown.map(|file| format!("{}: {}", file.path, file.owner)).collect()
}

#[test]
fn every_path_has_its_owner() {
    let inventory = demo().built();
    assert_eq!(
        owners(&inventory, Place::Root, "/"),
        [
            "/containers/services/000-web/config.json: image demo",
            "/containers/services/000-web/rootfs/bin/web: web 1",
            "/containers/services/000-web/rootfs/bin/web2: web 1",
            "/containers/services/000-web/rootfs/etc/web: package web",
            "/etc/issue: netbase 1",
            "/etc/kit/modules: image demo",
            "/etc/motd: image demo",
            "/etc/names: netbase 1",
            "/etc/os-release: image demo",
            "/usr/bin/a: base-files 1",
            "/usr/bin/b: base-files 1",
            "/usr/bin/hello: package hello",
            "/usr/lib/modules/6/ext4.ko: linux-image 1",
            "/usr/share/hello/data.h: data 1",
        ]
    );
    assert_eq!(
        owners(&inventory, Place::Boot, "/"),
        ["/boot/vmlinuz-6: linux-image 1", "/boot/microcode.img: linux-image 1"]
    );
    // A directory whose mode the image changes is still of whoever brings it; what is made for all to stand in is the image's.
    let owner = |path: &str| inventory.file(&path.parse().unwrap()).unwrap().owner.to_string();
    assert_eq!(owner("/usr/bin"), "base-files 1");
    assert_eq!(owner("/containers/services"), "image demo");
    assert_eq!(owner("/containers/services/000-web/rootfs/etc/motd"), "image demo");
    assert_eq!(inventory.file(&"/usr/share/doc".parse().unwrap()), None);
    // All that the root has is there, and each owner is known.
    let sample = demo();
    let locals = BTreeMap::new();
    let inputs = sample.inputs(&locals);
    let plan = kit_plan::plan(inputs).unwrap();
    let root = sample.tree(&plan, &Input::Derivation(plan.root.unwrap())).unwrap();
    let paths: Vec<_> = inventory.files.iter().filter(|file| file.place == Place::Root).collect();
    assert!(root.entries().map(|(path, _)| path).eq(paths.iter().map(|file| &file.path)));
    assert!(inventory.files.iter().all(|file| inventory.components.contains_key(&file.owner)));
}

#[test]
fn names_of_one_file_are_counted_once() {
    let inventory = demo().built();
    let of = |id: &ComponentId| (inventory.components[id].files, inventory.components[id].bytes);
    // `/usr`, `/usr/bin`, `/etc`, the root, and two names of a file of five bytes.
    assert_eq!(of(&deb_id("base-files")), (6, 5));
    assert_eq!(of(&deb_id("netbase")), (2, 5));
    assert_eq!(of(&deb_id("linux-image")).1, 6 + 2 + 6);
    assert_eq!(of(&deb_id("docs")), (0, 0));
    let files = inventory.files.iter().map(|file| match &file.entry {
        Entry::File { size, .. } => *size,
        _ => 0,
    });
    assert_eq!(inventory.bytes(), files.sum::<u64>());
}

fn in_role(inventory: &Inventory, role: Role) -> BTreeSet<String> {
    inventory.in_role(role).map(|(id, _)| id.to_string()).collect()
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn roles_follow_from_what_is_made_of_what_and_from_the_files() {
    let sample = demo();
    let tools =
        names(&["gcc 1", "kmod 1", "package module-tools", "package patch", "package toolchain", "patch 1"]);
    let parts = names(&["crate serde 1.0.0", "source hello 2-1"]);
    let planned = sample.planned();
    assert_eq!(in_role(&planned, Role::Tool), tools);
    assert_eq!(in_role(&planned, Role::Part), parts);
    assert!(in_role(&planned, Role::Shipped).contains("docs 1"));
    let built = sample.built();
    // Of `docs` everything is left out; `data` is there since the script took a file of it over.
    assert_eq!(in_role(&built, Role::Tool), &tools | &names(&["docs 1"]));
    assert_eq!(in_role(&built, Role::Part), parts);
    let shipped = names(&[
        "base-files 1",
        "data 1",
        "image demo",
        "linux-image 1",
        "netbase 1",
        "package base",
        "package hello",
        "package kernel",
        "package web",
        "web 1",
    ]);
    assert_eq!(in_role(&built, Role::Shipped), shipped);
}

#[test]
fn what_outputs_start_with_is_a_part() {
    let image =
        "[image]\nname = \"demo\"\nformats = [\"uki\"]\n[kernel]\npackage = \"kernel\"\ncmdline = \"\"\n";
    let sample = Sample::new(&[
        ("image demo", image),
        ("package kernel", &debs("kernel", "")),
        ("package systemd-stub", &debs("systemd-stub", "")),
    ]);
    let sample = sample
        .lock_debs("kernel", "debian", &["linux-image"])
        .lock_debs("systemd-stub", "debian", &["systemd-boot-efi"])
        .step("unpack linux-image 1", &[("/boot/vmlinuz-6", "kernel")]);
    let parts = names(&["package systemd-stub", "systemd-boot-efi 1"]);
    assert_eq!(in_role(&sample.planned(), Role::Part), parts);
    assert_eq!(in_role(&sample.built(), Role::Part), parts);
}

#[test]
fn what_is_left_out_here_and_built_into_something_there_is_a_part() {
    // Nothing of `data` is taken over now, and the container leaves it out.
    let sample = demo().step("build hello", &[("/usr/bin/hello", "hello"), ("/etc/issue", "x")]);
    assert!(in_role(&sample.planned(), Role::Shipped).contains("data 1"));
    assert!(in_role(&sample.built(), Role::Part).contains("data 1"));
}

#[test]
fn packages_that_join_what_a_script_built_are_shipped() {
    let hello = "[package]\nname = \"hello\"\n[sources.given]\nsuite = \"bookworm\"\npackages = [\"some\"]\n\
                 [build]\ntools = [\"toolchain\"]\nrun = \"make\"\n[tree]\npackages = [\"web\"]\n";
    let image = "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"hello\"]\n";
    let sample = Sample::new(&[
        ("image demo", image),
        ("package hello", hello),
        ("package toolchain", &debs("toolchain", "")),
        ("package web", &debs("web", "")),
    ]);
    let sample = sample
        .lock_debs("hello", "given", &["data"])
        .lock_debs("toolchain", "debian", &["gcc"])
        .lock_debs("web", "debian", &["web"])
        .step("unpack gcc 1", &[("/bin/gcc", "1")])
        .step("unpack data 1", &[("/usr/include/data.h", "123")])
        .step("unpack web 1", &[("/bin/web", "1234567")])
        .step("build hello", &[("/usr/bin/hello", "hello")]);
    for inventory in [sample.planned(), sample.built()] {
        assert_eq!(in_role(&inventory, Role::Part), names(&["data 1"]));
        let shipped = names(&["image demo", "package hello", "package web", "web 1"]);
        assert_eq!(in_role(&inventory, Role::Shipped), shipped);
    }
}

#[test]
fn components_say_what_they_are() {
    let inventory = demo().built();
    let base = &inventory.components[&deb_id("base-files")];
    assert_eq!(base.purl.as_deref(), Some("pkg:deb/debian/base-files@1?arch=amd64&distro=bookworm"));
    assert_eq!((base.size, base.suite.as_deref()), (Some(100), Some("bookworm")));
    let hello = &inventory.components[&recipe_id("package hello")];
    assert_eq!((hello.version.as_deref(), hello.licence.as_deref()), (Some("2.0"), Some("MIT")));
    let ids = |ids: &BTreeSet<ComponentId>| ids.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(ids(&hello.made_of), names(&["crate serde 1.0.0", "data 1", "source hello 2-1"]));
    assert_eq!(ids(&hello.made_with), names(&["package patch", "package toolchain"]));
    let source = ComponentId::DebianSource(DebSource { name: "hello".to_owned(), version: "2-1".to_owned() });
    let source = &inventory.components[&source];
    assert_eq!(source.purl.as_deref(), Some("pkg:deb/debian/hello@2-1?arch=source&distro=bookworm"));
    assert_eq!(source.size, Some(20));
}

#[test]
fn what_is_missing_is_named() {
    let sample = demo();
    let locals = BTreeMap::new();
    let inputs = sample.inputs(&locals);
    let plan = kit_plan::plan(inputs).unwrap();
    let tree_of = |input: &Input| {
        let tree = sample.tree(&plan, input)?;
        let is_missing = title(&plan, input) == "unpack web 1";
        (!is_missing).then_some(tree)
    };
    let missing = Inventory::of_built(&plan, inputs, &tree_of).unwrap_err();
    assert_eq!(missing.to_string(), "the result of `unpack web 1` isn't in the store");
    let mut lock = sample.lock.clone();
    lock.subject = Subject::Tools;
    let tools = PlanInputs { lock: &lock, ..inputs };
    assert_eq!(Inventory::of_plan(&plan, tools), Err(InventoryError::NoImage));
}
