//! Debian's short names of licences, as SPDX has them.
//!
//! A name that SPDX has too is that one, whatever its case; the GNU licences are put together from their parts; the rest is a table.
//! What is in none of these, or means several licences, is left to a reference with its own text.

/// Short names that SPDX calls something else.
const OTHERWISE: [(&str, &str); 22] = [
    ("apache-2", "Apache-2.0"),
    ("artistic", "Artistic-1.0-Perl"),
    ("artistic-1", "Artistic-1.0-Perl"),
    ("artistic-2", "Artistic-2.0"),
    ("boost-1.0", "BSL-1.0"),
    ("bsd-2", "BSD-2-Clause"),
    ("bsd-3", "BSD-3-Clause"),
    ("bsd-4", "BSD-4-Clause"),
    ("bsd-4-clause-uc", "BSD-4-Clause-UC"),
    ("cc-by-3", "CC-BY-3.0"),
    ("cc-by-4", "CC-BY-4.0"),
    ("cc-by-sa-3", "CC-BY-SA-3.0"),
    ("cc-by-sa-4", "CC-BY-SA-4.0"),
    ("cc0", "CC0-1.0"),
    ("cc0-1", "CC0-1.0"),
    ("expat", "MIT"),
    ("mpl-1", "MPL-1.0"),
    ("mpl-2", "MPL-2.0"),
    ("openldap-2.8", "OLDAP-2.8"),
    ("perl", "Artistic-1.0-Perl OR GPL-1.0-or-later"),
    ("psf-2", "PSF-2.0"),
    ("w3c-software", "W3C"),
];

/// Names that are SPDX identifiers too, but that packages use for other texts.
const AMBIGUOUS: [&str; 6] = ["hp", "intel", "nrl", "sgi", "unicode", "xerox"];

/// Exceptions with one text each. Others of their kind have several, such as those for OpenSSL and Autoconf.
const EXCEPTIONS: [(&str, &str); 8] = [
    ("bison", "Bison-exception-2.2"),
    ("classpath", "Classpath-exception-2.0"),
    ("font", "Font-exception-2.0"),
    ("gcc-runtime", "GCC-exception-3.1"),
    ("libtool", "Libtool-exception"),
    ("linux-syscall-note", "Linux-syscall-note"),
    ("llvm", "LLVM-exception"),
    ("swift", "Swift-exception"),
];

/// The GNU licences, with the versions that they have.
const GNU: [(&str, &str, &[&str]); 5] = [
    ("agpl", "AGPL", &["3.0"]),
    ("gfdl", "GFDL", &["1.1", "1.2", "1.3"]),
    ("gfdl-niv", "GFDL", &["1.1", "1.2", "1.3"]),
    ("gpl", "GPL", &["1.0", "2.0", "3.0"]),
    ("lgpl", "LGPL", &["2.0", "2.1", "3.0"]),
];

/// Translates one short name, in lower case or not, into an SPDX expression.
pub(super) fn licence(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    match gnu(&lower) {
        Gnu::Licence(licence) => return Some(licence),
        Gnu::Unknown => return None,
        Gnu::Other => {}
    }
    if let Ok(at) = OTHERWISE.binary_search_by(|(debian, _)| (*debian).cmp(&lower)) {
        return Some(OTHERWISE[at].1.to_owned());
    }
    if AMBIGUOUS.contains(&lower.as_str()) {
        return None;
    }
    let all = spdx::identifiers::LICENSES.iter();
    let mut same =
        all.filter(|one| one.flags & spdx::flags::IS_DEPRECATED == 0 && one.name.eq_ignore_ascii_case(name));
    same.next().map(|one| one.name.to_owned())
}

/// Translates the name of an exception, as it stands between `with` and `exception`.
pub(super) fn exception(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    if let Ok(at) = EXCEPTIONS.binary_search_by(|(debian, _)| (*debian).cmp(&lower)) {
        return Some(EXCEPTIONS[at].1);
    }
    let mut all = spdx::identifiers::EXCEPTIONS.iter();
    all.find(|one| one.flags & spdx::flags::IS_DEPRECATED == 0 && one.name.eq_ignore_ascii_case(name))
        .map(|one| one.name)
}

/// What a name is among the GNU licences.
enum Gnu {
    /// None of them.
    Other,
    /// One without a version, or with one that doesn't exist.
    Unknown,
    /// This one.
    Licence(String),
}

fn gnu(lower: &str) -> Gnu {
    let families = GNU.iter().filter_map(|family| Some((family, lower.strip_prefix(family.0)?)));
    let Some(((debian, spdx, versions), rest)) = families.max_by_key(|(family, _)| family.0.len()) else {
        return Gnu::Other;
    };
    let version = rest.strip_prefix('-').or_else(|| rest.strip_prefix('v'));
    let Some(version) = version.map(|version| version.strip_prefix('v').unwrap_or(version)) else {
        return if rest.is_empty() { Gnu::Unknown } else { Gnu::Other };
    };
    let later = ["-or-later", "+"].iter().find_map(|suffix| version.strip_suffix(suffix));
    let version = later.or_else(|| version.strip_suffix("-only")).unwrap_or(version);
    // Zeros at the end mean nothing there: `GPL-2.0` is `GPL-2`.
    let plain = |version: &str| version.trim_end_matches(".0").to_owned();
    let Some(found) = versions.iter().find(|known| plain(known) == plain(version)) else {
        return Gnu::Unknown;
    };
    let suffix = if later.is_some() { "or-later" } else { "only" };
    let invariants = if *debian == "gfdl-niv" { "no-invariants-" } else { "" };
    Gnu::Licence(format!("{spdx}-{found}-{invariants}{suffix}"))
}
