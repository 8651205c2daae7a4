//! Images for others: archives that Docker's tools load, layers that move little, registries that are written to, and what is fetched back.
#![expect(clippy::disallowed_methods, reason = "tests look into projects")]

use std::collections::BTreeMap;

use kit_hash::Sha256;
use kit_recipe::Lockfile;
use kit_tests::deb::Tar;
use kit_tests::formats::{Seen, record};
use kit_tests::image::{INDEX, Image, MANIFEST, blob_path, descriptor};
use kit_tests::registry::Registry;
use kit_tests::server::{Answer, Site, with_server};
use kit_tests::uploads::{Fault, with_uploads};
use kit_tests::{Said, TestProject};
use serde_json::{Value, json};

/// Two services of two sources each, one of which they have in common.
const IMAGE: &str = r#"
[image]
name = "demo"
formats = ["oci", "docker-archive"]
[[service]]
name = "one"
package = "one"
[[service]]
name = "two"
package = "two"
"#;

/// What the archive and its images have to be; a change of these is one of bytes that people have locked.
const GOLDEN: [(&str, &str); 3] = [
    ("archive", "c3dc312907a2a344a5ed6736d172f8fad01a610b3dbf764270ff7d90ef46dbe9"),
    ("one", "7365e88596677fcba80828d1ac3d67e74ba35c391ef17cf390fcc5f71510f7cf"),
    ("two", "a681caf8dbcb8ea3c90cd440edea7e626edc4dfa56e7a6be9d149aeba04b6b1d"),
];

fn project() -> TestProject {
    let project = TestProject::new();
    project.write("recipes/images/demo.toml", IMAGE);
    for name in ["one", "two"] {
        let recipe = format!(
            "[package]\nname = \"{name}\"\n[sources.own]\nlocal = \"files/{name}\"\n[sources.shared]\nlocal = \"files/shared\"\n\
             [[file]]\npath = \"/etc/{name}\"\ncontents = \"{name}\"\n[container]\ncommand = [\"/bin/{name}\"]\n"
        );
        project.write(&format!("recipes/packages/{name}.toml"), &recipe);
        project.write(&format!("files/{name}/bin/{name}"), &noise(name, 40_000));
    }
    project.write("files/shared/lib/shared", &noise("shared", 200_000));
    project.kit(&["lock"]).succeeded();
    project
}

/// Text that can't be compressed much.
fn noise(seed: &str, length: usize) -> String {
    let mut text = String::new();
    while text.len() < length {
        text.push_str(&Sha256::of(format!("{seed}{}", text.len()).as_bytes()).to_string());
    }
    text
}

/// Runs a program of a tool in the project and returns what it printed.
fn tool(project: &TestProject, tool: &str, command: &[&str]) -> String {
    project.kit(&[&["tool", "--network", tool, "--"], command].concat()).succeeded().stdout
}

fn json_of(said: &Said) -> Value {
    let last = said.stdout.lines().last().expect("it says something");
    serde_json::from_str::<Value>(last).expect("it is JSON")["result"].clone()
}

fn lock(project: &TestProject) -> Lockfile {
    Lockfile::parse(&project.read("lockfiles/demo.lock")).expect("kit writes what it can read")
}

fn file(project: &TestProject, path: &str) -> Vec<u8> {
    std::fs::read(project.path().join(path)).expect("it is there")
}

