use super::*;
use crate::planner::tests::{Texts, name, texts};

fn load(own: &str) -> (RecipeSet, Texts) {
    let mut texts = texts();
    texts.0.insert(RecipeName::Image(name("own")), own.to_owned());
    (RecipeSet::load(&RecipeName::Image(name("own")), &texts).unwrap(), texts)
}

fn containers(evaluated: &Evaluated) -> Vec<(String, RecipeName)> {
    evaluated.all().map(|w| (w.service.name.to_string(), w.recipe.clone())).collect()
}

const HEAD: &str = "[image]\nname = \"own\"\nformats = [\"tar\"]\nextends = [\"demo\"]\n";
const WEB: &str = "[[service]]\nname = \"web\"\npackage = \"base\"\ncommand = [\"/x\"]\n";

#[test]
fn parts_of_extended_images_come_first() {
    let own = format!("{HEAD}[init]\npackages = [\"busybox\"]\n{}", WEB.replace("web", "log"));
    let (set, _) = load(&own);
    let evaluated = evaluate(&set, &name("own")).unwrap();
    let init: Vec<_> = evaluated.image.init.iter().map(|n| n.to_string()).collect();
    assert_eq!(init, ["base", "busybox"]);
    assert_eq!(evaluated.image.name.as_str(), "own");
    let image = |text| RecipeName::Image(name(text));
    assert_eq!(containers(&evaluated), [("web".into(), image("demo")), ("log".into(), image("own"))]);
}

#[test]
fn a_container_of_the_same_name_must_say_that_it_replaces() {
    let (set, _) = load(&format!("{HEAD}{WEB}"));
    let problems = evaluate(&set, &name("own")).unwrap_err();
    assert_eq!(problems[0].code(), "kit::plan::duplicate_container");
    assert_eq!(problems[0].labels().len(), 2);
    let (set, _) = load(&format!("{HEAD}{WEB}replace = true\n"));
    let evaluated = evaluate(&set, &name("own")).unwrap();
    assert_eq!(containers(&evaluated), [("web".into(), RecipeName::Image(name("own")))]);
}

#[test]
fn containers_are_removed_by_name() {
    let (set, _) = load(&format!("{HEAD}remove = [\"web\"]\n"));
    assert_eq!(containers(&evaluate(&set, &name("own")).unwrap()), []);
    let (set, _) = load(&format!("{HEAD}remove = [\"wob\"]\n"));
    assert_eq!(evaluate(&set, &name("own")).unwrap_err()[0].code(), "kit::plan::nothing_to_replace");
}
