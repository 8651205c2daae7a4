//! `linux.seccomp`: a system call filter as the specification writes it.

use crate::json::{Node, Problem};

/// A filter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// What happens to calls that no rule is about.
    pub(crate) default: Action,
    /// `SECCOMP_FILTER_FLAG_*`
    pub(crate) flags: u32,
    /// The rules; the first one that matches a call holds.
    pub(crate) rules: Vec<Rule>,
}

/// What happens to some system calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Names of the calls.
    pub(crate) names: Vec<String>,
    /// What happens to them.
    pub(crate) action: Action,
    /// Only if all of these hold.
    pub(crate) conditions: Vec<Condition>,
}

/// A comparison of one argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    /// Which argument, 0 to 5.
    pub(crate) index: u32,
    /// How it is compared.
    pub(crate) operator: Operator,
    /// With what; the mask of [`Operator::MaskedEqual`].
    pub(crate) value: u64,
    /// What [`Operator::MaskedEqual`] compares with.
    pub(crate) value_two: u64,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    /// `SCMP_CMP_NE`
    NotEqual,
    /// `SCMP_CMP_LT`
    Less,
    /// `SCMP_CMP_LE`
    LessOrEqual,
    /// `SCMP_CMP_EQ`
    Equal,
    /// `SCMP_CMP_GE`
    GreaterOrEqual,
    /// `SCMP_CMP_GT`
    Greater,
    /// `SCMP_CMP_MASKED_EQ`
    MaskedEqual,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is carried out.
    Allow,
    /// It is carried out and logged.
    Log,
    /// It fails with this error number.
    Error(u16),
    /// The tracer decides, and is told this number.
    Trace(u16),
    /// The thread gets SIGSYS.
    Trap,
    /// The thread is killed.
    KillThread,
    /// The process is killed.
    KillProcess,
}

impl Profile {
    pub(super) fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let default = read_action(&node.get("defaultAction"), &node.get("defaultErrnoRet"))?;
        let mut flags = 0;
        for item in node.get("flags").items()? {
            flags |= match item.required_text()? {
                // There is one thread only when the filter is set.
                "SECCOMP_FILTER_FLAG_TSYNC" => 0,
                "SECCOMP_FILTER_FLAG_LOG" => 2,
                "SECCOMP_FILTER_FLAG_SPEC_ALLOW" => 4,
                flag => return Err(item.problem(format!("`{flag}` is not supported"))),
            };
        }
        let mut rules = Vec::new();
        for item in node.get("syscalls").items()? {
            rules.push(Rule::read(&item)?);
        }
        Ok(Self { default, flags, rules })
    }
}

impl Rule {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let conditions = node.get("args").items()?.iter().map(Condition::read).collect::<Result<_, _>>()?;
        let action = read_action(&node.get("action"), &node.get("errnoRet"))?;
        Ok(Self { names: node.get("names").texts()?, action, conditions })
    }
}

impl Condition {
    fn read(node: &Node<'_>) -> Result<Self, Problem> {
        let index = node.get("index");
        let operator = node.get("op");
        let condition = Self {
            index: index.required_integer()?,
            operator: match operator.required_text()? {
                "SCMP_CMP_NE" => Operator::NotEqual,
                "SCMP_CMP_LT" => Operator::Less,
                "SCMP_CMP_LE" => Operator::LessOrEqual,
                "SCMP_CMP_EQ" => Operator::Equal,
                "SCMP_CMP_GE" => Operator::GreaterOrEqual,
                "SCMP_CMP_GT" => Operator::Greater,
                "SCMP_CMP_MASKED_EQ" => Operator::MaskedEqual,
                name => return Err(operator.problem(format!("no comparison is named `{name}`"))),
            },
            value: node.get("value").required_integer()?,
            value_two: node.get("valueTwo").integer()?.unwrap_or(0),
        };
        if condition.index > 5 {
            Err(index.problem("a system call has arguments 0 to 5"))
        } else {
            Ok(condition)
        }
    }
}

fn read_action(node: &Node<'_>, number: &Node<'_>) -> Result<Action, Problem> {
    let number = number.integer()?.unwrap_or(1); // EPERM on every architecture
    Ok(match node.required_text()? {
        "SCMP_ACT_ALLOW" => Action::Allow,
        "SCMP_ACT_LOG" => Action::Log,
        "SCMP_ACT_ERRNO" => Action::Error(number),
        "SCMP_ACT_TRACE" => Action::Trace(number),
        "SCMP_ACT_TRAP" => Action::Trap,
        "SCMP_ACT_KILL" | "SCMP_ACT_KILL_THREAD" => Action::KillThread,
        "SCMP_ACT_KILL_PROCESS" => Action::KillProcess,
        name => return Err(node.problem(format!("`{name}` is not supported"))),
    })
}
