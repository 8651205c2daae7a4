//! `[build]`: a script, or a kind that expands to one.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::check::{self, Root};
use super::section::Section;
use super::value::{Items, Value};
use super::{Faults, container};
use crate::kind::{Kind, Parameters, Takes};
use crate::package::{Build, Source};
use crate::problem::Fault;
use crate::{Name, Spanned};

/// The longest time that a step may have, in seconds: a week.
const LONGEST: u64 = 7 * 24 * 3600;

/// The most processors that a step may ask for.
const MOST_PROCESSORS: u64 = 1024;

/// The sources of the package.
type Sources = BTreeMap<Name, Spanned<Source>>;

/// Reads a build; without sources where theirs have faults of their own.
pub(super) fn build(
    mut section: Section<'_>,
    sources: Option<&Sources>,
    faults: &mut Faults<'_>,
) -> Option<Build> {
    section.contradiction("run", "kind", "a kind has a script of its own", faults);
    let env = section.section("env", faults).map(|section| container::environment(&section, faults));
    let env = env.unwrap_or_default();
    let timeout = section.value("timeout").map(|value| value.number(1, LONGEST, faults));
    let processors = section.value("processors").map(|value| value.number(1, MOST_PROCESSORS, faults));
    let step = match section.value("kind") {
        Some(value) => kind(&value, &mut section, sources, &env, faults),
        None => script(&mut section, env, faults),
    };
    section.finish(faults);
    let Step { tools, run, env } = step?;
    let processors = u32::try_from(processors.unwrap_or(Some(1))?).ok()?;
    Some(Build { tools, run, env, timeout: timeout.unwrap_or(Some(3600))?, processors })
}

/// What a build comes to in either way.
struct Step {
    tools: Vec<Spanned<Name>>,
    run: Spanned<String>,
    env: BTreeMap<String, String>,
}

fn script(section: &mut Section<'_>, env: BTreeMap<String, String>, faults: &mut Faults<'_>) -> Option<Step> {
    let tools = section.required("tools", "tools = [\"toolchain-c\"]");
    let tools = tools.and_then(|value| check::names(&value, faults));
    let run = section.required("run", "run = \"make -C /src/main DESTDIR=/out install\"");
    let run = run.and_then(|value| value.text(faults).map(|text| value.spanned(text.to_owned())));
    Some(Step { tools: tools?, run: run?, env })
}

fn kind(
    value: &Value<'_>,
    section: &mut Section<'_>,
    sources: Option<&Sources>,
    env: &BTreeMap<String, String>,
    faults: &mut Faults<'_>,
) -> Option<Step> {
    section.knows(&["run", "tools"]);
    let tools = section.value("tools").and_then(|value| check::names(&value, faults)).unwrap_or_default();
    let Some(kind) = value.word(&Kind::ALL.map(|kind| (kind.word(), kind)), faults) else {
        // Which keys it takes can't be told.
        let keys: BTreeSet<_> = Kind::ALL.iter().flat_map(|kind| kind.keys()).map(|(key, _)| *key).collect();
        section.knows(&keys.into_iter().collect::<Vec<_>>());
        return None;
    };
    let parameters = parameters(kind, section, sources, &value.span, faults)?;
    let expansion = kind.expand(&parameters, env);
    let usual = kind.tools().iter().map(|tool| value.spanned(name(tool)));
    let own = tools.into_iter().filter(|tool| !kind.tools().contains(&tool.as_str()));
    Some(Step { tools: usual.chain(own).collect(), run: value.spanned(expansion.script), env: expansion.env })
}

fn name(text: &str) -> Name {
    text.parse().expect("because kinds name packages")
}

