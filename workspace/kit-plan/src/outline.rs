//! What a plan was: what went into each of its steps, so that it can be told later why a step of another plan is another one.
//!
//! A store keeps the outline of the last plan of a subject, since identities alone don't say what they are made of.
//!
//! # Bytes
//! `kit:plan-outline:v1` is a list of steps by identity, each its identity, its title, and a list of (what, value) in order. A value is (0, an
//! identity of a derivation), (1, an identity of a tree), (2, a text) or (3, a digest of a longer one).

use std::collections::BTreeMap;
use std::fmt;

use kit_hash::{BlobId, DecodeError, Decoder, DerivationId, Encoder, TreeId};
use kit_tree::TreePath;

use crate::Plan;
use crate::derivation::{
    Action, Added, AddedEntry, Archive, Compose, Derivation, Disk, Image, ImageFormat, Input, Laying,
    Loaders, OciImage, RaspberryPi,
};

/// The longest text that is kept as it is, in bytes.
const LONGEST: usize = 300;

/// What the steps of a plan were made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outline {
    steps: BTreeMap<DerivationId, Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    title: String,
    made_of: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Step(DerivationId),
    Tree(TreeId),
    Text(String),
    Digest(BlobId),
}

/// Why a step isn't one of an earlier plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The plan had no step of this name.
    New,
    /// Something that it is made of is another one.
    Changed {
        /// What, such as `script` or `source zlib`.
        what: String,
        /// The earlier one, where it is short or has a name.
        before: Option<String>,
        /// The present one.
        after: Option<String>,
    },
    /// Something that it is made of wasn't there.
    Added(String),
    /// Something that it was made of isn't there any more.
    Removed(String),
    /// Nothing of it changed: kit does such steps in another way since.
    Kit,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::New => f.write_str("no step of this name was there before"),
            Self::Changed { what, before: Some(before), after: Some(after) } if before != after => {
                write!(f, "{what} changed: `{before}` is now `{after}`")
            }
            Self::Changed { what, after: Some(after), .. } => write!(f, "{what} changed: `{after}`"),
            Self::Changed { what, .. } => write!(f, "{what} changed"),
            Self::Added(what) => write!(f, "{what} is new"),
            Self::Removed(what) => write!(f, "{what} isn't there any more"),
            Self::Kit => f.write_str("this kit does such steps in another way"),
        }
    }
}

impl Outline {
    /// Reads what a plan is made of.
    pub fn of(plan: &Plan) -> Self {
        let step = |derivation: &Derivation| {
            let mut made_of = MadeOf::default();
            made_of.action(derivation.action());
            (derivation.id(), Step { title: derivation.title().to_owned(), made_of: made_of.0 })
        };
        Self { steps: plan.derivations().iter().map(step).collect() }
    }

    /// Whether the plan had a step.
    pub fn has(&self, step: &DerivationId) -> bool {
        self.steps.contains_key(step)
    }

    /// Says why a step of a later plan is none of this one: all that it is made of otherwise, or of other things. Nothing where it is one.
    pub fn why(&self, later: &Plan, step: &Derivation) -> Vec<Reason> {
        if self.has(&step.id()) {
            return Vec::new();
        }
        let mut made_of = MadeOf::default();
        made_of.action(step.action());
        let same_name = self.steps.values().filter(|earlier| earlier.title == step.title());
        // Of several with one name, the one that is most alike.
        let shared = |earlier: &&Step| {
            earlier.made_of.iter().filter(|(what, value)| made_of.0.get(*what) == Some(value)).count()
        };
        let Some(earlier) = same_name.max_by_key(shared) else { return vec![Reason::New] };
        let mut reasons = Vec::new();
        for (what, value) in &made_of.0 {
            match earlier.made_of.get(what) {
                Some(before) if before == value => {}
                Some(before) => reasons.push(Reason::Changed {
                    what: what.clone(),
                    before: self.shown(before, None),
                    after: self.shown(value, Some(later)),
                }),
                None => reasons.push(Reason::Added(what.clone())),
            }
        }
        let gone = earlier.made_of.keys().filter(|what| !made_of.0.contains_key(*what));
        reasons.extend(gone.cloned().map(Reason::Removed));
        if reasons.is_empty() { vec![Reason::Kit] } else { reasons }
    }

    /// Names a value for people: steps by their titles.
    fn shown(&self, value: &Value, later: Option<&Plan>) -> Option<String> {
        match value {
            Value::Step(id) => {
                let planned = later.and_then(|plan| plan.get(id)).map(|step| step.title().to_owned());
                planned.or_else(|| self.steps.get(id).map(|step| step.title.clone()))
            }
            Value::Text(text) => Some(text.clone()),
            Value::Tree(_) | Value::Digest(_) => None,
        }
    }

