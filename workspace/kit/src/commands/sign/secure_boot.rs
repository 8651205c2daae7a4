//! Programs for UEFI with a signature of Secure Boot in them: each in a file of its own, or those on a disk.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitCode;

use kit_audit::signature::secure_boot::{Certificate, RsaKey};
use kit_format::authenticode::{Changed, with_another};
use kit_format::disk_image::{self, DiskFormat, DiskLimits, DiskReadError, ReadDisk};
use kit_format::signing::{self, Changes};
use kit_hash::Sha256;
use kit_store::sparse::SparseFile;
use serde_json::json;

use super::certified::Certified;
use super::{Args, beside};
use crate::Failure;
use crate::commands::convert::DiskFile;
use crate::context::Context;
use crate::project::{open_file, write_file_by};
use crate::unsigned::from_start;

/// What is put behind the name of a program, or a disk, for the signed one.
const SUFFIX: &str = ".signed";

/// Signs a program, or the programs on a disk, by a key that is in no file, and writes it to another place.
pub(crate) fn sign_by(
    (key, certificate): &(RsaKey, Certificate),
    path: &Path,
    to: &Path,
) -> Result<(), Failure> {
    let unsigned = Unsigned::read(path)?;
    let signed = unsigned.signed_by(key, certificate)?.expect("because the certificate is about the key");
    unsigned.write(&signed, to)
}

/// What is to be signed.
struct Unsigned<'a> {
    path: &'a Path,
    file: File,
    length: u64,
}

/// It signed, told by what changes.
enum Signed {
    Program(Changed),
    /// With the programs that are on it.
    Disk(Changes),
}

/// Why a file isn't signed.
#[derive(Debug, thiserror::Error)]
enum SignError {
    /// A disk that is in a container, where what changes would move the rest.
    #[error(
        "it is a disk as {format}, and only those that are in no container are signed: `kit convert` takes it out (`raw`), and puts it back"
    )]
    Container {
        /// In which.
        format: DiskFormat,
    },
}

impl<'a> Unsigned<'a> {
    fn read(path: &'a Path) -> Result<Self, Failure> {
        let file = open_file(path)?;
        let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
        let length = file.metadata().map_err(failed)?.len();
        Ok(Self { path, file, length })
    }

    /// Opens it at its start; what was opened before is at its start, too.
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        from_start(&self.file)
    }

    /// Returns it with a signature behind those that it has; one that it has already isn't added again. None where the certificate is about
    /// another key.
    fn signed_by(&self, key: &RsaKey, certificate: &Certificate) -> Result<Option<Signed>, Failure> {
        let mut sign = |digest: &Sha256| key.sign(digest, certificate);
        let mut start = Vec::new();
        let read = self.open().and_then(|reader| reader.take(2).read_to_end(&mut start));
        read.map_err(|source| self.failed(source))?;
        if start == b"MZ" {
            let signed = with_another(&|| self.open(), self.length, &mut sign);
            return Ok(signed.map_err(|source| self.failed(source))?.map(Signed::Program));
        }
        let disk = self.file.try_clone().map_err(|source| self.failed(source))?;
        let disk = DiskFile::new(disk, self.path)?;
        match disk_image::read(&disk, DiskLimits::standard()) {
            // Whatever is unknown, or compressed: the partitions that it hasn't are told.
            Ok(ReadDisk { format: DiskFormat::Raw, .. })
            | Err(
                DiskReadError::Unknown
                | DiskReadError::Damaged { format: DiskFormat::RawGzip | DiskFormat::RawZstd, .. },
            ) => {}
            Ok(ReadDisk { format, .. }) => return Err(self.failed(SignError::Container { format })),
            Err(error) => return Err(self.failed(error)),
        }
        let signed = signing::signed(&disk, &mut sign).map_err(|source| self.failed(source))?;
        Ok(signed.map(Signed::Disk))
    }

    fn failed(&self, source: impl std::error::Error + Send + Sync + 'static) -> Failure {
        Failure::Sign { path: self.path.to_owned(), source: Box::new(source) }
    }

    /// Writes it signed; what is zero on a disk takes no room.
    fn write(&self, signed: &Signed, to: &Path) -> Result<(), Failure> {
        write_file_by(to, &mut |file| match signed {
            Signed::Program(changed) => io::copy(&mut changed.stream(self.open()?), file).map(|_| ()),
            Signed::Disk(changes) => SparseFile::new(file).fill(&mut changes.stream(self.open()?)),
        })
    }
}

/// Signs all that is named.
pub(super) fn run(
    args: &Args,
    context: &Context,
    signer: &Certified<'_>,
    files: &[(&str, &Path)],
) -> Result<ExitCode, Failure> {
    let certificate = Sha256::of(signer.certificate.der());
    let mut results = Vec::new();
    for (text, path) in files {
        let to = args.to.clone().unwrap_or_else(|| beside(path, SUFFIX));
        let unsigned = Unsigned::read(path)?;
        let signed = unsigned.signed_by(&signer.key, &signer.certificate)?.ok_or_else(|| signer.other())?;
        unsigned.write(&signed, &to)?;
        context.output.data(&format!("{}\n", to.display())).map_err(Failure::Output)?;
        let programs = match &signed {
            Signed::Program(_) => None,
            Signed::Disk(changes) => {
                Some(changes.programs().iter().map(ToString::to_string).collect::<Vec<_>>())
            }
        };
        for program in programs.iter().flatten() {
            context.output.say(&format!("signed `{program}` on it\n"));
        }
        results.push(json!({
            "file": text,
            "signed": to,
            "certificate": certificate.to_string(),
            "programs": programs,
        }));
    }
    context.output.result(&json!({ "signed": results })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
