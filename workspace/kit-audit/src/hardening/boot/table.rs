//! What options of the command line do to the kernel's protections.

use crate::finding::Severity;

/// An option that protects.
#[derive(Debug)]
pub(super) struct Strengthening {
    pub(super) option: &'static str,
    /// The values that are good, the recommended one first.
    pub(super) values: &'static [&'static str],
    pub(super) why: &'static str,
    /// Conditions on the configuration that, all met, do the same.
    pub(super) default: &'static [&'static str],
    /// Conditions on the configuration without which the option does nothing.
    pub(super) needs: &'static [&'static str],
}

/// An option that takes a protection away.
#[derive(Debug)]
pub(super) struct Weakening {
    pub(super) option: &'static str,
    /// The values that do; any when there are none.
    pub(super) values: &'static [&'static str],
    pub(super) why: &'static str,
    pub(super) severity: Severity,
}

const fn good(
    option: &'static str,
    values: &'static [&'static str],
    why: &'static str,
    default: &'static [&'static str],
    needs: &'static [&'static str],
) -> Strengthening {
    Strengthening { option, values, why, default, needs }
}

const fn weak(
    option: &'static str,
    values: &'static [&'static str],
    why: &'static str,
    severity: Severity,
) -> Weakening {
    Weakening { option, values, why, severity }
}

#[rustfmt::skip]
pub(super) const STRENGTHENING: &[Strengthening] = &[
    good("init_on_alloc", &["1"], "memory is empty when it is given out", &["INIT_ON_ALLOC_DEFAULT_ON"], &[]),
    good("init_on_free", &["1"], "memory is emptied when it is given back", &["INIT_ON_FREE_DEFAULT_ON"], &[]),
    good("slab_nomerge", &[""], "objects of different kinds share no memory", &["!SLAB_MERGE_DEFAULT"], &[]),
    good("page_alloc.shuffle", &["1"], "pages are given out in an order that can't be guessed", &[], &["SHUFFLE_PAGE_ALLOCATOR"]),
    good("randomize_kstack_offset", &["on"], "where the stack of a system call starts can't be known", &["RANDOMIZE_KSTACK_OFFSET_DEFAULT"], &[]),
    good("mitigations", &["auto,nosmt"], "weaknesses of processors are worked around also where threads share a core", &[], &["SMP"]),
    good("pti", &["on"], "programs don't see where the kernel is, on any processor", &[], &["PAGE_TABLE_ISOLATION|MITIGATION_PAGE_TABLE_ISOLATION"]),
    good("vsyscall", &["none"], "no code is at a known address in every program", &["LEGACY_VSYSCALL_NONE"], &["X86_VSYSCALL_EMULATION"]),
    good("vdso32", &["0", "1"], "where the kernel's page in programs of 32 bits is can't be known", &["!COMPAT_VDSO"], &["IA32_EMULATION"]),
    good("hardened_usercopy", &["1"], "copies from and to programs stay within their object", &["HARDENED_USERCOPY"], &["HARDENED_USERCOPY"]),
    good("iommu.strict", &["1"], "devices lose access to memory at once", &["IOMMU_DEFAULT_DMA_STRICT"], &["IOMMU_SUPPORT"]),
    good("iommu.passthrough", &["0"], "devices are kept to their memory", &["!IOMMU_DEFAULT_PASSTHROUGH"], &["IOMMU_SUPPORT"]),
    good("lockdown", &["confidentiality", "integrity"], "root can't change the kernel", &["LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY"], &["SECURITY_LOCKDOWN_LSM"]),
    good("module.sig_enforce", &["1", ""], "modules without a good signature aren't loaded", &["MODULE_SIG_FORCE"], &["MODULES", "MODULE_SIG"]),
    good("debugfs", &["off", "no_mount"], "what the kernel shows for finding mistakes can't be misused", &[], &["DEBUG_FS"]),
];

