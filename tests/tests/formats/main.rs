//! Output formats: the established tools read what kit writes, and what boots, boots.
#![expect(clippy::disallowed_methods, reason = "tests read what programs wrote")]

mod containers;
mod disks;
mod erofs;
mod every;
mod iso;
mod root;
mod run;
mod squashfs;
mod uki;
