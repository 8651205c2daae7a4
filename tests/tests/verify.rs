//! `kit verify`: packages that aren't reproducible on purpose, and what is said of each.
#![expect(clippy::disallowed_methods, reason = "tests look into what was kept behind the program's back")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use kit_recipe::Lockfile;
use kit_tests::{TestProject, busybox, program};
use serde_json::Value;

/// A package that isn't reproducible, and what has to be found out about it.
struct Case {
    name: &'static str,
    script: &'static str,
    /// What has to vary, and after ` or ` what would do by itself too; empty where it differs each time.
    variations: &'static str,
    /// A part of what is said of its first file.
    text: &'static str,
    /// A part of what it looks like; empty where nothing can be told from the bytes.
    likely: &'static str,
}

const CASES: [Case; 28] = [
    Case {
        name: "date-in-text",
        script: "date > $OUT/file",
        variations: "",
        text: "line 1: ",
        likely: "the time of the build",
    },
    Case {
        name: "date-in-program",
        script: r#"
unset SOURCE_DATE_EPOCH
echo 'const char *built = "built " __DATE__ " " __TIME__; int main(void) { return built[0]; }' > a.c
gcc -o $OUT/file a.c -Wl,--build-id=none"#,
        variations: "",
        text: ".rodata: from byte",
        likely: "the time of the build",
    },
    Case {
        name: "order-of-names",
        script: "ls -U /src/files > $OUT/file",
        variations: "order file-system",
        text: "the same lines in another order",
        likely: "the order in which names are listed",
    },
    Case {
        name: "random-number",
        script: "head -c 16 /dev/urandom > $OUT/file",
        variations: "",
        text: "from byte",
        likely: "",
    },
    Case {
        name: "random-name",
        script: "mktemp > $OUT/file",
        variations: "",
        text: "line 1: `/tmp/tmp.",
        likely: "chance",
    },
    Case {
        name: "path-in-text",
        script: "pwd > $OUT/file",
        variations: "build-path",
        text: "line 1: `/build` is now `/elsewhere/",
        likely: "the path of the build",
    },
    Case {
        name: "path-in-debug-information",
        script: "echo 'int one(void) { return 1; }' > a.c; gcc -g -c -o $OUT/file a.c",
        variations: "build-path",
        text: ".debug_line_str: from byte",
        likely: "the path of the build",
    },
    Case {
        name: "build-id",
        script: r#"
echo 'const char *path = PATH; int main(void) { return path[0]; }' > a.c
gcc -DPATH="\"$PWD\"" -o $OUT/file a.c"#,
        variations: "build-path",
        text: "ELF .note.gnu.build-id: ",
        likely: "the rest of the file",
    },
    Case {
        name: "processors",
        script: "nproc > $OUT/file",
        variations: "processors",
        text: "line 1: `1` is now",
        likely: "",
    },
    Case {
        name: "host-name",
        script: "uname -n > $OUT/file",
        variations: "host-name",
        text: "line 1: `kit` is now `another-host`",
        likely: "",
    },
    Case {
        name: "domain-name",
        script: "cat /proc/sys/kernel/domainname > $OUT/file",
        variations: "domain-name",
        text: "line 1: `(none)` is now `another.domain`",
        likely: "",
    },
    Case {
        name: "user",
        script: "id -u > $OUT/file",
        variations: "user",
        text: "line 1: `1000` is now `4321`",
        likely: "",
    },
    Case {
        name: "umask",
        script: "touch a; stat -c %a a > $OUT/file",
        variations: "umask",
        text: "line 1: `644` is now `600`",
        likely: "",
    },
    Case {
        name: "time-zone",
        script: "date -d @0 +%H:%M > $OUT/file",
        variations: "time-zone",
        text: "line 1: `00:00` is now `13:37`",
        likely: "",
    },
    Case {
        name: "locale",
        script: "echo $LC_ALL > $OUT/file",
        variations: "locale",
        text: "line 1: `C.UTF-8` is now `C`",
        likely: "",
    },
    Case {
        name: "home",
        script: "echo $HOME > $OUT/file",
        variations: "home",
        text: "line 1: `/build` is now `/var/tmp`",
        likely: "the path of the build",
    },
    Case {
        name: "environment",
        script: "env | grep -c . > $OUT/file",
        variations: "environment",
        text: "line 1: `",
        likely: "",
    },
    Case {
        name: "kernel",
        script: "uname -r > $OUT/file",
        variations: "kernel",
        text: "is now `2.6.",
        likely: "",
    },
    Case {
        name: "address",
        script: r#"
echo '#include <stdio.h>' > a.c
echo 'int main(void) { int here; printf("%p", (void *)&here); }' >> a.c
gcc -o a a.c && ./a > $OUT/file"#,
        variations: "",
        text: "line 1: `0x7f",
        likely: "",
    },
    Case {
        name: "race",
        script: "
for name in a b c d e f g h i j; do
    (sleep 0.0$(head -c 2 /dev/urandom | od -An -tu2 | tr -d ' '); echo $name >> $OUT/file) &
done
wait",
        variations: "",
        text: "the same lines in another order",
        likely: "the order in which names are listed or work ends",
    },
    Case {
        name: "clock-in-tar",
        script: "echo a > a; busybox tar -cf $OUT/file a",
        variations: "",
        text: "a: tar mtime: ",
        likely: "the time of the build",
    },
    Case {
        name: "clock-in-ar",
        script: "echo a > a; ar qU $OUT/file a 2>&1",
        variations: "",
        text: "a: ar mtime: ",
        likely: "the time of the build",
    },
    Case {
        name: "inode-in-cpio",
        script: "cd /src/files && echo a | busybox cpio -o -H newc > $OUT/file",
        variations: "order file-system or user",
        text: "a: cpio c_ino: ",
        likely: "the file system",
    },
    Case {
        name: "year",
        script: "date -u +%Y > $OUT/file",
        variations: "clock-years",
        text: "line 1: `",
        likely: "",
    },
    Case {
        name: "day",
        script: "date -u +%F > $OUT/file",
        variations: "clock-day or clock-years",
        text: "line 1: `",
        likely: "the time of the build",
    },
    Case {
        name: "day-in-program",
        script: r#"
unset SOURCE_DATE_EPOCH
echo 'const char *built = "built on " __DATE__; int main(void) { return built[0]; }' > a.c
TZ=UTC gcc -o $OUT/file a.c -Wl,--build-id=none"#,
        variations: "clock-day or clock-years",
        text: ".rodata: from byte",
        likely: "the time of the build",
    },
    Case {
        name: "day-of-a-file",
        script: "echo a > a; date -u -r a +%F > $OUT/file",
        variations: "clock-day or clock-years",
        text: "line 1: `",
        likely: "the time of the build",
    },
    Case {
        name: "two-together",
        script: "if [ $(uname -n) != kit ] && [ $(id -u) != 1000 ]; then echo b; else echo a; fi > $OUT/file",
        variations: "user host-name",
        text: "line 1: `a` is now `b`",
        likely: "",
    },
];