/// Reads the keys of a kind.
fn parameters(
    kind: Kind,
    section: &mut Section<'_>,
    sources: Option<&Sources>,
    at: &Range<usize>,
    faults: &mut Faults<'_>,
) -> Option<Parameters> {
    let before = faults.count();
    let mut parameters = Parameters::new();
    for (key, takes) in kind.keys() {
        let value = section.value(key);
        let words = match (takes, &value) {
            (Takes::Source | Takes::Crates | Takes::Config, Some(value)) => {
                source(key, *takes, value, sources, faults)
            }
            (Takes::Source | Takes::Crates | Takes::Config, None) => None,
            (Takes::Path, value) => {
                value.as_ref().and_then(|value| path(value, faults)).map(|path| vec![path])
            }
            (Takes::Word, value) => {
                let word = value.as_ref().and_then(|value| value.line(faults));
                word.map(|word| vec![word.to_owned()])
            }
            (Takes::Words, value) => value.as_ref().and_then(|value| words(value, faults)),
            (Takes::Flag(usual), value) => {
                let set = value.as_ref().map_or(Some(*usual), |value| value.boolean(faults));
                set.filter(|set| *set).map(|_| Vec::new())
            }
        };
        parameters.extend(words.map(|words| (*key, words)));
    }
    if let Some(sources) = sources
        && faults.count() == before
    {
        missing_sources(kind, sources, at, &mut parameters, faults);
    }
    (faults.count() == before && sources.is_some()).then_some(parameters)
}

fn words(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<String>> {
    value.list(Items::Some, faults, |item, faults| item.line(faults).map(ToOwned::to_owned))
}

/// Reads a path inside a source; the source itself is no path.
fn path(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    if let Err(why) = check::check_tree_path(text, Root::Refused) {
        return value.fault(Fault::SourcePath { path: text.to_owned(), why }, faults);
    }
    Some(text.to_owned())
}

fn source(
    key: &'static str,
    takes: Takes,
    value: &Value<'_>,
    sources: Option<&Sources>,
    faults: &mut Faults<'_>,
) -> Option<Vec<String>> {
    let name = check::name(value, faults)?;
    let sources = sources?;
    let Some(source) = sources.get(&name.value) else {
        let known = sources.keys().map(ToString::to_string).collect();
        return value.fault(Fault::UnknownSource { name: name.to_string(), known }, faults);
    };
    let is_crates = matches!(source.value, Source::Crates { .. });
    if is_crates != (takes == Takes::Crates) {
        let why = if is_crates { "these are crates" } else { "these are no crates" };
        faults.add_both(
            value.span.clone(),
            source.span.clone(),
            Fault::WrongSource { key, name: name.to_string(), why },
        );
        return None;
    }
    Some(vec![name.to_string()])
}

/// Finds the sources that weren't named: the only one of its kind that has no other use.
fn missing_sources(
    kind: Kind,
    sources: &Sources,
    at: &Range<usize>,
    parameters: &mut Parameters,
    faults: &mut Faults<'_>,
) {
    let mut which = |what, key, known| faults.add(at.clone(), Fault::WhichSource { what, key, known });
    let is_open = |(key, takes): &&(&str, Takes)| *takes == Takes::Config && !parameters.contains_key(key);
    if let Some((key, _)) = kind.keys().iter().find(is_open) {
        // The other one can't be told from what is left, then.
        which("has the configuration", key, sources.keys().map(ToString::to_string).collect());
        return;
    }
    for (key, takes) in kind.keys() {
        if parameters.contains_key(key) {
            continue;
        }
        let wants_crates = *takes == Takes::Crates;
        let config = parameters.get("config").and_then(|words| words.first());
        let fits = |(name, source): &(&Name, &Spanned<Source>)| {
            matches!(source.value, Source::Crates { .. }) == wants_crates
                && config.is_none_or(|config| config != name.as_str())
        };
        let fitting: Vec<_> = sources.iter().filter(fits).map(|(name, _)| name.to_string()).collect();
        match (takes, fitting.as_slice()) {
            (Takes::Source | Takes::Crates, [_]) => _ = parameters.insert(key, fitting),
            (Takes::Source, _) => which("is built", key, fitting),
            (Takes::Crates, [_, _, ..]) => which("has the crates", key, fitting),
            _ => {}
        }
    }
}
