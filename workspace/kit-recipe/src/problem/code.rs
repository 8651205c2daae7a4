//! The stable code of every fault.

use super::{Area, Fault, Problem};

macro_rules! codes {
    ($($variant:ident => $slug:literal,)*) => {
        impl Fault {
            /// The last parts of the codes of all faults, `unknown_key` of `kit::recipe::unknown_key`.
            pub const SLUGS: &'static [&'static str] = &[$($slug),*];
        }

        impl Problem {
            /// Returns the stable code: `kit::`, the area, `::`, the fault.
            pub fn code(&self) -> &'static str {
                match &self.fault {
                    Fault::LinuxKit(fault) => fault.code(),
                    $(Fault::$variant { .. } => match self.area {
                        Area::Recipe => concat!("kit::recipe::", $slug),
                        Area::Lock => concat!("kit::lock::", $slug),
                        Area::Settings => concat!("kit::settings::", $slug),
                        Area::Policy => concat!("kit::policy::", $slug),
                        Area::LinuxKit => concat!("kit::linuxkit::", $slug),
                    },)*
                }
            }
        }
    };
}

codes! {
    ConflictMarker => "conflict_marker",
    UnclosedString => "unclosed_string",
    UnclosedBracket => "unclosed_bracket",
    MissingEquals => "missing_equals",
    MissingValue => "missing_value",
    MissingComma => "missing_comma",
    UnquotedString => "unquoted_string",
    UnquotedKey => "unquoted_key",
    LeadingZero => "leading_zero",
    UnknownEscape => "unknown_escape",
    DuplicateKey => "duplicate_key",
    MultilineTable => "multiline_table",
    TrailingText => "trailing_text",
    TooDeep => "too_deep",
    Syntax => "syntax",
    UnknownKey => "unknown_key",
    UnknownSection => "unknown_section",
    KeyOutsideSection => "key_outside_section",
    WrongKind => "wrong_kind",
    SingleBrackets => "single_brackets",
    DoubleBrackets => "double_brackets",
    WrongType => "wrong_type",
    MissingKey => "missing_key",
    MissingSection => "missing_section",
    Empty => "empty",
    OutOfRange => "out_of_range",
    UnknownWord => "unknown_value",
    InvalidText => "invalid_text",
    InvalidKey => "invalid_key",
    SplitKey => "split_key",
    Malformed => "malformed",
    Contradiction => "contradiction",
    InvalidName => "invalid_name",
    InvalidModule => "invalid_module",
    NameMismatch => "name_mismatch",
    DuplicateName => "duplicate_name",
    DuplicateItem => "duplicate_item",
    DuplicatePath => "duplicate_path",
    InvalidPath => "invalid_path",
    ProjectPath => "project_path",
    InvalidGlob => "invalid_glob",
    InvalidMode => "invalid_mode",
    UnknownCapability => "unknown_capability",
    UnknownFormat => "unknown_format",
    InvalidBind => "invalid_bind",
    InvalidTmpfs => "invalid_tmpfs",
    UnknownMountOption => "unknown_mount_option",
    InvalidMemory => "invalid_memory",
    InvalidHostname => "invalid_hostname",
    InvalidSuite => "invalid_suite",
    InvalidPackage => "invalid_package",
    SourceWithoutOrigin => "source_without_origin",
    SourceAddress => "source_address",
    SourceWithoutRevision => "source_without_revision",
    InvalidRevision => "invalid_revision",
    InvalidReference => "invalid_reference",
    LocalImage => "invalid_local_image",
    UnknownSource => "unknown_source",
    WrongSource => "wrong_source",
    SourcePath => "source_path",
    WhichSource => "which_source",
    FileWithoutContent => "file_without_content",
    EmptyPackage => "empty_package",
    ReplaceWithoutExtends => "replace_without_extends",
    Edited => "edited",
    LockVersion => "version",
    InvalidDigest => "invalid_digest",
    InvalidDate => "invalid_date",
    InvalidEntry => "invalid_entry",
    Dangling => "dangling",
    InvalidAddress => "invalid_address",
    UnknownFinding => "unknown_finding",
    UnknownLicence => "unknown_licence",
}
