//! Which certificates may sign.

use super::files::Files;
use crate::debian::release::Keyring;

/// The keyring that Debian ships, under both of its names.
const DEBIAN: [&str; 2] =
    ["usr/share/keyrings/debian-archive-keyring.gpg", "usr/share/keyrings/debian-archive-keyring.pgp"];

/// The machine's keyrings.
pub(super) struct Keys {
    /// `trusted.gpg` and `trusted.gpg.d`: for archives that name no key.
    trusted: Keyring,
    /// Debian's own.
    debian: Keyring,
}

impl Keys {
    pub(super) fn read(files: &mut Files<'_>) -> Self {
        let mut paths = vec!["etc/apt/trusted.gpg".to_owned()];
        paths.extend(files.list("etc/apt/trusted.gpg.d", &[".gpg", ".asc"]));
        let mut trusted = Keyring::new();
        for path in paths {
            add(&mut trusted, &path, files);
        }
        let mut debian = Keyring::new();
        for path in DEBIAN {
            if debian.is_empty() {
                add(&mut debian, path, files);
            }
        }
        Self { trusted, debian }
    }

    pub(super) fn trusted(&self) -> &Keyring {
        &self.trusted
    }

    /// Returns the keys for archives that apt doesn't know: the machine's and Debian's.
    pub(super) fn for_unnamed(&self) -> Keyring {
        let mut keyring = self.trusted.clone();
        keyring.extend(&self.debian);
        keyring
    }

    /// Returns the keys in named files, or those of the machine with named fingerprints.
    pub(super) fn named(&self, names: &[String], file: &str, files: &mut Files<'_>) -> Keyring {
        let (paths, fingerprints): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| name.starts_with('/'));
        let mut keyring = Keyring::new();
        for path in &paths {
            let path = path.trim_start_matches('/');
            let before = files.problems.len();
            if !add(&mut keyring, path, files) && files.problems.len() == before {
                files.report(file, format!("the key file /{path} is missing"));
            }
        }
        if paths.is_empty() {
            keyring = self.for_unnamed();
        }
        keyring.restricted_to(fingerprints.iter().map(|fingerprint| fingerprint.as_str()))
    }

    /// Returns the keys that stand in an entry itself.
    pub(super) fn inline(armored: &str, file: &str, files: &mut Files<'_>) -> Keyring {
        let mut keyring = Keyring::new();
        if let Err(error) = keyring.add(armored.as_bytes()) {
            files.report(file, format!("Signed-By: {error}"));
        }
        keyring
    }
}

/// Adds the keys of a file; tells whether there was one.
fn add(keyring: &mut Keyring, path: &str, files: &mut Files<'_>) -> bool {
    let Some(bytes) = files.bytes(path).filter(|bytes| !bytes.is_empty()) else { return false };
    let added = keyring.add(&bytes);
    if let Err(error) = &added {
        files.report(path, error.to_string());
    }
    added.is_ok()
}
