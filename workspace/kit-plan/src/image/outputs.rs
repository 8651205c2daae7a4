//! What is planned for each output format: the parts that formats share, each once, and what puts them together.
//!
//! ```text
//! root ──┬─ kernel+initrd ──┬─ tar-kernel-initrd
//!        │                  ├─ uki ──┬─ disks and discs for UEFI
//!        │                  └────────┴─ those for a BIOS
//!        ├─ file system ─┬─ tree of digests ─┐
//!        │               └───────────────────┴─ partitions; kernel+erofs and the like
//!        └─ tar, oci, …
//! ```
//! Where the root is a file system of its own, `kernel+initrd` is the small one of [`super::stage`], which finds it.

use std::collections::BTreeMap;

use kit_hash::DerivationId;
use kit_recipe::image::{
    DiskRoot, FileSystem, Firmware, Format, IsoRoot, Kernel, RootCompression, RootPlace,
};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Container, Image};
use kit_tree::TreePath;

use super::{extension, hyper_v, slots, stage};
use crate::derivation::{
    Action, Compose, DirectoryLoader, Disk, Image as ImageAction, ImageFormat, Input, Loaders, OciImage,
    Part, Slots,
};
use crate::error::Asked;
use crate::evaluate::place;
use crate::planner::Planner;
use crate::recipes::{BIOS_BOOT, efi_stub};
use crate::registry::oci_architecture;
use crate::{PlanError, runtime};

/// Plans a format; none where something is missing, which is noted.
pub(super) fn output(
    planner: &mut Planner<'_>,
    image: &Image,
    format: Format,
    kernel: Option<Input>,
    root: DerivationId,
) -> Option<DerivationId> {
    let name = image.name.value.to_string();
    let id = root;
    let root = Input::Derivation(root);
    let written = match format {
        Format::Tar => ImageFormat::Tar { root },
        Format::CompressedTar(compression) => ImageFormat::CompressedTar { root, compression },
        Format::Oci => ImageFormat::Oci { images: oci_images(planner, &name, id) },
        Format::DockerArchive => ImageFormat::DockerArchive { images: oci_images(planner, &name, id) },
        Format::Extension(kind) => return extension::output(planner, image, kind, id),
        _ => {
            let (Some(kernel), Some(written)) = (kernel, &image.kernel) else {
                no_kernel(planner, image, format);
                return None;
            };
            let written = &written.value;
            let mut machine = Machine { planner, image, format, name, kernel, written, root };
            return machine.output();
        }
    };
    Some(add(planner, &name, &format!("output {name} {format}"), written))
}

pub(super) fn add(planner: &mut Planner<'_>, name: &str, title: &str, format: ImageFormat) -> DerivationId {
    let source_date = planner.source_date();
    planner.plan.add(title, Action::Image(ImageAction { name: name.to_owned(), source_date, format }))
}

/// Where a root is that isn't in the initrd, in the words of kit-init's `kit.root`.
pub(super) struct Place {
    kind: FileSystem,
    at: String,
    pub(super) verity: Option<Input>,
    /// What reaching it takes besides, and what is added to the boot command line.
    slot: Option<slots::Slot>,
}

/// A format that has a kernel, in the making.
pub(super) struct Machine<'p, 'a> {
    pub(super) planner: &'p mut Planner<'a>,
    pub(super) image: &'p Image,
    pub(super) format: Format,
    name: String,
    pub(super) kernel: Input,
    written: &'p Kernel,
    root: Input,
}

