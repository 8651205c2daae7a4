use super::*;

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
