//! `recipes/images/<name>.toml`.

use super::package::recipe_name;
mod disk;
mod extension;

use super::section::Section;
use super::tree::{self, Packages};
use super::value::{Items, Value};
use super::{Faults, check, container};
use crate::image::{Base, Format, Image, InitrdCompression, Kernel, Replace, Service, Volume};
use crate::problem::Fault;
use crate::{Name, Spanned};

/// Reads an image's recipe, whose file is called `file`.
pub(crate) fn image(file: &Name, mut root: Section<'_>, faults: &mut Faults<'_>) -> Option<Image> {
    let mut about = None;
    if let Some(mut section) = root.required_section("image", "[image]", faults) {
        about = header(file, &mut section, faults);
        section.finish(faults);
    }
    let kernel = root.section("kernel", faults).and_then(|section| kernel(section, faults));
    let init = root.section("init", faults).and_then(|mut section| {
        let packages = section.required("packages", "packages = [\"init\", \"base-files\"]");
        let packages = packages.and_then(|value| check::names(&value, faults));
        section.finish(faults);
        packages
    });
    let defaults = root.section("defaults", faults).map(|mut section| {
        let defaults = container::container(&mut section, faults);
        section.finish(faults);
        defaults
    });
    let volumes = volumes(&mut root, faults);
    extension::contradictions(&root, faults);
    let of = if root.peek("extension").is_some() { disk::Of::Extension } else { disk::Of::System };
    let extension = root.section("extension", faults).map(|section| extension::extension(section, faults));
    let (extension, laid) = extension.unwrap_or_default();
    let disk = root.section("disk", faults).map(|section| Box::new(disk::disk(section, of, faults)));
    let onboot = services("onboot", &mut root, faults);
    let services_ = services("service", &mut root, faults);
    let onshutdown = services("onshutdown", &mut root, faults);
    let tree = tree::rules(&mut root, Packages::Refused, faults);
    root.finish(faults);
    no_name_twice([&onboot, &services_, &onshutdown], faults);
    let image = Image {
        kernel: kernel.map(Box::new),
        init: init.unwrap_or(laid),
        onboot,
        services: services_,
        onshutdown,
        defaults: defaults.unwrap_or_default(),
        volumes,
        disk,
        extension: extension.map(Box::new),
        tree,
        ..about?
    };
    if image.extends.is_empty() {
        replaces_nothing(&image, faults);
    }
    Some(image)
}

