//! Known vulnerabilities of what is in an image: where advisories come from, and what of them concerns it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kit_audit::Finding;
use kit_audit::advisories::vex::{self, Document};
use kit_audit::advisories::{
    Builder, Installed, Kernel, Moment, Origin, Proposal, Release, Setting, Shipped, Snapshot, Wanted, find,
    finding, propose,
};
use kit_audit::finding::{Area, Evidence};
use kit_audit::hardening::kernel::{KernelConfig, Value};
use kit_audit::inventory::{Component, ComponentId, Inventory, Place, Role};
use kit_audit::policy::{Advised, Day};
use kit_recipe::Lockfile;
use kit_recipe::lockfile::Advisories;
use kit_recipe::recipe::RecipeName;
use kit_store::Store;

use super::gather::Gathered;
use super::subject::Audited;
use super::{Asked, Pinned};
use crate::Failure;
use crate::advisories::{Named, Published, published};
use crate::context::Context;
use crate::escape;
use crate::evidence::Built;
use crate::places::bundles;
use crate::project::read_file;

/// Looks for known vulnerabilities; returns what was asked, in a few words. None where there are no advisories to ask.
pub(crate) fn look(
    asked: &Asked,
    context: &Context,
    store: &Store,
    subject: &Audited,
    today: Day,
    gathered: &mut Gathered,
) -> Result<Option<String>, Failure> {
    let Some(inventory) = subject.inventory() else { return Ok(None) };
    let installed = installed(inventory);
    let Some(release) = release(inventory) else {
        let why = subject.foreign.as_ref().and_then(|foreign| foreign.system.as_ref()).map_or_else(
            || "nothing is from a release of Debian".to_owned(),
            |system| {
                format!(
                    "the image is {}, and only packages of Debian's releases are matched",
                    escape::line(&system.words())
                )
            },
        );
        gathered.notes.push(format!("vulnerabilities weren't looked at: {why}"));
        return Ok(None);
    };
    let wanted =
        Wanted::only(installed.iter().map(|one| (one.origin.ecosystem(), one.known_as().0.to_owned())));
    let which = Which { paths: &asked.advisories, lock: subject.lock.as_ref(), image: subject.image() };
    let snapshot = match snapshot(which, context, store, &release, &wanted) {
        Err(Failure::NoSnapshot { .. }) if asked.pinned == Pinned::WhereThere => {
            let why = "vulnerabilities weren't looked at: the advisories that the lockfile pins aren't in the store";
            gathered.notes.push(why.to_owned());
            return Ok(None);
        }
        found => found?,
    };
    let Some(snapshot) = snapshot else {
        gathered.notes.push(
            "vulnerabilities weren't looked at: name advisories by `--advisories`, or pin them by `kit lock --advisories`"
                .to_owned(),
        );
        return Ok(None);
    };
    let as_of = asked.as_of.map(end_of);
    let found = find(&snapshot, &installed, as_of)
        .map_err(|source| Failure::Advisories { path: None, source: Box::new(source) })?;
    for ecosystem in &found.not_covered {
        gathered
            .notes
            .push(format!("the advisories say nothing of {ecosystem}: what is from there wasn't looked at"));
    }
    for missed in snapshot.not_understood() {
        gathered
            .notes
            .push(format!("not understood in the advisories: {}: {}", missed.record, missed.reason));
    }
    let documents: Result<Vec<_>, _> = asked.vex.iter().map(|path| document(path)).collect();
    // Without files, nothing can be proved by them.
    let shipped = shipped(subject.built.as_ref().filter(|_| subject.root.is_some()), inventory, store)?;
    let proposals: Vec<_> = found.matches.iter().map(|one| propose(one, &shipped)).collect();
    let name = format!("pkg:generic/{}", subject.image());
    let judged = vex::judge(found.matches, &documents?, std::slice::from_ref(&name));
    for ((one, mut finding), proposal) in judged.iter().zip(finding::findings(&judged)).zip(&proposals) {
        let published = one.found.published.map(|moment| Day::of_seconds(u64::from(moment.seconds())));
        gathered.advised.insert(finding.id(), Advised { published, fixed: one.found.fixed.clone() });
        if let Some(proposal) = proposal {
            finding.evidence.push(Evidence::Fact(format!("not affected, as is proved: {}", proposal.proof)));
        }
        if subject.foreign.is_some() {
            finding = of_foreign(finding, one.found.fixed.is_some());
        }
        gathered.findings.push(finding);
    }
    gathered.areas.insert(Area::Vulnerabilities);
    let date = snapshot.date().unwrap_or_else(|| end_of(today));
    gathered.proved = proved(&proposals, &name, date)?;
    let ecosystems: Vec<_> = snapshot.ecosystems().iter().map(|ecosystem| ecosystem.word()).collect();
    Ok(Some(format!("{} of {}", ecosystems.join(" and "), date.date())))
}

