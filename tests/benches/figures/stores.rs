//! Stores to start from.

use std::io::Read as _;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::Sha256;
use kit_store::Store;

/// What a store isn't copied with: what processes leave for each other, and what is made again from the rest.
const LEFT_OUT: [&str; 4] = ["locks", "tmp", "failed", "materialised"];

/// Opens the store in a directory, made when it isn't there.
pub(crate) fn open(path: &Path) -> Store {
    std::fs::create_dir_all(path).expect("a directory");
    let dir = Dir::open_ambient_dir(path, ambient_authority()).expect("a directory");
    Store::open(dir, path).expect("a store")
}

/// Reads a download.
pub(crate) fn read(store: &Store, sha256: &Sha256) -> Vec<u8> {
    let blob =
        store.blob_of_sha256(sha256).expect("a store").unwrap_or_else(|| panic!("{sha256} isn't there"));
    let mut bytes = Vec::new();
    store.open_blob(&blob).expect("it is there").read_to_end(&mut bytes).expect("it is whole");
    bytes
}

/// Makes a store that holds downloads of another one and nothing else, as if everything had been fetched and nothing done.
pub(crate) fn downloads<'a>(from: &Store, wanted: impl Iterator<Item = &'a Sha256>, path: &Path) {
    let store = open(path);
    for sha256 in wanted {
        store.put_download(&mut read(from, sha256).as_slice()).expect("room");
    }
}

/// Makes a store that holds all that another one does, by hard links: no file of a store is ever changed.
pub(crate) fn twin(from: &Path, to: &Path) {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("the store can be read");
        let path = entry.path().strip_prefix(from).expect("it lies below");
        if LEFT_OUT.iter().any(|name| path.starts_with(name)) {
            continue;
        }
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(to.join(path)).expect("a directory");
        } else {
            std::fs::hard_link(entry.path(), to.join(path)).expect("both are on one file system");
        }
    }
}
