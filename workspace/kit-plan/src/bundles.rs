//! How the containers and volumes of an image are lowered: what each is made of, and how it is run.
//!
//! Containers that are named as a user or a group have numbers from 100 on, in the order onboot, onshutdown, services.

use std::collections::BTreeMap;

use kit_hash::DerivationId;
use kit_recipe::container::{BindSource, Id};
use kit_recipe::image::{Base, Volume};
use kit_recipe::{Architecture, Container, Image, ImageReference, Name, Spanned};
use kit_tree::TreePath;

use crate::derivation::{
    Action, Compose, Image as ImageAction, ImageFormat, Input, MountPoint, OciImage, Part,
};
use crate::error::Place;
use crate::evaluate::{Evaluated, Written, place};
use crate::package::paths;
use crate::planner::{PlannedContainer, Planner};
use crate::registry::oci_architecture;
use crate::{PlanError, runtime, waits};

/// Mount points that every container has.
const CONTAINER_DIRECTORIES: [&str; 3] = ["/dev", "/proc", "/sys"];
/// The number of the first container.
const FIRST_ID: u32 = 100;

/// A container, planned and ready to be put into the root.
pub(crate) struct Bundle {
    /// Its place in the root.
    pub(crate) directory: TreePath,
    /// Its own root.
    pub(crate) rootfs: Input,
    /// What it is called.
    pub(crate) name: Name,
    /// What is bound where in its root.
    pub(crate) mount_points: Vec<MountPoint>,
    /// The files beside its root: path below its directory, and text.
    pub(crate) files: Vec<(&'static str, String)>,
}

/// A container with all that is said about it.
pub(crate) struct Merged<'a> {
    /// `onboot`, `services` or `onshutdown`.
    pub(crate) kind: &'static str,
    /// As its entry has it.
    pub(crate) written: &'a Written,
    /// Its keys, from its entry, what it is made of, and the defaults.
    pub(crate) container: Container,
    /// Its place among those of its kind.
    index: usize,
    /// What it is made of.
    input: Input,
}

impl Merged<'_> {
    /// Returns what it is called.
    pub(crate) fn name(&self) -> &Name {
        &self.written.service.name.value
    }

    /// Returns where it is written.
    pub(crate) fn place(&self, planner: &Planner<'_>) -> Place {
        place(planner.inputs.recipes, &self.written.recipe, self.written.service.name.span.clone())
    }
}

/// Plans all containers.
pub(crate) fn plan(planner: &mut Planner<'_>, evaluated: &Evaluated) -> Vec<Bundle> {
    let kinds = [
        ("onboot", &evaluated.onboot),
        ("services", &evaluated.services),
        ("onshutdown", &evaluated.onshutdown),
    ];
    let mut all = Vec::new();
    for (kind, list) in kinds {
        for (index, written) in list.iter().enumerate() {
            let Some((input, own)) = base(planner, written) else { continue };
            let container = written.service.container.over(&own).over(&written.defaults).settled();
            all.push(Merged { kind, written, container, index, input });
        }
    }
    waits::check(planner, &all);
    all.into_iter().filter_map(|merged| bundle(planner, evaluated, merged)).collect()
}

fn bundle(planner: &mut Planner<'_>, evaluated: &Evaluated, merged: Merged<'_>) -> Option<Bundle> {
    let place = merged.place(planner);
    let name = merged.name().clone();
    let Merged { kind, written, mut container, index, input } = merged;
    let service = &written.service.value;
    let Some(command) = container.command.clone() else {
        planner.problems.push(PlanError::NoCommand { name: name.to_string(), place });
        return None;
    };
    resolve_ids(planner, evaluated, &mut container, &place);
    resolve_volumes(planner, evaluated, &mut container, &place);
    let mut ensure = paths(&CONTAINER_DIRECTORIES);
    ensure.extend(runtime::mount_points(&container));
    let compose = Compose {
        parts: vec![Part { input, owner: service.base.to_string(), at: TreePath::root() }],
        ensure,
        ..Compose::default()
    };
    let root = planner.plan.add(format!("container {name}"), Action::Compose(compose));
    let image = oci_image(planner, &name, root, command, &container);
    let planned = PlannedContainer { base: service.base.value.clone(), root, image };
    planner.plan.containers.insert(name.clone(), planned);
    let architecture = evaluated.image.architecture.as_ref().map_or(Architecture::USUAL, |word| word.value);
    let mut files = vec![("/config.json", runtime::config(&name, &container, architecture))];
    files.extend(runtime::service::text(&container).map(|text| ("/runtime.json", text)));
    let directory = format!("/containers/{kind}/{index:03}-{name}");
    let directory: TreePath = directory.parse().expect("because a container's name is a file name");
    let mount_points = mount_points(&directory, &container);
    Some(Bundle { directory, rootfs: Input::Derivation(root), name, mount_points, files })
}

fn mount_points(directory: &TreePath, container: &Container) -> Vec<MountPoint> {
    let binds = container.binds.iter().flatten();
    binds
        .filter(|bind| !runtime::is_made_later(&bind.destination))
        .filter_map(|bind| {
            let path = format!("{directory}/rootfs{}", bind.destination).parse().ok()?;
            Some(MountPoint { path, source: bind.source.as_str().parse().ok()? })
        })
        .collect()
}

