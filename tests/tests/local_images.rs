//! Images on this machine: layouts, such in an archive, and what `docker save` writes; and layers that don't fit their image.
#![expect(clippy::disallowed_methods, reason = "tests look into projects")]

use std::collections::BTreeMap;
use std::path::Path;

use kit_hash::{BlobId, Sha256};
use kit_recipe::Lockfile;
use kit_recipe::lockfile::ImagePin;
use kit_tests::deb::Tar;
use kit_tests::image::{INDEX, Image, LAYER, MANIFEST, descriptor};
use kit_tests::source_package::gzip;
use kit_tests::{Said, TestProject};
use serde_json::{Value, json};

/// Files by their paths.
type Files = BTreeMap<String, Vec<u8>>;

/// An image of two layers, the second one compressed.
fn hello() -> Image {
    let first = Tar::default().file("bin/hello", b"one").file("etc/old", b"old").file("etc/kept", b"kept");
    let second = Tar::default().file("bin/hello", b"two").file("etc/.wh.old", b"");
    let mut image = Image::new(&[first.end()]);
    image.layers.push((format!("{LAYER}+gzip"), gzip(&second.end())));
    image
}

fn named(name: &str, image: &Image) -> Value {
    let mut entry = descriptor(MANIFEST, &image.manifest());
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
    entry
}

/// A layout whose index has these entries; the blobs are those of the images and `more`.
fn layout(entries: &[Value], images: &[&Image], more: &[Vec<u8>]) -> Files {
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }).to_string();
    let mut files = Files::from([
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()),
        ("index.json".to_owned(), index.into_bytes()),
    ]);
    for blob in images.iter().flat_map(|image| image.blobs()).chain(more.iter().cloned()) {
        files.insert(format!("blobs/sha256/{}", Sha256::of(&blob)), blob);
    }
    files
}

fn archive(files: &Files) -> Vec<u8> {
    files.iter().fold(Tar::default(), |tar, (path, content)| tar.file(path, content)).end()
}

fn put(project: &TestProject, directory: &str, files: &Files) {
    for (path, content) in files {
        project.write_bytes(&format!("{directory}/{path}"), content);
    }
}

/// Lets the image `demo` have one container, of an image.
fn recipe(project: &TestProject, reference: &str) {
    let text = format!(
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n\n[[service]]\nname = \"hello\"\nimage = \"{reference}\"\n"
    );
    project.write("recipes/images/demo.toml", &text);
}

fn project(reference: &str) -> TestProject {
    let project = TestProject::with_own_store();
    recipe(&project, reference);
    project
}

/// What the lockfile pins of the one image.
fn pin(project: &TestProject) -> ImagePin {
    let lock = Lockfile::parse(&project.read("lockfiles/demo.lock")).expect("it is a lockfile");
    lock.images.into_values().next().expect("it has an image")
}

/// Locks and builds without any network; returns the archive that was built.
fn built(project: &TestProject) -> Vec<u8> {
    project.kit(&["lock", "--offline"]).succeeded();
    project.kit(&["build", "--offline"]).succeeded();
    std::fs::read(project.path().join("out/demo.tar")).expect("it was built")
}

