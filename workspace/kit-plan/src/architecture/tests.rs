use super::*;
use crate::planner::tests::{Texts, name, package, problems, texts, texts_with_build};

/// Adds a line to the head of a recipe.
fn with(texts: &mut Texts, recipe: &RecipeName, line: &str) {
    let text = texts.0.get_mut(recipe).unwrap();
    let (head, rest) = text.split_once("\nname").unwrap();
    *text = format!("{head}\n{line}\nname{rest}");
}

fn image() -> RecipeName {
    RecipeName::Image(name("demo"))
}

const ARM64: &str = "architecture = \"arm64\"";

#[test]
fn a_package_for_other_processors_is_shown_with_the_image() {
    let mut texts = texts();
    with(&mut texts, &image(), ARM64);
    let problems = problems(&texts);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.code(), "kit::plan::other_architecture");
    assert_eq!(problem.to_string(), "the package `busybox` is for amd64, and the image for arm64");
    let labels = problem.labels();
    let shown: Vec<_> =
        labels.iter().map(|(place, label)| (&place.text[place.span.clone()], label.as_str())).collect();
    assert_eq!(shown, [("\"busybox\"", "goes into the image"), ("\"arm64\"", "for arm64")]);
}

#[test]
fn what_a_script_builds_is_for_what_its_package_says() {
    let mut texts = texts_with_build();
    with(&mut texts, &package("base"), ARM64);
    let codes: Vec<_> =
        problems(&texts).iter().map(|problem| (problem.code(), problem.help().unwrap())).collect();
    let found = codes.iter().find(|(code, _)| *code == "kit::plan::other_architecture");
    assert!(found.is_some_and(|(_, help)| help.contains("Debian's binaries for amd64")), "{codes:?}");
}

#[test]
fn tools_are_for_what_scripts_run_on() {
    let mut texts = texts_with_build();
    with(&mut texts, &package("busybox"), ARM64);
    let problems = problems(&texts);
    let found = problems.iter().find(|problem| problem.code() == "kit::plan::foreign_tool").unwrap();
    assert_eq!(found.to_string(), "the package `busybox` is for arm64, and scripts run on amd64");
    assert_eq!(found.labels().len(), 2);
}

#[test]
fn formats_are_for_some_processors_only() {
    let mut texts = texts();
    let recipe = texts.0.get_mut(&image()).unwrap();
    *recipe = recipe.replace("\"tar\", \"oci\"", "\"rpi\"") + "[kernel]\npackage = \"base\"\n";
    let firmware = "[package]\nname = \"raspi-firmware\"\n[[file]]\npath = \"/x\"\ncontents = \"\"\n";
    texts.0.insert(package("raspi-firmware"), firmware.to_owned());
    let problems = problems(&texts);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.to_string(), "the format `rpi` is for arm64, and the image for amd64");
}

#[test]
fn an_image_is_for_what_it_extends() {
    let mut texts = texts();
    with(&mut texts, &image(), ARM64);
    let own = "[image]\nname = \"own\"\nextends = [\"demo\"]\n";
    let recipe = RecipeName::Image(name("own"));
    texts.0.insert(recipe.clone(), own.to_owned());
    let set = RecipeSet::load(&recipe, &texts).unwrap();
    assert_eq!(of_subject(&set, &Subject::Image(name("own"))), Architecture::Arm64);
    let set = RecipeSet::load(&image(), &self::texts()).unwrap();
    assert_eq!(of_subject(&set, &Subject::Image(name("demo"))), Architecture::USUAL);
}
