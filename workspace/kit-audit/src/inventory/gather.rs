//! The components that a lockfile pins and recipes make, how they are made of each other, and which of them are in the image.

use std::collections::{BTreeMap, BTreeSet};

use kit_plan::recipes::{self, SOURCE_TOOLS};
use kit_plan::{Plan, PlanInputs, RecipeSet, evaluate};
use kit_recipe::image::Base;
use kit_recipe::lockfile::{DebSource, FilePin, Lockfile};
use kit_recipe::package::{Package, Source};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Architecture, Image, ImageReference, Name};

use super::component::{Component, ComponentId, Role, purl_part};

type Components = BTreeMap<ComponentId, Component>;

/// Lists the components of an image, with their roles as far as the recipes tell.
pub(super) fn components(plan: &Plan, inputs: PlanInputs<'_>, image: &Name) -> Components {
    let mut all = pinned(inputs.lock, plan);
    for package in inputs.recipes.packages() {
        let recipe = RecipeName::Package(package.name.value.clone());
        all.insert(ComponentId::Recipe(recipe), of_package(package, plan, inputs));
        for (name, source) in &package.sources {
            describe(&mut all, package, name, &source.value, inputs.lock);
        }
    }
    let evaluated = evaluate::evaluate(inputs.recipes, image).expect("because there is a plan");
    let merged = evaluated.into_image();
    let mut own = of_image(&merged, plan);
    let starters: BTreeSet<_> = starters(&merged).filter(|package| !own.made_of.contains(package)).collect();
    own.made_of.extend(starters.iter().cloned());
    all.insert(ComponentId::Recipe(RecipeName::Image(image.clone())), own);
    spread_roles(&mut all, image, inputs.recipes, &starters);
    all
}

/// Returns the components that a lockfile pins, each as a part.
pub(super) fn locked(lock: &Lockfile) -> Components {
    let mut all = pinned(lock, &Plan::default());
    for component in all.values_mut() {
        component.role = Role::Part;
    }
    all
}

/// Returns the components that the lockfile pins.
fn pinned(lock: &Lockfile, plan: &Plan) -> Components {
    let mut all = Components::new();
    for (key, deb) in &lock.debs {
        let purl = format!(
            "pkg:deb/debian/{}@{}?arch={}&distro={}",
            purl_part(&key.name),
            purl_part(&key.version),
            purl_part(&key.architecture),
            purl_part(&deb.suite)
        );
        let component = Component {
            version: Some(key.version.clone()),
            purl: Some(purl),
            sha256: Some(deb.sha256),
            size: Some(deb.size),
            source: Some(deb.source.clone()),
            suite: Some(deb.suite.clone()),
            tree: plan.debs.get(key).copied(),
            ..Component::named(&key.name)
        };
        all.insert(ComponentId::Debian(key.clone()), component);
    }
    for source in lock.debian_sources.values() {
        let id = DebSource { name: source.name.clone(), version: source.version.clone() };
        let (name, version) = (purl_part(&id.name), purl_part(&id.version));
        let component = Component {
            version: Some(id.version.clone()),
            purl: Some(format!(
                "pkg:deb/debian/{name}@{version}?arch=source&distro={}",
                purl_part(&source.suite)
            )),
            size: Some(source.files.iter().map(|file| file.size).sum()),
            source: Some(id.clone()),
            suite: Some(source.suite.clone()),
            ..Component::named(&id.name)
        };
        all.insert(ComponentId::DebianSource(id), component);
    }
    for ((name, version), pin) in &lock.crates {
        let component = Component {
            version: Some(version.clone()),
            purl: Some(format!("pkg:cargo/{}@{}", purl_part(name), purl_part(version))),
            sha256: Some(pin.sha256),
            tree: plan.crates.get(&(name.clone(), version.clone())).copied(),
            ..Component::named(name)
        };
        all.insert(ComponentId::Crate { name: name.clone(), version: version.clone() }, component);
    }
    for ((package, source), pin) in &lock.files {
        let component = Component {
            version: pin.commit.as_ref().map(ToString::to_string),
            sha256: Some(pin.sha256),
            size: Some(pin.size),
            tree: plan.upstream.get(&(package.clone(), source.clone())).copied(),
            ..Component::named(&pin.name)
        };
        let id = ComponentId::File { package: package.clone(), source: source.clone() };
        all.insert(id, component);
    }
    for (reference, pin) in &lock.images {
        let component = Component {
            version: Some(pin.manifest.sha256.oci()),
            purl: Some(image_purl(reference, &pin.manifest.sha256.oci())),
            sha256: Some(pin.manifest.sha256),
            size: Some(pin.layers.iter().map(|layer| layer.size).sum()),
            tree: plan.images.get(reference).map(|image| image.tree),
            ..Component::named(reference.to_string())
        };
        all.insert(ComponentId::Image(reference.clone()), component);
    }
    all
}

