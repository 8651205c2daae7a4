//! Names that recipes give.

use std::fmt;
use std::str::FromStr;

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a name is 1 to 63 of a-z, 0-9, `-`, `.`, `_`, `+` and starts with a letter or digit")]
pub struct NameError;

/// The name of a package, image, container or source: 1 to 63 of `a-z 0-9 - . _ +`, first a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let good = text.len() <= 63
            && text.bytes().next().is_some_and(plain)
            && text.bytes().all(|b| plain(b) || b"-._+".contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(NameError) }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