#[test]
fn the_archive_is_the_same_everywhere_and_docker_s_tools_read_it() {
    let project = project();
    project.kit(&["build"]).succeeded();
    let lock = lock(&project);
    let manifest = |name: &str| lock.containers[&name.parse().expect("it is a name")].manifest.to_string();
    let archive = Sha256::of(&file(&project, "out/demo.docker.tar")).to_string();
    let found = [("archive", archive), ("one", manifest("one")), ("two", manifest("two"))];
    let golden = GOLDEN.map(|(name, digest)| (name, digest.to_owned()));
    assert_eq!(found, golden);

    for name in ["one", "two"] {
        let image = format!("docker-archive:out/demo.docker.tar:demo-{name}:latest");
        let config = tool(&project, "skopeo", &["skopeo", "inspect", "--config", "--raw", &image]);
        let pinned = &lock.containers[&name.parse().expect("it is a name")];
        assert_eq!(Sha256::of(config.as_bytes()), pinned.config);
        // Its own and the shared source, what the package adds, and what every container has.
        assert_eq!(pinned.layers.len(), 4, "{name}");
        tool(&project, "skopeo", &["skopeo", "copy", &image, &format!("oci:{name}.oci:{name}")]);
    }
    let shared = |name: &str| lock.containers[&name.parse().expect("it is a name")].layers.clone();
    assert_eq!(shared("one").iter().filter(|layer| shared("two").contains(layer)).count(), 2);

    // It is a layout, too.
    std::fs::create_dir(project.path().join("unpacked")).expect("it is new");
    tool(&project, "gnu-tar", &["tar", "--extract", "--directory=unpacked", "--file=out/demo.docker.tar"]);
    let raw = tool(&project, "skopeo", &["skopeo", "inspect", "--raw", "oci:unpacked:demo-one"]);
    assert_eq!(Sha256::of(raw.as_bytes()).to_string(), manifest("one"));
    record("docker-archive", Seen::ReadBy("skopeo"));
}

#[test]
fn umoci_unpacks_the_layers_to_the_same_tree() {
    let project = project();
    project.kit(&["build"]).succeeded();
    let unpack = ["umoci", "raw", "unpack", "--rootless", "--image", "out/demo.oci:demo-one", "rootfs"];
    tool(&project, "umoci", &unpack);
    let listed = project.kit(&["show", "demo", "--files"]).succeeded().stdout;
    let mut files = 0;
    for line in listed.lines().filter(|line| line.contains("-one/rootfs/") && line.contains(" file ")) {
        let (path, rest) = line.split_once(" file ").expect("it is a file");
        let inner = path.split_once("/rootfs/").expect("it is in a root").1;
        let bytes = file(&project, &format!("rootfs/{inner}"));
        assert!(rest.contains(&kit_hash::BlobId::of(&bytes).to_string()), "{line}");
        files += 1;
    }
    assert_eq!(files, 3);
    record("oci", Seen::ReadBy("umoci"));
}

#[test]
fn what_changed_is_sent_and_what_others_have_is_taken_over() {
    let project = project();
    let registry = Registry::start(&project);
    let push = |more: &[&str], to: &str| {
        let to = format!("{}/{to}", registry.host());
        let said = project.kit(&[&["--json", "push", "demo", &to], more].concat()).succeeded();
        json_of(&said)
    };
    let numbers =
        |result: &Value| ["sent", "mounted", "there"].map(|key| result[key].as_u64().expect("a number"));

    // Five layers of sources and packages for both containers in the image, its own files, and the configuration.
    let whole = push(&[], "team/demo:1");
    let layers = numbers(&whole)[0] - 1;
    assert_eq!(numbers(&whole), [layers + 1, 0, 0]);
    let (blobs, bytes) = registry.kept();
    assert_eq!(blobs as u64, layers + 2, "blobs and the manifest");

    let one = push(&["--container", "one"], "team/one:1");
    assert_eq!(numbers(&one), [5, 0, 0]);
    let again = push(&["--container", "one"], "team/one:2");
    assert_eq!(numbers(&again), [0, 0, 5]);
    // Two layers are those of the other container; they are mounted, not sent.
    let two = push(&["--container", "two", "--mount-from", "team/one"], "team/two:1");
    assert_eq!(numbers(&two), [3, 2, 0]);
    let copy =
        push(&["--container", "two", "--mount-from", "nobody/has", "--mount-from", "team/two"], "copy/two:1");
    assert_eq!(numbers(&copy), [0, 5, 0]);

    // One small service changes: its layer, the image's own files (they carry the lockfile's digest), configuration and manifest move.
    let (blobs_before, bytes_before) = registry.kept();
    assert!(blobs_before > blobs && bytes_before > bytes);
    project.write("files/one/bin/one", &noise("other", 40_000));
    project.kit(&["lock"]).succeeded();
    let update = push(&[], "team/demo:2");
    assert_eq!(numbers(&update), [3, 0, layers - 2]);
    let (blobs, bytes) = registry.kept();
    assert_eq!(blobs - blobs_before, 4, "three blobs and the manifest");
    let moved = bytes - bytes_before;
    assert!(moved < 40_000, "{moved} bytes moved; compressed, the service has some 20 kB");
    let sent = update["bytes"].as_u64().expect("a number");
    assert!(sent < moved && moved < sent + 10_000, "{sent} of {moved}");

    // The difference says the same before anything is sent.
    let refer = |tag: &str| format!("{}/team/demo:{tag}", registry.host());
    let said = project.kit(&["--json", "diff", &refer("1"), &refer("2")]).succeeded();
    assert_eq!((&json_of(&said)["new_blobs"], &json_of(&said)["new_bytes"]), (&json!(3), &json!(sent)));
    let text = project.kit(&["diff", &refer("1"), &refer("1")]).succeeded().stdout;
    assert!(text.contains("  layers           0 of "), "{text}");
}

