//! Where the user's stores of containers are, as containers/storage looks for them.

use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_source::registry::storage::{Users, additional_stores, graph_root};

use crate::environment::ContainerPlaces;
use crate::places::read_if_there;
use crate::project;

/// Where the machine's administrators say it; what comes first counts.
const OF_THE_MACHINE: [&str; 2] = ["/etc/containers/storage.conf", "/usr/share/containers/storage.conf"];
/// Where root's is when nothing says it.
const OF_ROOT: &str = "/var/lib/containers/storage";

/// Returns the stores and their paths, the user's own first; those that there are.
pub(crate) fn stores(places: &ContainerPlaces) -> Vec<(Dir, PathBuf)> {
    let open = |path: PathBuf| Some((project::open_dir(&path).ok()?, path));
    path(places).into_iter().chain(additional(places)).filter_map(open).collect()
}

fn text(path: &Path) -> Option<String> {
    String::from_utf8(read_if_there(path)?).ok()
}

fn path(places: &ContainerPlaces) -> Option<PathBuf> {
    let user = rustix::process::geteuid();
    let home = places.home.as_deref().unwrap_or(Path::new("/"));
    let said = |path: &Path, whose: Users| graph_root(&text(path)?, whose, home, user.as_raw());
    if let Some(given) = &places.given {
        return said(given, Users::Own);
    }
    let machine = |whose: Users| OF_THE_MACHINE.iter().find_map(|path| said(Path::new(path), whose));
    if user.is_root() {
        return machine(Users::Own).or_else(|| Some(OF_ROOT.into()));
    }
    let own = own_configuration(places).and_then(|path| said(&path, Users::Own));
    own.or_else(|| machine(Users::Others)).or_else(|| Some(places.data.as_ref()?.join("containers/storage")))
}

/// Returns the stores that are read besides. One file says them all; an ordinary user's are not those of the machine's configuration.
fn additional(places: &ContainerPlaces) -> Vec<PathBuf> {
    let said = match &places.given {
        Some(given) => text(given),
        None if rustix::process::geteuid().is_root() => {
            OF_THE_MACHINE.iter().find_map(|path| text(Path::new(path)))
        }
        None => own_configuration(places).and_then(|path| text(&path)),
    };
    said.as_deref().map(additional_stores).unwrap_or_default()
}

fn own_configuration(places: &ContainerPlaces) -> Option<PathBuf> {
    Some(places.config.as_ref()?.join("containers/storage.conf"))
}
