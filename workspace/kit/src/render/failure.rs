//! The failures of the command line.

mod evidence;

use kit_sandbox::SandboxError;

use super::{Kind, Report, library};
use crate::Failure;
use crate::failure::{Outdated, Repair};
use crate::qemu::MachineError;

/// Whose fault a failure is.
pub(crate) fn kind(failure: &Failure) -> Kind {
    match failure {
        Failure::Build(error) => library::build_kind(error),
        Failure::Run(error) => error.kind(),
        Failure::Revision(error) => error.kind(),
        Failure::Bisect(error) => error.kind(),
        Failure::Convert(error) => error.kind(),
        Failure::Machine(error) if is_environment(error) => Kind::Environment,
        Failure::Recipes(_)
        | Failure::Settings { .. }
        | Failure::LinuxKit { .. }
        | Failure::RecipesThere { .. }
        | Failure::ImportedTwice { .. }
        | Failure::NotText { .. }
        | Failure::Outdated { .. }
        | Failure::NotBuilt { .. }
        | Failure::NoSuchPath { .. }
        | Failure::NoSuchComponent { .. }
        | Failure::NoAdvisories { .. }
        | Failure::UnknownVulnerability { .. }
        | Failure::NoSuchByte { .. }
        | Failure::Policy { .. }
        | Failure::Denied { .. }
        | Failure::ToolsAudited { .. }
        | Failure::Open { .. }
        | Failure::NothingToAudit { .. }
        | Failure::Advisories { .. }
        | Failure::NoSnapshot { .. }
        | Failure::NoRelease
        | Failure::AdvisoriesOfOthers { .. }
        | Failure::Key { .. }
        | Failure::Certificate { .. }
        | Failure::OtherCertificate { .. }
        | Failure::Sign { .. }
        | Failure::SignedBefore { .. }
        | Failure::OtherEnvelope { .. }
        | Failure::Envelope { .. }
        | Failure::NobodyTrusted
        | Failure::NotSigned { .. }
        | Failure::NotMeasured { .. }
        | Failure::BundleLacks { .. }
        | Failure::BundleUnproved { .. }
        | Failure::BundleWithoutProject { .. }
        | Failure::BundleWithHooks { .. }
        | Failure::NoSuchRecipe { .. }
        | Failure::Machine(_)
        | Failure::NothingFailed { .. }
        | Failure::NothingToStepInto { .. }
        | Failure::NotPinned { .. }
        | Failure::NoScript { .. }
        | Failure::NotReproducible { .. }
        | Failure::OtherFile { .. }
        | Failure::UnknownArtifact { .. }
        | Failure::UnreadableArtifact { .. }
        | Failure::NoPin { .. }
        | Failure::NoLockFor { .. }
        | Failure::OtherLock { .. }
        | Failure::FileAndDirectory { .. }
        | Failure::Statement { .. }
        | Failure::Incomparable(_)
        | Failure::NoQuorum { .. }
        | Failure::NoLog { .. } => Kind::User,
        Failure::Tool { source: SandboxError::MissingCommand { .. }, .. }
        | Failure::Program { source: SandboxError::MissingCommand { .. }, .. }
        | Failure::ManyBuilds { .. }
        | Failure::PackageAlone { .. }
        | Failure::NoProject { .. }
        | Failure::Variable { .. }
        | Failure::WhichImage { .. }
        | Failure::BadName { .. }
        | Failure::NoTopic { .. }
        | Failure::NoContainer { .. }
        | Failure::WhichOfLayout { .. }
        | Failure::WhichOutput { .. }
        | Failure::NoSuchCapability { .. }
        | Failure::NotUsed { .. }
        | Failure::OneStatement { .. }
        | Failure::OneSignature { .. }
        | Failure::OnlineOffline
        | Failure::NoneNamed
        | Failure::OnlyOfFiles { .. }
        | Failure::OnlyOfImages { .. }
        | Failure::WholeFile
        | Failure::OneAgainst { .. }
        | Failure::Statements { .. }
        | Failure::NotEmpty { .. } => Kind::Usage,
        Failure::Evidence { .. } => Kind::Bug,
        Failure::Tool { .. }
        | Failure::Program { .. }
        | Failure::NoPassphrase { .. }
        | Failure::NoAgent
        | Failure::Listen { .. }
        | Failure::Agent { .. }
        | Failure::Store(_)
        | Failure::File { .. }
        | Failure::History(_)
        | Failure::Damaged { .. }
        | Failure::Output(_) => Kind::Environment,
    }
}

