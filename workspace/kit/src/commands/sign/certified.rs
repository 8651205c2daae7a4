//! A key, and the certificate by which others know it.

use std::path::Path;

use kit_audit::signature::secure_boot::{Certificate, RsaKey};
use kit_audit::signature::{KeyError, PublicKey};

use super::signer::{passphrase, warn_of_others};
use crate::Failure;
use crate::context::Context;
use crate::project::read_file;

/// What signs: a key and the certificate that is about it.
pub(super) struct Certified<'a> {
    pub(super) key: RsaKey,
    pub(super) certificate: Certificate,
    key_path: &'a Path,
    certificate_path: &'a Path,
}

impl<'a> Certified<'a> {
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

    /// Says that the certificate is about another key.
    pub(super) fn other(&self) -> Failure {
        let [certificate, key] = [self.certificate_path, self.key_path].map(Path::to_owned);
        Failure::OtherCertificate { certificate, key }
    }
}
