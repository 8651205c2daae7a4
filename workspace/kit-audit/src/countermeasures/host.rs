//! 4.5: what is asked of the system below the containers.

use super::{Audited, Countermeasure, Status, against, answer, summed_up, unknown};
use crate::finding::{Area, Evidence, Finding};
use crate::inventory::Role;
use crate::privileges::Service;
use crate::privileges::service::Namespace;

pub(super) fn all(audited: Audited<'_>) -> Vec<Countermeasure> {
    vec![surface(audited), kernel(audited), components(audited), people(audited), tampering(audited)]
}

/// Whether a finding is about the system below the containers: none of the files that prove it are in one.
fn is_of_host(finding: &Finding) -> bool {
    let is_in_container = |evidence: &Evidence| matches!(evidence, Evidence::File { path, .. } if path.as_bytes().starts_with(b"containers/"));
    let mut files =
        finding.evidence.iter().filter(|evidence| matches!(evidence, Evidence::File { .. })).peekable();
    files.peek().is_none() || !files.all(is_in_container)
}

fn surface(audited: Audited<'_>) -> Countermeasure {
    let (number, title) =
        ("4.5.1", "The system below is made for containers, and has nothing that they don't need");
    let Some(inventory) = audited.inventory else {
        return unknown(number, title, "nobody knows what the image is made of");
    };
    let shipped = inventory.in_role(Role::Shipped).count();
    let mut evidence = vec![
        format!("{shipped} components are in the image, {} bytes", inventory.bytes()),
        "the root holds kit's init and what its recipe names, and everything else runs in containers"
            .to_owned(),
    ];
    if !audited.looked_at(Area::Hardening) {
        evidence.push("files weren't looked at".to_owned());
        return Countermeasure { number, title, status: Status::Partly, evidence, findings: Vec::new() };
    }
    let kinds = [
        "package-manager",
        "debugger",
        "compiler",
        "shell-",
        "kernel-config",
        "boot-",
        "sysctl-",
        "file-set-uid",
        "elf-",
    ];
    let findings: Vec<_> = audited.with(&kinds).into_iter().filter(|finding| is_of_host(finding)).collect();
    evidence.push(summed_up("what makes it larger than it has to be", &findings));
    answer(number, title, &findings, evidence)
}

fn kernel(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.5.2", "What runs in containers and what doesn't is not mixed on one kernel");
    let Some(privileges) = audited.privileges else {
        return unknown(number, title, "the containers' configurations weren't read");
    };
    let mixes = |service: &&Service| service.shares(Namespace::Pid) || service.shares(Namespace::Mount);
    let mixing: Vec<_> = privileges.services.iter().filter(mixes).collect();
    let mut evidence =
        vec![format!("all programs but kit's init run in containers: {} of them", privileges.services.len())];
    let sees =
        |service: &&Service| format!("`{}` lives among the processes or mounts of the machine", service.name);
    evidence.extend(mixing.iter().map(sees));
    let findings: Vec<_> = audited
        .with(&["privilege-host-namespace"])
        .into_iter()
        .filter(|finding| finding.key.ends_with(" pid") || finding.key.ends_with(" mount"))
        .collect();
    let status = if mixing.is_empty() { Status::Met } else { Status::Partly };
    Countermeasure { number, title, status, evidence, findings: against(&findings) }
}

fn components(audited: Audited<'_>) -> Countermeasure {
    let (number, title) =
        ("4.5.3", "The system's own parts have no known vulnerabilities, and are replaced as a whole");
    let Some(asked) = audited.asked() else {
        return unknown(number, title, "no advisories were given");
    };
    let findings: Vec<_> =
        audited.of(Area::Vulnerabilities).into_iter().filter(|finding| is_of_host(finding)).collect();
    let evidence = vec![
        asked,
        summed_up("vulnerabilities of the system", &findings),
        "an image is replaced by another one, never changed in its place".to_owned(),
    ];
    answer(number, title, &findings, evidence)
}

/// Programs by which people come in, as commands of services have them.
const DOORS: [&str; 6] = ["agetty", "dropbear", "getty", "login", "sshd", "telnetd"];

fn people(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.5.4", "Few people can log in, and what they do is known");
    let Some(privileges) = audited.privileges else {
        return unknown(number, title, "the containers' configurations weren't read");
    };
    let lets_in = |service: &&Service| {
        let base = |word: &String| word.rsplit('/').next().unwrap_or_default().to_owned();
        DOORS.contains(&service.name.as_str())
            || service.command.iter().any(|word| DOORS.contains(&base(word).as_str()))
    };
    let doors: Vec<_> = privileges.services.iter().filter(lets_in).collect();
    let findings: Vec<_> = audited.with(&["authorized-keys", "password-", "account-", "secret-ssh-host-key"]);
    if doors.is_empty() {
        let evidence = vec!["no container lets people log in".to_owned()];
        return answer(number, title, &findings, evidence);
    }
    let evidence = doors.iter().map(|service| format!("`{}` lets people log in", service.name)).collect();
    answer(number, title, &findings, evidence)
        .at_best(Status::Partly, "nothing in an image tells who they are, and who keeps account of them")
}

fn tampering(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.5.5", "Containers see few of the system's files, and change none");
    if audited.privileges.is_none() {
        return unknown(number, title, "the containers' configurations weren't read");
    }
    let findings = audited.with(&["privilege-host-mount", "privilege-mount-propagation", "privilege-device"]);
    let evidence = vec![summed_up("what containers see of the system", &findings)];
    answer(number, title, &findings, evidence)
}
