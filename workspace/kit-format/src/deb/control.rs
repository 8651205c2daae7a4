//! What a package says about itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;

use kit_tree::{Blobs, Entry, PathError, Tree, TreePath};

/// One file of the control archive is read up to this length.
const FILE_BYTES: u64 = 8 << 20;

/// A maintainer script, or another file that makes the package manager do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Script {
    /// Asks questions before anything is unpacked.
    Config,
    /// Runs before the package is unpacked.
    Preinst,
    /// Runs once the package is unpacked.
    Postinst,
    /// Runs before the package is removed.
    Prerm,
    /// Runs once the package is removed.
    Postrm,
    /// Activates other packages' scripts, and says when its own run.
    Triggers,
}

impl Script {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Config, Self::Preinst, Self::Postinst, Self::Prerm, Self::Postrm, Self::Triggers];

    /// Returns the name of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Preinst => "preinst",
            Self::Postinst => "postinst",
            Self::Prerm => "prerm",
            Self::Postrm => "postrm",
            Self::Triggers => "triggers",
        }
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A package's control information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    /// Its name.
    pub package: String,
    /// Its version, as written.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// All fields of `control`, those above included; lines of a field are joined by `\n` without their first space.
    pub fields: BTreeMap<String, String>,
    /// Maintainer scripts and triggers as they are.
    pub scripts: BTreeMap<Script, Vec<u8>>,
    /// Configuration files as the package names them.
    pub conffiles: BTreeSet<TreePath>,
}

/// Why control information is refused.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The file isn't there.
    #[error("there is no `{name}`")]
    Missing {
        /// Its name.
        name: &'static str,
    },
    /// A file can't be read, or is too long.
    #[error("can't read `{name}`")]
    Read {
        /// Its name.
        name: &'static str,
        /// Why.
        source: io::Error,
    },
    /// A file that is text isn't UTF-8.
    #[error("`{name}` is not UTF-8")]
    Utf8 {
        /// Its name.
        name: &'static str,
    },
    /// A line of `control` is no field.
    #[error("line {line} of `control` is no field")]
    Line {
        /// Its number, from 1.
        line: usize,
    },
    /// A field is there twice.
    #[error("`control` has the field `{field}` twice")]
    Duplicate {
        /// Its name.
        field: String,
    },
    /// A field that every package has isn't there, or is empty.
    #[error("`control` lacks the field `{field}`")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// A configuration file's path is none.
    #[error("`conffiles` names `{path}`")]
    Conffile {
        /// What stands there.
        path: String,
        /// What is wrong with it.
        source: PathError,
    },
}

impl Control {
    /// Reads the files of a control archive.
    pub(super) fn read(tree: &Tree, blobs: &dyn Blobs) -> Result<Self, ControlError> {
        let file = |name| file(tree, blobs, name);
        let text = file("control")?.ok_or(ControlError::Missing { name: "control" })?;
        let fields = parse_fields(&utf8("control", text)?)?;
        let mut scripts = BTreeMap::new();
        for script in Script::ALL {
            if let Some(bytes) = file(script.name())? {
                scripts.insert(script, bytes);
            }
        }
        let conffiles = utf8("conffiles", file("conffiles")?.unwrap_or_default())?;
        let field = |field: &'static str| {
            let value = fields.get(field).filter(|value| !value.is_empty());
            value.cloned().ok_or(ControlError::Field { field })
        };
        Ok(Self {
            package: field("Package")?,
            version: field("Version")?,
            architecture: field("Architecture")?,
            scripts,
            conffiles: parse_conffiles(&conffiles)?,
            fields,
        })
    }
}

/// Reads a file of the control archive, if it is there.
fn file(tree: &Tree, blobs: &dyn Blobs, name: &'static str) -> Result<Option<Vec<u8>>, ControlError> {
    let path = TreePath::new(name).expect("because the names are ours");
    match tree.inode(&path) {
        Some(Entry::File { blob, .. }) => {
            blobs.read(blob, FILE_BYTES).map(Some).map_err(|source| ControlError::Read { name, source })
        }
        _ => Ok(None),
    }
}

fn utf8(name: &'static str, bytes: Vec<u8>) -> Result<String, ControlError> {
    String::from_utf8(bytes).map_err(|_| ControlError::Utf8 { name })
}

/// Reads one stanza of `Name: value` lines, where lines that start with a space or tab go on.
fn parse_fields(text: &str) -> Result<BTreeMap<String, String>, ControlError> {
    let mut fields = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut last: Option<String> = None;
    for (index, line) in text.trim_end().lines().enumerate() {
        let wrong = ControlError::Line { line: index + 1 };
        if let Some(more) = line.strip_prefix([' ', '\t']) {
            let value: &mut String = last.as_ref().and_then(|name| fields.get_mut(name)).ok_or(wrong)?;
            value.push('\n');
            value.push_str(more.trim_end());
            continue;
        }
        let (name, value) = line.split_once(':').ok_or_else(|| ControlError::Line { line: index + 1 })?;
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_graphic()) || name.starts_with(['#', '-']) {
            return Err(wrong);
        }
        if !seen.insert(name.to_ascii_lowercase()) {
            return Err(ControlError::Duplicate { field: name.to_owned() });
        }
        fields.insert(name.to_owned(), value.trim().to_owned());
        last = Some(name.to_owned());
    }
    Ok(fields)
}

/// Reads one absolute path for each line; a flag before it (`remove-on-upgrade`) says that the file isn't in the package.
fn parse_conffiles(text: &str) -> Result<BTreeSet<TreePath>, ControlError> {
    let lines = text.lines().map(str::trim).filter(|line| line.starts_with('/'));
    lines
        .map(|line| line.parse().map_err(|source| ControlError::Conffile { path: line.to_owned(), source }))
        .collect()
}