#[test]
fn lockfiles_and_layouts_are_compared() {
    let project = project();
    project.kit(&["build", "--out", "before"]).succeeded();
    std::fs::copy(project.path().join("lockfiles/demo.lock"), project.path().join("before.lock"))
        .expect("a copy");
    project.write("files/one/bin/one", "other");
    project.kit(&["lock"]).succeeded();
    project.kit(&["build"]).succeeded();
    let text = project.kit(&["diff", "before.lock", "demo"]).succeeded().stdout;
    let images = text.split("containers: ").nth(1).expect("a part about them");
    assert!(images.contains("~ one  sha256:") && !images.contains("~ two"), "{text}");
    assert!(text.contains("files            not known for `before.lock`\n"), "{text}");
    let said = project.kit(&["--json", "diff", "before/demo.oci", "out/demo.oci"]).succeeded();
    let result = json_of(&said);
    let names: Vec<_> =
        result["images"].as_array().expect("a list").iter().map(|image| image["name"].clone()).collect();
    assert_eq!(names, ["demo", "demo-one"]);
    assert!(result["new_bytes"].as_u64().is_some_and(|bytes| bytes > 0 && bytes < 10_000), "{result}");
    project.kit(&["diff", "demo", "No Name"]).failed(2, &["error[kit::usage::name]"]);
    project.kit(&["push", "./files", "127.0.0.1:1/a:1"]).failed(1, &["it has no `oci-layout`"]);
    project.kit(&["push", "out/demo.oci", "127.0.0.1:1/a:1"]).failed(2, &["`demo-two`", "--container NAME"]);
}

#[test]
fn lockfiles_say_how_much_is_to_be_downloaded() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock").take("lockfiles/container-host.lock");
    // Each file that is pinned, by its digest, with its size; those of crates have none.
    let pinned = |name: &str| -> BTreeMap<String, Option<u64>> {
        let text = project.read(&format!("lockfiles/{name}.lock"));
        let pins = text.split("\n[steps]").next().expect("a split has a first part").to_owned();
        let quoted = |line: &str, key: &str| line.split(key).nth(1)?.split('"').nth(1).map(str::to_owned);
        let size = |line: &str| line.split("size = ").nth(1)?.split([',', ' ']).next()?.parse().ok();
        pins.lines().filter_map(|line| Some((quoted(line, "sha256 = ")?, size(line)))).collect()
    };
    let (before, after) = (pinned("minimal"), pinned("container-host"));
    let new: Vec<_> = after.iter().filter(|(digest, _)| !before.contains_key(*digest)).collect();
    let bytes: u64 = new.iter().filter_map(|(_, size)| **size).sum();
    assert!(bytes > 20_000_000, "containerd alone has more than {bytes} bytes");
    let result =
        json_of(&project.kit(&["--json", "diff", "--pins", "minimal", "container-host"]).succeeded());
    assert_eq!(result["sources"], json!(after.len()));
    assert_eq!(result["new_sources"], json!(new.len()));
    assert_eq!(result["new_source_bytes"], json!(bytes));
    let unknown = new.iter().filter(|(_, size)| size.is_none()).count();
    assert_eq!(result["new_sources_without_size"], json!(unknown));
    let text = project.kit(&["diff", "--pins", "minimal", "minimal"]).succeeded().stdout;
    let line = format!("  sources          0 of {} sources to download for a build, 0 B\n", before.len());
    assert!(text.contains(&line), "{text}");
}

