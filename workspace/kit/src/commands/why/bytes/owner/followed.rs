//! From step to step, as outputs are made of other outputs: a disk of a boot program of an initrd of a root.

use kit_format::locate::Located;
use kit_hash::{BlobId, DerivationId};
use kit_plan::Derivation;
use kit_plan::derivation::{Action, ImageFormat, Input};
use kit_recipe::image::Format;
use kit_tree::{Entry, Tree, TreePath};

use super::{Owner, Owners};
use crate::Failure;

/// Where a byte was followed to.
enum End<'l> {
    /// A file of what a step that writes no output came to.
    File(Input, TreePath),
    /// A piece that this step made itself.
    Piece(DerivationId, &'l Located),
}

impl Owners<'_> {
    /// Whether the output is made of others, and its bytes have to be followed.
    pub(super) fn is_laid_out(&self) -> bool {
        !matches!(
            self.output.format,
            Format::KernelInitrd
                | Format::Tar
                | Format::CompressedTar(_)
                | Format::Oci
                | Format::DockerArchive
        )
    }

    /// Returns whose a byte is.
    pub(super) fn followed(&self, found: &Located) -> Result<Option<Owner>, Failure> {
        match self.end(self.output.step, Some(self.output.blob), found)? {
            End::File(input, path) => self.traced(&input, &path, &path).map(Some),
            End::Piece(step, located) => match &located.extent.member {
                Some(member) => self.in_root_of(step, member),
                None => Ok(None),
            },
        }
    }

    /// Returns whose a member of the innermost archive is.
    pub(super) fn followed_member(
        &self,
        found: &Located,
        member: &TreePath,
    ) -> Result<Option<Owner>, Failure> {
        match self.end(self.output.step, Some(self.output.blob), found)? {
            End::Piece(step, _) => self.in_root_of(step, member),
            End::File(..) => Ok(None),
        }
    }

    fn in_root_of(&self, step: DerivationId, member: &TreePath) -> Result<Option<Owner>, Failure> {
        match self.root_of(step) {
            Some(root) if self.tree_of(&root)?.is_some_and(|tree| tree.get(member).is_some()) => {
                self.traced(&root, member, member).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn root_of(&self, step: DerivationId) -> Option<Input> {
        let Action::Image(image) = self.output.built.piece.plan.get(&step).map(Derivation::action)? else {
            return None;
        };
        match &image.format {
            ImageFormat::KernelInitrd { root, .. }
            | ImageFormat::Tar { root }
            | ImageFormat::CompressedTar { root, .. }
            | ImageFormat::FileSystem { root, .. } => Some(*root),
            ImageFormat::Iso { root, .. } => *root,
            _ => None,
        }
    }

    /// Follows a byte of a file that a step came to; `blob` is the file, where it isn't something inside of one.
    fn end<'l>(
        &self,
        step: DerivationId,
        blob: Option<BlobId>,
        located: &'l Located,
    ) -> Result<End<'l>, Failure> {
        // The whole file was taken over.
        if let Some((input, path)) = self.holder(step, blob, None)? {
            return self.onwards(input, path, blob, located);
        }
        let member = located.extent.member.as_ref();
        let is_of_root = match (member, self.root_of(step)) {
            (Some(member), Some(root)) => self.tree_of(&root)?.is_some_and(|tree| tree.get(member).is_some()),
            _ => false,
        };
        if is_of_root {
            return Ok(End::Piece(step, located));
        }
        let inner = located.inner.as_ref().map_or(located, |inner| &*inner.located);
        match (&located.part, &located.inner) {
            (Some(part), _) => match self.holder(step, Some(part.blob), member)? {
                Some((input, path)) => self.onwards(input, path, Some(part.blob), inner),
                None => Ok(End::Piece(step, located)),
            },
            (None, Some(inner)) => self.end(step, None, &inner.located),
            (None, None) => Ok(End::Piece(step, located)),
        }
    }

    fn onwards<'l>(
        &self,
        input: Input,
        path: TreePath,
        blob: Option<BlobId>,
        located: &'l Located,
    ) -> Result<End<'l>, Failure> {
        let plan = &self.output.built.piece.plan;
        match &input {
            Input::Derivation(id)
                if matches!(plan.get(id).map(Derivation::action), Some(Action::Image(_))) =>
            {
                self.end(*id, blob, located)
            }
            _ => Ok(End::File(input, path)),
        }
    }

    /// Returns the input of a step that has a file with this content, at `path` if it is there too.
    fn holder(
        &self,
        step: DerivationId,
        blob: Option<BlobId>,
        path: Option<&TreePath>,
    ) -> Result<Option<(Input, TreePath)>, Failure> {
        let (Some(blob), Some(derivation)) = (blob, self.output.built.piece.plan.get(&step)) else {
            return Ok(None);
        };
        let is_it = |entry: &Entry| matches!(entry, Entry::File { blob: found, .. } if *found == blob);
        for input in derivation.action().inputs() {
            let Some(tree) = self.tree_of(&input)? else { continue };
            if let Some(path) = path.filter(|path| tree.get(path).is_some_and(is_it)) {
                return Ok(Some((input, path.clone())));
            }
            if let Some((path, _)) = tree.entries().find(|(_, entry)| is_it(entry)) {
                let path = path.clone();
                return Ok(Some((input, path)));
            }
        }
        Ok(None)
    }

    /// Returns what an input is, where the store still has it.
    fn tree_of(&self, input: &Input) -> Result<Option<Tree>, Failure> {
        let id = match input {
            Input::Tree(id) => *id,
            Input::Derivation(id) => {
                let Some(resolved) = self.store.memo(id)? else { return Ok(None) };
                let Some(record) = self.store.record(&resolved)? else { return Ok(None) };
                record.tree
            }
        };
        Ok(Some(self.store.tree(&id)?))
    }
}
