//! One piece of a file, and the fields in it.

use std::ops::Range;

use kit_tree::TreePath;

/// A piece of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// What it is, such as `header` or `padding behind the content`.
    pub what: String,
    /// Where it is.
    pub range: Range<u64>,
    /// The member of an archive that it belongs to.
    pub member: Option<TreePath>,
    /// Whether it is a member's content.
    pub is_content: bool,
    /// What it says, where it is a field.
    pub value: Option<String>,
    /// The fields in it, where in the file each is.
    pub(crate) fields: Vec<Field>,
}

/// A field of a piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) range: Range<u64>,
    pub(crate) value: String,
}

impl Extent {
    pub(crate) fn new(what: impl Into<String>, range: Range<u64>) -> Self {
        let what = what.into();
        Self { what, range, member: None, is_content: false, value: None, fields: Vec::new() }
    }

    pub(crate) fn of(mut self, member: Option<TreePath>) -> Self {
        self.member = member;
        self
    }

    pub(crate) fn with(mut self, fields: Vec<Field>) -> Self {
        self.fields = fields;
        self
    }

    pub(super) fn content(range: Range<u64>, member: Option<TreePath>) -> Self {
        Self { is_content: true, ..Self::new("content", range).of(member) }
    }

    /// Returns the field that has the byte at an offset, or what of it is between fields.
    pub(crate) fn at(self, offset: u64) -> Self {
        let Some(field) = self.fields.iter().find(|field| field.range.contains(&offset)) else {
            let before = self.fields.iter().map(|field| field.range.end).filter(|end| *end <= offset);
            let after = self.fields.iter().map(|field| field.range.start).filter(|start| *start > offset);
            let start = before.max().unwrap_or(self.range.start);
            let end = after.min().unwrap_or(self.range.end);
            return Self { range: start..end, fields: Vec::new(), ..self };
        };
        Self {
            what: format!("{}, field {}", self.what, field.name),
            range: field.range.clone(),
            value: Some(field.value.clone()),
            member: self.member,
            is_content: false,
            fields: Vec::new(),
        }
    }
}

/// Shows bytes as text, up to the first NUL.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).trim().to_owned()
}

/// Reads a little-endian number of up to eight bytes.
pub(super) fn little(bytes: &[u8]) -> u64 {
    bytes.iter().take(8).rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
