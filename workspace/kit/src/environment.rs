//! The environment variables that kit reads: all of them, and the only place that reads them.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::Failure;

/// A variable, as `kit help environment` shows it.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
}

/// All variables. An empty one counts as not set.
pub(crate) const VARIABLES: [Variable; 21] = [
    Variable { name: "KIT_PROJECT", meaning: "the project, like --project" },
    Variable { name: "KIT_STORE", meaning: "the store, like --store" },
    Variable { name: "KIT_OUT", meaning: "where outputs go, like --out" },
    Variable { name: "KIT_VENDOR", meaning: "a bundle that files are taken from first, like --vendor" },
    Variable { name: "KIT_JOBS", meaning: "steps at the same time, like --jobs" },
    Variable { name: "KIT_OFFLINE", meaning: "1 opens no socket, like --offline" },
    Variable { name: "KIT_DEBIAN_MIRROR", meaning: "Debian archives to try first, separated by spaces" },
    Variable { name: "KIT_DEBIAN_SNAPSHOT", meaning: "an archive that keeps old files, tried last" },
    Variable { name: "SSH_AUTH_SOCK", meaning: "the socket of the SSH agent, which `kit sign --agent` asks" },
    Variable { name: "CARGO_HOME", meaning: "where cargo keeps its cache of crates [default: ~/.cargo]" },
    Variable { name: "REGISTRY_AUTH_FILE", meaning: "where `podman login` keeps logins of registries" },
    Variable { name: "DOCKER_CONFIG", meaning: "where `docker login` keeps them [default: ~/.docker]" },
    Variable { name: "XDG_RUNTIME_DIR", meaning: "where `podman login` keeps them, below containers/" },
    Variable {
        name: "CONTAINERS_STORAGE_CONF",
        meaning: "the configuration of Podman's store of containers",
    },
    Variable { name: "XDG_CONFIG_HOME", meaning: "where it is, below containers/ [default: ~/.config]" },
    Variable {
        name: "XDG_DATA_HOME",
        meaning: "where the store is, below containers/ [default: ~/.local/share]",
    },
    Variable { name: "HOME", meaning: "your home directory" },
    Variable { name: "NO_COLOR", meaning: "any value: no colour, as --color never" },
    Variable { name: "CLICOLOR_FORCE", meaning: "any value but 0: colour, also when piped" },
    Variable { name: "COLUMNS", meaning: "width of the terminal" },
    Variable { name: "TERM", meaning: "`dumb`: no colour and no progress bars" },
];

/// Where a user's store of containers, and what is said about it, may be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ContainerPlaces {
    /// A configuration that counts alone.
    pub(crate) given: Option<PathBuf>,
    pub(crate) home: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) data: Option<PathBuf>,
}

/// What the environment says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a variable of its own, named by its field")]
pub(crate) struct Environment {
    pub(crate) project: Option<PathBuf>,
    pub(crate) store: Option<PathBuf>,
    pub(crate) out: Option<PathBuf>,
    pub(crate) vendor: Option<PathBuf>,
    pub(crate) agent: Option<PathBuf>,
    pub(crate) jobs: Option<usize>,
    pub(crate) offline: bool,
    pub(crate) debian_mirrors: Vec<String>,
    pub(crate) debian_snapshot: Option<String>,
    pub(crate) cargo_home: Option<PathBuf>,
    /// Where logins of registries may be; what comes first counts.
    pub(crate) login_files: Vec<PathBuf>,
    /// Where the configuration of the user's store of containers may be, and where that store is when nothing says it.
    pub(crate) containers: ContainerPlaces,
    pub(crate) no_color: bool,
    pub(crate) force_color: bool,
    pub(crate) columns: Option<usize>,
    pub(crate) dumb_terminal: bool,
}

