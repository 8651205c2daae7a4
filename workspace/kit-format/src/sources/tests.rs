//! Every way in which sources are published.

use std::io::{Cursor, Write as _};

use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Entry, Tree};

use super::{SourcesError, read_sources};
use crate::limits::Limits;

fn read(name: &str, bytes: &[u8]) -> Result<Tree, SourcesError> {
    let name = name.parse().unwrap();
    read_sources(Cursor::new(bytes), &name, &MemoryBlobs::new(), &Limits::standard())
}

fn tar(members: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in members {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        if *kind == tar::EntryType::Symlink {
            header.set_link_name("/etc").unwrap();
        }
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

fn hello() -> Vec<u8> {
    tar(&[
        ("hello-1.0/", tar::EntryType::Directory, b""),
        ("hello-1.0/hello.c", tar::EntryType::Regular, b"int main(void) {}\n"),
    ])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(6);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn every_compression_gives_the_same_tree() {
    let tar = hello();
    let plain = read("/hello-1.0.tar", &tar).unwrap();
    let paths: Vec<_> = plain.entries().map(|(path, _)| path.to_string()).collect();
    assert_eq!(paths, ["/", "/hello.c"]);
    for (name, bytes) in [
        ("/hello-1.0.tar.gz", gzip(&tar)),
        ("/hello-1.0.tar.bz2", bzip2(&tar)),
        ("/hello-1.0.tar.xz", xz(&tar)),
        ("/hello-1.0.tar.zst", zstd::bulk::compress(&tar, 3).unwrap()),
        // The content decides, not the name.
        ("/download", gzip(&tar)),
        ("/hello.zip", xz(&tar)),
    ] {
        assert_eq!(read(name, &bytes).unwrap(), plain, "{name}");
    }
}

#[test]
fn what_is_no_archive_stays_a_file() {
    let noise: &[u8] = b"BZh9 but no more";
    for bytes in [b"#!/bin/sh\n".as_slice(), b"", noise, &gzip(b"a compressed patch"), &[0; 2000]] {
        let tree = read("/fix.patch", bytes).unwrap();
        let entries: Vec<_> = tree.entries().skip(1).collect();
        let [(path, Entry::File { size, .. })] = entries.as_slice() else { panic!("{entries:?}") };
        assert_eq!((path.to_string().as_str(), *size), ("/fix.patch", bytes.len() as u64));
    }
    let page = b"<!DOCTYPE html>\n<html>";
    for name in ["/hello-1.0.tar.gz", "/HELLO.ZIP", "/hello.tbz2"] {
        let error = read(name, page).unwrap_err();
        assert!(error.to_string().ends_with("is no archive: it begins with `<!DOCTYPE html>`"), "{error}");
    }
}

#[test]
fn hostile_archives_are_refused() {
    use tar::EntryType;
    for (members, expected) in [
        (vec![("../a", EntryType::Regular, b"x".as_slice())], "the name `../a` is refused"),
        (vec![("/etc/passwd", EntryType::Regular, b"x")], "the name `/etc/passwd` is refused"),
        (vec![("null", EntryType::Char, b"")], "`null` is a device node"),
        (vec![("pipe", EntryType::Fifo, b"")], "`/pipe` is a device or a named pipe"),
        (
            vec![("l", EntryType::Symlink, b""), ("l/passwd", EntryType::Regular, b"x")],
            "`/l/passwd` lies below `/l`",
        ),
    ] {
        let error = read("/a.tar", &tar(&members)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let bomb = gzip(&tar(&[("zeros", EntryType::Regular, &vec![0; 140 << 20])]));
    let error = read("/bomb.tar.gz", &bomb).unwrap_err();
    assert!(format!("{error:?}").contains("Ratio"), "{error:?}");
}
