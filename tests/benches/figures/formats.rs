//! The output formats: beside the tools that a user would take instead, and beside each other.
//!
//! | module | what |
//! |---|---|
//! | [`file_systems`] | a gigabyte of files as `SquashFS` and EROFS, beside `mksquashfs` and `mkfs.erofs` |
//! | [`outputs`] | the formats of an image whose root is there: kernel and initrd, tar, disks; a second format; nothing to do |
//! | [`writer`] | one file system written by a process of its own |

pub(crate) mod file_systems;
pub(crate) mod outputs;
pub(crate) mod writer;

use crate::process::Watched;
use crate::table::{Row, Runs};

/// Returns the package of a recipe with Debian packages.
fn package(name: &str, debian: &[&str]) -> String {
    let debian: Vec<_> = debian.iter().map(|name| format!("\"{name}\"")).collect();
    let debian = debian.join(", ");
    format!(
        "[package]\nname = \"{name}\"\n[sources.debian]\nsuite = \"bookworm\"\npackages = [{debian}]\n\
         [container]\ncommand = [\"/usr/bin/qemu-system-x86_64\"]\n"
    )
}

/// A row of a ratio: how many times another's time is ours. Each pair ran one after the other.
fn ratio(what: String, ours: &[Watched], theirs: &[Watched], limit: &'static str) -> Row {
    let seconds = |watched: &Watched| watched.cost.wall.as_secs_f64();
    let ratios = Runs::of(ours.iter().zip(theirs).map(|(ours, theirs)| seconds(theirs) / seconds(ours)));
    let times = |ratio: f64| format!("{ratio:.2} times");
    Row { what, figure: times(ratios.median()), runs: ratios.range(times), limit }
}

/// A row of times.
fn walls(what: &str, runs: &[Watched]) -> Row {
    Runs::of_times(runs.iter().map(|run| run.cost.wall)).row(what, "")
}

/// A row of the most memory of any run.
fn memory(what: String, runs: &[Watched], limit: &'static str) -> Row {
    let peak = runs.iter().map(|run| run.peak).max().unwrap_or_default();
    Row { what, figure: format!("{} MiB", peak.div_ceil(1 << 20)), runs: String::new(), limit }
}
