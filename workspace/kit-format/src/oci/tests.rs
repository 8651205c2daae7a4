use std::collections::BTreeMap;
use std::num::NonZeroU32;

use kit_hash::Sha256;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::dump::Dump;
use kit_tree::{Blobs, Entry, Tree};

use super::*;
use crate::limits::Limits;
use crate::samples::{MTIME, path, put, rich_tree};

fn config() -> ImageConfig {
    let platform = Platform {
        os: String::from("linux"),
        architecture: String::from("arm64"),
        variant: Some(String::from("v8")),
    };
    let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    ImageConfig {
        entrypoint: vec![String::from("/usr/bin/tool")],
        cmd: vec![String::from("--serve"), String::from("<\u{e9}>")],
        env: map(&[("PATH", "/usr/bin"), ("A", "b=c")]),
        working_dir: Some(String::from("/srv")),
        user: Some(String::from("1000:1000")),
        exposed_ports: [String::from("80/tcp")].into(),
        labels: map(&[("b", "2"), ("a", "1")]),
        ..ImageConfig::new(platform)
    }
}

fn image<'a>(layers: &[&'a Tree], ref_name: Option<&str>) -> OciImage<'a> {
    OciImage {
        layers: layers.to_vec(),
        config: config(),
        annotations: BTreeMap::from([(String::from("org.opencontainers.image.title"), String::from("tool"))]),
        ref_name: ref_name.map(String::from),
        image_name: None,
    }
}

fn text(layout: &Tree, blobs: &MemoryBlobs, name: &str) -> String {
    let Some(Entry::File { blob, .. }) = layout.get(&path(name)) else { panic!("{name}") };
    String::from_utf8(blobs.read(blob, 1 << 20).unwrap()).unwrap()
}

fn replace(layout: &mut Tree, blobs: &MemoryBlobs, name: &str, bytes: &[u8]) {
    layout.remove(&path(name));
    put(layout, blobs, name, bytes);
}

const INDEX: &str = r#"{"manifests":[{"annotations":{"org.opencontainers.image.ref.name":"v1"},"digest":"sha256:MANIFEST","mediaType":"application/vnd.oci.image.manifest.v1+json","platform":{"architecture":"arm64","os":"linux","variant":"v8"},"size":MANIFEST_SIZE}],"mediaType":"application/vnd.oci.image.index.v1+json","schemaVersion":2}"#;
const MANIFEST: &str = r#"{"annotations":{"org.opencontainers.image.title":"tool"},"config":{"digest":"sha256:CONFIG","mediaType":"application/vnd.oci.image.config.v1+json","size":CONFIG_SIZE},"layers":[{"digest":"sha256:LAYER","mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","size":LAYER_SIZE}],"mediaType":"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}"#;
const CONFIG: &str = r#"{"architecture":"arm64","config":{"Cmd":["--serve","<é>"],"Entrypoint":["/usr/bin/tool"],"Env":["A=b=c","PATH=/usr/bin"],"ExposedPorts":{"80/tcp":{}},"Labels":{"a":"1","b":"2"},"User":"1000:1000","WorkingDir":"/srv"},"created":"2023-11-14T22:13:20Z","history":[{"created":"2023-11-14T22:13:20Z","created_by":"kit"}],"os":"linux","rootfs":{"diff_ids":["sha256:DIFF_ID"],"type":"layers"},"variant":"v8"}"#;
const PINNED: &str = "6c73055ad16b5dfe2c20442cf9c172f9d5325e640fca99a01efef158d5933d75";

