//! The simple commands of a shell script, found by its grammar and not run.
//!
//! Quotes, comments, here-documents, `case` patterns, function definitions and control words are told from commands; what a variable or a
//! substitution would expand to stays as written.

use std::collections::BTreeSet;

/// What a script consists of.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Commands {
    /// Words of each simple command, quotes removed, assignments before it dropped.
    pub(super) commands: Vec<Command>,
    /// Names of the functions that it defines.
    pub(super) functions: BTreeSet<String>,
}

/// A simple command.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) words: Vec<String>,
    /// Files that its output goes to.
    pub(super) outputs: Vec<String>,
}

const CONTROL: [&str; 13] =
    ["if", "then", "else", "elif", "fi", "while", "until", "do", "done", "!", "{", "}", "esac"];

/// Takes a script apart.
pub(super) fn commands(script: &str) -> Commands {
    let mut lexer = Lexer { rest: script, ..Lexer::default() };
    while lexer.step() {}
    lexer.end_command();
    lexer.found
}

#[derive(Default)]
struct Lexer<'a> {
    rest: &'a str,
    found: Commands,
    command: Command,
    word: Option<String>,
    /// The word being read is where output goes.
    output: bool,
    /// Between `in` or `;;` of a `case` and the `)` behind the pattern.
    pattern: bool,
    /// Depth of subshells.
    depth: usize,
    /// Depth of `case`.
    cases: usize,
    /// Ends of the here-documents that start at the next line.
    documents: Vec<String>,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn push(&mut self, text: &str) {
        self.word.get_or_insert_default().push_str(text);
    }

    fn step(&mut self) -> bool {
        let Some(c) = self.next() else { return false };
        match c {
            '\\' => match self.next() {
                None | Some('\n') => {}
                Some(c) => self.push(c.encode_utf8(&mut [0; 4])),
            },
            '\'' => {
                let (text, rest) = self.rest.split_once('\'').unwrap_or((self.rest, ""));
                self.rest = rest;
                self.push(text);
            }
            '"' => self.double_quoted(),
            '`' => {
                let (text, rest) = self.rest.split_once('`').unwrap_or((self.rest, ""));
                self.rest = rest;
                self.push(&format!("`{text}`"));
            }
            '$' if self.rest.starts_with(['(', '{']) => self.substitution(),
            '#' if self.word.is_none() => {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.rest = &self.rest[end..];
            }
            ' ' | '\t' => self.end_word(),
            '\n' => {
                self.end_command();
                self.skip_documents();
            }
            ';' | '&' | '|' => self.separator(c),
            '(' => self.open(),
            ')' => self.close(),
            '<' | '>' => self.redirection(c),
            c => self.push(c.encode_utf8(&mut [0; 4])),
        }
        true
    }

    fn double_quoted(&mut self) {
        self.push("");
        while let Some(c) = self.next() {
            match c {
                '"' => return,
                '\\' => {
                    if let Some(c) = self.next().filter(|c| *c != '\n') {
                        self.push(c.encode_utf8(&mut [0; 4]));
                    }
                }
                '$' if self.rest.starts_with(['(', '{']) => self.substitution(),
                c => self.push(c.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// Takes `$(…)` or `${…}` whole, as it stands.
    fn substitution(&mut self) {
        let (mut depth, mut end, mut quoted) = (0_usize, self.rest.len(), false);
        for (at, c) in self.rest.char_indices() {
            match c {
                '\'' => quoted = !quoted,
                '(' | '{' if !quoted => depth += 1,
                ')' | '}' if !quoted => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                end = at + c.len_utf8();
                break;
            }
        }
        let (text, rest) = self.rest.split_at(end);
        self.push(&format!("${text}"));
        self.rest = rest;
    }

    fn separator(&mut self, c: char) {
        if c == '|' && self.pattern {
            self.drop_command();
            return;
        }
        self.end_command();
        if c == ';' && self.rest.starts_with(';') {
            self.next();
            self.pattern = self.cases > 0;
        }
    }

    fn open(&mut self) {
        if self.pattern {
            return;
        }
        if let (Some(name), true, true) = (
            self.word.clone().or_else(|| self.command.words.last().cloned()),
            self.command.words.len() < 2,
            self.rest.trim_start().starts_with(')'),
        ) {
            self.found.functions.insert(name);
            self.rest = &self.rest[self.rest.find(')').map_or(self.rest.len(), |at| at + 1)..];
            self.drop_command();
            return;
        }
        self.end_command();
        self.depth += 1;
    }

    fn close(&mut self) {
        if self.pattern {
            self.pattern = false;
            self.drop_command();
        } else {
            self.end_command();
            self.depth = self.depth.saturating_sub(1);
        }
    }

    fn redirection(&mut self, c: char) {
        // digits before it are a file descriptor
        if self.word.as_ref().is_some_and(|word| word.bytes().all(|b| b.is_ascii_digit())) {
            self.word = None;
        }
        self.end_word();
        if c == '<' && self.rest.starts_with('<') {
            self.rest = self.rest[1..].trim_start_matches(['-', ' ']);
            let end = self
                .rest
                .find(|c: char| c.is_whitespace() || c == ';' || c == ')')
                .unwrap_or(self.rest.len());
            self.documents.push(self.rest[..end].replace(['\'', '"', '\\'], ""));
            self.rest = &self.rest[end..];
            return;
        }
        self.rest = self.rest.trim_start_matches('>').trim_start_matches([' ', '\t']);
        if let Some(rest) = self.rest.strip_prefix('&') {
            self.rest = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        } else {
            self.output = true;
            if c == '<' {
                // an input is read like a word and forgotten
                self.push("</dev/null");
            }
        }
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        if std::mem::take(&mut self.output) {
            if !word.starts_with('<') {
                self.command.outputs.push(word);
            }
            return;
        }
        let first = self.command.words.is_empty();
        if first && self.pattern && word != "esac" {
            return;
        }
        if first && word == "esac" {
            self.pattern = false;
            self.cases = self.cases.saturating_sub(1);
        } else if first && (CONTROL.contains(&word.as_str()) || is_assignment(&word)) {
        } else if word == "in" && self.command.words.first().is_some_and(|first| first == "case") {
            self.cases += 1;
            self.pattern = true;
            self.drop_command();
        } else {
            self.command.words.push(word);
        }
    }

    fn drop_command(&mut self) {
        self.word = None;
        self.output = false;
        self.command = Command::default();
    }

    fn end_command(&mut self) {
        self.end_word();
        let command = std::mem::take(&mut self.command);
        let control = command.words.first().is_some_and(|word| word == "for" || word == "case");
        if !control && (!command.words.is_empty() || !command.outputs.is_empty()) {
            self.found.commands.push(command);
        }
    }

    fn skip_documents(&mut self) {
        for end in std::mem::take(&mut self.documents) {
            while !self.rest.is_empty() {
                let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = rest;
                if line.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
    }
}

/// Whether a word before a command sets a variable for it.
fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    })
}
