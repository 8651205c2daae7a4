use serde_json::{Value, json};

use super::*;

fn sha256(of: &str) -> Sha256 {
    Sha256::of(of.as_bytes())
}

fn entry(digest: &str, name: Option<&str>, architecture: Option<&str>) -> Value {
    let mut entry = json!({ "mediaType": document::MANIFEST, "digest": sha256(digest).oci(), "size": 7 });
    if let Some(name) = name {
        entry["annotations"] = json!({ document::REF_NAME: name });
    }
    if let Some(architecture) = architecture {
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
    }
    entry
}

fn chosen(entries: &[Value], name: Option<&str>) -> Result<Sha256, String> {
    let index = json!({ "schemaVersion": 2, "manifests": entries }).to_string();
    choose(index.as_bytes(), name, "amd64", &mut |_| None)
        .map(|found| found.sha256)
        .map_err(|error| error.to_string())
}

#[test]
fn a_name_or_the_only_one_is_chosen() {
    let (one, two) = (entry("one", Some("1"), None), entry("two", Some("2"), None));
    let both = [one.clone(), two];
    assert_eq!(chosen(&both, Some("2")), Ok(sha256("two")));
    assert_eq!(chosen(&[entry("one", None, None)], None), Ok(sha256("one")));
    assert_eq!(chosen(std::slice::from_ref(&one), None), Ok(sha256("one")));
    assert_eq!(chosen(&both, Some("3")), Err("it has no image `3`; it has `1`, `2`".to_owned()));
    assert_eq!(chosen(&[], None), Err("it has no image at all".to_owned()));
    assert_eq!(chosen(&[], Some("1")), Err("it has no image `1`; it has none with a name".to_owned()));
    let error = "it has several images, and no name says which one is meant; it has `1`, `2`";
    assert_eq!(chosen(&both, None), Err(error.to_owned()));
    let mut whole = entry("two", Some("latest"), None);
    whole["annotations"][document::IMAGE_NAME] = json!("docker.io/library/web:latest");
    assert_eq!(chosen(&[one.clone(), whole], Some("docker.io/library/web:latest")), Ok(sha256("two")));
    let mut odd = one;
    odd["mediaType"] = json!("application/json");
    assert!(chosen(&[odd], None).is_err_and(|told| told.contains("`application/json`")));
}

#[test]
fn what_an_index_says_of_an_image_makes_it_no_artifact() {
    let mut signed = entry("signed", Some("1"), None);
    signed["artifactType"] = json!("application/x");
    let error = "it has several images, and no name says which one is meant; it has `1`";
    assert_eq!(chosen(&[signed, entry("other", None, None)], None), Err(error.to_owned()));
}

#[test]
fn of_several_with_a_name_the_platform_decides() {
    let all = [
        entry("arm", Some("1"), Some("arm64")),
        entry("amd", Some("1"), Some("amd64")),
        entry("other", Some("2"), Some("amd64")),
    ];
    assert_eq!(chosen(&all, Some("1")), Ok(sha256("amd")));
    assert_eq!(chosen(&all[..2], None), Ok(sha256("amd")));
    let both = [entry("a", Some("1"), Some("arm64")), entry("b", Some("1"), Some("s390x"))];
    let error = chosen(&both, Some("1")).unwrap_err();
    assert_eq!(error, "it has nothing for linux/amd64; it has linux/arm64, linux/s390x");
    let same = [entry("a", None, Some("amd64")), entry("b", None, Some("amd64"))];
    assert!(chosen(&same, None).is_err_and(|told| told.starts_with("it has several images")));
}

#[test]
fn what_docker_saved_is_read() {
    let text = br#"[
        {"Config":"a.json","RepoTags":["web:1","web:2"],"Layers":["x/layer.tar"],"LayerSources":{}},
        {"Config":"b.json","RepoTags":null,"Layers":null}
    ]"#;
    let all = read_saved(text).unwrap();
    assert_eq!(choose_saved(&all, Some("w"), &|tag| tag == "web:2").unwrap().config, "a.json");
    assert!(matches!(choose_saved(&all, None, &|_| true), Err(DocumentError::Which { .. })));
    assert!(matches!(choose_saved(&all, Some("w"), &|_| false), Err(DocumentError::Name { .. })));
    assert!(choose_saved(&all[1..], None, &|_| false).unwrap().layers.is_empty());
    let twice = read_saved(br#"[{"Config":"a","Config":"b","Layers":[]}]"#).unwrap_err().to_string();
    assert!(twice.contains("duplicate field `Config`"), "{twice}");
}

#[test]
fn the_manifest_that_is_made_stays_the_same() {
    let referred = |text: &str| Referred { size: text.len() as u64, sha256: sha256(text) };
    let layers = [(referred("one"), Compression::None), (referred("three"), Compression::Gzip)];
    let manifest = manifest_of(&referred("{}"), &layers).unwrap();
    // Lockfiles pin it: other bytes would be another image.
    assert_eq!(
        Sha256::of(&manifest).to_string(),
        "b95b39c2fc2e2117c3dc70c0a185b1f828edcb74eec9d2755fc40a0fad6d2440"
    );
    let parts = super::super::pull::read_manifest(&manifest).unwrap();
    assert_eq!((parts.config, parts.layers), (referred("{}"), vec![layers[0].0, layers[1].0]));
    assert!(manifest_of(&referred("{}"), &[(referred("x"), Compression::Xz)]).is_err());
}

#[test]
fn other_layouts_are_refused() {
    assert!(check_layout(br#"{"imageLayoutVersion":"1.0.0"}"#).is_ok());
    let error = check_layout(br#"{"imageLayoutVersion":"2.0.0"}"#).unwrap_err().to_string();
    assert!(error.contains("layout of version 2.0.0"), "{error}");
    assert!(check_layout(b"{}").is_err());
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "[\\[\\]{}\":,a-zA-Z0-9]{0,60}") {
        _ = read_saved(text.as_bytes());
        _ = choose(text.as_bytes(), None, "amd64", &mut |_| None);
        _ = check_layout(text.as_bytes());
    }
}

#[test]
fn a_saved_image_has_no_more_layers_than_another_one() {
    let layers = |count: usize| Saved {
        config: "config.json".to_owned(),
        repo_tags: Vec::new(),
        layers: vec!["layer.tar".to_owned(); count],
    };
    assert!(choose_saved(&[layers(MOST_LAYERS)], None, &|_| false).is_ok());
    let many = [layers(MOST_LAYERS + 1)];
    let refused = choose_saved(&many, None, &|_| false);
    assert!(matches!(refused, Err(DocumentError::Layers { count }) if count == MOST_LAYERS + 1));
}
