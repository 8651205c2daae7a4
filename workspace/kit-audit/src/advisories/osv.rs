//! Reads records of OSV (schema 1.6 and 1.7): one JSON file each, as far as they are about Debian or crates.io.
//!
//! What is broken is an error. What is a record but has a part that isn't understood (a range of an unknown kind, a version that is none,
//! a vector that can't be scored) is kept without that part, which is named as [`NotUnderstood`]. Fields that say nothing about which
//! versions are affected, or how badly, are passed over.

mod affected;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use self::affected::Affected;
use super::{
    Advisory, AdvisoryError, Ecosystem, Moment, NotUnderstood, Rating, Release, Wanted, json, score, text,
};

/// The most bytes that one record may have.
pub const LIMIT: u64 = 16 << 20;
/// The most entries of one list of a record.
const ENTRIES: u64 = 100_000;

/// A record, as far as it is about what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its id.
    pub id: String,
    /// When it was last changed.
    pub modified: Moment,
    /// The ecosystems that it is about, of those that count: Debian only where it is about the release.
    pub ecosystems: BTreeSet<Ecosystem>,
    /// What it says of each wanted package.
    pub packages: BTreeMap<(Ecosystem, String), Advisory>,
    /// What of it wasn't understood.
    pub not_understood: BTreeSet<NotUnderstood>,
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    modified: Cow<'a, str>,
    #[serde(borrow)]
    published: Option<Cow<'a, str>>,
    #[serde(borrow)]
    withdrawn: Option<Cow<'a, str>>,
    aliases: Option<Vec<String>>,
    upstream: Option<Vec<String>>,
    related: Option<Vec<String>>,
    #[serde(borrow)]
    summary: Option<Cow<'a, str>>,
    #[serde(borrow)]
    details: Option<Cow<'a, str>>,
    #[serde(borrow)]
    severity: Option<Vec<Vector<'a>>>,
    #[serde(borrow)]
    affected: Option<Vec<Affected<'a>>>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Vector<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    score: Cow<'a, str>,
}

/// What databases add: any of it can be anything.
#[derive(Default, Deserialize)]
struct Specific {
    severity: Option<Value>,
    urgency: Option<Value>,
    informational: Option<Value>,
    cvss: Option<Value>,
}

/// Reads a record.
pub fn read(file: &str, bytes: &[u8], release: &Release, wanted: &Wanted) -> Result<Record, AdvisoryError> {
    json::check(file, bytes, LIMIT)?;
    let whole: Whole<'_> = serde_json::from_slice(bytes).map_err(|source| AdvisoryError::Json {
        file: file.to_owned(),
        form: "record of OSV",
        source,
    })?;
    let reader = Reader { file, id: &whole.id };
    reader.word("id", &whole.id)?;
    let common = reader.common(&whole)?;
    let mut record = Record {
        id: whole.id.clone().into_owned(),
        modified: common.modified,
        ecosystems: BTreeSet::new(),
        packages: BTreeMap::new(),
        not_understood: BTreeSet::new(),
    };
    let affected = whole.affected.as_deref().unwrap_or_default();
    reader.count("affected", affected.len())?;
    for entry in affected {
        reader.affected(&mut record, &common, &whole, entry, release, wanted)?;
    }
    Ok(record)
}

/// What reads one record, and names it in errors.
struct Reader<'a> {
    file: &'a str,
    id: &'a str,
}

