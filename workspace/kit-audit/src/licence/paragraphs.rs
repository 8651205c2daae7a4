//! The machine-readable form of Debian's `copyright` files, version 1.0 ("DEP-5").
//!
//! Real files aren't always well-formed: a line that is neither a field nor indented belongs to the text before it, also after an empty
//! line. So no `License` field is lost, and none is made up.

/// One paragraph with a licence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Paragraph {
    pub(super) kind: Kind,
    /// The first line of its `License` field: short names.
    pub(super) names: String,
    /// What follows it; empty where it stands in another paragraph.
    pub(super) text: String,
}

/// What a paragraph is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The package as a whole.
    Header,
    /// Files of it.
    Files,
    /// A licence that other paragraphs name.
    Text,
}

/// The fields of the format that start one; other words before a colon are of a text.
const FIELDS: [&str; 10] = [
    "format",
    "upstream-name",
    "upstream-contact",
    "source",
    "disclaimer",
    "comment",
    "license",
    "copyright",
    "files",
    "files-excluded",
];

/// Returns the paragraphs that have a licence; none where the text isn't in this form.
pub(super) fn read(text: &str) -> Option<Vec<Paragraph>> {
    let mut all: Vec<Vec<(String, String)>> = Vec::new();
    let mut is_open = false;
    for line in text.lines() {
        if line.trim().is_empty() {
            is_open = false;
        } else if let Some((name, value)) = field(line) {
            if !is_open {
                all.push(Vec::new());
                is_open = true;
            }
            all.last_mut()?.push((name, value.to_owned()));
        } else if !line.starts_with('#') {
            // Before any field, the text isn't in this form.
            let (_, value) = all.last_mut()?.last_mut()?;
            if !is_open {
                value.push('\n');
                is_open = true;
            }
            value.push('\n');
            value.push_str(unindented(line));
        }
    }
    let is_format = |value: &str| ["copyright-format", "dep5"].iter().any(|format| value.contains(format));
    let is_this = all.first()?.iter().any(|(name, value)| name == "format" && is_format(value));
    is_this.then(|| all.iter().enumerate().filter_map(|(at, fields)| paragraph(at, fields)).collect())
}

/// Reads the start of a field, with its name in lower case.
fn field(line: &str) -> Option<(String, &str)> {
    let (name, value) = line.split_once(':')?;
    let lower = name.to_ascii_lowercase();
    let is_field = FIELDS.contains(&lower.as_str()) || lower.starts_with("x-");
    is_field.then_some((lower, value.trim()))
}

/// Takes the indent off a line; a lone period stands for an empty one.
fn unindented(line: &str) -> &str {
    let line = line.strip_prefix([' ', '\t']).unwrap_or(line).trim_end();
    if line == "." { "" } else { line }
}

fn paragraph(at: usize, fields: &[(String, String)]) -> Option<Paragraph> {
    let value =
        |wanted: &str| fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let licence = value("license")?;
    let (names, text) = licence.split_once('\n').unwrap_or((licence, ""));
    let kind = match (at, value("files")) {
        (_, Some(_)) => Kind::Files,
        (0, None) => Kind::Header,
        (_, None) => Kind::Text,
    };
    Some(Paragraph { kind, names: names.trim().to_owned(), text: text.trim().to_owned() })
}
