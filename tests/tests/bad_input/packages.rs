//! Signed packages of the right digest with content that nobody makes by accident.

use std::io::Write as _;

use kit_tests::archive::{Archive, Package};
use kit_tests::deb::{Tar, deb};
use kit_tests::server::with_server;

use crate::bench::{debian_package, project, refuses, use_mirrors};

const GIB: u64 = 1 << 30;

/// Serves a package and fails the test unless it is refused, with `cause` as the last word.
#[track_caller]
fn refused(data_name: &str, data: &[u8], cause: &str) {
    let archive = Archive::new(vec![Package::new("app", deb("app", data_name, data))]);
    let project = project("\"app\"");
    debian_package(&project, "app", "\"app\"");
    with_server(archive.site(), |server| {
        use_mirrors(&project, &archive, &[&server.base]);
        let said = refuses(
            &project,
            &["lock"],
            1,
            &[
                "error[kit::unpack::archive]: `unpack app 1.0-1`: the archive can't be unpacked",
                cause,
                "help: the file is as it was locked, so report the archive to those who made it",
            ],
        );
        assert!(said.stderr.len() < 1500, "{said}");
    });
    assert!(!project.path().parent().unwrap().join("evil").exists());
}

#[test]
fn names_do_not_leave_the_package() {
    for name in ["../evil", "./../evil", "usr/../../evil", "/evil", "usr//evil", "usr/./evil"] {
        let tar = Tar::default().file(name, b"evil").end();
        match name {
            // Of these, nothing but the spelling is odd.
            "/evil" | "usr//evil" | "usr/./evil" => {}
            _ => refused("data.tar", &tar, &format!("`{name}`")),
        }
    }
}

#[test]
fn nothing_goes_through_a_link() {
    let outside = std::env::temp_dir().display().to_string();
    let tar = Tar::default().symlink("./way", &outside).file("./way/evil", b"evil").end();
    refused("data.tar", &tar, "cause: `/way/evil` lies below `/way`, which is not a directory");
    let tar = Tar::default().symlink("./way", "../../..").file("./way/evil", b"evil").end();
    refused("data.tar", &tar, "lies below `/way`, which is not a directory");
    for target in ["../../etc/passwd", "/etc/passwd", "./missing"] {
        let tar = Tar::default().hard_link("./passwd", target).end();
        refused("data.tar", &tar, "`./passwd`");
    }
    let tar = Tar::default().symlink("./way", "/etc").hard_link("./passwd", "./way/passwd").end();
    refused("data.tar", &tar, "`./passwd`");
}

#[test]
fn devices_are_refused() {
    refused(
        "data.tar",
        &Tar::default().null_device("./null").end(),
        "`./null` is a device node, which is refused here",
    );
}

#[test]
fn bombs_do_not_go_off() {
    refused(
        "data.tar",
        &Tar::default().sparse("./sparse", 10 * GIB).end(),
        "is a sparse file, which is refused",
    );
    let claim = Tar::default().claims("./large", 10 * GIB).end();
    refused("data.tar", &claim, "a file of 10737418240 bytes is over the limit of 8589934592");
    let short = Tar::default().claims("./large", GIB).end();
    refused("data.tar", &short, "`./large`");
    let ratio = "the compressed stream unpacks to more than 250 times its length";
    let start = Tar::default().claims("./zeros", 8 * GIB).unfinished();
    refused("data.tar.zst", &zstd_bomb(&start, 8 * GIB), ratio);
    refused("data.tar.xz", &xz_bomb(&start, GIB / 4), ratio);
}

#[test]
fn broken_archives_are_refused() {
    let tar = Tar::default().file("./a", b"a").end();
    refused("data.tar.xz", &tar, "`data.tar.xz`");
    refused("data.tar", b"no archive", "`data.tar`");
    refused("data.zip", &tar, "`data.zip`");
}

/// A zstd stream of `start` and then `zeros` zeros, each block of which is four bytes long.
fn zstd_bomb(start: &[u8], zeros: u64) -> Vec<u8> {
    const LARGEST: u64 = 128 << 10;
    let mut bytes = 0xfd2f_b528_u32.to_le_bytes().to_vec();
    // No content size, no checksum; a window of 128 KiB.
    bytes.extend_from_slice(&[0, 7 << 3]);
    let mut block = |last: u32, kind: u32, size: usize, content: &[u8]| {
        let header = last | (kind << 1) | (u32::try_from(size).unwrap() << 3);
        bytes.extend_from_slice(&header.to_le_bytes()[..3]);
        bytes.extend_from_slice(content);
    };
    block(0, 0, start.len(), start);
    let blocks = zeros / LARGEST;
    for number in 1..=blocks {
        block(u32::from(number == blocks), 1, usize::try_from(LARGEST).unwrap(), &[0]);
    }
    bytes
}

fn xz_bomb(start: &[u8], zeros: u64) -> Vec<u8> {
    let mut writer = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(0)).unwrap();
    writer.write_all(start).unwrap();
    let block = vec![0; 1 << 20];
    for _ in 0..zeros >> 20 {
        writer.write_all(&block).unwrap();
    }
    writer.finish().unwrap()
}