/// Reads `[image]`; the rest of what it returns is empty.
fn header(file: &Name, section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Image> {
    let name = recipe_name(file, section, faults);
    let summary = section.value("summary").and_then(|value| value.line(faults)).map(ToOwned::to_owned);
    let architecture = check::architecture(section, faults);
    let version = section.value("version").and_then(|value| version(&value, faults));
    let formats = if section.peek("extends").is_some() {
        section.value("formats")
    } else {
        section.required("formats", "formats = [\"kernel+initrd\"]")
    };
    let formats = formats.and_then(|value| {
        let formats = value.list(Items::Some, faults, format)?;
        check::no_item_twice(value.key, &formats, ToString::to_string, faults);
        Some(formats)
    });
    let extends = section.value("extends").and_then(|value| check::names(&value, faults));
    let remove = section.value("remove").and_then(|value| check::names(&value, faults));
    Some(Image {
        name: name?,
        summary,
        architecture,
        version,
        formats: formats.unwrap_or_default(),
        extends: extends.unwrap_or_default(),
        remove: remove.unwrap_or_default(),
        kernel: None,
        init: Vec::new(),
        onboot: Vec::new(),
        services: Vec::new(),
        onshutdown: Vec::new(),
        defaults: crate::Container::default(),
        volumes: Vec::new(),
        disk: None,
        extension: None,
        tree: crate::package::TreeRules::default(),
    })
}

/// Reads a version as `os-release` can have it.
fn version(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.text(faults)?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._-+~^".contains(letter);
    if text.len() <= 64 && text.chars().all(is_plain) {
        return Some(text.to_owned());
    }
    let why = "must be at most 64 letters, digits, `.`, `_`, `-`, `+`, `~` and `^`";
    value.fault(Fault::malformed(value.key, text, why, "a version such as `\"1.4.2\"`"), faults)
}

fn format(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Format>> {
    let word = value.any_text(faults)?;
    if let Some(format) = Format::from_word(word) {
        return Some(value.spanned(format));
    }
    let known: Vec<_> = Format::listed().collect();
    let suggestion = Format::closest(word).map(|format| format.word().to_owned());
    value.fault(Fault::UnknownFormat { name: word.to_owned(), suggestion, known }, faults)
}

fn kernel(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Kernel>> {
    let span = section.span.clone();
    let package = section.required("package", "package = \"kernel-debian\"");
    let package = package.and_then(|value| check::name(&value, faults));
    let cmdline = section.value("cmdline").map(|value| {
        let text = value.any_text(faults)?;
        value.without(&['\0', '\n', '\r'], "a line break or NUL", text, faults).map(ToOwned::to_owned)
    });
    let modules = section.value("modules").and_then(|value| check::module_names(&value, faults));
    let microcode = section.value("microcode").and_then(|value| {
        let path = check::tree_path(&value, check::Root::Refused, faults)?;
        Some(value.spanned(path))
    });
    let initrd = section.value("initrd").and_then(|value| value.word(&InitrdCompression::WORDS, faults));
    let devicetree = section.value("devicetree").and_then(|value| {
        let path = check::tree_path(&value, check::Root::Refused, faults)?;
        Some(Box::new(value.spanned(path)))
    });
    section.finish(faults);
    let kernel = Kernel {
        package: package?,
        cmdline: cmdline.unwrap_or_default().unwrap_or_default(),
        modules: modules.unwrap_or_default(),
        microcode,
        initrd: initrd.unwrap_or_default(),
        devicetree,
    };
    Some(Spanned::new(kernel, span))
}

fn services(key: &'static str, root: &mut Section<'_>, faults: &mut Faults<'_>) -> Vec<Spanned<Service>> {
    let mut services = Vec::new();
    for section in root.sections(key, faults) {
        let span = section.span.clone();
        if let Some(service) = service(section, faults) {
            services.push(Spanned::new(service, span));
        }
    }
    services
}

fn service(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Service> {
    let name = section.required("name", "name = \"web\"");
    let name = name.and_then(|value| check::name(&value, faults));
    let base = base(&mut section, faults);
    if section.peek("image").is_none() {
        section.required("package", "package = \"busybox\"");
    }
    let replace = match section.value("replace").and_then(|value| value.boolean(faults)) {
        Some(true) => Replace::Yes,
        Some(false) | None => Replace::No,
    };
    let container = container::container(&mut section, faults);
    section.finish(faults);
    Some(Service { name: name?, base: base?, replace, container })
}

/// Reads `package = "…"` or `image = "…"`.
fn base(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Base>> {
    section.contradiction("image", "package", "there is one root", faults);
    section.knows(&["package"]);
    match section.value("image") {
        Some(value) => check::reference(&value, faults).map(|reference| reference.map(Base::Image)),
        None => section
            .peek("package")
            .and_then(|value| check::name(&value, faults))
            .map(|name| name.map(Base::Package)),
    }
}

fn volumes(root: &mut Section<'_>, faults: &mut Faults<'_>) -> Vec<Spanned<Volume>> {
    let mut volumes = Vec::new();
    for mut section in root.sections("volume", faults) {
        let span = section.span.clone();
        let name = section.required("name", "name = \"data\"").and_then(|value| check::name(&value, faults));
        let base = base(&mut section, faults);
        let readonly = section.value("readonly").and_then(|value| value.boolean(faults));
        section.finish(faults);
        if let Some(name) = name {
            volumes.push(Spanned::new(Volume { name, base, readonly: readonly.unwrap_or(false) }, span));
        }
    }
    let names: Vec<_> = volumes.iter().map(|volume| volume.name.clone()).collect();
    check::twice(&names, ToString::to_string, |item, first| {
        let fault = Fault::DuplicateName { what: "volumes", name: item.to_string() };
        faults.add_both(item.span.clone(), first.span.clone(), fault);
    });
    volumes
}

fn no_name_twice(lists: [&Vec<Spanned<Service>>; 3], faults: &mut Faults<'_>) {
    let mut names: Vec<_> = lists.into_iter().flatten().map(|service| &service.name).cloned().collect();
    names.sort_by_key(|name| name.span.start);
    check::twice(&names, ToString::to_string, |item, first| {
        let fault = Fault::DuplicateName { what: "containers", name: item.to_string() };
        faults.add_both(item.span.clone(), first.span.clone(), fault);
    });
}

fn replaces_nothing(image: &Image, faults: &mut Faults<'_>) {
    let all = image.onboot.iter().chain(&image.services).chain(&image.onshutdown);
    for service in all.filter(|service| service.replace == Replace::Yes) {
        let fault = Fault::ReplaceWithoutExtends { name: service.name.to_string() };
        faults.add(service.name.span.clone(), fault);
    }
}