/// The files of the container, as `kit show --files` lists them.
fn listed(project: &TestProject) -> String {
    let said = project.kit(&["show", "demo", "--files"]).succeeded().stdout;
    said.lines().filter(|line| line.contains("/rootfs/")).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn has(files: &str, path: &str, content: &str) {
    let digest = BlobId::of(content.as_bytes()).to_string();
    let is_it = |line: &str| line.contains(&format!("/rootfs{path} ")) && line.contains(&digest);
    assert!(files.lines().any(is_it), "no `{path}` of `{content}` in:\n{files}");
}

fn empty_store(project: &TestProject) {
    kit_tests::project::make_writable(project.store());
    std::fs::remove_dir_all(project.store()).expect("it can be removed");
}

#[test]
fn the_same_image_is_the_same_wherever_it_lies() {
    let image = hello();
    let files = layout(&[named("1.0", &image)], &[&image], &[]);
    let project = project("oci:images/hello:1.0");
    put(&project, "images/hello", &files);
    let tar = built(&project);
    let first = pin(&project);
    assert_eq!(first.manifest.sha256, Sha256::of(&image.manifest()));
    assert_eq!(first.index, None);
    let files_there = listed(&project);
    has(&files_there, "/bin/hello", "two");
    has(&files_there, "/etc/kept", "kept");
    assert!(!files_there.contains("/etc/old"), "{files_there}");

    // In an archive it is the same, compressed too, and what the store has isn't read again.
    let other = archive(&files);
    project.write_bytes("hello.tar", &other).write_bytes("hello.tar.gz", &gzip(&other));
    for reference in ["oci-archive:hello.tar:1.0", "oci-archive:hello.tar.gz"] {
        recipe(&project, reference);
        assert_eq!(built(&project).len(), tar.len());
        assert_eq!(pin(&project), first, "{reference}");
    }
    // From an empty store, the same bytes.
    let again = built(&project);
    empty_store(&project);
    project.kit(&["build", "--offline"]).succeeded();
    assert_eq!(std::fs::read(project.path().join("out/demo.tar")).expect("it was built"), again);
    // What is gone is named; what is in the store isn't missed.
    std::fs::remove_file(project.path().join("hello.tar.gz")).expect("it was there");
    project.kit(&["build", "--offline"]).succeeded();
    empty_store(&project);
    let said = project.kit(&["build", "--offline"]);
    said.failed(1, &["error[kit::image::missing]", "`oci-archive:hello.tar.gz`", "put it at `hello.tar.gz`"]);
}

#[test]
fn what_changed_is_told() {
    let (before, mut after) = (hello(), hello());
    after.layers[0].1 = Tar::default().file("bin/hello", b"three").end();
    let project = project("oci:images/hello");
    put(&project, "images/hello", &layout(&[named("1.0", &before)], &[&before], &[]));
    built(&project);
    let lock = project.read("lockfiles/demo.lock");
    std::fs::remove_dir_all(project.path().join("images")).expect("it is there");
    put(&project, "images/hello", &layout(&[named("1.0", &after)], &[&after], &[]));
    project.kit(&["lock"]).succeeded();
    assert_eq!(project.read("lockfiles/demo.lock"), lock, "a pin holds");
    empty_store(&project);
    let said = project.kit(&["build"]).failed(1, &["error[kit::image::blob]", "it doesn't have sha256:"]);
    assert!(said.stderr.contains("run `kit lock --update 'oci:images/hello'`"), "{said}");
    let said = project.kit(&["lock", "--update", "oci:images/hello"]).succeeded();
    let (old, new) = (Sha256::of(&before.manifest()).short(), Sha256::of(&after.manifest()).short());
    let news = format!("image oci:images/hello is {new} now (was {old}): 1 of 2 layers new, ");
    assert!(said.stderr.contains(&news), "{said}");
    project.kit(&["build", "--offline"]).succeeded();
}

#[test]
fn indexes_lead_to_the_platform() {
    let (amd, mut arm) = (hello(), hello());
    arm.run = json!({ "Cmd": ["/bin/other"] });
    let mut entries = [descriptor(MANIFEST, &arm.manifest()), descriptor(MANIFEST, &amd.manifest())];
    for (entry, architecture) in entries.iter_mut().zip(["arm64", "amd64"]) {
        entry["platform"] = json!({ "os": "linux", "architecture": architecture });
    }
    let index = |entries: &[Value]| json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let inner = index(&entries).to_string().into_bytes();
    let outer = index(&[descriptor(INDEX, &inner)]).to_string().into_bytes();
    let mut top = descriptor(INDEX, &outer);
    top["annotations"] = json!({ "org.opencontainers.image.ref.name": "team/hello:1.0" });
    let project = project("oci:hello:team/hello:1.0");
    put(&project, "hello", &layout(&[top], &[&amd, &arm], &[inner.clone(), outer.clone()]));
    built(&project);
    let found = pin(&project);
    assert_eq!(found.manifest.sha256, Sha256::of(&amd.manifest()));
    assert_eq!(found.index, Some(Sha256::of(&outer)));

    // An index that names itself is found out.
    let mut deep = inner;
    let mut more = vec![deep.clone()];
    for _ in 0..6 {
        deep = index(&[descriptor(INDEX, &deep)]).to_string().into_bytes();
        more.push(deep.clone());
    }
    put(&project, "deep", &layout(&[descriptor(INDEX, &deep)], &[&amd, &arm], &more));
    recipe(&project, "oci:deep");
    project.kit(&["lock"]).failed(1, &["error[kit::registry::document]", "its indexes name each other"]);
    recipe(&project, "oci:arm");
    put(
        &project,
        "arm",
        &layout(&[index_entry(&entries[0])], &[&arm], &[index(&entries[..1]).to_string().into_bytes()]),
    );
    let words = ["error[kit::registry::platform]", "it has nothing for linux/amd64; it has linux/arm64"];
    project.kit(&["lock"]).failed(1, &words);
}

/// An entry for an index of one entry.
fn index_entry(entry: &Value) -> Value {
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [entry] }).to_string();
    descriptor(INDEX, index.as_bytes())
}

