//! What holds a byte of a file that kit made: the part of the format, the file of the image, its component, the line of a recipe.

mod deep;
mod output;
mod owner;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kit_format::cpio::plain_length;
use kit_format::locate::{Extent, Located, locate, locate_unpacked};
use kit_store::Store;
use kit_tree::Blobs as _;
use serde_json::{Value, json};

use self::output::Output;
use self::owner::{Owner, Owners};
use super::Args;
use crate::Failure;
use crate::commands::convert::DiskFile;
use crate::context::Context;
use crate::escape;
use crate::project::open_file;
use crate::text::Text;

/// What is looked into.
struct File {
    /// As people see it.
    shown: String,
    length: u64,
    /// The file, where it is none of the store.
    path: Option<PathBuf>,
    /// The output of an image that it is.
    output: Option<Output>,
}

impl File {
    fn open<'a>(&'a self, store: Option<&'a Store>) -> io::Result<Box<dyn Read + 'a>> {
        match (&self.output, store, &self.path) {
            (Some(output), Some(store), _) => store.open(&output.blob),
            (_, _, Some(path)) => {
                Ok(Box::new(open_file(path).map_err(|failure| io::Error::other(failure.to_string()))?))
            }
            (_, _, None) => Ok(Box::new(io::empty())),
        }
    }
}

/// Explains the byte at an offset of an output of an image, or of a file.
pub(super) fn explain(args: &Args, context: &Context, offset: u64) -> Result<(Text, Value), Failure> {
    let is_image = output::is_image(args, context);
    let store = match context.store() {
        // A file can be looked into anywhere.
        Err(Failure::NoProject { .. }) if !is_image => None,
        store => Some(store?),
    };
    let file = match &store {
        Some(store) if is_image => output::of_image(args, context, store)?,
        store => output::of_file(args, context, store.as_ref())?,
    };
    let broken = |source| Failure::UnreadableArtifact { path: Path::new(&file.shown).to_owned(), source };
    let open = || file.open(store.as_ref());
    let found = match (&file.output, &store, &file.path) {
        _ if args.unpacked => locate_unpacked(&open, offset),
        (Some(output), Some(store), _) => {
            output.laid_out(context, store)?;
            deep::locate(store, &output.blob, offset)
        }
        (_, _, Some(path)) => match deep::of_stranger(&DiskFile::new(open_file(path)?, path)?, offset) {
            Some(found) => Ok(Some(found)),
            None => locate(&open, offset),
        },
        _ => locate(&open, offset),
    };
    let found = found.map_err(|error| broken(error.into()))?;
    let Some(found) = found else {
        let (file, length) = (file.shown.clone(), (!args.unpacked).then_some(file.length));
        return Err(Failure::NoSuchByte { file, offset, length });
    };
    let plain = plain_length(&mut *open().map_err(|error| broken(error.into()))?);
    let is_first = plain.map_err(|error| broken(error.into()))?.is_some_and(|plain| offset < plain);
    let owners = file.output.as_ref().zip(store.as_ref());
    let owners = owners.map(|(output, store)| Owners::new(context, store, output, is_first));
    let owners = owners.transpose()?;
    let mut text = Text::default();
    let unpacked = if args.unpacked { ", unpacked" } else { "" };
    text.line(format_args!("{}: {}{unpacked}", file.shown, count_bytes(file.length)));
    let mut told = told(&found, offset, &mut text, "  ");
    if let Some(owners) = &owners {
        let owner = owners.of(&found)?;
        owner.show(&mut text);
        told["owner"] = owner.object();
        told["members"] = members(owners, &found, &mut text)?;
    } else {
        text.line("  no lockfile of the project has this file among its outputs, so whose it is isn't known");
    }
    told["file"] = json!(file.shown);
    told["length"] = json!(file.length);
    told["output"] = json!(file.output.as_ref().map(|output| &output.path));
    told["image"] = json!(file.output.as_ref().map(Output::image));
    told["unpacked"] = json!(args.unpacked);
    Ok((text, told))
}

fn count_bytes(number: u64) -> String {
    if number == 1 { "1 byte".to_owned() } else { format!("{number} bytes") }
}

/// Tells what a byte is, in lines and as an object.
fn told(found: &Located, offset: u64, text: &mut Text, indent: &str) -> Value {
    let Extent { what, range, member, value, is_content, .. } = &found.extent;
    let of = member.as_ref().map(|member| format!(" of {member}")).unwrap_or_default();
    let says = value
        .as_ref()
        .filter(|value| !value.is_empty())
        .map(|value| format!(": `{}`", escape::line(value)))
        .unwrap_or_default();
    let within = if *is_content { format!(", byte {} of it", offset - range.start) } else { String::new() };
    let article = if found.format.starts_with(['E', 'I', 'a', 'e', 'i', 'o']) { "an" } else { "a" };
    text.line(format_args!("{indent}byte {offset} ({offset:#x}) is in {article} {}:", found.format));
    let last = range.end.saturating_sub(1);
    let shown = escape::line(what);
    text.line(format_args!("{indent}{shown}{of}{says} (bytes {} to {last}{within})", range.start));
    let unpacked = found.unpacked.as_ref().map(|unpacked| {
        let (start, end) = (unpacked.range.start, unpacked.range.end);
        if start < end {
            // Deflate knows no blocks of bytes: it is the byte alone that is told of.
            let what = if found.format == "gzip stream" { "this byte completes" } else { "it unpacks to" };
            text.line(format_args!("{indent}{what} bytes {start} to {} of a {}", end - 1, unpacked.format));
        } else {
            text.line(format_args!("{indent}what stands before it unpacks to {}", count_bytes(start)));
        }
        for piece in &unpacked.pieces {
            text.line(format_args!("{indent}  holds {}", escape::line(piece)));
        }
        if unpacked.more > 0 && !unpacked.pieces.is_empty() {
            text.line(format_args!("{indent}  and {} more pieces", unpacked.more));
        }
        json!({ "start": start, "end": end, "format": unpacked.format, "pieces": unpacked.pieces })
    });
    let inner =
        found.inner.as_ref().map(|inner| told(&inner.located, inner.offset, text, &format!("{indent}  ")));
    json!({
        "offset": offset,
        "format": found.format,
        "what": what,
        "member": member.as_ref().map(ToString::to_string),
        "start": range.start,
        "end": range.end,
        "value": value,
        "unpacks_to": unpacked,
        "inner": inner,
    })
}

/// Lists the files that a piece of a compressed stream holds something of, each with its component.
fn members(owners: &Owners<'_>, found: &Located, text: &mut Text) -> Result<Value, Failure> {
    let innermost = found.innermost();
    let Some(unpacked) = &innermost.unpacked else { return Ok(json!([])) };
    let mut objects = Vec::new();
    for member in &unpacked.members {
        let owner: Option<Owner> = owners.of_member(found, member)?;
        let component = owner.as_ref().and_then(|owner| owner.component.clone());
        let of = component.as_ref().map(|component| format!("  of {component}")).unwrap_or_default();
        text.line(format_args!("  holds {member}{of}"));
        objects.push(json!({ "path": member.to_string(), "component": component }));
    }
    if unpacked.more > 0 && !unpacked.members.is_empty() {
        text.line(format_args!("  and {} more paths", unpacked.more));
    }
    Ok(Value::Array(objects))
}
