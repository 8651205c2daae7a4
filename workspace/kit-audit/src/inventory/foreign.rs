//! What an image that kit didn't make says of itself: the lists of its package manager, and which system it is.
//!
//! All of it is read from the image, so all of it is as true as the image is: a file belongs to the package whose list names it. What no
//! list names belongs to the image itself. Lists are foreign text: what can't be read of them is left out and told, never guessed.
//!
//! | module | what |
//! |---|---|
//! | `dpkg` | the lists of Debian's package manager, and of images without one that keep them |
//! | `apk` | the list of Alpine's |
//! | `os_release` | `/etc/os-release` |

mod apk;
mod dpkg;
mod os_release;

use std::collections::BTreeMap;

use kit_tree::resolve::Resolved;
use kit_tree::{Blobs, Entry, Tree, TreePath};

pub use self::os_release::OsRelease;
use super::component::{Component, ComponentId, Role};
use super::{File, Inventory, Place};
use crate::licence::Licence;

/// The longest list of packages that is read, in bytes.
const LONGEST_LIST: u64 = 64 << 20;
/// The longest list of files of one package that is read, in bytes.
const LONGEST_FILES: u64 = 16 << 20;
/// The longest name or version of a package, in bytes.
const LONGEST_WORD: usize = 256;
/// The most packages, and the most paths of all of them.
const MOST_PACKAGES: usize = 50_000;
const MOST_PATHS: usize = 2_000_000;
/// The most bytes of all lists, and of all files that state a licence.
const MOST_LISTED: u64 = 1 << 30;
const MOST_LICENCES: u64 = 256 << 20;
/// How many oddities are told; of more it is told that there are.
const MOST_ODD: usize = 50;
/// Where package managers keep their lists: what lies there is nobody's, and no surprise.
const LISTS: [&str; 4] = ["/var/lib/dpkg", "/lib/apk/db", "/usr/lib/apk/db", "/var/cache/apk"];

/// An image that kit didn't make, as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// What it is made of.
    pub inventory: Inventory,
    /// Which system it is; none where it doesn't say.
    pub system: Option<OsRelease>,
    /// What of its lists can't be read, a line each.
    pub odd: Vec<String>,
}

/// What people know of an image before it is looked into.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What it is called.
    pub name: &'a str,
    /// `x86_64`; none where nothing says it.
    pub architecture: Option<&'a str>,
    /// The digest of the pins that it carries.
    pub pin: Option<kit_hash::PinId>,
}

impl Foreign {
    /// Reads what the image with this root says of itself.
    pub fn read(known: Known<'_>, root: &Tree, blobs: &dyn Blobs) -> Self {
        let mut reader = Reader {
            root,
            blobs,
            system: None,
            components: BTreeMap::new(),
            owners: BTreeMap::new(),
            paths: 0,
            left: MOST_LISTED,
            odd: Vec::new(),
        };
        reader.system = reader.first_text(&["/etc/os-release", "/usr/lib/os-release"]).map(OsRelease::parse);
        dpkg::read(&mut reader);
        apk::read(&mut reader);
        let Reader { mut components, owners, odd, system, .. } = reader;
        let image = ComponentId::Foreign(known.name.to_owned());
        let summary = system.as_ref().and_then(|system| system.title.clone());
        let made_of = components.keys().cloned().collect();
        let whole =
            Component { summary, role: Role::Shipped, made_of, ..Component::named(known.name.to_owned()) };
        components.insert(image.clone(), whole);
        let file = |(path, entry): (&TreePath, &Entry)| File {
            place: Place::Root,
            path: path.clone(),
            entry: entry.clone(),
            owner: owners.get(path).unwrap_or(&image).clone(),
        };
        let mut inventory = Inventory {
            image: known.name.to_owned(),
            pin: known.pin,
            architecture: known.architecture.unwrap_or("unknown").to_owned(),
            source_date: 0,
            components,
            files: root.entries().map(file).collect(),
        };
        inventory.count_files();
        Self { inventory, system, odd }
    }

    /// Returns the files that belong to no package, but for the lists of packages; directories are everybody's.
    pub fn unowned(&self) -> impl Iterator<Item = &File> {
        self.inventory.files.iter().filter(|file| {
            let is_list = || LISTS.iter().any(|list| lies_below(&file.path, list));
            matches!(file.owner, ComponentId::Foreign(_)) && !file.entry.is_directory() && !is_list()
        })
    }

    /// Returns the licences that packages state: the files of Debian's, and what Alpine's list says.
    pub fn licences(&self, root: &Tree, blobs: &dyn Blobs) -> BTreeMap<ComponentId, Licence> {
        let mut left = MOST_LICENCES;
        let of = |(id, component): (&ComponentId, &Component)| {
            let licence = match id {
                ComponentId::Debian(key) => Licence::of_debian_within(&mut left, &key.name, root, blobs),
                ComponentId::Apk { .. } => Licence::of_recipe(component.licence.as_deref()),
                _ => return None,
            };
            Some((id.clone(), licence))
        };
        self.inventory.components.iter().filter_map(of).collect()
    }

