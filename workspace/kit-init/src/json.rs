//! Reads JSON (RFC 8259), strictly: one value, no duplicate keys, at most 64 levels deep.
//!
//! The crate has its own reader so that PID 1 is built from two crates, itself and libc. Integers are kept
//! exactly: seccomp arguments use all 64 bits.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

mod node;
#[cfg(test)]
mod tests;

pub(crate) use node::{Node, Problem};

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number without fraction and exponent that fits.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// A string.
    Text(String),
    /// A list.
    Array(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

/// Where and why a text is not JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Line, from 1.
    line: usize,
    what: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Levels of arrays and objects inside each other.
const DEPTH: usize = 64;

/// Reads one JSON value.
pub(crate) fn parse(text: &str) -> Result<Json, SyntaxError> {
    let mut parser = Parser { text, at: 0 };
    let result = parser.value(0).and_then(|json| {
        parser.skip_space();
        if parser.at == text.len() { Ok(json) } else { Err("text after the end of the value") }
    });
    result.map_err(|what| {
        let read = text.get(..parser.at).unwrap_or(text);
        SyntaxError { line: 1 + read.matches('\n').count(), what }
    })
}

/// A string as JSON has it.
pub(crate) fn quoted(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            control if u32::from(control) < 0x20 => {
                let _ = write!(json, "\\u{:04x}", u32::from(control));
            }
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

struct Parser<'a> {
    text: &'a str,
    /// Offset of the next byte; always at a character's boundary.
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Skips space, then takes `byte` if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Json, &'static str> {
        if depth > DEPTH {
            return Err("more than 64 levels of nesting");
        }
        self.skip_space();
        match self.peek().ok_or("the text ends inside a value")? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Json::Text),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut members = BTreeMap::new();
        if self.take(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_space();
            if self.peek() != Some(b'"') {
                return Err("expected a key in quotes");
            }
            let key = self.string()?;
            if !self.take(b':') {
                return Err("expected `:` after a key");
            }
            let value = self.value(depth + 1)?;
            if members.insert(key, value).is_some() {
                return Err("the same key twice in one object");
            }
            if self.take(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.take(b',') {
                return Err("expected `,` or `}`");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, &'static str> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Json::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Json::Array(items));
            }
            if !self.take(b',') {
                return Err("expected `,` or `]`");
            }
        }
    }

    fn word(&mut self) -> Result<Json, &'static str> {
        let rest = &self.text[self.at..];
        for (word, json) in [("null", Json::Null), ("true", Json::Bool(true)), ("false", Json::Bool(false))] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(json);
            }
        }
        Err("expected a value")
    }

    fn digits(&mut self) -> Result<(), &'static str> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err("expected a digit") } else { Ok(()) }
    }

    fn number(&mut self) -> Result<Json, &'static str> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let first = self.at;
        self.digits()?;
        if self.at - first > 1 && self.text.as_bytes().get(first) == Some(&b'0') {
            return Err("a number with a leading zero");
        }
        let mut whole = true;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
            whole = false;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
            whole = false;
        }
        let text = &self.text[start..self.at];
        if whole {
            if let Ok(integer) = text.parse() {
                return Ok(Json::Integer(integer));
            }
        }
        text.parse().map(Json::Float).map_err(|_| "not a number")
    }

    /// Reads a string; the next byte is its opening quote.
    fn string(&mut self) -> Result<String, &'static str> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .find(|c: char| c == '"' || c == '\\' || c < ' ')
                .ok_or("the text ends inside a string")?;
            string.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                _ => return Err("a control character inside a string"),
            }
        }
    }

    /// Reads an escape; the next byte is its backslash.
    fn escape(&mut self) -> Result<char, &'static str> {
        self.at += 1;
        let byte = self.peek().ok_or("the text ends inside a string")?;
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode_escape(),
            _ => return Err("an unknown escape in a string"),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads `uXXXX`, and a second `\uXXXX` when the first is half of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, &'static str> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or("half of a surrogate pair");
        }
        if !self.text[self.at..].starts_with("\\u") {
            return Err("half of a surrogate pair");
        }
        self.at += 1;
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err("half of a surrogate pair");
        }
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
            .ok_or("half of a surrogate pair")
    }

    fn hex(&mut self) -> Result<u32, &'static str> {
        let digits = self.text.get(self.at + 1..self.at + 5).ok_or("expected four hexadecimal digits")?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("expected four hexadecimal digits");
        }
        self.at += 5;
        u32::from_str_radix(digits, 16).map_err(|_| "expected four hexadecimal digits")
    }
}
