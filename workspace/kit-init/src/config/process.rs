//! `process`: the program, its user and its limits.

use super::Capabilities;
use crate::json::{Node, Problem};

/// What runs in the container.
#[derive(Debug)]
pub(crate) struct Process {
    /// The program and its arguments; never empty.
    pub(crate) args: Vec<String>,
    /// `NAME=value` each.
    pub(crate) env: Vec<String>,
    /// Absolute path inside the container.
    pub(crate) cwd: String,
    /// Whom it runs as.
    pub(crate) user: User,
    /// What of root's power it has.
    pub(crate) capabilities: Capabilities,
    /// Whether programs that it executes can gain privileges.
    pub(crate) privileges: Privileges,
    /// Resource limits.
    pub(crate) limits: Vec<Limit>,
    /// Profile of `AppArmor` that holds from the program on.
    pub(crate) apparmor: Option<String>,
    /// How likely the kernel kills it when memory runs out, -1000 to 1000.
    pub(crate) oom_score_adj: Option<i32>,
}

/// `process.noNewPrivileges`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privileges {
    /// False or absent: set-user-id programs and file capabilities work.
    CanGrow,
    /// True.
    Fixed,
}

/// `process.user`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct User {
    /// User id inside the container.
    pub(crate) uid: u32,
    /// Group id inside the container.
    pub(crate) gid: u32,
    /// Supplementary groups.
    pub(crate) groups: Vec<u32>,
    /// File mode creation mask, 022 if absent.
    pub(crate) umask: u32,
}

/// A resource limit.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    /// `RLIMIT_*`
    pub(crate) resource: u32,
    /// Its name, for messages.
    pub(crate) name: String,
    /// What holds.
    pub(crate) soft: u64,
    /// How far the process can raise it.
    pub(crate) hard: u64,
}

impl Process {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let args = node.get("args").texts()?;
        if args.is_empty() {
            return Err(node.get("args").problem("expected a program to run"));
        }
        let cwd = node.get("cwd").required_text()?;
        if !cwd.starts_with('/') {
            return Err(node.get("cwd").problem("expected an absolute path"));
        }
        let fixed = node.get("noNewPrivileges").flag()?;
        Ok(Self {
            args,
            env: node.get("env").texts()?,
            cwd: cwd.to_owned(),
            user: User::read(&node.get("user"))?,
            capabilities: Capabilities::read(&node.get("capabilities"))?,
            privileges: if fixed { Privileges::Fixed } else { Privileges::CanGrow },
            limits: node.get("rlimits").items()?.iter().map(Limit::read).collect::<Result<_, _>>()?,
            apparmor: node.get("apparmorProfile").text()?.filter(|name| !name.is_empty()).map(str::to_owned),
            oom_score_adj: node.get("oomScoreAdj").integer()?,
        })
    }
}

impl User {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let groups = node.get("additionalGids").items()?;
        Ok(Self {
            uid: node.get("uid").integer()?.unwrap_or(0),
            gid: node.get("gid").integer()?.unwrap_or(0),
            groups: groups.iter().map(Node::required_integer).collect::<Result<_, _>>()?,
            umask: node.get("umask").integer()?.unwrap_or(0o022),
        })
    }
}

impl Limit {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let kind = node.get("type");
        let name = kind.required_text()?;
        let resource = match name {
            "RLIMIT_AS" => libc::RLIMIT_AS,
            "RLIMIT_CORE" => libc::RLIMIT_CORE,
            "RLIMIT_CPU" => libc::RLIMIT_CPU,
            "RLIMIT_DATA" => libc::RLIMIT_DATA,
            "RLIMIT_FSIZE" => libc::RLIMIT_FSIZE,
            "RLIMIT_LOCKS" => libc::RLIMIT_LOCKS,
            "RLIMIT_MEMLOCK" => libc::RLIMIT_MEMLOCK,
            "RLIMIT_MSGQUEUE" => libc::RLIMIT_MSGQUEUE,
            "RLIMIT_NICE" => libc::RLIMIT_NICE,
            "RLIMIT_NOFILE" => libc::RLIMIT_NOFILE,
            "RLIMIT_NPROC" => libc::RLIMIT_NPROC,
            "RLIMIT_RSS" => libc::RLIMIT_RSS,
            "RLIMIT_RTPRIO" => libc::RLIMIT_RTPRIO,
            "RLIMIT_RTTIME" => libc::RLIMIT_RTTIME,
            "RLIMIT_SIGPENDING" => libc::RLIMIT_SIGPENDING,
            "RLIMIT_STACK" => libc::RLIMIT_STACK,
            _ => return Err(kind.problem(format!("no limit is named `{name}`"))),
        };
        let (soft, hard) = (node.get("soft").required_integer()?, node.get("hard").required_integer()?);
        Ok(Self { resource, name: name.to_owned(), soft, hard })
    }
}
