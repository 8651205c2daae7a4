use super::*;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn entry(media_type: &str, platform: &str) -> String {
    let platform = match platform.split_once('/') {
        None => String::new(),
        Some((os, architecture)) => {
            let (architecture, variant) = architecture.split_once('/').unwrap_or((architecture, ""));
            let variant =
                if variant.is_empty() { String::new() } else { format!(", \"variant\": \"{variant}\"") };
            format!(", \"platform\": {{ \"os\": \"{os}\", \"architecture\": \"{architecture}\"{variant} }}")
        }
    };
    format!(
        "{{ \"mediaType\": \"{media_type}\", \"digest\": \"{DIGEST}\", \"size\": {} {platform} }}",
        platform.len()
    )
}

fn index(entries: &[String]) -> String {
    format!("{{ \"schemaVersion\": 2, \"manifests\": [{}] }}", entries.join(", "))
}

fn manifest(config: &str, layers: &[&str]) -> String {
    let layers: Vec<_> = layers.iter().map(|kind| entry(kind, "")).collect();
    format!(
        "{{ \"schemaVersion\": 2, \"mediaType\": \"{DOCKER_MANIFEST}\", \"config\": {}, \"layers\": [{}] }}",
        entry(config, ""),
        layers.join(", ")
    )
}

fn fails(text: &str) -> String {
    read_top(text.as_bytes(), "amd64").unwrap_err().to_string()
}

#[test]
fn an_index_has_a_manifest_for_a_platform() {
    let all = [
        entry(document::MANIFEST, "unknown/unknown"),
        entry(document::MANIFEST, "linux/arm64/v8"),
        entry(document::MANIFEST, "linux/amd64/v3"),
        entry(DOCKER_MANIFEST, "linux/amd64"),
        entry(document::MANIFEST, "windows/amd64"),
    ];
    let sizes = |architecture| match read_top(index(&all).as_bytes(), architecture) {
        Ok(Top::Index(Referred { size, .. })) => size,
        other => panic!("{other:?}"),
    };
    assert!(sizes("amd64") < sizes("arm64"), "the one without a variant comes first");
    let error = read_top(index(&all).as_bytes(), "s390x").unwrap_err().to_string();
    assert_eq!(
        error,
        "it has nothing for linux/s390x; it has linux/arm64, linux/amd64, linux/amd64, windows/amd64"
    );
    assert_eq!(fails(&index(&[])), "it has nothing for linux/amd64; it has nothing at all");
}

#[test]
fn a_manifest_has_a_configuration_and_layers() {
    let layers = [
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
    ];
    let Ok(Top::Manifest(parts)) = read_top(manifest(DOCKER_CONFIG, &layers).as_bytes(), "amd64") else {
        panic!("it is one")
    };
    assert_eq!(parts.layers.len(), 3);
    assert_eq!(parts.config.sha256, Sha256::from_oci(DIGEST).unwrap());
}

#[test]
fn what_cant_be_read_is_told() {
    assert_eq!(fails("{ \"schemaVersion\": 1 }"), "it is a `schema version 1`, which kit doesn't read");
    assert_eq!(
        fails("{ \"schemaVersion\": 2, \"mediaType\": \"text/html\" }"),
        "it is a `text/html`, which kit doesn't read"
    );
    assert!(fails("<html>").starts_with("it is no document of the image specification"));
    let twice = manifest(document::CONFIG, &[]).replace("\"layers\": []", "\"layers\": [], \"layers\": []");
    assert!(fails(&twice).contains("duplicate field `layers`"), "{}", fails(&twice));
    let chart = manifest("application/vnd.cncf.helm.config.v1+json", &[]);
    assert_eq!(fails(&chart), "it is a `application/vnd.cncf.helm.config.v1+json`, which kit doesn't read");
    let foreign = manifest(document::CONFIG, &["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"]);
    assert!(fails(&foreign).contains("foreign"));
    let bomb = manifest(document::CONFIG, &[document::LAYER; MOST_LAYERS + 1]);
    assert_eq!(fails(&bomb), "it has 1001 layers; 1000 is the most that kit takes");
    let weak = manifest(document::CONFIG, &[]).replace(DIGEST, "sha512:00");
    assert_eq!(fails(&weak), "`sha512:00` is no SHA-256 digest");
    let deep = format!("{{ \"schemaVersion\": 2, \"x\": {}{} }}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(fails(&deep).contains("missing field"), "{}", fails(&deep));
}

#[test]
fn a_configuration_says_how_it_runs() {
    let text = format!(
        r#"{{ "os": "linux", "architecture": "amd64", "config": {{ "User": "web:www", "Env": ["PATH=/bin", "A=1", "A=2=3", "B", "=x"],
            "Entrypoint": ["/run"], "Cmd": ["-f"], "WorkingDir": "", "Labels": {{ "a": "b" }} }},
            "rootfs": {{ "type": "layers", "diff_ids": ["{DIGEST}"] }} }}"#
    );
    let settings = read_config(text.as_bytes(), "amd64", 1).unwrap();
    assert_eq!(settings.command, ["/run", "-f"]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(settings.env, BTreeMap::from([pair("A", "2=3"), pair("B", ""), pair("PATH", "/bin")]));
    assert_eq!((settings.cwd, settings.user), (None, Some("web:www".to_owned())));
    let error =
        |architecture, layers| read_config(text.as_bytes(), architecture, layers).unwrap_err().to_string();
    assert_eq!(error("amd64", 2), "the configuration has 1 layers, the manifest 2");
    assert_eq!(error("arm64", 1), "it is for linux/amd64, not for linux/arm64");
    let nul = text.replace("\"-f\"", "\"a\\u0000b\"");
    let error = read_config(nul.as_bytes(), "amd64", 1).unwrap_err().to_string();
    assert_eq!(error, "its command has a NUL character");
    let bare =
        text.replace("\"User\"", "\"user\"").replace("\"Entrypoint\": [\"/run\"]", "\"Entrypoint\": null");
    assert_eq!(read_config(bare.as_bytes(), "amd64", 1).unwrap().command, ["-f"]);
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "\\PC{0,60}") {
        _ = read_top(text.as_bytes(), "amd64");
        _ = read_config(text.as_bytes(), "amd64", 0);
    }
}
