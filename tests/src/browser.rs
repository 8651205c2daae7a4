//! A browser from a lockfile of its own, for pages that kit writes.

use crate::program::repository;
use crate::{Said, TestProject};

/// Runs a browser on a page in the project's directory.
pub fn browser(project: &TestProject, arguments: &[&str]) -> Said {
    let place = repository().join("tests/browser");
    let tool = ["tool", "chromium", "--", "/usr/lib/chromium/chromium-headless-shell", "--headless"];
    let quiet = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-dev-shm-usage",
        "--user-data-dir=/tmp/profile",
    ];
    let project_option = ["--project", place.to_str().expect("it is UTF-8")];
    project.kit(&[&project_option[..], &tool, &quiet, arguments].concat()).succeeded()
}

/// Returns what the filter of a page says that it shows, and of how much; none where its script didn't run.
pub fn shown(dom: &str) -> Option<(usize, usize)> {
    let words: Vec<_> = dom.split_whitespace().collect();
    let words = words.windows(4).find(|words| words[1] == "of" && words[3].starts_with("shown"))?;
    let number = |word: &str| word.rsplit('>').next()?.parse().ok();
    Some((number(words[0])?, number(words[2])?))
}
