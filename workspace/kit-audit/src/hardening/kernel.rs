//! The kernel's configuration against the settings that the Kernel Self Protection Project recommends.
//!
//! What isn't reported: a setting that the kernel's version or architecture doesn't have, one whose conditions aren't met (the options that
//! it depends on, or whose absence makes it pointless: how modules are signed, in a kernel without modules), and one that
//! another option stands in for (an older name of the same, or a stronger one). Where the text doesn't say of which version it is, an option
//! that came after Linux 5.4 and isn't mentioned is taken not to exist.

pub mod config;
mod recommended;

pub use self::config::{ConfigError, KernelConfig, Value};
pub use self::recommended::{Architecture, RECOMMENDED, Recommendation, Wanted};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

const CONFIG: Kind = Kind {
    id: "kernel-config",
    area: Area::Hardening,
    severity: Severity::Low,
    title: "the kernel is built without a recommended setting",
    help: "set the option in the kernel's recipe, or take `kernel-hardened`",
};
const UNREADABLE: Kind = Kind {
    id: "kernel-config-unreadable",
    area: Area::Hardening,
    severity: Severity::Note,
    title: "the kernel's configuration can't be read",
    help: "see where the configuration comes from; nothing is known of how the kernel was built",
};

/// The kinds of findings about the kernel's configuration.
pub const KINDS: &[Kind] = &[CONFIG, UNREADABLE];

/// The version after which an option that isn't mentioned is taken not to exist, when a text doesn't say its own.
const OLDEST: (u32, u32) = (5, 4);

/// Whether an option that has this value is as recommended; none where nobody recommends anything about it.
pub fn is_as_recommended(option: &str, value: Option<&Value>) -> Option<bool> {
    let row = RECOMMENDED.iter().find(|row| row.option == option)?;
    Some(row.wanted.is_met_by(value))
}

/// Compares a configuration with what is recommended.
pub(super) fn findings(config: Result<&KernelConfig, &ConfigError>) -> Vec<Finding> {
    match config {
        Ok(config) => RECOMMENDED.iter().filter_map(|row| compare(config, row)).collect(),
        Err(why) => vec![
            Finding::new(&UNREADABLE, "kernel", "the kernel's configuration can't be read")
                .because(Evidence::Fact(why.to_string())),
        ],
    }
}

fn compare(config: &KernelConfig, row: &Recommendation) -> Option<Finding> {
    let stands_in = row.or.iter().any(|option| config.is_on(option));
    if stands_in || row.wanted.is_met_by(config.get(row.option)) || !applies(config, row) {
        return None;
    }
    let key = format!("CONFIG_{}", row.option);
    let is = match config.get(row.option) {
        Some(value) => format!("`{key}={value}`"),
        None if config.mentions(row.option) => format!("`# {key} is not set`"),
        None => format!("`{key}` isn't mentioned"),
    };
    let message = format!("`{key}` should be {}: {}", row.wanted, row.why);
    Some(Finding::new(&CONFIG, key, message).as_bad_as(row.severity).because(Evidence::Fact(is)))
}

/// Whether a kernel can have a setting, and has a use for it.
fn applies(config: &KernelConfig, row: &Recommendation) -> bool {
    let is_there = match config.version() {
        Some(version) => row.since <= version && row.until.is_none_or(|until| version < until),
        None => config.mentions(row.option) || row.since <= OLDEST && row.until.is_none(),
    };
    let fits = match row.architecture {
        None => true,
        Some(architecture) => architecture == config.architecture(),
    };
    is_there && fits && row.needs.iter().all(|condition| config.meets(condition))
}

#[cfg(test)]
mod tests;
