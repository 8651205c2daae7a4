//! 4.1: what is asked of images.

use super::{Audited, Countermeasure, Signatures, Status, answer, summed_up, unknown};
use crate::finding::{Area, Severity};
use crate::inventory::{ComponentId, Role};

pub(super) fn all(audited: Audited<'_>) -> Vec<Countermeasure> {
    vec![vulnerabilities(audited), configuration(audited), malware(audited), secrets(audited), trust(audited)]
}

fn vulnerabilities(audited: Audited<'_>) -> Countermeasure {
    let (number, title) =
        ("4.1.1", "Known vulnerabilities of what an image ships are found, and not let through");
    let Some(asked) = audited.asked() else {
        return unknown(number, title, "no advisories were given");
    };
    let findings = audited.of(Area::Vulnerabilities);
    let mut evidence = vec![asked, summed_up("vulnerabilities", &findings)];
    if let Some(inventory) = audited.inventory {
        let shipped = inventory.in_role(Role::Shipped).count();
        evidence.push(format!("{shipped} components are known by the plan that made the image"));
    }
    answer(number, title, &findings, evidence)
}

fn configuration(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.1.2", "Images are configured safely, and run as others than root");
    let Some(privileges) = audited.privileges else {
        return unknown(number, title, "the containers' configurations weren't read");
    };
    let kinds = [
        "privilege-new-privileges",
        "privilege-writable-root",
        "privilege-unreadable",
        "file-set-uid",
        "file-set-gid",
        "file-capabilities",
        "authorized-keys",
        "secret-ssh-host-key",
    ];
    let findings = audited.with(&kinds);
    let roots = privileges.services.iter().filter(|service| service.is_root()).count();
    let all = privileges.services.len();
    let mut evidence = vec![
        format!("{roots} of {all} containers run as root"),
        summed_up("settings of images that are less than safe", &findings),
    ];
    if !audited.looked_at(Area::Hardening) {
        evidence.push("files weren't looked at".to_owned());
    }
    let found = answer(number, title, &findings, evidence);
    let found =
        if roots > 0 { found.at_best(Status::Partly, "users of their own are asked for") } else { found };
    if audited.looked_at(Area::Hardening) {
        found
    } else {
        found.at_best(Status::Partly, "only the containers' configurations were looked at")
    }
}

fn malware(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.1.3", "No malicious software is in an image");
    let Some(inventory) = audited.inventory else {
        return unknown(number, title, "nobody knows what the image is made of");
    };
    let kinds = ["verification-failed", "verification-disputed", "image-altered"];
    let findings = audited.with(&kinds);
    let of_sources = inventory.files.iter().filter(|file| !matches!(file.owner, ComponentId::Foreign(_)));
    let (known, all) = (of_sources.count(), inventory.files.len());
    let which = if known == all { format!("all {all} paths") } else { format!("{known} of {all} paths") };
    let mut evidence =
        vec![format!("{which} have an owner, and come from pinned sources whose digests were checked")];
    evidence.extend(audited.with(&["verified"]).iter().map(|finding| finding.message.clone()));
    if inventory.files.is_empty() {
        evidence = vec!["sources are pinned by digest; the files weren't looked at".to_owned()];
    }
    answer(number, title, &findings, evidence)
        .at_best(Status::Partly, "kit knows where each file comes from; it looks for no malware in sources")
}

fn secrets(audited: Audited<'_>) -> Countermeasure {
    let (number, title) = ("4.1.4", "No secrets are in an image; they are given to it when it runs");
    if !audited.looked_at(Area::Hardening) {
        return unknown(number, title, "files weren't looked at");
    }
    let findings = audited.with(&["secret-", "password-"]);
    answer(number, title, &findings, vec![summed_up("secrets in files", &findings)])
}

fn trust(audited: Audited<'_>) -> Countermeasure {
    let (number, title) =
        ("4.1.5", "Only trusted images and sources are used, known by digests and signatures");
    if !audited.looked_at(Area::SupplyChain) {
        return unknown(number, title, "sources weren't looked at");
    }
    let kinds = ["source-unsigned", "source-plain-http", "suite-key", "key-old", "binary-seed"];
    let findings: Vec<_> = audited.with(&kinds).into_iter().filter(|f| f.severity > Severity::Note).collect();
    let mut evidence = vec![summed_up("sources that are less than trusted", &findings)];
    let found = |evidence| answer(number, title, &findings, evidence);
    match audited.signatures {
        Signatures::Verified(names) => {
            let names: Vec<_> = names.iter().map(String::as_str).collect();
            evidence.push(format!("the image is signed by {}", names.join(", ")));
            found(evidence)
        }
        Signatures::Missing => {
            found(evidence).at_best(Status::Partly, "no trusted key signed the image itself")
        }
        Signatures::Unknown => {
            found(evidence).at_best(Status::Partly, "nobody looked for signatures of the image itself")
        }
    }
}
