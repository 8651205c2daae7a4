//! What the Kernel Self Protection Project recommends, x86-64 first: a row for each option.
//!
//! To add an option: a row, with the version that it came with, what it depends on, and what stands in for it.

use std::fmt;

use super::Value;
use crate::finding::Severity;

/// What an option should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// Built in.
    On,
    /// Not set, not as a module either.
    Off,
    /// A number that isn't smaller.
    AtLeast(i128),
    /// One of these numbers.
    OneOf(&'static [i128]),
    /// A text that lists this word, between commas.
    Lists(&'static str),
}

impl Wanted {
    /// Whether a value is as it should be.
    pub(super) fn is_met_by(self, value: Option<&Value>) -> bool {
        match (self, value) {
            (Self::On, value) => value == Some(&Value::Yes),
            (Self::Off, value) => value.is_none(),
            (Self::AtLeast(least), Some(Value::Number(number))) => *number >= least,
            (Self::OneOf(numbers), Some(Value::Number(number))) => numbers.contains(number),
            (Self::Lists(word), Some(Value::Text(text))) => text.split(',').any(|other| other == word),
            (Self::AtLeast(_) | Self::OneOf(_) | Self::Lists(_), _) => false,
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::On => f.write_str("`y`"),
            Self::Off => f.write_str("off"),
            Self::AtLeast(least) => write!(f, "`{least}` or more"),
            Self::OneOf(numbers) => {
                let numbers: Vec<String> = numbers.iter().map(|number| format!("`{number}`")).collect();
                f.write_str(&numbers.join(" or "))
            }
            Self::Lists(word) => write!(f, "a list with `{word}`"),
        }
    }
}

/// What a kernel is for, as far as recommendations differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// `x86_64`.
    X86_64,
    /// `aarch64`.
    Arm64,
    /// Any other one.
    Other,
}

/// A setting that is recommended.
#[derive(Debug, Clone, Copy)]
pub struct Recommendation {
    /// The option, without `CONFIG_`.
    pub option: &'static str,
    /// What it should be.
    pub wanted: Wanted,
    /// Why.
    pub why: &'static str,
    /// How bad it is when it isn't.
    pub severity: Severity,
    /// The first version of Linux that has it.
    pub since: (u32, u32),
    /// The first version of Linux that doesn't have it any more.
    pub until: Option<(u32, u32)>,
    /// The architecture that alone has it.
    pub architecture: Option<Architecture>,
    /// Conditions, all of which have to be met: see [`super::KernelConfig::meets`].
    pub needs: &'static [&'static str],
    /// Options of which one that is on makes up for it.
    pub or: &'static [&'static str],
}

const fn row(option: &'static str, wanted: Wanted, why: &'static str) -> Recommendation {
    Recommendation {
        option,
        wanted,
        why,
        severity: Severity::Low,
        since: (0, 0),
        until: None,
        architecture: None,
        needs: &[],
        or: &[],
    }
}

const fn on(option: &'static str, why: &'static str) -> Recommendation {
    row(option, Wanted::On, why)
}

const fn off(option: &'static str, why: &'static str) -> Recommendation {
    row(option, Wanted::Off, why)
}

impl Recommendation {
    const fn since(self, major: u32, minor: u32) -> Self {
        Self { since: (major, minor), ..self }
    }

    const fn until(self, major: u32, minor: u32) -> Self {
        Self { until: Some((major, minor)), ..self }
    }

    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    const fn or(self, or: &'static [&'static str]) -> Self {
        Self { or, ..self }
    }

    const fn x86(self) -> Self {
        Self { architecture: Some(Architecture::X86_64), ..self }
    }

    const fn arm(self) -> Self {
        Self { architecture: Some(Architecture::Arm64), ..self }
    }

    const fn as_bad_as(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}