/// Says what proves a vulnerability, and what to do, where there is no lockfile.
fn of_foreign(mut finding: Finding, has_fix: bool) -> Finding {
    for evidence in &mut finding.evidence {
        if let Evidence::Lock(entry) = evidence {
            *evidence = Evidence::Fact(format!("the image lists {entry}"));
        }
    }
    if has_fix {
        "update it where the image is made, or take a newer image".clone_into(&mut finding.help);
    }
    finding
}

/// Returns what can be stated, as a document; none where that is nothing.
fn proved(proposals: &[Option<Proposal>], image: &str, date: Moment) -> Result<Option<Document>, Failure> {
    let statements: Vec<_> =
        proposals.iter().flatten().map(|proposal| proposal.statement(Some(image))).collect();
    if statements.is_empty() {
        return Ok(None);
    }
    let document = Document::new("kit".to_owned(), date, statements);
    document.map(Some).map_err(|source| Failure::Evidence { what: "VEX document", source: Box::new(source) })
}

pub(crate) fn end_of(day: Day) -> Moment {
    Moment::parse_end_of_day(&day.to_string()).expect("because days are written as dates")
}

pub(crate) fn document(path: &Path) -> Result<Document, Failure> {
    let unreadable = |source| Failure::Advisories { path: Some(path.to_owned()), source: Box::new(source) };
    let bytes = read_file(path, vex::LIMIT)?;
    Document::parse(&path.display().to_string(), &bytes).map_err(unreadable)
}

/// Which advisories are asked about an image.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which<'a> {
    /// Those that are named.
    pub(crate) paths: &'a [PathBuf],
    /// What pins some where none are named.
    pub(crate) lock: Option<&'a Lockfile>,
    pub(crate) image: &'a str,
}

/// Returns the advisories that are named, else those that the lockfile pins.
pub(crate) fn snapshot(
    which: Which<'_>,
    context: &Context,
    store: &Store,
    release: &Release,
    wanted: &Wanted,
) -> Result<Option<Snapshot>, Failure> {
    if !which.paths.is_empty() {
        return named(context, store, which.paths, release, wanted).map(Some);
    }
    let Some(pin) = which.lock.and_then(|lock| lock.advisories.as_ref()) else { return Ok(None) };
    pinned(context, store, pin, which.image, release, wanted).map(Some)
}

/// Reads the advisories at some paths.
pub(crate) fn named(
    context: &Context,
    store: &Store,
    paths: &[PathBuf],
    release: &Release,
    wanted: &Wanted,
) -> Result<Snapshot, Failure> {
    let mut builder = Builder::new(release.clone(), wanted.clone());
    for path in paths {
        match published(&Named::at(context, store, path)?, release, wanted, &mut builder)? {
            Published::Records => {}
            // A snapshot is all that there is.
            Published::Snapshot(snapshot) => return Ok(*snapshot),
        }
    }
    Ok(builder.finish())
}

/// Reads the advisories that the lockfile of an image pins.
pub(crate) fn pinned(
    context: &Context,
    store: &Store,
    pin: &Advisories,
    image: &str,
    release: &Release,
    wanted: &Wanted,
) -> Result<Snapshot, Failure> {
    let missing = || Failure::NoSnapshot { sha256: pin.sha256, image: image.to_owned() };
    if store.blob_of_sha256(&pin.sha256)?.is_none() {
        for bundle in bundles(context, context.project()?)? {
            bundle.take(store, &pin.sha256)?;
        }
    }
    let blob = store.blob_of_sha256(&pin.sha256)?.ok_or_else(missing)?;
    let bytes =
        kit_tree::Blobs::read(store, &blob, kit_audit::advisories::snapshot::LIMIT).map_err(|_| missing())?;
    Snapshot::read(&bytes, release, wanted)
        .map_err(|source| Failure::Advisories { path: None, source: Box::new(source) })
}

