//! The same bytes on every machine: `every-format`, which is `minimal` in all formats, is built twice from nothing, and whatever may differ
//! differs. `kit verify` does it a third time, its way.
//!
//! | | here | there |
//! |---|---|---|
//! | user | who runs the test | root: user 65534; an ordinary user: root of a user namespace |
//! | project | the repository | a copy with the files created in the opposite order, and nothing locked but the pins |
//! | store | a short path on the disk | a path of 900 bytes on a tmpfs |
//! | processors | one | all |
//! | jobs, and threads that compress | 1 | 7 |
//! | umask, time zone, locale, host name, home | 0022, UTC, C, the machine's, the user's | 0077, UTC+14, Turkish, another, none |
//!
//! Downloads come from a loopback mirror and from cargo's cache; `PATH` is empty, so no program of the machine takes part.
#![expect(clippy::disallowed_methods, reason = "tests copy files and start programs")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use kit_hash::{DerivationId, TreeId};
use kit_recipe::Lockfile;
use kit_recipe::image::Format;
use kit_store::Store;
use kit_tests::mirror::{Mirror, debian_files};
use kit_tests::project::make_writable;
use kit_tests::small::{check_locked, digests};
use kit_tests::{Said, TestProject, program};

/// What is asked of both.
const BUILD: &str = r#""$KIT" build every-format"#;

/// On one processor, the first that is allowed.
const HERE: &str = r#"
umask 0022
cpu=$(sed -n 's/^Cpus_allowed_list:[^0-9]*\([0-9]*\).*/\1/p' /proc/self/status)
exec taskset -c "$cpu" env -i $VARIABLES PATH= "$SHELL" -euc "$BUILD"
"#;

/// In namespaces of its own, with a tmpfs at `$1` that holds the store; what is compared later is copied to `$2`.
const THERE: &str = r#"
hostname "there.example"
mount -t tmpfs -o size=8g,mode=0777 none "$1"
umask 0077
as=""
[ "$(id -u)" != 0 ] || [ -n "${NAMESPACE_ROOT:-}" ] || as="setpriv --reuid 65534 --regid 65534 --clear-groups"
$as mkdir -p "$KIT_STORE"
$as env -i $VARIABLES PATH= "$SHELL" -euc "\"$KIT\" lock every-format; $BUILD"
for part in version memo records; do cp -R "$KIT_STORE/$part" "$2"; done
"#;

/// The files and directories of the test.
struct Places {
    top: tempfile::TempDir,
}

impl Places {
    fn new() -> Self {
        let top = tempfile::Builder::new().prefix("k").tempdir().unwrap();
        // Other users go through it.
        std::fs::set_permissions(top.path(), PermissionsExt::from_mode(0o755)).unwrap();
        Self { top }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.top.path().join(path)
    }

    /// Makes a directory that everybody can write to.
    fn make(&self, path: &str) -> PathBuf {
        let path = self.at(path);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
        path
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        make_writable(self.top.path());
    }
}

/// Builds `every-format` in the shared store, unless it is there, and serves its packages from it.
fn mirror(lock: &Lockfile, places: &Places) -> Mirror {
    let store = program::shared_store();
    let mut build = Command::new(program::kit());
    build.args(["build", "every-format"]).arg("--project").arg(program::repository());
    build.arg("--store").arg(&store).arg("--out").arg(places.at("shared-out"));
    Said::from_output(&build.output().unwrap()).succeeded();
    Mirror::start(lock, &store)
}

/// Makes a home of cargo whose cache has the crates of a lockfile.
fn cargo_home(lock: &Lockfile, places: &Places) -> PathBuf {
    let shared = open(&program::shared_store());
    let cache = places.make("cargo/registry/cache/registry");
    for ((name, version), pin) in &lock.crates {
        let blob = shared.blob_of_sha256(&pin.sha256).unwrap().expect("the shared store has the crate");
        let mut file = std::fs::File::create(cache.join(format!("{name}-{version}.crate"))).unwrap();
        std::io::copy(&mut shared.open_blob_file(&blob).unwrap(), &mut file).unwrap();
    }
    places.at("cargo")
}

