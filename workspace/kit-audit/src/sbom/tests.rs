mod sample;

use std::collections::{BTreeMap, BTreeSet};

use kit_format::json::canonical;
use kit_hash::Sha256;
use kit_tree::Entry;
use serde_json::Value;

pub(crate) use self::sample::{Sample, component, sample};
use super::{SbomError, SbomFormat, Scope};
use crate::inventory::ComponentId;
use crate::licence::Licence;

fn parsed(sample: &Sample, format: SbomFormat, scope: Scope) -> Value {
    serde_json::from_slice(&sample.write(format, scope)).unwrap()
}

fn documents() -> impl Iterator<Item = (SbomFormat, Scope)> {
    SbomFormat::ALL.into_iter().flat_map(|format| Scope::ALL.map(|scope| (format, scope)))
}

/// Changes with every change of the form, and with the list of licences that `spdx` has: a document's name follows from its bytes, so
/// those who keep documents see all of them change. Take over what the test prints, after the validators have seen the documents.
#[test]
fn the_bytes_are_pinned() {
    let found: Vec<_> = documents()
        .map(|(format, scope)| {
            let text = sample().write(format, scope);
            format!("{} {} {}", format.word(), scope.word(), Sha256::of(&text).short())
        })
        .collect();
    assert_eq!(found, PINNED);
}

const PINNED: [&str; 6] = [
    "spdx-2.3 shipped 0b9540db8479",
    "spdx-2.3 build f982a4993288",
    "spdx-3.0 shipped 15805206f054",
    "spdx-3.0 build a3e201066b5b",
    "cyclonedx-1.6 shipped 18024e21dfb2",
    "cyclonedx-1.6 build 016b831bec4e",
];

#[test]
fn documents_are_canonical() {
    for (format, scope) in documents() {
        let text = sample().write(format, scope);
        let mut expected = canonical(&serde_json::from_slice::<Value>(&text).unwrap()).unwrap();
        expected.push(b'\n');
        assert_eq!(
            String::from_utf8(text).unwrap(),
            String::from_utf8(expected).unwrap(),
            "{format:?} {scope:?}"
        );
    }
}

fn name(sample: &Sample, format: SbomFormat, scope: Scope) -> String {
    let document = parsed(sample, format, scope);
    let name = match format {
        SbomFormat::Spdx2 => &document["documentNamespace"],
        SbomFormat::Spdx3 => &document["@graph"][0]["createdBy"][0],
        SbomFormat::CycloneDx => &document["serialNumber"],
    };
    name.as_str().unwrap().to_owned()
}

#[test]
fn a_document_is_named_by_all_that_it_says() {
    let names: BTreeSet<_> = documents().map(|(format, scope)| name(&sample(), format, scope)).collect();
    assert_eq!(names.len(), 6);
    assert!(names.iter().all(|name| name.starts_with("urn:uuid:")), "{names:?}");
    for format in SbomFormat::ALL {
        let before = name(&sample(), format, Scope::Shipped);
        assert_eq!(before, name(&sample(), format, Scope::Shipped));
        let mut other = sample();
        "0.2.0".clone_into(&mut other.version);
        assert_ne!(before, name(&other, format, Scope::Shipped), "another version of kit");
        let mut other = sample();
        other.inventory.files.pop();
        assert_ne!(before, name(&other, format, Scope::Shipped), "a file less");
        let mut other = sample();
        other.licences.clear();
        assert_ne!(before, name(&other, format, Scope::Shipped), "other licences");
    }
}

