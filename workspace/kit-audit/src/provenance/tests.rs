use kit_hash::{BlobId, Identity, RecipeId, SourceId, TreeId};
use kit_recipe::image::Format;
use kit_recipe::lockfile::image::{Document, ImageSettings};
use kit_recipe::lockfile::{
    Crate, Deb, DebKey, DebianSource, FilePin, ImagePin, SourceFile, SourcePart, Subject, Suite,
};
use kit_recipe::recipe::RecipeName;

use super::*;
use crate::sbom::tests::sample;

fn of(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

/// A lockfile with a material of each kind.
fn lock() -> Lockfile {
    let key = |package: &str, source: &str| (package.parse().unwrap(), source.parse().unwrap());
    let deb = DebKey {
        name: "busybox".to_owned(),
        version: "1:1.35.0-4+b3".to_owned(),
        architecture: "amd64".to_owned(),
    };
    let source = DebSource { name: "busybox".to_owned(), version: "1:1.35.0-4".to_owned() };
    let file =
        |part, name: &str| SourceFile { part, name: name.to_owned(), size: 1, sha256: of(name), tree: None };
    let pin = |name: &str, commit: Option<&str>| FilePin {
        source: SourceId::from_bytes([1; 32]),
        name: name.to_owned(),
        size: 1,
        sha256: of(name),
        commit: commit.map(|commit| commit.parse().unwrap()),
        tree: None,
    };
    let image = |name: &str| RecipeName::Image(name.parse().unwrap());
    let debian_source = DebianSource {
        name: "hello".to_owned(),
        version: "2.10-3".to_owned(),
        suite: "bookworm".to_owned(),
        directory: "pool/main/h/hello".to_owned(),
        files: vec![file(SourcePart::Description, "hello.dsc"), file(SourcePart::Original, "hello.tar.gz")],
    };
    let document = |text: &str| Document { size: 1, sha256: of(text) };
    Lockfile {
        epoch: 0,
        subject: Subject::Image("demo".parse().unwrap()),
        architecture: "x86_64".to_owned(),
        source_date: 1_735_689_600,
        recipes: BTreeMap::from([(image("demo"), RecipeId::from_bytes([2; 32]))]),
        suites: BTreeMap::from([(
            "bookworm".to_owned(),
            Suite { date: 1, in_release: of("InRelease"), signed_by: Vec::new() },
        )]),
        debs: BTreeMap::from([(
            deb,
            Deb {
                source,
                suite: "bookworm".to_owned(),
                filename: "pool/busybox.deb".to_owned(),
                size: 1,
                sha256: of("busybox"),
                tree: None,
            },
        )]),
        closures: BTreeMap::new(),
        debian_sources: BTreeMap::from([
            (key("hello", "a"), debian_source.clone()),
            (key("hello", "b"), debian_source),
        ]),
        crates: BTreeMap::from([(
            ("itoa".to_owned(), "1.0.0".to_owned()),
            Crate { sha256: of("itoa"), tree: None },
        )]),
        files: BTreeMap::from([
            (key("agent", "upstream"), pin("agent.tar.gz", None)),
            (key("tool", "git"), pin("tool.tar", Some(&"c".repeat(40)))),
        ]),
        images: BTreeMap::from([(
            "registry.example/nginx:1.27".parse().unwrap(),
            ImagePin {
                index: None,
                manifest: document("manifest"),
                config: document("config"),
                settings: ImageSettings::default(),
                owner: None,
                layers: Vec::new(),
            },
        )]),
        locals: BTreeMap::from([((image("demo"), "/etc/motd".to_owned()), TreeId::from_bytes([3; 32]))]),
        steps: BTreeMap::new(),
        containers: BTreeMap::new(),
        advisories: None,
        outputs: ["demo-kernel", "demo-initrd.img"]
            .into_iter()
            .map(|name| {
                let blake3 = BlobId::of(name.as_bytes());
                (name.to_owned(), Output { format: Format::KernelInitrd, size: 1, sha256: of(name), blake3 })
            })
            .collect(),
    }
}

fn text(run: &Run) -> String {
    let lock = lock();
    let provenance = Provenance {
        lock: &lock,
        lock_path: "lockfiles/demo.lock",
        lock_sha256: of("lock"),
        inventory: &sample().inventory,
        outputs: &lock.outputs,
        run,
    };
    String::from_utf8(provenance.to_text().unwrap()).unwrap()
}

fn local() -> Run {
    Run { builder: "tag:kit,2026:builder/local".to_owned(), ..Run::default() }
}

#[test]
fn rebuilders_agree_on_what_was_built() {
    let other = Run {
        builder: "https://ci.example/builder".to_owned(),
        versions: BTreeMap::from([("kit".to_owned(), "0.2.0".to_owned())]),
        invocation: Some("run 7".to_owned()),
        started: Some(1_735_700_000),
        finished: Some(1_735_700_060),
    };
    let (one, two) = (text(&local()), text(&other));
    let definition = |text: &str| {
        let start = text.find("\"buildDefinition\":").unwrap();
        let end = text.find(",\"runDetails\":").unwrap();
        text[start..end].to_owned()
    };
    assert_eq!(definition(&one), definition(&two));
    let without_run = |text: &str| {
        let mut value: Value = serde_json::from_str(text).unwrap();
        value["predicate"]["runDetails"].take()
    };
    assert_eq!(without_run(&one), json!({ "builder": { "id": "tag:kit,2026:builder/local" } }));
    assert_eq!(
        without_run(&two),
        json!({
            "builder": { "id": "https://ci.example/builder", "version": { "kit": "0.2.0" } },
            "metadata": {
                "invocationId": "run 7",
                "startedOn": "2025-01-01T02:53:20Z",
                "finishedOn": "2025-01-01T02:54:20Z",
            },
        })
    );
    assert_eq!(
        one.split(",\"runDetails\":").next(),
        two.split(",\"runDetails\":").next(),
        "nothing else of a run"
    );
}

#[test]
fn every_material_is_listed() {
    let value: Value = serde_json::from_str(&text(&local())).unwrap();
    assert_eq!(value["_type"], TYPE);
    assert_eq!(value["predicateType"], PREDICATE);
    let definition = &value["predicate"]["buildDefinition"];
    let materials: Vec<_> = definition["resolvedDependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let digests: Vec<_> = one["digest"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, digest)| format!("{name}:{}", &digest.as_str().unwrap()[..6]))
                .collect();
            format!(
                "{} {} {}",
                one["name"].as_str().unwrap(),
                one["uri"].as_str().unwrap_or("-"),
                digests.join(" ")
            )
        })
        .collect();
    let short = |text: &str| of(text).short()[..6].to_owned();
    assert_eq!(
        materials,
        [
            format!("suite bookworm - sha256:{}", short("InRelease")),
            format!(
                "deb busybox 1:1.35.0-4+b3 amd64 pkg:deb/debian/busybox@1:1.35.0-4+b3?arch=amd64&distro=bookworm sha256:{}",
                short("busybox")
            ),
            format!("hello.dsc - sha256:{}", short("hello.dsc")),
            format!("hello.tar.gz - sha256:{}", short("hello.tar.gz")),
            format!("crate itoa 1.0.0 pkg:cargo/itoa@1.0.0 sha256:{}", short("itoa")),
            format!("file agent/upstream - sha256:{}", short("agent.tar.gz")),
            format!("file tool/git - gitCommit:cccccc sha256:{}", short("tool.tar")),
            format!("image registry.example/nginx:1.27 - sha256:{}", short("manifest")),
            "local image demo//etc/motd - kitTree:030303".to_owned(),
            "recipe image demo - kitRecipe:020202".to_owned(),
        ]
    );
    assert_eq!(
        definition["externalParameters"],
        json!({
            "image": "demo",
            "formats": ["kernel+initrd"],
            "lockfile": { "path": "lockfiles/demo.lock", "digest": { "sha256": of("lock").to_string() } },
        })
    );
    assert_eq!(
        value["subject"][0],
        json!({ "name": "demo-initrd.img", "digest": { "sha256": of("demo-initrd.img").to_string() } })
    );
    assert_eq!(definition["internalParameters"]["sourceDate"], "2025-01-01T00:00:00Z");
}

/// Changes with every change of the form, and of what is pinned: rebuilders of other versions can't compare any more.
#[test]
fn the_bytes_are_pinned() {
    assert_eq!(of(&text(&local())).short(), "1aed0fecb191");
}
