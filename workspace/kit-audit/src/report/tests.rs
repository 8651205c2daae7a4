use kit_hash::{BlobId, Sha256};
use kit_recipe::lockfile::DebKey;
use kit_recipe::recipe::RecipeName;
use kit_tree::{Entry, Meta, Mode, TreePath};

use super::*;
use crate::finding::{Evidence, Finding};
use crate::inventory::{Component, File, Place as Part, Role};
use crate::policy::{Listed, State, Why};

/// The identity of a Debian package.
pub(crate) fn debian(name: &str, version: &str) -> ComponentId {
    let (name, version, architecture) = (name.to_owned(), version.to_owned(), "amd64".to_owned());
    ComponentId::Debian(DebKey { name, version, architecture })
}

/// A component that nothing is known of.
pub(crate) fn component(name: &str, role: Role) -> Component {
    Component { role, ..Component::named(name) }
}

/// An inventory of the image `router`.
pub(crate) fn inventory(
    components: impl IntoIterator<Item = (ComponentId, Component)>,
    files: Vec<File>,
) -> Inventory {
    Inventory {
        image: "router".to_owned(),
        pin: Some(pin()),
        architecture: "x86_64".to_owned(),
        source_date: 0,
        components: components.into_iter().collect(),
        files,
    }
}

fn pin() -> PinId {
    "11".repeat(32).parse().unwrap()
}

static NO_PIE: Kind = Kind {
    id: "elf-no-pie",
    area: Area::Hardening,
    severity: Severity::Low,
    title: "A program is always at the same place",
    help: "build it with `-fPIE`",
};
static VULNERABLE: Kind = Kind {
    id: "vulnerability",
    area: Area::Vulnerabilities,
    severity: Severity::Medium,
    title: "A known vulnerability",
    help: "update the package",
};
static CONFLICT: Kind = Kind {
    id: "licence-conflict",
    area: Area::Licences,
    severity: Severity::Low,
    title: "Licences that don't go together",
    help: "replace one",
};

/// What outputs do worst with.
const HOSTILE: &str = "</script><!--<b>&\"'\u{202e}\u{1b}[0m\n]]>\u{0}";

fn recipe(kind: fn(kit_recipe::Name) -> RecipeName, name: &str) -> RecipeName {
    kind(name.parse().unwrap())
}

fn judged(finding: Finding, level: Level, line: Option<usize>, exception: Option<usize>) -> Judged {
    Judged { finding, level, why: Why { line, words: "the rule".to_owned() }, exception }
}

fn judgement() -> Judgement {
    let place = Place {
        recipe: recipe(RecipeName::Package, "tools"),
        text: "[package]\nname = \"ö\" # tools\n".to_owned(),
        span: 17..21,
    };
    let tool =
        Evidence::File { path: TreePath::new("usr/bin/a tool").unwrap(), owner: Some(HOSTILE.to_owned()) };
    Judgement {
        judged: vec![
            judged(
                Finding::new(&VULNERABLE, "CVE-2024-2511 openssl", "openssl 3.0.15-1 is open to it")
                    .as_bad_as(Severity::High)
                    .because(Evidence::Advisory("DSA-1".to_owned()))
                    .because(Evidence::Lock("debs openssl 3.0.15-1 amd64".to_owned())),
                Level::Deny,
                Some(4),
                None,
            ),
            judged(
                Finding::new(&NO_PIE, HOSTILE, HOSTILE)
                    .because(tool)
                    .because(Evidence::Recipe(place))
                    .with_help(HOSTILE),
                Level::Warn,
                None,
                None,
            ),
            judged(Finding::new(&NO_PIE, "/b", "b"), Level::Allow, Some(9), Some(0)),
        ],
        exceptions: vec![Listed {
            finding: "elf-no-pie:/b".to_owned(),
            reason: HOSTILE.to_owned(),
            until: Day::of_date(2026, 12, 31).unwrap(),
            line: 9,
            state: State::Used(1),
        }],
        left_out: vec!["`[signatures]` couldn't be judged: nobody looked for signatures".to_owned()],
    }
}

fn whole_inventory() -> Inventory {
    let (openssl, tools) =
        (debian("openssl", "3.0.15-1"), ComponentId::Recipe(recipe(RecipeName::Package, "tools")));
    let image = ComponentId::Recipe(recipe(RecipeName::Image, "router"));
    let shipped = |name: &str, made_of: &[&ComponentId]| {
        let made_of = made_of.iter().map(|id| (*id).clone()).collect();
        Component { made_of, files: 1, bytes: 5000, ..component(name, Role::Shipped) }
    };
    let mut of_openssl = shipped("openssl", &[]);
    of_openssl.version = Some("3.0.15-1".to_owned());
    of_openssl.sha256 = Some(Sha256::of(b"deb"));
    let file = |path: &str, owner: &ComponentId| File {
        place: Part::Root,
        path: TreePath::new(path).unwrap(),
        entry: Entry::File { meta: Meta::root(Mode::FILE), blob: BlobId::of(path.as_bytes()), size: 5000 },
        owner: owner.clone(),
    };
    let directory = File { entry: Entry::directory(), ..file("usr", &image) };
    let files = vec![directory, file("usr/a </script> b", &tools), file("usr/lib.so", &openssl)];
    inventory(
        [
            (image, shipped("router", &[&tools])),
            (tools, shipped(HOSTILE, &[&openssl])),
            (openssl, of_openssl),
            (debian("gcc", "12"), component("gcc", Role::Tool)),
        ],
        files,
    )
}

