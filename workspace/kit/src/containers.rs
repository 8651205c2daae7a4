//! Where the user's store of containers is, as containers/storage looks for it.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_source::registry::storage::{Users, graph_root};

use crate::environment::ContainerPlaces;
use crate::places::read_if_there;
use crate::project;

/// Where the machine's administrators say it; what comes first counts.
const OF_THE_MACHINE: [&str; 2] = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];
/// Where root's is when nothing says it.
const OF_ROOT: &str = "/var/lib/containers/storage";

/// Returns the store and its path; none where there is none.
pub(crate) fn store(places: &ContainerPlaces) -> Option<(Dir, PathBuf)> {
    let path = path(places)?;
    Some((project::open_dir(&path).ok()?, path))
}

fn path(places: &ContainerPlaces) -> Option<PathBuf> {
    let user = rustix::process::geteuid();
    let home = places.home.as_deref().unwrap_or(Path::new("/"));
    let said = |path: &Path, whose: Users| {
        let text = String::from_utf8(read_if_there(path)?).ok()?;
        graph_root(&text, whose, home, user.as_raw())
    };
    if let Some(given) = &places.given {
        return said(given, Users::Own);
    }
    let machine = |whose: Users| OF_THE_MACHINE.iter().find_map(|path| said(Path::new(path), whose));
    if user.is_root() {
        return machine(Users::Own).or_else(|| Some(OF_ROOT.into()));
    }
    let own =
        places.config.as_ref().and_then(|config| said(&config.join("containers/storage.conf"), Users::Own));
    own.or_else(|| machine(Users::Others)).or_else(|| Some(places.data.as_ref()?.join("containers/storage")))
}
