//! Two registries that have nothing in common but the specification: what kit puts into either comes back, is built, boots, and comes out the
//! same from an empty store.

mod ferro;
mod signed;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_tests::deb::Tar;
use kit_tests::image::{INDEX, Image, MANIFEST, descriptor};
use kit_tests::mirror::Mirror;
use kit_tests::registry::Registry;
use kit_tests::small::digests;
use kit_tests::{Said, TestProject, booted, program};
use serde_json::{Value, json};

use ferro::{Ferro, Gateway};

/// What recipes say; the project's settings say which registry serves in its place.
const SHELL: &str = "127.0.0.1:1/team/shell:1";

/// An image whose only service is one of a registry. Its init is a file, the one that `minimal` has: a compiler needn't be fetched for it.
fn recipe() -> String {
    let parts = format!(
        "modules = [\"button\", \"evdev\"]\n\n[init]\npackages = [\"ready\"]\n\n[[service]]\nname = \"shell\"\nimage = \"{SHELL}\"\n"
    );
    booted::head("minimal", "") + &parts
}

const INIT: &str = r#"
[package]
name = "ready"
[sources.files]
local = "files"
[[symlink]]
path = "/init"
target = "usr/bin/kit-init"
"#;

/// A project whose image has a container of the registry at `base`.
fn consumer(project: &TestProject, maker: &TestProject, base: &str) {
    project.write("kit.toml", &format!("[mirrors]\n\"http://127.0.0.1:1/\" = [\"{base}/\"]\n"));
    project.write("recipes/images/minimal.toml", &recipe()).write("recipes/packages/ready.toml", INIT);
    let place = "files/usr/bin/kit-init";
    project.write(place, "");
    std::fs::copy(maker.path().join("usr/bin/kit-init"), project.path().join(place))
        .expect("it was unpacked");
}

#[test]
fn what_either_registry_gives_boots_and_is_the_same_from_an_empty_store() {
    let maker = TestProject::new();
    maker.take("lockfiles/minimal.lock").take("recipes/images/minimal.toml");
    maker.kit(&["build", "minimal", "--format", "oci,tar"]).succeeded();
    let unpack = ["tool", "gnu-tar", "--", "tar", "--extract", "--file=out/minimal.tar", "usr/bin/kit-init"];
    maker.kit(&unpack).succeeded();
    let (debian, ferro) = (Registry::start(&maker), Ferro::start(Gateway::Plain));
    let made = Lockfile::parse(&maker.read("lockfiles/minimal.lock")).expect("it is one");
    let made = &made.containers[&"shell".parse().expect("it is a name")];
    for host in [debian.host(), ferro.host()] {
        let to = format!("{host}/team/shell:1");
        let push = ["push", "out/minimal.oci", &to, "--container", "minimal-shell"];
        assert_eq!(maker.kit(&push).succeeded().stdout, format!("{to}@{}\n", made.manifest.oci()));
    }
    ferro.asked();
    let [one, two] = [&debian.base, &ferro.base].map(|base| twice(&maker, base));
    assert_eq!(one, two, "one lockfile and one image, wherever the container came from");
    let pin =
        Lockfile::parse(&one.0).expect("it is one").images.into_values().next().expect("it has an image");
    assert_eq!(pin.manifest.sha256, made.manifest);
    let asked = ferro.asked();
    for layer in &pin.layers {
        let fetched = format!("GET /v2/team/shell/blobs/{}", layer.sha256.oci());
        assert!(asked.contains(&fetched), "{asked:#?}");
    }
}

/// Locks, builds and boots an image with a container of the registry at `base`; builds it again from nothing. Returns the lockfile and what
/// was built.
fn twice(maker: &TestProject, base: &str) -> (String, std::collections::BTreeMap<String, String>) {
    let project = TestProject::new();
    consumer(&project, maker, base);
    project.take("lockfiles/minimal.lock");
    project.kit(&["lock"]).succeeded();
    let lock = project.read("lockfiles/minimal.lock");
    project.kit(&["build"]).succeeded();
    let run = ["run", "minimal", "--until", "shell: ready", "--timeout", booted::PATIENCE];
    booted::printed(&project.kit(&run).succeeded(), &["shell: ready"]);

    let again = TestProject::with_own_store();
    consumer(&again, maker, base);
    again.write("lockfiles/minimal.lock", &lock);
    let mirror = Mirror::start(&Lockfile::parse(&lock).expect("it is one"), &program::shared_store());
    let build = again.command(&["build"]).env("KIT_DEBIAN_MIRROR", mirror.url()).output().expect("kit runs");
    Said::from_output(&build).succeeded();
    let built = digests(&again.path().join("out"));
    assert_eq!(built.len(), 3, "kernel, initrd and command line: {built:#?}");
    assert_eq!(built, digests(&project.path().join("out")), "{base}");
    (lock, built)
}