/// An image for a platform. It has something that no other run of the tests has, since they share a store.
fn image(architecture: &str, run: &str) -> Image {
    let mut image = Image::new(&[
        Tar::default().file("bin/hello", format!("{architecture} {run}").as_bytes()).end(),
        Tar::default().file("etc/shared", format!("the same everywhere {run}").as_bytes()).end(),
    ]);
    architecture.clone_into(&mut image.architecture);
    image
}

/// An index of two images, one of which says that it is for another machine.
fn index(images: &[(&str, &Image)]) -> Vec<u8> {
    let entry = |(architecture, image): &(&str, &Image)| {
        let mut entry = descriptor(MANIFEST, &image.manifest());
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
        entry
    };
    let entries: Vec<_> = images.iter().map(entry).collect();
    // Nobody else writes it with this order and these spaces: it stays as it is.
    let text = json!({ "manifests": entries, "mediaType": INDEX, "schemaVersion": 2 });
    serde_json::to_vec_pretty(&text).expect("it can be written")
}

#[test]
fn an_image_of_several_platforms_goes_around_unchanged() {
    let project = project();
    let run = project.path().display().to_string();
    let (amd, arm) = (image("amd64", &run), image("arm64", &run));
    let top = index(&[("arm64", &arm), ("amd64", &amd)]);
    let mut site = amd.site("team/hello", "1.0", Answer::Bytes(top.clone()));
    site.extend(arm.site("team/hello", "1.0", Answer::Bytes(top.clone())));
    let digest = Sha256::of(&top).oci();
    with_server(site.clone(), |server| {
        let refer = format!("{}/team/hello:1.0", server.base.trim_start_matches("http://"));
        let pulled = project.kit(&["pull", &refer]).succeeded();
        assert_eq!(pulled.stdout, "out/hello.oci\n");
        assert!(pulled.stderr.contains(&format!("@{digest}")), "{pulled}");
        // Both have a layer in common, and the same configuration would be the same blob.
        let again = project.kit(&["--json", "pull", &refer, "--out", "again"]).succeeded();
        assert_eq!(json_of(&again)["fetched"], 0, "{again}");
        let asked = server.asked();
        for (_, layer) in amd.layers.iter().chain(&arm.layers) {
            let times = asked.iter().filter(|path| **path == blob_path("team/hello", layer)).count();
            assert_eq!(times, 1, "{asked:?}");
        }
        project
            .kit(&["pull", &refer, "--platform", "linux/riscv64"])
            .failed(1, &["error[kit::registry::platform]", "it has linux/arm64, linux/amd64"]);
        let archive = ["pull", &refer, "--platform", "linux/amd64", "--format", "docker-archive"];
        assert_eq!(project.kit(&archive).succeeded().stdout, "out/hello.docker.tar\n");
        let image = format!("docker-archive:out/hello.docker.tar:{refer}");
        let config = tool(&project, "skopeo", &["skopeo", "inspect", "--config", "--raw", &image]);
        assert_eq!(config.as_bytes(), amd.config());
        project.kit(&["pull", &refer, "--platform", "linux/arm64", "--out", "arm"]).succeeded();
    });
    let registry = Registry::start(&project);
    let to = format!("{}/other/name:2", registry.host());
    let pushed = project.kit(&["push", "out/hello.oci", &to]).succeeded();
    assert_eq!(pushed.stdout, format!("{to}@{digest}\n"));
    let inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", &format!("docker://{to}")];
    assert_eq!(tool(&project, "skopeo", &inspect).as_bytes(), top);

    the_builds_of_each_platform_come_together(&project, &registry);
}

