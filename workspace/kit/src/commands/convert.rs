//! `kit convert`: the disk in a file, in another container.

mod error;
mod source;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use kit_build::seams::Finished;
use kit_build::workers::Threads;
use kit_build::{Event, Events as _};
use kit_format::disk_image::{self, Disk, DiskFormat, DiskLimits, DiskWriteError, ReadDisk};
use kit_store::sparse::SparseFile;
use serde_json::json;

pub(crate) use self::error::{ConvertError, ONE_FILE};
use self::source::Counted;
pub(crate) use self::source::DiskFile;
use crate::Failure;
use crate::context::Context;
use crate::progress::Progress;
use crate::project::{absolute, current_dir, open_file, write_file_by};
use crate::units::Bytes;

const EXAMPLES: &str = "\
Examples:
  kit convert out/server.img qcow2                     writes out/server.qcow2
  kit convert server.qcow2 vhdx --output hyper-v.vhdx  for Hyper-V
  kit convert server.ova raw                           the disk of a package; what is zero takes no room
  kit convert server.img gcp                           server-gcp.tar.gz for Google's cloud
  kit convert server.img azure                         a fixed VHD of whole MiB for Azure";

/// Write a disk in another container: for QEMU, Hyper-V, VMware, VirtualBox or a cloud
///
/// What FILE is, is told by its content. Each container that kit writes is read, and the plain forms that others write. The same disk gives the same bytes whatever it was in; they are those that `kit build` writes in the format.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Read the disk in this file
    file: PathBuf,
    /// Write it in this format
    #[arg(value_parser = PossibleValuesParser::new(DiskFormat::ALL.map(DiskFormat::word)).map(format_of))]
    format: DiskFormat,
    /// Write it to this file [default: named after the format, beside FILE]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[expect(clippy::needless_pass_by_value, reason = "a parser of clap hands over what it parsed")]
fn format_of(word: String) -> DiskFormat {
    DiskFormat::from_word(&word).expect("because only words of formats are taken")
}

/// What was written.
struct Written {
    bytes: u64,
    /// Bytes that it takes on the disk.
    on_disk: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let begun = Instant::now();
    let output = output(args)?;
    let file = DiskFile::new(open_file(&args.file)?, &args.file)?;
    let unreadable = |source| ConvertError::Unreadable { path: args.file.clone(), source };
    let inside = disk_image::read(&file, DiskLimits::standard()).map_err(unreadable)?;
    let progress = Progress::new(&context.output);
    let title = format!("convert {}", args.file.display());
    progress.event(Event::Planned { steps: 1, reused: 0, fetch_bytes: 0 });
    progress.event(Event::Started { title: &title, bytes: None });
    let written = write(args, context, &inside, &output, &progress, &title);
    let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let how = if written.is_ok() { Finished::Done } else { Finished::Failed };
    progress.event(Event::Finished { title: &title, how, millis });
    progress.finish();
    let written = written?;
    report(args, context, &inside, &output, &written)
}

/// Returns where the disk is written: not over itself.
fn output(args: &Args) -> Result<PathBuf, Failure> {
    let file = absolute(&args.file)?;
    let path = if let Some(path) = &args.output {
        absolute(path)?
    } else {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        file.with_file_name(format!("{}{}", DiskFormat::stem(&name), args.format.suffix()))
    };
    match (path.canonicalize(), file.canonicalize()) {
        (Ok(to), Ok(from)) if to == from => Err(ConvertError::OntoItself { path: args.file.clone() }.into()),
        _ => Ok(path),
    }
}

fn write(
    args: &Args,
    context: &Context,
    inside: &ReadDisk<'_>,
    output: &Path,
    progress: &Progress<'_>,
    title: &str,
) -> Result<Written, Failure> {
    let name = output.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let name = DiskFormat::stem(&name);
    let counter = source::Counter::new(progress, title, inside.size);
    let open = || -> io::Result<Box<dyn io::Read + '_>> {
        Ok(Box::new(Counted { reader: inside.open()?, counter: &counter }))
    };
    let disk = Disk { open: &open, size: inside.size };
    let workers = Threads::of_jobs(context.jobs());
    let mut failed = None;
    let mut written = Written { bytes: 0, on_disk: 0 };
    let replaced = write_file_by(output, &mut |file: &mut File| {
        let mut sparse = SparseFile::new(file);
        match disk_image::write(&disk, args.format, name, &mut sparse, &workers) {
            Ok(()) => {}
            // It is told as any other file that can't be written.
            Err(DiskWriteError::Write(error)) => return Err(error),
            Err(error) => {
                failed = Some(error);
                return Err(io::Error::other("the disk can't be converted"));
            }
        }
        sparse.finish()?;
        written = source::size(file)?;
        Ok(())
    });
    match failed {
        Some(error) => Err(ConvertError::of(error, &args.file, args.format).into()),
        None => replaced.map(|()| written),
    }
}

fn report(
    args: &Args,
    context: &Context,
    inside: &ReadDisk<'_>,
    output: &Path,
    written: &Written,
) -> Result<ExitCode, Failure> {
    let current = current_dir()?;
    let shown = output.strip_prefix(&current).unwrap_or(output);
    let (from, to) = (inside.format, args.format);
    context.output.say(&format!(
        "a disk of {}, from {from} to {to}: {}, {} on the disk\n",
        Bytes(inside.size),
        Bytes(written.bytes),
        Bytes(written.on_disk)
    ));
    context.output.data(&format!("{}\n", shown.display())).map_err(Failure::Output)?;
    let result = json!({
        "path": shown,
        "from": from.word(),
        "format": to.word(),
        "disk_bytes": inside.size,
        "bytes": written.bytes,
        "bytes_on_disk": written.on_disk,
    });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
