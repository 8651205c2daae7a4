//! What is built, and when: failures, interruptions, and changes that change nothing.
#![expect(clippy::disallowed_methods, reason = "tests kill programs")]
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::SystemTime;

use kit_tests::{Said, TestProject};
use serde_json::Value;

/// A project whose image `minimal` has these packages in it; the repository's lockfile pins what they need.
fn project(packages: &[(&str, &str)]) -> TestProject {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    let names: Vec<_> = packages.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let image = format!(
        "[image]\nname = \"minimal\"\nformats = [\"tar\"]\n[init]\npackages = [{}]\n",
        names.join(", ")
    );
    project.write("recipes/images/minimal.toml", &image);
    for (name, rest) in packages {
        project.write(
            &format!("recipes/packages/{name}.toml"),
            &format!("[package]\nname = \"{name}\"\n{rest}"),
        );
    }
    project
}

/// A build by a script that no test before has run: all use one store.
fn script(tools: &str, script: &str) -> String {
    format!("[build]\ntools = [\"shell-tools\"{tools}]\nrun = '''\n# {}\n{script}\n'''\n", unique())
}

fn unique() -> u128 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    now.as_nanos()
}

/// Returns how each step ended that wasn't known beforehand, by its title.
fn ended(said: &Said) -> BTreeMap<String, String> {
    let events = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    let finished = events.filter(|event| event["event"] == "finished");
    finished.map(|event| (text(&event, "step"), text(&event, "how"))).collect()
}

/// Returns the steps that were done.
fn done(ended: &BTreeMap<String, String>) -> Vec<&str> {
    ended.iter().filter(|(_, how)| *how == "done").map(|(step, _)| step.as_str()).collect()
}

#[test]
fn a_change_that_leaves_the_output_the_same_rebuilds_nothing_above_it() {
    let below = format!(
        "[sources.files]\nlocal = \"files\"\n[build]\ntools = [\"toolchain-c\"]\nrun = '''\n\
        gcc -c -o main.o /src/files/main.c\nmv main.o $OUT/main.o # {}\n'''\n",
        unique()
    );
    let project = project(&[
        ("below", &below),
        ("above", &script(", \"below\"", "cp /main.o $OUT/copy.o")),
        ("top", &script(", \"above\"", "cp /copy.o $OUT/again.o")),
    ]);
    project.write("files/main.c", "int main(void) { return 0; }\n");
    let image = project.read("recipes/images/minimal.toml");
    let service = "[[service]]\nname = \"service\"\npackage = \"top\"\ncommand = [\"/again.o\"]\n";
    project.write("recipes/images/minimal.toml", &format!("{image}{service}"));
    project.kit(&["lock"]).succeeded();

    // The image has the digest of its lockfile's pins in it, which are others.
    let expected = ["build below", "output minimal tar", "root minimal"];

    // A comment in a source, and white space: it is compiled again, to the same bytes.
    project.write("files/main.c", "/* returns nothing */\nint  main(void) { return 0; }\n");
    let first = ended(&project.kit(&["lock", "--json"]).succeeded());
    assert_eq!(first["build below"], "done", "{first:#?}");
    let above = ["package below", "build above", "build top", "container service", "container image service"];
    for step in above {
        assert_eq!(first.get(step).map(String::as_str), Some("reused"), "{step}: {first:#?}");
    }
    assert_eq!(done(&first), expected);

    // So it is with a comment in a script.
    let recipe = project.read("recipes/packages/below.toml");
    project.write("recipes/packages/below.toml", &recipe.replace("gcc -c", "# Compiles.\ngcc -c"));
    let second = ended(&project.kit(&["lock", "--json"]).succeeded());
    assert_eq!(second["build below"], "done", "{second:#?}");
    assert_eq!(done(&second), expected);
    for step in above {
        assert_eq!(second[step], "reused", "{step}: {second:#?}");
    }

    // A change that changes something reaches the top.
    project.write("files/main.c", "int main(void) { return 1; }\n");
    let third = ended(&project.kit(&["lock", "--json"]).succeeded());
    for step in ["build below", "build above", "build top"] {
        assert_eq!(third[step], "done", "{step}: {third:#?}");
    }
}

