//! Names of kernel modules.

use std::fmt;
use std::str::FromStr;

/// Why a text is no name of a module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a module's name is 1 to 55 of A-Z, a-z, 0-9, `_`, `-` and starts with a letter or digit")]
pub struct ModuleNameError;

/// The name of a kernel module, as its file has it without `.ko`: 1 to 55 of `A-Z a-z 0-9 _ -`, first a letter or digit.
///
/// Capitals count: `xt_dscp` and `xt_DSCP` are two modules. Linux has no longer names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleName(String);

impl ModuleName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ModuleName {
    type Err = ModuleNameError;
    fn from_str(text: &str) -> Result<Self, ModuleNameError> {
        let good = text.len() <= 55
            && text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(ModuleNameError) }
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
