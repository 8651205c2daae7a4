//! Roots: what a name keeps alive.
//!
//! `roots/<name>` is sealed like a record. `kit:roots:v1` is the name, then four sorted lists of identities: trees, derivations,
//! resolved derivations, blobs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::os::fd::AsFd as _;
use std::str::FromStr;

use kit_hash::{BlobId, Decoder, DerivationId, Encoder, Identity, ResolvedId, TreeId};

use crate::error::At as _;
use crate::publish::Policy;
use crate::sealed::{seal, unseal};
use crate::{Damage, Item, Store, StoreError, disk};

/// The name of a root: 1 to 200 ASCII letters, digits and `-_.+@`, not starting with a dot.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RootName(String);

/// A text that can't name a root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can't name a root: it takes 1 to 200 letters, digits and `-_.+@`, not starting with a dot")]
pub struct RootNameError {
    /// The text.
    pub name: String,
}

impl FromStr for RootName {
    type Err = RootNameError;
    fn from_str(name: &str) -> Result<Self, RootNameError> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"-_.+@".contains(&b);
        if matches!(name.len(), 1..=200) && !name.starts_with('.') && name.bytes().all(fits) {
            Ok(Self(name.to_owned()))
        } else {
            Err(RootNameError { name: name.to_owned() })
        }
    }
}

impl fmt::Display for RootName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a name keeps alive, with everything that it leads to: derivation → resolved derivation → record → tree and
/// log → blobs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roots {
    /// Trees.
    pub trees: BTreeSet<TreeId>,
    /// Derivations, by what they last resolved to.
    pub derivations: BTreeSet<DerivationId>,
    /// Records.
    pub resolved: BTreeSet<ResolvedId>,
    /// Single blobs, such as downloads and logs.
    pub blobs: BTreeSet<BlobId>,
}

impl Store {
    /// Lets a name keep `roots` alive, in place of what it kept before; on disk when the call returns.
    pub fn set_root(&self, name: &RootName, roots: &Roots) -> Result<(), StoreError> {
        self.settle()?;
        let bytes = seal(&encode(name, roots));
        self.publish(self.roots.as_fd(), &name.0, &self.path.join("roots"), &bytes, Policy::Durable)
    }

    /// Lets a name keep nothing alive; tells whether it did before.
    pub fn remove_root(&self, name: &RootName) -> Result<bool, StoreError> {
        disk::unlink(&self.roots, name.0.as_bytes()).at("remove", &self.path.join("roots").join(&name.0))
    }

    /// Reads all roots. One that is damaged is an error, since nobody knows what it kept.
    pub fn roots(&self) -> Result<BTreeMap<RootName, Roots>, StoreError> {
        let mut all = BTreeMap::new();
        for name in self.root_names()? {
            if let Ok(name) = name.parse::<RootName>() {
                // It may have been removed since it was listed.
                if let Some(roots) = self.root(&name)? {
                    all.insert(name, roots);
                }
            }
        }
        Ok(all)
    }

    /// Reads what a name keeps alive, or none when it keeps nothing.
    pub fn root(&self, name: &RootName) -> Result<Option<Roots>, StoreError> {
        let path = self.path.join("roots").join(&name.0);
        let bytes = match disk::read_file(&self.roots, name.0.as_bytes()) {
            Err(e) if e.kind() == std::io::ErrorKind::InvalidData => {
                return Err(self.corrupt(Item::Root(name.0.clone()), Damage::Kind));
            }
            bytes => bytes.at("read", &path)?,
        };
        let Some(bytes) = bytes else { return Ok(None) };
        decode(&bytes, name).map(Some).map_err(|damage| self.corrupt(Item::Root(name.0.clone()), damage))
    }

    /// Names in `roots/`, sorted, whether or not they can be names of roots.
    pub(crate) fn root_names(&self) -> Result<Vec<String>, StoreError> {
        let names = disk::list(&self.roots).at("list", &self.path.join("roots"))?;
        Ok(names.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }
}

/// Writes what a root's file holds.
pub(crate) fn encode(name: &RootName, roots: &Roots) -> Encoder {
    let mut encoder = Encoder::new("roots", 1);
    encoder.str(&name.0);
    encoder.list(&roots.trees, |e, id| _ = e.id(id)).list(&roots.derivations, |e, id| _ = e.id(id));
    encoder.list(&roots.resolved, |e, id| _ = e.id(id)).list(&roots.blobs, |e, id| _ = e.id(id));
    encoder
}

/// Checks and reads the bytes of a root's file.
pub(crate) fn decode(bytes: &[u8], name: &RootName) -> Result<Roots, Damage> {
    let mut d = unseal(bytes, "roots")?;
    if d.str()? != name.0 {
        return Err(Damage::Seal);
    }
    let roots = Roots {
        trees: decode_set(&mut d)?,
        derivations: decode_set(&mut d)?,
        resolved: decode_set(&mut d)?,
        blobs: decode_set(&mut d)?,
    };
    d.finish()?;
    Ok(roots)
}

fn decode_set<I: Identity>(d: &mut Decoder<'_>) -> Result<BTreeSet<I>, Damage> {
    let mut set = BTreeSet::new();
    for _ in 0..d.list_len()? {
        let id = d.id()?;
        if set.last().is_some_and(|last| *last >= id) {
            return Err(d.invalid("order of identities").into());
        }
        set.insert(id);
    }
    Ok(set)
}

#[cfg(test)]
mod tests;
