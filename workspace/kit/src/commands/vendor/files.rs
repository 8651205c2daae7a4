//! The project's own files: into a bundle, and out of it again.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::ExitCode;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt as _};
use kit_build::vendor::{self, Bundle, VendoredFile};
use kit_hash::Sha256;
use kit_plan::RecipeFiles as _;
use kit_store::Store;
use kit_tree::{Blobs, Entry, Tree, TreePath};
use serde_json::json;

use crate::Failure;
use crate::commands::init::{VERSION_CONTROL, refuse_occupied};
use crate::context::Context;
use crate::project::{self, Project};
use crate::units::count;
use crate::workbench::Workpiece;

/// Files of a project that no recipe names.
const OWN: [&str; 2] = ["kit.toml", "policy.toml"];
/// The largest file that settings name, in bytes.
const LARGEST: u64 = 16 << 20;

/// Puts the files that subjects are made of into an archive in the store.
pub(super) fn pack(
    context: &Context,
    store: &Store,
    pieces: &[Workpiece],
) -> Result<(Sha256, VendoredFile), Failure> {
    let pieces: Vec<_> = pieces.iter().map(|piece| (&piece.loaded, &piece.lock)).collect();
    let files = vendor::project::files(store, &pieces, &others(context.project()?)?)?;
    Ok(vendor::project::pack(store, &files)?)
}

/// Reads the project's recipes, its settings, its policy, and the files below it that the settings name. Recipes of what an image takes away
/// from another one are read when it is planned, though nothing of them is in it; so all are taken.
fn others(project: &Project) -> Result<BTreeMap<String, Vec<u8>>, Failure> {
    let settings = project.settings();
    let named = settings.debian.keyrings.iter().chain(settings.signatures.keys.values()).map(String::as_str);
    let mut others = BTreeMap::new();
    for name in OWN.into_iter().chain(named) {
        // A key can stand there itself, and what is elsewhere on this machine is none of the project's.
        if Path::new(name).is_relative() && project.dir().is_file(name) {
            let path = project.path().join(name);
            others.insert(name.to_owned(), project::read_file(&path, LARGEST)?);
        }
    }
    for name in project.own_recipes()? {
        if let Some(text) = project.disk().text(&name).map_err(|error| Failure::Recipes(vec![error]))? {
            others.insert(name.path(), text.into_bytes());
        }
    }
    Ok(others)
}

/// Writes the files of the project that is in a bundle to a directory.
pub(super) fn unpack(bundle: &Path, to: &Path, context: &Context) -> Result<ExitCode, Failure> {
    let path = project::absolute(bundle)?;
    let open = Bundle { dir: project::open_dir(&path)?, path };
    let Some((tree, blobs)) = vendor::project::unpack(&open)? else {
        return Err(Failure::BundleWithoutProject { path: bundle.to_owned() });
    };
    if let Some(found) = of_version_control(&tree) {
        return Err(Failure::BundleWithHooks { path: bundle.to_owned(), found: found.to_string() });
    }
    let dir = project::make_dir(&project::absolute(to)?)?;
    // Nothing from elsewhere comes to lie beside a repository, whose settings it could be.
    refuse_occupied(&dir, to, &[])?;
    let files = write(&tree, &blobs, &dir, to)?;
    let (shown, bundle) = (to.display(), bundle.display());
    context.output.say(&format!(
        "{}; `kit build --project {shown} --vendor {bundle} --offline` builds from them\n",
        count(files, "file")
    ));
    context.output.data(&format!("{shown}\n")).map_err(Failure::Output)?;
    context.output.result(&json!({ "path": to, "files": files })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns what would be taken for a repository: its settings and hooks are programs that run at the next command in it. File systems may
/// know no case.
fn of_version_control(tree: &Tree) -> Option<&TreePath> {
    let is_of_it =
        |name: &[u8]| VERSION_CONTROL.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    tree.entries()
        .map(|(path, _)| path)
        .find(|path| path.as_bytes().split(|byte| *byte == b'/').any(is_of_it))
}

fn write(tree: &Tree, blobs: &dyn Blobs, dir: &Dir, shown: &Path) -> Result<usize, Failure> {
    let mut files = 0;
    for (path, entry) in tree.entries().filter(|(path, _)| !path.is_root()) {
        let name = Path::new(OsStr::from_bytes(path.as_bytes()));
        let failed = |source| Failure::File { action: "write", path: shown.join(name), source };
        // Another name of a file becomes a file of its own.
        let content = if let Entry::HardLink { target } = entry { tree.get(target) } else { Some(entry) };
        match content {
            Some(Entry::Directory(_)) => dir.create_dir_all(name).map_err(failed)?,
            Some(Entry::File { meta, blob, .. }) => {
                let mode = if meta.mode.is_executable() { 0o755 } else { 0o644 };
                let mut options = OpenOptions::new();
                let file = dir.open_with(name, options.write(true).create_new(true).mode(mode));
                let mut content = blobs.open(blob).map_err(failed)?;
                io::copy(&mut content, &mut file.map_err(failed)?).map_err(failed)?;
                files += 1;
            }
            // Nothing is written through it: below a link there is nothing in a tree.
            Some(Entry::Symlink { target, .. }) => {
                dir.symlink_contents(OsStr::from_bytes(target), name).map_err(failed)?;
            }
            Some(Entry::HardLink { .. } | Entry::Device { .. } | Entry::Fifo(_)) | None => {
                return Err(failed(io::Error::other("a project has files and links alone")));
            }
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use kit_tree::{Meta, Mode};

    use super::*;

    #[test]
    fn no_repository_comes_out_of_a_bundle() {
        let found = |path: &str| {
            let (mut tree, path) = (Tree::new(), path.parse::<TreePath>().unwrap());
            tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).unwrap();
            tree.insert(path, Entry::symlink("elsewhere")).unwrap();
            of_version_control(&tree).map(ToString::to_string)
        };
        assert_eq!(found("/.git/hooks/post-checkout").as_deref(), Some("/.git"));
        assert_eq!(found("/files/app/.GIT").as_deref(), Some("/files/app/.GIT"));
        assert_eq!(found("/files/.jj/config.toml").as_deref(), Some("/files/.jj"));
        for harmless in ["/.gitignore", "/.github/workflows/image.yml", "/files/git", "/files/a.git/b"] {
            assert_eq!(found(harmless), None, "{harmless}");
        }
    }
}
