//! A state of an image: all that is known of it, and that a difference can be told in.

use std::collections::{BTreeMap, BTreeSet};

use kit_hash::{PinId, Sha256};
use kit_recipe::Lockfile;
use kit_recipe::image::Format;
use kit_tree::{Blobs, Entry, Tree, TreePath};

use super::kind::{Kind, Named};
use crate::Inventory;
use crate::advisories::{Informational, Installed, Match, State as Affected};
use crate::finding::Severity;
use crate::hardening::kernel::{KernelConfig, Value};
use crate::inventory::{ComponentId, Place, Role};
use crate::licence::Licence;
use crate::privileges::Privileges;

/// A state of an image. What is none isn't known of it, which is something else than that there is nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct State {
    /// What people call it.
    pub name: String,
    /// The digest of what its lockfile pins.
    pub pin: Option<PinId>,
    /// What it is made of, with its versions: a name can have several.
    pub packages: Option<BTreeMap<Named, BTreeMap<String, Package>>>,
    /// What each recipe means, as a digest.
    pub recipes: Option<BTreeMap<String, String>>,
    /// Its files.
    pub files: Option<BTreeMap<(Place, TreePath), Owned>>,
    /// What its containers may do.
    pub services: Option<Privileges>,
    /// The options of its kernel that are set, without `CONFIG_`.
    pub kernel: Option<BTreeMap<String, Value>>,
    /// The words that its kernel is started with, but for the digest of the lockfile.
    pub command_line: Option<Vec<String>>,
    /// Under what components may be used, as SPDX expressions; none where nobody knows.
    pub licences: Option<BTreeMap<Named, BTreeSet<Option<String>>>>,
    /// What is known to be wrong with it.
    pub vulnerabilities: Option<Vulnerabilities>,
    /// The bytes of each component's files in it.
    pub sizes: Option<BTreeMap<Named, u64>>,
    /// What a client downloads: the files of each output, layout or container by digest, with their bytes where those are known.
    pub downloads: Option<BTreeMap<String, BTreeMap<Sha256, Option<u64>>>>,
    /// Manifests of images by name.
    pub images: BTreeMap<String, Sha256>,
    /// Layers and configurations, with their bytes where those are known.
    pub blobs: BTreeMap<Sha256, Option<u64>>,
    /// Files that are downloaded to build it, with their bytes where those are known: those of crates aren't.
    pub sources: BTreeMap<Sha256, Option<u64>>,
}

/// One version of something that an image is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// How it takes part; a lockfile alone doesn't tell.
    pub role: Option<Role>,
    /// The digest of the file that it came as.
    pub sha256: Option<Sha256>,
}

/// What stands at a path, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// What it is.
    pub entry: Entry,
    /// The component that it belongs to.
    pub owner: Option<String>,
}

/// Known vulnerabilities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Vulnerabilities {
    /// By identifier, and the source package or crate that has it.
    pub found: BTreeMap<(String, String), Vulnerability>,
    /// The source packages and crates that were asked about.
    pub asked: BTreeSet<String>,
}

/// A known vulnerability of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vulnerability {
    /// How bad it is.
    pub severity: Severity,
    /// Whether nobody knows if the component is affected.
    pub is_undetermined: bool,
    /// The version that has it.
    pub version: String,
    /// The version that has it no more.
    pub fixed: Option<String>,
    /// A line of what it is.
    pub summary: String,
}

impl State {
    /// Starts with nothing known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Takes what a lockfile pins, and what it says came out.
    pub fn take_lock(&mut self, lock: &Lockfile) {
        self.pin = Some(lock.pin_id());
        self.recipes = Some(lock.recipes.iter().map(|(name, id)| (name.to_string(), id.short())).collect());
        self.take_pins(lock);
        self.take_sources(lock);
        let mut downloads: BTreeMap<String, BTreeMap<Sha256, Option<u64>>> = BTreeMap::new();
        // Of a layout, a lockfile has the index alone: the blobs are what is downloaded.
        for (path, output) in lock.outputs.iter().filter(|(_, output)| output.format != Format::Oci) {
            let top = path.split('/').next().unwrap_or(path);
            downloads.entry(top.to_owned()).or_default().insert(output.sha256, Some(output.size));
        }
        for (name, pin) in &lock.containers {
            self.images.insert(name.to_string(), pin.manifest);
            self.blobs.extend(pin.layers.iter().chain([&pin.config]).map(|blob| (*blob, None)));
        }
        self.downloads = Some(downloads);
    }

    /// Takes for packages what a lockfile pins, as it is compared with another lockfile: nobody knows what of it is in an image.
    pub fn take_pins(&mut self, lock: &Lockfile) {
        if let Ok(inventory) = Inventory::of_lock(lock) {
            self.packages = Some(packages(&inventory, |_| None));
        }
    }

