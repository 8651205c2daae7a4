//! A registry that people use, from its locked package; it ends with the test.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::TestProject;

/// Debian's `docker-registry`, which keeps what it has in the project's directory `registry`.
#[derive(Debug)]
pub struct Registry {
    child: Child,
    /// Its address, `http://127.0.0.1:port`.
    pub base: String,
    blobs: PathBuf,
}

impl Registry {
    /// Starts it in a project that has its tools.
    pub fn start(project: &TestProject) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has an address");
        drop(listener);
        project.write(
            "registry.yml",
            &format!(
                "version: 0.1\nlog: {{ level: error }}\nstorage: {{ filesystem: {{ rootdirectory: /work/registry }} }}\n\
                 http: {{ addr: \"{address}\" }}\n"
            ),
        );
        let command =
            ["tool", "--network", "docker-registry", "--", "docker-registry", "serve", "/work/registry.yml"];
        let log = std::fs::File::create(project.path().join("registry.log")).expect("it can be made");
        let mut child =
            project.command(&command).stdout(Stdio::null()).stderr(log).spawn().expect("kit runs");
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(started.elapsed() < Duration::from_mins(5), "the registry doesn't start");
            assert!(
                child.try_wait().is_ok_and(|status| status.is_none()),
                "{}",
                project.read("registry.log")
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        let blobs = project.path().join("registry/docker/registry/v2/blobs/sha256");
        Self { child, base: format!("http://{address}"), blobs }
    }

    /// Returns host and port, as references have them.
    pub fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// Returns how many blobs and documents it keeps, and their bytes: what was sent, whoever counts.
    pub fn kept(&self) -> (usize, u64) {
        let (mut count, mut bytes) = (0, 0);
        for entry in walkdir::WalkDir::new(&self.blobs).into_iter().flatten() {
            if entry.file_name() == "data" {
                count += 1;
                bytes += entry.metadata().expect("it is there").len();
            }
        }
        (count, bytes)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
