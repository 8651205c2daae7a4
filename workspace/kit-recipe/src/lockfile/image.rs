//! Pins of images from registries.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use kit_hash::{Encoder, Sha256, TreeId};

use crate::ImageReference;
use crate::written::{Key, Quoted, list};

/// What a reference was resolved to, for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImagePin {
    /// The index that lists a manifest for each platform; none where the reference is a manifest's.
    pub index: Option<Sha256>,
    /// The manifest.
    pub manifest: Document,
    /// The configuration.
    pub config: Document,
    /// What the configuration says about how it is run.
    pub settings: ImageSettings,
    /// The numbers of the user and the group that it is run by, as its own files have them; none where it names no user.
    pub owner: Option<Owner>,
    /// The layers, the lowest first.
    pub layers: Vec<LayerPin>,
}

/// A document of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Document {
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

/// How an image says that it is run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImageSettings {
    /// Entry point and command, joined.
    pub command: Vec<String>,
    /// Environment.
    pub env: BTreeMap<String, String>,
    /// Working directory.
    pub cwd: Option<String>,
    /// User and group as it writes them: names or numbers, `user[:group]`.
    pub user: Option<String>,
    /// Its label `org.mobyproject.config`: what LinuxKit takes as defaults of a container, JSON.
    pub label: Option<String>,
}

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// A layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerPin {
    /// Bytes, as the registry has it.
    pub size: u64,
    /// Digest of the same.
    pub sha256: Sha256,
    /// Digest of the uncompressed archive, as the configuration has it.
    pub diff_id: Sha256,
    /// Its unpacked tree (a result).
    pub tree: Option<TreeId>,
}

impl ImagePin {
    /// Writes what is pinned: index?, manifest, config, command, env, cwd?, user?, owner?, layers (size, SHA-256,
    /// SHA-256 uncompressed), and a label where there is one.
    pub(super) fn encode(&self, to: &mut Encoder) {
        let Self { index, manifest, config, settings, owner, layers } = self;
        to.option(index.as_ref(), |to, index| _ = to.sha256(index));
        for document in [manifest, config] {
            to.u64(document.size).sha256(&document.sha256);
        }
        let ImageSettings { command, env, cwd, user, label } = settings;
        to.list(command, |to, word| _ = to.str(word));
        to.list(env, |to, (name, value)| _ = to.str(name).str(value));
        for text in [cwd, user] {
            to.option(text.as_ref(), |to, text| _ = to.str(text));
        }
        to.option(owner.as_ref(), |to, owner| _ = to.u64(owner.uid.into()).u64(owner.gid.into()));
        to.list(layers, |to, layer| _ = to.u64(layer.size).sha256(&layer.sha256).sha256(&layer.diff_id));
        // Came later: what follows an image is another one's reference, which is never empty.
        if let Some(label) = label {
            to.str("").str(label);
        }
    }

    /// Writes the section of a reference.
    pub(super) fn write(&self, reference: &ImageReference, to: &mut String) -> fmt::Result {
        writeln!(to, "[images.{}]", Key(&reference.to_string()))?;
        if let Some(index) = &self.index {
            writeln!(to, "index = \"{index}\"")?;
        }
        for (key, Document { size, sha256 }) in [("manifest", &self.manifest), ("config", &self.config)] {
            writeln!(to, "{key} = {{ size = {size}, sha256 = \"{sha256}\" }}")?;
        }
        let ImageSettings { command, env, cwd, user, label } = &self.settings;
        if !command.is_empty() {
            list(to, "command", command)?;
        }
        if !env.is_empty() {
            let pairs: Vec<_> =
                env.iter().map(|(name, value)| format!("{} = {}", Key(name), Quoted(value))).collect();
            writeln!(to, "env = {{ {} }}", pairs.join(", "))?;
        }
        for (key, text) in [("cwd", cwd), ("user", user), ("label", label)] {
            if let Some(text) = text {
                writeln!(to, "{key} = {}", Quoted(text))?;
            }
        }
        if let Some(Owner { uid, gid }) = &self.owner {
            writeln!(to, "owner = {{ uid = {uid}, gid = {gid} }}")?;
        }
        writeln!(to, "layers = [")?;
        for LayerPin { size, sha256, diff_id, tree } in &self.layers {
            write!(to, "  {{ size = {size}, sha256 = \"{sha256}\", diff-id = \"{diff_id}\"")?;
            if let Some(tree) = tree {
                write!(to, ", tree = \"{tree}\"")?;
            }
            writeln!(to, " }},")?;
        }
        writeln!(to, "]")
    }
}
