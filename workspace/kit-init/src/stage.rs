//! The first stage of a boot whose root isn't the initramfs: finds the root, checks it, goes on there.
//!
//! The initramfs has this program and the modules that reaching the root takes. Nothing of the root is copied: it is mounted,
//! read-only but for ext4, the initramfs gives its memory back, and `/init` of the root is the same process from then on.

mod disks;
mod gpt;
mod guid;
mod read;
mod superblock;
mod verity;
mod words;

use std::convert::Infallible;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use crate::console::Console;
use crate::error::{During, Failure};
use crate::files;
use crate::modules;
use crate::mounts;
use crate::sys::{self, mount, process};
pub(crate) use guid::Guid;
use words::{Kind, Wanted};

/// How long disks may take to appear.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks for them.
const INTERVAL: Duration = Duration::from_millis(50);
/// Where the root is mounted until it is `/`.
const TARGET: &str = "/sysroot";

/// Returns the kernel's command line if this is the first stage: process 1 in an initramfs, and the line names a root.
pub(crate) fn wanted() -> Option<String> {
    // In a container, which has /proc from the start, the line is that of the host.
    if !mount::root_is_in_memory() || files::is_mounted("/proc") {
        return None;
    }
    mounts::mount_early("/proc").ok()?;
    let line = files::read_text("/proc/cmdline").ok().filter(|line| {
        line.split_ascii_whitespace()
            .any(|word| word.starts_with("kit.root=") || word.starts_with("kit.roothash="))
    });
    if line.is_none() {
        let _ = mount::unmount(c"/proc", libc::MNT_DETACH); // the boot mounts it its own way
    }
    line
}

/// Goes on in the root that the command line names. Returns only on failure.
pub(crate) fn go_on(console: &mut Console, line: &str) -> Result<Infallible, Failure> {
    mounts::mount_early("/sys")?;
    let wanted = words::parse(line)?
        .ok_or_else(|| Failure::new("find", "the root", "the kernel's command line does not name it"))?;
    modules::load_all(console);
    let found = find(&wanted)?;
    let device = if let (Some(tree), Some(hash)) = (&found.tree, &wanted.hash) {
        let device = verity::open(&found.data, tree, hash, wanted.on_corruption)?;
        check_kind(&device, &found.data, wanted.kind)?;
        let Wanted { kind, .. } = wanted;
        console.say(format_args!("the root is {kind} on /dev/{}, checked by /dev/{tree}", found.data));
        device
    } else {
        console.say(format_args!("the root is {} on /dev/{}", wanted.kind, found.data));
        found.data
    };
    mount_root(&device, wanted.kind)?;
    read_init()?;
    switch(console)?;
    execute()
}

/// The device of the partition with this id, if a disk has it.
pub(crate) fn device_of(id: Guid) -> Result<Option<String>, Failure> {
    Ok(disks::look()?.iter().find_map(|disk| disk.device_with_id(id)))
}

/// Waits until the root is there.
fn find(wanted: &Wanted) -> Result<disks::Found, Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let seen = disks::look()?;
        if let Some(found) = disks::choose(&seen, wanted)? {
            let mut devices = std::iter::once(&found.data).chain(&found.tree);
            // The kernel makes them when it has read the table too.
            if devices.all(|device| files::is_other(&format!("/dev/{device}"))) {
                return Ok(found);
            }
        }
        if Instant::now() >= deadline {
            let hash = if wanted.hash.is_some() { " with kit.roothash" } else { "" };
            let why = format!("not in {} s; {}", PATIENCE.as_secs(), disks::describe(&seen));
            return Err(Failure::new("find", format!("the root {wanted}{hash}"), why));
        }
        let _ = sys::io::poll(&[], Some(INTERVAL));
    }
}

