//! What a difference probably comes from, by how it looks.

use std::fmt;

use super::What;

/// What a difference probably comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Likely {
    /// The time of the build.
    Time,
    /// The order in which a directory lists names, or in which parallel work ended.
    Order,
    /// The user or group that builds.
    User,
    /// Permission bits of new files.
    Umask,
    /// Where the build takes place.
    Path,
    /// Numbers that a file system gives to files.
    FileSystem,
    /// What the rest of the file is: a digest of it.
    Content,
    /// Chance: a random number, or a hash seeded by one.
    Chance,
}

impl Likely {
    /// Whether it goes away with what else differs.
    pub fn follows(self) -> bool {
        self == Self::Content
    }

    /// Says what usually mends it.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Time => "take the time from `SOURCE_DATE_EPOCH`, or leave it out",
            Self::Order => "sort what is listed, and write results in a fixed order",
            Self::User => {
                "write owners as numbers, always the same: `tar --owner=0 --group=0 --numeric-owner`, `ar D`"
            }
            Self::Umask => "set modes by `chmod` or `install -m`",
            Self::Path => "use relative paths, or map them: `-ffile-prefix-map`, `--remap-path-prefix`",
            Self::FileSystem => "leave inode and device numbers out: `cpio --reproducible`",
            Self::Content => "it follows from what else differs",
            Self::Chance => "fix the seed or the identifier, or derive it from the content",
        }
    }
}

impl fmt::Display for Likely {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Time => "the time of the build",
            Self::Order => "the order in which names are listed or work ends",
            Self::User => "the user that builds",
            Self::Umask => "the permission bits that new files get",
            Self::Path => "the path of the build",
            Self::FileSystem => "the file system",
            Self::Content => "the rest of the file",
            Self::Chance => "chance",
        })
    }
}

/// Guesses by name of the field or look of the values.
pub(super) fn guess(what: &What, place: &[String]) -> Option<Likely> {
    if place.iter().any(|name| name == ".gnu_debuglink") {
        return Some(Likely::Content);
    }
    match what {
        What::Field { name, before, after } => by_field(name).or_else(|| by_look(before, after)),
        What::Order { .. } => Some(Likely::Order),
        What::Line { before, after, .. } | What::Bytes { before, after, .. } => by_look(before, after),
        What::Member { .. } | What::Compression { .. } => None,
    }
}

fn by_field(name: &str) -> Option<Likely> {
    let field = name.split(' ').next_back().unwrap_or_default();
    Some(match field {
        "mtime" | "MTIME" | "c_mtime" | "TimeDateStamp" | "time" | "date" => Likely::Time,
        "uid" | "gid" | "uname" | "gname" | "c_uid" | "c_gid" => Likely::User,
        "mode" | "c_mode" | "attributes" => Likely::Umask,
        "c_ino" | "c_devmajor" | "c_devminor" => Likely::FileSystem,
        "CheckSum" | "checksum" | ".note.gnu.build-id" => Likely::Content,
        "GUID" => Likely::Chance,
        _ => return None,
    })
}

fn by_look(before: &str, after: &str) -> Option<Likely> {
    if is_digest(before) && is_digest(after) {
        Some(Likely::Content)
    } else if has_time(before) && has_time(after) {
        Some(Likely::Time)
    } else {
        match first_other_word(before, after) {
            // A name that was made up.
            Some((a, b)) if a.starts_with("/tmp/") && b.starts_with("/tmp/") => Some(Likely::Chance),
            Some((a, b)) if is_path(a) && is_path(b) => Some(Likely::Path),
            _ => None,
        }
    }
}

/// Returns the words in which the first difference lies.
fn first_other_word<'a>(before: &'a str, after: &'a str) -> Option<(&'a str, &'a str)> {
    let words = |text: &'a str| text.split(|c: char| c.is_whitespace() || "\"'`=,;()".contains(c));
    words(before).zip(words(after)).find(|(a, b)| a != b)
}

/// Whether a text is a digest in the words of OCI.
fn is_digest(text: &str) -> bool {
    let text = text.trim_matches('"');
    ["sha256:", "sha512:"].iter().any(|algorithm| text.starts_with(algorithm))
}

fn is_path(word: &str) -> bool {
    word.starts_with('/') && word.len() > 1
}

/// Whether a text has a date, a time of the day, or seconds since 1970.
fn has_time(text: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect();
    let has_month = MONTHS.iter().any(|month| {
        shape.split(month).skip(1).any(|rest| rest.trim_start().starts_with('9'))
            || shape.contains(&format!("9 {month}"))
    });
    let mut numbers =
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u64>().ok());
    shape.contains("9999-99-99")
        || shape.contains("99:99:99")
        || has_month
        // From 2017 to 2106.
        || numbers.any(|number| (1_500_000_000..=0xffff_ffff).contains(&number))
}