    /// Returns its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut e = Encoder::new("plan-outline", 1);
        e.list(&self.steps, |e, (id, step)| {
            e.id(id).str(&step.title);
            e.list(&step.made_of, |e, (what, value)| {
                e.str(what);
                match value {
                    Value::Step(id) => _ = e.variant(0).id(id),
                    Value::Tree(id) => _ = e.variant(1).id(id),
                    Value::Text(text) => _ = e.variant(2).str(text),
                    Value::Digest(id) => _ = e.variant(3).id(id),
                }
            });
        });
        e.finish().to_vec()
    }

    /// Reads its bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes, "plan-outline", 1)?;
        let mut steps = BTreeMap::new();
        for _ in 0..d.list_len()? {
            let (id, title) = (d.id()?, d.str()?.to_owned());
            let mut made_of = BTreeMap::new();
            for _ in 0..d.list_len()? {
                let what = d.str()?.to_owned();
                let value = match d.u64()? {
                    0 => Value::Step(d.id()?),
                    1 => Value::Tree(d.id()?),
                    2 => Value::Text(d.str()?.to_owned()),
                    3 => Value::Digest(d.id()?),
                    _ => return Err(d.invalid("kind of a value")),
                };
                made_of.insert(what, value);
            }
            steps.insert(id, Step { title, made_of });
        }
        d.finish()?;
        Ok(Self { steps })
    }
}

/// What a step is made of, by what people call it.
#[derive(Default)]
struct MadeOf(BTreeMap<String, Value>);

impl MadeOf {
    /// Adds something; what has a name already gets a number.
    fn add(&mut self, what: impl Into<String>, value: Value) {
        let what = what.into();
        let mut name = what.clone();
        let mut number = 2;
        while self.0.contains_key(&name) {
            name = format!("{what} ({number})");
            number += 1;
        }
        self.0.insert(name, value);
    }

    fn input(&mut self, what: impl Into<String>, input: &Input) {
        let value = match input {
            Input::Derivation(id) => Value::Step(*id),
            Input::Tree(id) => Value::Tree(*id),
        };
        self.add(what, value);
    }

    fn text(&mut self, what: impl Into<String>, text: &str) {
        let is_short = text.len() <= LONGEST;
        let value =
            if is_short { Value::Text(text.to_owned()) } else { Value::Digest(BlobId::of(text.as_bytes())) };
        self.add(what, value);
    }

