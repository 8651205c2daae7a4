//! Sources as their authors publish them: an archive, told by its content, or a file.

use std::io::{self, Read, Seek, SeekFrom};

use kit_tree::path::Escaped;
use kit_tree::{BlobSink, Mode, Tree, TreePath};

use crate::compression::Decoder;
use crate::limits::Limits;
use crate::tar::{self, Devices, Duplicates, Links, TarOptions, TarReadError, read_tar};
use crate::zip::{ZipError, is_zip, read_zip};

/// How much of a file that should be an archive is shown.
const SHOWN: usize = 24;

/// Ends of names that promise an archive.
const ARCHIVE_NAMES: [&str; 11] =
    [".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst", ".zip"];

/// Why a file can't be taken as sources.
#[derive(Debug, thiserror::Error)]
pub enum SourcesError {
    /// The name promises an archive, but the content is none.
    #[error("`{name}` is no archive: it begins with `{start}`")]
    NoArchive {
        /// The file's name.
        name: String,
        /// Its first bytes.
        start: String,
    },
    /// A tar archive that is refused.
    #[error(transparent)]
    Tar(#[from] TarReadError),
    /// A zip archive that is refused.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// Something that sources don't have.
    #[error("`{path}` is a device or a named pipe, which sources don't have")]
    Special {
        /// Where in the archive.
        path: TreePath,
    },
    /// The file can't be read or kept.
    #[error("the file can't be read")]
    Io(#[from] io::Error),
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Tar,
    Zip,
    None,
}

/// Reads the file `name`: an archive into its [form for scripts](Tree::into_sources), anything else into a tree that has it
/// alone. The content decides; a name that promises an archive must hold one.
pub fn read_sources(
    mut reader: impl Read + Seek,
    name: &TreePath,
    sink: &dyn BlobSink,
    limits: &Limits,
) -> Result<Tree, SourcesError> {
    let mut start = Vec::new();
    reader.seek(SeekFrom::Start(0))?;
    reader.by_ref().take(SHOWN as u64).read_to_end(&mut start)?;
    let packing = packing(&mut reader, &start, limits)?;
    reader.seek(SeekFrom::Start(0))?;
    let tree = match packing {
        Packing::Tar => {
            // A name that occurs twice is the last one, as `tar` has it.
            let options = TarOptions {
                duplicates: Duplicates::LastWins,
                devices: Devices::Refuse,
                links: Links::Within,
            };
            read_tar(Decoder::sniff(reader, limits)?, sink, limits, options)?
        }
        Packing::Zip => read_zip(reader, sink, limits)?,
        Packing::None if promises_archive(name) => {
            let name = Escaped(name.as_bytes()).to_string();
            return Err(SourcesError::NoArchive { name, start: shown(&start) });
        }
        Packing::None => {
            let (blob, size) = sink.put(&mut reader)?;
            let mut tree = Tree::new();
            tree.insert_file(name.clone(), Mode::FILE, blob, size)
                .expect("because the tree is empty and the name is one");
            return Ok(tree);
        }
    };
    tree.into_sources().map_err(|path| SourcesError::Special { path })
}

/// Tells what a file is by its content, below the compression.
fn packing(reader: &mut (impl Read + Seek), start: &[u8], limits: &Limits) -> io::Result<Packing> {
    if is_zip(start) {
        return Ok(Packing::Zip);
    }
    reader.seek(SeekFrom::Start(0))?;
    let mut block = [0; tar::BLOCK];
    // What can't be uncompressed up to there is no compressed archive, whatever its first bytes look like.
    let readable = Decoder::sniff(reader, limits).and_then(|mut decoder| decoder.read_exact(&mut block));
    Ok(if readable.is_ok() && tar::is_header(&block) { Packing::Tar } else { Packing::None })
}

fn promises_archive(name: &TreePath) -> bool {
    let name = name.as_bytes().to_ascii_lowercase();
    ARCHIVE_NAMES.iter().any(|end| name.ends_with(end.as_bytes()))
}

/// The first line of a file, as far as it is text.
fn shown(start: &[u8]) -> String {
    String::from_utf8_lossy(start)
        .chars()
        .take_while(|c| *c != '\n')
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
