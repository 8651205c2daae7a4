//! Where files come from: what the command line, the environment and `kit.toml` say, in this order.

use std::path::Path;
use std::time::SystemTime;

use kit_build::network::{Places, Reach};
use kit_build::vendor::Bundle;

use crate::Failure;
use crate::containers;
use crate::context::Context;
use crate::project::{self, Project};

/// Returns the places; nothing of the machine's configuration is read yet.
pub(crate) fn places(context: &Context) -> Result<Places, Failure> {
    let project = context.project()?;
    let environment = &context.environment;
    let debian = &project.settings().debian;
    let keyrings: Result<_, Failure> = debian.keyrings.iter().map(|path| keyring(project, path)).collect();
    Ok(Places {
        reach: if context.is_offline() { Reach::Offline } else { Reach::Online },
        mirrors: environment.debian_mirrors.iter().chain(&debian.mirrors).cloned().collect(),
        snapshot: environment.debian_snapshot.clone().or_else(|| debian.snapshot.clone()),
        source_mirrors: project.settings().mirrors.clone(),
        logins: environment.login_files.iter().filter_map(|path| read_if_there(path)).collect(),
        keyrings: keyrings?,
        bundles: bundles(context, project)?,
        project: project.dir().try_clone().map_err(|source| Failure::File {
            action: "open",
            path: project.path().to_owned(),
            source,
        })?,
        containers: containers::stores(&environment.containers),
        machine: project::open_dir(Path::new("/"))?,
        // cargo makes it when it first runs; who can't have one needs it only to fetch crates.
        cargo_home: environment
            .cargo_home
            .as_ref()
            .and_then(|path| Some((project::make_dir(path).ok()?, path.clone()))),
        now: now(),
    })
}

/// Opens the bundle that files are taken from, where there is one.
pub(crate) fn bundles(context: &Context, project: &Project) -> Result<Vec<Bundle>, Failure> {
    let named = context.global.vendor.as_ref().or(context.environment.vendor.as_ref());
    let path = match named {
        Some(path) => Some(project::absolute(path)?),
        None => project.settings().vendor.as_ref().map(|path| project.path().join(path)),
    };
    path.map(|path| Ok(Bundle { dir: project::open_dir(&path)?, path })).into_iter().collect()
}

/// Reads a file that needs not be there; one that can't be read says nothing.
pub(crate) fn read_if_there(path: &Path) -> Option<Vec<u8>> {
    project::open_dir(path.parent()?).ok()?.read(path.file_name()?).ok()
}

/// Reads a keyring: relative to the project, or anywhere by an absolute path.
fn keyring(project: &Project, path: &str) -> Result<Vec<u8>, Failure> {
    let full = project.path().join(path);
    let (Some(parent), Some(name)) = (full.parent(), full.file_name()) else {
        let source = std::io::ErrorKind::IsADirectory.into();
        return Err(Failure::File { action: "read", path: full, source });
    };
    project::open_dir(parent)?.read(name).map_err(|source| Failure::File {
        action: "read",
        path: full.clone(),
        source,
    })
}

/// Returns the seconds since 1970: signatures that have expired are refused when something is locked.
#[expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
