//! The containers of an image: `/containers/<class>/NNN-name/` with `config.json` and `rootfs/` in each.

use std::fmt;

use crate::config::{self, Config};
use crate::error::Failure;
use crate::files;

/// When containers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// One after the other, before everything else.
    Onboot,
    /// All together, as long as the machine runs.
    Services,
    /// One after the other, before the machine ends.
    Onshutdown,
}

impl Class {
    /// The folder's name.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Onboot => "onboot",
            Self::Services => "services",
            Self::Onshutdown => "onshutdown",
        }
    }

    /// What one of them is called in messages.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Onboot => "onboot container",
            Self::Services => "service",
            Self::Onshutdown => "onshutdown container",
        }
    }
}

/// One container's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    /// Its name: letters, digits, `.`, `_` and `-`.
    pub(crate) name: String,
    /// When it runs.
    pub(crate) class: Class,
    /// Absolute path of the folder.
    pub(crate) path: String,
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.class.noun(), self.name)
    }
}

impl Bundle {
    /// Reads its configuration.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        let path = format!("{}/runtime.json", self.path);
        let text = if files::is_other(&path) { files::read_text(&path)? } else { "{}".to_owned() };
        let service = config::service::parse(&text).map_err(|reason| Failure::new("use", path, reason))?;
        let path = format!("{}/config.json", self.path);
        config::parse(&files::read_text(&path)?, service).map_err(|reason| Failure::new("use", path, reason))
    }
}

/// The containers of a class in their order, which is the byte order of their folders' names.
pub(crate) fn list(class: Class) -> Result<Vec<Bundle>, Failure> {
    let folder = format!("/containers/{}", class.folder());
    arrange(class, &folder, &files::list(&folder)?)
}

fn arrange(class: Class, folder: &str, entries: &[String]) -> Result<Vec<Bundle>, Failure> {
    let mut bundles: Vec<Bundle> = Vec::new();
    for entry in entries {
        let path = format!("{folder}/{entry}");
        let name = entry.split_once('-').filter(|(number, _)| is_number(number)).map(|(_, name)| name);
        let Some(name) = name.filter(|name| is_name(name)) else {
            return Err(Failure::new("use", path, "its name is not of the form NNN-name"));
        };
        if bundles.iter().any(|bundle| bundle.name == name) {
            return Err(Failure::new("use", path, format!("another container is named {name}")));
        }
        bundles.push(Bundle { name: name.to_owned(), class, path });
    }
    Ok(bundles)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text can name a container. `kit-init` cannot: its lines on the console are ours.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(plain)
        && text != "kit-init"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(entries: &[&str]) -> Result<Vec<String>, String> {
        let entries: Vec<String> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        arrange(Class::Services, "/c", &entries)
            .map(|bundles| bundles.into_iter().map(|bundle| bundle.name).collect())
            .map_err(|failure| failure.to_string())
    }

    #[test]
    fn takes_the_name_after_the_number() {
        assert_eq!(
            names(&["000-web", "001-my-db", "1000-x.y_z"]),
            Ok(vec!["web".into(), "my-db".into(), "x.y_z".into()])
        );
        assert_eq!(names(&[]), Ok(vec![]));
    }

    #[test]
    fn refuses_folders_of_another_form() {
        for entry in
            ["web", "-web", "a-web", "000", "000-", "000-a b", "000-\u{e9}", "000-..", "000-kit-init"]
        {
            let message = format!("cannot use /c/{entry}: its name is not of the form NNN-name");
            assert_eq!(names(&[entry]), Err(message));
        }
        let twice = names(&["000-web", "001-web"]);
        assert_eq!(twice, Err("cannot use /c/001-web: another container is named web".into()));
    }
}
