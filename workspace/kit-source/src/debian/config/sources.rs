//! `sources.list` in its one-line and in its deb822 form (sources.list(5)).

use super::files::Files;
use crate::debian::release::Check;
use crate::debian::stanza;
use crate::http;

/// One entry for binary packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The file it stands in, below the root.
    pub(super) file: String,
    pub(super) uris: Vec<String>,
    pub(super) suites: Vec<String>,
    pub(super) components: Vec<String>,
    pub(super) architectures: Vec<String>,
    pub(super) signed_by: SignedBy,
    pub(super) check_valid_until: Option<Check>,
    pub(super) check_date: Option<Check>,
}

/// Which keys an entry names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SignedBy {
    /// None: those of the machine.
    Nothing,
    /// Files (absolute) and fingerprints.
    Named(Vec<String>),
    /// An armoured key.
    Inline(String),
}

/// Reads `etc/apt/sources.list` and `etc/apt/sources.list.d`, in apt's order.
pub(super) fn read(files: &mut Files<'_>) -> Vec<Entry> {
    let mut paths = vec!["etc/apt/sources.list".to_owned()];
    paths.extend(files.list("etc/apt/sources.list.d", &[".list", ".sources"]));
    let mut entries = Vec::new();
    for path in paths {
        let Some(text) = files.text(&path) else { continue };
        if path.ends_with(".sources") {
            entries.extend(stanza::stanzas(&text).filter_map(|stanza| parse_stanza(stanza, &path, files)));
        } else {
            entries.extend(text.lines().filter_map(|line| parse_line(line, &path, files)));
        }
    }
    entries
}

/// Parses `deb [option=value …] uri suite component…`.
fn parse_line(line: &str, file: &str, files: &mut Files<'_>) -> Option<Entry> {
    let line = line.split('#').next().unwrap_or_default().trim();
    let rest = match line.split_once(char::is_whitespace)? {
        ("deb", rest) => rest.trim_start(),
        ("deb-src", _) => return None,
        _ => {
            files.report(file, format!("`{}` is not a kind of source", line.split_whitespace().next()?));
            return None;
        }
    };
    let split = rest.strip_prefix('[').map_or(Some(("", rest)), |inner| inner.split_once(']'));
    let Some((options, rest)) = split else {
        files.report(file, "an option list has no `]`");
        return None;
    };
    let mut words = rest.split_whitespace().map(str::to_owned);
    let (Some(uri), Some(suite)) = (words.next(), words.next()) else {
        files.report(file, "a source has no suite");
        return None;
    };
    let mut entry = empty(file);
    (entry.uris, entry.suites, entry.components) = (vec![uri], vec![suite], words.collect());
    for option in options.split_whitespace() {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let values: Vec<String> =
            value.split(',').filter(|value| !value.is_empty()).map(str::to_owned).collect();
        set_option(&mut entry, name.trim_end_matches(['+', '-']), values);
    }
    usable(entry, files)
}

/// Parses one stanza of the deb822 form.
fn parse_stanza(stanza: &str, file: &str, files: &mut Files<'_>) -> Option<Entry> {
    let words = |name| -> Vec<String> {
        let value = stanza::field(stanza, name).unwrap_or_default();
        stanza::lines(value).flat_map(str::split_whitespace).map(str::to_owned).collect()
    };
    let is_off =
        stanza::field(stanza, "Enabled").is_some_and(|value| parse_check(value) == Some(Check::Skipped));
    if is_off || !words("Types").iter().any(|kind| kind == "deb") {
        return None;
    }
    let mut entry = empty(file);
    (entry.uris, entry.suites, entry.components) = (words("URIs"), words("Suites"), words("Components"));
    for (field, option) in [
        ("Architectures", "arch"),
        ("Signed-By", "signed-by"),
        ("Check-Valid-Until", "check-valid-until"),
        ("Check-Date", "check-date"),
    ] {
        if stanza::field(stanza, field).is_some() {
            set_option(&mut entry, option, words(field));
        }
    }
    if let Some(key) = stanza::field(stanza, "Signed-By").filter(|value| value.contains("-----BEGIN PGP")) {
        entry.signed_by = SignedBy::Inline(stanza::lines(key).collect::<Vec<_>>().join("\n"));
    }
    if entry.uris.is_empty() || entry.suites.is_empty() {
        files.report(file, "a source has no URI or no suite");
        return None;
    }
    usable(entry, files)
}

fn empty(file: &str) -> Entry {
    Entry {
        file: file.to_owned(),
        uris: Vec::new(),
        suites: Vec::new(),
        components: Vec::new(),
        architectures: Vec::new(),
        signed_by: SignedBy::Nothing,
        check_valid_until: None,
        check_date: None,
    }
}

/// Options that change nothing here are passed over; `trusted=yes` is, because a release is always verified.
fn set_option(entry: &mut Entry, name: &str, values: Vec<String>) {
    match name {
        "arch" => entry.architectures = values,
        "signed-by" if !values.is_empty() => entry.signed_by = SignedBy::Named(values),
        "check-valid-until" => entry.check_valid_until = values.first().and_then(|value| parse_check(value)),
        "check-date" => entry.check_date = values.first().and_then(|value| parse_check(value)),
        _ => {}
    }
}

/// Parses apt's booleans.
pub(super) fn parse_check(value: &str) -> Option<Check> {
    match value.to_ascii_lowercase().as_str() {
        "yes" | "true" | "with" | "on" | "enable" | "1" => Some(Check::Made),
        "no" | "false" | "without" | "off" | "disable" | "0" => Some(Check::Skipped),
        _ => None,
    }
}

/// Leaves out what isn't an http archive with suites.
fn usable(mut entry: Entry, files: &mut Files<'_>) -> Option<Entry> {
    let (uris, others): (Vec<String>, Vec<String>) = entry
        .uris
        .into_iter()
        .partition(|uri: &String| uri.starts_with("http://") || uri.starts_with("https://"));
    for uri in &others {
        files.report(&entry.file, format!("`{}` is not an http or https address", http::shown(uri)));
    }
    entry.uris = uris;
    let (suites, flat): (Vec<String>, Vec<String>) =
        entry.suites.into_iter().partition(|suite: &String| !suite.ends_with('/'));
    for suite in &flat {
        files.report(&entry.file, format!("`{suite}` is a directory without suites, which is not supported"));
    }
    entry.suites = suites;
    (!entry.uris.is_empty() && !entry.suites.is_empty()).then_some(entry)
}
