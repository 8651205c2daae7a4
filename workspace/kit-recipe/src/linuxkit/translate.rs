//! From what LinuxKit's YAML says to recipes.

mod container;
mod files;
mod limits;
mod mounts;
pub(super) mod package;
mod packages;
mod script;

use std::collections::BTreeMap;
use std::ops::Range;

use super::Written;
use super::comments::{Comment, Comments};
use super::entry::{Config, Entry};
use super::given::{Base, Given};
use super::names::Names;
use super::note::{Fate, Note};
use super::system::{System, Volume};
use super::texts::Texts;
use super::toml::{Section, Toml, document, quoted};
use crate::recipe::RecipeName;
use crate::{Name, Spanned};

/// What kit's init doesn't do and LinuxKit's does, done by a container that comes first.
const PREPARE: &str = include_str!("translate/prepare.sh");
/// The same, for drivers.
const DRIVERS: &str = include_str!("translate/drivers.sh");

/// What is being written.
pub(super) struct Translator<'t> {
    texts: &'t Texts<'t>,
    comments: Comments,
    notes: Vec<Note>,
    /// What is imported.
    image: &'t Name,
    /// Names of volumes, by those in the YAML.
    volumes: BTreeMap<String, Name>,
    /// Names of containers by those in the YAML; of several the last one's, as LinuxKit has it.
    containers: BTreeMap<String, Name>,
    /// Numbers of the containers' users.
    numbers: BTreeMap<String, u32>,
}

/// Writes the recipes of a system: the image first.
pub(super) fn translate(
    system: &System,
    image: &Name,
    given: &Given,
    texts: &Texts<'_>,
    comments: Comments,
    metadata: &dyn Fn(&str) -> String,
) -> (Vec<Written>, Vec<Note>) {
    let mut translator = Translator::new(texts, comments, image);
    let recipes = translator.system(system, given, metadata);
    let mut notes = translator.notes;
    notes.sort();
    notes.dedup();
    (recipes, notes)
}

/// Writes the keys of a container that stands alone, as those of a section with this title.
pub(super) fn config_alone(config: &Config, image: &Name, texts: &Texts<'_>, title: &str) -> Section {
    let mut translator = Translator::new(texts, Comments::default(), image);
    let mut section = Section::new(title);
    translator.config(&mut section, config);
    section
}

impl<'t> Translator<'t> {
    fn new(texts: &'t Texts<'t>, comments: Comments, image: &'t Name) -> Self {
        Self {
            texts,
            comments,
            notes: Vec::new(),
            image,
            volumes: BTreeMap::new(),
            containers: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }
}

impl Translator<'_> {
    fn note(&mut self, at: &Range<usize>, fate: Fate, text: impl Into<String>) {
        let (file, line) = self.texts.locate(at.start);
        self.notes.push(Note { file, line, fate, text: text.into() });
    }

    /// Takes the comments that are about the first line of a place.
    fn comments_at(&mut self, span: &Range<usize>) -> Vec<Comment> {
        let line = self.texts.line_of(span.start);
        self.comments.take(line..=line)
    }

    /// Takes the comments that are about a place.
    fn comments_in(&mut self, span: &Range<usize>) -> Vec<Comment> {
        let (first, last) =
            (self.texts.line_of(span.start), self.texts.line_of(span.end.max(span.start + 1) - 1));
        self.comments.take(first..=last)
    }

    fn system(&mut self, system: &System, given: &Given, metadata: &dyn Fn(&str) -> String) -> Vec<Written> {
        for trust in &system.trust {
            self.comments_in(trust);
            self.note(
                trust,
                Fate::Dropped,
                "`trust` has no effect in LinuxKit either; the lockfile pins each image by digest",
            );
        }
        let about = self.comments.heads();
        let mut packages = Vec::new();
        let mut names = Names::default();
        let mut sections = vec![self.header(system)];
        let kernel = self.kernel(&system.kernel, &mut names, &mut packages);
        let has_modules = kernel.as_ref().is_some_and(|kernel| kernel.has_modules);
        let mut init = self.init(&system.init, &mut names, &mut packages);
        if let Some(kernel) = &kernel
            && has_modules
        {
            init.push((self.modules(&kernel.package, &mut names, &mut packages), Vec::new()));
        }
        sections.extend(kernel.map(|kernel| kernel.section));
        let mut section = Section::new("[init]");
        let items = init.into_iter().map(|(name, comments)| (Toml::text(name.as_str()), comments)).collect();
        section.put("packages", &Toml::Array(items), Vec::new());
        sections.push(section);
        self.name_all(system);
        if system.entries().next().is_some() {
            sections.push(defaults());
        }
        for volume in &system.volumes {
            sections.push(self.volume(volume));
        }
        if system.entries().next().is_some() {
            sections.push(prepare(has_modules));
        }
        let (onboot, onshutdown) = (system.onboot.len(), system.onshutdown.len());
        for (title, list, first) in [
            ("[[onboot]]", &system.onboot, 0),
            ("[[service]]", &system.services, onboot + onshutdown),
            ("[[onshutdown]]", &system.onshutdown, onboot),
        ] {
            for (place, entry) in list.iter().enumerate() {
                sections.push(self.entry(title, entry, first + place));
            }
        }
        sections.extend(self.files(system, given, metadata));
        let foot = self.comments.rest();
        let mut head = self.head();
        if !about.is_empty() {
            head.push(String::new());
            head.extend(about.into_iter().map(|comment| comment.text));
        }
        let image = Written {
            recipe: RecipeName::Image(self.image.clone()),
            text: document(&head, &sections, &foot),
        };
        [vec![image], packages].concat()
    }

