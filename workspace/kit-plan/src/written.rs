//! Where a step is written: steps know no text, recipes do.

use std::ops::Range;

use kit_hash::DerivationId;
use kit_recipe::image::Base;
use kit_recipe::lockfile::Subject;
use kit_recipe::package::Package;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Lockfile, Name, Recipe};

use crate::derivation::{Action, Input, Run};
use crate::error::Place;
use crate::evaluate::{Evaluated, Written, evaluate, place};
use crate::registry::PlannedImage;
use crate::{Plan, RecipeSet};

/// Returns the place in a recipe that a step of a plan comes from: the script of a build, the source that is fetched and unpacked, the
/// section of a container, the format of an output. Where several recipes use a step, the first one by name.
pub fn written(plan: &Plan, recipes: &RecipeSet, lock: &Lockfile, step: &DerivationId) -> Option<Place> {
    let finder = Finder { plan, recipes, lock, step: *step };
    let in_packages = || {
        let own = recipes.packages().find_map(|package| finder.of_package(package));
        own.or_else(|| recipes.packages().find_map(|package| finder.in_package(package)))
    };
    match &lock.subject {
        Subject::Image(name) => finder.in_image(name).or_else(in_packages),
        Subject::Tools => finder.in_tools().or_else(in_packages),
    }
}

struct Finder<'a> {
    plan: &'a Plan,
    recipes: &'a RecipeSet,
    lock: &'a Lockfile,
    step: DerivationId,
}

