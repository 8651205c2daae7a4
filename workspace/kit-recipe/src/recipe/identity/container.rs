//! The identity of a container's keys.
//!
//! | of | fields |
//! |---|---|
//! | container | each optional: command, env, cwd, uid, gid, groups, capabilities, net, pid, ipc, uts, hostname, binds, tmpfs, readonly, sysctl, seccomp, restart, memory, processes; then, if one of the other keys is written, an empty text and a list of those that are: name as in a recipe, value |
//! | user or group | its number, or 2^32 and the name of a container |
//! | namespace | variant 1 new, 2 host, 3 path: the path |
//! | bind | source, destination, options |
//! | tmpfs | destination, options |
//! | mount | destination, type, source, options |
//! | flag | 0 or 1 |
//! | seccomp | variant 1 default, 2 unconfined, 3 own: variant 1 default 2 none (base), allow, deny |
//! | restart | variant 1 never, 2 on failure, 3 always |
//! | failure | variant 1 continue, 2 stop |
//! | probe | variant 1 exit, 2 command, 3 path, 4 port, 5 line, each with its value |
//! | ready | probe, interval?, timeout? |
//! | health | probe, interval?, timeout?, retries?, start period? |
//! | device | path?, letter of its kind, major?, minor?, mode, uid, gid, access |
//! | landlock | read, write, execute |
//! | runtime | cgroups, mkdir, mounts, interfaces (name, add?, peer?, flag created in root), bound namespaces |

use kit_hash::Encoder;

use super::{map, names, text, texts};
use crate::container::{
    Bind, Device, Failure, Health, Id, IdMap, Interface, Landlock, Mount, Namespace, Probe, Ready, Restart,
    Runtime, Seccomp, SeccompBase, SeccompRules,
};
use crate::{Container, Spanned};

/// Encodes the keys of a container.
pub(super) fn container(to: &mut Encoder, container: &Container) {
    process(to, container);
    isolation(to, container);
    let Container { restart, memory, processes, .. } = container;
    to.option(*restart, |to, restart| {
        to.variant(match restart {
            Restart::Never => 1,
            Restart::OnFailure => 2,
            Restart::Always => 3,
        });
    });
    to.option(*memory, |to, bytes| _ = to.u64(bytes));
    to.option(*processes, |to, count| _ = to.u64(count));
    let mut later = Later::default();
    later_isolation(&mut later, container);
    later_service(&mut later, container);
    // No service is called like that: what follows a container is the name of the next one.
    if !later.0.is_empty() {
        to.str("").list(&later.0, |to, (key, write)| {
            to.str(key);
            write(to);
        });
    }
}

fn process(to: &mut Encoder, container: &Container) {
    let Container { command, env, cwd, uid, gid, groups, capabilities, .. } = container;
    to.option(command.as_ref(), |to, command| texts(to, command));
    to.option(env.as_ref(), map);
    text(to, cwd.as_ref());
    to.option(uid.as_ref(), |to, uid| id(to, uid));
    to.option(gid.as_ref(), |to, gid| id(to, gid));
    to.option(groups.as_ref(), |to, groups| _ = to.list(groups, |to, gid| id(to, gid)));
    to.option(capabilities.as_ref(), |to, list| _ = to.list(list, |to, one| _ = to.str(one.as_str())));
}

fn id(to: &mut Encoder, value: &Id) {
    match value {
        Id::Number(number) => to.u64((*number).into()),
        Id::Container(name) => to.u64(1 << 32).str(name.as_str()),
    };
}

fn isolation(to: &mut Encoder, container: &Container) {
    let Container { net, pid, ipc, uts, hostname, binds, tmpfs, readonly, sysctl, seccomp, .. } = container;
    for value in [net, pid, ipc, uts] {
        to.option(value.as_ref(), namespace);
    }
    text(to, hostname.as_ref());
    to.option(binds.as_deref(), self::binds);
    to.option(tmpfs.as_ref(), |to, mounts| {
        to.list(mounts, |to, mount| {
            to.str(&mount.destination);
            texts(to, &mount.options);
        });
    });
    to.option(*readonly, |to, readonly| _ = to.u64(readonly.into()));
    to.option(sysctl.as_ref(), map);
    to.option(seccomp.as_ref(), |to, seccomp| match seccomp {
        Seccomp::Default => _ = to.variant(1),
        Seccomp::Unconfined => _ = to.variant(2),
        Seccomp::Own(SeccompRules { base, allow, deny }) => {
            to.variant(3).variant(match base {
                SeccompBase::Default => 1,
                SeccompBase::None => 2,
            });
            texts(to, allow);
            texts(to, deny);
        }
    });
}

fn binds(to: &mut Encoder, binds: &[Spanned<Bind>]) {
    to.list(binds, |to, bind| {
        to.str(bind.source.as_str()).str(&bind.destination);
        texts(to, &bind.options);
    });
}

fn namespace(to: &mut Encoder, namespace: &Namespace) {
    match namespace {
        Namespace::New => to.variant(1),
        Namespace::Host => to.variant(2),
        Namespace::Path(path) => to.variant(3).str(path),
    };
}

/// Writes one value.
type Write<'a> = Box<dyn Fn(&mut Encoder) + 'a>;

/// Keys that came later: those that are written, by name.
#[derive(Default)]
struct Later<'a>(Vec<(&'static str, Write<'a>)>);

impl<'a> Later<'a> {
    fn add<T>(&mut self, key: &'static str, value: Option<&'a T>, write: fn(&mut Encoder, &T)) {
        if let Some(value) = value {
            self.0.push((key, Box::new(move |to| write(to, value))));
        }
    }

    fn number(&mut self, key: &'static str, value: Option<u64>) {
        if let Some(number) = value {
            self.0.push((key, Box::new(move |to| _ = to.u64(number))));
        }
    }