    /// Takes the blobs of an OCI layout that was built.
    pub fn take_layout(&mut self, name: &str, layout: &Tree) {
        let mut blobs = BTreeMap::new();
        for (path, entry) in layout.entries() {
            let Entry::File { size, .. } = entry else { continue };
            let text = path.to_string();
            let digest = text.rsplit_once("blobs/sha256/").map(|(_, digits)| format!("sha256:{digits}"));
            if let Some(Ok(digest)) = digest.as_deref().map(Sha256::from_oci) {
                blobs.insert(digest, Some(*size));
            }
        }
        for (blob, size) in &mut self.blobs {
            *size = size.or(blobs.get(blob).copied().flatten());
        }
        self.downloads.get_or_insert_default().insert(name.to_owned(), blobs);
    }

    fn take_sources(&mut self, lock: &Lockfile) {
        let sources = &mut self.sources;
        sources.extend(lock.debs.values().map(|deb| (deb.sha256, Some(deb.size))));
        for pin in lock.debian_sources.values() {
            sources.extend(pin.files.iter().map(|file| (file.sha256, Some(file.size))));
        }
        sources.extend(lock.crates.values().map(|pin| (pin.sha256, None)));
        sources.extend(lock.files.values().map(|pin| (pin.sha256, Some(pin.size))));
        for pin in lock.images.values() {
            let documents = [pin.manifest, pin.config].map(|document| (document.sha256, Some(document.size)));
            let layers = pin.layers.iter().map(|layer| (layer.sha256, Some(layer.size)));
            sources.extend(documents.into_iter().chain(layers));
        }
    }

    /// Takes what a built image is made of, and whose its files are.
    pub fn take_inventory(&mut self, inventory: &Inventory) {
        self.pin = inventory.pin;
        self.packages = Some(packages(inventory, Some));
        let files = inventory.files.iter().map(|file| {
            let owned = Owned { entry: file.entry.clone(), owner: Some(file.owner.to_string()) };
            ((file.place, file.path.clone()), owned)
        });
        self.files = Some(files.collect());
        let mut sizes = BTreeMap::new();
        for (id, component) in inventory.components.iter().filter(|(_, component)| component.files > 0) {
            *sizes.entry(Named::of(id)).or_default() += component.bytes;
        }
        self.sizes = Some(sizes);
    }

    /// Takes the root file system of any image: its files, unless an inventory gave them already, and its containers.
    pub fn take_root(&mut self, root: &Tree, blobs: &dyn Blobs) {
        self.files.get_or_insert_with(|| {
            let one = |(path, entry): (&TreePath, &Entry)| {
                ((Place::Root, path.clone()), Owned { entry: entry.clone(), owner: None })
            };
            root.entries().map(one).collect()
        });
        self.services = Some(Privileges::of(root, blobs));
    }

    /// Takes the configuration of its kernel.
    pub fn take_kernel(&mut self, config: &KernelConfig) {
        self.kernel = Some(config.set().map(|(name, value)| (name.to_owned(), value.clone())).collect());
    }

    /// Takes what its kernel is started with.
    pub fn take_command_line(&mut self, text: &str) {
        // The digest of the lockfile is another one whenever anything is, and said once.
        let words = text.split_ascii_whitespace().filter(|word| !word.starts_with("kit.pin="));
        self.command_line = Some(words.map(str::to_owned).collect());
    }

    /// Takes the licences of what is in the image, and of what that was made of.
    pub fn take_licences(&mut self, inventory: &Inventory, licences: &BTreeMap<ComponentId, Licence>) {
        let mut all: BTreeMap<Named, BTreeSet<Option<String>>> = BTreeMap::new();
        for (id, licence) in licences {
            let is_tool = inventory.components.get(id).is_some_and(|component| component.role == Role::Tool);
            if !is_tool {
                all.entry(Named::of(id)).or_default().insert(licence.expression().map(str::to_owned));
            }
        }
        self.licences = Some(all);
    }

    /// Takes the vulnerabilities that were found when advisories were asked about all that is installed.
    pub fn take_vulnerabilities(&mut self, asked: &[Installed], found: &[Match]) {
        let is_real = |one: &&Match| matches!(one.informational, None | Some(Informational::Unsound));
        let found = found.iter().filter(is_real).map(|one| {
            let vulnerability = Vulnerability {
                severity: one.severity,
                is_undetermined: one.state == Affected::Undetermined,
                version: one.installed.version.clone(),
                fixed: one.fixed.clone(),
                summary: one.summary.clone(),
            };
            ((one.id.clone(), one.installed.name.clone()), vulnerability)
        });
        let asked = asked.iter().map(|installed| installed.name.clone()).collect();
        self.vulnerabilities = Some(Vulnerabilities { found: found.collect(), asked });
    }
}

/// Lists components by name and version; recipes only where they have a version.
fn packages(
    inventory: &Inventory,
    role: impl Fn(Role) -> Option<Role>,
) -> BTreeMap<Named, BTreeMap<String, Package>> {
    let mut all: BTreeMap<Named, BTreeMap<String, Package>> = BTreeMap::new();
    for (id, component) in &inventory.components {
        let named = Named::of(id);
        let version = match (&component.version, component.sha256) {
            (Some(version), _) => version.clone(),
            (None, _) if named.kind == Kind::Recipe => continue,
            (None, Some(digest)) => digest.short(),
            (None, None) => continue,
        };
        let package = Package { role: role(component.role), sha256: component.sha256 };
        all.entry(named).or_default().insert(version, package);
    }
    all
}
