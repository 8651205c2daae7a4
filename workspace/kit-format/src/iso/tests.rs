use std::fmt::Write as _;
use std::io::{Cursor, Read as _};

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{Entry, Meta, Mode, Tree};
use proptest::prelude::*;

use super::*;
use crate::grub;
use crate::limits::Limits;
use crate::samples::{MTIME, any_tree, change, path, plain_tree, put};

fn options() -> Options {
    Options { label: "KIT".to_owned(), mtime: MTIME.into(), bios: None, efi: None, hybrid: false }
}

fn bytes_of(layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, layout.len());
    bytes
}

fn write(tree: &Tree, blobs: &MemoryBlobs, options: &Options) -> Vec<u8> {
    bytes_of(&layout(tree, blobs, options).unwrap(), blobs)
}

fn read_back(bytes: &[u8]) -> Result<Tree, IsoReadError> {
    read(Cursor::new(bytes), &Limits::standard(), &MemoryBlobs::new())
}

fn refused(tree: &Tree, blobs: &MemoryBlobs, options: &Options) -> String {
    layout(tree, blobs, options).unwrap_err().to_string()
}

/// What others than [`plain_tree`] has: long names, names that are equal elsewhere, links of all forms, a full record.
fn odd_tree(blobs: &MemoryBlobs) -> Tree {
    let mut tree = plain_tree(blobs);
    let deep = format!("/{}/file", ["deep"; 12].join("/"));
    tree.make_parents(&path(&deep), &Meta::root(Mode::DIRECTORY)).unwrap();
    put(&mut tree, blobs, &deep, b"deep");
    tree.insert(path("/names"), Entry::directory()).unwrap();
    for name in ["a-b.c", "a_b.c", "A.B.C", "a.b.c", ".hidden", "Größe", "x.longextension", "ends.", "dir.d"]
    {
        put(&mut tree, blobs, &format!("/names/{name}"), name.as_bytes());
    }
    for last in ["a", "b"] {
        put(&mut tree, blobs, &format!("/names/{}{last}", "n".repeat(nodes::NAME_MAX - 1)), b"long");
    }
    tree.insert(TreePath::new(b"names/\xff*\xfe").unwrap(), Entry::directory()).unwrap();
    tree.insert(path("/links"), Entry::directory()).unwrap();
    let long = ["component".repeat(40), "x".repeat(3000)].join("/");
    for (at, target) in
        ["/", "//", "a//b", "../../x/./y/", "//x", "/a/", &long, &"y".repeat(4095)].iter().enumerate()
    {
        tree.insert(path(&format!("/links/{at}")), Entry::symlink(*target)).unwrap();
    }
    for number in 0..60 {
        put(&mut tree, blobs, &format!("/links/many-files-of-one-name-{number:04}"), b"the same");
    }
    change(&mut tree, "/tmp", |meta| meta.uid = u32::MAX);
    tree
}

