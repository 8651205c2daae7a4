//! The formats of an image whose root is there, each by the command that a user would give.
//!
//! The root has the size of that which LinuxKit was measured with on this kind of machine; LinuxKit itself isn't at hand, so its figures
//! are those that were noted then. The steps of a format are forgotten before it is measured, and its files removed.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use kit_recipe::Lockfile;
use kit_tests::{TestProject, program};

use super::{memory, package, ratio, walls};
use crate::process::{self, Watched};
use crate::stores;
use crate::table::{Row, Runs, millis};

const RUNS: usize = 5;
const QUICK_RUNS: usize = 30;
/// With all that they depend on, these are 207 MB.
const PACKAGES: [&str; 2] = ["python3", "qemu-system-x86"];
/// What LinuxKit took for a root of 207 MB on two processors, at least, in milliseconds.
const LINUXKIT: [(&str, f64, &str); 2] =
    [("kernel+initrd", 6_700.0, "at least 5 times"), ("tar", 2_700.0, "at least 3 times")];
const DISKS: [&str; 2] = ["raw-efi", "raw-hybrid"];
/// Until a file system that counts in steps of two seconds can tell that a file was changed again.
const SETTLED: Duration = Duration::from_secs(4);
const MB: u64 = 1_000_000;

const IMAGE: &str = r#"
[image]
name = "half"
formats = ["kernel+initrd", "tar", "kernel+erofs", "raw-efi", "raw-hybrid"]

[kernel]
package = "kernel-debian"
cmdline = "console=ttyS0"

[init]
packages = ["init"]

[[service]]
name = "half"
package = "half"

[disk]
root = "erofs"
"#;

pub(crate) fn measure() -> Vec<Row> {
    let image = Image::lock();
    let mut rows = image.beside_linuxkit();
    rows.extend(image.second());
    rows.extend(DISKS.iter().flat_map(|disk| image.disk(disk)));
    rows.extend(image.nothing());
    rows
}

/// An image that is locked, with all of its steps in a store of its own.
struct Image {
    project: TestProject,
    lock: Lockfile,
}

impl Image {
    fn lock() -> Self {
        // What is fetched and unpacked is kept for other runs.
        let base = TestProject::new();
        base.take("recipes/images/minimal.toml").take("lockfiles/minimal.lock").kit(&["build"]).succeeded();
        base.write("recipes/packages/half.toml", &package("half", &PACKAGES));
        base.write("recipes/tools.toml", "[tools]\npackages = [\"half\"]\n");
        base.kit(&["lock", "tools"]).succeeded();
        let project = TestProject::with_own_store();
        stores::twin(&program::shared_store(), project.store());
        project.write("recipes/packages/half.toml", &package("half", &PACKAGES));
        project.write("recipes/images/half.toml", IMAGE);
        project.kit(&["lock", "half"]).succeeded();
        let lock = Lockfile::parse(&project.read("lockfiles/half.lock")).expect("kit reads what it writes");
        Self { project, lock }
    }

    fn root_megabytes(&self) -> u64 {
        let store = stores::open(self.project.store());
        store.tree(&self.lock.steps["root half"].tree).expect("it was put together").content_size() / MB
    }

    /// Forgets the steps of these titles, and what lies in `out`.
    fn forget(&self, is_forgotten: impl Fn(&str) -> bool) {
        let store = stores::open(self.project.store());
        for (_, step) in self.lock.steps.iter().filter(|(title, _)| is_forgotten(title)) {
            if let Some(resolved) = store.memo(&step.derivation).expect("a store") {
                let name = resolved.to_string();
                _ = std::fs::remove_file(self.project.store().join("records").join(&name[..2]).join(&name));
            }
        }
        drop(store);
        _ = std::fs::remove_dir_all(self.out());
        rustix::fs::sync();
    }

    fn out(&self) -> PathBuf {
        self.project.path().join("out")
    }

    fn build(&self, format: &str) -> Command {
        self.project.command(&["build", "half", "--offline", "--format", format])
    }

    /// Builds a format, and returns what each step took that had to be done.
    fn steps(&self, format: &str) -> Vec<(String, u64)> {
        let said =
            self.project.kit(&["build", "half", "--offline", "--json", "--format", format]).succeeded();
        let events = said.stdout.lines().chain(said.stderr.lines());
        let events = events.filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        let done = events.filter(|event| event["event"] == "finished" && event["how"] == "done");
        done.filter_map(|event| Some((event["step"].as_str()?.to_owned(), event["millis"].as_u64()?)))
            .collect()
    }