/// Copies the parts of the repository that its recipes use, last name first. Nothing is locked but the pins.
fn copy_of_the_repository(lock: &Lockfile, places: &Places) -> PathBuf {
    let copy = places.make("copy");
    for part in ["workspace/kit-init/src", "recipes"] {
        copy_backwards(&program::repository().join(part), &copy.join(part));
    }
    for file in ["workspace/kit-init/Cargo.toml", "workspace/kit-init/Cargo.lock"] {
        std::fs::copy(program::repository().join(file), copy.join(file)).unwrap();
    }
    let mut pins = lock.clone();
    pins.debs.values_mut().for_each(|deb| deb.tree = None);
    let sources = pins.debian_sources.values_mut().flat_map(|source| &mut source.files);
    sources.for_each(|file| file.tree = None);
    pins.crates.values_mut().for_each(|krate| krate.tree = None);
    pins.steps.clear();
    pins.containers.clear();
    pins.outputs.clear();
    std::fs::write(places.make("copy/lockfiles").join("every-format.lock"), pins.to_text()).unwrap();
    copy
}

fn copy_backwards(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries.iter().rev() {
        let to = to.join(entry.file_name().unwrap());
        if entry.is_dir() {
            copy_backwards(entry, &to);
        } else {
            std::fs::copy(entry, to).unwrap();
        }
    }
}

fn owner_and_mode(path: &Path) -> (u32, u32) {
    let metadata = std::fs::metadata(path).unwrap();
    (metadata.uid(), metadata.permissions().mode() & 0o777)
}

/// A command with nothing of this process's environment but `variables`, which `VARIABLES` hands on.
fn command(program: &str, arguments: &[&str], variables: &[(&str, String)]) -> Command {
    let mut command = Command::new(program);
    let pairs: Vec<_> = variables.iter().map(|(name, value)| format!("{name}={value}")).collect();
    command.args(arguments).env_clear().envs(variables.iter().cloned()).env("VARIABLES", pairs.join(" "));
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("BUILD", BUILD).env("SHELL", "/bin/sh");
    command
}

fn build_here(places: &Places, common: &[(&str, String)]) -> Said {
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    let mut variables = vec![
        ("KIT", text(program::kit().to_owned())),
        ("KIT_PROJECT", text(program::repository().to_owned())),
        ("KIT_STORE", text(places.make("s"))),
        ("KIT_OUT", text(places.at("out-here"))),
        ("KIT_JOBS", "1".to_owned()),
        ("TZ", "UTC".to_owned()),
        ("LC_ALL", "C".to_owned()),
        ("HOME", text(places.make("home"))),
    ];
    variables.extend_from_slice(common);
    Said::from_output(&command("sh", &["-euc", HERE], &variables).output().unwrap())
}

fn build_there(lock: &Lockfile, places: &Places, common: &[(&str, String)]) -> Said {
    let text = |path: PathBuf| path.to_str().unwrap().to_owned();
    // The program, too, must lie where other users can go.
    let kit = places.make("bin").join("kit");
    std::fs::copy(program::kit(), &kit).unwrap();
    let disk = places.make("disk");
    let mut variables = vec![
        ("KIT", text(kit)),
        ("KIT_PROJECT", text(copy_of_the_repository(lock, places))),
        ("KIT_STORE", text(disk.join(["long"; 4].map(|name| name.repeat(55)).join("/")))),
        ("KIT_OUT", text(places.make("out-there"))),
        ("KIT_JOBS", "7".to_owned()),
        ("TZ", "Pacific/Kiritimati".to_owned()),
        ("LC_ALL", "tr_TR.UTF-8".to_owned()),
        ("LANG", "tr_TR.UTF-8".to_owned()),
        ("HOME", "/nonexistent".to_owned()),
    ];
    variables.extend_from_slice(common);
    let is_root = owner_and_mode(&disk).0 == 0;
    let mut unshare = vec!["--mount", "--uts"];
    if !is_root {
        unshare.extend(["--user", "--map-root-user"]);
    }
    unshare.extend(["sh", "-euc", THERE, "sh"]);
    let mut command = command("unshare", &unshare, &variables);
    command.arg(disk).arg(places.make("store-there"));
    if !is_root {
        command.env("NAMESPACE_ROOT", "1");
    }
    Said::from_output(&command.output().unwrap())
}

fn open(path: &Path) -> Store {
    Store::open(Dir::open_ambient_dir(path, ambient_authority()).unwrap(), path).unwrap()
}

/// Returns what each derivation that a store remembers came out as.
fn trees(path: &Path) -> BTreeMap<DerivationId, TreeId> {
    let store = open(path);
    let mut trees = BTreeMap::new();
    for name in digests(&path.join("memo")).into_keys() {
        let id: DerivationId = name.rsplit('/').next().unwrap().parse().unwrap();
        let resolved = store.memo(&id).unwrap().unwrap();
        trees.insert(id, store.record(&resolved).unwrap().unwrap().tree);
    }
    trees
}

