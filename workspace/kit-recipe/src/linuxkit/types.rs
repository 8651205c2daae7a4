//! What a value is, and what to do where it should be something else.

/// What stands where something else is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// `text`, `"text"`
    Text,
    /// `1`
    Integer,
    /// `1.5`
    Float,
    /// `true`
    Boolean,
    /// nothing, or `null`
    Nothing,
    /// `- …`
    List,
    /// `key: …`
    Mapping,
}

impl Found {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Integer => "an integer",
            Self::Float => "a number with a point",
            Self::Boolean => "a boolean",
            Self::Nothing => "nothing",
            Self::List => "a list",
            Self::Mapping => "a mapping",
        }
    }
}

/// Says how a value of the expected type is written.
pub(super) fn help(key: &str, expected: &str, found: Found, written: &str) -> String {
    let number = matches!(found, Found::Integer | Found::Float | Found::Boolean);
    match (expected, found) {
        (_, Found::Nothing) if written == "-" => {
            format!("write {expected} behind the `-`, or remove the item")
        }
        (_, Found::Nothing) => format!("write {expected} after `{key}:`, indented, or remove the key"),
        ("a string", Found::Integer) if key == "mode" && !written.starts_with('0') => {
            "write it in octal and in quotes, such as `\"0644\"`".to_owned()
        }
        ("a string", _) if number => format!("put it in quotes: `\"{written}\"`"),
        (_, Found::Text) if written.starts_with('-') => "put a space after each `-`".to_owned(),
        ("a list" | "a mapping", Found::Text) if without_space(written).is_some() => {
            format!("put a space after `{}:`", without_space(written).unwrap_or_default())
        }
        ("a list", Found::Text) if key == "command" && !written.contains(['"', '\'', '\\']) => {
            let words: Vec<_> = written.split_whitespace().map(|word| format!("\"{word}\"")).collect();
            format!("write `{key}: [{}]`", words.join(", "))
        }
        ("a list", Found::Text) => format!("write `{key}: [\"{written}\"]`"),
        ("a list", _) => items_help(key),
        ("a mapping", Found::Text) => mapping_help(key),
        ("a boolean", Found::Text) => "write `true` or `false`, without quotes".to_owned(),
        ("an integer", Found::Text) => "write a number without quotes".to_owned(),
        ("a string", Found::Mapping) if key == "env" => "write `- NAME=value`".to_owned(),
        ("a string", Found::Mapping) if key.starts_with("binds") => "write `- source:destination`".to_owned(),
        ("a string", Found::Mapping) => {
            "write a text alone; one with `: ` in it must be in quotes".to_owned()
        }
        _ => format!("write {expected}"),
    }
}

/// Returns the key of `key:value`, where a space is missing.
fn without_space(written: &str) -> Option<&str> {
    let (key, value) = written.split_once(':')?;
    let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphabetic() || c == '.');
    (plain && !value.is_empty()).then_some(key)
}

fn items_help(key: &str) -> String {
    match key {
        "onboot" | "onshutdown" | "services" | "volumes" => "begin each entry with `- name: …`",
        "files" => "begin each entry with `- path: …`",
        "env" => "write each one as `- NAME=value`",
        "binds" | "binds.add" => "write each one as `- source:destination`",
        "init" => "write each image behind `- `",
        _ => "write each item behind `- `",
    }
    .to_owned()
}

fn mapping_help(key: &str) -> String {
    match key {
        "onboot" | "onshutdown" | "services" => "write `- name: …`, and `image: …` below it".to_owned(),
        "files" => "write `- path: …`, and `contents: …` or another key below it".to_owned(),
        "volumes" => "write `- name: …`".to_owned(),
        "" => "write `key: value` lines".to_owned(),
        key => format!("write `key: value` lines below `{key}:`, indented"),
    }
}
