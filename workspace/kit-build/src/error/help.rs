//! What to do about an error.

use std::error::Error;
use std::io;

use super::{BuildError, Contradiction, written};

impl BuildError {
    /// Returns the next thing to do.
    pub fn help(&self) -> Option<String> {
        if let Some(error) = self.store_error() {
            return error.help().map(str::to_owned);
        }
        Some(match self {
            Self::Store(error) => return error.help().map(str::to_owned),
            Self::Damaged { .. } => {
                "run `kit store verify --repair`; when damage comes back, check the disk and the memory"
                    .to_owned()
            }
            Self::Sandbox { source, .. } => return source.help(),
            Self::Import { source, .. } => return source.help().map(str::to_owned),
            Self::Resolve(error) => return error.help(),
            Self::Unavailable(error) => return error.help(),
            Self::Crates(error) => return error.help(),
            Self::Upstream { error, .. } => return error.help(),
            Self::Image { error, .. } => return error.help(),
            Self::Script { title, failure, .. } => failure.help(title),
            Self::Output { source, .. } => return output_help(source).map(str::to_owned),
            Self::NoCargoHome => "install Rust, or set `CARGO_HOME` to where cargo keeps its cache".to_owned(),
            Self::Unpack { source, .. } if is_no_archive(source.as_ref()) => {
                "is the address right? to take the file as it is, write `unpack = false`".to_owned()
            }
            Self::Unpack { .. } => {
                "the file is as it was locked, so report the archive to those who made it".to_owned()
            }
            Self::Conflict { title, contradictions, .. } => conflict_help(title, contradictions),
            Self::GlobMatchesNothing { .. } => "correct the glob, or take it away".to_owned(),
            Self::BadLocal { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "make it readable for its owner and for you, by `chmod` or `chown`, or leave it out by `exclude`".to_owned()
            }
            Self::BadLocal { .. } => {
                "only files, directories and links inside of the project are taken: copy what is needed into it".to_owned()
            }
            Self::Extension { kind, unfit, .. } => super::extension::help(*kind, *unfit),
            Self::NoInit { .. } => "add a package with `/init` to `[init] packages`, such as `init`".to_owned(),
            Self::NoKernel { .. } => "let the package have one kernel, by `exclude` in its `[tree]`".to_owned(),
            Self::Microcode { .. } => "let `microcode` name an uncompressed cpio archive in the kernel's package: the kernel looks for `kernel/x86/microcode/` in it".to_owned(),
            Self::DeviceTree { .. } => "let `devicetree` name a compiled device tree (`.dtb`) in the kernel's package".to_owned(),
            Self::InitrdCompression { .. } => "let `initrd` of `[kernel]` be another one of `zstd`, `gzip`, `xz` and `none`, or take a kernel that has the option".to_owned(),
            Self::NoLocal { .. } => "check the path: it is relative to the project".to_owned(),
            Self::NoTool { tool } => {
                format!("add `{tool}` to `packages` in `recipes/tools.toml` and run `kit lock tools`")
            }
            Self::NoLock { subject, .. } => format!("run `kit lock {subject}`"),
            Self::Stale { subject, .. } => {
                format!("run `kit lock {subject}` and review what it changes in the lockfile")
            }
            Self::Different { path, .. } => {
                let subject = path.trim_start_matches("lockfiles/").trim_end_matches(".lock");
                format!(
                    "if the change is wanted, run `kit lock {subject}`; else find out what in this step depends on the \
                     machine"
                )
            }
            Self::NotVendored { .. } => "run `kit store verify --repair`, then the command again".to_owned(),
            Self::VendoredOther { .. } => {
                "`kit vendor --check` names all that is wrong with it; write it anew with `kit vendor`".to_owned()
            }
            Self::Write { source, .. } => return written::help(source.as_ref()).map(str::to_owned),
            Self::Plan(_)
            | Self::Several { .. }
            | Self::Io { .. }
            | Self::FileName { .. }
            | Self::Compose { .. }
            | Self::CargoLock { .. }
            | Self::LockProblems { .. } => return None,
        })
    }
}

/// Whether something else came than the archive that a name promises.
pub(super) fn is_no_archive(source: &(dyn Error + Send + Sync + 'static)) -> bool {
    matches!(source.downcast_ref(), Some(kit_format::sources::SourcesError::NoArchive { .. }))
}

fn output_help(source: &io::Error) -> Option<&'static str> {
    match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            Some("make room on its disk, or write to another one by `--out`")
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("name a directory that you may write to by `--out`")
        }
        io::ErrorKind::IsADirectory => {
            Some("there is a directory of that name: remove it, or write to another place by `--out`")
        }
        _ => None,
    }
}

fn conflict_help(title: &str, contradictions: &[Contradiction]) -> String {
    if !["root ", "files ", "package "].iter().any(|step| title.starts_with(step)) {
        return "use a package of its own that holds both and names the winner in its `[tree]` by `prefer`"
            .to_owned();
    }
    contradictions.first().map_or_else(String::new, |c| {
        format!(
            "name the winner in the recipe's `[tree]`: `prefer = {{ \"{}\" = \"{}\" }}`",
            c.path, c.second.0
        )
    })
}