/// Writes `pkg:oci/NAME@DIGEST`: the name is the last part of the repository's path, as the type `oci` has it.
fn image_purl(reference: &ImageReference, digest: &str) -> String {
    let text = reference.to_string();
    let path = text.split('@').next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or_default();
    format!("pkg:oci/{}@{}", purl_part(&name.to_lowercase()), purl_part(digest))
}

/// Adds what a recipe knows of a source that the lockfile doesn't.
fn describe(all: &mut Components, package: &Package, name: &Name, source: &Source, lock: &Lockfile) {
    let key = (package.name.value.clone(), name.clone());
    let Some(pin) = lock.files.get(&key) else { return };
    let id = ComponentId::File { package: key.0, source: key.1 };
    let Some(component) = all.get_mut(&id) else { return };
    component.version = component.version.clone().or_else(|| package.version.clone());
    component.licence.clone_from(&package.license);
    component.purl = Some(file_purl(package, source, pin));
}

fn file_purl(package: &Package, source: &Source, pin: &FilePin) -> String {
    let name = purl_part(package.name.value.as_str());
    match (source, &pin.commit) {
        (Source::Git(git), Some(commit)) => {
            let url = purl_part(&format!("git+{}@{commit}", git.git.value));
            format!("pkg:generic/{name}@{commit}?vcs_url={url}")
        }
        (Source::Url(url), _) => {
            let version = package.version.as_deref().map(|version| format!("@{}", purl_part(version)));
            let (version, url) = (version.unwrap_or_default(), purl_part(&url.url.value));
            format!("pkg:generic/{name}{version}?checksum=sha256:{}&download_url={url}", pin.sha256)
        }
        _ => format!("pkg:generic/{name}?checksum=sha256:{}", pin.sha256),
    }
}

fn recipe(package: &Name) -> ComponentId {
    ComponentId::Recipe(RecipeName::Package(package.clone()))
}

fn of_package(package: &Package, plan: &Plan, inputs: PlanInputs<'_>) -> Component {
    let name = &package.name.value;
    let mut made_of: BTreeSet<_> = package
        .sources
        .iter()
        .flat_map(|(source_name, source)| sources(package, source_name, &source.value, inputs))
        .collect();
    made_of.extend(package.tree.packages.iter().map(|used| recipe(&used.value)));
    let tools = package.build.iter().flat_map(|build| &build.tools);
    let mut made_with: BTreeSet<_> = tools.map(|tool| recipe(&tool.value)).collect();
    if package.sources.values().any(|source| matches!(source.value, Source::DebianSource { .. })) {
        // Such sources are put together by a script.
        made_with.insert(recipe(&SOURCE_TOOLS.parse().expect("because it is a name")));
    }
    Component {
        version: package.version.clone(),
        summary: package.summary.clone(),
        licence: package.license.clone(),
        tree: plan.packages.get(name).copied(),
        made_of,
        made_with,
        ..Component::named(name.to_string())
    }
}

