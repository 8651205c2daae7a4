//! The facts of every fault, and its message.

use std::fmt;

use crate::image_reference::LocalImageError;
use crate::reference::ReferenceError;

/// What a value should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `"…"`
    String,
    /// `1`
    Integer,
    /// `1.5`
    Float,
    /// `true` or `false`
    Boolean,
    /// `[…]`
    Array,
    /// `{…}` or a section
    Table,
    /// `2026-01-01T00:00:00Z`
    Datetime,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::String => "a string",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Boolean => "a boolean",
            Self::Array => "an array",
            Self::Table => "a table",
            Self::Datetime => "a date and time",
        })
    }
}

/// What is wrong, with all facts but the place.
///
/// Sections are written as in the file: `[image]`, `[[service]]`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means, with the name of each fact in it")]
pub enum Fault {
    // The text is not TOML.
    #[error("the file has an unresolved merge conflict")]
    ConflictMarker,
    #[error("a string is not closed")]
    UnclosedString,
    #[error("a bracket is not closed")]
    UnclosedBracket { missing: &'static str },
    #[error("key `{key}` has no `=`")]
    MissingEquals { key: String },
    #[error("a key has no value")]
    MissingValue,
    #[error("a comma is missing")]
    MissingComma,
    #[error("`{word}` is not a value")]
    UnquotedString { word: String },
    #[error("`{key}` can't be a key without quotes")]
    UnquotedKey { key: String },
    #[error("a number starts with a zero")]
    LeadingZero { number: String },
    #[error("a string has an unknown escape")]
    UnknownEscape,
    #[error("{what} `{key}` is written twice")]
    DuplicateKey { what: &'static str, key: String },
    #[error("an inline table spans several lines")]
    MultilineTable,
    #[error("something follows a value on its line")]
    TrailingText,
    #[error("arrays and tables are nested too deeply")]
    TooDeep,
    #[error("this is not TOML: {words}")]
    Syntax { words: String },

    // It is TOML, but not what belongs in this file.
    #[error("unknown key `{key}` in `{section}`")]
    UnknownKey { key: String, section: String, suggestion: Option<String>, known: Vec<&'static str> },
    #[error("unknown section `{section}`")]
    UnknownSection { section: String, suggestion: Option<String>, known: Vec<&'static str> },
    #[error("key `{key}` stands outside of a section")]
    KeyOutsideSection { key: String, known: Vec<&'static str> },
    #[error("`{found}` belongs to another kind of recipe")]
    WrongKind { found: &'static str, expected: &'static str, folder: &'static str },
    #[error("`[{section}]` can stand several times, so it has double brackets")]
    SingleBrackets { section: String },
    #[error("`[[{section}]]` can stand only once, so it has single brackets")]
    DoubleBrackets { section: String },
    #[error("`{key}` expects {expected}, not {found}")]
    WrongType { key: String, expected: Shape, found: Shape, written: String },
    #[error("{} has no key `{key}`", titled(section))]
    MissingKey { key: &'static str, section: String, example: &'static str },
    #[error("section `{section}` is missing")]
    MissingSection { section: &'static str },
    #[error("`{key}` is empty")]
    Empty { key: String },
    #[error("{value} is out of range for `{key}`")]
    OutOfRange { key: String, value: String, least: u64, most: u64 },
    #[error("unknown value `{word}` for `{key}`")]
    UnknownWord { key: String, word: String, suggestion: Option<String>, known: Vec<&'static str> },
    #[error("`{key}` has {what} in it")]
    InvalidText { key: String, what: &'static str },
    #[error("`{key}` can't be a key of `{section}`")]
    InvalidKey { key: String, section: String, why: &'static str },
    #[error("a key of `{section}` is split at its dots")]
    SplitKey { section: String, key: String },
    #[error("`{value}` can't be the value of `{key}`")]
    Malformed { key: String, value: String, why: &'static str, form: &'static str },
    #[error("`{key}` contradicts `{other}`")]
    Contradiction { key: &'static str, other: &'static str, why: &'static str },

    // It doesn't mean anything that could be built.
    #[error("`{name}` is not a name")]
    InvalidName { name: String, suggestion: Option<String> },
    #[error("`{name}` is not the name of a kernel module")]
    InvalidModule { name: String, suggestion: Option<String> },
    #[error("the recipe is called `{name}`, its file `{file}`")]
    NameMismatch { name: String, file: String },
    #[error("two {what} are called `{name}`")]
    DuplicateName { what: &'static str, name: String },
    #[error("`{item}` is listed twice in `{key}`")]
    DuplicateItem { key: String, item: String },
    #[error("two entries add `{path}`")]
    DuplicatePath { path: String },
    #[error("`{path}` is not a path inside an image")]
    InvalidPath { path: String, why: &'static str, suggestion: Option<String> },
    #[error("`{path}` is not a path inside the project")]
    ProjectPath { path: String, why: &'static str, suggestion: Option<String> },
    #[error("`{glob}` is not a glob")]
    InvalidGlob { glob: String, why: String },
    #[error("`{mode}` is not a file mode")]
    InvalidMode { mode: String, suggestion: Option<String> },
    #[error("unknown capability `{name}`")]
    UnknownCapability { name: String, suggestion: Option<String> },
    #[error("unknown format `{name}`")]
    UnknownFormat { name: String, suggestion: Option<String>, known: Vec<&'static str> },
    #[error("`{mount}` is not a bind mount")]
    InvalidBind { mount: String, why: &'static str },
    #[error("`{mount}` is not a tmpfs mount")]
    InvalidTmpfs { mount: String, why: &'static str },
    #[error("unknown mount option `{option}`")]
    UnknownMountOption { option: String, suggestion: Option<String> },
    #[error("`{amount}` is not an amount of memory")]
    InvalidMemory { amount: String },
    #[error("`{name}` is not a host name")]
    InvalidHostname { name: String },
    #[error("`{suite}` is not the code name of a suite")]
    InvalidSuite { suite: String },
    #[error("`{package}` is not a Debian package")]
    InvalidPackage { package: String, why: &'static str, suggestion: Option<String> },
    #[error("source `{name}` doesn't say where it comes from")]
    SourceWithoutOrigin { name: String },
    #[error("`{address}` is not an address that a source can have")]
    SourceAddress { address: String, why: &'static str },
    #[error("source `{name}` doesn't say which commit")]
    SourceWithoutRevision { name: String },
    #[error("`{revision}` names no commit")]
    InvalidRevision { revision: String, why: &'static str },
    #[error("`{reference}` names no image of a registry")]
    InvalidReference { reference: String, why: ReferenceError },
    #[error("`{reference}` names no image on this machine")]
    LocalImage { reference: String, why: LocalImageError },
    #[error("the package has no source `{name}`")]
    UnknownSource { name: String, known: Vec<String> },
    #[error("source `{name}` is of the wrong kind for `{key}`")]
    WrongSource { key: &'static str, name: String, why: &'static str },
    #[error("`{path}` is not a path inside a source")]
    SourcePath { path: String, why: &'static str },
    #[error("it isn't said which source {what}")]
    WhichSource { what: &'static str, key: &'static str, known: Vec<String> },
    #[error("file `{path}` has no content")]
    FileWithoutContent { path: String },
    #[error("package `{name}` holds nothing")]
    EmptyPackage { name: String },
    #[error("a container is replaced, but no image is extended")]
    ReplaceWithoutExtends { name: String },

    // Lockfiles and settings.
    #[error("the lockfile was edited by hand")]
    Edited { pin: String },
    #[error("the lockfile has version {version}, this kit reads version 1")]
    LockVersion { version: String },
    #[error("`{key}` is not a digest")]
    InvalidDigest { key: String, why: String },
    #[error("`{key}` is not a date in UTC")]
    InvalidDate { key: String },
    #[error("`{entry}` is not an entry of `{section}`")]
    InvalidEntry { entry: String, section: &'static str, form: &'static str },
    #[error("`{name}` is used but not locked")]
    Dangling { name: String, section: &'static str },
    #[error("`{address}` is not the address of an archive")]
    InvalidAddress { address: String },

    // Policies.
    #[error("there is no finding `{finding}`")]
    UnknownFinding { finding: String, suggestion: Option<String> },
    #[error("`{licence}` is not a licence")]
    UnknownLicence { licence: String, suggestion: Option<String> },

    // LinuxKit's YAML.
    #[error(transparent)]
    LinuxKit(crate::linuxkit::Fault),
}

impl Fault {
    /// `value` can't be that of `key`; `form` completes "write …".
    pub(crate) fn malformed(key: &str, value: &str, why: &'static str, form: &'static str) -> Self {
        Self::Malformed { key: key.to_owned(), value: value.chars().take(60).collect(), why, form }
    }
}

/// A section as written; the whole file has no title.
fn titled(section: &str) -> String {
    if section.is_empty() { "the file".to_owned() } else { format!("`{section}`") }
}
