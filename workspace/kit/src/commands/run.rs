//! `kit run`: boots an image, or a file, in QEMU from the store.

mod disk;
mod efi_names;
mod error;
mod firmware;
mod image;
mod network;
mod processor;
mod secure_boot;
mod told;
mod unpacked;

use std::io::IsTerminal as _;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use kit_build::Engine;
use kit_build::check::check_results;
use kit_build::tools::tool_root;
use kit_hash::TreeId;
use kit_recipe::Architecture;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_sandbox::{Sandbox, Stdio};
use kit_store::Store;
use serde_json::json;

pub(crate) use self::error::RunError;
use self::firmware::Choice;
use self::told::Starts;
use crate::Failure;
use crate::changes::{Changes, Locking, subjects};
use crate::context::Context;
use crate::progress::Progress;
use crate::project::open_dir;
use crate::qemu::boot::Writes;
use crate::qemu::tpm::Tpm;
use crate::qemu::watch::{Ending, watch};
use crate::qemu::{Accelerator, Board, Boot, Console, Firmware, Machine, MachineError, Publish};
use crate::workbench::{Workpiece, keep, parse_name, store_locals, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit run                                     the only image of the project, on this terminal
  kit run minimal --until ready --timeout 60  a smoke test: success once it prints `ready`
  kit run minimal --format raw-efi            as a disk that UEFI boots
  kit run out/minimal.iso --uefi --tpm        a file, kit's or anybody's, told by its content
  kit run --secure-boot minimal               by firmware that starts nothing that isn't signed
  kit run web --publish 8080:80 --detach      in the background, its port 80 as 8080 here

What the machine writes to the disk that it boots is forgotten, but for a file with `--persistent`.";

/// Boot an image in an emulated machine
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, named by its field")]
pub(crate) struct Args {
    /// Boot this image, or this file: a disk, an ISO, an EFI program, a kernel with its initrd beside it [default: the only image of the
    /// project]
    #[arg(value_name = "IMAGE|FILE")]
    pub(crate) image: Option<String>,
    #[command(flatten)]
    pub(crate) changes: Changes,
    /// Boot the image in this format [default: the first of its recipe that boots, else `kernel+initrd`]
    #[arg(long, value_name = "FORMAT", value_parser = super::build::parse_format)]
    pub(crate) format: Option<Format>,
    /// Boot by UEFI firmware [default: only what a BIOS can't boot]
    #[arg(long)]
    pub(crate) uefi: bool,
    /// Boot by a BIOS
    #[arg(long, conflicts_with_all = ["uefi", "secure_boot"])]
    pub(crate) bios: bool,
    /// Boot by UEFI firmware that starts only what the key of this certificate has signed [without a certificate: the image as `uki`, the EFI
    /// program, or the programs on the disk, signed by a key that is made for this run]
    #[arg(long, value_name = "CERTIFICATE", num_args = 0..=1)]
    #[expect(
        clippy::option_option,
        reason = "it may be left out, it may have no value, and it may have one"
    )]
    pub(crate) secure_boot: Option<Option<PathBuf>>,
    /// Boot over the network: by iPXE, which fetches the kernel and its initrd from here
    #[arg(long, conflicts_with_all = ["detach", "uefi", "secure_boot", "persistent"])]
    pub(crate) netboot: bool,
    /// Give the machine a TPM 2.0 in software, which is new each time
    #[arg(long)]
    pub(crate) tpm: bool,
    /// Build the machine on this board
    #[arg(long, value_name = "BOARD", default_value = "q35")]
    pub(crate) machine: Board,
    /// Give the machine another disk: an empty one of a size, or, to keep it, `file=PATH` with `,size=SIZE` where it isn't there yet (can be
    /// repeated)
    #[arg(long = "disk", value_name = "SIZE|file=PATH[,size=SIZE]")]
    pub(crate) disks: Vec<disk::More>,
    /// Keep what the machine writes to the disk that is booted, in its file, which is what must be named
    #[arg(long)]
    pub(crate) persistent: bool,
    /// Give the machine this much memory, with `K`, `M` or `G`
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_memory)]
    pub(crate) mem: u64,
    /// Give the machine this many processors
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) cpus: u32,
    /// Let connections to this port of the host reach that port of the machine (can be repeated)
    #[arg(long, value_name = "HOST:GUEST")]
    pub(crate) publish: Vec<Publish>,
    /// Run the machine in the background; its console goes to `IMAGE-console.log` beside the outputs
    #[arg(long, conflicts_with = "until")]
    pub(crate) detach: bool,
    /// Stop the machine after this many seconds; with `--until`, that is a failure and 300 by default
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
    /// End with success once the machine prints this text
    #[arg(long, value_name = "TEXT")]
    pub(crate) until: Option<String>,
    /// Write the console of `--detach` to this directory [default: `out` in the project] [env: `KIT_OUT`]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

