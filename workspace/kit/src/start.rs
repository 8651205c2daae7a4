//! From the command line to the exit code.

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use crate::args::{Cli, Color, Global};
use crate::context::Context;
use crate::environment::Environment;
use crate::output::Output;
use crate::render::{self, Report};
use crate::{Failure, commands};

/// Runs the program.
pub(crate) fn start() -> ExitCode {
    let environment = Environment::read();
    let parsed = Cli::try_parse();
    let global = parsed.as_ref().map_or_else(|_| early_options(), |cli| cli.global.clone());
    let output = Output::new(&global, environment.as_ref().unwrap_or(&Environment::default()));
    let outcome = match (parsed, environment) {
        (Err(error), _) => return usage(&error, &output),
        (_, Err(failure)) => Err(failure),
        (Ok(cli), Ok(environment)) => {
            let context = Context::new(cli.global, environment, output);
            commands::run(&cli.command, &context)
        }
    };
    match outcome {
        Ok(code) => code,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => report(&failure, &output),
    }
}

fn report(failure: &Failure, output: &Output) -> ExitCode {
    let reports = render::failure::reports(failure);
    render::print_all(&reports, output);
    render::failure::kind(failure).exit_code()
}

/// Prints help or a version as data, anything else as a wrong usage.
fn usage(error: &clap::Error, output: &Output) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match output.print(&error.render().ansi().to_string()) {
            Err(source) if source.kind() != std::io::ErrorKind::BrokenPipe => {
                report(&Failure::Output(source), output)
            }
            _ => ExitCode::SUCCESS,
        };
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        output.tell(&error.render().ansi().to_string());
        return render::Kind::Usage.exit_code();
    }
    let report = Report::usage(error);
    report.print(output);
    report.kind.exit_code()
}

/// Returns those options that decide how to print, from a command line that may be wrong.
pub(crate) fn early_options() -> Global {
    let words: Vec<_> = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<_> = words.iter().map(String::as_str).take_while(|word| *word != "--").collect();
    let color = |value: &str| match value {
        "always" => Color::Always,
        "never" => Color::Never,
        _ => Color::Auto,
    };
    let apart = words.windows(2).find(|pair| pair[0] == "--color").map(|pair| color(pair[1]));
    let joined = words.iter().find_map(|word| word.strip_prefix("--color=")).map(color);
    Global {
        json: words.contains(&"--json"),
        color: joined.or(apart).unwrap_or_default(),
        ..Global::default()
    }
}
