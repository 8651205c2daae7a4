//! Private keys with a passphrase as `openssl pkcs8 -topk8` and `openssl genpkey -aes256` write them: PBES2 of PKCS5 (RFC 8018), with PBKDF2
//! or scrypt, and AES.

use pkcs8::pkcs5::EncryptionScheme;
use pkcs8::pkcs5::pbes2::{self, Kdf, Pbkdf2Prf};
use pkcs8::{EncryptedPrivateKeyInfo, SecretDocument};

use super::super::algorithm::Secret;
use super::super::damage::Damage;
use super::super::error::{Encryption, KeyError};
use super::{damaged, read_pkcs8};

/// The most rounds of PBKDF2 that a key may ask for; OpenSSL's own have 2048.
const ROUNDS_LIMIT: u64 = 10_000_000;
/// The most that a key may ask of scrypt in memory, 128 times N times r.
const MEMORY_LIMIT: u64 = 1 << 30;
/// The most times in a row that it may ask for that.
const TIMES_LIMIT: u64 = 16;

/// Opens a key with its passphrase.
pub(super) fn open(der: &[u8], passphrase: Option<&str>) -> Result<Secret, KeyError> {
    let opened = open_pkcs8(der, passphrase)?;
    // One of 256 wrong passphrases leaves something that ends as it should.
    match read_pkcs8(opened.as_bytes()) {
        Err(KeyError::Damaged { .. }) => Err(KeyError::WrongPassphrase),
        read => read,
    }
}

/// Opens what is encrypted with its passphrase, whatever kind of key is in it.
pub(in super::super) fn open_pkcs8(der: &[u8], passphrase: Option<&str>) -> Result<SecretDocument, KeyError> {
    let unknown = || KeyError::Encryption { found: Encryption::Pkcs8 };
    let sealed = match EncryptedPrivateKeyInfo::try_from(der) {
        Ok(sealed) => sealed,
        // The reader refuses what it doesn't know before it has read all; where it is cut off, it is no DER at all.
        Err(_) if is_sequence(der) => return Err(unknown()),
        Err(_) => return Err(damaged(Damage::Invalid { part: "PKCS8 structure" })),
    };
    let EncryptionScheme::Pbes2(scheme) = &sealed.encryption_algorithm else { return Err(unknown()) };
    check(scheme)?;
    let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
    sealed.decrypt(passphrase).map_err(|_| KeyError::WrongPassphrase)
}

/// Refuses what the library doesn't open, and what would take too long.
fn check(scheme: &pbes2::Parameters<'_>) -> Result<(), KeyError> {
    let asked = match &scheme.kdf {
        Kdf::Pbkdf2(asked) if asked.prf == Pbkdf2Prf::HmacWithSha1 => {
            return Err(KeyError::Encryption { found: Encryption::Pkcs8 });
        }
        Kdf::Pbkdf2(asked) => {
            vec![("rounds of PBKDF2", u64::from(asked.iteration_count), ROUNDS_LIMIT)]
        }
        Kdf::Scrypt(asked) => {
            let memory = asked.cost_parameter.saturating_mul(u64::from(asked.block_size)).saturating_mul(128);
            let times = u64::from(asked.parallelization);
            vec![("bytes of memory", memory, MEMORY_LIMIT), ("times", times, TIMES_LIMIT)]
        }
        _ => return Err(KeyError::Encryption { found: Encryption::Pkcs8 }),
    };
    for (what, found, limit) in asked {
        if found > limit {
            return Err(KeyError::TooCostly { what, found, limit });
        }
    }
    Ok(())
}

/// Whether bytes are a sequence of DER that is as long as it says.
fn is_sequence(der: &[u8]) -> bool {
    match der {
        [0x30, length @ ..=0x7f, rest @ ..] | [0x30, 0x81, length, rest @ ..] => {
            rest.len() == usize::from(*length)
        }
        [0x30, 0x82, high, low, rest @ ..] => rest.len() == usize::from(*high) << 8 | usize::from(*low),
        _ => false,
    }
}
