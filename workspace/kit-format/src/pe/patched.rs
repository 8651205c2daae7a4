//! A stream with some of its bytes replaced.

use std::io::{self, Read};

/// Bytes to be put in the place of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where they go.
    pub at: u64,
    /// What is there then.
    pub bytes: Vec<u8>,
}

/// Reads the first bytes of a stream with some of them replaced; an end before that is an error.
#[derive(Debug)]
pub struct Patched<R> {
    reader: R,
    patches: Vec<Patch>,
    offset: u64,
    length: u64,
}

impl<R: Read> Patched<R> {
    /// Reads `length` bytes of a reader.
    pub fn new(reader: R, length: u64, patches: Vec<Patch>) -> Self {
        Self { reader, patches, offset: 0, length }
    }
}

impl<R: Read> Read for Patched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length - self.offset).unwrap_or(usize::MAX);
        let wanted = left.min(buffer.len());
        let count = self.reader.read(&mut buffer[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let end = self.offset + count as u64;
        for patch in &self.patches {
            let start = patch.at.max(self.offset);
            let stop = (patch.at + patch.bytes.len() as u64).min(end);
            for at in start..stop {
                let from = usize::try_from(at - patch.at).expect("because a patch is in memory");
                let to = usize::try_from(at - self.offset).expect("because a buffer is in memory");
                buffer[to] = patch.bytes[from];
            }
        }
        self.offset = end;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_replaced_wherever_reads_end() {
        for step in 1..8 {
            let patches =
                vec![Patch { at: 2, bytes: b"CDE".to_vec() }, Patch { at: 6, bytes: b"G".to_vec() }];
            let mut patched = Patched::new(&b"abcdefghij"[..], 8, patches);
            let mut all: Vec<u8> = Vec::new();
            let mut buffer = vec![0; step];
            loop {
                let count = patched.read(&mut buffer).unwrap();
                all.extend(&buffer[..count]);
                if count == 0 {
                    break;
                }
            }
            assert_eq!(all, *b"abCDEfGh");
        }
        let mut short = Patched::new(&b"abc"[..], 8, Vec::new());
        assert_eq!(short.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
