//! The fixed part of an inode.

/// How an inode's content is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Blocks one behind the other.
    Plain,
    /// Compressed, with an index of eight bytes for each block.
    CompressedFull,
    /// Blocks one behind the other, the tail behind the inode.
    Inline,
    /// Compressed, with a compact index.
    Compressed,
    /// A list of chunks.
    Chunks,
}

impl Form {
    fn number(self) -> u16 {
        match self {
            Self::Plain => 0,
            Self::CompressedFull => 1,
            Self::Inline => 2,
            Self::Compressed => 3,
            Self::Chunks => 4,
        }
    }

    fn of_number(number: u16) -> Option<Self> {
        Some(match number {
            0 => Self::Plain,
            1 => Self::CompressedFull,
            2 => Self::Inline,
            3 => Self::Compressed,
            4 => Self::Chunks,
            _ => return None,
        })
    }
}

/// An inode without what stands behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inode {
    pub(super) form: Form,
    /// Type and permissions.
    pub(super) mode: u16,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) size: u64,
    /// Attributes, in units of four bytes, as the format counts them.
    pub(super) xattrs: u16,
    /// The first block, how many there are, the device, or the form of chunks.
    pub(super) place: u32,
    /// The number for programs of 32 bits.
    pub(super) number: u32,
    pub(super) time: u64,
}

/// Bytes of a compact inode.
pub(super) const COMPACT: usize = 32;
/// Bytes of an extended inode.
pub(super) const EXTENDED: usize = 64;

impl Inode {
    /// Whether it is too large for the compact form.
    fn is_extended(&self) -> bool {
        self.size > u64::from(u32::MAX)
            || [self.links, self.uid, self.gid].iter().any(|number| *number > u32::from(u16::MAX))
    }

    /// Returns how many bytes it has.
    pub(super) fn length(&self) -> usize {
        if self.is_extended() { EXTENDED } else { COMPACT }
    }

    /// Returns its bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(EXTENDED);
        let format = self.form.number() << 1 | u16::from(self.is_extended());
        for half in [format, self.xattrs, self.mode] {
            bytes.extend_from_slice(&half.to_le_bytes());
        }
        if self.is_extended() {
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(&self.size.to_le_bytes());
            for word in [self.place, self.number, self.uid, self.gid] {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
            bytes.extend_from_slice(&self.time.to_le_bytes());
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&self.links.to_le_bytes());
            bytes.resize(EXTENDED, 0);
        } else {
            bytes.extend_from_slice(&self.links.to_le_bytes()[..2]);
            bytes.extend_from_slice(&self.size.to_le_bytes()[..4]);
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&self.place.to_le_bytes());
            bytes.extend_from_slice(&self.number.to_le_bytes());
            bytes.extend_from_slice(&self.uid.to_le_bytes()[..2]);
            bytes.extend_from_slice(&self.gid.to_le_bytes()[..2]);
            bytes.resize(COMPACT, 0);
        }
        bytes
    }

    /// Whether the inode that begins with these bytes is an extended one.
    pub(super) fn begins_extended(bytes: &[u8; COMPACT]) -> bool {
        bytes[0] & 1 == 1
    }

    /// Reads one; `more` are the other bytes of an extended one. None when its form is unknown.
    pub(super) fn decode(bytes: &[u8; COMPACT], more: &[u8; COMPACT], build_time: u64) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let half = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        if half(0) >> 4 != 0 {
            return None;
        }
        let form = Form::of_number(half(0) >> 1)?;
        let common = Self {
            form,
            xattrs: half(2),
            mode: half(4),
            links: u32::from(half(6)),
            size: u64::from(word(8)),
            place: word(16),
            number: word(20),
            uid: u32::from(half(24)),
            gid: u32::from(half(26)),
            time: build_time,
        };
        if !Self::begins_extended(bytes) {
            return Some(common);
        }
        let more_word = |at: usize| u32::from_le_bytes([more[at], more[at + 1], more[at + 2], more[at + 3]]);
        Some(Self {
            size: u64::from(word(8)) | u64::from(word(12)) << 32,
            uid: word(24),
            gid: word(28),
            time: u64::from(more_word(0)) | u64::from(more_word(4)) << 32,
            links: more_word(12),
            ..common
        })
    }
}
