//! `kit store`: verify, collect and measure the store.

use std::process::ExitCode;

use kit_store::Store;
use kit_store::gc::{Keep, Sweep};
use kit_store::lock::Wait;
use kit_store::usage::Sum;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::failure::Repair;
use crate::text::Text;
use crate::units::{Bytes, count};

const EXAMPLES: &str = "\
Examples:
  kit store du               what takes how much
  kit store gc --dry-run     what a collection would remove
  kit store verify --repair  remove what is damaged; the next build makes it anew";

/// Verify, clean up or measure the store
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read everything in the store and report what isn't as it was put there
    Verify {
        /// Remove what is damaged, so that the next build makes it anew
        #[arg(long)]
        repair: bool,
    },
    /// Remove what no lockfile that was built keeps
    Gc {
        /// List what would be removed and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show what takes how much
    Du,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let mut store = context.store()?;
    match args.command {
        Command::Verify { repair } => {
            verify(&store, context, if repair { Repair::Tried } else { Repair::NotTried })
        }
        Command::Gc { dry_run } => {
            collect(&mut store, context, if dry_run { Sweep::List } else { Sweep::Remove })
        }
        Command::Du => measure(&store, context),
    }
}

fn verify(store: &Store, context: &Context, repair: Repair) -> Result<ExitCode, Failure> {
    let mut bytes = 0;
    let findings = store.verify(&mut |progress| bytes = progress.bytes)?;
    for finding in &findings {
        context.output.data(&format!("{}: {}\n", finding.item, finding.problem)).map_err(Failure::Output)?;
    }
    let left = match repair {
        Repair::Tried => store.repair(&findings)?,
        Repair::NotTried => findings.clone(),
    };
    let listed: Vec<_> = findings
        .iter()
        .map(|f| json!({ "item": f.item.to_string(), "problem": f.problem.to_string() }))
        .collect();
    let result = json!({ "findings": listed, "left": left.len(), "bytes": bytes });
    context.output.result(&result).map_err(Failure::Output)?;
    if !left.is_empty() {
        return Err(Failure::Damaged { left: left.len(), repair });
    }
    let repaired = match findings.len() {
        0 => "sound".to_owned(),
        number => format!("{} repaired", count(number, "problem")),
    };
    context.output.say(&format!("{repaired}: {} of content read\n", Bytes(bytes)));
    Ok(ExitCode::SUCCESS)
}

fn collect(store: &mut Store, context: &Context, sweep: Sweep) -> Result<ExitCode, Failure> {
    let mut listed = Vec::new();
    let freed = store.gc(Keep::RootsOnly, sweep, Wait::Until, &mut |item, bytes| {
        listed.push((item.to_string(), bytes));
    })?;
    if sweep == Sweep::List {
        for (item, bytes) in &listed {
            context.output.data(&format!("{:>10}  {item}\n", Bytes(*bytes))).map_err(Failure::Output)?;
        }
    }
    let verb = if sweep == Sweep::List { "would be removed" } else { "removed" };
    let things = count(usize::try_from(freed.items).unwrap_or(usize::MAX), "thing");
    context.output.say(&format!("{things} with {} {verb}\n", Bytes(freed.bytes)));
    let items: Vec<_> = listed.iter().map(|(item, bytes)| json!({ "item": item, "bytes": bytes })).collect();
    let result = json!({ "removed": sweep == Sweep::Remove, "items": items, "bytes": freed.bytes });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn measure(store: &Store, context: &Context) -> Result<ExitCode, Failure> {
    let usage = store.du()?;
    let rows = [
        ("content", usage.blobs),
        ("programs", usage.programs),
        ("trees", usage.trees),
        ("records", usage.records),
        ("names", usage.names),
        ("unfinished", usage.temporary),
        ("kept by no root", usage.unrooted),
    ];
    let mut text = Text::default();
    for (name, sum) in rows {
        text.line(format_args!("{:>10}  {:>7}  {name}", Bytes(sum.bytes), sum.count));
    }
    text.line(format_args!("{:>10}  {:>7}  in all", Bytes(usage.bytes()), ""));
    for (name, root) in &usage.roots {
        let (all, own) = (Bytes(root.all.bytes), Bytes(root.own.bytes));
        text.line(format_args!("{all:>10}  {:>7}  root {name}, {own} of it alone", root.all.count));
    }
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    let sum = |sum: &Sum| json!({ "count": sum.count, "bytes": sum.bytes });
    let roots: serde_json::Map<_, _> = usage
        .roots
        .iter()
        .map(|(name, root)| (name.to_string(), json!({ "all": sum(&root.all), "own": sum(&root.own) })))
        .collect();
    let categories: serde_json::Map<_, _> =
        rows.iter().map(|(name, s)| (name.replace(' ', "_"), sum(s))).collect();
    let result = json!({ "bytes": usage.bytes(), "categories": categories, "roots": roots });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
