//! The installed program alone: in an empty directory elsewhere, with nothing of this repository but what it embeds.
#![expect(clippy::disallowed_methods, reason = "tests copy the program and start it")]

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use kit_tests::{Said, program};
use tempfile::TempDir;

/// Somebody who isn't root and has no account.
const NOBODY: u32 = 65534;
/// The parts of a store that everything else can be made from.
const STORE: [&str; 6] = ["version", "objects", "trees", "records", "memo", "sha256"];

/// A place with the program, an empty directory to work in, and a store.
struct Installation {
    top: TempDir,
    store: PathBuf,
    user: Option<u32>,
}

impl Installation {
    /// Installs for whoever runs the test, with the store that the tests share.
    fn new() -> Self {
        let top = tempfile::Builder::new().prefix("kit-installed-").tempdir().expect("a directory");
        let installation = Self { top, store: program::shared_store(), user: None };
        std::fs::create_dir(installation.work()).expect("it is new");
        copy(&[program::kit().to_owned()], &installation.top.path().join("kit"));
        installation
    }

    /// Installs for an ordinary user, with a copy of what the store that the tests share has; takes root.
    fn for_nobody() -> Self {
        let mut installation = Self::new();
        let top = installation.top.path();
        std::fs::set_permissions(top, PermissionsExt::from_mode(0o755)).expect("it is ours");
        chown(installation.work(), Some(NOBODY), Some(NOBODY)).expect("root may");
        let store = top.join("work/.store");
        std::fs::create_dir(&store).expect("it is new");
        copy(&STORE.map(|part| program::shared_store().join(part)), &store);
        let owner = format!("{NOBODY}:{NOBODY}");
        let chown = Command::new("chown").args(["--recursive", &owner]).arg(&store).status();
        assert!(chown.expect("the machine has coreutils").success());
        installation.store = store;
        installation.user = Some(NOBODY);
        installation
    }

    fn work(&self) -> PathBuf {
        self.top.path().join("work")
    }

    /// Runs the program in a directory below the one to work in, with an environment of next to nothing.
    fn kit(&self, directory: &str, arguments: &[&str]) -> Said {
        let program = self.top.path().join("kit");
        let mut command = match self.user {
            None => Command::new(program),
            Some(user) => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", &user.to_string(), "--regid", &user.to_string(), "--clear-groups"]);
                command.arg(program);
                command
            }
        };
        command.args(arguments).current_dir(self.work().join(directory)).env_clear();
        command.env("KIT_STORE", &self.store);
        // Where cargo is, which fetches crates; another user has none, and needs none when they are in the store.
        for name in ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"] {
            if let (None, Some(value)) = (self.user, std::env::var_os(name)) {
                command.env(name, value);
            }
        }
        if self.user.is_some() {
            command.env("PATH", "/usr/bin:/bin").env("HOME", self.work());
        }
        Said::from_output(&command.output().expect("it runs"))
    }

    /// Runs a command line that begins with `kit`.
    fn line(&self, directory: &str, line: &str) -> Said {
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[0], "kit", "{line}");
        self.kit(directory, &words[1..])
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.work().join(path)).expect("a file")
    }
}

/// Copies by a program of its own: as long as this one has a program open for writing, no thread of it can start that.
fn copy(from: &[PathBuf], to: &Path) {
    let status = Command::new("cp").arg("--recursive").args(from).arg(to).status();
    assert!(status.expect("the machine has coreutils").success());
}

/// Makes a project, follows what `kit init` says, then what its CI example does.
fn works_as_promised(installation: &Installation) {
    let said = installation.kit("", &["init", "demo"]).succeeded();
    let files: Vec<_> = said.stdout.lines().collect();
    let expected = [
        "demo/recipes/images/demo.toml",
        "demo/kit.toml",
        "demo/.gitignore",
        "demo/.github/workflows/image.yml",
    ];
    assert_eq!(files, expected);

    // `kit COMMAND`, then two spaces or more, then what it is for.
    let hint = |line: &str| Some(line.strip_prefix("  ").filter(|line| line.starts_with("kit "))?.to_owned());
    let hints: Vec<_> = said.stderr.lines().filter_map(hint).collect();
    let hints: Vec<_> = hints.iter().map(|hint| hint.split("  ").next().unwrap_or_default()).collect();
    assert_eq!(hints, ["kit lock", "kit build", "kit run --until ready"]);
    assert!(said.stderr.contains("  cd demo\n"), "{said}");

    installation.kit("demo", &["check"]).succeeded();
    let locked = installation.line("demo", hints[0]).succeeded();
    assert_eq!(locked.stdout, "lockfiles/demo.lock\n");
    let lock = installation.read("demo/lockfiles/demo.lock");
    let built = installation.line("demo", hints[1]).succeeded();
    assert_eq!(built.stdout, "out/demo-cmdline\nout/demo-initrd.img\nout/demo-kernel\n");

    let workflow = installation.read("demo/.github/workflows/image.yml");
    let steps: Vec<_> = workflow.lines().filter_map(|line| line.trim().strip_prefix("- run: ")).collect();
    assert_eq!(steps, ["kit lock --check", "kit build", "kit run --until ready --timeout 300"]);
    let said: Vec<_> = steps.iter().map(|step| installation.line("demo", step).succeeded()).collect();
    let said = &said[2];
    assert!(said.stdout.contains("hello: ready"), "{said}");
    assert!(said.stderr.contains("powered off in order"), "{said}");
    assert_eq!(installation.read("demo/lockfiles/demo.lock"), lock, "nothing of this changes a lockfile");
}

#[test]
fn the_program_alone_makes_locks_builds_and_runs_a_project() {
    let installation = Installation::new();
    works_as_promised(&installation);
    if is_root() {
        // What was just fetched and built is in the store that is copied.
        works_as_promised(&Installation::for_nobody());
    }
}

fn is_root() -> bool {
    Path::new("/proc/self").metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

#[test]
fn the_program_has_no_project_where_there_is_none() {
    let installation = Installation::new();
    installation.kit("", &["build"]).failed(2, &["kit::project::none", "run `kit init DIR`"]);
}
