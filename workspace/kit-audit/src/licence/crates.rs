//! The licence of a crate, as its `Cargo.toml` states it.

use kit_tree::resolve::Resolved;
use kit_tree::{Blobs, Entry, Mode, Tree, TreePath};
use serde::Deserialize;
use spdx::Expression;

use super::{Licence, LicenceProblem, LicenceText, check, reference, texts};

/// What is read of a `Cargo.toml`.
#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Package {
    name: String,
    license: Option<String>,
    license_file: Option<String>,
}

/// Returns the files of a crate without the one directory that an archive of the registry has them in.
fn unpacked(tree: &Tree) -> Tree {
    let mut tops = tree.entries().filter(|(path, _)| path.names().count() == 1);
    let (Some((top, Entry::Directory(_))), None) = (tops.next(), tops.next()) else { return tree.clone() };
    let mut inner = Tree::new();
    for (path, entry) in tree.entries() {
        // What another name of a file is isn't asked for here.
        if let (Some(path), Entry::File { blob, size, .. }) = (path.strip_prefix(top), entry)
            && !path.is_root()
        {
            _ = inner.insert_file(path, Mode::FILE, *blob, *size);
        }
    }
    inner
}

impl Licence {
    /// Reads what the `Cargo.toml` at the top of a crate's tree states, and the texts beside it.
    pub fn of_crate(tree: &Tree, blobs: &dyn Blobs) -> Self {
        let mut licence = Self::default();
        let tree = &unpacked(tree);
        match manifest(tree, blobs) {
            Ok(package) => licence.state(&package, tree, blobs),
            Err(problem) => licence.problems.push(problem),
        }
        licence.add_texts(tree, blobs);
        licence
    }

    fn state(&mut self, package: &Package, tree: &Tree, blobs: &dyn Blobs) {
        match (&package.license, &package.license_file) {
            (Some(stated), _) => match usual(stated) {
                Ok(expression) => self.expression = Some(expression),
                Err(problem) => self.problems.push(problem),
            },
            (None, Some(file)) => match own_text(file, tree, blobs) {
                Ok((path, text)) => {
                    let name = reference("crate", &package.name);
                    self.expression = Some(name.clone());
                    self.texts.push(LicenceText { name, path, text });
                }
                Err(problem) => self.problems.push(problem),
            },
            (None, None) => self.problems.push(LicenceProblem::Unstated),
        }
    }
}

fn manifest(tree: &Tree, blobs: &dyn Blobs) -> Result<Package, LicenceProblem> {
    let path = TreePath::new("Cargo.toml").expect("because it is a name");
    let text = texts::read(&path, tree, blobs)?;
    let manifest: Manifest = toml::from_str(&text)
        .map_err(|error| LicenceProblem::Unreadable { path, reason: error.message().to_owned() })?;
    Ok(manifest.package)
}

/// Brings what crates usually write into the form of the specification: `MIT/Apache-2.0`, `Apache 2.0`.
fn usual(stated: &str) -> Result<String, LicenceProblem> {
    match Expression::canonicalize(stated) {
        Ok(Some(canonical)) => check(&canonical),
        Ok(None) | Err(_) => check(stated),
    }
}

fn own_text(file: &str, tree: &Tree, blobs: &dyn Blobs) -> Result<(TreePath, String), LicenceProblem> {
    let invalid = |reason: String| LicenceProblem::Invalid { stated: file.to_owned(), reason };
    let path = TreePath::from_archive(file.as_bytes()).map_err(|error| invalid(error.to_string()))?;
    if !matches!(tree.resolve(&path), Resolved::There(_, Entry::File { .. })) {
        return Err(LicenceProblem::NoFile(path));
    }
    let text = texts::read(&path, tree, blobs)?;
    Ok((path, text))
}
