//! Which system an image is, as its `/etc/os-release` says (os-release(5)).

use std::collections::BTreeMap;

use crate::advisories::Release;

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
        let id = take("ID").unwrap_or_else(|| "linux".to_owned());
        let (version, said) = (take("VERSION_ID"), take("VERSION"));
        let of_debian = || {
            let inside = said.as_deref().and_then(in_parentheses).map(str::to_owned);
            inside.or_else(|| Some(Release::of_number(major(version.as_deref()?)?)?.codename))
        };
        let codename = take("VERSION_CODENAME").or_else(|| of_debian().filter(|_| id == "debian"));
        Self { id, version, codename, title: take("PRETTY_NAME"), pin: take("KIT_PIN") }
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

/// Returns the codename of a version such as `12 (bookworm)`: images without a package manager have no field of their own for it.
fn in_parentheses(version: &str) -> Option<&str> {
    let (_, inside) = version.strip_suffix(')')?.rsplit_once('(')?;
    let is_name = |byte: u8| byte.is_ascii_lowercase();
    Some(inside).filter(|inside| !inside.is_empty() && inside.bytes().all(is_name))
}

/// Returns the number of the release that `12` and `12.5` are of.
fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

/// Returns a value without the quotes of a shell, and without what a terminal could take for more than text.
fn plain(value: &str) -> String {
    const LONGEST: usize = 200;
    let value = value.trim();
    let inner = |quote: char| value.strip_prefix(quote).and_then(|value| value.strip_suffix(quote));
    let value = inner('"').or_else(|| inner('\'')).unwrap_or(value);
    value.chars().filter(|c| *c != '\\' && !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suite_of_debian_is_known_without_a_field_for_it() {
        let suite = |text: &str| OsRelease::parse(text).debian_suite().map(str::to_owned);
        let small =
            "PRETTY_NAME=\"Distroless\"\nNAME=\"Debian GNU/Linux\"\nID=\"debian\"\nVERSION_ID=\"12\"\n";
        let said = |version: &str| suite(&format!("{small}VERSION=\"{version}\"\n"));
        assert_eq!(said("Debian GNU/Linux 12 (bookworm)").as_deref(), Some("bookworm"));
        assert_eq!(
            said("13 (trixie)").as_deref(),
            Some("trixie"),
            "what stands there goes before the number"
        );
        for silent in ["12", "12 ()", "12 (not a name)", "(12", "12 (Book&worm)"] {
            assert_eq!(said(silent).as_deref(), Some("bookworm"), "{silent}");
        }
        assert_eq!(suite("ID=debian\nVERSION_ID=11.9\n").as_deref(), Some("bullseye"));
        assert_eq!(suite("ID=debian\nVERSION_ID=12\nVERSION_CODENAME=sid\n").as_deref(), Some("sid"));
        assert_eq!(suite("ID=debian\nVERSION_ID=4000\n"), None);
        assert_eq!(suite("ID=debian\n"), None);
        assert_eq!(suite("ID=ubuntu\nVERSION_ID=12\nVERSION=\"12 (bookworm)\"\n"), None);
    }
}
