//! Sources from git repositories.

use super::Faults;
use super::section::Section;
use super::upstream::{address, mirrors};
use super::value::Value;
use crate::Spanned;
use crate::git::{GitSource, Revision, Submodules};
use crate::package::Source;
use crate::problem::Fault;

/// How a repository can be reached.
const GIT: &[&str] = &["https", "http", "ssh", "git"];

/// The keys that say which commit; each source has exactly one.
const REVISIONS: [&str; 3] = ["commit", "tag", "branch"];

/// Reads `git = "…"` and what belongs to it.
pub(crate) fn git(name: &str, section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Source> {
    for (at, key) in REVISIONS.into_iter().enumerate() {
        for other in &REVISIONS[at + 1..] {
            section.contradiction(key, other, "a source is of one commit", faults);
        }
    }
    let vouched = section.peek("commit").is_some();
    let git = section.value("git").and_then(|value| address(&value, GIT, vouched, faults));
    let mirrors = mirrors(section, GIT, vouched, faults);
    let revision = revision(name, section, faults);
    let words = [("refuse", Submodules::Refused), ("empty", Submodules::Empty)];
    let submodules =
        section.value("submodules").map_or(Some(Submodules::Refused), |value| value.word(&words, faults));
    let (git, mirrors, revision, submodules) = (git?, mirrors?, revision?, submodules?);
    Some(Source::Git(GitSource { git, mirrors, revision, submodules }))
}

fn revision(name: &str, section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Revision>> {
    // All are asked for, so that none is unknown.
    let values = REVISIONS.map(|key| section.value(key));
    let [commit, tag, branch] = &values;
    if let Some(value) = commit {
        return match value.line(faults)?.parse() {
            Ok(commit) => Some(value.spanned(Revision::Commit(commit))),
            Err(_) => invalid(
                value,
                "a commit is named by all of its 40 (or 64) lower-case hexadecimal digits",
                faults,
            ),
        };
    }
    if let Some(value) = tag {
        return reference(value, faults).map(|tag| value.spanned(Revision::Tag(tag)));
    }
    if let Some(value) = branch {
        return reference(value, faults).map(|branch| value.spanned(Revision::Branch(branch)));
    }
    faults.add(section.span.clone(), Fault::SourceWithoutRevision { name: name.to_owned() });
    None
}

fn invalid<T>(value: &Value<'_>, why: &'static str, faults: &mut Faults<'_>) -> Option<T> {
    let revision = value.line(faults)?.to_owned();
    value.fault(Fault::InvalidRevision { revision, why }, faults)
}

/// Reads the name of a tag or a branch, by the rules of `git check-ref-format`.
fn reference(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let name = value.line(faults)?;
    if name.starts_with("refs/") {
        return invalid(value, "is a whole reference, where its name alone is meant", faults);
    }
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && part.strip_suffix(".lock").is_none()
    };
    let odd = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let named = name.split('/').all(part) && !name.contains(odd) && !name.starts_with('-');
    if !named || name == "@" || name.contains("..") || name.contains("@{") {
        return invalid(value, "is no name that git allows", faults);
    }
    Some(name.to_owned())
}
