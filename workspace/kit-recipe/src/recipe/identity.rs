//! The identity of a recipe: what it means, not how it is written.
//!
//! The encoding is `kit:recipe:v1` of [`kit_hash::encoder`]. Fields in order; *option*, *list* and *text* as there. A map
//! is a list of key and value, sorted by key; additions are sorted by path; every other list is in the written order.
//!
//! | of | fields |
//! |---|---|
//! | recipe | variant 1 package, 2 image, 3 tools, then its fields |
//! | package | name, version?, summary?, license?, sources (name, source), build?, tree rules, container |
//! | source | variant 1 Debian: suite, packages, variant 1 closure 2 none; 2 local: path, include, exclude; 3 crates: lockfile; 4 git: variant 1 commit: its name, 2 tag: name, url, 3 branch: name, url, and variant 1 submodules refused 2 empty; 5 URL: file name, sha256?, url? (without sha256), variant 1 unpacked 2 kept; 6 Debian source: suite, source, variant 1 patches applied 2 left out; 7 image: reference |
//! | build | tools, run, env, timeout; not its processors, which change no result and so make no lockfile stale |
//! | tree rules | packages, include, exclude, prefer (path without leading slash, name), additions, users |
//! | addition | variant 1 file: path, contents (1 inline text, 2 local path), mode, uid, gid; 2 directory: path, mode, uid, gid; 3 symlink: path, target |
//! | user | name, uid, gid, home, shell |
//! | container | see `container.rs` beside this |
//! | image | name, summary?, formats (their words), extends, remove, kernel?, init, onboot, services, onshutdown, tree rules; then, unless both are empty, defaults (a container) and volumes (name, readonly, root?) |
//! | kernel | package, cmdline, modules; its microcode stands behind the volumes, which are then written in any case |
//! | disk | behind the microcode, which is then written in any case, empty where there is none: variant 1 initrd 2 EROFS 3 SquashFS, verity, size?, data? |
//! | latest | behind the disk, only where there are some: variant 10 and the keys of image, kernel, disk and extension that came last, as far as they are written, each with its value |
//! | root | package, or an empty text and the reference of an image |
//! | service | name, root, variant 1 no 2 yes (replace), container |
//! | tools | packages |

mod container;

use std::collections::BTreeMap;

use kit_hash::{Encoder, RecipeId};

use super::Recipe;
use crate::image::{Base, Disk, DiskRoot, Extension, InitrdCompression, Kernel, Replace, RootPlace, Service};
use crate::package::{Addition, Build, Contents, Dependencies, Patches, Source, TreeRules, User};
use crate::{Container, Image, Name, Package, Spanned};
use container::container;

impl Recipe {
    /// Returns the identity: the digest of what the recipe means, `kit:recipe:v1`. Comments, order of keys, spans don't
    /// count.
    pub fn id(&self) -> RecipeId {
        let mut to = Encoder::new("recipe", 1);
        match self {
            Self::Package(recipe) => package(to.variant(1), recipe),
            Self::Image(recipe) => image(to.variant(2), recipe),
            Self::Tools(recipe) => names(to.variant(3), &recipe.packages),
        }
        to.id_of()
    }
}

fn text(to: &mut Encoder, value: Option<&String>) {
    to.option(value, |to, text| _ = to.str(text));
}

fn texts(to: &mut Encoder, list: &[String]) {
    to.list(list, |to, text| _ = to.str(text));
}

fn spanned_texts(to: &mut Encoder, list: &[Spanned<String>]) {
    to.list(list, |to, text| _ = to.str(text));
}

fn names(to: &mut Encoder, list: &[Spanned<Name>]) {
    to.list(list, |to, name| _ = to.str(name.as_str()));
}

fn map(to: &mut Encoder, map: &BTreeMap<String, String>) {
    to.list(map, |to, (key, value)| _ = to.str(key).str(value));
}

fn package(to: &mut Encoder, package: &Package) {
    let Package { name, version, summary, license, architecture, sources, build: step, tree, container: run } =
        package;
    to.str(name.as_str());
    text(to, version.as_ref());
    text(to, summary.as_ref());
    text(to, license.as_ref());
    to.list(sources, |to, (name, value)| {
        to.str(name.as_str());
        source(to, value);
    });
    to.option(step.as_ref(), build);
    tree_rules(to, tree);
    container(to, run);
    // Came later: written only where there is something.
    if let Some(architecture) = architecture {
        to.str("architecture").str(architecture.value.word());
    }
}

