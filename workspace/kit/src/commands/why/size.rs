//! What the bytes of an image are for.

use std::cmp::Reverse;

use kit_audit::Inventory;
use kit_audit::inventory::{Component, ComponentId};
use serde_json::{Value, json};

use crate::text::Text;
use crate::units::{Bytes, count};

/// Lists the components of an image by the bytes that their files have.
pub(super) fn explain(inventory: &Inventory) -> (Text, Value) {
    let mut components: Vec<_> =
        inventory.components.iter().filter(|(_, component)| component.files > 0).collect();
    components.sort_by_key(|(id, component)| (Reverse(component.bytes), *id));
    let all = inventory.bytes();
    let mut text = Text::default();
    let files = count(inventory.files.len(), "path");
    text.line(format_args!("{}  {} in {files}, before compression", inventory.image, Bytes(all)));
    for (id, component) in &components {
        let share = share(component.bytes, all);
        let paths = count(usize::try_from(component.files).unwrap_or(usize::MAX), "path");
        text.line(format_args!("{:>10} {share:>5}  {id}  ({paths})", Bytes(component.bytes)));
    }
    let object = |(id, component): &(&ComponentId, &Component)| {
        json!({
            "component": id.to_string(),
            "name": component.name,
            "version": component.version,
            "bytes": component.bytes,
            "files": component.files,
        })
    };
    let components: Vec<_> = components.iter().map(object).collect();
    let result = json!({ "image": inventory.image, "bytes": all, "components": components });
    (text, result)
}

/// Returns such as `12.3%`.
fn share(part: u64, all: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(all.max(1));
    format!("{}.{}%", tenths / 10, tenths % 10)
}
