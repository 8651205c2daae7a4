use proptest::prelude::*;

use super::table::{STRENGTHENING, WEAKENING};
use super::{findings, options, written};
use crate::hardening::kernel::KernelConfig;

fn ids(command_line: &str, config: Option<&str>) -> Vec<String> {
    let config = config.map(|text| KernelConfig::parse(text).unwrap());
    findings(command_line, config.as_ref()).iter().map(crate::Finding::id).collect()
}

fn has(command_line: &str, config: Option<&str>, id: &str) -> bool {
    ids(command_line, config).iter().any(|other| other == id)
}

#[test]
fn command_lines_are_split_as_the_kernel_does() {
    let found = options("a  b=1 c=\"x y\" \"d=p q\" e= page-alloc.shuffle=1\tb=2 -- f=3");
    let shown: Vec<String> =
        found.iter().map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("-"))).collect();
    assert_eq!(shown, ["a=-", "b=1", "c=x y", "d=p q", "e=", "page_alloc.shuffle=1", "b=2"]);
    assert!(options("").is_empty());
}

#[test]
fn every_option_that_weakens_is_reported() {
    for row in WEAKENING {
        let id = format!("boot-protection-off:{}", row.option);
        let values = if row.values.is_empty() { &[""] } else { row.values };
        for value in values {
            assert!(has(&format!("quiet {}", written(row.option, value)), None, &id), "{id} {value}");
        }
        assert!(!has("quiet", None, &id), "{id}");
        if !row.values.is_empty() {
            assert!(!has(&format!("{}=surely", row.option), None, &id), "{id}");
        }
    }
    // The last one counts, and off has more than one word.
    assert!(!has("pti=off pti=on", None, "boot-protection-off:pti"));
    assert!(has("pti=on pti=off", None, "boot-protection-off:pti"));
    assert!(has("init_on_alloc=off", None, "boot-protection-off:init_on_alloc"));
    assert!(has("mitigations=off", None, "boot-protection-off:mitigations"));
    assert!(!has("mitigations=off", None, "boot-option-missing:mitigations"));
}

#[test]
fn every_option_that_strengthens_is_missed() {
    for row in STRENGTHENING {
        let id = format!("boot-option-missing:{}", row.option);
        assert!(has("quiet", None, &id), "{id}");
        for value in row.values {
            assert!(!has(&written(row.option, value), None, &id), "{id} {value}");
        }
        let set = |conditions: &[&str]| -> Vec<String> {
            let on = conditions.iter().filter(|condition| !condition.starts_with('!'));
            on.map(|condition| format!("CONFIG_{}=y", condition.split('|').next().unwrap())).collect()
        };
        let mut needed = set(row.needs);
        if !row.needs.is_empty() {
            assert!(!has("quiet", Some(""), &id), "{id} without what it needs");
        }
        if row.default.is_empty() {
            assert!(has("quiet", Some(&needed.join("\n")), &id), "{id}");
        } else {
            needed.extend(set(row.default));
            needed.dedup();
            assert!(!has("quiet", Some(&needed.join("\n")), &id), "{id} with its default");
        }
    }
    assert!(has(
        "quiet",
        Some("# CONFIG_INIT_ON_ALLOC_DEFAULT_ON is not set"),
        "boot-option-missing:init_on_alloc"
    ));
    assert!(!has("init_on_alloc=yes", Some(""), "boot-option-missing:init_on_alloc"));
}

proptest! {
    #[test]
    fn command_lines_never_panic(text in "([a-z_.=\" -]{0,9}|pti=off|.){0,20}") {
        let _ = findings(&text, None);
    }
}
