//! How an image is lowered: containers, modules, root file system, outputs.
//!
//! The root holds the init packages, `/containers/{onboot,services,onshutdown}/NNN-name/` with `config.json`, `rootfs/` and,
//! where there is something to say that OCI has no field for, `runtime.json`; `/containers/volumes/NAME/`, and the names
//! of the volumes that can be written in `/etc/kit/volumes`; the selected kernel modules with their load order in `/etc/kit/modules`, and `/etc/os-release` with the pin
//! digest of the lockfile.

mod boards;
mod extension;
mod hyper_v;
mod modules;
mod outputs;
mod slots;
mod stage;
mod update;

use std::collections::BTreeMap;

use kit_hash::DerivationId;
use kit_recipe::image::{Format, Kernel};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Image, Name};
use kit_tree::{Meta, Mode, TreePath};

use crate::architecture;
use crate::bundles::{self, Bundle};
use crate::derivation::{Action, Added, AddedEntry, Input, Part};
use crate::evaluate::evaluate;
use crate::package::paths;
use crate::planner::Planner;

/// Mount points that kit-init expects.
const ROOT_DIRECTORIES: [&str; 9] =
    ["/containers", "/dev", "/etc", "/proc", "/run", "/sys", "/tmp", "/usr", "/var"];
/// Takes modules with what they depend on out of a kernel and writes the order in which they are loaded.
const MODULES_SCRIPT: &str = include_str!("image/modules.sh");

pub(crate) fn lower(planner: &mut Planner<'_>, name: &Name) {
    let evaluated = match evaluate(planner.inputs.recipes, name) {
        Ok(evaluated) => evaluated,
        Err(problems) => return planner.problems.extend(problems),
    };
    if evaluated.image.extension.is_some() && !extension::is_one(planner, &evaluated) {
        return;
    }
    let bundles = bundles::plan(planner, &evaluated);
    let image = &evaluated.image;
    architecture::check(planner, image);
    let kernel = image.kernel.as_ref().map(|k| Input::Derivation(planner.package(&k.package.value)));
    let modules = match (&image.kernel, kernel) {
        (Some(written), Some(kernel)) => modules(planner, name, &written.value, kernel),
        _ => None,
    };
    let title = format!("root {name}");
    let own = match &image.extension {
        Some(extension) => extension::root(planner, image, &extension.value),
        None => root(planner, image, &bundles, modules, title.clone()),
    };
    planner.plan.root = Some(own);
    for format in formats(planner, image) {
        let written = image.kernel.as_ref().map(|kernel| &kernel.value);
        let modules = hyper_v::modules_of(planner, name, format, written.zip(kernel));
        let root = match modules {
            Some(modules) => root(planner, image, &bundles, Some(modules), format!("{title} for {format}")),
            None => own,
        };
        if let Some(id) = outputs::output(planner, image, format, kernel, root) {
            planner.plan.outputs.insert(format, id);
        }
    }
}

fn formats(planner: &Planner<'_>, image: &Image) -> Vec<Format> {
    match planner.inputs.formats {
        [] => image.formats.iter().map(|f| f.value).collect(),
        given => given.to_vec(),
    }
}

fn modules(planner: &mut Planner<'_>, image: &Name, kernel: &Kernel, tree: Input) -> Option<Input> {
    if kernel.modules.is_empty() {
        return None;
    }
    let names: Vec<_> = kernel.modules.iter().map(|module| module.value.as_str()).collect();
    let own = BTreeMap::from([("MODULES".to_owned(), names.join(" "))]);
    let title = format!("modules {image}");
    Some(modules::select(planner, image, title, tree, MODULES_SCRIPT.to_owned(), &own))
}

fn root(
    planner: &mut Planner<'_>,
    image: &Image,
    bundles: &[Bundle],
    modules: Option<Input>,
    title: String,
) -> DerivationId {
    let part = |input, owner: &Name, at| Part { input, owner: owner.to_string(), at };
    let mut parts = Vec::new();
    for package in image.init.iter().chain(&image.tree.packages) {
        let input = Input::Derivation(planner.package(&package.value));
        parts.push(part(input, &package.value, TreePath::root()));
    }
    parts.extend(modules.map(|input| Part {
        input,
        owner: "kernel modules".to_owned(),
        at: TreePath::root(),
    }));
    let rootfs: TreePath = "/rootfs".parse().expect("because it is a constant path");
    for bundle in bundles {
        let at = bundle.directory.append(&rootfs).expect("because a container's name is short");
        parts.push(part(bundle.rootfs, &bundle.name, at));
    }
    parts.extend(bundles::volumes(planner, image));
    let recipe = RecipeName::Image(image.name.value.clone());
    let mut compose = planner.compose(&recipe, &image.tree, parts);
    compose.ensure = paths(&ROOT_DIRECTORIES);
    compose.ensure.extend(image.volumes.iter().map(|volume| bundles::volume_directory(&volume.name.value)));
    compose.mount_points = bundles.iter().flat_map(|bundle| bundle.mount_points.clone()).collect();
    let inline = |path: TreePath, text: String| Added {
        path,
        what: AddedEntry::Inline { meta: Meta::root(Mode::FILE), content: text.into_bytes() },
    };
    for bundle in bundles {
        for (file, text) in &bundle.files {
            let file = file.parse().expect("because it is a constant path");
            let path = bundle.directory.append(&file).expect("because a container's name is short");
            compose.additions.push(inline(path, text.clone()));
        }
    }
    let writable: Vec<_> = image.volumes.iter().filter(|volume| !volume.readonly).collect();
    if !writable.is_empty() {
        let path = "/etc/kit/volumes".parse().expect("because it is a constant path");
        let names = writable.iter().map(|volume| format!("{}\n", volume.name.value));
        compose.additions.push(inline(path, names.collect()));
    }
    let os_release = "/etc/os-release".parse().expect("because it is a constant path");
    let pin = planner.inputs.lock.pin_id();
    let version = image.version.clone().unwrap_or_else(|| pin.short());
    let text = format!(
        "NAME=\"kit\"\nID=kit\nPRETTY_NAME=\"{name} (kit {short})\"\nIMAGE_ID={name}\nIMAGE_VERSION={version}\nKIT_PIN={pin}\n",
        name = image.name.value,
        short = pin.short(),
    );
    compose.additions.push(inline(os_release, text));
    planner.plan.add(title, Action::Compose(compose))
}
