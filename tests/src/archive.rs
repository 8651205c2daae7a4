//! A small signed Debian archive, made in memory: every part can be changed before it is signed and served.
//! The tests of `kit-source` use it too.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::{Duration, SystemTime};

use kit_hash::Sha256;
use sequoia_openpgp::Cert;
use sequoia_openpgp::cert::CertBuilder;
use sequoia_openpgp::policy::StandardPolicy;
use sequoia_openpgp::serialize::SerializeInto as _;
use sequoia_openpgp::serialize::stream::{Message, Signer};

use crate::server::{Answer, Site};
use crate::source_package::SourcePackage;

/// Seconds since 1970 of 2025-05-17T09:12:38Z, the date of the archive.
pub const DATE: u64 = 1_747_473_158;

/// The directory below `dists/` that the archive is served from, whatever its release says.
pub const SUITE: &str = "loopback";

/// An archive with one suite for `amd64` and its own key.
#[derive(Debug, Clone)]
pub struct Archive {
    /// Who signs.
    pub key: Cert,
    /// `Suite` of the release.
    pub suite: &'static str,
    /// `Date` of the release.
    pub date: &'static str,
    /// Further fields of the release, each line with its end.
    pub extra: &'static str,
    /// What it has.
    pub packages: Vec<Package>,
    /// Its source packages; without any it has no index of them.
    pub sources: Vec<SourcePackage>,
}

/// A binary package.
#[derive(Debug, Clone)]
pub struct Package {
    /// Name.
    pub name: &'static str,
    /// Version.
    pub version: &'static str,
    /// Further fields of its stanza, each line with its end.
    pub fields: &'static str,
    /// The `.deb`.
    pub bytes: Vec<u8>,
}

impl Package {
    /// Returns a package of version `1.0-1` that needs nothing.
    pub fn new(name: &'static str, bytes: Vec<u8>) -> Self {
        Self { name, version: "1.0-1", fields: "", bytes }
    }

    /// Returns where its file is served.
    pub fn path(&self) -> String {
        format!("/pool/main/{}_{}_amd64.deb", self.name, self.version)
    }

    fn stanza(&self) -> String {
        format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\n{}Filename: {}\nSize: {}\nSHA256: {}\n",
            self.name,
            self.version,
            self.fields,
            self.path().trim_start_matches('/'),
            self.bytes.len(),
            Sha256::of(&self.bytes)
        )
    }
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

impl Archive {
    /// Makes an archive of [`DATE`] with a new key.
    pub fn new(packages: Vec<Package>) -> Self {
        let builder = CertBuilder::new()
            .set_creation_time(at(DATE - 86_400))
            .add_userid("archive")
            .add_signing_subkey();
        Self {
            key: builder.generate().expect("a key").0,
            suite: SUITE,
            date: "Sat, 17 May 2025 09:12:38 UTC",
            extra: "Acquire-By-Hash: yes\n",
            packages,
            sources: Vec::new(),
        }
    }

    /// Returns the index as it is unpacked.
    pub fn plain_index(&self) -> String {
        self.packages.iter().map(Package::stanza).collect::<Vec<_>>().join("\n")
    }

    /// Returns the compressed index.
    pub fn index(&self) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(self.plain_index().as_bytes()).expect("because memory takes all");
        encoder.finish().expect("because memory takes all")
    }

    /// Returns where the compressed index is served.
    pub fn index_path(&self) -> String {
        format!("/dists/{SUITE}/main/binary-amd64/by-hash/SHA256/{}", Sha256::of(&self.index()))
    }

    fn sources_index(&self) -> Vec<u8> {
        let stanzas: Vec<_> = self.sources.iter().map(SourcePackage::stanza).collect();
        stanzas.join("\n").into_bytes()
    }

    /// Returns where the release is served.
    pub fn release_path() -> String {
        format!("/dists/{SUITE}/InRelease")
    }

    fn release(&self) -> String {
        let mut text = format!(
            "Suite: {}\nCodename: bookworm\nDate: {}\nArchitectures: all amd64\nComponents: main\n{}SHA256:\n",
            self.suite, self.date, self.extra
        );
        for (path, bytes) in [("Packages", self.plain_index().as_bytes()), ("Packages.gz", &self.index())] {
            writeln!(text, " {} {} main/binary-amd64/{path}", Sha256::of(bytes), bytes.len())
                .expect("because a string takes all");
        }
        if !self.sources.is_empty() {
            let index = self.sources_index();
            writeln!(text, " {} {} main/source/Sources", Sha256::of(&index), index.len())
                .expect("because a string takes all");
        }
        text
    }

    /// Returns the signed release.
    pub fn in_release(&self) -> Vec<u8> {
        let policy = StandardPolicy::new();
        let when = at(DATE + 60);
        let key = self.key.keys().with_policy(&policy, when).secret().for_signing().last().expect("a key");
        let pair = key.key().clone().into_keypair().expect("a key without password");
        let mut bytes = Vec::new();
        let signer = Signer::new(Message::new(&mut bytes), pair).expect("a signer").cleartext();
        let mut message = signer.creation_time(when).build().expect("a signer");
        message.write_all(self.release().as_bytes()).expect("because memory takes all");
        message.finalize().expect("because memory takes all");
        bytes
    }

    /// Returns all its files.
    pub fn site(&self) -> Site {
        let mut site = Site::new();
        site.insert(Self::release_path(), Answer::Bytes(self.in_release()));
        site.insert(self.index_path(), Answer::Bytes(self.index()));
        for package in &self.packages {
            site.insert(package.path(), Answer::Bytes(package.bytes.clone()));
        }
        if !self.sources.is_empty() {
            let index = self.sources_index();
            let path = format!("/dists/{SUITE}/main/source/by-hash/SHA256/{}", Sha256::of(&index));
            site.insert(path, Answer::Bytes(index));
        }
        self.sources.iter().for_each(|source| source.serve(&mut site));
        site
    }

    /// Returns its public key, as a keyring file.
    pub fn keyring(&self) -> Vec<u8> {
        self.key.to_vec().expect("because memory takes all")
    }
}
