use kit_hash::{Identity as _, SourceId};
use proptest::prelude::*;

use super::image::{Document, ImageSettings, LayerPin, Owner};
use super::*;
use crate::image::Format;
use crate::problem::Fault;

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn sha256(byte: u8) -> Sha256 {
    Sha256::from_bytes([byte; 32])
}

fn deb_key(name: &str) -> DebKey {
    DebKey { name: name.to_owned(), version: "1:1.35.0-4+b3".to_owned(), architecture: "amd64".to_owned() }
}

fn deb(filename: &str, tree: Option<TreeId>) -> Deb {
    let (suite, filename) = ("bookworm".to_owned(), filename.to_owned());
    let source = DebSource { name: "busybox".to_owned(), version: "1:1.35.0-4".to_owned() };
    Deb { source, suite, filename, size: 928_188, sha256: sha256(3), tree }
}

fn file(tree: Option<TreeId>) -> FilePin {
    let (source, name) = (SourceId::from_bytes([18; 32]), "hello-1.0.tar.gz".to_owned());
    FilePin { source, name, size: 725_946, sha256: sha256(19), commit: None, tree }
}

fn commit(digit: &str) -> FilePin {
    let (source, name) = (SourceId::from_bytes([20; 32]), format!("main-{}.tar", digit.repeat(12)));
    let commit = Some(digit.repeat(40).parse().expect("because it is one"));
    FilePin { source, name, size: 10_240, sha256: sha256(21), commit, tree: None }
}

fn debian_source(tree: Option<TreeId>) -> DebianSource {
    let file = |part: &str, name: &str, size, tree| {
        let part = part.parse().unwrap();
        SourceFile { part, name: name.to_owned(), size, sha256: sha256(17), tree }
    };
    DebianSource {
        name: "zlib".to_owned(),
        version: "1:1.2.13.dfsg-1".to_owned(),
        suite: "bookworm".to_owned(),
        directory: "pool/main/z/zlib".to_owned(),
        files: vec![
            file("dsc", "zlib_1.2.13.dfsg-1.dsc", 2458, None),
            file("orig", "zlib_1.2.13.dfsg.orig.tar.bz2", 368_880, tree),
            file("orig-test-data", "zlib_1.2.13.dfsg.orig-test-data.tar.gz", 10, None),
            file("debian", "zlib_1.2.13.dfsg-1.debian.tar.xz", 18_476, tree),
        ],
    }
}

fn image(tree: Option<TreeId>) -> ImagePin {
    let document = |size, digit| Document { size, sha256: sha256(digit) };
    ImagePin {
        index: Some(sha256(22)),
        manifest: document(1234, 23),
        config: document(5678, 24),
        settings: ImageSettings {
            command: vec!["/entrypoint".to_owned(), "daemon off;".to_owned()],
            env: BTreeMap::from([("NGINX_VERSION".to_owned(), "1.27".to_owned())]),
            cwd: Some("/srv".to_owned()),
            user: Some("nginx".to_owned()),
            label: None,
        },
        owner: Some(Owner { uid: 101, gid: 102 }),
        layers: vec![
            LayerPin { size: 3_000_000, sha256: sha256(25), diff_id: sha256(27), tree },
            LayerPin { size: 100, sha256: sha256(26), diff_id: sha256(26), tree: None },
        ],
    }
}

