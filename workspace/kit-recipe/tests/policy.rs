//! A whole policy is read, and no text breaks the reader.

use kit_recipe::Policy;
use kit_recipe::policy::{Allowance, Day, Level, Quorum, Words};
use proptest::prelude::*;

const WORDS: Words<'_> = Words {
    kinds: &["elf-no-pie", "vulnerability", "set-uid"],
    is_licence: &|text| ["MIT", "GPL-2.0-or-later", "AGPL-3.0-only"].contains(&text),
    licences: &["MIT"],
};

const WHOLE: &str = r#"
[severities]
high = "deny"
[levels]
elf-no-pie = "warn"
"set-uid:/usr/bin/su" = "allow"
[vulnerabilities]
high = { grace-days = 14 }
medium = { allowed = 10, grace-days = 90 }
[size]
image = "200 MiB"
packages = 120
files = 20000
[licences]
allowed = ["MIT", "GPL-2.0-or-later"]
denied = ["AGPL-3.0-only"]
[signatures]
required = true
[forbidden]
files = ["/usr/bin/gdb", "/**/*.pem"]
capabilities = ["CAP_SYS_ADMIN"]
packages = ["telnet"]
[[exception]]
finding = "vulnerability:CVE-2024-2511 openssl"
reason = "TLS servers are not shipped"
until = 2026-12-31
"#;

fn read(text: &str) -> Policy {
    Policy::parse(text, WORDS).expect("a policy of these tests is right")
}

#[test]
fn a_whole_policy_is_read() {
    let policy = read(WHOLE);
    assert_eq!(policy.severities.high.as_deref(), Some(&Level::Deny));
    assert_eq!(policy.severities.low, None);
    let levels: Vec<_> = policy.levels.iter().map(|(key, level)| (key.as_str(), level.value)).collect();
    assert_eq!(levels, [("elf-no-pie", Level::Warn), ("set-uid:/usr/bin/su", Level::Allow)]);
    assert_eq!(policy.vulnerabilities.critical, None);
    assert_eq!(policy.vulnerabilities.high.unwrap().value, Allowance { allowed: 0, grace_days: 14 });
    assert_eq!(policy.vulnerabilities.medium.unwrap().value, Allowance { allowed: 10, grace_days: 90 });
    assert_eq!(policy.size.image.unwrap().value, 200 << 20);
    assert_eq!(policy.size.packages.unwrap().value, 120);
    assert_eq!(policy.licences.allowed.unwrap().len(), 2);
    assert_eq!(policy.licences.denied[0].value, "AGPL-3.0-only");
    assert_eq!(policy.signatures.unwrap().value, Quorum(1));
    assert_eq!(policy.forbidden.capabilities[0].as_str(), "CAP_SYS_ADMIN");
    let exception = &policy.exceptions[0];
    assert_eq!(exception.until.value, Day::of_date(2026, 12, 31).unwrap());
    assert!(exception.is_about("vulnerability", "CVE-2024-2511 openssl"));
    assert!(!exception.is_about("vulnerability", "CVE-2024-2511"));
}

#[test]
fn an_empty_policy_asks_for_nothing() {
    assert_eq!(read(""), Policy::default());
    assert_eq!(read("[signatures]\nrequired = false\n").signatures, None);
    assert_eq!(read("[signatures]\nquorum = 3\n").signatures.unwrap().value, Quorum(3));
}

#[test]
fn amounts_have_units() {
    for (written, bytes) in [
        ("5", 5),
        ("\"5\"", 5),
        ("\"5 B\"", 5),
        ("\"5kB\"", 5000),
        ("\"5 MB\"", 5_000_000),
        ("\"1 KiB\"", 1024),
        ("\"2GiB\"", 2 << 30),
    ] {
        assert_eq!(read(&format!("[size]\nimage = {written}")).size.image.unwrap().value, bytes, "{written}");
    }
    for written in
        ["\"\"", "\"MB\"", "\"1.5 MB\"", "\"5 mb\"", "\"-1\"", "-1", "true", "\"18446744073709551616\""]
    {
        assert!(Policy::parse(&format!("[size]\nimage = {written}"), WORDS).is_err(), "{written}");
    }
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in ".{0,200}") {
        let _ = Policy::parse(&text, WORDS);
    }

    #[test]
    fn no_change_breaks_the_reader(at in 0..WHOLE.len(), with in "[\\[\\]\"=a-z0-9\\n{}-]{0,8}", cut in 0_usize..20) {
        let end = (at + cut).min(WHOLE.len());
        let text = format!("{}{with}{}", &WHOLE[..at], &WHOLE[end..]);
        let _ = Policy::parse(&text, WORDS);
    }
}
