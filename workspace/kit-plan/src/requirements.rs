//! What must be resolved and hashed before a plan can be made.

use kit_recipe::image::Base;
use kit_recipe::package::{Addition, Contents, Dependencies, Package, Source, TreeRules};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Architecture, Image, ImageReference, Name, Recipe, Spanned};

use crate::RecipeSet;
use crate::error::Place;
use crate::registry::WantedImage;
use crate::upstream::UpstreamFile;

/// Everything outside of the recipes that they refer to, in a fixed order.
#[derive(Debug, Clone, Default)]
pub struct Requirements {
    /// Debian packages to resolve.
    pub debian: Vec<DebianGroup>,
    /// Files and commits to pin.
    pub files: Vec<UpstreamFile>,
    /// Debian source packages to resolve.
    pub debian_sources: Vec<DebianSourceGroup>,
    /// Images of registries to pin, each once.
    pub images: Vec<WantedImage>,
    /// Files of the project to hash.
    pub locals: Vec<LocalFiles>,
}

/// One Debian source of one package.
#[derive(Debug, Clone)]
pub struct DebianGroup {
    /// The package.
    pub package: Name,
    /// Its source.
    pub source: Name,
    /// Code name.
    pub suite: String,
    /// Binary packages, `name` or `name=version`.
    pub names: Vec<String>,
    /// Whether dependencies come along.
    pub dependencies: Dependencies,
    /// Whose binaries.
    pub architecture: Architecture,
    /// The part of the suite that they are in, beside `main`.
    pub component: Option<String>,
    /// Where it is written.
    pub place: Place,
}

/// A Debian source package that is a source of a package.
#[derive(Debug, Clone)]
pub struct DebianSourceGroup {
    /// The package.
    pub package: Name,
    /// Its source.
    pub source: Name,
    /// Code name.
    pub suite: String,
    /// Source package, `name` or `name=version`.
    pub name: String,
    /// Where it is written.
    pub place: Place,
}

/// Files of the project that a recipe uses.
#[derive(Debug, Clone)]
pub struct LocalFiles {
    /// Which recipe.
    pub recipe: RecipeName,
    /// Name of the source, or path of the added file: with the recipe, the key in the lockfile.
    pub label: String,
    /// What they are for.
    pub purpose: Purpose,
    /// Path below the project.
    pub path: String,
    /// Globs of what is taken; empty takes all.
    pub include: Vec<String>,
    /// Globs of what is left out.
    pub exclude: Vec<String>,
    /// Where it is written.
    pub place: Place,
}

/// What local files are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A tree of sources.
    Tree,
    /// The one file that is added; its tree has it as `/contents`.
    File,
    /// A `Cargo.lock` to read; its tree has it as `/contents`.
    CargoLock,
}

/// Returns what the recipes of a set refer to.
pub fn requirements(set: &RecipeSet) -> Requirements {
    let mut found = Requirements::default();
    for (name, loaded) in set.iter() {
        let place = |span: &std::ops::Range<usize>| Place {
            recipe: name.clone(),
            text: loaded.text.clone(),
            span: span.clone(),
        };
        match &loaded.recipe {
            Recipe::Package(package) => {
                of_sources(package, name, &place, &mut found);
                of_additions(&package.tree, name, &place, &mut found);
            }
            Recipe::Image(image) => {
                of_containers(image, &place, &mut found);
                of_additions(&image.tree, name, &place, &mut found);
            }
            Recipe::Tools(_) => {}
        }
    }
    found
}

type PlaceOf<'a> = &'a dyn Fn(&std::ops::Range<usize>) -> Place;

fn of_sources(package: &Package, recipe: &RecipeName, place: PlaceOf<'_>, found: &mut Requirements) {
    for (source_name, source) in &package.sources {
        let local =
            |purpose, path: &Spanned<String>, include: Vec<String>, exclude: Vec<String>| LocalFiles {
                recipe: recipe.clone(),
                label: source_name.to_string(),
                purpose,
                path: path.value.clone(),
                include,
                exclude,
                place: place(&path.span),
            };
        match &source.value {
            Source::Debian { suite, packages, dependencies, architecture, component } => {
                found.debian.push(DebianGroup {
                    package: package.name.value.clone(),
                    source: source_name.clone(),
                    suite: suite.value.clone(),
                    names: packages.iter().map(|p| p.value.clone()).collect(),
                    dependencies: *dependencies,
                    architecture: architecture.unwrap_or_else(|| package.made_for()),
                    component: component.clone(),
                    place: place(&source.span),
                });
            }
            Source::DebianSource { suite, source: wanted, .. } => {
                found.debian_sources.push(DebianSourceGroup {
                    package: package.name.value.clone(),
                    source: source_name.clone(),
                    suite: suite.value.clone(),
                    name: wanted.value.clone(),
                    place: place(&source.span),
                });
            }
            Source::Local { path, include, exclude } => {
                found.locals.push(local(Purpose::Tree, path, texts(include), texts(exclude)));
            }
            Source::Url(url) => {
                let place = place(&url.url.span);
                found.files.push(UpstreamFile::of_url(package, (source_name, source), url, place));
            }
            Source::Git(git) => {
                let place = place(&git.git.span);
                found.files.push(UpstreamFile::of_git(package, (source_name, source), git, place));
            }
            Source::Image(reference) => found.want_image(reference, place(&reference.span)),
            Source::Crates { lockfile } => {
                found.locals.push(local(Purpose::CargoLock, lockfile, Vec::new(), Vec::new()));
            }
        }
    }
}

fn of_containers(image: &Image, place: PlaceOf<'_>, found: &mut Requirements) {
    for base in image.bases() {
        if let Base::Image(reference) = &base.value {
            found.want_image(reference, place(&base.span));
        }
    }
}

impl Requirements {
    fn want_image(&mut self, reference: &ImageReference, place: Place) {
        if self.images.iter().all(|wanted| wanted.reference != *reference) {
            self.images.push(WantedImage { reference: reference.clone(), place });
        }
    }
}

fn of_additions(rules: &TreeRules, recipe: &RecipeName, place: PlaceOf<'_>, found: &mut Requirements) {
    for addition in &rules.additions {
        if let Addition::File { path, contents: Contents::Local(local), .. } = &addition.value {
            found.locals.push(LocalFiles {
                recipe: recipe.clone(),
                label: path.to_string(),
                purpose: Purpose::File,
                path: local.value.clone(),
                include: Vec::new(),
                exclude: Vec::new(),
                place: place(&local.span),
            });
        }
    }
}

pub(crate) fn texts(spanned: &[kit_recipe::Spanned<String>]) -> Vec<String> {
    spanned.iter().map(|s| s.value.clone()).collect()
}
