//! What happens on a bug: it says so and exits with 70.

use std::panic::{PanicHookInfo, catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::environment::Environment;
use crate::output::Output;
use crate::render::{Kind, Report};

/// Runs the program; a panic on any thread is a bug of kit.
pub(crate) fn guard(program: fn() -> ExitCode) -> ExitCode {
    set_hook(Box::new(report));
    catch_unwind(program).unwrap_or_else(|_| Kind::Bug.exit_code())
}

/// Reports the first panic. Those that follow from it, such as the one of a thread that waits for another, say nothing new.
fn report(panic: &PanicHookInfo<'_>) {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if REPORTED.swap(true, Ordering::SeqCst) {
        return;
    }
    let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
    let output = Output::new(&crate::start::early_options(), &Environment::read().unwrap_or_default());
    let message = panic.payload_as_str().unwrap_or("it stopped in the middle");
    Report::bug(message, &place).print(&output);
}