    fn list(&mut self, what: &str, texts: impl IntoIterator<Item = String>) {
        let texts: Vec<_> = texts.into_iter().collect();
        if !texts.is_empty() {
            self.text(what, &texts.iter().map(|text| apart(text)).collect::<Vec<_>>().join(" "));
        }
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Fetch(fetch) => {
                self.text("the file's digest", &fetch.sha256.to_string());
                self.text("the file's name", &fetch.file_name);
            }
            Action::Unpack(unpack) => {
                self.input("the archive", &unpack.input);
                let kind = match &unpack.archive {
                    Archive::Deb => "a Debian package".to_owned(),
                    Archive::Crate { sha256, directory } => format!("crate {directory} {sha256}"),
                    Archive::Sources => "sources".to_owned(),
                    Archive::Layer { diff_id } => format!("layer {diff_id}"),
                };
                self.text("what the archive is", &kind);
            }
            Action::Run(run) => {
                self.input("the tools", &run.root);
                for (name, source) in &run.sources {
                    self.input(format!("source {name}"), source);
                }
                self.add("the script", Value::Digest(BlobId::of(run.script.as_bytes())));
                for (name, value) in &run.env {
                    self.text(format!("environment variable {name}"), value);
                }
            }
            Action::Compose(compose) => self.compose(compose),
            Action::Image(image) => self.image(image),
        }
    }

    fn compose(&mut self, compose: &Compose) {
        for part in &compose.parts {
            let at = if part.at.is_root() { String::new() } else { format!(" at {}", part.at) };
            self.input(format!("part {}{at}", part.owner), &part.input);
        }
        for Added { path, what } in &compose.additions {
            let value = match what {
                AddedEntry::Inline { meta, content } => {
                    let mode = format!("{:04o} {}:{} ", meta.mode.bits(), meta.uid, meta.gid);
                    Value::Digest(BlobId::of(&[mode.as_bytes(), content].concat()))
                }
                AddedEntry::Entry(entry) => {
                    let mut e = Encoder::new("outline-entry", 1);
                    kit_tree::encoding::encode_entry(&mut e, entry);
                    Value::Digest(BlobId::of(e.finish()))
                }
            };
            self.add(format!("file {path}"), value);
        }
        if compose.laying == Laying::Layers {
            self.text("how the parts are laid over each other", "as layers");
        }
        let paths = |paths: &[TreePath]| paths.iter().map(ToString::to_string).collect::<Vec<_>>();
        self.list("which part is preferred", compose.prefer.iter().map(|(path, at)| format!("{path}={at}")));
        self.list("what is included", compose.include.iter().cloned());
        self.list("what is excluded", compose.exclude.iter().cloned());
        self.list("the directories that are made", paths(&compose.ensure));
        self.list(
            "the places for binds",
            compose.mount_points.iter().map(|point| format!("{}={}", point.path, point.source)),
        );
        self.list("the users", compose.passwd.iter().cloned());
        self.list("the groups", compose.group.iter().cloned());
    }

    fn image(&mut self, image: &Image) {
        self.text("the source date", &image.source_date.to_string());
        self.text("the name", &image.name);
        match &image.format {
            ImageFormat::KernelInitrd { kernel, root, cmdline, microcode, verity, compression } => {
                self.input("the kernel", kernel);
                self.input("the root file system", root);
                self.text("the boot command line", cmdline);
                self.list("the microcode", microcode.iter().map(ToString::to_string));
                self.optional("the tree of digests", verity.as_ref());
                self.text("the compression of the initrd", compression.word());
            }
            ImageFormat::Tar { root } => self.input("the root file system", root),
            ImageFormat::CompressedTar { root, compression } => {
                self.input("the root file system", root);
                self.text("the compression", &format!("{compression:?}"));
            }
            ImageFormat::Oci { images } | ImageFormat::DockerArchive { images } => {
                for (name, image) in images {
                    self.oci(name, image);
                }
            }
            ImageFormat::TarKernelInitrd { boot } => self.input("kernel and initrd", boot),
            ImageFormat::FileSystem { root, kind, compression, size } => {
                self.input("the root file system", root);
                self.text("the kind of file system", &format!("{kind:?}"));
                self.list("the compression", compression.iter().map(|word| word.word().to_owned()));
                self.list("the size", size.iter().map(ToString::to_string));
            }
            ImageFormat::Verity { data } => self.input("the file system that is checked", data),
            ImageFormat::Uki { stub, boot, kernel, root, architecture, device_tree } => {
                self.input("the program in front", stub);
                self.input("kernel and initrd", boot);
                self.input("the kernel", kernel);
                self.input("the root file system", root);
                self.text("the architecture", architecture);
                self.list("the device tree", device_tree.iter().map(ToString::to_string));
            }
            ImageFormat::Directory { boot, loader } => {
                self.input("kernel and initrd", boot);
                self.text("what loads them", &format!("{loader:?}"));
            }
            ImageFormat::Disk(disk) => self.disk(disk),
            ImageFormat::RaspberryPi(board) => self.raspberry_pi(board),
            ImageFormat::Iso { suffix, loaders, label, root } => {
                self.text("the name of the disc", label);
                self.text("the end of the file's name", suffix);
                self.loaders(loaders);
                self.optional("the root file system", root.as_ref());
            }
            ImageFormat::Extension(extension) => {
                self.text("what it extends", extension.kind.word());
                self.text("the architecture", &extension.architecture);
                self.input("what is in it", &extension.files);
                self.input("the file system", &extension.data);
                self.optional("the tree of digests", extension.verity.as_ref());
            }
            ImageFormat::Update(update) => {
                self.text("the version", &update.version);
                self.text("what the root's partition is called", &update.label);
                self.text("the architecture", &update.architecture);
                self.list("where updates are", update.source.iter().cloned());
                self.input("the program for UEFI", &update.uki);
                self.input("the root file system", &update.root);
                self.input("the tree of digests", &update.verity);
            }
        }
    }

    fn disk(&mut self, disk: &Disk) {
        self.text("what starts it", &format!("{:?}", disk.firmware));
        self.text("what the disk is wrapped into", &format!("{:?}", disk.container));
        self.loaders(&disk.loaders);
        self.optional("the root file system", disk.root.as_ref());
        self.optional("the tree of digests", disk.verity.as_ref());
        self.list("the size of the disk", disk.size.iter().map(ToString::to_string));
        self.list("the size of the partition for data", disk.data.iter().map(ToString::to_string));
        self.list("the size of the partition for firmware", disk.esp.iter().map(ToString::to_string));
        let labels = disk.labels.each().into_iter();
        self.list("the labels", labels.filter_map(|(key, label)| Some(format!("{key}={}", label?))));
        if let Some(slots) = &disk.slots {
            self.input("the program that chooses a slot", &slots.manager);
            self.list("the size of a slot", slots.size.iter().map(ToString::to_string));
            self.text("the version in the first slot", &slots.version);
        }
    }

    fn raspberry_pi(&mut self, board: &RaspberryPi) {
        self.text("what its files are packed into", &format!("{:?}", board.packing));
        self.input("the firmware", &board.firmware);
        self.input("the kernel", &board.kernel);
        self.input("kernel and initrd", &board.boot);
        self.list("the size of the disk", board.size.iter().map(ToString::to_string));
    }

    fn loaders(&mut self, loaders: &Loaders) {
        self.text("the architecture", &loaders.architecture);
        self.optional("the program for UEFI", loaders.uki.as_ref());
        if let Some((loader, boot)) = &loaders.bios {
            self.input("the boot loader", loader);
            self.input("kernel and initrd", boot);
        }
    }

    fn optional(&mut self, what: &str, input: Option<&Input>) {
        if let Some(input) = input {
            self.input(what, input);
        }
    }

    fn oci(&mut self, name: &str, image: &OciImage) {
        self.input(format!("the root of image {name}"), &image.root);
        self.list(&format!("the command of image {name}"), image.command.iter().cloned());
        self.list(&format!("the environment of image {name}"), image.env.iter().cloned());
        let rest = [image.cwd.clone(), image.user.clone(), image.architecture.clone()];
        self.list(&format!("the settings of image {name}"), rest);
        for share in &image.shares {
            self.input(format!("what is at {} in image {name}", share.at), &share.input);
        }
    }
}

