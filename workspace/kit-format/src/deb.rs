//! Debian binary packages, format 2: an `ar` archive of `debian-binary`, `control.tar.*` and `data.tar.*`.
//!
//! | module | what |
//! |---|---|
//! | [`read`] | [`read_deb`]: a package into a tree and its control information, in one pass |
//! | [`control`] | [`Control`]: fields, maintainer scripts, configuration files |
//! | [`merged_usr`] | [`merge_usr`]: `/bin`, `/lib` and so on into `/usr` |
//! | [`version`] | [`Version`](version::Version): which of two is the later one |
//! | [`effects`] | [`maintainer_effects`]: what the scripts would have done, since they never run |

pub mod control;
pub mod effects;
pub mod merged_usr;
pub mod read;
mod shell;
pub mod version;

pub use control::{Control, ControlError, Script};
pub use effects::{Effect, EffectKind, maintainer_effects};
pub use merged_usr::{MergeError, merge_usr};
pub use read::{Deb, DebError, read_deb};

#[cfg(test)]
mod tests;
