//! What a machine starts with: its firmware, and what the firmware remembers.

use std::path::PathBuf;

use super::boot::{Shown, Writes};

/// Firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Firmware {
    /// `SeaBIOS`, which is part of QEMU's package.
    Bios,
    /// OVMF, for ARM AAVMF.
    Uefi {
        /// Its program.
        code: PathBuf,
        /// Its variables as they are at first. What the machine changes of them is forgotten with it.
        variables: PathBuf,
        /// Whether it starts only what is signed.
        secure_boot: SecureBoot,
    },
}

/// Whether firmware starts only what is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecureBoot {
    /// It starts everything.
    Off,
    /// It starts what the keys in its variables have signed, and keeps those in memory that nothing else reaches.
    On,
}

const CODE: &str = "/src/firmware";
const VARIABLES: &str = "/src/variables";

impl Firmware {
    /// Returns QEMU's arguments for it.
    pub(crate) fn arguments(&self) -> Vec<String> {
        let Self::Uefi { secure_boot, .. } = self else { return Vec::new() };
        let mut words = vec![
            "-drive".to_owned(),
            format!("if=pflash,unit=0,format=raw,readonly=on,file={CODE}"),
            "-drive".to_owned(),
            format!("if=pflash,unit=1,format=raw,snapshot=on,file={VARIABLES}"),
        ];
        if *secure_boot == SecureBoot::On {
            words.extend(["-global", "driver=cfi.pflash01,property=secure,value=on"].map(str::to_owned));
        }
        words
    }

    /// Returns what is added to the board's own words.
    pub(crate) fn board_words(&self) -> &'static str {
        match self {
            Self::Uefi { secure_boot: SecureBoot::On, .. } => ",smm=on",
            Self::Uefi { .. } | Self::Bios => "",
        }
    }

    /// Returns the files that it takes.
    pub(crate) fn files(&self) -> Vec<Shown> {
        let Self::Uefi { code, variables, .. } = self else { return Vec::new() };
        [(code, CODE), (variables, VARIABLES)]
            .map(|(file, target)| Shown {
                file: file.clone(),
                target: target.to_owned(),
                writes: Writes::Forgotten,
            })
            .to_vec()
    }
}
