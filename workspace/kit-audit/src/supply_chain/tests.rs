use std::collections::BTreeSet;

use kit_hash::Sha256;
use kit_recipe::lockfile::image::{Document, ImagePin, ImageSettings, LayerPin};
use kit_recipe::lockfile::{FilePin, Suite};

use super::*;
use crate::finding::Evidence;
use crate::inventory::tests::sample::{Sample, deb, deb_id, name};

const IMAGE: &str =
    "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"base\", \"hello\"]\n";
const BASE: &str =
    "[package]\nname = \"base\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [\"base-files\"]\n";

/// An image with one package of Debian and one of a source.
fn with(source: &str) -> Sample {
    let hello = format!("[package]\nname = \"hello\"\n[sources.main]\n{source}\n");
    let sample = Sample::new(&[("image demo", IMAGE), ("package base", BASE), ("package hello", &hello)]);
    sample.lock_debs("base", "debian", &["base-files"])
}

/// Locks the source of `hello`, whatever it is.
fn lock_file(sample: Sample, commit: Option<&str>) -> Sample {
    let source = sample.recipes.package(&name("hello")).sources[&name("main")].id();
    let pin = FilePin {
        source,
        name: "hello-1.tar.gz".to_owned(),
        size: 7,
        sha256: Sha256::of(b"hello"),
        commit: commit.map(|commit| commit.parse().unwrap()),
        tree: None,
    };
    sample.locked(|lock| _ = lock.files.insert((name("hello"), name("main")), pin))
}

fn found_with(sample: &Sample, outside: &Outside) -> Vec<Finding> {
    let inventory = sample.planned();
    findings(Known { inventory: &inventory, lock: &sample.lock, recipes: &sample.recipes, outside })
}

/// What is found besides what every image with a suite has, as `id severity`.
fn found(sample: &Sample) -> Vec<String> {
    let usual = ["suite-key:bookworm", "binary-seed:bookworm"];
    let all = found_with(sample, &Outside::default());
    let others = all.iter().filter(|finding| !usual.contains(&finding.id().as_str()));
    others.map(|finding| format!("{} {}", finding.id(), finding.severity)).collect()
}

fn url(rest: &str) -> String {
    format!("url = \"https://hello.example/hello-1.tar.gz\"\n{rest}")
}

#[test]
fn files_are_known_by_digests_alone() {
    let digest = format!("sha256 = \"{}\"\n", Sha256::of(b"hello"));
    let mirrors = "mirrors = [\"https://mirror.example/hello-1.tar.gz\"]\n";
    let sample = lock_file(with(&url(&format!("{digest}{mirrors}"))), None);
    assert_eq!(found(&sample), ["source-unsigned:hello/main low"]);
    let all = found_with(&sample, &Outside::default());
    let finding = all.iter().find(|finding| finding.kind == &sources::UNSIGNED).unwrap();
    let Evidence::Recipe(place) = &finding.evidence[0] else { panic!("{finding:?}") };
    assert_eq!(&place.text[place.span.clone()], "\"https://hello.example/hello-1.tar.gz\"");
    assert!(matches!(&finding.evidence[1], Evidence::Lock(entry) if entry.starts_with("files hello/main ")));
    let alone = lock_file(with(&url(&digest)), None);
    assert_eq!(found(&alone), ["source-unsigned:hello/main low", "source-one-location:hello/main note"]);
    let first = lock_file(with(&url(mirrors)), None);
    assert_eq!(found(&first), ["source-unsigned:hello/main medium", "source-moving:hello/main note"]);
}

#[test]
fn plain_connections_are_told() {
    // Without a digest, a recipe can't have such an address.
    let digest = format!("sha256 = \"{}\"\n", Sha256::of(b"hello"));
    let of = |first: &str, second: &str| {
        let text = format!(
            "url = \"{first}://a.example/hello-1.tar.gz\"\nmirrors = [\"{second}://b.example/hello-1.tar.gz\"]\n{digest}"
        );
        found(&lock_file(with(&text), None))
    };
    let plain = ["source-unsigned:hello/main low", "source-plain-http:hello/main low"];
    assert_eq!(of("http", "https"), plain);
    assert_eq!(of("https", "http"), plain);
    assert_eq!(of("https", "https"), ["source-unsigned:hello/main low"]);
}

#[test]
fn what_a_repository_moves_is_told() {
    let commit = "1".repeat(40);
    let git = |revision: &str| {
        let text = format!(
            "git = \"https://hello.example/hello.git\"\nmirrors = [\"https://m.example/hello.git\"]\n{revision}\n"
        );
        found(&lock_file(with(&text), Some(&commit)))
    };
    assert_eq!(git(&format!("commit = \"{commit}\"")), ["source-unsigned:hello/main low"]);
    let moving = ["source-unsigned:hello/main medium", "source-moving:hello/main note"];
    assert_eq!(git("branch = \"main\""), moving);
    assert_eq!(git("tag = \"v1\""), moving);
}

