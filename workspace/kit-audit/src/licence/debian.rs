//! The licence of a Debian package, as its `copyright` file states it.

use std::collections::{BTreeMap, BTreeSet};

use kit_tree::resolve::{ByLink, Resolved};
use kit_tree::{Blobs, Entry, Tree, TreePath};

use super::paragraphs::{self, Kind, Paragraph};
use super::{Licence, LicenceProblem, LicenceText, check, names, prose, reference};

/// The most that a `copyright` file may have, in bytes.
const LIMIT: u64 = 8 << 20;
/// The most names that one field joins; what has more of them is taken as a whole.
const NAMES: usize = 20;

impl Licence {
    /// Reads the `copyright` file of a Debian package from its tree. Links lead inside of the tree only.
    pub fn of_debian(package: &str, tree: &Tree, blobs: &dyn Blobs) -> Self {
        let mut left = u64::MAX;
        Self::of_debian_within(&mut left, package, tree, blobs)
    }

    /// The same, as long as there are bytes left, of which it takes what it reads and what it keeps: many packages can be led to one large
    /// file.
    pub fn of_debian_within(left: &mut u64, package: &str, tree: &Tree, blobs: &dyn Blobs) -> Self {
        match copyright(package, tree, blobs, LIMIT.min(*left)) {
            Ok((path, bytes)) => {
                let licence = Self::of_copyright(package, &path, &bytes);
                let kept: usize = licence.texts.iter().map(|text| text.text.len()).sum();
                *left = left.saturating_sub(bytes.len().max(kept) as u64);
                licence
            }
            Err(problem) => Self { problems: vec![problem], ..Self::default() },
        }
    }

    /// Returns the package whose `copyright` file stands in for one that isn't there, where the documentation is a link to that package's.
    pub fn elsewhere(&self) -> Option<&str> {
        let [LicenceProblem::Elsewhere(path)] = self.problems() else { return None };
        let path = std::str::from_utf8(path.as_bytes()).ok()?;
        path.strip_prefix("usr/share/doc/")?.strip_suffix("/copyright").filter(|name| !name.contains('/'))
    }

    /// Reads a `copyright` file that was found at a path.
    pub fn of_copyright(package: &str, path: &TreePath, bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let mut licence = Self::default();
        if matches!(text, std::borrow::Cow::Owned(_)) {
            licence.problems.push(LicenceProblem::NotUtf8(path.clone()));
        }
        let paragraphs = paragraphs::read(&text).unwrap_or_default();
        if let Some(combined) = Combined::of(&paragraphs) {
            combined.settle(path, &mut licence);
            return licence;
        }
        licence.read_prose(package, path, text.into_owned());
        licence
    }

    /// Takes a file that is for people as the text of a reference, and what it says as concluded where all of it is understood.
    fn read_prose(&mut self, package: &str, path: &TreePath, text: String) {
        let name = reference("Debian", &format!("{package}-copyright"));
        let prose = prose::read(&text);
        let term = |licence: &String| Term::or(licence.split(" OR ").map(|name| Term::One(name.to_owned())));
        let said = Term::and(prose.licences.iter().map(term)).write();
        match prose.not_understood {
            // What is said besides could be anything.
            Some(line) => {
                self.problems.push(LicenceProblem::NotMachineReadable { path: path.clone(), line, said });
            }
            None => match check(&said) {
                Ok(expression) => self.concluded = Some(expression),
                Err(problem) => self.problems.push(problem),
            },
        }
        self.texts.push(LicenceText { name: name.clone(), path: path.clone(), text });
        self.expression = Some(name);
    }
}

