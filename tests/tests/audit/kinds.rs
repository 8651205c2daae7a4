//! Every kind of finding: where it is, it is found; where the same thing is done right, it is not.
//!
//! `project/` has four images: `wrong` has all that can be wrong, once; `right` has the same things, done right; `plain` has nothing that
//! others made; `capable` has what only archives can have. [`TABLE`] says for each kind which audit finds it, and which one looks at its counterpart and doesn't.

mod documents;
mod project;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::Value;

use self::project::{Fixtures, with_fixtures};

/// An audit of one of the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Audit {
    /// Of `wrong`, with all that can be said against it.
    Wrong,
    /// Of `right`, with the same questions.
    Right,
    /// Of `capable`, an archive: what the kernel unpacks by itself has no capabilities of files.
    Capable,
    /// Of `plain`, without advisories, policy or statements.
    Plain,
    /// Of the reproducibility of `wrong`, of which verifiers say different things.
    Disputed,
}

use Audit::{Capable, Disputed, Plain, Right, Wrong};

impl Audit {
    const ALL: [Self; 5] = [Wrong, Right, Capable, Plain, Disputed];

    fn arguments(self) -> &'static str {
        match self {
            Wrong => {
                "wrong --as-of 2026-10-01 --advisories advisories --vex wrong.openvex.json --policy wrong.policy.toml"
            }
            Right => {
                "right --as-of 2025-06-01 --advisories advisories --statement right.json --policy right.policy.toml"
            }
            Capable => "capable --as-of 2025-06-01 --only hardening",
            Plain => "plain --as-of 2025-06-01",
            Disputed => {
                "wrong --as-of 2026-10-01 --only reproducibility \
                 --statement failed.json --statement one.json --statement other.json --statement right.json"
            }
        }
    }
}

