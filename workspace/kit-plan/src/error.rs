//! What can be wrong with recipes and lockfiles taken together.

use std::ops::Range;

use kit_recipe::recipe::{Problems, RecipeName};
use kit_recipe::{Architecture, Name};
use kit_tree::TreePath;

/// A place in a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Which recipe.
    pub recipe: RecipeName,
    /// Its whole text.
    pub text: String,
    /// Bytes of it.
    pub span: Range<usize>,
}

/// Where a format is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The word in the recipe, or the image's name there.
    pub place: Place,
    /// The image.
    pub image: Name,
    /// Whether the recipe asks, and not the command line.
    pub is_written: bool,
}

impl Asked {
    fn label(&self) -> (&Place, String) {
        let label =
            if self.is_written { "asked for here" } else { "asked of this image by the command line" };
        (&self.place, label.to_owned())
    }
}

/// A recipe that can't be read.
#[derive(Debug)]
pub struct Unparsable {
    /// Which recipe.
    pub recipe: RecipeName,
    /// Its whole text.
    pub text: String,
    /// All that is wrong with it.
    pub problems: Problems,
}

/// Why no plan can be made.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A recipe has problems of its own.
    #[error("`{}` has problems", .0.recipe.path())]
    Recipe(Unparsable),
    /// A recipe can't be read from its place.
    #[error("cannot read `{path}`")]
    Read {
        /// Path below the project.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A name that no recipe has.
    #[error("there is no {}", quoted(name))]
    Unknown {
        /// What was named.
        name: RecipeName,
        /// All recipes there are.
        known: Vec<RecipeName>,
        /// Where it was named; none on the command line.
        used: Option<Place>,
    },
    /// Recipes that need each other.
    #[error("recipes need each other: {}", around.iter().map(quoted).collect::<Vec<_>>().join(" → "))]
    Cycle {
        /// The names around the cycle: the smallest one, those that it leads to, and the smallest one again.
        around: Vec<RecipeName>,
        /// Where the cycle closes.
        used: Option<Place>,
    },
    /// Two containers of one name, or a replacement of none.
    #[error("two containers are called `{name}`")]
    DuplicateContainer {
        /// The name.
        name: String,
        /// The later one.
        second: Place,
        /// The earlier one.
        first: Place,
    },
    /// A removal or replacement of something that isn't there.
    #[error("no extended image has a container `{name}`")]
    NothingToReplace {
        /// The name.
        name: String,
        /// Where it is written.
        place: Place,
    },
    /// An image without a kernel in a format that needs one.
    #[error("the format `{format}` needs a kernel")]
    NoKernel {
        /// The format.
        format: &'static str,
        /// Where it is asked for.
        place: Asked,
    },
    /// The format of an extension, of an image that is none.
    #[error("the format `{format}` is for images with `[extension]`")]
    NoExtension {
        /// The format.
        format: &'static str,
        /// Where it is asked for.
        place: Asked,
    },
    /// An extension with what none can have.
    #[error("an image with `[extension]` can't have {what}")]
    NotOfExtensions {
        /// What it has.
        what: String,
        /// Where it is written, or else the image's name.
        place: Place,
    },
    /// A format that needs a package of itself, for which nothing is pinned.
    #[error("the format `{format}` needs the package `{package}`, which the lockfile doesn't have")]
    FormatNeeds {
        /// The format.
        format: &'static str,
        /// The package.
        package: &'static str,
        /// Where it is asked for.
        place: Asked,
    },
    /// A compression that the file system of a format isn't written with.
    #[error("the format `{format}` isn't written with the compression `{compression}`")]
    RootCompression {
        /// The compression, which `[disk]` asks for.
        compression: &'static str,
        /// The format.
        format: &'static str,
        /// The compressions that it has.
        known: Vec<&'static str>,
        /// Where the format is asked for.
        place: Asked,
    },
    /// Places for two systems on a disk that a BIOS may start.
    #[error("the format `{format}` can't have `slots`: nothing in a BIOS counts boots")]
    SlotsFirmware {
        /// The format.
        format: &'static str,
        /// The one for UEFI alone.
        instead: &'static str,
        /// Where it is asked for.
        place: Place,
        /// Where the slots are written.
        slots: Place,
    },
    /// Places for two systems, and nothing that says which is newer.
    #[error("an image with `slots` needs a version, by which it is told which of two systems is newer")]
    SlotsVersion {
        /// The image's name.
        image: Place,
        /// Where the slots are written.
        slots: Place,
    },
    /// A version that names on a disk with two systems can't have.
    #[error("the version `{version}` {why}")]
    SlotsName {
        /// The version.
        version: String,
        /// What is wrong with it.
        why: String,
        /// The image's name.
        image: Place,
        /// Where the slots are written.
        slots: Place,
    },
    /// An update for a disk on which nothing can be replaced.
    #[error("the format `update` is for a disk with two systems, and `[disk]` has no `slots`")]
    UpdateSlots {
        /// Where it is asked for.
        place: Asked,
    },
    /// A container that nothing says how to run.
    #[error("the container `{name}` has no command")]
    NoCommand {
        /// The container.
        name: String,
        /// Where it is written.
        place: Place,
    },
    /// A name of a container, or of a volume, that the image doesn't have.
    #[error("the image has no {what} `{name}`")]
    UnknownPart {
        /// `container`, `service` or `volume`.
        what: &'static str,
        /// The name.
        name: String,
        /// Those that it has.
        known: Vec<String>,
        /// The container that names it.
        place: Place,
    },
    /// The label of an image that says how it is run can't be read.
    #[error("the label `org.mobyproject.config` of `{reference}` can't be used: {problems}")]
    Label {
        /// The image.
        reference: String,
        /// What is wrong with it.
        problems: String,
        /// Where the image is named.
        place: Place,
    },
    /// A read-only volume is bound so that it could be written.
    #[error("the volume `{name}` is read-only, but bound read-write")]
    ReadOnlyVolume {
        /// The volume.
        name: String,
        /// The container that binds it.
        bound: Place,
        /// Where the volume is written.
        volume: Place,
    },
    /// Services that wait for each other.
    #[error("services wait for each other: {}", around.join(" → "))]
    WaitCycle {
        /// The names around the cycle, the first one again at its end.
        around: Vec<String>,
        /// The services of the cycle.
        places: Vec<Place>,
    },
    /// `prefer` names something that doesn't take part.
    #[error("`{owner}` provides nothing here")]
    UnknownOwner {
        /// The name.
        owner: String,
        /// The path it should win.
        path: TreePath,
        /// Who takes part.
        known: Vec<String>,
        /// Where it is written.
        place: Place,
    },
    /// Crates in a package that doesn't build.
    #[error("the source `{source_name}` brings crates, but nothing builds them")]
    CratesWithoutBuild {
        /// The source.
        source_name: String,
        /// Where it is written.
        place: Place,
    },
    /// A format for other processors than the image.
    #[error("the format `{format}` is for {wanted}, and the image for {is}")]
    FormatArchitecture {
        /// The format.
        format: &'static str,
        /// What it is for.
        wanted: Architecture,
        /// What the image is for.
        is: Architecture,
        /// Where it is asked for.
        place: Asked,
    },
    /// A format that a BIOS starts, for processors whose machines have none.
    #[error("the format `{format}` is started by a BIOS, which no machine for {is} has")]
    FormatBios {
        /// The format.
        format: &'static str,
        /// The same for UEFI.
        instead: &'static str,
        /// What the image is for.
        is: Architecture,
        /// Where it is asked for.
        place: Asked,
    },
    /// A package for other processors than the image.
    #[error("the package `{package}` is for {is}, and the image for {wanted}")]
    OtherArchitecture {
        /// The package.
        package: String,
        /// What it is for.
        is: String,
        /// What the image is for.
        wanted: String,
        /// Whether a script builds it.
        is_built: bool,
        /// Where it is named.
        used: Place,
        /// Where the image says what it is for, or the image.
        image: Place,
    },
    /// A package for other processors than scripts run on, among the tools of one.
    #[error("the package `{package}` is for {is}, and scripts run on {}", Architecture::USUAL)]
    ForeignTool {
        /// The package.
        package: String,
        /// What it is for.
        is: String,
        /// Where it is a tool, or goes into one.
        used: Place,
        /// Where it says what it is for.
        written: Place,
    },
    /// The lockfile doesn't pin something that the recipes need.
    #[error("the lockfile doesn't pin {what}")]
    Unpinned {
        /// What is missing, in words.
        what: String,
    },
}

