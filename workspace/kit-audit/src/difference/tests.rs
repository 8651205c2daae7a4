mod sample;

use std::collections::BTreeMap;

use kit_hash::Sha256;
use kit_tree::Entry;
use serde_json::json;

use self::sample::{HOSTILE, after, before, hostile};
use super::sizes::Moved;
use super::text::Lines;
use super::{State, difference, json, markdown, text};

/// What a person sees of all parts.
const TEXT: &str = "\
demo@HEAD -> demo
  packages         1 added, 1 removed, 1 upgraded, 1 downgraded, 1 changed, 1 role changed; of the tools: 1 upgraded
  recipes          1 changed
  files            2 added, 1 removed, 4 changed (kind of 1, mode of 1, owner of 1, capabilities of 1, content of 2)
  services         1 added, 3 gained, 1 lost, 1 changed
  kernel options   3 changed, 2 of them not as recommended
  command line     1 added, 1 removed
  licences         1 added, 1 removed, 1 changed; 2 licences new to the image
  vulnerabilities  1 introduced, 1 fixed, 1 removed
  size             1.5 kB -> 1.9 kB (+400 B)
  downloads        2.0 MB to download for 2 outputs
  sources          1 of 2 sources to download for a build, 20 B
";

#[test]
fn all_parts_are_told() {
    let found = difference(&before(), &after());
    let shown = text::write(&found, Lines::All);
    let (summary, details) = shown.split_once("\n\n").unwrap();
    assert_eq!(format!("{summary}\n"), TEXT);
    assert_eq!(details, include_str!("tests/details.txt"));
    assert_eq!(markdown::write(&found), include_str!("tests/pull_request.md"));
}

#[test]
fn the_other_way_round_it_is_the_opposite() {
    let found = difference(&after(), &before());
    let text = text::write(&found, Lines::All);
    for line in [
        "~ debian libc6  2.36-9+deb12u10 -> 2.36-9+deb12u9  (downgraded)",
        "+ CVE-2026-0001 zlib 1.2  critical  (introduced, no fixed version: a first one)",
        "- web: capability CAP_NET_ADMIN",
    ] {
        assert!(text.contains(line), "no {line} in {text}");
    }
}

#[test]
fn the_same_is_the_same() {
    let found = difference(&before(), &before());
    assert!(found.is_empty());
    let text = text::write(&found, Lines::All);
    assert_eq!(text.matches("  same\n").count(), 9, "{text}");
    assert_eq!(json::object(&found)["differs"], json!(false));
    assert!(!difference(&before(), &after()).is_empty());
}

#[test]
fn what_is_not_known_is_not_gone() {
    let alone = State::named("a.lock");
    let found = difference(&before(), &alone);
    assert!(found.files.known().is_none());
    let shown = text::write(&found, Lines::All);
    assert!(shown.contains("  files            not known for `a.lock`\n"), "{shown}");
    let object = json::object(&found);
    assert_eq!(object["files"], json!(null));
    assert_eq!(object["unknown"]["files"], json!(["a.lock"]));
    let found = difference(&alone, &alone);
    assert!(text::write(&found, Lines::All).contains("not known for `a.lock` and `a.lock`"));
}

#[test]
fn long_lists_are_cut_unless_all_is_asked_for() {
    let found = difference(&before(), &after());
    let cut = text::write(&found, Lines::AtMost(2));
    assert!(cut.contains("\n    and 5 more; `--all` shows them\n"), "{cut}");
    assert!(!text::write(&found, Lines::AtMost(6)).contains(" more"), "one more line is shown instead");
    assert!(!text::write(&found, Lines::All).contains(" more"));
}

