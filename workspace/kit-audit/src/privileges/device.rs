//! How dangerous a device is.

use super::service::{AllowedDevice, Device};
use crate::finding::Severity::{self, High, Low, Medium};

/// Character devices by major and minor number, as Linux assigns them.
const CHARACTERS: [(i64, i64, Option<Severity>, &str); 22] = [
    (1, 1, Some(High), "it is the machine's memory"),
    (1, 2, Some(High), "it is the kernel's memory"),
    (1, 3, None, ""),
    (1, 4, Some(High), "it is the machine's ports"),
    (1, 5, None, ""),
    (1, 7, None, ""),
    (1, 8, None, ""),
    (1, 9, None, ""),
    (1, 11, Some(Medium), "it is the kernel's messages"),
    (5, 0, None, ""),
    (5, 1, Some(Low), "it is the console, where people type"),
    (5, 2, None, ""),
    (10, 130, Some(Low), "it restarts the machine when nobody speaks to it"),
    (10, 144, Some(Medium), "it is the firmware's memory"),
    (10, 200, Some(Low), "it makes network interfaces"),
    (10, 229, Some(Low), "it lets programs be file systems"),
    (10, 231, Some(High), "it is the memory of a sleeping machine"),
    (10, 232, Some(Low), "it runs virtual machines"),
    (10, 235, Some(Low), "it mounts by rules"),
    (10, 236, Some(High), "it makes block devices of others"),
    (10, 237, Some(Medium), "it makes block devices of files"),
    (10, 238, Some(Low), "it serves virtual machines' networks"),
];

/// Returns how bad a node is, and why; none for the harmless ones.
pub(super) fn of_node(device: &Device) -> Option<(Severity, &'static str)> {
    match device.kind.as_str() {
        "p" => None,
        "b" => Some((High, "whoever writes to a disk changes all files on it, past every right")),
        _ => of_character(device.major, device.minor),
    }
}

fn of_character(major: i64, minor: i64) -> Option<(Severity, &'static str)> {
    let known = CHARACTERS.iter().find(|known| (known.0, known.1) == (major, minor));
    match known {
        Some((_, _, severity, reason)) => severity.map(|severity| (severity, *reason)),
        // Terminals that are made for the container itself.
        None if (136..=143).contains(&major) => None,
        None => Some((Medium, "it is a device of the machine")),
    }
}

/// Returns how bad it is that a control group lets a container use devices, and why; none for the harmless ones.
pub(super) fn of_allowed(allowed: &AllowedDevice) -> Option<(Severity, &'static str)> {
    let AllowedDevice { kind, major, minor, access } = allowed;
    if access == "m" {
        return None;
    }
    match (kind.as_str(), major, minor) {
        ("a", _, _) | (_, None, _) => Some((High, "all devices of the machine are among them")),
        ("b", _, _) => Some((High, "whoever writes to a disk changes all files on it, past every right")),
        (_, Some(major), Some(minor)) => of_character(*major, *minor),
        (_, Some(1), None) => Some((High, "the machine's memory is among them")),
        (_, Some(136..=143), None) => None,
        (_, Some(_), None) => Some((Medium, "all devices of a driver are among them")),
    }
}

/// Returns what people call devices that are allowed: `c 10:232`, `b *`.
pub(super) fn name(allowed: &AllowedDevice) -> String {
    let number = |number: Option<i64>| number.map_or_else(|| "*".to_owned(), |number| number.to_string());
    let AllowedDevice { kind, major, minor, .. } = allowed;
    match (major, minor) {
        (None, None) => format!("{kind} *"),
        _ => format!("{kind} {}:{}", number(*major), number(*minor)),
    }
}