impl PlanError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Recipe(_) => "kit::recipe::problems",
            Self::Read { .. } => "kit::recipe::unreadable",
            Self::Unknown { .. } => "kit::plan::unknown_recipe",
            Self::Cycle { .. } => "kit::plan::cycle",
            Self::DuplicateContainer { .. } => "kit::plan::duplicate_container",
            Self::NothingToReplace { .. } => "kit::plan::nothing_to_replace",
            Self::NoKernel { .. } => "kit::plan::no_kernel",
            Self::NoExtension { .. } => "kit::plan::no_extension",
            Self::NotOfExtensions { .. } => "kit::plan::not_of_extensions",
            Self::FormatNeeds { .. } => "kit::plan::format_needs",
            Self::RootCompression { .. } => "kit::plan::root_compression",
            Self::SlotsFirmware { .. } => "kit::plan::slots_firmware",
            Self::SlotsVersion { .. } => "kit::plan::slots_version",
            Self::SlotsName { .. } => "kit::plan::slots_name",
            Self::UpdateSlots { .. } => "kit::plan::update_slots",
            Self::NoCommand { .. } => "kit::plan::no_command",
            Self::UnknownPart { .. } => "kit::plan::unknown_part",
            Self::Label { .. } => "kit::plan::label",
            Self::ReadOnlyVolume { .. } => "kit::plan::read_only_volume",
            Self::WaitCycle { .. } => "kit::plan::wait_cycle",
            Self::UnknownOwner { .. } => "kit::plan::unknown_owner",
            Self::CratesWithoutBuild { .. } => "kit::plan::crates_without_build",
            Self::FormatArchitecture { .. } => "kit::plan::format_architecture",
            Self::FormatBios { .. } => "kit::plan::format_bios",
            Self::OtherArchitecture { .. } => "kit::plan::other_architecture",
            Self::ForeignTool { .. } => "kit::plan::foreign_tool",
            Self::Unpinned { .. } => "kit::lock::unpinned",
        }
    }

    /// Returns the places to point at, the main one first, each with its label.
    pub fn labels(&self) -> Vec<(&Place, String)> {
        match self {
            Self::Recipe(_) | Self::Read { .. } | Self::Unpinned { .. } => Vec::new(),
            Self::Unknown { used, .. } => used.iter().map(|p| (p, "named here".to_owned())).collect(),
            Self::Cycle { used, .. } => used.iter().map(|p| (p, "closes the cycle".to_owned())).collect(),
            Self::DuplicateContainer { second, first, .. } => {
                vec![(second, "this one".to_owned()), (first, "has the name first".to_owned())]
            }
            Self::NothingToReplace { place, .. } => vec![(place, "nothing to take the place of".to_owned())],
            Self::NoKernel { place, .. }
            | Self::FormatNeeds { place, .. }
            | Self::NoExtension { place, .. }
            | Self::UpdateSlots { place }
            | Self::FormatArchitecture { place, .. }
            | Self::FormatBios { place, .. }
            | Self::RootCompression { place, .. } => vec![place.label()],
            Self::NotOfExtensions { place, .. } => vec![(place, "this extension".to_owned())],
            Self::SlotsFirmware { place, slots, .. } => {
                vec![(place, "asked for here".to_owned()), (slots, "two slots".to_owned())]
            }
            Self::SlotsVersion { image, slots } => {
                vec![(image, "has no version".to_owned()), (slots, "two slots".to_owned())]
            }
            Self::SlotsName { image, slots, .. } => {
                vec![(image, "has this version".to_owned()), (slots, "two slots".to_owned())]
            }
            Self::NoCommand { place, .. } => vec![(place, "this container".to_owned())],
            Self::UnknownPart { place, .. } => vec![(place, "named here".to_owned())],
            Self::Label { place, .. } => vec![(place, "this image".to_owned())],
            Self::ReadOnlyVolume { bound, volume, .. } => {
                vec![(bound, "bound without `ro`".to_owned()), (volume, "read-only".to_owned())]
            }
            Self::WaitCycle { around, places } => {
                let waits = around.iter().skip(1).map(|next| format!("waits for `{next}`"));
                places.iter().zip(waits).collect()
            }
            Self::UnknownOwner { place, path, .. } => vec![(place, format!("should win at `{path}`"))],
            Self::CratesWithoutBuild { place, .. } => vec![(place, "this source".to_owned())],
            Self::OtherArchitecture { wanted, used, image, .. } => {
                vec![(used, "goes into the image".to_owned()), (image, format!("for {wanted}"))]
            }
            Self::ForeignTool { is, used, written, .. } => {
                vec![(used, "runs in scripts".to_owned()), (written, format!("for {is}"))]
            }
        }
    }

    /// Returns the next thing to do.
    pub fn help(&self) -> Option<String> {
        Some(match self {
            Self::Recipe(_) => return None,
            Self::Read { .. } => "make the file readable, as UTF-8 text".to_owned(),
            Self::Unknown { name, known, .. } => unknown_help(name, known),
            Self::Cycle { .. } => "take one of these uses away".to_owned(),
            Self::DuplicateContainer { .. } => {
                "rename one, or write `replace = true` in the one that takes the other's place".to_owned()
            }
            Self::NothingToReplace { .. } => "check the name, or add the image to `extends`".to_owned(),
            Self::NoKernel { .. } => "add `[kernel] package = \"kernel-debian\"`".to_owned(),
            Self::NoExtension { .. } => {
                "add `[extension]` with `id = \"_any\"`, or with the `ID` of the system that it is for".to_owned()
            }
            Self::NotOfExtensions { .. } => {
                "take it away: an extension is files, written as `sysext`, `confext`, `tar`, `tar+gzip` or `tar+zstd`".to_owned()
            }
            Self::FormatNeeds { place: Asked { image, is_written: true, .. }, .. } => format!("run `kit lock {image}`"),
            Self::FormatNeeds { format, place: Asked { image, .. }, .. } => {
                format!("add `\"{format}\"` to `formats` in the recipe's `[image]`, and run `kit lock {image}`")
            }
            Self::RootCompression { known, .. } => {
                format!("let `compression` of `[disk]` be one of `{}`, or leave it out", known.join("`, `"))
            }
            Self::SlotsFirmware { instead, .. } => {
                format!("write `{instead}`, or take `slots` from `[disk]`")
            }
            Self::SlotsVersion { .. } => {
                "add `version = \"1\"` to `[image]`, and a higher one with each update".to_owned()
            }
            Self::SlotsName { .. } => {
                "let `version` of `[image]` be short, of letters, digits, `.`, `_` and `-`".to_owned()
            }
            Self::UpdateSlots { .. } => {
                "add `slots = 2` to `[disk]`, with `root = \"erofs\"` and `verity = true`".to_owned()
            }
            Self::NoCommand { .. } => {
                "add `command = [\"/path/to/program\"]` here or in the package's `[container]`".to_owned()
            }
            Self::UnknownPart { what, known, .. } if known.is_empty() => {
                format!("add a {what}, or leave it out")
            }
            Self::UnknownPart { what, known, .. } => format!("the {what}s are `{}`", known.join("`, `")),
            Self::Label { .. } => "write `label = false`, and the keys that it needs".to_owned(),
            Self::ReadOnlyVolume { .. } => {
                "add `ro` to the options of the bind, or take `readonly` from the volume".to_owned()
            }
            Self::WaitCycle { .. } => "take one of these `after` or `requires` away".to_owned(),
            Self::UnknownOwner { known, .. } => format!("name one of `{}`", known.join("`, `")),
            Self::CratesWithoutBuild { .. } => "add `[build]`, or take the source away".to_owned(),
            Self::FormatArchitecture { wanted, .. } => {
                format!("add `architecture = \"{wanted}\"` to the recipe's `[image]`, with packages that are for it")
            }
            Self::FormatBios { instead, .. } => format!("take `{instead}`, which UEFI starts"),
            Self::OtherArchitecture { wanted, is_built: true, .. } => format!(
                "name a package of Debian's binaries for {wanted}, or one whose script compiles for it and which says \
                 `architecture = \"{wanted}\"` in its `[package]`"
            ),
            Self::OtherArchitecture { wanted, is_built: false, .. } => {
                format!("add `architecture = \"{wanted}\"` to its `[package]`, or name one that has it")
            }
            Self::ForeignTool { .. } => {
                "add `architecture` to single sources of it, if it is to link with their files, and take it from `[package]`"
                    .to_owned()
            }
            Self::Unpinned { .. } => "run `kit lock`".to_owned(),
        })
    }
}

/// Shows a name as people write it.
fn quoted(name: &RecipeName) -> String {
    match name {
        RecipeName::Image(name) => format!("image `{name}`"),
        RecipeName::Package(name) => format!("package `{name}`"),
        RecipeName::Tools => "recipe of the tools".to_owned(),
    }
}

fn unknown_help(name: &RecipeName, known: &[RecipeName]) -> String {
    let same_kind = known.iter().filter(|k| std::mem::discriminant(*k) == std::mem::discriminant(name));
    let close = same_kind
        .map(|k| (strsim::damerau_levenshtein(&k.to_string(), &name.to_string()), k))
        .filter(|(distance, _)| *distance <= 3)
        .min();
    match close {
        Some((_, RecipeName::Image(n) | RecipeName::Package(n))) => format!("did you mean `{n}`?"),
        _ => format!("write `{}`, or check the name", name.path()),
    }
}
