//! `runtime.json`, beside a `config.json`: what the OCI specification has no field for. Times are in milliseconds, sizes in
//! bytes. Without the document, and for every member that is missing, the default holds.
//!
//! | member | meaning | default |
//! |---|---|---|
//! | `restart` | `{policy: never, on-failure, always; wait; limit}` | never, 1000, without limit |
//! | `onFailure` | `continue` or `stop`: what the machine does when it has failed for good | onboot stop, else continue |
//! | `after`, `requires` | names of services | none |
//! | `ready` | one of `{exit, command, path, port, line}`, and `{interval, timeout}` | as soon as it runs; 500, 60000 |
//! | `health` | one of `{command, path, port}`, and `{interval, timeout, retries, startPeriod}` | none; 30000, 30000, 3, 0 |
//! | `stop` | `{signal, timeout}` | SIGTERM, 10000 |
//! | `logLimit` | how much of what it prints is kept | 65536 |
//! | `every` | how long after its end it starts again | never |
//! | `landlock` | `{read, write, execute}`: paths | no rules |
//! | `cgroups`, `mkdir` | paths | none |
//! | `mounts` | mounts of the machine, as in `config.json` | none |
//! | `interfaces` | `{name, add, peer, createInRoot}` | none |
//! | `bindNamespaces` | path by kind | none |

use std::time::Duration;

use super::Mount;
use crate::json::{self, Node, Problem};

/// The whole document.
#[derive(Debug)]
pub(crate) struct Service {
    /// When it is started again.
    pub(crate) restart: Restart,
    /// The first wait before that.
    pub(crate) restart_wait: Duration,
    /// How often in a row.
    pub(crate) restart_limit: Option<u64>,
    /// What happens when it has failed for good; nothing is what its class has.
    pub(crate) on_failure: Option<OnFailure>,
    /// Services that are ready, or have ended, before it starts.
    pub(crate) after: Vec<String>,
    /// Services that are ready before it starts.
    pub(crate) requires: Vec<String>,
    /// When it counts as ready.
    pub(crate) ready: Option<Ready>,
    /// How it is watched.
    pub(crate) health: Option<Health>,
    /// The signal that asks it to stop.
    pub(crate) stop_signal: i32,
    /// How long it may take to stop.
    pub(crate) stop_timeout: Duration,
    /// How many bytes of what it prints are kept.
    pub(crate) log_limit: usize,
    /// How long after its end it starts again.
    pub(crate) every: Option<Duration>,
    /// The files that it reaches.
    pub(crate) landlock: Option<Landlock>,
    /// Control groups to make.
    pub(crate) cgroups: Vec<String>,
    /// Directories of the machine to make.
    pub(crate) mkdir: Vec<String>,
    /// Mounts of the machine to make.
    pub(crate) mounts: Vec<Mount>,
    /// Network interfaces that it gets.
    pub(crate) interfaces: Vec<Interface>,
    /// Where its namespaces are kept: kind as in `/proc/PID/ns`, and path.
    pub(crate) bind_namespaces: Vec<(String, String)>,
}

/// When a service is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Restart {
    /// `never`
    Never,
    /// `on-failure`: when it did not exit with code 0.
    OnFailure,
    /// `always`
    Always,
}

/// What the machine does when a container has failed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnFailure {
    /// It goes on.
    Continue,
    /// It ends as after a failed boot.
    Stop,
}

/// When a service counts as ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ready {
    /// What is looked at.
    pub(crate) probe: Probe,
    /// Between two looks.
    pub(crate) interval: Duration,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

/// How a service is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Health {
    /// What is looked at.
    pub(crate) probe: Probe,
    /// Between two looks.
    pub(crate) interval: Duration,
    /// How long one look may take.
    pub(crate) timeout: Duration,
    /// How many looks in a row must fail.
    pub(crate) retries: u64,
    /// How long after its start failures do not count.
    pub(crate) start_period: Duration,
}

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// It has ended with code 0.
    Exit,
    /// A program that runs in the container ends with code 0.
    Command(Vec<String>),
    /// A path of the container exists.
    Path(String),
    /// A port of its loopback interface answers.
    Port(u16),
    /// It has printed a line with this text in it.
    Line(String),
}

/// The files that a container reaches: beneath each path what its list says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Landlock {
    /// Read.
    pub(crate) read: Vec<String>,
    /// Read, change, make and remove.
    pub(crate) write: Vec<String>,
    /// Read and execute.
    pub(crate) execute: Vec<String>,
}

/// A network interface of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    /// Its name.
    pub(crate) name: String,
    /// What kind is made; the machine's is moved without.
    pub(crate) add: Option<String>,
    /// The name of the other end, which stays on the machine.
    pub(crate) peer: Option<String>,
    /// Whether it is made on the machine and then moved.
    pub(crate) create_in_root: bool,
}

