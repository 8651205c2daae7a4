//! What LinuxKit's image YAML says, checked.

use std::ops::Range;

use super::decode::{Faults, Field, Mapping, Value};
use super::entry::{self, Entry};
use super::fault::Fault;
use super::given::{Base, Given};
use super::path;
use crate::Spanned;

/// One system: all files of it together, in their order.
#[derive(Debug, Default)]
pub(super) struct System {
    pub(super) kernel: Kernel,
    pub(super) init: Vec<Spanned<Base>>,
    pub(super) onboot: Vec<Entry>,
    pub(super) onshutdown: Vec<Entry>,
    pub(super) services: Vec<Entry>,
    pub(super) files: Vec<File>,
    pub(super) volumes: Vec<Volume>,
    /// Where `trust` stands, which nothing uses.
    pub(super) trust: Vec<Range<usize>>,
}

/// `kernel`, each key that of the last file that has it.
#[derive(Debug, Default)]
pub(super) struct Kernel {
    pub(super) span: Option<Range<usize>>,
    pub(super) image: Field<Base>,
    pub(super) cmdline: Field<String>,
    pub(super) binary: Field<String>,
    pub(super) tar: Field<String>,
    pub(super) ucode: Field<String>,
}

/// An entry of `files`.
#[derive(Debug)]
pub(super) struct File {
    pub(super) span: Range<usize>,
    /// Absolute, plain.
    pub(super) path: Spanned<String>,
    pub(super) content: Content,
    pub(super) mode: Field<u32>,
    pub(super) uid: Field<Id>,
    pub(super) gid: Field<Id>,
    pub(super) optional: bool,
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Content {
    Directory,
    Symlink(Spanned<String>),
    Text(Spanned<String>),
    Source(Spanned<String>),
    /// The whole configuration, as `yaml` or `json`.
    Metadata(Spanned<&'static str>),
}

/// A user or a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Id {
    Number(u32),
    /// The one of a container.
    Name(String),
}

/// An entry of `volumes`.
#[derive(Debug)]
pub(super) struct Volume {
    pub(super) span: Range<usize>,
    pub(super) name: Spanned<String>,
    pub(super) image: Field<Base>,
    pub(super) readonly: Field<bool>,
    pub(super) format: Field<&'static str>,
    pub(super) platforms: Field<Vec<Spanned<String>>>,
}

impl System {
    /// Returns all containers in the order in which LinuxKit numbers their users.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.onboot.iter().chain(&self.onshutdown).chain(&self.services)
    }

    /// Adds what a file says, by LinuxKit's rules: keys of the kernel replace those before, lists are joined.
    pub(super) fn add(&mut self, mut top: Mapping<'_>, given: &Given, faults: &mut Faults) {
        if let Some(kernel) = top.mapping("kernel", faults) {
            let span = kernel.span.clone();
            self.kernel.add(kernel.value, span, given, faults);
        }
        let init = top.list("init", faults, |value, faults| given.base(value, faults));
        self.init.extend(init.into_iter().flat_map(|init| init.value));
        for (key, list) in [
            ("onboot", &mut self.onboot),
            ("onshutdown", &mut self.onshutdown),
            ("services", &mut self.services),
        ] {
            let entries = top.mappings(key, faults).into_iter().flat_map(|entries| entries.value);
            list.extend(
                entries.filter_map(|mapping| entry::named(mapping, given, faults)).collect::<Vec<_>>(),
            );
        }
        let files = top.mappings("files", faults).into_iter().flat_map(|files| files.value);
        self.files.extend(files.filter_map(|mapping| file(mapping, faults)).collect::<Vec<_>>());
        let volumes = top.mappings("volumes", faults).into_iter().flat_map(|volumes| volumes.value);
        self.volumes.extend(volumes.filter_map(|mapping| volume(mapping, given, faults)).collect::<Vec<_>>());
        if let Some(trust) = top.mapping("trust", faults) {
            let mut mapping = trust.value;
            mapping.texts("image", faults);
            mapping.texts("org", faults);
            mapping.finish(faults);
            self.trust.push(trust.span);
        }
        top.finish(faults);
    }
}

impl Kernel {
    fn add(&mut self, mut mapping: Mapping<'_>, span: Range<usize>, given: &Given, faults: &mut Faults) {
        self.span = Some(span);
        let image = mapping.take("image");
        let image = image.and_then(|value| given.base(&value, faults).map(|base| value.field(base)));
        let cmdline = mapping.line("cmdline", faults);
        let binary = mapping.line("binary", faults);
        let tar = mapping.line("tar", faults);
        let ucode = mapping.line("ucode", faults);
        mapping.finish(faults);
        // An empty text replaces nothing, but for `tar` and `ucode`, where it means none.
        let replace = |old: &mut Field<String>, new: Field<String>| {
            if new.as_ref().is_some_and(|new| !new.is_empty()) {
                *old = new;
            }
        };
        replace(&mut self.cmdline, cmdline);
        replace(&mut self.binary, binary);
        self.image = image.or(self.image.take());
        self.tar = tar.or(self.tar.take());
        self.ucode = ucode.or(self.ucode.take());
    }
}

