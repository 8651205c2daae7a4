//! The container's program: its limits, finding it, executing it.

use std::convert::Infallible;
use std::ffi::CString;

use crate::config::Process;
use crate::error::{During, Failure};
use crate::files;
use crate::sys::{self, Errno};

/// Where programs are looked for if the configuration sets no `PATH`.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Sets resource limits and the preference of the out-of-memory killer, with the machine's `/proc` in reach.
pub(super) fn set_limits(process: &Process) -> Result<(), Failure> {
    if let Some(adjustment) = process.oom_score_adj {
        let path = "/proc/self/oom_score_adj";
        files::write_existing(path, &adjustment.to_string()).during("write", path)?;
    }
    if let Some(profile) = &process.apparmor {
        set_profile(profile).during("change to AppArmor profile", profile)?;
    }
    for limit in &process.limits {
        sys::process::set_limit(limit.resource, limit.soft, limit.hard).during("set", &limit.name)?;
    }
    Ok(())
}

/// Chooses the profile that holds from the next program on.
fn set_profile(profile: &str) -> Result<(), Errno> {
    let text = format!("exec {profile}");
    match files::write_existing("/proc/self/attr/apparmor/exec", &text) {
        Err(Errno(libc::ENOENT)) => files::write_existing("/proc/self/attr/exec", &text),
        written => written,
    }
}

/// Becomes the program.
pub(super) fn execute(process: &Process) -> Result<Infallible, Failure> {
    execute_with(process, &process.args)
}

/// Becomes another program, with the same environment.
pub(super) fn execute_with(process: &Process, args: &[String]) -> Result<Infallible, Failure> {
    let program = args.first().ok_or_else(|| Failure::new("execute", "", "there is no program"))?;
    let strings = |texts: &[String]| -> Result<Vec<CString>, Errno> {
        texts.iter().map(|text| sys::c_string(&**text)).collect()
    };
    let args = strings(args).during("execute", program)?;
    let env = strings(&process.env).during("execute", program)?;
    let mut failure = Errno(libc::ENOENT);
    for path in candidates(program, &process.env) {
        let path = sys::c_string(path).during("execute", program)?;
        let Err(errno) = sys::process::execute(&path, &args, &env);
        // A file that cannot be executed is worth more in the message than the directories without one.
        if !matches!(errno.0, libc::ENOENT | libc::ENOTDIR) {
            failure = errno;
        }
    }
    Err(failure).during("execute", program)
}

fn candidates(program: &str, env: &[String]) -> Vec<String> {
    if program.contains('/') {
        return vec![program.to_owned()];
    }
    let path = env.iter().find_map(|variable| variable.strip_prefix("PATH=")).unwrap_or(DEFAULT_PATH);
    path.split(':').filter(|folder| !folder.is_empty()).map(|folder| format!("{folder}/{program}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_where_the_configuration_says() {
        let env = ["A=b".to_owned(), "PATH=/x::/y".to_owned()];
        assert_eq!(candidates("sh", &env), ["/x/sh", "/y/sh"]);
        assert_eq!(candidates("./sh", &env), ["./sh"]);
        assert_eq!(candidates("/bin/sh", &env), ["/bin/sh"]);
        assert_eq!(candidates("sh", &[]).len(), 6);
    }
}
