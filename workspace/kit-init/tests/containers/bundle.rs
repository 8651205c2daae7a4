//! Bundles on disk, and what comes of running them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A bundle that runs `sh -c SCRIPT`, to be changed by the tests.
pub(crate) struct Bundle {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) script: String,
    /// More members of `process`, `linux` and the document, and more mounts; each begins with a comma.
    pub(crate) process: String,
    pub(crate) linux: String,
    pub(crate) root: String,
    pub(crate) mounts: String,
    pub(crate) readonly: bool,
    /// Texts of the finished configuration to replace.
    pub(crate) replace: Vec<(String, String)>,
}

impl Bundle {
    pub(crate) fn new(name: &str, script: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        let rootfs = path.join("rootfs");
        for directory in ["usr", "proc", "dev", "tmp", "etc", "hidden/inside", "locked"] {
            fs::create_dir_all(rootfs.join(directory)).unwrap();
        }
        for link in ["bin", "sbin", "lib", "lib64"] {
            if let Ok(target) = fs::read_link(Path::new("/").join(link)) {
                symlink(target, rootfs.join(link)).unwrap();
            }
        }
        fs::write(rootfs.join("etc/secret"), "secret\n").unwrap();
        fs::write(rootfs.join("hidden/file"), "hidden\n").unwrap();
        fs::write(rootfs.join("locked/file"), "old\n").unwrap();
        Self {
            name: name.to_owned(),
            path,
            script: script.to_owned(),
            process: String::new(),
            linux: String::new(),
            root: String::new(),
            mounts: String::new(),
            readonly: true,
            replace: Vec::new(),
        }
    }

    fn config(&self) -> String {
        let meta = fs::metadata(&self.path).unwrap();
        let Self { script, process, linux, root, mounts, readonly, .. } = self;
        let namespaces: Vec<String> = ["user", "mount", "pid", "network", "ipc", "uts"]
            .iter()
            .map(|kind| format!(r#"{{"type": "{kind}"}}"#))
            .collect();
        let map = |id| format!(r#"[{{"containerID": 0, "hostID": {id}, "size": 1}}]"#);
        let mut text = String::new();
        write!(
            text,
            r#"{{
                "ociVersion": "1.0.2",
                "process": {{"args": ["sh", "-c", {script:?}], "cwd": "/",
                    "env": ["PATH=/usr/bin:/bin", "GREETING=hello"], "noNewPrivileges": true{process}}},
                "root": {{"path": "rootfs", "readonly": {readonly}}},
                "mounts": [
                    {{"destination": "/usr", "source": "/usr", "options": ["rbind", "ro", "nosuid"]}},
                    {{"destination": "/proc", "type": "proc", "options": ["nosuid", "noexec", "nodev"]}},
                    {{"destination": "/dev", "type": "tmpfs", "options": ["nosuid", "mode=755", "size=64k", "ro"]}},
                    {{"destination": "/dev/shm", "type": "tmpfs", "options": ["nosuid", "size=1m"]}}{mounts}],
                "linux": {{"namespaces": [{}], "uidMappings": {}, "gidMappings": {}{linux}}}{root}
            }}"#,
            namespaces.join(","),
            map(meta.uid()),
            map(meta.gid()),
        )
        .unwrap();
        text
    }

    /// Has another text in the configuration in place of this one.
    pub(crate) fn replace(&mut self, from: &str, to: &str) {
        self.replace.push((from.to_owned(), to.to_owned()));
    }

    /// Takes the namespaces of a process in place of new ones of these kinds.
    pub(crate) fn join(&mut self, process: u32, kinds: &[(&str, &str)]) {
        for (kind, name) in kinds {
            self.join_at(kind, &format!("/proc/{process}/ns/{name}"));
        }
    }

    /// Takes the namespace at a path in place of a new one.
    pub(crate) fn join_at(&mut self, kind: &str, path: &str) {
        let new = format!(r#"{{"type": "{kind}"}}"#);
        self.replace(&new, &format!(r#"{{"type": "{kind}", "path": "{path}"}}"#));
    }

    /// Starts it.
    pub(crate) fn command(&self) -> Command {
        let mut config = self.config();
        for (from, to) in &self.replace {
            assert!(config.contains(from), "{from} in {config}");
            config = config.replace(from, to);
        }
        fs::write(self.path.join("config.json"), config).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kit-init"));
        command.arg("run").arg(&self.path);
        command
    }

    /// Runs it and removes its folder.
    pub(crate) fn run(self) -> Outcome {
        self.run_and(|_| ())
    }

    /// Runs it, looks at its folder, and removes that.
    pub(crate) fn run_and(self, look: impl FnOnce(&Path)) -> Outcome {
        let output = self.command().output().unwrap();
        look(&self.path);
        fs::remove_dir_all(&self.path).unwrap();
        Outcome::new(&output, &format!("{}: ", self.name))
    }
}

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Option<i32>,
    /// The container's lines, without its name.
    pub(crate) lines: Vec<String>,
    pub(crate) complaint: String,
}

impl Outcome {
    pub(crate) fn new(output: &Output, prefix: &str) -> Self {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let line = |line: &str| line.strip_prefix(prefix).unwrap_or_else(|| panic!("{line:?}")).to_owned();
        let complaint = String::from_utf8(output.stderr.clone()).unwrap();
        Self { code: output.status.code(), lines: text.lines().map(line).collect(), complaint }
    }
}