/// Whether a machine failed because of what it runs on.
fn is_environment(error: &MachineError) -> bool {
    matches!(
        error,
        MachineError::Sandbox(_)
            | MachineError::Emulator { .. }
            | MachineError::Tpm
            | MachineError::Console(_)
    )
}

/// Shows a failure: one report for each problem, at least one.
pub(crate) fn reports(failure: &Failure) -> Vec<Report> {
    match failure {
        Failure::Build(error) => library::build(error),
        Failure::Recipes(errors) => library::plan(errors),
        Failure::Store(error) => vec![library::store(error)],
        Failure::Settings { path, text, problems } | Failure::Policy { path, text, problems } => {
            library::problems(problems, path, text)
        }
        Failure::LinuxKit { files, problems } => problems
            .iter()
            .flat_map(|(file, problems)| library::problems(problems, &files[*file].name, &files[*file].text))
            .collect(),
        _ => {
            let mut report =
                Report::new(kind(failure), code(failure), failure.to_string()).caused_by(failure);
            report.notes = match failure {
                Failure::Outdated { lockfiles } => {
                    lockfiles.iter().flat_map(|lockfile| lockfile.reasons.clone()).collect()
                }
                Failure::NoLockFor { locks, changes, .. } => [locks.clone(), changes.clone()].concat(),
                Failure::OtherLock { expected, found, .. } => {
                    vec![format!("the file carries {expected}"), format!("the lockfile pins {found}")]
                }
                Failure::Incomparable(problems) => problems.iter().map(ToString::to_string).collect(),
                _ => Vec::new(),
            };
            vec![report.with_help(help(failure))]
        }
    }
}

