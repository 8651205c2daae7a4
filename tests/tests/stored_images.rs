//! Images in the store of containers that Podman uses, put together again from their files.
//!
//! The store is written here as containers/storage writes it: that takes mounts of its own, which an ordinary user hasn't got everywhere.
#![expect(clippy::disallowed_methods, reason = "tests write and look into directories")]

use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kit_hash::{BlobId, Sha256};
use kit_recipe::Lockfile;
use kit_recipe::lockfile::ImagePin;
use kit_tests::deb::Tar;
use kit_tests::image::{Image, LAYER};
use kit_tests::source_package::gzip;
use kit_tests::{Said, TestProject};
use serde_json::{Value, json};

const NAME: &str = "localhost/hello:1.0";

/// Takes an archive apart: its files go to `directory`, the rest is returned as the lines that stand for it.
fn apart(archive: &[u8], directory: &Path) -> Vec<u8> {
    let mut lines: Vec<Value> = Vec::new();
    let mut rest = archive;
    let mut segment = Vec::new();
    while rest.len() >= 512 {
        let (header, after) = rest.split_at(512);
        segment.extend_from_slice(header);
        rest = after;
        let name = header[..100].split(|byte| *byte == 0).next().unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let name = std::str::from_utf8(name).expect("it is text").to_owned();
        let size = std::str::from_utf8(&header[124..135]).expect("it is text");
        let size = usize::from_str_radix(size, 8).expect("it is a number");
        lines.push(json!({ "type": 2, "payload": STANDARD.encode(&segment) }));
        segment.clear();
        let (content, after) = rest.split_at(size);
        let (padding, after) = after.split_at(size.next_multiple_of(512) - size);
        segment.extend_from_slice(padding);
        rest = after;
        if header[156] == b'0' && !name.contains(".wh.") {
            let path = directory.join(&name);
            std::fs::create_dir_all(path.parent().expect("it has a parent")).expect("a directory");
            std::fs::write(path, content).expect("a file");
        }
        let mut file = json!({ "type": 1, "name": name, "payload": null });
        if size > 0 {
            file["size"] = json!(size);
        }
        lines.push(file);
    }
    segment.extend_from_slice(rest);
    lines.push(json!({ "type": 2, "payload": STANDARD.encode(&segment) }));
    let line = |(position, mut line): (usize, Value)| {
        line["position"] = json!(position);
        format!("{line}\n")
    };
    lines.into_iter().enumerate().map(line).collect::<String>().into_bytes()
}

fn plain(layer: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    if layer.starts_with(&[0x1f, 0x8b]) {
        flate2::read::GzDecoder::new(layer).read_to_end(&mut bytes).expect("it is whole");
        return bytes;
    }
    layer.to_vec()
}

/// Writes a store that has one image.
fn store(project: &TestProject, driver: &str, image: &Image) {
    store_from(project, ("containers", driver, NAME), image, 0);
}

/// Writes a store at a place, whose image is called `called` and has only the layers from `first` on there.
fn store_from(
    project: &TestProject,
    (place, driver, called): (&str, &str, &str),
    image: &Image,
    first: usize,
) {
    let config = image.config();
    let id = Sha256::of(&config).to_string();
    let mut layers = Vec::new();
    for (at, (_, layer)) in image.layers.iter().enumerate().skip(first) {
        let (name, archive) = (format!("{at:064x}"), plain(layer));
        let files = match driver {
            "overlay" => format!("{place}/overlay/{name}/diff"),
            other => format!("{place}/{other}/dir/{name}"),
        };
        let files = project.path().join(files);
        std::fs::create_dir_all(&files).expect("a directory");
        let lines = apart(&archive, &files);
        project.write_bytes(&format!("{place}/{driver}-layers/{name}.tar-split.gz"), &gzip(&lines));
        let mut written =
            json!({ "id": name, "diff-digest": Sha256::of(&archive).oci(), "diff-size": archive.len() });
        if at > 0 {
            written["parent"] = json!(format!("{:064x}", at - 1));
        }
        layers.push(written);
    }
    let top = layers.last().expect("it has a layer")["id"].clone();
    let images = json!([{ "id": id, "names": [called], "layer": top, "big-data-names": ["manifest"] }]);
    let put = |path: &str, bytes: &[u8]| _ = project.write_bytes(&format!("{place}/{driver}-{path}"), bytes);
    put("layers/layers.json", Value::from(layers).to_string().as_bytes());
    put("images/images.json", images.to_string().as_bytes());
    put(&format!("images/{id}/manifest"), &image.manifest());
    put(&format!("images/{id}/={}", STANDARD.encode(format!("sha256:{id}"))), &config);
}

fn hello() -> Image {
    let first = Tar::default().file("bin/hello", b"one").file("etc/old", &[b'x'; 2000]).file("empty", b"");
    let second = Tar::default()
        .file("bin/hello", b"two")
        .file("etc/.wh.old", b"")
        .hard_link("bin/again", "bin/hello")
        .symlink("link", "bin/hello");
    Image::new(&[first.end(), second.end()])
}

fn project(reference: &str) -> TestProject {
    let project = TestProject::with_own_store();
    recipe(&project, reference);
    let place = project.path().join("containers");
    project.write("storage.conf", &format!("[storage]\ngraphroot = \"{}\"\n", place.display()));
    project
}

fn recipe(project: &TestProject, reference: &str) {
    let text = format!(
        "[image]\nname = \"demo\"\nformats = [\"tar\"]\n\n[[service]]\nname = \"hello\"\nimage = \"{reference}\"\n"
    );
    project.write("recipes/images/demo.toml", &text);
}