impl Reader<'_> {
    /// Reads what is the same for all packages of a record.
    fn common(&self, whole: &Whole<'_>) -> Result<Advisory, AdvisoryError> {
        let time =
            |field, text: &Option<Cow<'_, str>>| text.as_deref().map(|t| self.moment(field, t)).transpose();
        let aliases = self.words("aliases", whole.aliases.as_deref())?;
        let mut upstream = self.words("upstream", whole.upstream.as_deref())?;
        let related = self.words("related", whole.related.as_deref())?;
        // Before there was `upstream`, Debian's advisories named what they are about as related.
        if super::fold::is_bundle(self.id)
            && !aliases.iter().chain(&upstream).any(|name| name.starts_with("CVE-"))
        {
            upstream.extend(related.into_iter().filter(|name| name.starts_with("CVE-")));
        }
        let line = [&whole.summary, &whole.details]
            .into_iter()
            .flatten()
            .map(|line| text::summary(line))
            .find(|line| !line.is_empty());
        Ok(Advisory {
            modified: self.moment("modified", &whole.modified)?,
            published: time("published", &whole.published)?,
            withdrawn: time("withdrawn", &whole.withdrawn)?,
            aliases,
            upstream,
            summary: line.unwrap_or_default(),
            vectors: BTreeSet::new(),
            rating: None,
            informational: None,
            ranges: Vec::new(),
            versions: BTreeSet::new(),
        })
    }

    fn moment(&self, field: &'static str, text: &str) -> Result<Moment, AdvisoryError> {
        Moment::parse(text).ok_or_else(|| self.field(field, text, "a time of RFC 3339"))
    }

    fn words(
        &self,
        field: &'static str,
        texts: Option<&[String]>,
    ) -> Result<BTreeSet<String>, AdvisoryError> {
        let texts = texts.unwrap_or_default();
        self.count(field, texts.len())?;
        texts.iter().map(|text| self.word(field, text).map(|()| text.clone())).collect()
    }

    fn word(&self, field: &'static str, text: &str) -> Result<(), AdvisoryError> {
        if text::is_word(text) {
            Ok(())
        } else {
            Err(self.field(field, text, "a word of at most 200 characters"))
        }
    }

    fn count(&self, field: &'static str, count: usize) -> Result<(), AdvisoryError> {
        let count = count as u64;
        if count <= ENTRIES {
            return Ok(());
        }
        let (file, record) = (self.file.to_owned(), text::shown(self.id));
        Err(AdvisoryError::TooMany { file, record, field, count, limit: ENTRIES })
    }

    fn field(&self, field: &'static str, found: &str, expected: &'static str) -> AdvisoryError {
        let (file, record, found) = (self.file.to_owned(), text::shown(self.id), text::shown(found));
        AdvisoryError::Field { file, record, field, found, expected }
    }

    fn not_understood(&self, reason: String) -> NotUnderstood {
        NotUnderstood { record: self.id.to_owned(), reason }
    }
}

/// Returns the rating that a word of Debian or GitHub stands for; none where it stands for none yet.
pub(super) fn rating(word: &str) -> Result<Option<Rating>, ()> {
    // The tracker marked what it took from elsewhere with stars.
    match word.trim_end_matches('*').to_ascii_lowercase().as_str() {
        "" | "not yet assigned" | "unknown" | "none" => Ok(None),
        "moderate" => Ok(Some(Rating::Medium)),
        "negligible" => Ok(Some(Rating::Unimportant)),
        word => Rating::ALL.into_iter().find(|rating| rating.word() == word).map(Some).ok_or(()),
    }
}

/// Adds the vectors that can be scored, and names those that can't.
fn add_vectors(
    reader: &Reader<'_>,
    advisory: &mut Advisory,
    vectors: &[Vector<'_>],
    odd: &mut BTreeSet<NotUnderstood>,
) {
    // Other kinds of severity, such as Ubuntu's words, are no vectors.
    for vector in vectors.iter().filter(|vector| vector.kind.starts_with("CVSS_V")) {
        if score::score(&vector.score).is_some() {
            advisory.vectors.insert(vector.score.clone().into_owned());
        } else {
            let reason = format!(
                "its {} vector `{}` has no score",
                text::shown(&vector.kind),
                text::shown(&vector.score)
            );
            odd.insert(reader.not_understood(reason));
        }
    }
}

#[cfg(test)]
mod tests;