/// What some scripts make archives with.
const ARCHIVERS: &str = r#"
[package]
name = "archivers"
[sources.debian]
suite = "bookworm"
packages = ["busybox-static"]
dependencies = "none"
[tree]
include = ["/usr/bin/busybox"]
"#;

/// A project whose image `minimal` has these packages in it, each built by a script; the repository's lockfile pins what they need.
fn project(scripts: &[(&str, &str)]) -> TestProject {
    let project = TestProject::new();
    let names: Vec<_> = scripts.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    project.write(
        "recipes/images/minimal.toml",
        &format!(
            "[image]\nname = \"minimal\"\nformats = [\"tar\"]\n[init]\npackages = [{}]\n",
            names.join(", ")
        ),
    );
    for (name, script) in scripts {
        let recipe = format!(
            "[package]\nname = \"{name}\"\n[sources.files]\nlocal = \"files\"\n[build]\ntools = [\"toolchain-c\", \"archivers\"]\n\
             run = '''\n{script}\nmkdir $OUT/{name}\nmv $OUT/file $OUT/{name}/file\n'''\n"
        );
        project.write(&format!("recipes/packages/{name}.toml"), &recipe);
    }
    project.write("recipes/packages/archivers.toml", ARCHIVERS);
    let path = program::repository().join("lockfiles/minimal.lock");
    let mut lock = Lockfile::parse(&std::fs::read_to_string(path).unwrap()).unwrap();
    busybox::lock_for(&mut lock, "archivers", ARCHIVERS);
    project.write("lockfiles/minimal.lock", &lock.to_text());
    for name in ["a", "b", "c", "d", "e"] {
        project.write(&format!("files/{name}"), name);
    }
    project.kit(&["lock"]).succeeded();
    project
}

/// Runs `kit verify` with JSON output and returns the first image and the exit code.
fn verify(project: &TestProject, more: &[&str]) -> (Value, Option<i32>) {
    let said = project.kit(&[&["verify", "minimal", "--json"], more].concat());
    let result = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let found = result
        .filter_map(|object| object.get("result").map(|result| result["images"][0].clone()))
        .next_back();
    (found.unwrap_or_else(|| panic!("{said}")), said.code)
}

