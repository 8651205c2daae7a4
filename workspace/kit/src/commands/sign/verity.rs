//! Root hashes of dm-verity, signed: each beside the disk or the extension whose root it is.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit_format::verity;
use kit_hash::Sha256;
use serde_json::json;

use super::Args;
use super::certified::Certified;
use crate::Failure;
use crate::commands::convert::DiskFile;
use crate::context::Context;
use crate::project::{open_file, write_file};

/// What systemd looks for beside an image, whose name it takes without `.raw`.
const SUFFIX: &str = ".roothash.p7s";

/// Signs the root hashes of all that is named.
pub(super) fn run(
    args: &Args,
    context: &Context,
    signer: &Certified<'_>,
    files: &[(&str, &Path)],
) -> Result<ExitCode, Failure> {
    let certificate = Sha256::of(signer.certificate.der()).to_string();
    let mut results = Vec::new();
    for (text, path) in files {
        let root_hash = root_hash(path)?;
        let signature = signer.key.sign_detached(root_hash.as_bytes(), &signer.certificate);
        let to = args.to.clone().unwrap_or_else(|| beside(path));
        write_file(&to, &signature.ok_or_else(|| signer.other())?)?;
        context.output.data(&format!("{}\n", to.display())).map_err(Failure::Output)?;
        context.output.say(&format!("signed the root hash {root_hash}\n"));
        results.push(json!({
            "file": text,
            "signature": to,
            "root_hash": root_hash,
            "certificate": certificate,
        }));
    }
    context.output.result(&json!({ "signed": results })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the root hash of what is on a disk, which is what is signed: 64 hexadecimal digits.
fn root_hash(path: &Path) -> Result<String, Failure> {
    let disk = DiskFile::new(open_file(path)?, path)?;
    let failed = |source| Failure::Sign { path: path.to_owned(), source: Box::new(source) };
    Ok(Sha256::from_bytes(verity::root_hash(&disk).map_err(failed)?).to_string())
}

fn beside(image: &Path) -> PathBuf {
    let whole = image.as_os_str().as_encoded_bytes();
    let mut name = match image.extension() {
        Some(extension) if extension == "raw" && whole.len() > ".raw".len() => {
            image.with_extension("").into_os_string()
        }
        _ => image.as_os_str().to_owned(),
    };
    name.push(SUFFIX);
    name.into()
}
