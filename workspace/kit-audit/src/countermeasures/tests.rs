use std::collections::BTreeMap;

use kit_recipe::{Architecture, Container};
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Mode, Tree};
use serde_json::{Value, json};

use super::*;
use crate::finding::{Evidence, Kind};
use crate::inventory::ComponentId;
use crate::inventory::tests::sample::{Sample, name, recipe_id};

const fn kind(id: &'static str, area: Area, severity: Severity) -> Kind {
    Kind { id, area, severity, title: "", help: "" }
}

const CVE: Kind = kind("vulnerability", Area::Vulnerabilities, Severity::High);
const SECRET: Kind = kind("secret-private-key", Area::Hardening, Severity::High);
const SHELL: Kind = kind("shell-present", Area::Hardening, Severity::Low);
const PASSWORD: Kind = kind("password-empty", Area::Hardening, Severity::High);
const UNSIGNED: Kind = kind("source-unsigned", Area::SupplyChain, Severity::Low);

/// What kit writes for a container whose recipe says nothing, but for a user.
fn config(change: impl FnOnce(&mut Value)) -> Value {
    let text = kit_plan::runtime::config(&name("web"), &Container::default(), Architecture::USUAL);
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["process"]["user"] = json!({ "uid": 100, "gid": 100 });
    change(&mut config);
    config
}

fn privileges(containers: &[(&str, Value)]) -> Privileges {
    let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
    for (name, config) in containers {
        let text = config.to_string().into_bytes();
        let path = format!("/containers/services/000-{name}/config.json").parse().unwrap();
        let size = text.len() as u64;
        tree.insert_file(path, Mode::FILE, blobs.insert(text), size).unwrap();
    }
    Privileges::of(&tree, &blobs)
}

fn inventory() -> Inventory {
    let image = "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"base\"]\n";
    let base = "[package]\nname = \"base\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [\"some\"]\n";
    Sample::new(&[("image demo", image), ("package base", base)])
        .lock_debs("base", "debian", &["base-files"])
        .step("unpack base-files 1", &[("/etc/names", "1")])
        .built()
}

/// Everything was looked at, and is as it should be.
struct Case {
    findings: Vec<Finding>,
    looked_at: BTreeSet<Area>,
    privileges: Option<Privileges>,
    inventory: Option<Inventory>,
    advisories: Option<&'static str>,
    signatures: Signatures,
}

impl Case {
    fn good() -> Self {
        Self {
            findings: Vec::new(),
            looked_at: Area::ALL.into_iter().collect(),
            privileges: Some(privileges(&[("web", config(|_| ()))])),
            inventory: Some(inventory()),
            advisories: Some("Debian of 2026-11-01"),
            signatures: Signatures::Verified(BTreeSet::from(["alice".to_owned()])),
        }
    }

    /// With containers, and what is found in them.
    fn of(containers: &[(&str, Value)]) -> Self {
        let privileges = privileges(containers);
        Self { findings: privileges.findings(None), privileges: Some(privileges), ..Self::good() }
    }

    fn with(mut self, kind: &'static Kind, key: &str, path: Option<&str>) -> Self {
        let mut finding = Finding::new(kind, key, "m");
        if let Some(path) = path {
            finding = finding.because(Evidence::File { path: path.parse().unwrap(), owner: None });
        }
        self.findings.push(finding);
        self
    }

    fn answers(&self) -> BTreeMap<&'static str, Countermeasure> {
        let Self { findings, looked_at, privileges, inventory, advisories, signatures } = self;
        let audited = Audited {
            findings,
            looked_at,
            privileges: privileges.as_ref(),
            inventory: inventory.as_ref(),
            advisories: *advisories,
            signatures,
        };
        let all = countermeasures(audited);
        all.into_iter().map(|answer| (answer.number, answer)).collect()
    }

    fn status(&self, number: &str) -> Status {
        self.answers()[number].status
    }

    /// What is another status than with everything in order.
    fn worse(&self) -> Vec<String> {
        let good = Self::good().answers();
        let all = self.answers();
        let worse = all.iter().filter(|(number, answer)| good[*number].status != answer.status);
        worse.map(|(number, answer)| format!("{number} {}", answer.status)).collect()
    }
}

#[test]
fn a_good_image_meets_what_can_be_met() {
    let all = Case::good().answers();
    let numbers: Vec<_> = all.keys().copied().collect();
    assert_eq!(
        numbers,
        [
            "4.1.1", "4.1.2", "4.1.3", "4.1.4", "4.1.5", "4.4.1", "4.4.2", "4.4.3", "4.4.4", "4.4.5",
            "4.5.1", "4.5.2", "4.5.3", "4.5.4", "4.5.5"
        ]
    );
    // No image tells whether sources are malicious, and who watches the machine.
    for (number, answer) in &all {
        let expected = if ["4.1.3", "4.4.4"].contains(number) { Status::Partly } else { Status::Met };
        assert_eq!(answer.status, expected, "{answer:?}");
        assert!(!answer.evidence.is_empty(), "{answer:?}");
        assert_eq!(answer.findings, [""; 0]);
    }
}

