use serde_json::json;

use super::*;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

fn entry(media_type: &str, bytes: &[u8]) -> serde_json::Value {
    json!({ "mediaType": media_type, "digest": Sha256::of(bytes).oci(), "size": bytes.len() })
}

fn manifest(layers: &[&str]) -> Vec<u8> {
    let layers: Vec<_> = layers.iter().map(|layer| entry("any", layer.as_bytes())).collect();
    json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": entry("any", b"config"), "layers": layers })
        .to_string()
        .into_bytes()
}

fn index(entries: &[serde_json::Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "manifests": entries }).to_string().into_bytes()
}

fn graph(documents: &[&[u8]], top: &[u8]) -> Result<Graph, DocumentError> {
    follow(&link_to(top)?, &mut |link| {
        let found = documents.iter().find(|bytes| Sha256::of(bytes) == link.sha256);
        Ok(found.expect("it is there").to_vec())
    })
}

#[test]
fn everything_is_found_once_and_in_order() {
    let (one, two) = (manifest(&["a", "b"]), manifest(&["b", "c"]));
    let inner = index(&[entry(MANIFEST, &two)]);
    let top = index(&[entry(MANIFEST, &one), entry(INDEX, &inner), entry(MANIFEST, &one)]);
    let found = graph(&[&one, &two, &inner, &top], &top).unwrap();
    let order: Vec<_> = found.documents.iter().map(|link| link.sha256).collect();
    assert_eq!(order, [&one, &two, &inner, &top].map(|bytes| Sha256::of(bytes)));
    assert_eq!(found.blobs.len(), 4);
    assert_eq!(link_to(&top).unwrap().media_type, INDEX);
    assert_eq!(link_to(&one).unwrap().media_type, MANIFEST);
}

#[test]
fn bombs_are_refused() {
    let one = manifest(&["a"]);
    let mut nested = index(&[entry(MANIFEST, &one)]);
    let mut documents = vec![one.clone()];
    for _ in 0..DEPTH {
        documents.push(nested.clone());
        nested = index(&[entry(INDEX, &nested)]);
    }
    documents.push(nested.clone());
    let all: Vec<_> = documents.iter().map(Vec::as_slice).collect();
    assert!(matches!(graph(&all, &nested), Err(DocumentError::Kind { .. })));

    let many: Vec<_> = (0..=MOST_MANIFESTS).map(|n| entry(MANIFEST, n.to_string().as_bytes())).collect();
    let many = index(&many);
    assert!(matches!(graph(&[&many], &many), Err(DocumentError::Manifests { .. })));

    let huge = json!({ "mediaType": MANIFEST, "digest": Sha256::of(&one).oci(), "size": 1_u64 << 40 });
    let huge = index(&[huge]);
    assert!(matches!(graph(&[&one, &huge], &huge), Err(DocumentError::Kind { .. })));

    let layers: Vec<_> = (0..=MOST_LAYERS).map(|n| n.to_string()).collect();
    let layers = manifest(&layers.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(matches!(graph(&[&layers], &layers), Err(DocumentError::Layers { .. })));

    let other = index(&[entry("application/octet-stream", b"x")]);
    assert!(matches!(graph(&[&other], &other), Err(DocumentError::Kind { .. })));
    assert!(link_to(b"{\"schemaVersion\":1}").is_err());
}

#[test]
fn a_layout_says_what_is_in_it() {
    let mut top = link_to(&manifest(&["a"])).unwrap();
    top.ref_name = Some("1.0".to_owned());
    top.image_name = Some("registry.example/a:1.0".to_owned());
    let [(name, bytes), _] = layout_files(&top).unwrap();
    assert_eq!((name, read_links(&bytes).unwrap()), ("index.json", vec![top]));
}
