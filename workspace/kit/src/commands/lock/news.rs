//! What there is to say about new pins of files.

use std::fmt::Write as _;

use kit_build::lock::images::MovedImage;
use kit_build::lock::upstream::News;
use kit_build::upstream::Contents;
use kit_recipe::lockfile::FilePin;
use kit_recipe::lockfile::image::{ImagePin, LayerPin};

use crate::units::{Bytes, count};

/// Puts it into words: a line, and lines below it.
pub(super) fn words(news: &News) -> String {
    match news {
        News::Unproven { package, source, pin: FilePin { commit: Some(commit), .. } } => format!(
            "warning: nothing vouches for commit {} of package {package}: it is what its repository says\n  \
             once you trust it, write in `[sources.{source}]`: commit = \"{commit}\"\n",
            commit.short()
        ),
        News::Unproven { package, source, pin } => format!(
            "warning: nothing vouches for {} of package {package}: it is pinned as it came\n  \
             once you trust it, add to `[sources.{source}]`: sha256 = \"{}\"\n",
            pin.name, pin.sha256
        ),
        News::Changed { package, source, before, after, contents } => {
            let file = if before == after { after.clone() } else { format!("{after} (was {before})") };
            let what = words_of(contents);
            format!("package {package}, source {source}: {file} is another file now{what}\n")
        }
        News::Moved { package, source, revision, before, after, contents } => {
            let (before, after, what) = (before.short(), after.short(), words_of(contents));
            format!("package {package}, source {source}: {revision} is {after} now (was {before}){what}\n")
        }
    }
}

fn words_of(contents: &Contents) -> String {
    match contents {
        Contents::Same => ": only its compression changed, the unpacked files are the same".to_owned(),
        Contents::Files { count: files, named } => {
            let files = count(*files, "file");
            format!(": {files} changed\n  {}", named.join("\n  "))
        }
        Contents::Other => ": files in it changed".to_owned(),
        Contents::Unknown | Contents::Unreadable { .. } => String::new(),
    }
}

/// Says that an image is another one, and how much of it stayed.
pub(super) fn moved_image(moved: &MovedImage) -> String {
    let MovedImage { reference, before, after } = moved;
    let digest = |pin: &ImagePin| pin.index.unwrap_or(pin.manifest.sha256).short();
    let is_new = |layer: &&LayerPin| before.layers.iter().all(|old| old.sha256 != layer.sha256);
    let new = after.layers.iter().filter(is_new);
    let (layers, bytes) = new.fold((0, 0), |(layers, bytes), layer| (layers + 1, bytes + layer.size));
    let mut text = format!(
        "image {reference} is {} now (was {}): {} of {} new, {}\n",
        digest(after),
        digest(before),
        layers,
        count(after.layers.len(), "layer"),
        Bytes(bytes)
    );
    let (old, new) = (&before.settings, &after.settings);
    for (what, changed) in [
        ("command", old.command != new.command),
        ("environment", old.env != new.env),
        ("working directory", old.cwd != new.cwd),
        ("user", old.user != new.user),
    ] {
        if changed {
            writeln!(text, "  its {what} changed").expect("because a string takes all");
        }
    }
    text
}