/// Where each kind is found, and where its counterpart isn't. The first column is how the identifier of the finding begins.
#[rustfmt::skip]
const TABLE: &[(&str, Audit, Audit)] = &[
    // vulnerabilities
    ("crate-notice:RUSTSEC-2024-9001 stale-crate", Wrong, Right),
    ("vulnerability:CVE-2024-9001 unclear", Wrong, Right),
    ("vulnerability-dismissed:CVE-2024-9002 textless", Wrong, Right),
    // hardening
    ("authorized-keys:/root/.ssh/authorized_keys", Wrong, Right),
    ("boot-option-missing:init_on_alloc", Wrong, Right),
    ("boot-protection-off:mitigations", Wrong, Right),
    ("compiler-present:/", Wrong, Right),
    ("debugger-present:/", Wrong, Right),
    ("directory-world-writable:/srv/all", Wrong, Right),
    ("elf-executable-stack:/usr/bin/executable-stack", Wrong, Right),
    ("elf-no-bind-now:/usr/bin/no-bind-now", Wrong, Right),
    ("elf-no-fortify:/usr/bin/no-fortify", Wrong, Right),
    ("elf-no-pie:/usr/bin/no-pie", Wrong, Right),
    ("elf-no-relro:/usr/bin/no-relro", Wrong, Right),
    ("elf-no-stack-protector:/usr/bin/no-stack-protector", Wrong, Right),
    ("elf-partial-relro:/usr/bin/partial-relro", Wrong, Right),
    ("elf-search-path:/usr/bin/search-path", Wrong, Right),
    ("elf-static-no-pie:/usr/bin/static", Wrong, Right),
    ("elf-text-relocations:/usr/lib/text-relocations.so", Wrong, Right),
    ("elf-unreadable:/usr/bin/unreadable", Wrong, Right),
    ("elf-writable-code:/usr/bin/writable-code", Wrong, Right),
    ("file-capabilities:/usr/bin/ping", Capable, Wrong),
    ("file-odd-name:/usr/lib/odd", Wrong, Right),
    ("file-set-gid:/usr/bin/wall", Wrong, Right),
    ("file-set-uid:/usr/bin/su", Wrong, Right),
    ("file-unknown-owner:/ user 4242", Wrong, Right),
    ("file-world-writable:/etc/open", Wrong, Right),
    ("file-writable-program:/usr/bin/tool", Wrong, Right),
    ("kernel-config:CONFIG_DEVMEM", Wrong, Right),
    ("kernel-config-unreadable:kernel", Plain, Right),
    ("package-manager-present:/", Wrong, Right),
    ("password-built-in:/etc/shadow admin", Wrong, Right),
    ("password-empty:/etc/shadow root", Wrong, Right),
    ("secret-credentials:/root/.netrc", Wrong, Right),
    ("secret-private-key:/etc/tls.key", Wrong, Right),
    ("secret-ssh-host-key:/etc/ssh/ssh_host_ed25519_key", Wrong, Right),
    ("secret-token:/etc/deploy.env", Wrong, Right),
    ("shell-present:/", Wrong, Right),
    ("sysctl-not-hardened:kernel.kptr_restrict", Wrong, Right),
    // privileges
    ("privilege-capability:web CAP_SYS_ADMIN", Wrong, Right),
    ("privilege-device:web /dev/kvm", Wrong, Right),
    ("privilege-exposed-path:web /proc/kcore", Wrong, Right),
    ("privilege-host-mount:web /etc", Wrong, Right),
    ("privilege-host-namespace:web net", Wrong, Right),
    ("privilege-mount-propagation:web /", Wrong, Right),
    ("privilege-new-privileges:web ", Wrong, Right),
    ("privilege-no-seccomp:web ", Wrong, Right),
    ("privilege-root-user:web ", Wrong, Right),
    ("privilege-seccomp:log ", Wrong, Right),
    ("privilege-unreadable:broken config.json", Wrong, Right),
    ("privilege-writable-root:web ", Wrong, Right),
    // supply-chain
    ("binary-seed:bookworm-fixtures", Wrong, Plain),
    ("pin-unused:suite bookworm-unused", Wrong, Right),
    ("script-ignored:unclear", Wrong, Right),
    ("source-moving:made-wrong/notes", Wrong, Right),
    ("source-one-location:made-wrong/notes", Wrong, Right),
    ("source-plain-http:made-wrong/notes", Wrong, Right),
    ("source-unsigned:made-wrong/notes", Wrong, Plain),
    ("suite-key:bookworm-fixtures", Wrong, Plain),
    ("suite-old:bookworm-fixtures", Wrong, Right),
    // licences
    ("licence-conflict:package made-wrong GPL-2.0-only", Wrong, Right),
    ("licence-invalid:latin", Wrong, Right),
    ("licence-text-missing:textless", Wrong, Right),
    ("licence-unknown:unclear", Wrong, Right),
    // reproducibility
    ("not-verified:wrong", Wrong, Right),
    ("verification-disputed:wrong", Disputed, Right),
    ("verification-failed:careful", Disputed, Right),
    ("verification-of-another-lock:right.json", Disputed, Right),
    ("verified:careful", Right, Wrong),
    // policy
    ("exception-expired:file-set-uid:/usr/bin/su", Wrong, Right),
    ("exception-unused:file-set-gid:/usr/bin/nothing", Wrong, Right),
    ("forbidden-capability:CAP_SYS_ADMIN web", Wrong, Right),
    ("forbidden-file:/usr/bin/gdb", Wrong, Right),
    ("forbidden-package:unclear", Wrong, Right),
    ("licence-not-allowed:crate stale-crate", Wrong, Right),
    ("size-budget:image", Wrong, Right),
];

/// Kinds that no audit of an image here has, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("file-device", "no source may bring one, but images by others have them: `opened.rs`"),
    ("file-unowned", "images by others: `opened.rs`"),
    ("image-altered", "files that were changed: `opened.rs`"),
    ("key-old", "an archive signed by an old key: `online.rs`"),
    ("package-list-missing", "images by others: `opened.rs`"),
    ("package-list-unreadable", "images by others: `opened.rs`"),
    ("pin-stale", "an archive is asked: `online.rs`"),
    ("signature-missing", "outputs are signed: `signatures.rs`"),
];

/// Identifiers of findings, by audit.
type Found = BTreeMap<Audit, BTreeSet<String>>;

