//! `linux.resources`, turned into files of a control group of version 2.

use crate::json::{Node, Problem};

/// A file of a control group and what to write into it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// File name, `<controller>.<what>`.
    pub(crate) file: String,
    /// Its new content.
    pub(crate) value: String,
}

/// Reads the settings in the order in which they are to be written.
pub(super) fn read(node: &Node<'_>) -> Result<Vec<Setting>, Problem> {
    let mut settings = Vec::new();
    let mut set = |file: &str, value: Option<String>| {
        settings.extend(value.map(|value| Setting { file: file.to_owned(), value }));
    };
    let memory = node.get("memory");
    let limit = amount(&memory.get("limit"))?;
    set("memory.max", limit.map(limit_text));
    set("memory.low", amount(&memory.get("reservation"))?.map(limit_text));
    set("memory.swap.max", swap(&memory, limit)?);
    set("pids.max", amount(&node.get("pids").get("limit"))?.map(limit_text));
    let cpu = node.get("cpu");
    set("cpu.weight", cpu.get("shares").integer::<u64>()?.filter(|shares| *shares != 0).map(weight));
    set("cpu.max", cpu_max(&cpu)?);
    set("cpuset.cpus", cpu.get("cpus").text()?.filter(|list| !list.is_empty()).map(str::to_owned));
    set("cpuset.mems", cpu.get("mems").text()?.filter(|list| !list.is_empty()).map(str::to_owned));
    for (file, value) in node.get("unified").text_map()? {
        if !file.contains('.') || file.contains('/') {
            return Err(node.get("unified").problem(format!("`{file}` is not a file of a control group")));
        }
        set(&file, Some(value));
    }
    for unsupported in ["blockIO", "hugepageLimits", "network", "rdma"] {
        let node = node.get(unsupported);
        if node.members().map_or(true, |members| !members.is_empty()) {
            return Err(node.problem("not supported; use `unified`"));
        }
    }
    Ok(settings)
}

/// A number of bytes or processes. Zero counts as absent, a negative number as no limit.
fn amount(node: &Node<'_>) -> Result<Option<i64>, Problem> {
    Ok(node.integer::<i64>()?.filter(|amount| *amount != 0))
}

fn limit_text(limit: i64) -> String {
    if limit < 0 { "max".to_owned() } else { limit.to_string() }
}

/// The specification's `swap` is memory and swap together, the control group's is swap alone.
fn swap(memory: &Node<'_>, limit: Option<i64>) -> Result<Option<String>, Problem> {
    let node = memory.get("swap");
    match (amount(&node)?, limit) {
        (None, _) => Ok(None),
        (Some(swap), _) if swap < 0 => Ok(Some("max".to_owned())),
        (Some(swap), Some(limit)) if limit > 0 && swap >= limit => Ok(Some((swap - limit).to_string())),
        (Some(_), _) => Err(node.problem("expected at least `memory.limit`, which it includes")),
    }
}

/// From the shares of version 1, 2 to 262144, to a weight of 1 to 10000, as the other runtimes do it.
fn weight(shares: u64) -> String {
    (1 + (shares.clamp(2, 262_144) - 2) * 9999 / 262_142).to_string()
}

fn cpu_max(cpu: &Node<'_>) -> Result<Option<String>, Problem> {
    let quota = amount(&cpu.get("quota"))?;
    let period = cpu.get("period").integer::<u64>()?.filter(|period| *period != 0);
    Ok(match (quota, period) {
        (None, None) => None,
        (quota, None) => quota.map(limit_text),
        (quota, Some(period)) => Some(format!("{} {period}", limit_text(quota.unwrap_or(-1)))),
    })
}