impl Machine<'_, '_> {
    fn output(&mut self) -> Option<DerivationId> {
        if !self.fits() {
            return None;
        }
        let (name, format) = (self.name.clone(), self.format);
        let title = format!("output {name} {format}");
        Some(match format {
            Format::KernelInitrd => self.boot(None),
            Format::TarKernelInitrd => {
                let boot = Input::Derivation(self.boot(None));
                self.add(&title, ImageFormat::TarKernelInitrd { boot })
            }
            Format::KernelRoot(kind) => self.kernel_root(&title, kind)?,
            Format::Ipxe => self.directory(&title, DirectoryLoader::Ipxe),
            Format::Lcow => self.directory(&title, DirectoryLoader::Lcow),
            Format::Uki => {
                let boot = self.boot(None);
                self.uki(boot, &title)?
            }
            Format::Iso { firmware, root } => {
                let label = iso_label(&name);
                let on_disc = (root == IsoRoot::Disc).then_some(self.root);
                let place = on_disc.map(|_| Place {
                    kind: FileSystem::Iso,
                    at: format!("label:{label}"),
                    verity: None,
                    slot: None,
                });
                let loaders = self.loaders(firmware, place.as_ref())?;
                let suffix = format.boot_suffix().expect("because a disc starts machines");
                self.add(&title, ImageFormat::Iso { suffix, loaders, label, root: on_disc })
            }
            Format::Disk { container, firmware } => {
                let written = self.image.disk.as_ref().map(|disk| disk.value.clone()).unwrap_or_default();
                let version = match &written.slots {
                    Some(asked) => Some(slots::check(self.planner, self.image, format, &asked.span)?),
                    None => None,
                };
                let (root, place) = self.partition(&written)?;
                let verity = place.as_ref().and_then(|place| place.verity);
                let loaders = self.loaders(firmware, place.as_ref())?;
                let slots = match written.slots.as_ref().zip(version) {
                    Some((asked, version)) => Some(Slots {
                        manager: self.standard(efi_stub(self.architecture()))?,
                        size: asked.value.size,
                        version,
                    }),
                    None => None,
                };
                let kit_recipe::image::Disk { size, data, esp, labels, .. } = written;
                let disk =
                    Disk { container, firmware, loaders, root, verity, size, data, esp, labels, slots };
                self.add(&title, ImageFormat::Disk(Box::new(disk)))
            }
            Format::Tar
            | Format::CompressedTar(_)
            | Format::Oci
            | Format::DockerArchive
            | Format::Extension(_) => return None,
            Format::RaspberryPi(packing) => self.raspberry_pi(&title, packing)?,
            Format::Update => self.update(&title)?,
        })
    }

    /// Returns where the format is asked for.
    pub(super) fn asked(&self) -> Asked {
        asked(self.planner, self.image, self.format)
    }

    pub(super) fn add(&mut self, title: &str, format: ImageFormat) -> DerivationId {
        add(self.planner, &self.name, title, format)
    }

    /// Plans kernel, initrd and command line.
    pub(super) fn boot(&mut self, place: Option<&Place>) -> DerivationId {
        let pin = self.planner.inputs.lock.pin_id();
        let microcode = self.written.microcode.as_ref().map(|path| path.value.clone());
        let (name, kernel) = (&self.name, self.kernel);
        let (title, root, words, files) = match place {
            None => {
                let title = if self.format.is_for_hyper_v() {
                    format!("boot {name}{}", self.behind())
                } else {
                    format!("output {name} {}", Format::KernelInitrd)
                };
                (title, self.root, String::new(), name.clone())
            }
            Some(Place { kind, at, verity, slot }) => {
                let (word, driver) = (kind.word(), driver(*kind));
                let mut needs = vec![driver];
                needs.extend(verity.map(|_| "dm_verity"));
                needs.extend(slot.iter().flat_map(|_| slots::DRIVERS));
                if self.format.is_for_hyper_v() {
                    needs.extend(hyper_v::TO_DISKS);
                }
                let options: Vec<_> = asked_compression(self.image, *kind)
                    .and_then(|word| word.option(*kind))
                    .into_iter()
                    .collect();
                let title = format!("boot {name} {word}:{at}{}", self.behind());
                let image = (&self.image.name.value, self.architecture());
                let stage = stage::stage_one(self.planner, image, self.written, kernel, &needs, &options);
                let more = slot.as_ref().map_or("", |slot| slot.words.as_str());
                let words = format!(" kit.root={word}:{at}{more}");
                (title, Input::Derivation(stage), words, format!("{name}-{word}"))
            }
        };
        let cmdline = format!("{}{words} kit.pin={pin}", self.written.cmdline).trim_start().to_owned();
        let verity = place.and_then(|place| place.verity);
        let compression = self.written.initrd;
        add(
            self.planner,
            &files,
            &title,
            ImageFormat::KernelInitrd { kernel, root, cmdline, microcode, verity, compression },
        )
    }

