use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Architecture, ConfigError, KINDS, KernelConfig, RECOMMENDED, Value, Wanted, findings};
use crate::hardening::tests::Sample;

fn keys(text: &str) -> BTreeSet<String> {
    findings(Ok(&KernelConfig::parse(text).unwrap())).into_iter().map(|finding| finding.key).collect()
}

fn has(text: &str, option: &str) -> bool {
    keys(text).contains(&format!("CONFIG_{option}"))
}

#[test]
fn values_are_read() {
    let text = "#\n# Linux/x86 6.1.0-rc3 Kernel Configuration\n#\nCONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_D=n\n\
                CONFIG_E=\"a \\\"b\\\" \\\\ c\"\nCONFIG_F=-1\nCONFIG_G=0xffffffffffffffff\n\nCONFIG_H=\"\"\n# about CONFIG_I\n";
    let config = KernelConfig::parse(text).unwrap();
    let value = |option: &str| config.get(option).cloned();
    assert_eq!(value("A"), Some(Value::Yes));
    assert_eq!(value("B"), Some(Value::Module));
    assert_eq!((value("C"), config.mentions("C")), (None, true));
    assert_eq!((value("D"), config.mentions("D")), (None, true));
    assert_eq!(value("E"), Some(Value::Text("a \"b\" \\ c".to_owned())));
    assert_eq!(value("F"), Some(Value::Number(-1)));
    assert_eq!(value("G"), Some(Value::Number(i128::from(u64::MAX))));
    assert_eq!(value("H"), Some(Value::Text(String::new())));
    assert!(!config.mentions("I"));
    assert_eq!(config.version(), Some((6, 1)));
    assert_eq!(config.architecture(), Architecture::X86_64);
    for (condition, is_met) in [
        ("A", true),
        ("B", true),
        ("C", false),
        ("!C", true),
        ("!A", false),
        ("C|A", true),
        ("C|D", false),
        ("F", false),
    ] {
        assert_eq!(config.meets(condition), is_met, "{condition}");
    }
    assert_eq!(KernelConfig::parse("").unwrap().version(), None);
    assert_eq!(KernelConfig::parse("CONFIG_ARM64=y").unwrap().architecture(), Architecture::Arm64);
    assert_eq!(KernelConfig::parse("CONFIG_RISCV=y").unwrap().architecture(), Architecture::Other);
}

#[test]
fn broken_texts_are_told() {
    let value = |line, option: &str| ConfigError::Value { line, option: option.to_owned() };
    for (text, error) in [
        ("CONFIG_A", ConfigError::Line { line: 1 }),
        ("\nOTHER=y", ConfigError::Line { line: 2 }),
        ("CONFIG_=y", ConfigError::Line { line: 1 }),
        ("CONFIG_A-B=y", ConfigError::Line { line: 1 }),
        ("CONFIG_A=", value(1, "CONFIG_A")),
        ("CONFIG_A=yes", value(1, "CONFIG_A")),
        ("CONFIG_A=\"open", value(1, "CONFIG_A")),
        ("CONFIG_A=\"a\"b", value(1, "CONFIG_A")),
        ("CONFIG_A=\"a\\", value(1, "CONFIG_A")),
        ("CONFIG_A=0x", value(1, "CONFIG_A")),
        ("CONFIG_A=0x-1", value(1, "CONFIG_A")),
        ("CONFIG_A=18446744073709551616", value(1, "CONFIG_A")),
        ("CONFIG_A=y\n# CONFIG_A is not set", ConfigError::Again { line: 2, option: "CONFIG_A".to_owned() }),
    ] {
        assert_eq!(KernelConfig::parse(text), Err(error), "{text}");
    }
    assert_eq!(KernelConfig::parse(&"\n".repeat((4 << 20) + 1)), Err(ConfigError::TooLong((4 << 20) + 1)));
    let sample = Sample { config: Some("what".to_owned()), ..Sample::default() };
    assert_eq!(sample.ids(KINDS), ["kernel-config-unreadable:kernel note"]);
}

#[test]
fn rows_are_sound() {
    assert!(RECOMMENDED.len() >= 60);
    let mut seen = BTreeSet::new();
    for row in RECOMMENDED {
        assert!(seen.insert((row.option, format!("{:?}", row.architecture))), "{} twice", row.option);
        assert!(!row.option.starts_with("CONFIG_"));
        assert!(row.until.is_none_or(|until| row.since < until), "{}", row.option);
        assert!(!row.needs.contains(&row.option) && !row.or.contains(&row.option), "{}", row.option);
        assert!(!row.why.ends_with('.') && !row.why.is_empty());
    }
}

