use super::error::{End, Place};
use super::*;

/// The stanza of a source package in bookworm's index, and its description.
const STANZA: &str = include_str!("zlib.sources");
const DESCRIPTION: &str = include_str!("zlib.dsc");

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn index(text: &str) -> Packages {
    Packages::parse(text.as_bytes().to_vec()).unwrap()
}

fn checked(stanza: &str, description: &str) -> Result<Vec<SourceFile>, SourceError> {
    let listed = Listed::read(stanza, Place::Index)?;
    description::check(&listed, &listed.description_name(), description.as_bytes())?;
    listed.directory()?;
    parts::parts(&listed)
}

/// Makes the stanza of a package `app` in `version` with files of these names.
fn stanza(version: &str, format: &str, files: &[&str]) -> String {
    let lines: Vec<_> = files.iter().map(|file| format!(" {DIGEST} 5 {file}\n")).collect();
    let lines = lines.concat();
    format!(
        "Package: app\nVersion: {version}\nFormat: {format}\nDirectory: pool/a/app\nChecksums-Sha256:\n{lines}"
    )
}

/// Says what each file of a stanza is.
fn roles(version: &str, format: &str, files: &[&str]) -> Result<Vec<(Part, String)>, SourceError> {
    let text = stanza(version, format, files);
    let files = parts::parts(&Listed::read(&text, Place::Index)?)?;
    Ok(files.into_iter().map(|file| (file.part, file.name)).collect())
}

#[test]
fn reads_a_real_package() {
    let files = checked(STANZA, DESCRIPTION).unwrap();
    let table: Vec<_> = files.iter().map(|file| (&file.part, file.name.as_str(), file.size)).collect();
    assert_eq!(
        table,
        [
            (&Part::Description, "zlib_1.2.13.dfsg-1.dsc", 2399),
            (&Part::Original, "zlib_1.2.13.dfsg.orig.tar.bz2", 1_239_825),
            (&Part::Debian, "zlib_1.2.13.dfsg-1.debian.tar.xz", 15_700),
        ]
    );
    let digest = "71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1";
    assert_eq!(files[1].sha256.to_string(), digest);
    assert_eq!(Sha256::of(DESCRIPTION.as_bytes()), files[0].sha256);
}

#[test]
fn the_signature_is_taken_off_where_there_is_one() {
    let (_, rest) = DESCRIPTION.split_once("\n\n").unwrap();
    let (plain, _) = rest.split_once("\n-----BEGIN PGP SIGNATURE-----").unwrap();
    assert_eq!(checked(STANZA, plain), checked(STANZA, DESCRIPTION));
    let escaped = DESCRIPTION.replace("Homepage:", "- -X: 1\nHomepage:");
    assert_eq!(checked(STANZA, &escaped), checked(STANZA, DESCRIPTION));
    let reason = |text: &str| match checked(STANZA, text) {
        Err(SourceError::Description { reason, .. }) => reason,
        other => panic!("{other:?}"),
    };
    let (cut, _) = DESCRIPTION.split_once("-----BEGIN PGP SIGNATURE-----").unwrap();
    assert_eq!(reason(cut), "its signature has no end");
    assert_eq!(reason("-----BEGIN PGP SIGNED MESSAGE-----"), "its signature has no end");
    assert_eq!(reason("\n\n"), "it is empty");
    assert_eq!(reason(&format!("{plain}\nSource: other\n")), "it has more than one part");
    // What stands behind the signed part is no part of it.
    let behind = format!("{DESCRIPTION}\nSource: other\n");
    assert_eq!(checked(STANZA, &behind), checked(STANZA, DESCRIPTION));
    let listed = Listed::read(STANZA, Place::Index).unwrap();
    assert!(description::check(&listed, "x.dsc", b"\xff").is_err());
}