fn copyright(
    package: &str,
    tree: &Tree,
    blobs: &dyn Blobs,
    limit: u64,
) -> Result<(TreePath, Vec<u8>), LicenceProblem> {
    let asked = TreePath::new(format!("usr/share/doc/{package}/copyright"))
        .map_err(|error| LicenceProblem::Invalid { stated: package.to_owned(), reason: error.to_string() })?;
    match tree.resolve(&asked) {
        Resolved::There(path, Entry::File { size, .. }) if *size > limit => {
            let reason = if *size > LIMIT {
                format!("it has {size} bytes; at most {LIMIT} are read")
            } else {
                format!("it has {size} bytes, and of all such files of the image only {limit} more are read")
            };
            Err(LicenceProblem::Unreadable { path, reason })
        }
        Resolved::There(path, Entry::File { blob, .. }) => match blobs.read(blob, limit) {
            Ok(bytes) => Ok((path, bytes)),
            Err(error) => Err(LicenceProblem::Unreadable { path, reason: error.to_string() }),
        },
        Resolved::Nothing(path, ByLink::Yes) => Err(LicenceProblem::Elsewhere(path)),
        Resolved::There(..) | Resolved::Nothing(..) | Resolved::Nowhere => Err(LicenceProblem::NoFile(asked)),
    }
}

/// What the paragraphs of a file come to.
struct Combined<'a> {
    paragraphs: &'a [Paragraph],
    /// The paragraphs about licences, by what they are about, in lower case.
    by_name: BTreeMap<String, usize>,
    /// All of these apply.
    terms: BTreeSet<Term>,
    /// Where the texts are of what SPDX has no name for.
    texts: BTreeMap<String, BTreeSet<usize>>,
}

/// An expression as a part of another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Term {
    One(String),
    And(BTreeSet<Term>),
    Or(BTreeSet<Term>),
}

impl Term {
    /// Joins terms, taking apart those that are joined the same way.
    fn and(terms: impl IntoIterator<Item = Self>) -> Self {
        let flat = |term| if let Self::And(terms) = term { terms } else { BTreeSet::from([term]) };
        Self::single(terms.into_iter().flat_map(flat).collect(), Self::And)
    }

    fn or(terms: impl IntoIterator<Item = Self>) -> Self {
        let flat = |term| if let Self::Or(terms) = term { terms } else { BTreeSet::from([term]) };
        Self::single(terms.into_iter().flat_map(flat).collect(), Self::Or)
    }

    fn single(mut terms: BTreeSet<Self>, join: impl Fn(BTreeSet<Self>) -> Self) -> Self {
        match terms.pop_first() {
            Some(only) if terms.is_empty() => only,
            Some(first) => {
                terms.insert(first);
                join(terms)
            }
            None => join(terms),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::One(name) => name.clone(),
            Self::And(terms) => {
                let part = |term: &Self| match term {
                    Self::Or(_) => format!("({})", term.write()),
                    Self::One(_) | Self::And(_) => term.write(),
                };
                terms.iter().map(part).collect::<Vec<_>>().join(" AND ")
            }
            Self::Or(terms) => terms.iter().map(Self::write).collect::<Vec<_>>().join(" OR "),
        }
    }
}

impl<'a> Combined<'a> {
    /// Puts together what the paragraphs about files say, or where there are none, the one about the package.
    fn of(paragraphs: &'a [Paragraph]) -> Option<Self> {
        let all = paragraphs.iter().enumerate();
        let texts = all.clone().filter(|(_, paragraph)| paragraph.kind == Kind::Text);
        let by_name = texts.map(|(at, paragraph)| (paragraph.names.to_ascii_lowercase(), at)).collect();
        let mut combined = Self { paragraphs, by_name, terms: BTreeSet::new(), texts: BTreeMap::new() };
        for kind in [Kind::Files, Kind::Header] {
            let mut seen = BTreeSet::new();
            for (at, paragraph) in all.clone().filter(|(_, paragraph)| paragraph.kind == kind) {
                if !paragraph.text.is_empty() || seen.insert(&paragraph.names) {
                    combined.add(at);
                }
            }
            if !combined.terms.is_empty() {
                return Some(combined);
            }
        }
        None
    }

    fn add(&mut self, at: usize) {
        let paragraph = &self.paragraphs[at];
        let mut unknown = Vec::new();
        let parsed = parse(&paragraph.names, &mut unknown);
        let term = parsed.filter(|_| unknown.len() <= NAMES).unwrap_or_else(|| {
            unknown = vec![paragraph.names.clone()];
            Term::One(reference("Debian", &paragraph.names))
        });
        self.terms.insert(term);
        for name in unknown {
            let other = self.by_name.get(&name.to_ascii_lowercase()).copied().unwrap_or(at);
            let place = if paragraph.text.is_empty() { other } else { at };
            self.texts.entry(reference("Debian", &name)).or_default().insert(place);
        }
    }

