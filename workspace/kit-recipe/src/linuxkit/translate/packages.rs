//! The packages of the root: the kernel, and what `init` lays into it.

use std::fmt::Write as _;

use super::Translator;
use crate::linuxkit::Written;
use crate::linuxkit::comments::Comment;
use crate::linuxkit::given::Base;
use crate::linuxkit::names::Names;
use crate::linuxkit::note::Fate;
use crate::linuxkit::system::Kernel;
use crate::linuxkit::toml::{Section, Toml, block, document};
use crate::recipe::RecipeName;
use crate::{Name, Spanned};

/// The kernel of an image.
pub(super) struct KernelPart {
    pub(super) section: Section,
    pub(super) package: Name,
    pub(super) has_modules: bool,
}

/// Where the kernel's package has microcode.
const MICROCODE: &str = "/boot/ucode.cpio";

/// What of LinuxKit's own images kit's init does itself.
const REPLACED: [(&str, &str); 4] = [
    ("init", "kit's own init stands in for it"),
    ("runc", "kit's init runs containers itself"),
    ("containerd", "kit's init runs containers itself"),
    ("memlogd", "kit's init keeps what containers print"),
];

impl Translator<'_> {
    pub(super) fn kernel(
        &mut self,
        kernel: &Kernel,
        names: &mut Names,
        packages: &mut Vec<Written>,
    ) -> Option<KernelPart> {
        let span = kernel.span.clone()?;
        let Some(image) = &kernel.image else {
            self.note(&span, Fate::Lost, "`kernel` is left out: it has no `image`");
            return None;
        };
        let mut section = Section::new("[kernel]");
        section.comments_above(self.comments_at(&span));
        let tar = kernel.tar.as_ref().map_or("kernel.tar", |tar| tar.value.as_str());
        let has_modules = !matches!(tar, "" | "none");
        let package = match &image.value {
            Base::Package(name) => {
                let text = format!(
                    "the files of package `{name}` are expected where kit looks for them: `/boot/vmlinuz`, `/usr/lib/modules`"
                );
                self.note(&image.span, Fate::Changed, text);
                name.clone()
            }
            Base::Image(reference) => {
                let name = names.unique(&format!("{}-kernel", self.image), "kernel");
                packages.push(self.kernel_package(&name, reference, kernel, has_modules.then_some(tar)));
                name
            }
        };
        let comments = self.comments_in(&image.span);
        section.put("package", &Toml::text(package.as_str()), comments);
        if let Some(cmdline) = &kernel.cmdline {
            let comments = self.comments_in(&cmdline.span);
            section.put("cmdline", &Toml::text(cmdline), comments);
        }
        if let Some(ucode) = kernel.ucode.as_ref().filter(|ucode| !ucode.is_empty()) {
            let comments = self.comments_in(&ucode.span);
            let path = match &image.value {
                Base::Image(_) => MICROCODE.to_owned(),
                Base::Package(_) => format!("/{}", ucode.trim_start_matches('/')),
            };
            section.put("microcode", &Toml::text(&path), comments);
        }
        for key in [&kernel.binary, &kernel.tar].into_iter().flatten() {
            for one in self.comments_in(&key.span) {
                section.remark(&one.text);
            }
        }
        Some(KernelPart { section, package, has_modules })
    }

    fn kernel_package(
        &mut self,
        name: &Name,
        reference: &str,
        kernel: &Kernel,
        tar: Option<&str>,
    ) -> Written {
        let binary = kernel.binary.as_ref().map_or("kernel", |binary| binary.value.as_str());
        let mut script = format!("mkdir -p \"$OUT/boot\"\ncp {} \"$OUT/boot/vmlinuz\"\n", in_image(binary));
        let mut tools = vec!["shell-tools"];
        if let Some(tar) = tar {
            tools.insert(0, "gnu-tar");
            let _ = writeln!(script, "tar -xf {} -C \"$OUT\" --no-same-owner", in_image(tar));
            script.push_str(include_str!("modules.sh"));
        }
        if let Some(ucode) = kernel.ucode.as_ref().filter(|ucode| !ucode.is_empty()) {
            let _ = writeln!(script, "cp {} \"$OUT{MICROCODE}\"", in_image(ucode));
        }
        let mut sections = about(name, &format!("The kernel of {reference}"));
        sections.push(source(reference));
        let mut build = Section::new("[build]");
        build.put("tools", &Toml::texts(tools), Vec::new());
        build.put("run", &block(&script), Vec::new());
        sections.push(build);
        package(name, &self.head(), &sections)
    }

    /// Makes the package that puts the kernel's modules into the root, where containers bind them from.
    pub(super) fn modules(&mut self, kernel: &Name, names: &mut Names, packages: &mut Vec<Written>) -> Name {
        let name = names.unique(&format!("{}-modules", self.image), "modules");
        let mut sections = about(&name, "The kernel's modules, for containers that load them");
        let mut tree = Section::new("[tree]");
        tree.put("packages", &Toml::texts([kernel.as_str()]), Vec::new());
        tree.put("exclude", &Toml::texts(["/boot/**"]), Vec::new());
        sections.push(tree);
        let mut link = Section::new("[[symlink]]");
        link.put("path", &Toml::text("/lib/modules"), Vec::new());
        link.put("target", &Toml::text("../usr/lib/modules"), Vec::new());
        sections.push(link);
        packages.push(package(&name, &self.head(), &sections));
        name
    }

    /// Returns the packages of the root, each with its comments, kit's init first.
    pub(super) fn init(
        &mut self,
        init: &[Spanned<Base>],
        names: &mut Names,
        packages: &mut Vec<Written>,
    ) -> Vec<(Name, Vec<Comment>)> {
        let mut list = vec![("init".parse::<Name>().expect("because it is a name"), Vec::new())];
        for base in init {
            let mut comments = self.comments_in(&base.span);
            let replaced = REPLACED.iter().find(|(name, _)| base.value.short() == *name);
            if let (Some((_, why)), Base::Image(reference)) = (replaced, &base.value) {
                self.note(&base.span, Fate::Changed, format!("`{reference}` is left out: {why}"));
                list[0].1.append(&mut comments);
                continue;
            }
            let name = match &base.value {
                Base::Package(name) => name.clone(),
                Base::Image(reference) => {
                    let name = names.unique(&format!("{}-{}", self.image, base.value.short()), "init");
                    let mut sections = about(&name, &format!("The files of {reference}"));
                    sections.push(source(reference));
                    packages.push(package(&name, &self.head(), &sections));
                    name
                }
            };
            if list.iter().any(|(known, _)| *known == name) {
                self.note(&base.span, Fate::Dropped, format!("`{name}` is there already"));
            } else {
                list.push((name, comments));
            }
        }
        list
    }
}

fn about(name: &Name, summary: &str) -> Vec<Section> {
    let mut section = Section::new("[package]");
    section.put("name", &Toml::text(name.as_str()), Vec::new());
    section.put("summary", &Toml::text(summary), Vec::new());
    vec![section]
}

fn source(reference: &str) -> Section {
    let mut section = Section::new("[sources.image]");
    section.put("image", &Toml::text(reference), Vec::new());
    section
}

fn package(name: &Name, head: &[String], sections: &[Section]) -> Written {
    Written { recipe: RecipeName::Package(name.clone()), text: document(head, sections, &[]) }
}

/// Returns a file of the image in the script's words.
fn in_image(file: &str) -> String {
    let path = format!("/src/image/{}", file.trim_start_matches('/'));
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+".contains(&b);
    if path.bytes().all(plain) { path } else { format!("'{}'", path.replace('\'', "'\\''")) }
}