/// An image of GRUB as far as it is looked at.
fn eltorito() -> Vec<u8> {
    let mut image: Vec<u8> = (0..5000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect();
    image[2048 + 508..][..2].copy_from_slice(&5_u16.to_le_bytes());
    image
}

fn hybrid_code() -> Vec<u8> {
    let mut code = vec![0xf4; 512];
    code[510..].copy_from_slice(&[0x55, 0xaa]);
    code
}

fn bootable(blobs: &MemoryBlobs) -> (Tree, Options) {
    let mut tree = plain_tree(blobs);
    tree.insert(path("/boot"), Entry::directory()).unwrap();
    put(&mut tree, blobs, "/boot/eltorito.img", &eltorito());
    tree.insert(path("/boot/zame"), Entry::HardLink { target: path("/boot/eltorito.img") }).unwrap();
    put(&mut tree, blobs, "/boot/copy", &eltorito());
    let mut efi = Layout::new();
    efi.bytes("FAT", vec![0xfa; 3000]);
    let bios = BiosBoot { image: path("/boot/zame"), hybrid_mbr: Some(hybrid_code()) };
    (tree, Options { bios: Some(bios), efi: Some(efi), hybrid: true, ..options() })
}

/// What is where: a line for each piece but padding.
fn dump(layout: &Layout) -> String {
    let mut text = String::new();
    for piece in layout.pieces().iter().filter(|piece| piece.what != "padding") {
        let (start, length) = (piece.range.start, piece.range.end - piece.range.start);
        let member = piece.member.as_ref().map_or(String::new(), |path| format!(" of {path}"));
        writeln!(text, "{:>4}+{:<3} {length:>6} {}{member}", start / 2048, start % 2048, piece.what).unwrap();
    }
    text
}

const PINNED: &str = include_str!("tests/pinned.txt");

/// The digests change only with [`REVISION`].
#[test]
fn bytes_are_pinned() {
    let blobs = MemoryBlobs::new();
    let (tree, options_to_boot) = bootable(&blobs);
    let laid_out = [
        ("nothing", layout(&Tree::new(), &blobs, &options()).unwrap()),
        ("odd", layout(&odd_tree(&blobs), &blobs, &options()).unwrap()),
        ("bootable", layout(&tree, &blobs, &options_to_boot).unwrap()),
    ];
    let mut found = String::new();
    for (name, layout) in &laid_out {
        let digest = Sha256::of(&bytes_of(layout, &blobs));
        write!(found, "{name} {digest}\n{}\n", dump(layout)).unwrap();
    }
    assert_eq!(REVISION, 1);
    assert!(found == PINNED, "{found}");
}

#[test]
fn a_tree_comes_back() {
    let blobs = MemoryBlobs::new();
    for tree in [Tree::new(), plain_tree(&blobs), odd_tree(&blobs)] {
        let bytes = write(&tree, &blobs, &options());
        let back = read_back(&bytes).unwrap();
        assert_eq!(Dump(&back).to_string(), Dump(&tree).to_string());
    }
}

#[test]
fn joliet_alone_has_directories_and_files() {
    let blobs = MemoryBlobs::new();
    let mut bytes = write(&odd_tree(&blobs), &blobs, &options());
    // without `SP`, there is no Rock Ridge
    let root = u32::from_le_bytes(bytes[16 * 2048 + 158..][..4].try_into().unwrap()) as usize * 2048;
    assert_eq!(bytes[root + 34..][..2], *b"SP");
    bytes[root + 34] = b'X';
    let joliet = Dump(&read_back(&bytes).unwrap()).to_string();
    assert!(joliet.contains("/names/Größe file 0644 0:0 7 "), "{joliet}");
    assert!(joliet.contains("/names/A.B~2.C ") || joliet.contains("/names/a.b~2.c "), "{joliet}");
    assert!(joliet.contains("/names/___ dir "), "{joliet}");
    assert!(!joliet.contains("/dev/null"), "{joliet}");
    // without Joliet's descriptor, the plain names are left
    bytes[17 * 2048] = 3;
    let plain = Dump(&read_back(&bytes).unwrap()).to_string();
    for name in ["A_B.C", "A_B2.C", "A_B3.C", "A_B4.C", "_HIDDEN", "GR____E", "X.LONGEXTE", "ENDS", "DIR.D"] {
        assert!(plain.contains(&format!("/NAMES/{name} file ")), "{name}: {plain}");
    }
    assert!(plain.contains(&format!("/NAMES/{}2 file ", "N".repeat(29))), "{plain}");
}

#[test]
fn equal_contents_lie_in_one_place() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    for name in ["/a", "/b", "/c"] {
        put(&mut tree, &blobs, name, &vec![7; 10_000]);
    }
    let laid_out = layout(&tree, &blobs, &options()).unwrap();
    assert_eq!(laid_out.pieces().iter().filter(|piece| piece.what == "content").count(), 1);
}

