//! Names that kit takes, made of those that LinuxKit takes.

use std::collections::BTreeSet;

use crate::Name;

/// The longest name.
const LONGEST: usize = 63;

/// Makes a name of a text: what can't be in one becomes `-`.
pub(super) fn name_of(text: &str, otherwise: &str) -> Name {
    let plain =
        |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "-._+".contains(c) { c } else { '-' };
    let text: String = text.to_lowercase().chars().map(plain).take(LONGEST).collect();
    let text = text.trim_start_matches(['-', '.', '_', '+']).trim_end_matches(['-', '.']);
    text.parse().unwrap_or_else(|_| otherwise.parse().expect("because it is a name"))
}

/// Makes names that are different from each other.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeSet<Name>);

impl Names {
    /// Makes a name of a text that nothing has yet.
    pub(super) fn unique(&mut self, text: &str, otherwise: &str) -> Name {
        let name = name_of(text, otherwise);
        if self.0.insert(name.clone()) {
            return name;
        }
        let mut number = 1_usize;
        loop {
            number += 1;
            let suffix = format!("-{number}");
            let kept: String = name.as_str().chars().take(LONGEST - suffix.len()).collect();
            let next: Name =
                format!("{kept}{suffix}").parse().expect("because it is short and begins as a name does");
            if self.0.insert(next.clone()) {
                return next;
            }
        }
    }
}