/// Plans a container as an image of its own.
fn oci_image(
    planner: &mut Planner<'_>,
    name: &Name,
    root: DerivationId,
    command: Vec<String>,
    container: &Container,
) -> DerivationId {
    let (uid, gid) = (runtime::number(container.uid.as_ref()), runtime::number(container.gid.as_ref()));
    let oci = OciImage {
        root: Input::Derivation(root),
        shares: planner.shares(root),
        command,
        env: runtime::environment(container),
        cwd: container.cwd.clone().unwrap_or_else(|| "/".to_owned()),
        user: format!("{uid}:{gid}"),
        architecture: oci_architecture(&planner.inputs.lock.architecture).to_owned(),
    };
    let format = ImageFormat::Oci { images: BTreeMap::from([(name.to_string(), oci)]) };
    let source_date = planner.source_date();
    let action = Action::Image(ImageAction { name: name.to_string(), source_date, format });
    planner.plan.add(format!("container image {name}"), action)
}

/// Plans the tree of a container; also returns how what it is made of says that it is run.
fn base(planner: &mut Planner<'_>, written: &Written) -> Option<(Input, Container)> {
    let service = &written.service.value;
    let (tree, own) = match &service.base.value {
        Base::Package(name) => {
            let own = planner.inputs.recipes.package(name).container.clone();
            (planner.package(name), own)
        }
        Base::Image(reference) => {
            let (tree, own) = planner.image(reference)?;
            (tree, label(planner, written, reference).map_or(own.clone(), |label| label.over(&own)))
        }
    };
    Some((Input::Derivation(tree), own))
}

/// Reads the label of an image that says how it is run, where a recipe lets it count.
fn label(planner: &mut Planner<'_>, written: &Written, reference: &ImageReference) -> Option<Container> {
    let counts = written.service.container.label.or(written.defaults.label);
    let text = planner
        .inputs
        .lock
        .images
        .get(reference)?
        .settings
        .label
        .as_ref()
        .filter(|_| counts == Some(true))?;
    match kit_recipe::linuxkit::label(text) {
        Ok(container) => Some(container),
        Err(problems) => {
            let place = place(planner.inputs.recipes, &written.recipe, written.service.base.span.clone());
            let (reference, problems) = (reference.to_string(), problems.to_string());
            planner.problems.push(PlanError::Label { reference, problems, place });
            None
        }
    }
}

/// Puts numbers in the place of the names of containers.
fn resolve_ids(planner: &mut Planner<'_>, evaluated: &Evaluated, container: &mut Container, place: &Place) {
    let order = [&evaluated.onboot, &evaluated.onshutdown, &evaluated.services];
    let names: Vec<_> = order.into_iter().flatten().map(|written| &written.service.name.value).collect();
    let Container { uid, gid, groups, .. } = container;
    for id in uid.iter_mut().chain(gid).chain(groups.iter_mut().flatten()) {
        let Id::Container(name) = &id.value else { continue };
        match (FIRST_ID..).zip(&names).find(|(_, known)| **known == name) {
            Some((number, _)) => id.value = Id::Number(number),
            None => planner.problems.push(PlanError::UnknownPart {
                what: "container",
                name: name.to_string(),
                known: names.iter().map(ToString::to_string).collect(),
                place: place.clone(),
            }),
        }
    }
}

/// Puts paths in the place of the names of volumes.
fn resolve_volumes(
    planner: &mut Planner<'_>,
    evaluated: &Evaluated,
    container: &mut Container,
    bound: &Place,
) {
    let volumes = &evaluated.image.volumes;
    for bind in container.binds.iter_mut().flatten() {
        let BindSource::Volume(name) = &bind.source else { continue };
        let Some(volume) = volumes.iter().find(|volume| volume.name.value == *name) else {
            planner.problems.push(PlanError::UnknownPart {
                what: "volume",
                name: name.to_string(),
                known: volumes.iter().map(|volume| volume.name.to_string()).collect(),
                place: bound.clone(),
            });
            continue;
        };
        let options = &bind.options;
        if volume.readonly && !options.is_empty() && !options.iter().any(|option| option == "ro") {
            let recipe = kit_recipe::recipe::RecipeName::Image(evaluated.image.name.value.clone());
            planner.problems.push(PlanError::ReadOnlyVolume {
                name: name.to_string(),
                bound: bound.clone(),
                volume: place(planner.inputs.recipes, &recipe, volume.name.span.clone()),
            });
        }
        let path = if volume.readonly {
            volume_directory(name).to_string()
        } else {
            format!("/run/kit/volumes/{name}")
        };
        bind.value.source = BindSource::Path(path);
    }
}

/// Plans the trees of the volumes that have something in them.
pub(crate) fn volumes(planner: &mut Planner<'_>, image: &Image) -> Vec<Part> {
    let mut parts = Vec::new();
    for Spanned { value: Volume { name, base, readonly: _ }, .. } in &image.volumes {
        let tree = match base.as_ref().map(|base| &base.value) {
            None => None,
            Some(Base::Package(package)) => Some(planner.package(package)),
            Some(Base::Image(reference)) => planner.image(reference).map(|(tree, _)| tree),
        };
        let part = |tree| Part {
            input: Input::Derivation(tree),
            owner: format!("volume {}", name.value),
            at: volume_directory(&name.value),
        };
        parts.extend(tree.map(part));
    }
    parts
}

/// Returns where a volume is in the root.
pub(crate) fn volume_directory(name: &Name) -> TreePath {
    format!("/containers/volumes/{name}").parse().expect("because a volume's name is a file name")
}
