//! What can be wrong with LinuxKit's YAML, in words for people.

use std::ops::Range;

use super::hints::Hint;
use super::types;
pub use super::types::Found;
use crate::reference::ReferenceError;

/// What is wrong, with all facts but the place.
///
/// Where something is written, it is as people would find it in the file: `kernel`, `services`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each message says what its variant means, with the name of each fact in it")]
pub enum Fault {
    // The text is not YAML, or too much of it.
    #[error("{what}")]
    Syntax { what: String, label: String, help: String },
    #[error("the file has a control character in it")]
    ControlCharacter,
    #[error("the file has more than {} MiB", limit >> 20)]
    TooLarge { limit: usize },
    #[error("lists and mappings are nested too deeply")]
    TooDeep { limit: usize },
    #[error("the file stands for more than {limit} values")]
    TooMany { limit: usize },
    #[error("an alias stands inside of what it stands for")]
    HoldsItself,
    #[error("a key is a list or a mapping")]
    KeyIsNoText,
    #[error("`<<` takes something that is no mapping")]
    MergesNoMapping,
    #[error("key `{key}` is written twice")]
    DuplicateKey { key: String, first: Range<usize> },

    // It is YAML, but not what LinuxKit has.
    #[error("the file is {} where the sections of an image are expected", found.words())]
    NoSections { found: Found },
    #[error("unknown key `{key}` in `{of}`")]
    UnknownKey { key: String, of: String, hint: Option<Hint>, known: Vec<&'static str> },
    #[error("unknown section `{key}`")]
    UnknownSection { key: String, hint: Option<Hint>, known: Vec<&'static str> },
    #[error("`{key}` expects {expected}, not {}", found.words())]
    WrongType { key: String, expected: &'static str, found: Found, written: String },
    #[error("{of} has no `{key}`")]
    MissingKey { key: &'static str, of: String },
    #[error("`{key}` is empty")]
    Empty { key: String },
    #[error("{number} is out of range for `{key}`")]
    OutOfRange { key: String, number: String, least: i64, most: i64 },
    #[error("unknown value `{word}` for `{key}`")]
    UnknownWord { key: String, word: String, suggestion: Option<String>, known: Vec<&'static str> },
    #[error("`{key}` has a line break in it")]
    LineBreak { key: String },

    // It doesn't mean anything.
    #[error("`{text}` is no template")]
    NoTemplate { text: String },
    #[error("`{reference}` names no image")]
    InvalidReference { reference: String, why: ReferenceError },
    #[error("`{mode}` is no octal file mode")]
    InvalidMode { mode: String },
    #[error("`{path}` is no path inside an image")]
    InvalidPath { path: String, why: &'static str },
    #[error("`{mount}` is no {what}")]
    InvalidMount { what: &'static str, mount: String, why: &'static str, form: &'static str },
    #[error("unknown mount option `{option}`")]
    UnknownMountOption { option: String, suggestion: Option<String> },
    #[error("unknown capability `{name}`")]
    UnknownCapability { name: String, suggestion: Option<String> },
    #[error("`{limit}` is no limit of resources")]
    InvalidRlimit { limit: String, why: &'static str },
    #[error("`{word}` is no namespace")]
    InvalidNamespace { key: &'static str, word: String },
    #[error("nothing has the name `{name}`")]
    UnknownId { name: String, suggestion: Option<String> },
    #[error("two {what} are called `{name}`")]
    DuplicateName { what: &'static str, name: String, first: Range<usize> },
    #[error("two {what} are called `{name}`, in two files")]
    DuplicateNameElsewhere { what: &'static str, name: String, file: String },
    #[error("`{name}` is no name of a volume")]
    InvalidVolumeName { name: String },
    #[error("there is no volume `{name}`")]
    UnknownVolume { name: String, suggestion: Option<String> },
    #[error("volume `{name}` is read-only, and something writes to it")]
    ReadOnlyVolume { name: String, volume: Option<Range<usize>> },
    #[error("file `{path}` has no content")]
    FileWithoutContent { path: String },
    #[error("file `{path}` has both `{first}` and `{second}`")]
    FileWithTwoContents { path: String, first: &'static str, second: &'static str },
    #[error("`{path}` can't be read")]
    UnreadableSource { path: String, why: String },
    #[error("package `{path}` can't be used")]
    UnusablePackage { path: String, why: String },
    #[error("nothing says what the image is made of")]
    NothingInside,
    #[error("a label gives itself a `{key}`")]
    LabelNames { key: &'static str },
    #[error("the label is no container of kit's")]
    Label { words: String },
}

macro_rules! codes {
    ($($variant:ident => $slug:literal,)*) => {
        impl Fault {
            /// The last parts of the codes of all faults, `unknown_key` of `kit::linuxkit::unknown_key`.
            pub const SLUGS: &'static [&'static str] = &[$($slug),*];

            /// Returns the stable code.
            pub(crate) fn code(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => concat!("kit::linuxkit::", $slug),)*
                }
            }
        }
    };
}

codes! {
    Syntax => "syntax",
    ControlCharacter => "control_character",
    TooLarge => "too_large",
    TooDeep => "too_deep",
    TooMany => "too_many",
    HoldsItself => "holds_itself",
    KeyIsNoText => "key_is_no_text",
    MergesNoMapping => "merges_no_mapping",
    DuplicateKey => "duplicate_key",
    NoSections => "no_sections",
    UnknownKey => "unknown_key",
    UnknownSection => "unknown_section",
    WrongType => "wrong_type",
    MissingKey => "missing_key",
    Empty => "empty",
    OutOfRange => "out_of_range",
    UnknownWord => "unknown_value",
    LineBreak => "line_break",
    NoTemplate => "no_template",
    InvalidReference => "invalid_reference",
    InvalidMode => "invalid_mode",
    InvalidPath => "invalid_path",
    InvalidMount => "invalid_mount",
    UnknownMountOption => "unknown_mount_option",
    UnknownCapability => "unknown_capability",
    InvalidRlimit => "invalid_rlimit",
    InvalidNamespace => "invalid_namespace",
    UnknownId => "unknown_id",
    DuplicateName => "duplicate_name",
    DuplicateNameElsewhere => "duplicate_name_elsewhere",
    InvalidVolumeName => "invalid_volume_name",
    UnknownVolume => "unknown_volume",
    ReadOnlyVolume => "read_only_volume",
    FileWithoutContent => "file_without_content",
    FileWithTwoContents => "file_with_two_contents",
    UnreadableSource => "unreadable_source",
    UnusablePackage => "unusable_package",
    NothingInside => "nothing_inside",
    LabelNames => "label_names",
    Label => "label",
}

impl Fault {
    /// Returns what stands at the main place.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Syntax { label: words, .. } | Self::Label { words } => words.clone(),
            Self::TooDeep { limit } => format!("{limit} levels are the most"),
            Self::TooMany { .. } => "the limit is reached here".to_owned(),
            Self::UnknownKey { of, .. } => format!("not a key of `{of}`"),
            Self::WrongType { found, .. } => format!("this is {}", found.words()),
            Self::MissingKey { key, .. } => format!("`{key}` is missing here"),
            Self::OutOfRange { least, most, .. } => format!("must be from {least} to {most}"),
            Self::InvalidReference { why, .. } => why.to_string(),
            Self::InvalidPath { why, .. }
            | Self::InvalidMount { why, .. }
            | Self::InvalidRlimit { why, .. } => (*why).to_owned(),
            Self::DuplicateNameElsewhere { file, .. } => format!("`{file}` has the other one"),
            Self::FileWithTwoContents { second, .. } => format!("`{second}` is the second one"),
            Self::UnreadableSource { why, .. } | Self::UnusablePackage { why, .. } => why.clone(),
            _ => self.plain_label().to_owned(),
        }
    }

    /// Labels that need no fact.
    fn plain_label(&self) -> &'static str {
        match self {
            Self::ControlCharacter => "this one",
            Self::TooLarge { .. } => "all of it",
            Self::HoldsItself => "it would never end",
            Self::KeyIsNoText => "must be a word",
            Self::MergesNoMapping => "must be an alias of a mapping, or a list of them",
            Self::DuplicateKey { .. } => "the second one",
            Self::NoSections { .. } => "must be sections such as `kernel:` and `services:`",
            Self::UnknownSection { .. } => "not a section of LinuxKit",
            Self::Empty { .. } => "nothing is in it",
            Self::UnknownWord { .. } => "not one of its words",
            Self::LineBreak { .. } => "must be one line",
            Self::NoTemplate { .. } => "starts with `@`, but not with `@pkg:`",
            Self::InvalidMode { .. } => "must be up to four digits from 0 to 7, as a string",
            Self::UnknownMountOption { .. } => "not an option of mounts",
            Self::UnknownCapability { .. } => "not a capability of Linux",
            Self::InvalidNamespace { .. } => "must be `host`, `new` or an absolute path",
            Self::UnknownId { .. } => "must be a number or the name of a container",
            Self::DuplicateName { .. } => "this is the second one",
            Self::InvalidVolumeName { .. } => "must be of `a-z`, `0-9`, `_` and `-`",
            Self::UnknownVolume { .. } => "without a `/` it names a volume",
            Self::ReadOnlyVolume { .. } => "isn't bound with `ro`",
            Self::FileWithoutContent { .. } => "says nothing of what is in it",
            Self::NothingInside => "no section of an image is in it",
            Self::LabelNames { .. } => "only an image's entry has it",
            _ => "here",
        }
    }

    /// Returns what stands at the other place.
    pub(crate) fn label_also(&self) -> &'static str {
        match self {
            Self::ReadOnlyVolume { .. } => "is read-only here",
            _ => "the first one",
        }
    }

    /// Returns the other end of a contradiction.
    pub(super) fn also(&self) -> Option<Range<usize>> {
        match self {
            Self::DuplicateKey { first, .. } | Self::DuplicateName { first, .. } => Some(first.clone()),
            Self::ReadOnlyVolume { volume, .. } => volume.clone(),
            _ => None,
        }
    }

    /// Returns what to do next.
    pub(crate) fn help(&self) -> String {
        match self {
            Self::Syntax { help, .. } => help.clone(),
            Self::UnknownKey { hint, known, .. } | Self::UnknownSection { hint, known, .. } => match hint {
                Some(Hint::Key(word)) => format!("did you mean `{word}`?"),
                Some(Hint::Block(block)) => format!("it is a key of `{block}`: write it below that"),
                Some(Hint::Recipe) => {
                    "kit has it, LinuxKit hasn't: write it into the recipe after the import".to_owned()
                }
                None => format!("there are {}", listed(known)),
            },
            Self::UnknownWord { suggestion, known, .. } => match suggestion {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("there are {}", listed(known)),
            },
            Self::WrongType { key, expected, found, written } => types::help(key, expected, *found, written),
            Self::MissingKey { key, .. } => format!("write `{key}: …`"),
            Self::UnknownMountOption { suggestion, .. }
            | Self::UnknownCapability { suggestion, .. }
            | Self::UnknownId { suggestion, .. }
            | Self::UnknownVolume { suggestion, .. }
                if suggestion.is_some() =>
            {
                format!("did you mean `{}`?", suggestion.as_deref().unwrap_or_default())
            }
            Self::InvalidMount { form, .. } => format!("write it as `{form}`"),
            _ => self.plain_help().to_owned(),
        }
    }

    /// Help that needs no fact.
    fn plain_help(&self) -> &'static str {
        match self {
            Self::ControlCharacter => "remove it; a YAML file is text",
            Self::TooLarge { .. } => "an image's file is small: is it the right one?",
            Self::TooDeep { .. } => "nothing of LinuxKit is nested so deeply: check brackets and indentation",
            Self::TooMany { .. } => "write less, or fewer aliases inside of each other",
            Self::HoldsItself => "move the alias out of the block that has its anchor",
            Self::KeyIsNoText => "write `key: value`; put a key with brackets in it in quotes",
            Self::MergesNoMapping => "write `<<: *name`, where `&name` is at a mapping",
            Self::DuplicateKey { .. } | Self::FileWithTwoContents { .. } => "keep one of the two",
            Self::NoSections { .. } => "indent lists below their section, and put `:` after its name",
            Self::Empty { .. } => "write something, or remove the key",
            Self::OutOfRange { .. } => "write a number in this range",
            Self::LineBreak { .. } => "write it on one line",
            Self::NoTemplate { .. } => {
                "write `\"@pkg:DIRECTORY\"` for a package of your own, or leave the `@` out"
            }
            Self::InvalidReference { .. } => {
                "write `repository:tag`, with the registry before it where it isn't Docker Hub"
            }
            Self::InvalidMode { .. } => "write such as `\"0644\"`",
            Self::InvalidPath { .. } => "write an absolute path without `..`",
            Self::UnknownMountOption { .. } => "see mount(8)",
            Self::UnknownCapability { .. } => "see capabilities(7); write `all` or `none` alone",
            Self::InvalidRlimit { .. } => "write `name,soft,hard`, such as `nofile,1024,unlimited`",
            Self::InvalidNamespace { .. } => "write `host`, `new`, or a path such as `/run/netns/name`",
            Self::UnknownId { .. } => {
                "write a number without quotes, or the name of an onboot, onshutdown or services entry"
            }
            Self::DuplicateName { .. } | Self::DuplicateNameElsewhere { .. } => "rename one of the two",
            Self::InvalidVolumeName { .. } => "rename it",
            Self::UnknownVolume { .. } => "add it to `volumes`, or write a path that begins with `/`",
            Self::ReadOnlyVolume { .. } => "bind it with `:ro`, or take `readonly` from the volume",
            Self::FileWithoutContent { .. } => {
                "add one of `contents`, `source`, `symlink`, `metadata` and `directory: true`"
            }
            Self::UnreadableSource { .. } => {
                "put the file there, relative to the directory kit is run in, or write `optional: true`"
            }
            Self::UnusablePackage { .. } => {
                "name a directory that has a `build.yml`, relative to the directory kit is run in"
            }
            Self::NothingInside => "name a file that has `kernel`, `init`, `onboot`, `services` or `files`",
            Self::LabelNames { .. } => "remove it from the label",
            Self::Label { .. } => "correct the label where the image is made",
            _ => "see `docs/from-linuxkit.md`",
        }
    }
}

fn listed(words: &[&'static str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