/// Encodes a source.
pub(crate) fn source(to: &mut Encoder, source: &Source) {
    match source {
        Source::Debian { suite, packages, dependencies, architecture, component } => {
            if architecture.is_some() || component.is_some() {
                to.variant(8);
                to.option(architecture.as_ref(), |to, architecture| _ = to.str(architecture.word()));
                text(to, component.as_ref());
            }
            to.variant(1).str(suite);
            spanned_texts(to, packages);
            to.variant(match dependencies {
                Dependencies::Closure => 1,
                Dependencies::None => 2,
            });
        }
        Source::DebianSource { suite, source, patches } => {
            to.variant(6).str(suite).str(source);
            to.variant(match patches {
                Patches::Applied => 1,
                Patches::LeftOut => 2,
            });
        }
        Source::Local { path, include, exclude } => {
            to.variant(2).str(path);
            spanned_texts(to, include);
            spanned_texts(to, exclude);
        }
        Source::Crates { lockfile } => _ = to.variant(3).str(lockfile),
        Source::Git(git) => git.encode(to.variant(4)),
        Source::Url(url) => url.encode(to.variant(5)),
        Source::Image(reference) => _ = to.variant(7).str(&reference.to_string()),
    }
}

fn build(to: &mut Encoder, build: &Build) {
    let Build { tools, run, env, timeout, processors: _ } = build;
    names(to, tools);
    to.str(run);
    map(to, env);
    to.u64(*timeout);
}

fn tree_rules(to: &mut Encoder, rules: &TreeRules) {
    let TreeRules { packages, include, exclude, prefer, additions, users } = rules;
    names(to, packages);
    spanned_texts(to, include);
    spanned_texts(to, exclude);
    to.list(prefer, |to, (path, name)| _ = to.bytes(path.as_bytes()).str(name.as_str()));
    let mut additions: Vec<_> = additions.iter().collect();
    additions.sort_by(|a, b| a.path().cmp(b.path()));
    to.list(additions, |to, value| addition(to, value));
    to.list(users, |to, value| user(to, value));
}

fn addition(to: &mut Encoder, addition: &Addition) {
    match addition {
        Addition::File { path, contents, mode, uid, gid } => {
            to.variant(1).bytes(path.as_bytes());
            match contents {
                Contents::Inline(text) => to.variant(1).str(text),
                Contents::Local(path) => to.variant(2).str(path),
            };
            to.u64(mode.bits().into()).u64((*uid).into()).u64((*gid).into());
        }
        Addition::Directory { path, mode, uid, gid } => {
            to.variant(2).bytes(path.as_bytes());
            to.u64(mode.bits().into()).u64((*uid).into()).u64((*gid).into());
        }
        Addition::Symlink { path, target } => _ = to.variant(3).bytes(path.as_bytes()).str(target),
    }
}

fn user(to: &mut Encoder, user: &User) {
    let User { name, uid, gid, home, shell } = user;
    to.str(name.as_str()).u64((*uid).into()).u64((*gid).into()).str(home).str(shell);
}

fn image(to: &mut Encoder, image: &Image) {
    let Image {
        name,
        summary,
        architecture: _,
        version: _,
        formats,
        extends,
        remove,
        kernel: boot,
        init,
        onboot,
        services,
        onshutdown,
        defaults,
        volumes,
        disk,
        extension: _,
        tree,
    } = image;
    to.str(name.as_str());
    text(to, summary.as_ref());
    to.list(formats, |to, format| _ = to.str(format.word()));
    names(to, extends);
    names(to, remove);
    let microcode = boot.as_ref().and_then(|boot| boot.value.microcode.as_ref());
    to.option(boot.as_ref(), |to, boot| kernel(to, boot));
    names(to, init);
    for list in [onboot, services, onshutdown] {
        to.list(list, |to, value| service(to, value));
    }
    tree_rules(to, tree);
    // Came later: written only where there is something.
    let latest = latest(image);
    let is_later = microcode.is_some() || disk.is_some() || !latest.is_empty();
    if *defaults != Container::default() || !volumes.is_empty() || is_later {
        container(to, defaults);
        to.list(volumes, |to, volume| {
            to.str(volume.name.as_str()).u64(volume.readonly.into());
            to.option(volume.base.as_ref(), |to, volume| base(to, volume));
        });
    }
    if is_later {
        to.bytes(microcode.map_or(&[], |path| path.value.as_bytes()));
    }
    if let Some(disk) = disk {
        let Disk { root, verity, size, data, .. } = &disk.value;
        to.variant(match root {
            DiskRoot::Initrd => 1,
            DiskRoot::Erofs => 2,
            DiskRoot::Squashfs => 3,
            DiskRoot::Ext4 => 4,
        });
        to.u64((*verity).into());
        to.option(size.as_ref(), |to, size| _ = to.u64(*size));
        to.option(data.as_ref(), |to, size| _ = to.u64(*size));
    }
    if !latest.is_empty() {
        // No variant of a disk.
        to.variant(10).list(&latest, |to, (key, value)| _ = to.str(key).bytes(value));
    }
}

