//! Signatures of images and attestations about them: beside the image in either registry, in layouts, and as others put them there.

use std::collections::BTreeSet;

use kit_hash::Sha256;
use kit_tests::image::{INDEX, Image, MANIFEST, descriptor};
use kit_tests::registry::Registry;
use kit_tests::server::{Answer, Site, with_server};
use kit_tests::signers::{pem_key, ssh_key, tool, tool_reading, trust};
use kit_tests::{Said, TestProject};
use serde_json::{Value, json};

use super::ferro::{Ferro, Gateway};
use super::{digest, get, image, layout, layout_of};

/// What kit calls its own signatures.
const SIGNATURE: &str = "application/vnd.kit.signature.v1";

/// A project with an image in a layout, and the keys of three people.
fn project() -> (TestProject, Image) {
    let project = TestProject::new();
    let image = image(&project, "amd64");
    layout_of(&project, "from/one.oci", &image);
    ssh_key(&project, "alice", &["-t", "ed25519"]);
    tool(&project, &["minisign", "-G", "-W", "-p", "carol.pub", "-s", "carol"]).succeeded();
    pem_key(&project, "dave");
    (project, image)
}

fn sign(project: &TestProject, what: &str, key: &str) -> Vec<String> {
    let said = project.kit(&["sign", what, "--key", key]).succeeded();
    said.stdout.lines().map(ToOwned::to_owned).collect()
}

/// Signs the file `signed`; returns the signature.
fn sign_file(project: &TestProject, key: &str) -> Vec<u8> {
    project.kit(&["sign", "signed", "--key", key, "--to", "signed.sig"]).succeeded();
    project.read("signed.sig").into_bytes()
}

fn verify(project: &TestProject, what: &str) -> Said {
    project.kit(&["verify", "--signatures", what])
}

#[test]
fn signatures_lie_beside_the_image_in_either_registry() {
    let (project, image) = project();
    let (debian, ferro) = (Registry::start(&project), Ferro::start(Gateway::Plain));
    let manifest = Sha256::of(&image.manifest());
    for host in [debian.host(), ferro.host()] {
        let to = format!("{host}/team/one:1");
        let whole = format!("{to}@{}", manifest.oci());
        assert_eq!(digest(project.kit(&["push", "from/one.oci", &to])), manifest.oci());
        trust(&project, &["alice", "carol", "dave"], 3);
        verify(&project, &to).failed(1, &["error[kit::verify::not_signed]"]);
        assert_eq!(sign(&project, &to, "alice").len(), 1);
        // By the digest it is the same image.
        assert_eq!(sign(&project, &whole, "carol").len(), 1);
        let said = verify(&project, &to).failed(1, &["error[kit::verify::not_signed]"]);
        assert!(said.stdout.contains("by alice") && said.stdout.contains("2 of 3 needed"), "{said}");
        let by_dave = sign(&project, &to, "dave");
        assert!(by_dave[1].starts_with(&format!("{host}/team/one:sha256-{manifest}.sig@")), "{by_dave:?}");
        let said = verify(&project, &to).succeeded();
        assert!(said.stdout.contains(&format!("{whole}  signed: 3 of 3 needed")), "{said}");
        assert_eq!(said.stdout.matches("by dave").count(), 2, "{said}");
        // The same again is there already, and the image is what it was.
        assert_eq!(sign(&project, &to, "alice").len(), 1);
        assert_eq!(verify(&project, &to).succeeded().stdout, said.stdout);
        project.kit(&["pull", &to, "--out", "back"]).succeeded();
        let of = |directory: &str| kit_tests::small::digests(&project.path().join(directory).join("blobs"));
        assert_eq!(of("back/one.oci"), of("from/one.oci"), "{host}");
        as_cosign_reads_it(&project, host, &manifest);
    }
    // The registry itself tells what is about the image; where it doesn't, a tag does.
    let asked = get(ferro.host(), &format!("/v2/team/one/referrers/{}", manifest.oci()));
    let tagged = get(debian.host(), &format!("/v2/team/one/manifests/sha256-{manifest}"));
    for list in [&asked, &tagged] {
        let entries = list["manifests"].as_array().expect("a list");
        assert!(entries.iter().all(|entry| entry["artifactType"] == SIGNATURE), "{list}");
        // One of them lists what is put there twice.
        let digests: BTreeSet<_> = entries.iter().map(|entry| entry["digest"].to_string()).collect();
        assert_eq!(digests.len(), 3, "{list}");
    }
}

