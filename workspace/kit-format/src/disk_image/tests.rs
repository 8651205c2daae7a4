mod golden;
mod hostile;
mod limits;
mod places;

use std::io::{self, Cursor, Read};

use proptest::prelude::*;

use super::*;
use crate::workers::{Alone, Backwards};

/// Bytes that no compressor makes shorter, the same each time.
fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56).to_le_bytes()[0]
    };
    (0..count).map(|_| next()).collect()
}

/// Makes a disk with the marks of a GPT that ends at its end.
fn with_table(size: usize) -> Vec<u8> {
    let mut disk = vec![0; size];
    disk[510..512].copy_from_slice(b"\x55\xaa");
    if size > 1024 {
        disk[512..520].copy_from_slice(b"EFI PART");
        let last = (size as u64 / 512).saturating_sub(1);
        disk[544..552].copy_from_slice(&last.to_le_bytes());
    }
    disk
}

/// A disk of some MB: text, noise over the ends of clusters and blocks, and nothing between.
fn sample() -> Vec<u8> {
    let mut disk = with_table(9 * (1 << 20) + 512 * 5);
    let text = b"The quick brown fox jumps over the lazy dog. ".repeat(9000);
    disk[1 << 20..(1 << 20) + text.len()].copy_from_slice(&text);
    let noise = noise(300_000, 1);
    disk[4_000_000..4_300_000].copy_from_slice(&noise);
    let end = disk.len();
    disk[end - 512..end - 504].copy_from_slice(b"EFI PART");
    disk
}

fn written_by(disk: &[u8], format: DiskFormat, workers: &dyn Workers) -> Result<Vec<u8>, DiskWriteError> {
    let open = || -> io::Result<Box<dyn Read + '_>> { Ok(Box::new(disk)) };
    let mut out = Cursor::new(Vec::new());
    write(&Disk { open: &open, size: disk.len() as u64 }, format, "sample", &mut out, workers)?;
    Ok(out.into_inner())
}

fn written(disk: &[u8], format: DiskFormat) -> Vec<u8> {
    written_by(disk, format, &Alone).expect("it fits")
}

const LIMITS: DiskLimits = DiskLimits { bytes: 2 << 30 };

/// Returns what a file is, and whether it holds a disk that is filled up with zeros to `size`.
fn holds(file: &[u8], disk: &[u8], size: u64) -> (DiskFormat, bool) {
    let inside = read(&file, LIMITS).expect("it can be read");
    let mut reader = inside.open().expect("it opens");
    let mut bytes = Vec::new();
    (&mut reader).take(disk.len() as u64).read_to_end(&mut bytes).expect("it can be read");
    let mut rest = 0;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer).expect("it can be read") {
            0 => break,
            count => {
                assert!(survey::is_zero(&buffer[..count]), "there is nothing behind the disk");
                rest += count as u64;
            }
        }
    }
    let whole = bytes.len() as u64 + rest;
    assert_eq!(whole, inside.size);
    (inside.format, bytes == disk && whole == size)
}

/// What reading tells of a format's file, which isn't always the word that it was written by.
fn told_as(format: DiskFormat) -> DiskFormat {
    match format {
        DiskFormat::Azure => DiskFormat::Vhd,
        DiskFormat::Qcow2Zlib => DiskFormat::Qcow2,
        other => other,
    }
}

/// How large a disk is once a format has filled it up.
fn filled(disk: &[u8], format: DiskFormat) -> u64 {
    let alignment = match format {
        DiskFormat::Azure => 1 << 20,
        DiskFormat::Gcp => 1 << 30,
        _ => 1,
    };
    (disk.len() as u64).next_multiple_of(alignment)
}

#[test]
fn what_is_written_is_read_back() {
    for format in DiskFormat::ALL {
        let disk = sample();
        let found = holds(&written(&disk, format), &disk, filled(&disk, format));
        assert_eq!(found, (told_as(format), true), "{format}");
    }
}

