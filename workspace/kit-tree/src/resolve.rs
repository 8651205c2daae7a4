//! Where a path leads, as for a process whose root is the tree.

use crate::{Entry, FileName, Tree, TreePath};

/// The most links on a way, as Linux has it.
const LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved<'a> {
    /// To something that is there and no link.
    There(TreePath, &'a Entry),
    /// To nothing: the path that would have to be there; whether a link leads to it.
    Nothing(TreePath, ByLink),
    /// Nowhere: through a file, or in circles.
    Nowhere,
}

/// Whether a way went through a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByLink {
    /// It did.
    Yes,
    /// It didn't.
    No,
}

impl Tree {
    /// Follows a path through links, which can't lead out of the tree.
    pub fn resolve(&self, path: &TreePath) -> Resolved<'_> {
        let mut names: Vec<Vec<u8>> = path.names().map(|name| name.as_bytes().to_vec()).rev().collect();
        let mut at = TreePath::root();
        let mut links = 0;
        while let Some(name) = names.pop() {
            match name.as_slice() {
                b"" | b"." => continue,
                b".." => {
                    at = at.parent().unwrap_or_else(TreePath::root);
                    continue;
                }
                _ => {}
            }
            let Some(next) = FileName::new(name).ok().and_then(|name| at.join(&name).ok()) else {
                return Resolved::Nowhere;
            };
            match self.get(&next) {
                None => return nothing(next, names, links),
                Some(Entry::Symlink { target, .. }) => {
                    links += 1;
                    if links > LINKS {
                        return Resolved::Nowhere;
                    }
                    if target.starts_with(b"/") {
                        at = TreePath::root();
                    }
                    names.extend(target.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec));
                }
                Some(Entry::Directory { .. }) => at = next,
                Some(_) if names.is_empty() => at = next,
                Some(_) => return Resolved::Nowhere,
            }
        }
        match self.inode(&at) {
            Some(entry) => Resolved::There(at, entry),
            None => Resolved::Nowhere,
        }
    }
}

fn nothing<'a>(mut at: TreePath, names: Vec<Vec<u8>>, links: usize) -> Resolved<'a> {
    for name in names.into_iter().rev() {
        match FileName::new(name).ok().and_then(|name| at.join(&name).ok()) {
            Some(next) => at = next,
            None => return Resolved::Nowhere,
        }
    }
    Resolved::Nothing(at, if links == 0 { ByLink::No } else { ByLink::Yes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Meta;

    fn path(text: &str) -> TreePath {
        text.parse().unwrap()
    }

    fn tree() -> Tree {
        let mut tree = Tree::new();
        let links = [
            ("/bin", "usr/bin"),
            ("/etc/resolv.conf", "../run/resolv.conf"),
            ("/usr/bin/sh", "/bin/busybox"),
            ("/loop", "loop"),
            ("/up", "../../../usr"),
        ];
        for directory in ["/usr", "/usr/bin", "/etc"] {
            tree.insert(path(directory), Entry::directory()).unwrap();
        }
        let file =
            Entry::File { meta: Meta::root(crate::Mode::FILE), blob: kit_hash::BlobId::of(b""), size: 0 };
        tree.insert(path("/usr/bin/busybox"), file).unwrap();
        for (link, target) in links {
            tree.insert(path(link), Entry::symlink(target.as_bytes())).unwrap();
        }
        tree
    }

    #[test]
    fn links_are_followed_inside_of_the_tree() {
        let tree = tree();
        let there = |text: &str| match tree.resolve(&path(text)) {
            Resolved::There(path, _) => path.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(there("/bin/sh"), "/usr/bin/busybox");
        assert_eq!(there("/up/bin"), "/usr/bin");
        assert_eq!(there("/"), "/");
        let nothing = |text: &str| tree.resolve(&path(text));
        assert_eq!(nothing("/etc/resolv.conf"), Resolved::Nothing(path("/run/resolv.conf"), ByLink::Yes));
        assert_eq!(nothing("/run/a/b"), Resolved::Nothing(path("/run/a/b"), ByLink::No));
        assert_eq!(nothing("/loop"), Resolved::Nowhere);
        assert_eq!(nothing("/bin/busybox/x"), Resolved::Nowhere);
    }
}