/// Makes sure that a checked device holds what is wanted; its first blocks are read for that, against the root hash.
fn check_kind(device: &str, data: &str, kind: Kind) -> Result<(), Failure> {
    let size = files::read_text(&format!("/sys/class/block/{device}/size"))?;
    let size =
        size.trim().parse::<u64>().map_err(|_| Failure::new("use", device, "its size is no number"))?;
    let systems = read::open(device)
        .and_then(|source| superblock::find(&source, 0, size.saturating_mul(512)))
        .map_err(|errno| {
            Failure::new("trust", format!("/dev/{data}"), format!("it isn't what kit.roothash says: {errno}"))
        })?;
    if systems.iter().any(|system| system.kind == kind) {
        return Ok(());
    }
    Err(Failure::new("use", format!("/dev/{data}"), format!("it holds no {kind}")))
}

fn mount_root(device: &str, kind: Kind) -> Result<(), Failure> {
    files::make_directory(TARGET).during("make", TARGET)?;
    let name = format!("/dev/{device}");
    let flags = if kind == Kind::Ext4 { 0 } else { libc::MS_RDONLY };
    let mounted = sys::c_string(name.as_str()).and_then(|device| {
        let (target, kind) = (sys::c_string(TARGET)?, sys::c_string(kind.word())?);
        mount::mount(&device, &target, &kind, flags, c"")
    });
    match mounted {
        Err(sys::Errno(libc::ENODEV)) => Err(Failure::new(
            "mount",
            name,
            format!("the kernel has no {kind}, built in or as a module here"),
        )),
        mounted => mounted.during("mount", name),
    }
}

/// Reads the root's `/init` to its end: one that can't be read would be the end of the machine without a word.
fn read_init() -> Result<(), Failure> {
    let root =
        sys::io::open(&sys::c_string(TARGET).during("open", TARGET)?, libc::O_RDONLY | libc::O_DIRECTORY)
            .during("open", "the root")?;
    let init =
        mount::open_in_root(root.as_fd(), c"/init", libc::O_RDONLY).during("open", "/init of the root")?;
    let mut buffer = vec![0; 64 << 10];
    while sys::io::read(init.as_fd(), &mut buffer).during("read", "/init of the root")? > 0 {}
    Ok(())
}

/// Makes the root `/`, and frees the initramfs.
fn switch(console: &mut Console) -> Result<(), Failure> {
    console.drain(Duration::from_secs(2));
    // There it is told what becomes of a boot that fails from now on.
    let processes = format!("{TARGET}/proc");
    sys::c_string(processes.as_str())
        .and_then(|target| mount::mount(c"/proc", &target, c"", libc::MS_MOVE, c""))
        .during("move /proc to", processes)?;
    for target in [c"/sys", c"/dev"] {
        // Detached: the console is open. The root mounts its own.
        mount::unmount(target, libc::MNT_DETACH).during("unmount", target.to_string_lossy())?;
    }
    files::empty_root();
    let target = sys::c_string(TARGET).during("change to", TARGET)?;
    mount::change_directory_to(&target).during("change to", TARGET)?;
    mount::mount(c".", c"/", c"", libc::MS_MOVE, c"").during("move", TARGET)?;
    mount::change_root(c".").during("change to", "the root")?;
    mount::change_directory_to(c"/").during("change to", "the root")
}

/// Becomes `/init` of the root, with what the kernel gave this one.
fn execute() -> Result<Infallible, Failure> {
    let strings = |strings: Vec<std::ffi::OsString>| {
        use std::os::unix::ffi::OsStringExt as _;
        strings.into_iter().map(|text| sys::c_string(text.into_vec())).collect::<sys::Result<Vec<_>>>()
    };
    let pair = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        let mut text = name;
        text.push("=");
        text.push(value);
        text
    };
    let args = strings(std::env::args_os().collect()).during("execute", "/init of the root")?;
    let env = strings(std::env::vars_os().map(pair).collect()).during("execute", "/init of the root")?;
    let Err(errno) = process::execute(c"/init", &args, &env);
    Err(errno).during("execute", "/init of the root")
}
