//! End-to-end tests: everything that needs more than one crate, through the `kit` binary.
//!
//! | module | what |
//! |---|---|
//! | [`archive`] | a small signed Debian archive, made in memory |
//! | [`booted`] | images that are booted for what is in them |
//! | [`browser`] | a browser for pages that kit writes |
//! | [`busybox`] | Debian's own busybox, pinned |
//! | [`deb`] | Debian packages byte by byte |
//! | [`formats`] | what tests have seen of each output format, and the table that says so |
//! | [`image`] | images of a registry byte by byte |
//! | [`machine`] | a machine with disks, networks and a keyboard, and what it prints |
//! | [`mirror`] | a Debian mirror on the loopback interface |
//! | [`program`] | the `kit` binary, built once for a test run |
//! | [`project`] | [`TestProject`]: a project in a directory of its own, and what a command said |
//! | [`registry`] | a registry that people use |
//! | [`repository`] | git repositories, and how a plain HTTP server serves them |
//! | [`server`] | an HTTP server on the loopback interface that answers as it is told |
//! | [`signers`] | the tools whose keys and signatures kit makes and checks |
//! | [`small`] | a project with every kind of step that is built in a second |
//! | [`source_package`] | source packages of such an archive |
//! | [`validators`] | the official validators of what kit writes about images |
//! | [`uploads`] | a registry that takes what is put there, badly |
//!
//! | file | what holds |
//! |---|---|
//! | `tests/apparmor.rs` | profiles of AppArmor are loaded and hold |
//! | `tests/architecture.rs` | crates depend only on what the design lets them, share lints and versions, files stay short |
//! | `tests/bad_input/` | recipes, lockfiles, archives, packages, scripts and stores that are wrong: what is said, and that nothing half-done stays |
//! | `tests/audit/` | SBOMs, provenance, audits, policies, signatures: right, the same everywhere, accepted by other tools |
//! | `tests/bisect.rs` | the change that made an image bad is found in the project's history |
//! | `tests/boot.rs` | images boot, say what they do, confine their services, are reached, and fail in words |
//! | `tests/changes.rs` | containers left out, replaced and added by the command line |
//! | `tests/concurrent.rs` | several processes in one store do each step once and disturb nobody |
//! | `tests/container_host.rs` | containerd and Docker in a booted machine run what kit made, confine it, and keep it over a restart |
//! | `tests/difference.rs` | what differs between two images, also as they were at a commit: in all parts and outputs |
//! | `tests/evidence.rs` | verifications leave pages and statements; files are held against lockfiles and each other |
//! | `tests/formats_table.rs` | the table in `docs/formats.md` is what tests of formats have seen |
//! | `tests/formats/` | each output format: what other tools read, what the kernel sees, what boots and what is refused; disks converted; what is served |
//! | `tests/full_disk.rs` | a disk that fills up is named, and nothing is lost |
//! | `tests/configuration.rs` | every key of a container, by its effect in a booted system |
//! | `tests/images_out.rs` | images for others: archives, layers, what is sent to registries and fetched from there, what differs |
//! | `tests/import.rs` | what LinuxKit reads becomes recipes, with labels and defaults; what is wrong is said with its line |
//! | `tests/import_packages.rs` | LinuxKit's packages become recipes, templates images that it publishes, sources come from anywhere |
//! | `tests/interrupted.rs` | killed at any moment, the next build comes to the same bytes |
//! | `tests/git_sources.rs` | commits as sources: what is pinned, what moves, what is refused |
//! | `tests/inside.rs` | what an image is made of: sizes, ways to a component, vulnerabilities, capabilities, bytes, what would be built, graphs |
//! | `tests/installed.rs` | the program alone makes, locks, builds and runs a project, as root and as an ordinary user |
//! | `tests/kinds/` | each kind of build makes a program, reproducibly; written out it is the same step |
//! | `tests/labels.rs` | what the label of an image says holds in a booted system, below what the entry says |
//! | `tests/local_images.rs` | images on this machine: layouts, their archives, what `docker save` writes; layers that don't fit |
//! | `tests/machines.rs` | each standard package that needs a disk, a console, a device or a second machine does its job |
//! | `tests/offline.rs` | what is in the store needs no network, what isn't is named |
//! | `tests/oracles.rs` | GNU tar, cpio, zstd and skopeo read what kit writes |
//! | `tests/slow.rs` | the slow profile: the hardened kernel is the one of the lockfile and boots; `KIT_TEST_SLOW=1` builds it |
//! | `tests/registry.rs` | images of registries, a real one among them: pulled, built, booted, moved, hostile |
//! | `tests/registries/` | two registries that people use: what either gives boots and is the same from an empty store; platforms, uploads, referrers, signatures |
//! | `tests/packages.rs` | each other standard package does its job in a booted machine |
//! | `tests/scheduling.rs` | what is built and what not: failures, interruptions, changes that change nothing; processors of scripts |
//! | `tests/services.rs` | services in a booted system: order, readiness, health, restarts, logs, `kit-ctl`, the end |
//! | `tests/shell.rs` | shells in builds, before and where they failed; programs of locked packages |
//! | `tests/source_packages.rs` | Debian source packages: what they make, and what is said when they make nothing; `from-source` comes out as locked |
//! | `tests/stored_images.rs` | images in Podman's store, put together again from their files |
//! | `tests/vendor.rs` | bundles: what lockfiles need in one directory, from which images are built without any network |
//! | `tests/verify.rs` | packages that aren't reproducible: the cause of each is named |
//! | `tests/same_bytes.rs` | `minimal` is the same wherever and by whomever it is built |
#![expect(clippy::disallowed_methods, reason = "tests set directories up and start programs")]

pub mod archive;
pub mod booted;
pub mod browser;
pub mod busybox;
pub mod deb;
pub mod formats;
pub mod image;
pub mod machine;
pub mod mirror;
pub mod program;
pub mod project;
pub mod registry;
pub mod repository;
pub mod server;
pub mod signers;
pub mod small;
pub mod source_package;
pub mod uploads;
pub mod validators;

pub use project::{Said, TestProject};