fn sample() -> Lockfile {
    let container = ContainerPin {
        platform: "linux/amd64".to_owned(),
        base: Base::Package(name("busybox")),
        recipe: DerivationId::from_bytes([10; 32]),
        manifest: sha256(11),
        config: sha256(12),
        layers: vec![sha256(13), sha256(14)],
    };
    let step = Step { derivation: DerivationId::from_bytes([8; 32]), tree: TreeId::from_bytes([9; 32]) };
    let output = Output {
        format: Format::Tar,
        size: 10_240,
        sha256: sha256(15),
        blake3: BlobId::from_bytes([16; 32]),
    };
    let tree = Some(TreeId::from_bytes([4; 32]));
    let suite =
        Suite { date: 1_767_225_600, in_release: sha256(2), signed_by: vec!["A".repeat(40), "B".repeat(40)] };
    Lockfile {
        epoch: 0,
        subject: Subject::Image(name("minimal")),
        architecture: "x86_64".to_owned(),
        source_date: 1_767_225_600,
        recipes: BTreeMap::from([
            (RecipeName::Image(name("minimal")), RecipeId::from_bytes([0; 32])),
            (RecipeName::Package(name("busybox")), RecipeId::from_bytes([1; 32])),
        ]),
        suites: BTreeMap::from([("bookworm".to_owned(), suite)]),
        debs: BTreeMap::from([
            (
                deb_key("busybox-static"),
                deb("pool/main/b/busybox/busybox-static_1.35.0-4+b3_amd64.deb", tree),
            ),
            (deb_key("libc6"), deb("pool/main/g/glibc/libc6_2.36-9_amd64.deb", None)),
        ]),
        closures: BTreeMap::from([
            ((name("busybox"), name("debian")), vec![deb_key("busybox-static")]),
            (
                (name("tools"), name("debian")),
                vec![deb_key("busybox-static"), deb_key("libc6"), deb_key("libc6")],
            ),
        ]),
        debian_sources: BTreeMap::from([((name("zlib"), name("debian")), debian_source(tree))]),
        crates: BTreeMap::from([
            (("libc".to_owned(), "0.2.177".to_owned()), Crate { sha256: sha256(5), tree: None }),
            (("rustix".to_owned(), "1.1.6".to_owned()), Crate { sha256: sha256(6), tree }),
        ]),
        files: BTreeMap::from([
            ((name("hello"), name("upstream")), file(tree)),
            ((name("web"), name("main")), commit("a")),
        ]),
        images: BTreeMap::from([("nginx:1.27".parse().expect("because it is one"), image(tree))]),
        locals: BTreeMap::from([(
            (RecipeName::Package(name("init")), "src".to_owned()),
            TreeId::from_bytes([7; 32]),
        )]),
        steps: BTreeMap::from([("package busybox".to_owned(), step)]),
        containers: BTreeMap::from([(name("shell"), container)]),
        outputs: BTreeMap::from([("minimal.tar".to_owned(), output)]),
        advisories: None,
    }
}