#[test]
fn a_contradiction_shows_both_ends() {
    let ends = |from: &str, to: &str| {
        assert!(DESCRIPTION.contains(from), "{from}");
        match checked(STANZA, &DESCRIPTION.replace(from, to)) {
            Err(SourceError::Contradiction { what, ends: End { index, description }, .. }) => {
                let shown =
                    |end: Option<String>| end.unwrap_or_default().chars().take(14).collect::<String>();
                (what, shown(index), shown(description))
            }
            other => panic!("{from}: {other:?}"),
        }
    };
    let told = |what: &str, index: &str, description: &str| {
        (what.to_owned(), index.to_owned(), description.to_owned())
    };
    assert_eq!(ends("Source: zlib", "Source: libz"), told("the name", "zlib", "libz"));
    let version = "Version: 1:1.2.13.dfsg-1";
    assert_eq!(ends(version, "Version: 2"), told("the version", "1:1.2.13.dfsg-", "2"));
    assert_eq!(ends("3.0 (quilt)", "1.0"), told("the format", "3.0 (quilt)", "1.0"));
    let orig = "`zlib_1.2.13.dfsg.orig.tar.bz2`";
    assert_eq!(ends("71feb79", "81feb79"), told(orig, "sha256 71feb79", "sha256 81feb79"));
    assert_eq!(ends("1239825 zlib", "1239826 zlib").0, orig);
    let more = format!("Checksums-Sha256:\n {DIGEST} 0 zlib_1.2.13.dfsg.orig-x.tar.gz");
    let added = ends("Checksums-Sha256:", &more);
    assert_eq!(added, told("`zlib_1.2.13.dfsg.orig-x.tar.gz`", "", "sha256 e3b0c44"));
    let message = checked(STANZA, &DESCRIPTION.replace("Source: zlib", "Source: libz")).unwrap_err();
    assert_eq!(
        message.to_string(),
        "`zlib_1.2.13.dfsg-1.dsc` contradicts the index of sources about the name\n  index: zlib\n  description: libz"
    );
}

#[test]
fn each_format_has_its_files() {
    let names = |found: Vec<(Part, String)>| found.into_iter().map(|(part, _)| part).collect::<Vec<_>>();
    let component = |name: &str| Part::Component(name.to_owned());
    let quilt = roles(
        "2:1.0-1+b~x",
        "3.0 (quilt)",
        &[
            "app_1.0-1+b~x.debian.tar.xz",
            "app_1.0.orig-node-a.tar.gz",
            "app_1.0.orig-B2.tar.zst",
            "app_1.0.orig.tar.bz2",
            "app_1.0.orig.tar.bz2.asc",
            "app_1.0-1+b~x.dsc",
        ],
    );
    assert_eq!(
        names(quilt.unwrap()),
        [Part::Description, Part::Original, component("B2"), component("node-a"), Part::Debian]
    );
    let one = roles("1.0-1", "1.0", &["app_1.0-1.diff.gz", "app_1.0-1.dsc", "app_1.0.orig.tar.gz"]);
    assert_eq!(names(one.unwrap()), [Part::Description, Part::Original, Part::Difference]);
    for format in ["1.0", "3.0 (native)"] {
        let native = roles("1.0", format, &["app_1.0.dsc", "app_1.0.tar.gz"]);
        assert_eq!(names(native.unwrap()), [Part::Description, Part::Original], "{format}");
    }
}

#[test]
fn refuses_files_that_a_format_does_not_have() {
    let quilt = ["app_1-1.dsc", "app_1.orig.tar.gz", "app_1-1.debian.tar.xz"];
    let with = |format: &str, more: &str| roles("1-1", format, &[&quilt[..], &[more]].concat());
    for file in [
        "app_2.orig-a.tar.gz",
        "other_1.orig-a.tar.gz",
        "app_1.orig-.tar.gz",
        "app_1.orig-a_b.tar.gz",
        "app_1.orig-...tar.gz",
        "app_1.orig-a.zip",
        "app_1-1.diff.gz",
        "app_1.orig.tar.xz",
        "README",
    ] {
        let found = with("3.0 (quilt)", file);
        assert!(
            matches!(&found, Err(SourceError::Unexpected { file: unexpected, .. }) if unexpected == file),
            "{file}: {found:?}"
        );
    }
    for format in ["2.0", "3.0 (git)", "3.0 (custom)", "4.0", "1.0\n x"] {
        let found = roles("1-1", format, &quilt);
        assert!(matches!(found, Err(SourceError::Format { .. })), "{format}: {found:?}");
    }
    let without = |at: usize| {
        let mut files = quilt.to_vec();
        files.remove(at);
        roles("1-1", "3.0 (quilt)", &files)
    };
    for at in 0..quilt.len() {
        assert!(matches!(without(at), Err(SourceError::Missing { .. })), "{at}");
    }
}

