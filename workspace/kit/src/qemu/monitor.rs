//! QEMU's machine protocol (QMP) over its socket, as far as asking a machine to go down in order.

use std::io::{self, BufReader, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Presses the machine's power button.
pub(crate) fn power_down(scratch: &Path) -> io::Result<()> {
    let stream = connect(scratch)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    // The greeting.
    read_line(&mut reader)?;
    for command in ["qmp_capabilities", "system_powerdown"] {
        writeln!(&stream, "{{\"execute\":\"{command}\"}}")?;
        loop {
            let line = read_line(&mut reader)?;
            if line.contains("\"error\"") {
                return Err(io::Error::other(line));
            }
            if line.contains("\"return\"") {
                break;
            }
        }
    }
    Ok(())
}

/// Connects through a handle of the directory: a socket's path may have 107 bytes at most, a store's may have more.
fn connect(scratch: &Path) -> io::Result<UnixStream> {
    let dir = rustix::fs::open(
        scratch,
        rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    UnixStream::connect(format!("/proc/self/fd/{}/monitor", dir.as_raw_fd()))
}

fn read_line(reader: &mut impl io::BufRead) -> io::Result<String> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line)
}
