//! Policies: what is denied, what is let through and until when, and what a policy asks for besides.

use kit_tests::small::Small;

use super::found;

/// Audits what needs no advisories by a policy, on a day.
fn audit(small: &Small, policy: &str, day: &str) -> kit_tests::Said {
    small.project.write("policy.toml", policy);
    small.kit(&["audit", "small", "--only", "reproducibility", "--as-of", day])
}

#[test]
fn levels_and_exceptions_decide() {
    let small = Small::new();
    let day = "2026-10-01";
    audit(&small, "", day).succeeded();
    let deny = "[levels]\n\"not-verified\" = \"deny\"\n";
    audit(&small, deny, day).failed(1, &["error[kit::audit::denied]", "1 denied"]);
    let exception = |until: &str| {
        format!(
            "{deny}[[exception]]\nfinding = \"not-verified\"\nreason = \"the first release\"\nuntil = {until}\n"
        )
    };
    let said = audit(&small, &exception("2026-10-01"), day).succeeded();
    assert!(said.stdout.contains("the first release"), "{said}");
    let said = audit(&small, &exception("2026-09-30"), day).failed(1, &["error[kit::audit::denied]"]);
    assert!(said.stdout.contains("exception-expired"), "{said}");
    let allow = "[levels]\n\"not-verified\" = \"allow\"\n";
    let said = audit(&small, allow, day).succeeded();
    assert!(said.stdout.contains("1 allowed"), "{said}");
}

#[test]
fn what_a_policy_asks_for_besides_is_found() {
    let small = Small::new();
    let policy = "[size]\nimage = \"1 kB\"\n[forbidden]\nfiles = [\"/init\"]\npackages = [\"zlib1g\"]\n[licences]\nallowed = [\"MIT\"]\n";
    small.project.write("policy.toml", policy);
    let ids = found(&small, &[]);
    for kind in ["size-budget", "forbidden-file", "forbidden-package", "licence-not-allowed"] {
        assert!(ids.iter().any(|id| id.starts_with(kind)), "no {kind} in {ids:#?}");
    }
    small.project.write("policy.toml", "[size]\nimage = \"1 GB\"\n[forbidden]\nfiles = [\"/nowhere\"]\n");
    let ids = found(&small, &[]);
    for kind in ["size-budget", "forbidden-file", "forbidden-package", "licence-not-allowed"] {
        assert!(!ids.iter().any(|id| id.starts_with(kind)), "{kind} in {ids:#?}");
    }
}

#[test]
fn what_is_wrong_with_a_policy_is_said_before_anything_is_looked_at() {
    let small = Small::new();
    let policy = "[levels]\n\"elf-no-pi\" = \"deny\"\n\"elf-no-pie\" = \"forbid\"\n";
    let said = audit(&small, policy, "2026-10-01");
    said.failed(1, &["error[kit::policy::unknown_finding]", "did you mean `elf-no-pie`", "policy.toml:3"]);
    small.kit(&["audit", "small", "--policy", "nowhere.toml"]).failed(3, &["nowhere.toml"]);
    small.kit(&["audit", "small", "--only", "everything"]).failed(2, &["vulnerabilities"]);
}
