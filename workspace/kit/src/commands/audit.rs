//! `kit audit`: what is inside of an image, what is wrong with it, and what to do about it.

mod advisories;
mod areas;
mod gather;
mod outputs;
mod page;
mod policy;
mod subject;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::finding::Area;
use kit_audit::policy::{Day, Outcome, judge};
use kit_audit::report::Report;

use crate::Failure;
use crate::context::Context;
use crate::places;

const EXAMPLES: &str = "\
Examples:
  kit audit server                                  everything that needs no advisories
  kit audit server --advisories advisories/         with what is known of vulnerabilities: OSV's zip or files, Debian's tracker
  kit audit server --as-of 2026-09-01               what was known then
  kit audit server --vex server.openvex.json        what was judged already; --write-vex writes what can be proved
  kit audit lockfiles/server.lock                   a lockfile alone
  kit audit server --html audit.html --sarif audit.sarif --junit audit.xml

Without `policy.toml`, what denies is a vulnerability that is high or critical and has a fixed version. Exit code 1 says that something is denied.";

/// Report what is wrong with an image, and what to do about it
///
/// Vulnerabilities, hardening, privileges, supply chain, licences, reproducibility. No socket is opened but to build what isn't in the store. The same lockfile, advisories, policy and date give the same report everywhere.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Audit this image of the project, lockfile, archive or OCI layout
    #[arg(value_name = "IMAGE|LOCKFILE|FILE")]
    subject: String,
    /// Take known vulnerabilities from here: a zip, a directory, a file of OSV or Debian's tracker, or a snapshot (can be repeated) [default: what the lockfile pins]
    #[arg(long, value_name = "PATH")]
    advisories: Vec<PathBuf>,
    /// Tell what was known on this day, and judge by it [default: today]
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    as_of: Option<Day>,
    /// Take over what this OpenVEX document says (can be repeated)
    #[arg(long, value_name = "FILE")]
    vex: Vec<PathBuf>,
    /// Write what is proved not to be affected, as an OpenVEX document, to this file
    #[arg(long, value_name = "FILE")]
    write_vex: Option<PathBuf>,
    /// Take this statement of a verification into account (can be repeated)
    #[arg(long, value_name = "FILE")]
    statement: Vec<PathBuf>,
    /// Judge by this policy [default: `policy.toml` of the project, if it is there]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Look at these areas alone (separated by commas): vulnerabilities, hardening, privileges, supply-chain, licences, reproducibility
    #[arg(long, value_name = "AREAS", value_delimiter = ',', value_parser = parse_area)]
    only: Vec<Area>,
    /// Write the report as a page to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write it as SARIF 2.1.0 to this file
    #[arg(long, value_name = "FILE")]
    sarif: Option<PathBuf>,
    /// Write it as JUnit's XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
}

fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "write a date, such as `2026-09-01`".to_owned())
}

fn parse_area(text: &str) -> Result<Area, String> {
    let areas = Area::ALL.iter().filter(|area| **area != Area::Policy);
    let words: Vec<_> = areas.map(|area| format!("`{}`", area.word())).collect();
    let area = Area::from_word(text).filter(|area| *area != Area::Policy);
    area.ok_or_else(|| format!("the areas are {}", words.join(", ")))
}

impl Args {
    /// Returns the areas that are looked at.
    fn areas(&self) -> BTreeSet<Area> {
        let all = Area::ALL.into_iter().filter(|area| *area != Area::Policy);
        if self.only.is_empty() { all.collect() } else { self.only.iter().copied().collect() }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let today = args.as_of.unwrap_or_else(|| Day::of_seconds(places::now()));
    // What is wrong with the policy is said before anything is looked at.
    let policy = policy::read(args, context)?;
    let store = context.store()?;
    let subject = subject::read(args, context, &store)?;
    let audited = gather::gather(args, context, &store, &subject, today)?;
    let kinds = areas::kinds();
    let judgement = judge(
        policy.as_ref(),
        kit_audit::policy::Subject {
            findings: &audited.findings,
            areas: &audited.areas,
            kinds: &kinds,
            inventory: subject.inventory(),
            licences: &audited.licences,
            advised: &audited.advised,
            capabilities: audited.capabilities.as_deref(),
            signed_by: None,
            today,
        },
    );
    let report = Report {
        image: &subject.name,
        path: subject.path.as_deref(),
        pin: subject.pin,
        version: env!("CARGO_PKG_VERSION"),
        today,
        depth: &subject.depth,
        kinds: &kinds,
        inventory: subject.inventory(),
        licences: &audited.licences,
        judgement: &judgement,
        tables: &audited.tables,
    };
    outputs::write(args, context, &report, &audited)?;
    match report.outcome() {
        Outcome::Passed => Ok(ExitCode::SUCCESS),
        Outcome::Failed => Err(Failure::Denied { image: subject.name.clone(), summary: report.summary() }),
    }
}
