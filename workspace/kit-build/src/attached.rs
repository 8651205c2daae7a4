//! Signatures of an image and attestations about it, as they lie beside it: documents that name it as their subject, and cosign's.
//!
//! ```text
//! application/vnd.kit.signature.v1          an artifact about the image: each part is a signature of its manifest's bytes, in any format
//! application/vnd.dsse.envelope.v1+json     an artifact about the image: each part is an envelope
//! sha256-HEX.sig   sha256-HEX.att           what cosign has under tags, or in a layout under names; and as artifacts about the image
//! ```

mod layout;
pub(crate) mod piece;

use std::collections::BTreeSet;

use kit_audit::dsse::Envelope;
use kit_audit::signature::Signature;
use kit_audit::signature::attached::{Attached, What};
use kit_format::oci::artifact::{Artifact, Part};
use kit_format::oci::cosign;
use kit_hash::Sha256;

use crate::BuildError;

pub use kit_format::oci::beside::{
    ATTESTATION, About, LayoutImages, SIGNATURE, images_of_layout, is_about_images,
};
pub use layout::attached_in_layout;
pub(crate) use layout::bytes;
pub use piece::Piece;

/// The most documents about one image that are looked at.
pub const MOST: usize = 128;
/// The most bytes about one image that are read.
const MOST_BYTES: u64 = 64 << 20;
/// The largest payload of cosign's, in bytes.
const PAYLOAD_LIMIT: u64 = 64 << 10;

/// Why what lies beside an image isn't looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{found} signatures and attestations are said to be about it, {MOST} is the most that kit looks at")]
pub struct TooMany {
    /// How many there are.
    pub found: usize,
}

/// Whether an artifact of this type, as a list tells it, may hold what is looked for. Cosign's names are those of its own way to refer.
pub(crate) fn is_looked_at(artifact_type: Option<&str>) -> bool {
    artifact_type.is_none_or(is_about_images)
}

/// How a document says which image it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// As its subject.
    Subject,
    /// By the tag that it is under.
    Tag,
}

/// Returns the bytes of a part, or why they can't be had.
pub(crate) type ReadPart<'r> = &'r mut dyn FnMut(&Part) -> Result<Result<Vec<u8>, String>, BuildError>;

/// All by which one part differs from another one: a part that lies doesn't stand for one that doesn't.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    artifact_type: Option<String>,
    media_type: String,
    sha256: Sha256,
    size: u64,
    signature: Option<String>,
}

/// What was found so far.
#[derive(Debug)]
pub(crate) struct Finding {
    image: Sha256,
    seen: BTreeSet<Sha256>,
    /// The parts that were looked at.
    parts: BTreeSet<Seen>,
    /// How many bytes of them were read.
    bytes: u64,
    pub(crate) all: Vec<Attached>,
}

impl Finding {
    pub(crate) fn about(image: Sha256) -> Self {
        Self { image, seen: BTreeSet::new(), parts: BTreeSet::new(), bytes: 0, all: Vec::new() }
    }

    /// Whether a document is looked at for the first time.
    pub(crate) fn is_new(&mut self, sha256: &Sha256) -> bool {
        self.seen.insert(*sha256)
    }

    /// Notes that something can't be read.
    pub(crate) fn broken(&mut self, at: &str, why: String) {
        self.all.push(Attached { at: at.to_owned(), what: What::Broken(why) });
    }

    /// Takes what a document holds.
    pub(crate) fn take(
        &mut self,
        at: &str,
        (manifest, by): (&[u8], By),
        read: ReadPart<'_>,
    ) -> Result<(), BuildError> {
        let artifact = match Artifact::parse(manifest) {
            Ok(artifact) => artifact,
            Err(error) => {
                self.broken(at, format!("its manifest can't be read: {error}"));
                return Ok(());
            }
        };
        if by == By::Subject && artifact.subject != Some(self.image) {
            let about = artifact.subject.map_or_else(|| "nothing".to_owned(), |subject| subject.oci());
            self.all.push(Attached { at: at.to_owned(), what: What::Elsewhere(about) });
            return Ok(());
        }
        let several = artifact.parts.len() > 1;
        for (number, part) in artifact.parts.iter().enumerate() {
            let seen = Seen {
                artifact_type: artifact.artifact_type.clone(),
                media_type: part.media_type.clone(),
                sha256: part.sha256,
                size: part.size,
                signature: part.annotations.get(cosign::SIGNATURE).cloned(),
            };
            if !self.parts.insert(seen) {
                continue;
            }
            if self.all.len() >= MOST {
                return Err(TooMany { found: self.all.len() + artifact.parts.len() - number }.into());
            }
            let at = if several { format!("{at}, part {}", number + 1) } else { at.to_owned() };
            let mut within = |part: &Part| {
                let bytes = self.bytes.saturating_add(part.size);
                if bytes > MOST_BYTES {
                    return Ok(Err(format!("with it, more than {MOST_BYTES} bytes are about the image")));
                }
                self.bytes = bytes;
                read(part)
            };
            if let Some(what) = what(part, artifact.artifact_type.as_deref(), &mut within)? {
                self.all.push(Attached { at, what });
            }
        }
        Ok(())
    }
}

/// Returns what a part is; nothing where it is neither a signature nor an attestation.
fn what(part: &Part, artifact_type: Option<&str>, read: ReadPart<'_>) -> Result<Option<What>, BuildError> {
    let (limit, what): (u64, &dyn Fn(Vec<u8>) -> What) = match part.media_type.as_str() {
        cosign::PAYLOAD => match part.annotations.get(cosign::SIGNATURE) {
            Some(signature) => {
                (PAYLOAD_LIMIT, &|payload| What::Simple { payload, signature: signature.clone() })
            }
            None => return Ok(Some(What::Broken("it has a payload and no signature".to_owned()))),
        },
        cosign::ENVELOPE => (Envelope::LIMIT as u64, &What::Envelope),
        _ if artifact_type == Some(SIGNATURE) => (Signature::LIMIT as u64, &What::Signature),
        _ => return Ok(None),
    };
    if part.size > limit {
        return Ok(Some(What::Broken(format!("it has {} bytes, and may have {limit}", part.size))));
    }
    Ok(Some(match read(part)? {
        Ok(bytes) => what(bytes),
        Err(why) => What::Broken(why),
    }))
}

#[cfg(test)]
mod tests;
