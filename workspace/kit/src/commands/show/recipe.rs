//! Recipes as lines of key and value.

use kit_recipe::image::{InitrdCompression, Service};
use kit_recipe::lockfile::DebKey;
use kit_recipe::package::{Dependencies, Patches, Source};
use kit_recipe::{Image, Lockfile, Package, Spanned, Tools};

type Lines = Vec<(String, String)>;

/// Describes a package; with its pinned versions where a lockfile has them.
pub(super) fn package(package: &Package, lock: Option<&Lockfile>) -> Lines {
    let mut lines = Lines::new();
    let mut add = |key: &str, value: Option<String>| lines.extend(value.map(|value| (key.to_owned(), value)));
    add("summary", package.summary.clone());
    add("version", package.version.clone());
    add("license", package.license.clone());
    for (name, source) in &package.sources {
        let key = (package.name.value.clone(), name.clone());
        let pinned = lock.and_then(|lock| lock.closures.get(&key));
        let mut lines = vec![describe(&source.value)];
        let deb = |deb: &DebKey| format!("{} {} {}", deb.name, deb.version, deb.architecture);
        lines.extend(pinned.into_iter().flatten().map(deb));
        let source = lock.and_then(|lock| lock.debian_sources.get(&key));
        lines.extend(source.map(|source| format!("{} {}", source.name, source.version)));
        add(&format!("source {name}"), Some(lines.join("\n")));
    }
    if let Some(build) = &package.build {
        add("tools", Some(names(&build.tools)));
        add("run", Some(build.run.value.trim_end().to_owned()));
    }
    add("packages", Some(names(&package.tree.packages)).filter(|names| !names.is_empty()));
    let added = package.tree.additions.iter().map(|addition| addition.path().to_string());
    add("adds", Some(added.collect::<Vec<_>>().join("\n")).filter(|paths| !paths.is_empty()));
    add("command", package.container.command.as_ref().map(|command| command.join(" ")));
    lines
}

fn describe(source: &Source) -> String {
    match source {
        Source::Debian { suite, packages, dependencies, architecture, component } => {
            let packages: Vec<_> = packages.iter().map(|package| package.value.as_str()).collect();
            let dependencies = match dependencies {
                Dependencies::Closure => "with dependencies",
                Dependencies::None => "without dependencies",
            };
            let component = component.as_ref().map(|name| format!(", of {name}")).unwrap_or_default();
            let architecture = architecture.map(|word| format!(", for {word}")).unwrap_or_default();
            let packages = packages.join(", ");
            format!("Debian {}: {packages}, {dependencies}{component}{architecture}", suite.value)
        }
        Source::DebianSource { suite, source, patches } => {
            let patches = match patches {
                Patches::Applied => "with its patches",
                Patches::LeftOut => "without its patches",
            };
            format!("Debian {}: source package {}, {patches}", suite.value, source.value)
        }
        Source::Local { path, .. } => format!("files of the project: {}", path.value),
        Source::Url(source) => source.url.value.clone(),
        Source::Git(source) => format!("{}, {}", source.git.value, source.revision.value),
        Source::Image(reference) => format!("image {}", reference.value),
        Source::Crates { lockfile } => format!("crates of {}", lockfile.value),
    }
}

/// Describes an image.
pub(super) fn image(image: &Image) -> Lines {
    let mut lines = Lines::new();
    let mut add = |key: &str, value: Option<String>| lines.extend(value.map(|value| (key.to_owned(), value)));
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    add("summary", image.summary.clone());
    add("formats", some(image.formats.iter().map(|f| f.value.word()).collect::<Vec<_>>().join(", ")));
    add("extends", some(names(&image.extends)));
    if let Some(kernel) = &image.kernel {
        add("kernel", Some(kernel.package.to_string()));
        add("cmdline", some(kernel.cmdline.clone()));
        add("modules", some(names(&kernel.modules)));
        add("microcode", kernel.microcode.as_ref().map(|path| path.value.to_string()));
        let initrd = Some(kernel.initrd).filter(|word| *word != InitrdCompression::default());
        add("initrd", initrd.map(|word| word.word().to_owned()));
        add("devicetree", kernel.devicetree.as_ref().map(|path| path.value.to_string()));
    }
    add("init", some(names(&image.init)));
    for (key, list) in
        [("onboot", &image.onboot), ("service", &image.services), ("onshutdown", &image.onshutdown)]
    {
        let text = |service: &Spanned<Service>| format!("{}: {}", service.name.value, service.base.value);
        add(key, some(list.iter().map(text).collect::<Vec<_>>().join("\n")));
    }
    let added = image.tree.additions.iter().map(|addition| addition.path().to_string());
    add("adds", some(added.collect::<Vec<_>>().join("\n")));
    lines
}

/// Describes the tools.
pub(super) fn tools(tools: &Tools) -> Lines {
    vec![("packages".to_owned(), names(&tools.packages))]
}

fn names(names: &[Spanned<impl ToString>]) -> String {
    names.iter().map(|name| name.value.to_string()).collect::<Vec<_>>().join(", ")
}
