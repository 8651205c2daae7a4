//! An image with what it extends merged in.

use kit_recipe::image::{Replace, Service};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Container, Image, Name, Spanned};

use crate::error::Place;
use crate::{PlanError, RecipeSet};

/// A container and the image that it was written in.
#[derive(Debug, Clone)]
pub struct Written {
    /// The container.
    pub service: Spanned<Service>,
    /// The image's recipe.
    pub recipe: RecipeName,
    /// What that recipe's `[defaults]` says.
    pub defaults: Container,
}

/// An image, evaluated: nothing refers to another image any more.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// Merged recipe; its own lists of containers are empty.
    pub image: Image,
    /// `[[onboot]]`.
    pub onboot: Vec<Written>,
    /// `[[service]]`.
    pub services: Vec<Written>,
    /// `[[onshutdown]]`.
    pub onshutdown: Vec<Written>,
}

/// Merges what `name` extends, first to last, then its own parts: the kernel is replaced, lists are joined, a
/// container replaces one of the same name when it says so, a volume always. What `[defaults]` says holds for the
/// containers of the same recipe.
pub fn evaluate(set: &RecipeSet, name: &Name) -> Result<Evaluated, Vec<PlanError>> {
    let mut problems = Vec::new();
    let evaluated = merge(set, name, &mut problems);
    if problems.is_empty() { Ok(evaluated) } else { Err(problems) }
}

fn merge(set: &RecipeSet, name: &Name, problems: &mut Vec<PlanError>) -> Evaluated {
    let own = set.image(name);
    let recipe = RecipeName::Image(name.clone());
    let mut merged: Option<Evaluated> = None;
    for base in &own.extends {
        let base = merge(set, &base.value, problems);
        match &mut merged {
            None => merged = Some(base),
            Some(merged) => join(merged, base),
        }
    }
    let mut merged = merged.unwrap_or_else(|| Evaluated {
        image: Image {
            init: Vec::new(),
            kernel: None,
            volumes: Vec::new(),
            tree: kit_recipe::package::TreeRules::default(),
            ..bare(own)
        },
        onboot: Vec::new(),
        services: Vec::new(),
        onshutdown: Vec::new(),
    });
    for removed in &own.remove {
        if !merged.remove(&removed.value) {
            let place = place(set, &recipe, removed.span.clone());
            problems.push(PlanError::NothingToReplace { name: removed.to_string(), place });
        }
    }
    let own_parts = Evaluated {
        image: bare(own),
        onboot: written(&own.onboot, own, &recipe),
        services: written(&own.services, own, &recipe),
        onshutdown: written(&own.onshutdown, own, &recipe),
    };
    for service in own_parts.all() {
        check_name(set, &merged, service, problems);
    }
    for service in [&own.onboot, &own.services, &own.onshutdown].into_iter().flatten() {
        if service.replace == Replace::Yes {
            merged.remove(&service.name.value);
        }
    }
    join(&mut merged, own_parts);
    merged
}

fn check_name(set: &RecipeSet, merged: &Evaluated, own: &Written, problems: &mut Vec<PlanError>) {
    let name = &own.service.name;
    let here = || place(set, &own.recipe, name.span.clone());
    match (merged.find(&name.value), own.service.replace) {
        (Some(first), Replace::No) => problems.push(PlanError::DuplicateContainer {
            name: name.to_string(),
            second: here(),
            first: place(set, &first.recipe, first.service.name.span.clone()),
        }),
        (None, Replace::Yes) => {
            problems.push(PlanError::NothingToReplace { name: name.to_string(), place: here() });
        }
        (Some(_), Replace::Yes) | (None, Replace::No) => {}
    }
}

impl Evaluated {
    /// Returns all containers: onboot, services, onshutdown.
    pub fn all(&self) -> impl Iterator<Item = &Written> {
        self.onboot.iter().chain(&self.services).chain(&self.onshutdown)
    }

    /// Returns it as an image that extends no other.
    pub fn into_image(self) -> Image {
        let services = |written: Vec<Written>| written.into_iter().map(|written| written.service).collect();
        Image {
            onboot: services(self.onboot),
            services: services(self.services),
            onshutdown: services(self.onshutdown),
            ..self.image
        }
    }

    fn find(&self, name: &Name) -> Option<&Written> {
        self.all().find(|written| written.service.name.value == *name)
    }

    fn remove(&mut self, name: &Name) -> bool {
        let found = self.find(name).is_some();
        for list in [&mut self.onboot, &mut self.services, &mut self.onshutdown] {
            list.retain(|written| written.service.name.value != *name);
        }
        found
    }
}

/// The image without what `Evaluated` holds by itself.
fn bare(image: &Image) -> Image {
    Image {
        extends: Vec::new(),
        remove: Vec::new(),
        onboot: Vec::new(),
        services: Vec::new(),
        onshutdown: Vec::new(),
        ..image.clone()
    }
}

fn written(services: &[Spanned<Service>], image: &Image, recipe: &RecipeName) -> Vec<Written> {
    let written = |s: &Spanned<Service>| Written {
        service: s.clone(),
        recipe: recipe.clone(),
        defaults: image.defaults.clone(),
    };
    services.iter().map(written).collect()
}

fn join(base: &mut Evaluated, later: Evaluated) {
    let image = later.image;
    base.image.name = image.name;
    base.image.summary = image.summary;
    base.image.version = image.version;
    base.image.formats = image.formats;
    base.image.architecture = image.architecture.or(base.image.architecture.take());
    for volume in image.volumes {
        base.image.volumes.retain(|known| known.name != volume.name);
        base.image.volumes.push(volume);
    }
    base.image.kernel = image.kernel.or(base.image.kernel.take());
    base.image.disk = image.disk.or(base.image.disk.take());
    base.image.extension = image.extension.or(base.image.extension.take());
    for package in image.init {
        if !base.image.init.contains(&package) {
            base.image.init.push(package);
        }
    }
    let rules = &mut base.image.tree;
    rules.packages.extend(image.tree.packages);
    rules.include.extend(image.tree.include);
    rules.exclude.extend(image.tree.exclude);
    rules.prefer.extend(image.tree.prefer);
    rules.additions.extend(image.tree.additions);
    rules.users.extend(image.tree.users);
    base.onboot.extend(later.onboot);
    base.services.extend(later.services);
    base.onshutdown.extend(later.onshutdown);
}

pub(crate) fn place(set: &RecipeSet, recipe: &RecipeName, span: std::ops::Range<usize>) -> Place {
    Place { recipe: recipe.clone(), text: set.text(recipe).to_owned(), span }
}

#[cfg(test)]
mod tests;
