//! What the containers of an image may do: a table of privileges, what of it is more than the least, and where that is written.
//!
//! Everything is read from the image itself, `/containers/{onboot,services,onshutdown}/NNN-name/{config.json,runtime.json}`, so that an
//! image says the truth of itself even where its recipes are lost. The measure is what kit gives to a container whose recipe says nothing.
//! Which privileges a program doesn't use can't be read from an image, so nothing is said about that.
//!
//! | module | what |
//! |---|---|
//! | [`service`] | [`Service`]: a container, and what it may do |
//! | `document` | the JSON of the two files, as far as it is about privileges |
//! | `read` | from the files to services |
//! | [`capability`] | how dangerous each capability is, and why |
//! | [`path`] | how dangerous it is to see a path of the machine |
//! | [`device`] | how dangerous a device is |
//! | [`difference`] | what a service has beyond the least |
//! | [`written`] | the line of a recipe that says so |
//! | [`row`] | a line of the table for people |

pub mod capability;
pub mod device;
pub mod difference;
mod document;
pub mod path;
mod read;
pub mod row;
pub mod service;
pub mod written;

use kit_tree::{Blobs, Tree, TreePath};

pub use self::difference::{Difference, KINDS, differences};
pub use self::row::Row;
pub use self::service::{Class, Service};
pub use self::written::{Privilege, Recipes};
use crate::finding::{Evidence, Finding};

/// The containers of an image, and those that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Privileges {
    /// The containers: onboot, services, onshutdown, each in their order.
    pub services: Vec<Service>,
    /// Files that say what a container may do, and can't be read.
    pub unreadable: Vec<Unreadable>,
}

/// A configuration that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The container, or the name of its directory where that has none.
    pub service: String,
    /// The file or directory.
    pub path: TreePath,
    /// Why.
    pub reason: String,
}

impl Privileges {
    /// The most that a configuration may have, in bytes.
    pub const LIMIT: u64 = 4 << 20;

    /// Reads what the containers in a root file system may do.
    pub fn of(root: &Tree, blobs: &dyn Blobs) -> Self {
        read::privileges(root, blobs)
    }

    /// Returns a container.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Returns the lines of the table.
    pub fn rows(&self) -> Vec<Row> {
        self.services.iter().map(Row::of).collect()
    }

    /// Returns all that is more than the least, each with the line of the recipe that says so where the recipes are known.
    pub fn findings(&self, recipes: Option<&Recipes<'_>>) -> Vec<Finding> {
        let mut findings: Vec<_> = self.unreadable.iter().map(unreadable).collect();
        for service in &self.services {
            let one = |difference: Difference| finding(service, difference, recipes);
            findings.extend(differences(service).into_iter().map(one));
        }
        findings
    }
}

/// Returns what is to be said of the user that the configuration of an image names for its program; nothing where it isn't root.
pub fn of_user(user: Option<&str>) -> Option<Finding> {
    let name = user.unwrap_or_default().split(':').next().unwrap_or_default();
    if !matches!(name, "" | "root" | "0") {
        return None;
    }
    let reason = match user {
        None | Some("") => "the image's configuration names no user".to_owned(),
        Some(user) => format!("the image's configuration names the user `{user}`"),
    };
    let finding = Finding::new(&difference::ROOT_USER, "image", "the image's own program runs as root");
    let help = "set `User` in the image's configuration: `USER` in a Dockerfile, `uid` in a recipe";
    Some(finding.because(Evidence::Fact(reason)).with_help(help))
}

fn unreadable(unreadable: &Unreadable) -> Finding {
    let Unreadable { service, path, reason } = unreadable;
    let name = path.file_name().map_or_else(String::new, |name| name.to_string());
    let message = format!("what `{service}` may do can't be read: {reason}");
    let finding = Finding::new(&difference::UNREADABLE, format!("{service} {name}"), message);
    finding.because(Evidence::File { path: path.clone(), owner: None })
}

fn finding(service: &Service, difference: Difference, recipes: Option<&Recipes<'_>>) -> Finding {
    let Difference { kind, what, severity, message, reason, privilege } = difference;
    let key = format!("{} {what}", service.name);
    let mut finding = Finding::new(kind, key, message).as_bad_as(severity).because(Evidence::Fact(reason));
    if let Some(place) = recipes.and_then(|recipes| recipes.place(&service.name, &privilege)) {
        finding = finding.because(Evidence::Recipe(place));
    }
    finding.because(Evidence::File { path: service.config(), owner: None })
}

#[cfg(test)]
mod tests;
