use kit_format::tar::write_tar;
use kit_tree::{Meta, Mode};

use super::*;
use crate::project::open_dir;

fn link(name: &str, platform: Option<&str>) -> Link {
    Link {
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        size: 1,
        sha256: Sha256::of(format!("{name}{platform:?}").as_bytes()),
        platform: platform.map(str::to_owned),
        ref_name: Some(name.to_owned()),
        image_name: None,
    }
}

fn chosen(links: &[Link], image: Option<&str>, platform: Option<&str>) -> Result<String, String> {
    let found = meant(links, Choice { platform, image });
    found
        .map(|link| format!("{} {}", link.ref_name.unwrap(), link.platform.unwrap_or_default()))
        .map_err(|error| error.to_string())
}

#[test]
fn the_image_that_has_all_others_is_meant() {
    let layout = ["demo-one", "demo", "demo-two"].map(|name| link(name, None));
    assert_eq!(chosen(&layout, None, None), Ok("demo ".to_owned()));
    assert_eq!(chosen(&layout, Some("demo-two"), None), Ok("demo-two ".to_owned()));
    let others = ["demo", "other"].map(|name| link(name, None));
    assert_eq!(chosen(&others, None, None), Err("it has several images: demo, other".to_owned()));
    assert_eq!(chosen(&others, Some("x"), None), Err("it has no image `x`".to_owned()));
    assert_eq!(chosen(&[], None, None), Err("it has no image".to_owned()));
}

#[test]
fn platforms_are_chosen_and_the_only_one_is_taken() {
    let both = ["linux/arm64", "linux/s390x"].map(|platform| link("web", Some(platform)));
    assert_eq!(chosen(&both, None, Some("linux/s390x")), Ok("web linux/s390x".to_owned()));
    assert!(
        chosen(&both, None, Some("linux/riscv64"))
            .is_err_and(|told| told.contains("linux/arm64, linux/s390x"))
    );
    let attested = [link("web", Some("linux/s390x")), link("web", Some("unknown/unknown"))];
    assert_eq!(chosen(&attested, None, None), Ok("web linux/s390x".to_owned()));
    assert!(is_of("linux/arm/v7", "linux/arm") && !is_of("linux/arm64", "linux/arm"));
}

#[test]
fn a_layer_that_is_named_often_counts_as_often() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(open_dir(home.path()).unwrap(), home.path()).unwrap();
    let mut tree = Tree::new();
    let path: TreePath = "/etc/motd".parse().unwrap();
    tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).unwrap();
    tree.insert(path, Entry::symlink("elsewhere")).unwrap();
    let mut archive = Vec::new();
    write_tar(&tree, &store, 0, &mut archive).unwrap();
    let (blob, sha256) = (store.put_bytes(&archive).unwrap(), Sha256::of(&archive));
    let layers = |count: usize| {
        let layer = || Packed { path: "layer".to_owned(), blob, sha256: Some(sha256) };
        std::iter::repeat_with(layer).take(count).collect::<Vec<_>>()
    };
    let each = tree.len() as u64;
    let limits = Limits { entries: 3 * each, ..Limits::standard() };
    let trees = |count: usize| unpack(&store, &layers(count), &vec![sha256; count], &limits);
    assert_eq!(trees(3).unwrap().len(), 3);
    assert!(matches!(trees(4), Err(OpenError::Crowded { most }) if most == 3 * each));
}
