//! What a text that isn't YAML was probably meant to be.

use std::ops::Range;

use super::fault::Fault;

/// Where the parser gave up, and why.
pub(super) struct Stop<'t> {
    pub(super) text: &'t str,
    /// The place, in bytes of the text.
    pub(super) at: usize,
    /// What the parser says.
    pub(super) words: &'t str,
    /// Where the innermost bracket is that is open there.
    pub(super) bracket: Option<usize>,
}

/// A fault and its place in the text.
type Told = (Range<usize>, Fault);

impl Stop<'_> {
    /// Says what is wrong, in people's words.
    pub(super) fn tell(&self) -> Told {
        let found = self.reserved().or_else(|| self.tab()).or_else(|| self.quote()).or_else(|| self.flow());
        let found = found.or_else(|| self.without_colon()).or_else(|| self.indentation());
        found.or_else(|| self.colon_in_text()).unwrap_or_else(|| self.other())
    }

    fn says(&self, part: &str) -> bool {
        self.words.contains(part)
    }

    /// Returns where the line of a place begins.
    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    fn line(&self, start: usize) -> &str {
        self.text[start..].lines().next().unwrap_or_default()
    }

    fn reserved(&self) -> Option<Told> {
        let first = self.text[self.at..].chars().next().filter(|c| "@`%".contains(*c))?;
        let what = "a text starts with a character that YAML keeps for itself";
        Some((
            self.at..self.at + 1,
            syntax(what, format!("`{first}` can't be first"), "put the text in quotes"),
        ))
    }

    /// A tab can stand some lines below the place where the parser noticed it.
    fn tab(&self) -> Option<Told> {
        let own = self.line_start(self.at);
        let blank = |c: char| c == ' ' || c == '\t';
        let indent = |line: &str| line.len() - line.trim_start_matches(blank).len();
        if !self.says("tab") && !self.line(own)[..indent(self.line(own))].contains('\t') {
            return None;
        }
        let mut start = own;
        for line in self.text[own..].split_inclusive('\n').take(3) {
            let space = &line[..indent(line)];
            if let Some(tab) = space.find('\t') {
                let end = start + space.rfind('\t').unwrap_or(tab) + 1;
                let (what, label) = ("a tab indents this line", "a tab stands here");
                return Some((start + tab..end, syntax(what, label, "indent by spaces")));
            }
            start += line.len();
        }
        let what = "a tab stands where YAML takes spaces alone";
        Some((self.at..self.end(), syntax(what, "there is one after this", "write spaces in its place")))
    }

    fn quote(&self) -> Option<Told> {
        let here = self.at..self.end();
        if self.says("unclosed quote") || self.says("unexpected document indicator") {
            let what = "a quoted text is not closed";
            return Some((here, syntax(what, "begins here", "put the same quote behind it")));
        }
        if self.says("unknown escape") || self.says("hexadecimal") {
            let what = "a quoted text has an unknown escape";
            let help = "write `\\\\` for a backslash, or use single quotes";
            return Some((here, syntax(what, "in this text", help)));
        }
        if self.bracket.is_none() && self.says("trailing content after") {
            let what = "something stands behind a quoted text";
            let help = if self.says("single") {
                "double a `'` that is inside of the text, or put the text in double quotes"
            } else {
                "write `\\\"` for a quote inside of the text, or put all of it in single quotes"
            };
            return Some((here, syntax(what, "the text has ended before this", help)));
        }
        None
    }

    /// Between brackets, a comma or the closing bracket is missing.
    fn flow(&self) -> Option<Told> {
        let Some(open) = self.bracket else {
            let closing = self.text[self.at..].chars().next().filter(|c| "]}".contains(*c))?;
            let label = format!("no bracket is open that `{closing}` could close");
            let help = "remove it, or put the opening bracket";
            return Some((self.at..self.at + 1, syntax("a bracket closes nothing", label, help)));
        };
        if self.text[self.at..].starts_with(',') {
            let what = "nothing stands between two commas";
            return Some((self.at..self.at + 1, syntax(what, "the second one", "remove it")));
        }
        let close = if self.text[open..].starts_with('{') { '}' } else { ']' };
        if self.at > open && self.is_closed(open) && !self.text[self.at..].starts_with([':', ']', '}']) {
            let what = "a comma is missing between brackets";
            return Some((
                self.at..self.end(),
                syntax(what, "the next one begins here", "put `,` before it"),
            ));
        }
        let label = format!("`{close}` is missing for this one");
        let help = format!("put `{close}` where it ends");
        Some((open..open + 1, syntax("a bracket is not closed", label, help)))
    }

    /// Whether a bracket is closed before a line that looks like a key of a block.
    fn is_closed(&self, open: usize) -> bool {
        let mut depth = 0_usize;
        let mut quote = None;
        for (number, line) in self.text[open..].lines().enumerate() {
            if number > 0 && quote.is_none() && key_of(line.trim_start_matches([' ', '-'])).is_some() {
                return false;
            }
            for c in line.chars() {
                match (quote, c) {
                    (Some(open), c) if open == c => quote = None,
                    (None, '"' | '\'') => quote = Some(c),
                    (None, '[' | '{') => depth += 1,
                    (None, ']' | '}') if depth <= 1 => return true,
                    (None, ']' | '}') => depth -= 1,
                    _ => {}
                }
            }
        }
        false
    }

    /// A word alone on its line, with more below it, is a key without its colon.
    fn without_colon(&self) -> Option<Told> {
        let own = self.line_start(self.at);
        let before = self.text[..own].trim_end();
        let above = self.line_start(before.len());
        let deeper = indent_of(self.line(own)) > indent_of(self.line(above));
        let lines = if self.says("simple key") || self.says("expected ':'") { vec![own] } else { Vec::new() };
        let lines = lines.into_iter().chain((deeper && own > 0).then_some(above));
        for start in lines {
            let line = self.line(start);
            let content = line.trim_start_matches([' ', '-']);
            let word = content.split(" #").next().unwrap_or_default().trim_end();
            let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
            if !word.is_empty() && word.chars().all(plain) {
                let at = start + line.len() - content.len();
                let help = format!("write `{word}:` for a key, or `- {word}` for an item of a list");
                return Some((at..at + word.len(), no_colon(word, help)));
            }
            let Some((key, value)) = word.split_once(' ').filter(|_| start != own) else { continue };
            if !word.contains(':')
                && !key.is_empty()
                && key.chars().all(|c| c.is_ascii_alphabetic() || c == '.')
            {
                let at = start + line.len() - content.len();
                return Some((at..at + key.len(), no_colon(key, format!("write `{key}: {}`", value.trim()))));
            }
        }
        None
    }

    /// A line that is indented as nothing above it.
    fn indentation(&self) -> Option<Told> {
        let start = self.line_start(self.at);
        let line = self.line(start);
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let is_item = is_item(content);
        if !is_item && key_of(content).is_none() {
            return None;
        }
        // Something stands before the place that isn't this line's own key.
        let colon = content.find(':').unwrap_or(content.len());
        if self.at > start + indent + colon {
            return None;
        }
        let above = blocks(&self.text[..start]);
        if above.iter().any(|block| block.column == indent && block.is_item == is_item) {
            return None;
        }
        let near = above.iter().filter(|block| block.is_item == is_item);
        let near = near.min_by_key(|block| (block.column.abs_diff(indent), usize::MAX - block.column))?;
        let as_line = format!("indent it by {} as line {} is", spaces(near.column), near.line);
        let at = start + indent..start + line.trim_end().len();
        let label = format!("{} before it", stand(indent));
        if !is_item && above.iter().any(|block| block.column == indent) {
            let what = "a key stands where the items of a list do";
            return Some((at, syntax(what, label, format!("{as_line}, or put `- ` before it"))));
        }
        Some((at, syntax("this line is indented as nothing above it", label, as_line)))
    }

    fn colon_in_text(&self) -> Option<Told> {
        if !self.says("mapping values are not allowed") {
            return None;
        }
        let what = "a text has `: ` in it, as if it were a key";
        Some((self.at..self.end(), syntax(what, "this one", "put the text in quotes")))
    }

    fn other(&self) -> Told {
        let (what, help) = if self.says("block sequence entries are not allowed") {
            ("a `-` stands where no list can be", "indent the line as its neighbours are")
        } else if self.says("unknown anchor") {
            ("an alias stands for nothing", "write its anchor `&name` before it")
        } else if self.says("recursion limit") {
            ("lists are nested too deeply", "write it with fewer brackets inside of each other")
        } else if ["expected key", "indentation", "indented", "simple key", "block collection"]
            .iter()
            .any(|part| self.says(part))
        {
            (
                "this line belongs to no block",
                "indent it as the lines of its block are, and put `:` after a key",
            )
        } else if self.says("unexpected eof") || self.says("expected node content") {
            ("a value is missing", "write it, or remove what asks for it")
        } else {
            (
                "this is not YAML",
                "compare the line with its neighbours: indentation, `:` after a key, quotes, brackets",
            )
        };
        (self.at..self.end(), syntax(what, self.words, help))
    }

    /// Returns the end of the character at the place; that of the line is none.
    fn end(&self) -> usize {
        let next = self.text[self.at..].chars().next().filter(|c| *c != '\n');
        self.at + next.map_or(0, char::len_utf8)
    }
}

