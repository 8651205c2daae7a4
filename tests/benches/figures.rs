//! The figures of `docs/benchmarks.md`, measured in one run: `cargo bench -p kit-tests`.
//!
//! Each is a whole process's time, the median of several runs. The comparison with mmdebstrap takes the same packages from a local
//! mirror made of what kit fetched; it needs `mmdebstrap` and `dpkg` on the machine, and says so when they are missing.
#![expect(clippy::disallowed_methods, reason = "a benchmark starts programs and sets directories up")]
#![expect(clippy::unwrap_used, reason = "a benchmark stops where something is wrong")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use kit_recipe::Lockfile;
use kit_tests::{TestProject, program};

/// What the compared set asks for; with its dependencies it has 104 packages.
const ASKED: &str = "qemu-system-x86";

fn main() {
    println!("| what | figure |\n|---|---|");
    closure();
    nothing_changed();
    one_file_changed();
    boot();
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}

fn time(command: &mut Command) -> Duration {
    let started = Instant::now();
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}");
    started.elapsed()
}

fn in_repository(project: &TestProject, arguments: &[&str]) -> Command {
    let mut command = project.command(arguments);
    command.arg("--project").arg(program::repository());
    command
}

fn nothing_changed() {
    let project = TestProject::new();
    let build = || {
        let mut command = in_repository(&project, &["build", "minimal"]);
        command.arg("--out").arg(project.path().join("out"));
        command
    };
    time(&mut build());
    let times = (0..50).map(|_| time(&mut build())).collect();
    row("`kit build minimal`, nothing changed", &format!("{:.1?}", median(times)));
    let size = |name: &str| std::fs::metadata(project.path().join("out").join(name)).unwrap().len();
    let bytes = size("minimal-kernel") + size("minimal-initrd.img");
    row("`minimal`, kernel and initrd", &format!("{:.1} MB", Duration::from_micros(bytes).as_secs_f64()));
}

fn one_file_changed() {
    let project = TestProject::new();
    let image = std::fs::read_to_string(program::repository().join("recipes/images/minimal.toml")).unwrap();
    let image = image.replace("name = \"minimal\"", "name = \"changed\"");
    project
        .write("recipes/images/changed.toml", &image.replace("package = \"busybox\"", "package = \"web\""));
    project.write(
        "recipes/packages/web.toml",
        "[package]\nname = \"web\"\n[sources.files]\nlocal = \"web\"\n[tree]\npackages = [\"busybox\"]\n",
    );
    project.write("web/srv/index.html", "0");
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let times = (1..=5).map(|number: u32| {
        project.write("web/srv/index.html", &number.to_string());
        time(&mut project.command(&["lock"])) + time(&mut project.command(&["build"]))
    });
    row(
        "one file of one service changed, `kit lock` and `kit build`",
        &format!("{:.0?}", median(times.collect())),
    );
}

fn boot() {
    let project = TestProject::new();
    let times = (0..5).map(|_| {
        let arguments = ["run", "minimal", "--until", "shell: ready", "--json"];
        let output = in_repository(&project, &arguments).stderr(Stdio::null()).output().unwrap();
        let last = String::from_utf8(output.stdout).unwrap().lines().last().unwrap().to_owned();
        let result: serde_json::Value = serde_json::from_str(&last).unwrap();
        Duration::from_millis(result["result"]["millis"].as_u64().unwrap())
    });
    row(
        "emulated boot of `minimal`, power-on to the service's line",
        &format!("{:.1?}", median(times.collect())),
    );
}

