//! Reads `Cargo.lock`.

use super::{CrateError, CratePin};
use crate::http;

#[derive(serde::Deserialize)]
struct CargoLock {
    #[serde(default)]
    package: Vec<Package>,
}

#[derive(serde::Deserialize)]
struct Package {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

/// Returns the crates of registries in a `Cargo.lock`, sorted; packages of the workspace itself are left out.
pub fn parse_cargo_lock(text: &str) -> Result<Vec<CratePin>, CrateError> {
    let lock: CargoLock =
        toml::from_str(text).map_err(|error| CrateError::Lock { reason: error.message().to_owned() })?;
    let mut pins = Vec::new();
    for package in lock.package {
        let Some(source) = package.source else { continue };
        let (name, version) = (package.name, package.version);
        if !source.starts_with("registry+") && !source.starts_with("sparse+") {
            let origin = match source.split_once('+') {
                Some((kind, address)) => format!("{kind}+{}", http::shown(address)),
                None => source,
            };
            return Err(CrateError::Source { name, version, origin });
        }
        if !is_word(&name) || !is_word(&version) {
            return Err(CrateError::Name { name, version });
        }
        let sha256 = package.checksum.and_then(|checksum| checksum.parse().ok());
        let Some(sha256) = sha256 else { return Err(CrateError::NoChecksum { name, version }) };
        pins.push(CratePin { name, version, sha256 });
    }
    pins.sort();
    pins.dedup();
    Ok(pins)
}

/// Tells whether a text can stand in a file name and in TOML as it is.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn lock(fields: &str) -> String {
        format!("version = 4\n[[package]]\nname = \"own\"\nversion = \"0.1.0\"\n[[package]]\n{fields}\n")
    }

    #[test]
    fn reads_registry_crates_only() {
        let text = lock(&format!(
            "name = \"a\"\nversion = \"1.0.0+b\"\nsource = \"registry+https://index.example\"\nchecksum = \"{DIGEST}\"\ndependencies = [\"b\"]"
        ));
        let pins = parse_cargo_lock(&text).unwrap();
        assert_eq!(pins.len(), 1);
        assert_eq!(pins[0].file_name(), "a-1.0.0+b.crate");
        assert_eq!(parse_cargo_lock("version = 4\n").unwrap(), []);
    }

    #[test]
    fn refuses_what_it_can_not_pin() {
        let code = |fields: &str| parse_cargo_lock(&lock(fields)).unwrap_err().code();
        let registry = "source = \"registry+https://index.example\"";
        let git = lock(
            "name = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://me:secret@git.example/a?rev=1#2\"",
        );
        let error = parse_cargo_lock(&git).unwrap_err();
        assert_eq!(error.code(), "kit::crates::not_a_registry");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(
            code(&format!("name = \"a\"\nversion = \"1.0.0\"\n{registry}")),
            "kit::crates::no_checksum"
        );
        assert_eq!(
            code(&format!("name = \"../a\"\nversion = \"1\"\n{registry}\nchecksum = \"{DIGEST}\"")),
            "kit::crates::bad_name"
        );
        assert_eq!(code("name = 1"), "kit::crates::bad_lock");
    }
}