fn found() -> &'static Found {
    static FOUND: OnceLock<Found> = OnceLock::new();
    FOUND.get_or_init(|| {
        with_fixtures(|fixtures| Audit::ALL.map(|audit| (audit, ids(fixtures, audit))).into())
    })
}

fn ids(fixtures: &Fixtures, audit: Audit) -> BTreeSet<String> {
    let words: Vec<_> = audit.arguments().split(' ').filter(|word| !word.is_empty()).collect();
    let said = fixtures.kit(&[&["audit", "--json"], &words[..]].concat());
    let report = said.stdout.lines().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["result"]["findings"].as_array().cloned()
    });
    let report = report.unwrap_or_else(|| panic!("no report of {audit:?} in {said}"));
    report.iter().map(|finding| finding["id"].as_str().expect("an identifier").to_owned()).collect()
}

fn kind_of(id: &str) -> &str {
    id.split(':').next().expect("because a text has a first part")
}

/// The kinds that the program says it has, each with its area.
fn kinds() -> BTreeMap<String, String> {
    let said = project::bare().kit(&["audit", "--kinds", "--json"]).succeeded();
    let kinds = super::result(&said)["kinds"].as_array().expect("a list").clone();
    let text = |kind: &Value, key: &str| kind[key].as_str().expect("a text").to_owned();
    kinds.iter().map(|kind| (text(kind, "id"), text(kind, "area"))).collect()
}

#[test]
fn each_kind_is_found_where_it_is() {
    let mut missing = Vec::new();
    for (id, audit, _) in TABLE {
        if !found()[audit].iter().any(|found| found.starts_with(id)) {
            let same = |found: &&String| kind_of(found) == kind_of(id);
            missing.push((id, audit, found()[audit].iter().filter(same).collect::<Vec<_>>()));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn no_kind_is_found_where_its_counterpart_is() {
    let mut wrong = Vec::new();
    for (id, _, audit) in TABLE {
        let same = |found: &&String| kind_of(found) == kind_of(id);
        wrong.extend(found()[audit].iter().filter(same).map(|found| (audit, found)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_done_right_has_no_finding_but_what_is_true_of_it() {
    // What others made has a seed, a key and a source without a signature, however well it is done.
    let true_of_it = ["binary-seed", "source-unsigned", "suite-key", "verified"];
    let others: Vec<_> = found()[&Right].iter().filter(|id| !true_of_it.contains(&kind_of(id))).collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[test]
fn every_kind_has_a_positive_and_a_negative_fixture() {
    let kinds = kinds();
    let names: BTreeSet<&str> = kinds.keys().map(String::as_str).collect();
    let mut table = BTreeSet::new();
    for (id, found_in, not_in) in TABLE {
        assert!(table.insert(kind_of(id)), "{id} is there twice");
        assert_ne!(found_in, not_in, "{id}");
    }
    let elsewhere: BTreeSet<&str> = ELSEWHERE.iter().map(|(kind, _)| *kind).collect();
    let both: Vec<_> = table.intersection(&elsewhere).collect();
    assert!(both.is_empty(), "{both:?} have fixtures here");
    let all: BTreeSet<&str> = table.union(&elsewhere).copied().collect();
    assert_eq!(all, names, "kinds without fixtures, or fixtures of no kind");
}

#[test]
fn kinds_are_listed_for_those_who_write_policies() {
    let said = project::bare().kit(&["audit", "--kinds"]).succeeded();
    let areas: BTreeSet<_> = kinds().into_values().collect();
    for (kind, _, _) in TABLE {
        let kind = kind_of(kind);
        assert!(said.stdout.contains(&format!("  {kind} ")), "no {kind} in\n{said}");
    }
    for area in areas {
        assert!(said.stdout.lines().any(|line| line == area), "no {area} in\n{said}");
    }
    project::bare().kit(&["audit"]).failed(2, &["IMAGE|LOCKFILE|FILE"]);
    project::bare().kit(&["audit", "--kinds", "small"]).failed(2, &["--kinds"]);
}
