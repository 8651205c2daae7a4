//! What there is to say about new pins of files.

use kit_build::lock::upstream::News;
use kit_build::upstream::Contents;
use kit_recipe::lockfile::FilePin;

use crate::units::count;

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
