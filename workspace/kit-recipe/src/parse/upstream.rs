//! Sources as their authors publish them.

use super::Faults;
use super::section::Section;
use super::value::{Items, Value};
use crate::Spanned;
use crate::package::Source;
use crate::problem::Fault;
use crate::upstream::{Packing, UrlSource, file_name};

/// Reads `url = "…"` and what belongs to it.
pub(crate) fn url(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    let vouched = section.peek("sha256").is_some();
    let url = section.value("url").and_then(|value| file_address(&value, vouched, faults));
    let sha256 = section.value("sha256").map(|value| sha256(&value, faults));
    let mirrors = mirrors(section, HTTP, vouched, faults);
    let unpack = section.value("unpack").map_or(Some(true), |value| value.boolean(faults));
    let packing = if unpack? { Packing::Unpacked } else { Packing::Kept };
    let sha256 = sha256.map_or(Some(None), |sha256| sha256.map(Some))?;
    Some(Source::Url(UrlSource { url: url?, mirrors: mirrors?, sha256, packing }))
}

/// Reads `mirrors`: whole addresses; none when there is a fault.
pub(crate) fn mirrors(
    section: &mut Section<'_>,
    schemes: &[&str],
    vouched: bool,
    faults: &mut Faults<'_>,
) -> Option<Vec<Spanned<String>>> {
    let Some(value) = section.value("mirrors") else { return Some(Vec::new()) };
    let mirrors = value.list(Items::Some, faults, |item, faults| address(item, schemes, vouched, faults))?;
    super::check::no_item_twice(value.key, &mirrors, Clone::clone, faults);
    Some(mirrors)
}

fn sha256(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<kit_hash::Sha256>> {
    match value.line(faults)?.parse() {
        Ok(digest) => Some(value.spanned(digest)),
        Err(error) => {
            value.fault(Fault::InvalidDigest { key: value.key.to_owned(), why: error.to_string() }, faults)
        }
    }
}

/// Reads the address of a file, which has a name.
fn file_address(value: &Value<'_>, vouched: bool, faults: &mut Faults<'_>) -> Option<Spanned<String>> {
    let address = address(value, HTTP, vouched, faults)?;
    let named = file_name(&address).is_some_and(|name| kit_tree::FileName::new(name).is_ok());
    if !named {
        let why = "has no file name at its end";
        return value.fault(Fault::SourceAddress { address: address.value, why }, faults);
    }
    Some(address)
}

/// Schemes of files.
pub(crate) const HTTP: &[&str] = &["https", "http"];

/// Reads an address. A plain connection is taken when a digest vouches for what comes, or on this machine itself.
pub(crate) fn address(
    value: &Value<'_>,
    schemes: &[&str],
    vouched: bool,
    faults: &mut Faults<'_>,
) -> Option<Spanned<String>> {
    let text = value.line(faults)?;
    match address_fault(text, schemes, vouched) {
        None => Some(value.spanned(text.to_owned())),
        Some(why) => value.fault(Fault::SourceAddress { address: shown(text), why }, faults),
    }
}

fn address_fault(text: &str, schemes: &[&str], vouched: bool) -> Option<&'static str> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Some("doesn't start with `https://`");
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        Some("has a space in it")
    } else if !schemes.contains(&scheme) {
        Some("doesn't start with `https://`")
    } else if authority.rsplit_once('@').is_some_and(|(user, _)| scheme != "ssh" || user.contains(':')) {
        Some("has a user or a password in it, which everybody would read")
    } else if host(authority).is_empty() || host(authority).starts_with('-') {
        Some("has no host")
    } else if matches!(scheme, "http" | "git") && !vouched && !is_loopback(host(authority)) {
        Some("is a plain connection, and nothing in the recipe vouches for what comes")
    } else {
        None
    }
}

/// Returns the host of `user@host:port`.
fn host(authority: &str) -> &str {
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An address without what may be a password.
fn shown(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{host}{}", &rest[end..]),
        None => address.to_owned(),
    }
}
