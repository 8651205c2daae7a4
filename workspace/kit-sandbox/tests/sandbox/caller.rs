//! Callers in processes of their own.

use std::error::Error as _;
use std::path::Path;

use kit_sandbox::{Addresses, Clock, Host, Release, Stdio};
use rustix::process::getpgrp;
use rustix::termios::tcgetpgrp;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use crate::fixture::{Fixture, run, sandbox};
use crate::lifetime::HOLD;

/// Runs a job that doesn't end, in the directories of a test.
pub(crate) fn call(directory: &Path) {
    let fixture = Fixture::at(directory);
    let outcome = run(&fixture.job(HOLD));
    panic!("the job has ended: {outcome:?}");
}

/// Prints what a probe says.
pub(crate) fn probe() {
    match sandbox().probe() {
        Ok(()) => println!("fine"),
        Err(error) => println!("{error}\n{}", error.help().unwrap_or_default()),
    }
}

/// Prints what probes say where tracing and other addresses are forbidden.
pub(crate) fn probe_host() {
    let refuse = SeccompAction::Errno(libc::EPERM.cast_unsigned());
    let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
    let fixed = u64::from(libc::ADDR_NO_RANDOMIZE.cast_unsigned());
    let fixed = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, fixed).unwrap();
    let fixed = SeccompRule::new(vec![fixed]).unwrap();
    let rules = [(libc::SYS_ptrace, vec![]), (libc::SYS_personality, vec![fixed])].into();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, refuse, arch).unwrap();
    let filter: BpfProgram = filter.try_into().unwrap();
    seccompiler::apply_filter(&filter).unwrap();
    let hosts = [
        Host::USUAL,
        Host { clock: Clock::Ahead(1000), ..Host::USUAL },
        Host { addresses: Addresses::Fixed, ..Host::USUAL },
        Host { release: Release::Old, ..Host::USUAL },
    ];
    for host in hosts {
        match sandbox().probe_host(host) {
            Ok(()) => println!("fine"),
            Err(error) => println!("{error}: {}", error.source().unwrap()),
        }
    }
}

/// Runs a shell with job control in the terminal that this process has, and prints whose the terminal is afterwards.
pub(crate) fn use_terminal(directory: &Path) {
    let fixture = Fixture::at(directory);
    let mut job = fixture.job("");
    // Fields 5 and 8 are the process's group and the group that has the terminal.
    let script = "echo begun > /dev/tty; \
                  sh -c 'set -- $(cat /proc/$$/stat); test $5 = $$ && test $8 = $$ && echo in front'; \
                  /inside inside type-into-terminal; stty size";
    job.command = ["bash", "--norc", "-ic", script].map(Into::into).into();
    job.stdio = Stdio::Inherited;
    let outcome = sandbox().run(&job, &mut |_| {}).unwrap();
    let ours = tcgetpgrp(rustix::stdio::stdin()).unwrap() == getpgrp();
    println!("{:?}, terminal is ours: {ours}", outcome.status);
}
