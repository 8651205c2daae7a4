//! The traits through which a build meets the outside.

use std::collections::BTreeMap;
use std::fs::File;

use kit_hash::{DerivationId, TreeId};
use kit_plan::derivation;

use crate::BuildError;

/// Gets files by their digest.
pub trait Fetch: Sync {
    /// Writes the file, checked against size and digest, to the empty `file`; `progress` hears the bytes so far.
    fn fetch(
        &self,
        fetch: &derivation::Fetch,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError>;

    /// Hears of all files that will be fetched, so that it can get many at once.
    fn announce(&self, fetches: &[&derivation::Fetch]) -> Result<(), BuildError>;
}

/// A script to run and all that it sees.
#[derive(Debug, Clone)]
pub struct Script<'a> {
    /// What people call the step.
    pub title: &'a str,
    /// The derivation, which names what is kept of a failure.
    pub derivation: DerivationId,
    /// The tree that is `/`.
    pub root: TreeId,
    /// Trees below `/src`, by name.
    pub sources: BTreeMap<String, TreeId>,
    /// The script.
    pub script: &'a str,
    /// The whole environment.
    pub env: &'a BTreeMap<String, String>,
    /// Seconds until it is stopped.
    pub timeout: u64,
    /// Processors that it may use, as far as there are.
    pub processors: u32,
}

/// What came of a script that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Executed {
    /// What it left in `/out`.
    pub tree: TreeId,
    /// Milliseconds of processor time.
    pub cpu_millis: u64,
    /// Most memory, in bytes, as far as it can be measured.
    pub peak_memory_bytes: u64,
}

/// Runs scripts; what is left in `/out` becomes a tree in the store.
pub trait Execute: Sync {
    /// Runs a script to its end. `log` hears what it prints.
    fn execute(&self, script: &Script<'_>, log: &mut dyn FnMut(&[u8])) -> Result<Executed, BuildError>;
}

/// Something that happened during a build.
#[derive(Debug, Clone)]
pub enum Event<'a> {
    /// The work is known.
    Planned {
        /// Steps that must be done.
        steps: usize,
        /// Steps whose result is there.
        reused: usize,
        /// Bytes that must be fetched, as far as known.
        fetch_bytes: u64,
    },
    /// A step begins.
    Started {
        /// What people call it.
        title: &'a str,
        /// Bytes to fetch, where the step is a fetch of known size.
        bytes: Option<u64>,
    },
    /// Bytes of a fetch have come.
    Fetched {
        /// What people call it.
        title: &'a str,
        /// Bytes so far.
        bytes: u64,
    },
    /// What goes to a registry is known.
    Sending {
        /// Blobs that it hasn't got, each of which is started and finished.
        blobs: usize,
        /// Blobs that it has.
        there: usize,
        /// Bytes that must be sent.
        bytes: u64,
    },
    /// Bytes of a blob have gone; the number falls when an upload begins again.
    Sent {
        /// What people call it.
        title: &'a str,
        /// Bytes so far.
        bytes: u64,
    },
    /// Bytes of a disk that is converted are done.
    Converted {
        /// What people call it.
        title: &'a str,
        /// Bytes so far.
        bytes: u64,
        /// All of them: each is read twice.
        of: u64,
    },
    /// A script printed something.
    Printed {
        /// What people call the step.
        title: &'a str,
        /// What it printed.
        bytes: &'a [u8],
    },
    /// A step waits for another process that does the same.
    Waiting {
        /// What people call it.
        title: &'a str,
    },
    /// Something in the store is damaged or gone: it is discarded, and made again.
    Repaired {
        /// What.
        item: &'a str,
        /// What is wrong with it.
        problem: &'a str,
    },
    /// A step is done.
    Finished {
        /// What people call it.
        title: &'a str,
        /// How.
        how: Finished,
        /// Milliseconds that it took.
        millis: u64,
    },
}

/// How a step was finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// It was done.
    Done,
    /// Its inputs came out as they once were, so its result was there.
    Reused,
    /// It failed.
    Failed,
}

/// Hears what happens; draws it, writes it down or ignores it.
pub trait Events: Sync {
    /// Hears of an event, from any thread.
    fn event(&self, event: Event<'_>);
}

/// Hears nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Events for Silent {
    fn event(&self, _: Event<'_>) {}
}
