//! The part of a record that is about one package.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{Reader, Record, Specific, Vector, Whole, add_vectors, rating};
use crate::advisories::semver::SemVer;
use crate::advisories::{
    Advisory, AdvisoryError, Ecosystem, Event, Informational, NotUnderstood, Range, Release, Wanted,
    matching, text,
};

#[derive(Deserialize)]
pub(super) struct Affected<'a> {
    #[serde(borrow)]
    package: Option<Named<'a>>,
    #[serde(borrow)]
    ranges: Option<Vec<Written<'a>>>,
    #[serde(borrow)]
    severity: Option<Vec<Vector<'a>>>,
    versions: Option<Vec<String>>,
    ecosystem_specific: Option<Specific>,
    database_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    ecosystem: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
}

/// A range as it is written.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    events: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// Returns the ecosystem of OSV's text, if it counts: of Debian's releases only the one that is asked for, or none named.
fn ecosystem(text: &str, release: &Release) -> Option<Ecosystem> {
    match text.split_once(':') {
        None if text == Ecosystem::CratesIo.word() => Some(Ecosystem::CratesIo),
        None if text == Ecosystem::Debian.word() => Some(Ecosystem::Debian),
        Some(("Debian", named)) if named == release.number.to_string() || named == release.codename => {
            Some(Ecosystem::Debian)
        }
        _ => None,
    }
}

impl Reader<'_> {
    pub(super) fn affected(
        &self,
        record: &mut Record,
        common: &Advisory,
        whole: &Whole<'_>,
        entry: &Affected<'_>,
        release: &Release,
        wanted: &Wanted,
    ) -> Result<(), AdvisoryError> {
        // What is about commits of a repository only names no package.
        let Some(package) = &entry.package else { return Ok(()) };
        let Some(ecosystem) = ecosystem(&package.ecosystem, release) else { return Ok(()) };
        record.ecosystems.insert(ecosystem);
        if !wanted.has(ecosystem, &package.name) {
            return Ok(());
        }
        self.word("name of a package", &package.name)?;
        let key = (ecosystem, package.name.clone().into_owned());
        let odd = &mut record.not_understood;
        let advisory = record.packages.entry(key).or_insert_with(|| common.clone());
        self.versions(advisory, ecosystem, entry, odd)?;
        self.severity(advisory, whole, entry, odd);
        Ok(())
    }

    fn versions(
        &self,
        advisory: &mut Advisory,
        ecosystem: Ecosystem,
        entry: &Affected<'_>,
        odd: &mut BTreeSet<NotUnderstood>,
    ) -> Result<(), AdvisoryError> {
        let ranges = entry.ranges.as_deref().unwrap_or_default();
        let versions = entry.versions.as_deref().unwrap_or_default();
        self.count("ranges", ranges.len())?;
        self.count("versions", versions.len())?;
        let mut understood = Vec::new();
        let mut is_only_git = !ranges.is_empty() && versions.is_empty();
        for range in ranges {
            self.count("events", range.events.len())?;
            is_only_git &= range.kind == "GIT";
            match &*range.kind {
                "SEMVER" if ecosystem == Ecosystem::CratesIo => {
                    understood.extend(self.range(ecosystem, range, odd)?);
                }
                "ECOSYSTEM" => understood.extend(self.range(ecosystem, range, odd)?),
                // Commits say nothing about packages.
                "GIT" => {}
                kind => {
                    let reason = format!("it has a range of type `{}` for {ecosystem}", text::shown(kind));
                    odd.insert(self.not_understood(reason));
                }
            }
        }
        for version in versions {
            self.word("versions", version)?;
        }
        if understood.is_empty() && versions.is_empty() {
            let of = if is_only_git { "only commits" } else { "no version" };
            odd.insert(self.not_understood(format!("it names {of} of {}", name(entry))));
        }
        // Debian's records list every version that a range has anyway.
        let left =
            versions.iter().filter(|v| !understood.iter().any(|range| matching::holds(ecosystem, range, v)));
        advisory.versions.extend(left.cloned());
        for range in understood {
            if !advisory.ranges.contains(&range) {
                advisory.ranges.push(range);
            }
        }
        Ok(())
    }

    /// Reads a range, in the order of versions; none where a version is none.
    fn range(
        &self,
        ecosystem: Ecosystem,
        written: &Written<'_>,
        odd: &mut BTreeSet<NotUnderstood>,
    ) -> Result<Option<Range>, AdvisoryError> {
        let mut range = Range::default();
        for point in &written.events {
            let Point { introduced, fixed, last_affected, limit } = point;
            let named = [introduced, fixed, last_affected, limit];
            for version in named.into_iter().flatten() {
                self.word("events", version)?;
                let is_special = matches!(version.as_str(), "0" | "*");
                if ecosystem == Ecosystem::CratesIo && !is_special && !SemVer::new(version).is_valid() {
                    odd.insert(
                        self.not_understood(format!("`{}` is no version of a crate", text::shown(version))),
                    );
                    return Ok(None);
                }
            }
            if named.into_iter().flatten().count() != 1 {
                odd.insert(self.not_understood("an event of a range isn't exactly one".to_owned()));
                return Ok(None);
            }
            range.events.extend(introduced.clone().map(Event::Introduced));
            range.events.extend(fixed.clone().map(Event::Fixed));
            range.events.extend(last_affected.clone().map(Event::LastAffected));
            range.limits.extend(limit.clone());
        }
        if !range.events.iter().any(|event| matches!(event, Event::Introduced(_))) {
            odd.insert(self.not_understood("a range says not where it starts".to_owned()));
            return Ok(None);
        }
        matching::sort(ecosystem, &mut range.events);
        Ok(Some(range))
    }

    fn severity(
        &self,
        advisory: &mut Advisory,
        whole: &Whole<'_>,
        entry: &Affected<'_>,
        odd: &mut BTreeSet<NotUnderstood>,
    ) {
        // What is said of the package goes before what is said of all.
        let own = entry.severity.as_deref().unwrap_or_default();
        let vectors = if own.is_empty() { whole.severity.as_deref().unwrap_or_default() } else { own };
        add_vectors(self, advisory, vectors, odd);
        let specifics = [&entry.ecosystem_specific, &entry.database_specific, &whole.database_specific];
        for specific in specifics.into_iter().flatten() {
            if let Some(vector) = specific.cvss.as_ref().and_then(Value::as_str) {
                let vector = Vector { kind: Cow::Borrowed("CVSS_V3"), score: Cow::Borrowed(vector) };
                add_vectors(self, advisory, &[vector], odd);
            }
            for word in
                [&specific.urgency, &specific.severity].into_iter().flatten().filter_map(Value::as_str)
            {
                match rating(word) {
                    Ok(rating) => advisory.rating = advisory.rating.or(rating),
                    Err(()) => {
                        odd.insert(self.not_understood(format!("its urgency is `{}`", text::shown(word))));
                    }
                }
            }
            match specific.informational.as_ref().and_then(Value::as_str) {
                None => {}
                Some("unmaintained") => advisory.informational = Some(Informational::Unmaintained),
                Some("notice") => advisory.informational = Some(Informational::Notice),
                Some("unsound") => advisory.informational = Some(Informational::Unsound),
                Some(other) => {
                    odd.insert(self.not_understood(format!("it is informational: `{}`", text::shown(other))));
                }
            }
        }
    }
}

fn name(entry: &Affected<'_>) -> String {
    entry.package.as_ref().map_or_else(String::new, |package| format!("`{}`", text::shown(&package.name)))
}
