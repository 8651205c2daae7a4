//! Files that take no room on the disk where they are zero.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};

/// A piece of this many zeros becomes a hole: what file systems have as a block, and disks as a cluster, many times over.
const HOLE: usize = 64 << 10;

/// Writes an empty file from its start to its end, and leaves holes where there are long runs of zeros.
#[derive(Debug)]
pub struct SparseWriter<'f> {
    file: &'f mut File,
    written: u64,
    ends_with_hole: bool,
}

impl<'f> SparseWriter<'f> {
    /// Starts at the beginning of a file, which is empty.
    pub fn new(file: &'f mut File) -> Self {
        Self { file, written: 0, ends_with_hole: false }
    }

    /// Writes bytes behind those that were written.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // Pieces begin at multiples of their size, whatever the caller's buffer is.
            let to_border = HOLE as u64 - self.written % HOLE as u64;
            let length = rest.len().min(usize::try_from(to_border).unwrap_or(HOLE));
            let (piece, behind) = rest.split_at(length);
            if piece.iter().all(|byte| *byte == 0) {
                self.file.seek(SeekFrom::Current(i64::try_from(length).map_err(io::Error::other)?))?;
                self.ends_with_hole = true;
            } else {
                self.file.write_all(piece)?;
                self.ends_with_hole = false;
            }
            self.written += length as u64;
            rest = behind;
        }
        Ok(())
    }

    /// Gives the file its length, where it ends with a hole; returns how many bytes it has.
    pub fn finish(self) -> io::Result<u64> {
        if self.ends_with_hole {
            self.file.set_len(self.written)?;
        }
        Ok(self.written)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn long_zeros_take_no_room_and_are_read_back() {
        let mut file = tempfile::tempfile().expect("a file is made");
        let mut content = vec![0; 3 << 20];
        content[10] = 1;
        content[(2 << 20) + 5] = 2;
        let mut writer = SparseWriter::new(&mut file);
        for piece in content.chunks(100_000) {
            writer.write(piece).expect("it is written");
        }
        assert_eq!(writer.finish().expect("it is finished"), 3 << 20);
        let mut read = Vec::new();
        file.seek(SeekFrom::Start(0)).expect("it is there");
        file.read_to_end(&mut read).expect("it is read");
        assert!(read == content);
        // In memory there may be no blocks to count.
        assert!(file.metadata().expect("it is there").blocks() * 512 <= 1 << 20);
    }
}
