//! An archive of two packages, and how to ask it.

use kit_source::debian::release::Keyring;
use kit_source::debian::{AptConfig, Archives, Dependencies, Group, Mirror, SuiteRequest, Timestamp};
use kit_source::http::{Client, Network, Patience, Settings};

use crate::archive::{self, Archive, Package};

/// The date of the archive.
pub(crate) const DATE: Timestamp = Timestamp(archive::DATE);

/// One day later.
pub(crate) const NOW: Timestamp = Timestamp(DATE.0 + 86_400);

/// The bytes of the package `app`.
pub(crate) const APP: &[u8] = b"!<arch>\napp";

const LIBRARY: &[u8] = b"!<arch>\nlibrary";

/// Makes an archive of `app` and the `library` that it needs, valid for a week.
pub(crate) fn app_and_library() -> Archive {
    let app = Package {
        fields: "Source: tools (1.0)\nDepends: library (>= 1)\n",
        ..Package::new("app", APP.to_vec())
    };
    Archive {
        extra: "Acquire-By-Hash: yes\nValid-Until: Sat, 24 May 2025 09:12:38 UTC\n",
        ..Archive::new(vec![app, Package::new("library", LIBRARY.to_vec())])
    }
}

pub(crate) fn keyring(archive: &Archive) -> Keyring {
    let mut keyring = Keyring::new();
    keyring.add(&archive.keyring()).unwrap();
    keyring
}

/// Makes archives with a mirror for each address, all under this archive's key.
pub(crate) fn mirrors(archive: &Archive, bases: &[&str]) -> Archives {
    let mirror = |base: &&str| Mirror { base: (*base).to_owned(), keyring: Some(keyring(archive)) };
    Archives::new(bases.iter().map(mirror).collect(), &AptConfig::default(), None)
}

/// Returns a client that tries again at once.
pub(crate) fn client(network: Network) -> Client {
    let mut settings = Settings::new(network);
    settings.patience = Patience { pause: std::time::Duration::ZERO, ..Patience::NORMAL };
    Client::new(settings)
}

/// Asks for `app` and what it needs.
pub(crate) fn request() -> SuiteRequest {
    SuiteRequest {
        suite: "loopback".to_owned(),
        components: Vec::new(),
        architecture: "amd64".to_owned(),
        groups: vec![Group {
            names: vec!["app".to_owned()],
            dependencies: Dependencies::Closure,
            listed: None,
        }],
        sources: Vec::new(),
    }
}