impl Finder<'_> {
    fn is(&self, input: &Input) -> bool {
        *input == Input::Derivation(self.step)
    }

    /// Whether the step is an input, or takes part in it.
    fn is_within(&self, input: &Input) -> bool {
        let Input::Derivation(id) = input else { return false };
        self.plan.closure([*id]).iter().any(|derivation| derivation.id() == self.step)
    }

    fn of_package(&self, package: &Package) -> Option<Place> {
        let name = &package.name;
        let is_it = self.plan.packages.get(&name.value) == Some(&self.step);
        let recipe = RecipeName::Package(name.value.clone());
        is_it.then(|| place(self.recipes, &recipe, name.span.clone()))
    }

    fn in_package(&self, package: &Package) -> Option<Place> {
        let name = &package.name.value;
        let recipe = RecipeName::Package(name.clone());
        let span = self.span_in_package(package, self.plan.packages.get(name)?)?;
        Some(place(self.recipes, &recipe, span))
    }

    fn span_in_package(&self, package: &Package, tree: &DerivationId) -> Option<Range<usize>> {
        let Action::Compose(compose) = self.plan.get(tree)?.action() else { return None };
        match (&package.build, compose.parts.first()) {
            (Some(build), Some(first)) => {
                let Input::Derivation(id) = &first.input else { return None };
                let Action::Run(run) = self.plan.get(id)?.action() else { return None };
                if *id == self.step {
                    Some(build.run.span.clone())
                } else if self.is(&run.root) {
                    Some(build.tools.first().map_or_else(|| build.run.span.clone(), |tool| tool.span.clone()))
                } else {
                    self.span_of_source(package, run)
                }
            }
            _ => self.span_of_deb(package),
        }
    }

    fn span_of_source(&self, package: &Package, run: &Run) -> Option<Range<usize>> {
        let (name, _) = run.sources.iter().find(|(_, input)| self.is_within(input))?;
        let source = package.sources.iter().find(|(source, _)| source.as_str() == name)?;
        Some(source.1.span.clone())
    }

    /// Debian packages of a package that nothing builds are parts of it, one for each.
    fn span_of_deb(&self, package: &Package) -> Option<Range<usize>> {
        package.sources.iter().find_map(|(source, spanned)| {
            let closure = self.lock.closures.get(&(package.name.value.clone(), source.clone()))?;
            let mut unpacked = closure.iter().filter_map(|deb| self.plan.debs.get(deb));
            unpacked.any(|id| self.is_within(&Input::Derivation(*id))).then(|| spanned.span.clone())
        })
    }

    fn in_tools(&self) -> Option<Place> {
        let (name, _) = self.plan.tools.iter().find(|(_, root)| **root == self.step)?;
        let tool = self.recipes.tools()?.packages.iter().find(|tool| tool.value == *name)?;
        Some(place(self.recipes, &RecipeName::Tools, tool.span.clone()))
    }

    fn in_image(&self, name: &Name) -> Option<Place> {
        let evaluated = evaluate(self.recipes, name).ok()?;
        let (image, own) = (&evaluated.image, RecipeName::Image(name.clone()));
        if self.plan.root == Some(self.step) {
            return Some(place(self.recipes, &own, image.name.span.clone()));
        }
        if let Some((format, _)) = self.plan.outputs.iter().find(|(_, output)| **output == self.step) {
            let written = self.recipes.image(name).formats.iter().find(|written| written.value == *format);
            let span = written.map_or_else(|| image.name.span.clone(), |written| written.span.clone());
            return Some(place(self.recipes, &own, span));
        }
        let of_registry = || self.of_registry(&evaluated);
        self.of_container(&evaluated).or_else(of_registry).or_else(|| self.of_modules())
    }

    /// The steps that an image takes stand where a container names it.
    fn of_registry(&self, evaluated: &Evaluated) -> Option<Place> {
        let within = |id: &DerivationId| self.is_within(&Input::Derivation(*id));
        let takes = |planned: &PlannedImage| {
            within(&planned.tree) || within(&planned.manifest) || within(&planned.config)
        };
        let (reference, _) = self.plan.images.iter().find(|(_, planned)| takes(planned))?;
        let names = |written: &&Written| matches!(&written.service.base.value, Base::Image(named) if named == reference);
        if let Some(written) = evaluated.all().find(names) {
            return Some(place(self.recipes, &written.recipe, written.service.base.span.clone()));
        }
        let base = evaluated.image.bases().find(|base| base.value == Base::Image(reference.clone()))?;
        Some(place(self.recipes, &RecipeName::Image(evaluated.image.name.value.clone()), base.span.clone()))
    }

    fn of_container(&self, evaluated: &Evaluated) -> Option<Place> {
        let is_meant = |planned: &crate::planner::PlannedContainer| {
            planned.root == self.step || planned.image == self.step
        };
        let (name, _) = self.plan.containers.iter().find(|(_, planned)| is_meant(planned))?;
        let lists = [&evaluated.onboot, &evaluated.services, &evaluated.onshutdown];
        let written =
            lists.into_iter().flatten().find(|written| written.service.value.name.value == *name)?;
        Some(place(self.recipes, &written.recipe, written.service.value.name.span.clone()))
    }

    /// The modules of a kernel, and the sandbox root of the script that takes them out.
    fn of_modules(&self) -> Option<Place> {
        let Action::Compose(root) = self.plan.get(&self.plan.root?)?.action() else { return None };
        let script = root.parts.iter().find_map(|part| {
            let Input::Derivation(id) = &part.input else { return None };
            let Action::Run(run) = self.plan.get(id)?.action() else { return None };
            (*id == self.step || self.is(&run.root)).then_some(run)
        });
        script?;
        self.recipes.iter().find_map(|(name, loaded)| {
            let Recipe::Image(image) = &loaded.recipe else { return None };
            let first = image.kernel.as_ref()?.value.modules.first()?;
            Some(place(self.recipes, name, first.span.clone()))
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::planner::tests::{built, texts_with_build};

    use super::*;

    /// What stands at the place of each step, by title.
    #[test]
    fn every_step_has_its_place() {
        let (plan, recipes, lock) = built(&texts_with_build());
        let found: Vec<_> = plan
            .derivations()
            .iter()
            .map(|step| {
                let place = written(&plan, &recipes, &lock, &step.id()).unwrap();
                let text = place.text[place.span].lines().next().unwrap_or_default().to_owned();
                format!("{}: {}: {text}", step.title(), place.recipe)
            })
            .collect();
        assert_eq!(
            found,
            [
                "fetch busybox-static_1_amd64.deb: package base: [sources.debian]",
                "unpack busybox-static 1: package base: [sources.debian]",
                "package busybox: package busybox: \"busybox\"",
                "container web: image demo: \"web\"",
                "container image web: image demo: \"web\"",
                "tools of base: package base: \"busybox\"",
                "build base: package base: '''",
                "package base: package base: \"base\"",
                "root demo: image demo: \"demo\"",
                "output demo tar: image demo: \"tar\"",
                "output demo oci: image demo: \"oci\"",
            ]
        );
    }
}
