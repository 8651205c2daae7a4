//! What stands at the places of a fault.

use super::Fault;

impl Fault {
    /// Returns what stands at the main place.
    pub(super) fn label(&self) -> String {
        match self {
            Self::LinuxKit(fault) => fault.label(),
            Self::UnclosedBracket { missing } => format!("`{missing}` is missing here"),
            Self::UnknownKey { section, .. } => format!("not a key of `{section}`"),
            Self::WrongKind { expected, .. } => format!("`{expected}` is expected in this file"),
            Self::WrongType { found, .. } => format!("this is {found}"),
            Self::MissingKey { key, .. } => format!("`{key}` is missing here"),
            Self::MissingSection { .. } => "the whole file lacks it".to_owned(),
            Self::OutOfRange { least, most, .. } => format!("must be from {least} to {most}"),
            Self::Contradiction { why, .. }
            | Self::InvalidPath { why, .. }
            | Self::ProjectPath { why, .. }
            | Self::InvalidBind { why, .. }
            | Self::WrongSource { why, .. }
            | Self::SourcePath { why, .. }
            | Self::InvalidTmpfs { why, .. }
            | Self::InvalidKey { why, .. }
            | Self::Malformed { why, .. }
            | Self::InvalidPackage { why, .. }
            | Self::InvalidRevision { why, .. }
            | Self::SourceAddress { why, .. } => (*why).to_owned(),
            Self::InvalidReference { why, .. } => why.to_string(),
            Self::LocalImage { why, .. } => why.to_string(),
            Self::InvalidGlob { why, .. } | Self::InvalidDigest { why, .. } => why.clone(),
            Self::NameMismatch { file, .. } => format!("expected `{file}`"),
            Self::Edited { pin } => format!("the pins below hash to `{pin}`"),
            Self::Dangling { section, .. } => format!("no such entry in `{section}`"),
            _ => self.plain_label().to_owned(),
        }
    }

    /// Labels that need no fact.
    fn plain_label(&self) -> &'static str {
        match self {
            Self::ConflictMarker => "one side starts here",
            Self::UnclosedString => "its closing quote is missing",
            Self::MissingEquals { .. } => "a key alone",
            Self::MissingValue => "nothing follows the `=`",
            Self::MissingComma => "a new item starts here",
            Self::UnquotedString { .. } => "text without quotes",
            Self::UnquotedKey { .. } => "more than letters, digits, `-` and `_`",
            Self::LeadingZero { .. } => "not a decimal number",
            Self::UnknownEscape => "not an escape of TOML",
            Self::DuplicateKey { .. } | Self::DuplicateItem { .. } | Self::DuplicateName { .. } => {
                "written again here"
            }
            Self::DuplicatePath { .. } => "added again here",
            Self::MultilineTable => "opened here, closed on another line",
            Self::TrailingText => "expected the end of the line",
            Self::TooDeep => "one level too many",
            Self::Syntax { .. } => "the parser stopped here",
            Self::UnknownSection { .. } => "not a section of this file",
            Self::KeyOutsideSection { .. } => "no `[section]` above it",
            Self::SingleBrackets { .. } | Self::DoubleBrackets { .. } => "in the wrong brackets",
            Self::Empty { .. } => "nothing in it",
            Self::UnknownWord { .. } => "not one of the values",
            Self::InvalidText { .. } => "not allowed here",
            Self::SplitKey { .. } => "a table, not a value",
            Self::InvalidName { .. } => "must be 1 to 63 of `a-z 0-9 - . _ +`, first a letter or digit",
            Self::InvalidModule { .. } => {
                "must be 1 to 55 letters, digits, `_` and `-`, first a letter or digit"
            }
            Self::InvalidMode { .. } => "must be four octal digits in quotes",
            Self::UnknownCapability { .. } => "not a capability of Linux",
            Self::UnknownFormat { .. } => "kit writes no such format",
            Self::UnknownMountOption { .. } => "no such option",
            Self::InvalidMemory { .. } => "must be bytes, or a number and `K`, `M`, `G` or `T` in quotes",
            Self::InvalidHostname { .. } => "must be 1 to 64 letters, digits, `-` and `.`",
            Self::InvalidSuite { .. } => "must be lower-case letters, digits, `-` and `.`",
            Self::SourceWithoutOrigin { .. } => {
                "none of `suite`, `local`, `crates`, `url`, `git` and `image` in it"
            }
            Self::UnknownSource { .. } => "none of `[sources]` is called so",
            Self::WhichSource { .. } => "the sources alone don't tell",
            Self::FileWithoutContent { .. } => "neither `contents` nor `source` in it",
            Self::EmptyPackage { .. } => "no source, build step, package, file or user",
            Self::ReplaceWithoutExtends { .. } => "nothing to be replaced",
            Self::LockVersion { .. } => "written by another kit",
            Self::InvalidDate { .. } => "must look like `2026-01-31T00:00:00Z`",
            Self::InvalidEntry { .. } => "in another form",
            Self::UnknownFinding { .. } => "not a kind of finding",
            Self::UnknownLicence { .. } => "not an identifier of SPDX",
            Self::InvalidAddress { .. } => "must start with `http://`, `https://` or `file:///`",
            _ => "here",
        }
    }

    /// Returns what stands at the other end of a contradiction.
    pub(super) fn label_also(&self) -> &'static str {
        match self {
            Self::LinuxKit(fault) => fault.label_also(),
            Self::ConflictMarker => "the other side ends here",
            Self::DuplicateKey { .. } | Self::DuplicateItem { .. } | Self::DuplicateName { .. } => {
                "written first here"
            }
            Self::DuplicatePath { .. } => "added first here",
            Self::UnclosedBracket { .. } => "opened here",
            Self::MultilineTable => "closed here",
            _ => "the other one is here",
        }
    }
}
