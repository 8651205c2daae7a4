//! Compact discs, which are disks with partitions too.

use kit_format::iso;
use kit_hash::TreeId;
use kit_plan::derivation::{Input, Loaders};
use kit_tree::Tree;

use super::Writer;
use super::boot_program::{Started, Wanted};
use crate::BuildError;

/// Where a disc has what a BIOS starts.
const BIOS_IMAGE: &str = "/boot/bios.img";

/// A disc to be written.
pub(super) struct Disc<'d> {
    /// What stands behind the image's name.
    pub(super) suffix: &'d str,
    /// What the disc is called.
    pub(super) label: &'d str,
    /// What is on it, where that is more than what firmware starts.
    pub(super) root: Option<&'d Input>,
}

impl Writer<'_> {
    pub(super) fn disc(
        &self,
        disc: &Disc<'_>,
        loaders: &Loaders,
        tree_of: &dyn Fn(&Input) -> TreeId,
    ) -> Result<Tree, BuildError> {
        let mut started = self.started(loaders, tree_of)?;
        let mut tree = match disc.root {
            Some(root) => self.store.tree(&tree_of(root))?,
            None => Tree::new(),
        };
        let bios = match started.bios.take() {
            Some((loader, boot)) => {
                self.add_for_bios(&mut tree, &boot)?;
                let image = self.loader(&loader, "eltorito.img")?;
                let blob = self.store.put_bytes(&image)?;
                self.add(&mut tree, BIOS_IMAGE, (blob, image.len() as u64))?;
                let image = BIOS_IMAGE.parse().expect("because it is a constant path");
                Some(iso::BiosBoot { image, hybrid_mbr: Some(self.loader(&loader, "hybrid.img")?) })
            }
            None => None,
        };
        // Where it lies is not known here, and firmware doesn't ask.
        let efi = match &started {
            Started { uki: Some(_), .. } => Some(self.boot_partition(&started, 0, &Wanted::default())?),
            Started { uki: None, .. } => None,
        };
        let mtime = self.image.source_date;
        let options = iso::Options { label: disc.label.to_owned(), mtime, bios, efi, hybrid: true };
        let layout = iso::layout(&tree, self.store, &options).map_err(|e| self.failed(e))?;
        let mut written = Tree::new();
        self.put_layout(&mut written, disc.suffix, "ISO 9660 disc", &layout)?;
        Ok(written)
    }
}