/// Checks what is under cosign's tag in its way, by openssl: the payload, which names the image, is signed plainly.
fn as_cosign_reads_it(project: &TestProject, host: &str, image: &Sha256) {
    use base64::Engine as _;
    let manifest = get(host, &format!("/v2/team/one/manifests/sha256-{image}.sig"));
    let layer = &manifest["layers"][0];
    assert_eq!(layer["mediaType"], "application/vnd.dev.cosign.simplesigning.v1+json");
    let payload = get(host, &format!("/v2/team/one/blobs/{}", layer["digest"].as_str().expect("a text")));
    assert_eq!(payload["critical"]["image"]["docker-manifest-digest"], image.oci());
    assert_eq!(payload["critical"]["type"], "cosign container image signature");
    assert_eq!(payload["critical"]["identity"]["docker-reference"], format!("{host}/team/one"));
    // Canonical JSON: what was read is written as it was.
    let payload = payload.to_string();
    assert_eq!(layer["digest"], Sha256::of(payload.as_bytes()).oci());
    let signature = layer["annotations"]["dev.cosignproject.cosign/signature"].as_str().expect("a text");
    let signature = base64::engine::general_purpose::STANDARD.decode(signature).expect("it is base64");
    project.write("payload", &payload).write_bytes("payload.raw", &signature);
    let verify =
        ["openssl", "dgst", "-sha256", "-verify", "dave.pub", "-signature", "payload.raw", "payload"];
    tool(project, &verify).succeeded();
    let config = manifest["config"]["digest"].as_str().expect("a text");
    let config = get(host, &format!("/v2/team/one/blobs/{config}"));
    assert_eq!(config["rootfs"]["diff_ids"], json!([layer["digest"]]));
}

#[test]
fn the_signature_of_the_manifest_is_one_of_a_file() {
    let (project, image) = project();
    let ferro = Ferro::start(Gateway::Plain);
    let to = format!("{}/team/one:1", ferro.host());
    digest(project.kit(&["push", "from/one.oci", &to]));
    sign(&project, &to, "alice");
    let manifest = Sha256::of(&image.manifest());
    let listed = get(ferro.host(), &format!("/v2/team/one/referrers/{}", manifest.oci()));
    let artifact = listed["manifests"][0]["digest"].as_str().expect("a text").to_owned();
    project.kit(&["pull", &format!("{}/team/one@{artifact}", ferro.host()), "--out", "back"]).succeeded();
    let artifact = get(ferro.host(), &format!("/v2/team/one/manifests/{artifact}"));
    let hex =
        artifact["layers"][0]["digest"].as_str().expect("a text").trim_start_matches("sha256:").to_owned();
    project.write("allowed", &format!("alice {}", project.read("alice.pub")));
    project.write_bytes("manifest.json", &image.manifest());
    let signature = format!("back/one.oci/blobs/sha256/{hex}");
    let verify =
        ["ssh-keygen", "-Y", "verify", "-n", "file", "-f", "allowed", "-I", "alice", "-s", &signature];
    tool_reading(&project, "manifest.json", &verify).succeeded();
}