/// Returns the release of Debian that most of the image's packages are from.
pub(crate) fn release(inventory: &Inventory) -> Option<Release> {
    let mut suites: BTreeMap<&str, usize> = BTreeMap::new();
    for component in inventory.components.values() {
        if let Some(suite) = component.suite.as_deref() {
            *suites.entry(suite.split('-').next().unwrap_or(suite)).or_default() += 1;
        }
    }
    let (suite, _) = suites.into_iter().max_by_key(|(_, count)| *count)?;
    Release::of_codename(suite)
}

/// Lists what is in the image, or what that was made of, as advisories name it.
pub(crate) fn installed(inventory: &Inventory) -> Vec<Installed> {
    let mut debian: BTreeMap<(&str, &str), Installed> = BTreeMap::new();
    let mut crates = Vec::new();
    for (id, component) in &inventory.components {
        if component.role == Role::Tool {
            continue;
        }
        match id {
            ComponentId::Debian(_) | ComponentId::DebianSource(_) => {
                let Some(source) = &component.source else { continue };
                let Some(origin) = origin(component) else { continue };
                let one = debian.entry((&source.name, &source.version)).or_insert_with(|| Installed {
                    origin,
                    name: source.name.clone(),
                    version: source.version.clone(),
                    binaries: Vec::new(),
                    update: Vec::new(),
                    evidence: Vec::new(),
                });
                one.binaries.push(component.name.clone());
                one.update.extend(users(inventory, id));
                one.evidence.push(Evidence::Lock(id.to_string()));
            }
            ComponentId::Crate { name, version } => crates.push(Installed {
                origin: Origin::CratesIo,
                name: name.clone(),
                version: version.clone(),
                binaries: Vec::new(),
                update: users(inventory, id),
                evidence: vec![Evidence::Lock(id.to_string())],
            }),
            ComponentId::File { .. }
            | ComponentId::Image(_)
            | ComponentId::Recipe(_)
            | ComponentId::Apk { .. }
            | ComponentId::Foreign(_) => {}
        }
    }
    let mut all: Vec<_> = debian.into_values().chain(crates).collect();
    for one in &mut all {
        one.update = one.update.drain(..).collect::<BTreeSet<_>>().into_iter().collect();
    }
    all
}

fn origin(component: &Component) -> Option<Origin> {
    let suite = component.suite.as_deref()?;
    Release::of_codename(suite.split('-').next().unwrap_or(suite)).map(Origin::Debian)
}

/// Returns the packages whose recipes take a component: what `kit lock --update` is told.
fn users(inventory: &Inventory, id: &ComponentId) -> Vec<String> {
    let takes = inventory.components.iter().filter(|(_, component)| component.made_of.contains(id));
    let names = takes.filter_map(|(user, _)| match user {
        ComponentId::Recipe(RecipeName::Package(name)) => Some(name.to_string()),
        _ => None,
    });
    names.collect()
}

/// Returns what can prove that something isn't in the image.
pub(crate) fn shipped(
    built: Option<&Built>,
    inventory: &Inventory,
    store: &Store,
) -> Result<Shipped, Failure> {
    let Some(built) = built else { return Ok(Shipped::default()) };
    let files: BTreeSet<_> = inventory
        .files
        .iter()
        .filter(|file| file.place == Place::Root)
        .map(|file| file.path.to_string())
        .collect();
    let boots = inventory.files.iter().any(|file| file.place == Place::Boot);
    let config = built.kernel(store)?.and_then(|kernel| KernelConfig::parse(&kernel.config).ok());
    let kernel = match config {
        Some(config) => Kernel::Known { options: options(&config), modules: modules(&files) },
        None if boots => Kernel::Unknown,
        None => Kernel::Missing,
    };
    Ok(Shipped { files, kernel })
}

fn options(config: &KernelConfig) -> BTreeMap<String, Setting> {
    let setting = |value: &Value| match value {
        Value::Module => Setting::Module,
        Value::Yes | Value::Text(_) | Value::Number(_) => Setting::BuiltIn,
    };
    config.set().map(|(name, value)| (name.to_owned(), setting(value))).collect()
}

/// Returns the names of the modules among paths: `nf_tables` of `…/nf_tables.ko.xz`.
fn modules(files: &BTreeSet<String>) -> BTreeSet<String> {
    let names = files.iter().filter_map(|path| {
        let name = path.rsplit('/').next()?;
        let (module, rest) = name.split_once(".ko")?;
        (rest.is_empty() || rest.starts_with('.')).then(|| module.to_owned())
    });
    names.collect()
}
