//! A failed step, written down so that one can step into its sandbox later, whatever became of recipes and locks.
//!
//! `kit:failed-step:v2` is title, derivation id, root tree id, list of sources (name, tree id), script, list of the
//! environment (name, value), processors. It lies as `step` in the working directory that the store keeps.

use std::collections::BTreeMap;

use kit_hash::{DecodeError, Decoder, DerivationId, Encoder, TreeId};

use crate::seams::Script;

/// Name of the file in the working directory.
pub const FILE: &str = "step";

/// Name of the file with all that it printed, beside it.
pub const LOG_FILE: &str = "log";

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedStep {
    /// What people call it.
    pub title: String,
    /// The derivation.
    pub derivation: DerivationId,
    root: TreeId,
    sources: BTreeMap<String, TreeId>,
    script: String,
    env: BTreeMap<String, String>,
    processors: u32,
}

impl FailedStep {
    /// Returns what the sandbox is made of.
    pub fn script(&self) -> Script<'_> {
        Script {
            title: &self.title,
            derivation: self.derivation,
            root: self.root,
            sources: self.sources.clone(),
            script: &self.script,
            env: &self.env,
            timeout: 0,
            processors: self.processors,
        }
    }

    /// Reads a step back.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut d = Decoder::new(bytes, "failed-step", 2)?;
        let (title, derivation, root) = (d.str()?.to_owned(), d.id()?, d.id()?);
        let mut sources = BTreeMap::new();
        for _ in 0..d.list_len()? {
            sources.insert(d.str()?.to_owned(), d.id()?);
        }
        let script = d.str()?.to_owned();
        let mut env = BTreeMap::new();
        for _ in 0..d.list_len()? {
            env.insert(d.str()?.to_owned(), d.str()?.to_owned());
        }
        let processors = u32::try_from(d.u64()?).map_err(|_| d.invalid("processors"))?;
        d.finish()?;
        Ok(Self { title, derivation, root, sources, script, env, processors })
    }
}

/// Writes a step down.
pub fn encode(script: &Script<'_>) -> Encoder {
    let mut e = Encoder::new("failed-step", 2);
    e.str(script.title).id(&script.derivation).id(&script.root);
    e.list(&script.sources, |e, (name, tree)| _ = e.str(name).id(tree));
    e.str(script.script).list(script.env, |e, (name, value)| _ = e.str(name).str(value));
    e.u64(script.processors.into());
    e
}

#[cfg(test)]
mod tests {
    use kit_hash::Identity as _;

    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        let env = BTreeMap::from([("TZ".to_owned(), "UTC".to_owned())]);
        let script = Script {
            title: "build x",
            derivation: DerivationId::from_bytes([1; 32]),
            root: TreeId::from_bytes([2; 32]),
            sources: BTreeMap::from([("source".to_owned(), TreeId::from_bytes([3; 32]))]),
            script: "false",
            env: &env,
            timeout: 9,
            processors: 2,
        };
        let encoder = encode(&script);
        let step = FailedStep::decode(encoder.finish()).unwrap();
        assert_eq!(encode(&step.script()).finish(), encoder.finish());
        assert_eq!((step.title.as_str(), step.script().env), ("build x", &env));
        for at in 0..encoder.finish().len() {
            assert!(FailedStep::decode(&encoder.finish()[..at]).is_err());
        }
    }
}
