//! Names and paths inside images: bytes, checked at construction. `std::path::Path` only ever means "on this machine".

use std::fmt;
use std::str::FromStr;

/// The longest name that Linux file systems take, in bytes.
pub const NAME_MAX: usize = 255;
/// The longest path that a tree holds, in bytes (Linux's `PATH_MAX` without its NUL).
pub const PATH_MAX: usize = 4095;

/// Why bytes are no name or path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// A name is empty.
    #[error("a name in the path is empty")]
    Empty,
    /// A name is `.` or `..`.
    #[error("a path inside a tree has no `.` or `..`")]
    Dots,
    /// A name holds a slash or a NUL byte.
    #[error("a name holds a slash or a NUL byte")]
    Byte,
    /// A name is longer than 255 bytes.
    #[error("a name has {0} bytes, more than 255")]
    NameTooLong(usize),
    /// A path is longer than 4095 bytes.
    #[error("a path has {0} bytes, more than 4095")]
    PathTooLong(usize),
    /// A written path doesn't start with `/`.
    #[error("a path inside an image starts with `/`")]
    Relative,
}

/// One name in a directory: 1 to 255 bytes without `/` and NUL, not `.` or `..`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Vec<u8>);

impl FileName {
    /// Checks a name.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, PathError> {
        let bytes = bytes.into();
        check_name(&bytes)?;
        Ok(Self(bytes))
    }

    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn check_name(name: &[u8]) -> Result<(), PathError> {
    match name {
        [] => Err(PathError::Empty),
        b"." | b".." => Err(PathError::Dots),
        _ if name.len() > NAME_MAX => Err(PathError::NameTooLong(name.len())),
        _ if name.iter().any(|b| matches!(b, b'/' | 0)) => Err(PathError::Byte),
        _ => Ok(()),
    }
}

/// The place of an entry in a tree: names joined by `/`, without a leading slash; the root is empty.
///
/// Paths order by their raw bytes, so a parent comes before everything below it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    /// Returns the path of the root.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// Checks names joined by single slashes, with or without one leading slash; `""` and `"/"` are the root.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, PathError> {
        let bytes = bytes.as_ref();
        let inner = bytes.strip_prefix(b"/").unwrap_or(bytes);
        if inner.is_empty() {
            return Ok(Self::root());
        }
        if inner.len() > PATH_MAX {
            return Err(PathError::PathTooLong(inner.len()));
        }
        inner.split(|b| *b == b'/').try_for_each(check_name)?;
        Ok(Self(inner.to_vec()))
    }

    /// Checks a member name of an archive, where `./a`, `a/` and doubled slashes are usual; `..` and absolute names are refused.
    pub fn from_archive(bytes: &[u8]) -> Result<Self, PathError> {
        if bytes.first() == Some(&b'/') {
            return Err(PathError::Relative);
        }
        let names: Vec<_> = bytes.split(|b| *b == b'/').filter(|n| !matches!(*n, b"" | b".")).collect();
        Self::new(names.join(&b'/'))
    }

    /// Returns the bytes, without a leading slash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the path one level up; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(Self(self.0[..end].to_vec()))
    }

    /// Returns the last name; none for the root.
    pub fn file_name(&self) -> Option<FileName> {
        self.names().last()
    }

    /// Returns the names from the top.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = FileName> {
        self.0.split(|b| *b == b'/').filter(|n| !n.is_empty()).map(|n| FileName(n.to_vec()))
    }

    /// Returns the path of `name` below this one.
    pub fn join(&self, name: &FileName) -> Result<Self, PathError> {
        self.append(&Self(name.0.clone()))
    }

    /// Returns the path `below`, taken relative to this one.
    pub fn append(&self, below: &Self) -> Result<Self, PathError> {
        let mut bytes = self.0.clone();
        if !bytes.is_empty() && !below.is_root() {
            bytes.push(b'/');
        }
        bytes.extend_from_slice(&below.0);
        if bytes.len() > PATH_MAX { Err(PathError::PathTooLong(bytes.len())) } else { Ok(Self(bytes)) }
    }

    /// Returns what follows `ancestor`, when this path is it or lies below it.
    pub fn strip_prefix(&self, ancestor: &Self) -> Option<Self> {
        if ancestor.is_root() {
            return Some(self.clone());
        }
        match self.0.strip_prefix(ancestor.0.as_slice())? {
            [] => Some(Self::root()),
            [b'/', rest @ ..] => Some(Self(rest.to_vec())),
            _ => None,
        }
    }
}

