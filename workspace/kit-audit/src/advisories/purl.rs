//! Package URLs, as far as VEX documents need them: whether one is about what is installed.

use super::matching::{Installed, Origin};
use crate::inventory::component::purl_part;

/// A package URL, taken apart; qualifiers and subpaths are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purl {
    /// Such as `deb`.
    pub kind: String,
    /// What is between the type and the name, such as `debian`.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// The version, if it has one.
    pub version: Option<String>,
}

impl Purl {
    /// Takes a package URL apart.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("pkg:")?.trim_start_matches('/');
        let rest = rest.split_once('#').map_or(rest, |(front, _)| front);
        let rest = rest.split_once('?').map_or(rest, |(front, _)| front);
        let (kind, rest) = rest.split_once('/')?;
        let (path, version) = match rest.rsplit_once('@') {
            // An `@` in the first place starts a namespace of npm.
            Some((path, version)) if !path.is_empty() => (path, Some(decode(version)?)),
            _ => (rest, None),
        };
        let (namespace, name) =
            path.trim_matches('/').rsplit_once('/').unwrap_or(("", path.trim_matches('/')));
        let (namespace, name) = (decode(namespace)?, decode(name)?);
        if kind.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self { kind: kind.to_ascii_lowercase(), namespace, name, version })
    }

    /// Returns whether it is about what is installed: the source, or a binary package of it, in this version or in all.
    pub fn is_about(&self, installed: &Installed) -> bool {
        let is_name = |name: &String| *name == self.name;
        let is_package = match &installed.origin {
            Origin::Debian(_) => {
                let is_debian = self.kind == "deb" && matches!(self.namespace.as_str(), "debian" | "");
                let is_source = self.name == installed.known_as().0 || is_name(&installed.name);
                is_debian && (is_source || installed.binaries.iter().any(is_name))
            }
            Origin::CratesIo => self.kind == "cargo" && self.namespace.is_empty() && is_name(&installed.name),
        };
        let is_version = self.version.as_ref().is_none_or(|version| {
            let is_same =
                |own: &str| installed.origin.ecosystem().compare(source_version(version), own).is_eq();
            is_same(&installed.version) || is_same(&installed.known_as().1)
        });
        is_package && is_version
    }

    /// Returns the text of what is installed: of the source package that advisories know, or of the crate.
    pub fn of(installed: &Installed) -> String {
        let (name, version) = installed.known_as();
        let (name, version) = (purl_part(name), purl_part(&version));
        match &installed.origin {
            Origin::Debian(release) => {
                format!("pkg:deb/debian/{name}@{version}?arch=source&distro={}", purl_part(&release.codename))
            }
            Origin::CratesIo => format!("pkg:cargo/{name}@{version}"),
        }
    }
}

/// Returns the version without the mark of a binary rebuild, `+b1`.
fn source_version(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, count)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => source,
        _ => version,
    }
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (high, low) = (digit(*rest.first()?)?, digit(*rest.get(1)?)?);
        bytes.push(high << 4 | low);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::advisories::tests::{crate_of, debian};

    #[test]
    fn is_about_the_same_package() {
        let mut openssl = debian("openssl", "1:3.0.11-1~deb12u2+x");
        openssl.binaries = vec!["libssl3".to_owned()];
        let time = crate_of("time", "0.3.1");
        for (purl, about_openssl, about_time) in [
            ("pkg:deb/debian/openssl", true, false),
            ("pkg:deb/debian/openssl@1:3.0.11-1~deb12u2%2Bx?arch=source", true, false),
            ("pkg:deb/debian/libssl3@1%3A3.0.11-1~deb12u2+x%2Bb1?arch=amd64&distro=bookworm#a", true, false),
            ("pkg:deb/debian/libssl3@1%3A3.0.11-1~deb12u3", false, false),
            ("pkg:deb/ubuntu/openssl", false, false),
            ("pkg:deb/debian/openssh", false, false),
            ("pkg:cargo/time@0.3.1", false, true),
            ("pkg:cargo/time", false, true),
            ("pkg:cargo/time@0.3.2", false, false),
            ("pkg:cargo/x/time", false, false),
        ] {
            let parsed = Purl::parse(purl).unwrap();
            assert_eq!(
                (parsed.is_about(&openssl), parsed.is_about(&time)),
                (about_openssl, about_time),
                "{purl}"
            );
        }
        for installed in [&openssl, &time] {
            assert!(Purl::parse(&Purl::of(installed)).unwrap().is_about(installed));
        }
        let mut signed = debian("linux-signed-amd64", "6.1.76+1");
        signed.binaries = vec!["linux-image-6.1.0-18-amd64".to_owned()];
        assert_eq!(Purl::of(&signed), "pkg:deb/debian/linux@6.1.76-1?arch=source&distro=bookworm");
        for purl in ["pkg:deb/debian/linux@6.1.76-1", "pkg:deb/debian/linux-image-6.1.0-18-amd64@6.1.76-1"] {
            assert!(Purl::parse(purl).unwrap().is_about(&signed), "{purl}");
        }
        assert_eq!(
            Purl::of(&openssl),
            "pkg:deb/debian/openssl@1:3.0.11-1~deb12u2%2Bx?arch=source&distro=bookworm"
        );
    }

    #[test]
    fn knows_what_is_none() {
        for text in [
            "",
            "pkg:",
            "pkg:deb",
            "pkg:deb/",
            "pkg:/a",
            "deb/debian/a",
            "pkg:deb/a%2",
            "pkg:deb/%ff",
            "pkg:deb/%+1",
        ] {
            assert_eq!(Purl::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>(), near in "pkg:[a-z/@%0-9é]{0,20}") {
            let _ = (Purl::parse(&text), Purl::parse(&near));
        }

        #[test]
        fn what_is_written_is_read(name in "[!-~]{1,20}", version in "[!-~]{1,20}") {
            let installed = crate_of(&name, &version);
            let purl = Purl::parse(&Purl::of(&installed)).unwrap();
            prop_assert_eq!((purl.name, purl.version), (name, Some(version)));
        }
    }
}
