//! A recipe that makes a tree of files.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use kit_tree::{Mode, TreePath};

use crate::git::GitSource;
use crate::upstream::UrlSource;
use crate::written::{Key, Lines, Quoted, list};
use crate::{Architecture, Container, Name, Spanned};

/// `recipes/packages/<name>.toml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// `[package] name`; the file is named after it.
    pub name: Spanned<Name>,
    /// `[package] version`, for people and evidence.
    pub version: Option<String>,
    /// `[package] summary`: one line.
    pub summary: Option<String>,
    /// `[package] license`: an SPDX expression.
    pub license: Option<String>,
    /// `[package] architecture`: which processors its programs are for; none is the usual one.
    pub architecture: Option<Spanned<Architecture>>,
    /// `[sources.<name>]`.
    pub sources: BTreeMap<Name, Spanned<Source>>,
    /// `[build]`: the sandboxed step; without it the package is made of its sources' trees.
    pub build: Option<Build>,
    /// `[tree]` and the additions.
    pub tree: TreeRules,
    /// `[container]`: how it runs when used as a container.
    pub container: Container,
}

impl Package {
    /// Returns which processors its programs are for.
    pub fn made_for(&self) -> Architecture {
        self.architecture.as_ref().map_or(Architecture::USUAL, |written| written.value)
    }
}

/// Where files come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `suite = "bookworm"`, `packages = […]`, `dependencies = "closure" | "none"`, `architecture = "arm64"`, `component = "contrib"`.
    Debian {
        /// Code name of the suite.
        suite: Spanned<String>,
        /// Binary packages, `name` or `name=version`.
        packages: Vec<Spanned<String>>,
        /// Whether what they depend on comes along.
        dependencies: Dependencies,
        /// Whose binaries; none is the package's.
        architecture: Option<Architecture>,
        /// The part of the suite that they are in, beside `main`.
        component: Option<String>,
    },
    /// `suite = "bookworm"`, `source = "busybox"`, `patches = true`: a source package.
    DebianSource {
        /// Code name of the suite.
        suite: Spanned<String>,
        /// Source package, `name` or `name=version`.
        source: Spanned<String>,
        /// Whether Debian's patches are applied.
        patches: Patches,
    },
    /// `local = "path"`: files of the project.
    Local {
        /// Directory or file, relative to the project.
        path: Spanned<String>,
        /// Globs relative to the directory, each starting with `/`; empty takes all.
        include: Vec<Spanned<String>>,
        /// Globs that are left out.
        exclude: Vec<Spanned<String>>,
    },
    /// `crates = "path/Cargo.lock"`: the registry crates that the lockfile names, vendored.
    Crates {
        /// Cargo's lockfile, relative to the project.
        lockfile: Spanned<String>,
    },
    /// `url = "https://…"`: a file that its authors publish.
    Url(UrlSource),
    /// `git = "https://…"`: the files of a commit.
    Git(GitSource),
    /// `image = "…"`: the files of an image that others made.
    Image(Spanned<crate::ImageReference>),
}

/// Whether a Debian package brings what it depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dependencies {
    /// Depends and Pre-Depends, transitively.
    Closure,
    /// The named packages alone.
    None,
}

/// Whether the patches of a Debian source package are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patches {
    /// All that its series lists, in order.
    Applied,
    /// None: they lie in `debian/patches`.
    LeftOut,
}

/// `[build]`: one script run in the sandbox. A [kind](crate::kind) is expanded to one where the recipe is read.
///
/// `/` is the union of the tools, read-only; each source is at `/src/<name>`, read-only; `/build` (the working
/// directory), `/tmp` and `/out` are writable; what is left in `/out` is the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Packages whose union is the root.
    pub tools: Vec<Spanned<Name>>,
    /// The script, run by `/bin/sh -eu`; that of a kind stands where its `kind` does.
    pub run: Spanned<String>,
    /// Environment in addition to the fixed one.
    pub env: BTreeMap<String, String>,
    /// Seconds until it is stopped; 3600 when not given.
    pub timeout: u64,
    /// Processors that it may use, as far as the machine has them; 1 when not given.
    pub processors: u32,
}

impl Build {
    /// Writes the section as a recipe could have it, with a kind expanded: read back, it means the same.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("because writing to a string doesn't fail");
        text
    }

    fn write(&self, to: &mut String) -> fmt::Result {
        let Self { tools, run, env, timeout, processors } = self;
        writeln!(to, "[build]")?;
        list(to, "tools", &tools.iter().map(|tool| tool.value.to_string()).collect::<Vec<_>>())?;
        writeln!(to, "run = {}", Lines(run))?;
        writeln!(to, "timeout = {timeout}")?;
        writeln!(to, "processors = {processors}")?;
        if !env.is_empty() {
            writeln!(to, "\n[build.env]")?;
        }
        env.iter().try_for_each(|(name, value)| writeln!(to, "{} = {}", Key(name), Quoted(value)))
    }
}

/// `[tree]`: which files the package has in the end, for packages and images alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TreeRules {
    /// `packages`: other packages whose trees join.
    pub packages: Vec<Spanned<Name>>,
    /// Globs of what is taken; empty takes all.
    pub include: Vec<Spanned<String>>,
    /// Globs of what is left out.
    pub exclude: Vec<Spanned<String>>,
    /// `prefer."/path" = "<package or source>"`: who wins where two provide a path.
    pub prefer: BTreeMap<TreePath, Spanned<Name>>,
    /// `[[file]]`, `[[directory]]`, `[[symlink]]`: what is added.
    pub additions: Vec<Spanned<Addition>>,
    /// `[[user]]`: lines of `/etc/passwd` and `/etc/group`.
    pub users: Vec<Spanned<User>>,
}

/// Something that a recipe adds to a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addition {
    /// `[[file]]`: a regular file.
    File {
        /// Where it goes.
        path: TreePath,
        /// What is in it.
        contents: Contents,
        /// Permission bits; 0644 when not given.
        mode: Mode,
        /// Numeric owner.
        uid: u32,
        /// Numeric group.
        gid: u32,
    },
    /// `[[directory]]`: also changes the metadata of one that is there.
    Directory {
        /// Where it goes.
        path: TreePath,
        /// Permission bits; 0755 when not given.
        mode: Mode,
        /// Numeric owner.
        uid: u32,
        /// Numeric group.
        gid: u32,
    },
    /// `[[symlink]]`.
    Symlink {
        /// Where it goes.
        path: TreePath,
        /// What it points to.
        target: String,
    },
}

impl Addition {
    /// Returns where it goes.
    pub fn path(&self) -> &TreePath {
        match self {
            Self::File { path, .. } | Self::Directory { path, .. } | Self::Symlink { path, .. } => path,
        }
    }
}

/// What an added file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// `contents = "…"`.
    Inline(String),
    /// `source = "path"`: a file of the project.
    Local(Spanned<String>),
}

/// `[[user]]`: a user and the group of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: Name,
    /// Numeric user.
    pub uid: u32,
    /// Numeric group; the uid when not given.
    pub gid: u32,
    /// Home directory; `/` when not given.
    pub home: String,
    /// Login shell; `/usr/sbin/nologin` when not given.
    pub shell: String,
}
