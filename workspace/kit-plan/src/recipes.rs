//! Every recipe that a subject reaches.

use std::collections::{BTreeMap, BTreeSet};

use kit_recipe::image::{Base, DiskRoot, Firmware, Format, IsoRoot};
use kit_recipe::package::{Package, Source, TreeRules};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Architecture, Image, Name, Recipe, Spanned, Tools};

use crate::PlanError;
use crate::error::{Place, Unparsable};
use crate::evaluate::evaluate;

/// The package that takes modules out of kernels; every image that names modules uses it.
pub const MODULE_TOOLS: &str = "module-tools";

/// The package that puts Debian source packages together; every package that names one uses it.
pub const SOURCE_TOOLS: &str = "patch";

/// Returns the package with what firmware for UEFI starts in front of a kernel.
pub fn efi_stub(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "systemd-stub",
        Architecture::Arm64 => "systemd-stub-arm64",
    }
}

/// The package with what a BIOS starts.
pub const BIOS_BOOT: &str = "bios-boot";

/// The package with the firmware of the Raspberry Pi.
pub const RASPBERRY_PI: &str = "raspi-firmware";

/// Returns the package of the first process, which finds roots that aren't in the initrd.
pub fn first_process(architecture: Architecture) -> &'static str {
    match architecture {
        Architecture::Amd64 => "init",
        Architecture::Arm64 => "init-arm64",
    }
}

/// Gives the texts of recipes.
pub trait RecipeFiles {
    /// Returns the text of a recipe; none when there is no such recipe.
    fn text(&self, name: &RecipeName) -> Result<Option<String>, PlanError>;
    /// Returns the names of all recipes there are, sorted.
    fn names(&self) -> Result<Vec<RecipeName>, PlanError>;
}

/// A recipe and its text, which diagnostics show.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What it says.
    pub recipe: Recipe,
    /// What is written.
    pub text: String,
}

/// The recipes that a subject reaches: complete, without cycles.
#[derive(Debug, Clone)]
pub struct RecipeSet {
    loaded: BTreeMap<RecipeName, Loaded>,
}

impl RecipeSet {
    /// Loads `subject` and all that it uses. Problems of all recipes are reported together.
    ///
    /// Packages that only an extended image uses, for what is removed from it or replaced, are no part of the set.
    pub fn load(subject: &RecipeName, files: &dyn RecipeFiles) -> Result<Self, Vec<PlanError>> {
        let mut loader = Loader { files, set: BTreeMap::new(), stack: Vec::new(), problems: Vec::new() };
        loader.visit(subject, None);
        if !loader.problems.is_empty() {
            return Err(loader.problems);
        }
        let mut set = Self { loaded: loader.set };
        if let RecipeName::Image(name) = subject
            && let Ok(evaluated) = evaluate(&set, name)
        {
            let used = set.used_by(&Recipe::Image(evaluated.into_image()));
            set.loaded.retain(|name, _| !matches!(name, RecipeName::Package(_)) || used.contains(name));
        }
        Ok(set)
    }

    /// Returns all that a recipe uses, and what that uses.
    fn used_by(&self, recipe: &Recipe) -> BTreeSet<RecipeName> {
        let names = |recipe: &Recipe| -> Vec<_> {
            uses(recipe, architecture(recipe)).into_iter().map(|(name, _)| name).collect()
        };
        let (mut used, mut todo) = (BTreeSet::new(), names(recipe));
        while let Some(name) = todo.pop() {
            if let Some(loaded) = self.loaded.get(&name)
                && used.insert(name)
            {
                todo.extend(names(&loaded.recipe));
            }
        }
        used
    }

    /// Returns all recipes by name.
    pub fn iter(&self) -> impl Iterator<Item = (&RecipeName, &Loaded)> {
        self.loaded.iter()
    }

    /// Returns a package that the set is known to have.
    pub fn package(&self, name: &Name) -> &Package {
        match self.loaded.get(&RecipeName::Package(name.clone())).map(|l| &l.recipe) {
            Some(Recipe::Package(package)) => package,
            _ => unreachable!("because loading visits each package that a recipe names"),
        }
    }

    /// Whether the set has a package.
    pub fn has_package(&self, name: &Name) -> bool {
        self.loaded.contains_key(&RecipeName::Package(name.clone()))
    }

