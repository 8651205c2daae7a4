//! Paths as people write them, made plain.

use super::decode::{Faults, Value};
use super::fault::Fault;

/// Returns an absolute path without doubled slashes, `.` and a slash at the end; none where it has `..` or a NUL.
pub(super) fn plain(text: &str) -> Result<String, &'static str> {
    let mut path = String::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." => return Err("has `..` in it"),
            _ if name.chars().any(char::is_control) => return Err("has a control character in it"),
            name => {
                path.push('/');
                path.push_str(name);
            }
        }
    }
    if path.is_empty() { Ok("/".to_owned()) } else { Ok(path) }
}

/// Takes a path of an image, which LinuxKit lets begin without a slash.
pub(super) fn in_image(text: &str, value: &Value<'_>, faults: &mut Faults) -> Option<String> {
    let why = match plain(text) {
        Ok(path) if path != "/" => return Some(path),
        Ok(_) => "is the root itself",
        Err(why) => why,
    };
    faults.push((value.place(), Fault::InvalidPath { path: text.to_owned(), why }));
    None
}

/// Takes an absolute path.
pub(super) fn absolute(text: &str, value: &Value<'_>, faults: &mut Faults) -> Option<String> {
    let why = match plain(text) {
        Ok(path) if text.starts_with('/') => return Some(path),
        Ok(_) => "doesn't begin with `/`",
        Err(why) => why,
    };
    faults.push((value.place(), Fault::InvalidPath { path: text.to_owned(), why }));
    None
}
