//! `kit sign`: signatures of files, beside them, and of images, beside them in their registry or layout.

mod certified;
mod image;
mod secure_boot;
mod signer;
mod verity;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit_audit::dsse::Envelope;
use kit_audit::signature::Signature;
use kit_audit::statement::Statement;
use serde_json::{Value, json};

use self::certified::Certified;
pub(crate) use self::secure_boot::sign_by;
use self::signer::Signer;
use crate::Failure;
use crate::context::Context;
use crate::project::{open_file, read_file, write_file};
use crate::signed::Named;

const EXAMPLES: &str = "\
Examples:
  kit sign out/minimal.tar --key ~/.ssh/id_ed25519         writes out/minimal.tar.sig: `ssh-keygen -Y verify` accepts it
  kit sign out/minimal.tar --key minisign.key              writes out/minimal.tar.minisig
  kit sign out/minimal.tar --key cosign.pem --to a.sig     what `cosign verify-blob --key` and `openssl` accept
  kit sign out/minimal.tar --agent ~/.ssh/id_ed25519.pub   by the SSH agent, which keeps the key
  kit sign minimal.intoto.json --key key.pem --envelope    a DSSE envelope around a statement; a second key adds its signature
  kit sign registry.example/team/minimal:1 --key key.pem   beside the image in its registry; `cosign verify --key` finds it, too
  kit sign out/minimal.oci --key key.pem                   into the layout; `kit push` takes it along
  kit sign registry.example/team/minimal:1 --key key.pem --attest minimal.spdx.json
                                                           what the SBOM says, signed, beside the image
  kit sign out/minimal.efi --secure-boot db.key db.pem     writes out/minimal.efi.signed: firmware with the certificate starts it
  kit sign out/server-efi.img --secure-boot db.key db.pem  writes out/server-efi.img.signed: the programs on the disk are signed
  kit sign out/debug.sysext.raw --verity db.key db.pem     writes out/debug.sysext.roothash.p7s: Linux and systemd check it

`kit verify --signatures FILE|REFERENCE|LAYOUT` checks them by the keys that `kit.toml` trusts.";

/// Sign files and images with a key of SSH, minisign, cosign or openssl
///
/// A signature is something of its own, beside what it signs, which doesn't change. The same key and the same bytes give the same signature. Of an image its manifest is signed, which names everything else; of several platforms, their index.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("by").required(true).args(["key", "agent", "secure_boot", "verity"]))]
pub(crate) struct Args {
    /// Sign this file, image of a registry, or OCI layout (can be repeated)
    #[arg(value_name = "FILE|REFERENCE|LAYOUT", required = true)]
    subjects: Vec<String>,
    /// Sign with the private key in this file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Sign through the SSH agent with the key whose public half is in this file [env: `SSH_AUTH_SOCK`]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Sign programs for UEFI, such as unified kernel images and all those on a disk or disc, as Secure Boot has it: with this RSA key and its certificate, both in PEM; the signed program, or disk, is a file of its own
    #[arg(long, num_args = 2, value_names = ["KEY", "CERTIFICATE"], conflicts_with_all = ["envelope", "attest"])]
    secure_boot: Option<Vec<PathBuf>>,
    /// Sign the root hash of the dm-verity tree on a disk or in an extension, as Linux and systemd take it (PKCS#7), after checking what is on it: with this RSA key and its certificate, both in PEM
    #[arg(long, num_args = 2, value_names = ["KEY", "CERTIFICATE"], conflicts_with_all = ["envelope", "attest"])]
    verity: Option<Vec<PathBuf>>,
    /// Read the passphrase of the key from the first line of this file [default: asked for on the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    passphrase_file: Option<PathBuf>,
    /// Put a statement (in-toto, JSON) into a DSSE envelope, or add a signature to one
    #[arg(long)]
    envelope: bool,
    /// Say by a signed statement that this document is about the image, instead of signing the image: an SBOM, or an in-toto statement such as provenance
    #[arg(long, value_name = "FILE", conflicts_with_all = ["envelope", "to"])]
    attest: Option<PathBuf>,
    /// Write the signature to this file [default: beside the file, with `.sig`, `.minisig`, `.dsse`, `.signed` or `.roothash.p7s` behind its name]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if args.to.is_some() && args.subjects.len() > 1 {
        return Err(Failure::OneSignature { files: args.subjects.len() });
    }
    let subjects: Vec<_> = args.subjects.iter().map(|text| (text, Named::read(text))).collect();
    if let Some([key, certificate]) = args.secure_boot.as_deref().or(args.verity.as_deref()) {
        let signer = Certified::read(key, certificate, args.passphrase_file.as_deref(), context)?;
        return if args.verity.is_some() {
            verity::run(args, context, &signer, &only_files("--verity", &subjects)?)
        } else {
            secure_boot::run(args, context, &signer, &only_files("--secure-boot", &subjects)?)
        };
    }
    for (text, named) in &subjects {
        check_options(args, text, named)?;
    }
    let signer = Signer::read(args, context)?;
    let mut results = Vec::new();
    for (text, named) in &subjects {
        let signed = match named {
            Named::File(path) => vec![file(args, &signer, path)?],
            Named::Layout(path) => image::in_layout(args, context, &signer, path)?,
            Named::Registry(reference) => image::in_registry(args, context, &signer, reference)?,
        };
        for signature in signed {
            context.output.data(&format!("{signature}\n")).map_err(Failure::Output)?;
            results.push(json!({ "file": text, "signature": signature, "key": signer.id() }));
        }
    }
    let result: Value = json!({ "signed": results });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes subjects as files, each with how it was named, for an option that is about nothing else.