    /// Returns an image that the set is known to have.
    pub fn image(&self, name: &Name) -> &Image {
        match self.loaded.get(&RecipeName::Image(name.clone())).map(|l| &l.recipe) {
            Some(Recipe::Image(image)) => image,
            _ => unreachable!("because loading visits each image that a recipe names"),
        }
    }

    /// Returns the tools when the subject is them.
    pub fn tools(&self) -> Option<&Tools> {
        match self.loaded.get(&RecipeName::Tools).map(|l| &l.recipe) {
            Some(Recipe::Tools(tools)) => Some(tools),
            _ => None,
        }
    }

    /// Returns all packages in order of their names.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.loaded.values().filter_map(|l| match &l.recipe {
            Recipe::Package(package) => Some(package),
            Recipe::Image(_) | Recipe::Tools(_) => None,
        })
    }

    /// Returns the text of a recipe in the set.
    pub fn text(&self, name: &RecipeName) -> &str {
        self.loaded.get(name).map_or("", |loaded| &loaded.text)
    }
}

/// A use of one recipe by another, where it is written.
type Use = (RecipeName, Option<std::ops::Range<usize>>);

struct Loader<'a> {
    files: &'a dyn RecipeFiles,
    set: BTreeMap<RecipeName, Loaded>,
    /// The recipes being visited and where each uses the next.
    stack: Vec<(RecipeName, Option<Place>)>,
    problems: Vec<PlanError>,
}

impl Loader<'_> {
    fn visit(&mut self, name: &RecipeName, used: Option<Place>) {
        if let Some(start) = self.stack.iter().position(|(on, _)| on == name) {
            let problem = cycle(&self.stack[start..], used);
            return self.problems.push(problem);
        }
        if self.set.contains_key(name) {
            return;
        }
        let text = match self.files.text(name) {
            Ok(Some(text)) => text,
            Ok(None) => return self.unknown(name, used),
            Err(problem) => return self.problems.push(problem),
        };
        let recipe = match Recipe::parse(name, &text) {
            Ok(recipe) => recipe,
            Err(problems) => {
                let already = |p: &PlanError| matches!(p, PlanError::Recipe(u) if u.recipe == *name);
                if !self.problems.iter().any(already) {
                    self.problems.push(PlanError::Recipe(Unparsable {
                        recipe: name.clone(),
                        text,
                        problems,
                    }));
                }
                return;
            }
        };
        self.stack.push((name.clone(), used));
        self.visit_all(extended(&recipe), name, &text);
        // Which packages formats need of themselves depends on what the extended ones say.
        let architecture = self.architecture(&recipe);
        self.visit_all(uses(&recipe, architecture), name, &text);
        self.stack.pop();
        self.set.insert(name.clone(), Loaded { recipe, text });
    }

    fn visit_all(&mut self, uses: Vec<Use>, name: &RecipeName, text: &str) {
        for (next, span) in uses {
            let place = span.map(|span| Place { recipe: name.clone(), text: text.to_owned(), span });
            self.visit(&next, place);
        }
    }

    /// Returns which processors a recipe is for, of which all that it extends are visited.
    fn architecture(&self, recipe: &Recipe) -> Architecture {
        self.written(recipe).unwrap_or(Architecture::USUAL)
    }

    /// Returns what a recipe says of that, or the last of those that it extends.
    fn written(&self, recipe: &Recipe) -> Option<Architecture> {
        let Recipe::Image(image) = recipe else { return None };
        let of = |name: &Spanned<Name>| {
            let loaded = self.set.get(&RecipeName::Image(name.value.clone()))?;
            self.written(&loaded.recipe)
        };
        let own = image.architecture.as_ref().map(|word| word.value);
        own.or_else(|| image.extends.iter().rev().find_map(of))
    }

    fn unknown(&mut self, name: &RecipeName, used: Option<Place>) {
        let known = self.files.names().unwrap_or_default();
        self.problems.push(PlanError::Unknown { name: name.clone(), known, used });
    }
}

/// Describes a cycle in one way, wherever it was entered; `closing` is where the last of its recipes uses the first.
fn cycle(stack: &[(RecipeName, Option<Place>)], closing: Option<Place>) -> PlanError {
    let mut links: Vec<_> = stack.to_vec();
    if let Some(first) = links.first_mut() {
        first.1 = closing;
    }
    let smallest = links.iter().enumerate().min_by_key(|(_, (name, _))| name).map_or(0, |(at, _)| at);
    links.rotate_left(smallest);
    let mut around: Vec<_> = links.iter().map(|(name, _)| name.clone()).collect();
    around.extend(around.first().cloned());
    let used = links.swap_remove(0).1;
    PlanError::Cycle { around, used }
}

