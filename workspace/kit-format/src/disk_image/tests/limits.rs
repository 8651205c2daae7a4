//! What doesn't fit, and what isn't a disk.

use super::*;

fn refused(size: u64, format: DiskFormat) -> String {
    let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(io::empty())) };
    let mut out = Cursor::new(Vec::new());
    let refused = write(&Disk { open: &open, size }, format, "sample", &mut out, &Alone);
    assert!(out.get_ref().is_empty(), "nothing was written");
    refused.expect_err("it doesn't fit").to_string()
}

#[test]
fn sizes_that_do_not_fit() {
    assert_eq!(refused(0, DiskFormat::Raw), "the disk is empty");
    assert_eq!(
        refused(1000, DiskFormat::Vdi),
        "the disk has 1000 bytes, which are no whole sectors of 512, as `vdi` wants them"
    );
    assert_eq!(
        refused((2040 << 30) + 512, DiskFormat::VhdDynamic),
        "the disk has 2190433321472 bytes, 512 more than the 2190433320960 that `dynamic-vhd` holds"
    );
    for format in DiskFormat::ALL {
        let largest = format.largest();
        assert!(refused(largest + 512, format).contains(&largest.to_string()), "{format}");
    }
}

#[test]
fn names_that_do_not_fit() {
    let name = |name: &str| {
        let open = || -> io::Result<Box<dyn Read>> { Ok(Box::new(io::repeat(1).take(512))) };
        let disk = Disk { open: &open, size: 512 };
        write(&disk, DiskFormat::Ova, name, &mut Cursor::new(Vec::new()), &Alone)
    };
    assert!(name(&"n".repeat(95)).is_ok());
    assert!(matches!(name(&"n".repeat(96)), Err(DiskWriteError::LongName { limit: 95, .. })));
    for bad in ["", "a/b", "a\nb"] {
        assert!(matches!(name(bad), Err(DiskWriteError::BadName { .. })), "{bad:?}");
    }
}

#[test]
fn a_disk_of_another_size_or_content_is_told() {
    let passes = std::cell::Cell::new(0);
    let changing = || -> io::Result<Box<dyn Read>> {
        passes.set(passes.get() + 1);
        Ok(Box::new(io::repeat(passes.get()).take(1 << 20)))
    };
    let write = |size| {
        let disk = Disk { open: &changing, size };
        super::write(&disk, DiskFormat::Qcow2, "sample", &mut Cursor::new(Vec::new()), &Alone)
    };
    assert!(matches!(write(1 << 20), Err(DiskWriteError::Changed)));
    assert!(matches!(write(2 << 20), Err(DiskWriteError::OtherSize { .. })));
    assert!(matches!(write(1 << 19), Err(DiskWriteError::OtherSize { .. })));
}

#[test]
fn words_and_ends_of_names_are_different() {
    let words: std::collections::BTreeSet<_> = DiskFormat::ALL.iter().map(|format| format.word()).collect();
    let ends: std::collections::BTreeSet<_> = DiskFormat::ALL.iter().map(|format| format.suffix()).collect();
    assert_eq!((words.len(), ends.len()), (14, 14));
    for format in DiskFormat::ALL {
        assert_eq!(DiskFormat::from_word(format.word()), Some(format));
        assert_eq!(DiskFormat::stem(&format!("a.b{}", format.suffix())), "a.b");
    }
    assert_eq!(DiskFormat::stem("disk.raw"), "disk");
    assert_eq!(DiskFormat::stem(".qcow2"), ".qcow2");
}

fn read_error(file: &[u8]) -> String {
    let failed =
        read(&file, LIMITS).and_then(|disk| Ok(io::copy(&mut disk.open()?, &mut io::sink()).map(drop)?));
    failed.expect_err("it isn't right").to_string()
}

#[test]
fn files_that_are_no_disks() {
    for file in [&b""[..], b"text\n", &[0; 4096], &noise(100_000, 3)] {
        assert_eq!(read_error(file), "it is no disk and no container of one");
    }
    let gzip = written(&[7; 5000], DiskFormat::RawGzip);
    assert_eq!(read_error(&gzip), "it is no disk and no container of one");
}

#[test]
fn files_that_are_cut_off() {
    for format in DiskFormat::ALL {
        let file = written(&sample(), format);
        // Of these the last block is mostly what fills it up.
        let cut = if matches!(format, DiskFormat::Vhdx | DiskFormat::Vdi) { 1 << 20 } else { 70_000 };
        let said = read_error(&file[..file.len() - cut]);
        let is_clear = ["cut off", "damaged", "ends"].iter().any(|word| said.contains(word));
        // Compressed streams say so in their own words, which are the error's source.
        let is_stream = matches!(format, DiskFormat::RawZstd | DiskFormat::Gcp);
        assert!(is_clear || is_stream, "{format}: {said}");
    }
}

#[test]
fn what_is_elsewhere_is_refused_by_name() {
    let change = |format, at: usize, bytes: &[u8]| {
        let mut file = written(&sample(), format);
        file[at..at + bytes.len()].copy_from_slice(bytes);
        read_error(&file)
    };
    for (at, bytes, feature) in [
        (15, &[9][..], "a backing file"),
        (35, &[1], "encryption"),
        (63, &[1], "snapshots"),
        (79, &[4], "an external data file"),
        (79, &[16], "extended L2 entries"),
        (74, &[1], "unknown features"),
        (7, &[4], "another version than 2 and 3"),
    ] {
        assert_eq!(
            change(DiskFormat::Qcow2, at, bytes),
            format!("it is `qcow2` with {feature}, which kit doesn't read")
        );
    }
    assert!(change(DiskFormat::Vdi, 440, &[1]).contains("a parent"));
    let parent = change(
        DiskFormat::Vmdk,
        512 + "# Disk DescriptorFile\nversion=1\nCID=01234567\nparentCID=".len(),
        b"00",
    );
    assert!(parent.contains("a parent"), "{parent}");
}

#[test]
fn a_disk_inside_has_a_limit() {
    let file = written(&sample(), DiskFormat::RawGzip);
    let limited = read(&file.as_slice(), DiskLimits { bytes: 1 << 20 }).map(|disk| disk.size);
    assert!(matches!(limited, Err(DiskReadError::TooLarge { limit: 1_048_576, .. })), "{limited:?}");
}