#[test]
fn attestations_say_who_says_what() {
    let (project, image) = project();
    trust(&project, &["alice", "dave"], 1);
    project.write("sbom.json", r#"{"spdxVersion":"SPDX-2.3","name":"one","odd":1.50}"#);
    project.write("provenance.json", r#"{"_type":"https://in-toto.io/Statement/v1","subject":[],"predicateType":"https://slsa.dev/provenance/v1","predicate":{}}"#);
    project.write("other.json", "{}");
    let (debian, ferro) = (Registry::start(&project), Ferro::start(Gateway::Plain));
    for host in [debian.host(), ferro.host()] {
        let to = format!("{host}/team/one:1");
        digest(project.kit(&["push", "from/one.oci", &to]));
        let attest =
            |key: &str, document: &str| project.kit(&["sign", &to, "--key", key, "--attest", document]);
        attest("alice", "sbom.json").succeeded();
        attest("dave", "provenance.json").succeeded();
        attest("carol", "sbom.json").failed(1, &["error[kit::sign::failed]", "minisign"]);
        attest("alice", "other.json").failed(1, &["error[kit::sign::failed]", "SPDX"]);
        // Who says something about an image hasn't signed it.
        let said = verify(&project, &to).failed(1, &["error[kit::verify::not_signed]"]);
        assert!(said.stdout.contains("states   https://spdx.dev/Document, says alice"), "{said}");
        assert!(said.stdout.contains("states   https://slsa.dev/provenance/v1, says dave"), "{said}");
        let manifest =
            get(host, &format!("/v2/team/one/manifests/sha256-{}.att", Sha256::of(&image.manifest())));
        let layer = &manifest["layers"][0];
        assert_eq!(layer["mediaType"], "application/vnd.dsse.envelope.v1+json");
        assert_eq!(layer["annotations"]["predicateType"], "https://slsa.dev/provenance/v1");
        sign(&project, &to, "alice");
        verify(&project, &to).succeeded();
    }
    let attest = ["sign", "sbom.json", "--key", "alice", "--attest", "sbom.json"];
    project.kit(&attest).failed(2, &["error[kit::sign::option]", "--envelope"]);
    let envelope = ["sign", "from/one.oci", "--key", "alice", "--envelope"];
    project.kit(&envelope).failed(2, &["error[kit::sign::option]", "--attest"]);
}

#[test]
fn a_layout_takes_its_signatures_along() {
    let (project, _) = project();
    trust(&project, &["alice", "dave"], 2);
    let one = "from/one.oci";
    verify(&project, one).failed(1, &["error[kit::verify::not_signed]"]);
    assert_eq!(sign(&project, one, "alice").len(), 1);
    assert_eq!(sign(&project, one, "dave").len(), 2);
    let index = project.read("from/one.oci/index.json");
    assert_eq!(sign(&project, one, "dave").len(), 1, "what cosign reads is there");
    assert_eq!(project.read("from/one.oci/index.json"), index);
    let said = verify(&project, one).succeeded();
    assert!(said.stdout.contains("from/one.oci it@sha256:"), "{said}");
    let (debian, ferro) = (Registry::start(&project), Ferro::start(Gateway::Plain));
    for host in [debian.host(), ferro.host()] {
        let to = format!("{host}/team/one:1");
        let said = project.kit(&["push", one, &to]).succeeded();
        assert!(said.stderr.contains("3 documents beside it"), "{said}");
        verify(&project, &to).succeeded();
    }
    // What others put under cosign's tag stays.
    let to = format!("{}/team/one:1", ferro.host());
    pem_key(&project, "erin");
    sign(&project, &to, "erin");
    project.kit(&["push", one, &to]).succeeded();
    trust(&project, &["dave", "erin"], 2);
    let said = verify(&project, &to).succeeded();
    assert_eq!(said.stdout.matches("good     by").count(), 4, "{said}");
}

/// An artifact with a signature, as somebody wrote it.
fn artifact(subject: &Value, signature: &[u8]) -> Vec<u8> {
    let whole = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": SIGNATURE,
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [descriptor("text/plain", signature)],
        "subject": subject,
    });
    whole.to_string().into_bytes()
}

/// What a registry has that lists these artifacts about an image, and gives the blobs by their names, or others.
fn hostile(image: &Image, artifacts: &[Vec<u8>], blobs: &[(Sha256, Vec<u8>)]) -> Site {
    let manifest = image.manifest();
    let mut site = image.site("team/one", "1", Answer::Bytes(manifest.clone()));
    let entry = |artifact: &Vec<u8>| {
        let mut entry = descriptor(MANIFEST, artifact);
        entry["artifactType"] = json!(SIGNATURE);
        entry
    };
    let entries: Vec<_> = artifacts.iter().map(entry).collect();
    let list = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let path = format!("/v2/team/one/referrers/{}", Sha256::of(&manifest).oci());
    site.insert(path, Answer::Bytes(list.to_string().into_bytes()));
    for artifact in artifacts {
        let path = format!("/v2/team/one/manifests/{}", Sha256::of(artifact).oci());
        site.insert(path, Answer::Bytes(artifact.clone()));
    }
    for (sha256, blob) in blobs {
        site.insert(format!("/v2/team/one/blobs/{}", sha256.oci()), Answer::Bytes(blob.clone()));
    }
    site
}

