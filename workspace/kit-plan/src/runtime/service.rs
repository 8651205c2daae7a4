//! `runtime.json` of a container: what OCI's configuration has no field for. kit-init reads it; times are in milliseconds,
//! sizes in bytes, and a key that isn't there has kit-init's default.

use kit_recipe::Container;
use kit_recipe::container::{Failure, Health, Interface, Landlock, Probe, Ready, Restart, Runtime};
use serde_json::{Map, Value, json};

use super::any_mount;

/// Writes the document, keys sorted, with a line end; nothing where there is nothing to say.
pub fn text(container: &Container) -> Option<String> {
    let mut document = Map::new();
    supervision(container, &mut document);
    if let Some(rules) = &container.landlock {
        let Landlock { read, write, execute } = rules;
        document.insert("landlock".to_owned(), json!({ "read": read, "write": write, "execute": execute }));
    }
    if let Some(runtime) = &container.runtime {
        surroundings(runtime, &mut document);
    }
    (!document.is_empty()).then(|| format!("{}\n", Value::Object(document)))
}

fn supervision(container: &Container, to: &mut Map<String, Value>) {
    let mut set = |key: &str, value: Option<Value>| to.extend(value.map(|value| (key.to_owned(), value)));
    let names = |list: &Option<Vec<kit_recipe::Spanned<kit_recipe::Name>>>| {
        let names: Vec<_> = list.iter().flatten().map(|name| name.to_string()).collect();
        (!names.is_empty()).then(|| json!(names))
    };
    set("restart", restart(container));
    let words = |failure: Failure| match failure {
        Failure::Continue => json!("continue"),
        Failure::Stop => json!("stop"),
    };
    set("onFailure", container.on_failure.map(words));
    set("after", names(&container.after));
    set("requires", names(&container.requires));
    set("ready", container.ready.as_ref().map(ready));
    set("health", container.health.as_ref().map(health));
    let mut stop = Map::new();
    stop.extend(container.stop_signal.as_ref().map(|name| ("signal".to_owned(), json!(name))));
    stop.extend(container.stop_timeout.map(|time| ("timeout".to_owned(), json!(time))));
    set("stop", (!stop.is_empty()).then_some(Value::Object(stop)));
    set("logLimit", container.log_limit.map(|bytes| json!(bytes)));
    set("every", container.every.map(|time| json!(time)));
}

fn restart(container: &Container) -> Option<Value> {
    let policy = match container.restart? {
        Restart::Never => return None,
        Restart::OnFailure => "on-failure",
        Restart::Always => "always",
    };
    let mut restart = json!({ "policy": policy });
    for (key, value) in [("wait", container.restart_wait), ("limit", container.restart_limit)] {
        if let Some(value) = value {
            restart[key] = json!(value);
        }
    }
    Some(restart)
}

fn probe(probe: &Probe) -> Value {
    match probe {
        Probe::Exit => json!({ "exit": true }),
        Probe::Command(command) => json!({ "command": command }),
        Probe::Path(path) => json!({ "path": path }),
        Probe::Port(port) => json!({ "port": port }),
        Probe::Line(line) => json!({ "line": line }),
    }
}

fn with(mut value: Value, times: &[(&str, Option<u64>)]) -> Value {
    for (key, time) in times {
        if let Some(time) = time {
            value[*key] = json!(time);
        }
    }
    value
}

fn ready(ready: &Ready) -> Value {
    with(probe(&ready.probe), &[("interval", ready.interval), ("timeout", ready.timeout)])
}

fn health(health: &Health) -> Value {
    let Health { probe: what, interval, timeout, retries, start_period } = health;
    let times = [
        ("interval", *interval),
        ("timeout", *timeout),
        ("retries", *retries),
        ("startPeriod", *start_period),
    ];
    with(probe(what), &times)
}

fn surroundings(runtime: &Runtime, to: &mut Map<String, Value>) {
    let Runtime { cgroups, mkdir, mounts, interfaces, bind_namespaces } = runtime;
    let mut set = |key: &str, value: Value| {
        let empty =
            value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
        if !empty {
            to.insert(key.to_owned(), value);
        }
    };
    set("cgroups", json!(cgroups));
    // A relative one is in the container's root, which is made before.
    set("mkdir", mkdir.iter().filter(|path| path.starts_with('/')).map(|path| json!(path)).collect());
    set("mounts", mounts.iter().map(any_mount).collect());
    set("interfaces", interfaces.iter().map(interface).collect());
    set("bindNamespaces", json!(bind_namespaces));
}

fn interface(interface: &Interface) -> Value {
    let Interface { name, add, peer, create_in_root } = interface;
    let mut value = json!({ "name": name });
    for (key, text) in [("add", add), ("peer", peer)] {
        if let Some(text) = text {
            value[key] = json!(text);
        }
    }
    if *create_in_root {
        value["createInRoot"] = json!(true);
    }
    value
}
