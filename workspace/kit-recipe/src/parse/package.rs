//! `recipes/packages/<name>.toml` and `recipes/tools.toml`.

use super::section::Section;
use super::tree::{self, Packages};
use super::{Faults, build, check, container, source};
use crate::package::Package;
use crate::problem::Fault;
use crate::{Name, Spanned, Tools};

/// Reads a package's recipe, whose file is called `file`.
pub(crate) fn package(file: &Name, mut root: Section<'_>, faults: &mut Faults<'_>) -> Option<Package> {
    let header = root.required_section("package", "[package]", faults);
    let mut about = (None, None, None);
    let mut architecture = None;
    let name = header.and_then(|mut section| {
        let name = recipe_name(file, &mut section, faults);
        let mut line = |key| section.value(key).and_then(|value| value.line(faults)).map(ToOwned::to_owned);
        about = (line("version"), line("summary"), line("license"));
        architecture = check::architecture(&mut section, faults);
        section.finish(faults);
        name
    });
    let written_sources = root.peek("sources").is_some();
    let before = faults.count();
    let sources = root.section("sources", faults);
    let sources = sources.map(|section| source::sources(&section, faults)).unwrap_or_default();
    let known = (faults.count() == before).then_some(&sources);
    let written_build = root.peek("build").is_some();
    let build = root.section("build", faults).and_then(|section| build::build(section, known, faults));
    let tree = tree::rules(&mut root, Packages::Allowed, faults);
    let container = root.section("container", faults).map(|mut section| {
        let container = container::container(&mut section, faults);
        section.finish(faults);
        container
    });
    root.finish(faults);
    let name = name?;
    let added = !(tree.packages.is_empty() && tree.additions.is_empty() && tree.users.is_empty());
    if faults.count() == 0 && !written_sources && !written_build && !added {
        faults.add(name.span.clone(), Fault::EmptyPackage { name: name.to_string() });
    }
    let (version, summary, license) = about;
    let container = container.unwrap_or_default();
    Some(Package { name, version, summary, license, architecture, sources, build, tree, container })
}

/// Reads `name`, which must be the file's.
pub(crate) fn recipe_name(
    file: &Name,
    section: &mut Section<'_>,
    faults: &mut Faults<'_>,
) -> Option<Spanned<Name>> {
    let value = section.required("name", "name = \"…\"")?;
    let name = check::name(&value, faults)?;
    if name.value != *file {
        let fault = Fault::NameMismatch { name: name.to_string(), file: file.to_string() };
        faults.add(name.span.clone(), fault);
    }
    Some(name)
}

/// Reads the tools' recipe.
pub(crate) fn tools(mut root: Section<'_>, faults: &mut Faults<'_>) -> Option<Tools> {
    let packages = root.required_section("tools", "[tools]", faults).and_then(|mut section| {
        let packages = section.required("packages", "packages = [\"qemu\"]");
        let packages = packages.and_then(|value| check::names(&value, faults));
        section.finish(faults);
        packages
    });
    root.finish(faults);
    Some(Tools { packages: packages? })
}
