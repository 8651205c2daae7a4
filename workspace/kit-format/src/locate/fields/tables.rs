//! Names, places and lengths of fields.

use Shape::{BigNumber, Bytes, Guid, Hexadecimal, Number, Text, Wide};

/// How a field is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Number,
    BigNumber,
    Hexadecimal,
    Text,
    /// UTF-16.
    Wide,
    Guid,
    Bytes,
}

/// Fields: name, place, length, shape.
pub(super) type Table = &'static [(&'static str, usize, usize, Shape)];

/// UEFI specification 2.10, 5.3.2.
pub(super) const GPT_HEADER: Table = &[
    ("Signature", 0, 8, Text),
    ("Revision", 8, 4, Hexadecimal),
    ("HeaderSize", 12, 4, Number),
    ("HeaderCRC32", 16, 4, Hexadecimal),
    ("Reserved", 20, 4, Number),
    ("MyLBA", 24, 8, Number),
    ("AlternateLBA", 32, 8, Number),
    ("FirstUsableLBA", 40, 8, Number),
    ("LastUsableLBA", 48, 8, Number),
    ("DiskGUID", 56, 16, Guid),
    ("PartitionEntryLBA", 72, 8, Number),
    ("NumberOfPartitionEntries", 80, 4, Number),
    ("SizeOfPartitionEntry", 84, 4, Number),
    ("PartitionEntryArrayCRC32", 88, 4, Hexadecimal),
];
/// UEFI specification 2.10, 5.3.3.
pub(super) const GPT_ENTRY: Table = &[
    ("PartitionTypeGUID", 0, 16, Guid),
    ("UniquePartitionGUID", 16, 16, Guid),
    ("StartingLBA", 32, 8, Number),
    ("EndingLBA", 40, 8, Number),
    ("Attributes", 48, 8, Hexadecimal),
    ("PartitionName", 56, 72, Wide),
];
/// UEFI specification 2.10, 5.2.1.
pub(super) const MBR: Table = &[
    ("BootCode", 0, 440, Bytes),
    ("UniqueMBRDiskSignature", 440, 4, Hexadecimal),
    ("Unknown", 444, 2, Number),
    ("Signature", 510, 2, Hexadecimal),
];
pub(super) const MBR_ENTRY: Table = &[
    ("BootIndicator", 0, 1, Hexadecimal),
    ("StartingCHS", 1, 3, Bytes),
    ("OSType", 4, 1, Hexadecimal),
    ("EndingCHS", 5, 3, Bytes),
    ("StartingLBA", 8, 4, Number),
    ("SizeInLBA", 12, 4, Number),
];
/// Microsoft's FAT specification 1.03.
pub(super) const FAT_BOOT: Table = &[
    ("BS_jmpBoot", 0, 3, Bytes),
    ("BS_OEMName", 3, 8, Text),
    ("BPB_BytsPerSec", 11, 2, Number),
    ("BPB_SecPerClus", 13, 1, Number),
    ("BPB_RsvdSecCnt", 14, 2, Number),
    ("BPB_NumFATs", 16, 1, Number),
    ("BPB_RootEntCnt", 17, 2, Number),
    ("BPB_TotSec16", 19, 2, Number),
    ("BPB_Media", 21, 1, Hexadecimal),
    ("BPB_FATSz16", 22, 2, Number),
    ("BPB_SecPerTrk", 24, 2, Number),
    ("BPB_NumHeads", 26, 2, Number),
    ("BPB_HiddSec", 28, 4, Number),
    ("BPB_TotSec32", 32, 4, Number),
    ("Signature_word", 510, 2, Hexadecimal),
];
pub(super) const FAT16_BOOT: Table = &[
    ("BS_DrvNum", 36, 1, Hexadecimal),
    ("BS_Reserved1", 37, 1, Number),
    ("BS_BootSig", 38, 1, Hexadecimal),
    ("BS_VolID", 39, 4, Hexadecimal),
    ("BS_VolLab", 43, 11, Text),
    ("BS_FilSysType", 54, 8, Text),
    ("BS_BootCode", 62, 448, Bytes),
];
pub(super) const FAT32_BOOT: Table = &[
    ("BPB_FATSz32", 36, 4, Number),
    ("BPB_ExtFlags", 40, 2, Hexadecimal),
    ("BPB_FSVer", 42, 2, Number),
    ("BPB_RootClus", 44, 4, Number),
    ("BPB_FSInfo", 48, 2, Number),
    ("BPB_BkBootSec", 50, 2, Number),
    ("BPB_Reserved", 52, 12, Bytes),
    ("BS_DrvNum", 64, 1, Hexadecimal),
    ("BS_Reserved1", 65, 1, Number),
    ("BS_BootSig", 66, 1, Hexadecimal),
    ("BS_VolID", 67, 4, Hexadecimal),
    ("BS_VolLab", 71, 11, Text),
    ("BS_FilSysType", 82, 8, Text),
    ("BS_BootCode32", 90, 420, Bytes),
];
pub(super) const FAT_ENTRY: Table = &[
    ("DIR_Name", 0, 11, Text),
    ("DIR_Attr", 11, 1, Hexadecimal),
    ("DIR_NTRes", 12, 1, Hexadecimal),
    ("DIR_CrtTimeTenth", 13, 1, Number),
    ("DIR_CrtTime", 14, 2, Hexadecimal),
    ("DIR_CrtDate", 16, 2, Hexadecimal),
    ("DIR_LstAccDate", 18, 2, Hexadecimal),
    ("DIR_FstClusHI", 20, 2, Number),
    ("DIR_WrtTime", 22, 2, Hexadecimal),
    ("DIR_WrtDate", 24, 2, Hexadecimal),
    ("DIR_FstClusLO", 26, 2, Number),
    ("DIR_FileSize", 28, 4, Number),
];
pub(super) const FAT_LONG_NAME: Table = &[
    ("LDIR_Ord", 0, 1, Hexadecimal),
    ("LDIR_Name1", 1, 10, Wide),
    ("LDIR_Attr", 11, 1, Hexadecimal),
    ("LDIR_Type", 12, 1, Number),
    ("LDIR_Chksum", 13, 1, Hexadecimal),
    ("LDIR_Name2", 14, 12, Wide),
    ("LDIR_FstClusLO", 26, 2, Number),
    ("LDIR_Name3", 28, 4, Wide),
];
/// Linux, `fs/erofs/erofs_fs.h`.
pub(super) const EROFS: Table = &[
    ("magic", 0, 4, Hexadecimal),
    ("checksum", 4, 4, Hexadecimal),
    ("feature_compat", 8, 4, Hexadecimal),
    ("blkszbits", 12, 1, Number),
    ("sb_extslots", 13, 1, Number),
    ("root_nid", 14, 2, Number),
    ("inos", 16, 8, Number),
    ("build_time", 24, 8, Number),
    ("build_time_nsec", 32, 4, Number),
    ("blocks", 36, 4, Number),
    ("meta_blkaddr", 40, 4, Number),
    ("xattr_blkaddr", 44, 4, Number),
    ("uuid", 48, 16, Bytes),
    ("volume_name", 64, 16, Text),
    ("feature_incompat", 80, 4, Hexadecimal),
    ("available_compr_algs", 84, 2, Hexadecimal),
    ("extra_devices", 86, 2, Number),
    ("devt_slotoff", 88, 2, Number),
    ("dirblkbits", 90, 1, Number),
    ("xattr_prefix_count", 91, 1, Number),
    ("xattr_prefix_start", 92, 4, Number),
    ("packed_nid", 96, 8, Number),
];
pub(super) const EROFS_COMPACT: Table = &[
    ("i_format", 0, 2, Hexadecimal),
    ("i_xattr_icount", 2, 2, Number),
    ("i_mode", 4, 2, Hexadecimal),
    ("i_nlink", 6, 2, Number),
    ("i_size", 8, 4, Number),
    ("i_reserved", 12, 4, Number),
    ("i_u", 16, 4, Hexadecimal),
    ("i_ino", 20, 4, Number),
    ("i_uid", 24, 2, Number),
    ("i_gid", 26, 2, Number),
];
pub(super) const EROFS_EXTENDED: Table = &[
    ("i_format", 0, 2, Hexadecimal),
    ("i_xattr_icount", 2, 2, Number),
    ("i_mode", 4, 2, Hexadecimal),
    ("i_reserved", 6, 2, Number),
    ("i_size", 8, 8, Number),
    ("i_u", 16, 4, Hexadecimal),
    ("i_ino", 20, 4, Number),
    ("i_uid", 24, 4, Number),
    ("i_gid", 28, 4, Number),
    ("i_mtime", 32, 8, Number),
    ("i_mtime_nsec", 40, 4, Number),
    ("i_nlink", 44, 4, Number),
];
/// <https://dr-emann.github.io/squashfs/squashfs.html>.
pub(super) const SQUASHFS: Table = &[
    ("magic", 0, 4, Text),
    ("inode count", 4, 4, Number),
    ("mod time", 8, 4, Number),
    ("block size", 12, 4, Number),
    ("frag count", 16, 4, Number),
    ("compressor", 20, 2, Number),
    ("block log", 22, 2, Number),
    ("flags", 24, 2, Hexadecimal),
    ("id count", 26, 2, Number),
    ("version major", 28, 2, Number),
    ("version minor", 30, 2, Number),
    ("root inode", 32, 8, Hexadecimal),
    ("bytes used", 40, 8, Number),
    ("id table", 48, 8, Number),
    ("xattr table", 56, 8, Hexadecimal),
    ("inode table", 64, 8, Number),
    ("dir table", 72, 8, Number),
    ("frag table", 80, 8, Hexadecimal),
    ("export table", 88, 8, Hexadecimal),
];
/// cryptsetup's `lib/verity/verity.c`.
pub(super) const VERITY: Table = &[
    ("signature", 0, 8, Text),
    ("version", 8, 4, Number),
    ("hash_type", 12, 4, Number),
    ("uuid", 16, 16, Bytes),
    ("algorithm", 32, 32, Text),
    ("data_block_size", 64, 4, Number),
    ("hash_block_size", 68, 4, Number),
    ("data_blocks", 72, 8, Number),
    ("salt_size", 80, 2, Number),
    ("salt", 88, 256, Bytes),
];
/// ECMA-119, 8.4 and 8.5.
pub(super) const ISO_VOLUME: Table = &[
    ("Volume Descriptor Type", 0, 1, Number),
    ("Standard Identifier", 1, 5, Text),
    ("Volume Descriptor Version", 6, 1, Number),
    ("Volume Flags", 7, 1, Number),
    ("System Identifier", 8, 32, Text),
    ("Volume Identifier", 40, 32, Text),
    ("Volume Space Size", 80, 8, Number),
    ("Escape Sequences", 88, 32, Text),
    ("Volume Set Size", 120, 4, Bytes),
    ("Volume Sequence Number", 124, 4, Bytes),
    ("Logical Block Size", 128, 4, Bytes),
    ("Path Table Size", 132, 8, Bytes),
    ("Location of Type L Path Table", 140, 4, Number),
    ("Location of Optional Type L Path Table", 144, 4, Number),
    ("Location of Type M Path Table", 148, 4, BigNumber),
    ("Location of Optional Type M Path Table", 152, 4, BigNumber),
    ("Directory Record for Root Directory", 156, 34, Bytes),
    ("Volume Set Identifier", 190, 128, Text),
    ("Publisher Identifier", 318, 128, Text),
    ("Data Preparer Identifier", 446, 128, Text),
    ("Application Identifier", 574, 128, Text),
    ("Copyright File Identifier", 702, 37, Text),
    ("Abstract File Identifier", 739, 37, Text),
    ("Bibliographic File Identifier", 776, 37, Text),
    ("Volume Creation Date and Time", 813, 17, Text),
    ("Volume Modification Date and Time", 830, 17, Text),
    ("Volume Expiration Date and Time", 847, 17, Text),
    ("Volume Effective Date and Time", 864, 17, Text),
    ("File Structure Version", 881, 1, Number),
];
/// El Torito 1.0.
pub(super) const ISO_BOOT_RECORD: Table = &[
    ("Boot Record Indicator", 0, 1, Number),
    ("ISO-9660 Identifier", 1, 5, Text),
    ("Version", 6, 1, Number),
    ("Boot System Identifier", 7, 32, Text),
    ("Boot Catalog", 71, 4, Number),
];
pub(super) const ISO_CATALOGUE: Table = &[
    ("Header ID", 0, 1, Number),
    ("Platform ID", 1, 1, Hexadecimal),
    ("ID string", 4, 24, Text),
    ("Checksum Word", 28, 2, Hexadecimal),
    ("Key", 30, 2, Hexadecimal),
    ("Boot Indicator", 32, 1, Hexadecimal),
    ("Boot media type", 33, 1, Number),
    ("Load Segment", 34, 2, Hexadecimal),
    ("System Type", 36, 1, Number),
    ("Sector Count", 38, 2, Number),
    ("Load RBA", 40, 4, Number),
];
/// Microsoft's PE format.
pub(super) const DOS: Table = &[("e_magic", 0, 2, Text), ("e_lfanew", 60, 4, Number)];
pub(super) const COFF: Table = &[
    ("Signature", 0, 4, Text),
    ("Machine", 4, 2, Hexadecimal),
    ("NumberOfSections", 6, 2, Number),
    ("TimeDateStamp", 8, 4, Number),
    ("PointerToSymbolTable", 12, 4, Number),
    ("NumberOfSymbols", 16, 4, Number),
    ("SizeOfOptionalHeader", 20, 2, Number),
    ("Characteristics", 22, 2, Hexadecimal),
];
pub(super) const PE_OPTIONAL: Table = &[
    ("Magic", 0, 2, Hexadecimal),
    ("SizeOfCode", 4, 4, Number),
    ("SizeOfInitializedData", 8, 4, Number),
    ("SizeOfUninitializedData", 12, 4, Number),
    ("AddressOfEntryPoint", 16, 4, Hexadecimal),
    ("BaseOfCode", 20, 4, Hexadecimal),
    ("ImageBase", 24, 8, Hexadecimal),
    ("SectionAlignment", 32, 4, Number),
    ("FileAlignment", 36, 4, Number),
    ("SizeOfImage", 56, 4, Number),
    ("SizeOfHeaders", 60, 4, Number),
    ("CheckSum", 64, 4, Hexadecimal),
    ("Subsystem", 68, 2, Number),
    ("DllCharacteristics", 70, 2, Hexadecimal),
    ("NumberOfRvaAndSizes", 108, 4, Number),
    ("CertificateTable", 144, 8, Bytes),
];
pub(super) const PE_SECTION: Table = &[
    ("Name", 0, 8, Text),
    ("VirtualSize", 8, 4, Number),
    ("VirtualAddress", 12, 4, Hexadecimal),
    ("SizeOfRawData", 16, 4, Number),
    ("PointerToRawData", 20, 4, Hexadecimal),
    ("Characteristics", 36, 4, Hexadecimal),
];
