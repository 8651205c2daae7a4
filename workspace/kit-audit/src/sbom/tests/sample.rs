//! A small image with everything that documents have to say: packages, crates, a file at an address, tools, a kernel, other names of files.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{BlobId, Sha256};
use kit_recipe::lockfile::{DebKey, DebSource};
use kit_recipe::recipe::RecipeName;
use kit_tree::{Entry, Meta, Mode, TreePath};
use sha1::Digest as _;

use crate::inventory::{Component, ComponentId, File, Inventory, Place, Role};
use crate::licence::Licence;
use crate::sbom::{DigestsOf, FileDigests, KernelFacts, SbomFormat, SbomInputs, Scope};

/// An image in memory.
pub(crate) struct Sample {
    pub(crate) inventory: Inventory,
    pub(crate) licences: BTreeMap<ComponentId, Licence>,
    pub(crate) digests: BTreeMap<BlobId, FileDigests>,
    pub(crate) kernel: KernelFacts,
    pub(crate) version: String,
}

impl Sample {
    pub(crate) fn inputs<'a>(&'a self, digests: DigestsOf<'a>) -> SbomInputs<'a> {
        SbomInputs {
            inventory: &self.inventory,
            licences: &self.licences,
            digests,
            kernel: Some(&self.kernel),
            version: &self.version,
        }
    }

    pub(crate) fn write(&self, format: SbomFormat, scope: Scope) -> Vec<u8> {
        format.write(self.inputs(&|blob| self.digests.get(blob).copied()), scope).unwrap()
    }

    /// Returns the size of each file by its digest.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (String, u64)> {
        self.inventory.files.iter().filter_map(|file| match &file.entry {
            Entry::File { blob, size, .. } => Some((self.digests[blob].sha256.to_string(), *size)),
            _ => None,
        })
    }

    fn add(&mut self, place: Place, path: &[u8], owner: &ComponentId, entry: Entry) {
        let component = self.inventory.components.get_mut(owner).unwrap();
        component.files += 1;
        if let Entry::File { size, .. } = &entry {
            component.bytes += size;
        }
        let path = TreePath::new(path).unwrap();
        self.inventory.files.push(File { place, path, entry, owner: owner.clone() });
    }

    pub(crate) fn add_file(&mut self, place: Place, path: &[u8], owner: &ComponentId, content: &[u8]) {
        let blob = BlobId::of(content);
        let digests = FileDigests { sha1: sha1::Sha1::digest(content).into(), sha256: Sha256::of(content) };
        self.digests.insert(blob, digests);
        let entry = Entry::File { meta: Meta::root(Mode::PROGRAM), blob, size: content.len() as u64 };
        self.add(place, path, owner, entry);
    }
}

pub(crate) fn component(name: &str, version: &str, role: Role) -> Component {
    let version = (!version.is_empty()).then(|| version.to_owned());
    Component { version, role, ..Component::named(name) }
}

fn package(name: &str) -> ComponentId {
    ComponentId::Recipe(RecipeName::Package(name.parse().unwrap()))
}

fn debian(name: &str, version: &str, role: Role) -> (ComponentId, Component) {
    let key = DebKey { name: name.to_owned(), version: version.to_owned(), architecture: "amd64".to_owned() };
    let of = Component {
        purl: Some(format!("pkg:deb/debian/{name}@{version}?arch=amd64&distro=bookworm")),
        sha256: Some(Sha256::of(name.as_bytes())),
        source: Some(DebSource { name: format!("{name}-source"), version: version.to_owned() }),
        suite: Some("bookworm".to_owned()),
        ..component(name, version, role)
    };
    (ComponentId::Debian(key), of)
}

fn registry(name: &str) -> (ComponentId, Component) {
    let version = "1.0.0".to_owned();
    let of = Component {
        purl: Some(format!("pkg:cargo/{name}@{version}")),
        sha256: Some(Sha256::of(name.as_bytes())),
        ..component(name, &version, Role::Part)
    };
    (ComponentId::Crate { name: name.to_owned(), version }, of)
}

/// Returns the licence of a Debian package whose `copyright` file has a name and a text of the public domain.
fn licence(name: &str, text: &str) -> Licence {
    let text = format!(
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: {name}\n\n\
         Files: x\nLicense: public-domain\n {text}\n"
    );
    Licence::of_copyright("x", &"/usr/share/doc/x/copyright".parse().unwrap(), text.as_bytes())
}