    fn head(&self) -> Vec<String> {
        let names: Vec<_> = self.texts.files.iter().map(|file| file.name.as_str()).collect();
        vec![format!("Imported from LinuxKit: {}", names.join(", "))]
    }

    fn header(&mut self, system: &System) -> Section {
        let mut section = Section::new("[image]");
        section.put("name", &Toml::text(self.image.as_str()), Vec::new());
        let format = if system.kernel.image.is_some() {
            "kernel+initrd"
        } else {
            self.note(&(0..0), Fate::Changed, "there is no kernel, so the image is written as `tar` alone");
            "tar"
        };
        section.put("formats", &Toml::texts([format]), Vec::new());
        section
    }

    /// Gives every container and volume a name that kit takes and that no other has.
    fn name_all(&mut self, system: &System) {
        let mut names = Names::default();
        names.unique(PREPARE_NAME, PREPARE_NAME);
        // kit numbers users as LinuxKit does, but counts the container that comes first.
        let first = 101;
        for (place, entry) in system.entries().enumerate() {
            let name = names.unique(&entry.name.value, "container");
            if name.as_str() != entry.name.value {
                let text = format!(
                    "container `{}` is called `{name}`: names differ from each other",
                    entry.name.value
                );
                self.note(&entry.name.span, Fate::Changed, text);
            }
            let number = first + u32::try_from(place).unwrap_or(u32::MAX - first);
            self.containers.insert(entry.name.value.clone(), name.clone());
            self.containers.insert(key_of(place), name);
            self.numbers.insert(entry.name.value.clone(), number);
        }
        let mut names = Names::default();
        for volume in &system.volumes {
            let name = names.unique(&volume.name.value, "volume");
            if name.as_str() != volume.name.value {
                let text = format!(
                    "volume `{}` is called `{name}`: names begin with a letter or digit",
                    volume.name.value
                );
                self.note(&volume.name.span, Fate::Changed, text);
            }
            self.volumes.insert(volume.name.value.clone(), name);
        }
    }

    fn volume(&mut self, volume: &Volume) -> Section {
        let mut section = Section::new("[[volume]]");
        section.comments_above(self.comments_at(&volume.span));
        let name = self.volumes[&volume.name.value].clone();
        section.put("name", &Toml::text(name.as_str()), Vec::new());
        if let Some(image) = &volume.image {
            let comments = self.comments_in(&image.span);
            put_base(&mut section, image, comments);
        }
        if let Some(readonly) = &volume.readonly {
            let comments = self.comments_in(&readonly.span);
            section.put("readonly", &Toml::boolean(readonly.value), comments);
        }
        if let Some(format) = &volume.format {
            if format.value == "oci" {
                let text =
                    "`format: oci` has no counterpart: the volume holds the image's files, not an OCI layout";
                self.note(&format.span, Fate::Lost, text);
            } else {
                self.note(&format.span, Fate::Dropped, "`format: filesystem` is what every volume has");
            }
        }
        if let Some(platforms) = &volume.platforms {
            let text = "`platforms` has no counterpart: a lockfile is for one architecture";
            self.note(&platforms.span, Fate::Dropped, text);
        }
        for one in self.comments_in(&volume.span) {
            section.remark(&one.text);
        }
        section
    }

    fn entry(&mut self, title: &str, entry: &Entry, place: usize) -> Section {
        let mut section = Section::new(title);
        section.comments_above(self.comments_at(&entry.span));
        let name = self.containers[&key_of(place)].clone();
        section.put("name", &Toml::text(name.as_str()), Vec::new());
        let comments = self.comments_in(&entry.image.span);
        put_base(&mut section, &entry.image, comments);
        self.config(&mut section, &entry.config);
        self.of_the_machine(entry);
        for one in self.comments_in(&entry.span) {
            section.remark(&one.text);
        }
        section
    }

