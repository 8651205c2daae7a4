//! What runs, as whom, with which capabilities and limits.

use std::collections::BTreeMap;

use toml::de::DeValue;

use crate::Spanned;
use crate::container::{CAPABILITIES, Capability, Container, Id, RESOURCES, Rlimit};
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::parse::{Faults, check, closest};
use crate::problem::{Fault, Shape};

pub(super) fn read(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    container.command = section.value("command").and_then(|value| command(&value, faults));
    container.env = section.section("env", faults).map(|section| environment(&section, faults));
    container.cwd = section.value("cwd").and_then(|value| check::absolute(&value, faults));
    container.uid = section.value("uid").and_then(|value| id(&value, faults));
    container.gid = section.value("gid").and_then(|value| id(&value, faults));
    container.groups = section.value("groups").and_then(|value| value.list(Items::Any, faults, id));
    container.capabilities = section.value("capabilities").and_then(|value| capabilities(&value, faults));
    section.contradiction("add-capabilities", "capabilities", "the list beside it is whole", faults);
    container.add_capabilities =
        section.value("add-capabilities").and_then(|value| capabilities(&value, faults));
    container.ambient = section.value("ambient").and_then(|value| capabilities(&value, faults));
    if let (Some(all), Some(ambient)) = (&container.capabilities, &container.ambient) {
        for capability in ambient.iter().filter(|one| all.iter().all(|known| known.value != one.value)) {
            let why = "isn't one of its `capabilities`";
            let fault = Fault::malformed(
                "ambient",
                capability.as_str(),
                why,
                "it in `capabilities` too, or leave it out",
            );
            faults.add(capability.span.clone(), fault);
        }
    }
    container.no_new_privileges = section.value("no-new-privileges").and_then(|value| value.boolean(faults));
    container.oom_score_adj = section.value("oom-score-adj").and_then(|value| oom_score(&value, faults));
    container.rlimits = section.section("rlimits", faults).map(|section| rlimits(&section, faults));
}

/// Reads a program and its arguments.
pub(super) fn command(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<String>> {
    value.list(Items::Some, faults, |item, faults| {
        let text = item.any_text(faults)?;
        item.without(&['\0'], "a NUL character", text, faults).map(ToOwned::to_owned)
    })
}

fn id(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Id>> {
    match value.node {
        DeValue::String(_) => check::name(value, faults).map(|name| name.map(Id::Container)),
        _ => value.owner(faults).map(|number| value.spanned(Id::Number(number))),
    }
}

/// Reads `KEY = "value"` pairs of an environment.
pub(crate) fn environment(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, String> {
    let mut environment = BTreeMap::new();
    for value in section.entries() {
        if value.key.is_empty() || value.key.contains(['=', '\0']) {
            let why = "must have at least one character, none of them `=` or NUL";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
        } else if let Some(text) = value.any_text(faults)
            && let Some(text) = value.without(&['\0'], "a NUL character", text, faults)
        {
            environment.insert(value.key.to_owned(), text.to_owned());
        }
    }
    environment
}

/// Reads a list of capabilities; `all` stands for every one.
fn capabilities(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<Capability>>> {
    let mut all = None;
    let mut list = value.list(Items::Any, faults, |item, faults| {
        if matches!(item.node, DeValue::String(text) if text == "all") {
            all = Some(item.span.clone());
            return None;
        }
        capability(item, faults)
    })?;
    if let Some(span) = all {
        list = CAPABILITIES
            .iter()
            .filter_map(|name| Some(Spanned::new(Capability::new(name)?, span.clone())))
            .collect();
        return Some(list);
    }
    check::no_item_twice(value.key, &list, |one| one.as_str().to_owned(), faults);
    Some(list)
}

fn capability(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Capability>> {
    let name = value.any_text(faults)?;
    if let Some(capability) = Capability::new(name) {
        return Some(value.spanned(capability));
    }
    let upper = name.to_ascii_uppercase();
    let full = if upper.starts_with("CAP_") { upper } else { format!("CAP_{upper}") };
    let suggestion = closest(&full, CAPABILITIES);
    value.fault(Fault::UnknownCapability { name: name.to_owned(), suggestion }, faults)
}

fn oom_score(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<i32> {
    let DeValue::Integer(integer) = value.node else { return value.wrong_type(Shape::Integer, faults) };
    let number = i32::from_str_radix(integer.as_str(), integer.radix()).ok();
    if let Some(number) = number.filter(|number| (-1000..=1000).contains(number)) {
        return Some(number);
    }
    let written = faults.written(&value.span).to_owned();
    value.fault(Fault::malformed(value.key, &written, "must be from -1000 to 1000", "such a number"), faults)
}

fn rlimits(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<String, Rlimit> {
    let mut limits = BTreeMap::new();
    for value in section.entries() {
        if !RESOURCES.contains(&value.key) {
            let why = "must be a limit of setrlimit(2) in lower case, such as `nofile`";
            faults.add(value.key_span.clone(), section.invalid_key(&value, why));
        } else if let Some(limit) = rlimit(&value, faults) {
            limits.insert(value.key.to_owned(), limit);
        }
    }
    limits
}

fn rlimit(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Rlimit> {
    if let DeValue::Integer(_) = value.node {
        let both = value.number(0, i64::MAX.unsigned_abs(), faults)?;
        return Some(Rlimit { soft: both, hard: both });
    }
    let text = value.text(faults)?;
    let number = |text: &str| match text {
        "unlimited" => Some(u64::MAX),
        _ => text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())),
    };
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    let why = match (number(soft), number(hard)) {
        (Some(soft), Some(hard)) if soft <= hard => return Some(Rlimit { soft, hard }),
        (Some(_), Some(_)) => "has a first number that is larger than the second",
        _ => "must be numbers, or `unlimited`",
    };
    value.fault(Fault::malformed(value.key, text, why, "a limit such as `\"1024:4096\"`"), faults)
}