#[test]
fn everything_that_does_not_need_what_failed_is_built_when_it_keeps_going() {
    let project = project(&[
        ("good", &script("", "echo good > $OUT/good")),
        ("bad", &script("", "echo the first; exit 3")),
        ("needs-bad", &script(", \"bad\"", "echo never > $OUT/never")),
        ("worse", &script(", \"good\"", "echo the second; exit 4")),
    ]);
    let said = project.kit(&["lock", "--keep-going", "--json"]);
    assert_eq!(said.code, Some(1), "{said}");
    let ended = ended(&said);
    assert_eq!((ended["build good"].as_str(), ended["build bad"].as_str()), ("done", "failed"), "{said}");
    assert_eq!((ended["build worse"].as_str(), ended.get("build needs-bad")), ("failed", None), "{said}");
    let said = project.kit(&["lock", "-k"]).failed(
        1,
        &[
            "error[kit::build::script_failed]: `build bad` failed: it returned 3",
            "| the first\n",
            "error[kit::build::script_failed]: `build worse` failed: it returned 4",
            "| the second\n",
            " not done: they need what failed\n",
        ],
    );
    assert!(!said.stderr.contains("build needs-bad"), "{said}");
    // Without it the first failure is the only one that is told.
    let said = project.kit(&["lock", "--jobs", "1"]).failed(1, &["error[kit::build::script_failed]"]);
    assert_eq!(said.stderr.matches("error[").count(), 1, "{said}");
    for name in ["bad", "worse"] {
        let path = format!("recipes/packages/{name}.toml");
        let recipe = project.read(&path);
        project.write(&path, &recipe.replace("exit", "echo fine > $OUT/fine; true"));
    }
    project.kit(&["lock", "--keep-going"]).succeeded();
    project.kit(&["build", "--keep-going"]).succeeded();
}

#[test]
fn a_killed_build_goes_on_where_it_was() {
    let packages = [("a", "echo a > $OUT/a"), ("b", "echo b > $OUT/b; sleep 600")];
    let scripts = packages.map(|(name, text)| (name, script("", text)));
    let project = project(&scripts.each_ref().map(|(name, text)| (*name, text.as_str())));
    let mut kit = project
        .command(&["lock", "--json", "--jobs", "2"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(kit.stdout.take().unwrap()).lines();
    let mut begun = std::collections::BTreeSet::new();
    for line in lines.map(Result::unwrap) {
        let event: Value = serde_json::from_str(&line).unwrap();
        let step = event["step"].as_str().unwrap_or_default();
        if (&event["event"], step) == (&"started".into(), "build b")
            || (&event["event"], step) == (&"finished".into(), "build a")
        {
            begun.insert(step.to_owned());
        }
        if begun.len() == 2 {
            break;
        }
    }
    assert_eq!(begun.len(), 2, "it ended by itself");
    kit.kill().unwrap();
    kit.wait().unwrap();
    let recipe = project.read("recipes/packages/b.toml");
    project.write("recipes/packages/b.toml", &recipe.replace("; sleep 600", ""));
    let ended = ended(&project.kit(&["lock", "--json"]).succeeded());
    assert_eq!((ended.get("build a"), ended["build b"].as_str()), (None, "done"), "{ended:#?}");
    let toolset: Vec<_> = ended.keys().filter(|step| step.starts_with("unpack ")).collect();
    assert!(toolset.is_empty(), "{toolset:?}");
}

#[test]
fn scripts_have_processors_of_their_own_as_many_as_they_ask_for() {
    let there_are = std::thread::available_parallelism().unwrap().get();
    let report = "grep Cpus_allowed_list /proc/self/status; nproc; mkdir $OUT/d; sleep 1";
    let ask = |processors: usize| format!("{}processors = {processors}\n", script("", report));
    let (one, all) = (ask(1), ask(there_are + 5));
    let project =
        project(&[("one", &one), ("other", &format!("{one}env = {{ A = \"b\" }}\n")), ("all", &all)]);
    let said = project.kit(&["lock", "--json"]).succeeded();
    let log = |name: &str| project.kit(&["log", name]).succeeded().stdout;
    let (list, count) = (
        |log: &str| log.lines().next().unwrap().to_owned(),
        |log: &str| log.lines().nth(1).unwrap().to_owned(),
    );
    assert_eq!(count(&log("one")), "1");
    assert_eq!(count(&log("all")), there_are.to_string());
    // Never more scripts at a time than there are processors for.
    let mut used = 0_usize;
    for event in said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let asked = match event["step"].as_str() {
            Some("build one" | "build other") => 1,
            Some("build all") => there_are,
            _ => continue,
        };
        match event["event"].as_str() {
            Some("started") => used += asked,
            Some("finished") => used -= asked,
            _ => {}
        }
        assert!(used <= there_are, "{said}");
    }
    if there_are > 1 {
        assert_ne!(list(&log("one")), list(&log("other")), "they ran at the same time");
    }
}
