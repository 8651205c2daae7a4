//! From a `build.yml` and its Dockerfile to the recipe of a package.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::Translator;
use super::script::{self, Script};
use crate::linuxkit::build::{Build, Depends};
use crate::linuxkit::comments::Comments;
use crate::linuxkit::decode::Field;
use crate::linuxkit::dockerfile::Variables;
use crate::linuxkit::entry::Config;
use crate::linuxkit::names::{Names, name_of};
use crate::linuxkit::note::{Fate, Note};
use crate::linuxkit::path;
use crate::linuxkit::texts::Texts;
use crate::linuxkit::toml::{Section, Toml, block, document};
use crate::linuxkit::{Surroundings, Written};
use crate::recipe::RecipeName;
use crate::{Name, Spanned};

/// Writes the recipe of a package. Of the texts, the first is that of the `build.yml` and the second, where there is one, that of the
/// Dockerfile.
pub(in crate::linuxkit) fn package(
    build: Build,
    name: &Name,
    around: &Surroundings,
    texts: &Texts<'_>,
    comments: Comments,
) -> (Written, Vec<Note>) {
    let mut translator = Translator::new(texts, comments, name);
    let text = translator.package(build, around);
    let mut notes = translator.notes;
    notes.sort();
    notes.dedup();
    (Written { recipe: RecipeName::Package(name.clone()), text }, notes)
}

/// Returns the name of the package that a `build.yml` becomes.
pub(in crate::linuxkit) fn name(image: &str) -> Name {
    name_of(image, "package")
}