pub(crate) fn sample() -> Sample {
    let image = ComponentId::Recipe(RecipeName::Image("demo".parse().unwrap()));
    let (busybox, libc, linux) = (
        debian("busybox", "1:1.35.0-4+b3", Role::Shipped),
        debian("libc6", "2.36-9", Role::Shipped),
        debian("linux-image-amd64", "6.1.1", Role::Shipped),
    );
    let (rustc, gcc) = (debian("rustc", "1.63.0", Role::Tool), debian("gcc", "12.2.0-14", Role::Tool));
    let crates = [registry("itoa"), registry("ryu")];
    let upstream =
        ComponentId::File { package: "agent".parse().unwrap(), source: "upstream".parse().unwrap() };
    let ids = |ids: &[&ComponentId]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
    let recipes = [
        (
            image.clone(),
            Component {
                summary: Some("A \"small\" system".to_owned()),
                made_of: ids(&[&package("agent"), &package("base"), &linux.0]),
                ..component("demo", "", Role::Shipped)
            },
        ),
        (
            package("agent"),
            Component {
                made_of: ids(&[&crates[0].0, &crates[1].0, &upstream]),
                made_with: ids(&[&package("rust")]),
                ..component("agent", "0.3", Role::Shipped)
            },
        ),
        (
            package("base"),
            Component { made_of: ids(&[&busybox.0, &libc.0]), ..component("base", "", Role::Shipped) },
        ),
        (package("rust"), Component { made_of: ids(&[&rustc.0]), ..component("rust", "", Role::Tool) }),
        (package("unused"), component("unused", "", Role::Tool)),
        (upstream, component("agent-0.3.tar.gz", "", Role::Part)),
    ];
    let licences = BTreeMap::from([
        (busybox.0.clone(), licence("GPL-2", "No rights reserved.")),
        (libc.0.clone(), licence("LGPL-2.1+", "Nobody owns it.")),
        (crates[0].0.clone(), Licence::of_recipe(Some("MIT OR Apache-2.0"))),
        (package("agent"), Licence::of_recipe(Some("Apache-2.0"))),
    ]);
    let (busybox_id, linux_id) = (busybox.0.clone(), linux.0.clone());
    let libc_id = libc.0.clone();
    let debs = [busybox, libc, linux, rustc, gcc];
    let mut sample = Sample {
        inventory: Inventory {
            image: "demo".to_owned(),
            pin: Some("1".repeat(64).parse().unwrap()),
            architecture: "x86_64".to_owned(),
            source_date: 1_735_689_600,
            components: recipes.into_iter().chain(debs).chain(crates).collect(),
            files: Vec::new(),
        },
        licences,
        digests: BTreeMap::new(),
        kernel: KernelFacts {
            release: "6.1.0-28-amd64".to_owned(),
            config_sha256: Sha256::of(b"CONFIG_MODULES=y"),
        },
        version: "0.1.0".to_owned(),
    };
    sample.add(Place::Root, b"bin", &image, Entry::directory());
    sample.add_file(Place::Root, b"bin/busybox", &busybox_id, b"#!busybox");
    sample.add(
        Place::Root,
        b"bin/sh",
        &busybox_id,
        Entry::HardLink { target: "/bin/busybox".parse().unwrap() },
    );
    sample.add_file(Place::Root, b"boot/vmlinuz-6.1", &linux_id, b"kernel");
    sample.add_file(Place::Root, b"etc/motd", &image, b"Hello.\n");
    sample.add_file(Place::Root, b"lib/libc.so.6", &libc_id, b"\x7fELF libc");
    sample.add_file(Place::Root, b"usr/bin/agent", &package("agent"), b"\x7fELF agent");
    sample.add_file(Place::Root, "usr/share/größe \"x\"".as_bytes(), &package("base"), b"");
    sample.add_file(Place::Root, b"usr/share/odd\xff", &package("base"), b"odd");
    sample.add(Place::Root, b"usr/share/x", &package("base"), Entry::symlink("../bin"));
    sample.add_file(Place::Boot, b"boot/vmlinuz-6.1", &linux_id, b"kernel");
    sample
}
