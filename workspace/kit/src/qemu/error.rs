//! Why a machine isn't what was asked for.

use kit_sandbox::{SandboxError, Status};

/// Why a machine isn't what was asked for.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MachineError {
    /// The sandbox around it can't be made.
    #[error("the emulator can't be started")]
    Sandbox(#[source] SandboxError),
    /// The emulator itself failed.
    #[error("the emulator failed: {how}")]
    Emulator {
        /// How it ended.
        how: String,
    },
    /// The kernel gave up.
    #[error("the kernel panicked")]
    Panic,
    /// The firmware starts only what is signed.
    #[error("the firmware refused what it was to start")]
    Refused,
    /// kit-init gave up.
    #[error("the system did not come up")]
    BootFailed,
    /// The awaited text didn't come in time.
    #[error("`{until}` did not appear within {seconds} s")]
    Timeout {
        /// The text.
        until: String,
        /// The time.
        seconds: u64,
    },
    /// The machine ended without printing the awaited text.
    #[error("the machine ended before `{until}` appeared")]
    EndedEarly {
        /// The text.
        until: String,
    },
    /// Its TPM isn't there.
    #[error("the software TPM did not start")]
    Tpm,
    /// Its console can't be read or shown.
    #[error("the console can't be read")]
    Console(#[source] std::io::Error),
}

impl MachineError {
    /// Returns the stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Sandbox(_) => "kit::run::sandbox",
            Self::Emulator { .. } => "kit::run::emulator",
            Self::Panic => "kit::run::panic",
            Self::Refused => "kit::run::refused",
            Self::BootFailed => "kit::run::boot_failed",
            Self::Timeout { .. } => "kit::run::timeout",
            Self::EndedEarly { .. } => "kit::run::ended_early",
            Self::Tpm => "kit::run::tpm",
            Self::Console(_) => "kit::run::console",
        }
    }

    /// Returns the next thing to do.
    pub(crate) fn help(&self) -> Option<String> {
        Some(match self {
            Self::Sandbox(error) => return error.help(),
            Self::Emulator { .. } | Self::Tpm | Self::Console(_) => return None,
            Self::Panic => "the lines above the panic say what the kernel missed".to_owned(),
            Self::Refused => {
                "no key of the certificate that `--secure-boot` names has signed it: `kit sign --secure-boot` does"
                    .to_owned()
            }
            Self::BootFailed => "the lines that start with `kit-init:` above say what failed".to_owned(),
            Self::Timeout { .. } => {
                "if the machine was still on its way, allow more by `--timeout SECONDS`".to_owned()
            }
            Self::EndedEarly { .. } => "its last lines above say why".to_owned(),
        })
    }

    /// Returns the failure of an emulator that didn't end by itself.
    pub(crate) fn of_emulator(status: Status) -> Option<Self> {
        let how = match status {
            Status::Exited(0) | Status::TimedOut => return None,
            Status::Exited(code) => format!("it returned {code}"),
            Status::Signalled(signal) => format!("signal {signal} ended it"),
            Status::Killed => "it was killed".to_owned(),
            Status::OutputLimit | Status::MemoryLimit => "it needed more than it may".to_owned(),
        };
        Some(Self::Emulator { how })
    }
}
