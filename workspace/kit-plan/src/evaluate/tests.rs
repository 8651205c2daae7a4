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

#[test]
fn what_was_replaced_or_removed_takes_no_part() {
    let mut texts = texts();
    let kernel =
        |name: &str| format!("[package]\nname = \"{name}\"\n[[symlink]]\npath = \"/a\"\ntarget = \"b\"\n");
    for package in ["old", "new", "module-tools", "log"] {
        texts.0.insert(RecipeName::Package(name(package)), kernel(package));
    }
    let log = WEB.replace("web", "log").replace("\"base\"", "\"log\"");
    let between =
        "[image]\nname = \"between\"\nextends = [\"demo\"]\n[kernel]\npackage = \"old\"\nmodules = [\"a\"]\n";
    let own = HEAD.replace("demo", "between") + "remove = [\"log\"]\n[kernel]\npackage = \"new\"\n";
    texts.0.insert(RecipeName::Image(name("between")), between.to_owned() + &log);
    texts.0.insert(RecipeName::Image(name("own")), own);
    let packages = |image: &str| {
        let set = RecipeSet::load(&RecipeName::Image(name(image)), &texts).unwrap();
        set.packages().map(|package| package.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(packages("between"), ["base", "busybox", "log", "module-tools", "old"]);
    assert_eq!(packages("own"), ["base", "busybox", "new"]);
}