#[test]
fn where_nobody_looked_nothing_is_known() {
    let nothing = Case {
        findings: Vec::new(),
        looked_at: BTreeSet::new(),
        privileges: None,
        inventory: None,
        advisories: None,
        signatures: Signatures::Unknown,
    };
    for answer in nothing.answers().values() {
        assert_eq!(answer.status, Status::Unknown, "{answer:?}");
    }
    let without = Case { advisories: None, ..Case::good() };
    assert_eq!(without.worse(), ["4.1.1 unknown", "4.4.1 unknown", "4.5.3 unknown"]);
}

#[test]
fn vulnerabilities_count_where_they_are() {
    let host = Case::good().with(&CVE, "CVE-2024-1 openssl", Some("/usr/lib/libssl.so"));
    assert_eq!(host.worse(), ["4.1.1 not-met", "4.5.3 not-met"]);
    assert_eq!(host.answers()["4.1.1"].findings, ["vulnerability:CVE-2024-1 openssl"]);
    let path = "/containers/services/000-web/rootfs/usr/lib/libssl.so";
    assert_eq!(Case::good().with(&CVE, "CVE-2024-1 openssl", Some(path)).worse(), ["4.1.1 not-met"]);
    let engine = Case::good().with(&CVE, "CVE-2024-2 runc", Some(path));
    assert_eq!(engine.worse(), ["4.1.1 not-met", "4.4.1 not-met"]);
}

#[test]
fn files_count_where_they_are_asked_for() {
    assert_eq!(Case::good().with(&SECRET, "/etc/key", None).worse(), ["4.1.4 not-met"]);
    assert_eq!(Case::good().with(&PASSWORD, "root", None).worse(), ["4.1.4 not-met", "4.5.4 not-met"]);
    assert_eq!(Case::good().with(&SHELL, "/bin/sh", Some("/bin/sh")).worse(), ["4.5.1 partly"]);
    let path = "/containers/services/000-web/rootfs/bin/sh";
    assert_eq!(Case::good().with(&SHELL, path, Some(path)).worse(), [""; 0]);
}

#[test]
fn trust_needs_signatures_of_the_image_and_of_its_sources() {
    assert_eq!(Case::good().with(&UNSIGNED, "hello/main", None).worse(), ["4.1.5 partly"]);
    for signatures in [Signatures::Unknown, Signatures::Missing] {
        assert_eq!(Case { signatures, ..Case::good() }.worse(), ["4.1.5 partly"]);
    }
}

#[test]
fn privileges_count_where_they_are_asked_for() {
    let of = |change: fn(&mut Value)| Case::of(&[("web", config(change))]).worse();
    assert_eq!(of(|_| ()), [""; 0]);
    assert_eq!(of(|config| config["process"]["user"] = json!({})), ["4.1.2 partly"]);
    let admin =
        |config: &mut Value| config["process"]["capabilities"]["bounding"] = json!(["CAP_SYS_MODULE"]);
    // The profile of a container without the capability is another one, but allows no more.
    assert_eq!(of(admin), ["4.4.3 not-met"]);
    let writable = |config: &mut Value| config["root"]["readonly"] = json!(false);
    assert_eq!(of(writable), ["4.1.2 partly", "4.4.3 partly", "4.4.4 not-met"]);
    let mount = |config: &mut Value| {
        config["mounts"] =
            json!([{ "destination": "/x", "type": "bind", "source": "/etc", "options": ["rw"] }]);
    };
    assert_eq!(of(mount), ["4.4.3 partly", "4.5.5 partly"]);
    let processes = |config: &mut Value| {
        config["linux"]["namespaces"].as_array_mut().unwrap().retain(|kept| kept["type"] != "pid");
    };
    assert_eq!(of(processes), ["4.4.3 not-met", "4.5.2 partly"]);
}

#[test]
fn networks_count_by_how_many_share_the_machines() {
    let shares = |config: &mut Value| {
        config["linux"]["namespaces"].as_array_mut().unwrap().retain(|kept| kept["type"] != "network");
    };
    let some = Case::of(&[("a", config(shares)), ("b", config(|_| ()))]);
    assert_eq!(some.status("4.4.2"), Status::Partly);
    assert_eq!(some.answers()["4.4.2"].findings, ["privilege-host-namespace:a net"]);
    assert_eq!(Case::of(&[("a", config(shares))]).status("4.4.2"), Status::NotMet);
    let none = Case::of(&[]);
    assert_eq!(none.worse(), ["4.4.2 not-applicable", "4.4.3 not-applicable", "4.4.4 not-applicable"]);
}

#[test]
fn doors_and_engines_are_told() {
    let sshd = |config: &mut Value| config["process"]["args"] = json!(["/usr/sbin/sshd", "-D"]);
    assert_eq!(Case::of(&[("door", config(sshd))]).worse(), ["4.5.4 partly"]);
    let mut case = Case::good();
    let components = &mut case.inventory.as_mut().unwrap().components;
    let mut engine = components[&recipe_id("package base")].clone();
    engine.name = "containerd".to_owned();
    let id: ComponentId = recipe_id("package containerd");
    components.insert(id, engine);
    assert_eq!(case.worse(), ["4.4.5 partly"]);
}