/// An image for a platform. It has something that no other run of the tests has, since they share a store.
fn image(project: &TestProject, architecture: &str) -> Image {
    let run = project.path().display();
    let mut image = Image::new(&[
        Tar::default().file("bin/hello", format!("{architecture} {run}").as_bytes()).end(),
        Tar::default().file("etc/shared", format!("the same everywhere {run}").as_bytes()).end(),
    ]);
    architecture.clone_into(&mut image.architecture);
    image
}

/// Writes a layout that has these blobs, and the document `top` under the name `it`.
fn layout(project: &TestProject, directory: &str, (media_type, top): (&str, &[u8]), blobs: &[Vec<u8>]) {
    for blob in blobs.iter().map(Vec::as_slice).chain([top]) {
        project.write_bytes(&format!("{directory}/blobs/sha256/{}", Sha256::of(blob)), blob);
    }
    let mut entry = descriptor(media_type, top);
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "it" });
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] });
    project.write(&format!("{directory}/index.json"), &index.to_string());
    project.write(&format!("{directory}/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
}

/// Writes a layout of one image.
fn layout_of(project: &TestProject, directory: &str, image: &Image) {
    layout(project, directory, (MANIFEST, &image.manifest()), &image.blobs());
}

/// What `kit push` counted: blobs sent, mounted, and there already.
fn pushed(said: Said) -> [u64; 3] {
    let said = said.succeeded();
    let last = said.stdout.lines().last().expect("it says something");
    let result = &serde_json::from_str::<Value>(last).expect("it is JSON")["result"];
    ["sent", "mounted", "there"].map(|key| result[key].as_u64().expect("a number"))
}

/// The digest that a command printed behind a reference.
fn digest(said: Said) -> String {
    let said = said.succeeded();
    said.stdout.trim_end().rsplit('@').next().unwrap_or_default().to_owned()
}

/// Asks a registry without kit; returns the body.
fn get(host: &str, path: &str) -> Value {
    let mut stream = TcpStream::connect(host).expect("it listens");
    let accept = format!("Accept: {INDEX}, {MANIFEST}\r\nConnection: close\r\n");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{accept}\r\n").expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("it has a head");
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(body).expect("it is JSON")
}

#[test]
fn images_of_several_platforms_come_out_the_same_in_either() {
    let project = TestProject::new();
    let (amd, arm) = (image(&project, "amd64"), image(&project, "arm64"));
    layout_of(&project, "from/amd.oci", &amd);
    layout_of(&project, "from/arm.oci", &arm);
    let entry = |(architecture, image): (&str, &Image)| {
        let mut entry = descriptor(MANIFEST, &image.manifest());
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entry
    };
    let entries = [("arm64", &arm), ("amd64", &amd)].map(entry);
    let top = json!({ "manifests": entries, "mediaType": INDEX, "schemaVersion": 2 });
    let top = serde_json::to_vec_pretty(&top).expect("it can be written");
    layout(&project, "from/both.oci", (INDEX, &top), &[amd.blobs(), arm.blobs()].concat());

    let (debian, ferro) = (Registry::start(&project), Ferro::start(Gateway::Plain));
    let through = |host: &str, back: &str| {
        let whole = format!("{host}/team/whole:1");
        assert_eq!(digest(project.kit(&["push", "from/both.oci", &whole])), Sha256::of(&top).oci());
        project.kit(&["pull", &whole, "--out", back]).succeeded();
        let one = ["pull", &whole, "--out", &format!("{back}-arm"), "--platform", "linux/arm64"];
        project.kit(&one).succeeded();
        let of = |directory: &str| digests(&project.path().join(directory).join("blobs"));
        assert_eq!(of(&format!("{back}/whole.oci")), of("from/both.oci"), "{host}");
        assert_eq!(of(&format!("{back}-arm/whole.oci")), of("from/arm.oci"), "{host}");
        // Each platform by itself, as builds on several machines push them.
        let own = format!("{host}/team/own:1");
        let push = |from: &str| digest(project.kit(&["push", from, &own, "--index"]));
        [push("from/arm.oci"), push("from/amd.oci"), push("from/arm.oci")]
    };
    let pushed = through(debian.host(), "debian");
    assert_eq!(through(ferro.host(), "ferro"), pushed);
    let platforms = get(ferro.host(), "/v2/team/own/manifests/1");
    let platforms: Vec<_> =
        platforms["manifests"].as_array().expect("a list").iter().map(|entry| &entry["platform"]).collect();
    let platform = |architecture: &str| json!({ "architecture": architecture, "os": "linux" });
    assert_eq!(platforms, [&platform("amd64"), &platform("arm64")]);
}

#[test]
fn what_a_registry_does_not_mount_is_sent() {
    let project = TestProject::new();
    layout_of(&project, "from/one.oci", &image(&project, "amd64"));
    let push = |ferro: &Ferro, to: &str| {
        let to = format!("{}/{to}", ferro.host());
        pushed(project.kit(&["--json", "push", "from/one.oci", &to, "--mount-from", "team/one"]))
    };
    // Its repositories share what they have.
    let ferro = Ferro::start(Gateway::Plain);
    assert_eq!(push(&ferro, "team/one:1"), [3, 0, 0]);
    assert_eq!(push(&ferro, "team/two:1"), [0, 0, 3]);
    // Where they don't, it begins an upload in place of mounting.
    let ferro = Ferro::start(Gateway::KeepsApart);
    assert_eq!(push(&ferro, "team/one:1"), [3, 0, 0]);
    ferro.asked();
    assert_eq!(push(&ferro, "team/two:1"), [3, 0, 0]);
    let asked = ferro.asked();
    let mounts = asked.iter().filter(|line| line.starts_with("POST ") && line.ends_with("&from=team/one"));
    assert_eq!(mounts.count(), 3, "{asked:#?}");
    assert_eq!(push(&ferro, "team/two:1"), [0, 0, 3]);
}

#[test]
fn an_upload_goes_on_where_the_registry_says_that_it_is() {
    let project = TestProject::new();
    let image = image(&project, "amd64");
    layout_of(&project, "from/one.oci", &image);
    let ferro = Ferro::start(Gateway::GivesUp);
    let to = format!("{}/team/one:1", ferro.host());
    assert_eq!(digest(project.kit(&["push", "from/one.oci", &to])), Sha256::of(&image.manifest()).oci());
    let asked = ferro.asked();
    let count = |method: &str| {
        asked.iter().filter(|line| line.starts_with(method) && line.contains("/blobs/uploads/")).count()
    };
    // The registry takes a part only where it begins at what it has, and the whole only by its digest.
    assert_eq!(["POST ", "GET ", "PATCH ", "PUT "].map(count), [3, 3, 3, 6], "{asked:#?}");
    project.kit(&["pull", &to]).succeeded();
    let of = |directory: &str| digests(&project.path().join(directory).join("blobs"));
    assert_eq!(of("out/one.oci"), of("from/one.oci"));
}

#[test]
fn what_is_said_about_an_image_refers_to_it() {
    const KIND: &str = "application/vnd.example.parts.v1+json";
    let project = TestProject::new();
    let image = image(&project, "amd64");
    layout_of(&project, "from/one.oci", &image);
    let parts = format!("{{\"parts\":[\"{}\"]}}", project.path().display()).into_bytes();
    let artifact = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": KIND,
        "config": descriptor("application/vnd.oci.empty.v1+json", b"{}"),
        "layers": [descriptor(KIND, &parts)],
        "subject": descriptor(MANIFEST, &image.manifest()),
        "annotations": { "org.opencontainers.image.created": "2024-01-01T00:00:00Z" },
    });
    let artifact = artifact.to_string().into_bytes();
    layout(&project, "from/parts.oci", (MANIFEST, &artifact), &[b"{}".to_vec(), parts]);

    let (debian, ferro) = (Registry::start(&project), Ferro::start(Gateway::Plain));
    let to = |host: &str, tag: &str| format!("{host}/team/one:{tag}");
    for host in [ferro.host(), debian.host()] {
        digest(project.kit(&["push", "from/one.oci", &to(host, "1")]));
        let pushed = digest(project.kit(&["push", "from/parts.oci", &to(host, "parts")]));
        assert_eq!(pushed, Sha256::of(&artifact).oci());
        // It comes back as it is, and goes on so.
        project.kit(&["pull", &to(host, "parts"), "--out", "back"]).succeeded();
        let of = |directory: &str| digests(&project.path().join(directory).join("blobs"));
        assert_eq!(of("back/one.oci"), of("from/parts.oci"), "{host}");
        let copied = format!("{host}/copy/one:parts");
        assert_eq!(digest(project.kit(&["push", "back/one.oci", &copied])), pushed);
    }
    let subject = Sha256::of(&image.manifest());
    for repository in ["team/one", "copy/one"] {
        let asked = get(ferro.host(), &format!("/v2/{repository}/referrers/{}", subject.oci()));
        // A registry that can't be asked so has a list under a tag, where clients look then.
        let listed = get(debian.host(), &format!("/v2/{repository}/manifests/sha256-{subject}"));
        assert_eq!(listed["manifests"], asked["manifests"]);
        let referrers = asked;
        let found = &referrers["manifests"][0];
        assert_eq!(found["digest"], Sha256::of(&artifact).oci(), "{referrers}");
        assert_eq!((&found["artifactType"], &found["mediaType"]), (&json!(KIND), &json!(MANIFEST)));
        assert_eq!(referrers["manifests"].as_array().map(Vec::len), Some(1), "{referrers}");
    }
}
