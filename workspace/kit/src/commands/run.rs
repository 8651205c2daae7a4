//! `kit run`: boots an image in QEMU, both from the store.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use kit_build::check::check_results;
use kit_build::tools::tool_root;
use kit_recipe::image::Format;
use kit_recipe::lockfile::Subject;
use kit_sandbox::{Sandbox, Stdio};
use kit_store::Store;
use kit_tree::{Blobs as _, Entry};
use serde_json::json;

use crate::Failure;
use crate::changes::{Changes, Locking, subjects};
use crate::context::Context;
use crate::progress::Progress;
use crate::project::open_dir;
use crate::qemu::watch::{Ending, watch};
use crate::qemu::{Accelerator, Console, Machine, MachineError, Publish};
use crate::workbench::{Workpiece, keep, parse_name, store_locals, with_engine};

const EXAMPLES: &str = "\
Examples:
  kit run                                     the only image of the project, on this terminal
  kit run minimal --until ready --timeout 60  a smoke test: success once it prints `ready`
  kit run web --publish 8080:80 --detach      in the background, its port 80 as 8080 here";

/// Boot an image in an emulated machine
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Boot this image [default: the only one of the project]
    #[arg(value_name = "IMAGE")]
    pub(crate) image: Option<String>,
    #[command(flatten)]
    pub(crate) changes: Changes,
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
/// The longest boot command line, in bytes: x86 takes 2048.
const CMDLINE_LIMIT: u64 = 2048;

/// Reads a size in bytes with `K`, `M` or `G`; returns MiB.
fn parse_memory(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no size such as 256M or 1G, at least 32M");
    let split = text.len() - usize::from(text.ends_with(['K', 'M', 'G']));
    let (digits, unit) = text.split_at(split);
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let mebibytes = match unit {
        "K" => Some(number / 1024),
        "M" => Some(number),
        "G" => number.checked_mul(1024),
        _ => Some(number >> 20),
    };
    mebibytes.filter(|mebibytes| *mebibytes >= 32).ok_or_else(wrong)
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let named: Vec<_> = args.image.iter().cloned().collect();
    let subject = subjects(&named, &args.changes, Locking::First, context)?.remove(0);
    let store = context.store()?;
    let scratch = store.scratch()?;
    let machine = prepare(args, context, &store, &subject, scratch.path().to_owned())?;
    let sandbox = Sandbox::new("/proc/self/exe");
    let timeout = args.timeout.or(args.until.as_ref().map(|_| UNTIL_TIMEOUT)).map(Duration::from_secs);
    if args.detach {
        return detach(args, context, &sandbox, &machine, timeout);
    }
    let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if terminal && args.until.is_none() {
        context.output.say("Ctrl-A X ends the machine.\n");
        let job = machine.job(Console::Terminal, Stdio::Inherited, timeout);
        let outcome = sandbox.run(&job, &mut |_| ()).map_err(MachineError::Sandbox)?;
        return MachineError::of_emulator(outcome.status).map_or(Ok(ExitCode::SUCCESS), |e| Err(e.into()));
    }
    let job = machine.job(Console::Captured, Stdio::Captured, timeout);
    let seen = watch(&sandbox, &job, &machine.scratch, args.until.as_deref(), &mut |bytes| {
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

/// Builds the image and QEMU, as far as they aren't built.
fn prepare(
    args: &Args,
    context: &Context,
    store: &Store,
    subject: &Subject,
    scratch: PathBuf,
) -> Result<Machine, Failure> {
    let project = context.project()?;
    let piece = Workpiece::prepare(project, subject, &[Format::KernelInitrd])?;
    let target = piece.plan.outputs[&Format::KernelInitrd];
    let tools_lock = project.read_lock(&Subject::Tools)?;
    let progress = Progress::new(&context.output);
    let built = with_engine(context, store, &progress, |engine, _| {
        engine.repairing(Failure::damage, || {
            store_locals(project, store, &piece.loaded)?;
            let trees = engine.build(&piece.plan, &[target])?;
            check_results(engine, &piece.lock, &piece.plan, &trees)?;
            let qemu = tool_root(engine, &project.files(), &tools_lock, &parse_name("qemu", "a tool")?)?;
            Ok((trees[&target], qemu))
        })
    });
    progress.finish();
    let (output, qemu) = built?;
    keep(project, store, subject, &piece.plan)?;
    let name = kit_build::load::word(subject);
    let tree = store.tree(&output)?;
    let cmdline_path = format!("/{name}-cmdline").parse().expect("because an image's name is a file name");
    let cmdline = match tree.get(&cmdline_path) {
        Some(Entry::File { blob, .. }) => store.read(blob, CMDLINE_LIMIT).map_err(Failure::Output)?,
        _ => Vec::new(),
    };
    let files = store.materialised(&output)?.path;
    // Without it, emulation is what always works.
    let cpuinfo = open_dir(Path::new("/proc"))?.read_to_string("cpuinfo").unwrap_or_default();
    Ok(Machine {
        qemu,
        kernel: files.join(format!("{name}-kernel")),
        initrd: files.join(format!("{name}-initrd.img")),
        cmdline: String::from_utf8_lossy(&cmdline).into_owned(),
        memory: args.mem,
        cpus: args.cpus,
        publish: args.publish.clone(),
        scratch,
        accelerator: Accelerator::find(&cpuinfo),
    })
}

fn detach(
    args: &Args,
    context: &Context,
    sandbox: &Sandbox,
    machine: &Machine,
    timeout: Option<Duration>,
) -> Result<ExitCode, Failure> {
    let out = context.out_dir(args.out.as_deref())?;
    let name = machine.kernel.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
    let log = name.replace("-kernel", "-console.log");
    let shown = out.shown.join(&log);
    let file = out.dir.create(&log).map_err(|source| Failure::File {
        action: "write",
        path: shown.clone(),
        source,
    })?;
    let stdio = Stdio::Descriptor(file.into_std().into());
    let job = machine.job(Console::File, stdio, timeout);
    let pid = sandbox.spawn(&job).and_then(kit_sandbox::Running::detach).map_err(MachineError::Sandbox)?;
    context.output.say(&format!("running; its console is {}; `kill {pid}` ends it\n", shown.display()));
    context.output.data(&format!("{pid}\n")).map_err(Failure::Output)?;
    context.output.result(&json!({ "pid": pid, "console": shown })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}
