//! Whether a bundle has all that lockfiles need, and what proves it.

use std::collections::BTreeMap;
use std::process::ExitCode;

use kit_build::network::Network;
use kit_build::vendor::{self, Bundle, Chain, Held, VendoredFiles};
use serde_json::{Value, json};

use super::Args;
use crate::Failure;
use crate::context::Context;
use crate::places::places;
use crate::project;
use crate::text::Text;
use crate::units::count;
use crate::workbench::Workpiece;

pub(super) fn run(args: &Args, context: &Context, pieces: &[Workpiece]) -> Result<ExitCode, Failure> {
    let path = project::absolute(&args.to)?;
    let bundle = Bundle { dir: project::open_dir(&path)?, path };
    let mut files = VendoredFiles::new();
    for piece in pieces {
        files.extend(vendor::fetched(&piece.plan));
    }
    let (mut text, mut missing, mut other) = (Text::default(), Vec::new(), Vec::new());
    for (sha256, file) in &files {
        match bundle.check(sha256)? {
            Held::Whole => {}
            Held::Missing => {
                text.line(format_args!("missing  {}  sha256 {sha256}", file.title));
                missing.push(json!({ "file": file.title, "sha256": sha256.to_string() }));
            }
            Held::Other { sha256: found } => {
                text.line(format_args!("other    {}  sha256 {sha256}, but it has {found}", file.title));
                let (sha256, found) = (sha256.to_string(), found.to_string());
                other.push(json!({ "file": file.title, "sha256": sha256, "found": found }));
            }
        }
    }
    let (proofs, broken) = prove(context, &bundle, pieces, &mut text)?;
    let wrong = missing.len() + other.len();
    text.line(format_args!("{} of {} as they should be", files.len() - wrong, count(files.len(), "file")));
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    let result = json!({ "files": files.len(), "missing": missing, "other": other, "proofs": proofs });
    context.output.result(&result).map_err(Failure::Output)?;
    let subjects = pieces.iter().map(Workpiece::lock_word).collect();
    if broken > 0 {
        return Err(Failure::BundleUnproved { path: args.to.clone(), broken });
    }
    if wrong > 0 {
        return Err(Failure::BundleLacks { path: args.to.clone(), wrong, subjects });
    }
    Ok(ExitCode::SUCCESS)
}

/// Follows the chain of trust of each suite, and says how far it goes; returns that, and how many are broken.
fn prove(
    context: &Context,
    bundle: &Bundle,
    pieces: &[Workpiece],
    text: &mut Text,
) -> Result<(Vec<Value>, usize), Failure> {
    let store = context.store()?;
    let network = Network::new(places(context)?, &store);
    let mut said = BTreeMap::new();
    for piece in pieces {
        for (suite, chain) in vendor::chains(bundle, &piece.lock, network.archives())? {
            said.insert((piece.lock_word(), suite), chain);
        }
    }
    let (mut proofs, mut broken) = (Vec::new(), 0);
    for ((subject, suite), chain) in said {
        let mut proof = json!({ "subject": subject, "suite": suite });
        match chain {
            Chain::Whole { signed_by, pins } => {
                let keys = signed_by.join(", ");
                let pins_shown = count(pins, "pin");
                text.line(format_args!("proved   {suite} of {subject}: {pins_shown}, signed by {keys}"));
                proof["signed_by"] = json!(signed_by);
                proof["pins"] = json!(pins);
            }
            Chain::Missing { what } => {
                text.line(format_args!("unproved {suite} of {subject}: {what} isn't in the bundle"));
                proof["missing"] = json!(what);
            }
            Chain::Broken { why } => {
                broken += 1;
                text.line(format_args!("broken   {suite} of {subject}: {why}"));
                proof["broken"] = json!(why);
            }
        }
        proofs.push(proof);
    }
    Ok((proofs, broken))
}
