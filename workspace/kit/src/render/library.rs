//! The errors of the libraries: problems of recipes, plans that can't be made, builds that fail, stores that break.

use kit_build::BuildError;
use kit_build::error::ScriptFailure;
use kit_build::registry::ImageError;
use kit_build::upstream::UpstreamError;
use kit_plan::PlanError;
use kit_plan::error::Place;
use kit_recipe::Problems;
use kit_source::crates::CrateError;
use kit_source::debian::ResolveError;
use kit_source::repository::RepositoryError;
use kit_store::StoreError;

use super::{Kind, Label, Report};
use crate::units::count;

/// How many contradictions of one step are shown.
const SHOWN: usize = 10;

/// Shows each problem of a file.
pub(super) fn problems(problems: &Problems, file: &str, text: &str) -> Vec<Report> {
    let label = |(span, label)| Label { file: file.to_owned(), text: text.to_owned(), span, words: label };
    let report = |problem: &kit_recipe::problem::Problem| Report {
        labels: problem.labels().into_iter().map(label).collect(),
        ..Report::new(Kind::User, problem.code(), problem.message()).with_help(problem.help())
    };
    problems.iter().map(report).collect()
}

/// Shows each problem of recipes taken together; the same one again is left out.
pub(super) fn plan(errors: &[PlanError]) -> Vec<Report> {
    let mut reports: Vec<Report> = Vec::new();
    for error in errors {
        let new = match error {
            PlanError::Recipe(file) => problems(&file.problems, &file.recipe.path(), &file.text),
            _ => vec![plan_error(error)],
        };
        for report in new {
            if !reports.contains(&report) {
                reports.push(report);
            }
        }
    }
    reports
}

fn plan_error(error: &PlanError) -> Report {
    let kind = if let PlanError::Read { .. } = error { Kind::Environment } else { Kind::User };
    let mut report = Report::new(kind, error.code(), error.to_string()).caused_by(error);
    report.labels = error.labels().into_iter().map(|(at, label)| place(at, label)).collect();
    report.with_help(error.help())
}

fn place(place: &Place, label: impl Into<String>) -> Label {
    Label {
        file: place.recipe.path(),
        text: place.text.clone(),
        span: place.span.clone(),
        words: label.into(),
    }
}

/// Shows an error of the store.
pub(super) fn store(error: &StoreError) -> Report {
    let help = error.help().map(str::to_owned);
    Report::new(Kind::Environment, error.code(), error.to_string()).caused_by(error).with_help(help)
}

/// Shows why a build failed.
pub(super) fn build(error: &BuildError) -> Vec<Report> {
    match error {
        BuildError::Plan(errors) => return plan(errors),
        BuildError::Several { failures, not_done } => return several(failures, *not_done),
        BuildError::LockProblems { path, text, problems: found } => return problems(found, path, text),
        _ => {}
    }
    if let Some(error) = error.store_error() {
        return vec![store(error)];
    }
    let mut report = Report::new(build_kind(error), error.code(), error.to_string()).caused_by(error);
    report.labels = error.labels().into_iter().map(|(at, label)| place(at, label)).collect();
    match error {
        BuildError::Script { log_tail, .. } if !log_tail.is_empty() => {
            report.notes.push(format!("the end of its log:\n{}", bars(log_tail)));
        }
        BuildError::Conflict { contradictions, .. } => {
            for c in contradictions.iter().take(SHOWN) {
                report.notes.push(format!("`{}` has  {}", c.first.0, c.first.1));
                report.notes.push(format!("`{}` has  {}", c.second.0, c.second.1));
            }
            if contradictions.len() > SHOWN {
                report.notes.push(format!("and {} more paths", contradictions.len() - SHOWN));
            }
        }
        BuildError::Different { expected, found, first, .. } => {
            report.notes.push(format!("expected {expected}\n     got {found}"));
            if let Some((step, files)) = first {
                let mut lines = vec![format!("first step that came out different: `{step}`")];
                lines.extend(files.iter().map(|file| format!("  {file}")));
                report.notes.push(lines.join("\n"));
            }
        }
        BuildError::Damaged { findings, .. } => {
            report.notes.extend(findings.iter().map(|found| format!("{}: {}", found.item, found.problem)));
        }
        BuildError::Upstream { error, .. } => report.notes.extend(error.notes()),
        BuildError::NoKernel { found, .. } if !found.is_empty() => report.notes.push(found.join("\n")),
        _ => {}
    }
    vec![report.with_help(error.help())]
}