/// The digest changes only with the `REVISION` of this writer, of tar, or of gzip.
#[test]
fn a_layout_is_exactly_this() {
    let blobs = MemoryBlobs::new();
    let mut base = Tree::new();
    put(&mut base, &blobs, "/etc/motd", b"Welcome.\n");
    let layout =
        write_layout(&[image(&[&base], Some("v1"))], LayerCompression::Gzip, MTIME, &blobs, &blobs).unwrap();
    let OciDigests { manifest, config, layers } = &layout.images[0];
    let LayerDigests { digest, diff_id, size } = &layers[0];
    let blob = |digest: &Sha256| text(&layout.tree, &blobs, &format!("/blobs/sha256/{digest}"));
    let expected = CONFIG.replace("DIFF_ID", &diff_id.to_string());
    assert_eq!(blob(config), expected);
    let expected = MANIFEST
        .replace("CONFIG_SIZE", &expected.len().to_string())
        .replace("CONFIG", &config.to_string())
        .replace("LAYER_SIZE", &size.to_string())
        .replace("LAYER", &digest.to_string());
    assert_eq!(blob(manifest), expected);
    let expected = INDEX
        .replace("MANIFEST_SIZE", &expected.len().to_string())
        .replace("MANIFEST", &manifest.to_string());
    assert_eq!(text(&layout.tree, &blobs, "/index.json"), expected);
    assert_eq!(text(&layout.tree, &blobs, "/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(write::REVISION, 1);
    assert_eq!(manifest.to_string(), PINNED);
}

#[test]
fn layouts_are_read_back() {
    let blobs = MemoryBlobs::new();
    let base = rich_tree(&blobs);
    let mut upper = Tree::new();
    put(&mut upper, &blobs, "/etc/motd", b"Hello.\n");
    let workers = NonZeroU32::MIN;
    for compression in
        [LayerCompression::None, LayerCompression::Gzip, LayerCompression::Zstd { level: 3, workers }]
    {
        let images =
            [image(&[&base, &upper], Some("both")), image(&[&base], Some("base")), image(&[], Some("none"))];
        let layout = write_layout(&images, compression, MTIME, &blobs, &blobs).unwrap();
        assert_eq!(layout.images[0].layers[0], layout.images[1].layers[0]);
        let read = read_layout(&layout.tree, &blobs, &Limits::standard()).unwrap();
        assert_eq!(read.len(), 3);
        for (read, written) in read.iter().zip(&layout.images) {
            assert_eq!((read.manifest, read.config), (written.manifest, written.config));
            let layers = read.layers.iter().map(|l| (l.digest, l.diff_id, l.size));
            assert!(layers.eq(written.layers.iter().map(|l| (l.digest, l.diff_id, l.size))));
            assert_eq!(read.platform, "linux/arm64/v8");
        }
        assert_eq!(read[1].ref_name.as_deref(), Some("base"));
    }
}

#[test]
fn what_cannot_be_an_image_is_refused() {
    let blobs = MemoryBlobs::new();
    let write = |images: &[OciImage<'_>]| {
        write_layout(images, LayerCompression::Gzip, MTIME, &blobs, &blobs).unwrap_err().to_string()
    };
    let mut whiteout = Tree::new();
    put(&mut whiteout, &blobs, "/etc/.wh.passwd", b"");
    assert_eq!(
        write(&[image(&[&whiteout], None)]),
        "`/etc/.wh.passwd` would be taken as the deletion of a file"
    );
    let base = Tree::new();
    assert_eq!(write(&[image(&[&base], None), image(&[&base], None)]), "the name `` is there twice");
    let mut env = image(&[&base], None);
    env.config.env.insert(String::from("A=B"), String::new());
    assert_eq!(write(&[env]), "`A=B` can't be the name of an environment variable");
}

#[test]
fn every_changed_byte_of_a_layout_is_found() {
    let blobs = MemoryBlobs::new();
    let mut base = Tree::new();
    put(&mut base, &blobs, "/etc/motd", b"Welcome.\n");
    let layout =
        write_layout(&[image(&[&base], None)], LayerCompression::Gzip, MTIME, &blobs, &blobs).unwrap();
    let read = |tree: &Tree| read_layout(tree, &blobs, &Limits::standard()).map_err(|e| e.to_string());
    assert_eq!(read(&layout.tree).unwrap().len(), 1);
    for (place, entry) in layout.tree.entries() {
        let (Entry::File { blob, size, .. }, name) = (entry, place.to_string()) else { continue };
        if !name.starts_with("/blobs/") {
            continue;
        }
        let bytes = blobs.read(blob, 1 << 20).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let mut tree = layout.tree.clone();
            replace(&mut tree, &blobs, &name, &changed);
            assert!(read(&tree).unwrap_err().contains(&format!("({size} bytes), not ")), "{name} {at}");
        }
        let mut tree = layout.tree.clone();
        tree.remove(place);
        assert_eq!(read(&tree).unwrap_err(), format!("the layout has no file `{}`", &name[1..]));
    }
}

#[test]
fn layouts_that_are_none_are_refused() {
    let blobs = MemoryBlobs::new();
    let base = Tree::new();
    let layout =
        write_layout(&[image(&[&base], None)], LayerCompression::Gzip, MTIME, &blobs, &blobs).unwrap();
    let read = |tree: &Tree| read_layout(tree, &blobs, &Limits::standard()).unwrap_err().to_string();
    let mut more = layout.tree.clone();
    put(&mut more, &blobs, &format!("/blobs/sha256/{}", Sha256::of(b"x")), b"x");
    assert!(read(&more).starts_with("nothing names `/blobs/sha256/"));
    let mut version = layout.tree.clone();
    replace(&mut version, &blobs, "/oci-layout", br#"{"imageLayoutVersion":"2.0.0"}"#);
    assert_eq!(read(&version), "`oci-layout` has the version `2.0.0`");
    let mut index = layout.tree.clone();
    let escaping = r#"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../../etc/passwd","size":1}]}"#;
    replace(&mut index, &blobs, "/index.json", escaping.as_bytes());
    assert_eq!(read(&index), "`sha256:../../../etc/passwd` is no digest");
    replace(&mut index, &blobs, "/index.json", b"[");
    assert_eq!(read(&index), "`index.json` is no document of the image specification");
}

#[test]
fn a_configuration_that_lies_about_its_layers_is_found() {
    let blobs = MemoryBlobs::new();
    let mut base = Tree::new();
    put(&mut base, &blobs, "/a", b"a");
    let layout =
        write_layout(&[image(&[&base], None)], LayerCompression::Gzip, MTIME, &blobs, &blobs).unwrap();
    let OciDigests { manifest, config, layers } = &layout.images[0];
    let mut tree = layout.tree.clone();
    // everything is consistent but the uncompressed digest
    let mut swap = |digest: &Sha256, from: &Sha256, to: &Sha256| {
        let name = format!("/blobs/sha256/{digest}");
        let changed = text(&tree, &blobs, &name).replace(&from.to_string(), &to.to_string());
        tree.remove(&path(&name));
        let now = Sha256::of(changed.as_bytes());
        put(&mut tree, &blobs, &format!("/blobs/sha256/{now}"), changed.as_bytes());
        now
    };
    let lying = swap(config, &layers[0].diff_id, &Sha256::of(b"other"));
    let pointing = swap(manifest, config, &lying);
    let index = text(&tree, &blobs, "/index.json").replace(&manifest.to_string(), &pointing.to_string());
    replace(&mut tree, &blobs, "/index.json", index.as_bytes());
    let error = read_layout(&tree, &blobs, &Limits::standard()).unwrap_err();
    assert!(matches!(error, LayoutError::DiffId { layer: 1, .. }), "{}\n{error}", Dump(&tree));
}
