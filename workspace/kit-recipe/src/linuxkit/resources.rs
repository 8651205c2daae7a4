//! `resources`: limits of control groups, version 1, as OCI's runtime specification has them.

use std::ops::Range;

use super::decode::{Faults, Field, Mapping};
use crate::Spanned;

/// The limits, by the key that they stand at.
#[derive(Debug, Default)]
pub(super) struct Resources {
    pub(super) devices: Vec<DeviceRule>,
    pub(super) limit: Field<i64>,
    pub(super) reservation: Field<i64>,
    pub(super) swap: Field<i64>,
    pub(super) shares: Field<i64>,
    pub(super) quota: Field<i64>,
    pub(super) period: Field<i64>,
    pub(super) cpus: Field<String>,
    pub(super) mems: Field<String>,
    pub(super) pids: Field<i64>,
    pub(super) weight: Field<i64>,
    pub(super) weight_devices: Vec<WeightDevice>,
    /// By the word of version 2.
    pub(super) throttles: Vec<Throttle>,
    pub(super) hugepages: Vec<HugepageLimit>,
    /// Keys that version 2 has nothing for, as they are written, with why.
    pub(super) without_counterpart: Vec<(Range<usize>, &'static str, &'static str)>,
}

/// A rule of the device controller.
#[derive(Debug)]
pub(super) struct DeviceRule {
    pub(super) span: Range<usize>,
    pub(super) allow: bool,
    pub(super) kind: Option<&'static str>,
    pub(super) major: Option<i64>,
    pub(super) minor: Option<i64>,
    pub(super) access: Option<String>,
}

/// The share of one device.
#[derive(Debug)]
pub(super) struct WeightDevice {
    pub(super) major: i64,
    pub(super) minor: i64,
    pub(super) weight: i64,
}

/// A limit of one device.
#[derive(Debug)]
pub(super) struct Throttle {
    /// `rbps`, `wbps`, `riops`, `wiops`.
    pub(super) what: &'static str,
    pub(super) major: i64,
    pub(super) minor: i64,
    pub(super) rate: i64,
}

/// A limit of huge pages of one size, both in bytes.
#[derive(Debug)]
pub(super) struct HugepageLimit {
    pub(super) size: i64,
    pub(super) limit: i64,
}

const MOST: i64 = i64::MAX;
const IN_KERNEL: &str = "version 2 counts the kernel's memory with the rest";
const REAL_TIME: &str = "version 2 has no real-time scheduling in groups";
const LEAF: &str = "version 2 has no leaves beside groups";

/// Reads `resources`.
pub(super) fn read(mapping: &mut Mapping<'_>, faults: &mut Faults) -> Field<Resources> {
    let Spanned { value: mut item, span } = mapping.mapping("resources", faults)?;
    let mut resources = Resources::default();
    devices(&mut item, &mut resources, faults);
    memory(&mut item, &mut resources, faults);
    cpu(&mut item, &mut resources, faults);
    if let Some(pids) = item.mapping("pids", faults) {
        let mut pids = pids.value;
        resources.pids = pids.integer("limit", -1, MOST, faults);
        pids.finish(faults);
    }
    blockio(&mut item, &mut resources, faults);
    for mut huge in item.mappings("hugepageLimits", faults).into_iter().flat_map(|list| list.value) {
        let size = huge.integer("pageSize", 1, MOST, faults);
        let limit = huge.integer("limit", 0, MOST, faults);
        huge.finish(faults);
        if let (Some(size), Some(limit)) = (size, limit) {
            resources.hugepages.push(HugepageLimit { size: size.value, limit: limit.value });
        }
    }
    network(&mut item, &mut resources, faults);
    item.finish(faults);
    Some(Spanned::new(resources, span))
}

fn devices(item: &mut Mapping<'_>, resources: &mut Resources, faults: &mut Faults) {
    for mut rule in item.mappings("devices", faults).into_iter().flat_map(|list| list.value) {
        let span = rule.span.clone();
        let allow = rule.boolean("allow", faults).is_some_and(|allow| allow.value);
        let kind = rule.take("type").and_then(|value| value.word(&["a", "b", "c"], faults));
        let major = rule.integer("major", -1, 4095, faults).map(|field| field.value);
        let minor = rule.integer("minor", -1, 1_048_575, faults).map(|field| field.value);
        let access = rule.line("access", faults).map(|field| field.value);
        rule.finish(faults);
        resources.devices.push(DeviceRule { span, allow, kind, major, minor, access });
    }
}

