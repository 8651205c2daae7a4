//! Archives of trees.

use kit_format::compression::{GzipStream, ZstdStream, zstd::ZstdOptions};
use kit_format::tar::TarStream;
use kit_recipe::image::TarCompression;
use kit_tree::Tree;

use super::Writer;
use crate::BuildError;

/// As for initrds.
const LEVEL: i32 = 9;

impl Writer<'_> {
    pub(super) fn tar(&self, root: &Tree, suffix: &str) -> Result<Tree, BuildError> {
        let mut stream = TarStream::new(root, self.store, self.mtime()?).map_err(|e| self.failed(e))?;
        let mut tree = Tree::new();
        self.put_stream(&mut tree, suffix, &mut stream)?;
        Ok(tree)
    }

    pub(super) fn compressed_tar(
        &self,
        root: &Tree,
        compression: TarCompression,
    ) -> Result<Tree, BuildError> {
        let stream = TarStream::new(root, self.store, self.mtime()?).map_err(|e| self.failed(e))?;
        let mut tree = Tree::new();
        match compression {
            TarCompression::Gzip => self.put_stream(&mut tree, ".tar.gz", &mut GzipStream::new(stream))?,
            TarCompression::Zstd => {
                let size = stream.total_len();
                let options = ZstdOptions { level: LEVEL, workers: self.stream_threads() };
                let mut stream = ZstdStream::new(stream, size, options).map_err(|e| self.failed(e))?;
                self.put_stream(&mut tree, ".tar.zst", &mut stream)?;
            }
        }
        Ok(tree)
    }
}
