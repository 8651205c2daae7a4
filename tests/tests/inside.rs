//! What an image is made of: sizes, ways from the image to a component, vulnerabilities, capabilities, bytes, what would be built, graphs.
#![expect(clippy::disallowed_methods, reason = "tests read files")]

use kit_tests::small::Small;
use serde_json::Value;

fn json(said: &kit_tests::Said) -> Value {
    let last = said.stdout.lines().last().expect("there is a result");
    let object: Value = serde_json::from_str(last).expect("it is JSON");
    object["result"].clone()
}

#[test]
fn every_byte_of_an_image_is_somebody_s() {
    let small = Small::new();
    let said = small.kit(&["why", "small", "--size"]).succeeded();
    for text in ["zlib1g 1:1.2.13", "package numbers", "package letters", "image small", "%"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    let result = json(&small.kit(&["why", "small", "--size", "--json"]).succeeded());
    let components = result["components"].as_array().expect("a list");
    let sum: u64 = components.iter().map(|one| one["bytes"].as_u64().expect("a number")).sum();
    assert_eq!(result["bytes"].as_u64(), Some(sum));
    // The root, and the kernel beside it; names of one file count once.
    let dump = small.kit(&["show", "small", "--files"]).succeeded().stdout;
    let root: u64 = dump
        .lines()
        .filter(|line| line.contains(" file "))
        .map(|line| line.rsplit(' ').nth(1).expect("a size").parse::<u64>().expect("a number"))
        .sum();
    assert_eq!(sum, root + "kernel".len() as u64, "{dump}");
    // The same on a second look, with everything known.
    assert_eq!(small.kit(&["why", "small", "--size"]).succeeded().stdout, said.stdout);
}

#[test]
fn the_way_to_a_component_is_told() {
    let small = Small::new();
    let said = small.kit(&["why", "small", "zlib"]).succeeded();
    for text in
        ["zlib1g 1:1.2.13", "shipped", "of source package zlib", "package libraries is made of zlib1g"]
    {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    let said = small.kit(&["why", "small", "busybox-static"]).succeeded();
    for text in ["tool", "is built with package tools", "package tools is made of busybox-static"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    small.kit(&["why", "small", "zlib1"]).failed(1, &["error[kit::why::no_component]", "did you mean `zlib"]);
    small.kit(&["why", "small", "quite-another"]).failed(1, &["kit::why::no_component", "--size"]);
}

#[test]
fn graphs_are_drawn_for_other_tools() {
    let small = Small::new();
    let dot = small.kit(&["graph", "small"]).succeeded().stdout;
    assert!(dot.starts_with("digraph image {") && dot.contains("label=\"image small\""), "{dot}");
    assert!(!dot.contains("busybox-static"), "{dot}");
    let all = small.kit(&["graph", "small", "--tools"]).succeeded().stdout;
    assert!(all.contains("busybox-static") && all.contains("[style=dashed]"), "{all}");
    let mermaid = small.kit(&["graph", "small", "--as", "mermaid"]).succeeded().stdout;
    assert!(
        mermaid.starts_with("flowchart LR\n") && mermaid.contains("[\"package libraries\"]"),
        "{mermaid}"
    );
}

/// Records about zlib, which the image has without the fix, and about acl, which it has with it.
fn with_advisories() -> Small {
    let small = Small::new();
    for (id, package, fixed) in [
        ("DEBIAN-CVE-2026-0001", "zlib", "1:1.2.13.dfsg-1+deb12u9"),
        ("DEBIAN-CVE-2026-0002", "acl", "2.2.0-1"),
        ("DEBIAN-CVE-2026-0003", "busybox", "1:9.0-1"),
        ("DEBIAN-CVE-2026-0004", "openssl", "9-1"),
    ] {
        let cve = id.strip_prefix("DEBIAN-").expect("it begins so");
        let record = format!(
            r#"{{ "schema_version": "1.7.0", "id": "{id}", "upstream": ["{cve}"], "aliases": ["GHSA-aaaa-{package}"],
  "published": "2026-01-01T00:00:00Z", "modified": "2026-01-01T00:00:00Z", "summary": "{package}: a buffer is too small",
  "affected": [{{ "package": {{ "ecosystem": "Debian:12", "name": "{package}" }},
  "ranges": [{{ "type": "ECOSYSTEM", "events": [{{ "introduced": "0" }}, {{ "fixed": "{fixed}" }}] }}] }}] }}"#
        );
        small.project.write(&format!("advisories/{id}.json"), &record);
    }
    small
}

fn told(small: &Small, arguments: &[&str], texts: &[&str]) {
    let said = small.kit(&[&["why", "small"], arguments].concat()).succeeded();
    for text in texts {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
}

#[test]
fn what_has_a_vulnerability_and_what_brings_it_is_told() {
    let small = with_advisories();
    let named = ["--advisories", "advisories"];
    let ask = |id: &str, texts: &[&str]| told(&small, &[&[id], &named[..]].concat(), texts);
    small
        .kit(&["why", "small", "CVE-2026-0001"])
        .failed(1, &["kit::why::no_advisories", "--advisories PATH"]);
    let hit = [
        "CVE-2026-0001 (GHSA-aaaa-zlib, DEBIAN-CVE-2026-0001)  zlib: a buffer",
        "affected, medium, fixed in 1:1.2.13.dfsg-1+deb12u9",
        "zlib1g 1:1.2.13.dfsg-1  shipped",
        "package libraries is made of zlib1g",
        "has /usr/lib/x86_64-linux-gnu/libz.so.1.2.13",
        "help: run `kit lock --update libraries`",
        "asked: advisories for Debian 12 (bookworm), of 2026-01-01",
    ];
    ask("CVE-2026-0001", &hit);
    ask("ghsa-AAAA-zlib", &hit);
    ask("CVE-2026-0002", &["acl 2.3.1-3: not affected", "isn't older than 2.2.0-1, which has the fix"]);
    ask("CVE-2026-0003", &["not affected: `busybox-static`", "only a tool here"]);
    ask("CVE-2026-0004", &["not affected: nothing of `openssl` is in the image"]);
    let said = small.kit(&["why", "small", "CVE-2026-9999", "--advisories", "advisories"]);
    said.failed(1, &["kit::why::unknown_vulnerability", "of 2026-01-01"]);
    let result = json(
        &small.kit(&["why", "small", "CVE-2026-0001", "--advisories", "advisories", "--json"]).succeeded(),
    );
    let state = &result["packages"][0]["states"][0];
    assert_eq!(
        (state["state"].as_str(), state["version"].as_str()),
        (Some("affected"), Some("1:1.2.13.dfsg-1"))
    );
    assert_eq!(state["finding"], "vulnerability:CVE-2026-0001 zlib");
    let vex = r#"{ "@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:a", "author": "me", "timestamp": "2026-08-03T00:00:00Z",
  "version": 1, "statements": [{ "vulnerability": { "name": "CVE-2026-0001" },
  "products": [{ "@id": "pkg:generic/small" }], "status": "not_affected",
  "justification": "vulnerable_code_not_in_execute_path" }] }"#;
    small.project.write("small.vex.json", vex);
    let dismissed = ["CVE-2026-0001", "--advisories", "advisories", "--vex", "small.vex.json"];
    told(&small, &dismissed, &["1:1.2.13.dfsg-1: dismissed"]);
    // What the lockfile pins is asked where nothing is named.
    small.kit(&["lock", "small", "--advisories", "advisories"]).succeeded();
    told(&small, &["CVE-2026-0001"], &hit);
}

#[test]
fn what_has_a_capability_and_which_line_gives_it_is_told() {
    let small = Small::new();
    let recipe = small.project.read("recipes/images/small.toml");
    let given = format!("{recipe}capabilities = [\"CAP_CHOWN\", \"CAP_NET_ADMIN\"]\n");
    small.project.write("recipes/images/small.toml", &given);
    small.kit(&["lock", "small"]).succeeded();
    let line = given.lines().position(|line| line.starts_with("capabilities")).expect("it is there") + 1;
    let place = format!("by recipes/images/small.toml:{line}");
    for name in ["CAP_NET_ADMIN", "cap_net_admin", "net_admin", "NET-ADMIN"] {
        told(
            &small,
            &[name],
            &["CAP_NET_ADMIN  whoever has it changes interfaces", "second (service)", &place],
        );
        told(&small, &[name], &["without it: first"]);
    }
    told(&small, &["CAP_SYS_BOOT"], &["nothing has it"]);
    small.kit(&["why", "small", "CAP_NET_ADMIM"]).failed(2, &["kit::why::no_capability", "`CAP_NET_ADMIN`"]);
    let result = json(&small.kit(&["why", "small", "CAP_CHOWN", "--json"]).succeeded());
    assert_eq!(result["services"][0]["service"], "second");
    assert_eq!(result["without"], serde_json::json!(["first"]));
}

#[test]
fn every_byte_of_an_output_is_told() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    let tar = small.out().join("small.tar");
    let bytes = std::fs::read(&tar).expect("it is there");
    let find = |wanted: &[u8]| {
        bytes.windows(wanted.len()).position(|window| window == wanted).expect("it is there").to_string()
    };
    let at = |file: &str, arguments: &[&str], texts: &[&str]| {
        let said = small.kit(&[&["why", file, "--bytes"], arguments].concat()).succeeded();
        for text in texts {
            assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
        }
    };
    let name = find(b"usr/lib/x86_64-linux-gnu/libz.so.1.2.13\0");
    let libz = [
        "header, field name of /usr/lib/x86_64-linux-gnu/libz.so.1.2.13",
        "belongs to zlib1g 1:1.2.13.dfsg-1",
        "written in recipes/packages/libraries.toml:4",
    ];
    at("out/small.tar", &[&name], &libz);
    at("small", &[&name, "--of", "small.tar"], &libz);
    let hexadecimal = format!("{:#x}", name.parse::<u64>().expect("a number") + 136);
    at(
        "out/small.tar",
        &[&hexadecimal],
        &["header, field mtime of /usr/lib/x86_64-linux-gnu/libz.so.1.2.13"],
    );
    let build = find(&[b"z".repeat(1000).as_slice(), b"\0"].concat());
    at("out/small.tar", &[&build], &["/letters/z", "byte 0 of it", "build letters", "letters.toml:8"]);
    at("out/small-kernel", &["0"], &["word 1: `kernel`", "/boot/vmlinuz belongs to package kernel"]);
    at("out/small-cmdline", &["0"], &["word 1: `console=ttyS0`", "recipes/images/small.toml:4"]);
    at("out/small-initrd.img", &["40"], &["block 1 of zstd frame 1", "it unpacks to bytes 0 to", "holds /"]);
    at("small", &["115", "--of", "small-initrd.img", "--unpacked"], &["cpio archive", "field"]);
    at("small", &["0", "--of", "index.json"], &["small.oci/index.json", "line 1"]);
    let layers = small.project.read("out/small.oci/index.json");
    let manifest: Value = serde_json::from_str(&layers).expect("it is JSON");
    let digest = manifest["manifests"][0]["digest"].as_str().expect("it is there").replace("sha256:", "");
    let image = manifest["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"].as_str();
    let image = format!("it is the manifest of image `{}`", image.expect("it has a name"));
    at(&format!("out/small.oci/blobs/sha256/{digest}"), &["3"], &[&image]);
    at("small", &["3", "--of", &digest[..12]], &[&image]);
    let text: Value =
        serde_json::from_str(&small.project.read(&format!("out/small.oci/blobs/sha256/{digest}")))
            .expect("it is JSON");
    let layer = text["layers"][0]["digest"].as_str().expect("it is there").replace("sha256:", "");
    at("small", &["12", "--of", &layer], &["deflated data", "it is layer 1 of", "holds /"]);
    let end = bytes.len().to_string();
    let said = small.kit(&["why", "out/small.tar", "--bytes", &end]);
    said.failed(1, &["kit::why::no_byte", &format!("from 0 to {}", bytes.len() - 1)]);
    small.kit(&["why", "small", "--bytes", "0"]).failed(2, &["kit::why::which_output", "`small.tar`"]);
    small.kit(&["why", "small", "--bytes", "0", "--of", "x"]).failed(2, &["kit::why::which_output"]);
    small.kit(&["why", "small", "--bytes", "many"]).failed(2, &["0x1000"]);
    small.project.write("other", "something else\n");
    at("other", &["3"], &["word 1: `something`", "no lockfile of the project has this file"]);
}

