//! Trees that are written, and the programs of others that read them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use kit_format::layout::Layout;
use kit_tests::TestProject;
use kit_tests::booted::anyone_may;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Mode, Tree, TreePath};

pub(super) fn path(text: &str) -> TreePath {
    text.parse().expect("a path")
}

/// Puts a file of root.
pub(super) fn put(tree: &mut Tree, blobs: &MemoryBlobs, name: &str, bytes: &[u8]) {
    let blob = blobs.insert(bytes.to_vec());
    tree.insert_file(path(name), Mode::FILE, blob, bytes.len() as u64).expect("a place");
}

/// Writes what is laid out as a file of the project, which a machine may have as its disk, and returns its bytes.
pub(super) fn write(project: &TestProject, name: &str, layout: &Layout, blobs: &MemoryBlobs) -> Vec<u8> {
    let mut bytes = Vec::new();
    layout.stream(blobs).read_to_end(&mut bytes).expect("everything is in memory");
    project.write_bytes(name, &bytes);
    // The emulator may be another user than the one who tests.
    anyone_may(&project.path().join(name), 0o666);
    bytes
}

/// Runs a program of `disk-tools` in the project and returns what it printed.
pub(super) fn tool(project: &TestProject, command: &[&str]) -> String {
    project.kit(&[&["tool", "disk-tools", "--"], command].concat()).succeeded().stdout
}

/// `kit serve`, until it is dropped.
pub(super) struct Server {
    child: Child,
    host: String,
    /// What of the address that it prints is behind the host.
    pub(super) path: String,
}

impl Server {
    /// Serves what the arguments say.
    pub(super) fn start(project: &TestProject, arguments: &[&str]) -> Self {
        let mut command = project.command(&[&["serve"], arguments, &["--port", "0"]].concat());
        let command = command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("kit runs");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut address).expect("a line");
        let address = address.trim().strip_prefix("http://").expect("an address");
        let (host, path) = address.split_once('/').expect("a path");
        Self { child, host: host.to_owned(), path: path.to_owned() }
    }

    /// Asks for a path, with more fields of the header; returns the whole answer.
    pub(super) fn get(&self, path: &str, fields: &str) -> Vec<u8> {
        let host = &self.host;
        let mut stream = TcpStream::connect(host).expect("it listens");
        write!(stream, "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{fields}\r\n")
            .expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        answer
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it is our own");
    }
}
