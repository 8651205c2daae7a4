//! Checks of strings that mean something: names, paths, globs, modes, packages.

use kit_tree::path::PathError;
use kit_tree::{Globs, Mode, TreePath};
use toml::de::DeValue;

use super::Faults;
use super::section::Section;
use super::value::{Items, Value};
use crate::image_reference::ImageReferenceError;
use crate::problem::{Fault, Shape};
use crate::{Architecture, ImageReference, ModuleName, Name, Spanned};

/// Whether a path may be the root itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    Allowed,
    Refused,
}

/// Reads a name.
pub(crate) fn name(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<Name>> {
    let text = value.any_text(faults)?;
    if let Ok(name) = text.parse() {
        return Some(value.spanned(name));
    }
    let suggestion = Some(text.trim().to_ascii_lowercase().replace([' ', '/'], "-"));
    let suggestion = suggestion.filter(|better| better.parse::<Name>().is_ok());
    value.fault(Fault::InvalidName { name: text.to_owned(), suggestion }, faults)
}

/// Reads a reference to an image.
pub(crate) fn reference(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<ImageReference>> {
    let text = value.line(faults)?;
    let reference = text.to_owned();
    match text.parse() {
        Ok(reference) => Some(value.spanned(reference)),
        Err(ImageReferenceError::Registry(why)) => {
            value.fault(Fault::InvalidReference { reference, why }, faults)
        }
        Err(ImageReferenceError::Local(why)) => value.fault(Fault::LocalImage { reference, why }, faults),
    }
}

/// Reads a list of names, none twice.
pub(crate) fn names(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<Name>>> {
    let names = value.list(Items::Some, faults, name)?;
    no_item_twice(value.key, &names, ToString::to_string, faults);
    Some(names)
}

/// Reads a list of names of kernel modules, none twice.
pub(crate) fn module_names(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<ModuleName>>> {
    let names = value.list(Items::Some, faults, |item, faults| {
        let text = item.any_text(faults)?;
        if let Ok(name) = text.parse() {
            return Some(item.spanned(name));
        }
        // A file, perhaps a compressed one, is called like its module.
        let file = text.trim().rsplit('/').next().unwrap_or_default();
        let suggestion = file.split(".ko").next().filter(|name| name.parse::<ModuleName>().is_ok());
        item.fault(
            Fault::InvalidModule { name: text.to_owned(), suggestion: suggestion.map(str::to_owned) },
            faults,
        )
    })?;
    no_item_twice(value.key, &names, ToString::to_string, faults);
    Some(names)
}

/// Notes each item that stands in its list before.
pub(crate) fn no_item_twice<T>(
    key: &str,
    items: &[Spanned<T>],
    show: impl Fn(&T) -> String,
    faults: &mut Faults<'_>,
) {
    twice(items, &show, |item, first| {
        let fault = Fault::DuplicateItem { key: key.to_owned(), item: show(&item.value) };
        faults.add_both(item.span.clone(), first.span.clone(), fault);
    });
}

/// Calls `found` for each item whose name one before has, and the first of that name.
pub(crate) fn twice<T>(
    items: &[Spanned<T>],
    name: impl Fn(&T) -> String,
    mut found: impl FnMut(&Spanned<T>, &Spanned<T>),
) {
    let mut seen = std::collections::BTreeMap::new();
    for item in items {
        let first = *seen.entry(name(&item.value)).or_insert(item);
        if first.span != item.span {
            found(item, first);
        }
    }
}

/// Reads a path inside an image.
pub(crate) fn tree_path(value: &Value<'_>, root: Root, faults: &mut Faults<'_>) -> Option<TreePath> {
    let text = value.text(faults)?;
    match check_tree_path(text, root) {
        Ok(path) => Some(path),
        Err(why) => value.fault(invalid_path(text, why), faults),
    }
}

/// The fault of a path inside an image.
pub(crate) fn invalid_path(text: &str, why: &'static str) -> Fault {
    let suggestion = tidy(text).map(|tidy| format!("/{tidy}")).filter(|better| better != text);
    Fault::InvalidPath { path: text.to_owned(), why, suggestion }
}

/// Reads a path inside an image that is kept as text.
pub(crate) fn absolute(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.line(faults)?;
    tree_path(value, Root::Allowed, faults)?;
    Some(text.to_owned())
}

/// Checks a path inside an image, or says what stands there.
pub(crate) fn check_tree_path(text: &str, root: Root) -> Result<TreePath, &'static str> {
    if text.len() > 1 && text.ends_with('/') {
        return Err("has a slash at its end");
    }
    match text.parse::<TreePath>() {
        Ok(path) if path.is_root() && root == Root::Refused => Err("is the root itself"),
        Ok(path) => Ok(path),
        Err(error) => Err(path_fault(&error)),
    }
}

fn path_fault(error: &PathError) -> &'static str {
    match error {
        PathError::Empty => "has two slashes in a row",
        PathError::Dots => "has `.` or `..` in it",
        PathError::Byte => "has a NUL character in it",
        PathError::NameTooLong(_) => "has a name of more than 255 bytes",
        PathError::PathTooLong(_) => "has more than 4095 bytes",
        PathError::Relative => "doesn't start with `/`",
    }
}

/// Joins the names of a path by single slashes; nothing where `..` leaves open what was meant.
fn tidy(text: &str) -> Option<String> {
    let names: Vec<_> = text.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    (!names.is_empty() && !names.contains(&"..")).then(|| names.join("/"))
}

/// Reads a path of the project: relative, without `.` and `..`, or `.` alone.
pub(crate) fn project_path(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<String>> {
    let text = value.text(faults)?;
    if let Err(why) = check_project_path(text) {
        let suggestion = tidy(text).filter(|better| better != text && !text.starts_with('/'));
        return value.fault(Fault::ProjectPath { path: text.to_owned(), why, suggestion }, faults);
    }
    Some(value.spanned(text.to_owned()))
}

/// Checks a path of the project, or says what stands there.
pub(crate) fn check_project_path(text: &str) -> Result<(), &'static str> {
    match check_tree_path(&format!("/{text}"), Root::Refused) {
        _ if text == "." => Ok(()),
        _ if text.starts_with('/') => Err("is absolute"),
        _ if text.split('/').any(|name| name == "..") => Err("leads out of the project"),
        Ok(_) => Ok(()),
        Err(why) => Err(why),
    }
}

/// Reads a list of globs.
pub(crate) fn globs(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Vec<Spanned<String>>> {
    let globs = value.list(Items::Some, faults, |item, faults| {
        let text = item.text(faults)?;
        if let Err(error) = Globs::new(&[text.to_owned()], &[]) {
            let why = if text.starts_with('/') { error.reason } else { "doesn't start with `/`".to_owned() };
            return item.fault(Fault::InvalidGlob { glob: text.to_owned(), why }, faults);
        }
        Some(item.spanned(text.to_owned()))
    })?;
    no_item_twice(value.key, &globs, Clone::clone, faults);
    Some(globs)
}

/// Reads a file mode: `"0644"`, or an octal integer.
pub(crate) fn mode(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Mode> {
    let (digits, read) = match value.node {
        DeValue::String(text) => (text.as_ref(), text.len() == 4),
        DeValue::Integer(integer) => (integer.as_str(), integer.radix() == 8),
        _ => return value.wrong_type(Shape::String, faults),
    };
    let octal = !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| matches!(b, b'0'..=b'7'));
    let mode = u32::from_str_radix(digits, 8).ok().filter(|_| octal).and_then(Mode::new);
    if read && mode.is_some() {
        return mode;
    }
    let suggestion = mode.map(|mode| format!("\"{mode}\""));
    let mode = faults.written(&value.span).trim_matches('"').to_owned();
    value.fault(Fault::InvalidMode { mode, suggestion }, faults)
}

/// Reads the code name of a Debian suite.
pub(crate) fn suite(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<String>> {
    let text = value.text(faults)?;
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let good = text.bytes().all(|b| plain(b) || matches!(b, b'-' | b'.'));
    if !good || !text.bytes().next().is_some_and(plain) || text.len() > 64 {
        return value.fault(Fault::InvalidSuite { suite: text.to_owned() }, faults);
    }
    Some(value.spanned(text.to_owned()))
}

/// Reads the architecture that a section names, if any.
pub(crate) fn architecture(
    section: &mut Section<'_>,
    faults: &mut Faults<'_>,
) -> Option<Spanned<Architecture>> {
    let value = section.value("architecture")?;
    value.word(&Architecture::WORDS, faults).map(|architecture| value.spanned(architecture))
}

/// Reads a Debian package, `name` or `name=version`.
pub(crate) fn debian_package(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<Spanned<String>> {
    let text = value.text(faults)?;
    let (name, version) = match text.split_once('=') {
        Some((name, version)) => (name, Some(version)),
        None => (text, None),
    };
    let why = debian_name_fault(name).or_else(|| version.and_then(debian_version_fault));
    let Some(why) = why else { return Some(value.spanned(text.to_owned())) };
    let suggestion = plain_debian_package(text).filter(|better| better != text);
    value.fault(Fault::InvalidPackage { package: text.to_owned(), why, suggestion }, faults)
}

/// Turns `name:amd64` and `Name (= 1.0)` into what is meant.
fn plain_debian_package(text: &str) -> Option<String> {
    let squeezed: String = text.chars().filter(|c| !" ()".contains(*c)).collect();
    let (name, version) = squeezed.split_once('=').map_or((squeezed.as_str(), None), |(n, v)| (n, Some(v)));
    let name = name.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let good = debian_name_fault(&name).is_none() && version.and_then(debian_version_fault).is_none();
    good.then(|| version.map_or_else(|| name.clone(), |version| format!("{name}={version}")))
}

fn debian_name_fault(name: &str) -> Option<&'static str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    if name.contains(':') {
        Some("has an architecture in it; the image decides that")
    } else if name.contains([' ', '(', '<', '>']) {
        Some("has a space or a relation in it")
    } else if !name.bytes().all(|b| plain(b) || b"+-.".contains(&b)) {
        Some("has other characters than `a-z 0-9 + - .` in it")
    } else if name.len() < 2 || !name.bytes().next().is_some_and(plain) {
        Some("is too short, or starts with neither a letter nor a digit")
    } else {
        None
    }
}

fn debian_version_fault(version: &str) -> Option<&'static str> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".+-~:".contains(&b);
    if version.bytes().next().is_some_and(|b| b.is_ascii_digit()) && version.bytes().all(good) {
        None
    } else {
        Some(
            "has a version that doesn't start with a digit, or other characters than `A-Z a-z 0-9 . + - ~ :`",
        )
    }
}
