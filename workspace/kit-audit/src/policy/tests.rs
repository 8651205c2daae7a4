use std::collections::{BTreeMap, BTreeSet};

use kit_recipe::lockfile::DebKey;
use kit_tree::{Entry, Meta, Mode, TreePath};

use super::*;
use crate::inventory::{Component, File, Place as Part, Role};
use crate::report::tests::{component, debian, inventory};

static VULNERABLE: Kind = Kind {
    id: VULNERABILITY,
    area: Area::Vulnerabilities,
    severity: Severity::Medium,
    title: "A known vulnerability",
    help: "update",
};
static NO_PIE: Kind = Kind {
    id: "elf-no-pie",
    area: Area::Hardening,
    severity: Severity::Low,
    title: "A program is always at the same place",
    help: "build it with `-fPIE`",
};

fn day(month: u8, day: u8) -> Day {
    Day::of_date(2026, month, day).unwrap()
}

fn policy(text: &str) -> Policy {
    let kinds: Vec<_> =
        kinds::KINDS.iter().map(|kind| kind.id).chain([VULNERABILITY, "elf-no-pie"]).collect();
    Policy::parse(text, words(&kinds, &licence_ids())).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is judged in tests: everything was looked at.
struct Given {
    findings: Vec<Finding>,
    advised: BTreeMap<String, Advised>,
    inventory: Option<Inventory>,
    licences: BTreeMap<ComponentId, String>,
    capabilities: Option<Vec<Held>>,
    signed_by: Option<BTreeSet<String>>,
    areas: BTreeSet<Area>,
}

impl Given {
    fn of(findings: Vec<Finding>) -> Self {
        Self {
            findings,
            advised: BTreeMap::new(),
            inventory: None,
            licences: BTreeMap::new(),
            capabilities: None,
            signed_by: None,
            areas: Area::ALL.into_iter().collect(),
        }
    }

    fn judged(&self, text: Option<&str>) -> Judgement {
        let kinds: Vec<&'static Kind> = kinds::KINDS.iter().copied().chain([&VULNERABLE, &NO_PIE]).collect();
        let subject = Subject {
            findings: &self.findings,
            areas: &self.areas,
            kinds: &kinds,
            inventory: self.inventory.as_ref(),
            licences: &self.licences,
            advised: &self.advised,
            capabilities: self.capabilities.as_deref(),
            signed_by: self.signed_by.as_ref(),
            today: day(6, 30),
        };
        judge(text.map(policy).as_ref(), subject)
    }

    /// Judges and shows `LEVEL ID`, in order.
    fn shown(&self, text: &str) -> Vec<String> {
        let judged = self.judged(Some(text)).judged;
        judged.iter().map(|one| format!("{} {}", one.level, one.finding.id())).collect()
    }
}

fn vulnerability(key: &str, severity: Severity) -> Finding {
    Finding::new(&VULNERABLE, key, format!("`{key}`")).as_bad_as(severity)
}

#[test]
fn without_a_policy_one_thing_is_denied() {
    let mut given = Given::of(vec![
        vulnerability("fixed-high", Severity::High),
        vulnerability("open-critical", Severity::Critical),
        vulnerability("fixed-medium", Severity::Medium),
        Finding::new(&NO_PIE, "a", "a"),
        Finding::new(&NO_PIE, "b", "b").as_bad_as(Severity::Note),
        Finding::new(&NO_PIE, "c", "c").as_bad_as(Severity::Critical),
    ]);
    for key in ["fixed-high", "fixed-medium"] {
        let fixed = Advised { fixed: Some("2".to_owned()), published: None };
        given.advised.insert(format!("vulnerability:{key}"), fixed);
    }
    let judgement = given.judged(None);
    let shown: Vec<_> =
        judgement.judged.iter().map(|one| format!("{} {}", one.level, one.finding.key)).collect();
    assert_eq!(
        shown,
        ["deny fixed-high", "warn open-critical", "warn c", "warn fixed-medium", "warn a", "allow b"]
    );
    assert_eq!(judgement.outcome(), Outcome::Failed);
    assert_eq!(judgement.judged[0].why.line, None);
    given.findings.remove(0);
    assert_eq!(given.judged(None).outcome(), Outcome::Passed);
}

#[test]
fn the_more_exact_line_wins() {
    let given = Given::of(vec![Finding::new(&NO_PIE, "/a", "a"), Finding::new(&NO_PIE, "/b", "b")]);
    for (text, expected) in [
        ("[severities]\nlow = \"deny\"", ["deny elf-no-pie:/a", "deny elf-no-pie:/b"]),
        (
            "[severities]\nlow = \"deny\"\n[levels]\nelf-no-pie = \"allow\"",
            ["allow elf-no-pie:/a", "allow elf-no-pie:/b"],
        ),
        (
            "[levels]\nelf-no-pie = \"allow\"\n\"elf-no-pie:/b\" = \"deny\"",
            ["deny elf-no-pie:/b", "allow elf-no-pie:/a"],
        ),
        (
            "[levels]\n\"elf-no-pie:/b\" = \"deny\"\n[[exception]]\nfinding = \"elf-no-pie\"\nreason = \"r\"\nuntil = 2026-06-30",
            ["allow elf-no-pie:/a", "allow elf-no-pie:/b"],
        ),
    ] {
        assert_eq!(given.shown(text), expected, "{text}");
    }
    let why = given.judged(Some("\n[levels]\nelf-no-pie = \"warn\"")).judged[0].why.to_string();
    assert_eq!(why, "policy.toml:3: `elf-no-pie` is `warn`");
}

#[test]
fn vulnerabilities_are_let_through_by_number_and_for_a_time() {
    let keys = ["a", "b", "c"];
    let mut given = Given::of(keys.map(|key| vulnerability(key, Severity::High)).to_vec());
    let published =
        |key: &str, day| (format!("vulnerability:{key}"), Advised { published: Some(day), fixed: None });
    given.advised =
        BTreeMap::from([published("a", day(6, 16)), published("b", day(6, 17)), published("c", day(7, 9))]);
    let high = |text: &str| given.shown(&format!("[vulnerabilities]\nhigh = {{ {text} }}"));
    // Fourteen days after the 16th is the 30th, on which `a` has no grace any more.
    assert_eq!(
        high("grace-days = 14"),
        ["deny vulnerability:a", "warn vulnerability:b", "warn vulnerability:c"]
    );
    assert_eq!(high("grace-days = 0")[2], "deny vulnerability:c");
    assert_eq!(high("allowed = 1, grace-days = 14")[0], "warn vulnerability:a");
    assert_eq!(high("allowed = 2"), ["deny vulnerability:a", "deny vulnerability:b", "deny vulnerability:c"]);
    assert_eq!(high("allowed = 3")[0], "warn vulnerability:a");
    // What has a level of its own, or an exception, doesn't count.
    let exact = "[levels]\n\"vulnerability:a\" = \"allow\"\n[vulnerabilities]\nhigh = { allowed = 2 }";
    assert_eq!(given.shown(exact)[0], "warn vulnerability:b");
    let excepted = "[[exception]]\nfinding = \"vulnerability:a\"\nreason = \"r\"\nuntil = 2026-07-01\n[vulnerabilities]\nhigh = { allowed = 2 }";
    assert_eq!(
        given.shown(excepted),
        ["warn vulnerability:b", "warn vulnerability:c", "allow vulnerability:a"]
    );
    // The kind's level is that of what isn't let through.
    let lenient = "[levels]\nvulnerability = \"warn\"\n[vulnerabilities]\nhigh = {}";
    assert_eq!(given.shown(lenient)[0], "warn vulnerability:a");
    // A severity that isn't named keeps the rule without a policy.
    assert_eq!(given.shown("[vulnerabilities]\nlow = {}")[0], "warn vulnerability:a");
}

#[test]
fn exceptions_are_listed_and_looked_after() {
    let mut given = Given::of(vec![Finding::new(&NO_PIE, "/a", "a")]);
    let text = |finding: &str, until: &str| {
        format!("[[exception]]\nfinding = \"{finding}\"\nreason = \"why\"\nuntil = {until}\n")
    };
    let all = text("elf-no-pie:/a", "2026-06-30")
        + &text("elf-no-pie", "2026-06-29")
        + &text("vulnerability", "2026-07-01");
    let judgement = given.judged(Some(&all));
    let states: Vec<_> = judgement.exceptions.iter().map(|one| (one.line, one.state)).collect();
    assert_eq!(states, [(2, State::Used(1)), (6, State::Expired), (10, State::Unused)]);
    assert_eq!(
        given.shown(&all),
        ["warn exception-expired:elf-no-pie", "warn exception-unused:vulnerability", "allow elf-no-pie:/a"]
    );
    assert_eq!(judgement.judged[2].exception, Some(0));
    given.areas.remove(&Area::Vulnerabilities);
    assert_eq!(given.judged(Some(&all)).exceptions[2].state, State::NotLookedAt);
    // One that has run out counts no more.
    assert_eq!(given.shown(&text("elf-no-pie", "2026-06-29"))[1], "warn elf-no-pie:/a");
}

fn file(path: &str, owner: &ComponentId, size: u64) -> File {
    let meta = Meta::root(Mode::FILE);
    let blob = kit_hash::BlobId::of(path.as_bytes());
    File {
        place: Part::Root,
        path: TreePath::new(path).unwrap(),
        entry: Entry::File { meta, blob, size },
        owner: owner.clone(),
    }
}

fn with_inventory() -> Given {
    let mut given = Given::of(Vec::new());
    let (gdb, tls) = (debian("gdb", "13.1-3"), debian("libtls", "1"));
    let shipped = |name: &str, bytes| Component { bytes, ..component(name, Role::Shipped) };
    let files = vec![file("etc/tls.pem", &tls, 10), file("usr/bin/gdb", &gdb, 1000)];
    given.inventory = Some(inventory([(gdb, shipped("gdb", 1000)), (tls, shipped("libtls", 10))], files));
    given
}

#[test]
fn budgets_are_kept() {
    let mut given = with_inventory();
    let text = "[size]\nimage = 1009\npackages = 1\nfiles = 1\n";
    assert_eq!(
        given.shown(text),
        ["deny size-budget:files", "deny size-budget:image", "deny size-budget:packages"]
    );
    assert!(given.shown("[size]\nimage = 1010\npackages = 2\nfiles = 2\n").is_empty());
    given.inventory.as_mut().unwrap().files.clear();
    let judgement = given.judged(Some(text));
    assert_eq!(judgement.judged.len(), 1);
    assert_eq!(judgement.left_out.len(), 2, "{:?}", judgement.left_out);
}

#[test]
fn licences_must_be_good() {
    for (text, licence, fault) in [
        ("allowed = [\"MIT\"]", Some("MIT"), None),
        ("allowed = [\"MIT\"]", Some("Apache-2.0 OR MIT"), None),
        ("allowed = [\"MIT\"]", Some("Apache-2.0 AND MIT"), Some("isn't allowed")),
        ("allowed = [\"MIT\"]", Some("Expat"), Some("SPDX doesn't know")),
        ("allowed = [\"MIT\"]", Some("GPL-2.0 WITH"), Some("SPDX doesn't know")),
        ("allowed = [\"MIT\"]", None, Some("no licence that is known")),
        ("allowed = []", Some("MIT"), Some("isn't allowed")),
        ("denied = [\"AGPL-3.0-only\"]", Some("AGPL-3.0-only"), Some("is denied")),
        ("denied = [\"AGPL-3.0-only\"]", Some("AGPL-3.0-only OR MIT"), None),
        ("denied = [\"AGPL-3.0-only\"]", None, None),
        ("allowed = [\"GPL-2.0-or-later\"]", Some("GPL-2.0-or-later"), None),
        ("allowed = [\"GPL-2.0-or-later\"]", Some("GPL-2.0-only"), Some("isn't allowed")),
        (
            "allowed = [\"GPL-2.0-only WITH Classpath-exception-2.0\"]",
            Some("GPL-2.0-only WITH Classpath-exception-2.0"),
            None,
        ),
        (
            "allowed = [\"GPL-2.0-only\"]",
            Some("GPL-2.0-only WITH Classpath-exception-2.0"),
            Some("isn't allowed"),
        ),
        ("allowed = [\"LicenseRef-ours\"]", Some("LicenseRef-ours"), None),
    ] {
        let mut given = with_inventory();
        given.licences.insert(debian("gdb", "13.1-3"), "MIT OR LicenseRef-ours OR GPL-2.0-or-later OR GPL-2.0-only WITH Classpath-exception-2.0 OR GPL-2.0-only".to_owned());
        given.licences.extend(licence.map(|licence| (debian("libtls", "1"), licence.to_owned())));
        let judged = given.judged(Some(&format!("[licences]\n{text}"))).judged;
        let found =
            judged.iter().find(|one| one.finding.key == "libtls 1").map(|one| one.finding.message.clone());
        assert_eq!(found.is_some(), fault.is_some(), "{text} {licence:?} {found:?}");
        let found = found.unwrap_or_default();
        assert!(found.contains(fault.unwrap_or_default()), "{text} {licence:?} {found}");
    }
}

#[test]
fn licences_that_nobody_looked_at_are_not_judged() {
    let mut given = with_inventory();
    given.areas.remove(&Area::Licences);
    let judgement = given.judged(Some("[licences]\nallowed = [\"MIT\"]\n"));
    assert!(judgement.judged.is_empty(), "{judgement:?}");
    assert_eq!(judgement.left_out, ["`[licences]` couldn't be judged: nobody looked at licences"]);
}

#[test]
fn signatures_are_counted() {
    let mut given = Given::of(Vec::new());
    let text = "[signatures]\nquorum = 2";
    assert_eq!(given.judged(Some(text)).left_out.len(), 1);
    given.signed_by = Some(BTreeSet::from(["anna".to_owned()]));
    assert_eq!(given.shown(text), ["deny signature-missing:quorum"]);
    given.signed_by = Some(BTreeSet::from(["anna".to_owned(), "ben".to_owned()]));
    assert!(given.shown(text).is_empty());
}

#[test]
fn what_is_forbidden_is_found() {
    let mut given = with_inventory();
    let files = "[forbidden]\nfiles = [\"/usr/bin/gdb\", \"/**/*.pem\", \"/usr/**\", \"/srv/*\"]";
    assert_eq!(given.shown(files), ["deny forbidden-file:/etc/tls.pem", "deny forbidden-file:/usr/bin/gdb"]);
    assert_eq!(
        given.shown("[forbidden]\npackages = [\"gdb\", \"telnet\"]"),
        ["deny forbidden-package:gdb 13.1-3"]
    );
    let text = "[forbidden]\ncapabilities = [\"CAP_SYS_ADMIN\"]";
    assert_eq!(given.judged(Some(text)).left_out.len(), 1);
    let held =
        |capability: &str| Held { by: "web".to_owned(), capability: capability.to_owned(), place: None };
    given.capabilities = Some(vec![held("CAP_NET_ADMIN"), held("CAP_SYS_ADMIN")]);
    assert_eq!(given.shown(text), ["deny forbidden-capability:CAP_SYS_ADMIN web"]);
    // A level of the kind still holds.
    let warned = format!("{text}\n[levels]\nforbidden-capability = \"warn\"\n[severities]\nhigh = \"allow\"");
    assert_eq!(given.shown(&warned), ["warn forbidden-capability:CAP_SYS_ADMIN web"]);
}

#[test]
fn tests_name_debian_packages_as_lockfiles_do() {
    let key =
        DebKey { name: "gdb".to_owned(), version: "13.1-3".to_owned(), architecture: "amd64".to_owned() };
    assert_eq!(debian("gdb", "13.1-3"), ComponentId::Debian(key));
}
