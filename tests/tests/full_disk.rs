//! A disk that fills up: one clear error, nothing half-written, and it goes on once there is room.
#![expect(clippy::disallowed_methods, reason = "tests read directories and start programs")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::path::Path;
use std::process::Command;

use kit_tests::Said;
use kit_tests::small::{Small, digests};
use serde_json::{Value, json};

/// Mounts a disk of `$2` at `$1`, runs the commands of `$3` on it, makes it large, and runs those of `$4`.
const ON_A_SMALL_DISK: &str = r#"
mount -t tmpfs -o "size=$2" none "$1"
sh -euc "$3"
mount -o remount,size=256m none "$1"
sh -euc "$4"
"#;

/// Runs a command of kit for want of room, and leaves its error in the project: that is no fault of the user.
const FAIL: &str =
    r#"code=0; "$KIT" $COMMAND --json > events || code=$?; [ $code = 3 ]; tail -n 1 events > error;"#;
const BUILD: &str = r#""$KIT" build;"#;
const VERIFY: &str = r#""$KIT" store verify;"#;

/// Has `kit command` fail for want of room at `place` of the project, then runs `during`; with room, `then`. Returns the
/// error.
fn without_room(small: &Small, place: &Path, size: &str, command: &str, during: &str, then: &str) -> Value {
    std::fs::create_dir_all(place).unwrap();
    let kit = small.command(&[]);
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount", "sh", "-euc", ON_A_SMALL_DISK, "sh"]);
    unshare.arg(place).args([size, &format!("{FAIL} {during}"), then]);
    unshare.current_dir(small.project.path()).env_clear();
    unshare.envs(kit.get_envs().filter_map(|(name, value)| Some((name, value?))));
    unshare.env("KIT", kit.get_program()).env("COMMAND", command);
    let said = Said::from_output(&unshare.output().unwrap());
    assert_eq!(said.code, Some(0), "with {size}: {said}{}", small.project.read("events"));
    let mut error: Value = serde_json::from_str(&small.project.read("error")).unwrap();
    error["error"].take()
}

/// The help of an error.
fn help(error: &Value) -> &str {
    error["help"].as_str().unwrap_or_default()
}

#[test]
fn a_full_store_is_named_and_nothing_is_lost() {
    let small = Small::new();
    let store = small.project.store();
    let below = format!("no space is left for `{}/", store.display());
    // Where it stops: local files, downloads, unpacking, programs of the sandbox, scripts, their results.
    for size in ["64k", "500k", "1500k", "2500k", "4m", "6200k", "7m"] {
        let nothing = format!("[ ! -e out ]; {VERIFY}");
        let then = format!("{BUILD} {VERIFY}");
        let error = without_room(&small, store, size, "build", &nothing, &then);
        assert_eq!(error["code"], "kit::store::full", "with {size}: {error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.starts_with(&below), "with {size}: {message}");
        assert!(help(&error).contains("`kit store gc`"), "with {size}: {error}");
        small.check_locked();
        std::fs::remove_dir_all(small.out()).unwrap();
    }
}

#[test]
fn a_script_that_fills_the_disk_does_not_keep_it_full() {
    let small = Small::new();
    let recipe = small.project.read("recipes/packages/numbers.toml");
    let lines: Vec<_> = recipe.lines().collect();
    let from = lines.iter().position(|line| line.starts_with("run")).unwrap();
    let endless = r#"run = "busybox yes > \"$OUT/endless\" 2> /dev/null""#;
    let endless = [&lines[..from], &[endless, ""]].concat().join("\n");
    small.project.write("recipes/packages/numbers.toml", &endless).write("numbers.toml", &recipe);
    let then = format!("cp numbers.toml recipes/packages/; {BUILD} {VERIFY}");
    let error = without_room(&small, small.project.store(), "32m", "lock small", VERIFY, &then);
    assert_eq!(error["code"], "kit::store::full", "{error}");
    let message = error["message"].as_str().unwrap();
    let start =
        format!("`build numbers` failed: no space is left for `{}/tmp/", small.project.store().display());
    assert!(message.starts_with(&start), "{message}");
    assert!(help(&error).contains("--store"), "{error}");
    small.check_locked();
}

#[test]
fn a_full_output_directory_is_named_and_keeps_what_it_had() {
    let small = Small::new();
    small.kit(&["build"]).succeeded();
    let built = digests(&small.out());
    std::fs::remove_dir_all(small.out()).unwrap();
    for (size, first) in [("8k", "small-initrd.img"), ("600k", "small.tar")] {
        // What is there is whole, and nothing lies beside it.
        let during = "find out -type f > found";
        let error =
            without_room(&small, &small.out(), size, "build", during, &format!("{BUILD} cp -r out copy"));
        assert_eq!(error["code"], "kit::build::output", "with {size}: {error}");
        assert_eq!(error["message"], json!(format!("cannot write `out/{first}`")));
        assert!(help(&error).contains("--out"), "with {size}: {error}");
        let found = small.project.read("found");
        let found: Vec<_> = found.lines().map(|path| path.strip_prefix("out/").unwrap()).collect();
        assert!(
            found.iter().all(|path| built.contains_key(*path) && *path != first),
            "with {size}: {found:?}"
        );
        assert_eq!(digests(&small.project.path().join("copy")), built, "with room, all of it is there");
        std::fs::remove_dir_all(small.project.path().join("copy")).unwrap();
    }
}
