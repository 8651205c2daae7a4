//! What differs between two images: as recipes are and as they were, in all parts and all outputs.
#![expect(clippy::disallowed_methods, reason = "tests change files and start git")]

use std::os::unix::fs::PermissionsExt as _;

use kit_tests::Said;
use kit_tests::browser::{browser, shown};
use kit_tests::repository::git;
use kit_tests::small::Small;
use serde_json::{Value, json};

/// A vulnerability of a package that the change throws out.
const ZLIB: &str = r#"{
  "schema_version": "1.7.0", "id": "CVE-2026-0001", "published": "2026-08-01T00:00:00Z", "modified": "2026-08-02T00:00:00Z",
  "summary": "zlib: a buffer is too small", "details": "",
  "affected": [{ "package": { "ecosystem": "Debian:12", "name": "zlib" },
    "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }] }] }]
}"#;

fn edit(small: &Small, path: &str, changes: &[(&str, &str)]) {
    let mut text = small.project.read(path);
    for (from, to) in changes {
        assert!(text.contains(from), "no {from} in {text}");
        text = text.replace(from, to);
    }
    small.project.write(path, &text);
}

/// A project whose recipes say something else than their last commit, in every part.
fn changed() -> Small {
    let small = Small::new();
    edit(
        &small,
        "recipes/packages/kernel.toml",
        &[(
            "contents = \"kernel\"",
            "contents = \"kernel\"\n[[file]]\npath = \"/boot/config-1\"\ncontents = \"CONFIG_BUG=y\\n\"",
        )],
    );
    let letters = "recipes/packages/letters.toml";
    edit(
        &small,
        letters,
        &[("name = \"letters\"", "name = \"letters\"\nversion = \"1.0\"\nlicense = \"MIT\"")],
    );
    small.kit(&["lock", "small"]).succeeded();
    git(small.project.path(), &["init", "-q"]);
    git(small.project.path(), &["add", "recipes", "lockfiles", "files", "kit.toml"]);
    git(small.project.path(), &["commit", "-q", "-m", "before"]);
    git(small.project.path(), &["tag", "v1"]);

    edit(
        &small,
        letters,
        &[
            ("version = \"1.0\"", "version = \"1.1\""),
            ("\"MIT\"", "\"GPL-3.0-only\""),
            ("[container]\n", "[container]\ncapabilities = [\"CAP_NET_ADMIN\"]\n"),
        ],
    );
    edit(&small, "recipes/packages/kernel.toml", &[("CONFIG_BUG=y", "CONFIG_DEVMEM=y")]);
    edit(
        &small,
        "recipes/images/small.toml",
        &[("\"init\", \"libraries\"", "\"init\""), ("console=ttyS0", "console=ttyS0 debug")],
    );
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(small.project.path().join("files/run"), mode).expect("it is ours");
    small.project.write("advisories/1.json", ZLIB);
    small.kit(&["lock", "small"]).succeeded();
    small
}

fn result(said: &Said) -> Value {
    let last = said.stdout.lines().last().expect("there is a result");
    serde_json::from_str::<Value>(last).expect("it is JSON")["result"].clone()
}

#[test]
fn a_change_is_told_in_all_parts() {
    let small = changed();
    let arguments = ["diff", "--advisories", "advisories", "--all"];
    let said = small.kit(&arguments).succeeded();
    for line in [
        "small@HEAD -> small\n",
        "  - debian zlib1g  1:1.2.13.dfsg-1",
        "  ~ package letters  1.0 -> 1.1  (upgraded)\n",
        "  ~ /containers/services/000-second/rootfs/letters/run  mode 0644 -> mode 0755  (of package letters)\n",
        "  + second: capability CAP_NET_ADMIN  `second` has `CAP_NET_ADMIN`: ",
        "  + CONFIG_DEVMEM  not set -> y  (not as recommended)\n",
        "  - CONFIG_BUG  y -> not set",
        "  + debug\n",
        "  ~ package letters  MIT -> GPL-3.0-only  (new to the image: GPL-3.0-only)\n",
        "  - CVE-2026-0001 zlib ",
        "  ~ small-initrd.img  ",
        "  ~ small.oci  ",
    ] {
        assert!(said.stdout.contains(line), "no `{line}` in:\n{said}");
    }
    assert!(!said.stdout.contains("kit.pin"), "{said}");
    // The same in words that mean the same, by everybody, at any time.
    let spelled = ["diff", "small@v1", "small", "--advisories", "advisories", "--all"];
    let other = small.kit(&spelled).succeeded().stdout;
    assert_eq!(other.replace("small@v1", "small@HEAD"), said.stdout);

    let json = result(&small.kit(&[&["--json"], &arguments[..]].concat()).succeeded());
    let run = json["files"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|file| file["path"] == "/containers/services/000-second/rootfs/letters/run");
    let run = run.expect("its mode changed");
    assert_eq!((&run["before"]["mode"], &run["after"]["mode"]), (&json!("0644"), &json!("0755")));
    assert_eq!(run["differs"], json!(["mode"]));
    assert_eq!(json["vulnerabilities"][0]["change"], "removed");
    assert_eq!(json["command_line"], json!({ "removed": [], "added": ["debug"], "reordered": false }));
    assert_eq!(json["unknown"], json!({}));
    // The layer with the program, and what says how it is run: all others are there.
    let is_layout = |one: &&Value| one["name"] == "small.oci";
    let layout = json["downloads"].as_array().expect("a list").iter().find(is_layout).expect("it changed");
    let (all, new) = (layout["files"].as_u64().expect("files"), layout["new_files"].as_u64().expect("files"));
    assert!(new > 0 && new < all, "{layout}");
    assert!(layout["new_bytes"].as_u64() < layout["after"].as_u64() && json["new_bytes"].is_u64(), "{json}");

    small.kit(&["diff", "--exit-code"]).failed(1, &[]);
    small.kit(&["diff", "small", "small", "--exit-code"]).succeeded();
    // A lockfile pins the tools too, which aren't gone from an image that never had them.
    let said =
        small.kit(&["diff", "lockfiles/small.lock", "small", "--advisories", "advisories"]).succeeded();
    for line in [
        "  packages         same\n",
        "  vulnerabilities  same\n",
        "  files            not known for `lockfiles/",
    ] {
        assert!(said.stdout.contains(line), "no `{line}` in:\n{said}");
    }
    // Without any build: what lockfiles pin.
    let said = small.kit(&["diff", "small@HEAD", "small", "--pins"]).succeeded();
    assert!(
        said.stdout.contains("- debian zlib1g") && said.stdout.contains("files            not known"),
        "{said}"
    );
}

#[test]
fn a_pull_request_and_a_browser_show_it() {
    let small = changed();
    let said = small.kit(&["diff", "--markdown", "-"]).succeeded().stdout;
    for text in [
        "### `small@HEAD` → `small`",
        "| upgraded | `package letters` | `1.0` | `1.1` |",
        "| removed | `/usr/share/` | `13 paths, ",
    ] {
        assert!(said.contains(text), "no {text} in {said}");
    }
    small.kit(&["diff", "--markdown", "a.md", "--html", "page.html"]).succeeded();
    assert_eq!(small.project.read("a.md"), said);
    let dom = browser(&small.project, &["--dump-dom", "file:///work/page.html"]).stdout;
    let (all, total) = shown(&dom).unwrap_or_else(|| panic!("its script counts: {dom}"));
    assert!(all == total && total > 10, "{all} of {total}");
    for text in ["CAP_NET_ADMIN", "GPL-3.0-only", "CONFIG_DEVMEM"] {
        assert!(dom.contains(text), "no {text} in:\n{dom}");
    }
    let dom = browser(&small.project, &["--dump-dom", "file:///work/page.html#filter=GPL-3.0-only"]).stdout;
    assert_eq!(shown(&dom), Some((1, total)), "{dom}");
}

#[test]
fn what_can_not_be_compared_is_said() {
    let small = changed();
    for (arguments, code, texts) in [
        (["small@none", "small"], 1, ["error[kit::revision::unknown]", "no revision `none`"]),
        (["small@--all", "small"], 1, ["error[kit::revision::unknown]", "no revision `--all`"]),
        (["smal@HEAD", "small"], 1, ["error[kit::revision::no_image]", "did you mean `small`?"]),
        (["small", "No Name"], 2, ["error[kit::usage::name]", "No Name"]),
    ] {
        small.kit(&[&["diff"], &arguments[..]].concat()).failed(code, &texts);
    }
    // Recipes that were committed without their lockfile.
    git(small.project.path(), &["add", "recipes", "files"]);
    git(small.project.path(), &["commit", "-q", "-m", "stale"]);
    let said = small.kit(&["diff", "small"]);
    said.failed(1, &["error[kit::revision::stale]", "`lockfiles/small.lock` was stale in revision `HEAD`"]);
    git(small.project.path(), &["rm", "-q", "--cached", "lockfiles/small.lock"]);
    git(small.project.path(), &["commit", "-q", "-m", "unlocked"]);
    small.kit(&["diff", "small"]).failed(1, &["error[kit::revision::no_lock]"]);
    small.kit(&["diff", "small@v1"]).succeeded();
    small.kit(&["diff", "small", "--pins"]).failed(1, &["error[kit::revision::no_lock]"]);
    let old = small.project.read("lockfiles/small.lock").replace("version = 1", "version = 0");
    small.project.write("old.lock", &old);
    let said = small.kit(&["diff", "old.lock", "small"]);
    said.failed(1, &["error[kit::lock::version]", "old.lock", "written by another kit"]);
    std::fs::remove_dir_all(small.project.path().join(".git")).expect("it is ours");
    small.kit(&["diff", "small"]).failed(1, &["error[kit::revision::no_repository]"]);
}
