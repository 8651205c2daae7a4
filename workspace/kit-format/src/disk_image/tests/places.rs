//! Which byte of the disk a byte of its container is.

use super::read::Place;
use super::*;

/// Where some bytes are in others.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<u64> {
    bytes.windows(wanted.len()).position(|window| window == wanted).map(|at| at as u64)
}

#[test]
fn bytes_that_are_there_as_they_are_are_found() {
    let disk = sample();
    // Noise stays as it is, even where there is compression.
    let marker = &disk[4_150_000..4_150_064];
    for format in DiskFormat::ALL {
        let file = written(&disk, format);
        let Some(at) = find(&file, marker) else { continue };
        let boxed = file.as_slice();
        let inside = read(&boxed, LIMITS).expect("it can be read");
        match inside.place(at).expect("it can be read") {
            Some(Place::Byte(byte)) => assert_eq!(byte, 4_150_000, "{format}"),
            Some(Place::Packed { cluster, disk }) => {
                assert!(cluster.contains(&at) && disk.contains(&4_150_000), "{format}: {cluster:?} {disk:?}");
            }
            None => assert!(
                matches!(format, DiskFormat::RawGzip | DiskFormat::RawZstd | DiskFormat::Gcp),
                "{format} has the disk somewhere"
            ),
        }
    }
}

#[test]
fn clusters_stand_for_all_of_the_disk() {
    let disk = sample();
    for format in [DiskFormat::Qcow2Zlib, DiskFormat::Qcow2Zstd, DiskFormat::Vmdk, DiskFormat::Ova] {
        let file = written(&disk, format);
        let boxed = file.as_slice();
        let inside = read(&boxed, LIMITS).expect("it can be read");
        assert!(inside.has_packed().expect("it can be read"), "{format}");
        let mut found = std::collections::BTreeSet::new();
        for at in (0..file.len() as u64).step_by(100) {
            if let Some(Place::Packed { cluster, disk }) = inside.place(at).expect("it can be read") {
                assert!(cluster.contains(&at), "{format}");
                found.insert(disk.start);
            }
        }
        assert!(found.len() > 3 && found.contains(&(1 << 20)), "{format}: {found:?}");
    }
    let file = written(&disk, DiskFormat::Qcow2);
    assert!(!read(&file.as_slice(), LIMITS).expect("it can be read").has_packed().expect("it can be read"));
}

#[test]
fn headers_are_told_by_their_fields() {
    let disk = sample();
    let told = |format, at: u64, from_end: bool| {
        let file = written(&disk, format);
        let at = if from_end { file.len() as u64 - at } else { at };
        let found = crate::locate::in_disk(&file.as_slice(), at).expect("it can be read").expect("it is one");
        assert_eq!(found.place, None, "{format}");
        format!("{}: {} = {}", found.format, found.extent.what, found.extent.value.unwrap_or_default())
    };
    assert_eq!(told(DiskFormat::Qcow2, 27, false), "qcow2 container: header, field size = 9439744");
    assert_eq!(told(DiskFormat::Vhd, 512 - 24, true), "vhd container: footer, field Time Stamp = 0");
    let copy = "dynamic-vhd container: copy of the footer, field Disk Type = 3";
    assert_eq!(told(DiskFormat::VhdDynamic, 63, false), copy);
    let identifier = told(DiskFormat::Vhdx, 3, false);
    assert_eq!(identifier, "vhdx container: file type identifier, field Signature = vhdxfile");
    assert_eq!(told(DiskFormat::Vmdk, 20, false), "vmdk container: header, field grainSize = 128");
    assert_eq!(told(DiskFormat::Vdi, 376, false), "vdi container: header, field cbBlock = 1048576");
    let file = written(&disk, DiskFormat::Raw);
    assert_eq!(crate::locate::in_disk(&file.as_slice(), 0).expect("it can be read"), None);
    assert!(crate::locate::in_disk(&b"something else".as_slice(), 0).expect("it is none").is_none());
}
