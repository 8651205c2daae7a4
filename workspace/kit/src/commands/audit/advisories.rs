//! Known vulnerabilities of what is in an image: where advisories come from, and what of them concerns it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use kit_audit::advisories::vex::{self, Document};
use kit_audit::advisories::{
    Builder, Installed, Kernel, Moment, Origin, Proposal, Release, Setting, Shipped, Snapshot, Wanted, find,
    finding, propose,
};
use kit_audit::finding::{Area, Evidence};
use kit_audit::hardening::kernel::{KernelConfig, Value};
use kit_audit::inventory::{Component, ComponentId, Inventory, Place, Role};
use kit_audit::policy::{Advised, Day};
use kit_recipe::recipe::RecipeName;
use kit_store::Store;

use super::Args;
use super::gather::Gathered;
use super::subject::Audited;
use crate::Failure;
use crate::advisories::{Published, published};
use crate::context::Context;
use crate::places::bundles;
use crate::project::read_file;

/// Looks for known vulnerabilities; returns what was asked, in a few words. None where there are no advisories to ask.
pub(super) fn look(
    args: &Args,
    context: &Context,
    store: &Store,
    subject: &Audited,
    today: Day,
    gathered: &mut Gathered,
) -> Result<Option<String>, Failure> {
    let Some(inventory) = subject.inventory() else { return Ok(None) };
    let installed = installed(inventory);
    let Some(release) = release(inventory) else {
        gathered
            .notes
            .push("vulnerabilities weren't looked at: nothing is from a release of Debian".to_owned());
        return Ok(None);
    };
    let wanted =
        Wanted::only(installed.iter().map(|one| (one.origin.ecosystem(), one.known_as().0.to_owned())));
    let Some(snapshot) = snapshot(args, context, store, subject, &release, &wanted)? else {
        gathered.notes.push(
            "vulnerabilities weren't looked at: name advisories by `--advisories`, or pin them by `kit lock --advisories`"
                .to_owned(),
        );
        return Ok(None);
    };
    let as_of = args.as_of.map(end_of);
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
    let documents: Result<Vec<_>, _> = args.vex.iter().map(|path| document(path)).collect();
    let shipped = shipped(subject, inventory, store)?;
    let proposals: Vec<_> = found.matches.iter().map(|one| propose(one, &shipped)).collect();
    let name = format!("pkg:generic/{}", subject.name);
    let judged = vex::judge(found.matches, &documents?, std::slice::from_ref(&name));
    for ((one, mut finding), proposal) in judged.iter().zip(finding::findings(&judged)).zip(&proposals) {
        let published = one.found.published.map(|moment| Day::of_seconds(u64::from(moment.seconds())));
        gathered.advised.insert(finding.id(), Advised { published, fixed: one.found.fixed.clone() });
        if let Some(proposal) = proposal {
            finding.evidence.push(Evidence::Fact(format!("not affected, as is proved: {}", proposal.proof)));
        }
        gathered.findings.push(finding);
    }
    gathered.areas.insert(Area::Vulnerabilities);
    let date = snapshot.date().unwrap_or_else(|| end_of(today));
    gathered.proved = proved(&proposals, &name, date)?;
    let ecosystems: Vec<_> = snapshot.ecosystems().iter().map(|ecosystem| ecosystem.word()).collect();
    Ok(Some(format!("{} of {}", ecosystems.join(" and "), date.date())))
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

fn end_of(day: Day) -> Moment {
    Moment::parse_end_of_day(&day.to_string()).expect("because days are written as dates")
}

fn document(path: &Path) -> Result<Document, Failure> {
    let unreadable = |source| Failure::Advisories { path: Some(path.to_owned()), source: Box::new(source) };
    let bytes = read_file(path, vex::LIMIT)?;
    Document::parse(&path.display().to_string(), &bytes).map_err(unreadable)
}

/// Returns the advisories that are named, else those that the lockfile pins.
fn snapshot(
    args: &Args,
    context: &Context,
    store: &Store,
    subject: &Audited,
    release: &Release,
    wanted: &Wanted,
) -> Result<Option<Snapshot>, Failure> {
    if args.advisories.is_empty() {
        return pinned(context, store, subject, release, wanted);
    }
    let mut builder = Builder::new(release.clone(), wanted.clone());
    for path in &args.advisories {
        match published(path, release, wanted, &mut builder)? {
            Published::Records => {}
            // A snapshot is all that there is.
            Published::Snapshot(snapshot) => return Ok(Some(*snapshot)),
        }
    }
    Ok(Some(builder.finish()))
}

fn pinned(
    context: &Context,
    store: &Store,
    subject: &Audited,
    release: &Release,
    wanted: &Wanted,
) -> Result<Option<Snapshot>, Failure> {
    let Some(pin) = subject.lock.as_ref().and_then(|lock| lock.advisories.as_ref()) else { return Ok(None) };
    let missing = || Failure::NoSnapshot { sha256: pin.sha256, image: subject.name.clone() };
    if store.blob_of_sha256(&pin.sha256)?.is_none() {
        for bundle in bundles(context, context.project()?)? {
            bundle.take(store, &pin.sha256)?;
        }
    }
    let blob = store.blob_of_sha256(&pin.sha256)?.ok_or_else(missing)?;
    let bytes =
        kit_tree::Blobs::read(store, &blob, kit_audit::advisories::snapshot::LIMIT).map_err(|_| missing())?;
    let snapshot = Snapshot::read(&bytes, release, wanted);
    snapshot.map(Some).map_err(|source| Failure::Advisories { path: None, source: Box::new(source) })
}

/// Returns the release of Debian that most of the image's packages are from.
fn release(inventory: &Inventory) -> Option<Release> {
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
fn installed(inventory: &Inventory) -> Vec<Installed> {
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
            ComponentId::File { .. } | ComponentId::Image(_) | ComponentId::Recipe(_) => {}
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
fn shipped(subject: &Audited, inventory: &Inventory, store: &Store) -> Result<Shipped, Failure> {
    let Some(built) = &subject.built else { return Ok(Shipped::default()) };
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