fn memory(item: &mut Mapping<'_>, resources: &mut Resources, faults: &mut Faults) {
    let Some(Spanned { value: mut memory, .. }) = item.mapping("memory", faults) else { return };
    resources.limit = memory.integer("limit", -1, MOST, faults);
    resources.reservation = memory.integer("reservation", -1, MOST, faults);
    resources.swap = memory.integer("swap", -1, MOST, faults);
    for (key, why) in [("kernel", IN_KERNEL), ("kernelTCP", IN_KERNEL)] {
        let field = memory.integer(key, -1, MOST, faults);
        resources.without_counterpart.extend(field.map(|field| (field.span, key, why)));
    }
    let swappiness = memory.integer("swappiness", 0, 100, faults);
    let why = "version 2 has one swappiness for the machine";
    resources.without_counterpart.extend(swappiness.map(|field| (field.span, "swappiness", why)));
    let killer = memory.boolean("disableOOMKiller", faults).filter(|disable| disable.value);
    let why = "version 2 can't keep the kernel from killing";
    resources.without_counterpart.extend(killer.map(|field| (field.span, "disableOOMKiller", why)));
    memory.finish(faults);
}

fn cpu(item: &mut Mapping<'_>, resources: &mut Resources, faults: &mut Faults) {
    let Some(Spanned { value: mut cpu, .. }) = item.mapping("cpu", faults) else { return };
    resources.shares = cpu.integer("shares", 0, MOST, faults);
    resources.quota = cpu.integer("quota", -1, MOST, faults);
    resources.period = cpu.integer("period", 0, MOST, faults);
    resources.cpus = cpu.line("cpus", faults).filter(|cpus| !cpus.is_empty());
    resources.mems = cpu.line("mems", faults).filter(|mems| !mems.is_empty());
    for key in ["realtimeRuntime", "realtimePeriod"] {
        let field = cpu.integer(key, -1, MOST, faults);
        resources.without_counterpart.extend(field.map(|field| (field.span, key, REAL_TIME)));
    }
    cpu.finish(faults);
}

fn blockio(item: &mut Mapping<'_>, resources: &mut Resources, faults: &mut Faults) {
    let Some(Spanned { value: mut blockio, .. }) = item.mapping("blockio", faults) else { return };
    resources.weight = blockio.integer("weight", 0, 1000, faults);
    let leaf = blockio.integer("leafWeight", 0, 1000, faults);
    resources.without_counterpart.extend(leaf.map(|field| (field.span, "leafWeight", LEAF)));
    for mut device in blockio.mappings("weightDevice", faults).into_iter().flat_map(|list| list.value) {
        let (major, minor) = numbers(&mut device, faults);
        let weight = device.integer("weight", 0, 1000, faults);
        let leaf = device.integer("leafWeight", 0, 1000, faults);
        resources.without_counterpart.extend(leaf.map(|field| (field.span, "leafWeight", LEAF)));
        device.finish(faults);
        resources.weight_devices.extend(weight.map(|weight| WeightDevice {
            major,
            minor,
            weight: weight.value,
        }));
    }
    for (key, what) in [
        ("throttleReadBpsDevice", "rbps"),
        ("throttleWriteBpsDevice", "wbps"),
        ("throttleReadIOPSDevice", "riops"),
        ("throttleWriteIOPSDevice", "wiops"),
    ] {
        for mut device in blockio.mappings(key, faults).into_iter().flat_map(|list| list.value) {
            let (major, minor) = numbers(&mut device, faults);
            let rate = device.integer("rate", 0, MOST, faults);
            device.finish(faults);
            resources.throttles.extend(rate.map(|rate| Throttle { what, major, minor, rate: rate.value }));
        }
    }
    blockio.finish(faults);
}

fn numbers(device: &mut Mapping<'_>, faults: &mut Faults) -> (i64, i64) {
    let major = device.integer("major", 0, 4095, faults).map_or(0, |field| field.value);
    let minor = device.integer("minor", 0, 1_048_575, faults).map_or(0, |field| field.value);
    (major, minor)
}

fn network(item: &mut Mapping<'_>, resources: &mut Resources, faults: &mut Faults) {
    let Some(Spanned { value: mut network, .. }) = item.mapping("network", faults) else { return };
    let why = "version 2 has no classes of packets; mark them by nftables";
    let class = network.integer("classID", 0, i64::from(u32::MAX), faults);
    resources.without_counterpart.extend(class.map(|field| (field.span, "classID", why)));
    let why = "version 2 has no priorities of packets; set them by tc or nftables";
    if let Some(list) = network.mappings("priorities", faults) {
        for mut priority in list.value {
            priority.line("name", faults);
            priority.integer("priority", 0, i64::from(u32::MAX), faults);
            priority.finish(faults);
        }
        resources.without_counterpart.push((list.span, "priorities", why));
    }
    network.finish(faults);
}
