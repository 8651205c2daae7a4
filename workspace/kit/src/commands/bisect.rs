//! `kit bisect`: which change of a lockfile or recipe made an image bad.

mod error;
mod report;
mod search;
mod state;

use std::process::ExitCode;

use kit_build::load::lock_path;
use kit_recipe::Name;
use kit_recipe::lockfile::Subject;
use kit_source::history::{Commit, History};

pub(crate) use self::error::BisectError;
use self::search::{Outcome, Search, Verdict};
use self::state::Judge;
use crate::Failure;
use crate::context::Context;
use crate::workbench::images;

const EXAMPLES: &str = "\
Examples:
  kit bisect --run './boots.sh' v1.2 HEAD            the only image of the project
  kit bisect --run 'kit run server --until login:' HEAD~20 HEAD server
  kit bisect --run 'test $(stat -c %s \"$KIT_OUT\"/*.tar) -lt 10000000' v1.2 HEAD      which change made it large

The command is given to `sh -c` with `KIT_IMAGE`, `KIT_OUT` (a directory with the outputs) and `KIT_COMMIT`. Its exit code says what the image is: 0 is good, 125 is neither, any other up to 127 is bad. Anything else ends the search.";

/// Find the change that made an image bad, by building it at states of the project's history
///
/// The states are those between two revisions, along the first parents, at which the image's lockfile or a recipe changed. GOOD has to be good, and BAD bad, which is seen to first. Nothing is checked out, and nothing of the history is run but what builds the image.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Judge each image by this command
    #[arg(long, value_name = "COMMAND")]
    run: String,
    /// A revision at which the image was good
    good: String,
    /// A later one at which it is bad
    bad: String,
    /// Build this image [default: the only one of the project]
    image: Option<String>,
}

/// A search that has ended.
struct Found {
    image: Name,
    outcome: Outcome,
    /// The states, the good revision first.
    commits: Vec<Commit>,
    /// How many images were judged.
    judged: usize,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let project = context.project()?;
    let named: Vec<_> = args.image.iter().cloned().collect();
    let image = match images(project, &named)?.as_slice() {
        [Subject::Image(image)] => image.clone(),
        _ => return Err(Failure::WhichImage { images: project.own_images()? }),
    };
    let history = History { program: "git", path: project.path() };
    let commits = states(&history, args, &image)?;
    let mut judge = Judge::new(context, &image, &args.run)?;
    // What is known of the two ends is seen to first.
    if judge.end(&args.good, &commits[0])? != Verdict::Good {
        return Err(BisectError::NotGood { revision: args.good.clone() }.into());
    }
    let last = commits.last().expect("because the good revision is one of them");
    if judge.end(&args.bad, last)? != Verdict::Bad {
        return Err(BisectError::NotBad { revision: args.bad.clone() }.into());
    }
    let mut search = Search::new(commits.len());
    while let Some(at) = search.next() {
        let left = search.left();
        context.output.say(&format!("{left} left, at {}\n", report::named(&history, &commits[at])));
        let verdict = judge.state(&commits[at])?;
        search.put(at, verdict);
    }
    let judged = judge.judged();
    let found = Found { image, outcome: search.outcome(), commits, judged };
    report::report(context, &history, &found)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the good revision and the states behind it that may have made the image bad, the last being as the bad revision is.
fn states(history: &History<'_>, args: &Args, image: &Name) -> Result<Vec<Commit>, Failure> {
    let unreadable = BisectError::History;
    if !history.is_there().map_err(unreadable)? {
        return Err(BisectError::NoRepository { path: history.path.to_owned() }.into());
    }
    let resolve = |revision: &str| -> Result<Commit, Failure> {
        let missing = || BisectError::NoRevision { revision: revision.to_owned() };
        Ok(history.resolve(revision).map_err(unreadable)?.ok_or_else(missing)?)
    };
    let (good, bad) = (resolve(&args.good)?, resolve(&args.bad)?);
    let (from, to) = (args.good.clone(), args.bad.clone());
    if good == bad || !history.is_before(&good, &bad).map_err(unreadable)? {
        return Err(BisectError::NotBefore { good: from, bad: to }.into());
    }
    let lock = lock_path(&Subject::Image(image.clone()));
    let changed = history.between(&good, &bad, &[&lock, "recipes"]).map_err(unreadable)?;
    if changed.is_empty() {
        return Err(BisectError::NothingChanged { good: from, bad: to, image: image.to_string() }.into());
    }
    Ok([vec![good], changed].concat())
}
