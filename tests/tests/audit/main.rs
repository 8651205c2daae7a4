//! Evidence and audits through the program: what is said is right, the same everywhere, and accepted by the formats' own validators.
#![expect(clippy::disallowed_methods, reason = "tests read and change files")]

mod advisories;
mod held;
mod kinds;
mod online;
mod opened;
mod page;
mod policy;
mod signatures;

use std::path::{Path, PathBuf};

use kit_tests::small::Small;
use kit_tests::{Said, validators};
use serde_json::Value;

/// Returns the path of a file of a project.
fn at(small: &Small, name: &str) -> PathBuf {
    small.project.path().join(name)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("it is there")).expect("it is JSON")
}

/// Returns the result that a command printed with `--json`.
fn result(said: &Said) -> Value {
    let last = said.stdout.lines().last().expect("there is a result");
    let object: Value = serde_json::from_str(last).expect("it is JSON");
    object["result"].clone()
}

/// Returns the identifiers of the findings of an audit that aren't allowed.
fn found(small: &Small, arguments: &[&str]) -> Vec<String> {
    let said = small.kit(&[&["audit", "small", "--json"], arguments].concat());
    let report = said.stdout.lines().find_map(|line| {
        let value: Value = serde_json::from_str(line).ok()?;
        value["result"].get("findings").is_some().then(|| value["result"].clone())
    });
    let report = report.unwrap_or_else(|| panic!("no report in {said}"));
    let findings = report["findings"].as_array().expect("a list").clone();
    let id = |finding: &Value| finding["id"].as_str().expect("an identifier").to_owned();
    findings.iter().map(id).collect()
}

#[test]
fn sboms_and_provenance_are_what_their_formats_say() {
    let small = Small::new();
    let documents = [
        ("spdx2", "spdx-2.3", "a.spdx.json"),
        ("spdx3", "spdx-3.0", "a.spdx3.json"),
        ("cyclonedx", "cyclonedx-1.6", "a.cdx.json"),
    ];
    for (validator, format, name) in documents {
        for more in [&[][..], &["--tools"]] {
            let arguments = [&["sbom", "small", "--format", format, "--to", name], more].concat();
            small.kit(&arguments).succeeded();
            validators::accepted(validator, &at(&small, name));
        }
    }
    // A validator that takes anything would be none.
    let path = at(&small, "a.spdx.json");
    let broken = std::fs::read_to_string(&path).expect("it is there").replace("SPDXRef-DOCUMENT", "Document");
    std::fs::write(&path, broken).expect("it can be written");
    assert!(validators::said("spdx2", &path).is_some());
    small.kit(&["provenance", "small", "--to", "small.intoto.json"]).succeeded();
    validators::accepted("provenance", &at(&small, "small.intoto.json"));
    let statement = json(&at(&small, "small.intoto.json"));
    let subjects = statement["subject"].as_array().expect("a list");
    assert_eq!(subjects.len(), small.lock.outputs.len());
    for subject in subjects {
        let name = subject["name"].as_str().expect("a name");
        assert_eq!(subject["digest"]["sha256"], small.lock.outputs[name].sha256.to_string());
    }
}

#[test]
fn every_file_of_an_image_is_in_its_sbom_once() {
    let small = Small::new();
    small.kit(&["sbom", "small", "--to", "a.spdx.json"]).succeeded();
    let document = json(&at(&small, "a.spdx.json"));
    let files = document["files"].as_array().expect("a list");
    let dump = small.kit(&["show", "small", "--files"]).succeeded().stdout;
    let listed = dump.lines().filter(|line| line.contains(" file ")).count();
    // The kernel is beside the root.
    assert_eq!(files.len(), listed + 1);
    let contained: Vec<_> = document["relationships"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["relationshipType"] == "CONTAINS")
        .map(|one| one["relatedSpdxElement"].as_str().expect("an element"))
        .collect();
    for file in files {
        let id = file["SPDXID"].as_str().expect("an identifier");
        assert_eq!(contained.iter().filter(|other| **other == id).count(), 1, "{file}");
    }
}

#[test]
fn the_evidence_of_two_machines_is_the_same() {
    let (one, other) = (Small::new(), Small::new());
    let commands: [&[&str]; 7] = [
        &["sbom", "small"],
        &["sbom", "small", "--format", "spdx-3.0"],
        &["sbom", "small", "--format", "cyclonedx-1.6", "--tools"],
        &["provenance", "small"],
        &["measurements", "small"],
        &["audit", "small", "--as-of", "2026-10-01"],
        &["graph", "small", "--tools"],
    ];
    for arguments in commands {
        let mut command = other.command(arguments);
        command.env("TZ", "Asia/Kathmandu").env("LC_ALL", "tr_TR.UTF-8").env("KIT_JOBS", "1");
        let said = Said::from_output(&command.output().expect("kit runs")).succeeded();
        assert_eq!(one.kit(arguments).succeeded().stdout, said.stdout, "{arguments:?}");
        // The second time, most of it is known.
        assert_eq!(one.kit(arguments).succeeded().stdout, said.stdout, "{arguments:?}");
    }
}

#[test]
fn measurements_are_those_of_the_outputs() {
    let small = Small::new();
    small.kit(&["build", "small"]).succeeded();
    let measured = result(&small.kit(&["measurements", "small", "--json"]).succeeded());
    let document = &measured["document"];
    for (part, name) in
        [("kernel", "small-kernel"), ("initrd", "small-initrd.img"), ("cmdline", "small-cmdline")]
    {
        let output = std::process::Command::new("sha512sum").arg(small.out().join(name)).output();
        let text = String::from_utf8(output.expect("sha512sum runs").stdout).expect("it is text");
        assert_eq!(document[part]["sha512"].as_str(), text.split(' ').next(), "{document}");
    }
}

#[test]
fn reports_are_what_their_formats_say() {
    let small = Small::new();
    small.project.write("advisories/OSV-1.json", advisories::ZLIB);
    let outputs = ["--sarif", "a.sarif", "--junit", "a.xml", "--html", "a.html"];
    let audit = [&["audit", "small", "--advisories", "advisories"], &outputs[..]].concat();
    small.kit(&audit).failed(1, &["error[kit::audit::denied]"]);
    validators::accepted("sarif", &at(&small, "a.sarif"));
    validators::accepted("junit", &at(&small, "a.xml"));
    let log = json(&at(&small, "a.sarif"));
    let results = log["runs"][0]["results"].as_array().expect("a list");
    assert!(results.iter().any(|one| one["ruleId"] == "vulnerability" && one["level"] == "error"), "{log:#}");
    let page = std::fs::read_to_string(at(&small, "a.html")).expect("it is there");
    assert!(page.starts_with("<!doctype html>") && page.contains("CVE-2026-0001"));
    assert!(!page.contains("http://") || !page.contains("src=\"http"), "nothing is fetched");
}