    /// Returns what stands behind titles of parts that are another one for this format.
    fn behind(&self) -> String {
        if self.format.is_for_hyper_v() { format!(" for {}", self.format) } else { String::new() }
    }

    fn directory(&mut self, title: &str, loader: DirectoryLoader) -> DerivationId {
        let boot = Input::Derivation(self.boot(None));
        self.add(title, ImageFormat::Directory { boot, loader })
    }

    fn file_system(&mut self, kind: FileSystem) -> Option<Input> {
        let title = format!("file system {} {}{}", self.name, kind.word(), self.behind());
        let compression = compression(self.planner, self.image, self.format, kind)?;
        let disk = self.image.disk.as_ref().filter(|_| kind == FileSystem::Ext4);
        let size = disk.and_then(|disk| disk.value.root_size);
        let format = ImageFormat::FileSystem { root: self.root, kind, compression, size };
        Some(Input::Derivation(self.add(&title, format)))
    }

    fn kernel_root(&mut self, title: &str, kind: FileSystem) -> Option<DerivationId> {
        let place = Place { kind, at: "disk".to_owned(), verity: None, slot: None };
        let boot = Input::Derivation(self.boot(Some(&place)));
        let part = |input, owner: &str| Part { input, owner: owner.to_owned(), at: TreePath::root() };
        let parts = vec![part(boot, "kernel and initrd"), part(self.file_system(kind)?, "root")];
        Some(self.planner.plan.add(title, Action::Compose(Compose { parts, ..Compose::default() })))
    }

    /// Plans the partition that a disk has the root in; none where that can't be, which is noted.
    pub(super) fn partition(
        &mut self,
        disk: &kit_recipe::image::Disk,
    ) -> Option<(Option<Input>, Option<Place>)> {
        let kind = match disk.root {
            DiskRoot::Initrd => return Some((None, None)),
            DiskRoot::Erofs => FileSystem::Erofs,
            DiskRoot::Squashfs => FileSystem::Squashfs,
            DiskRoot::Ext4 => FileSystem::Ext4,
        };
        let data = self.file_system(kind)?;
        let verity = disk.verity.then(|| {
            let title = format!("digests {} {}{}", self.name, kind.word(), self.behind());
            Input::Derivation(self.add(&title, ImageFormat::Verity { data }))
        });
        let at = match disk.find {
            RootPlace::Type => "type".to_owned(),
            RootPlace::Label => format!("label:{}", disk.labels.root()),
        };
        let slot = disk.slots.as_ref().map(|_| slots::Slot::of(&self.written.cmdline));
        Some((Some(data), Some(Place { kind, at, verity, slot })))
    }

    pub(super) fn loaders(&mut self, firmware: Firmware, place: Option<&Place>) -> Option<Loaders> {
        let boot = self.boot(place);
        let title = match place {
            None if self.format.is_for_hyper_v() => format!("uki {}{}", self.name, self.behind()),
            None => format!("output {} {}", self.name, Format::Uki),
            Some(Place { kind, at, .. }) => {
                format!("uki {} {}:{at}{}", self.name, kind.word(), self.behind())
            }
        };
        let uki = if firmware.has_efi() { Some(self.uki(boot, &title)?) } else { None };
        let bios = if firmware.has_bios() {
            Some((self.standard(BIOS_BOOT)?, Input::Derivation(boot)))
        } else {
            None
        };
        let architecture = self.planner.inputs.lock.architecture.clone();
        Some(Loaders { uki: uki.map(Input::Derivation), bios, architecture })
    }

