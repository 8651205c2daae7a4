//! `kit diff`: what is another one between two images.

mod advisories;
mod page;
mod side;

use std::path::PathBuf;
use std::process::ExitCode;

use kit_audit::difference::text::Lines;
use kit_audit::difference::{Difference, difference, json, markdown, text};
use kit_audit::policy::Day;

use self::side::Depth;
use super::audit::parse_day;
use crate::Failure;
use crate::context::Context;
use crate::project::write_file;
use crate::revision::Named;
use crate::workbench::images;

const EXAMPLES: &str = "\
Examples:
  kit diff                                                 the image as its recipes are now, with the last commit
  kit diff server@v1.2 server                              with a tag; any revision of git will do
  kit diff server@main server --markdown -                 for a pull request
  kit diff server@main server --exit-code --html diff.html
  kit diff minimal server --advisories advisories/         with the vulnerabilities that came and went
  kit diff before/server.lock lockfiles/server.lock        two lockfiles: pins alone, nothing is built
  kit diff before/server.oci out/server.oci                two layouts, and how much an update moves
  kit diff out/server-initrd.img server                    a file, and the image that it should be
  kit diff registry.example/team/web:1 registry.example/team/web:2

Exit code 0, also when something differs; with `--exit-code`, 1 says so.";

/// How many lines of each part are shown.
const LINES: usize = 20;

/// Show what differs between two images: packages, files, privileges, CVEs, sizes
///
/// Each of both is the name of an image, also as it was at a revision of git (NAME@REVISION); a lockfile; an initrd or an archive; the directory of an OCI image layout; or a reference. Images of the project are built, where they aren't yet, so that all of them is compared; images of registries are fetched. Of a lockfile, pins are known; of a layout with several images, layers. What one side doesn't know isn't compared, and the output says so.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Compare this [default: the image's last commit, HEAD]
    #[arg(value_name = "BEFORE")]
    before: Option<String>,
    /// Compare it with this [default: the same image, as its recipes are now]
    #[arg(value_name = "AFTER")]
    after: Option<String>,
    /// Show all lines of long lists
    #[arg(long)]
    all: bool,
    /// Compare what the lockfiles of images pin, and the layers of others; build and fetch nothing
    #[arg(long)]
    pins: bool,
    /// Take known vulnerabilities from here: a zip, a directory, a file of OSV or Debian's tracker, or a snapshot (can be repeated) [default: the newest that the lockfiles pin]
    #[arg(long, value_name = "PATH")]
    advisories: Vec<PathBuf>,
    /// Tell what was known on this day [default: all that the advisories know]
    #[arg(long, value_name = "DATE", value_parser = parse_day)]
    as_of: Option<Day>,
    /// Write the difference as Markdown to this file, or to standard output where it is `-`
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write it as a page to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Exit with 1 when something differs
    #[arg(long)]
    exit_code: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let (before, after) = names(args, context)?;
    let store = context.store()?;
    let depth = if args.pins { Depth::Pins } else { Depth::Files };
    let read = |name: &str| side::read(name, depth, context, &store);
    let mut sides = [read(&before)?, read(&after)?];
    side::level(&mut sides);
    advisories::look(args, context, &store, &mut sides)?;
    let [before, after] = &sides;
    let found = difference(&before.state, &after.state);
    write(args, context, &found)?;
    let differs = args.exit_code && !found.is_empty();
    Ok(if differs { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// Returns what both sides are called: an image alone is compared with what it was.
fn names(args: &Args, context: &Context) -> Result<(String, String), Failure> {
    if let (Some(before), Some(after)) = (&args.before, &args.after) {
        return Ok((before.clone(), after.clone()));
    }
    let named = if let Some(text) = &args.before {
        let what = "an image to compare with its past";
        Named::parse(text).ok_or_else(|| Failure::BadName { text: text.clone(), what })?
    } else {
        let subjects = images(context.project()?, &[])?;
        let image = subjects.iter().map(kit_build::load::word).next().unwrap_or_default();
        Named::parse(&image).ok_or(Failure::BadName { text: image, what: "an image" })?
    };
    let revision = named.revision.unwrap_or_else(|| "HEAD".to_owned());
    Ok((format!("{}@{revision}", named.image), named.image.to_string()))
}

fn write(args: &Args, context: &Context, found: &Difference) -> Result<(), Failure> {
    if let Some(path) = &args.html {
        write_file(path, page::page(found)?.as_bytes())?;
    }
    let mut to_output = false;
    if let Some(path) = &args.markdown {
        let text = markdown::write(found);
        to_output = path.as_os_str() == "-";
        if to_output {
            context.output.data(&text).map_err(Failure::Output)?;
        } else {
            write_file(path, text.as_bytes())?;
        }
    }
    if !to_output {
        let lines = if args.all { Lines::All } else { Lines::AtMost(LINES) };
        context.output.data(&text::write(found, lines)).map_err(Failure::Output)?;
    }
    context.output.result(&json::object(found)).map_err(Failure::Output)
}
