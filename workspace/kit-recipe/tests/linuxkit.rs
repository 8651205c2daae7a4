//! LinuxKit's YAML and what it becomes.
//!
//! Each `NAME.yml` of `tests/linuxkit/` (or all files of a directory there, in order, as one system) stands beside
//! `NAME.expected`: the recipes and notes, or the problems, that it has. `KIT_REWRITE=1 cargo test -p kit-recipe --test linuxkit`
//! writes those anew. Every recipe has to pass kit's own parser.
#![expect(clippy::disallowed_methods, reason = "the fixtures are read and rewritten in place")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;
use std::path::{Path, PathBuf};

use kit_recipe::linuxkit::build::Digests;
use kit_recipe::linuxkit::{
    self, Base, Fault, FileProblems, Given, Import, Source, SourceFile, Surroundings,
};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Problems, Recipe};

const TAKES: &str = "a string takes everything";
const READ: &str = "the fixtures can be read";

/// Stands for what the command line finds: packages are in directories called `…-package`, all others are published; files
/// are there unless they are called `missing…`.
fn given(files: &[SourceFile]) -> Given {
    let wanted = linuxkit::wanted(files).unwrap_or_default();
    let package = |(path, _): (&String, &usize)| {
        let name = path.rsplit('/').next().unwrap_or_default();
        // A change of a fixture can make a name of it that no package has.
        let base = if let (true, Ok(package)) = (name.ends_with("-package"), name.parse()) {
            Ok(Base::Package(package))
        } else if name.starts_with("missing") {
            Err("there is no `build.yml`".to_owned())
        } else {
            Ok(Base::Image(format!("example/{name}:0123456789abcdef0123456789abcdef01234567")))
        };
        (path.clone(), base)
    };
    let source = |path: &String| {
        let found = if path.starts_with("missing") {
            Source::Missing("there is no such file".to_owned())
        } else if path.starts_with('~') {
            Source::Text(format!("what is in {path}\n"))
        } else if path.starts_with("/dev") {
            Source::Refused("it is something else than a file".to_owned())
        } else {
            Source::Project(format!("files/{}", path.trim_start_matches(['.', '/', '~'])))
        };
        (path.clone(), found)
    };
    Given {
        packages: wanted.packages.iter().map(package).collect(),
        sources: wanted.sources.iter().map(source).collect(),
    }
}

fn place(text: &str, span: &Range<usize>) -> String {
    let point = |at: usize| {
        let before = text.get(..at).expect("a span is inside its text, between characters");
        let line = before.matches('\n').count() + 1;
        format!("{line}:{}", before.rsplit('\n').next().unwrap_or_default().chars().count() + 1)
    };
    format!("{}-{}", point(span.start), point(span.end))
}

fn shown(problems: &Problems, file: &SourceFile, text: &mut String) {
    for problem in problems {
        let labels = problem.labels();
        let (primary, others) = labels.split_first().expect("a problem has a label");
        let (code, at) = (problem.code(), place(&file.text, &primary.0));
        writeln!(text, "error[{code}] {}:{at} {}", file.name, problem.message()).expect(TAKES);
        writeln!(text, "  label: {}", primary.1).expect(TAKES);
        for (span, label) in others {
            writeln!(text, "  also {}: {label}", place(&file.text, span)).expect(TAKES);
        }
        writeln!(text, "  help: {}", problem.help().expect("a problem has a help")).expect(TAKES);
    }
}

/// Returns what a fixture should stand beside; recipes that kit can't read are an error.
fn outcome(name: &str, files: &[SourceFile]) -> String {
    let mut text = String::new();
    let import = linuxkit::import(&linuxkit::image_name(name), files, &given(files));
    told(import, name, files, &mut text);
    text
}

fn told(import: Result<Import, FileProblems>, name: &str, files: &[SourceFile], text: &mut String) {
    match import {
        Err(found) => {
            for (file, problems) in &found {
                shown(problems, &files[*file], text);
            }
        }
        Ok(import) => {
            for written in &import.recipes {
                writeln!(text, "==== {} ====\n{}", written.recipe, written.text).expect(TAKES);
                if let Err(problems) = Recipe::parse(&written.recipe, &written.text) {
                    let lines: Vec<_> = problems
                        .iter()
                        .map(|problem| format!("{} {}", place(&written.text, &problem.at), problem.message()))
                        .collect();
                    panic!(
                        "{name}: {} is no recipe:\n{}\n{}",
                        written.recipe,
                        lines.join("\n"),
                        written.text
                    );
                }
            }
            for note in &import.notes {
                let file = &files[note.file].name;
                writeln!(text, "{file}:{} {}: {}", note.line, note.fate, note.text).expect(TAKES);
            }
        }
    }
}

