//! Output formats: the established tools read what kit writes, and what boots, boots.
#![expect(clippy::disallowed_methods, reason = "tests read what programs wrote")]

mod bad_input;
mod boards;
mod choices;
mod containers;
mod disks;
mod erofs;
mod every;
mod ext4;
mod extension;
mod iso;
mod kernel;
mod random;
mod readers;
mod root;
mod run;
mod slots;
mod squashfs;
mod told;
mod uki;
