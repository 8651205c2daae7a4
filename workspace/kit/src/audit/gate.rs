//! Policies where nobody asks for an audit: what `kit check`, `kit lock` and `kit build` let through.
//!
//! They apply the policy of the project, and do nothing where it has none. Before something is built, nothing is known of its files, so
//! `kit check` and `kit lock` judge recipes and lockfile. Who signed an image, and whether others came to the same bytes, is known only after
//! a build is published, so none of the three looks at that.

use std::collections::BTreeSet;

use kit_audit::finding::Area;
use kit_audit::policy::{Level, Outcome, Policy};
use kit_audit::report::{Report, json, text};
use kit_build::Engine;
use kit_build::engine::Trees;
use kit_hash::{BlobId, Encoder};
use kit_recipe::policy::Licences;
use kit_store::{Facts, Store};

use super::{Asked, Audit, Pinned, Signatures, areas, audit, subject};
use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::output::Format;
use crate::units::count;
use crate::workbench::Workpiece;

/// The kind of facts that judgements are.
const JUDGEMENT: &str = "judgement";
/// What only files tell, though the rest of its area is known without.
const OF_FILES: &str = "script-ignored";

/// What became of what was judged.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is let through, with what is worth a look.
    Passed(Noticed),
    /// It isn't.
    Denied(Box<Audit>),
}

/// What is worth a look of what is let through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Noticed {
    /// How many warnings there are.
    pub(crate) warnings: usize,
    /// How many findings exceptions let through.
    pub(crate) excepted: usize,
    /// What the policy asks for and couldn't be judged, in sentences.
    left_out: Vec<String>,
}

impl Noticed {
    fn of(report: &Report<'_>) -> Self {
        let counts = report.counts();
        let left_out = report.judgement.left_out.clone();
        Self { warnings: counts.of(Level::Warn), excepted: counts.excepted, left_out }
    }
}

impl Verdict {
    /// Sums an audit up.
    pub(crate) fn of(audit: Audit) -> Self {
        match audit.judgement.outcome() {
            Outcome::Passed => Self::Passed(Noticed::of(&audit.report())),
            Outcome::Failed => Self::Denied(Box::new(audit)),
        }
    }
}

/// Judges recipes and lockfile of an image.
pub(crate) fn planned(
    policy: &Policy,
    context: &Context,
    store: &Store,
    piece: Workpiece,
    pinned: Pinned,
) -> Result<Audit, Failure> {
    let mut asked = Asked { pinned, ..asked() };
    for area in [Area::Hardening, Area::Licences] {
        asked.areas.remove(&area);
    }
    let mut kinds = areas::kinds();
    kinds.retain(|kind| kind.id != OF_FILES);
    let subject = subject::planned(Built::planned(piece)?);
    audit(&asked, kinds, Some(&without_files(policy)), context, store, subject)
}

/// Judges an image of which all steps are done, unless it was let through before: by the same policy, on the same day. `again` prepares it
/// once more, to be audited.
pub(crate) fn built(
    policy: &Policy,
    context: &Context,
    engine: &Engine<'_>,
    (piece, trees): (&Workpiece, &Trees),
    again: impl FnOnce() -> Result<Workpiece, Failure>,
) -> Result<Verdict, Failure> {
    let (store, asked) = (engine.store, asked());
    let key = key(policy, &asked, trees, piece);
    if let Some(noticed) = known(store, &key) {
        return Ok(Verdict::Passed(noticed));
    }
    let subject = subject::built(Built::by(engine, again()?, Wanted::Shipped)?, store)?;
    let policy = without_signatures(policy);
    let verdict = Verdict::of(audit(&asked, areas::kinds(), Some(&policy), context, store, subject)?);
    // What is denied is shown each time, so that has to be looked at again.
    if let Verdict::Passed(noticed) = &verdict {
        let mut e = Encoder::new(JUDGEMENT, 1);
        e.len(noticed.warnings).len(noticed.excepted);
        e.list(&noticed.left_out, |e, what| _ = e.str(what));
        store.put_facts(JUDGEMENT, &Facts::from([(key, e.finish().to_vec())]))?;
    }
    Ok(verdict)
}

