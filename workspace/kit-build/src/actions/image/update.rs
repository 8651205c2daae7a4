//! What replaces one of the two systems on a disk: `NAME-update/`, whose files `kit_format::sysupdate` has names for.

use kit_format::compression::GzipStream;
use kit_format::sysupdate::{self, Part};
use kit_hash::{BlobId, Sha256, Sha256Reader, TreeId};
use kit_plan::derivation::{Input, Update};
use kit_tree::{BlobSink as _, Blobs as _, Tree};

use super::Writer;
use crate::BuildError;
use crate::error::SlotSize;

/// What stands behind the image's name in that of the directory.
const DIRECTORY: &str = "-update";

impl Writer<'_> {
    pub(super) fn update(
        &self,
        update: &Update,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Tree, BuildError> {
        let named = sysupdate::Update {
            name: &self.image.name,
            version: &update.version,
            label: &update.label,
            architecture: &update.architecture,
            source: update.source.as_deref(),
        };
        let verity = self.store.tree(&tree_of(&update.verity))?;
        let (id, digests_id) = self.partition_ids(&verity)?;
        let root = self.only_file(&self.store.tree(&tree_of(&update.root))?)?;
        if let Some(slot) = update.slot.filter(|slot| root.1 > *slot) {
            return Err(self.failed(SlotSize { root: root.1, slot }));
        }
        let digests = self.content(&verity, "-verity.img")?;
        let program = self.only_file(&self.store.tree(&tree_of(&update.uki))?)?;
        let mut tree = Tree::new();
        let mut sums = Vec::new();
        for (name, (blob, size), sha256) in [
            self.compressed(named.file(Part::Root, id), &root.0)?,
            self.compressed(named.file(Part::Digests, digests_id), &digests.blob)?,
            (named.program(), program, self.sha256(&program.0)?),
        ] {
            self.add(&mut tree, &format!("/{}{DIRECTORY}/{name}", self.image.name), (blob, size))?;
            sums.push((name, sha256));
        }
        let transfers = named.transfers();
        let transfers =
            transfers.into_iter().map(|(name, text)| (format!("{}/{name}", sysupdate::TRANSFERS), text));
        let sums = (sysupdate::SUMS.to_owned(), sysupdate::sums(&sums));
        for (name, text) in transfers.chain([sums]) {
            let content = (self.store.put_bytes(text.as_bytes())?, text.len() as u64);
            self.add(&mut tree, &format!("/{}{DIRECTORY}/{name}", self.image.name), content)?;
        }
        Ok(tree)
    }

    /// Compresses what goes to a partition; returns it with its name and its digest.
    fn compressed(&self, name: String, blob: &BlobId) -> Result<(String, (BlobId, u64), Sha256), BuildError> {
        let content = self.store.open(blob).map_err(|e| self.failed(e))?;
        let mut stream = Sha256Reader::new(GzipStream::new(content));
        let content = self.store.put(&mut stream).map_err(|e| self.failed(e))?;
        Ok((name, content, stream.finish()))
    }

    fn sha256(&self, blob: &BlobId) -> Result<Sha256, BuildError> {
        let mut content = Sha256Reader::new(self.store.open(blob).map_err(|e| self.failed(e))?);
        std::io::copy(&mut content, &mut std::io::sink()).map_err(|e| self.failed(e))?;
        Ok(content.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use kit_plan::derivation::{Image, ImageFormat};
    use kit_store::{Durability, Store};
    use kit_tree::{Entry, Mode};

    use super::*;
    use crate::workers::Threads;

    /// Puts the trees of the parts into a store, and returns the action that takes them.
    fn action(store: &Store, slot: u64) -> Image {
        let tree = |files: &[(&str, &[u8])]| {
            let mut tree = Tree::new();
            for (name, content) in files {
                let blob = store.put_bytes(content).expect("it is stored");
                let path = name.parse().expect("a path");
                tree.insert_file(path, Mode::FILE, blob, content.len() as u64).expect("a file");
            }
            Input::Tree(store.put_tree(&tree).expect("it is stored"))
        };
        let digest = [b"0123456789abcdef".repeat(2), b"fedcba9876543210".repeat(2), b"\n".to_vec()].concat();
        let update = Update {
            version: "1.4".to_owned(),
            label: "root".to_owned(),
            architecture: "x86_64".to_owned(),
            source: None,
            slot: Some(slot),
            uki: tree(&[("/demo.efi", b"MZ")]),
            root: tree(&[("/demo-erofs.img", &b"root".repeat(100_000))]),
            verity: tree(&[("/demo-verity.img", &[7; 8192]), ("/demo-roothash", &digest)]),
        };
        Image { name: "demo".to_owned(), source_date: 1, format: ImageFormat::Update(update) }
    }

    fn written(threads: usize) -> String {
        try_written(threads, 400_000).expect("it is written")
    }

    /// Writes an update for such a slot with so many threads, and returns its files, each with its size and its digest.
    #[expect(clippy::disallowed_methods, reason = "a test makes its own directory")]
    fn try_written(threads: usize, slot: u64) -> Result<String, BuildError> {
        let directory = tempfile::tempdir().expect("a directory");
        let authority = cap_std::ambient_authority();
        let dir = cap_std::fs::Dir::open_ambient_dir(directory.path(), authority).expect("it is there");
        let store = Store::open_with(dir, directory.path(), Durability::Kill, &mut || ()).expect("a store");
        let image = action(&store, slot);
        let threads = Threads::of_jobs(threads);
        let tree_of = |input: &Input| match input {
            Input::Tree(tree) => *tree,
            Input::Derivation(_) => unreachable!("because all of them are trees"),
        };
        let done = super::super::write(&store, threads, "update", &image, &tree_of)?;
        let tree = store.tree(&done.tree).expect("it is there");
        let mut text = String::new();
        for (path, entry) in tree.entries() {
            if let Entry::File { blob, size, .. } = entry {
                let content = store.read(blob, 1 << 20).expect("it is there");
                writeln!(text, "{path} {size} {}", Sha256::of(&content)).expect("a string takes it");
            }
        }
        Ok(text)
    }

    #[test]
    fn an_update_is_pinned_whatever_the_threads() {
        let one = written(1);
        assert_eq!(one, include_str!("update.txt"));
        for threads in [2, 7] {
            assert_eq!(written(threads), one);
        }
    }

    #[test]
    fn an_update_that_no_slot_takes_is_refused() {
        let error = try_written(1, 399_999).expect_err("its root has 400000 bytes");
        let words = "the root has 400000 bytes, 1 more than `slot-size`: a slot has 399999";
        assert_eq!(std::error::Error::source(&error).expect("a cause").to_string(), words);
        assert!(error.help().is_some_and(|help| help.contains("`exclude`")), "{:?}", error.help());
    }
}