/// Returns which processors a recipe says that it is for, an image with all that it extends.
fn architecture(recipe: &Recipe) -> Architecture {
    match recipe {
        Recipe::Image(image) => image.architecture.as_ref().map_or(Architecture::USUAL, |word| word.value),
        Recipe::Package(_) | Recipe::Tools(_) => Architecture::USUAL,
    }
}

/// Returns the images that a recipe extends.
fn extended(recipe: &Recipe) -> Vec<Use> {
    let Recipe::Image(image) = recipe else { return Vec::new() };
    image.extends.iter().map(|n| (RecipeName::Image(n.value.clone()), Some(n.span.clone()))).collect()
}

/// Returns what else a recipe uses, in the order of its text; an image is for these processors.
fn uses(recipe: &Recipe, architecture: Architecture) -> Vec<Use> {
    let package = |name: &Spanned<Name>| (RecipeName::Package(name.value.clone()), Some(name.span.clone()));
    let of_rules = |rules: &TreeRules| rules.packages.iter().map(package).collect::<Vec<_>>();
    let mut uses = Vec::new();
    match recipe {
        Recipe::Tools(tools) => uses.extend(tools.packages.iter().map(package)),
        Recipe::Package(p) => {
            let mut sources = p.sources.values();
            if let Some(source) = sources.find(|s| matches!(s.value, Source::DebianSource { .. })) {
                let tools = SOURCE_TOOLS.parse().expect("because it is a name");
                uses.push((RecipeName::Package(tools), Some(source.span.clone())));
            }
            uses.extend(p.build.iter().flat_map(|build| &build.tools).map(package));
            uses.extend(of_rules(&p.tree));
        }
        Recipe::Image(image) => {
            if let Some(kernel) = &image.kernel {
                uses.push(package(&kernel.package));
                if let Some(first) = kernel.modules.first() {
                    let tools = MODULE_TOOLS.parse().expect("because it is a name");
                    uses.push((RecipeName::Package(tools), Some(first.span.clone())));
                }
            }
            for format in &image.formats {
                uses.extend(of_format(image, format.value, architecture).map(|name| {
                    let name = name.parse().expect("because it is a name");
                    (RecipeName::Package(name), Some(format.span.clone()))
                }));
            }
            uses.extend(image.init.iter().map(package));
            uses.extend(image.bases().filter_map(|base| match &base.value {
                Base::Package(name) => Some((RecipeName::Package(name.clone()), Some(base.span.clone()))),
                Base::Image(_) => None,
            }));
            uses.extend(of_rules(&image.tree));
        }
    }
    uses
}

/// Returns the packages that a format needs of itself.
fn of_format(
    image: &Image,
    format: Format,
    architecture: Architecture,
) -> impl Iterator<Item = &'static str> {
    let has_modules = has_stage(image, format) || format.is_for_hyper_v();
    starters(image, format, architecture).chain(has_modules.then_some(MODULE_TOOLS))
}

/// Returns the packages with what is started before the root, which a format's output has besides it: boot loaders, a board's firmware, the first
/// process of an initrd that mounts the root.
pub fn starters(
    image: &Image,
    format: Format,
    architecture: Architecture,
) -> impl Iterator<Item = &'static str> + use<> {
    let firmware = format.firmware();
    let efi = firmware.is_some_and(Firmware::has_efi).then_some(efi_stub(architecture));
    let bios = firmware.is_some_and(Firmware::has_bios).then_some(BIOS_BOOT);
    let board = matches!(format, Format::RaspberryPi(_)).then_some(RASPBERRY_PI);
    let first = has_stage(image, format).then_some(first_process(architecture));
    efi.into_iter().chain(bios).chain(board).chain(first)
}

/// Whether an initrd mounts the root.
fn has_stage(image: &Image, format: Format) -> bool {
    // What an extended image says of the disk isn't known here.
    let root = image.disk.as_ref().map(|disk| disk.value.root).unwrap_or_default();
    let is_on_disk = root != DiskRoot::Initrd || !image.extends.is_empty();
    match format {
        Format::KernelRoot(_) | Format::Iso { root: IsoRoot::Disc, .. } => true,
        Format::Disk { .. } => is_on_disk,
        _ => false,
    }
}
