//! What is in the extended attribute `security.capability`: file capabilities as Linux stores them.
//!
//! ```text
//! magic       u32, little-endian: revision << 24 | effective
//! revision 1  permitted u32, inheritable u32
//! revision 2  twice that: the low words, then the high words
//! revision 3  as 2, then the user id of the namespace's root: u32
//! ```

use std::fmt;

use kit_recipe::container::CAPABILITIES;

/// The name of the attribute.
pub const ATTRIBUTE: &[u8] = b"security.capability";

/// The capabilities of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCapabilities {
    /// Those that a program gets, a bit each.
    pub permitted: u64,
    /// Those that a program keeps when the one that starts it has them, a bit each.
    pub inheritable: u64,
    /// Whether they are in effect from the start.
    pub effective: bool,
    /// The user that is root in the namespace where they count; none for all of the machine.
    pub root: Option<u32>,
}

/// Why an attribute holds no capabilities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CapabilityError {
    /// The revision is none that Linux has.
    #[error("revision {0} of file capabilities isn't known")]
    Revision(u32),
    /// The length isn't that of the revision.
    #[error("{0} bytes are no file capabilities")]
    Length(usize),
}

impl FileCapabilities {
    /// Reads the attribute.
    pub fn read(bytes: &[u8]) -> Result<Self, CapabilityError> {
        let words =
            bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]));
        let words: Vec<u32> = words.take(6).collect();
        let Some(magic) = words.first() else { return Err(CapabilityError::Length(bytes.len())) };
        let expected = match magic >> 24 {
            1 => 12,
            2 => 20,
            3 => 24,
            revision => return Err(CapabilityError::Revision(revision)),
        };
        if bytes.len() != expected {
            return Err(CapabilityError::Length(bytes.len()));
        }
        let word = |at: usize| u64::from(words.get(at).copied().unwrap_or_default());
        let has_high = expected > 12;
        let both = |low: usize| word(low) | if has_high { word(low + 2) << 32 } else { 0 };
        Ok(Self {
            permitted: both(1),
            inheritable: both(2),
            effective: magic & 1 != 0,
            root: words.get(5).copied(),
        })
    }

    /// Returns the names of all of them, `CAP_…`; a number where Linux has no name.
    pub fn names(&self) -> Vec<String> {
        let all = self.permitted | self.inheritable;
        let name =
            |bit: usize| CAPABILITIES.get(bit).map_or_else(|| format!("CAP_{bit}"), |n| (*n).to_owned());
        (0..64).filter(|bit| all >> bit & 1 != 0).map(name).collect()
    }
}

impl fmt::Display for FileCapabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.names().as_slice() {
            [] => f.write_str("none"),
            names => f.write_str(&names.join(", ")),
        }
    }
}