/// Returns the components that a source of a package resolved to; the project's own files are the recipe's.
fn sources(package: &Package, name: &Name, source: &Source, inputs: PlanInputs<'_>) -> Vec<ComponentId> {
    let lock = inputs.lock;
    let key = (package.name.value.clone(), name.clone());
    match source {
        Source::Debian { .. } => {
            lock.closures.get(&key).into_iter().flatten().cloned().map(ComponentId::Debian).collect()
        }
        Source::DebianSource { .. } => {
            let pin = lock.debian_sources.get(&key);
            let id = pin.map(|pin| DebSource { name: pin.name.clone(), version: pin.version.clone() });
            id.map(ComponentId::DebianSource).into_iter().collect()
        }
        Source::Local { .. } => Vec::new(),
        Source::Crates { .. } => {
            let pins = inputs.crates.get(&key).into_iter().flatten();
            pins.map(|pin| ComponentId::Crate { name: pin.name.clone(), version: pin.version.clone() })
                .collect()
        }
        Source::Url(_) | Source::Git(_) => vec![ComponentId::File { package: key.0, source: key.1 }],
        Source::Image(reference) => vec![ComponentId::Image(reference.value.clone())],
    }
}

fn of_image(image: &Image, plan: &Plan) -> Component {
    let mut made_of: BTreeSet<_> =
        image.init.iter().chain(&image.tree.packages).map(|package| recipe(&package.value)).collect();
    made_of.extend(image.kernel.iter().map(|kernel| recipe(&kernel.package.value)));
    made_of.extend(image.bases().map(|base| match &base.value {
        Base::Package(name) => recipe(name),
        Base::Image(reference) => ComponentId::Image(reference.clone()),
    }));
    Component {
        summary: image.summary.clone(),
        tree: plan.root,
        made_of,
        ..Component::named(image.name.value.to_string())
    }
}

/// Returns the packages whose programs its outputs start with, before anything of its root.
fn starters(image: &Image) -> impl Iterator<Item = ComponentId> {
    let architecture = image.architecture.as_ref().map_or(Architecture::USUAL, |word| word.value);
    let names =
        image.formats.iter().flat_map(move |format| recipes::starters(image, format.value, architecture));
    names.map(|name| recipe(&name.parse().expect("because it is a name")))
}

/// Gives roles by what is made of what: all that the image is made of is in it. A recipe with a script turns its sources into something
/// else, so those are parts; packages that join its result are not. What outputs start with is no file of the image, so it is a part.
fn spread_roles(all: &mut Components, image: &Name, recipes: &RecipeSet, starters: &BTreeSet<ComponentId>) {
    let joined: BTreeMap<_, BTreeSet<_>> = recipes
        .packages()
        .map(|package| {
            let used = package.tree.packages.iter().map(|used| recipe(&used.value));
            (recipe(&package.name.value), used.collect())
        })
        .collect();
    let mut todo = vec![(ComponentId::Recipe(RecipeName::Image(image.clone())), Role::Shipped)];
    while let Some((id, role)) = todo.pop() {
        let Some(component) = all.get_mut(&id) else { continue };
        if component.role <= role {
            continue;
        }
        component.role = role;
        let is_joined = |part: &ComponentId| joined.get(&id).is_some_and(|joined| joined.contains(part));
        let is_built = !component.made_with.is_empty();
        let is_image = matches!(id, ComponentId::Recipe(RecipeName::Image(_)));
        let becomes_part =
            |part: &ComponentId| (is_built && !is_joined(part)) || (is_image && starters.contains(part));
        let below = |part: &ComponentId| if becomes_part(part) { Role::Part } else { role };
        todo.extend(component.made_of.iter().map(|part| (part.clone(), below(part))));
    }
}

/// Corrects the roles once the files are known: what no file belongs to isn't in the image, unless something there was built of it, and
/// what has files is. A recipe that has no file itself but is made of components that have some stays what it was.
pub(super) fn settle_roles(all: &mut Components) {
    let built =
        all.values().filter(|component| component.role != Role::Tool && !component.made_with.is_empty());
    let parts: BTreeSet<_> = built.flat_map(|component| component.made_of.iter().cloned()).collect();
    let with_files: BTreeSet<_> =
        all.iter().filter(|(_, component)| component.files > 0).map(|(id, _)| id.clone()).collect();
    for (id, component) in all.iter_mut() {
        match component.role {
            _ if with_files.contains(id) => component.role = Role::Shipped,
            Role::Shipped if matches!(id, ComponentId::Recipe(_)) => {}
            Role::Shipped if parts.contains(id) => component.role = Role::Part,
            Role::Shipped => component.role = Role::Tool,
            Role::Part | Role::Tool => {}
        }
    }
}