fn image_pin() -> ImagePin {
    let document = |text: &str| Document { size: 3, sha256: Sha256::of(text.as_bytes()) };
    ImagePin {
        index: None,
        manifest: document("manifest"),
        config: document("config"),
        settings: ImageSettings::default(),
        owner: None,
        layers: vec![LayerPin {
            size: 1000,
            sha256: Sha256::of(b"l"),
            diff_id: Sha256::of(b"d"),
            tree: None,
        }],
    }
}

#[test]
fn images_of_others_are_binary_seeds() {
    let image = |reference: &str| {
        let sample = with(&format!("image = \"{reference}\""));
        sample.locked(|lock| _ = lock.images.insert(reference.parse().unwrap(), image_pin()))
    };
    let tagged = image("registry.example/web:1");
    assert_eq!(
        found(&tagged),
        ["source-moving:registry.example/web:1 note", "binary-seed:registry.example/web:1 low"]
    );
    let all = found_with(&tagged, &Outside::default());
    let seed = all.iter().find(|finding| finding.id() == "binary-seed:registry.example/web:1").unwrap();
    assert!(seed.message.ends_with("1000 bytes"), "{}", seed.message);
    let fixed = format!("registry.example/web@sha256:{}", Sha256::of(b"manifest"));
    assert_eq!(found(&image(&fixed)), [format!("binary-seed:{fixed} low")]);
}

#[test]
fn debian_packages_are_summed_up_by_suite() {
    let sample = lock_file(with(&url("")), None).lock_debs("base", "debian", &["base-files", "netbase"]);
    let all = found_with(&sample, &Outside::default());
    let seed = all.iter().find(|finding| finding.id() == "binary-seed:bookworm").unwrap();
    assert_eq!(seed.message, "2 packages of `bookworm` that Debian built take part, 200 bytes");
    assert_eq!(seed.severity, Severity::Note);
    assert_eq!(
        seed.evidence,
        [
            Evidence::Fact("signed by AB".to_owned()),
            Evidence::Fact("they are 2 shipped, 0 part, 0 tool".to_owned())
        ]
    );
    let unsigned = sample.locked(|lock| {
        for suite in lock.suites.values_mut() {
            suite.signed_by.clear();
        }
    });
    let severities: BTreeSet<_> = found_with(&unsigned, &Outside::default())
        .into_iter()
        .filter(|finding| finding.key == "bookworm")
        .map(|finding| (finding.kind.id, finding.severity))
        .collect();
    assert_eq!(severities, BTreeSet::from([("binary-seed", Severity::High), ("suite-key", Severity::High)]));
}

#[test]
fn what_is_pinned_and_not_used_is_told() {
    let digest =
        format!("sha256 = \"{}\"\nmirrors = [\"https://m.example/hello-1.tar.gz\"]\n", Sha256::of(b"hello"));
    let sample = lock_file(with(&url(&digest)), None).locked(|lock| {
        let (key, unused) = deb("unused");
        lock.debs.insert(key, unused);
        let suite = Suite { date: 1, in_release: Sha256::of(b"s"), signed_by: vec!["CD".to_owned()] };
        lock.suites.insert("trixie".to_owned(), suite);
    });
    let expected = [
        "source-unsigned:hello/main low",
        "suite-key:trixie note",
        "pin-unused:unused 1 low",
        "pin-unused:suite trixie low",
    ];
    assert_eq!(found(&sample), expected);
}

const DAY: u64 = 86_400;

