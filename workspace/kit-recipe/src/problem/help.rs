//! What to do about a fault.

use super::{Area, Fault, Shape};

impl Fault {
    /// Returns the next action. A lockfile isn't repaired by hand, so for most of its faults there is but one.
    pub(super) fn help(&self, area: Area) -> Option<String> {
        if let Self::LinuxKit(fault) = self {
            return Some(fault.help());
        }
        let own = match self {
            Self::ConflictMarker
            | Self::Edited { .. }
            | Self::LockVersion { .. }
            | Self::InvalidEntry { .. } => true,
            _ => area != Area::Lock,
        };
        if !own {
            return Some("restore the file from version control, or give its pins up and write it anew by `kit lock --update`".to_owned());
        }
        self.syntax_help(area).or_else(|| self.structure_help()).or_else(|| self.meaning_help())
    }

    fn syntax_help(&self, area: Area) -> Option<String> {
        Some(match self {
            Self::ConflictMarker => match area {
                Area::Lock => "keep either side, remove the markers, then run `kit lock`".to_owned(),
                Area::Recipe | Area::Settings | Area::Policy | Area::LinuxKit => {
                    "keep one side and remove the markers".to_owned()
                }
            },
            Self::UnclosedString => "close it on its line, or write a long text between `\"\"\"`".to_owned(),
            Self::UnclosedBracket { missing } => format!("add `{missing}`"),
            Self::MissingEquals { key } => format!("write `{key} = …`, or remove it"),
            Self::MissingValue => "write a value, such as `\"text\"`, `1`, `true` or `[…]`".to_owned(),
            Self::MissingComma => "put `,` between the items".to_owned(),
            Self::UnquotedString { word } => format!("write `\"{word}\"`"),
            Self::UnquotedKey { key } => format!("write `\"{key}\" = …`"),
            Self::LeadingZero { number } => format!("write a file mode in quotes: `\"{number}\"`"),
            Self::UnknownEscape => "write `\\\\` for a backslash, or use single quotes".to_owned(),
            Self::DuplicateKey { .. } => "keep one of the two".to_owned(),
            Self::MultilineTable => "write it on one line, or as a section of its own".to_owned(),
            Self::TrailingText => "put each key on a line of its own".to_owned(),
            Self::TooDeep => "write it with fewer brackets inside of each other".to_owned(),
            Self::Syntax { .. } => "compare it with the examples in `docs/recipes.md`".to_owned(),
            _ => return None,
        })
    }

    fn structure_help(&self) -> Option<String> {
        Some(match self {
            Self::UnknownKey { suggestion, section, known, .. } => match suggestion {
                Some(key) => did_you_mean(key),
                None => format!("the keys of `{section}` are {}", listed(known)),
            },
            Self::UnknownSection { suggestion, known, .. } => match suggestion {
                Some(section) => did_you_mean(section),
                None => format!("the sections are {}", listed(known)),
            },
            Self::KeyOutsideSection { known, .. } => format!("move it below one of {}", listed(known)),
            Self::WrongKind { folder, .. } => format!("move the file to `{folder}`"),
            Self::SingleBrackets { section } => format!("write `[[{section}]]`"),
            Self::DoubleBrackets { section } => format!("write `[{section}]`"),
            Self::WrongType { expected, found, written, key } => type_help(*expected, *found, written, key)?,
            Self::MissingKey { example, .. } => format!("add `{example}`"),
            Self::MissingSection { section } => format!("add `{section}` with its keys"),
            Self::Empty { .. } => "fill it, or leave the key out".to_owned(),
            Self::OutOfRange { .. } => "choose a number in this range, or leave the key out".to_owned(),
            Self::UnknownWord { suggestion, known, .. } => match suggestion {
                Some(word) => did_you_mean(word),
                None => format!("the values are {}", listed(known)),
            },
            Self::InvalidText { what, .. } => format!("write it without {what}"),
            Self::InvalidKey { .. } => "rename it, or leave it out".to_owned(),
            Self::SplitKey { key, .. } => format!("put the whole key in quotes: `\"{key}\" = …`"),
            Self::Malformed { form, .. } => format!("write {form}"),
            Self::Contradiction { key, other, .. } => format!("keep either `{key}` or `{other}`"),
            _ => return None,
        })
    }

