//! The life of PID 1, from the kernel's first call to the end of the machine.

use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::bundle::{self, Bundle, Class};
use crate::cgroup::Hierarchy;
use crate::cmdline::{self, Options};
use crate::config::OnFailure;
use crate::console::{self, Console};
use crate::container;
use crate::error::{During, Failure};
use crate::files;
use crate::modules;
use crate::mounts;
use crate::power::{self, Ending};
use crate::rescue;
use crate::running::{Ended, Outcome};
use crate::services;
use crate::stage;
use crate::supervisor::{Event, Supervisor};
use crate::sys::process::Exit;
use crate::sys::{self, system};
use crate::volumes;

/// How long one onshutdown container may run.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(30);

/// Runs the machine.
pub(crate) fn run() -> ! {
    end_on_panic(Ending::PowerOff);
    if let Some(line) = stage::wanted() {
        enter_root(&line);
    }
    let (mut supervisor, options) = match prepare() {
        Ok(prepared) => prepared,
        Err(failure) => {
            console::shout(format_args!("boot failed: {failure}"));
            // It can't be read when nothing of the machine is mounted yet.
            let line = files::read_text("/proc/cmdline").unwrap_or_default();
            power::end_now(cmdline::parse(&line).0.on_failure)
        }
    };
    end_on_panic(options.on_failure);
    let ending = match start(&mut supervisor, &options) {
        Ok(ending) => ending,
        Err(failure) => {
            supervisor.console.say(format_args!("boot failed: {failure}"));
            if options.rescue {
                rescue::run(&mut supervisor.console);
            }
            options.on_failure
        }
    };
    shut_down(&mut supervisor);
    power::end(&mut supervisor.console, ending)
}

/// Goes on in the root that the kernel's command line names, or ends the machine.
fn enter_root(line: &str) -> ! {
    let (options, _) = cmdline::parse(line);
    end_on_panic(options.on_failure);
    let console = mounts::mount_early("/dev").and_then(|()| Console::open().during("open", "a console"));
    let mut console = match console {
        Ok(console) => console,
        Err(failure) => {
            console::shout(format_args!("boot failed: {failure}"));
            power::end_now(options.on_failure)
        }
    };
    let Err(failure) = stage::go_on(&mut console, line);
    console.say(format_args!("boot failed: {failure}"));
    if options.rescue {
        rescue::run(&mut console);
    }
    power::end(&mut console, options.on_failure)
}

/// A bug ends the machine as a failed boot does: PID 1 must not die, the kernel would panic without a word.
fn end_on_panic(ending: Ending) {
    std::panic::set_hook(Box::new(move |panic| {
        if container::is_setting_up() {
            sys::process::exit_now(127);
        }
        console::shout(format_args!("boot failed: this is a bug in kit-init: {panic}"));
        power::end_now(ending)
    }));
}

/// Makes the machine ready for containers.
fn prepare() -> Result<(Supervisor, Options), Failure> {
    mounts::mount_essential()?;
    let mut console = Console::open().during("open", "a console")?;
    let (options, complaints) = cmdline::parse(&files::read_text("/proc/cmdline")?);
    for complaint in complaints {
        console.say(complaint);
    }
    mounts::mount_other(&mut console);
    modules::load_all(&mut console);
    if let Err(failure) = volumes::mount_all() {
        console.say(failure);
    }
    for result in [set_host_name(), system::loopback_up().during("bring up", "the loopback interface")] {
        if let Err(failure) = result {
            console.say(failure);
        }
    }
    // Fails on kernels whose console cannot send it, which is no loss.
    let _ = system::catch_ctrl_alt_del();
    let mut supervisor = Supervisor::new(console, Hierarchy::find())?;
    supervisor.watch_power_button();
    if let Err(failure) = supervisor.control.open() {
        supervisor.console.say(failure);
    }
    Ok((supervisor, options))
}

fn set_host_name() -> Result<(), Failure> {
    let text =
        if files::is_other("/etc/hostname") { files::read_text("/etc/hostname")? } else { String::new() };
    let name = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let name = name.unwrap_or("kit");
    sys::c_string(name).and_then(|name| system::set_host_name(&name)).during("set host name", name)
}

/// Runs the onboot containers, then the services, until the machine is to end.
fn start(supervisor: &mut Supervisor, options: &Options) -> Result<Ending, Failure> {
    for bundle in bundle::list(Class::Onboot)? {
        if let Some(ending) = supervisor.request {
            return Ok(ending);
        }
        let failure = match run_to_end(supervisor, &bundle, None) {
            Ok(Some(ended)) if ended.outcome == Outcome::Exit(Exit::Code(0)) => continue,
            Ok(Some(ended)) => onboot_failure(supervisor, &ended),
            Ok(None) => continue,
            Err(failure) => Failure::new("run", bundle.to_string(), failure.to_string()),
        };
        match bundle.config().map(|config| config.service.on_failure) {
            Ok(Some(OnFailure::Continue)) => supervisor.console.say(failure),
            _ => return Err(failure),
        }
    }
    Ok(services::serve(supervisor, &bundle::list(Class::Services)?, options))
}

fn onboot_failure(supervisor: &mut Supervisor, ended: &Ended) -> Failure {
    for line in &ended.last_lines {
        supervisor.console.say(format_args!("last lines of {}: {line}", ended.bundle.name));
    }
    Failure::new("go on", format!("without {}", ended.bundle), format!("it {}", ended.outcome))
}

/// Starts a container and waits for its end; nothing if the deadline or a request to end the machine came first.
fn run_to_end(
    supervisor: &mut Supervisor,
    bundle: &Bundle,
    deadline: Option<Instant>,
) -> Result<Option<Ended>, Failure> {
    supervisor.start(bundle, &Rc::new(bundle.config()?))?;
    let asked = supervisor.request;
    loop {
        let mut found = None;
        for event in supervisor.turn(deadline) {
            match event {
                Event::Ended(ended) if ended.bundle == *bundle => found = Some(ended),
                Event::Asked(asked) => {
                    supervisor.control.finish(asked.client, "error the services have not started");
                }
                Event::Ended(_) | Event::HelperEnded(..) => {}
            }
        }
        if found.is_some() {
            return Ok(found);
        }
        if supervisor.request != asked || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(None);
        }
    }
}

/// Runs the onshutdown containers, whatever comes of them, and stops everything.
fn shut_down(supervisor: &mut Supervisor) {
    let bundles = bundle::list(Class::Onshutdown).unwrap_or_else(|failure| {
        supervisor.console.say(failure);
        Vec::new()
    });
    for bundle in bundles {
        match run_to_end(supervisor, &bundle, Some(Instant::now() + SHUTDOWN_PATIENCE)) {
            Ok(Some(ended)) if ended.outcome == Outcome::Exit(Exit::Code(0)) => {}
            Ok(Some(ended)) => supervisor.console.say(format_args!("{bundle} {}", ended.outcome)),
            Ok(None) => {
                supervisor.console.say(format_args!("{bundle} takes too long, killing it"));
                supervisor.kill(&bundle);
            }
            Err(failure) => supervisor.console.say(format_args!("{}: {failure}", bundle.name)),
        }
    }
    supervisor.stop_all();
}