/// Kinds of namespaces that can be kept at a path.
const KINDS: [&str; 7] = ["cgroup", "ipc", "mnt", "net", "pid", "user", "uts"];

/// Reads a `runtime.json`.
pub(crate) fn parse(text: &str) -> Result<Service, String> {
    let json = json::parse(text).map_err(|error| error.to_string())?;
    read(&Node::root(&json)).map_err(|problem| problem.to_string())
}

fn read(root: &Node<'_>) -> Result<Service, Problem> {
    let (restart, stop) = (root.get("restart"), root.get("stop"));
    let landlock = root.get("landlock");
    let ready = root.get("ready");
    let health = root.get("health");
    Ok(Service {
        restart: read_restart(&restart.get("policy"))?,
        restart_wait: time(&restart.get("wait"), 1000)?,
        restart_limit: restart.get("limit").integer()?,
        on_failure: match root.get("onFailure").text()? {
            None => None,
            Some("continue") => Some(OnFailure::Continue),
            Some("stop") => Some(OnFailure::Stop),
            Some(_) => return Err(root.get("onFailure").problem("expected `continue` or `stop`")),
        },
        after: root.get("after").texts()?,
        requires: root.get("requires").texts()?,
        ready: ready.is_present().then(|| read_ready(&ready)).transpose()?,
        health: health.is_present().then(|| read_health(&health)).transpose()?,
        stop_signal: signal(&stop.get("signal"))?,
        stop_timeout: time(&stop.get("timeout"), 10_000)?,
        log_limit: root.get("logLimit").integer()?.unwrap_or(64 << 10),
        every: root.get("every").integer()?.map(Duration::from_millis),
        landlock: landlock.is_present().then(|| read_landlock(&landlock)).transpose()?,
        cgroups: root.get("cgroups").texts()?,
        mkdir: root.get("mkdir").texts()?,
        mounts: root.get("mounts").items()?.iter().map(Mount::read).collect::<Result<_, _>>()?,
        interfaces: root.get("interfaces").items()?.iter().map(read_interface).collect::<Result<_, _>>()?,
        bind_namespaces: read_namespaces(&root.get("bindNamespaces"))?,
    })
}

fn time(node: &Node<'_>, default: u64) -> Result<Duration, Problem> {
    Ok(Duration::from_millis(node.integer()?.unwrap_or(default)))
}

fn read_restart(node: &Node<'_>) -> Result<Restart, Problem> {
    match node.text()? {
        None | Some("never") => Ok(Restart::Never),
        Some("on-failure") => Ok(Restart::OnFailure),
        Some("always") => Ok(Restart::Always),
        Some(_) => Err(node.problem("expected `never`, `on-failure` or `always`")),
    }
}

/// Reads the name of a signal.
fn signal(node: &Node<'_>) -> Result<i32, Problem> {
    Ok(match node.text()? {
        None | Some("SIGTERM") => libc::SIGTERM,
        Some("SIGHUP") => libc::SIGHUP,
        Some("SIGINT") => libc::SIGINT,
        Some("SIGQUIT") => libc::SIGQUIT,
        Some("SIGUSR1") => libc::SIGUSR1,
        Some("SIGUSR2") => libc::SIGUSR2,
        Some("SIGALRM") => libc::SIGALRM,
        Some("SIGCONT") => libc::SIGCONT,
        Some("SIGKILL") => libc::SIGKILL,
        Some("SIGWINCH") => libc::SIGWINCH,
        Some("SIGPWR") => libc::SIGPWR,
        Some("SIGABRT") => libc::SIGABRT,
        Some(name) => return Err(node.problem(format!("no signal is named `{name}`"))),
    })
}

fn read_probe(node: &Node<'_>) -> Result<Probe, Problem> {
    let command = node.get("command").texts()?;
    let mut found = Vec::new();
    found.extend(node.get("exit").flag()?.then_some(Probe::Exit));
    found.extend((!command.is_empty()).then_some(Probe::Command(command)));
    found.extend(node.get("path").text()?.map(|path| Probe::Path(path.to_owned())));
    found.extend(node.get("port").integer()?.map(Probe::Port));
    found.extend(node.get("line").text()?.map(|line| Probe::Line(line.to_owned())));
    match (found.pop(), found.len()) {
        (Some(probe), 0) => Ok(probe),
        _ => Err(node.problem("expected one of `exit`, `command`, `path`, `port`, `line`")),
    }
}

