//! Extensions: files for `/usr`, `/opt` or `/etc` of a system that runs, which systemd lays over what that system has.
//!
//! The root of such an image is what its recipe says and nothing else: no mount points, no `os-release`. Beside that it has the file by which systemd
//! tells whether the extension fits the system. Older versions take the whole name of the file without `.raw` for the extension's name, newer ones leave
//! `.sysext` or `.confext` away, too; so the root has that file under both names, and the image is right for all of them as it is called.

use std::fmt::Write as _;

use kit_hash::DerivationId;
use kit_recipe::Image;
use kit_recipe::image::{DiskRoot, Extension, ExtensionKind, FileSystem, Format};
use kit_recipe::recipe::RecipeName;
use kit_tree::{Meta, Mode, TreePath};

use super::{formats, outputs};
use crate::PlanError;
use crate::derivation::{
    Action, Added, AddedEntry, Compose, Derivation, Extension as Written, ImageFormat, Input, Part,
};
use crate::evaluate::{Evaluated, place};
use crate::planner::Planner;

/// Whether an image has nothing but what extensions can have; what else it has is noted.
pub(super) fn is_one(planner: &mut Planner<'_>, evaluated: &Evaluated) -> bool {
    let image = &evaluated.image;
    let recipe = RecipeName::Image(image.name.value.clone());
    let whole = place(planner.inputs.recipes, &recipe, image.name.span.clone());
    let mut found = Vec::new();
    for (has, what) in [
        (image.kernel.is_some(), "a kernel"),
        (evaluated.all().next().is_some(), "containers"),
        (!image.volumes.is_empty(), "volumes"),
    ] {
        if has {
            found.push((what.to_owned(), whole.clone()));
        }
    }
    if let [_, second, ..] = kinds(planner, image).as_slice() {
        let at = outputs::asked(planner, image, Format::Extension(*second)).place;
        found.push(("both `sysext` and `confext`".to_owned(), at));
    }
    for format in formats(planner, image) {
        if !matches!(format, Format::Tar | Format::CompressedTar(_) | Format::Extension(_)) {
            found.push((format!("the format `{format}`"), outputs::asked(planner, image, format).place));
        }
    }
    let is_one = found.is_empty();
    let problems = found.into_iter().map(|(what, place)| PlanError::NotOfExtensions { what, place });
    planner.problems.extend(problems);
    is_one
}

/// Returns what an image extends, by its recipe and by what is asked for.
fn kinds(planner: &Planner<'_>, image: &Image) -> Vec<ExtensionKind> {
    let written = image.formats.iter().map(|format| format.value);
    let kind = |format| match format {
        Format::Extension(kind) => Some(kind),
        _ => None,
    };
    let mut kinds: Vec<_> = written.chain(planner.inputs.formats.iter().copied()).filter_map(kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Plans the root: the files, and beside them what they are for.
pub(super) fn root(planner: &mut Planner<'_>, image: &Image, extension: &Extension) -> DerivationId {
    let files = files(planner, image);
    let mut compose = Compose::default();
    compose.parts.push(Part { input: files, owner: image.name.to_string(), at: TreePath::root() });
    let text = |kind| release(planner, extension, kind);
    for (kind, text) in kinds(planner, image).into_iter().map(|kind| (kind, text(kind))) {
        for name in [image.name.to_string(), format!("{}.{}", image.name.value, kind.word())] {
            let path = format!("{}/extension-release.{name}", kind.release_directory());
            let path = path.parse().expect("because the name of an image is short and has no slash");
            let what =
                AddedEntry::Inline { meta: Meta::root(Mode::FILE), content: text.clone().into_bytes() };
            compose.additions.push(Added { path, what });
        }
    }
    planner.plan.add(format!("root {}", image.name.value), Action::Compose(compose))
}

/// Plans the files of an extension.
fn files(planner: &mut Planner<'_>, image: &Image) -> Input {
    let mut parts = Vec::new();
    for package in image.init.iter().chain(&image.tree.packages) {
        let input = Input::Derivation(planner.package(&package.value));
        parts.push(Part { input, owner: package.value.to_string(), at: TreePath::root() });
    }
    let recipe = RecipeName::Image(image.name.value.clone());
    let compose = planner.compose(&recipe, &image.tree, parts);
    let title = format!("files {}", image.name.value);
    Input::Derivation(planner.plan.add(title, Action::Compose(compose)))
}

/// Returns the files that a root was made of.
fn files_of(planner: &Planner<'_>, root: &DerivationId) -> Option<Input> {
    match planner.plan.get(root).map(Derivation::action) {
        Some(Action::Compose(compose)) => compose.parts.first().map(|part| part.input),
        _ => None,
    }
}

/// Returns the text by which systemd tells whether an extension fits a system, as os-release(5) has it.
fn release(planner: &Planner<'_>, extension: &Extension, kind: ExtensionKind) -> String {
    let Extension { id, version_id, level, scope } = extension;
    let mut text = format!("ID={id}\n");
    let takes = "because a string takes it";
    if let Some(version) = version_id {
        writeln!(text, "VERSION_ID={version}").expect(takes);
    }
    let key = kind.word().to_ascii_uppercase();
    if let Some(level) = level {
        writeln!(text, "{key}_LEVEL={level}").expect(takes);
    }
    if !scope.is_empty() {
        let scope: Vec<_> = scope.iter().map(|scope| scope.word()).collect();
        writeln!(text, "{key}_SCOPE=\"{}\"", scope.join(" ")).expect(takes);
    }
    let lock = planner.inputs.lock;
    writeln!(text, "ARCHITECTURE={}", architecture(&lock.architecture)).expect(takes);
    writeln!(text, "KIT_PIN={}", lock.pin_id()).expect(takes);
    text
}

/// Returns systemd's word for an architecture.
fn architecture(linux: &str) -> &str {
    match linux {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// Plans a format for an extension; none where the image is none, which is noted.
pub(super) fn output(
    planner: &mut Planner<'_>,
    image: &Image,
    kind: ExtensionKind,
    root: DerivationId,
) -> Option<DerivationId> {
    if image.extension.is_none() {
        let format = Format::Extension(kind);
        let place = outputs::asked(planner, image, format);
        planner.problems.push(PlanError::NoExtension { format: format.word(), place });
        return None;
    }
    let name = image.name.value.to_string();
    let disk = image.disk.as_ref().map(|disk| disk.value.clone()).unwrap_or_default();
    let file_system = match disk.root {
        // No recipe of an extension has an initrd or ext4: without a word it is EROFS.
        DiskRoot::Initrd | DiskRoot::Ext4 | DiskRoot::Erofs => FileSystem::Erofs,
        DiskRoot::Squashfs => FileSystem::Squashfs,
    };
    let word = file_system.word();
    let compression = outputs::compression(planner, image, Format::Extension(kind), file_system)?;
    let (input, kind_of_root) = (Input::Derivation(root), file_system);
    let format = ImageFormat::FileSystem { root: input, kind: kind_of_root, compression, size: None };
    let data = Input::Derivation(outputs::add(planner, &name, &format!("file system {name} {word}"), format));
    let verity = disk.verity.then(|| {
        let title = format!("digests {name} {word}");
        Input::Derivation(outputs::add(planner, &name, &title, ImageFormat::Verity { data }))
    });
    let architecture = planner.inputs.lock.architecture.clone();
    let files = files_of(planner, &root)?;
    let written = Written { kind, files, data, verity, architecture };
    let title = format!("output {name} {}", kind.word());
    Some(outputs::add(planner, &name, &title, ImageFormat::Extension(written)))
}
