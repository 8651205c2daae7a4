use std::collections::BTreeMap;

use kit_hash::Sha256;
use kit_recipe::lockfile::{Lockfile, Subject};
use kit_recipe::recipe::RecipeName;

use super::*;
use crate::planner::tests::{Texts, name, package};
use crate::{Plan, PlanError, PlanInputs, RecipeSet, plan};

fn texts(source: &str) -> Texts {
    let image = "[image]\nname = \"demo\"\nformats = [\"tar\"]\n[init]\npackages = [\"app\"]\n";
    let app = format!("[package]\nname = \"app\"\n[sources.debian]\nsuite = \"bookworm\"\n{source}\n");
    let patch = "[package]\nname = \"patch\"\n[[file]]\npath = \"/usr/bin/patch\"\ncontents = \"x\"\n";
    Texts(BTreeMap::from([
        (RecipeName::Image(name("demo")), image.to_owned()),
        (package("app"), app),
        (package("patch"), patch.to_owned()),
    ]))
}

fn source(files: &[(&str, &str)]) -> DebianSource {
    let file = |(part, name): &(&str, &str)| SourceFile {
        part: part.parse().unwrap(),
        name: (*name).to_owned(),
        size: 5,
        sha256: Sha256::of(name.as_bytes()),
        tree: None,
    };
    DebianSource {
        name: "app".to_owned(),
        version: "1:1.0-1".to_owned(),
        suite: "bookworm".to_owned(),
        directory: "pool/main/a/app".to_owned(),
        files: files.iter().map(file).collect(),
    }
}

fn plan_of(texts: &Texts, pinned: Option<DebianSource>) -> Result<Plan, Vec<PlanError>> {
    let recipes = RecipeSet::load(&RecipeName::Image(name("demo")), texts)?;
    let sources = pinned.map(|pinned| ((name("app"), name("debian")), pinned));
    let lock = Lockfile {
        debian_sources: sources.into_iter().collect(),
        ..Lockfile::new(0, Subject::Image(name("demo")), 7)
    };
    let (locals, crates) = (BTreeMap::new(), BTreeMap::new());
    plan(PlanInputs { recipes: &recipes, lock: &lock, locals: &locals, crates: &crates, formats: &[] })
}

/// Returns the step that puts the sources together.
fn extraction(plan: &Plan) -> &Run {
    let step = plan.derivations().iter().find(|step| step.title() == "source app/debian").unwrap();
    match step.action() {
        Action::Run(run) => run,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_archive_is_unpacked_and_one_step_puts_them_together() {
    let pinned = source(&[
        ("dsc", "app_1.0-1.dsc"),
        ("orig", "app_1.0.orig.tar.xz"),
        ("orig-data", "app_1.0.orig-data.tar.gz"),
        ("orig-more", "app_1.0.orig-more.tar.gz"),
        ("debian", "app_1.0-1.debian.tar.xz"),
    ]);
    let plan = plan_of(&texts("source = \"app\""), Some(pinned.clone())).unwrap();
    let run = extraction(&plan);
    let names: Vec<_> = run.sources.keys().map(String::as_str).collect();
    assert_eq!(names, ["debian", "orig", "orig-data", "orig-more"]);
    assert_eq!((run.env["COMPONENTS"].as_str(), run.env["PATCHES"].as_str()), ("data more", "applied"));
    let fetched: Vec<_> = plan
        .derivations()
        .iter()
        .filter_map(|step| match step.action() {
            Action::Fetch(fetch) => Some(&fetch.origin),
            _ => None,
        })
        .collect();
    let place = |file: &str| Origin::Debian {
        suite: "bookworm".to_owned(),
        filename: format!("pool/main/a/app/{file}"),
        date: 0,
    };
    assert_eq!(fetched.len(), 4);
    assert!(fetched.contains(&&place("app_1.0.orig-data.tar.gz")));
    assert_eq!(plan.source_archives.len(), 4);
    assert!(plan.packages.contains_key(&name("patch")));

    let left = plan_of(&texts("source = \"app\"\npatches = false"), Some(pinned)).unwrap();
    assert_eq!(extraction(&left).env["PATCHES"], "left out");
}

#[test]
fn a_difference_is_given_as_it_is() {
    let pinned =
        source(&[("dsc", "app_1.0-1.dsc"), ("orig", "app_1.0.orig.tar.gz"), ("diff", "app_1.0-1.diff.gz")]);
    let plan = plan_of(&texts("source = \"app\""), Some(pinned)).unwrap();
    let Input::Derivation(id) = extraction(&plan).sources["diff"] else { panic!("it is no tree") };
    assert!(matches!(plan.get(&id).unwrap().action(), Action::Fetch(_)));
    assert_eq!(plan.source_archives.len(), 1);
}

#[test]
fn what_is_missing_is_named() {
    let problems = plan_of(&texts("source = \"app\""), None).unwrap_err();
    assert!(
        matches!(problems.as_slice(), [PlanError::Unpinned { what }] if what == "the source `debian` of package app")
    );
    let mut texts = texts("source = \"app\"");
    texts.0.remove(&package("patch"));
    let problems = plan_of(&texts, None).unwrap_err();
    let unknown = problems.iter().all(|problem| matches!(problem, PlanError::Unknown { used: Some(_), .. }));
    assert!(unknown, "{problems:?}");
}
