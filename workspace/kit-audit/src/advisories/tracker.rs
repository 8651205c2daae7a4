//! Reads the file of Debian's security tracker: one JSON object of some 60 MB about every source package and all releases.
//!
//! ```text
//! { SOURCE: { CVE: { description, scope, debianbug, releases: { CODENAME: { status, repositories, fixed_version,
//!                                                                            urgency, nodsa, nodsa_reason } } } } }
//! ```
//! It is read in one pass; only what is about one release (and the version that fixed it in unstable) is kept, and only for the source
//! packages that are wanted. What has a status that isn't known is named and left to OSV.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::osv::rating;
use super::{
    AdvisoryError, Decision, Ecosystem, NoDsa, NotUnderstood, Release, Status, Tracked, Wanted, json, text,
};

/// The most bytes that the file may have.
pub const LIMIT: u64 = 512 << 20;
/// The release that is never released.
const UNSTABLE: &str = "sid";

/// What the file says about one release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracker {
    /// By source package and vulnerability.
    pub packages: BTreeMap<String, BTreeMap<String, Tracked>>,
    /// What of it wasn't understood.
    pub not_understood: BTreeSet<NotUnderstood>,
}

/// Reads the file.
pub fn read(file: &str, bytes: &[u8], release: &Release, wanted: &Wanted) -> Result<Tracker, AdvisoryError> {
    json::check(file, bytes, LIMIT)?;
    let broken = |source| AdvisoryError::Json {
        file: file.to_owned(),
        form: "file of Debian's security tracker",
        source,
    };
    let mut tracker = Tracker::default();
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let sources = Sources { release, wanted, tracker: &mut tracker };
    sources.deserialize(&mut deserializer).map_err(broken)?;
    deserializer.end().map_err(broken)?;
    if tracker.packages.is_empty() && *wanted == Wanted::Everything {
        return Err(AdvisoryError::NoRelease { file: file.to_owned(), codename: release.codename.clone() });
    }
    Ok(tracker)
}

/// Reads the object of all source packages.
struct Sources<'a> {
    release: &'a Release,
    wanted: &'a Wanted,
    tracker: &'a mut Tracker,
}

impl<'de> DeserializeSeed<'de> for Sources<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Sources<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object by source packages")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(Text(source)) = map.next_key()? {
            word::<A::Error>("source package", &source)?;
            if self.wanted.has(Ecosystem::Debian, &source) {
                let issues =
                    Issues { source: &source, release: self.release, odd: &mut self.tracker.not_understood };
                let tracked = map.next_value_seed(issues)?;
                if !tracked.is_empty() {
                    self.tracker.packages.insert(source.clone().into_owned(), tracked);
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            once::<A::Error>(&mut seen, source)?;
        }
        Ok(())
    }
}

/// Reads the object of all vulnerabilities of a source package.
struct Issues<'a> {
    source: &'a str,
    release: &'a Release,
    odd: &'a mut BTreeSet<NotUnderstood>,
}

impl<'de> DeserializeSeed<'de> for Issues<'_> {
    type Value = BTreeMap<String, Tracked>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Issues<'_> {
    type Value = BTreeMap<String, Tracked>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object by vulnerabilities of `{}`", self.source)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut issues = BTreeMap::new();
        let mut seen = BTreeSet::new();
        while let Some(Text(name)) = map.next_key()? {
            word::<A::Error>("vulnerability", &name)?;
            let issue: Issue<'de> = map
                .next_value()
                .map_err(|error| A::Error::custom(format_args!("`{name}` of `{}`: {error}", self.source)))?;
            if let Some(tracked) = self.tracked(&name, &issue) {
                issues.insert(name.clone().into_owned(), tracked);
            }
            once::<A::Error>(&mut seen, name)?;
        }
        Ok(issues)
    }
}

impl Issues<'_> {
    /// Returns what is said about the release.
    fn tracked(&mut self, name: &str, issue: &Issue<'_>) -> Option<Tracked> {
        let state = issue.releases.0.get(self.release.codename.as_str())?;
        let record = || format!("{} {name}", self.source);
        let fixed = state.fixed_version.as_deref().filter(|version| text::is_word(version));
        let status = match (&*state.status, fixed) {
            ("resolved", Some("0")) => Status::NotAffected,
            ("resolved", Some(version)) => Status::Resolved(version.to_owned()),
            ("open", _) => Status::Open,
            ("undetermined", _) => Status::Undetermined,
            ("resolved", None) => {
                let reason = "it is resolved in no version".to_owned();
                self.odd.insert(NotUnderstood { record: record(), reason });
                return None;
            }
            (other, _) => {
                let reason = format!("its status is `{}`", text::shown(other));
                self.odd.insert(NotUnderstood { record: record(), reason });
                return None;
            }
        };
        let urgency = state.urgency.as_deref().unwrap_or_default();
        let rating = rating(urgency).unwrap_or_else(|()| {
            let reason = format!("its urgency is `{}`", text::shown(urgency));
            self.odd.insert(NotUnderstood { record: record(), reason });
            None
        });
        let unstable = issue.releases.0.get(UNSTABLE).filter(|state| state.status == "resolved");
        let unstable = unstable.and_then(|state| state.fixed_version.as_deref());
        Some(Tracked {
            status,
            rating,
            no_dsa: no_dsa(state),
            unstable: unstable.filter(|version| *version != "0" && text::is_word(version)).map(str::to_owned),
            summary: text::summary(issue.description.as_deref().unwrap_or_default()),
        })
    }
}

fn no_dsa(state: &State<'_>) -> Option<NoDsa> {
    let decision = match state.nodsa_reason.as_deref() {
        Some("ignored") => Decision::Ignored,
        Some("postponed") => Decision::Postponed,
        _ => Decision::NoDsa,
    };
    let reason = text::summary(state.nodsa.as_deref()?);
    Some(NoDsa { decision, reason })
}

#[derive(Deserialize)]
struct Issue<'a> {
    #[serde(borrow)]
    description: Option<Cow<'a, str>>,
    #[serde(borrow)]
    releases: Releases<'a>,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(borrow)]
    fixed_version: Option<Cow<'a, str>>,
    #[serde(borrow)]
    urgency: Option<Cow<'a, str>>,
    #[serde(borrow)]
    nodsa: Option<Cow<'a, str>>,
    #[serde(borrow)]
    nodsa_reason: Option<Cow<'a, str>>,
}

/// The releases of an issue, none of them twice.
struct Releases<'a>(BTreeMap<Cow<'a, str>, State<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Releases<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = BTreeMap<Cow<'de, str>, State<'de>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object by releases")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut releases = BTreeMap::new();
                while let Some(Text(name)) = map.next_key()? {
                    let state = map.next_value()?;
                    if releases.insert(name.clone(), state).is_some() {
                        return Err(twice(&name));
                    }
                }
                Ok(releases)
            }
        }
        deserializer.deserialize_map(Each).map(Self)
    }
}

/// A text that is borrowed where it can be.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn word<E: Error>(what: &str, text: &str) -> Result<(), E> {
    if text::is_word(text) {
        return Ok(());
    }
    Err(E::custom(format_args!("`{}` is no name of a {what}", text::shown(text))))
}

fn once<'a, E: Error>(seen: &mut BTreeSet<Cow<'a, str>>, name: Cow<'a, str>) -> Result<(), E> {
    if seen.contains(&name) {
        return Err(twice(&name));
    }
    seen.insert(name);
    Ok(())
}

fn twice<E: Error>(name: &str) -> E {
    E::custom(format_args!("`{}` is there twice", text::shown(name)))
}

#[cfg(test)]
mod tests;