/// What `date` prints of the time that it will be in so many seconds.
fn date(format: &str, seconds: u64) -> String {
    let later = format!("--date={seconds} seconds");
    let output = Command::new("date").args(["--utc", &later, format]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Verifies a project within one day, since what has the day in it comes out different on another one.
fn verify_within_a_day(project: &TestProject) -> (Value, Option<i32>) {
    loop {
        let day = date("+%F", 0);
        let verified = verify(project, &["--depth", "packages"]);
        if date("+%F", 0) == day {
            return verified;
        }
    }
}

#[test]
fn every_cause_is_named() {
    // What a shared store remembers of an earlier run has the inode numbers of then.
    let fresh = |script: &str| format!("{script}\n# {} {}", std::process::id(), date("+%s", 0));
    let scripts: Vec<_> = CASES.iter().map(|case| (case.name, fresh(case.script))).collect();
    let scripts: Vec<_> = scripts.iter().map(|(name, script)| (*name, script.as_str())).collect();
    let project = project(&scripts);
    let year_ends = date("+%Y", 0) != date("+%Y", (24 + 7) * 3600 + 13 * 60);
    let (image, code) = verify_within_a_day(&project);
    assert_eq!((code, &image["reproducible"]), (Some(1), &Value::Bool(false)), "{image:#}");
    let causes = image["rounds"][0]["first_causes"].as_array().unwrap();
    let by_step: BTreeMap<_, _> =
        causes.iter().map(|cause| (cause["step"].as_str().unwrap().to_owned(), cause)).collect();
    let steps: Vec<_> = CASES.iter().map(|case| format!("build {}", case.name)).collect();
    let varied: Vec<_> =
        image["varied"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let mut named = 0;
    for (case, step) in CASES.iter().zip(&steps) {
        let causes = match case.name {
            "year" if year_ends => "clock-day or clock-years",
            _ => case.variations,
        };
        let causes = causes.split(" or ").map(|words| words.split_whitespace());
        let causes = causes.map(|words| words.filter(|word| varied.contains(word)).collect::<Vec<_>>());
        let variations: Vec<_> = causes.filter(|words| !words.is_empty()).collect();
        if variations.is_empty() && !case.variations.is_empty() {
            assert!(
                !by_step.contains_key(step),
                "this machine can't vary what `{step}` depends on: {image:#}"
            );
            continue;
        }
        named += 1;
        let found = by_step.get(step).unwrap_or_else(|| panic!("nothing of `{step}`:\n{image:#}"));
        let expected = if case.variations.is_empty() {
            serde_json::json!({ "kind": "always" })
        } else {
            serde_json::json!({ "kind": "variations", "variations": variations })
        };
        assert_eq!(found["cause"], expected, "{step}: {found:#}");
        let file = &found["files"][0];
        assert_eq!(file["path"], format!("/{}/file", case.name), "{found:#}");
        let explanations = file["explanations"].as_array().unwrap();
        let fits = |explanation: &&Value| {
            let likely = explanation["likely"].as_str().unwrap_or_default();
            explanation["text"].as_str().unwrap().contains(case.text)
                && (if case.likely.is_empty() { likely.is_empty() } else { likely.starts_with(case.likely) })
        };
        assert!(explanations.iter().any(|e| fits(&e)), "{step} has no `{}`: {found:#}", case.text);
    }
    assert_eq!(by_step.len(), named, "nothing else is different: {:?}", by_step.keys());
    assert!(named >= 24, "{named} of {}", CASES.len());
}

#[test]
fn what_is_reproducible_is_done_again_and_comes_out_the_same() {
    let project = project(&[
        ("constant", "echo a > $OUT/file"),
        ("compiled", "echo 'int a;' > a.c; gcc -c -o $OUT/file a.c"),
    ]);
    let said = project.kit(&["verify"]).succeeded();
    assert_eq!(said.stdout, "minimal reproducible\n");
    for text in ["done again: all came out the same\n", "varied: order, ", "clock-day, clock-years\n"] {
        assert!(said.stderr.contains(text), "{said}");
    }
    // Nothing that is in the store counts: every step of the plan is done.
    let plan = project.kit(&["show", "minimal", "--plan"]).succeeded();
    let (image, _) = verify(&project, &["--vary", "none"]);
    assert_eq!(image["rounds"][0]["same"], plan.stdout.lines().count(), "{image:#}\n{plan}");
    assert_eq!(image["varied"], serde_json::json!([]));
}

#[test]
fn one_package_alone_and_less_depth_do_less() {
    let project = project(&[("constant", "echo a > $OUT/file"), ("user", "id -u > $OUT/file")]);
    let (image, code) = verify(&project, &["--only", "constant"]);
    assert_eq!(code, Some(0), "{image:#}");
    let (image, code) = verify(&project, &["--depth", "sources"]);
    assert_eq!(code, Some(0), "{image:#}");
    let (image, code) = verify(&project, &["--only", "user", "--vary", "umask,time-zone"]);
    assert_eq!(code, Some(0), "only what is named varies: {image:#}");
    let said = project.kit(&["verify", "--only", "user"]);
    let said = said.failed(
        1,
        &[
            "error[kit::verify::different]: `minimal` is not reproducible: ",
            "because of: user\n",
            "line 1: `1000` is now `4321`",
        ],
    );
    assert_eq!(said.stdout, "minimal different\n");
}

#[test]
fn a_script_that_fails_elsewhere_is_a_finding() {
    let project = project(&[("picky", "[ $(uname -n) = kit ]\necho a > $OUT/file")]);
    let (image, code) = verify(&project, &[]);
    assert_eq!(code, Some(1), "{image:#}");
    let found = &image["rounds"][0]["first_causes"][0];
    assert_eq!(found["step"], "build picky", "{image:#}");
    assert_eq!(found["failure"], "it returned 1", "{image:#}");
    assert_eq!(found["cause"]["variations"], serde_json::json!([["host-name"]]), "{image:#}");
}

#[test]
fn a_script_that_fails_in_some_years_is_a_finding() {
    // As with a certificate that is valid for 400 days from now on.
    let expires = date("+%s", 400 * 86400);
    let script = format!("[ $(date +%s) -lt {} ]\necho a > $OUT/file", expires.trim());
    let project = project(&[("expired", &script)]);
    let (image, code) = verify(&project, &[]);
    assert_eq!(code, Some(1), "{image:#}");
    let found = &image["rounds"][0]["first_causes"][0];
    assert_eq!(found["failure"], "it returned 1", "{image:#}");
    assert_eq!(found["cause"]["variations"], serde_json::json!([["clock-years"]]), "{image:#}");
    let (image, code) = verify(&project, &["--vary", "clock-day"]);
    assert_eq!(code, Some(0), "{image:#}");
    assert_eq!(image["varied"], serde_json::json!(["clock-day"]), "{image:#}");
}

#[test]
fn what_cannot_be_varied_or_verified_is_told() {
    let project = project(&[("constant", "echo a > $OUT/file")]);
    project
        .kit(&["verify", "--vary", "host-nam"])
        .failed(2, &["`host-nam` is nothing that kit varies; did you mean `host-name`?"]);
    project
        .kit(&["verify", "--depth", "deep"])
        .failed(2, &["the depths are `sources`, `packages`, `outputs`"]);
    project.kit(&["verify", "--only", "constan"]).failed(1, &["did you mean `constant`?"]);
    // On the disk that the store is on, too.
    let work = project.path().join("work");
    let (image, _) = verify(&project, &["--work", work.to_str().unwrap(), "--depth", "sources"]);
    let not: Vec<_> =
        image["not_varied"].as_array().unwrap().iter().map(|v| v["what"].as_str().unwrap()).collect();
    let varied = image["varied"].as_array().unwrap();
    assert_eq!(not.len() + varied.len(), 18, "{image:#}");
    assert_eq!(std::fs::read_dir(&work).unwrap().count(), 0, "nothing stays");
}

#[test]
fn a_killed_rebuild_is_swept_by_the_next_one() {
    // Ends in the first build, and never in the rebuild.
    let project = project(&[("slow", "[ $(uname -n) = kit ] || sleep 1000\necho a > $OUT/file")]);
    let work = project.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let left = || std::fs::read_dir(&work).unwrap().count();
    let arguments = ["verify", "minimal", "--work", work.to_str().unwrap()];
    let mut command = project.command(&arguments);
    let mut killed = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    // Directories of scripts that run are two below those for what is temporary.
    let entries =
        |path: PathBuf| std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_hanging = || {
        let sessions = entries(work.clone()).flat_map(|store| entries(store.join("tmp")));
        sessions.flat_map(entries).any(|scratch| scratch.join("vartmp").exists())
    };
    while !is_hanging() {
        assert!(killed.try_wait().unwrap().is_none(), "it ended before it was killed");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::fs::create_dir(work.join("kit-verify-999999999.backwards")).unwrap();
    std::fs::create_dir(work.join("kit-verify-not-ours")).unwrap();
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert_eq!(left(), 3);
    project.kit(&[&arguments[..], &["--vary", "none"]].concat()).succeeded();
    assert_eq!(left(), 1, "only what isn't of a rebuild");
    std::fs::remove_dir(work.join("kit-verify-not-ours")).unwrap();
}
