//! The packages that kit itself runs and tests with.

use crate::{Name, Spanned};

/// `recipes/tools.toml`: pinned by `lockfiles/tools.lock`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// `[tools] packages`.
    pub packages: Vec<Spanned<Name>>,
}
