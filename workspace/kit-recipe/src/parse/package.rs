//! `recipes/packages/<name>.toml` and `recipes/tools.toml`.

use super::section::Section;
use super::tree::{self, Packages};
use super::{Faults, check, container, source};
use crate::package::{Build, Package};
use crate::problem::Fault;
use crate::{Name, Spanned, Tools};

/// The longest time that a step may have, in seconds: a week.
const LONGEST: u64 = 7 * 24 * 3600;

/// Reads a package's recipe, whose file is called `file`.
pub(crate) fn package(file: &Name, mut root: Section<'_>, faults: &mut Faults<'_>) -> Option<Package> {
    let header = root.required_section("package", "[package]", faults);
    let mut about = (None, None, None);
    let name = header.and_then(|mut section| {
        let name = recipe_name(file, &mut section, faults);
        let mut line = |key| section.value(key).and_then(|value| value.line(faults)).map(ToOwned::to_owned);
        about = (line("version"), line("summary"), line("license"));
        section.finish(faults);
        name
    });
    let sources = root.section("sources", faults);
    let written_sources = sources.is_some();
    let sources = sources.map(|section| source::sources(&section, faults)).unwrap_or_default();
    let written_build = root.peek("build").is_some();
    let build = root.section("build", faults).and_then(|section| build(section, faults));
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
    Some(Package { name, version, summary, license, sources, build, tree, container })
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

fn build(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Build> {
    let tools = section.required("tools", "tools = [\"build-essential\"]");
    let tools = tools.and_then(|value| check::names(&value, faults));
    let run = section.required("run", "run = \"make -C /src/main DESTDIR=/out install\"");
    let run = run.and_then(|value| value.text(faults).map(|text| value.spanned(text.to_owned())));
    let env = section.section("env", faults).map(|section| container::environment(&section, faults));
    let timeout = section.value("timeout").map(|value| value.number(1, LONGEST, faults));
    section.finish(faults);
    Some(Build {
        tools: tools?,
        run: run?,
        env: env.unwrap_or_default(),
        timeout: timeout.unwrap_or(Some(3600))?,
    })
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
