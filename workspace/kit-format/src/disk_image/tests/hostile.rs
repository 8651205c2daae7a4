//! Files that somebody changed: whatever they say, reading ends, in bounded memory, without a panic.

use super::*;

/// Reads what there is of a disk, as far as it goes.
fn read_all(file: &[u8]) {
    let Ok(disk) = read(&file, DiskLimits { bytes: 64 << 20 }) else { return };
    if let Ok(mut reader) = disk.open() {
        _ = io::copy(&mut reader, &mut io::sink());
    }
}

/// A disk whose containers are short.
fn small() -> Vec<u8> {
    let mut disk = with_table(700 * 1024);
    disk[200_000..201_000].copy_from_slice(&noise(1000, 5));
    disk[400_000..500_000].fill(3);
    disk
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn changed_files_are_refused_or_read(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..8),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        for format in DiskFormat::ALL {
            let mut file = written(&small(), format);
            for (at, value, early) in &changes {
                // Mostly where the headers are.
                let within = if *early { file.len().min(600) } else { file.len() };
                file[at.index(within)] = *value;
            }
            if let Some(cut) = cut {
                file.truncate(cut.index(file.len()));
            }
            read_all(&file);
        }
    }
}

/// A table that names the same place again and again makes no disk of a few bytes.
#[test]
fn a_place_that_is_named_again_and_again_is_refused() {
    let mut file = written(&with_table(64 << 20), DiskFormat::Vdi);
    file[512..512 + 64 * 4].fill(0);
    let file = file.as_slice();
    let disk = read(&file, LIMITS).expect("its header is right");
    let failed = io::copy(&mut disk.open().expect("it opens"), &mut io::sink()).expect_err("it is refused");
    assert!(failed.to_string().contains("several parts of the disk are at the same place"), "{failed}");
}
