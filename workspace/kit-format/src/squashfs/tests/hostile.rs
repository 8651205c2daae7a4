//! File systems that nobody's writer makes.

use super::*;
use crate::squashfs::codec::Codec;
use crate::squashfs::metadata::{MetadataWriter, indexed};
use crate::squashfs::superblock::{Method, SUPERBLOCK, Superblock};

/// The parts of a file system with a root that has one thing in it, each of which a test can change.
struct Parts {
    data: Vec<u8>,
    /// Inodes, uncompressed; the root's is last.
    inodes: Vec<u8>,
    root: u16,
    listing: Vec<u8>,
    fragments: Vec<u8>,
    ids: Vec<u8>,
    superblock: Superblock,
}

fn number(values: &[u64], bytes: usize) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()[..bytes].to_vec()).collect()
}

/// The head of an inode: kind, mode, owner, group, time, number.
fn head(kind: u64, id: u64) -> Vec<u8> {
    [number(&[kind, 0o644, id, id], 2), number(&[0, 1], 4)].concat()
}

fn directory(size: u64) -> Vec<u8> {
    [head(1, 0), number(&[0, 2], 4), number(&[size + 3, 0], 2), number(&[9], 4)].concat()
}

fn file(start: u64, fragment: u64, offset: u64, size: u64, sizes: &[u64]) -> Vec<u8> {
    [head(2, 0), number(&[start, fragment, offset, size], 4), number(sizes, 4)].concat()
}

fn name(inode: u64, kind: u64, name: &str) -> Vec<u8> {
    [number(&[inode, 0, kind, name.len() as u64 - 1], 2), name.as_bytes().to_vec()].concat()
}

fn header(count: u64) -> Vec<u8> {
    number(&[count - 1, 0, 1], 4)
}

impl Parts {
    /// The inode of `file`, and a listing that may name it.
    fn new(inode: Vec<u8>, listing: Vec<u8>) -> Self {
        let root = u16::try_from(inode.len()).unwrap();
        let inodes = [inode, directory(listing.len() as u64)].concat();
        let superblock = Superblock {
            inodes: 2,
            mtime: 0,
            block: 4096,
            fragments: 0,
            method: Method::Zstd,
            flags: 0,
            ids: 1,
            root: u64::from(root),
            used: 0,
            id_table: 0,
            xattr_table: NO_TABLE,
            inode_table: 0,
            directory_table: 0,
            fragment_table: NO_TABLE,
            export_table: NO_TABLE,
        };
        let (data, fragments, ids) = (Vec::new(), Vec::new(), vec![0; 4]);
        Self { data, inodes, root, listing, fragments, ids, superblock }
    }

    fn bytes(&self) -> Vec<u8> {
        let codec = Codec::new(Compression::Zstd { level: 3 }, 4096);
        let table = |bytes: &[u8]| {
            let mut writer = MetadataWriter::new("inode", &codec);
            writer.add(bytes).unwrap();
            writer.finish().unwrap()
        };
        let mut superblock = self.superblock.clone();
        let mut rest = self.data.clone();
        let end = |rest: &[u8]| (SUPERBLOCK + rest.len()) as u64;
        superblock.inode_table = end(&rest);
        rest.extend(table(&self.inodes));
        superblock.directory_table = end(&rest);
        rest.extend(table(&self.listing));
        superblock.fragments = u32::try_from(self.fragments.len() / 16).unwrap();
        let (fragments, at) = indexed("fragment", &codec, &self.fragments, end(&rest), &[]).unwrap();
        rest.extend(fragments);
        superblock.fragment_table = at;
        let (ids, at) = indexed("id", &codec, &self.ids, end(&rest), &[]).unwrap();
        rest.extend(ids);
        superblock.id_table = at;
        [superblock.encode(), rest].concat()
    }

    fn error(&self) -> String {
        read_back(&self.bytes()).unwrap_err().to_string()
    }
}

/// A root with one file `a` of 5 bytes in a stored block.
fn good() -> Parts {
    let stored = u64::from(DATA_STORED);
    let mut parts = Parts::new(
        file(SUPERBLOCK as u64, NONE.into(), 0, 5, &[stored | 5]),
        [header(1), name(0, 2, "a")].concat(),
    );
    parts.data = b"hello".to_vec();
    parts
}

#[test]
fn names_are_checked() {
    let blobs = MemoryBlobs::new();
    let tree = read(Cursor::new(good().bytes()), &Limits::standard(), &blobs).unwrap();
    assert!(matches!(tree.get(&path("/a")), Some(Entry::File { size: 5, .. })));
    let listed = |listing: Vec<u8>| Parts { listing: listing.clone(), ..with(listing) }.error();
    assert_eq!(listed([header(1), name(0, 2, "..")].concat()), "a name in `/` is refused");
    assert_eq!(listed([header(1), name(0, 2, "a/b")].concat()), "a name in `/` is refused");
    assert_eq!(listed([header(1), name(0, 2, &"n".repeat(256))].concat()), "a name in `/` is refused");
    assert_eq!(listed([header(2), name(0, 2, "a"), name(0, 2, "a")].concat()), "`/a` is there twice");
    assert_eq!(
        listed([header(300), name(0, 2, "a")].concat()),
        "the inode of `/` is damaged: its listing has a header for too many names"
    );
    assert_eq!(
        listed([header(2), name(0, 2, "a")].concat()),
        "the inode of `/` is damaged: its listing ends inside of a name"
    );
    assert_eq!(
        listed([header(1), name(0, 3, "a")].concat()),
        "the inode of `/a` is damaged: it is of another kind than its directory says"
    );
}

