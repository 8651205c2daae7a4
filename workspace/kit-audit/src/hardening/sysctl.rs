//! Settings of the running kernel, against the list of the Kernel Self Protection Project.
//!
//! Settings are made by the command line (`sysctl.NAME=VALUE`), by files of the host (`/etc/sysctl.conf` and `sysctl.d`), by files of
//! containers, which set them for the whole machine when they are allowed to, and in ways that the caller names. Later ones win, in this order;
//! within a root, by file name as the usual programs have it. Whether a container really reads its files isn't known here: a file counts.

mod table;

use std::collections::BTreeMap;

use kit_tree::TreePath;

use self::table::{SETTINGS, Setting};
use super::boot::options;
use super::kernel::KernelConfig;
use super::roots::Root;
use super::{Context, HardeningError};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

const NOT_HARDENED: Kind = Kind {
    id: "sysctl-not-hardened",
    area: Area::Hardening,
    severity: Severity::Low,
    title: "a setting of the running kernel isn't the recommended one",
    help: "set it in a file of `/etc/sysctl.d` of the `sysctl` container, or by `sysctl.NAME=VALUE` on the command line",
};

/// The kinds of findings about settings of the running kernel.
pub const KINDS: &[Kind] = &[NOT_HARDENED];

/// Directories whose `.conf` files make settings; the later ones have the weaker files of one name.
const DIRECTORIES: [&[u8]; 5] =
    [b"etc/sysctl.d", b"run/sysctl.d", b"usr/local/lib/sysctl.d", b"usr/lib/sysctl.d", b"lib/sysctl.d"];

/// What a setting is set to, and what says so.
struct Set {
    value: String,
    evidence: Evidence,
}

/// Compares the settings that are made with what is recommended.
pub(super) fn findings(
    context: &Context<'_>,
    config: Option<&KernelConfig>,
) -> Result<Vec<Finding>, HardeningError> {
    let mut sets: BTreeMap<String, Set> = BTreeMap::new();
    for (name, value) in options(context.image.command_line) {
        if let (Some(name), Some(value)) = (name.strip_prefix("sysctl."), value) {
            let evidence = Evidence::Fact(format!("the command line has `sysctl.{name}={value}`"));
            sets.insert(dotted(name), Set { value, evidence });
        }
    }
    for root in &context.roots {
        for path in files(root) {
            let Some(text) = context.named(root, path)? else { continue };
            for (name, value) in settings(&text) {
                sets.insert(name, Set { value, evidence: context.evidence(root, path) });
            }
        }
    }
    for (name, value) in context.image.sysctls {
        let evidence = Evidence::Fact(format!("`{name}` is set to `{value}`"));
        sets.insert(dotted(name), Set { value: value.clone(), evidence });
    }
    Ok(SETTINGS.iter().filter_map(|setting| compare(setting, sets.get(setting.name), config)).collect())
}

/// Lists the files of a root that make settings, those that win last.
fn files(root: &Root) -> impl Iterator<Item = &TreePath> {
    let mut by_name: BTreeMap<&[u8], (usize, &TreePath)> = BTreeMap::new();
    let mut last = None;
    for (path, _) in root.tree.entries().filter(|(_, entry)| !entry.is_directory()) {
        let bytes = path.as_bytes();
        let Some(slash) = bytes.iter().rposition(|byte| *byte == b'/') else { continue };
        let (directory, name) = (&bytes[..slash], &bytes[slash + 1..]);
        if bytes == b"etc/sysctl.conf" {
            last = Some(path);
        }
        let rank = DIRECTORIES.iter().position(|other| *other == directory);
        if let Some(rank) = rank.filter(|_| name.ends_with(b".conf")) {
            let place = by_name.entry(name).or_insert((rank, path));
            *place = (*place).min((rank, path));
        }
    }
    by_name.into_values().map(|(_, path)| path).chain(last)
}

/// Reads lines such as `kernel.kptr_restrict = 2`; a minus before the name says that it may fail.
pub fn settings(text: &str) -> Vec<(String, String)> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    let pairs = lines.filter_map(|line| line.trim_start_matches('-').split_once('='));
    pairs.map(|(name, value)| (dotted(name.trim()), value.trim().to_owned())).collect()
}

/// Writes a name with dots, which may be written with slashes: then its own dots are slashes.
fn dotted(name: &str) -> String {
    match (name.find('/'), name.find('.')) {
        (Some(slash), dot) if dot.is_none_or(|dot| slash < dot) => name
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => name.to_owned(),
    }
}

fn compare(setting: &Setting, set: Option<&Set>, config: Option<&KernelConfig>) -> Option<Finding> {
    let is_met = |conditions: &[&str]| {
        config.is_some_and(|config| conditions.iter().all(|condition| config.meets(condition)))
    };
    let is_pointless = config.is_some() && !is_met(setting.needs);
    let is_good = match set {
        Some(set) => set.value.parse().is_ok_and(|value| setting.wanted.contains(&value)),
        None => setting.is_default || !setting.default.is_empty() && is_met(setting.default),
    };
    if is_good || is_pointless {
        return None;
    }
    let name = setting.name;
    let wanted = setting.recommended;
    let message = match set {
        Some(set) => {
            format!("`{name}` is set to `{}`, not to `{wanted}`: {}", set.value.escape_debug(), setting.why)
        }
        None => format!("`{name}` isn't set to `{wanted}`: {}", setting.why),
    };
    let evidence = match set {
        Some(set) => set.evidence.clone(),
        None => Evidence::Fact("neither a file of the image nor the command line sets it".to_owned()),
    };
    Some(Finding::new(&NOT_HARDENED, name, message).as_bad_as(setting.severity).because(evidence))
}

#[cfg(test)]
mod tests;