/// What Docker saved before it knew layouts: a directory for each layer, links where two are the same.
fn saved(image: &Image) -> Tar {
    let config = image.config();
    let first = &image.layers[0].1;
    let manifest = json!([{
        "Config": format!("{}.json", Sha256::of(&config)),
        "RepoTags": ["team/hello:1.0"],
        "Layers": ["aaaa/layer.tar", "bbbb/layer.tar", "cccc/layer.tar"],
    }]);
    Tar::default()
        .file("aaaa/VERSION", b"1.0")
        .file("aaaa/layer.tar", first)
        .file("bbbb/VERSION", b"1.0")
        .file("bbbb/layer.tar", &image.layers[1].1)
        .symlink("cccc/layer.tar", "../aaaa/layer.tar")
        .file(&format!("{}.json", Sha256::of(&config)), &config)
        .file("manifest.json", manifest.to_string().as_bytes())
        .file("repositories", br#"{"team/hello":{"1.0":"cccc"}}"#)
}

#[test]
fn what_docker_saved_is_an_image() {
    let mut image = hello();
    image.layers[1] = (LAYER.to_owned(), Tar::default().file("bin/hello", b"two").end());
    image.layers.push(image.layers[0].clone());
    let project = project("docker-archive:hello.tar:team/hello:1.0");
    project.write_bytes("hello.tar", &saved(&image).end());
    let tar = built(&project);
    let found = pin(&project);
    assert_eq!(found.config.sha256, Sha256::of(&image.config()));
    let layers: Vec<_> = image.layers.iter().map(|(_, layer)| Sha256::of(layer)).collect();
    assert_eq!(found.layers.iter().map(|layer| layer.sha256).collect::<Vec<_>>(), layers);
    has(&listed(&project), "/bin/hello", "one");
    empty_store(&project);
    project.kit(&["build", "--offline"]).succeeded();
    assert_eq!(std::fs::read(project.path().join("out/demo.tar")).expect("it was built"), tar);

    // As newer ones save it, layers among the blobs of a layout; and compressed as a whole.
    let blob = |bytes: &[u8]| format!("blobs/sha256/{}", Sha256::of(bytes));
    let manifest = json!([{
        "Config": blob(&image.config()),
        "RepoTags": ["docker.io/team/hello:1.0"],
        "Layers": image.layers.iter().map(|(_, layer)| blob(layer)).collect::<Vec<_>>(),
    }]);
    let mut files = layout(&[named("1.0", &image)], &[&image], &[]);
    files.insert("manifest.json".to_owned(), manifest.to_string().into_bytes());
    project.write_bytes("hello.tar.gz", &gzip(&archive(&files)));
    for reference in ["docker-archive:hello.tar.gz", "docker-archive:hello.tar.gz:team/hello:1.0"] {
        recipe(&project, reference);
        project.kit(&["lock", "--offline"]).succeeded();
        assert_eq!(pin(&project), found, "{reference}");
    }
}

#[test]
fn what_the_established_tool_copies_is_read() {
    let image = hello();
    let project = TestProject::new();
    put(&project, "from", &layout(&[named("1.0", &image)], &[&image], &[]));
    project.take("lockfiles/minimal.lock");
    let copies = [
        ("oci:copied:again", "oci:copied:again"),
        ("oci-archive:copied.tar:again", "oci-archive:copied.tar"),
        ("docker-archive:saved.tar:team/hello:1.0", "docker-archive:saved.tar:team/hello:1.0"),
    ];
    let mut trees = Vec::new();
    for (to, reference) in copies {
        let copy = ["tool", "skopeo", "--", "skopeo", "copy", "oci:from:1.0", to];
        project.kit(&copy).succeeded();
        recipe(&project, reference);
        built(&project);
        let pinned = pin(&project);
        trees.push(pinned.layers.iter().map(|layer| (layer.diff_id, layer.tree)).collect::<Vec<_>>());
        has(&listed(&project), "/bin/hello", "two");
    }
    assert!(trees.iter().all(|layers| layers == &trees[0] && layers.len() == 2), "{trees:?}");
}

/// What `kit lock` says about an image.
fn lock(project: &TestProject, reference: &str) -> Said {
    recipe(project, reference);
    let said = project.kit(&["lock", "--offline"]);
    assert!(!project.path().join("lockfiles/demo.lock").exists(), "{said}");
    said
}

#[test]
fn what_isnt_there_or_is_damaged_is_told() {
    let image = hello();
    let files = layout(&[named("1.0", &image), named("2.0", &image)], &[&image], &[]);
    let project = project("oci:none");
    let missing = lock(&project, "oci:none:1").failed(1, &["error[kit::image::missing]", "`oci:none:1`"]);
    assert!(missing.stderr.contains("recipes/images/demo.toml:7"), "{missing}");
    put(&project, "two", &files);
    lock(&project, "oci:two:3.0").failed(1, &["error[kit::image::name]", "it has `1.0`, `2.0`"]);
    lock(&project, "oci:two").failed(1, &["error[kit::image::name]", "no name says which", "`oci:two:NAME`"]);
    lock(&project, "oci-archive:two")
        .failed(1, &["error[kit::image::unreadable]", "something else than a file"]);
    project.write_bytes("two.tar", &archive(&files)).write("text", "no archive");
    lock(&project, "oci:two.tar:1.0").failed(1, &["error[kit::image::missing]", "`oci-archive:two.tar`"]);
    lock(&project, "oci-archive:text").failed(1, &["error[kit::image::archive]"]);
    lock(&project, "docker-archive:two.tar").failed(1, &["error[kit::image::incomplete]", "`manifest.json`"]);
    project.write_bytes("half.tar", &archive(&files)[..2000]);
    lock(&project, "oci-archive:half.tar:1.0").failed(1, &["error[kit::image::archive]"]);

    let config = format!("two/blobs/sha256/{}", Sha256::of(&image.config()));
    project.write(&config, "other");
    let damaged = lock(&project, "oci:two:1.0").failed(1, &["error[kit::image::digest_mismatch]"]);
    assert!(damaged.stderr.contains(&Sha256::of(b"other").oci()), "{damaged}");
    std::fs::remove_file(project.path().join(&config)).expect("it was there");
    lock(&project, "oci:two:1.0").failed(1, &["error[kit::image::blob]"]);
    project.write("two/oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
    lock(&project, "oci:two:1.0").failed(1, &["layout of version 2.0.0"]);

    // Links lead nowhere out of the project.
    let outside = TestProject::with_own_store();
    put(&outside, "layout", &files);
    let link = |from: &Path, to: &str| {
        std::os::unix::fs::symlink(from, project.path().join(to)).expect("a link can be made");
    };
    link(&outside.path().join("layout"), "linked");
    lock(&project, "oci:linked:1.0").failed(1, &["error[kit::image::unreadable]"]);
    outside.write_bytes("layout.tar", &archive(&files));
    link(&outside.path().join("layout.tar"), "linked.tar");
    lock(&project, "oci-archive:linked.tar:1.0").failed(1, &["error[kit::image::unreadable]"]);
    link(&outside.path().join("layout/index.json"), "index.json");
    project.write("oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
    lock(&project, "oci:.:1.0").failed(1, &["error[kit::image::unreadable]", "`index.json` can't be read"]);
}

#[test]
fn layers_that_dont_fit_their_image_are_refused() {
    let mut image = hello();
    let wrong = Tar::default().file("bin/hello", b"other").end();
    let config = image.config();
    let manifest = image.manifest();
    let was = descriptor(&image.layers[0].0, &image.layers[0].1);
    image.layers[0].1.clone_from(&wrong);
    let text = String::from_utf8(manifest).expect("it is text");
    let is = descriptor(&image.layers[0].0, &wrong);
    let manifest = text.replace(was["digest"].as_str().expect("text"), is["digest"].as_str().expect("text"));
    let manifest = manifest.replace(&was["size"].to_string(), &is["size"].to_string()).into_bytes();
    let files = layout(&[descriptor(MANIFEST, &manifest)], &[&image], &[config, manifest]);
    let project = project("oci:hello");
    put(&project, "hello", &files);
    let said = lock(&project, "oci:hello").failed(1, &["error[kit::unpack::archive]"]);
    let words = format!(
        "it unpacks to {}, and the configuration of its image says {}",
        Sha256::of(&wrong).oci(),
        was["digest"].as_str().expect("text")
    );
    let layer = format!("unpack layer {}", Sha256::of(&wrong).short());
    assert!(said.stderr.contains(&words) && said.stderr.contains(&layer), "{said}");
}

#[test]
fn hard_links_reach_into_lower_layers() {
    let lower = Tar::default().file("bin/hello", b"one").symlink("sbin", "bin");
    let upper = Tar::default().hard_link("bin/other", "bin/hello").hard_link("third", "sbin/hello");
    let image = Image::new(&[lower.end(), upper.end()]);
    let project = project("oci:hello");
    put(&project, "hello", &layout(&[descriptor(MANIFEST, &image.manifest())], &[&image], &[]));
    built(&project);
    let files = listed(&project);
    has(&files, "/bin/hello", "one");
    for other in ["/bin/other", "/third"] {
        let is_link =
            |line: &str| line.contains(&format!("/rootfs{other} ")) && line.contains("/rootfs/bin/hello");
        assert!(files.lines().any(is_link), "no link `{other}` in:\n{files}");
    }
    let missing = Tar::default().hard_link("bin/other", "bin/hallo");
    let image = Image::new(&[Tar::default().file("bin/hello", b"one").end(), missing.end()]);
    let project = self::project("oci:hello");
    put(&project, "hello", &layout(&[descriptor(MANIFEST, &image.manifest())], &[&image], &[]));
    lock(&project, "oci:hello").failed(1, &["`/bin/other` is a hard link to `/bin/hallo`, which is no file"]);
}

#[test]
fn whiteouts_hide_however_often_they_stand_there() {
    let lower = Tar::default().file("bin/hello", b"one").file("etc/old", b"old").file("etc/a/b", b"b");
    let upper = Tar::default()
        .file("etc/.wh.old", b"")
        .file("etc/.wh.old", b"")
        .file("etc/.wh.none", b"")
        .file("etc/a/.wh..wh..opq", b"")
        .file("etc/a/.wh.b", b"");
    let image = Image::new(&[lower.end(), upper.end()]);
    let project = project("oci:hello");
    put(&project, "hello", &layout(&[descriptor(MANIFEST, &image.manifest())], &[&image], &[]));
    built(&project);
    let files = listed(&project);
    has(&files, "/bin/hello", "one");
    assert!(!files.contains("/etc/old") && !files.contains("/etc/a/b") && !files.contains(".wh."), "{files}");
}

#[test]
fn an_image_that_runs_nothing_needs_a_command() {
    let mut image = hello();
    image.run = json!({});
    let project = project("oci:hello");
    put(&project, "hello", &layout(&[descriptor(MANIFEST, &image.manifest())], &[&image], &[]));
    let said = lock(&project, "oci:hello").failed(1, &["error[kit::plan::no_command]"]);
    assert!(said.stderr.contains("command"), "{said}");
}
