//! `ar` archives, as `.deb` files are: `!<arch>\n`, then members of a 60-byte header and content, padded to an even offset.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 16 | name, padded with spaces; a slash at its end doesn't count |
//! | 16 | 12 | mtime, decimal |
//! | 28, 34 | 6, 6 | uid, gid, decimal |
//! | 40 | 8 | mode, octal |
//! | 48 | 10 | size, decimal |
//! | 58 | 2 | `` `\n `` |

use std::io::Read;

use kit_tree::path::Escaped;

use crate::input::{Content, Input, InputError};
use crate::limits::Limits;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Why bytes are no `ar` archive.
#[derive(Debug, thiserror::Error)]
pub enum ArError {
    /// The bytes can't be had.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The archive doesn't start as one.
    #[error("this is no `ar` archive")]
    Magic,
    /// A member's header is damaged.
    #[error("there is no member header at byte {offset}")]
    Header {
        /// Offset of the header.
        offset: u64,
    },
}

/// Reads members one after the other.
pub(crate) struct Ar<R: Read> {
    input: Input<R>,
    /// Whether a byte of padding follows the member that was handed out.
    padded: bool,
}

/// One member's header.
pub(crate) struct ArMember {
    /// Its name, odd bytes as `\xNN`.
    pub(crate) name: String,
    /// Its length in bytes.
    pub(crate) size: u64,
}

impl<R: Read> Ar<R> {
    pub(crate) fn new(reader: R, limits: &Limits) -> Result<Self, ArError> {
        let mut input = Input::new(reader, limits);
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        if magic == *MAGIC { Ok(Self { input, padded: false }) } else { Err(ArError::Magic) }
    }

    /// Reads the next header; none at the end. The content of the member before was taken.
    pub(crate) fn next(&mut self) -> Result<Option<ArMember>, ArError> {
        if self.padded && !self.input.read_exact_or_end(&mut [0])? {
            return Ok(None);
        }
        let offset = self.input.offset();
        let mut header = [0; HEADER];
        if !self.input.read_exact_or_end(&mut header)? {
            return Ok(None);
        }
        let size = size(&header).ok_or(ArError::Header { offset })?;
        self.padded = size % 2 == 1;
        let name = header[..16].trim_ascii_end();
        let name = Escaped(name.strip_suffix(b"/").unwrap_or(name)).to_string();
        Ok(Some(ArMember { name, size }))
    }

    /// Takes a short member as text, what isn't UTF-8 replaced; of a longer one, the start.
    pub(crate) fn take_text(&mut self, member: &ArMember, limit: u64) -> Result<String, ArError> {
        let bytes = self.input.take_vec(member.size.min(limit))?;
        self.input.content(member.size - bytes.len() as u64).skip()?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Hands out the content of the member whose header was read last.
    pub(crate) fn content(&mut self, member: &ArMember) -> Content<'_, R> {
        self.input.content(member.size)
    }
}

fn size(header: &[u8; HEADER]) -> Option<u64> {
    if header[58..] != *b"`\n" {
        return None;
    }
    let digits = std::str::from_utf8(header[48..58].trim_ascii_end()).ok()?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}
