//! Asks the registry, through cargo, for the newest versions of crates.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Cargo, CrateError, CratePin, parse_cargo_lock};
use crate::http::Network;

impl Cargo<'_> {
    /// Returns the newest versions that the registry has of crates, among what those need themselves. `known` is each crate with a
    /// version of it; where that is no release, what comes needs to be none either.
    pub fn newest(&self, known: &BTreeMap<String, String>) -> Result<Vec<CratePin>, CrateError> {
        if known.is_empty() {
            return Ok(Vec::new());
        }
        if self.network == Network::Offline {
            let missing = known.keys().map(|name| format!("the newest {name}")).collect();
            return Err(CrateError::Offline { missing });
        }
        self.write("Cargo.toml", &manifest(known))?;
        self.scratch
            .create_dir_all("src")
            .map_err(|source| CrateError::File { path: "src".to_owned(), source })?;
        self.write("src/lib.rs", "")?;
        self.run(&["generate-lockfile"])?;
        let text = self.scratch.read_to_string("Cargo.lock");
        let text = text.map_err(|source| CrateError::File { path: "Cargo.lock".to_owned(), source })?;
        parse_cargo_lock(&text)
    }
}

/// Asks for any version of each crate, in a package that says nothing of a compiler, so that none is left out because of its age.
fn manifest(known: &BTreeMap<String, String>) -> String {
    let mut text = "[package]\nname = \"kit-newest\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n[dependencies]\n".to_owned();
    for (name, version) in known {
        let release = version.split('+').next().unwrap_or_default();
        let wanted = if release.contains('-') { format!(">={release}") } else { "*".to_owned() };
        writeln!(text, "{name} = {{ version = \"{wanted}\", default-features = false }}")
            .expect("because a String takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_version_is_asked_for_and_what_comes_before_a_release_where_that_is_known() {
        let known = [("a", "1.0.0+x"), ("b", "2.0.0-rc.1+y")];
        let known = known.map(|(name, version)| (name.to_owned(), version.to_owned()));
        let text = manifest(&BTreeMap::from(known));
        assert!(text.ends_with(
            "[dependencies]\na = { version = \"*\", default-features = false }\nb = { version = \">=2.0.0-rc.1\", default-features = false }\n"
        ), "{text}");
    }
}