#[test]
fn hostile_registries_make_no_signature_count() {
    let (project, image) = project();
    trust(&project, &["alice"], 1);
    let by_alice = |bytes: &[u8]| {
        project.write_bytes("signed", bytes);
        sign_file(&project, "alice")
    };
    let (manifest, own) = (image.manifest(), descriptor(MANIFEST, &image.manifest()));
    let good = by_alice(&manifest);
    let said = |site: Site| {
        with_server(site, |server| {
            verify(&project, &format!("{}/team/one:1", server.base.trim_start_matches("http://")))
        })
    };
    let of = |bytes: &Vec<u8>| (Sha256::of(bytes), bytes.clone());

    // A signature of another image, for that one and for this one.
    let other = by_alice(b"another image");
    let artifacts = [artifact(&descriptor(MANIFEST, b"another image"), &other), artifact(&own, &other)];
    let said_of_others = said(hostile(&image, &artifacts, &[of(&other)]));
    let said_of_others = said_of_others.failed(1, &["error[kit::verify::not_signed]"]);
    assert!(said_of_others.stdout.contains("other    it is about sha256:"), "{said_of_others}");
    assert!(said_of_others.stdout.contains("wrong    by alice"), "{said_of_others}");

    // A signature that is cut off, one that is gone, and one that the registry changes; the good one beside them counts.
    let cut = good[..good.len() / 2].to_vec();
    let gone = [good.as_slice(), b"\n"].concat();
    let mut changed = good.clone();
    let at = changed.iter().rposition(|byte| *byte == b'A').expect("there is one");
    changed[at] = b'B';
    let swapped = [good.as_slice(), b" "].concat();
    let artifacts = [artifact(&own, &cut), artifact(&own, &gone), artifact(&own, &swapped)];
    let mut blobs = vec![of(&cut), (Sha256::of(&swapped), [changed.as_slice(), b" "].concat())];
    let bad = said(hostile(&image, &artifacts, &blobs)).failed(1, &["error[kit::verify::not_signed]"]);
    assert_eq!(bad.stdout.matches("broken").count(), 3, "{bad}");
    let artifacts = [artifacts.as_slice(), &[artifact(&own, &good)]].concat();
    blobs.push(of(&good));
    let some = said(hostile(&image, &artifacts, &blobs)).succeeded();
    assert!(some.stdout.contains("good     by alice"), "{some}");

    // By somebody whom nobody trusts.
    ssh_key(&project, "mallory", &["-t", "ed25519"]);
    assert_eq!(by_alice(&manifest), good);
    let unknown = sign_file(&project, "mallory");
    let unknown = said(hostile(&image, &[artifact(&own, &unknown)], &[of(&unknown)]));
    let unknown = unknown.failed(1, &["error[kit::verify::not_signed]"]);
    assert!(unknown.stdout.contains("unknown  by SHA256:"), "{unknown}");

    // More than anybody needs.
    let many: Vec<_> = (0..200).map(|number| artifact(&own, format!("{number}").as_bytes())).collect();
    said(hostile(&image, &many, &[])).failed(1, &["error[kit::verify::too_many_signatures]", "200"]);

    // A list that is none.
    let mut site = hostile(&image, &[], &[]);
    let path = format!("/v2/team/one/referrers/{}", Sha256::of(&manifest).oci());
    site.insert(path, Answer::Bytes(b"[]".to_vec()));
    said(site).failed(1, &["error[kit::registry::document]"]);
}

