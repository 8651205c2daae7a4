//! Components and files for the search, as JSON that can stand in a script element.
//!
//! ```text
//! components   [id, version, role, class, licence, purl, sha256, source, files, bytes], each, in the order of their identities
//! metas        [type and mode, owner] of files, each distinct pair once
//! files        one text, a line for each path in order: how many characters (as UTF-16 counts them) it shares with the one before, the rest, the component, the
//!              meta and the size, separated by spaces; numbers to the base 36, the size left out where it is 0. No path has a space or a
//!              line end, as they are shown.
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;

use kit_tree::Entry;
use serde_json::{Value, json};

use crate::inventory::{Component, ComponentId, Inventory, Place};
use crate::report::{Report, shown};

const TAKES: &str = "because a string takes all";

/// Returns the JSON: what has a meaning in HTML is escaped in it.
pub(super) fn json(report: &Report<'_>) -> String {
    let Some(inventory) = report.inventory else {
        return r#"{"components":[],"files":"","metas":[]}"#.to_owned();
    };
    let components = inventory.components.iter().map(|(id, one)| component(report, id, one));
    let components: Vec<_> = components.collect();
    let (files, metas) = files(inventory);
    let text = json!({ "components": components, "metas": metas, "files": files }).to_string();
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

fn component(report: &Report<'_>, id: &ComponentId, component: &Component) -> Value {
    let line = |text: &String| shown::line(text);
    json!([
        shown::line(&id.to_string()),
        component.version.as_ref().map(line),
        component.role.word(),
        super::class_of(id).1,
        report.licences.get(id).map(line),
        component.purl.as_ref().map(line),
        component.sha256.map(|digest| digest.to_string()),
        component.source.as_ref().map(|source| shown::line(&format!("{} {}", source.name, source.version))),
        component.files,
        shown::bytes(component.bytes),
    ])
}

fn files(inventory: &Inventory) -> (String, Vec<(String, String)>) {
    let numbers: BTreeMap<_, _> =
        inventory.components.keys().enumerate().map(|(number, id)| (id, number)).collect();
    let mut metas: Vec<(String, String)> = Vec::new();
    let mut known = BTreeMap::new();
    let mut lines = String::new();
    let mut before = String::new();
    for file in &inventory.files {
        let boot = if file.place == Place::Boot { "boot:" } else { "" };
        let path = format!("{boot}{}", shown::line(&file.path.to_string()));
        let common = before.chars().zip(path.chars()).take_while(|(a, b)| a == b).count();
        let rest: String = path.chars().skip(common).collect();
        // Scripts count characters as UTF-16 does.
        let common: usize = path.chars().take(common).map(char::len_utf16).sum();
        let meta = meta(&file.entry);
        let meta = *known.entry(meta.clone()).or_insert_with(|| {
            metas.push(meta);
            metas.len() - 1
        });
        let owner = numbers.get(&file.owner).copied().unwrap_or_default();
        let size = if let Entry::File { size, .. } = file.entry { size } else { 0 };
        write!(lines, "{} {rest} {} {}", base36(common as u64), base36(owner as u64), base36(meta as u64))
            .expect(TAKES);
        if size > 0 {
            write!(lines, " {}", base36(size)).expect(TAKES);
        }
        lines.push('\n');
        before = path;
    }
    (lines, metas)
}

/// Returns type and mode, and owner.
fn meta(entry: &Entry) -> (String, String) {
    let letter = match entry {
        Entry::Directory(_) => "d",
        Entry::File { .. } => "-",
        Entry::Symlink { .. } => "l",
        Entry::HardLink { .. } => "h",
        Entry::Device { .. } => "c",
        Entry::Fifo(_) => "p",
    };
    match (entry, entry.meta()) {
        (_, Some(meta)) => (format!("{letter} {}", meta.mode), format!("{}:{}", meta.uid, meta.gid)),
        (Entry::Symlink { uid, gid, .. }, None) => (letter.to_owned(), format!("{uid}:{gid}")),
        (_, None) => (letter.to_owned(), String::new()),
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(char::from_digit((number % 36) as u32, 36).expect("because the rest is below 36"));
        number /= 36;
        if number == 0 {
            return digits.iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_36_digits() {
        assert_eq!([0, 35, 36, 1296, u64::MAX].map(base36), ["0", "z", "10", "100", "3w5e11264sgsf"]);
    }
}
