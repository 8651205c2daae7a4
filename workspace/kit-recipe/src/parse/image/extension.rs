//! `[extension]`.

use super::super::Faults;
use super::super::check;
use super::super::section::Section;
use super::super::value::{Items, Value};
use crate::image::{Extension, Scope};
use crate::problem::Fault;
use crate::{Name, Spanned};

const SCOPES: [(&str, Scope); 3] =
    [("system", Scope::System), ("initrd", Scope::Initrd), ("portable", Scope::Portable)];
/// The `id` of an extension for all systems.
const ANY: &str = "_any";

/// Notes what a recipe has that no extension can have.
pub(super) fn contradictions(root: &Section<'_>, faults: &mut Faults<'_>) {
    for (key, why) in [
        ("kernel", "an extension has no kernel of its own"),
        ("init", "an extension starts nothing; its packages stand in its own section"),
        ("onboot", "an extension has no containers"),
        ("service", "an extension has no containers"),
        ("onshutdown", "an extension has no containers"),
        ("defaults", "an extension has no containers"),
        ("volume", "an extension has no containers"),
    ] {
        root.contradiction(key, "extension", why, faults);
    }
}

/// Reads the section, and the packages that are laid into the extension.
pub(super) fn extension(
    mut section: Section<'_>,
    faults: &mut Faults<'_>,
) -> (Option<Spanned<Extension>>, Vec<Spanned<Name>>) {
    let span = section.span.clone();
    let packages = section.value("packages").and_then(|value| check::names(&value, faults));
    let id = section.required("id", "id = \"_any\"").and_then(|value| word(&value, faults));
    let version_id = section.value("version-id");
    let level = section.value("level");
    if id.as_deref() == Some(ANY) {
        for value in [&version_id, &level].into_iter().flatten() {
            let why = "nothing is compared where `id` is `_any`";
            faults.add(value.key_span.clone(), section.invalid_key(value, why));
        }
    }
    let version_id = version_id.and_then(|value| word(&value, faults));
    let level = level.and_then(|value| word(&value, faults));
    let scope = section.value("scope").and_then(|value| {
        let scope = value.list(Items::Some, faults, |item, faults| {
            let scope = item.word(&SCOPES, faults)?;
            Some(item.spanned(scope))
        })?;
        check::no_item_twice(value.key, &scope, |scope| scope.word().to_owned(), faults);
        Some(scope.into_iter().map(|scope| scope.value).collect())
    });
    section.finish(faults);
    let extension = id.map(|id| Extension { id, version_id, level, scope: scope.unwrap_or_default() });
    (extension.map(|extension| Spanned::new(extension, span)), packages.unwrap_or_default())
}

/// Reads a word as os-release(5) has them.
fn word(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<String> {
    let text = value.text(faults)?;
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    if text.bytes().all(is_plain) {
        return Some(text.to_owned());
    }
    let why = "has other characters than `a-z 0-9 . _ -` in it";
    value.fault(Fault::malformed(value.key, text, why, "it as the system's `os-release` has it"), faults)
}