fn with_report<T>(read: impl FnOnce(&Report<'_>) -> T) -> T {
    let inventory = whole_inventory();
    let licences = BTreeMap::from([(debian("openssl", "3.0.15-1"), "Apache-2.0".to_owned())]);
    let table = Table {
        id: "privileges",
        title: "Privileges".to_owned(),
        note: String::new(),
        columns: vec!["service".to_owned(), "capabilities".to_owned()],
        rows: vec![vec!["a-long-name".to_owned(), HOSTILE.to_owned()], vec!["b".to_owned(), String::new()]],
    };
    read(&Report {
        image: "router",
        path: Some("lockfiles/router.lock"),
        pin: Some(pin()),
        version: "0.1.0",
        today: Day::of_date(2026, 6, 30).unwrap(),
        depth: &Depth::Files,
        kinds: &[&NO_PIE, &VULNERABLE, &CONFLICT],
        inventory: Some(&inventory),
        licences: &licences,
        judgement: &judgement(),
        tables: &[table],
    })
}

#[test]
fn the_text_is_quiet_and_aligned() {
    let hostile = r#"</script><!--<b>&"'\u{202e}\x1b[0m\n]]>\x00"#;
    let expected = format!(
        r"router: audited to its files: every file of the image was read, and each belongs to a component

vulnerabilities: 1 denied
  deny  high      vulnerability:CVE-2024-2511 openssl
                  openssl 3.0.15-1 is open to it
                  - advisory DSA-1
                  - lockfile: debs openssl 3.0.15-1 amd64
                  why: policy.toml:4: the rule
                  help: update the package

hardening: 1 warning
  warn  low       elf-no-pie:{hostile}
                  {hostile}
                  - /usr/bin/a\x20tool of {hostile}
                  - recipes/packages/tools.toml:2
                  help: {hostile}

Privileges
  service      capabilities
  a-long-name  {hostile}
  b

exceptions
  until 2026-12-31  1 finding  elf-no-pie:/b  {hostile}

note: `[signatures]` couldn't be judged: nobody looked for signatures

failed: 1 denied, 1 warning, 1 allowed, 1 of them by an exception
"
    );
    assert_eq!(with_report(text::write), expected);
}

#[test]
fn nothing_found_is_two_lines() {
    let judgement = Judgement { judged: Vec::new(), exceptions: Vec::new(), left_out: Vec::new() };
    let text = with_report(|report| text::write(&Report { judgement: &judgement, tables: &[], ..*report }));
    assert_eq!(text.lines().filter(|line| !line.is_empty()).count(), 2, "{text}");
    assert!(text.ends_with("\npassed: nothing found\n"));
}

#[test]
fn json_has_all_of_it() {
    let text = with_report(json::write).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
    assert_eq!(value["format"], "kit-audit-1");
    assert_eq!(value["outcome"], "failed");
    assert_eq!(value["findings"][0]["id"], "vulnerability:CVE-2024-2511 openssl");
    assert_eq!(value["findings"][1]["message"], HOSTILE);
    assert_eq!(value["findings"][1]["evidence"][1]["line"], 2);
    assert_eq!(value["findings"][1]["evidence"][1]["column"], 8);
    assert_eq!(value["exceptions"][0]["findings"], 1);
    assert_eq!(value["components"].as_array().unwrap().len(), 4);
    assert_eq!(value["counts"]["levels"]["deny"], 1);
    assert_eq!(value["tables"]["privileges"]["rows"][1][0], "b");
    assert_eq!(text, with_report(json::write).unwrap());
}

#[test]
fn sarif_places_findings() {
    let text = with_report(sarif::write).unwrap();
    let log: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let run = &log["runs"][0];
    let results = run["results"].as_array().unwrap();
    let levels: Vec<_> = results.iter().map(|result| result["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "warning", "note"]);
    for result in results {
        let rule = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][rule]["id"], result["ruleId"]);
    }
    let place = &results[0]["locations"][0];
    assert_eq!(place["physicalLocation"]["artifactLocation"]["uri"], "lockfiles/router.lock");
    assert_eq!(place["logicalLocations"][0]["kind"], "module");
    let region = &results[1]["locations"][0]["physicalLocation"]["region"];
    assert_eq!(region.to_string(), r#"{"endColumn":11,"endLine":2,"startColumn":8,"startLine":2}"#);
    assert_eq!(results[1]["suppressions"].as_array().unwrap().len(), 0);
    assert!(results[2]["suppressions"][0]["justification"].as_str().unwrap().ends_with("(until 2026-12-31)"));
}

#[test]
fn junit_counts_and_escapes() {
    let text = with_report(junit::write);
    let begin = "<testsuites name=\"kit audit router\" tests=\"4\" failures=\"1\" errors=\"0\" skipped=\"1\" time=\"0\">";
    assert!(text.contains(begin), "{text}");
    assert!(text.contains("classname=\"kit.licences.licence-conflict\" name=\"nothing found\" time=\"0\"/>"));
    assert!(text.contains("&lt;/script&gt;&lt;!--&lt;b&gt;&amp;&quot;'\\u{202e}\\x1b[0m\\n]]&gt;\\x00"));
    assert!(!text.contains("<b>") && !text.contains("]]>"));
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn the_data_of_the_page_can_stand_in_a_script_element() {
    let page = with_report(page::Page::new);
    assert!(!page.data.contains(['<', '>', '&', '\n', '\u{202e}', '\u{2028}']), "{}", page.data);
    let data: serde_json::Value = serde_json::from_str(&page.data).unwrap();
    let names: Vec<_> =
        data["components"].as_array().unwrap().iter().map(|one| one[0].as_str().unwrap()).collect();
    assert_eq!(names, ["gcc 12", "openssl 3.0.15-1", "image router", "package tools"]);
    assert_eq!(data["files"], "0 /usr 2 0\n4 /a\\x20</script>\\x20b 3 1 3uw\n5 lib.so 1 1 3uw\n");
    assert_eq!(data["metas"].to_string(), r#"[["d 0755","0:0"],["- 0644","0:0"]]"#);
}

#[test]
fn the_page_shows_what_is_there() {
    let page = with_report(page::Page::new);
    assert_eq!((page.verdict, page.is_passed, page.components, page.files), ("failed", false, 4, 3));
    let groups: Vec<_> =
        page.groups.iter().map(|group| (group.level, group.id, group.count, group.is_open)).collect();
    assert_eq!(
        groups,
        [
            ("deny", "vulnerability", 1, true),
            ("warn", "elf-no-pie", 1, true),
            ("allow", "elf-no-pie", 1, false)
        ]
    );
    let treemap = page.treemap.unwrap();
    assert_eq!(treemap.bytes, "10.0 kB");
    assert_eq!(treemap.wide.len(), 2);
    let graph = page.graph.unwrap();
    let labels: Vec<_> = graph.wide.boxes.iter().map(|one| one.label.as_str()).collect();
    assert_eq!(labels.len(), 3);
    assert!(labels.contains(&"openssl 3.0.15-1"), "{labels:?}");
    let lines: Vec<_> = graph.wide.lines.iter().map(|line| (line.from, line.to)).collect();
    assert_eq!(lines, [(0, 1), (1, 2)]);
    assert_eq!(page.licences[0].licence.as_deref(), Some("Apache-2.0"));
}

#[test]
fn a_large_image_stays_small_and_readable() {
    let owners: Vec<_> = (0..300).map(|at| debian(&format!("package-{at}"), "1.0-1")).collect();
    let image = ComponentId::Recipe(recipe(RecipeName::Image, "router"));
    let files: Vec<_> = (0..25_000_u64)
        .map(|at| File {
            place: Part::Root,
            path: TreePath::new(format!(
                "usr/lib/x86_64-linux-gnu/directory-{:03}/a-file-{at:05}.so.1",
                at / 100
            ))
            .unwrap(),
            entry: Entry::File {
                meta: Meta::root(Mode::FILE),
                blob: BlobId::of(&at.to_le_bytes()),
                size: at * at % 1_000_003,
            },
            owner: owners[usize::try_from(at % 300).unwrap()].clone(),
        })
        .collect();
    let mut components: Vec<_> =
        owners.iter().map(|id| (id.clone(), component(&id.to_string(), Role::Shipped))).collect();
    components.push((
        image,
        Component { made_of: owners.iter().cloned().collect(), ..component("router", Role::Shipped) },
    ));
    let inventory = inventory(components, files);
    let page = with_report(|report| page::Page::new(&Report { inventory: Some(&inventory), ..*report }));
    assert!(page.data.len() < 1_200_000, "{}", page.data.len());
    let graph = page.graph.unwrap();
    assert!(graph.wide.boxes.len() <= 100, "{}", graph.wide.boxes.len());
    let treemap = page.treemap.unwrap();
    let parts: usize = treemap.wide.iter().map(|package| package.files.len() + 1).sum();
    assert!(parts < 600, "{parts}");
}
