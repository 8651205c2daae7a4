//! The bytes of each revision, and what they say, which can be read.

use kit_hash::Sha256;

use super::read::{From, Packed};
use super::*;
use crate::locate::all_fields;

/// A new digest is a new revision.
const DIGESTS: [(DiskFormat, &str); 14] = [
    (DiskFormat::Raw, "83b2be114ffbd837e86a9f0906ae7e9888dabcafb6f67ec99627a548477dd5ca"),
    (DiskFormat::RawGzip, "30c44936871c98334c7646e405c57a758646a5f54d21a6bdb117f96f48e6a90b"),
    (DiskFormat::RawZstd, "172d0c65cc184950fc295e2da7e927c01fb326c5a94f55e199aee3909cc43284"),
    (DiskFormat::Qcow2, "b98411e3312fc44807ad340575005042d5704fb3897706e48c87f356a5ed6b5c"),
    (DiskFormat::Qcow2Zlib, "3b8420510dacf6271280de7e73ecf91a664e0bb01bc7ad49860967eb8e34b793"),
    (DiskFormat::Qcow2Zstd, "415961621aceec29ce528c114d7ca29b6d5e07fb5ee5039f3b9472d98bd39d02"),
    (DiskFormat::Vhd, "e638a175f4de44494285848292b2ebb74a8864139fa08fef9a3f54759d22c844"),
    (DiskFormat::VhdDynamic, "f36d7fade02913c266c9fe2d8f932624ce00d2a00f969320e9850c9271d1cf28"),
    (DiskFormat::Vhdx, "058fc6b9673dfda51e487077257226487b8342118e03b56f97f63434561a71f6"),
    (DiskFormat::Vmdk, "d0c45dae9ac2457fe4b6469902903d29317ca2132d5f0f82e576d9f14d907b24"),
    (DiskFormat::Vdi, "0fa7b204be5a05b71d0dde22045c6f3dfe7046e5f0ebd754f25e8b06d1e2a418"),
    (DiskFormat::Ova, "08bcb809c83f9e6ae0ce86fdfc7120efc6c62e7a5f59a7f6e155f78772990d8a"),
    (DiskFormat::Gcp, "18febe0a4680d99581909f20ea01f14e06daa93b4e4b4ebb149c24447c5895d4"),
    (DiskFormat::Azure, "02af0845727be06b98f48879bb026318ac5d380ef743d05e2f0e74d970fb626a"),
];

#[test]
fn the_bytes_are_those_of_the_revision() {
    let disk = sample();
    let found: Vec<_> = DIGESTS
        .iter()
        .map(|(format, _)| format!("{format} {}", Sha256::of(&written(&disk, *format))))
        .collect();
    let expected: Vec<_> = DIGESTS.iter().map(|(format, digest)| format!("{format} {digest}")).collect();
    assert_eq!(found, expected);
}

/// What the headers of each container say, and where it has the disk: when a digest changes, this tells what did.
#[test]
fn what_the_bytes_say_is_that_of_the_revision() {
    let disk = sample();
    let mut dump = Vec::new();
    for (format, _) in DIGESTS {
        let file = written(&disk, format);
        dump.push(format!("{format}: {} bytes", file.len()));
        let mut read_at = |at: u64, size: usize| {
            let at = usize::try_from(at).ok()?;
            file.get(at..at + size).map(<[u8]>::to_vec)
        };
        for (header, name, range, value) in all_fields(format, file.len() as u64, &mut read_at) {
            dump.push(format!("  {:#08x} {header}, {name} = {value}", range.start));
        }
        let file = file.as_slice();
        let inside = read(&file, LIMITS).expect("it can be read");
        let mut zeros = 0;
        for run in inside.runs() {
            let (at, run) = run.expect("it can be read");
            if run.from == From::Zeros {
                zeros += 1;
                continue;
            }
            let from = match run.from {
                From::Zeros => unreachable!("because those are counted"),
                From::File(place) => format!("byte {place:#x}"),
                From::Packed { at, length, packed, .. } => {
                    let codec = match packed {
                        Packed::Deflate => "deflate",
                        Packed::Zlib => "zlib",
                        Packed::Zstd => "zstd",
                    };
                    format!("{length} bytes of {codec} at {at:#x}")
                }
            };
            dump.push(format!("  disk {at:#x} to {:#x}: {from}", at + run.length));
        }
        dump.push(format!("  {zeros} runs of zeros"));
    }
    assert_eq!(dump.join("\n") + "\n", include_str!("golden.txt"));
}
