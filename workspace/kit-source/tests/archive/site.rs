//! A small signed archive: two packages, one suite, its own key.

use std::fmt::Write as _;
use std::io::Write as _;

use kit_hash::Sha256;
use kit_source::debian::release::Keyring;
use kit_source::debian::{AptConfig, Archives, Dependencies, Group, Mirror, SuiteRequest, Timestamp};
use kit_source::http::{Client, Network, Patience, Settings};
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Message, Signer};

use crate::server::{Answer, Site};

/// 2025-05-17T09:12:38Z, the date of the archive.
pub(crate) const DATE: Timestamp = Timestamp(1_747_473_158);

/// One day later.
pub(crate) const NOW: Timestamp = Timestamp(DATE.0 + 86_400);

/// The bytes of the package `app`.
pub(crate) const APP: &[u8] = b"!<arch>\napp";

const LIBRARY: &[u8] = b"!<arch>\nlibrary";

/// An archive that can be changed before it is signed and served.
pub(crate) struct Archive {
    pub(crate) key: Cert,
    pub(crate) suite: &'static str,
    pub(crate) date: &'static str,
    pub(crate) extra: &'static str,
    pub(crate) packages: String,
}

impl Archive {
    pub(crate) fn new() -> Self {
        let birth = Timestamp(DATE.0 - 86_400).to_system_time();
        let builder = CertBuilder::new().set_creation_time(birth).add_userid("archive").add_signing_subkey();
        let stanza = |name: &str, fields: &str, bytes: &[u8]| {
            format!(
                "Package: {name}\nVersion: 1.0-1\nArchitecture: amd64\n{fields}Filename: pool/main/{name}_1.0-1_amd64.deb\n\
                 Size: {}\nSHA256: {}\n",
                bytes.len(),
                Sha256::of(bytes)
            )
        };
        let packages = [
            stanza("app", "Source: tools (1.0)\nDepends: library (>= 1)\n", APP),
            stanza("library", "", LIBRARY),
        ];
        Self {
            key: builder.generate().unwrap().0,
            suite: "stable",
            date: "Sat, 17 May 2025 09:12:38 UTC",
            extra: "Acquire-By-Hash: yes\nValid-Until: Sat, 24 May 2025 09:12:38 UTC\n",
            packages: packages.join("\n"),
        }
    }

    /// Returns the compressed index.
    pub(crate) fn index(&self) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(self.packages.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    /// Returns where the compressed index is fetched from.
    pub(crate) fn index_path(&self) -> String {
        format!("/dists/stable/main/binary-amd64/by-hash/SHA256/{}", Sha256::of(&self.index()))
    }

    fn release(&self) -> String {
        let mut text = format!(
            "Suite: {}\nCodename: bookworm\nDate: {}\nArchitectures: all amd64\nComponents: main\n{}SHA256:\n",
            self.suite, self.date, self.extra
        );
        for (path, bytes) in [("Packages", self.packages.as_bytes()), ("Packages.gz", &self.index())] {
            writeln!(text, " {} {} main/binary-amd64/{path}", Sha256::of(bytes), bytes.len()).unwrap();
        }
        text
    }

    pub(crate) fn in_release(&self) -> Vec<u8> {
        let policy = StandardPolicy::new();
        let at = Timestamp(DATE.0 + 60).to_system_time();
        let key = self.key.keys().with_policy(&policy, at).secret().for_signing().last().unwrap();
        let pair = key.key().clone().into_keypair().unwrap();
        let mut bytes = Vec::new();
        let signer = Signer::new(Message::new(&mut bytes), pair).unwrap().cleartext().creation_time(at);
        let mut message = signer.build().unwrap();
        message.write_all(self.release().as_bytes()).unwrap();
        message.finalize().unwrap();
        bytes
    }

    /// Returns all files of the archive.
    pub(crate) fn site(&self) -> Site {
        let mut site = Site::new();
        let mut put =
            |path: &str, bytes: &[u8]| _ = site.insert(path.to_owned(), Answer::Bytes(bytes.to_vec()));
        put("/dists/stable/InRelease", &self.in_release());
        put(&self.index_path(), &self.index());
        put("/pool/main/app_1.0-1_amd64.deb", APP);
        put("/pool/main/library_1.0-1_amd64.deb", LIBRARY);
        site
    }

    pub(crate) fn keyring(&self) -> Keyring {
        let mut keyring = Keyring::new();
        keyring.add(&self.key.to_vec().unwrap()).unwrap();
        keyring
    }

    /// Makes archives with a mirror for each address, all under this archive's key.
    pub(crate) fn at(&self, bases: &[&str]) -> Archives {
        let mirror = |base: &&str| Mirror { base: (*base).to_owned(), keyring: Some(self.keyring()) };
        Archives::new(bases.iter().map(mirror).collect(), &AptConfig::default(), None)
    }
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
        suite: "stable".to_owned(),
        components: Vec::new(),
        architecture: "amd64".to_owned(),
        groups: vec![Group { names: vec!["app".to_owned()], dependencies: Dependencies::Closure }],
    }
}