fn closure() {
    let project = TestProject::with_own_store();
    project.write("recipes/tools.toml", "[tools]\npackages = [\"closure\"]\n");
    let recipe = format!(
        "[package]\nname = \"closure\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [\"{ASKED}\"]\n"
    );
    project.write("recipes/packages/closure.toml", &recipe);
    project.kit(&["lock", "tools"]).succeeded();
    let lock = Lockfile::parse(&project.read("lockfiles/tools.lock")).unwrap();
    let full = project.path().join("full");
    std::fs::rename(project.store(), &full).unwrap();
    let mirror = project.path().join("mirror");
    make_mirror(&lock, &full, &mirror);
    let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..5 {
        kit_tests::project::make_writable(project.store());
        _ = std::fs::remove_dir_all(project.store());
        _ = std::fs::remove_dir_all(project.path().join("lockfiles"));
        only_downloads(&full, project.store());
        rustix::fs::sync();
        let kit = time(&mut project.command(&["lock", "tools"]));
        let root = project.path().join("root");
        _ = std::fs::remove_dir_all(&root);
        rustix::fs::sync();
        let mut mmdebstrap = Command::new("mmdebstrap");
        mmdebstrap.args(["--variant=extract", &format!("--include={ASKED}"), "bookworm"]).arg(&root);
        mmdebstrap.arg(format!("deb copy://{} bookworm main", mirror.display()));
        if mmdebstrap.stdout(Stdio::null()).stderr(Stdio::null()).status().is_err() {
            println!("\nmmdebstrap is not installed: `apt-get install mmdebstrap`");
            return;
        }
        _ = std::fs::remove_dir_all(&root);
        let other = time(&mut mmdebstrap);
        ratios.push(other.as_secs_f64() / kit.as_secs_f64());
        ours.push(kit);
        theirs.push(other);
    }
    ratios.sort_by(f64::total_cmp);
    let what = format!("{} packages resolved and unpacked, downloads there", lock.debs.len());
    row(&what, &format!("{:.1?}", median(ours)));
    row("the same by `mmdebstrap --variant=extract`", &format!("{:.1?}", median(theirs)));
    row("mmdebstrap / kit, median of the pairs", &format!("{:.1}", ratios[ratios.len() / 2]));
}

/// Returns what a name by SHA-256 leads to: the 32 bytes before the file's own digest, in hexadecimal.
fn blob_of(name: &Path) -> String {
    let bytes = std::fs::read(name).unwrap();
    bytes[bytes.len() - 64..bytes.len() - 32]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

fn names(store: &Path) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(store.join("sha256")).unwrap().map(|entry| entry.unwrap().path());
    folders.flat_map(|folder| std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path())).collect()
}

/// Copies what was fetched, and nothing else, to a new store.
fn only_downloads(full: &Path, store: &Path) {
    let copy = |path: &str| {
        let to = store.join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(full.join(path), to).unwrap();
    };
    copy("version");
    for name in names(full) {
        copy(name.strip_prefix(full).unwrap().to_str().unwrap());
        let blob = blob_of(&name);
        copy(&format!("objects/{}/{blob}", &blob[..2]));
    }
}

/// Makes a mirror of the suite's index files and the packages that a lockfile pins.
fn make_mirror(lock: &Lockfile, store: &Path, mirror: &Path) {
    let object = |sha256: &str| {
        let blob = blob_of(&store.join(format!("sha256/{}/{sha256}", &sha256[..2])));
        store.join(format!("objects/{}/{blob}", &blob[..2]))
    };
    let put = |sha256: &str, path: &str| {
        let to = mirror.join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(object(sha256), to).unwrap();
    };
    let release = lock.suites["bookworm"].in_release.to_string();
    put(&release, "dists/bookworm/InRelease");
    let text = std::fs::read_to_string(object(&release)).unwrap();
    // The store keeps the index as it is unpacked.
    let index = "main/binary-amd64/Packages";
    let digests = text.lines().filter(|line| line.ends_with(&format!(" {index}")));
    let sha256 = digests.filter_map(|line| line.split_whitespace().next()).find(|d| d.len() == 64).unwrap();
    put(sha256, &format!("dists/bookworm/{index}"));
    for deb in lock.debs.values() {
        put(&deb.sha256.to_string(), &deb.filename);
    }
}
