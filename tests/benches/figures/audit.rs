//! An audit and an SBOM of an image of three hundred packages, with all that Debian knows of vulnerabilities.
//!
//! The image is real; the advisories are made up, in the number, the form and the distribution of Debian's: most are of few packages, most are mended.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use kit_recipe::Lockfile;
use kit_tests::TestProject;

use crate::process;
use crate::table::{Row, Runs};

const RUNS: usize = 11;
/// With all that they depend on, these are some three hundred packages.
const ASKED: [&str; 6] =
    ["ffmpeg", "git", "nginx-full", "openssh-server", "python3-cryptography", "qemu-system-x86"];
/// Source packages that the security tracker knows.
const SOURCES: usize = 4_000;
/// Vulnerabilities of one of them that it lists; OSV has a record of each, and of some more.
const PER_SOURCE: usize = 11;
/// Vulnerabilities of those that have many, such as the kernel and browsers.
const OF_LARGE: usize = 400;
/// How many have many.
const LARGE: usize = 10;
const RELEASES: [&str; 4] = ["bullseye", "bookworm", "trixie", "sid"];

pub(crate) fn measure() -> Vec<Row> {
    let project = TestProject::new();
    let asked: Vec<_> = ASKED.iter().map(|name| format!("\"{name}\"")).collect();
    let asked = asked.join(", ");
    project.write(
        "recipes/packages/many.toml",
        &format!(
            "[package]\nname = \"many\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [{asked}]\n"
        ),
    );
    project.write(
        "recipes/images/many.toml",
        "[image]\nname = \"many\"\nformats = [\"tar\"]\n[init]\npackages = [\"many\"]\n[[file]]\npath = \"/init\"\ncontents = \"\"\n",
    );
    // Nothing is denied, so that an audit succeeds.
    project.write("policy.toml", "[levels]\n\"vulnerability\" = \"warn\"\n");
    project.kit(&["lock", "many"]).succeeded();
    let lock = Lockfile::parse(&project.read("lockfiles/many.lock")).expect("kit reads what it writes");
    let advisories = advisories(&project, &lock);
    project.kit(&["lock", "many", "--advisories", "tracker.json", "--advisories", "osv"]).succeeded();
    let of = |arguments: &[&str]| {
        let arguments = [arguments, &["--offline"]].concat();
        // What is found out of contents once is known from then on.
        project.kit(&arguments).succeeded();
        Runs::of_times((0..RUNS).map(|_| process::run(&mut project.command(&arguments)).wall))
    };
    let packages = lock.debs.len();
    let what = format!("{packages} packages, {advisories} advisories: `kit audit`");
    vec![
        of(&["audit", "many"]).row(&what, "under 1 s"),
        of(&["sbom", "many", "--to", "many.spdx.json"]).row("the same image: `kit sbom`", "under 300 ms"),
    ]
}

/// Writes what the tracker and OSV say of the sources of an image, and of many others; returns how many vulnerabilities.
fn advisories(project: &TestProject, lock: &Lockfile) -> usize {
    let own: BTreeSet<String> = lock.debs.values().map(|deb| deb.source.name.clone()).collect();
    let others = (own.len()..SOURCES).map(|number| format!("source-{number}"));
    let sources: Vec<String> = own.iter().cloned().chain(others).collect();
    let step = sources.len() / LARGE;
    let (mut tracker, mut count) = ("{".to_owned(), 0);
    for (at, source) in sources.iter().enumerate() {
        let separator = if at == 0 { "" } else { "," };
        write!(tracker, "{separator}\"{source}\":{{").expect("a string takes all");
        for number in 0..if at % step == 1 { OF_LARGE } else { PER_SOURCE } {
            let id = format!("CVE-{}-{}", 2010 + number % 16, 10_000 + count);
            let separator = if number == 0 { "" } else { "," };
            write!(tracker, "{separator}\"{id}\":{}", issue(number)).expect("a string takes all");
            project.write(&format!("osv/{}/{id}.json", at % 100), &record(&id, source, number));
            count += 1;
        }
        tracker.push('}');
    }
    tracker.push('}');
    project.write("tracker.json", &tracker);
    count
}

const WORDS: &str = "A flaw was found in how lengths of fields are checked: a file that was made for it lets whoever made it read memory behind \
    the end of a buffer, or end the program, when somebody opens it.";

/// What the tracker says of a vulnerability: one in twenty isn't mended.
fn issue(number: usize) -> String {
    let state = |release: &&str| {
        let state = match number % 20 {
            0 => r#""status":"open","urgency":"not yet assigned","nodsa":"Minor issue","nodsa_reason":"""#
                .to_owned(),
            1 => r#""status":"open","urgency":"unimportant""#.to_owned(),
            2 => r#""status":"resolved","fixed_version":"0","urgency":"not yet assigned""#.to_owned(),
            other => format!(r#""status":"resolved","fixed_version":"0.{other}-1","urgency":"medium""#),
        };
        format!(r#""{release}":{{{state},"repositories":{{"{release}":"1.0-1"}}}}"#)
    };
    let states: Vec<_> = RELEASES.iter().map(state).collect();
    format!(r#"{{"description":"{WORDS}","scope":"local","releases":{{{}}}}}"#, states.join(","))
}

fn record(id: &str, source: &str, number: usize) -> String {
    let affected = |release: &str| {
        let fixed =
            if number % 20 < 2 { String::new() } else { format!(",{{\"fixed\":\"0.{}-1\"}}", number % 20) };
        format!(
            r#"{{"package":{{"ecosystem":"Debian:{release}","name":"{source}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}}{fixed}]}}]}}"#
        )
    };
    let affected = ["11", "12", "13"].map(affected).join(",");
    format!(
        r#"{{"schema_version":"1.7.0","id":"DEBIAN-{id}","upstream":["{id}"],"published":"2024-01-01T00:00:00Z","modified":"2024-01-02T00:00:00Z","details":"{WORDS}","severity":[{{"type":"CVSS_V3","score":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],"affected":[{affected}]}}"#
    )
}