fn syntax(what: impl Into<String>, label: impl Into<String>, help: impl Into<String>) -> Fault {
    Fault::Syntax { what: what.into(), label: label.into(), help: help.into() }
}

fn no_colon(word: &str, help: String) -> Fault {
    syntax(format!("`{word}` has no `:`"), "ends here", help)
}

fn spaces(number: usize) -> String {
    match number {
        0 => "no space,".to_owned(),
        1 => "1 space,".to_owned(),
        number => format!("{number} spaces,"),
    }
}

fn stand(number: usize) -> String {
    match number {
        0 => "no space is".to_owned(),
        1 => "1 space is".to_owned(),
        number => format!("{number} spaces are"),
    }
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn is_item(content: &str) -> bool {
    content == "-" || content.starts_with("- ")
}

/// Returns the key that a line begins with.
fn key_of(content: &str) -> Option<&str> {
    let (key, rest) = content.split_once(':')?;
    let plain = |c: char| c.is_alphanumeric() || "._-/<\"'".contains(c);
    (!key.is_empty() && key.chars().all(plain) && (rest.is_empty() || rest.starts_with([' ', '\r'])))
        .then_some(key)
}

/// A key or an item that further ones can follow at its column.
struct Block {
    column: usize,
    is_item: bool,
    /// From 1.
    line: usize,
}

/// Returns the blocks that are open at the end of a text, as its indentation shows them.
fn blocks(text: &str) -> Vec<Block> {
    let mut open: Vec<Block> = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let mut content = line.trim_start_matches(' ');
        if content.trim_end().is_empty() || content.starts_with('#') || content.starts_with("---") {
            continue;
        }
        let mut column = line.len() - content.len();
        // A list can stand at the column of its own key.
        let is_own_key = |block: &Block| block.column == column && is_item(content) && !block.is_item;
        open.retain(|block| block.column < column || is_own_key(block));
        while is_item(content) {
            open.push(Block { column, is_item: true, line: number + 1 });
            let rest = content[1..].trim_start_matches(' ');
            column += content.len() - rest.len();
            content = rest;
        }
        if key_of(content).is_some() {
            open.retain(|block| block.column != column || block.is_item);
            open.push(Block { column, is_item: false, line: number + 1 });
        }
    }
    open
}