/// From whichever container, a format has the same bytes.
#[test]
fn all_pairs_convert() {
    let mut disk = sample();
    disk.resize(disk.len().next_multiple_of(1 << 20), 0);
    let files: Vec<_> = DiskFormat::ALL.iter().map(|format| (*format, written(&disk, *format))).collect();
    for (from, file) in files.iter().filter(|(from, _)| *from != DiskFormat::Gcp) {
        let file = file.as_slice();
        let inside = read(&file, LIMITS).expect("it can be read");
        let open = || inside.open();
        for (to, expected) in &files {
            let mut out = Cursor::new(Vec::new());
            let disk = Disk { open: &open, size: inside.size };
            write(&disk, *to, "sample", &mut out, &Alone).expect("it fits");
            assert!(out.get_ref() == expected, "{from} to {to}");
        }
    }
}

#[test]
fn the_same_bytes_however_many_work() {
    for format in DiskFormat::ALL {
        let alone = written(&sample(), format);
        for batch in [2, 7] {
            let several = written_by(&sample(), format, &Backwards(batch)).expect("it fits");
            assert!(alone == several, "{format} with {batch}");
        }
    }
}

#[test]
fn what_is_zero_is_left_out() {
    let disk = with_table(64 << 20);
    for format in DiskFormat::ALL {
        let most = match format {
            DiskFormat::Raw | DiskFormat::Vhd | DiskFormat::Azure => continue,
            DiskFormat::Vhdx => 5 << 20,
            DiskFormat::Vdi | DiskFormat::VhdDynamic => (2 << 20) + 4096,
            DiskFormat::Gcp => 4096,
            _ => 450_000,
        };
        let length = written(&disk, format).len();
        assert!(length <= most, "{format} has {length} bytes");
    }
}

/// Behind the first table of a format: 512 MiB of a qcow2, 32 of a VMDK.
#[test]
fn parts_far_behind_are_found() {
    const MIB: u64 = 1 << 20;
    let tail = noise(100_000, 7);
    for (format, size) in [(DiskFormat::Qcow2Zstd, 513 * MIB), (DiskFormat::Vmdk, 65 * MIB)] {
        let start = [0x55, 0xaa].repeat(32 << 10);
        let hole = size - 64 * 1024 - 100_000;
        let open = || -> io::Result<Box<dyn Read + '_>> {
            Ok(Box::new(start.as_slice().chain(io::repeat(0).take(hole)).chain(tail.as_slice())))
        };
        let mut out = Cursor::new(Vec::new());
        write(&Disk { open: &open, size }, format, "sample", &mut out, &Alone).expect("it fits");
        let file = out.into_inner();
        let file = file.as_slice();
        let inside = read(&file, LIMITS).expect("it can be read");
        assert_eq!(inside.size, size);
        let mut reader = inside.open().expect("it opens");
        let skipped = io::copy(&mut (&mut reader).take(size - 100_000), &mut io::sink());
        assert_eq!(skipped.expect("it can be read"), size - 100_000);
        let mut end = Vec::new();
        reader.read_to_end(&mut end).expect("it can be read");
        assert!(end == tail, "{format}");
    }
}

/// Where there is something on a disk, and what.
fn disks() -> impl Strategy<Value = Vec<u8>> {
    let part = (0_usize..6 << 20, 1_usize..200_000, any::<u64>(), any::<bool>());
    (2_usize..12_288, proptest::collection::vec(part, 0..6)).prop_map(|(sectors, parts)| {
        let mut disk = with_table(sectors * 512);
        let size = disk.len();
        for (at, length, seed, is_noise) in parts {
            let start = 1024 + at % size;
            let end = (start + length).min(size);
            if start < end {
                let content = if is_noise { noise(end - start, seed) } else { vec![7; end - start] };
                disk[start..end].copy_from_slice(&content);
            }
        }
        disk
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn any_disk_is_read_back(disk in disks()) {
        for format in DiskFormat::ALL.into_iter().filter(|format| *format != DiskFormat::Gcp) {
            let (_, is_right) = holds(&written(&disk, format), &disk, filled(&disk, format));
            prop_assert!(is_right, "{}", format);
        }
    }
}