    fn meaning_help(&self) -> Option<String> {
        Some(match self {
            Self::InvalidName { suggestion, .. }
            | Self::InvalidModule { suggestion, .. }
            | Self::InvalidPath { suggestion, .. }
            | Self::ProjectPath { suggestion, .. }
            | Self::InvalidMode { suggestion, .. }
            | Self::InvalidPackage { suggestion, .. } => match suggestion {
                Some(better) => format!("write `{better}`"),
                None => self.form()?.to_owned(),
            },
            Self::UnknownCapability { suggestion: Some(better), .. }
            | Self::UnknownFinding { suggestion: Some(better), .. }
            | Self::UnknownLicence { suggestion: Some(better), .. }
            | Self::UnknownMountOption { suggestion: Some(better), .. }
            | Self::UnknownFormat { suggestion: Some(better), .. } => did_you_mean(better),
            Self::UnknownFormat { known, .. } => {
                format!(
                    "the formats are {}; behind a disk's, `-bios` and `-efi` are for one firmware",
                    listed(known)
                )
            }
            Self::UnknownSource { known, .. } | Self::WhichSource { known, .. } if known.is_empty() => {
                "add one, for example `[sources.main]` with `local = \"src\"`".to_owned()
            }
            Self::UnknownSource { known, .. } => format!("the sources are {}", listed(&strs(known))),
            Self::WhichSource { key, known, .. } => {
                format!("add `{key} = \"…\"` with one of {}", listed(&strs(known)))
            }
            Self::SourcePath { .. } => "write it from the top of the source on, such as `/lib`".to_owned(),
            Self::WrongSource { .. } => "name another source".to_owned(),
            Self::NameMismatch { name, file } => {
                format!("rename the file to `{name}.toml`, or the recipe to `{file}`")
            }
            Self::DuplicateName { .. } => "give one of them another name".to_owned(),
            Self::DuplicateItem { .. } | Self::DuplicatePath { .. } => "keep one of the two".to_owned(),
            Self::EmptyPackage { .. } => {
                "add where its files come from, for example `[sources.debian]`".to_owned()
            }
            Self::ReplaceWithoutExtends { .. } => {
                "add `extends` to `[image]`, or remove `replace`".to_owned()
            }
            Self::Edited { .. } => {
                "change the recipes instead, then run `kit lock`; it also repairs this file".to_owned()
            }
            Self::LockVersion { .. } => "run `kit lock` to write it anew with this kit".to_owned(),
            Self::InvalidEntry { form, .. } => format!("the form is `{form}`; `kit lock` writes it anew"),
            _ => self.form()?.to_owned(),
        })
    }

