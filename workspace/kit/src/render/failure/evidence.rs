//! What to do about failures of verifications, audits and signatures.

use std::path::Path;

use crate::Failure;

/// Returns the next thing to do.
pub(super) fn help(failure: &Failure) -> Option<String> {
    Some(match failure {
        Failure::Denied { .. } => {
            "each finding says what to do; what is to be let through needs an `[[exception]]` with a reason and a day in `policy.toml`".to_owned()
        }
        Failure::OnlineOffline => {
            "leave one of them out; without `--online`, an audit says nothing of newer versions".to_owned()
        }
        Failure::NoSuchCapability { close: Some(close), .. } => format!("did you mean `{close}`?"),
        Failure::NoSuchCapability { close: None, .. } => {
            "capabilities are called as in capabilities(7), such as `CAP_NET_ADMIN`".to_owned()
        }
        Failure::NoAdvisories { image, .. } => {
            format!("name some by `--advisories PATH`, or pin them by `kit lock {image} --advisories PATH`")
        }
        Failure::UnknownVulnerability { .. } => {
            "look whether it is written as its publisher writes it, or name newer advisories by `--advisories PATH`"
                .to_owned()
        }
        Failure::NoSuchByte { length: Some(length), .. } if *length > 0 => {
            format!("offsets go from 0 to {}", length - 1)
        }
        Failure::NoSuchByte { .. } => "name an offset that is in the file".to_owned(),
        Failure::WhichOutput { outputs, .. } => {
            format!("name one by `--of`, there is {}", crate::failure::quoted(outputs))
        }
        Failure::ToolsAudited { .. } => "name the lockfile of an image".to_owned(),
        Failure::NoneNamed => {
            "name them behind `--advisories`, or in `kit.toml` by `[advisories] from = [\"ADDRESS or path\"]`".to_owned()
        }
        Failure::AdvisoriesOfOthers { .. } => {
            "take those that OSV publishes for Debian or crates.io, or what Debian's security tracker does".to_owned()
        }
        Failure::Open { source, .. } => source.help(),
        Failure::NothingToAudit { .. } => {
            "name an image of the project, a lockfile, a file or a directory, or a reference with its registry or tag, such as `registry.example/web:1`".to_owned()
        }
        Failure::NoSnapshot { image, .. } => {
            format!("run `kit lock {image} --advisories PATH` with advisories, or take a bundle that has them by `--vendor`")
        }
        Failure::NoPassphrase { .. } => "name a file with it by `--passphrase-file`".to_owned(),
        Failure::NoAgent => "start one with `eval $(ssh-agent)`, and add the key by `ssh-add`".to_owned(),
        Failure::OneSignature { .. } => "sign one file at a time, or leave `--to` out".to_owned(),
        Failure::OnlyOfFiles { option: "--envelope", .. } => {
            "`--attest DOCUMENT` puts a statement about the image into an envelope".to_owned()
        }
        Failure::OnlyOfFiles { .. } => "what signs an image is put beside it: leave the option out".to_owned(),
        Failure::OnlyOfImages { .. } => {
            "name an image in a registry, or the directory of a layout; a statement in a file is signed by `--envelope`".to_owned()
        }
        Failure::SignedBefore { path } => {
            format!("name another file by `--to`, such as `{}`; all beside the file are checked", second(path))
        }
        Failure::Certificate { source, .. } => source.help()?.to_owned(),
        Failure::OtherCertificate { key, .. } => {
            format!("name the one that was made for the key, or make one: `openssl req -x509 -key {} -subj /CN=NAME`", key.display())
        }
        Failure::OtherEnvelope { .. } => "name another file by `--to`".to_owned(),
        Failure::NobodyTrusted => {
            "list public keys in `kit.toml`, under `[signatures.keys]`: `alice = \"keys/alice.pub\"`".to_owned()
        }
        Failure::NotSigned { .. } => {
            "`[signatures]` in `kit.toml` says whose signatures count, and how many are needed".to_owned()
        }
        Failure::Key { source, .. } => return source.help().map(str::to_owned),
        Failure::BundleLacks { .. }
        | Failure::BundleUnproved { .. }
        | Failure::BundleWithoutProject { .. }
        | Failure::BundleWithHooks { .. } => bundle_help(failure)?,
        Failure::NotMeasured { image } => {
            format!("add `kernel+initrd` to `formats` in `recipes/images/{image}.toml` and run `kit lock {image}`")
        }
        Failure::Evidence { .. } => {
            "this is a bug in kit: please report it, with the command and what stands here".to_owned()
        }
        Failure::OtherFile { .. } => {
            "it was changed, or made from something else than its lockfile pins: don't trust it".to_owned()
        }
        Failure::UnknownArtifact { .. } => {
            "it takes any output of `kit build`, and no lockfile of the project or its history has this one; `--against` compares any two files".to_owned()
        }
        Failure::UnreadableArtifact { .. } => {
            "get the file again: it is damaged, or was made by something else than kit".to_owned()
        }
        Failure::NoPin { kind, .. } => no_pin_help(kind),
        Failure::NoLockFor { changes, .. } if changes.is_empty() => {
            "name it by `--lock FILE`, or run this in the project that the file was made in".to_owned()
        }
        Failure::NoLockFor { .. } => {
            "check out the state of the project that the file was made from, and verify it there".to_owned()
        }
        Failure::OtherLock { .. } => "leave `--lock` out to look in the project and its history".to_owned(),
        Failure::History(_) => "name the lockfile by `--lock FILE`".to_owned(),
        Failure::WholeFile => "leave `--depth` and `--only` out, or name an image".to_owned(),
        Failure::OneAgainst { .. } => "write `kit verify FILE --against FILE`".to_owned(),
        Failure::FileAndDirectory { .. } => "compare two files, or two directories".to_owned(),
        Failure::OneStatement { .. } => "verify one image, or one file, at a time".to_owned(),
        Failure::Statements { .. } => {
            "name the files, for example `kit verify --quorum 2 statements/*.json`".to_owned()
        }
        Failure::Statement { .. } => {
            "`kit verify IMAGE --statement FILE --verifier NAME` writes statements".to_owned()
        }
        Failure::Incomparable(_) => {
            "compare statements about the outputs of one image, each written with `--verifier NAME`"
                .to_owned()
        }
        Failure::NoQuorum { .. } => {
            "the table says who came to what; only those who found everything the same are counted".to_owned()
        }
        Failure::NotReproducible { .. } => {
            "correct the first causes above: what else differs follows from them".to_owned()
        }
        _ => return None,
    })
}

/// Returns a name for another signature beside the first.
fn second(path: &Path) -> String {
    let text = path.display().to_string();
    text.rsplit_once('.').map_or_else(|| format!("{text}.2"), |(stem, end)| format!("{stem}.2.{end}"))
}

fn no_pin_help(kind: &str) -> String {
    let place = if kind == "a boot command line" { "`kit.pin=`" } else { "`KIT_PIN=` in `/etc/os-release`" };
    format!(
        "it is {kind} without {place}, and no lockfile of the project or its history has its digest; `--against FILE` compares it with another one"
    )
}

fn bundle_help(failure: &Failure) -> Option<String> {
    Some(match failure {
        Failure::BundleLacks { path, subjects, .. } => {
            format!("run `kit vendor {} --to {}`", subjects.join(" "), path.display())
        }
        Failure::BundleUnproved { .. } => {
            "each line that begins with `broken` says what doesn't hold; is the lockfile the one that the bundle was made for?"
                .to_owned()
        }
        Failure::BundleWithoutProject { .. } => {
            "write it once more by `kit vendor`, where the project is".to_owned()
        }
        Failure::BundleWithHooks { .. } => "don't trust it: ask its maker why that is there".to_owned(),
        _ => return None,
    })
}
