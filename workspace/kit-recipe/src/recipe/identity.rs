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
//! | root | package, or an empty text and the reference of an image |
//! | service | name, root, variant 1 no 2 yes (replace), container |
//! | tools | packages |

mod container;

use std::collections::BTreeMap;

use kit_hash::{Encoder, RecipeId};

use super::Recipe;
use crate::image::{Base, Disk, DiskRoot, Kernel, Replace, Service};
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
    let Package { name, version, summary, license, sources, build: step, tree, container: run } = package;
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
}

/// Encodes a source.
pub(crate) fn source(to: &mut Encoder, source: &Source) {
    match source {
        Source::Debian { suite, packages, dependencies } => {
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
    let is_later = microcode.is_some() || disk.is_some();
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
        let Disk { root, verity, size, data } = &disk.value;
        to.variant(match root {
            DiskRoot::Initrd => 1,
            DiskRoot::Erofs => 2,
            DiskRoot::Squashfs => 3,
        });
        to.u64((*verity).into());
        to.option(size.as_ref(), |to, size| _ = to.u64(*size));
        to.option(data.as_ref(), |to, size| _ = to.u64(*size));
    }
}

fn base(to: &mut Encoder, base: &Base) {
    match base {
        Base::Package(package) => to.str(package.as_str()),
        // No package is called like that.
        Base::Image(reference) => to.str("").str(&reference.to_string()),
    };
}

fn kernel(to: &mut Encoder, kernel: &Kernel) {
    let Kernel { package, cmdline, modules, microcode: _ } = kernel;
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
