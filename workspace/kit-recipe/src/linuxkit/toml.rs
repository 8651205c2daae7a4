//! TOML text, written as people write it.

use std::fmt::Write as _;

use super::comments::Comment;
use crate::written::{Key, Quoted};

/// How long a line may be.
const WIDTH: usize = 110;

/// A value, not yet laid out.
#[derive(Debug, Clone)]
pub(super) enum Toml {
    /// As it stands: a number, a truth value, a string.
    Word(String),
    /// Items, each with its comments.
    Array(Vec<(Toml, Vec<Comment>)>),
    /// Keys, quoted where they have to be, and values.
    Inline(Vec<(String, Toml)>),
}

impl Toml {
    pub(super) fn text(text: &str) -> Self {
        Self::Word(quoted(text))
    }

    pub(super) fn number(number: impl Into<i128>) -> Self {
        Self::Word(number.into().to_string())
    }

    pub(super) fn boolean(truth: bool) -> Self {
        Self::Word(truth.to_string())
    }

    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Array(texts.into_iter().map(|text| (Self::text(text), Vec::new())).collect())
    }

    pub(super) fn table<'a>(pairs: impl IntoIterator<Item = (&'a str, Self)>) -> Self {
        Self::Inline(pairs.into_iter().map(|(name, value)| (key(name), value)).collect())
    }

    /// Returns it on one line.
    fn line(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Array(items) => {
                format!("[{}]", items.iter().map(|(item, _)| item.line()).collect::<Vec<_>>().join(", "))
            }
            Self::Inline(pairs) if pairs.is_empty() => "{}".to_owned(),
            Self::Inline(pairs) => {
                let pairs: Vec<_> =
                    pairs.iter().map(|(key, value)| format!("{key} = {}", value.line())).collect();
                format!("{{ {} }}", pairs.join(", "))
            }
        }
    }
}

/// A section and those below it.
#[derive(Debug, Clone, Default)]
pub(super) struct Section {
    /// `[image]`, `[[service]]`; empty for none.
    title: String,
    above: Vec<String>,
    lines: String,
    below: Vec<Section>,
}

impl Section {
    pub(super) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Puts a comment above the section.
    pub(super) fn above(&mut self, text: &str) {
        self.above.push(comment(text));
    }

    /// Puts the YAML's comments above the section.
    pub(super) fn comments_above(&mut self, comments: Vec<Comment>) {
        self.above.extend(comments.into_iter().map(|one| comment(&one.text)));
    }

    /// Puts a comment where the next key will be.
    pub(super) fn remark(&mut self, text: &str) {
        self.lines.push_str(&comment(text));
        self.lines.push('\n');
    }

    /// Adds a key with the comments above it.
    pub(super) fn put(&mut self, name: &str, value: &Toml, comments: Vec<Comment>) {
        for one in comments {
            self.remark(&one.text);
        }
        self.lines.push_str(&assignment(name, value));
    }

    /// Adds a table: on one line when it fits, as a section of its own otherwise.
    pub(super) fn put_table(
        &mut self,
        name: &str,
        pairs: Vec<(String, Toml, Vec<Comment>)>,
        comments: Vec<Comment>,
    ) {
        let plain = pairs.iter().all(|(_, _, comments)| comments.is_empty());
        let inline = Toml::Inline(pairs.iter().map(|(name, value, _)| (key(name), value.clone())).collect());
        let line = format!("{name} = {}", inline.line());
        if plain && pairs.len() <= 3 && line.chars().count() <= WIDTH {
            return self.put(name, &inline, comments);
        }
        let title = self.title.trim_matches(['[', ']']);
        let mut section = Self::new(format!("[{title}.{name}]"));
        section.comments_above(comments);
        for (name, value, comments) in pairs {
            section.put(&key(&name), &value, comments);
        }
        self.below.push(section);
    }

    /// Adds a section below this one.
    pub(super) fn push(&mut self, section: Self) {
        self.below.push(section);
    }

    /// Returns the title without its brackets.
    pub(super) fn path(&self) -> &str {
        self.title.trim_matches(['[', ']'])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.below.is_empty()
    }

    fn write(&self, text: &mut String) {
        if !text.is_empty() {
            text.push('\n');
        }
        for line in &self.above {
            text.push_str(line);
            text.push('\n');
        }
        if !self.title.is_empty() {
            text.push_str(&self.title);
            text.push('\n');
        }
        text.push_str(&self.lines);
        for section in &self.below {
            section.write(text);
        }
    }
}

/// Returns the text of a file: the comments of its head, sections, and comments at the end.
pub(super) fn document(head: &[String], sections: &[Section], foot: &[Comment]) -> String {
    let mut body = String::new();
    for section in sections {
        section.write(&mut body);
    }
    let lines =
        |lines: &[String]| lines.iter().flat_map(|line| [comment(line), "\n".to_owned()]).collect::<String>();
    let foot: Vec<_> = foot.iter().map(|one| one.text.clone()).collect();
    let foot = if foot.is_empty() { String::new() } else { format!("\n{}", lines(&foot)) };
    format!("{}{body}{foot}", lines(head))
}

fn comment(text: &str) -> String {
    if text.is_empty() { "#".to_owned() } else { format!("# {text}") }
}

/// Returns a key, in quotes where it needs them.
pub(super) fn key(name: &str) -> String {
    Key(name).to_string()
}

fn assignment(name: &str, value: &Toml) -> String {
    let line = format!("{name} = {}\n", value.line());
    let Toml::Array(items) = value else { return line };
    let plain = items.iter().all(|(_, comments)| comments.is_empty());
    if plain && line.chars().count() <= WIDTH {
        return line;
    }
    let mut text = format!("{name} = [\n");
    for (item, comments) in items {
        let (trailing, before): (Vec<_>, Vec<_>) = comments.iter().partition(|comment| comment.trailing);
        for one in before {
            let _ = writeln!(text, "    {}", comment(&one.text));
        }
        let _ = write!(text, "    {},", item.line());
        for one in trailing {
            let _ = write!(text, " {}", comment(&one.text));
        }
        text.push('\n');
    }
    text.push_str("]\n");
    text
}

/// Returns a string of one line.
pub(super) fn quoted(text: &str) -> String {
    Quoted(text).to_string()
}

/// Returns a string of several lines where there are several.
pub(super) fn block(text: &str) -> Toml {
    let tame = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    if text.lines().count() < 2 || !text.chars().all(tame) {
        return Toml::text(text);
    }
    if text.contains('\\') && !text.contains("'''") && !text.ends_with('\'') {
        return Toml::Word(format!("'''\n{text}'''"));
    }
    let mut body = text.replace('\\', "\\\\").replace("\"\"\"", "\"\"\\\"");
    if body.ends_with('"') {
        body.pop();
        body.push_str("\\\"");
    }
    Toml::Word(format!("\"\"\"\n{body}\"\"\""))
}