#[test]
fn a_file_of_4_gib_has_two_parts() {
    let blobs = MemoryBlobs::new();
    let mut tree = Tree::new();
    let size = (4 << 30) + 5;
    tree.insert_file(path("/large"), Mode::FILE, blobs.insert(Vec::new()), size).unwrap();
    put(&mut tree, &blobs, "/next", b"next");
    let laid_out = layout(&tree, &blobs, &options()).unwrap();
    let find = |member: &str| {
        let piece = laid_out.pieces().iter().find(|p| p.what == "content" && p.member == Some(path(member)));
        piece.unwrap().range.clone()
    };
    let (large, next) = (find("/large"), find("/next"));
    assert_eq!(next.start, large.end.next_multiple_of(2048));
    let directory = laid_out.pieces().iter().find(|p| p.what == "directory").unwrap();
    let crate::layout::Source::Bytes(records) = &directory.source else { panic!("directories are bytes") };
    let parts: Vec<_> = memchr::memmem::find_iter(records, b"LARGE.;1")
        .map(|at| {
            let record = &records[at - 33..];
            let number = |at: usize| u32::from_le_bytes(record[at..at + 4].try_into().unwrap());
            (number(2), number(10), record[25])
        })
        .collect();
    let first = u32::try_from(large.start / 2048).unwrap();
    assert_eq!(parts, [(first, 0xffff_f800, 0x80), (first + 0x1f_ffff, 2048 + 5, 0)]);
}

#[test]
fn what_firmware_starts_is_told_where_it_lies() {
    let blobs = MemoryBlobs::new();
    let (tree, options) = bootable(&blobs);
    let laid_out = layout(&tree, &blobs, &options).unwrap();
    let bytes = bytes_of(&laid_out, &blobs);
    let image = laid_out.pieces().iter().find(|piece| piece.what == "boot image").unwrap().range.clone();
    let block = u32::try_from(image.start / 2048).unwrap();
    let image = &bytes[usize::try_from(image.start).unwrap()..][..5000];
    let number = |at: usize| u32::from_le_bytes(image[at..at + 4].try_into().unwrap());
    let mut padded = image[64..].to_vec();
    padded.resize(padded.len().next_multiple_of(4), 0);
    let words = padded.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    let sum = words.fold(0_u32, u32::wrapping_add);
    assert_eq!([number(8), number(12), number(16), number(20)], [16, block, 5000, sum]);
    assert_eq!(number(0x9f4), block * 4 + 5);
    assert_eq!(bytes[0x1b0..0x1b8], u64::from(block * 4 + 4).to_le_bytes());
    let efi = bytes.len() - 150 * 2048 - 4096;
    assert!(bytes[efi..efi + 3000].iter().all(|byte| *byte == 0xfa));
    let start = u32::try_from(efi / 512).unwrap();
    assert_eq!(bytes[446..450], [0x80, 0, 1, 0]);
    assert_eq!(bytes[450], 0xcd);
    assert_eq!(bytes[454..462], [0_u32.to_le_bytes(), start.to_le_bytes()].concat());
    assert_eq!(bytes[466], 0xef);
    assert_eq!(bytes[470..478], [start.to_le_bytes(), 6_u32.to_le_bytes()].concat());
    // the copy is as it was; both names of the image have what was changed
    let back = read_back(&bytes).unwrap();
    let blob = |name: &str| match back.inode(&path(name)) {
        Some(Entry::File { blob, .. }) => *blob,
        other => panic!("{other:?}"),
    };
    assert_eq!(blob("/boot/copy"), kit_hash::BlobId::of(&eltorito()));
    assert_eq!(blob("/boot/eltorito.img"), kit_hash::BlobId::of(image));
    assert_eq!(blob("/boot/zame"), blob("/boot/eltorito.img"));
}

