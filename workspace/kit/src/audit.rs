//! An audit, whoever asks for it: what is looked at, what was found, and what becomes of that.
//!
//! | module | what |
//! |---|---|
//! | [`subject`] | what is audited: an image of the project, a lockfile, or what can be opened |
//! | [`opened`] | files, directories and images of registries, held against their lockfiles or as they describe themselves |
//! | [`gather`] | all that is found, area by area |
//! | [`advisories`] | known vulnerabilities |
//! | [`origins`] | where it all comes from |
//! | [`policy`] | the policy that it is judged by |
//! | [`gate`] | policies where nobody asks for an audit: in `kit check`, `kit lock` and `kit build` |
//! | [`signed`] | whose keys signed it |
//! | [`areas`] | the kinds of findings |

pub(crate) mod advisories;
pub(crate) mod areas;
mod exact;
pub(crate) mod gate;
pub(crate) mod gather;
pub(crate) mod opened;
mod origins;
pub(crate) mod policy;
pub(crate) mod signed;
pub(crate) mod subject;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::finding::{Area, Kind};
use kit_audit::policy::{Day, Judgement, Outcome, Policy, judge};
use kit_audit::report::Report;
use kit_store::Store;

use self::gather::Gathered;
use self::signed::Looked;
use self::subject::Audited;
use crate::Failure;
use crate::context::Context;
use crate::places;

/// Whether the places that pins are from are asked what they have now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Online {
    /// They are asked.
    Asked,
    /// No socket is opened for the audit.
    Left,
}

/// Whether signatures count: nobody can have signed what isn't written yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signatures {
    /// They are looked for.
    Asked,
    /// They aren't.
    Left,
}

/// What becomes of an audit whose lockfile pins advisories that are nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pinned {
    /// It fails.
    Needed,
    /// It says that it didn't look at vulnerabilities.
    WhereThere,
}

/// What is asked of an audit.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// What is looked at.
    pub(crate) areas: BTreeSet<Area>,
    /// Known vulnerabilities; those that the lockfile pins where none are named.
    pub(crate) advisories: Vec<PathBuf>,
    /// Whether those that the lockfile pins have to be there.
    pub(crate) pinned: Pinned,
    /// The day by which it is judged, and whose knowledge counts; today, and all knowledge, where it is none.
    pub(crate) as_of: Option<Day>,
    /// `OpenVEX` documents that are taken over.
    pub(crate) vex: Vec<PathBuf>,
    /// Statements of verifications.
    pub(crate) statements: Vec<PathBuf>,
    /// The policy; that of the project where it is none.
    pub(crate) policy: Option<PathBuf>,
    /// Whether archives, registries and repositories are asked for what is newer than the pins.
    pub(crate) online: Online,
    /// Whether signatures count.
    pub(crate) signatures: Signatures,
}

impl Asked {
    /// Asks for all areas, by what the project and its lockfile have.
    pub(crate) fn everything() -> Self {
        Self {
            areas: Area::ALL.into_iter().filter(|area| *area != Area::Policy).collect(),
            advisories: Vec::new(),
            pinned: Pinned::Needed,
            as_of: None,
            vex: Vec::new(),
            statements: Vec::new(),
            policy: None,
            online: Online::Left,
            signatures: Signatures::Asked,
        }
    }

    /// Returns the day by which it is judged.
    pub(crate) fn today(&self) -> Day {
        self.as_of.unwrap_or_else(|| Day::of_seconds(places::now()))
    }
}

/// An audit that was made.
#[derive(Debug)]
pub(crate) struct Audit {
    /// What was audited.
    pub(crate) subject: Audited,
    /// What was found.
    pub(crate) gathered: Gathered,
    /// What becomes of it.
    pub(crate) judgement: Judgement,
    /// The kinds that were looked for.
    kinds: Vec<&'static Kind>,
    /// The day by which it was judged.
    today: Day,
}

/// Audits something for kinds of findings, and judges it by a policy; by the rule without one where there is none.
pub(crate) fn audit(
    asked: &Asked,
    kinds: Vec<&'static Kind>,
    policy: Option<&Policy>,
    context: &Context,
    store: &Store,
    subject: Audited,
) -> Result<Audit, Failure> {
    let today = asked.today();
    let signed = match asked.signatures {
        Signatures::Asked => signed::look(context, store, &subject)?,
        Signatures::Left => Looked::nothing(),
    };
    let gathered = gather::gather(asked, context, store, &subject, &signed.image, today)?;
    let judgement = judge(
        policy,
        kit_audit::policy::Subject {
            findings: &gathered.findings,
            areas: &gathered.areas,
            kinds: &kinds,
            inventory: subject.inventory(),
            licences: &gathered.licences,
            advised: &gathered.advised,
            capabilities: gathered.capabilities.as_deref(),
            signed_by: signed.by.as_ref(),
            today,
        },
    );
    Ok(Audit { subject, gathered, judgement, kinds, today })
}

impl Audit {
    /// Returns it as it is written down.
    pub(crate) fn report(&self) -> Report<'_> {
        Report {
            image: &self.subject.name,
            path: self.subject.path.as_deref(),
            pin: self.subject.pin,
            version: env!("CARGO_PKG_VERSION"),
            today: self.today,
            depth: &self.subject.depth,
            kinds: &self.kinds,
            inventory: self.subject.inventory(),
            licences: &self.gathered.licences,
            judgement: &self.judgement,
            tables: &self.gathered.tables,
        }
    }

    /// Succeeds when nothing is denied.
    pub(crate) fn verdict(&self) -> Result<ExitCode, Failure> {
        match self.judgement.outcome() {
            Outcome::Passed => Ok(ExitCode::SUCCESS),
            Outcome::Failed => {
                Err(Failure::Denied { image: self.subject.name.clone(), summary: self.report().summary() })
            }
        }
    }
}
