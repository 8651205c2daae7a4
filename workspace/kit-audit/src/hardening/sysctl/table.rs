//! Settings that are recommended.

use std::ops::RangeInclusive;

use crate::finding::Severity;

/// A setting that is recommended.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// The values that are good enough.
    pub(super) wanted: RangeInclusive<i64>,
    /// The value that is recommended.
    pub(super) recommended: i64,
    pub(super) why: &'static str,
    pub(super) severity: Severity,
    /// Whether every kernel has it so by itself.
    pub(super) is_default: bool,
    /// Conditions on the configuration that, all met, have the kernel start with a good value.
    pub(super) default: &'static [&'static str],
    /// Conditions on the configuration without which there is no such setting.
    pub(super) needs: &'static [&'static str],
}

const fn setting(
    name: &'static str,
    wanted: RangeInclusive<i64>,
    recommended: i64,
    why: &'static str,
) -> Setting {
    let severity = Severity::Low;
    Setting { name, wanted, recommended, why, severity, is_default: false, default: &[], needs: &[] }
}

impl Setting {
    const fn by_itself(mut self) -> Self {
        self.is_default = true;
        self
    }

    const fn default(mut self, default: &'static [&'static str]) -> Self {
        self.default = default;
        self
    }

    const fn needs(mut self, needs: &'static [&'static str]) -> Self {
        self.needs = needs;
        self
    }

    const fn rated(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

#[rustfmt::skip]
pub(super) const SETTINGS: &[Setting] = &[
    setting("dev.tty.ldisc_autoload", 0..=0, 0, "everybody can have line disciplines loaded").default(&["!LDISC_AUTOLOAD"]).needs(&["TTY"]),
    setting("dev.tty.legacy_tiocsti", 0..=0, 0, "programs can type for others").default(&["!LEGACY_TIOCSTI"]).needs(&["TTY"]),
    setting("fs.protected_fifos", 1..=2, 2, "pipes in shared directories can be put in the way of others"),
    setting("fs.protected_hardlinks", 1..=1, 1, "files of others can be given further names"),
    setting("fs.protected_regular", 1..=2, 2, "files in shared directories can be put in the way of others"),
    setting("fs.protected_symlinks", 1..=1, 1, "links in shared directories can be put in the way of others").rated(Severity::Medium),
    setting("fs.suid_dumpable", 0..=0, 0, "memory of set-uid programs is written to files").by_itself(),
    setting("kernel.dmesg_restrict", 1..=1, 1, "everybody can read what the kernel reports, addresses included").default(&["SECURITY_DMESG_RESTRICT"]),
    setting("kernel.kexec_load_disabled", 1..=1, 1, "another kernel can be started").needs(&["KEXEC|KEXEC_FILE"]),
    setting("kernel.kptr_restrict", 1..=2, 2, "addresses of the kernel can be read"),
    setting("kernel.modules_disabled", 1..=1, 1, "modules can be loaded at any time").needs(&["MODULES"]).rated(Severity::Note),
    setting("kernel.oops_limit", 1..=100, 1, "a kernel that is broken goes on and can be tried again").default(&["PANIC_ON_OOPS"]).rated(Severity::Note),
    setting("kernel.perf_event_paranoid", 2..=4, 3, "everybody can measure the kernel").by_itself().needs(&["PERF_EVENTS"]),
    setting("kernel.randomize_va_space", 2..=2, 2, "where things are in programs can be known").by_itself().rated(Severity::High),
    setting("kernel.sysrq", 0..=0, 0, "who sits at the console can give orders to the kernel").needs(&["MAGIC_SYSRQ"]).rated(Severity::Note),
    setting("kernel.unprivileged_bpf_disabled", 1..=2, 1, "everybody can load programs into the kernel").default(&["BPF_UNPRIV_DEFAULT_OFF"]).needs(&["BPF_SYSCALL"]).rated(Severity::Medium),
    setting("kernel.warn_limit", 1..=100, 1, "a kernel that warns goes on and can be tried again").rated(Severity::Note),
    setting("kernel.yama.ptrace_scope", 1..=3, 3, "programs can look into others").default(&["SECURITY_YAMA"]),
    setting("net.core.bpf_jit_harden", 2..=2, 2, "programs that are loaded into the kernel can carry code").needs(&["BPF_JIT"]),
    setting("user.max_user_namespaces", 0..=0, 0, "everybody can be root in a namespace, where more of the kernel can be reached").needs(&["USER_NS"]).rated(Severity::Note),
    setting("vm.unprivileged_userfaultfd", 0..=0, 0, "everybody can stop the kernel where they want").by_itself().needs(&["USERFAULTFD"]),
];