    fn settle(self, path: &TreePath, licence: &mut Licence) {
        for (name, places) in self.texts {
            let texts = places.into_iter().map(|at| self.paragraphs[at].text.as_str());
            let texts: BTreeSet<&str> = texts.filter(|text| !text.is_empty()).collect();
            if texts.is_empty() {
                licence.problems.push(LicenceProblem::TextMissing(name));
                continue;
            }
            let text = texts.into_iter().collect::<Vec<_>>().join("\n\n");
            licence.texts.push(LicenceText { name, path: path.clone(), text });
        }
        match check(&Term::and(self.terms).write()) {
            Ok(expression) => licence.expression = Some(expression),
            Err(problem) => licence.problems.push(problem),
        }
    }
}

/// Reads short names joined by `and`, `or` and commas: `and` binds before `or`, and what a comma sets apart is read by itself. Names
/// that SPDX doesn't have are references, and listed; none where the text isn't of this form.
fn parse(text: &str, unknown: &mut Vec<String>) -> Option<Term> {
    let mut parts = Vec::new();
    for (at, part) in text.split(',').enumerate() {
        let mut words: Vec<&str> = part.split_whitespace().collect();
        let mut join = Join::And;
        if at > 0 {
            join = Join::of(words.first()?)?;
            words.remove(0);
        }
        parts.push((join, chain(&words, unknown)?));
    }
    Some(joined(parts))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Join {
    And,
    Or,
}

impl Join {
    fn of(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "and" => Some(Self::And),
            "or" => Some(Self::Or),
            _ => None,
        }
    }
}

/// Reads names joined by words, without commas.
fn chain(words: &[&str], unknown: &mut Vec<String>) -> Option<Term> {
    let mut parts = Vec::new();
    let (mut start, mut join) = (0, Join::And);
    for at in 0..=words.len() {
        let next = words.get(at).map(|word| Join::of(word));
        if let Some(None) = next {
            continue;
        }
        parts.push((join, name(&words[start..at], unknown)?));
        join = next.flatten().unwrap_or(Join::And);
        start = at + 1;
    }
    Some(joined(parts))
}

/// Joins terms, each with the word before it; that of the first means nothing.
fn joined(parts: Vec<(Join, Term)>) -> Term {
    let mut choices: Vec<Vec<Term>> = Vec::new();
    for (join, term) in parts {
        match choices.last_mut() {
            Some(all) if join == Join::And => all.push(term),
            Some(_) | None => choices.push(vec![term]),
        }
    }
    Term::or(choices.into_iter().map(Term::and))
}

/// Reads one name: `GPL-2+`, or `GPL-2+ with Font exception`.
fn name(words: &[&str], unknown: &mut Vec<String>) -> Option<Term> {
    let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "-+._/~".contains(c));
    if !words.iter().all(|word| is_plain(word)) {
        return None;
    }
    let found = match words {
        [name] => names::licence(name),
        [name, with, exception @ .., last]
            if is_with(with) && is_exception(last) && !exception.is_empty() =>
        {
            with_exception(name, &exception.join("-"))
        }
        [name, with, exception] if is_with(with) => with_exception(name, exception),
        _ => return None,
    };
    let Some(found) = found else {
        let name = words.join(" ");
        let term = Term::One(reference("Debian", &name));
        unknown.push(name);
        return Some(term);
    };
    Some(Term::or(found.split(" OR ").map(|name| Term::One(name.to_owned()))))
}

fn is_with(word: &str) -> bool {
    word.eq_ignore_ascii_case("with")
}

fn is_exception(word: &str) -> bool {
    word.eq_ignore_ascii_case("exception") || word.eq_ignore_ascii_case("exceptions")
}

fn with_exception(name: &str, exception: &str) -> Option<String> {
    let licence = names::licence(name).filter(|licence| !licence.contains(' '))?;
    Some(format!("{licence} WITH {}", names::exception(exception)?))
}
