//! The tools whose keys and signatures kit makes and checks: `ssh-keygen`, `ssh-agent`, minisign and openssl, from their locked packages.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::program::repository;
use crate::{Said, TestProject};

fn arguments<'a>(place: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    [&["--project", place, "tool", "signers", "--"], arguments].concat()
}

fn place() -> String {
    repository().join("tests/signers").display().to_string()
}

/// Runs one of the tools on files of a project.
pub fn tool(project: &TestProject, wanted: &[&str]) -> Said {
    project.kit(&arguments(&place(), wanted))
}

/// Runs one of the tools with a file of a project on its standard input.
pub fn tool_reading(project: &TestProject, file: &str, wanted: &[&str]) -> Said {
    let mut command = project.command(&arguments(&place(), wanted));
    command.stdin(File::open(project.path().join(file)).expect("it is there"));
    Said::from_output(&command.output().expect("kit runs"))
}

/// Makes a key of OpenSSH: `name` and `name.pub`.
pub fn ssh_key(project: &TestProject, name: &str, kind: &[&str]) {
    let start = ["ssh-keygen", "-q", "-N", "", "-C", name, "-f", name];
    tool(project, &[&start, kind].concat()).succeeded();
}

/// Makes a key over P-256 in PEM files: `name` and `name.pub`.
pub fn pem_key(project: &TestProject, name: &str) {
    let kind = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    tool(project, &[&["openssl", "genpkey", "-out", name], &kind[..]].concat()).succeeded();
    tool(project, &["openssl", "pkey", "-in", name, "-pubout", "-out", &format!("{name}.pub")]).succeeded();
}

/// Lets a project trust the keys in `NAME.pub`.
pub fn trust(project: &TestProject, names: &[&str], needed: usize) {
    let keys = names.iter().map(|name| format!("{name} = \"{name}.pub\"\n")).collect::<Vec<_>>().concat();
    project.write("kit.toml", &format!("[signatures]\nneeded = {needed}\n[signatures.keys]\n{keys}"));
}

/// OpenSSH's agent; it ends with the test.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    socket: PathBuf,
}

impl Agent {
    /// Starts one whose socket is in a project.
    pub fn start(project: &TestProject) -> Self {
        let socket = project.path().join("agent");
        let wanted = ["ssh-agent", "-D", "-a", "/work/agent"];
        let mut command = project.command(&arguments(&place(), &wanted));
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("kit runs");
        let mut agent = Self { child, socket };
        let started = Instant::now();
        while UnixStream::connect(&agent.socket).is_err() {
            assert!(started.elapsed() < Duration::from_mins(5), "the agent doesn't start");
            assert!(agent.child.try_wait().is_ok_and(|status| status.is_none()), "the agent ended");
            std::thread::sleep(Duration::from_millis(50));
        }
        agent
    }

    /// Gives it the key in a private key file without a passphrase, in the message that `ssh-add` sends: what the file has of the key.
    pub fn add(&self, private_key: &str) {
        const ADD: u8 = 17;
        const SUCCESS: u8 = 6;
        let lines: String = private_key.lines().filter(|line| !line.starts_with("-----")).collect();
        let bytes = STANDARD.decode(lines).expect("it is base64");
        let rest = bytes.strip_prefix(b"openssh-key-v1\0").expect("it is a key of OpenSSH");
        let ([cipher, _, _], rest) = strings(rest);
        assert_eq!(cipher, b"none");
        // How many keys there are, the public half, and all of it.
        let ([_, private], _) = strings(&rest[4..]);
        let padding = (1..8).rev().find(|count| private.ends_with(&[1, 2, 3, 4, 5, 6, 7][..*count]));
        let key = &private[8..private.len() - padding.unwrap_or(0)];
        let size = u32::try_from(key.len() + 1).expect("a key is small");
        let mut stream = UnixStream::connect(&self.socket).expect("the agent listens");
        stream.write_all(&[&size.to_be_bytes(), [ADD].as_slice(), key].concat()).expect("it reads");
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).expect("it answers");
        assert_eq!(answer, [0, 0, 0, 1, SUCCESS]);
    }

    /// Runs kit with it.
    pub fn kit(&self, project: &TestProject, arguments: &[&str]) -> Said {
        let mut command = project.command(arguments);
        command.env("SSH_AUTH_SOCK", &self.socket);
        Said::from_output(&command.output().expect("kit runs"))
    }
}

/// Reads strings as SSH writes them.
fn strings<const COUNT: usize>(mut rest: &[u8]) -> ([&[u8]; COUNT], &[u8]) {
    let strings = std::array::from_fn(|_| {
        let (size, after) = rest.split_at(4);
        let size = u32::from_be_bytes(size.try_into().expect("four bytes"));
        let (string, after) = after.split_at(usize::try_from(size).expect("it is small"));
        rest = after;
        string
    });
    (strings, rest)
}

impl Drop for Agent {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
