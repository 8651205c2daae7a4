use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::oci::artifact::{ArtifactFile, artifact_about};
use crate::oci::cosign::{Tagged, with_layer};

fn link(bytes: &[u8], name: Option<&str>) -> Link {
    Link {
        media_type: document::MANIFEST.to_owned(),
        size: bytes.len() as u64,
        sha256: Sha256::of(bytes),
        platform: None,
        ref_name: name.map(ToOwned::to_owned),
        image_name: None,
    }
}

fn entry(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Sha256::of(bytes).oci(), "size": bytes.len() })
}

/// An image that says that it is about another one.
fn image_about(subject: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": document::MANIFEST,
        "config": entry(document::CONFIG, b"config"),
        "layers": [entry(document::LAYER, b"layer")],
        "subject": entry(document::MANIFEST, subject),
    })
}

fn artifact(subject: &[u8], artifact_type: &str, media_type: &str) -> Vec<u8> {
    let file = ArtifactFile {
        title: "a".to_owned(),
        media_type: media_type.to_owned(),
        sha256: Sha256::of(b"a"),
        size: 1,
    };
    artifact_about(&link(subject, None), artifact_type, &[file], &BTreeMap::new()).unwrap()
}

/// Returns the image that a document is about, by an index that has both.
fn about_of(document: &[u8], name: Option<&str>) -> Option<Sha256> {
    let links = vec![link(b"image", Some("it")), link(document, name)];
    let sorted = sort(links, &mut |link| (link.sha256 == Sha256::of(document)).then(|| document.to_vec()));
    assert_eq!(sorted.images.len() + sorted.about.len(), 2);
    sorted.about.first().map(|about| about.image)
}

#[test]
fn signatures_and_attestations_are_about_the_image() {
    let image = Some(Sha256::of(b"image"));
    assert_eq!(about_of(&artifact(b"image", SIGNATURE, "text/plain"), None), image);
    assert_eq!(about_of(&artifact(b"image", ATTESTATION, cosign::ENVELOPE), Some("x")), image);
    let of_cosign = artifact(b"image", "application/vnd.dev.cosign.artifact.sig.v1+json", cosign::PAYLOAD);
    assert_eq!(about_of(&of_cosign, None), image);
    for (tagged, media_type) in Tagged::ALL.into_iter().zip([cosign::PAYLOAD, cosign::ENVELOPE]) {
        let layer = Part {
            media_type: media_type.to_owned(),
            sha256: Sha256::of(b"a"),
            size: 1,
            annotations: BTreeMap::new(),
        };
        let written = with_layer(None, &layer).unwrap().unwrap().manifest;
        assert_eq!(about_of(&written, Some(&tagged.tag(&Sha256::of(b"image")))), image);
        assert_eq!(about_of(&written, Some("latest")), None);
        assert_eq!(about_of(&written, Some(&tagged.tag(&Sha256::of(b"another")))), None);
    }
    // What is about something else is what the layout is for.
    assert_eq!(about_of(&artifact(b"another", SIGNATURE, "text/plain"), None), None);
}

#[test]
fn an_image_is_about_no_other_one() {
    let of_cosign = Tagged::Signatures.tag(&Sha256::of(b"image"));
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut image = image_about(b"image");
        change(&mut image);
        image.to_string()
    };
    let signed: Value = serde_json::from_slice(&artifact(b"image", SIGNATURE, "text/plain")).unwrap();
    let more = |key: &str, value: Value| {
        let mut signed = signed.clone();
        signed[key] = value;
        signed.to_string()
    };
    let layers = json!([entry("text/plain", b"a"), entry(document::LAYER, b"layer")]);
    for text in [
        changed(&|_| {}),
        changed(&|image| image["artifactType"] = json!(SIGNATURE)),
        changed(&|image| image["artifactType"] = json!("application/vnd.dev.cosign.artifact.sig.v1+json")),
        changed(&|image| image["layers"] = json!([])),
        // A signature among layers, and layers that another reader finds.
        more("layers", layers.clone()),
        more("Layers", layers.clone()),
        more(
            "layers",
            json!([{ "mediaType": "text/plain", "MediaType": document::LAYER, "digest": Sha256::of(b"a").oci(), "size": 1 }]),
        ),
        more("layers", json!([])),
        more("manifests", json!([])),
        more("mediaType", json!(document::INDEX)),
        more("config", entry(document::CONFIG, b"config")),
        more("artifactType", json!("application/spdx+json")),
        String::from_utf8(artifact(b"image", SIGNATURE, document::LAYER)).unwrap(),
        String::from_utf8(artifact(b"image", ATTESTATION, "text/plain")).unwrap(),
        "{}".to_owned(),
        "[]".to_owned(),
        String::new(),
    ] {
        for name in [None, Some("it"), Some(of_cosign.as_str())] {
            assert_eq!(about_of(text.as_bytes(), name), None, "{name:?} {text}");
        }
    }
    let signature = signed.to_string();
    let mut index = link(signature.as_bytes(), None);
    document::INDEX.clone_into(&mut index.media_type);
    let links = vec![link(b"image", None), index];
    assert_eq!(sort(links, &mut |_| Some(signature.clone().into_bytes())).about, []);
}

#[test]
fn what_is_about_a_signature_is_no_signature_of_an_image() {
    let first = artifact(b"image", SIGNATURE, "text/plain");
    let second = artifact(&first, SIGNATURE, "text/plain");
    let links = vec![link(b"image", None), link(&first, None), link(&second, None)];
    let documents = [first.clone(), second.clone()];
    let sorted =
        sort(links, &mut |link| documents.iter().find(|bytes| Sha256::of(bytes) == link.sha256).cloned());
    let digests: Vec<_> = sorted.images.iter().map(|link| link.sha256).collect();
    assert_eq!(digests, [Sha256::of(b"image"), Sha256::of(&second)]);
}
