//! `storage.conf`, by which Podman and its relatives know where their store of containers is.

use std::path::{Path, PathBuf};

use serde::Deserialize;

/// Whose store a configuration is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// That of those whose configuration it is.
    Own,
    /// That of users who aren't root, in the machine's configuration.
    Others,
}

#[derive(Deserialize)]
struct Written {
    storage: Option<Storage>,
}

#[derive(Deserialize)]
struct Storage {
    graphroot: Option<String>,
    rootless_storage_path: Option<String>,
    #[serde(default)]
    options: Options,
}

#[derive(Deserialize, Default)]
struct Options {
    #[serde(default)]
    additionalimagestores: Vec<String>,
}

/// Returns where the store is, when the configuration says so by an absolute path; `$HOME` and `$UID` in it are replaced.
pub fn graph_root(text: &str, users: Users, home: &Path, uid: u32) -> Option<PathBuf> {
    let Storage { graphroot, rootless_storage_path, .. } = toml::from_str::<Written>(text).ok()?.storage?;
    let path = match users {
        Users::Own => graphroot,
        Users::Others => rootless_storage_path,
    };
    let path = path.filter(|path| !path.is_empty())?;
    let path = path.replace("$HOME", home.to_str()?).replace("$UID", &uid.to_string());
    path.starts_with('/').then(|| path.into())
}

/// Returns the stores that others fill and this one reads besides its own (`additionalimagestores`): those with an absolute path, in their
/// order.
pub fn additional_stores(text: &str) -> Vec<PathBuf> {
    let storage = toml::from_str::<Written>(text).ok().and_then(|written| written.storage);
    let stores = storage.map(|storage| storage.options.additionalimagestores).unwrap_or_default();
    stores.into_iter().filter(|path| path.starts_with('/')).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_which_stores_there_are_besides() {
        let text = "[storage]\ngraphroot = \"/srv/c\"\n[storage.options]\nadditionalimagestores = [ \"/usr/lib/c\", \"b\", \"\", \"/a\" ]\n";
        assert_eq!(additional_stores(text), [Path::new("/usr/lib/c"), Path::new("/a")]);
        let none = "[storage.options]\nadditionalimagestores = [\n]\n[storage.options.overlay]\nmountopt = \"nodev\"\n";
        for nothing in ["", "[storage]\n", none, "no TOML"] {
            assert!(additional_stores(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn reads_what_podman_reads() {
        let text = "[storage]\ndriver = \"overlay\"\ngraphroot = \"/srv/containers\"\nrunroot = \"/run/c\"\n\
            rootless_storage_path = \"$HOME/c/$UID\"\n[storage.options.overlay]\nmountopt = \"nodev\"\n";
        let root = |text: &str, users| graph_root(text, users, Path::new("/home/me"), 1000);
        assert_eq!(root(text, Users::Own), Some("/srv/containers".into()));
        assert_eq!(root(text, Users::Others), Some("/home/me/c/1000".into()));
        for nothing in
            ["", "[storage]\n", "[storage]\ngraphroot = \"\"\n", "[storage]\ngraphroot = \"a\"\n", "no TOML"]
        {
            assert_eq!(root(nothing, Users::Own), None, "{nothing}");
        }
    }
}