fn read_ready(node: &Node<'_>) -> Result<Ready, Problem> {
    let (interval, timeout) = (time(&node.get("interval"), 500)?, time(&node.get("timeout"), 60_000)?);
    Ok(Ready { probe: read_probe(node)?, interval, timeout })
}

fn read_health(node: &Node<'_>) -> Result<Health, Problem> {
    let probe = read_probe(node)?;
    if matches!(probe, Probe::Exit | Probe::Line(_)) {
        return Err(node.problem("expected one of `command`, `path`, `port`"));
    }
    Ok(Health {
        probe,
        interval: time(&node.get("interval"), 30_000)?,
        timeout: time(&node.get("timeout"), 30_000)?,
        retries: node.get("retries").integer()?.unwrap_or(3),
        start_period: time(&node.get("startPeriod"), 0)?,
    })
}

fn read_landlock(node: &Node<'_>) -> Result<Landlock, Problem> {
    let list = |key| node.get(key).texts();
    Ok(Landlock { read: list("read")?, write: list("write")?, execute: list("execute")? })
}

fn read_interface(node: &Node<'_>) -> Result<Interface, Problem> {
    let text = |key| Ok(node.get(key).text()?.map(str::to_owned));
    Ok(Interface {
        name: node.get("name").required_text()?.to_owned(),
        add: text("add")?,
        peer: text("peer")?,
        create_in_root: node.get("createInRoot").flag()?,
    })
}

fn read_namespaces(node: &Node<'_>) -> Result<Vec<(String, String)>, Problem> {
    let mut paths = Vec::new();
    for (kind, path) in node.text_map()? {
        if !KINDS.contains(&kind.as_str()) || !path.starts_with('/') {
            return Err(node.problem(format!("`{kind}` with `{path}` is not a kind with an absolute path")));
        }
        paths.push((kind, path));
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default() {
        let service = parse("{}").unwrap();
        assert_eq!((service.restart, service.restart_limit), (Restart::Never, None));
        assert_eq!((service.stop_signal, service.stop_timeout.as_secs()), (libc::SIGTERM, 10));
        assert_eq!((service.ready, service.health, service.every), (None, None, None));
        assert_eq!(service.log_limit, 65536);
    }

    #[test]
    fn all_members_are_read() {
        let service = parse(
            r#"{"restart": {"policy": "always", "wait": 5, "limit": 2}, "onFailure": "stop", "after": ["a"],
            "requires": ["b"], "ready": {"line": "up", "timeout": 7}, "health": {"port": 80, "retries": 1},
            "stop": {"signal": "SIGINT", "timeout": 1}, "logLimit": 9, "every": 8,
            "landlock": {"read": ["/r"], "write": ["/w"], "execute": []}, "cgroups": ["/g"], "mkdir": ["/m"],
            "mounts": [{"destination": "/x", "type": "tmpfs"}],
            "interfaces": [{"name": "wg0", "add": "wireguard", "createInRoot": true}],
            "bindNamespaces": {"net": "/run/n"}}"#,
        )
        .unwrap();
        assert_eq!((service.restart, service.restart_limit), (Restart::Always, Some(2)));
        assert_eq!(service.on_failure, Some(OnFailure::Stop));
        let ready = service.ready.unwrap();
        assert_eq!((ready.probe, ready.interval.as_millis()), (Probe::Line("up".into()), 500));
        let health = service.health.unwrap();
        assert_eq!((health.probe, health.retries, health.interval.as_secs()), (Probe::Port(80), 1, 30));
        assert_eq!((service.stop_signal, service.every), (libc::SIGINT, Some(Duration::from_millis(8))));
        assert_eq!(service.landlock.unwrap().write, ["/w"]);
        assert!(service.interfaces[0].create_in_root);
        assert_eq!(service.bind_namespaces, [("net".to_owned(), "/run/n".to_owned())]);
        assert_eq!(service.mounts.len(), 1);
    }

    #[test]
    fn problems_name_their_place() {
        let problem = |text| parse(text).unwrap_err();
        assert_eq!(
            problem(r#"{"restart": {"policy": "x"}}"#),
            "restart.policy: expected `never`, `on-failure` or `always`"
        );
        assert_eq!(problem(r#"{"stop": {"signal": "TERM"}}"#), "stop.signal: no signal is named `TERM`");
        let one = "expected one of `exit`, `command`, `path`, `port`, `line`";
        assert_eq!(problem(r#"{"ready": {}}"#), format!("ready: {one}"));
        assert_eq!(problem(r#"{"ready": {"port": 1, "path": "/x"}}"#), format!("ready: {one}"));
        assert_eq!(
            problem(r#"{"health": {"exit": true}}"#),
            "health: expected one of `command`, `path`, `port`"
        );
    }
}
