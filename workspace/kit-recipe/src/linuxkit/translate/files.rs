//! Files, directories and symbolic links of the root.

#![expect(clippy::ref_option, reason = "a field of the schema is one type, wherever it goes")]

use std::collections::BTreeMap;

use super::Translator;
use crate::linuxkit::decode::Field;
use crate::linuxkit::given::{Given, Source};
use crate::linuxkit::note::Fate;
use crate::linuxkit::system::{Content, File, Id, System};
use crate::linuxkit::toml::{Section, Toml, block};

/// Where name servers are written at boot.
const RESOLV: &str = "/etc/resolv.conf";

impl Translator<'_> {
    /// Writes files in their order; of two at one path the last one counts, as in LinuxKit.
    pub(super) fn files(
        &mut self,
        system: &System,
        given: &Given,
        metadata: &dyn Fn(&str) -> String,
    ) -> Vec<Section> {
        let last: BTreeMap<&str, usize> =
            system.files.iter().enumerate().map(|(place, file)| (file.path.value.as_str(), place)).collect();
        let mut sections = Vec::new();
        let has_containers = system.entries().next().is_some();
        if has_containers && !last.contains_key(RESOLV) {
            let mut section = Section::new("[[symlink]]");
            section.put("path", &Toml::text(RESOLV), Vec::new());
            section.put("target", &Toml::text("/run/resolvconf/resolv.conf"), Vec::new());
            sections.push(section);
        }
        for (place, file) in system.files.iter().enumerate() {
            if last[file.path.value.as_str()] != place {
                let text = format!("`{}` is written again below: the last one counts", file.path.value);
                self.note(&file.span, Fate::Dropped, text);
                continue;
            }
            sections.extend(self.file(file, given, metadata));
        }
        sections
    }

    fn file(&mut self, file: &File, given: &Given, metadata: &dyn Fn(&str) -> String) -> Option<Section> {
        let (title, default) = match &file.content {
            Content::Directory => ("[[directory]]", 0o700),
            Content::Symlink(_) => ("[[symlink]]", 0),
            Content::Text(_) | Content::Source(_) | Content::Metadata(_) => ("[[file]]", 0o600),
        };
        let mut section = Section::new(title);
        section.comments_above(self.comments_at(&file.span));
        section.put("path", &Toml::text(&file.path), Vec::new());
        match &file.content {
            Content::Directory => {}
            Content::Symlink(target) => {
                let comments = self.comments_in(&target.span);
                section.put("target", &Toml::text(target), comments);
                self.of_links(file);
            }
            Content::Text(text) => {
                let comments = self.comments_in(&text.span);
                section.put("contents", &block(text), comments);
            }
            Content::Source(source) => {
                let comments = self.comments_in(&source.span);
                match given.sources.get(&source.value) {
                    Some(Source::Project(path)) => section.put("source", &Toml::text(path), comments),
                    Some(Source::Text(text)) => {
                        section.put("contents", &block(text), comments);
                        let text = format!(
                            "`{}` is outside of the project, so what is in it now stands in the recipe",
                            source.value
                        );
                        self.note(&source.span, Fate::Changed, text);
                    }
                    Some(Source::Missing(_) | Source::Refused(_)) | None => {
                        let text = format!(
                            "`{}` is left out: it is optional, and `{}` isn't there",
                            file.path.value, source.value
                        );
                        self.note(&source.span, Fate::Dropped, text);
                        return None;
                    }
                }
            }
            Content::Metadata(kind) => {
                let comments = self.comments_in(&kind.span);
                section.put("contents", &block(&metadata(kind.value)), comments);
                let text = "`metadata` is the configuration at the time of the import; the image's own lockfile and `kit show` tell what is in it";
                self.note(&kind.span, Fate::Changed, text);
            }
        }
        if title != "[[symlink]]" {
            let mode = file.mode.as_ref().map_or(default, |mode| mode.value);
            let kits = if title == "[[file]]" { 0o644 } else { 0o755 };
            if mode != kits {
                section.put("mode", &Toml::text(&format!("{mode:04o}")), Vec::new());
            }
            self.owner(&mut section, "uid", &file.uid);
            self.owner(&mut section, "gid", &file.gid);
        }
        for one in self.comments_in(&file.span) {
            section.remark(&one.text);
        }
        Some(section)
    }

    /// A link has neither mode nor owner of its own.
    fn of_links(&mut self, file: &File) {
        for (key, at) in [
            ("uid", file.uid.as_ref().filter(|id| id.value != Id::Number(0)).map(|id| id.span.clone())),
            ("gid", file.gid.as_ref().filter(|id| id.value != Id::Number(0)).map(|id| id.span.clone())),
            ("mode", file.mode.as_ref().map(|mode| mode.span.clone())),
        ] {
            if let Some(at) = at {
                self.note(
                    &at,
                    Fate::Dropped,
                    format!("`{key}` of a symbolic link counts for nothing: root has it"),
                );
            }
        }
    }

    fn owner(&mut self, section: &mut Section, key: &str, id: &Field<Id>) {
        let Some(id) = id else { return };
        let comments = self.comments_in(&id.span);
        match &id.value {
            Id::Number(0) => {}
            Id::Number(number) => section.put(key, &Toml::number(*number), comments),
            Id::Name(name) => {
                let number = self.numbers.get(name).copied().expect("because names were checked");
                section.remark(&format!("That of container {}.", self.containers[name]));
                section.put(key, &Toml::number(number), comments);
                let text = format!(
                    "`{key}: {name}` is {number}, the number that the container has now: files have numbers"
                );
                self.note(&id.span, Fate::Changed, text);
            }
        }
    }
}