    /// Tells of what the entry expects of LinuxKit's root and kit's hasn't got.
    fn of_the_machine(&mut self, entry: &Entry) {
        let binds = [&entry.config.binds, &entry.config.binds_add];
        let binds: Vec<_> = binds.into_iter().flatten().flat_map(|binds| &binds.value).collect();
        for (bind, at) in binds.iter().map(|bind| (&bind.value, &bind.span)) {
            let path = bind.source.as_str();
            let containerd = ["/run/containerd", "/usr/bin/containerd", "/usr/bin/ctr", "/usr/bin/runc"];
            if containerd.iter().any(|place| path.starts_with(place)) {
                let text = format!(
                    "`{path}` isn't there: kit's init runs containers itself, without containerd and runc"
                );
                self.note(at, Fate::Lost, text);
            }
            if path.starts_with("/containers/") {
                let text =
                    format!("`{path}` is elsewhere: kit's containers are in `/containers/KIND/NNN-NAME`");
                self.note(at, Fate::Lost, text);
            }
        }
        let logs = ["logwrite", "memlogd"].into_iter().find(|name| entry.image.is_linuxkits(name));
        if let Some(logs) = logs {
            let text = format!(
                "`{logs}` reads the socket of LinuxKit's memlogd, which isn't there: kit's init keeps what containers print"
            );
            self.note(&entry.image.span, Fate::Lost, text);
        }
    }
}

/// The name of the container that comes first.
const PREPARE_NAME: &str = "linuxkit-init";

/// Names of containers by their place have a key that no name can be.
fn key_of(place: usize) -> String {
    format!("\n{place}")
}

/// Writes what a root is made of.
fn put_base(section: &mut Section, base: &Spanned<Base>, comments: Vec<Comment>) {
    match &base.value {
        Base::Image(reference) => section.put("image", &Toml::text(reference), comments),
        Base::Package(name) => section.put("package", &Toml::text(name.as_str()), comments),
    }
}

/// What LinuxKit gives a container that says nothing else.
fn defaults() -> Section {
    let mut section = Section::new("[defaults]");
    section.above(
        "What LinuxKit gives every container. kit's own defaults are the least privilege: the system becomes",
    );
    section
        .above("safer with each line that can go, and `label` with the keys that images say of themselves.");
    let (yes, no) = (Toml::boolean(true), Toml::boolean(false));
    let none = Toml::Array(Vec::new());
    for (key, value) in [
        ("label", &yes),
        ("net", &Toml::text("host")),
        ("ipc", &Toml::text("host")),
        ("uts", &Toml::text("host")),
        ("readonly", &no),
        ("ambient", &none),
        ("no-new-privileges", &no),
        ("seccomp", &Toml::text("unconfined")),
        ("masked-paths", &none),
        ("readonly-paths", &none),
        ("on-failure", &Toml::text("continue")),
    ] {
        section.put(key, value, Vec::new());
    }
    section
}

/// Writes the container that does what kit's init doesn't and LinuxKit's does.
fn prepare(has_modules: bool) -> Section {
    let mut section = Section::new("[[onboot]]");
    section.above("What LinuxKit's init does at boot and kit's leaves to containers: directories below /var, a file for name");
    section.above(if has_modules { "servers, drivers of the hardware that is there." } else { "servers." });
    section.put("name", &Toml::text(PREPARE_NAME), Vec::new());
    section.put("package", &Toml::text("busybox"), Vec::new());
    let drivers = if has_modules { DRIVERS } else { "" };
    let script = Toml::Word(format!("\"\"\"\n{PREPARE}{drivers}\"\"\""));
    let command = [Toml::text("/bin/sh"), Toml::text("-c"), script];
    section.put(
        "command",
        &Toml::Word(format!("[{}]", command.map(|word| word_of(&word)).join(", "))),
        Vec::new(),
    );
    section.put("net", &Toml::text("new"), Vec::new());
    section.put("readonly", &Toml::boolean(true), Vec::new());
    let mut binds = vec!["/run:/run:rw,nosuid,nodev", "/var:/var:rw,nosuid,nodev"];
    if has_modules {
        section.put("capabilities", &Toml::texts(["CAP_SYS_MODULE"]), Vec::new());
        binds.push("/usr/lib/modules:/lib/modules");
    }
    section.put("binds", &Toml::texts(binds), Vec::new());
    let directories =
        ["/run/resolvconf", "/var/cache", "/var/empty", "/var/lib", "/var/local", "/var/lock", "/var/log"];
    let directories = directories.into_iter().chain(["/var/opt", "/var/spool", "/var/tmp"]);
    let pairs = vec![("mkdir".to_owned(), Toml::texts(directories), Vec::new())];
    section.put_table("runtime", pairs, Vec::new());
    section
}

fn word_of(value: &Toml) -> String {
    match value {
        Toml::Word(word) => word.clone(),
        Toml::Array(_) | Toml::Inline(_) => quoted(""),
    }
}