fn read(path: &Path) -> SourceFile {
    let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
    SourceFile { name, text: std::fs::read_to_string(path).expect(READ) }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect(READ).map(|entry| entry.expect(READ).path()).collect();
    paths.sort();
    paths
}

/// Returns every fixture: its name, its files, and where its outcome stands.
fn fixtures() -> Vec<(String, Vec<SourceFile>, PathBuf)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/linuxkit");
    let is_yaml = |path: &Path| path.extension().is_some_and(|extension| extension == "yml");
    entries(&folder)
        .into_iter()
        .filter(|path| path.is_dir() || is_yaml(path))
        .map(|path| {
            let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
            let files = if path.is_dir() {
                entries(&path).iter().map(|path| read(path)).collect()
            } else {
                vec![read(&path)]
            };
            (name, files, path.with_extension("expected"))
        })
        .collect()
}

#[test]
fn every_fixture_becomes_what_stands_beside_it() {
    let rewrite = std::env::var_os("KIT_REWRITE").is_some();
    let mut wrong = String::new();
    for (name, files, expected) in fixtures() {
        let outcome = outcome(&name, &files);
        if rewrite {
            std::fs::write(&expected, &outcome).unwrap();
        } else if std::fs::read_to_string(&expected).unwrap_or_default() != outcome {
            write!(wrong, "\n{name} becomes\n{outcome}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Returns the names of the packages and their `build.yml` with what is around it.
fn packages() -> Vec<(String, SourceFile, Surroundings)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/linuxkit-packages");
    let mut names: Vec<_> =
        std::fs::read_dir(&root).expect(READ).map(|entry| entry.expect(READ).path()).collect();
    names.sort();
    let package = |path: PathBuf| {
        let name = path.file_name().expect("a directory has a name").to_string_lossy().into_owned();
        let dockerfile = path.join("Dockerfile");
        let sources = [("../lib/go", Some("pkg/lib/go")), ("../missing", None)];
        let around = Surroundings {
            directory: (name != "outside").then(|| format!("pkg/{name}")),
            dockerfile: dockerfile.is_file().then(|| read(&dockerfile)),
            sources: sources.map(|(path, place)| (path.to_owned(), place.map(ToOwned::to_owned))).into(),
        };
        (name, read(&path.join("build.yml")), around)
    };
    names.into_iter().map(package).collect()
}

/// `KIT_REWRITE=1` writes `expected` anew, beside each `build.yml`.
#[test]
fn packages_become_recipes() {
    let mut wrong = String::new();
    for (name, file, around) in packages() {
        assert!(linuxkit::build::is_build_file(&file), "{name}");
        let files: Vec<_> = std::iter::once(file.clone()).chain(around.dockerfile.clone()).collect();
        let mut outcome = String::new();
        told(linuxkit::import_package(&file, &around), &name, &files, &mut outcome);
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/linuxkit-packages")
            .join(&name)
            .join("expected");
        if std::env::var_os("KIT_REWRITE").is_some() {
            std::fs::write(&path, &outcome).expect(READ);
        } else if std::fs::read_to_string(&path).unwrap_or_default() != outcome {
            write!(wrong, "\n{name} becomes\n{outcome}").expect(TAKES);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn published_images_are_called_as_linuxkit_calls_them() {
    let build = |text: &str| linuxkit::build::parse(&one(text)[0]).expect("it is a build.yml");
    let tree = "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33".to_owned();
    let own = Digests { directory: Some(tree.clone()), ..Digests::default() };
    let plain = build("image: tool");
    assert!(plain.needs_hash());
    assert_eq!(plain.reference(&own), format!("linuxkit/tool:{tree}"));
    assert_eq!(plain.reference(&Digests::default()), "linuxkit/tool:latest", "outside of git");
    let changed = Digests { changed: Some("0123456789abcdef".to_owned()), ..own.clone() };
    assert_eq!(plain.reference(&changed), format!("linuxkit/tool:{tree}-dirty-0123456"));
    // `printf 0beec…8a330beec…8a33 | sha1sum`
    let both = Digests { extra: vec![tree.clone()], ..own.clone() };
    assert_eq!(plain.reference(&both), "linuxkit/tool:8fb645cee0990be9b209a535199437755b2b4aa4");
    let tagged = build("image: tool\norg: team\ntag: v1-{{.Hash}}-x");
    assert_eq!(tagged.reference(&own), format!("team/tool:v1-{tree}-x"));
    let fixed = build("image: tool\ntag: v2");
    assert!(!fixed.needs_hash());
    assert_eq!(fixed.reference(&Digests::default()), "linuxkit/tool:v2");
    assert!(!linuxkit::build::is_build_file(&one("kernel: {image: x}")[0]));
    assert!(!linuxkit::build::is_build_file(&one("image: x\nservices: []")[0]));
}

#[test]
fn every_fault_has_a_fixture() {
    let problems: Vec<FileProblems> = fixtures()
        .iter()
        .filter_map(|(name, files, _)| {
            linuxkit::import(&linuxkit::image_name(name), files, &given(files)).err()
        })
        .collect();
    let shown: BTreeSet<_> = problems
        .iter()
        .flatten()
        .flat_map(|(_, problems)| problems.iter().map(|problem| problem.code().rsplit("::").next().unwrap()))
        .collect();
    // Those of labels and of sizes are tested below.
    let elsewhere = ["label", "label_names", "too_large", "too_many"];
    let missing: Vec<_> =
        Fault::SLUGS.iter().filter(|slug| !shown.contains(**slug) && !elsewhere.contains(slug)).collect();
    assert!(missing.is_empty(), "no file in tests/linuxkit shows {missing:?}");
}

#[test]
fn sentences_differ_and_end_without_a_period() {
    for (name, files, _) in fixtures() {
        let Err(found) = linuxkit::import(&linuxkit::image_name(&name), &files, &given(&files)) else {
            continue;
        };
        for problem in found.iter().flat_map(|(_, problems)| problems) {
            let mut sentences = vec![problem.message(), problem.help().unwrap_or_default()];
            sentences.extend(problem.labels().into_iter().map(|(_, label)| label));
            for sentence in &sentences {
                assert!(!sentence.is_empty() && !sentence.ends_with('.'), "{name}: {sentence}");
                assert!(!sentence.starts_with(|c: char| c.is_ascii_uppercase()), "{name}: {sentence}");
            }
            let different: BTreeSet<_> = sentences.iter().collect();
            assert_eq!(different.len(), sentences.len(), "{name}: {sentences:?}");
        }
    }
}

/// The recipe of an import is a recipe like any other: nothing of it depends on when and where it was made.
#[test]
fn the_same_files_become_the_same_recipes() {
    for (name, files, _) in fixtures() {
        assert_eq!(outcome(&name, &files), outcome(&name, &files));
    }
}

fn one(text: &str) -> Vec<SourceFile> {
    vec![SourceFile { name: "x.yml".to_owned(), text: text.to_owned() }]
}

fn codes(text: &str) -> Vec<&'static str> {
    let found = linuxkit::import(&linuxkit::image_name("x"), &one(text), &Given::default());
    let found = found.err().unwrap_or_default();
    found.iter().flat_map(|(_, problems)| problems.iter().map(kit_recipe::problem::Problem::code)).collect()
}

#[test]
fn hostile_sizes_are_refused() {
    let large = format!("init: [{}]\n", "\"a\", ".repeat(1 << 20));
    assert_eq!(codes(&large), ["kit::linuxkit::too_large"]);
    let many = format!("init: [{}]\n", "a,".repeat(300_000));
    assert_eq!(codes(&many), ["kit::linuxkit::too_many"]);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{aliases}]").unwrap();
    }
    assert_eq!(codes(&bomb), ["kit::linuxkit::too_many"]);
    for (open, close) in [("[", "]"), ("{a: ", "}")] {
        let deep = format!("init: {}{}\n", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(codes(&deep).len(), 1, "{open}");
    }
    let deep: String = (0..2000).flat_map(|depth| [" ".repeat(depth), "a:\n".to_owned()]).collect();
    assert_eq!(codes(&deep), ["kit::linuxkit::too_deep"]);
    let dashes = format!("init:\n{}a\n", "- ".repeat(50_000));
    assert_eq!(codes(&dashes), ["kit::linuxkit::too_deep"]);
}

#[test]
fn labels_are_read_as_containers() {
    let text = r#"{"binds": ["/etc/resolv.conf:/etc/resolv.conf", "/run:/run"], "capabilities": ["CAP_NET_ADMIN"], "net": "host",
        "tmpfs": ["/tmp"], "readonly": true, "runtime": {"mkdir": ["/var/lib/dhcp"]}, "uid": 100}"#;
    let label = linuxkit::label(text).unwrap();
    assert_eq!(label.net, Some(kit_recipe::container::Namespace::Host));
    assert_eq!(label.readonly, Some(true));
    let binds: Vec<_> =
        label.binds.unwrap().into_iter().map(|bind| (bind.value.destination, bind.value.options)).collect();
    let shared = vec!["rw".to_owned(), "rshared".to_owned()];
    assert_eq!(binds, [("/etc/resolv.conf".to_owned(), shared.clone()), ("/run".to_owned(), shared)]);
    assert_eq!(label.capabilities.unwrap()[0].as_str(), "CAP_NET_ADMIN");
    assert_eq!(label.runtime.unwrap().mkdir, ["/var/lib/dhcp"]);
    assert_eq!(label.command, None, "what isn't written says nothing");
    assert_eq!(linuxkit::label("{}").unwrap(), kit_recipe::Container::default());
    assert_eq!(linuxkit::label("").unwrap(), kit_recipe::Container::default());
    let code = |text| linuxkit::label(text).unwrap_err().iter().next().unwrap().code();
    assert_eq!(code(r#"{"name": "x"}"#), "kit::linuxkit::label_names");
    assert_eq!(code(r#"{"bind": []}"#), "kit::linuxkit::unknown_key");
    assert_eq!(code(r#"["net"]"#), "kit::linuxkit::wrong_type");
    assert_eq!(code(r#"{"binds": "#), "kit::linuxkit::syntax");
    assert_eq!(code(r#"{"cgroupsPath": "a:b"}"#), "kit::linuxkit::label");
}

/// Whatever is given, the answer is recipes that kit reads, or problems that point into the text.
fn check(name: &str, text: &str) -> Result<(), proptest::test_runner::TestCaseError> {
    let files = one(text);
    match linuxkit::import(&linuxkit::image_name(name), &files, &given(&files)) {
        Err(found) => {
            for problem in found.iter().flat_map(|(_, problems)| problems) {
                for (span, label) in problem.labels() {
                    proptest::prop_assert!(
                        text.get(span.clone()).is_some(),
                        "{span:?} of {text:?} for {problem:?}"
                    );
                    proptest::prop_assert!(!label.is_empty());
                }
                proptest::prop_assert!(!problem.message().is_empty());
            }
        }
        Ok(import) => {
            for written in &import.recipes {
                let read = Recipe::parse(&written.recipe, &written.text);
                proptest::prop_assert!(read.is_ok(), "{text:?} becomes {}: {:?}", written.text, read.err());
            }
            proptest::prop_assert!(import.notes.iter().all(|note| note.line > 0 && !note.text.is_empty()));
            proptest::prop_assert!(matches!(import.recipes[0].recipe, RecipeName::Image(_)));
        }
    }
    let _ = linuxkit::label(text);
    let around = Surroundings { dockerfile: Some(files[0].clone()), ..Surroundings::default() };
    let build = SourceFile { name: "build.yml".to_owned(), text: format!("image: a\n{text}") };
    for file in [&files[0], &build] {
        let _ = linuxkit::build::parse(file);
        for written in linuxkit::import_package(file, &around).iter().flat_map(|import| &import.recipes) {
            let read = Recipe::parse(&written.recipe, &written.text);
            proptest::prop_assert!(read.is_ok(), "{text:?} becomes {}: {:?}", written.text, read.err());
        }
    }
    Ok(())
}

const PIECES: [&str; 30] = [
    "-", ":", "#", "'", "\"", "[", "]", "{", "}", "&a ", "*a", "|", ">", "@", "@pkg:", "\n", "\n  ",
    "\n    - ", "\t", "\r\n", "<<: ", "!!str ", "---\n", "%TAG", "é", "\u{feff}", "\0", "~", "0755", "null",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,60}") {
        check("x", &text)?;
    }

    #[test]
    fn no_change_of_a_fixture_makes_it_panic(
        which in proptest::prelude::any::<proptest::sample::Index>(),
        changes in proptest::collection::vec(
            (proptest::prelude::any::<proptest::sample::Index>(), proptest::sample::select(&PIECES[..]), 0..12_usize),
            1..4,
        ),
    ) {
        let all = fixtures();
        let (name, files, _) = &all[which.index(all.len())];
        let mut text = files[0].text.clone();
        for (at, piece, gone) in changes {
            let places: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let from = at.index(places.len());
            let to = (from + gone).min(places.len() - 1);
            text.replace_range(places[from]..places[to], piece);
        }
        check(name, &text)?;
    }
}
