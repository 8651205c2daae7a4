//! Plans of small projects, from text to steps.

use kit_hash::{BlobId, Identity as _};
use kit_recipe::lockfile::{Deb, DebSource, Suite};

use super::*;
use crate::derivation::AddedEntry;
use crate::recipes::RecipeFiles;
use crate::stale::{Change, stale};

/// Recipes in memory.
pub(crate) struct Texts(pub(crate) BTreeMap<RecipeName, String>);

impl RecipeFiles for Texts {
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError> {
        Ok(self.0.get(name).cloned())
    }
    fn names(&self) -> Result<Vec<RecipeName>, PlanError> {
        Ok(self.0.keys().cloned().collect())
    }
}

pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub(crate) fn package(text: &str) -> RecipeName {
    RecipeName::Package(name(text))
}

const IMAGE: &str = "\
[image]
name = \"demo\"
formats = [\"tar\", \"oci\"]
[init]
packages = [\"base\"]
[[service]]
name = \"web\"
package = \"busybox\"
command = [\"/bin/sh\"]
";
const BASE: &str = "\
[package]
name = \"base\"
[[file]]
path = \"/init\"
contents = \"x\"
";
const BUSYBOX: &str = "\
[package]
name = \"busybox\"
[sources.debian]
suite = \"bookworm\"
packages = [\"busybox-static\"]
dependencies = \"none\"
";

pub(crate) fn texts() -> Texts {
    let image = RecipeName::Image(name("demo"));
    Texts(BTreeMap::from([
        (image, IMAGE.to_owned()),
        (package("base"), BASE.to_owned()),
        (package("busybox"), BUSYBOX.to_owned()),
    ]))
}

fn deb() -> (DebKey, Deb) {
    let key = DebKey {
        name: "busybox-static".to_owned(),
        version: "1".to_owned(),
        architecture: "amd64".to_owned(),
    };
    let deb = Deb {
        source: DebSource { name: "busybox".to_owned(), version: "1".to_owned() },
        suite: "bookworm".to_owned(),
        filename: "pool/b/busybox-static_1_amd64.deb".to_owned(),
        size: 3,
        sha256: Sha256::of(b"deb"),
        tree: None,
    };
    (key, deb)
}

fn lock(recipes: &RecipeSet) -> Lockfile {
    let (key, deb) = deb();
    let suite = Suite { date: 7, in_release: Sha256::of(b"r"), signed_by: vec!["AB".to_owned()] };
    Lockfile {
        recipes: recipes.iter().map(|(name, loaded)| (name.clone(), loaded.recipe.id())).collect(),
        suites: BTreeMap::from([("bookworm".to_owned(), suite)]),
        debs: BTreeMap::from([(key.clone(), deb)]),
        closures: BTreeMap::from([((name("busybox"), name("debian")), vec![key])]),
        ..Lockfile::new(0, Subject::Image(name("demo")), 7)
    }
}

fn plan_of(texts: &Texts, lock: impl Fn(&RecipeSet) -> Lockfile) -> Result<Plan, Vec<PlanError>> {
    let recipes = RecipeSet::load(&RecipeName::Image(name("demo")), texts)?;
    let (locals, crates) = (BTreeMap::new(), BTreeMap::new());
    plan(PlanInputs {
        recipes: &recipes,
        lock: &lock(&recipes),
        locals: &locals,
        crates: &crates,
        formats: &[],
    })
}

/// The same image, whose package `base` a script builds from a source with a tool.
pub(crate) fn texts_with_build() -> Texts {
    let mut texts = texts();
    let base = "[package]\nname = \"base\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [\"busybox-static\"]\n\
                [build]\ntools = [\"busybox\"]\nrun = '''\ntrue\n'''\n";
    texts.0.insert(package("base"), base.to_owned());
    texts
}

/// The plan of recipes, with what it was made from.
pub(crate) fn built(texts: &Texts) -> (Plan, RecipeSet, Lockfile) {
    let recipes = RecipeSet::load(&RecipeName::Image(name("demo")), texts).unwrap();
    let mut lock = lock(&recipes);
    let closure = lock.closures[&(name("busybox"), name("debian"))].clone();
    lock.closures.insert((name("base"), name("debian")), closure);
    let (locals, crates) = (BTreeMap::new(), BTreeMap::new());
    let inputs =
        PlanInputs { recipes: &recipes, lock: &lock, locals: &locals, crates: &crates, formats: &[] };
    (plan(inputs).unwrap(), recipes, lock)
}

/// What is wrong with recipes.
pub(crate) fn problems(texts: &Texts) -> Vec<PlanError> {
    plan_of(texts, lock).unwrap_err()
}

fn codes(problems: &[PlanError]) -> Vec<&'static str> {
    problems.iter().map(PlanError::code).collect()
}

#[test]
fn steps_come_after_what_they_take() {
    let plan = plan_of(&texts(), lock).unwrap();
    let titles: Vec<_> = plan.derivations().iter().map(Derivation::title).collect();
    let expected = [
        "fetch busybox-static_1_amd64.deb",
        "unpack busybox-static 1",
        "package busybox",
        "container web",
        "container image web",
        "package base",
        "root demo",
        "output demo tar",
        "output demo oci",
    ];
    assert_eq!(titles, expected);
    let mut seen = Vec::new();
    for derivation in plan.derivations() {
        for input in derivation.action().inputs() {
            assert!(matches!(input, Input::Derivation(id) if seen.contains(&id)), "{}", derivation.title());
        }
        seen.push(derivation.id());
    }
    assert_eq!(plan.closure([plan.packages[&name("busybox")]]).len(), 3);
}

#[test]
fn the_same_inputs_give_the_same_plan_and_another_pin_another_root() {
    let ids = |plan: &Plan| plan.derivations().iter().map(Derivation::id).collect::<Vec<_>>();
    let first = plan_of(&texts(), lock).unwrap();
    assert_eq!(ids(&first), ids(&plan_of(&texts(), lock).unwrap()));
    let epoch = |recipes: &RecipeSet| Lockfile { epoch: 1, ..lock(recipes) };
    let other = plan_of(&texts(), epoch).unwrap();
    assert_eq!(first.containers, other.containers, "containers don't carry the pin");
    assert_ne!(first.root, other.root, "the root does");
    let results = |recipes: &RecipeSet| {
        let mut lock = lock(recipes);
        let tree = kit_hash::TreeId::from_bytes([1; 32]);
        lock.debs.values_mut().for_each(|deb| deb.tree = Some(tree));
        lock
    };
    assert_eq!(first.root, plan_of(&texts(), results).unwrap().root, "results are no pins");
}

#[test]
fn what_a_lockfile_lacks_is_named() {
    let without = |recipes: &RecipeSet| Lockfile { closures: BTreeMap::new(), ..lock(recipes) };
    let problems = plan_of(&texts(), without).unwrap_err();
    assert_eq!(problems[0].to_string(), "the lockfile doesn't pin the source `debian` of package busybox");
    assert_eq!(problems[0].help().unwrap(), "run `kit lock`");
}

#[test]
fn unknown_recipes_and_cycles_point_at_their_use() {
    let mut texts = texts();
    texts.0.insert(
        package("base"),
        BASE.replace("\"base\"\n", "\"base\"\n[tree]\npackages = [\"busibox\", \"loop\"]\n"),
    );
    let around = "[package]\nname = \"loop\"\n[tree]\npackages = [\"base\"]\n";
    texts.0.insert(package("loop"), around.to_owned());
    let problems = plan_of(&texts, lock).unwrap_err();
    assert_eq!(problems[0].help().unwrap(), "did you mean `busybox`?");
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        shown,
        [
            "there is no package `busibox`",
            "recipes need each other: package `base` → package `loop` → package `base`"
        ]
    );
    let (place, label) = problems[1].labels()[0].clone();
    assert_eq!((&place.text[place.span.clone()], label.as_str()), ("\"base\"", "closes the cycle"));
}

#[test]
fn a_format_without_its_kernel_and_a_container_without_a_command_are_refused_together() {
    let mut texts = texts();
    let image = IMAGE.replace("\"tar\"", "\"kernel+initrd\"").replace("command = [\"/bin/sh\"]\n", "");
    texts.0.insert(RecipeName::Image(name("demo")), image);
    let problems = plan_of(&texts, lock).unwrap_err();
    assert_eq!(codes(&problems), ["kit::plan::no_command", "kit::plan::no_kernel"]);
}

#[test]
fn a_lockfile_is_stale_when_a_recipe_or_a_file_changes() {
    let texts = texts();
    let subject = RecipeName::Image(name("demo"));
    let recipes = RecipeSet::load(&subject, &texts).unwrap();
    let locals = BTreeMap::from([((package("base"), "source".to_owned()), Tree::new())]);
    let mut lock = lock(&recipes);
    lock.locals = locals.iter().map(|(key, tree)| (key.clone(), tree.id())).collect();
    assert_eq!(stale(&lock, &recipes, &locals), []);
    lock.recipes.insert(package("base"), kit_hash::RecipeId::from_bytes([0; 32]));
    lock.recipes.remove(&package("busybox"));
    lock.recipes.insert(package("gone"), kit_hash::RecipeId::from_bytes([0; 32]));
    let mut changed = Tree::new();
    changed.insert_file("/x".parse().unwrap(), kit_tree::Mode::FILE, BlobId::of(b""), 0).unwrap();
    let locals = BTreeMap::from([((package("base"), "source".to_owned()), changed)]);
    let changes = stale(&lock, &recipes, &locals);
    assert_eq!(
        changes,
        [
            Change::Edited(package("base")),
            Change::Added(package("busybox")),
            Change::Removed(package("gone")),
            Change::Files { recipe: package("base"), label: "source".to_owned() },
        ]
    );
}

const EXTENSION: &str = "\
[image]
name = \"demo\"
formats = [\"sysext\", \"tar\"]
[extension]
packages = [\"busybox\"]
id = \"debian\"
version-id = \"12\"
scope = [\"initrd\", \"system\"]
[disk]
verity = true
";

fn extension(text: &str) -> Result<Plan, Vec<PlanError>> {
    let mut texts = texts();
    texts.0.insert(RecipeName::Image(name("demo")), text.to_owned());
    plan_of(&texts, lock)
}

#[test]
fn an_extension_is_its_files_and_what_they_are_for() {
    let plan = extension(EXTENSION).unwrap();
    let titles: Vec<_> = plan.derivations().iter().map(Derivation::title).collect();
    let expected = [
        "fetch busybox-static_1_amd64.deb",
        "unpack busybox-static 1",
        "package busybox",
        "files demo",
        "root demo",
        "file system demo erofs",
        "digests demo erofs",
        "output demo sysext",
        "output demo tar",
    ];
    assert_eq!(titles, expected);
    let Some(Action::Compose(root)) = plan.get(&plan.root.unwrap()).map(Derivation::action) else {
        panic!("the root is composed");
    };
    assert!(root.ensure.is_empty());
    let added = root.additions.iter().map(|added| match &added.what {
        AddedEntry::Inline { content, .. } => (added.path.to_string(), String::from_utf8_lossy(content)),
        AddedEntry::Entry(_) => panic!("it is written here"),
    });
    let added: Vec<_> = added.collect();
    let paths: Vec<_> = added.iter().map(|(path, _)| path.as_str()).collect();
    let directory = "/usr/lib/extension-release.d/extension-release";
    assert_eq!(paths, [format!("{directory}.demo"), format!("{directory}.demo.sysext")]);
    for (_, text) in &added {
        let (text, pin) = text.split_once("KIT_PIN=").unwrap();
        let expected = "ID=debian\nVERSION_ID=12\nSYSEXT_SCOPE=\"initrd system\"\nARCHITECTURE=x86-64\n";
        assert_eq!((text, pin.len()), (expected, 65));
    }
}

#[test]
fn what_extensions_can_t_have_is_told() {
    let shown = |text: &str| {
        let problems = extension(text).unwrap_err();
        problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let formats = EXTENSION.replace("\"tar\"", "\"confext\", \"oci\"");
    assert_eq!(
        shown(&formats),
        [
            "an image with `[extension]` can't have both `sysext` and `confext`",
            "an image with `[extension]` can't have the format `oci`"
        ]
    );
    let system = IMAGE.replace("\"tar\"", "\"sysext\"");
    assert_eq!(shown(&system), ["the format `sysext` is for images with `[extension]`"]);

    let mut texts = texts();
    texts.0.insert(RecipeName::Image(name("base")), IMAGE.replace("demo", "base"));
    let extended = EXTENSION.replace("name = \"demo\"", "name = \"demo\"\nextends = [\"base\"]");
    texts.0.insert(RecipeName::Image(name("demo")), extended);
    let problems = plan_of(&texts, lock).unwrap_err();
    assert_eq!(problems[0].to_string(), "an image with `[extension]` can't have containers");
    assert_eq!(codes(&problems), ["kit::plan::not_of_extensions"]);
}
