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

/// Forbids a package, which the pins tell, and a file, which nothing but the files do.
const PACKAGE: &str = "[forbidden]\npackages = [\"zlib1g\"]\n";
const FILE: &str = "[forbidden]\nfiles = [\"/init\"]\n";

#[test]
fn what_recipes_and_pins_tell_is_judged_before_anything_is_built() {
    let small = Small::new();
    small.project.write("advisories/1.json", super::advisories::ZLIB);
    let lock = ["lock", "small", "--advisories", "advisories"];
    let said = small.kit(&["check", "small"]).succeeded();
    assert!(!said.stderr.contains("policy"), "without a policy, nothing is new: {said}");
    small.project.write("policy.toml", "[levels]\n\"elf-no-pi\" = \"deny\"\n\"elf-no-pie\" = \"forbid\"\n");
    for command in [&["check", "small"][..], &lock, &["build", "small"]] {
        small.kit(command).failed(
            1,
            &["error[kit::policy::unknown_finding]", "did you mean `elf-no-pie`", "policy.toml:3"],
        );
    }
    small.project.write("policy.toml", PACKAGE);
    let before = small.project.read("lockfiles/small.lock");
    for command in [&["check", "small"][..], &lock] {
        let help = "`[[exception]]`";
        let said = small
            .kit(command)
            .failed(1, &["error[kit::audit::denied]", "forbidden-package:", "zlib1g", help]);
        assert!(said.stderr.contains("the image's files weren't looked at"), "{said}");
    }
    assert_eq!(small.project.read("lockfiles/small.lock"), before, "nothing is written");
    // What the files alone tell stops neither.
    small.project.write("policy.toml", &format!("{FILE}[licences]\nallowed = [\"MIT\"]\n[severities]\ncritical = \"warn\"\n[vulnerabilities]\ncritical = {{ allowed = 1 }}\n"));
    let said = small.kit(&["check", "small"]).succeeded();
    assert!(said.stderr.contains("files weren't looked at"), "{said}");
    small.kit(&lock).succeeded();
    let said = small.kit(&["check", "small"]).succeeded();
    assert!(
        said.stderr.contains("small: ")
            && said.stderr.contains("warning")
            && said.stderr.contains(": kit audit small\n"),
        "{said}"
    );
    // What is pinned now is known to have a vulnerability.
    small.project.write("policy.toml", "");
    small.kit(&["check", "small"]).failed(1, &["error[kit::audit::denied]", "CVE-2026-0001"]);
}

#[test]
fn an_image_that_the_policy_denies_is_not_published() {
    let small = Small::new();
    small.project.write("policy.toml", FILE);
    small.kit(&["build", "small"]).failed(1, &["forbidden-file:", "/init", "error[kit::audit::denied]"]);
    assert!(
        !small.out().exists() || std::fs::read_dir(small.out()).expect("it can be read").next().is_none()
    );
    let exception = |until: &str| {
        let finding = "[[exception]]\nfinding = \"forbidden-file\"\nreason = \"the machine needs it\"\n";
        small.project.write("policy.toml", &format!("{FILE}{finding}until = {until}\n"));
    };
    exception("2000-01-01");
    small.kit(&["build", "small"]).failed(1, &["expired", "error[kit::audit::denied]"]);
    exception("2999-12-31");
    let said = small.kit(&["build", "small"]).succeeded();
    let counted = ["warnings, 1 let through by exceptions", ": kit audit small\n"];
    assert!(counted.iter().all(|text| said.stderr.contains(text)), "what is worth a look is counted: {said}");
    small.check_locked();
    // It was let through, and is again; by another policy it isn't.
    let again = small.kit(&["build", "small"]).succeeded();
    assert!(
        again.stderr.contains("nothing to do")
            && again.stderr.contains(counted[0])
            && again.stderr.contains(": kit audit small\n"),
        "{again}"
    );
    small.project.write("policy.toml", FILE);
    small.kit(&["build", "small"]).failed(1, &["error[kit::audit::denied]"]);
    small.check_locked();
    std::fs::remove_file(small.project.path().join("policy.toml")).expect("it is there");
    let said = small.kit(&["build", "small"]).succeeded();
    assert!(!said.stderr.contains("kit audit"), "{said}");
}

#[test]
fn what_could_not_be_judged_is_said_each_time() {
    let small = Small::new();
    let policy = "[vulnerabilities]\ncritical = { allowed = 0 }\n[signatures]\nquorum = 1\n";
    small.project.write("policy.toml", policy);
    let why = "small: `[vulnerabilities]` couldn't be judged: no advisories were asked\n";
    for command in ["check", "build", "build"] {
        let said = small.kit(&[command, "small"]).succeeded();
        assert!(said.stderr.contains(why) && !said.stderr.contains("[signatures]"), "{said}");
    }
}

#[test]
fn the_others_are_built_when_one_is_denied() {
    let small = Small::new();
    let other = "[image]\nname = \"other\"\nformats = [\"tar\"]\n[init]\npackages = [\"letters\"]\n";
    small.project.write("recipes/images/other.toml", other);
    small.kit(&["lock", "other"]).succeeded();
    small.project.write("policy.toml", FILE);
    let said = small.kit(&["build", "small", "other", "--keep-going"]);
    said.failed(1, &["/init", "error[kit::audit::denied]: the audit of `small`"]);
    let written = std::fs::read_dir(small.out()).expect("it was made");
    let names: Vec<_> = written.map(|entry| entry.expect("it can be read").file_name()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().starts_with("other")) && !names.is_empty());
}
