//! Output formats: the established tools read what kit writes, and what boots, boots.
#![expect(clippy::disallowed_methods, reason = "tests read what programs wrote")]

mod arm64;
mod bad_input;
mod boards;
mod choices;
mod containers;
mod disks;
mod erofs;
mod every;
mod ext4;
mod extension;
mod handed_in;
mod iso;
mod kernel;
mod limits;
mod matrix;
mod modules;
mod random;
mod readers;
mod root;
mod run;
mod samples;
mod signing;
mod slots;
mod squashfs;
mod told;
mod uki;
mod unpacked;
