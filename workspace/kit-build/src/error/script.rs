//! How a script ended that didn't end well, and what to do about it.

use std::path::PathBuf;

use kit_tree::TreePath;

/// How many of the things that can't be in a package are shown.
const SHOWN: usize = 10;

/// How a script ended that didn't end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptFailure {
    /// It returned this code.
    Exit(i32),
    /// It returned this code, having missed a program that packages have which aren't among its tools.
    NoProgram {
        /// The code.
        code: i32,
        /// The program's name.
        program: String,
        /// The packages, the smallest first, and where in them the program is; at least one.
        packages: Vec<(String, TreePath)>,
    },
    /// A signal killed it.
    Signal(i32),
    /// It ran longer than it may, in seconds.
    Timeout(u64),
    /// It printed more than it may, in bytes.
    Output(u64),
    /// It needed more memory than it may.
    Memory,
    /// There is no shell to run it.
    NoShell,
    /// It succeeded and left nothing in `/out`.
    Empty,
    /// It left something in `/out` that can't be part of a tree.
    Result(Vec<String>),
    /// It failed while nothing could be written any more to the disk that its working directory is on.
    Full(PathBuf),
}

impl std::fmt::Display for ScriptFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exit(code) => match killed_by(*code) {
                Some(signal) => {
                    write!(f, "it returned {code}, as when signal {signal} kills a program of it")
                }
                None => write!(f, "it returned {code}"),
            },
            Self::NoProgram { code, program, .. } => {
                write!(f, "it returned {code}, and its tools have no `{program}`")
            }
            Self::Signal(signal) => write!(f, "signal {signal} killed it"),
            Self::Timeout(seconds) => write!(f, "it ran longer than {seconds} s"),
            Self::Output(bytes) => write!(f, "it printed more than {} MiB", bytes >> 20),
            Self::NoShell => f.write_str("its tools have no `/bin/sh`"),
            Self::Memory => f.write_str("it needed more memory than it may"),
            Self::Empty => f.write_str("it left nothing in `$OUT`"),
            Self::Result(what) => {
                let shown = &what[..what.len().min(SHOWN)];
                write!(f, "it left what can't be in a package: {}", shown.join("; "))?;
                match what.len() - shown.len() {
                    0 => Ok(()),
                    more => write!(f, "; and {more} more"),
                }
            }
            Self::Full(directory) => {
                write!(f, "no space is left for `{}`, where it writes", directory.display())
            }
        }
    }
}

impl ScriptFailure {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Full(_) => "kit::store::full",
            Self::Empty => "kit::build::no_output",
            Self::NoProgram { .. } => "kit::build::no_program",
            Self::Exit(_)
            | Self::Signal(_)
            | Self::Timeout(_)
            | Self::Output(_)
            | Self::Memory
            | Self::NoShell
            | Self::Result(_) => "kit::build::script_failed",
        }
    }

    /// Returns the next thing to do after a step with this title.
    pub fn help(&self, title: &str) -> String {
        let look = format!(
            "`kit log \"{title}\"` shows all that it printed, `kit shell --failed` opens a shell where it failed"
        );
        let killed = "kit didn't do that: the kernel may have, when memory ran out (`dmesg` says so), or somebody else";
        match self {
            Self::Full(_) => "make room on its disk, or keep the store on another one by `--store`".to_owned(),
            Self::NoShell => "add a package with a shell to `tools`, such as `shell-tools`".to_owned(),
            Self::NoProgram { packages, .. } => add_tool(packages),
            Self::Empty => {
                "let it put the package's files into the directory `$OUT`, as by `make DESTDIR=\"$OUT\" install`"
                    .to_owned()
            }
            Self::Signal(9) => format!("{killed}; {look}"),
            Self::Exit(code) if killed_by(*code) == Some(9) => format!("{killed}; {look}"),
            Self::Result(_) => {
                "remove it at the end of the script, or make it readable; owners, special bits and devices are declared in the recipe's `[tree]`"
                    .to_owned()
            }
            Self::Exit(_) | Self::Signal(_) | Self::Timeout(_) | Self::Output(_) | Self::Memory => look,
        }
    }
}

/// The signal that a shell means by the code of a program.
fn killed_by(code: i32) -> Option<i32> {
    (129..=159).contains(&code).then(|| code - 128)
}

fn add_tool(packages: &[(String, TreePath)]) -> String {
    let have: Vec<_> = packages.iter().map(|(package, path)| format!("`{package}` has `{path}`")).collect();
    let (name, have) = (packages.first().map_or("", |(name, _)| name), have.join(", "));
    format!("add a package that has it to `tools`, such as `{name}`: {have}")
}
