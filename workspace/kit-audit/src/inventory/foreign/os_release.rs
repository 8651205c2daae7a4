//! Which system an image is, as its `/etc/os-release` says (os-release(5)).

use std::collections::BTreeMap;

/// What `/etc/os-release` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OsRelease {
    /// `debian`, `alpine`.
    pub id: String,
    /// `12`, `3.20.1`.
    pub version: Option<String>,
    /// `bookworm`.
    pub codename: Option<String>,
    /// `Debian GNU/Linux 12 (bookworm)`.
    pub title: Option<String>,
    /// The digest of the pins of the lockfile that kit made it from, as it is written.
    pub pin: Option<String>,
}

impl OsRelease {
    /// Reads the file; a line that is none says nothing.
    pub fn parse(text: impl AsRef<str>) -> Self {
        let pairs = text.as_ref().lines().filter_map(|line| line.trim().split_once('='));
        let mut fields: BTreeMap<&str, String> = pairs.map(|(key, value)| (key, plain(value))).collect();
        let mut take = |key: &str| fields.remove(key).filter(|value| !value.is_empty());
        Self {
            id: take("ID").unwrap_or_else(|| "linux".to_owned()),
            version: take("VERSION_ID"),
            codename: take("VERSION_CODENAME"),
            title: take("PRETTY_NAME"),
            pin: take("KIT_PIN"),
        }
    }

    /// Returns what people call it.
    pub fn words(&self) -> String {
        let version = self.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        self.title.clone().unwrap_or_else(|| format!("{}{version}", self.id))
    }

    /// Returns the distribution; none where it doesn't say which.
    pub fn distribution(&self) -> Option<&str> {
        Some(self.id.as_str()).filter(|id| !matches!(*id, "" | "linux"))
    }

    /// Returns the suite of Debian that its packages are from; none where they are from another distribution, or nothing says which.
    pub fn debian_suite(&self) -> Option<&str> {
        self.codename.as_deref().filter(|_| self.id == "debian")
    }
}

/// Returns a value without the quotes of a shell, and without what a terminal could take for more than text.
fn plain(value: &str) -> String {
    const LONGEST: usize = 200;
    let value = value.trim();
    let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    let value = inner('"').or_else(|| inner('\'')).unwrap_or(value);
    value.chars().filter(|c| *c != '\\' && !c.is_control()).take(LONGEST).collect()
}