fn code(failure: &Failure) -> &'static str {
    match failure {
        Failure::Build(error) => error.code(),
        Failure::Store(error) => error.code(),
        Failure::Machine(error) => error.code(),
        Failure::Run(error) => error.code(),
        Failure::Listen { .. } => "kit::serve::listen",
        Failure::Revision(error) => error.code(),
        Failure::Bisect(error) => error.code(),
        Failure::Convert(error) => error.code(),
        Failure::Tool { .. } => "kit::tool::start",
        Failure::Program { .. } => "kit::shell::start",
        Failure::NothingFailed { .. } => "kit::shell::nothing_failed",
        Failure::ManyBuilds { .. } => "kit::shell::many_builds",
        Failure::NothingToStepInto { .. } => "kit::shell::no_script",
        Failure::NotPinned { .. } => "kit::shell::not_pinned",
        Failure::NoScript { .. } => "kit::show::no_script",
        Failure::Recipes(_) => "kit::plan::problems",
        Failure::Settings { .. } => "kit::settings::problems",
        Failure::LinuxKit { .. } => "kit::linuxkit::problems",
        Failure::RecipesThere { .. } => "kit::import::recipes_there",
        Failure::ImportedTwice { .. } => "kit::import::twice",
        Failure::PackageAlone { .. } => "kit::import::package_alone",
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
        Failure::NoSuchComponent { .. } => "kit::why::no_component",
        Failure::NoSuchCapability { .. } => "kit::why::no_capability",
        Failure::NoAdvisories { .. } => "kit::why::no_advisories",
        Failure::UnknownVulnerability { .. } => "kit::why::unknown_vulnerability",
        Failure::NoSuchByte { .. } => "kit::why::no_byte",
        Failure::WhichOutput { .. } => "kit::why::which_output",
        Failure::NoSuchRecipe { .. } => "kit::plan::unknown_recipe",
        Failure::NoTopic { .. } => "kit::usage::topic",
        Failure::NoContainer { .. } => "kit::push::no_container",
        Failure::WhichOfLayout { .. } => "kit::push::which_image",
        Failure::NotUsed { .. } => "kit::lock::not_used",
        Failure::NoLog { .. } => "kit::log::none",
        Failure::NotReproducible { .. } => "kit::verify::different",
        Failure::OtherFile { .. } => "kit::verify::other_file",
        Failure::UnknownArtifact { .. } => "kit::verify::unknown_format",
        Failure::UnreadableArtifact { .. } => "kit::verify::unreadable",
        Failure::NoPin { .. } => "kit::verify::no_pin",
        Failure::NoLockFor { .. } => "kit::verify::no_lock",
        Failure::OtherLock { .. } => "kit::verify::other_lock",
        Failure::History(_) => "kit::verify::history",
        Failure::WholeFile => "kit::verify::whole_file",
        Failure::OneAgainst { .. } => "kit::verify::one_against",
        Failure::FileAndDirectory { .. } => "kit::verify::file_and_directory",
        Failure::OneStatement { .. } => "kit::verify::one_statement",
        Failure::Statements { .. } => "kit::verify::statements",
        Failure::Statement { .. } => "kit::verify::no_statement",
        Failure::Incomparable(_) => "kit::verify::incomparable",
        Failure::NoQuorum { .. } => "kit::verify::no_quorum",
        Failure::BundleLacks { .. } => "kit::vendor::incomplete",
        Failure::BundleUnproved { .. } => "kit::vendor::unproved",
        Failure::BundleWithoutProject { .. } => "kit::vendor::no_project",
        Failure::BundleWithHooks { .. } => "kit::vendor::version_control",
        Failure::NotMeasured { .. } => "kit::measurements::none",
        Failure::Policy { .. } => "kit::policy::problems",
        Failure::Denied { .. } => "kit::audit::denied",
        Failure::OnlineOffline => "kit::audit::offline",
        Failure::ToolsAudited { .. } => "kit::audit::no_image",
        Failure::Open { source, .. } => source.code(),
        Failure::NothingToAudit { .. } => "kit::audit::nothing_there",
        Failure::Advisories { .. } => "kit::audit::advisories",
        Failure::NoSnapshot { .. } => "kit::audit::no_snapshot",
        Failure::NoneNamed | Failure::AdvisoriesOfOthers { .. } => "kit::audit::no_advisories",
        Failure::NoRelease => "kit::audit::no_release",
        Failure::Key { .. } => "kit::sign::key",
        Failure::NoPassphrase { .. } => "kit::sign::no_passphrase",
        Failure::NoAgent | Failure::Agent { .. } => "kit::sign::agent",
        Failure::Certificate { .. } => "kit::sign::certificate",
        Failure::OtherCertificate { .. } => "kit::sign::other_certificate",
        Failure::Sign { .. } => "kit::sign::failed",
        Failure::OneSignature { .. } => "kit::sign::one_signature",
        Failure::OnlyOfFiles { .. } | Failure::OnlyOfImages { .. } => "kit::sign::option",
        Failure::SignedBefore { .. } => "kit::sign::signed_before",
        Failure::OtherEnvelope { .. } => "kit::sign::other_envelope",
        Failure::Envelope { .. } => "kit::verify::envelope",
        Failure::NobodyTrusted => "kit::verify::nobody_trusted",
        Failure::NotSigned { .. } => "kit::verify::not_signed",
        Failure::Evidence { .. } => "kit::bug",
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
        | Failure::LinuxKit { .. }
        | Failure::Policy { .. }
        | Failure::NoRelease
        | Failure::Advisories { .. }
        | Failure::Agent { .. }
        | Failure::Sign { .. }
        | Failure::Envelope { .. }
        | Failure::Output(_) => return None,
        Failure::File { source, .. } => return file_help(source).map(str::to_owned),
        Failure::Machine(error) => return error.help(),
        Failure::Run(error) => return error.help(),
        Failure::Listen { .. } => "another port is `--port N`, any that is free `--port 0`".to_owned(),
        Failure::Revision(error) => return error.help(),
        Failure::Bisect(error) => return error.help(),
        Failure::Convert(error) => return error.help(),
        Failure::Tool { source, .. } => return crate::commands::tool::help(source),
        Failure::RecipesThere { .. } => {
            "replace them by `--force`, or write elsewhere by `-o DIR`; nothing was written".to_owned()
        }
        Failure::ImportedTwice { .. } => "import them one after the other, into two projects, or rename one".to_owned(),
        Failure::PackageAlone { .. } => {
            "name the image's file beside it, or make a recipe of it by `kit import linuxkit FILE`".to_owned()
        }
        Failure::NoProject { .. } => {
            "run `kit init DIR` to make a project, or name one by `--project DIR`".to_owned()
        }
        Failure::Program { source: SandboxError::MissingCommand { .. }, .. } => {
            "programs are those below `/usr/bin` and `/usr/sbin` of the packages; one that is there needs its libraries: name their package too"
                .to_owned()
        }
        Failure::Program { source, .. } => return source.help(),
        Failure::NothingFailed { .. } => {
            "only the last few failed steps are kept, until `kit store gc`".to_owned()
        }
        Failure::ManyBuilds { packages } => {
            format!("run a program that sees them all: `kit shell {} -- PROGRAM`", packages.join(" "))
        }
        Failure::NothingToStepInto { recipe } => {
            let name = recipe.split_whitespace().next_back().unwrap_or_default();
            format!("run a program that is in it: `kit shell {name} -- PROGRAM`")
        }
        Failure::NotPinned { package } => format!(
            "name `{package}` in an image and run `kit lock`, or in `packages` of `recipes/tools.toml` and run `kit lock tools`"
        ),
        Failure::NoScript { recipe } => {
            let name = recipe.split_whitespace().next_back().unwrap_or_default();
            format!("`kit show {name}` shows what it is made of")
        }
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
        Failure::NoSuchComponent { close, image, .. } => match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("`kit why {image} --size` lists what is in it"),
        },
        Failure::NoSuchRecipe { close, .. } => match close {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`kit show` lists the images and packages there are".to_owned(),
        },
        Failure::NoContainer { close: None, image, .. } => format!("`kit show {image}` lists them"),
        Failure::NoContainer { close: Some(close), .. }
        | Failure::NotUsed { close: Some(close), .. } => format!("did you mean `{close}`?"),
        Failure::WhichOfLayout { .. } => "name one of them by `--container NAME`".to_owned(),
        Failure::NotUsed { close: None, package } => {
            format!("to update an image, write it first: `kit lock {package} --update`")
        }
        Failure::NoTopic { .. } => "`kit --help` lists the commands; the topics are `environment` and `formats`".to_owned(),
        Failure::NoLog { known, .. } => match known.as_slice() {
            [] => "nothing that prints was built yet: run `kit build`".to_owned(),
            known => format!("there are logs of `{}`", known.join("`, `")),
        },
        Failure::Damaged { repair: Repair::Tried, .. } => {
            "look at what is named above: kit did not put it there, or can't tell what it was".to_owned()
        }
        Failure::Damaged { repair: Repair::NotTried, .. } => {
            "run `kit store verify --repair`, then build again".to_owned()
        }
        of_evidence => return evidence::help(of_evidence),
    })
}

fn lock_command(lockfiles: &[Outdated]) -> String {
    let subjects: Vec<_> = lockfiles.iter().map(|lockfile| lockfile.subject.as_str()).collect();
    format!("run `kit lock {}`", subjects.join(" "))
}

/// Returns what to do about a file that can't be used, where the system's word for it leaves one thing.
fn file_help(source: &std::io::Error) -> Option<&'static str> {
    use std::io::ErrorKind;
    Some(match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room on its disk, or use another one",
        ErrorKind::IsADirectory => "name a file in it",
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file is where a directory has to be: name another place, or move the file away"
        }
        ErrorKind::ReadOnlyFilesystem => "use a place that can be written to",
        _ => return None,
    })
}