fn the_builds_of_each_platform_come_together(project: &TestProject, registry: &Registry) {
    let to = format!("{}/team/both:1", registry.host());
    let raw = || {
        let inspect = ["skopeo", "inspect", "--raw", "--tls-verify=false", &format!("docker://{to}")];
        serde_json::from_str::<Value>(&tool(project, "skopeo", &inspect)).expect("it is JSON")
    };
    let platforms = || -> Vec<String> {
        let entries = raw()["manifests"].as_array().cloned().unwrap_or_default();
        entries
            .iter()
            .map(|entry| entry["platform"]["architecture"].as_str().unwrap_or("-").to_owned())
            .collect()
    };
    let own = ["push", "demo", &to, "--container", "one", "--index"];
    let first = project.kit(&own).succeeded();
    assert_eq!(platforms(), ["amd64"]);
    assert_eq!(project.kit(&own).succeeded().stdout, first.stdout);
    // What is pulled for one platform is a manifest; which one its configuration says.
    let both = project.kit(&["push", "arm/hello.oci", &to, "--index"]).succeeded();
    assert_eq!(platforms(), ["amd64", "arm64"]);
    assert_eq!(project.kit(&own).succeeded().stdout, both.stdout, "the order of the builds doesn't matter");
    // A manifest alone becomes an index.
    project.kit(&["push", "arm/hello.oci", &to]).succeeded();
    assert_eq!(project.kit(&own).succeeded().stdout, both.stdout);
    project.kit(&["push", "out/hello.oci", &to, "--index"]).failed(1, &["index that is to go into an index"]);
}

/// What is pushed to registries that fail: an image of one container's layers, in a layout.
fn layout(project: &TestProject) -> Image {
    let image = image("amd64", &project.path().display().to_string());
    let site = image.site("team/hello", "1.0", Answer::Bytes(image.manifest()));
    with_server(site, |server| {
        let refer = format!("{}/team/hello:1.0", server.base.trim_start_matches("http://"));
        project.kit(&["pull", &refer]).succeeded();
    });
    image
}

#[test]
fn uploads_that_break_off_go_on() {
    let project = project();
    let image = layout(&project);
    for fault in [Fault::Breaks, Fault::Forgets, Fault::Lies, Fault::Swallows, Fault::Busy] {
        with_uploads(fault, |registry| {
            let to = format!("{}/team/hello:1", registry.host);
            let said = project.kit(&["push", "out/hello.oci", &to]);
            assert_eq!(said.code, Some(0), "{fault:?}: {said}\n{:#?}", registry.asked());
            let blobs = registry.blobs();
            for blob in image.layers.iter().map(|(_, layer)| layer.clone()).chain([image.config()]) {
                assert_eq!(blobs.get(&Sha256::of(&blob).oci()), Some(&blob), "{fault:?}");
            }
            let asked = registry.asked();
            let patches = asked.iter().filter(|line| line.starts_with("PATCH ")).count();
            // Where it is known how far it is, no more than the rest is sent.
            match fault {
                Fault::Breaks => assert_eq!(patches, 3, "{asked:#?}"),
                Fault::Lies => assert!(patches > 0, "{asked:#?}"),
                _ => assert_eq!(patches, 0, "{asked:#?}"),
            }
        });
    }
    with_uploads(Fault::Never, |registry| {
        let to = format!("{}/team/hello:1", registry.host);
        project.kit(&["push", "out/hello.oci", &to]).failed(3, &["error[kit::http::unreachable]"]);
        assert!(registry.asked().iter().all(|line| !line.contains("/manifests/")), "nothing is half there");
    });
}

#[test]
fn indexes_without_end_are_refused() {
    let project = project();
    let site = |top: Vec<u8>| Site::from([("/v2/a/manifests/1".to_owned(), Answer::Bytes(top))]);
    let pull = |site: Site| {
        with_server(site, |server| {
            project.kit(&["pull", &format!("{}/a:1", server.base.trim_start_matches("http://"))])
        })
    };
    let entry = |n: usize| descriptor(MANIFEST, n.to_string().as_bytes());
    let many: Vec<_> = (0..1001).map(entry).collect();
    let many = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": many }).to_string();
    pull(site(many.into_bytes())).failed(1, &["error[kit::registry::document]", "1000 is the most"]);
    let wrong = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(1)] }).to_string();
    let mut lying = site(wrong.into_bytes());
    lying.insert(format!("/v2/a/manifests/{}", Sha256::of(b"1").oci()), Answer::Bytes(b"2".to_vec()));
    pull(lying).failed(3, &["error[kit::http::digest_mismatch]"]);
    pull(site(b"{\"schemaVersion\":1}".to_vec())).failed(1, &["error[kit::registry::document]"]);
    assert!(!project.path().join("out").exists());
}
