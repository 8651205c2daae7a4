//! Extensions: a table of partitions with a file system, and with the tree of its digests where that is checked.
//!
//! The partitions are of the types that the Discoverable Partitions Specification has for the root of a system: what an extension
//! holds of `/usr`, `/opt` or `/etc` has the same paths in it. systemd takes the root of the tree of digests from the file beside the image.

use std::collections::BTreeSet;

use kit_format::gpt::{self, Guid};
use kit_hash::{Identity as _, TreeId};
use kit_plan::derivation::{Disk, Extension, Input, Loaders};
use kit_recipe::image::{DiskContainer, ExtensionKind, Firmware, Labels};
use kit_tree::{Entry, Tree, TreePath};

use super::Writer;
use crate::BuildError;
use crate::error::Unfit;

/// What makes systemd take a tree for a system of its own.
const OS_RELEASE: [&str; 2] = ["/usr/lib/os-release", "/etc/os-release"];

impl Writer<'_> {
    pub(super) fn extension(
        &self,
        extension: &Extension,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Tree, BuildError> {
        let Extension { kind, files, data, verity, architecture } = extension;
        if let Some((paths, unfit)) = unfit(&self.store.tree(&tree_of(files))?, *kind) {
            return Err(BuildError::Extension { title: self.title.to_owned(), kind: *kind, paths, unfit });
        }
        // A disk that nothing starts.
        let disk = Disk {
            container: DiskContainer::Raw,
            firmware: Firmware::Efi,
            loaders: Loaders { uki: None, bios: None, architecture: architecture.clone() },
            root: Some(*data),
            verity: *verity,
            size: None,
            data: None,
            esp: None,
            labels: Labels::default(),
            slots: None,
        };
        let mut partitions = self.root_partitions(&disk, tree_of)?;
        let identity = self.named(&mut partitions);
        let id = Guid::derived(identity.as_bytes(), "disk", 0);
        let options = gpt::Options { id, size: None, boot_code: None, hybrid: false };
        let layout = gpt::layout(partitions, &options).map_err(|e| self.failed(e))?;
        let mut tree = Tree::new();
        let word = kind.word();
        self.put_layout(&mut tree, &format!(".{word}.raw"), "disk", &layout)?;
        if let Some(verity) = verity {
            let text = self.content(&self.store.tree(&tree_of(verity))?, "-roothash")?;
            self.put(&mut tree, &format!(".{word}.roothash"), (text.blob, text.size))?;
        }
        Ok(tree)
    }
}

/// Returns the paths of a tree that extensions of a kind can't have, and why; none where it is right.
fn unfit(files: &Tree, kind: ExtensionKind) -> Option<(Vec<TreePath>, Unfit)> {
    let directories = kind.directories();
    let is_outside = |path: &TreePath, entry: &Entry| {
        let first =
            path.names().next().filter(|first| directories.iter().any(|d| d.as_bytes() == first.as_bytes()));
        let is_alone = path.parent().is_some_and(|parent| parent.is_root());
        first.is_none() || is_alone && !matches!(entry, Entry::Directory { .. })
    };
    let all = files.entries().filter(|(path, _)| !path.is_root());
    let outside: Vec<_> = all.filter(|(path, entry)| is_outside(path, entry)).map(|(path, _)| path).collect();
    // What is in a directory is named, not the directory.
    let parents: BTreeSet<_> = outside.iter().filter_map(|path| path.parent()).collect();
    let named: Vec<_> = outside.into_iter().filter(|path| !parents.contains(path)).cloned().collect();
    if !named.is_empty() {
        return Some((named, Unfit::Outside));
    }
    let is_release = |path: &TreePath| {
        let text = path.to_string();
        let in_directory =
            text.strip_prefix(kind.release_directory()).is_some_and(|rest| rest.starts_with('/'));
        in_directory || OS_RELEASE.contains(&text.as_str())
    };
    let found: Vec<_> =
        files.entries().map(|(path, _)| path).filter(|path| is_release(path)).cloned().collect();
    (!found.is_empty()).then_some((found, Unfit::Release))
}

#[cfg(test)]
mod tests {
    use kit_hash::BlobId;
    use kit_tree::Mode;

    use super::*;

    fn tree(paths: &[&str]) -> Tree {
        let mut tree = Tree::new();
        for path in paths {
            let path: TreePath = path.parse().expect("a path");
            tree.make_parents(&path, &kit_tree::Meta::root(Mode::DIRECTORY)).expect("directories");
            tree.insert_file(path, Mode::FILE, BlobId::from_bytes([1; 32]), 1).expect("a file");
        }
        tree
    }

    fn found(paths: &[&str], kind: ExtensionKind) -> Option<(Vec<String>, Unfit)> {
        let (paths, unfit) = unfit(&tree(paths), kind)?;
        Some((paths.iter().map(ToString::to_string).collect(), unfit))
    }

    #[test]
    fn what_has_its_place_is_right() {
        assert_eq!(found(&["/usr/bin/x", "/opt/x/y"], ExtensionKind::System), None);
        assert_eq!(found(&["/etc/x/y", "/etc/z"], ExtensionKind::Configuration), None);
        assert_eq!(found(&[], ExtensionKind::System), None);
    }

    #[test]
    fn what_is_elsewhere_is_named_without_its_directories() {
        let expected = ["/etc/a", "/usrlocal/b", "/var/c/d"].map(str::to_owned).to_vec();
        let paths = ["/etc/a", "/usr/bin/x", "/usrlocal/b", "/var/c/d"];
        assert_eq!(found(&paths, ExtensionKind::System), Some((expected, Unfit::Outside)));
        let expected = vec!["/usr/bin/x".to_owned()];
        let paths = ["/etc/a", "/usr/bin/x"];
        assert_eq!(found(&paths, ExtensionKind::Configuration), Some((expected, Unfit::Outside)));
    }

    #[test]
    fn a_directory_must_be_one() {
        assert_eq!(found(&["/usr"], ExtensionKind::System), Some((vec!["/usr".to_owned()], Unfit::Outside)));
    }

    #[test]
    fn what_says_of_which_system_it_is_is_refused() {
        for (path, kind) in [
            ("/usr/lib/os-release", ExtensionKind::System),
            ("/usr/lib/extension-release.d/extension-release.other", ExtensionKind::System),
            ("/etc/os-release", ExtensionKind::Configuration),
            ("/etc/extension-release.d/extension-release.x", ExtensionKind::Configuration),
        ] {
            assert_eq!(found(&[path], kind), Some((vec![path.to_owned()], Unfit::Release)));
        }
        assert_eq!(found(&["/usr/lib/extension-release.d-x"], ExtensionKind::System), None);
    }
}
