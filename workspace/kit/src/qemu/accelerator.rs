//! What executes a machine's instructions.

/// How a machine's instructions are executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accelerator {
    /// By the processor.
    Kvm,
    /// By translation.
    Emulation,
}

impl Accelerator {
    /// Returns KVM when this user may use it and the processor, by what `/proc/cpuinfo` says, can virtualise. The
    /// device alone means little: guests of some hypervisors have one that runs nothing.
    pub(crate) fn find(cpuinfo: &str) -> Self {
        let mut flags =
            cpuinfo.lines().filter(|line| line.starts_with("flags")).flat_map(str::split_whitespace);
        let able = flags.any(|flag| flag == "vmx" || flag == "svm");
        let allowed = || {
            let rights = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK;
            rustix::fs::access("/dev/kvm", rights).is_ok()
        };
        if able && allowed() { Self::Kvm } else { Self::Emulation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processor_that_can_t_virtualise_means_emulation() {
        assert_eq!(
            Accelerator::find("flags\t\t: fpu sse2 hypervisor\nmodel name: vmx\n"),
            Accelerator::Emulation
        );
        assert_eq!(Accelerator::find(""), Accelerator::Emulation);
    }
}