/// A configuration for a version and an architecture in which a row's conditions are met, and its option has a value.
fn around(row: &super::Recommendation, value: Option<&str>) -> String {
    let version = row.until.map_or((99, 0), |_| row.since);
    let mut lines = vec![format!("# Linux/x86 {}.{}.0 Kernel Configuration", version.0, version.1)];
    if row.architecture == Some(Architecture::Arm64) {
        lines.push("CONFIG_ARM64=y".to_owned());
    }
    let needs = row.needs.iter().filter(|need| !need.starts_with('!'));
    lines.extend(needs.map(|need| format!("CONFIG_{}=y", need.split('|').next().unwrap())));
    lines.extend(value.map(|value| format!("CONFIG_{}={value}", row.option)));
    lines.join("\n")
}

#[test]
fn every_row_is_reported_when_it_is_not_met_and_only_then() {
    for row in RECOMMENDED {
        let (good, bad) = match row.wanted {
            Wanted::On => (Some("y".to_owned()), Some("n")),
            Wanted::Off => (Some("n".to_owned()), Some("y")),
            Wanted::AtLeast(least) => (Some(least.to_string()), Some("0")),
            Wanted::OneOf(numbers) => (Some(numbers[0].to_string()), Some("0")),
            Wanted::Lists(word) => (Some(format!("\"landlock,{word}\"")), Some("\"landlock,yamato\"")),
        };
        assert!(!has(&around(row, good.as_deref()), row.option), "{}", row.option);
        assert!(has(&around(row, bad), row.option), "{}", row.option);
        // Without its conditions it isn't, nor where another option stands in for it.
        if !row.needs.is_empty() {
            let without = around(&super::Recommendation { needs: &[], ..*row }, bad);
            assert!(!has(&without, row.option), "{}", row.option);
        }
        for or in row.or {
            assert!(
                !has(&format!("{}\nCONFIG_{or}=y", around(row, bad)), row.option),
                "{} or {or}",
                row.option
            );
        }
    }
}

#[test]
fn versions_and_architectures_decide_what_can_be() {
    let old = "# Linux/x86 5.9.0 Kernel Configuration\n";
    assert!(!has(old, "KFENCE"));
    assert!(has("# Linux/x86 5.12.0 Kernel Configuration\n", "KFENCE"));
    assert!(has(old, "DEBUG_LIST") && !has("# Linux/x86 6.6.0 Kernel Configuration\n", "DEBUG_LIST"));
    // Without a version, an option that came late counts when it is mentioned.
    assert!(!has("", "KFENCE") && has("# CONFIG_KFENCE is not set", "KFENCE"));
    assert!(has("", "RANDOMIZE_BASE"));
    assert!(has("CONFIG_X86_MSR=m", "X86_MSR") && !has("CONFIG_ARM64=y\nCONFIG_X86_MSR=m", "X86_MSR"));
    let arm = "# Linux/arm64 6.1.0 Kernel Configuration\nCONFIG_ARM64=y\n";
    assert!(has(arm, "SHADOW_CALL_STACK") && !has(&arm.replace("CONFIG_ARM64=y", ""), "SHADOW_CALL_STACK"));
}

#[test]
fn a_finding_says_what_is_and_what_should_be() {
    let config = KernelConfig::parse("CONFIG_DEVMEM=y\n# CONFIG_BUG is not set\n").unwrap();
    let found = findings(Ok(&config));
    let of = |key: &str| {
        let finding = found.iter().find(|finding| finding.key == key).unwrap();
        format!("{} | {:?} | {}", finding.message, finding.evidence, finding.severity)
    };
    assert_eq!(
        of("CONFIG_DEVMEM"),
        "`CONFIG_DEVMEM` should be off: the machine's memory can't be read and written as a file | \
         [Fact(\"`CONFIG_DEVMEM=y`\")] | medium"
    );
    assert!(of("CONFIG_BUG").contains("[Fact(\"`# CONFIG_BUG is not set`\")]"));
    assert!(of("CONFIG_STRICT_DEVMEM").contains("[Fact(\"`CONFIG_STRICT_DEVMEM` isn't mentioned\")] | high"));
}

proptest! {
    #[test]
    fn texts_never_panic(text in "(CONFIG_[A-C]{0,2}=[ymn0x\"\\\\-]{0,4}|# CONFIG_[A-C] is not set|# Linux/[a-z0-9. ]{0,9} Kernel Configuration|.{0,9}|\n){0,12}") {
        if let Ok(config) = KernelConfig::parse(&text) {
            let _ = findings(Ok(&config));
        }
    }
}