    fn uki(&mut self, boot: DerivationId, title: &str) -> Option<DerivationId> {
        let stub = self.standard(efi_stub(self.architecture()))?;
        let architecture = self.planner.inputs.lock.architecture.clone();
        let (boot, kernel, root) = (Input::Derivation(boot), self.kernel, self.root);
        let device_tree = self.written.devicetree.as_ref().map(|path| path.value.clone());
        Some(self.add(title, ImageFormat::Uki { stub, boot, kernel, root, architecture, device_tree }))
    }

    /// Plans a standard package that the format needs of itself.
    pub(super) fn standard(&mut self, package: &'static str) -> Option<Input> {
        let name = package.parse().expect("because it is a name");
        if !self.planner.inputs.recipes.has_package(&name) {
            let place = asked(self.planner, self.image, self.format);
            let problem = PlanError::FormatNeeds { format: self.format.word(), package, place };
            self.planner.problems.push(problem);
            return None;
        }
        Some(Input::Derivation(self.planner.package(&name)))
    }
}

/// Returns the compression that is asked for, where it isn't the one that the file system has anyway; a disc has none.
fn asked_compression(image: &Image, kind: FileSystem) -> Option<RootCompression> {
    let asked = image.disk.as_ref()?.value.compression.as_ref()?.value;
    let own = RootCompression::of(kind).first()?;
    Some(asked).filter(|asked| asked != own)
}

/// Returns the same; none where the file system isn't written with it, which is noted.
#[expect(clippy::option_option, reason = "no compression of its own isn't a problem")]
pub(super) fn compression(
    planner: &mut Planner<'_>,
    image: &Image,
    format: Format,
    kind: FileSystem,
) -> Option<Option<RootCompression>> {
    let compression = asked_compression(image, kind);
    if let Some(other) = compression.filter(|word| !word.fits(kind)) {
        let place = asked(planner, image, format);
        let known = RootCompression::of(kind).iter().map(|word| word.word()).collect();
        let (compression, format) = (other.word(), format.word());
        planner.problems.push(PlanError::RootCompression { compression, format, known, place });
        return None;
    }
    Some(compression)
}

/// Returns the driver of a file system.
fn driver(kind: FileSystem) -> &'static str {
    match kind {
        FileSystem::Erofs => "erofs",
        FileSystem::Squashfs => "squashfs",
        FileSystem::Iso => "isofs",
        FileSystem::Ext4 => "ext4",
    }
}

/// Returns what a disc is called: letters, digits and underscores, at most 32, as ISO 9660 has them.
fn iso_label(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(letter).take(32).collect()
}

/// Returns where a format is asked for; the image where that was on the command line.
pub(super) fn asked(planner: &Planner<'_>, image: &Image, format: Format) -> Asked {
    let written = image.formats.iter().find(|f| f.value == format);
    let span = written.map_or_else(|| image.name.span.clone(), |f| f.span.clone());
    let image = image.name.value.clone();
    let place = place(planner.inputs.recipes, &RecipeName::Image(image.clone()), span);
    Asked { place, image, is_written: written.is_some() }
}

fn no_kernel(planner: &mut Planner<'_>, image: &Image, format: Format) {
    let place = asked(planner, image, format);
    planner.problems.push(PlanError::NoKernel { format: format.word(), place });
}

/// The whole image under its own name, and each container under `NAME-container`.
fn oci_images(planner: &Planner<'_>, name: &str, root: DerivationId) -> BTreeMap<String, OciImage> {
    let whole = OciImage {
        root: Input::Derivation(root),
        shares: planner.shares(root),
        command: vec!["/init".to_owned()],
        env: runtime::environment(&Container::default()),
        cwd: "/".to_owned(),
        user: "0:0".to_owned(),
        architecture: oci_architecture(&planner.inputs.lock.architecture).to_owned(),
    };
    let mut images = BTreeMap::from([(name.to_owned(), whole)]);
    for planned in planner.plan.containers.values() {
        let Some(Action::Image(action)) = planner.plan.get(&planned.image).map(|d| d.action().clone()) else {
            continue;
        };
        if let ImageFormat::Oci { images: own } = action.format {
            images.extend(own.into_iter().map(|(container, image)| (format!("{name}-{container}"), image)));
        }
    }
    images
}
