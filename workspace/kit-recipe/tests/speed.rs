//! Parsing is fast enough to be done on every command: the figures are those of a release build, with room for a slow
//! machine and a debug build.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use kit_recipe::{Lockfile, Recipe};

/// The best of some runs, since other work on the machine only ever adds.
fn best(runs: usize, mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..runs).map(run).min().expect("there are runs")
}

fn allowed(release: Duration) -> Duration {
    if cfg!(debug_assertions) { release * 10 } else { release }
}

#[test]
fn a_recipe_takes_well_under_a_millisecond() {
    let text = "[package]\nname = \"web\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [\"nginx-light\"]\n\
                [tree]\nexclude = [\"/usr/share/doc/**\", \"/usr/share/man/**\", \"/usr/share/locale/**\"]\n\
                [[file]]\npath = \"/etc/motd\"\ncontents = \"x\"\n\
                [container]\ncommand = [\"/usr/sbin/nginx\"]\ncapabilities = [\"CAP_CHOWN\"]\nnet = \"host\"\n";
    let name = "package web".parse().unwrap();
    let time = best(20, || assert!(Recipe::parse(&name, text).is_ok()));
    println!("recipe: {time:?}");
    assert!(time < allowed(Duration::from_millis(1)), "{time:?}");
}

#[test]
fn a_lockfile_of_300_packages_takes_under_5_milliseconds() {
    let zeros = "0".repeat(64);
    let mut text = format!(
        "version = 1\nsubject = \"image a\"\nepoch = 0\narchitecture = \"x86_64\"\nsource-date = 2026-01-01T00:00:00Z\n\
         pin = \"{zeros}\"\n[suites.bookworm]\ndate = 2026-01-01T00:00:00Z\nin-release = \"{zeros}\"\nsigned-by = []\n\
         [debian]\ndebs = [\n"
    );
    for n in 0..300 {
        writeln!(
            text,
            "  {{ name = \"lib{n}\", version = \"1:2.3-4+deb12u{n}\", arch = \"amd64\", source = \"lib{n} 1:2.3-4+deb12u{n}\", suite = \"bookworm\", size = {n}, \
             sha256 = \"{zeros}\", path = \"pool/main/l/lib{n}/lib{n}_2.3-4+deb12u{n}_amd64.deb\", tree = \"{zeros}\" }},"
        )
        .unwrap();
    }
    text.push_str("]\n[closures]\n\"a/b\" = [\n");
    (0..300).for_each(|n| writeln!(text, "  \"lib{n} 1:2.3-4+deb12u{n} amd64\",").unwrap());
    text.push_str("]\n");
    // The pin is wrong on purpose: everything has been read and hashed when that is found.
    let time = best(10, || {
        let problems = Lockfile::parse(&text).unwrap_err();
        assert_eq!(problems.iter().next().unwrap().code(), "kit::lock::edited");
    });
    println!("lockfile: {time:?}");
    assert!(time < allowed(Duration::from_millis(5)), "{time:?}");
}