impl Environment {
    /// Reads the environment of this process.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub(crate) fn read() -> Result<Self, Failure> {
        Self::from_lookup(&|name| std::env::var_os(name))
    }

    fn from_lookup(lookup: &dyn Fn(&str) -> Option<OsString>) -> Result<Self, Failure> {
        let raw = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let text = |name: &'static str, wanted: &'static str| match raw(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(value)) => {
                let value = value.to_string_lossy().into_owned();
                Err(Failure::Variable { name, value, wanted })
            }
        };
        let path = |name: &str| raw(name).map(PathBuf::from);
        let count = |name: &'static str, wanted: &'static str| match text(name, wanted)? {
            None => Ok(None),
            Some(value) => match value.parse::<usize>() {
                Ok(count) if count > 0 => Ok(Some(count)),
                _ => Err(Failure::Variable { name, value, wanted }),
            },
        };
        let offline = match text("KIT_OFFLINE", "`1` or `0`")?.as_deref() {
            None | Some("0" | "false" | "no") => false,
            Some("1" | "true" | "yes") => true,
            Some(value) => {
                let value = value.to_owned();
                return Err(Failure::Variable { name: "KIT_OFFLINE", value, wanted: "`1` or `0`" });
            }
        };
        let mirrors = text("KIT_DEBIAN_MIRROR", "addresses separated by spaces")?;
        Ok(Self {
            project: path("KIT_PROJECT"),
            store: path("KIT_STORE"),
            out: path("KIT_OUT"),
            vendor: path("KIT_VENDOR"),
            agent: path("SSH_AUTH_SOCK"),
            jobs: count("KIT_JOBS", "a number from 1")?,
            offline,
            debian_mirrors: mirrors.iter().flat_map(|m| m.split_whitespace()).map(str::to_owned).collect(),
            debian_snapshot: text("KIT_DEBIAN_SNAPSHOT", "an address")?,
            cargo_home: path("CARGO_HOME").or_else(|| Some(path("HOME")?.join(".cargo"))),
            login_files: [
                path("REGISTRY_AUTH_FILE"),
                path("XDG_RUNTIME_DIR").map(|path| path.join("containers/auth.json")),
                path("HOME").map(|path| path.join(".config/containers/auth.json")),
                path("DOCKER_CONFIG")
                    .or_else(|| Some(path("HOME")?.join(".docker")))
                    .map(|path| path.join("config.json")),
            ]
            .into_iter()
            .flatten()
            .collect(),
            containers: ContainerPlaces {
                given: path("CONTAINERS_STORAGE_CONF"),
                home: path("HOME"),
                config: path("XDG_CONFIG_HOME").or_else(|| Some(path("HOME")?.join(".config"))),
                data: path("XDG_DATA_HOME").or_else(|| Some(path("HOME")?.join(".local/share"))),
            },
            no_color: raw("NO_COLOR").is_some(),
            force_color: raw("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            // Shells set it to whatever they like; a bad one is no reason to stop.
            columns: raw("COLUMNS")
                .and_then(|value| value.to_str()?.parse().ok())
                .filter(|columns| *columns > 0),
            dumb_terminal: raw("TERM").is_some_and(|value| value == "dumb"),
        })
    }
}

/// Returns the table of variables, for help.
pub(crate) fn table() -> String {
    let width = VARIABLES.iter().map(|variable| variable.name.len()).max().unwrap_or(0);
    let line = |variable: &Variable| format!("  {:width$}  {}\n", variable.name, variable.meaning);
    VARIABLES.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment, Failure> {
        Environment::from_lookup(&|name| {
            assert!(VARIABLES.iter().any(|variable| variable.name == name), "{name} is not in the table");
            variables.iter().find(|(n, _)| *n == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn reads_what_is_set() {
        let environment = read(&[
            ("KIT_STORE", "/s"),
            ("KIT_OUT", ""),
            ("KIT_JOBS", "3"),
            ("KIT_OFFLINE", "1"),
            ("KIT_DEBIAN_MIRROR", " http://a.example/debian  file:///b "),
            ("CLICOLOR_FORCE", "0"),
            ("COLUMNS", "wide"),
        ])
        .unwrap();
        assert_eq!(
            environment,
            Environment {
                store: Some("/s".into()),
                jobs: Some(3),
                offline: true,
                debian_mirrors: vec!["http://a.example/debian".to_owned(), "file:///b".to_owned()],
                ..Environment::default()
            }
        );
    }

    #[test]
    fn refuses_what_it_cannot_use() {
        for bad in [("KIT_JOBS", "0"), ("KIT_JOBS", "many"), ("KIT_OFFLINE", "maybe")] {
            assert!(matches!(read(&[bad]), Err(Failure::Variable { name, .. }) if name == bad.0));
        }
    }
}