/// Returns the digest and the name of each listed file, with what it is listed under.
fn listed(document: &Value, format: SbomFormat) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match format {
        SbomFormat::Spdx2 => {
            let names: BTreeMap<_, _> = items(&document["packages"])
                .map(|one| (&one["SPDXID"], &one["name"]))
                .map(|(id, name)| (text(id), text(name)))
                .collect();
            let owners: Vec<_> = items(&document["relationships"])
                .filter(|one| one["relationshipType"] == "CONTAINS")
                .map(|one| (text(&one["relatedSpdxElement"]), text(&one["spdxElementId"])))
                .collect();
            let of = |file: &Value| {
                let mut owners = owners.iter().filter(|(to, _)| file["SPDXID"] == **to);
                let owner = &owners.next().unwrap().1;
                assert!(owners.next().is_none(), "{file} has two owners");
                let name = text(&file["fileName"]).trim_start_matches('.').to_owned();
                (text(&file["checksums"][1]["checksumValue"]), name, names[owner].clone())
            };
            items(&document["files"]).map(of).collect()
        }
        SbomFormat::Spdx3 => {
            let graph: Vec<_> = items(&document["@graph"]).collect();
            let by_id = |id: &Value| *graph.iter().find(|element| element["spdxId"] == *id).unwrap();
            let whole = graph.iter().filter(|one| one["completeness"] == "complete");
            let of = |relation: &&Value| {
                let owner = text(&by_id(&relation["from"])["name"]);
                let files = items(&relation["to"]).map(by_id).collect::<Vec<_>>();
                let of = move |file: &Value| {
                    (text(&file["verifiedUsing"][1]["hashValue"]), text(&file["name"]), owner.clone())
                };
                files.into_iter().map(of).collect::<Vec<_>>()
            };
            let listed: Vec<_> = whole.flat_map(of).collect();
            assert_eq!(listed.len(), graph.iter().filter(|one| one["type"] == "software_File").count());
            listed
        }
        SbomFormat::CycloneDx => {
            let components = items(&document["components"]).chain([&document["metadata"]["component"]]);
            let of = |component: &Value| {
                let owner = text(&component["name"]);
                let of =
                    |file: &Value| (text(&file["hashes"][1]["content"]), text(&file["name"]), owner.clone());
                items(&component["components"]).map(of).collect::<Vec<_>>()
            };
            components.flat_map(of).collect()
        }
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[test]
fn all_bytes_of_an_image_are_listed_once_under_their_owner() {
    let sample = sample();
    let mut expected: Vec<_> = sample
        .inventory
        .files
        .iter()
        .filter_map(|file| {
            let Entry::File { blob, .. } = &file.entry else { return None };
            let path = String::from_utf8(file.path.as_bytes().to_vec());
            let path = path.map_or_else(|_| file.path.to_string(), |path| format!("/{path}"));
            let owner = sample.inventory.components[&file.owner].name.clone();
            Some((sample.digests[blob].sha256.to_string(), path, owner))
        })
        .collect();
    expected.sort();
    let sizes: BTreeMap<_, _> = sample.sizes().collect();
    for format in SbomFormat::ALL {
        let mut found = listed(&parsed(&sample, format, Scope::Shipped), format);
        found.sort();
        assert_eq!(found, expected, "{format:?}");
        let bytes: u64 = found.iter().map(|(digest, ..)| sizes[digest]).sum();
        assert_eq!(bytes, sample.inventory.bytes());
        assert_eq!(listed(&parsed(&sample, format, Scope::Build), format), [], "{format:?}");
    }
}

/// Writes the relations of a document, but for those to files, one a line.
fn relations(scope: Scope) -> Vec<String> {
    let document = parsed(&sample(), SbomFormat::Spdx2, scope);
    let packages = items(&document["packages"]);
    let mut names: BTreeMap<&str, &str> =
        packages.map(|one| (one["SPDXID"].as_str().unwrap(), one["name"].as_str().unwrap())).collect();
    names.insert("SPDXRef-DOCUMENT", "(document)");
    let line = |one: &Value| {
        let name = |key: &str| names.get(one[key].as_str().unwrap()).copied();
        let kind = one["relationshipType"].as_str().unwrap();
        Some(format!("{} {kind} {}", name("spdxElementId")?, name("relatedSpdxElement")?))
    };
    let mut lines: Vec<_> = items(&document["relationships"]).filter_map(line).collect();
    lines.sort();
    lines
}

#[test]
fn what_is_in_the_image_is_told_from_what_it_was_made_with() {
    assert_eq!(
        relations(Scope::Shipped),
        [
            "(document) DESCRIBES demo",
            "agent GENERATED_FROM agent-0.3.tar.gz",
            "agent GENERATED_FROM itoa",
            "agent GENERATED_FROM ryu",
            "base CONTAINS busybox",
            "base CONTAINS libc6",
            "demo CONTAINS agent",
            "demo CONTAINS base",
            "demo CONTAINS busybox",
            "demo CONTAINS libc6",
            "demo CONTAINS linux-image-amd64",
        ]
    );
    assert_eq!(
        relations(Scope::Build),
        [
            "(document) DESCRIBES demo",
            "demo CONTAINS agent",
            "gcc BUILD_TOOL_OF demo",
            "rust BUILD_TOOL_OF agent",
            "rust CONTAINS rustc",
        ]
    );
}

#[test]
fn references_have_one_text_each() {
    let document = parsed(&sample(), SbomFormat::Spdx2, Scope::Shipped);
    let texts: Vec<_> = items(&document["hasExtractedLicensingInfos"])
        .map(|one| {
            format!("{}: {}", one["licenseId"].as_str().unwrap(), one["extractedText"].as_str().unwrap())
        })
        .collect();
    let id =
        |text: &str| format!("LicenseRef-Debian-public-domain-{}", &Sha256::of(text.as_bytes()).short()[..8]);
    let (one, other) = (id("No rights reserved."), id("Nobody owns it."));
    let mut expected = vec![format!("{one}: No rights reserved."), format!("{other}: Nobody owns it.")];
    expected.sort();
    assert_eq!(texts, expected);
    let declared = |name: &str| {
        let package = items(&document["packages"]).find(|package| package["name"] == name).unwrap();
        package["licenseDeclared"].as_str().unwrap()
    };
    assert_eq!(declared("busybox"), format!("GPL-2.0-only AND {one}"));
    assert_eq!(declared("libc6"), format!("LGPL-2.1-or-later AND {other}"));
    assert_eq!(declared("agent-0.3.tar.gz"), "NOASSERTION");
}

#[test]
fn the_kernel_has_its_configuration() {
    for format in SbomFormat::ALL {
        let text = String::from_utf8(sample().write(format, Scope::Shipped)).unwrap();
        let configuration = Sha256::of(b"CONFIG_MODULES=y").to_string();
        assert_eq!(text.matches(&configuration).count(), 1, "{format:?}");
    }
    let document = parsed(&sample(), SbomFormat::CycloneDx, Scope::Shipped);
    let kernel = items(&document["components"]).find(|one| one["name"] == "linux-image-amd64").unwrap();
    assert_eq!(kernel["properties"][1]["name"], "kit:kernel-release");
    let places: Vec<_> =
        items(&kernel["components"]).map(|file| file["properties"][0]["name"].as_str()).collect();
    assert_eq!(places, [None, Some("kit:place")], "it is in the root too");
}

#[test]
fn other_names_of_a_file_are_told_beside_it() {
    for (format, expected) in [
        (SbomFormat::Spdx2, "\"comment\":\"also at /bin/sh\""),
        (SbomFormat::Spdx3, "\"comment\":\"also at /bin/sh\""),
        (SbomFormat::CycloneDx, "{\"name\":\"kit:hard-link\",\"value\":\"/bin/sh\"}"),
    ] {
        let text = String::from_utf8(sample().write(format, Scope::Shipped)).unwrap();
        assert!(text.contains(expected), "{format:?}");
    }
}

#[test]
fn no_document_says_less_than_all() {
    for format in SbomFormat::ALL {
        let mut unknown = sample();
        unknown.digests.pop_first();
        let error = format.write(unknown.inputs(&|blob| unknown.digests.get(blob).copied()), Scope::Shipped);
        assert!(matches!(error, Err(SbomError::Digests { .. })), "{error:?}");
        let mut foreign = sample();
        let gcc = foreign
            .inventory
            .components
            .keys()
            .find(|id| id.to_string().starts_with("gcc "))
            .unwrap()
            .clone();
        foreign.inventory.files[0].owner = gcc;
        let error = format.write(foreign.inputs(&|blob| foreign.digests.get(blob).copied()), Scope::Shipped);
        assert_eq!(
            error.unwrap_err().to_string(),
            "`/bin` belongs to `gcc 12.2.0-14`, which isn't in the image"
        );
        let mut nothing = sample();
        "other".clone_into(&mut nothing.inventory.image);
        let error = format.write(nothing.inputs(&|blob| nothing.digests.get(blob).copied()), Scope::Shipped);
        assert_eq!(error.unwrap_err().to_string(), "the inventory has no image `other`");
    }
}

#[test]
fn words_come_back() {
    for format in SbomFormat::ALL {
        assert_eq!(SbomFormat::from_word(format.word()), Some(format));
    }
    assert_eq!(SbomFormat::from_word("spdx"), None);
}

/// A component without a licence in the map claims none, and one with a broken licence neither.
#[test]
fn nothing_is_claimed_of_licences_that_are_not_known() {
    let mut sample = sample();
    let id: ComponentId = sample.inventory.components.keys().next().unwrap().clone();
    sample.licences.insert(id, Licence::of_recipe(Some("GPL")));
    let text = String::from_utf8(sample.write(SbomFormat::Spdx2, Scope::Shipped)).unwrap();
    assert!(text.contains("\"licenseDeclared\":\"NOASSERTION\""));
    assert!(!text.contains("\"licenseDeclared\":\"GPL\""));
}
