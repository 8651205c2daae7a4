//! Programs for UEFI with a signature of Secure Boot in them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _};
use std::path::Path;
use std::process::ExitCode;

use kit_audit::signature::secure_boot::{Certificate, RsaKey};
use kit_audit::signature::{KeyError, PublicKey};
use kit_format::authenticode::{Changed, digest_to_sign, entries, entry, signed};
use kit_hash::Sha256;
use serde_json::json;

use super::signer::{passphrase, warn_of_others};
use super::{Args, beside};
use crate::Failure;
use crate::context::Context;
use crate::project::{open_file, read_file, write_file_by};
use crate::signed::Named;

/// What is put behind the name of a program for the signed one.
const SUFFIX: &str = ".signed";

/// What signs: a key and the certificate that is about it.
pub(super) struct Signer<'a> {
    key: RsaKey,
    certificate: Certificate,
    key_path: &'a Path,
    certificate_path: &'a Path,
}

impl<'a> Signer<'a> {
    /// Reads both.
    pub(super) fn read(
        key_path: &'a Path,
        certificate_path: &'a Path,
        passphrase_file: Option<&Path>,
        context: &Context,
    ) -> Result<Self, Failure> {
        let failed = |source| Failure::Key { path: key_path.to_owned(), source };
        let bytes = read_file(key_path, PublicKey::LIMIT as u64)?;
        let key = match RsaKey::parse(&bytes, None) {
            Err(KeyError::NeedsPassphrase) => {
                RsaKey::parse(&bytes, Some(&passphrase(passphrase_file, key_path)?)).map_err(failed)?
            }
            read => read.map_err(failed)?,
        };
        warn_of_others(key_path, context)?;
        let bytes = read_file(certificate_path, Certificate::LIMIT as u64)?;
        let certificate = Certificate::parse(&bytes)
            .map_err(|source| Failure::Certificate { path: certificate_path.to_owned(), source })?;
        Ok(Self { key, certificate, key_path, certificate_path })
    }

    /// Returns a program with a signature by this key.
    fn sign(&self, program: &Program<'_>) -> Result<Changed, Failure> {
        let other = || {
            let [certificate, key] = [self.certificate_path, self.key_path].map(Path::to_owned);
            Failure::OtherCertificate { certificate, key }
        };
        program.signed_by(&self.key, &self.certificate)?.ok_or_else(other)
    }
}

/// Signs a program by a key that is in no file, and writes it to another place.
pub(crate) fn sign_by(
    (key, certificate): &(RsaKey, Certificate),
    path: &Path,
    to: &Path,
) -> Result<(), Failure> {
    let program = Program::read(path)?;
    let changed = program.signed_by(key, certificate)?.expect("because the certificate is about the key");
    write(&program, &changed, to)
}

/// A program that is to be signed.
struct Program<'a> {
    path: &'a Path,
    file: File,
    length: u64,
}

impl<'a> Program<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        let file = open_file(path)?;
        let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self { path, file, length })
    }

    /// Opens it at its start; what was opened before is at its start, too.
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        (&self.file).rewind()?;
        Ok(Box::new(BufReader::new(&self.file)))
    }

    /// Returns it with a signature behind those that it has; one that it has already isn't added again. None where the certificate is about
    /// another key.
    fn signed_by(&self, key: &RsaKey, certificate: &Certificate) -> Result<Option<Changed>, Failure> {
        let open = &|| self.open();
        let digest = digest_to_sign(open, self.length).map_err(|source| self.failed(source))?;
        let Some(signature) = key.sign(&digest, certificate) else { return Ok(None) };
        let mut entries = entries(open, self.length).map_err(|source| self.failed(source))?;
        let entry = entry(&signature);
        if !entries.contains(&entry) {
            entries.push(entry);
        }
        signed(open, self.length, &entries).map(Some).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: impl std::error::Error + Send + Sync + 'static) -> Failure {
        Failure::Sign { path: self.path.to_owned(), source: Box::new(source) }
    }
}

/// Signs all that is named.
pub(super) fn run(
    args: &Args,
    context: &Context,
    signer: &Signer<'_>,
    subjects: &[(&String, Named)],
) -> Result<ExitCode, Failure> {
    let certificate = Sha256::of(signer.certificate.der());
    let mut results = Vec::new();
    for (text, named) in subjects {
        let Named::File(path) = named else {
            return Err(Failure::OnlyOfFiles { option: "--secure-boot", subject: (*text).clone() });
        };
        let to = args.to.clone().unwrap_or_else(|| beside(path, SUFFIX));
        sign(signer, path, &to)?;
        context.output.data(&format!("{}\n", to.display())).map_err(Failure::Output)?;
        results.push(json!({ "file": text, "signed": to, "certificate": certificate.to_string() }));
    }
    context.output.result(&json!({ "signed": results })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn sign(signer: &Signer<'_>, path: &Path, to: &Path) -> Result<(), Failure> {
    let program = Program::read(path)?;
    let changed = signer.sign(&program)?;
    write(&program, &changed, to)
}

fn write(program: &Program<'_>, changed: &Changed, to: &Path) -> Result<(), Failure> {
    write_file_by(to, &mut |file| io::copy(&mut changed.stream(program.open()?), file).map(|_| ()))
}
