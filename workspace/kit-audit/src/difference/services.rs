//! Privileges of containers that were gained or lost, and what else of them changed.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Severity;
use crate::privileges::service::{Mounted, Seccomp};
use crate::privileges::{Class, Privilege, Privileges, Row, Service, differences};

/// What became of a container, or of something that it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// The container is new.
    Added,
    /// The container is gone.
    Removed,
    /// It may do more.
    Gained,
    /// It may do less.
    Lost,
    /// Something of it is another one.
    Changed,
}

impl Turn {
    /// All of them, in the order of summaries.
    pub const ALL: [Self; 5] = [Self::Added, Self::Removed, Self::Gained, Self::Lost, Self::Changed];

    /// Returns the word for it, also in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Gained => "gained",
            Self::Lost => "lost",
            Self::Changed => "changed",
        }
    }
}

/// Something of a container that isn't what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceChange {
    /// The container.
    pub service: String,
    /// What became of it.
    pub turn: Turn,
    /// The kind of privilege (`privilege-capability`), or what else it is (`command`); none for the container itself.
    pub aspect: Option<String>,
    /// Which of its kind: `CAP_SYS_ADMIN`, a path.
    pub what: Option<String>,
    /// Before, in words; none where there was nothing.
    pub before: Option<String>,
    /// Now, in words; none where there is nothing.
    pub after: Option<String>,
    /// How bad it is to have a privilege.
    pub severity: Option<Severity>,
}

/// What is told of a container: the value in words, and how bad it is where it is a privilege.
type Facts = BTreeMap<(String, String), (String, Option<Severity>)>;

/// Compares what containers may do.
pub(super) fn services(before: &Privileges, after: &Privileges) -> Vec<ServiceChange> {
    let names: BTreeSet<_> = names(before).chain(names(after)).collect();
    let mut changes = Vec::new();
    for name in names {
        let (one, other) = (before.service(name), after.service(name));
        let whole = |turn, before: Option<&Service>, after: Option<&Service>| ServiceChange {
            service: name.to_owned(),
            turn,
            aspect: None,
            what: None,
            before: before.map(summary),
            after: after.map(summary),
            severity: None,
        };
        match (one, other) {
            (None, Some(_)) => changes.push(whole(Turn::Added, None, other)),
            (Some(_), None) => changes.push(whole(Turn::Removed, one, None)),
            _ => {}
        }
        let is_both = one.is_some() && other.is_some();
        compare(name, &facts(before, name, is_both), &facts(after, name, is_both), &mut changes);
    }
    changes
}

fn names(side: &Privileges) -> impl Iterator<Item = &str> {
    let read = side.services.iter().map(|service| service.name.as_str());
    read.chain(side.unreadable.iter().map(|unreadable| unreadable.service.as_str()))
}

/// Says what a container is: when it runs, and what.
fn summary(service: &Service) -> String {
    let word = match service.class {
        Class::Onboot => "on boot",
        Class::Service => "service",
        Class::Onshutdown => "on shutdown",
    };
    if service.command.is_empty() {
        word.to_owned()
    } else {
        format!("{word}: {}", service.command.join(" "))
    }
}

fn compare(name: &str, before: &Facts, after: &Facts, changes: &mut Vec<ServiceChange>) {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let (one, other) = (before.get(key), after.get(key));
        if one == other {
            continue;
        }
        let severity = other.or(one).and_then(|(_, severity)| *severity);
        let turn = match (one, other, severity) {
            (None, _, Some(_)) => Turn::Gained,
            (_, None, Some(_)) => Turn::Lost,
            _ => Turn::Changed,
        };
        let words = |side: Option<&(String, Option<Severity>)>| side.map(|(words, _)| words.clone());
        changes.push(ServiceChange {
            service: name.to_owned(),
            turn,
            aspect: Some(key.0.clone()),
            what: Some(key.1.clone()).filter(|what| !what.is_empty()),
            before: words(one),
            after: words(other),
            severity,
        });
    }
}

/// Says all of a container: its privileges, and what else there is where it is in both images.
fn facts(side: &Privileges, name: &str, with_rest: bool) -> Facts {
    let mut facts = Facts::new();
    for unreadable in side.unreadable.iter().filter(|unreadable| unreadable.service == name) {
        let key = ("privilege-unreadable".to_owned(), unreadable.path.to_string());
        facts.insert(key, (unreadable.reason.clone(), Some(Severity::High)));
    }
    let Some(service) = side.service(name) else { return facts };
    let mut mounts = BTreeSet::new();
    for difference in differences(service) {
        if let Privilege::Mount(destination) = &difference.privilege {
            mounts.insert(destination.clone());
        }
        let key = (difference.kind.id.to_owned(), difference.what);
        facts.insert(key, (difference.message, Some(difference.severity)));
    }
    if with_rest {
        facts.extend(rest(service, &mounts));
    }
    facts
}

/// Says what of a container is no privilege, but for mounts that are told as such.
fn rest(service: &Service, told: &BTreeSet<String>) -> Facts {
    let row = Row::of(service);
    let landlock = service.landlock.as_ref().map_or_else(String::new, |rules| {
        let rules: Vec<_> =
            rules.iter().map(|(what, paths)| format!("{what}: {}", paths.join(" "))).collect();
        rules.join("; ")
    });
    let seccomp = match &service.seccomp {
        Seccomp::Own { more, fewer } => {
            format!("{} allowed besides, {fewer} refused besides", more.len())
        }
        Seccomp::Default | Seccomp::Unconfined => String::new(),
    };
    let single = [
        ("runs", service.class.folder().to_owned()),
        ("command", service.command.join(" ")),
        ("user", row.user),
        ("system-calls", seccomp),
        ("landlock", landlock),
        ("apparmor", row.apparmor),
        ("limits", row.limits),
        ("restart", service.restart.clone()),
        ("around", service.around.join("; ")),
    ];
    let single = single.into_iter().map(|(aspect, value)| ((aspect.to_owned(), String::new()), value));
    let sysctl =
        service.sysctl.iter().map(|(name, value)| (("sysctl".to_owned(), name.clone()), value.clone()));
    let mounts = service.mounts.iter().filter(|mount| !told.contains(&mount.destination)).map(|mount| {
        let source = match &mount.what {
            Mounted::Bind(source) => source,
            Mounted::FileSystem { kind, .. } => kind,
        };
        let key = ("mount".to_owned(), mount.destination.clone());
        (key, format!("{source} ({})", mount.access.word()))
    });
    let all = single.chain(sysctl).chain(mounts).filter(|(_, value)| !value.is_empty());
    all.map(|(key, value)| (key, (value, None))).collect()
}
