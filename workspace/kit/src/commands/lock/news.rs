//! What there is to say about new pins of files.

use kit_build::lock::upstream::News;
use kit_build::upstream::Contents;

use crate::units::count;

/// Puts it into words: a line, and lines below it.
pub(super) fn words(news: &News) -> String {
    match news {
        News::Unproven { package, source, pin } => format!(
            "warning: nothing vouches for {} of package {package}: it is pinned as it came\n  \
             once you trust it, add to `[sources.{source}]`: sha256 = \"{}\"\n",
            pin.name, pin.sha256
        ),
        News::Changed { package, source, before, after, contents } => {
            let file = if before == after { after.clone() } else { format!("{after} (was {before})") };
            let what = match contents {
                Contents::Same => {
                    ": only its compression changed, the unpacked files are the same".to_owned()
                }
                Contents::Files { count: files, named } => {
                    let files = count(*files, "file");
                    format!(": {files} changed\n  {}", named.join("\n  "))
                }
                Contents::Other => ": files in it changed".to_owned(),
                Contents::Unknown | Contents::Unreadable { .. } => String::new(),
            };
            format!("package {package}, source {source}: {file} is another file now{what}\n")
        }
    }
}
