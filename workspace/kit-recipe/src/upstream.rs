//! Sources as their authors publish them: files at addresses.

use kit_hash::{Encoder, Sha256, SourceId};

use crate::Spanned;
use crate::package::Source;

/// `url = "https://…"`: a file, unpacked when it is an archive.
///
/// Where it can be had is no part of what it is: with `sha256`, the addresses count for nothing. Without it the address is
/// all that says which file is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlSource {
    /// The address that is asked first.
    pub url: Spanned<String>,
    /// Whole addresses of the same file, asked after it.
    pub mirrors: Vec<Spanned<String>>,
    /// What must come; without it `kit lock` pins what comes.
    pub sha256: Option<Spanned<Sha256>>,
    /// Whether an archive is unpacked.
    pub packing: Packing,
}

/// What becomes of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// It is unpacked; a file that is no archive stays as it is.
    Unpacked,
    /// `unpack = false`: it stays as it is.
    Kept,
}

impl UrlSource {
    /// Returns the file's name: the last one of the address, without a query.
    pub fn file_name(&self) -> &str {
        file_name(&self.url.value).unwrap_or_default()
    }

    /// Returns all addresses, in the order in which they are asked.
    pub fn addresses(&self) -> Vec<String> {
        std::iter::once(&self.url).chain(&self.mirrors).map(|address| address.value.clone()).collect()
    }

    pub(crate) fn encode(&self, to: &mut Encoder) {
        to.str(self.file_name());
        to.option(self.sha256.as_ref(), |to, sha256| _ = to.sha256(sha256));
        to.option(self.sha256.is_none().then_some(&self.url), |to, url| _ = to.str(url));
        to.variant(match self.packing {
            Packing::Unpacked => 1,
            Packing::Kept => 2,
        });
    }
}

/// Returns the last name of an address.
pub(crate) fn file_name(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let path = rest.split(['?', '#']).next()?;
    let (_, name) = path.rsplit_once('/')?;
    Some(name).filter(|name| !matches!(*name, "" | "." | ".."))
}

impl Source {
    /// Returns what is asked for, `kit:source:v1`: the source's part of the recipe's identity. As long as it stays the same, a
    /// pin holds.
    pub fn id(&self) -> SourceId {
        let mut to = Encoder::new("source", 1);
        crate::recipe::encode_source(&mut to, self);
        to.id_of()
    }
}
