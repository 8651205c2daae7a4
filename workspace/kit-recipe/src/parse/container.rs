//! `[container]` of a package, `[defaults]` of an image, and the same keys in its `[[onboot]]`, `[[service]]`,
//! `[[onshutdown]]`.

mod amounts;
mod devices;
mod isolation;
mod mounts;
mod process;
mod runtime;
mod service;

use super::Faults;
use super::section::Section;
use crate::container::Container;

pub(crate) use amounts::memory;
pub(crate) use mounts::{BIND_OPTIONS, MOUNT_OPTIONS, TMPFS_OPTIONS};
pub(crate) use process::environment;

/// Reads the keys of a container.
pub(crate) fn container(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Container {
    let mut container = Container::default();
    process::read(section, &mut container, faults);
    isolation::read(section, &mut container, faults);
    mounts::read(section, &mut container, faults);
    service::read(section, &mut container, faults);
    container
}