#[test]
fn what_would_be_built_again_is_told_with_why() {
    let changed = Small::new();
    let script = changed.project.read("recipes/packages/letters.toml");
    changed.project.write("recipes/packages/letters.toml", &script.replace("a b c d e f", "a b c d e f g"));
    changed.kit(&["lock", "small"]).succeeded();
    let small = Small::new();
    told(&small, &["--rebuild"], &["steps would be done", "no build of it is remembered", "never built"]);
    small.kit(&["build", "small"]).succeeded();
    told(&small, &["--rebuild"], &["small: nothing would be built"]);
    for path in ["recipes/packages/letters.toml", "lockfiles/small.lock"] {
        small.project.write(path, &changed.project.read(path));
    }
    let texts = [
        "would be done",
        "build letters  is done\n    the script changed",
        "package letters  is done, unless",
        "changed: `build letters`",
        "file /etc/os-release changed",
    ];
    told(&small, &["--rebuild"], &texts);
    let result = json(&small.kit(&["why", "small", "--rebuild", "--json"]).succeeded());
    let steps = result["steps"].as_array().expect("a list");
    let is_built = |step: &&Value| step["step"] == "build letters";
    assert_eq!(steps.iter().find(is_built).expect("it is there")["expected"], "runs");
    assert!(!steps.iter().any(|step| step["step"] == "build numbers"), "{result}");
    // Nothing was built by asking.
    told(&small, &["--rebuild"], &texts);
    small.kit(&["build", "small"]).succeeded();
    told(&small, &["--rebuild"], &["small: nothing would be built"]);
}

#[test]
fn graphs_are_drawn() {
    let small = Small::new();
    let svg = small.kit(&["graph", "small", "--as", "svg"]).succeeded().stdout;
    assert!(svg.starts_with("<?xml ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(svg.contains("<title>image small (recipe)") && svg.contains(">zlib1g 1:1.2.13"), "{svg}");
    assert!(!svg.contains("busybox-static"), "{svg}");
    let all = small.kit(&["graph", "small", "--as", "svg", "--tools"]).succeeded().stdout;
    assert!(all.contains("busybox-static") && all.contains("class=\"k-deb tool\""), "{all}");
}