    /// The form that a value should have, where no better one can be guessed.
    fn form(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidPath { .. } => "write the whole path, such as `/etc/motd`",
            Self::ProjectPath { .. } => "write a path relative to the project, such as `files/motd`",
            Self::InvalidGlob { .. } => "write a glob such as `/usr/share/doc/**`",
            Self::InvalidMode { .. } => "write a mode such as `\"0644\"`",
            Self::InvalidPackage { .. } => "write `name` or `name=version`",
            Self::UnknownCapability { .. } => {
                "the names are those of capabilities(7), such as `CAP_NET_ADMIN`"
            }
            Self::UnknownMountOption { .. } => "the options are listed in `docs/recipes.md`",
            Self::InvalidBind { .. } => "write `source:destination` or `source:destination:option,option`",
            Self::InvalidTmpfs { .. } => "write `/destination` or `/destination:option,option`",
            Self::InvalidMemory { .. } => "write an amount such as `\"64M\"`",
            Self::InvalidName { .. } | Self::InvalidHostname { .. } => "choose a name such as `web-2`",
            Self::InvalidModule { .. } => "write the name of its file without `.ko`, such as `virtio_net`",
            Self::InvalidSuite { .. } => "write a code name such as `bookworm`",
            Self::SourceWithoutOrigin { .. } => {
                "add `suite` and `packages`, or `local`, `crates`, `url`, `git` or `image`"
            }
            Self::SourceAddress { why, .. } if why.contains("vouches") => {
                "write `https://`, or add what vouches for it: `sha256` of a file, `commit` of a repository"
            }
            Self::SourceAddress { address, .. } if address.contains('@') && !address.contains("://") => {
                "write it as `ssh://user@host/path`"
            }
            Self::SourceAddress { .. } => "write a whole address, such as `https://host/hello-1.0.tar.gz`",
            Self::SourceWithoutRevision { .. } => {
                "add `tag = \"v1.0\"`, `branch = \"main\"` or `commit = \"…\"`"
            }
            Self::InvalidRevision { why, .. } if why.contains("digits") => {
                "write what `git rev-parse NAME` prints, or the name itself as `tag` or `branch`"
            }
            Self::InvalidReference { .. } => {
                "write a reference such as `nginx:1.27` or `registry.example/team/web@sha256:…`"
            }
            Self::LocalImage { .. } => {
                "write `oci:DIRECTORY:NAME`, `oci-archive:FILE:NAME` or `docker-archive:FILE:REFERENCE`, with a path below the project, or `containers-storage:REFERENCE`"
            }
            Self::InvalidRevision { .. } => "write a name such as `v1.0`",
            Self::InvalidDigest { .. } => {
                "write the 64 digits that `sha256sum` prints, or leave the key out: `kit lock` says what it finds"
            }
            Self::FileWithoutContent { .. } => {
                "add `contents = \"…\"`, or `source = \"path in the project\"`"
            }
            Self::UnknownFinding { .. } => "the kinds of findings are listed in `docs/audit.md`",
            Self::UnknownLicence { .. } => {
                "write the identifier of SPDX, such as `MIT` or `GPL-2.0-or-later`, or `LicenseRef-…`"
            }
            Self::InvalidAddress { .. } => "write the base address of a mirror, without `dists/…`",
            _ => return None,
        })
    }
}

fn did_you_mean(word: &str) -> String {
    format!("did you mean `{word}`?")
}

fn strs(words: &[String]) -> Vec<&str> {
    words.iter().map(String::as_str).collect()
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn type_help(expected: Shape, found: Shape, written: &str, key: &str) -> Option<String> {
    let bare = written.trim_matches(['"', '\'']);
    let digits = !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit());
    Some(match (expected, found) {
        (Shape::String, Shape::Integer | Shape::Float | Shape::Boolean | Shape::Datetime) => {
            format!("put it in quotes: `\"{written}\"`")
        }
        (Shape::Array, Shape::String | Shape::Integer) => format!("put it in brackets: `[{written}]`"),
        (Shape::Integer, Shape::String) if digits => "leave the quotes out".to_owned(),
        (Shape::Boolean, Shape::String) if matches!(bare, "true" | "false") => {
            "leave the quotes out".to_owned()
        }
        (Shape::String, Shape::Array) => format!("write one string: `{key} = \"…\"`"),
        (Shape::String, Shape::Table) => format!("write `{key} = \"…\"`"),
        (Shape::Array, _) => format!("write `{key} = […]`"),
        (Shape::Integer, _) => format!("write a number: `{key} = 1`"),
        (Shape::Boolean, _) => format!("write `{key} = true` or `{key} = false`"),
        (Shape::Table, _) => format!("write `{key} = {{ … }}`, or a section"),
        (Shape::String | Shape::Float | Shape::Datetime, _) => return None,
    })
}