/// Returns the keys that came last, as far as they are written, with their values.
fn latest(image: &Image) -> Vec<(String, Vec<u8>)> {
    let mut latest = Vec::new();
    let mut add = |key: &str, value: Option<Vec<u8>>| {
        latest.extend(value.map(|value| (key.to_owned(), value)));
    };
    if let Some(Kernel { initrd, devicetree, package: _, cmdline: _, modules: _, microcode: _ }) =
        image.kernel.as_ref().map(|kernel| &kernel.value)
    {
        let word = (*initrd != InitrdCompression::default()).then(|| initrd.word().into());
        add("initrd", word);
        add("devicetree", devicetree.as_ref().map(|path| path.value.as_bytes().to_vec()));
    }
    if let Some(Disk {
        esp,
        root_size,
        compression,
        labels,
        find,
        slots,
        root: _,
        verity: _,
        size: _,
        data: _,
    }) = image.disk.as_ref().map(|disk| &disk.value)
    {
        add("root-size", root_size.map(|size| size.to_le_bytes().to_vec()));
        add("esp", esp.map(|size| size.to_le_bytes().to_vec()));
        add("slots", slots.as_ref().map(|_| b"2".to_vec()));
        let size = slots.as_ref().and_then(|slots| slots.value.size);
        add("slot-size", size.map(|size| size.to_le_bytes().to_vec()));
        let updates = slots.as_ref().and_then(|slots| slots.value.updates.as_ref());
        add("updates", updates.map(|address| address.as_bytes().to_vec()));
        add("compression", compression.as_ref().map(|word| word.value.word().into()));
        add("find", (*find == RootPlace::Label).then(|| "label".into()));
        for (key, label) in labels.each() {
            add(&format!("label {key}"), label.map(|label| label.as_bytes().to_vec()));
        }
    }
    if let Some(Extension { id, version_id, level, scope }) =
        image.extension.as_ref().map(|extension| &extension.value)
    {
        add("extension id", Some(id.as_bytes().to_vec()));
        add("extension version-id", version_id.as_ref().map(|text| text.as_bytes().to_vec()));
        add("extension level", level.as_ref().map(|text| text.as_bytes().to_vec()));
        for scope in scope {
            add("extension scope", Some(scope.word().into()));
        }
    }
    add("version", image.version.as_ref().map(|version| version.as_bytes().to_vec()));
    add("architecture", image.architecture.as_ref().map(|word| word.value.word().into()));
    latest
}

fn base(to: &mut Encoder, base: &Base) {
    match base {
        Base::Package(package) => to.str(package.as_str()),
        // No package is called like that.
        Base::Image(reference) => to.str("").str(&reference.to_string()),
    };
}

fn kernel(to: &mut Encoder, kernel: &Kernel) {
    let Kernel { package, cmdline, modules, microcode: _, initrd: _, devicetree: _ } = kernel;
    to.str(package.as_str()).str(cmdline);
    to.list(modules, |to, name| _ = to.str(name.as_str()));
}

fn service(to: &mut Encoder, service: &Service) {
    let Service { name, base: root, replace, container: run } = service;
    to.str(name.as_str());
    base(to, root);
    to.variant(match replace {
        Replace::No => 1,
        Replace::Yes => 2,
    });
    container(to, run);
}