fn file(mut mapping: Mapping<'_>, faults: &mut Faults) -> Option<File> {
    let span = mapping.span.clone();
    let path = mapping.required("path", faults).and_then(|value| {
        let text = value.line(faults)?;
        path::in_image(&text, &value, faults).map(|path| Spanned::new(path, value.place()))
    });
    let directory = mapping.boolean("directory", faults);
    let symlink = mapping.line("symlink", faults);
    let contents = mapping.text("contents", faults);
    let source = mapping.line("source", faults);
    let metadata = mapping
        .take("metadata")
        .and_then(|value| value.word(&["yaml", "json"], faults).map(|word| value.field(word)));
    let optional = mapping.boolean("optional", faults).is_some_and(|optional| optional.value);
    let mode = mapping.take("mode").and_then(|value| mode(&value, faults));
    let uid = mapping.take("uid").and_then(|value| id(&value, faults));
    let gid = mapping.take("gid").and_then(|value| id(&value, faults));
    mapping.finish(faults);
    let mut contents: Vec<(&'static str, Content)> = [
        directory.filter(|directory| directory.value).map(|_| ("directory", Content::Directory)),
        symlink.map(|target| ("symlink", Content::Symlink(target))),
        contents.map(|text| ("contents", Content::Text(text))),
        source.filter(|source| !source.is_empty()).map(|source| ("source", Content::Source(source))),
        metadata.map(|metadata| ("metadata", Content::Metadata(metadata))),
    ]
    .into_iter()
    .flatten()
    .collect();
    let path = path?;
    if let [(first, _), (second, _), ..] = contents[..] {
        let fault = Fault::FileWithTwoContents { path: path.value, first, second };
        faults.push((path.span, fault));
        return None;
    }
    let Some((_, content)) = contents.pop() else {
        faults.push((path.span, Fault::FileWithoutContent { path: path.value }));
        return None;
    };
    Some(File { span, path, content, mode, uid, gid, optional })
}

/// Reads an octal mode, which is a string.
pub(super) fn mode(value: &Value<'_>, faults: &mut Faults) -> Field<u32> {
    if value.is_integer() {
        return value.wrong("a string", faults);
    }
    let text = value.text(faults)?;
    let digits = text.strip_prefix("0o").unwrap_or(&text);
    let octal = !digits.is_empty() && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    if let Some(mode) = u32::from_str_radix(digits, 8).ok().filter(|mode| octal && *mode <= 0o7777) {
        Some(value.field(mode))
    } else {
        faults.push((value.place(), Fault::InvalidMode { mode: text }));
        None
    }
}

/// Reads a user or a group: a number, or the name of a container.
pub(super) fn id(value: &Value<'_>, faults: &mut Faults) -> Field<Id> {
    if value.is_integer() {
        let number = value.integer(0, i64::from(u32::MAX) - 1, faults)?;
        return Some(value.field(Id::Number(u32::try_from(number).ok()?)));
    }
    let text = value.text(faults)?;
    let id = if text.is_empty() || text == "root" { Id::Number(0) } else { Id::Name(text) };
    Some(value.field(id))
}

fn volume(mut mapping: Mapping<'_>, given: &Given, faults: &mut Faults) -> Option<Volume> {
    let span = mapping.span.clone();
    let name = mapping.required("name", faults).and_then(|value| {
        let name = value.line(faults)?;
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
        if name.is_empty() || !name.bytes().all(plain) {
            faults.push((value.place(), Fault::InvalidVolumeName { name }));
            return None;
        }
        Some(Spanned::new(name, value.place()))
    });
    let image = mapping.take("image").filter(|value| {
        !matches!(&value.node.kind, super::yaml::Kind::Scalar(scalar) if scalar.quoted && scalar.text.is_empty())
    });
    let image = image.and_then(|value| given.base(&value, faults).map(|base| value.field(base)));
    let readonly = mapping.boolean("readonly", faults);
    let format = mapping
        .take("format")
        .and_then(|value| value.word(&["filesystem", "oci"], faults).map(|word| value.field(word)));
    let platforms = mapping.texts("platforms", faults);
    mapping.finish(faults);
    Some(Volume { span, name: name?, image, readonly, format, platforms })
}
