//! kit-init: PID 1 and service supervisor inside the images that kit builds.
//!
//! It replaces what other systems need an init, a container runtime and a container daemon for. Everything that it
//! does is written in the image; nothing is decided by searching the machine.
//!
//! # The boot
//! 1. The kernel starts it as `/init` from an initramfs, or from a mounted root. An initramfs is not copied: a bind
//!    mount of `/` is moved over `/`, after which containers can pivot away from it. `/` becomes read-only.
//! 2. It mounts `/proc`, `/dev`, `/run` (a failure ends the boot), then `/sys`, control groups (version 2), `/dev/pts`,
//!    `/dev/shm`, `/tmp`, and an empty `/var` in memory if the image has that directory (a failure is told). The
//!    image should have the mount points `/proc /sys /dev /run /tmp`; they are made if an initramfs lacks them.
//! 3. It loads the kernel modules that `/etc/kit/modules` lists: absolute paths of `.ko` files (not compressed unless
//!    the kernel can unpack them), one on a line, in load order; `#` starts a comment line.
//!    `?` before a path: that the machine lacks what the module is for is no failure. Behind it are the paths of those that it builds
//!    on: where one of these found nothing, it isn't tried.
//! 4. It sets the host name from `/etc/hostname` (`kit` if absent) and brings the loopback interface up.
//! 5. It runs the *onboot* containers one after the other. Each must exit with code 0; otherwise the boot has failed.
//! 6. It starts the *services*, and prints `kit-init: up` when each is ready or has ended.
//! 7. When none of them has failed, it marks a boot as good that the boot loader counts, see `assessment.rs`.
//!
//! # A root that isn't copied
//! In an initramfs, with `kit.root=` on the kernel's command line, all of the above happens in the root that it names. Before, as the
//! *first stage* of the boot, it loads the modules of the initramfs's own `/etc/kit/modules`, waits at most 30 s for the root,
//! mounts it read-only, frees the initramfs and executes the root's `/init`. See `stage.rs`.
//!
//! `kit.root=KIND:PLACE`. KIND is `erofs`, `squashfs`, `iso9660` or `ext4`, and PLACE one of:
//! - `disk`: the first disk that as a whole is such a file system;
//! - `label:LABEL`: the first disk or partition with such a file system whose label it is, or partition that is called so;
//! - `partuuid:GUID`: the partition with that id;
//! - `type`: the first partition whose type is that of roots of this architecture, as the Discoverable Partitions
//!   Specification has them.
//!
//! The first one is that on the first disk by the bytes of its name in `/dev`, of partitions that with the lowest number. Partitions
//! are those of a GPT whose checksums are right. A partition that holds something else than KIND ends the boot.
//!
//! `kit.roothash=HEX`, a SHA-256: the root is read through dm-verity. The partitions with the root and with the hash tree, as
//! `veritysetup format` writes it with blocks of 4096 bytes, are those on one disk whose ids are the first and the last 128 bits
//! of the hash; what PLACE says must hold for the first of them. What was changed is never seen: reading it is an error, and
//! the boot fails if it is the superblock, `/init`, or what an onboot container needs. `kit.on-corruption=reboot` or `panic`: the
//! kernel does that at the first such block instead of going on.
//!
//! # The containers
//! Each is a folder `/containers/{onboot,services,onshutdown}/NNN-name/` with a `config.json` (OCI runtime
//! specification 1.x) and, by default, a `rootfs/`. They run in the order of the folders' names. The name after the number
//! (letters, digits, `.`, `_`, `-`, at most 64, not `kit-init`) stands before each line that the container
//! prints, and is unique among the containers of its kind. Mount points of a read-only root must be in the image.
//! With `root.readonly` false changes go to memory and end with the container; that needs the kernel's overlay file
//! system. Fields that ask for something kit-init cannot do are refused, see `config.rs`.
//! A `runtime.json` beside it says what the specification has no field for, see `config/service.rs`.
//!
//! # The services
//! A service starts when those that it names in `after` are ready or have ended, and those in `requires` are ready; one that
//! can't be any more is told. It is ready as soon as it runs, or when what it says is so. What it prints is kept, as much as
//! its limit. The wait before a restart doubles from 1 s to 30 s, and is 1 s again after a minute of running. When the machine
//! ends, those that others waited for are stopped after the others.
//!
//! `/run/kit/control` is where root asks: as `kit-ctl` or `kit-log` this program does (a link of that name, or a bind of it).
//!
//! # In a container
//! An image is a container image too, and this program is its first process; it needs the privileges to start containers. What
//! is mounted already stays as it is, and it prints on its standard output where there is no console.
//!
//! # The console
//! Everything goes to `/dev/console`: lines of containers as `name: line`, its own as `kit-init: line`. Lines are at most
//! 4 KiB; control characters and what is not UTF-8 are shown escaped. A console that is too slow loses lines of
//! containers, with a count, and never delays the machine.
//!
//! # The end
//! SIGTERM, SIGUSR2 or the power button power off, SIGINT (Ctrl-Alt-Del) reboots, SIGUSR1 halts. It runs the *onshutdown*
//! containers (each at most 30 s), sends each service its signal, kills it when its time is over, unmounts.
//! When all services have ended the machine keeps running, unless the command line says otherwise.
//!
//! # The kernel's command line
//! - `kit.on-failure=poweroff|reboot|halt`: what happens after `kit-init: boot failed: …`; `poweroff` by default. `rescue`:
//!   before that, a shell on the console, of the root or of the first container that has one.
//! - `kit.root=`, `kit.roothash=`, `kit.on-corruption=`: see above.
//! - `kit.exit=services`: power off when all services have ended and none is to start again.
//!
//! # Kernel
//! Linux 5.12 or later with devtmpfs, tmpfs, control groups, seccomp filters and all namespaces; overlayfs for writable
//! roots and volumes; Landlock, `AppArmor` and BPF for control groups where a container asks for what they do; `button` and `evdev` for the power button;
//! GPT, the device mapper and dm-verity where the root asks for them; efivarfs and vfat where boots are counted.
//!
//! # Building
//! It is a member of kit's workspace and builds standing alone too, with Rust 1.85 and two crates, itself and libc.
//! A static program of about 1.4 MB comes from `cargo build --release --locked` with `RUSTFLAGS=-C
//! target-feature=+crt-static` and `CARGO_PROFILE_RELEASE_` set to `OPT_LEVEL=z LTO=true CODEGEN_UNITS=1 PANIC=abort
//! STRIP=symbols` each (profiles in a workspace member's manifest would have no effect there but a warning).
//!
//! `kit-init run BUNDLE` runs one container from a bundle's folder with the same code, for tests and for a look.

mod assessment;
mod boot;
mod bundle;
mod cgroup;
mod client;
mod cmdline;
mod config;
mod console;
mod container;
mod control;
mod error;
mod files;
mod input;
mod json;
mod logs;
mod modules;
mod mounts;
mod power;
mod probes;
mod rescue;
mod ring;
mod running;
mod services;
mod single;
mod stage;
mod supervisor;
mod sys;
mod volumes;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let name = args.first().and_then(|name| name.rsplit('/').next()).unwrap_or_default();
    match (name, args.get(1..).unwrap_or_default()) {
        ("kit-ctl", words) => client::run(words).into(),
        ("kit-log", words) => client::run(&[&["logs"], words].concat()).into(),
        // Not before: a container may run those as its first process.
        _ if std::process::id() == 1 => boot::run(),
        (_, ["run", bundle]) => single::run(bundle).into(),
        (_, ["ctl", words @ ..]) => client::run(words).into(),
        _ => {
            console::shout("usage: kit-init run BUNDLE, kit-init ctl … (as process 1 it boots the machine)");
            2.into()
        }
    }
}