fn kit(project: &TestProject, arguments: &[&str]) -> Said {
    let mut command = project.command(arguments);
    command.env("CONTAINERS_STORAGE_CONF", project.path().join("storage.conf"));
    Said::from_output(&command.output().expect("kit runs"))
}

fn pin(project: &TestProject) -> ImagePin {
    let lock = Lockfile::parse(&project.read("lockfiles/demo.lock")).expect("it is a lockfile");
    lock.images.into_values().next().expect("it has an image")
}

#[test]
fn layers_are_the_archives_that_they_were() {
    let mut image = hello();
    let project = project(&format!("containers-storage:{NAME}"));
    let words = ["error[kit::image::missing]", "there is no store of containers", "`podman pull`"];
    kit(&project, &["lock"]).failed(1, &words);
    store(&project, "overlay", &image);
    kit(&project, &["lock", "--offline"]).succeeded();
    kit(&project, &["build", "--offline"]).succeeded();
    let found = pin(&project);
    let archives: Vec<_> = image.layers.iter().map(|(_, layer)| Sha256::of(layer)).collect();
    assert_eq!(found.layers.iter().map(|layer| layer.sha256).collect::<Vec<_>>(), archives);
    // It came uncompressed: then its own manifest holds.
    assert_eq!(found.manifest.sha256, Sha256::of(&image.manifest()));
    let files = kit(&project, &["show", "demo", "--files"]).succeeded().stdout;
    let two = BlobId::of(b"two").to_string();
    assert!(files.lines().any(|line| line.contains("/rootfs/bin/again ") && line.contains(&two)), "{files}");
    assert!(!files.contains("/rootfs/etc/old"), "{files}");

    // What came compressed is what it was before that.
    image.layers[1] = (format!("{LAYER}+gzip"), gzip(&image.layers[1].1));
    let again = self::project(&format!("containers-storage:{NAME}"));
    store(&again, "vfs", &image);
    kit(&again, &["lock", "--offline"]).succeeded();
    let compressed = pin(&again);
    assert_eq!(compressed.layers, found.layers);
    assert_ne!(compressed.manifest.sha256, Sha256::of(&image.manifest()));
}

#[test]
fn stores_that_are_read_besides_have_images_and_layers() {
    let project = project("containers-storage:localhost/base:1");
    let path = |name: &str| project.path().join(name).display().to_string();
    let stores = json!([path("nowhere"), path("shared"), "relative"]);
    let besides = format!("[storage.options]\nadditionalimagestores = {stores}\n");
    let own = project.read("storage.conf");
    project.write("storage.conf", &(own.clone() + &besides));
    let mut base = hello();
    base.layers.truncate(1);
    store_from(&project, ("shared", "overlay", "localhost/base:1"), &base, 0);
    // Nobody has pulled anything yet.
    kit(&project, &["lock", "--offline"]).succeeded();
    assert_eq!(pin(&project).manifest.sha256, Sha256::of(&base.manifest()));

    // An image of one's own lies on one of those; the user's own come first.
    let whole = hello();
    store_from(&project, ("containers", "overlay", NAME), &whole, 1);
    recipe(&project, &format!("containers-storage:{NAME}"));
    kit(&project, &["lock", "--offline"]).succeeded();
    kit(&project, &["build", "--offline"]).succeeded();
    assert_eq!(pin(&project).manifest.sha256, Sha256::of(&whole.manifest()));
    let mut other = hello();
    other.run = json!({ "Cmd": ["/bin/other"] });
    store_from(&project, ("shared", "overlay", NAME), &other, 0);
    kit(&project, &["lock", "--offline", "--update"]).succeeded();
    assert_eq!(pin(&project).manifest.sha256, Sha256::of(&whole.manifest()));

    recipe(&project, "containers-storage:localhost/none:1");
    kit(&project, &["lock"]).failed(1, &["error[kit::image::name]", &format!("it has `{NAME}`")]);
    project.write("storage.conf", &own);
    recipe(&project, &format!("containers-storage:{NAME}"));
    std::fs::remove_file(project.path().join("lockfiles/demo.lock")).expect("it was written");
    kit(&project, &["lock"]).failed(1, &["error[kit::registry::document]"]);
}

#[test]
fn what_doesnt_fit_is_told() {
    let image = hello();
    let project = project("containers-storage:localhost/hello:2.0");
    store(&project, "overlay", &image);
    let unknown = kit(&project, &["lock"]);
    unknown.failed(1, &["error[kit::image::name]", &format!("it has `{NAME}`")]);
    recipe(&project, &format!("containers-storage:{NAME}"));
    let file = format!("containers/overlay/{:064x}/diff/etc/old", 0);
    // The same length, and one less: the first is found out by the digest.
    project.write_bytes(&file, &[b'y'; 2000]);
    kit(&project, &["lock"]).failed(1, &["error[kit::image::digest_mismatch]", "is sha256:"]);
    project.write_bytes(&file, &[b'x'; 1999]);
    kit(&project, &["lock"]).failed(3, &["`etc/old` is shorter than"]);
    std::fs::remove_file(project.path().join(&file)).expect("it was there");
    kit(&project, &["lock"]).failed(3, &["`etc/old` can't be read"]);
    let outside = TestProject::with_own_store();
    outside.write_bytes("old", &[b'x'; 2000]);
    std::os::unix::fs::symlink(outside.path().join("old"), project.path().join(&file))
        .expect("a link can be made");
    kit(&project, &["lock"]).failed(3, &["`etc/old` can't be read"]);
    let layers = "containers/overlay-layers/layers.json";
    let text = project.read(layers);
    project.write(layers, &text.replace("diff-digest", "other"));
    kit(&project, &["lock"]).failed(1, &["error[kit::registry::document]", "is there in parts only"]);
}
