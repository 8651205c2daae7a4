//! `kit audit`: what is inside of an image, what is wrong with it, and what to do about it.

mod outputs;
mod page;

use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::finding::Area;
use kit_audit::policy::Day;

use crate::Failure;
use crate::audit::subject::{self, Named};
use crate::audit::{self, Asked, Online, areas, policy};
use crate::context::Context;
use crate::opened::Choice;

const EXAMPLES: &str = "\
Examples:
  kit audit server                                  everything that needs no advisories
  kit audit server --advisories advisories/         with what is known of vulnerabilities: OSV's zip or files, Debian's tracker
  kit audit server --as-of 2026-09-01               what was known then
  kit audit server --vex server.openvex.json        what was judged already; --write-vex writes what can be proved
  kit audit lockfiles/server.lock                   a lockfile alone
  kit audit server --online                         whether there are newer versions than those that are pinned
  kit audit out/server-initrd.img                   a file: finds its lockfile, and tells what was changed
  kit audit registry.example/team/web:1 --platform linux/arm64
                                                    an image that others made, as far as it says what it is made of
  kit audit server --html audit.html --sarif audit.sarif --junit audit.xml
  kit audit --kinds                                 what can be found, as policies name it

Without `policy.toml`, what denies is a vulnerability that is high or critical and has a fixed version, and a
file that isn't what its lockfile gives. Exit code 1 says that something is denied.";

/// Report what is wrong with an image, and what to do about it
///
/// Vulnerabilities, hardening, privileges, supply chain, licences, reproducibility. No socket is opened but to build what isn't in the store, for
/// what a registry has, and by `--online`. The same lockfile, advisories, policy and date give the same report everywhere.
///
/// A file that kit made carries the digest of its lockfile: that one is looked for in the project and its history, and what isn't as it gives it is
/// told. Of other images it is read what they say of themselves: the lists of `dpkg` and `apk`, and their configuration.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Audit this image of the project, lockfile, initrd, archive, directory (an OCI layout, or outputs), or image of a registry
    #[arg(
        value_name = "IMAGE|LOCKFILE|FILE|REFERENCE",
        required_unless_present = "kinds",
        required = false,
        default_value_if("kinds", "true", "")
    )]
    subject: String,
    /// Take the image for this platform, such as `linux/arm64` [default: the one of this machine]
    #[arg(long, value_name = "PLATFORM", value_parser = super::pull::parse_platform)]
    platform: Option<String>,
    /// Take this image of a layout, an archive or a directory that has several
    #[arg(long, value_name = "NAME")]
    image: Option<String>,
    /// Take this lockfile for the file, instead of looking for the one whose digest it carries
    #[arg(long, value_name = "LOCKFILE")]
    lock: Option<PathBuf>,
    /// Take known vulnerabilities from here: a zip, a directory, a file of OSV or Debian's tracker, or a snapshot, here or at an address (can be repeated) [default: what the lockfile pins]
    #[arg(long, value_name = "PATH|ADDRESS")]
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
    /// Ask archives, registries and repositories what they have now that is newer than the pins
    #[arg(long)]
    online: bool,
    /// List the kinds of findings, with the area and the usual severity of each, and look at nothing
    #[arg(long, conflicts_with = "subject")]
    kinds: bool,
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

pub(super) fn parse_day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "write a date, such as `2026-09-01`".to_owned())
}

fn parse_area(text: &str) -> Result<Area, String> {
    let areas = Area::ALL.iter().filter(|area| **area != Area::Policy);
    let words: Vec<_> = areas.map(|area| format!("`{}`", area.word())).collect();
    let area = Area::from_word(text).filter(|area| *area != Area::Policy);
    area.ok_or_else(|| format!("the areas are {}", words.join(", ")))
}

impl Args {
    /// Returns what is asked.
    fn asked(&self) -> Asked {
        let mut asked = Asked::everything();
        if !self.only.is_empty() {
            asked.areas = self.only.iter().copied().collect();
        }
        asked.advisories.clone_from(&self.advisories);
        asked.as_of = self.as_of;
        asked.vex.clone_from(&self.vex);
        asked.statements.clone_from(&self.statement);
        asked.policy.clone_from(&self.policy);
        if self.online {
            asked.online = Online::Asked;
        }
        asked
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if args.kinds {
        return areas::list(context);
    }
    if args.online && context.is_offline() {
        return Err(Failure::OnlineOffline);
    }
    let asked = args.asked();
    // What is wrong with the policy is said before anything is looked at.
    let policy = policy::read(asked.policy.as_deref(), context)?;
    let store = context.store()?;
    let choice = Choice { platform: args.platform.as_deref(), image: args.image.as_deref() };
    let named = Named { text: &args.subject, choice, lock: args.lock.as_deref() };
    let subject = subject::read(named, context, &store)?;
    let audit = audit::audit(&asked, areas::kinds(), policy.as_ref(), context, &store, subject)?;
    let report = audit.report();
    outputs::write(args, context, &audit, &report)?;
    audit.verdict()
}