    fn flag(&mut self, key: &'static str, value: Option<bool>) {
        self.number(key, value.map(u64::from));
    }
}

fn later_isolation<'a>(later: &mut Later<'a>, container: &'a Container) {
    later.add("add-capabilities", container.add_capabilities.as_ref(), |to, list| {
        to.list(list, |to, one| _ = to.str(one.as_str()));
    });
    later.add("add-binds", container.add_binds.as_ref(), |to, list| binds(to, list));
    later.add("ambient", container.ambient.as_ref(), |to, list| {
        _ = to.list(list, |to, one| _ = to.str(one.as_str()));
    });
    later.flag("no-new-privileges", container.no_new_privileges);
    // From 0 to 2000: the encoding has no negative numbers.
    later.add("oom-score-adj", container.oom_score_adj.as_ref(), |to, score| {
        to.u64(u64::from(score.saturating_add(1000).unsigned_abs()));
    });
    later.add("rlimits", container.rlimits.as_ref(), |to, limits| {
        to.list(limits, |to, (name, limit)| _ = to.str(name).u64(limit.soft).u64(limit.hard));
    });
    later.add("cgroup", container.cgroup.as_ref(), namespace);
    later.add("user", container.user.as_ref(), namespace);
    later.add("uid-map", container.uid_map.as_ref(), |to, maps| id_maps(to, maps));
    later.add("gid-map", container.gid_map.as_ref(), |to, maps| id_maps(to, maps));
    later
        .add("mounts", container.mounts.as_ref(), |to, mounts| _ = to.list(mounts, |to, one| mount(to, one)));
    later.add("masked-paths", container.masked_paths.as_ref(), |to, paths| texts(to, paths));
    later.add("readonly-paths", container.readonly_paths.as_ref(), |to, paths| texts(to, paths));
    later.add("root-propagation", container.root_propagation.as_ref(), |to, word| _ = to.str(word));
    later.add("devices", container.devices.as_ref(), |to, devices| _ = to.list(devices, device));
    later.add("landlock", container.landlock.as_ref(), |to, Landlock { read, write, execute }| {
        for paths in [read, write, execute] {
            texts(to, paths);
        }
    });
    later.add("apparmor", container.apparmor.as_ref(), |to, name| _ = to.str(name));
    later.add("resources", container.resources.as_ref(), map);
    later.add("cgroups-path", container.cgroups_path.as_ref(), |to, path| _ = to.str(path));
    later.add("annotations", container.annotations.as_ref(), map);
    later.add("runtime", container.runtime.as_ref(), runtime);
    later.flag("label", container.label);
}

fn later_service<'a>(later: &mut Later<'a>, container: &'a Container) {
    later.number("restart-wait", container.restart_wait);
    later.number("restart-limit", container.restart_limit);
    later.add("on-failure", container.on_failure.as_ref(), |to, failure| {
        to.variant(match failure {
            Failure::Continue => 1,
            Failure::Stop => 2,
        });
    });
    later.add("after", container.after.as_ref(), |to, list| names(to, list));
    later.add("requires", container.requires.as_ref(), |to, list| names(to, list));
    later.add("ready", container.ready.as_ref(), |to, Ready { probe: what, interval, timeout }| {
        probe(to, what);
        numbers(to, &[interval, timeout]);
    });
    later.add("health", container.health.as_ref(), |to, health| {
        let Health { probe: what, interval, timeout, retries, start_period } = health;
        probe(to, what);
        numbers(to, &[interval, timeout, retries, start_period]);
    });
    later.add("stop-signal", container.stop_signal.as_ref(), |to, name| _ = to.str(name));
    later.number("stop-timeout", container.stop_timeout);
    later.number("log-limit", container.log_limit);
    later.number("every", container.every);
}

fn numbers(to: &mut Encoder, list: &[&Option<u64>]) {
    for value in list {
        to.option(**value, |to, number| _ = to.u64(number));
    }
}

fn id_maps(to: &mut Encoder, maps: &[IdMap]) {
    to.list(maps, |to, map| _ = to.u64(map.container.into()).u64(map.host.into()).u64(map.size.into()));
}

fn mount(to: &mut Encoder, mount: &Mount) {
    let Mount { destination, kind, source, options } = mount;
    to.str(destination).str(kind).str(source);
    texts(to, options);
}

fn device(to: &mut Encoder, device: &Device) {
    let Device { path, kind, major, minor, mode, uid, gid, access } = device;
    text(to, path.as_ref());
    to.str(kind.letter());
    for number in [major, minor] {
        to.option(*number, |to, number| _ = to.u64(number.into()));
    }
    to.u64((*mode).into()).u64((*uid).into()).u64((*gid).into()).str(access);
}

fn probe(to: &mut Encoder, probe: &Probe) {
    match probe {
        Probe::Exit => _ = to.variant(1),
        Probe::Command(command) => texts(to.variant(2), command),
        Probe::Path(path) => _ = to.variant(3).str(path),
        Probe::Port(port) => _ = to.variant(4).u64((*port).into()),
        Probe::Line(line) => _ = to.variant(5).str(line),
    }
}

fn runtime(to: &mut Encoder, runtime: &Runtime) {
    let Runtime { cgroups, mkdir, mounts, interfaces, bind_namespaces } = runtime;
    texts(to, cgroups);
    texts(to, mkdir);
    to.list(mounts, mount);
    to.list(interfaces, |to, interface| {
        let Interface { name, add, peer, create_in_root } = interface;
        to.str(name);
        text(to, add.as_ref());
        text(to, peer.as_ref());
        to.u64((*create_in_root).into());
    });
    map(to, bind_namespaces);
}
