//! A package into a tree and its control information, in one pass.

use std::io::Read;

use kit_tree::blobs::MemoryBlobs;
use kit_tree::{BlobSink, Tree};

use super::control::{Control, ControlError};
use super::merged_usr::{MergeError, merge_usr};
use crate::ar::{Ar, ArError, ArMember};
use crate::compression::{Compression, Decoder};
use crate::input::InputError;
use crate::limits::Limits;
use crate::tar::{TarOptions, TarReadError, read_tar};

/// `debian-binary` holds a version and maybe a few lines that mean nothing yet.
const VERSION_BYTES: u64 = 256;

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deb {
    /// Its files, with `/bin`, `/lib` and so on merged into `/usr`.
    pub tree: Tree,
    /// What it says about itself.
    pub control: Control,
}

/// Why a file is refused as a package.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    /// The outer archive is damaged or truncated.
    #[error("the package can't be read")]
    Ar(#[from] ArError),
    /// A member isn't the one that the format has there.
    #[error("the package has `{found}` where `{expected}` belongs")]
    Member {
        /// What the format says.
        expected: &'static str,
        /// What stands there; empty at the end.
        found: String,
    },
    /// Another version of the format than 2.
    #[error("the package has the format `{version}`; 2.0 is known")]
    Version {
        /// What `debian-binary` says, its first line.
        version: String,
    },
    /// A compression that nobody should use any more, or that nobody knows.
    #[error("`{member}` is compressed in a way that is refused")]
    Compression {
        /// The member.
        member: String,
    },
    /// An inner archive is damaged or hostile.
    #[error("`{member}` is refused")]
    Tar {
        /// The member.
        member: String,
        /// Why.
        source: TarReadError,
    },
    /// The control information is damaged.
    #[error("the control information is refused")]
    Control(#[from] ControlError),
    /// The files contradict each other once `/bin`, `/lib` and so on are in `/usr`.
    #[error("the files don't merge into `/usr`")]
    Merge(#[from] MergeError),
}

/// Reads a package to the end of `reader`; contents go to `sink`.
pub fn read_deb(reader: impl Read, sink: &dyn BlobSink, limits: &Limits) -> Result<Deb, DebError> {
    let mut ar = Ar::new(reader, limits)?;
    check_version(&mut ar)?;
    let scratch = MemoryBlobs::new();
    let control = read_archive(&mut ar, "control.tar", &scratch, &Limits::control())?;
    let control = Control::read(&control, &scratch)?;
    let tree = read_archive(&mut ar, "data.tar", sink, limits)?;
    // the format lets later versions append members, which earlier ones ignore
    while let Some(member) = ar.next()? {
        ar.content(&member).skip().map_err(ArError::from)?;
    }
    Ok(Deb { tree: merge_usr(tree)?, control })
}

fn check_version<R: Read>(ar: &mut Ar<R>) -> Result<(), DebError> {
    let member = ar.next()?.unwrap_or(ArMember { name: String::new(), size: 0 });
    if member.name != "debian-binary" {
        return Err(DebError::Member { expected: "debian-binary", found: member.name });
    }
    let text = ar.take_text(&member, VERSION_BYTES)?;
    let version = text.lines().next().unwrap_or_default();
    let known = version.split_once('.').is_some_and(|(major, minor)| {
        major == "2" && !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit())
    });
    if known { Ok(()) } else { Err(DebError::Version { version: version.to_owned() }) }
}

/// Reads the inner archive `expected`, skipping members whose name starts with `_`.
fn read_archive<R: Read>(
    ar: &mut Ar<R>,
    expected: &'static str,
    sink: &dyn BlobSink,
    limits: &Limits,
) -> Result<Tree, DebError> {
    let member = loop {
        match ar.next()? {
            Some(member) if member.name.starts_with('_') => {
                ar.content(&member).skip().map_err(ArError::from)?;
            }
            Some(member) => break member,
            None => return Err(DebError::Member { expected, found: String::new() }),
        }
    };
    let Some(suffix) = member.name.strip_prefix(expected) else {
        return Err(DebError::Member { expected, found: member.name });
    };
    let all = [Compression::None, Compression::Bzip2, Compression::Gzip, Compression::Xz, Compression::Zstd];
    let Some(compression) = all.into_iter().find(|c| c.suffix() == suffix) else {
        return Err(DebError::Compression { member: member.name });
    };
    let mut content = ar.content(&member);
    let read = Decoder::new(compression, &mut content, limits)
        .map_err(|source| TarReadError::Input { member: String::from("/"), source: InputError::Read(source) })
        .and_then(|decoder| read_tar(decoder, sink, limits, TarOptions::package()));
    if let Some(failure) = content.take_failure() {
        return Err(ArError::Input(failure).into());
    }
    let tree = read.map_err(|source| DebError::Tar { member: member.name, source })?;
    content.skip().map_err(ArError::from)?;
    Ok(tree)
}