/// Fails the test unless a lockfile has outputs of each format that `kit build --help` lists, but those that are another by content.
fn check_formats(lock: &Lockfile) {
    let locked: BTreeSet<_> = lock.outputs.values().map(|output| output.format.to_string()).collect();
    // Extensions and updates are of images of their own, and boards are for other processors.
    let is_of_others = |word: &&str| {
        matches!(
            Format::from_word(word),
            Some(Format::Extension(_) | Format::Update | Format::RaspberryPi(_))
        )
    };
    let listed: BTreeSet<_> =
        Format::listed().filter(|word| !is_of_others(word)).map(str::to_owned).collect();
    assert_eq!(locked, listed);
}

#[test]
fn every_format_is_the_same_wherever_and_by_whomever_it_is_built() {
    let text = std::fs::read_to_string(program::repository().join("lockfiles/every-format.lock")).unwrap();
    let lock = Lockfile::parse(&text).unwrap();
    let places = Places::new();
    let mirror = mirror(&lock, &places);
    let cargo_home = cargo_home(&lock, &places).to_str().unwrap().to_owned();
    let common = [("KIT_DEBIAN_MIRROR", mirror.url()), ("CARGO_HOME", cargo_home)];
    let (here, there) = std::thread::scope(|scope| {
        let here = scope.spawn(|| build_here(&places, &common));
        let there = build_there(&lock, &places, &common);
        (here.join().unwrap(), there)
    });
    there.succeeded();
    here.succeeded();

    let (owner, mode) = owner_and_mode(&places.at("out-there/every-format-kernel"));
    assert_eq!(mode, 0o600, "the umask was another");
    assert_ne!(owner, 0, "an ordinary user built it");
    check_locked(&lock, &places.at("out-here"));
    check_formats(&lock);
    assert_eq!(digests(&places.at("out-here")), digests(&places.at("out-there")));
    let locked = std::fs::read_to_string(places.at("copy/lockfiles/every-format.lock")).unwrap();
    assert_eq!(locked, text, "locking comes to the same digests of all steps, containers and outputs");

    let (here, there) = (trees(&places.at("s")), trees(&places.at("store-there")));
    let different: Vec<_> = here.iter().filter(|(id, tree)| there.get(id) != Some(tree)).collect();
    assert!(different.is_empty(), "{} steps came out different: {different:?}", different.len());
    let only_locked: BTreeSet<_> = lock
        .steps
        .iter()
        .filter(|(_, step)| here.get(&step.derivation) != Some(&step.tree))
        .map(|(title, _)| title)
        .collect();
    assert!(
        only_locked.iter().all(|title| title.starts_with("container image ")),
        "these are part of no output: {only_locked:?}"
    );

    let asked = mirror.served();
    let files = debian_files(&lock);
    let debs: BTreeMap<_, _> = files.iter().map(|(path, _, _)| (format!("/{path}"), 2)).collect();
    assert_eq!(asked, debs, "each package was asked for once by each build, and nothing else");
}

/// The third number of threads, and all that `kit verify` can vary, in each format.
#[test]
fn every_format_is_the_same_whatever_is_varied() {
    let project = TestProject::new();
    for image in ["minimal", "every-format"] {
        project.take(&format!("recipes/images/{image}.toml"));
    }
    project.take("lockfiles/every-format.lock");
    // With one step at a time in what is compared with, the rebuild has two, and two threads.
    let said = project.kit(&["verify", "every-format", "--jobs", "1", "--json"]).succeeded();
    let result: serde_json::Value = serde_json::from_str(said.stdout.lines().last().unwrap()).unwrap();
    let image = &result["result"]["images"][0];
    let varied: BTreeSet<_> =
        image["varied"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    for word in ["jobs", "finish", "user", "umask", "host-name", "time-zone", "locale", "home", "build-path"]
    {
        assert!(varied.contains(word), "{word} can be varied everywhere: {image:#}");
    }
    let lock = Lockfile::parse(&project.read("lockfiles/every-format.lock")).unwrap();
    let compared = image["outputs"].as_array().unwrap().iter();
    let compared: BTreeMap<_, _> = compared
        .map(|output| (output["name"].as_str().unwrap(), output["rebuilt"].as_str().unwrap()))
        .collect();
    for (name, locked) in &lock.outputs {
        assert_eq!(compared.get(name.as_str()), Some(&locked.sha256.to_string().as_str()), "{name}");
    }
}