/// Seconds that `--until` waits when nothing else is said.
const UNTIL_TIMEOUT: u64 = 300;

fn parse_memory(text: &str) -> Result<u64, String> {
    parse_size(text, 32..=u64::MAX)
}

/// Reads a size in bytes with `K`, `M` or `G`; returns MiB.
fn parse_size(text: &str, within: RangeInclusive<u64>) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size such as 256M or 1G, at least {}M", within.start());
    let split = text.len() - usize::from(text.ends_with(['K', 'M', 'G']));
    let (digits, unit) = text.split_at(split);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let mebibytes = match unit {
        "K" => Some(number / 1024),
        "M" => Some(number),
        "G" => number.checked_mul(1024),
        _ => Some(number >> 20),
    };
    mebibytes.filter(|mebibytes| within.contains(mebibytes)).ok_or_else(wrong)
}

/// What is booted, before anything is built.
enum Meant {
    Image(Subject, Format),
    File(PathBuf),
}

/// Directories that are `/` for the emulator and what belongs to the machine.
struct Tools {
    qemu: PathBuf,
    ovmf: Option<PathBuf>,
    swtpm: Option<PathBuf>,
}

impl Args {
    /// Returns what is meant: what stands behind `--secure-boot` is what is booted, where nothing else is named and it is no certificate.
    fn as_meant(&self) -> Self {
        match (&self.image, &self.secure_boot) {
            (None, Some(Some(word))) if !secure_boot::is_certificate(word) => {
                let image = Some(word.to_string_lossy().into_owned());
                Self { image, secure_boot: Some(None), ..self.clone() }
            }
            _ => self.clone(),
        }
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let args = &args.as_meant();
    let meant = meant(args, context)?;
    let store = context.store()?;
    let scratch = store.scratch()?;
    let (name, boot, starts) = match &meant {
        Meant::Image(subject, format) => built(context, &store, subject, *format, scratch.path())?,
        Meant::File(path) => {
            let writes = if args.persistent { Writes::Kept } else { Writes::Forgotten };
            let (boot, starts) = told::look(path, writes, scratch.path())?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // What was unpacked is kept nowhere.
            if args.persistent && boot.keeps().is_none_or(|file| file.starts_with(scratch.path())) {
                return Err(RunError::NothingKept { name }.into());
            }
            (name, boot, starts)
        }
    };
    // That format is for the network, unless somebody says something that isn't.
    let is_for_network = matches!(meant, Meant::Image(_, Format::Ipxe))
        && !(args.detach || args.uefi || args.secure_boot.is_some());
    let netboot = args.netboot || is_for_network;
    if netboot && !matches!(&boot, Boot::Direct { root: None, .. }) {
        return Err(RunError::NotNetbooted { name }.into());
    }
    let architecture = match &meant {
        Meant::Image(subject, _) => processor::of_image(subject, context)?,
        Meant::File(_) => processor::told(&boot, scratch.path())?,
    };
    processor::check(args, architecture, &name)?;
    let starts = processor::starts(architecture, &boot, starts);
    let choice = firmware::choose(args, &boot, starts, &name)?;
    let (boot, certificate) = secure_boot::prepare(args, boot, &name, scratch.path())?;
    let tools = tools(args, context, &store, choice, architecture)?;
    let sandbox = Sandbox::new("/proc/self/exe");
    let tpm = tools.swtpm.clone().map(|tool| Tpm::start(&sandbox, tool, scratch.path())).transpose()?;
    let firmware = match &tools.ovmf {
        Some(ovmf) if architecture == Architecture::Arm64 => firmware::uefi_of_arm64(ovmf),
        Some(ovmf) => firmware::uefi(ovmf, certificate.as_deref(), scratch.path())?,
        None => Firmware::Bios,
    };
    let disks = args.disks.iter().enumerate().map(|(index, disk)| disk.make(index, scratch.path()));
    // Without it, emulation is what always works.
    let cpuinfo = open_dir(Path::new("/proc"))?.read_to_string("cpuinfo").unwrap_or_default();
    let machine = Machine {
        qemu: tools.qemu,
        architecture,
        boots: boot,
        firmware,
        board: args.machine,
        disks: disks.collect::<Result<_, _>>()?,
        tpm: tpm.as_ref().map(|tpm| tpm.socket().to_owned()),
        memory: args.mem,
        cpus: args.cpus,
        publish: args.publish.clone(),
        scratch: scratch.path().to_owned(),
        accelerator: Accelerator::find(&cpuinfo),
    };
    let timeout = args.timeout.or(args.until.as_ref().map(|_| UNTIL_TIMEOUT)).map(Duration::from_secs);
    if args.detach {
        return detach(args, context, &sandbox, (&name, &machine, tpm), timeout);
    }
    let ended = match &machine.boots {
        Boot::Direct { kernel, .. } if netboot => network::serving(kernel, |boots| {
            attend(args, context, &sandbox, &Machine { boots, ..machine.clone() }, timeout)
        }),
        _ => attend(args, context, &sandbox, &machine, timeout),
    };
    if let Some(tpm) = tpm {
        tpm.end()?;
    }
    ended
}

/// Finds out what is meant.
fn meant(args: &Args, context: &Context) -> Result<Meant, Failure> {
    let named: Vec<_> = args.image.iter().cloned().collect();
    if let Some(word) = &args.image
        && is_file(word, context)?
    {
        let path = PathBuf::from(word);
        return match args.format {
            Some(_) => Err(RunError::FormatOfFile { path }.into()),
            None => Ok(Meant::File(path)),
        };
    }
    if args.persistent {
        return Err(RunError::ImageIsForgotten.into());
    }
    let subject = subjects(&named, &args.changes, Locking::First, context)?.remove(0);
    // What is signed for one run is a program.
    let signed = matches!(args.secure_boot, Some(None)).then_some(Format::Uki);
    let format = image::choose(args.format.or(signed), &subject, context)?;
    Ok(Meant::Image(subject, format))
}

/// Whether a word is a file, or a directory, and not an image of the project.
fn is_file(word: &str, context: &Context) -> Result<bool, Failure> {
    let path = Path::new(word);
    let is_yaml = path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    // No name of an image has a `/`.
    if is_yaml || !path.exists() {
        return Ok(!is_yaml && word.contains('/'));
    }
    let images = context.project_or_here()?.own_images()?;
    Ok(!images.iter().any(|image| image.as_str() == word))
}

/// Builds an image as far as it isn't built; returns its name and how it is booted.
fn built(
    context: &Context,
    store: &Store,
    subject: &Subject,
    format: Format,
    scratch: &Path,
) -> Result<(String, Boot, Starts), Failure> {
    let output = output(context, store, subject, format)?;
    let name = kit_build::load::word(subject);
    let files = store.materialised(&output)?.path;
    let (boot, starts) = image::boot(format, &name, &files, scratch)?;
    Ok((name, boot, starts))
}

/// Builds an output of an image as far as it isn't built.
pub(super) fn output(
    context: &Context,
    store: &Store,
    subject: &Subject,
    format: Format,
) -> Result<TreeId, Failure> {
    let project = context.project()?;
    let piece = Workpiece::prepare(project, subject, &[format])?;
    let target = piece.plan.outputs[&format];
    let output = with_store(context, store, |engine| {
        store_locals(project, store, &piece.loaded)?;
        let trees = engine.build(&piece.plan, &[target])?;
        check_results(engine, &piece.lock, &piece.plan, &trees)?;
        Ok(trees[&target])
    })?;
    keep(project, store, subject, &piece.plan)?;
    Ok(output)
}

/// Builds the emulator and what belongs to the machine, as far as they aren't built.
fn tools(
    args: &Args,
    context: &Context,
    store: &Store,
    choice: Choice,
    architecture: Architecture,
) -> Result<Tools, Failure> {
    let project = context.project()?;
    let lock = project.read_lock(&Subject::Tools)?;
    with_store(context, store, |engine| {
        let tool = |name| -> Result<_, Failure> {
            Ok(tool_root(engine, &project.files(), &lock, &parse_name(name, "a tool")?)?)
        };
        let when = |wanted: bool, name| wanted.then(|| tool(name)).transpose();
        let qemu = tool(processor::emulator(architecture))?;
        let ovmf = when(choice == Choice::Uefi, firmware::package(architecture))?;
        Ok(Tools { qemu, ovmf, swtpm: when(args.tpm, "swtpm")? })
    })
}

/// Calls `work` with an engine that shows how it gets on.
fn with_store<T>(
    context: &Context,
    store: &Store,
    work: impl Fn(&Engine<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let progress = Progress::new(&context.output);
    let done = with_engine(context, store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || work(engine))
    });
    progress.finish();
    done
}

