//! Files as such: modes, owners, capabilities, devices, names.

pub mod capability;
mod owners;

use kit_tree::entry::DeviceKind;
use kit_tree::{Entry, Meta, TreePath};

use self::capability::{ATTRIBUTE, FileCapabilities};
use super::content::Content;
use super::{Context, HardeningError};
use crate::finding::{Area, Evidence, Finding, Kind, Severity};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Hardening, severity, title, help }
}

const SET_UID: Kind = kind(
    "file-set-uid",
    Severity::Medium,
    "a program runs as its owner, whoever starts it",
    "leave the file out, or take the bit away by a mode in the recipe",
);
const SET_GID: Kind = kind(
    "file-set-gid",
    Severity::Low,
    "a program runs as its group, whoever starts it",
    "leave the file out, or take the bit away by a mode in the recipe",
);
const CAPABILITIES: Kind = kind(
    "file-capabilities",
    Severity::Low,
    "a program has capabilities, whoever starts it",
    "give the capabilities to the service that needs them, and take them from the file",
);
const WORLD_WRITABLE: Kind = kind(
    "file-world-writable",
    Severity::Medium,
    "everybody can change a file",
    "take the bit away by a mode in the recipe",
);
const OPEN_DIRECTORY: Kind = kind(
    "directory-world-writable",
    Severity::Medium,
    "everybody can delete what others put into a directory",
    "set the sticky bit by a mode in the recipe, such as `1777`",
);
const WRITABLE_PROGRAM: Kind = kind(
    "file-writable-program",
    Severity::Medium,
    "others than root can change a program",
    "give the file to root, and the right to write to nobody else",
);
const DEVICE: Kind = kind(
    "file-device",
    Severity::Low,
    "a device node is in the tree",
    "leave it out: devices are made when the machine starts, and given to containers by their recipe",
);
const ODD_NAME: Kind = kind(
    "file-odd-name",
    Severity::Low,
    "a name has control characters",
    "leave the file out, or rename it: terminals and scripts are fooled by such names",
);

/// The kinds of findings about files as such.
pub const KINDS: &[Kind] = &[
    SET_UID,
    SET_GID,
    CAPABILITIES,
    WORLD_WRITABLE,
    OPEN_DIRECTORY,
    owners::UNKNOWN_OWNER,
    WRITABLE_PROGRAM,
    DEVICE,
    ODD_NAME,
];

/// Capabilities that are as good as being root.
const LIKE_ROOT: [&str; 11] = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_SETFCAP",
    "CAP_SETUID",
    "CAP_SYS_ADMIN",
    "CAP_SYS_CHROOT",
    "CAP_SYS_MODULE",
    "CAP_SYS_PTRACE",
    "CAP_SYS_RAWIO",
];
/// Character devices that every machine may have: null, zero, full, random, urandom, tty, console, ptmx.
const HARMLESS: [(u32, u32); 8] = [(1, 3), (1, 5), (1, 7), (1, 8), (1, 9), (5, 0), (5, 1), (5, 2)];

/// Whether others than root can put files into a directory, sticky or not.
pub(super) fn is_open_to_others(meta: &Meta) -> bool {
    writers(meta).is_some()
}

/// Says who besides root can write.
fn writers(meta: &Meta) -> Option<String> {
    let bits = meta.mode.bits();
    if bits & 0o002 != 0 {
        return Some("everybody".to_owned());
    }
    if meta.uid != 0 {
        // An owner without the right to write can give it to themselves.
        return Some(format!("the user {}", meta.uid));
    }
    (meta.gid != 0 && bits & 0o020 != 0).then(|| format!("the group {}", meta.gid))
}

