//! GUIDs of disks, partitions and what is in them.

use std::fmt;
use std::str::FromStr;

use kit_hash::{BlobId, Encoder, Identity as _};

/// A GUID, or UUID. Its text has its bytes in order; tables of partitions have the first three numbers little-endian.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid([u8; 16]);

/// Types of partitions: of the UEFI specification, of GRUB, and of the Discoverable Partitions Specification.
impl Guid {
    /// The EFI system partition, where firmware looks for programs.
    pub const ESP: Self = Self::of(0xc12a_7328_f81f_11d2_ba4b_00a0_c93e_c93b);
    /// Where a BIOS loader keeps what doesn't fit into the first sector: the letters of `Hah!IdontNeedEFI`.
    pub const BIOS_BOOT: Self = Self::of(0x2168_6148_6449_6e6f_744e_6565_6445_4649);
    /// More boot entries, where the EFI system partition is too small.
    pub const XBOOTLDR: Self = Self::of(0xbc13_c2ff_59e6_4262_a352_b275_fd6f_7172);
    /// Any file system of Linux.
    pub const LINUX_GENERIC: Self = Self::of(0x0fc6_3daf_8483_4772_8e79_3d69_d847_7de4);
    /// The root of a system for x86-64.
    pub const LINUX_ROOT_X86_64: Self = Self::of(0x4f68_bce3_e8cd_4db1_96e7_fbca_f984_b709);
    /// The hash tree of such a root.
    pub const LINUX_ROOT_X86_64_VERITY: Self = Self::of(0x2c73_57ed_ebd2_46d9_aec1_23d4_37ec_2bf5);
    /// The root of a system for 64-bit ARM.
    pub const LINUX_ROOT_AARCH64: Self = Self::of(0xb921_b045_1df0_41c3_af44_4c6f_280d_3fae);
    /// The hash tree of such a root.
    pub const LINUX_ROOT_AARCH64_VERITY: Self = Self::of(0xdf33_00ce_d69f_4c92_978c_9bfb_0f38_d820);
}

impl Guid {
    /// The GUID that stands for none.
    pub const NIL: Self = Self::of(0);

    /// Takes the number that the digits of the text make.
    pub const fn of(digits: u128) -> Self {
        Self(digits.to_be_bytes())
    }

    /// Takes the bytes in the order of the text.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes in the order of the text, as file systems and hash trees of Linux have them.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Returns the GUID of one of several things with a role, in what has this content: version 8, custom (RFC 9562), the first bits of
    /// the digest of the canonical encoding `kit:guid:v1`.
    pub fn derived(content: &[u8; 32], role: &str, index: u64) -> Self {
        let digest: BlobId = Encoder::new("guid", 1).bytes(content).str(role).u64(index).id_of();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.as_bytes()[..16]);
        bytes[6] = 0x80 | bytes[6] & 0x0f;
        bytes[8] = 0x80 | bytes[8] & 0x3f;
        Self(bytes)
    }

    /// Returns the bytes as tables of partitions have them.
    pub fn to_table(self) -> [u8; 16] {
        let mut bytes = self.0;
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
        bytes
    }

    /// Takes the bytes as tables of partitions have them.
    pub fn from_table(bytes: [u8; 16]) -> Self {
        Self(Self(bytes).to_table())
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, byte) in self.0.iter().enumerate() {
            let dash = if matches!(number, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{dash}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A text that is no GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no GUID: 32 hexadecimal digits, dashes behind the 8th, 12th, 16th and 20th")]
pub struct GuidError(String);

impl FromStr for Guid {
    type Err = GuidError;

    fn from_str(text: &str) -> Result<Self, GuidError> {
        let wrong = || GuidError(text.to_owned());
        let lengths: Vec<_> = text.split('-').map(str::len).collect();
        let digits = text.replace('-', "");
        if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(wrong());
        }
        u128::from_str_radix(&digits, 16).map(Self::of).map_err(|_| wrong())
    }
}
