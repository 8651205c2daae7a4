//! When a container starts, how it is watched, and what happens when it ends.

use toml::de::DeValue;

use super::amounts::{duration, memory};
use super::process;
use crate::container::{Container, Failure, Health, Probe, Ready, Restart, SIGNALS};
use crate::parse::section::Section;
use crate::parse::value::{Items, Value};
use crate::parse::{Faults, check};
use crate::{Name, Spanned};

pub(super) fn read(section: &mut Section<'_>, container: &mut Container, faults: &mut Faults<'_>) {
    let words = [("never", Restart::Never), ("on-failure", Restart::OnFailure), ("always", Restart::Always)];
    container.restart = section.value("restart").and_then(|value| value.word(&words, faults));
    container.restart_wait = section.value("restart-wait").and_then(|value| duration(&value, faults));
    container.restart_limit =
        section.value("restart-limit").and_then(|value| value.number(0, 1_000_000, faults));
    if matches!(container.restart, Some(Restart::Never)) {
        for key in ["restart-wait", "restart-limit"] {
            section.contradiction(key, "restart", "it never starts again", faults);
        }
    }
    let words = [("continue", Failure::Continue), ("stop", Failure::Stop)];
    container.on_failure = section.value("on-failure").and_then(|value| value.word(&words, faults));
    container.after = section.value("after").and_then(|value| names(&value, faults));
    container.requires = section.value("requires").and_then(|value| names(&value, faults));
    container.ready = ready(section, faults);
    container.health = section.section("health", faults).and_then(|section| health(section, faults));
    let signals: Vec<_> = SIGNALS.iter().map(|name| (*name, *name)).collect();
    container.stop_signal =
        section.value("stop-signal").and_then(|value| value.word(&signals, faults)).map(ToOwned::to_owned);
    container.stop_timeout = section.value("stop-timeout").and_then(|value| duration(&value, faults));
    container.log_limit = section.value("log-limit").and_then(|value| memory(&value, faults));
    container.every = section.value("every").and_then(|value| duration(&value, faults));
    if matches!(container.restart, Some(Restart::Always)) {
        section.contradiction("every", "restart", "it starts again at once", faults);
    }
}

fn names(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<Name>>> {
    let names = value.list(Items::Any, faults, check::name)?;
    check::no_item_twice(value.key, &names, ToString::to_string, faults);
    Some(names)
}

fn ready(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Ready> {
    let value = section.value("ready")?;
    if let DeValue::String(_) = value.node {
        value.word(&[("exit", ())], faults)?;
        return Some(Ready { probe: Probe::Exit, interval: None, timeout: None });
    }
    let mut section = section.table_of(&value, faults)?;
    let probe = probe(&mut section, true, faults);
    let interval = section.value("interval").and_then(|value| duration(&value, faults));
    let timeout = section.value("timeout").and_then(|value| duration(&value, faults));
    section.finish(faults);
    Some(Ready { probe: probe?, interval, timeout })
}

fn health(mut section: Section<'_>, faults: &mut Faults<'_>) -> Option<Health> {
    let probe = probe(&mut section, false, faults);
    let mut time = |key| section.value(key).and_then(|value| duration(&value, faults));
    let (interval, timeout, start_period) = (time("interval"), time("timeout"), time("start-period"));
    let retries = section.value("retries").and_then(|value| value.number(1, 1000, faults));
    section.finish(faults);
    Some(Health { probe: probe?, interval, timeout, retries, start_period })
}

/// Reads the one thing that is looked at.
fn probe(section: &mut Section<'_>, with_line: bool, faults: &mut Faults<'_>) -> Option<Probe> {
    let keys: &[&'static str] =
        if with_line { &["command", "path", "port", "line"] } else { &["command", "path", "port"] };
    section.knows(keys);
    let written: Vec<_> = keys.iter().copied().filter(|key| section.peek(key).is_some()).collect();
    if let [first, second, ..] = written[..] {
        section.contradiction(second, first, "one thing is looked at", faults);
        return None;
    }
    let Some(key) = written.first() else {
        section.required("command", "command = [\"/bin/check\"]");
        return None;
    };
    let value = section.value(key)?;
    match *key {
        "command" => process::command(&value, faults).map(Probe::Command),
        "path" => check::absolute(&value, faults).map(Probe::Path),
        "port" => {
            let number = value.number(1, u64::from(u16::MAX), faults)?;
            u16::try_from(number).ok().map(Probe::Port)
        }
        _ => value.line(faults).map(|line| Probe::Line(line.to_owned())),
    }
}
