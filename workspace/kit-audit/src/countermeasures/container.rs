//! 4.4: what is asked of running containers.

use super::{Audited, Countermeasure, Status, against, answer, by_worst, summed_up, unknown};
use crate::finding::{Area, Finding};
use crate::inventory::Role;
use crate::privileges::service::Namespace;

/// Programs that start containers, by the names of packages that have them.
const ENGINES: [&str; 11] = [
    "buildah",
    "containerd",
    "crun",
    "cri-o",
    "docker.io",
    "docker-ce",
    "init",
    "kit-init",
    "moby-engine",
    "podman",
    "runc",
];

pub(super) fn all(audited: Audited<'_>) -> Vec<Countermeasure> {
    vec![runtime(audited), network(audited), settings(audited), programs(audited), rogue(audited)]
}

/// Returns the names of the shipped components that start containers, kit's own init left out.
pub(super) fn engines(audited: Audited<'_>) -> Vec<String> {
    let own = ["init", "kit-init"];
    let shipped = audited.inventory.into_iter().flat_map(|inventory| inventory.in_role(Role::Shipped));
    let is_engine = |name: &&String| ENGINES.contains(&name.as_str()) && !own.contains(&name.as_str());
    let mut names: Vec<_> =
        shipped.map(|(_, component)| &component.name).filter(is_engine).cloned().collect();
    names.dedup();
    names
}

fn runtime(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.4.1", "The software that runs containers has no known vulnerabilities");
    let Some(asked) = audited.asked() else {
        return unknown(number, title, "no advisories were given");
    };
    // The key of a vulnerability ends with what has it.
    let is_engine = |finding: &&Finding| finding.key.split(' ').skip(1).any(|word| ENGINES.contains(&word));
    let findings: Vec<_> = audited.of(Area::Vulnerabilities).into_iter().filter(|f| is_engine(f)).collect();
    let mut evidence = vec![asked, "kit's own init runs the containers".to_owned()];
    let engines = engines(audited);
    if !engines.is_empty() {
        evidence.push(format!("further programs that run containers: {}", engines.join(", ")));
    }
    evidence.push(summed_up("vulnerabilities of them", &findings));
    answer(number, title, &findings, evidence)
}

fn network(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.4.2", "Containers reach only the networks that they need");
    let Some(privileges) = audited.privileges else {
        return unknown(number, title, "the containers' configurations weren't read");
    };
    let all = privileges.services.len();
    if all == 0 {
        return none(number, title);
    }
    let sharing: Vec<_> =
        privileges.services.iter().filter(|service| service.shares(Namespace::Net)).collect();
    let findings: Vec<_> =
        audited.with(&["privilege-host-namespace"]).into_iter().filter(|f| f.key.ends_with(" net")).collect();
    let mut evidence = vec![format!("{} of {all} containers use the machine's network", sharing.len())];
    evidence.extend(sharing.iter().map(|service| format!("`{}` uses the machine's network", service.name)));
    let status = match sharing.len() {
        0 => Status::Met,
        some if some < all => Status::Partly,
        _ => Status::NotMet,
    };
    Countermeasure { number, title, status, evidence, findings: against(&findings) }
}

fn none(number: &'static str, title: &'static str) -> Countermeasure {
    let evidence = vec!["the image has no containers".to_owned()];
    Countermeasure { number, title, status: Status::NotApplicable, evidence, findings: Vec::new() }
}

fn settings(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.4.3", "Containers are run with as few privileges as they need");
    let Some(privileges) = audited.privileges else {
        return unknown(number, title, "the containers' configurations weren't read");
    };
    if privileges.services.is_empty() && privileges.unreadable.is_empty() {
        return none(number, title);
    }
    let findings = audited.of(Area::Privileges);
    let least = privileges.services.iter().filter(|service| {
        let differences = crate::privileges::differences(service);
        differences.iter().all(|difference| difference.severity == crate::finding::Severity::Note)
    });
    let evidence = vec![
        format!("{} of {} containers have no more than the least", least.count(), privileges.services.len()),
        summed_up("privileges beyond the least", &findings),
    ];
    answer(number, title, &findings, evidence)
}

fn programs(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.4.4", "A program that was taken over can change little, and is noticed");
    let Some(privileges) = audited.privileges else {
        return unknown(number, title, "the containers' configurations weren't read");
    };
    let all = privileges.services.len();
    if all == 0 {
        return none(number, title);
    }
    let read_only = privileges.services.iter().filter(|service| service.read_only_root).count();
    let findings =
        audited.with(&["privilege-writable-root", "privilege-no-seccomp", "privilege-new-privileges"]);
    let evidence = vec![
        format!("{read_only} of {all} containers have a root that can't be written"),
        summed_up("settings that let a program change more", &findings),
    ];
    let status = if read_only == 0 { Status::NotMet } else { by_worst(&findings) };
    let found = Countermeasure { number, title, status, evidence, findings: against(&findings) };
    found.at_best(Status::Partly, "nothing in an image tells who watches the machine while it runs")
}

fn rogue(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.4.5", "No other containers are run than those that were meant");
    if audited.inventory.is_none() {
        return unknown(number, title, "nobody knows what the image is made of");
    }
    let containers = audited.privileges.map(|privileges| privileges.services.len());
    let mut evidence = vec![match containers {
        Some(number) => {
            format!("kit's init runs the {number} containers that are in the image, and no others")
        }
        None => "kit's init runs the containers that are in the image, and no others".to_owned(),
    }];
    let engines = engines(audited);
    if engines.is_empty() {
        evidence.push("no other program that runs containers is in the image".to_owned());
        return Countermeasure { number, title, status: Status::Met, evidence, findings: Vec::new() };
    }
    evidence.push(format!("programs that run other containers are in the image: {}", engines.join(", ")));
    Countermeasure { number, title, status: Status::Partly, evidence, findings: Vec::new() }
}
