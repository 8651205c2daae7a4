//! `kit why`: why something is in an image.

mod bytes;
mod capability;
mod component;
mod path;
mod rebuild;
mod size;
mod trace;
mod vulnerability;
mod way;

use std::path::PathBuf;
use std::process::ExitCode;

use kit_build::load::word;
use kit_recipe::lockfile::Subject;
use serde_json::Value;

use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::revision::{Named, read};
use crate::text::Text;
use crate::workbench::Workpiece;

const EXAMPLES: &str = "\
Examples:
  kit why minimal /etc/os-release     the package, the source and the steps that a file comes from
  kit why minimal libc6               what brings a package, and how much of it there is
  kit why server CVE-2024-6387        which component has it, what brings that, and which version has the fix
  kit why server CAP_NET_ADMIN        which services have it, and the line of a recipe that gives it
  kit why minimal --size              what the megabytes are for
  kit why minimal --rebuild           what the next build would do, and why
  kit why out/minimal.tar --bytes 0x4a80                        what holds a byte of a file
  kit why minimal --bytes 1000000 --of minimal-initrd.img --unpacked";

/// Show why something is in an image: a file, a package, a vulnerability, a capability, a byte
///
/// A word that begins with `/` is a path of the root file system, `CVE-…` and the like name a vulnerability, `CAP_…` a capability. Any other one is the name of a Debian package, its source package, a crate, an
/// image or a recipe that takes part, as part of the image or as a tool.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Look into this image, as it is or at a revision (`IMAGE@REVISION`), or, with `--bytes`, into this file that kit made
    #[arg(value_name = "IMAGE|FILE")]
    image: String,
    /// Explain this
    #[arg(value_name = "WHAT", required_unless_present_any = ["size", "bytes", "rebuild"])]
    what: Option<String>,
    /// Show how many bytes come from what
    #[arg(long, conflicts_with_all = ["what", "bytes", "rebuild"])]
    size: bool,
    /// Show what of the image holds the byte at this offset of an output, such as `4096` or `0x1000`
    #[arg(long, value_name = "OFFSET", value_parser = parse_offset, conflicts_with_all = ["what", "rebuild"])]
    bytes: Option<u64>,
    /// Look for the byte in this output, such as `minimal-initrd.img` [default: the only one of the image]
    #[arg(long, value_name = "OUTPUT", requires = "bytes")]
    of: Option<String>,
    /// Count in what the output unpacks to, where it is compressed
    #[arg(long, requires = "bytes")]
    unpacked: bool,
    /// Show which steps the next build would do, and why; nothing is built
    #[arg(long, conflicts_with = "what")]
    rebuild: bool,
    /// Ask these advisories about a vulnerability (can be repeated) [default: what the lockfile pins]
    #[arg(long, value_name = "PATH", requires = "what")]
    advisories: Vec<PathBuf>,
    /// Take over what this OpenVEX document says of it (can be repeated)
    #[arg(long, value_name = "FILE", requires = "what")]
    vex: Vec<PathBuf>,
}

fn parse_offset(text: &str) -> Result<u64, String> {
    let digits = text.replace('_', "");
    let number = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16),
        Some(_) => return Err("write a number of bytes, such as `4096` or `0x1000`".to_owned()),
        None => digits.parse(),
    };
    number.map_err(|_| "write a number of bytes, such as `4096` or `0x1000`".to_owned())
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let (text, result) = match args.bytes {
        Some(offset) => bytes::explain(args, context, offset)?,
        None => of_image(args, context)?,
    };
    context.output.data(text.as_str()).map_err(Failure::Output)?;
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

fn of_image(args: &Args, context: &Context) -> Result<(Text, Value), Failure> {
    let bad = || Failure::BadName { text: args.image.clone(), what: "an image" };
    let named = Named::parse(&args.image).ok_or_else(bad)?;
    let subject = Subject::Image(named.image.clone());
    if args.rebuild {
        return rebuild::explain(context, &piece(context, &named)?, &subject);
    }
    if let Some(path) = args.what.as_deref().filter(|what| what.starts_with('/')) {
        let missing = || Failure::NotBuilt { what: format!("image {}", args.image), subject: word(&subject) };
        return path::explain(context, &piece(context, &named)?, path, &missing);
    }
    let store = context.store()?;
    let built = Built::named(context, &store, &named, Wanted::Shipped)?;
    match args.what.as_deref() {
        None => Ok(size::explain(&built.inventory)),
        Some(id) if vulnerability::is_one(id) => vulnerability::explain(args, context, &store, &built, id),
        Some(name) => match capability::named(name, &built.inventory)? {
            Some(capability) => capability::explain(&store, &built, capability),
            None => component::explain(&built.inventory, name),
        },
    }
}

/// Plans an image as it is, or as it was.
fn piece(context: &Context, named: &Named) -> Result<Workpiece, Failure> {
    let project = context.project()?;
    match &named.revision {
        None => Workpiece::prepare(project, &Subject::Image(named.image.clone()), &[]),
        Some(revision) => Ok(read(project, &named.image, revision)?.piece),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_written_in_both_ways() {
        for (text, offset) in [("0", 0), ("4096", 4096), ("0x1000", 4096), ("0X1f", 31), ("1_000", 1000)] {
            assert_eq!(parse_offset(text), Ok(offset), "{text}");
        }
        for text in ["", "-1", "0x", "0x+1", "1k", "18446744073709551616", "0x10000000000000000"] {
            assert!(parse_offset(text).is_err(), "{text}");
        }
    }
}
