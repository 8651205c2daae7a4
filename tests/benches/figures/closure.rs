//! A closure of about a hundred Debian packages, resolved and unpacked, by kit and by mmdebstrap.
//!
//! Both start with everything fetched, on the same file system, with the same release and the same package files in the page
//! cache, and take the same steps: check the release's signature, read the index, solve, check each package's digest, unpack it.
//! They take turns. Neither has to unpack the index: kit keeps it unpacked, and mmdebstrap's mirror has it unpacked.
//! Nothing is deleted in between, since a file system is slow for a while where much was deleted.
//!
//! | | kit | mmdebstrap |
//! |---|---|---|
//! | starts with | a store with the packages and the index | a mirror in a directory (`copy://`) with the packages and the index |
//! | ends with | a lockfile, and in the store each file by its digest, the tree of each package and of all together | a directory |

use std::path::{Path, PathBuf};
use std::process::Command;

use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_tests::server::{Answer, Site, with_server};
use kit_tests::{TestProject, program};

use crate::process::{self, Cost};
use crate::stores;
use crate::table::{Row, Runs};

const RUNS: usize = 7;
const SUITE: &str = "bookworm";
/// With all that it depends on, these are 104 packages.
const ASKED: &str = "qemu-system-x86";

pub(crate) fn measure() -> Vec<Row> {
    let project = TestProject::new();
    let recipe = format!(
        "[package]\nname = \"closure\"\n[sources.debian]\nsuite = \"{SUITE}\"\npackages = [\"{ASKED}\"]\n"
    );
    project.write("recipes/packages/closure.toml", &recipe);
    // Tools have no outputs: what is locked is what was unpacked.
    project.write("recipes/tools.toml", "[tools]\npackages = [\"closure\"]\n");
    project.kit(&["lock", "tools"]).succeeded();
    let inputs = Inputs::of(
        &Lockfile::parse(&project.read("lockfiles/tools.lock")).expect("kit reads what it writes"),
    );
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
    let mirror = place.path().join("mirror");
    inputs.make_mirror(&mirror);
    let is_installed = Command::new("mmdebstrap").arg("--version").output().is_ok();
    let site = Site::from([(release_path(), Answer::Bytes(read(&inputs.release)))]);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    with_server(site, |server| {
        for number in 0..RUNS {
            let at = |name: &str| place.path().join(format!("{name}-{number}"));
            ours.push(inputs.by_kit(&project, &at("store"), &server.base));
            if is_installed {
                theirs.push(inputs.by_mmdebstrap(&mirror, &at("root")));
            }
        }
    });
    rows(inputs.debs.len(), &ours, &theirs)
}

/// Reads a download of the shared store.
fn read(sha256: &Sha256) -> Vec<u8> {
    stores::read(&stores::open(&program::shared_store()), sha256)
}

fn release_path() -> String {
    format!("/dists/{SUITE}/InRelease")
}

/// Everything that both have fetched.
struct Inputs {
    release: Sha256,
    index: Sha256,
    /// Name, path in the archive and digest of each package.
    debs: Vec<(String, String, Sha256)>,
}

impl Inputs {
    fn of(lock: &Lockfile) -> Self {
        let debs = lock.debs.iter().map(|(key, deb)| (key.name.clone(), deb.filename.clone(), deb.sha256));
        let mut inputs =
            Self { release: lock.suites[SUITE].in_release, index: Sha256::of(b""), debs: debs.collect() };
        let release = String::from_utf8(read(&inputs.release)).expect("releases are UTF-8");
        // `sha256 size path`, among lines with other digests.
        let digest = |line: &str| {
            let mut words = line.split_whitespace();
            let (digest, path) = (words.next()?, words.nth(1)?);
            if path == "main/binary-amd64/Packages" { digest.parse::<Sha256>().ok() } else { None }
        };
        inputs.index = release.lines().find_map(digest).expect("the release has an index");
        inputs
    }

    fn make_mirror(&self, mirror: &Path) {
        let put = |path: &str, sha256: &Sha256| {
            let path = mirror.join(path);
            std::fs::create_dir_all(path.parent().expect("it lies in the mirror")).expect("a directory");
            std::fs::write(path, read(sha256)).expect("room");
        };
        put(&release_path()[1..], &self.release);
        put(&format!("dists/{SUITE}/main/binary-amd64/Packages"), &self.index);
        self.debs.iter().for_each(|(_, path, sha256)| put(path, sha256));
    }

    fn by_kit(&self, project: &TestProject, store: &Path, mirror: &str) -> Cost {
        let wanted = self.debs.iter().map(|(_, _, sha256)| sha256).chain([&self.index, &self.release]);
        stores::downloads(&stores::open(&program::shared_store()), wanted, store);
        std::fs::remove_dir_all(project.path().join("lockfiles")).expect("it was locked before");
        rustix::fs::sync();
        let mut lock = project.command(&["lock", "tools"]);
        process::run(lock.env("KIT_STORE", store).env("KIT_DEBIAN_MIRROR", mirror))
    }

    fn by_mmdebstrap(&self, mirror: &Path, root: &Path) -> Cost {
        rustix::fs::sync();
        let mut extract = Command::new("mmdebstrap");
        extract.args(["--variant=extract", &format!("--include={ASKED}"), SUITE]).arg(root);
        let cost = process::run(extract.arg(format!("deb copy://{} {SUITE} main", mirror.display())));
        for (name, _, _) in &self.debs {
            let documents = root.join(PathBuf::from("usr/share/doc").join(name));
            assert!(std::fs::symlink_metadata(documents).is_ok(), "mmdebstrap hasn't unpacked {name}");
        }
        cost
    }
}

fn rows(packages: usize, ours: &[Cost], theirs: &[Cost]) -> Vec<Row> {
    let wall = |costs: &[Cost]| Runs::of_times(costs.iter().map(|cost| cost.wall));
    let cpu = |costs: &[Cost]| Runs::of_times(costs.iter().map(|cost| cost.cpu));
    let what = format!("{packages} packages resolved and unpacked, all fetched before: `kit lock`");
    let mut rows = vec![wall(ours).row(&what, ""), cpu(ours).row("the same, processor time", "")];
    if theirs.is_empty() {
        rows.push(Row {
            what: "the same by `mmdebstrap --variant=extract`".to_owned(),
            figure: "not measured".to_owned(),
            runs: "mmdebstrap is not on this machine: `apt-get install mmdebstrap`".to_owned(),
            limit: "",
        });
        return rows;
    }
    rows.push(wall(theirs).row("the same by `mmdebstrap --variant=extract`", ""));
    rows.push(cpu(theirs).row("the same, processor time", ""));
    // Each pair ran one after the other, so that both were on an equally busy machine.
    let times = |ratio: f64| format!("{ratio:.1} times");
    let mut ratio = |what: &str, of: fn(&Cost) -> f64, limit| {
        let ratios = Runs::of(ours.iter().zip(theirs).map(|(ours, theirs)| of(theirs) / of(ours)));
        let (figure, runs) = (times(ratios.median()), ratios.range(times));
        rows.push(Row { what: what.to_owned(), figure, runs, limit });
    };
    ratio("kit is faster by", |cost| cost.wall.as_secs_f64(), "at least 3 times");
    ratio("kit takes less processor time by", |cost| cost.cpu.as_secs_f64(), "");
    rows
}