/// Shows each failure, and beneath the last one what follows from all of them.
fn several(failures: &[BuildError], not_done: usize) -> Vec<Report> {
    let mut reports: Vec<_> = failures.iter().flat_map(build).collect();
    if let (Some(last), 1..) = (reports.last_mut(), not_done) {
        let whose = if not_done == 1 { "it needs" } else { "they need" };
        last.notes.push(format!("{} not done: {whose} what failed", count(not_done, "step")));
    }
    reports
}

fn bars(text: &str) -> String {
    text.lines().map(|line| format!("| {line}")).collect::<Vec<_>>().join("\n")
}

/// Whose fault a failed build is.
pub(super) fn build_kind(error: &BuildError) -> Kind {
    if error.store_error().is_some() {
        return Kind::Environment;
    }
    match error {
        BuildError::Several { failures, .. } => failures.first().map_or(Kind::Bug, build_kind),
        BuildError::Script { failure: ScriptFailure::Full(_), .. } | BuildError::Output { .. } => {
            Kind::Environment
        }
        BuildError::Plan(errors) if errors.iter().any(|error| matches!(error, PlanError::Read { .. })) => {
            Kind::Environment
        }
        BuildError::Resolve(ResolveError::Solve(_) | ResolveError::Release(_) | ResolveError::Source(_))
        | BuildError::Crates(CrateError::Lock { .. } | CrateError::Source { .. })
        | BuildError::Upstream {
            error:
                UpstreamError::Changed(_)
                | UpstreamError::Repository(RepositoryError::Submodules { .. } | RepositoryError::LargeFiles { .. }),
            ..
        }
        | BuildError::Image {
            error:
                ImageError::User { .. }
                | ImageError::Place { .. }
                | ImageError::Document { .. }
                | ImageError::LargeDocument { .. }
                | ImageError::Attached(_)
                | ImageError::Contradiction { .. },
            ..
        }
        | BuildError::Plan(_)
        | BuildError::Script { .. }
        | BuildError::Import { .. }
        | BuildError::FileName { .. }
        | BuildError::Unpack { .. }
        | BuildError::Write { .. }
        | BuildError::Extension { .. }
        | BuildError::Compose { .. }
        | BuildError::Conflict { .. }
        | BuildError::GlobMatchesNothing { .. }
        | BuildError::NoInit { .. }
        | BuildError::NoKernel { .. }
        | BuildError::Microcode { .. }
        | BuildError::DeviceTree { .. }
        | BuildError::InitrdCompression { .. }
        | BuildError::NoLocal { .. }
        | BuildError::BadLocal { .. }
        | BuildError::CargoLock { .. }
        | BuildError::NoTool { .. }
        | BuildError::NoLock { .. }
        | BuildError::LockProblems { .. }
        | BuildError::Stale { .. }
        | BuildError::Different { .. } => Kind::User,
        BuildError::Store(_)
        | BuildError::Damaged { .. }
        | BuildError::Sandbox { .. }
        | BuildError::Io { .. }
        | BuildError::Resolve(_)
        | BuildError::Unavailable(_)
        | BuildError::Upstream { .. }
        | BuildError::Crates(_)
        | BuildError::Image { .. }
        | BuildError::NoCargoHome
        | BuildError::NotVendored { .. }
        | BuildError::VendoredOther { .. } => Kind::Environment,
    }
}