#[test]
fn refuses_hostile_names_and_fields() {
    for file in ["../app_1.dsc", "/etc/passwd", "a/b", "..", ".", "a b", "", "a?b", "a#b", "a\\b"] {
        let text = stanza("1", "1.0", &["app_1.dsc", file]);
        let found = Listed::read(&text, Place::Index).err();
        let bad = matches!(found, Some(SourceError::Field { field: "Checksums-Sha256", .. }));
        assert!(bad, "{file}: {found:?}");
    }
    let good = stanza("1", "1.0", &["app_1.dsc", "app_1.tar.gz"]);
    assert!(checked(&good, &good.replace("Package:", "Source:")).is_ok());
    for (from, to, field) in [
        ("Package: app", "Package: a b", "Package"),
        ("Version: 1", "Version:", "Version"),
        (" 5 app_1.dsc", " -5 app_1.dsc", "Checksums-Sha256"),
        (" 5 app_1.dsc", " 5 app_1.tar.gz", "Checksums-Sha256"),
        (DIGEST, "0", "Checksums-Sha256"),
        ("Checksums-Sha256", "Checksums-Sha1", "Checksums-Sha256"),
        ("pool/a/app", "../pool", "Directory"),
        ("pool/a/app", "/pool", "Directory"),
        ("Directory:", "Place:", "Directory"),
    ] {
        assert!(good.contains(from), "{from}");
        let text = good.replace(from, to);
        let found = Listed::read(&text, Place::Index).and_then(|listed| listed.directory().map(drop));
        assert!(matches!(&found, Err(SourceError::Field { field: f, .. }) if *f == field), "{to}: {found:?}");
    }
}

#[test]
fn finds_the_highest_version_and_says_what_there_is() {
    let older = stanza("1:0.9-1", "1.0", &["app_0.9-1.dsc"]);
    let newer = stanza("1:0.10-1", "1.0", &["app_0.10-1.dsc"]);
    let text = format!("{older}\n{newer}\n{STANZA}");
    let index = index(&text);
    assert_eq!(find(&index, "app").unwrap().version, "1:0.10-1");
    assert_eq!(find(&index, "app=1:0.9-1").unwrap().version, "1:0.9-1");
    let told = |wanted: &str| {
        let error = find(&index, wanted).unwrap_err();
        (error.code(), error.to_string(), error.help().unwrap_or_default())
    };
    let (code, message, help) = told("app=1");
    assert_eq!(code, "kit::debian::unknown_source_version");
    assert_eq!(message, "the source package `app` has no version 1; there is 1:0.10-1, 1:0.9-1");
    assert_eq!(help, "ask for `app=1:0.10-1`, or leave the version out");
    let (code, message, help) = told("zlip");
    assert_eq!(code, "kit::debian::unknown_source");
    assert_eq!(
        (message.as_str(), help.as_str()),
        ("there is no source package `zlip`", "did you mean `zlib`?")
    );
    assert_eq!(told("zlib1g-dev").2, "`zlib1g-dev` is a binary package: its source is `zlib`");
    assert_eq!(told("nothing-like-it").2, "look at the suite: only sources of `main` are taken");
}

proptest::proptest! {
    #[test]
    fn never_panics(text in "(Source|Package|Version|Format|Checksums-Sha256|Directory|[a-z-]{0,9})?[:\n ./a0-9-]{0,200}") {
        let listed = Listed::read(STANZA, Place::Index).unwrap();
        _ = description::check(&listed, "zlib_1.2.13.dfsg-1.dsc", text.as_bytes());
        if let Ok(listed) = Listed::read(&text, Place::Index) {
            _ = parts::parts(&listed);
        }
    }
}
