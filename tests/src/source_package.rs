//! Source packages of an [`Archive`](crate::archive::Archive). The tests of `kit-source` use them too.

use std::io::Write as _;

use kit_hash::Sha256;

use crate::server::{Answer, Site};

/// A source package of version `1.0-1`.
#[derive(Debug, Clone)]
pub struct SourcePackage {
    /// Name.
    pub name: &'static str,
    /// `Format`.
    pub format: &'static str,
    /// Its files but the description, by name.
    pub files: Vec<(String, Vec<u8>)>,
    /// The description; what follows from the rest when there is none.
    pub description: Option<String>,
}

impl SourcePackage {
    /// Makes one of format `3.0 (quilt)` of the archives of upstream and of Debian.
    pub fn quilt(name: &'static str, upstream: &[u8], debian: &[u8]) -> Self {
        let files = vec![
            (format!("{name}_1.0.orig.tar.gz"), gzip(upstream)),
            (format!("{name}_1.0-1.debian.tar.gz"), gzip(debian)),
        ];
        Self { name, format: "3.0 (quilt)", files, description: None }
    }

    /// Returns where a file is served.
    pub fn path(&self, file: &str) -> String {
        format!("/pool/main/{}/{file}", self.name)
    }

    fn description_name(&self) -> String {
        format!("{}_1.0-1.dsc", self.name)
    }

    /// Returns the description.
    pub fn description(&self) -> String {
        self.description.clone().unwrap_or_else(|| {
            let sums: String = self.files.iter().map(|(name, bytes)| line(name, bytes)).collect();
            format!(
                "Format: {}\nSource: {}\nVersion: 1.0-1\nChecksums-Sha256:\n{sums}",
                self.format, self.name
            )
        })
    }

    pub(crate) fn stanza(&self) -> String {
        let description = self.description();
        let sums: String = self.files.iter().map(|(name, bytes)| line(name, bytes)).collect();
        format!(
            "Package: {}\nVersion: 1.0-1\nFormat: {}\nDirectory: pool/main/{}\nChecksums-Sha256:\n{}{sums}",
            self.name,
            self.format,
            self.name,
            line(&self.description_name(), description.as_bytes())
        )
    }

    pub(crate) fn serve(&self, site: &mut Site) {
        let description = self.description().into_bytes();
        site.insert(self.path(&self.description_name()), Answer::Bytes(description));
        for (name, bytes) in &self.files {
            site.insert(self.path(name), Answer::Bytes(bytes.clone()));
        }
    }
}

fn line(name: &str, bytes: &[u8]) -> String {
    format!(" {} {} {name}\n", Sha256::of(bytes), bytes.len())
}

/// Compresses bytes.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).expect("because memory takes all");
    encoder.finish().expect("because memory takes all")
}
