//! `devices`: nodes, and what a container may use.

use crate::container::{Device, DeviceKind};
use crate::parse::section::Section;
use crate::parse::value::Value;
use crate::parse::{Faults, check};
use crate::problem::Fault;

/// The most that Linux has.
const MAJOR: u64 = 4095;
const MINOR: u64 = 1_048_575;

/// Reads the devices of a container.
pub(super) fn read(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Vec<Device>> {
    section.peek("devices")?;
    let devices = section.sections("devices", faults);
    Some(devices.into_iter().filter_map(|section| device(section, faults)).collect())
}

fn device(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Device> {
    let place = section.required("path", "path = \"/dev/kvm\"").and_then(|value| place(&value, faults));
    let whole_class = place == Some(Place::Nowhere);
    let kinds = [
        ("c", DeviceKind::Character),
        ("b", DeviceKind::Block),
        ("p", DeviceKind::Pipe),
        ("a", DeviceKind::All),
    ];
    let known = if whole_class { &kinds[..] } else { &kinds[..3] };
    let kind = section.required("type", "type = \"c\"").and_then(|value| value.word(known, faults));
    let number = |section: &mut Section<'_>, key, example, most, faults: &mut Faults<'_>| {
        let value = match kind {
            Some(DeviceKind::Character | DeviceKind::Block) if !whole_class => section.required(key, example),
            _ => section.value(key),
        };
        value.and_then(|value| value.number(0, most, faults)).and_then(|number| u32::try_from(number).ok())
    };
    let major = number(&mut section, "major", "major = 10", MAJOR, faults);
    let minor = number(&mut section, "minor", "minor = 232", MINOR, faults);
    let mode = section.value("mode").and_then(|value| check::mode(&value, faults));
    let uid = section.value("uid").and_then(|value| value.owner(faults));
    let gid = section.value("gid").and_then(|value| value.owner(faults));
    let access = section.value("access").and_then(|value| access(&value, faults));
    section.finish(faults);
    Some(Device {
        path: match place? {
            Place::Node(path) => Some(path),
            Place::Nowhere => None,
        },
        kind: kind?,
        major,
        minor,
        mode: mode.map_or(0o600, kit_tree::Mode::bits),
        uid: uid.unwrap_or(0),
        gid: gid.unwrap_or(0),
        access: access.unwrap_or_else(|| "rwm".to_owned()),
    })
}

/// Where the node of a device is.
#[derive(PartialEq, Eq)]
enum Place {
    Node(String),
    /// `all`: a whole class is allowed.
    Nowhere,
}

fn place(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Place> {
    match value.any_text(faults)? {
        "all" => Some(Place::Nowhere),
        _ => check::absolute(value, faults).map(Place::Node),
    }
}

fn access(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.text(faults)?;
    let twice = |c: char| text.matches(c).count() > 1;
    if text.chars().any(|c| !"rwm".contains(c) || twice(c)) {
        let why = "must be of `r`, `w` and `m`, each once";
        return value
            .fault(Fault::malformed(value.key, text, why, "what it may do, such as `\"rw\"`"), faults);
    }
    Some(text.to_owned())
}