/// A good one with another listing.
fn with(listing: Vec<u8>) -> Parts {
    let good = good();
    let inode = good.inodes[..usize::from(good.root)].to_vec();
    Parts { data: good.data, ..Parts::new(inode, listing) }
}

#[test]
fn a_directory_is_read_once() {
    let mut parts = good();
    parts.listing = [header(1), name(parts.root.into(), 1, "a")].concat();
    assert_eq!(parts.error(), "the directory `/a` is in another place too");
}

#[test]
fn the_names_of_a_file_are_hard_links() {
    let parts = with([header(3), name(0, 2, "a"), name(0, 2, "b"), name(0, 2, "c")].concat());
    let tree = read_back(&parts.bytes()).unwrap();
    assert_eq!(tree.get(&path("/c")), Some(&Entry::HardLink { target: path("/a") }));
}

#[test]
fn contents_are_as_long_as_they_claim() {
    let stored = u64::from(DATA_STORED);
    let start = SUPERBLOCK as u64;
    let none = u64::from(NONE);
    let error = |inode| {
        let mut parts = Parts::new(inode, [header(1), name(0, 2, "a")].concat());
        parts.data = [zstd::bulk::compress(&[7; 4096], 3).unwrap(), vec![0; 4096]].concat();
        parts.fragments = [number(&[start, 0], 8), number(&[1 << 40, stored | 9], 8)].concat();
        let length = zstd::bulk::compress(&[7; 4096], 3).unwrap().len() as u64;
        parts.fragments[8..16].copy_from_slice(&length.to_le_bytes());
        parts.error()
    };
    let content = |problem: &str| format!("the content of `/a` is damaged: {problem}");
    let longer = content("a block takes more than it holds");
    assert_eq!(error(file(start, none, 0, 5, &[stored | 6])), longer);
    assert_eq!(error(file(start, none, 0, 4096, &[4097])), longer);
    assert_eq!(error(file(start, none, 0, 4096, &[stored])), longer);
    assert_eq!(
        error(file(start, none, 0, 5, &[stored | 4])),
        content("a block has another length than it should")
    );
    assert_eq!(error(file(start, none, 0, 4000, &[20])), content("a block of it can't be unpacked"));
    assert_eq!(error(file(1 << 30, none, 0, 5, &[stored | 5])), content("it lies behind the end"));
    assert_eq!(error(file(0, 0, 4000, 97, &[])), content("it lies behind the end of its fragments"));
    assert_eq!(error(file(0, 1, 0, 1, &[])), content("it lies behind the end"));
    assert_eq!(error(file(0, 2, 0, 1, &[])), content("its fragment isn't in the table"));
    // The sizes of so many blocks would lie behind the table.
    let sizes = error(file(start, none, 0, u64::from(u32::MAX), &[]));
    assert!(sizes.starts_with("the inode table is damaged"), "{sizes}");
    let owner = error([head(2, 1), number(&[0; 4], 4)].concat());
    assert_eq!(owner, "the inode of `/a` is damaged: its owner isn't in the table");
    let socket = Parts::new([head(7, 0), number(&[1], 4)].concat(), [header(1), name(0, 7, "a")].concat());
    assert_eq!(socket.error(), "`/a` is a socket, which is refused");
}

#[test]
fn limits_hold() {
    let blobs = MemoryBlobs::new();
    let tree = rich_tree(&blobs);
    let bytes = image(&tree, &blobs, &options(Compression::Zstd { level: 3 }));
    let refuse = |limits: Limits| {
        let error = read(Cursor::new(&bytes), &limits, &MemoryBlobs::new()).unwrap_err();
        match error {
            SquashfsReadError::Limit { source, .. } => source.to_string(),
            other => panic!("{other}"),
        }
    };
    let limits = Limits::standard;
    assert_eq!(refuse(Limits { entries: 5, ..limits() }), "there are more than 5 members");
    assert_eq!(refuse(Limits { total_bytes: 9000, ..limits() }), "the archive has more than 9000 bytes");
    assert!(refuse(Limits { file_bytes: 50, ..limits() }).contains("is over the limit of 50"));
    assert!(
        refuse(Limits { xattr_bytes: 20, ..limits() })
            .contains("extended attributes are over the limit of 20")
    );
    assert_eq!(refuse(Limits { header_bytes: 300, ..limits() }), "the headers have more than 300 bytes");
}

#[test]
fn other_formats_are_told() {
    let mut bytes = good().bytes();
    let error = |bytes: &[u8]| read_back(bytes).unwrap_err().to_string();
    assert_eq!(error(&bytes[..95]), "it doesn't begin with a squashfs");
    assert_eq!(error(&[b"sqsh", &bytes[4..]].concat()), "it doesn't begin with a squashfs");
    bytes[20] = 5;
    assert_eq!(error(&bytes), "it is compressed by LZ4; gzip, xz and zstd are read");
    bytes[28] = 3;
    assert_eq!(error(&bytes), "it is squashfs 3.0; version 4.0 is read");
    bytes = good().bytes();
    bytes[22] = 13;
    assert_eq!(error(&bytes), "it claims blocks of 4096 bytes, by their logarithm 2 to the power of 13");
}

#[test]
fn every_cut_is_an_error() {
    let blobs = MemoryBlobs::new();
    let layout = laid_out(&rich_tree(&blobs), &blobs, &options(Compression::Gzip));
    let mut bytes = Vec::new();
    layout.stream(&blobs).read_to_end(&mut bytes).unwrap();
    let padding = layout.pieces().last().unwrap().range.start;
    for end in (0..usize::try_from(padding).unwrap()).step_by(7) {
        assert!(read_back(&bytes[..end]).is_err(), "{end}");
    }
}