/// Runs a machine whose console is this command's.
fn attend(
    args: &Args,
    context: &Context,
    sandbox: &Sandbox,
    machine: &Machine,
    timeout: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if terminal && args.until.is_none() {
        context.output.say("Ctrl-A X ends the machine.\n");
        let job = machine.job(Console::Terminal, Stdio::Inherited, timeout);
        let outcome = sandbox.run(&job, &mut |_| ()).map_err(MachineError::Sandbox)?;
        return MachineError::of_emulator(outcome.status).map_or(Ok(ExitCode::SUCCESS), |e| Err(e.into()));
    }
    let job = machine.job(Console::Captured, Stdio::Captured, timeout);
    let seen = watch(sandbox, &job, &machine.scratch, args.until.as_deref(), &mut |bytes| {
        context.output.foreign(bytes)
    })?;
    if let Ending::Failed(error) = seen {
        // The console's last line may be unfinished.
        context.output.say("\n");
        return Err(error.into());
    }
    context.output.say(&format!("\n{seen}\n"));
    let result = json!({ "ending": seen.word(), "millis": seen.millis() });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts a machine that outlives this command.
fn detach(
    args: &Args,
    context: &Context,
    sandbox: &Sandbox,
    (name, machine, tpm): (&str, &Machine, Option<Tpm>),
    timeout: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let out = context.out_dir(args.out.as_deref())?;
    let log = format!("{name}-console.log");
    let shown = out.shown.join(&log);
    let file = out.dir.create(&log).map_err(|source| Failure::File {
        action: "write",
        path: shown.clone(),
        source,
    })?;
    let stdio = Stdio::Descriptor(file.into_std().into());
    let job = machine.job(Console::File, stdio, timeout);
    let pid = sandbox.spawn(&job).and_then(kit_sandbox::Running::detach).map_err(MachineError::Sandbox)?;
    tpm.map(Tpm::detach).transpose()?;
    context.output.say(&format!("running; its console is {}; `kill {pid}` ends it\n", shown.display()));
    context.output.data(&format!("{pid}\n")).map_err(Failure::Output)?;
    context.output.result(&json!({ "pid": pid, "console": shown })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