impl Translator<'_> {
    fn package(&mut self, build: Build, around: &Surroundings) -> String {
        let about = self.comments.heads();
        let dockerfile = build.file().dockerfile;
        let mut names = Names::default();
        names.unique(script::MAIN, script::MAIN);
        let mut section = self.about(&build);
        self.of_the_build(&build);
        let mut outside = Vec::new();
        let (extra, mut sources) = self.extra_sources(&build, around, &mut names, &mut outside);
        sources.extend(self.depends(build.depends.as_ref(), &mut names));
        let variables = self.arguments(build.arguments.as_ref());
        let env: Vec<_> =
            variables.iter().map(|(name, value)| (name.clone(), Toml::text(value), Vec::new())).collect();
        let mut script = self.script(around, variables, &extra, names);
        // Without a script, what sources there are is what is in the package.
        if script.as_ref().is_some_and(Script::is_nothing) {
            sources.clear();
            outside.clear();
        }
        let needs_main =
            |script: &Script| script.uses_main || script.is_nothing() && script.images.is_empty();
        if script.as_ref().is_none_or(needs_main) {
            sources.splice(0..0, self.main(around, &dockerfile, &mut outside));
        }
        let images = script.iter().flat_map(|script| &script.images);
        sources.extend(images.map(|(name, image)| source(name, &[("image", Toml::text(image))])));
        if !outside.is_empty() {
            script.get_or_insert_default().leave_unfinished();
        }
        let mut sections = sources;
        if let Some(text) = script.as_ref().and_then(|script| script.text(self.image.as_str())) {
            let mut section = Section::new("[build]");
            for line in &outside {
                section.above(line);
            }
            section.put("tools", &Toml::texts(["shell-tools"]), Vec::new());
            section.put("run", &block(&text), Vec::new());
            if !env.is_empty() {
                section.put_table("env", env, Vec::new());
            }
            sections.push(section);
        }
        let span = build.config.as_ref().map(|config| config.span.clone());
        let container = self.container(build.config, span, script.as_ref());
        let mut head = self.head();
        if !about.is_empty() {
            head.push(String::new());
            head.extend(about.into_iter().map(|comment| comment.text));
        }
        for one in self.comments.rest() {
            section.remark(&one.text);
        }
        sections.insert(0, section);
        sections.extend(container);
        document(&head, &sections, &[])
    }

    /// Writes what the package is.
    fn about(&mut self, build: &Build) -> Section {
        let mut section = Section::new("[package]");
        let comments = self.comments_in(&build.image.span);
        section.put("name", &Toml::text(self.image.as_str()), comments);
        if self.image.as_str() != build.image.value {
            let text = format!(
                "the package is called `{}`: names have small letters, digits, `-`, `.`, `_`, `+`",
                self.image
            );
            self.note(&build.image.span, Fate::Changed, text);
        }
        if let Some(repository) = &build.repository {
            section.remark(&format!("Repository: {}", repository.value));
            self.note(&repository.span, Fate::Changed, "`gitrepo` is a comment: nothing asks for it");
        }
        section
    }

    /// Tells of what has no counterpart.
    fn of_the_build(&mut self, build: &Build) {
        for (at, key) in [(span(build.organisation.as_ref()), "org"), (span(build.tag.as_ref()), "tag")] {
            let text = format!(
                "`{key}` has no counterpart: a package is called by its name, and `kit push` is told where to"
            );
            self.note_at(at, Fate::Dropped, text);
        }
        let text = "`arches` has no counterpart: a lockfile is for one architecture";
        self.note_at(span(build.architectures.as_ref()), Fate::Dropped, text);
        let text = "`disable-cache` has no counterpart: what didn't change is never built again";
        self.note_at(span(build.disable_cache.as_ref()), Fate::Dropped, text);
        if let Some(network) = build.network.as_ref().filter(|network| network.value) {
            let text = "nothing is fetched while kit builds: name what comes from the network in `[sources.NAME]`, by `url`, `git` or `crates`";
            self.note(&network.span, Fate::ToDo, text);
        }
    }

    fn note_at(&mut self, at: Option<Range<usize>>, fate: Fate, text: impl Into<String>) {
        if let Some(at) = at {
            self.note(&at, fate, text);
        }
    }

    /// Writes the source that the directory itself is.
    fn main(
        &mut self,
        around: &Surroundings,
        dockerfile: &str,
        outside: &mut Vec<String>,
    ) -> Option<Section> {
        let name = self.texts.files[0].name.rsplit('/').next().unwrap_or_default();
        let dockerfile = around.dockerfile.is_some().then(|| path::plain(dockerfile).ok()).flatten();
        let plain = |path: &String| !path.contains(['*', '?', '[', ']', '{', '}', '\\']);
        let own: BTreeSet<_> = path::plain(name).ok().into_iter().chain(dockerfile).filter(plain).collect();
        let exclude = Toml::texts(own.iter().map(String::as_str));
        let place = format!("recipes/packages/{}", self.image);
        let what = ("the directory", &(0..0));
        self.local(script::MAIN, around.directory.as_deref(), &place, what, Some(exclude), outside)
    }

    /// Writes a source of the project. What isn't in the project is a comment, until it is.
    fn local(
        &mut self,
        name: &str,
        path: Option<&str>,
        otherwise: &str,
        (what, at): (&str, &Range<usize>),
        exclude: Option<Toml>,
        outside: &mut Vec<String>,
    ) -> Option<Section> {
        let is_there = path.is_some();
        let mut pairs = vec![("local", Toml::text(path.unwrap_or(otherwise)))];
        pairs.extend(exclude.map(|exclude| ("exclude", exclude)));
        let section = source(name, &pairs);
        if is_there {
            return Some(section);
        }
        let text = format!(
            "{what} is outside of the project: copy it to `{otherwise}`, and take the `#` from its source"
        );
        self.note(at, Fate::ToDo, text);
        outside.push(format!("To do: copy {what} to `{otherwise}`, and take the # from these lines."));
        outside.extend(document(&[], &[section], &[]).lines().map(ToOwned::to_owned));
        None
    }

    /// Writes the sources beside the directory, and returns their places with their names.
    fn extra_sources(
        &mut self,
        build: &Build,
        around: &Surroundings,
        names: &mut Names,
        outside: &mut Vec<String>,
    ) -> (Vec<(String, String)>, Vec<Section>) {
        let (mut places, mut sections) = (Vec::new(), Vec::new());
        for extra in build.extra_sources.iter().flat_map(|extra| &extra.value) {
            let name =
                names.unique(extra.value.place.rsplit('/').next().unwrap_or_default(), "extra").to_string();
            let path = around.sources.get(&extra.value.path).and_then(Option::as_deref);
            let otherwise = format!("recipes/packages/{}-{name}", self.image);
            let what = format!("`{}`", extra.value.path);
            let section = self.local(&name, path, &otherwise, (&what, &extra.span), None, outside);
            if let Some(mut section) = section {
                section.comments_above(self.comments_in(&extra.span));
                sections.push(section);
            }
            places.push((extra.value.place.clone(), name));
        }
        (places, sections)
    }

    /// Writes the images that LinuxKit puts beside the Dockerfile.
    fn depends(&mut self, depends: Option<&Spanned<Depends>>, names: &mut Names) -> Vec<Section> {
        let Some(Spanned { value: depends, .. }) = depends else { return Vec::new() };
        let mut sections = Vec::new();
        for image in depends.images.iter().flat_map(|images| &images.value) {
            let short = image.value.rsplit('/').next().unwrap_or_default();
            let short = short.split([':', '@']).next().unwrap_or_default();
            let name = names.unique(short, "depends").to_string();
            let text = format!(
                "`{}` is at `/src/{name}` as the files that are in it, not as an archive",
                image.value
            );
            self.note(&image.span, Fate::ToDo, text);
            let mut section = source(&name, &[("image", Toml::text(&image.value))]);
            section.comments_above(self.comments_in(&image.span));
            sections.push(section);
        }
        if let Some(file) = &depends.from_file {
            let text = format!("name each image of `{}` in `[sources.NAME]`, by `image`", file.value);
            self.note(&file.span, Fate::ToDo, text);
        }
        let text = "nothing is put beside the sources: each is at `/src/NAME`";
        self.note_at(span(depends.target.as_ref()), Fate::Dropped, text);
        sections
    }

    /// Returns the arguments that have values.
    fn arguments(&mut self, arguments: Option<&Spanned<Vec<Spanned<String>>>>) -> Variables {
        let mut variables = BTreeMap::new();
        for argument in arguments.iter().flat_map(|arguments| &arguments.value) {
            match argument.value.split_once('=') {
                Some((name, value)) if !value.starts_with('@') && !name.is_empty() && !name.contains('%') => {
                    variables.insert(name.to_owned(), value.to_owned());
                }
                Some((name, _)) => {
                    let text = format!(
                        "`{name}` is calculated by LinuxKit: write its value into `env` of `[build]`"
                    );
                    self.note(&argument.span, Fate::ToDo, text);
                }
                None => {
                    let text = format!(
                        "`{}` comes from the environment, which kit doesn't read: write its value into `env` of `[build]`",
                        argument.value
                    );
                    self.note(&argument.span, Fate::ToDo, text);
                }
            }
        }
        variables
    }

    fn script(
        &mut self,
        around: &Surroundings,
        variables: Variables,
        extra: &[(String, String)],
        names: Names,
    ) -> Option<Script> {
        let Some(dockerfile) = &around.dockerfile else {
            let text = "its Dockerfile isn't there: say in `[build]` what is done to `/src/main`, or nothing where its files are all";
            self.note(&(0..0), Fate::ToDo, text);
            return None;
        };
        let mut script = script::of_dockerfile(&dockerfile.text, variables, extra, names);
        let notes = std::mem::take(&mut script.notes);
        self.notes.extend(notes.into_iter().map(|(line, fate, text)| Note {
            file: 1,
            line: line + 1,
            fate,
            text,
        }));
        Some(script)
    }

    /// Writes how the package runs: what the label says, and what the Dockerfile says where the label doesn't.
    fn container(
        &mut self,
        config: Field<Config>,
        span: Option<Range<usize>>,
        script: Option<&Script>,
    ) -> Option<Section> {
        let mut config = config.map(|config| config.value).unwrap_or_default();
        for (key, at) in [
            ("binds.add", config.binds_add.take().map(|field| field.span)),
            ("capabilities.add", config.capabilities_add.take().map(|field| field.span)),
        ] {
            self.note_at(
                at,
                Fate::Dropped,
                format!("`{key}` of a label counts for nothing, in LinuxKit as here"),
            );
        }
        let mut section = Section::new("[container]");
        if let Some(span) = span {
            section.comments_above(self.comments_at(&span));
        }
        if let Some(run) = script.map(|script| &script.run) {
            let at = self.texts.base(self.texts.files.len() - 1);
            let texts = |texts: Vec<String>| {
                let items = texts.into_iter().map(|text| Spanned::new(text, at..at)).collect::<Vec<_>>();
                Some(Spanned::new(items, at..at)).filter(|list| !list.value.is_empty())
            };
            config.command = config.command.or_else(|| texts(run.command()));
            config.env = config.env.or_else(|| texts(run.env.clone()));
            let directory = run.directory.clone().filter(|path| path != "/");
            let directory = directory.map(|path| path.trim_end_matches('/').to_owned());
            config.cwd = config.cwd.or_else(|| directory.map(|path| Spanned::new(path, at..at)));
        }
        self.config(&mut section, &config);
        if let Some(signal) = script.and_then(|script| script.run.stop_signal.as_ref()) {
            section.put("stop-signal", &Toml::text(signal), Vec::new());
        }
        (!section.is_empty()).then_some(section)
    }
}

fn source(name: &str, pairs: &[(&str, Toml)]) -> Section {
    let mut section = Section::new(format!("[sources.{}]", crate::linuxkit::toml::key(name)));
    for (key, value) in pairs {
        section.put(key, value, Vec::new());
    }
    section
}

fn span<T>(field: Option<&Spanned<T>>) -> Option<Range<usize>> {
    field.map(|field| field.span.clone())
}