/// Writes a text so that a list of such can be told apart.
fn apart(text: &str) -> String {
    let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\\');
    if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use kit_hash::Identity as _;

    use super::*;
    use crate::derivation::MountPoint;
    use crate::planner::tests::{built, texts_with_build};

    #[test]
    fn what_is_written_is_read() {
        let (plan, ..) = built(&texts_with_build());
        let outline = Outline::of(&plan);
        let bytes = outline.to_bytes();
        assert_eq!(Outline::parse(&bytes).unwrap(), outline);
        for length in 0..bytes.len() {
            assert!(Outline::parse(&bytes[..length]).is_err());
        }
        assert!(plan.derivations().iter().all(|step| outline.has(&step.id())));
        assert!(!outline.has(&DerivationId::from_bytes([0; 32])));
    }

    #[test]
    fn why_a_step_is_another_one_is_told() {
        let (before, ..) = built(&texts_with_build());
        let outline = Outline::of(&before);
        let why = |replace: (&str, &str), title: &str| {
            let mut texts = texts_with_build();
            for text in texts.0.values_mut() {
                *text = text.replace(replace.0, replace.1);
            }
            let (after, ..) = built(&texts);
            let step = after.derivations().iter().find(|step| step.title() == title).unwrap();
            outline.why(&after, step).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let other_script = ("true\n", "true\ntrue\n");
        assert_eq!(why(("x", "x"), "build base"), [] as [&str; 0]);
        assert_eq!(why(other_script, "build base"), ["the script changed"]);
        assert_eq!(why(other_script, "package base"), ["part base changed: `build base`"]);
        assert!(why(other_script, "root demo").contains(&"file /etc/os-release changed".to_owned()));
    }

    #[test]
    fn all_of_a_composition_counts() {
        let made_of = |change: &dyn Fn(&mut Compose)| {
            let mut compose = Compose::default();
            change(&mut compose);
            let mut made_of = MadeOf::default();
            made_of.compose(&compose);
            made_of.0
        };
        let bound = |source: &'static str| {
            move |compose: &mut Compose| {
                let (path, source) = ("/run/a".parse().unwrap(), source.parse().unwrap());
                compose.mount_points = vec![MountPoint { path, source }];
            }
        };
        let users = |users: &'static [&'static str]| {
            move |compose: &mut Compose| compose.passwd = users.iter().map(|&user| user.to_owned()).collect()
        };
        let all = [
            made_of(&|_| {}),
            made_of(&|compose| compose.laying = Laying::Layers),
            made_of(&bound("/etc/a")),
            made_of(&bound("/etc/b")),
            made_of(&users(&["a b"])),
            made_of(&users(&["a", "b"])),
            made_of(&users(&["\"a", "b\""])),
            made_of(&users(&["a", "", "b"])),
            made_of(&users(&[""])),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other != one), "{one:?}");
        }
        assert_eq!(all[4]["the users"], Value::Text("\"a b\"".to_owned()));
        assert_eq!(all[5]["the users"], Value::Text("a b".to_owned()));
    }

    #[test]
    fn a_step_of_another_name_is_new() {
        let (plan, ..) = built(&texts_with_build());
        let step = plan.derivations().first().unwrap();
        assert_eq!(Outline::default().why(&plan, step), [Reason::New]);
    }
}
