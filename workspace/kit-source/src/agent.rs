//! The socket of an SSH agent: one request, one answer.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an agent may take: somebody may have to touch a device.
const PATIENCE: Duration = Duration::from_mins(2);

/// Sends a request and returns what follows the four bytes of the answer's size. `size` reads those, and refuses what is too large.
pub fn exchange(
    socket: &Path,
    request: &[u8],
    size: &dyn Fn([u8; 4]) -> io::Result<usize>,
) -> io::Result<Vec<u8>> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(request)?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; size(length)?];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_request_has_one_answer_of_its_size() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("agent");
        let listener = UnixListener::bind(&path).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for answer in [&b"\0\0\0\x03abcd"[..], b"\0\0\0\x05ab", b"\xff\0\0\0"] {
                    let (mut stream, _) = listener.accept().unwrap();
                    let mut request = [0; 2];
                    stream.read_exact(&mut request).unwrap();
                    assert_eq!(request, *b"hi");
                    stream.write_all(answer).unwrap();
                }
            });
            let size = |bytes: [u8; 4]| match u32::from_be_bytes(bytes) {
                size @ 0..100 => Ok(size as usize),
                _ => Err(io::ErrorKind::FileTooLarge.into()),
            };
            assert_eq!(exchange(&path, b"hi", &size).unwrap(), b"abc");
            assert_eq!(exchange(&path, b"hi", &size).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
            assert_eq!(exchange(&path, b"hi", &size).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        });
    }
}