/// Finds what is wrong with files as such.
pub(super) fn findings(context: &Context<'_>) -> Result<Vec<Finding>, HardeningError> {
    let mut findings = Vec::new();
    let running = owners::Running::of(context);
    for root in &context.roots {
        for (path, entry) in root.tree.entries() {
            let mut add = |finding: Finding| findings.push(finding.because(context.evidence(root, path)));
            if is_odd(path) {
                let whole = root.whole(path);
                add(about(&whole, &ODD_NAME, "has control characters in its name"));
            }
            match entry {
                Entry::File { meta, blob, .. } => {
                    let is_program = is_program(path, meta, context.content(blob));
                    of_file(&root.whole(path), meta, is_program, &mut add);
                }
                Entry::Directory(meta) if meta.mode.bits() & 0o1002 == 0o002 => {
                    let what = format!("can be written by everybody and isn't sticky (mode {})", meta.mode);
                    add(about(&root.whole(path), &OPEN_DIRECTORY, &what));
                }
                Entry::Fifo(meta) if meta.mode.bits() & 0o002 != 0 => {
                    let what = format!("can be written by everybody (mode {})", meta.mode);
                    add(about(&root.whole(path), &WORLD_WRITABLE, &what).as_bad_as(Severity::Low));
                }
                Entry::Device { kind, major, minor, .. } => {
                    add(device(&root.whole(path), *kind, (*major, *minor)));
                }
                Entry::Directory(_) | Entry::Fifo(_) | Entry::Symlink { .. } | Entry::HardLink { .. } => {}
            }
        }
        findings.extend(owners::findings(context, root, &running)?);
    }
    Ok(findings)
}

fn about(whole: &TreePath, kind: &'static Kind, what: &str) -> Finding {
    Finding::new(kind, whole.to_string(), format!("`{whole}` {what}"))
}

fn is_program(path: &TreePath, meta: &Meta, content: Option<&Content>) -> bool {
    meta.mode.is_executable() || super::elf::concerns(path) && matches!(content, Some(Content::Elf(_)))
}

fn of_file(whole: &TreePath, meta: &Meta, is_program: bool, add: &mut impl FnMut(Finding)) {
    let bits = meta.mode.bits();
    if bits & 0o4000 != 0 {
        let severity = if meta.uid == 0 { Severity::Medium } else { Severity::Low };
        let what = format!("is set-uid for the user {} (mode {})", meta.uid, meta.mode);
        add(about(whole, &SET_UID, &what).as_bad_as(severity));
    }
    // Without the right to execute, the bit of the group means something else and gives nothing.
    if bits & 0o2010 == 0o2010 {
        add(about(whole, &SET_GID, &format!("is set-gid for the group {} (mode {})", meta.gid, meta.mode)));
    }
    if let Some(value) = meta.xattrs.get(ATTRIBUTE) {
        add(with_capabilities(whole, value));
    }
    match writers(meta) {
        Some(who) if is_program => {
            let what = format!("is a program that {who} can change (mode {})", meta.mode);
            let severity = if bits & 0o002 != 0 { Severity::High } else { Severity::Medium };
            add(about(whole, &WRITABLE_PROGRAM, &what).as_bad_as(severity));
        }
        _ if bits & 0o002 != 0 => {
            add(about(whole, &WORLD_WRITABLE, &format!("can be written by everybody (mode {})", meta.mode)));
        }
        _ => {}
    }
}

fn with_capabilities(whole: &TreePath, value: &[u8]) -> Finding {
    match FileCapabilities::read(value) {
        Ok(capabilities) => {
            let names = capabilities.names();
            let is_like_root = names.iter().any(|name| LIKE_ROOT.contains(&name.as_str()));
            let severity = if is_like_root { Severity::Medium } else { Severity::Low };
            about(whole, &CAPABILITIES, &format!("has capabilities: {capabilities}")).as_bad_as(severity)
        }
        Err(why) => about(whole, &CAPABILITIES, "has capabilities that can't be read")
            .because(Evidence::Fact(why.to_string())),
    }
}

fn device(whole: &TreePath, kind: DeviceKind, numbers: (u32, u32)) -> Finding {
    let (word, severity) = match kind {
        DeviceKind::Char if HARMLESS.contains(&numbers) => ("character", Severity::Note),
        // The machine's memory and ports.
        DeviceKind::Char if numbers.0 == 1 => ("character", Severity::High),
        DeviceKind::Char => ("character", Severity::Low),
        DeviceKind::Block => ("block", Severity::Medium),
    };
    let (major, minor) = numbers;
    about(whole, &DEVICE, &format!("is a {word} device ({major}:{minor})")).as_bad_as(severity)
}

/// Whether the last name of a path has control characters, those of Unicode included.
fn is_odd(path: &TreePath) -> bool {
    let start = path.as_bytes().iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    String::from_utf8_lossy(&path.as_bytes()[start..]).chars().any(char::is_control)
}

#[cfg(test)]
mod tests;
