//! The failures of the command line.

use kit_sandbox::SandboxError;

use super::{Kind, Report, library};
use crate::Failure;
use crate::failure::{Outdated, Repair};
use crate::qemu::MachineError;

/// Whose fault a failure is.
pub(crate) fn kind(failure: &Failure) -> Kind {
    match failure {
        Failure::Build(error) => library::build_kind(error),
        Failure::Machine(error) if is_environment(error) => Kind::Environment,
        Failure::Recipes(_)
        | Failure::Settings { .. }
        | Failure::NotText { .. }
        | Failure::Outdated { .. }
        | Failure::NotBuilt { .. }
        | Failure::NoSuchPath { .. }
        | Failure::NoSuchRecipe { .. }
        | Failure::Machine(_)
        | Failure::NothingFailed
        | Failure::NotReproducible { .. }
        | Failure::NoLog { .. } => Kind::User,
        Failure::Tool { source: SandboxError::MissingCommand { .. }, .. }
        | Failure::NoProject { .. }
        | Failure::Variable { .. }
        | Failure::WhichImage { .. }
        | Failure::BadName { .. }
        | Failure::NoTopic { .. }
        | Failure::NotUsed { .. }
        | Failure::NotEmpty { .. } => Kind::Usage,
        Failure::Tool { .. }
        | Failure::Store(_)
        | Failure::File { .. }
        | Failure::Damaged { .. }
        | Failure::Output(_) => Kind::Environment,
    }
}

/// Whether a machine failed because of what it runs on.
fn is_environment(error: &MachineError) -> bool {
    matches!(error, MachineError::Sandbox(_) | MachineError::Emulator { .. } | MachineError::Console(_))
}

/// Shows a failure: one report for each problem, at least one.
pub(crate) fn reports(failure: &Failure) -> Vec<Report> {
    match failure {
        Failure::Build(error) => library::build(error),
        Failure::Recipes(errors) => library::plan(errors),
        Failure::Store(error) => vec![library::store(error)],
        Failure::Settings { path, text, problems } => library::problems(problems, path, text),
        _ => {
            let mut report =
                Report::new(kind(failure), code(failure), failure.to_string()).caused_by(failure);
            if let Failure::Outdated { lockfiles } = failure {
                report.notes = lockfiles.iter().flat_map(|lockfile| lockfile.reasons.clone()).collect();
            }
            vec![report.with_help(help(failure))]
        }
    }
}

fn code(failure: &Failure) -> &'static str {
    match failure {
        Failure::Build(error) => error.code(),
        Failure::Store(error) => error.code(),
        Failure::Machine(error) => error.code(),
        Failure::Tool { .. } => "kit::tool::start",
        Failure::NothingFailed => "kit::shell::nothing_failed",
        Failure::Recipes(_) => "kit::plan::problems",
        Failure::Settings { .. } => "kit::settings::problems",
        Failure::NoProject { .. } => "kit::project::none",
        Failure::File { .. } => "kit::project::file",
        Failure::NotText { .. } => "kit::project::not_text",
        Failure::Variable { .. } => "kit::usage::variable",
        Failure::WhichImage { .. } => "kit::usage::which_image",
        Failure::BadName { .. } => "kit::usage::name",
        Failure::Outdated { .. } => "kit::lock::stale",
        Failure::NotEmpty { .. } => "kit::init::not_empty",
        Failure::NotBuilt { .. } => "kit::build::not_built",
        Failure::NoSuchPath { .. } => "kit::why::no_path",
        Failure::NoSuchRecipe { .. } => "kit::plan::unknown_recipe",
        Failure::NoTopic { .. } => "kit::usage::topic",
        Failure::NotUsed { .. } => "kit::lock::not_used",
        Failure::NoLog { .. } => "kit::log::none",
        Failure::NotReproducible { .. } => "kit::verify::different",
        Failure::Damaged { .. } => "kit::store::damaged",
        Failure::Output(_) => "kit::output",
    }
}

fn help(failure: &Failure) -> Option<String> {
    Some(match failure {
        Failure::Build(_)
        | Failure::Store(_)
        | Failure::Recipes(_)
        | Failure::Settings { .. }
        | Failure::File { .. }
        | Failure::Output(_) => return None,
        Failure::Machine(error) => return error.help(),
        Failure::Tool { source, .. } => return crate::commands::tool::help(source),
        Failure::NoProject { .. } => {
            "run `kit init DIR` to make a project, or name one by `--project DIR`".to_owned()
        }
        Failure::NothingFailed => "only the last failed step is kept, until `kit store gc`".to_owned(),
        Failure::NotText { .. } => "save the file as UTF-8".to_owned(),
        Failure::Variable { wanted, .. } => format!("set it to {wanted}, or unset it"),
        Failure::WhichImage { images } => match images.first() {
            None => "write a recipe `recipes/images/NAME.toml`".to_owned(),
            Some(first) => format!("name one, for example `{first}`"),
        },
        Failure::BadName { .. } => {
            "names are made of `a-z 0-9 - . _ +` and start with a letter or digit".to_owned()
        }
        Failure::Outdated { lockfiles } => lock_command(lockfiles),
        Failure::NotEmpty { .. } => "choose a directory that isn't there yet, or an empty one".to_owned(),
        Failure::NotBuilt { subject, .. } => format!("run `kit build {subject}`"),
        Failure::NoSuchPath { close, image, .. } => match close.as_slice() {
            [] => format!("`kit show {image} --files` lists what there is"),
            close => format!("there is `{}`", close.join("`, `")),
        },
        Failure::NoSuchRecipe { close, .. } => match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`kit show` lists the images and packages there are".to_owned(),
        },
        Failure::NotUsed { close: Some(close), .. } => format!("did you mean `{close}`?"),
        Failure::NotUsed { close: None, package } => {
            format!("to update an image, write it first: `kit lock {package} --update`")
        }
        Failure::NoTopic { .. } => "`kit --help` lists the commands; the topic is `environment`".to_owned(),
        Failure::NoLog { known, .. } => match known.as_slice() {
            [] => "nothing that prints was built yet: run `kit build`".to_owned(),
            known => format!("there are logs of `{}`", known.join("`, `")),
        },
        Failure::NotReproducible { .. } => {
            "correct the first causes above: what else differs follows from them".to_owned()
        }
        Failure::Damaged { repair: Repair::Tried, .. } => {
            "look at what is named above: kit did not put it there, or can't tell what it was".to_owned()
        }
        Failure::Damaged { repair: Repair::NotTried, .. } => {
            "run `kit store verify --repair`, then build again".to_owned()
        }
    })
}

fn lock_command(lockfiles: &[Outdated]) -> String {
    let subjects: Vec<_> = lockfiles.iter().map(|lockfile| lockfile.subject.as_str()).collect();
    format!("run `kit lock {}`", subjects.join(" "))
}