impl FromStr for TreePath {
    type Err = PathError;

    /// Parses a path as people write it: it starts with `/`.
    fn from_str(text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') { Self::new(text) } else { Err(PathError::Relative) }
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", Escaped(&self.0))
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.0))
    }
}

impl fmt::Debug for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Bytes as one printable word: UTF-8 stays, space, backslash, controls and other bytes become `\xNN`.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if c == ' ' || c == '\\' || c.is_control() {
                    let mut buffer = [0; 4];
                    c.encode_utf8(&mut buffer).bytes().try_for_each(|b| write!(f, "\\x{b:02x}"))?;
                } else {
                    write!(f, "{c}")?;
                }
            }
            chunk.invalid().iter().try_for_each(|b| write!(f, "\\x{b:02x}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_paths() {
        for (text, wrong) in [
            ("a//b", PathError::Empty),
            ("a/../b", PathError::Dots),
            ("./a", PathError::Dots),
            ("a\0", PathError::Byte),
            ("//", PathError::Empty),
        ] {
            assert_eq!(TreePath::new(text), Err(wrong), "{text:?}");
        }
        assert_eq!("usr".parse::<TreePath>(), Err(PathError::Relative));
        assert_eq!(TreePath::new("a".repeat(256)), Err(PathError::NameTooLong(256)));
        assert_eq!(TreePath::new("a/".repeat(2100) + "b"), Err(PathError::PathTooLong(4201)));
        assert_eq!(TreePath::new("/usr/bin").unwrap().as_bytes(), b"usr/bin");
        assert_eq!(TreePath::from_archive(b"./usr//bin/").unwrap().as_bytes(), b"usr/bin");
        assert_eq!(TreePath::from_archive(b"./").unwrap(), TreePath::root());
        assert_eq!(TreePath::from_archive(b"/etc/passwd"), Err(PathError::Relative));
        assert_eq!(TreePath::from_archive(b"a/../../b"), Err(PathError::Dots));
    }

    #[test]
    fn walks_up_and_down() {
        let path = TreePath::new("usr/lib/x").unwrap();
        assert_eq!(path.parent().unwrap().to_string(), "/usr/lib");
        assert_eq!(TreePath::new("usr").unwrap().parent(), Some(TreePath::root()));
        assert_eq!(TreePath::root().parent(), None);
        assert_eq!(path.file_name().unwrap().as_bytes(), b"x");
        assert_eq!(path.strip_prefix(&TreePath::new("usr").unwrap()).unwrap().to_string(), "/lib/x");
        assert_eq!(path.strip_prefix(&TreePath::new("us").unwrap()), None);
        let joined = path.parent().unwrap().join(&path.file_name().unwrap()).unwrap();
        assert_eq!(joined, path);
    }

    #[test]
    fn parents_sort_first_and_odd_bytes_are_shown() {
        let mut paths: Vec<_> =
            ["a/b", "a-b", "a", "a/b/c"].iter().map(|p| TreePath::new(p).unwrap()).collect();
        paths.sort();
        assert_eq!(format!("{paths:?}"), "[/a, /a-b, /a/b, /a/b/c]");
        assert_eq!(TreePath::new(b"\xff \n\\\xc3\xa9").unwrap().to_string(), "/\\xff\\x20\\x0a\\x5c\u{e9}");
    }
}