#[test]
fn layouts_that_lie_make_no_signature_count() {
    let (project, image) = project();
    trust(&project, &["alice"], 1);
    let manifest = image.manifest();
    project.write_bytes("signed", b"another image");
    let signature = sign_file(&project, "alice");
    let artifact = artifact(&descriptor(MANIFEST, &manifest), &signature);
    let blobs = [image.blobs(), vec![b"{}".to_vec(), signature]].concat();
    layout(&project, "bad.oci", (MANIFEST, &manifest), &[blobs, vec![artifact.clone()]].concat());
    let mut index: Value = serde_json::from_str(&project.read("bad.oci/index.json")).expect("it is JSON");
    index["manifests"].as_array_mut().expect("a list").push(descriptor(MANIFEST, &artifact));
    project.write("bad.oci/index.json", &index.to_string());
    let said = verify(&project, "bad.oci").failed(1, &["error[kit::verify::not_signed]"]);
    assert!(said.stdout.contains("wrong    by alice"), "{said}");
    project.write("empty/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    project.write("empty/index.json", r#"{"schemaVersion":2,"manifests":[]}"#);
    verify(&project, "empty").failed(2, &["error[kit::"]);
    project.write("none/file", "");
    verify(&project, "none").failed(1, &["oci-layout"]);
}

/// Puts another image into a layout, which says that it is about the first one.
fn add_image(project: &TestProject, directory: &str, image: &Image, change: &dyn Fn(&mut Value, Value)) {
    let mut other: Value = serde_json::from_slice(&image.manifest()).expect("it is JSON");
    other["subject"] = descriptor(MANIFEST, &image.manifest());
    let other = other.to_string();
    project.write(&format!("{directory}/blobs/sha256/{}", Sha256::of(other.as_bytes())), &other);
    let index = format!("{directory}/index.json");
    let mut changed: Value = serde_json::from_str(&project.read(&index)).expect("it is JSON");
    change(&mut changed["manifests"], descriptor(MANIFEST, other.as_bytes()));
    project.write(&index, &changed.to_string());
}

/// Changes the entries of an index, by an entry for another image.
type Change<'c> = &'c dyn Fn(&mut Value, Value);

#[test]
fn an_image_has_to_be_signed_whatever_it_is_about() {
    let (project, image) = project();
    trust(&project, &["alice"], 1);
    let push = |entries: &mut Value, entry: Value| entries.as_array_mut().expect("a list").push(entry);
    let changes: [(&str, Change<'_>); 4] = [
        ("plain", &push),
        ("typed", &|entries, entry| {
            entries[0]["artifactType"] = json!("x");
            push(entries, entry);
        }),
        ("first", &|entries, mut entry| {
            entry["annotations"] = entries[0]["annotations"].clone();
            entries.as_array_mut().expect("a list").insert(0, entry);
        }),
        ("called", &|entries, mut entry| {
            let name = format!("sha256-{}.sig", Sha256::of(&image.manifest()));
            entry["artifactType"] = json!(SIGNATURE);
            entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
            push(entries, entry);
        }),
    ];
    for (name, change) in changes {
        let directory = format!("{name}.oci");
        layout_of(&project, &directory, &image);
        sign(&project, &directory, "alice");
        verify(&project, &directory).succeeded();
        add_image(&project, &directory, &image, change);
        let said = verify(&project, &directory).failed(1, &["error[kit::verify::not_signed]"]);
        assert_eq!(said.stdout.matches("signed: 1 of 1 needed").count(), 1, "{name}: {said}");
        assert_eq!(said.stdout.matches("not signed enough: 0 of 1 needed").count(), 1, "{name}: {said}");
        project.kit(&["audit", &directory]).failed(1, &["several images"]);
    }
}

#[test]
fn a_mirror_hides_no_signature() {
    let (project, image) = project();
    let manifest = image.manifest();
    project.write_bytes("signed", &manifest);
    let signature = sign_file(&project, "alice");
    let signed = artifact(&descriptor(MANIFEST, &manifest), &signature);
    let blobs = [(Sha256::of(&signature), signature)];
    with_server(hostile(&image, &[signed], &blobs), |registry| {
        with_server(hostile(&image, &[], &[]), |mirror| {
            trust(&project, &["alice"], 1);
            let mirrors = format!("[mirrors]\n\"{}/\" = [\"{}/\"]\n", registry.base, mirror.base);
            project.write("kit.toml", &format!("{}{mirrors}", project.read("kit.toml")));
            let host = registry.base.trim_start_matches("http://");
            verify(&project, &format!("{host}/team/one:1")).succeeded();
        });
    });
    // A registry that can't be asked isn't one without signatures.
    with_server(hostile(&image, &[], &[]), |mirror| {
        trust(&project, &["alice"], 1);
        let mirrors = format!("[mirrors]\n\"http://127.0.0.1:1/\" = [\"{}/\"]\n", mirror.base);
        project.write("kit.toml", &format!("{}{mirrors}", project.read("kit.toml")));
        verify(&project, "127.0.0.1:1/team/one:1").failed(3, &["error[kit::"]);
    });
}