/// All rows, by what they protect.
#[rustfmt::skip]
pub const RECOMMENDED: &[Recommendation] = &[
    // Memory of the kernel.
    on("BUG", "a broken state stops who caused it"),
    on("STRICT_KERNEL_RWX", "the kernel's code can't be written, its data not be executed").or(&["DEBUG_RODATA"]).as_bad_as(Severity::High),
    on("STRICT_MODULE_RWX", "the code of modules can't be written, their data not be executed").needs(&["MODULES"]).or(&["DEBUG_SET_MODULE_RONX"]).as_bad_as(Severity::High),
    on("DEBUG_WX", "memory that is writable and executable is reported at the start").as_bad_as(Severity::Note),
    on("STACKPROTECTOR", "an overwritten stack is noticed").or(&["CC_STACKPROTECTOR", "CC_STACKPROTECTOR_STRONG"]).as_bad_as(Severity::Medium),
    on("STACKPROTECTOR_STRONG", "an overwritten stack is noticed in every function with an array").or(&["CC_STACKPROTECTOR_STRONG"]).as_bad_as(Severity::Medium),
    on("VMAP_STACK", "a stack that overflows hits an empty page").since(4, 9).as_bad_as(Severity::Medium),
    on("SCHED_STACK_END_CHECK", "an overflown stack is noticed when tasks are switched"),
    on("THREAD_INFO_IN_TASK", "what decides over a task isn't on its stack").since(4, 9),
    on("REFCOUNT_FULL", "counters of references don't overflow").since(4, 13).until(5, 5),
    on("HARDENED_USERCOPY", "copies from and to programs stay within their object").since(4, 8).as_bad_as(Severity::Medium),
    off("HARDENED_USERCOPY_FALLBACK", "copies outside of what an object allows are refused, not only reported").since(4, 16).until(5, 16).needs(&["HARDENED_USERCOPY"]),
    off("HARDENED_USERCOPY_PAGESPAN", "it only reports what is no mistake").since(4, 8).until(5, 19).needs(&["HARDENED_USERCOPY"]).as_bad_as(Severity::Note),
    on("FORTIFY_SOURCE", "copies that overflow a structure are noticed").since(4, 13).as_bad_as(Severity::Medium),
    on("INIT_ON_ALLOC_DEFAULT_ON", "memory is empty when it is given out").since(5, 3).as_bad_as(Severity::Medium),
    on("INIT_ON_FREE_DEFAULT_ON", "memory is emptied when it is given back").since(5, 3).or(&["PAGE_POISONING_ZERO"]),
    on("INIT_STACK_ALL_ZERO", "variables on the stack are empty at first").since(5, 9).or(&["GCC_PLUGIN_STRUCTLEAK_BYREF_ALL"]).as_bad_as(Severity::Medium),
    on("ZERO_CALL_USED_REGS", "registers keep nothing that a function left in them").since(5, 15),
    on("GCC_PLUGIN_STACKLEAK", "the stack is emptied after every system call").since(4, 20).needs(&["CC_IS_GCC", "GCC_PLUGINS"]).or(&["KSTACK_ERASE"]),
    off("STACKLEAK_METRICS", "nobody is told how deep the stack of others was").since(4, 20).needs(&["GCC_PLUGIN_STACKLEAK"]),
    off("STACKLEAK_RUNTIME_DISABLE", "emptying the stack can't be turned off").since(4, 20).needs(&["GCC_PLUGIN_STACKLEAK"]),
    on("GCC_PLUGIN_LATENT_ENTROPY", "there is more chance at the start").since(4, 9).needs(&["CC_IS_GCC", "GCC_PLUGINS"]).as_bad_as(Severity::Note),
    on("RANDSTRUCT_FULL", "structures are laid out in another way in every kernel").since(5, 19).or(&["GCC_PLUGIN_RANDSTRUCT", "RANDSTRUCT_PERFORMANCE"]).as_bad_as(Severity::Note),
    // Allocators and lists.
    on("SLAB_FREELIST_RANDOM", "which object comes next can't be guessed").since(4, 7),
    on("SLAB_FREELIST_HARDENED", "the list of free objects can't be forged").since(4, 14),
    off("SLAB_MERGE_DEFAULT", "objects of different kinds share no memory").since(4, 13),
    on("SLAB_BUCKETS", "objects whose size programs choose are kept apart").since(6, 11),
    on("RANDOM_KMALLOC_CACHES", "objects of one size are spread by chance").since(6, 6),
    on("SHUFFLE_PAGE_ALLOCATOR", "pages are given out in an order that can't be guessed").since(5, 2),
    on("SLUB_DEBUG", "the allocator can be told to check itself").as_bad_as(Severity::Note),
    on("PAGE_TABLE_CHECK", "pages of one program that get into another one are noticed").since(5, 17),
    on("PAGE_TABLE_CHECK_ENFORCED", "that check is always on").since(5, 17).needs(&["PAGE_TABLE_CHECK"]),
    on("LIST_HARDENED", "broken lists are noticed").since(6, 6).or(&["DEBUG_LIST"]),
    on("DEBUG_LIST", "broken lists are noticed").until(6, 6),
    on("DEBUG_SG", "broken lists of buffers are noticed").as_bad_as(Severity::Note),
    on("DEBUG_NOTIFIERS", "broken lists of callbacks are noticed").or(&["CFI_CLANG", "CFI"]).as_bad_as(Severity::Note),
    on("DEBUG_VIRTUAL", "addresses that can't be translated are noticed").as_bad_as(Severity::Note),
    on("DEBUG_CREDENTIALS", "broken credentials are noticed").until(6, 7).as_bad_as(Severity::Note),
    on("BUG_ON_DATA_CORRUPTION", "who breaks a list is stopped").since(4, 10),
    on("KFENCE", "accesses outside of objects are noticed now and then, at next to no cost").since(5, 12),
    on("UBSAN_BOUNDS", "accesses outside of arrays are noticed").since(5, 7),
    on("UBSAN_TRAP", "accesses outside of arrays are stopped").since(5, 7).needs(&["UBSAN_BOUNDS"]),
    // Where things are.
    on("RANDOMIZE_BASE", "where the kernel is can't be known").since(3, 14).as_bad_as(Severity::Medium),
    on("RANDOMIZE_MEMORY", "where the kernel's memory is can't be known").since(4, 8).x86().needs(&["RANDOMIZE_BASE"]),
    on("RANDOMIZE_KSTACK_OFFSET_DEFAULT", "where the stack of a system call starts can't be known").since(5, 13),
    row("DEFAULT_MMAP_MIN_ADDR", Wanted::AtLeast(65536), "programs can't put anything where a null pointer leads").x86(),
    row("DEFAULT_MMAP_MIN_ADDR", Wanted::AtLeast(32768), "programs can't put anything where a null pointer leads").arm(),
    off("COMPAT_BRK", "where the heap of a program is can't be known"),
    off("COMPAT_VDSO", "where the kernel's page in programs is can't be known").x86(),
    on("SECURITY_DMESG_RESTRICT", "only root reads what the kernel reports, addresses included"),
    off("PROC_KCORE", "the kernel's memory can't be read as a file").as_bad_as(Severity::Medium),
    // Processors.
    on("CPU_MITIGATIONS", "weaknesses of processors are worked around").since(6, 9).or(&["SPECULATION_MITIGATIONS"]).as_bad_as(Severity::High),
    on("MITIGATION_PAGE_TABLE_ISOLATION", "programs don't see where the kernel is (Meltdown)").since(4, 15).x86().or(&["PAGE_TABLE_ISOLATION"]).as_bad_as(Severity::High),
    on("MITIGATION_RETPOLINE", "jumps aren't led astray (Spectre)").since(4, 15).x86().or(&["RETPOLINE"]).as_bad_as(Severity::High),
    on("MITIGATION_RETHUNK", "returns aren't led astray (Retbleed)").since(5, 19).x86().needs(&["MITIGATION_RETPOLINE|RETPOLINE"]).or(&["RETHUNK"]).as_bad_as(Severity::Medium),
    on("MITIGATION_SLS", "processors don't run past a jump").since(5, 17).x86().or(&["SLS"]),
    on("X86_KERNEL_IBT", "jumps of the kernel lead to the start of a function only").since(5, 18).x86(),
    on("X86_USER_SHADOW_STACK", "programs can have their returns checked").since(6, 6).x86(),
    on("X86_UMIP", "programs can't ask where the kernel's tables are").since(4, 15).x86().or(&["X86_INTEL_UMIP"]),
    on("MICROCODE", "the processor's corrections are loaded").x86(),
    on("UNMAP_KERNEL_AT_EL0", "programs don't see where the kernel is (Meltdown)").since(4, 16).arm().as_bad_as(Severity::High),
    on("ARM64_SW_TTBR0_PAN", "the kernel can't be led into memory of programs").since(4, 10).arm(),
    on("ARM64_PTR_AUTH_KERNEL", "returns of the kernel are signed").since(5, 14).arm(),
    on("ARM64_BTI_KERNEL", "jumps of the kernel lead to the start of a function only").since(5, 8).arm().needs(&["ARM64_PTR_AUTH_KERNEL"]),
    on("SHADOW_CALL_STACK", "returns are kept where they can't be overwritten").since(5, 8).arm(),
    on("MITIGATE_SPECTRE_BRANCH_HISTORY", "jumps aren't led astray (Spectre)").since(5, 17).arm().as_bad_as(Severity::Medium),
    on("CFI_CLANG", "calls lead to functions of the right kind only").since(5, 13).needs(&["CC_IS_CLANG"]).or(&["CFI"]).as_bad_as(Severity::Note),
    off("CFI_PERMISSIVE", "calls that lead astray are stopped, not only reported").since(5, 13).needs(&["CFI_CLANG|CFI"]).as_bad_as(Severity::Medium),
    on("SCHED_CORE", "who doesn't trust each other needn't share a core").since(5, 14).needs(&["SCHED_SMT"]).as_bad_as(Severity::Note),
    // Devices that read and write memory by themselves.
    on("IOMMU_SUPPORT", "devices can be kept to their memory").as_bad_as(Severity::Note),
    on("IOMMU_DEFAULT_DMA_STRICT", "devices lose access at once").since(5, 14).needs(&["IOMMU_SUPPORT"]).as_bad_as(Severity::Note),
    on("INTEL_IOMMU_DEFAULT_ON", "devices are kept to their memory").x86().needs(&["INTEL_IOMMU"]),
    on("EFI_DISABLE_PCI_DMA", "devices can't write before the kernel has started").since(5, 6).needs(&["EFI", "PCI"]).as_bad_as(Severity::Note),
    on("RESET_ATTACK_MITIGATION", "memory is emptied when the machine starts anew").since(4, 14).needs(&["EFI"]).as_bad_as(Severity::Note),
    // What root may do to the kernel.
    off("MODULES", "nothing can be loaded into the kernel").as_bad_as(Severity::Note),
    on("MODULE_SIG", "modules are checked by their signature").needs(&["MODULES"]),
    on("MODULE_SIG_FORCE", "modules without a good signature aren't loaded").needs(&["MODULES"]).as_bad_as(Severity::Medium),
    on("MODULE_SIG_ALL", "all modules are signed when they are built").needs(&["MODULES", "MODULE_SIG"]).as_bad_as(Severity::Note),
    on("MODULE_SIG_SHA512", "modules are signed by the strongest digest").needs(&["MODULES", "MODULE_SIG"]).or(&["MODULE_SIG_SHA3_512", "MODULE_SIG_SHA384", "MODULE_SIG_SHA3_384"]).as_bad_as(Severity::Note),
    off("MODULE_FORCE_LOAD", "modules of another kernel can't be loaded").needs(&["MODULES"]),
    off("DEVMEM", "the machine's memory can't be read and written as a file").as_bad_as(Severity::Medium),
    on("STRICT_DEVMEM", "the kernel's own memory can't be read and written as a file").needs(&["DEVMEM"]).as_bad_as(Severity::High),
    on("IO_STRICT_DEVMEM", "memory of devices in use can't be read and written as a file").since(4, 5).needs(&["DEVMEM"]),
    off("DEVKMEM", "the kernel's memory can't be read and written as a file").until(5, 13).as_bad_as(Severity::High),
    off("DEVPORT", "ports of devices can't be read and written as a file"),
    off("ACPI_CUSTOM_METHOD", "root can't run code in the firmware's interpreter").until(6, 9),
    off("KEXEC", "another kernel can't be started without a check"),
    off("HIBERNATION", "the kernel's memory isn't written to disk and taken back from there"),
    off("X86_MSR", "registers of the processor can't be written by programs").x86(),
    off("X86_IOPL_IOPERM", "programs can't use ports of devices").since(5, 5).x86().as_bad_as(Severity::Note),
    off("DEBUG_FS", "what the kernel shows for finding mistakes can't be misused").as_bad_as(Severity::Note),
    off("KPROBES", "the kernel's code can't be changed by probes").as_bad_as(Severity::Note),
    on("STATIC_USERMODEHELPER", "the kernel starts one program only").since(4, 11).as_bad_as(Severity::Note),
    // What programs may do.
    on("SECURITY", "security modules can be had").as_bad_as(Severity::Medium),
    on("SECURITY_YAMA", "programs can't look into others").needs(&["SECURITY"]),
    on("SECURITY_LANDLOCK", "programs can restrict themselves").since(5, 13).needs(&["SECURITY"]),
    row("LSM", Wanted::Lists("yama"), "the module isn't used unless it is listed").since(5, 1).needs(&["SECURITY_YAMA"]),
    on("SECURITY_LOCKDOWN_LSM", "root can be kept from changing the kernel").since(5, 4).needs(&["SECURITY"]),
    on("SECURITY_LOCKDOWN_LSM_EARLY", "root is kept from changing the kernel from the start").since(5, 4).needs(&["SECURITY_LOCKDOWN_LSM"]).as_bad_as(Severity::Note),
    on("LOCK_DOWN_KERNEL_FORCE_CONFIDENTIALITY", "root can't read the kernel's memory").since(5, 4).needs(&["SECURITY_LOCKDOWN_LSM"]).as_bad_as(Severity::Note),
    off("SECURITY_SELINUX_DISABLE", "the module's hooks can be read-only").until(6, 4).needs(&["SECURITY_SELINUX"]),
    off("SECURITY_SELINUX_BOOTPARAM", "the command line can't turn it off").needs(&["SECURITY_SELINUX"]),
    off("SECURITY_SELINUX_DEVELOP", "what is refused isn't only reported").needs(&["SECURITY_SELINUX"]),
    on("SECCOMP", "programs can give up system calls").as_bad_as(Severity::High),
    on("SECCOMP_FILTER", "programs can give up system calls by a filter").needs(&["SECCOMP"]).as_bad_as(Severity::High),
    on("BPF_UNPRIV_DEFAULT_OFF", "not everybody can load programs into the kernel").since(5, 16).needs(&["BPF_SYSCALL"]).as_bad_as(Severity::Medium),
    on("BPF_JIT_ALWAYS_ON", "the interpreter, which can be led astray, isn't there").since(4, 15).needs(&["BPF_SYSCALL", "BPF_JIT"]).as_bad_as(Severity::Note),
    on("SYN_COOKIES", "a flood of half-open connections is survived").needs(&["INET"]),
    off("LDISC_AUTOLOAD", "not everybody can have line disciplines loaded").since(5, 1).needs(&["TTY"]),
    off("LEGACY_TIOCSTI", "programs can't type for others").since(6, 2).needs(&["TTY"]),
    off("LEGACY_PTYS", "terminals of the old kind aren't there").needs(&["TTY"]),
    off("BINFMT_MISC", "who starts programs isn't decided by rules that can be changed"),
    off("INET_DIAG", "addresses of sockets can't be asked for").as_bad_as(Severity::Note),
    off("USERFAULTFD", "programs can't stop the kernel where they want").as_bad_as(Severity::Note),
    off("IA32_EMULATION", "system calls of 32 bits aren't there").x86(),
    off("X86_X32_ABI", "system calls of the third kind aren't there").since(5, 18).x86().as_bad_as(Severity::Medium),
    off("X86_X32", "system calls of the third kind aren't there").until(5, 18).x86().as_bad_as(Severity::Medium),
    off("MODIFY_LDT_SYSCALL", "programs can't have segments of their own").since(4, 3).x86(),
    off("X86_VSYSCALL_EMULATION", "no code is at a known address in every program").since(3, 19).x86().or(&["LEGACY_VSYSCALL_NONE"]).as_bad_as(Severity::Medium),
    off("MAGIC_SYSRQ", "who sits at the console can't give orders to the kernel").as_bad_as(Severity::Note),
    // What happens when something is wrong.
    on("PANIC_ON_OOPS", "a kernel that is broken doesn't go on").as_bad_as(Severity::Note),
    row("PANIC_TIMEOUT", Wanted::OneOf(&[-1]), "a kernel that is broken starts anew at once").as_bad_as(Severity::Note),
    on("WERROR", "what the compiler warns of isn't built").since(5, 15).as_bad_as(Severity::Note),
];