#[test]
fn what_is_below_a_new_directory_is_counted_there() {
    let (mut one, mut other) = (State::named("a"), State::named("b"));
    one.files = Some(sample::files(&[("/gone", Entry::directory()), ("/gone/x", sample::plain("x"))]));
    other.files = Some(sample::files(&[
        ("/new", Entry::directory()),
        ("/new-er", Entry::directory()),
        ("/new/a", Entry::directory()),
        ("/new/a/b", sample::plain("four")),
        ("/new/c", sample::plain("four")),
        ("/new/su", sample::set_user_id("su")),
    ]));
    let found = difference(&one, &other);
    let shown = text::write(&found, Lines::AtMost(9));
    let rows: Vec<_> = shown.lines().skip_while(|line| !line.starts_with("files: ")).skip(1).collect();
    assert_eq!(
        rows,
        [
            "  + /new/su  file 4755 0:0 2 B  (of libc6 2)",
            "  - /gone/  2 paths, 1 B",
            "  + /new/  4 paths, 8 B",
            "  + /new-er  dir 0755 0:0  (of libc6 2)",
        ]
    );
    assert!(text::write(&found, Lines::All).contains("\n  + /new/a/b  file 0644 0:0 4 B"));
}

#[test]
fn names_are_no_markup() {
    let (one, other) = hostile();
    let found = difference(&one, &other);
    let markdown = markdown::write(&found);
    assert!(!markdown.contains(['\u{202e}', '\x1b']), "{markdown}");
    // Outside of code, nothing is left of it; inside, nothing ends the code.
    for line in markdown.lines() {
        let outside: Vec<_> = line.split('`').step_by(2).collect();
        assert!(line.matches('`').count() % 2 == 0, "{line}");
        let outside = outside.concat().replace("<!-- -->", "");
        for odd in ["<script", "](", "@someone", "**b", "http:", "<img"] {
            assert!(!outside.contains(odd), "{odd} in {line}");
        }
        if line.starts_with("| ") && line.matches(" | ").count() > 1 {
            assert_eq!(line.matches('|').count(), 6, "a cell is torn: {line}");
        }
    }
    let shown = text::write(&found, Lines::All);
    assert!(!shown.contains(['\u{202e}', '\x1b']) && shown.contains("\\x1b[0m"), "{shown}");
    assert!(json::object(&found).to_string().contains("alert(1)"), "JSON has names as they are");
    assert!(HOSTILE.contains('|'));
}

#[test]
fn json_has_all_of_it() {
    let object = json::object(&difference(&before(), &after()));
    let find = |part: &str, key: &str, value: &str| {
        let list = object[part].as_array().unwrap();
        list.iter().find(|one| one[key] == value).unwrap_or_else(|| panic!("no {value}")).clone()
    };
    let libc = find("packages", "name", "libc6");
    assert_eq!(libc["change"], "upgraded");
    assert_eq!((&libc["before"], &libc["after"]), (&json!(["2.36-9+deb12u9"]), &json!(["2.36-9+deb12u10"])));
    let ping = find("files", "path", "/usr/bin/ping");
    assert_eq!(ping["differs"], json!(["mode", "owner", "capabilities"]));
    assert_eq!(ping["after"]["attributes"], json!({ "security.capability": "CAP_NET_RAW" }));
    assert_eq!(find("vulnerabilities", "id", "CVE-2026-0003")["change"], "introduced");
    assert_eq!(find("kernel", "option", "CONFIG_DEVMEM")["recommended"], json!(false));
    assert_eq!(find("downloads", "name", "demo.tar")["new_bytes"], json!(1000));
    assert_eq!(object["size"]["after"], json!(1900));
    assert_eq!(object["unknown"], json!({}));
}

#[test]
fn bytes_that_are_new_are_counted() {
    let blobs = |list: &[(&str, Option<u64>)]| -> BTreeMap<Sha256, Option<u64>> {
        list.iter().map(|(text, size)| (Sha256::of(text.as_bytes()), *size)).collect()
    };
    let before = blobs(&[("x", Some(5)), ("y", Some(7))]);
    let moved = Moved::between(&before, &blobs(&[("x", None), ("z", Some(9))]));
    assert_eq!(moved, Moved { all: 2, new: 1, unknown: 0, known_bytes: 9 });
    let unknown = Moved::between(&before, &blobs(&[("x", Some(5)), ("z", None), ("u", Some(3))]));
    assert_eq!(unknown, Moved { all: 3, new: 2, unknown: 1, known_bytes: 3 });
    assert_eq!((moved.bytes(), unknown.bytes()), (Some(9), None));
}