    /// Whether the image has any list of packages.
    pub fn has_packages(&self) -> bool {
        self.inventory.components.len() > 1
    }
}

fn lies_below(path: &TreePath, directory: &str) -> bool {
    TreePath::new(directory).is_ok_and(|directory| path.strip_prefix(&directory).is_some())
}

/// Reads lists out of a root.
struct Reader<'a> {
    root: &'a Tree,
    blobs: &'a dyn Blobs,
    system: Option<OsRelease>,
    components: BTreeMap<ComponentId, Component>,
    owners: BTreeMap<TreePath, ComponentId>,
    /// How many paths lists named.
    paths: usize,
    /// How many bytes of lists are read yet.
    left: u64,
    odd: Vec<String>,
}

impl Reader<'_> {
    /// Returns a file through links, as text; what isn't UTF-8 is replaced. None where there is no such file.
    fn text(&mut self, path: &str, limit: u64) -> Option<String> {
        let Ok(place) = TreePath::new(path) else { return None };
        let Resolved::There(_, entry) = self.root.resolve(&place) else { return None };
        // Of several names of a file, one has it.
        let entry = match entry {
            Entry::HardLink { target } => self.root.get(target)?,
            entry => entry,
        };
        let Entry::File { blob, size, .. } = entry else { return None };
        if *size > limit {
            self.tell(format!("`{path}` has {size} bytes; at most {limit} are read"));
            return None;
        }
        // Many names can lead to one large list.
        if *size > self.left {
            if self.left > 0 {
                self.tell(format!(
                    "lists have more than {MOST_LISTED} bytes: none are read from `{path}` on"
                ));
            }
            self.left = 0;
            return None;
        }
        self.left -= size;
        match self.blobs.read(blob, limit) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => {
                self.tell(format!("`{path}` can't be read: {error}"));
                None
            }
        }
    }

    fn first_text(&mut self, paths: &[&str]) -> Option<String> {
        const LONGEST: u64 = 64 << 10;
        paths.iter().find_map(|path| self.text(path, LONGEST))
    }

    /// Returns the names of the files in a directory.
    fn names_in(&self, directory: &str) -> Vec<String> {
        let Ok(place) = TreePath::new(directory) else { return Vec::new() };
        let Resolved::There(place, _) = self.root.resolve(&place) else { return Vec::new() };
        let children = self
            .root
            .below(&place)
            .filter(|(path, entry)| path.parent().as_ref() == Some(&place) && !entry.is_directory());
        let names =
            children.filter_map(|(path, _)| String::from_utf8(path.file_name()?.as_bytes().to_vec()).ok());
        names.collect()
    }

    fn tell(&mut self, odd: String) {
        match self.odd.len() {
            0..MOST_ODD => self.odd.push(odd),
            MOST_ODD => self.odd.push("and more".to_owned()),
            _ => {}
        }
    }

    /// Adds a package; whether there was room for it.
    fn add(&mut self, id: ComponentId, component: Component) -> bool {
        if self.components.len() >= MOST_PACKAGES {
            self.tell(format!("there are more than {MOST_PACKAGES} packages"));
            return false;
        }
        self.components.entry(id).or_insert(component);
        true
    }

    /// Gives a path to a package, where a list names it; it stays with the first that had it.
    fn give(&mut self, text: &str, owner: &ComponentId, list: &str) {
        self.paths += 1;
        if self.paths > MOST_PATHS {
            if self.paths == MOST_PATHS + 1 {
                self.tell(format!("lists name more than {MOST_PATHS} paths"));
            }
            return;
        }
        // `/.` is the root, in lists of dpkg.
        let text = if matches!(text, "/." | "/" | "") { return } else { text };
        let Ok(path) = TreePath::new(text) else {
            self.tell(format!("`{list}` names the path `{}`", shortened(text)));
            return;
        };
        let Some(path) = self.real(&path) else { return };
        if self.root.get(&path).is_some() {
            self.owners.entry(path).or_insert_with(|| owner.clone());
        }
    }

    /// Returns where a path is, below the links that its directories are: lists can be older than `/usr` that has all.
    fn real(&self, path: &TreePath) -> Option<TreePath> {
        if self.root.get(path).is_some() {
            return Some(path.clone());
        }
        match self.root.resolve(&path.parent()?) {
            Resolved::There(directory, _) => directory.join(&path.file_name()?).ok(),
            _ => None,
        }
    }
}

/// Whether a text can be the name or the version of a package: printable, without blanks, and no path.
fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"/\\`\"'<>".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_WORD && text.bytes().all(is_plain)
}

/// Returns the beginning of a foreign text.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() <= SHOWN {
        text.to_owned()
    } else {
        text.chars().take(SHOWN).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests;
