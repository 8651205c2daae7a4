//! A file whose zeros aren't on the disk.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt as _;

/// What becomes a hole when it is all zero: as large as a cluster of most disks, so that files have few pieces.
const BLOCK: usize = 64 << 10;

/// How much of a stream is read at once, in bytes.
const STEP: usize = 256 << 10;

static ZEROS: [u8; BLOCK] = [0; BLOCK];

/// Writes a new, empty file, in which whole blocks of zeros become holes.
#[derive(Debug)]
pub struct SparseFile<'a> {
    file: &'a File,
    at: u64,
    /// What is behind was never written.
    end: u64,
}

impl<'a> SparseFile<'a> {
    /// Starts at the beginning of an empty file.
    pub fn new(file: &'a File) -> Self {
        Self { file, at: 0, end: 0 }
    }

    /// Writes a whole stream and gives the file its length.
    pub fn fill(mut self, content: &mut dyn Read) -> io::Result<()> {
        let mut buffer = vec![0; STEP];
        loop {
            match content.read(&mut buffer) {
                Ok(0) => return self.finish(),
                Ok(count) => self.write_all(&buffer[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the file its length, which a hole at the end doesn't.
    pub fn finish(self) -> io::Result<()> {
        self.file.set_len(self.end)
    }

    /// Returns how many of the bytes belong together, and whether they are blocks of zeros that nothing has to be written for.
    fn run(&self, bytes: &[u8]) -> (usize, bool) {
        if self.at < self.end {
            let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
            return (bytes.len().min(left), false);
        }
        let into = usize::try_from(self.at % BLOCK as u64).unwrap_or(0);
        let first = bytes.len().min(BLOCK - into);
        let is_zero = |block: &[u8]| block == &ZEROS[..block.len()];
        let skipped = is_zero(&bytes[..first]);
        let more = bytes[first..].chunks(BLOCK).take_while(|block| is_zero(block) == skipped);
        (first + more.map(<[u8]>::len).sum::<usize>(), skipped)
    }
}

impl Write for SparseFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (count, skipped) = self.run(bytes);
        if !skipped {
            self.file.write_all_at(&bytes[..count], self.at)?;
        }
        self.at += count as u64;
        self.end = self.end.max(self.at);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for SparseFile<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let to = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = to.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn zeros_become_holes_and_bytes_stay() {
        let mut file = tempfile::tempfile().unwrap();
        let mut sparse = SparseFile::new(&file);
        sparse.write_all(&[0; 100]).unwrap();
        sparse.write_all(&[1; 10]).unwrap();
        sparse.write_all(&vec![0; 1 << 20]).unwrap();
        sparse.seek(SeekFrom::Start(4 << 20)).unwrap();
        sparse.write_all(&[2; 5000]).unwrap();
        sparse.write_all(&vec![0; 1 << 20]).unwrap();
        // What was written stays, unless zeros are written over it.
        sparse.rewind().unwrap();
        sparse.write_all(&[3; 105]).unwrap();
        sparse.write_all(&[0; 2]).unwrap();
        sparse.finish().unwrap();
        let mut expected =
            [vec![3; 105], vec![0; 2], vec![1; 3], vec![0; (4 << 20) - 110], vec![2; 5000]].concat();
        expected.resize((5 << 20) + 5000, 0);
        let mut found = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        file.read_to_end(&mut found).unwrap();
        assert!(found == expected);
        assert!(file.metadata().unwrap().blocks() * 512 <= 64 << 10, "most of it is holes");
    }
}