#[test]
fn age_is_told_when_the_time_is_known() {
    let digest =
        format!("sha256 = \"{}\"\nmirrors = [\"https://m.example/hello-1.tar.gz\"]\n", Sha256::of(b"hello"));
    let sample = lock_file(with(&url(&digest)), None);
    let made = 1_700_000_000;
    let outside = |days: u64| Outside {
        now: Some(made + days * DAY),
        keys: BTreeMap::from([("AB".to_owned(), made), ("EF".to_owned(), 0)]),
        key_days: 20,
        suite_days: 10,
        ..Outside::default()
    };
    let aged = |outside: &Outside| {
        let ids = found_with(&sample, outside).into_iter().filter(|f| f.kind.id.ends_with("-old"));
        ids.map(|finding| finding.id()).collect::<Vec<_>>()
    };
    assert_eq!(aged(&outside(10)), [""; 0]);
    assert_eq!(aged(&outside(11)), ["suite-old:bookworm"]);
    assert_eq!(aged(&outside(21)), ["key-old:bookworm AB", "suite-old:bookworm"]);
    assert_eq!(aged(&Outside { now: None, ..outside(21) }), [""; 0]);
    // A time before the suite's is nobody's age.
    assert_eq!(aged(&Outside { now: Some(1), ..outside(21) }), [""; 0]);
    // A key that has run out is worse than an old one.
    let ends = |days: u64| Outside {
        key_ends: BTreeMap::from([("AB".to_owned(), made + 5 * DAY)]),
        ..outside(days)
    };
    assert_eq!(aged(&ends(5)), ["key-old:bookworm AB ran out"]);
    assert_eq!(aged(&ends(4)), [""; 0]);
    let all = found_with(&sample, &ends(4));
    let key = all.iter().find(|finding| finding.kind == &suites::KEY).unwrap();
    let fact = "signed by AB, made on 2023-11-14, good until 2023-11-19";
    assert!(key.evidence.contains(&Evidence::Fact(fact.to_owned())), "{key:?}");
    let all = found_with(&sample, &outside(11));
    let old = all.iter().find(|finding| finding.kind == &suites::OLD).unwrap();
    assert_eq!(old.message, "the state of `bookworm` is of 2023-11-14T22:13:20Z, 11 days ago");
}

#[test]
fn what_the_caller_found_out_is_told() {
    let digest =
        format!("sha256 = \"{}\"\nmirrors = [\"https://m.example/hello-1.tar.gz\"]\n", Sha256::of(b"hello"));
    let sample = lock_file(with(&url(&digest)), None);
    let commands: Vec<_> = (0..30).map(|number| format!("chown {number} /x")).collect();
    let outside = Outside {
        scripts: BTreeMap::from([
            (deb_id("base-files"), commands),
            (deb_id("other"), vec!["chown 0 /x".to_owned()]),
        ]),
        newer: BTreeMap::from([(deb_id("base-files"), "2".to_owned()), (deb_id("other"), "2".to_owned())]),
        ..Outside::default()
    };
    let all = found_with(&sample, &outside);
    let of = |id: &str| all.iter().find(|finding| finding.id() == id).unwrap();
    assert_eq!(of("pin-stale:base-files 1").message, "`base-files` is 1, and 2 is there");
    let ignored = of("script-ignored:base-files 1");
    assert_eq!(ignored.message, "30 commands of the maintainer scripts of `base-files` didn't run");
    assert_eq!(ignored.evidence.len(), 21);
    assert_eq!(ignored.evidence[20], Evidence::Fact("and 10 more".to_owned()));
    assert!(all.iter().all(|finding| !finding.key.contains("other")), "what isn't there is nobody's");
    let same = Outside {
        scripts: BTreeMap::from([(deb_id("base-files"), Vec::new())]),
        newer: BTreeMap::from([(deb_id("base-files"), "1".to_owned())]),
        ..Outside::default()
    };
    let ids: Vec<_> = found_with(&sample, &same).iter().map(|finding| finding.kind.id).collect();
    assert!(!ids.contains(&"pin-stale") && !ids.contains(&"script-ignored"), "{ids:?}");
}

#[test]
fn crates_are_told_at_once() {
    let hello = "[package]\nname = \"hello\"\n[sources.crates]\ncrates = \"Cargo.lock\"\n\
                 [build]\ntools = [\"base\"]\nrun = \"make\"\n";
    let sample = Sample::new(&[("image demo", IMAGE), ("package base", BASE), ("package hello", hello)])
        .lock_debs("base", "debian", &["base-files"])
        .lock_crates("hello", "crates", &["serde", "toml"]);
    assert_eq!(found(&sample), ["source-unsigned:crates note"]);
    let all = found_with(&sample, &Outside::default());
    let crates = all.iter().find(|finding| finding.key == "crates").unwrap();
    assert_eq!(crates.evidence, [Evidence::Fact("serde 1.0.0, toml 1.0.0".to_owned())]);
    let serde = ComponentId::Crate { name: "serde".to_owned(), version: "1.0.0".to_owned() };
    let outside = Outside { newer: BTreeMap::from([(serde, "1.0.1".to_owned())]), ..Outside::default() };
    let all = found_with(&sample, &outside);
    let stale = all.iter().find(|finding| finding.kind == &components::STALE).unwrap();
    assert_eq!(stale.message, "`serde` is 1.0.0, and 1.0.1 is there");
    assert!(stale.help.starts_with("run `cargo update serde` "), "{}", stale.help);
}

#[test]
fn every_kind_is_told_from_the_others() {
    let ids: BTreeSet<_> = KINDS.iter().map(|kind| kind.id).collect();
    assert_eq!(ids.len(), KINDS.len());
}