#[test]
fn what_an_iso_cannot_hold_is_refused() {
    let blobs = MemoryBlobs::new();
    let with = |name: &str, entry: Entry| {
        let mut tree = plain_tree(&blobs);
        tree.insert(path(name), entry).unwrap();
        refused(&tree, &blobs, &options())
    };
    let device = |major, minor| Entry::Device {
        meta: Meta::root(Mode::FILE),
        kind: kit_tree::DeviceKind::Block,
        major,
        minor,
    };
    let mut attribute = Meta::root(Mode::FILE);
    attribute.xattrs.insert(b"user.note".to_vec(), Vec::new());
    let size = 100 * 0xffff_f800 + 1;
    let large = Entry::File { meta: Meta::root(Mode::FILE), blob: blobs.insert(Vec::new()), size };
    let long = format!("/{}", "n".repeat(254));
    for (found, expected) in [
        (
            with(&long, Entry::directory()),
            format!("the name of `{long}` has 254 bytes; Linux reads 253 of an ISO"),
        ),
        (
            with("/x", Entry::Fifo(attribute)),
            "`/x` has the extended attribute `user.note`, which an ISO can't hold".to_owned(),
        ),
        (
            with("/x", Entry::symlink("")),
            "the symbolic link `/x` points to 0 bytes, not to 1 to 4095".to_owned(),
        ),
        (with("/x", device(0, 256)), "an ISO can't hold the device number 0,256 of `/x`".to_owned()),
        (with("/x", device(1, 1 << 20)), "an ISO can't hold the device number 1,1048576 of `/x`".to_owned()),
        (with("/x", large), format!("`/x` has {size} bytes; Linux reads {} of a file on an ISO", size - 1)),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let blobs = MemoryBlobs::new();
    let (tree, boot) = bootable(&blobs);
    let with = |options: Options| refused(&tree, &blobs, &options);
    for label in ["", "a/b", "ä", &"x".repeat(33)] {
        let expected = format!("`{label}` is no label of an ISO: 1 to 32 of `A-Z a-z 0-9 _ - .`");
        assert_eq!(with(Options { label: label.to_owned(), ..options() }), expected);
    }
    let date = with(Options { mtime: 1 << 32, ..options() });
    assert_eq!(date, "the source date 4294967296 is after 2106, the last year here");
    let image = |name: &str| {
        with(Options { bios: Some(BiosBoot { image: path(name), hybrid_mbr: None }), ..options() })
    };
    assert_eq!(image("/boot"), "there is no file `/boot`, which the firmware is to start");
    assert_eq!(image("/no"), "there is no file `/no`, which the firmware is to start");
    assert_eq!(image("/etc/motd"), "`/etc/motd` has 9 bytes; what a BIOS starts has 2048 to 4194304");
    let bios = BiosBoot { image: path("/boot/copy"), hybrid_mbr: Some(vec![0; 512]) };
    let error = layout(&tree, &blobs, &Options { bios: Some(bios), ..boot }).unwrap_err();
    let IsoWriteError::Grub(error) = error else { panic!("{error}") };
    let image = "hybrid.img";
    assert_eq!(error, grub::GrubError::Image { image, problem: "it isn't one sector of code" });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back((tree, blobs) in any_tree(false)) {
        match layout(&tree, &blobs, &options()) {
            Ok(layout) => prop_assert_eq!(read_back(&bytes_of(&layout, &blobs)).unwrap(), tree),
            Err(IsoWriteError::DeviceNumber { major, minor, .. }) => prop_assert!(major == 0 && minor > 255),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn damaged_bytes_never_panic(
        changes in proptest::collection::vec((0..110_000_usize, any::<u8>()), 1..30),
        length in 30_000..400_000_usize,
    ) {
        let blobs = MemoryBlobs::new();
        let mut bytes = write(&odd_tree(&blobs), &blobs, &options());
        for (at, byte) in changes {
            let at = 32_768 + at;
            if at < bytes.len() {
                bytes[at] = byte;
            }
        }
        bytes.truncate(length);
        let _ = read_back(&bytes);
    }
}