    fn beside_linuxkit(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (format, theirs, limit) in LINUXKIT {
            let step = format!("output half {format}");
            let runs: Vec<Watched> = (0..RUNS)
                .map(|_| {
                    self.forget(|title| title == step);
                    process::watch(&mut self.build(format))
                })
                .collect();
            let what = format!(
                "a root of {} MB, put together before: `kit build --format {format}`",
                self.root_megabytes()
            );
            rows.push(walls(&what, &runs));
            let times = |ratio: f64| format!("{ratio:.1} times");
            let ratios = Runs::of(runs.iter().map(|run| theirs / (run.cost.wall.as_secs_f64() * 1000.0)));
            let what = format!("that is faster than LinuxKit, {} noted earlier, by", millis(theirs));
            rows.push(Row { what, figure: times(ratios.median()), runs: ratios.range(times), limit });
            rows.push(memory("peak of kit's memory".to_owned(), &runs, "under 128 MiB"));
        }
        rows
    }

    /// A disk after the file system in it was made for another format.
    fn second(&self) -> Vec<Row> {
        let (mut first, mut second, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS.min(3) {
            self.forget(|title| {
                !["package ", "root ", "container ", "unpack "].iter().any(|made| title.starts_with(made))
            });
            first.push(process::watch(&mut self.build("kernel+erofs")));
            second.push(process::watch(&mut self.build("raw-efi")));
            self.forget(|title| {
                title == "output half raw-efi" || title.starts_with("uki ") || title.starts_with("boot ")
            });
            _ = self.steps("kernel+erofs");
            let steps = self.steps("raw-efi");
            let is_shared = |title: &str| title.starts_with("file system") || title.starts_with("root");
            assert!(!steps.iter().any(|(title, _)| is_shared(title)), "{steps:?}");
            own.push(Duration::from_millis(steps.iter().map(|(_, millis)| millis).sum()));
        }
        vec![
            walls("the same root: `kit build --format kernel+erofs`", &first),
            walls("then `kit build --format raw-efi`", &second),
            Runs::of_times(own).row("of which the steps that no other format has", ""),
        ]
    }

    /// A disk, whose parts are there, beside a copy of its file.
    fn disk(&self, format: &str) -> Vec<Row> {
        let step = format!("output half {format}");
        let copy = self.project.path().join("copy");
        let (mut ours, mut always, mut never) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0;
        for _ in 0..RUNS {
            self.forget(|title| title == step);
            ours.push(process::watch(&mut self.build(format)));
            let made = std::fs::read_dir(self.out())
                .expect("it was written")
                .next()
                .expect("a file")
                .expect("a file");
            bytes = made.metadata().expect("a file").len();
            for (sparse, runs) in [("always", &mut always), ("never", &mut never)] {
                _ = std::fs::remove_file(&copy);
                rustix::fs::sync();
                let script = format!("cp --sparse={sparse} \"$0\" \"$1\" && sync \"$1\"");
                runs.push(process::watch(
                    Command::new("sh").args(["-c", &script]).arg(made.path()).arg(&copy),
                ));
            }
        }
        _ = std::fs::remove_file(&copy);
        let what =
            format!("a disk of {} MB, its parts made before: `kit build --format {format}`", bytes / MB);
        vec![
            walls(&what, &ours),
            walls("its file copied once: `cp --sparse=always` and `sync`", &always),
            walls("the same: `cp --sparse=never` and `sync`", &never),
            ratio("a copy takes of what kit takes (always)".to_owned(), &ours, &always, ""),
            ratio("a copy takes of what kit takes (never)".to_owned(), &ours, &never, ""),
            memory("peak of kit's memory".to_owned(), &ours, "under 128 MiB"),
        ]
    }

    /// All formats are there, and nothing has changed.
    fn nothing(&self) -> Vec<Row> {
        let build = || process::run(&mut self.project.command(&["build", "half"])).wall;
        build();
        std::thread::sleep(SETTLED);
        let reading = build();
        let times: Vec<_> = (0..QUICK_RUNS).map(|_| build()).collect();
        let files = walkdir::WalkDir::new(self.out()).into_iter().filter_map(Result::ok);
        let bytes: u64 = files
            .filter_map(|file| file.metadata().ok())
            .filter(std::fs::Metadata::is_file)
            .map(|file| file.len())
            .sum();
        let what = format!("nothing changed, outputs of {} MB: `kit build`", bytes / MB);
        vec![
            Runs::of_times(times).row(&what, "under 20 ms"),
            Runs::of_times([reading]).row("the one before, which reads the files", ""),
        ]
    }
}