#[test]
fn the_text_is_pleasant_to_review() {
    insta::assert_snapshot!(sample().to_text(), @r#"
    # Everything that decides the bytes of the image `minimal`, and what came out.
    #
    # Written by `kit lock`; not to be edited by hand. To change it, edit the recipes and run
    # `kit lock minimal`. To take newer Debian packages, run `kit lock --update`.
    # After a merge conflict, keep either side and run `kit lock minimal`.
    version = 1
    subject = "image minimal"
    epoch = 0
    architecture = "x86_64"
    source-date = 2026-01-01T00:00:00Z

    # The digest of all that is pinned below, and of the lines above. Images carry it.
    pin = "92ff3e5f8c84d22a3222d7bbf30506b1eca0577e59cdd5f2c8b56b8c2f21243f"

    # What each recipe that takes part means. A difference is a stale lockfile.
    [recipes]
    "image minimal" = "0000000000000000000000000000000000000000000000000000000000000000"
    "package busybox" = "0101010101010101010101010101010101010101010101010101010101010101"

    # Debian suites as they were signed. Each package below is proved by one of them.
    [suites.bookworm]
    date = 2026-01-01T00:00:00Z
    in-release = "0202020202020202020202020202020202020202020202020202020202020202"
    signed-by = ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"]

    # Debian packages. `path` is the place in the archive, on any mirror.
    [debian]
    debs = [
      { name = "busybox-static", version = "1:1.35.0-4+b3", arch = "amd64", source = "busybox 1:1.35.0-4", suite = "bookworm", size = 928188, sha256 = "0303030303030303030303030303030303030303030303030303030303030303", path = "pool/main/b/busybox/busybox-static_1.35.0-4+b3_amd64.deb", tree = "0404040404040404040404040404040404040404040404040404040404040404" },
      { name = "libc6", version = "1:1.35.0-4+b3", arch = "amd64", source = "busybox 1:1.35.0-4", suite = "bookworm", size = 928188, sha256 = "0303030303030303030303030303030303030303030303030303030303030303", path = "pool/main/g/glibc/libc6_2.36-9_amd64.deb" },
    ]

    # Which Debian packages each source of each package resolved to.
    [closures]
    "busybox/debian" = ["busybox-static 1:1.35.0-4+b3 amd64"]
    "tools/debian" = [
      "busybox-static 1:1.35.0-4+b3 amd64",
      "libc6 1:1.35.0-4+b3 amd64",
      "libc6 1:1.35.0-4+b3 amd64",
    ]

    # Debian source packages. `path` is the directory in the archive, on any mirror.
    [debian-sources."zlib/debian"]
    name = "zlib"
    version = "1:1.2.13.dfsg-1"
    suite = "bookworm"
    path = "pool/main/z/zlib"
    files = [
      { part = "dsc", name = "zlib_1.2.13.dfsg-1.dsc", size = 2458, sha256 = "1111111111111111111111111111111111111111111111111111111111111111" },
      { part = "orig", name = "zlib_1.2.13.dfsg.orig.tar.bz2", size = 368880, sha256 = "1111111111111111111111111111111111111111111111111111111111111111", tree = "0404040404040404040404040404040404040404040404040404040404040404" },
      { part = "orig-test-data", name = "zlib_1.2.13.dfsg.orig-test-data.tar.gz", size = 10, sha256 = "1111111111111111111111111111111111111111111111111111111111111111" },
      { part = "debian", name = "zlib_1.2.13.dfsg-1.debian.tar.xz", size = 18476, sha256 = "1111111111111111111111111111111111111111111111111111111111111111", tree = "0404040404040404040404040404040404040404040404040404040404040404" },
    ]

    # Crates of the registry.
    [crates]
    "libc 0.2.177" = { sha256 = "0505050505050505050505050505050505050505050505050505050505050505" }
    "rustix 1.1.6" = { sha256 = "0606060606060606060606060606060606060606060606060606060606060606", tree = "0404040404040404040404040404040404040404040404040404040404040404" }

    # Files and commits that recipes name by address, by what is in them: any place may serve them.
    [files]
    "hello/upstream" = { source = "1212121212121212121212121212121212121212121212121212121212121212", name = "hello-1.0.tar.gz", size = 725946, sha256 = "1313131313131313131313131313131313131313131313131313131313131313", tree = "0404040404040404040404040404040404040404040404040404040404040404" }
    "web/main" = { source = "1414141414141414141414141414141414141414141414141414141414141414", name = "main-aaaaaaaaaaaa.tar", size = 10240, sha256 = "1515151515151515151515151515151515151515151515151515151515151515", commit = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" }

    # Images that others made, for this architecture, and how each says that it is run.
    [images."docker.io/library/nginx:1.27"]
    index = "1616161616161616161616161616161616161616161616161616161616161616"
    manifest = { size = 1234, sha256 = "1717171717171717171717171717171717171717171717171717171717171717" }
    config = { size = 5678, sha256 = "1818181818181818181818181818181818181818181818181818181818181818" }
    command = ["/entrypoint", "daemon off;"]
    env = { NGINX_VERSION = "1.27" }
    cwd = "/srv"
    user = "nginx"
    owner = { uid = 101, gid = 102 }
    layers = [
      { size = 3000000, sha256 = "1919191919191919191919191919191919191919191919191919191919191919", diff-id = "1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b1b", tree = "0404040404040404040404040404040404040404040404040404040404040404" },
      { size = 100, sha256 = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a", diff-id = "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a" },
    ]

    # Files of the project that recipes use, by the digest of their tree.
    [locals]
    "package init/src" = "0707070707070707070707070707070707070707070707070707070707070707"

    # Results from here on: not pinned, but compared with.
    # Steps: what was asked, and the tree that came out.
    [steps]
    "package busybox" = { derivation = "0808080808080808080808080808080808080808080808080808080808080808", tree = "0909090909090909090909090909090909090909090909090909090909090909" }

    # Containers as OCI images.
    [containers.shell]
    platform = "linux/amd64"
    package = "busybox"
    recipe = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
    manifest = "sha256:0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
    config = "sha256:0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
    layers = [
      "sha256:0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d0d",
      "sha256:0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e",
    ]

    # The files that `kit build` writes.
    [outputs]
    "minimal.tar" = { format = "tar", size = 10240, sha256 = "0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f", blake3 = "1010101010101010101010101010101010101010101010101010101010101010" }
    "#);
}

#[test]
fn comes_back_as_it_was() {
    assert_eq!(Lockfile::parse(&sample().to_text()), Ok(sample()));
    let empty = Lockfile {
        advisories: Some(Advisories { sha256: sha256(24), date: 1_793_577_600 }),
        ..Lockfile::new(0, Subject::Tools, 1_767_225_600)
    };
    assert_eq!(Lockfile::parse(&empty.to_text()), Ok(empty));
}

/// To change the vector: raise the version in `Encoder::new("pins", …)` when the meaning of the encoding changes, then
/// copy what this prints. Every image built before carries the old one.
#[test]
fn the_pin_is_stable() {
    let tools = Lockfile { subject: Subject::Tools, ..sample() };
    insta::assert_snapshot!(format!("{}\n{}", sample().pin_id(), tools.pin_id()), @r#"
    92ff3e5f8c84d22a3222d7bbf30506b1eca0577e59cdd5f2c8b56b8c2f21243f
    7d33f1f13783e0fc5c13d6db073381d53437814780529beaf8ab9bbfb1f6ee74
    "#);
}

#[test]
fn every_pin_counts_and_no_result_does() {
    let pin = sample().pin_id();
    let pins: [fn(&mut Lockfile); 52] = [
        |l| l.epoch = 1,
        |l| l.subject = Subject::Tools,
        |l| l.subject = Subject::Image(name("other")),
        |l| l.architecture = "aarch64".to_owned(),
        |l| l.source_date += 1,
        |l| _ = l.recipes.pop_first(),
        |l| *l.recipes.first_entry().unwrap().get_mut() = RecipeId::from_bytes([99; 32]),
        |l| l.suites.get_mut("bookworm").unwrap().date += 1,
        |l| l.suites.get_mut("bookworm").unwrap().in_release = sha256(99),
        |l| _ = l.suites.get_mut("bookworm").unwrap().signed_by.pop(),
        |l| _ = l.debs.pop_first(),
        |l| l.debs.first_entry().unwrap().get_mut().suite = "trixie".to_owned(),
        |l| l.debs.first_entry().unwrap().get_mut().filename = "pool/x".to_owned(),
        |l| l.debs.first_entry().unwrap().get_mut().size += 1,
        |l| l.debs.first_entry().unwrap().get_mut().sha256 = sha256(99),
        |l| _ = l.closures.pop_first(),
        |l| l.closures.first_entry().unwrap().get_mut()[0].version = "2".to_owned(),
        |l| l.closures.first_entry().unwrap().get_mut()[0].architecture = "all".to_owned(),
        |l| _ = l.debian_sources.pop_first(),
        |l| l.debian_sources.first_entry().unwrap().get_mut().version = "2".to_owned(),
        |l| l.debian_sources.first_entry().unwrap().get_mut().suite = "trixie".to_owned(),
        |l| l.debian_sources.first_entry().unwrap().get_mut().directory = "pool/z".to_owned(),
        |l| _ = l.debian_sources.first_entry().unwrap().get_mut().files.pop(),
        |l| l.debian_sources.first_entry().unwrap().get_mut().files[1].part = SourcePart::Debian,
        |l| l.debian_sources.first_entry().unwrap().get_mut().files[1].size = 1,
        |l| l.debian_sources.first_entry().unwrap().get_mut().files[1].sha256 = sha256(99),
        |l| _ = l.crates.pop_first(),
        |l| l.crates.first_entry().unwrap().get_mut().sha256 = sha256(99),
        |l| _ = l.files.pop_first(),
        |l| _ = l.files.pop_last(),
        |l| l.files.last_entry().unwrap().get_mut().commit = commit("b").commit,
        |l| l.files.last_entry().unwrap().get_mut().commit = None,
        |l| l.files.first_entry().unwrap().get_mut().source = SourceId::from_bytes([99; 32]),
        |l| l.files.first_entry().unwrap().get_mut().name = "hello-1.1.tar.gz".to_owned(),
        |l| l.files.first_entry().unwrap().get_mut().size += 1,
        |l| l.files.first_entry().unwrap().get_mut().sha256 = sha256(99),
        |l| _ = l.images.pop_first(),
        |l| l.images.first_entry().unwrap().get_mut().index = None,
        |l| l.images.first_entry().unwrap().get_mut().manifest.size = 1,
        |l| l.images.first_entry().unwrap().get_mut().manifest.sha256 = sha256(99),
        |l| l.images.first_entry().unwrap().get_mut().config.sha256 = sha256(99),
        |l| l.images.first_entry().unwrap().get_mut().settings.command.swap(0, 1),
        |l| l.images.first_entry().unwrap().get_mut().settings.env.clear(),
        |l| l.images.first_entry().unwrap().get_mut().settings.cwd = None,
        |l| l.images.first_entry().unwrap().get_mut().settings.user = Some("0".to_owned()),
        |l| l.images.first_entry().unwrap().get_mut().owner = None,
        |l| l.images.first_entry().unwrap().get_mut().owner = Some(Owner { uid: 101, gid: 101 }),
        |l| l.images.first_entry().unwrap().get_mut().layers.swap(0, 1),
        |l| l.images.first_entry().unwrap().get_mut().layers[1].size = 1,
        |l| l.images.first_entry().unwrap().get_mut().layers[1].diff_id = sha256(99),
        |l| _ = l.locals.pop_first(),
        |l| *l.locals.first_entry().unwrap().get_mut() = TreeId::from_bytes([99; 32]),
    ];
    let mut seen = std::collections::BTreeSet::from([pin]);
    for (at, change) in pins.into_iter().enumerate() {
        let mut lockfile = sample();
        change(&mut lockfile);
        assert!(seen.insert(lockfile.pin_id()), "change {at} doesn't count");
    }
    let mut results = sample();
    results.debs.values_mut().for_each(|deb| deb.tree = None);
    let files = results.debian_sources.values_mut().flat_map(|source| &mut source.files);
    files.for_each(|file| file.tree = None);
    results.crates.values_mut().for_each(|one| one.tree = None);
    results.files.values_mut().for_each(|file| file.tree = None);
    results.images.values_mut().flat_map(|image| &mut image.layers).for_each(|layer| layer.tree = None);
    results.steps.clear();
    results.containers.clear();
    results.outputs.clear();
    assert_eq!(results.pin_id(), pin);
}

#[test]
fn an_edited_pin_is_noticed() {
    let text = sample().to_text();
    for (from, to) in [
        ("size = 928188", "size = 928189"),
        ("epoch = 0", "epoch = 1"),
        ("+b3_amd64.deb", "+b4_amd64.deb"),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
        ("\"libc 0.2.177\"", "\"libc 0.2.178\""),
    ] {
        assert!(text.contains(from), "{from}");
        let problems = Lockfile::parse(&text.replacen(from, to, 1)).unwrap_err();
        let codes: Vec<_> = problems.iter().map(crate::problem::Problem::code).collect();
        assert_eq!(codes, ["kit::lock::edited"], "{from}");
        let edited = Lockfile::parse_edited(&text.replacen(from, to, 1)).unwrap();
        assert_ne!(edited.to_text(), text);
    }
    let comment = text.replace("# Containers as OCI images.", "# Reviewed by two people.");
    assert_eq!(Lockfile::parse(&comment), Ok(sample()));
}

#[test]
fn a_merge_conflict_is_one_problem() {
    let text = sample().to_text().replace("[crates]", "<<<<<<< ours\n[crates]\n=======\n>>>>>>> theirs");
    let problems = Lockfile::parse(&text).unwrap_err();
    assert_eq!(problems.iter().map(|p| &p.fault).collect::<Vec<_>>(), [&Fault::ConflictMarker]);
}

prop_compose! {
    fn any_name()(text in "[a-z0-9][a-z0-9._+-]{0,12}") -> Name {
        name(&text)
    }
}

prop_compose! {
    fn any_lockfile()(
        names in prop::collection::vec(any_name(), 1..5),
        words in prop::collection::vec("[!-~]{1,20}", 1..5),
        texts in prop::collection::vec("\\PC{1,20}", 1..5),
        numbers in prop::collection::vec(any::<u64>(), 4),
        date in 0u64..253_402_300_800,
        trees in any::<bool>(),
    ) -> Lockfile {
        let tree = trees.then(|| TreeId::from_bytes([numbers[0].to_le_bytes()[0]; 32]));
        let mut lockfile = Lockfile { epoch: numbers[0], source_date: date, ..sample() };
        for (word, text) in words.iter().zip(&texts) {
            let suite = Suite { date, in_release: sha256(1), signed_by: texts.clone() };
            lockfile.suites.insert(text.clone(), suite);
            let key = DebKey { name: word.clone(), ..deb_key("") };
            let source = DebSource { name: word.clone(), version: "1".to_owned() };
            let deb = Deb { source, suite: text.clone(), filename: text.clone(), size: numbers[1], sha256: sha256(2), tree };
            lockfile.debs.insert(key.clone(), deb);
            let step = Step { derivation: DerivationId::from_bytes([1; 32]), tree: TreeId::from_bytes([2; 32]) };
            lockfile.steps.insert(text.clone(), step);
            lockfile.crates.insert((word.clone(), word.clone()), Crate { sha256: sha256(3), tree });
            for name in &names {
                lockfile.recipes.insert(RecipeName::Image(name.clone()), RecipeId::from_bytes([3; 32]));
                lockfile.locals.insert((RecipeName::Package(name.clone()), text.clone()), TreeId::from_bytes([2; 32]));
                lockfile.closures.entry((name.clone(), name.clone())).or_default().push(key.clone());
            }
        }
        lockfile
    }
}

proptest! {
    #[test]
    fn every_lockfile_comes_back(lockfile in any_lockfile()) {
        let text = lockfile.to_text();
        let back = Lockfile::parse(&text);
        prop_assert_eq!(back.as_ref(), Ok(&lockfile), "{}", text);
        prop_assert_eq!(back.unwrap().to_text(), text);
    }
}