#[rustfmt::skip]
pub(super) const WEAKENING: &[Weakening] = &[
    weak("mitigations", &["off"], "no weakness of any processor is worked around", Severity::High),
    weak("nokaslr", &[], "where the kernel is can be known", Severity::High),
    weak("norandmaps", &[], "where things are in programs can be known", Severity::High),
    weak("nopti", &[], "programs can read the kernel's memory (Meltdown)", Severity::High),
    weak("pti", &["off"], "programs can read the kernel's memory (Meltdown)", Severity::High),
    weak("nosmep", &[], "the kernel can be led into code of programs", Severity::High),
    weak("nosmap", &[], "the kernel can be led into memory of programs", Severity::High),
    weak("noexec", &["off"], "memory that isn't code can be executed", Severity::High),
    weak("rodata", &["off"], "the kernel's code can be written", Severity::High),
    weak("nospectre_v1", &[], "jumps can be led astray (Spectre)", Severity::Medium),
    weak("nospectre_v2", &[], "jumps can be led astray (Spectre)", Severity::Medium),
    weak("nospectre_bhb", &[], "jumps can be led astray (Spectre)", Severity::Medium),
    weak("spectre_v2", &["off"], "jumps can be led astray (Spectre)", Severity::Medium),
    weak("spectre_v2_user", &["off"], "jumps of programs can be led astray (Spectre)", Severity::Medium),
    weak("spectre_bhi", &["off"], "jumps can be led astray (Spectre)", Severity::Medium),
    weak("nospec_store_bypass_disable", &[], "stores can be passed by", Severity::Medium),
    weak("spec_store_bypass_disable", &["off"], "stores can be passed by", Severity::Medium),
    weak("l1tf", &["off"], "memory of others can be read from the cache", Severity::Medium),
    weak("mds", &["off"], "memory of others can be read from buffers", Severity::Medium),
    weak("tsx_async_abort", &["off"], "memory of others can be read from buffers", Severity::Medium),
    weak("mmio_stale_data", &["off"], "memory of others can be read from buffers", Severity::Medium),
    weak("srbds", &["off"], "random numbers of others can be read", Severity::Medium),
    weak("retbleed", &["off"], "returns can be led astray (Retbleed)", Severity::Medium),
    weak("spec_rstack_overflow", &["off"], "returns can be led astray (Inception)", Severity::Medium),
    weak("gather_data_sampling", &["off"], "registers of others can be read (Downfall)", Severity::Medium),
    weak("reg_file_data_sampling", &["off"], "registers of others can be read", Severity::Medium),
    weak("tsx", &["on"], "transactions of the processor are a way to read memory of others", Severity::Low),
    weak("dis_ucode_ldr", &[], "the processor's corrections aren't loaded", Severity::Medium),
    weak("init_on_alloc", &["0"], "memory isn't empty when it is given out", Severity::Low),
    weak("init_on_free", &["0"], "memory isn't emptied when it is given back", Severity::Low),
    weak("slab_merge", &[], "objects of different kinds share memory", Severity::Low),
    weak("slub_merge", &[], "objects of different kinds share memory", Severity::Low),
    weak("randomize_kstack_offset", &["off"], "where the stack of a system call starts can be known", Severity::Low),
    weak("hardened_usercopy", &["off"], "copies from and to programs aren't checked", Severity::Medium),
    weak("vsyscall", &["emulate", "native"], "code is at a known address in every program", Severity::Low),
    weak("vdso32", &["2"], "where the kernel's page in programs of 32 bits is can be known", Severity::Low),
    weak("iommu", &["off", "pt"], "devices can read and write all memory", Severity::Medium),
    weak("iommu.passthrough", &["1"], "devices can read and write all memory", Severity::Medium),
    weak("module.sig_enforce", &["0"], "modules without a good signature are loaded", Severity::Medium),
    weak("selinux", &["0"], "a security module is turned off", Severity::Medium),
    weak("apparmor", &["0"], "a security module is turned off", Severity::Medium),
    weak("enforcing", &["0"], "what a security module refuses is only reported", Severity::Medium),
    weak("lockdown", &["none"], "root can change the kernel", Severity::Low),
    weak("sysrq_always_enabled", &[], "who sits at the console can give orders to the kernel", Severity::Low),
    weak("arm64.nobti", &[], "jumps can lead anywhere", Severity::Medium),
    weak("arm64.nopauth", &[], "returns aren't signed", Severity::Medium),
];