fn only_files<'a>(
    option: &'static str,
    subjects: &'a [(&'a String, Named)],
) -> Result<Vec<(&'a str, &'a Path)>, Failure> {
    let file = |(text, named): &'a (&'a String, Named)| match named {
        Named::File(path) => Ok((text.as_str(), path.as_path())),
        Named::Layout(_) | Named::Registry(_) => {
            Err(Failure::OnlyOfFiles { option, subject: (*text).clone() })
        }
    };
    subjects.iter().map(file).collect()
}

/// Refuses what says nothing about a file, or an image.
fn check_options(args: &Args, text: &str, named: &Named) -> Result<(), Failure> {
    let subject = text.to_owned();
    match named {
        Named::File(_) if args.attest.is_some() => Err(Failure::OnlyOfImages { option: "--attest", subject }),
        Named::Layout(_) | Named::Registry(_) if args.envelope => {
            Err(Failure::OnlyOfFiles { option: "--envelope", subject })
        }
        Named::Layout(_) | Named::Registry(_) if args.to.is_some() => {
            Err(Failure::OnlyOfFiles { option: "--to", subject })
        }
        Named::File(_) | Named::Layout(_) | Named::Registry(_) => Ok(()),
    }
}

/// Signs a file; returns where the signature is.
fn file(args: &Args, signer: &Signer<'_>, path: &Path) -> Result<String, Failure> {
    let (at, text) = if args.envelope { envelope(args, signer, path)? } else { plain(args, signer, path)? };
    write_file(&at, &text)?;
    Ok(at.display().to_string())
}

/// Signs the bytes of a file.
fn plain(args: &Args, signer: &Signer<'_>, file: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut content = std::io::BufReader::new(open_file(file)?);
    let signature = signer.sign(&mut content, &format!("file:{name}"), file)?;
    let path = args.to.clone().unwrap_or_else(|| beside(file, signature.file_suffix()));
    if args.to.is_none() {
        check_free(&path, &signature, &signer.id())?;
    }
    Ok((path, signature.to_text().into_bytes()))
}

/// Puts a statement into an envelope, or adds a signature to the one that is there.
fn envelope(args: &Args, signer: &Signer<'_>, file: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    const SUFFIX: &str = ".dsse";
    let path = args.to.clone().unwrap_or_else(|| beside(file, SUFFIX));
    let statement = read_file(file, Statement::LIMIT)?;
    let earlier = path.is_file().then(|| read_file(&path, Envelope::LIMIT as u64)).transpose()?;
    let envelope = match earlier {
        Some(text) => Envelope::parse(&text)
            .map_err(|source| Failure::Sign { path: file.to_owned(), source: Box::new(source) })?,
        None => Envelope::new(statement.clone()),
    };
    if envelope.payload() != statement.as_slice() {
        return Err(Failure::OtherEnvelope { path, file: file.to_owned() });
    }
    Ok((path, signer.sign_envelope(envelope, file)?))
}

/// Returns the path of a file with something behind its name.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Fails where the signature of another key is already there: it would be lost.
fn check_free(path: &Path, signature: &Signature, key: &str) -> Result<(), Failure> {
    if !path.is_file() {
        return Ok(());
    }
    let mut bytes = Vec::new();
    _ = open_file(path)?.take(Signature::LIMIT as u64 + 1).read_to_end(&mut bytes);
    match Signature::parse(&bytes) {
        Ok(there) if there == *signature || there.key().is_some_and(|there| there == key) => Ok(()),
        // A signature of this format names no key, so nobody knows whose it is.
        _ => Err(Failure::SignedBefore { path: path.to_owned() }),
    }
}