/// Shows what is denied as `kit audit` does; returns the failure.
pub(crate) fn deny(context: &Context, audit: &Audit) -> Failure {
    match show(context, audit) {
        Ok(()) => Failure::Denied { image: audit.subject.name.clone(), summary: audit.report().summary() },
        Err(failure) => failure,
    }
}

/// Shows what an audit denies on standard error, and how to see the rest; all of it with `--json`.
pub(crate) fn show(context: &Context, audit: &Audit) -> Result<(), Failure> {
    let report = audit.report();
    if context.output.format == Format::Json {
        let object = json::write(&report)
            .map_err(|source| Failure::Evidence { what: "report", source: Box::new(source) })?;
        let object = serde_json::from_slice(&object).expect("because it was just written");
        return context.output.result(&object).map_err(Failure::Output);
    }
    for note in &audit.gathered.notes {
        context.output.tell(&format!("{note}\n"));
    }
    let mut denied = audit.judgement.clone();
    denied.judged.retain(|judged| judged.level == Level::Deny);
    let shown = Report { tables: &[], judgement: &denied, ..report };
    context.output.tell(&text::write(&shown));
    say(context, &audit.subject.name, &Noticed::of(&report));
    Ok(())
}

/// Says how many warnings and exceptions there are, where there are any, and what couldn't be judged.
pub(crate) fn say(context: &Context, image: &impl std::fmt::Display, noticed: &Noticed) {
    let Noticed { warnings, excepted, left_out } = noticed;
    for what in left_out {
        context.output.say(&format!("{image}: {what}\n"));
    }
    let (warnings, excepted) = (*warnings, *excepted);
    let warnings = (warnings > 0).then(|| count(warnings, "warning"));
    let excepted = (excepted > 0).then(|| format!("{excepted} let through by exceptions"));
    let parts: Vec<_> = warnings.into_iter().chain(excepted).collect();
    if !parts.is_empty() {
        context.output.say(&format!("{image}: {}: kit audit {image}\n", parts.join(", ")));
    }
}

/// Leaves out what nobody can have done before a build is published.
fn without_signatures(policy: &Policy) -> Policy {
    Policy { signatures: None, ..policy.clone() }
}

/// Leaves out, besides, what only files tell.
fn without_files(policy: &Policy) -> Policy {
    let mut policy = without_signatures(policy);
    (policy.size.image, policy.size.files) = (None, None);
    policy.licences = Licences::default();
    policy.forbidden.files.clear();
    policy
}

fn asked() -> Asked {
    let mut asked = Asked::everything();
    asked.areas.remove(&Area::Reproducibility);
    asked.signatures = Signatures::Left;
    asked
}

/// Names all that a judgement depends on.
fn key(policy: &Policy, asked: &Asked, trees: &Trees, piece: &Workpiece) -> BlobId {
    let mut e = Encoder::new(JUDGEMENT, 1);
    e.str(env!("CARGO_PKG_VERSION")).str(&policy.text).str(&asked.today().to_string());
    // The advisories are pinned there.
    e.str(&piece.lock.to_text());
    let recipes: Vec<_> = piece.loaded.recipes.iter().map(|(name, _)| name).collect();
    e.list(&recipes, |e, name| _ = e.str(&name.path()).str(piece.loaded.recipes.text(name)));
    let targets = piece.plan.outputs.values().copied().chain(piece.plan.documents());
    let targets: BTreeSet<_> = targets.collect();
    let came_out: Vec<_> = targets.iter().filter_map(|id| Some((id, trees.get(id)?))).collect();
    e.list(&came_out, |e, (id, tree)| _ = e.id(*id).id(*tree));
    BlobId::of(e.finish())
}

fn known(store: &Store, key: &BlobId) -> Option<Noticed> {
    let facts = store.facts(JUDGEMENT, &BTreeSet::from([*key]));
    let mut d = kit_hash::Decoder::new(facts.get(key)?, JUDGEMENT, 1).ok()?;
    let mut number = || usize::try_from(d.u64().ok()?).ok();
    let (warnings, excepted) = (number()?, number()?);
    let count = d.list_len().ok()?;
    let left_out: Option<Vec<_>> = (0..count).map(|_| d.str().ok().map(str::to_owned)).collect();
    Some(Noticed { warnings, excepted, left_out: left_out? })
}
