//! The program that a script missed, and which packages of the plan have it.

use kit_plan::Plan;
use kit_tree::{Entry, FileName, TreePath};

use crate::error::ScriptFailure;
use crate::{BuildError, engine::Engine};

/// Where programs are.
const PLACES: [&str; 4] = ["usr/bin", "usr/sbin", "bin", "sbin"];
/// How many packages are named.
const NAMED: usize = 3;

impl Engine<'_> {
    /// Names the packages that have a program which a failed script missed, as far as they are in the store.
    pub(crate) fn name_missed(&self, plan: &Plan, error: BuildError) -> BuildError {
        match error {
            BuildError::Several { failures, not_done } => {
                let failures = failures.into_iter().map(|failure| self.name_missed(plan, failure)).collect();
                BuildError::Several { failures, not_done }
            }
            BuildError::Script { title, failure: ScriptFailure::Exit(code), log_tail } => {
                let missed = missed(&log_tail).map(|name| (name.to_owned(), self.having(plan, name, &title)));
                let failure = match missed {
                    Some((program, packages)) if !packages.is_empty() => {
                        ScriptFailure::NoProgram { code, program, packages }
                    }
                    _ => ScriptFailure::Exit(code),
                };
                BuildError::Script { title, failure, log_tail }
            }
            error => error,
        }
    }

    /// Returns the packages with a program of this name that don't need the step called `title`, the smallest first.
    fn having(&self, plan: &Plan, program: &str, title: &str) -> Vec<(String, TreePath)> {
        let paths = PLACES.map(|place| TreePath::new(format!("{place}/{program}")));
        let mut found = Vec::new();
        for (name, id) in &plan.packages {
            // What can't be read is for others to complain about: the script's failure is what matters here.
            let Ok(Some(tree)) = self.remembered(id) else { continue };
            let Ok(tree) = self.store.tree(&tree) else { continue };
            let is_program =
                |path: &&TreePath| matches!(tree.get(path), Some(Entry::File { .. } | Entry::Symlink { .. }));
            let Some(path) = paths.iter().flatten().find(is_program) else { continue };
            if !plan.closure([*id]).iter().any(|step| step.title() == title) {
                found.push((tree.len(), name.to_string(), path.clone()));
            }
        }
        found.sort();
        found.into_iter().take(NAMED).map(|(_, name, path)| (name, path)).collect()
    }
}

/// Returns the name of the program that shells, or `make`, said last that it isn't there.
fn missed(log: &str) -> Option<&str> {
    log.lines().rev().find_map(|line| {
        let of_shell = [": command not found", ": not found"].iter().find_map(|end| line.strip_suffix(end));
        let of_make =
            || line.strip_suffix(": No such file or directory").filter(|line| line.starts_with("make"));
        let (_, name) = of_shell.or_else(of_make)?.rsplit_once(": ")?;
        let is_name = FileName::new(name).is_ok() && !name.contains(char::is_whitespace);
        is_name.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_shells_and_make_say() {
        for log in [
            "/bin/sh: 1: cc: not found",
            "sh: cc: not found\nmore",
            "bash: line 1: cc: command not found\nmake: *** [Makefile:2: all] Error 127",
            "make[1]: cc: No such file or directory",
            "sh: ld: not found\nsh: cc: not found",
        ] {
            assert_eq!(missed(log), Some("cc"), "{log}");
        }
        for log in
            ["", "cat: cc: No such file or directory", "checking for cc... not found", "sh: /x/cc: not found"]
        {
            assert_eq!(missed(log), None, "{log}");
        }
    }
}
