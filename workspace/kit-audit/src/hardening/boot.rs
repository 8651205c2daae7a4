//! The command line of the kernel: what it turns off, and what it could turn on that the kernel's configuration doesn't already.

mod table;

use self::table::{STRENGTHENING, Strengthening, WEAKENING, Weakening};
use super::kernel::KernelConfig;
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

const MISSING: Kind = Kind {
    id: "boot-option-missing",
    area: Area::Hardening,
    severity: Severity::Note,
    title: "the kernel isn't told to protect itself",
    help: "add the option to `cmdline` under `[kernel]` in the recipe of the image",
};
const TURNED_OFF: Kind = Kind {
    id: "boot-protection-off",
    area: Area::Hardening,
    severity: Severity::Medium,
    title: "the command line turns a protection off",
    help: "take the option out of `cmdline` under `[kernel]` in the recipe of the image",
};

/// The options of a command line, in order; those without a value have none.
pub type Options = Vec<(String, Option<String>)>;

/// The kinds of findings about the command line.
pub const KINDS: &[Kind] = &[MISSING, TURNED_OFF];

/// Compares a command line with what is recommended, knowing what the kernel does by itself.
pub(super) fn findings(command_line: &str, config: Option<&KernelConfig>) -> Vec<Finding> {
    let options = options(command_line);
    let off = WEAKENING.iter().filter_map(|row| turned_off(&options, row));
    let missing = STRENGTHENING.iter().filter_map(|row| missing(&options, row, config));
    off.chain(missing).collect()
}

/// Splits a command line into names and values, in order, as the kernel does: quotes keep spaces together, and what follows `--` is
/// for the first program.
pub fn options(command_line: &str) -> Options {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in command_line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            c if c.is_ascii_whitespace() && !is_quoted => words.push(String::new()),
            c => words.last_mut().expect("because there is one from the start").push(c),
        }
    }
    let words = words.into_iter().filter(|word| !word.is_empty()).take_while(|word| word != "--");
    words
        .map(|word| match word.split_once('=') {
            // The kernel takes either sign in names.
            Some((name, value)) => (name.replace('-', "_"), Some(value.to_owned())),
            None => (word.replace('-', "_"), None),
        })
        .collect()
}

/// Returns the value of the last option of a name: none without the option, empty without a value.
fn last<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
    options.iter().rfind(|(other, _)| other == name).map(|(_, value)| value.as_deref().unwrap_or_default())
}

fn turned_off(options: &Options, row: &Weakening) -> Option<Finding> {
    let value = last(options, row.option)?;
    let is_weak = row.values.is_empty() || row.values.iter().any(|weak| same(weak, value));
    let written = written(row.option, value);
    is_weak.then(|| {
        Finding::new(&TURNED_OFF, row.option, format!("`{written}` is on the command line: {}", row.why))
            .as_bad_as(row.severity)
            .because(Evidence::Fact(format!("the command line has `{written}`")))
    })
}

fn missing(options: &Options, row: &Strengthening, config: Option<&KernelConfig>) -> Option<Finding> {
    let found = last(options, row.option);
    let mut same_option = WEAKENING.iter().filter(|weak| weak.option == row.option);
    if same_option.any(|weak| turned_off(options, weak).is_some()) {
        return None;
    }
    if found.is_some_and(|value| row.values.iter().any(|good| same(good, value))) {
        return None;
    }
    let wanted = written(row.option, row.values.first().copied().unwrap_or_default());
    if let Some(config) = config {
        let has_default =
            !row.default.is_empty() && row.default.iter().all(|condition| config.meets(condition));
        let is_pointless = !row.needs.iter().all(|condition| config.meets(condition));
        if is_pointless || found.is_none() && has_default {
            return None;
        }
    }
    let is = match found {
        Some(value) => format!("the command line has `{}`", written(row.option, value)),
        None => "neither the command line nor the kernel's configuration says so".to_owned(),
    };
    let message = format!("the command line has no `{wanted}`, by which {}", row.why);
    Some(Finding::new(&MISSING, row.option, message).because(Evidence::Fact(is)))
}

fn written(option: &str, value: &str) -> String {
    if value.is_empty() { option.to_owned() } else { format!("{option}={value}") }
}

/// Whether two values mean the same, in the words that the kernel takes for on and off.
fn same(a: &str, b: &str) -> bool {
    let plain = |value: &str| match value.to_ascii_lowercase().as_str() {
        "1" | "on" | "y" | "yes" => "1".to_owned(),
        "0" | "off" | "n" | "no" => "0".to_owned(),
        other => other.to_owned(),
    };
    plain(a) == plain(b)
}

#[cfg(test)]
mod tests;
