//! Reads LinuxKit's image YAML and writes the recipes that it stands for.
//!
//! [`wanted`] says what the files refer to outside of themselves; whoever calls looks for it; [`import`] takes the files and what was
//! found and returns recipes and [`Note`]s, or everything that is wrong. Several files are joined by LinuxKit's rules: keys of
//! `kernel` replace those of files before, lists are joined.
//!
//! | module | what |
//! |---|---|
//! | `yaml`, `syntax`, `decode` | text to nodes with places, or what is wrong with it, nodes to values, within limits |
//! | `system`, `entry`, `mounts`, `resources`, `runtime` | LinuxKit's schema, checked |
//! | [`build`], `dockerfile` | `build.yml`, what its Dockerfile says, and what git calls its directory |
//! | `check` | what only all files together show |
//! | `translate`, `toml`, `comments`, `metadata` | recipes as people would write them, with the comments of the YAML |
//! | `fault`, `hints`, `types` | what can be wrong, and what to do then |
//!
//! Where a [`Fault`]'s place is that of all files, it is moved into its own before anybody sees it.

pub mod build;
mod check;
mod comments;
mod decode;
mod dockerfile;
mod entry;
pub mod fault;
mod given;
mod hints;
mod metadata;
mod mounts;
mod names;
mod note;
mod path;
mod resources;
mod runtime;
mod syntax;
mod system;
mod texts;
mod toml;
mod translate;
mod types;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

pub use fault::Fault;
pub use given::{Base, Given, Source};
pub use hints::Hint;
pub use note::{Fate, Note};
pub use texts::SourceFile;

use crate::problem::{self, Area, Problem, Problems};
use crate::recipe::RecipeName;
use crate::{Container, Name, Recipe};
use comments::Comments;
use decode::{Faults, Mapping, Value};
use system::{Content, System};
use texts::Texts;
use yaml::{Kind, Node};

/// What is wrong with files, each by its place in their list.
pub type FileProblems = Vec<(usize, Problems)>;

/// What files refer to outside of themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// The paths of templates `@pkg:PATH`, each with the first file that has it.
    pub packages: BTreeMap<String, usize>,
    /// What `source` of `files` names.
    pub sources: BTreeSet<String>,
}

/// Recipes, and what isn't in them as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The image, then the packages that it needs.
    pub recipes: Vec<Written>,
    /// By file and line.
    pub notes: Vec<Note>,
}

impl Import {
    /// Returns the package that was made of a `build.yml`.
    pub fn package(&self) -> Option<&Name> {
        match self.recipes.first().map(|written| &written.recipe) {
            Some(RecipeName::Package(name)) => Some(name),
            _ => None,
        }
    }
}

/// A recipe that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Which one.
    pub recipe: RecipeName,
    /// Its text.
    pub text: String,
}

/// What is around a `build.yml`.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Where its directory is in the project; none where it is outside of that.
    pub directory: Option<String>,
    /// Its Dockerfile.
    pub dockerfile: Option<SourceFile>,
    /// Its extra sources by their paths, in the same way.
    pub sources: BTreeMap<String, Option<String>>,
}

/// Makes a name for an image of what its file is called.
pub fn image_name(stem: &str) -> Name {
    // `tools` means kit's own tools on the command line.
    let name = names::name_of(stem, "system");
    if name.as_str() == "tools" { "system".parse().expect("because it is a name") } else { name }
}

/// Says what files refer to outside of themselves.
pub fn wanted(files: &[SourceFile]) -> Result<Wanted, FileProblems> {
    let texts = Texts::new(files);
    let (documents, faults) = parse(&texts);
    if !faults.is_empty() {
        return Err(problems(faults, &texts));
    }
    let mut wanted = Wanted::default();
    for (file, document) in documents.iter().enumerate() {
        let Some(root) = &document.root else { continue };
        each_text(root, &mut |text, _| {
            if let Some(path) = text.strip_prefix(given::TEMPLATE) {
                wanted.packages.entry(path.to_owned()).or_insert(file);
            }
        });
        let Kind::Mapping(entries) = &root.kind else { continue };
        let lists = entries.iter().filter(|(key, _)| key.text == "files").map(|(_, node)| node);
        for file in lists.flat_map(|node| if let Kind::List(items) = &node.kind { &items[..] } else { &[] }) {
            let Kind::Mapping(keys) = &file.kind else { continue };
            let source = keys.iter().find(|(key, _)| key.text == "source").map(|(_, node)| &node.kind);
            if let Some(Kind::Scalar(scalar)) = source {
                wanted.sources.insert(scalar.text.trim_end_matches('\n').to_owned());
            }
        }
    }
    Ok(wanted)
}

/// Makes recipes of files; the image is called `name`.
pub fn import(name: &Name, files: &[SourceFile], given: &Given) -> Result<Import, FileProblems> {
    let texts = Texts::new(files);
    let (mut documents, mut faults) = parse(&texts);
    if !faults.is_empty() {
        return Err(problems(faults, &texts));
    }
    let mut system = System::default();
    let (mut comments, mut later) = (Comments::default(), Vec::new());
    for (file, document) in documents.iter_mut().enumerate() {
        let base = texts.base(file);
        let scalars: Vec<_> =
            document.scalars.iter().map(|scalar| scalar.start - base..scalar.end - base).collect();
        comments.add(&files[file].text, texts.first_line(file), &scalars);
        later.extend(document.more);
        let Some(root) = &mut document.root else { continue };
        no_wrong_template(root, &mut faults);
        replace_templates(root, given);
        if let Some(top) = top(root, &mut faults) {
            system.add(top, given, &mut faults);
        }
    }
    check::check(&system, &texts, &mut faults);
    sources(&system, given, &mut faults);
    if !faults.is_empty() {
        return Err(problems(faults, &texts));
    }
    let roots: Vec<_> = documents.into_iter().filter_map(|document| document.root).collect();
    let merged = metadata::merge(&roots);
    let write = |kind: &str| if kind == "json" { metadata::json(&merged) } else { metadata::yaml(&merged) };
    let (recipes, mut notes) = translate::translate(&system, name, given, &texts, comments, &write);
    for at in later {
        let (file, line) = texts.locate(at);
        let text = "only the first document of a file counts, in LinuxKit as here".to_owned();
        notes.push(Note { file, line, fate: Fate::Dropped, text });
    }
    notes.sort();
    Ok(Import { recipes, notes })
}

/// Makes the recipe of a package of a `build.yml`. Notes are about that, and with 1 as their file about its Dockerfile.
pub fn import_package(file: &SourceFile, around: &Surroundings) -> Result<Import, FileProblems> {
    let files: Vec<_> = std::iter::once(file.clone()).chain(around.dockerfile.clone()).collect();
    let texts = Texts::new(&files);
    let (document, build, faults) = build::read(&texts);
    let (Some(document), Some(build), true) = (document, build, faults.is_empty()) else {
        return Err(problems(faults, &texts));
    };
    let mut comments = Comments::default();
    comments.add(&file.text, 0, &document.scalars);
    let name = translate::package::name(&build.image.value);
    let (recipe, notes) = translate::package::package(build, &name, around, &texts, comments);
    Ok(Import { recipes: vec![recipe], notes })
}

/// Reads the label `org.mobyproject.config` of an image, which has the keys of a container but for its name and image.
pub fn label(text: &str) -> Result<Container, Problems> {
    let files = [SourceFile { name: "org.mobyproject.config".to_owned(), text: text.to_owned() }];
    let texts = Texts::new(&files);
    let of_label = |faults| of_one_file(faults, &texts);
    let (documents, mut faults) = parse(&texts);
    let Some(root) = documents.first().and_then(|document| document.root.as_ref()) else {
        return if faults.is_empty() { Ok(Container::default()) } else { Err(of_label(faults)) };
    };
    let top = Value::top(root).mapping("a label", &mut faults);
    let config = top.map(|mut mapping| {
        for key in ["name", "image"] {
            if let Some(value) = mapping.take(key) {
                faults.push((value.place(), Fault::LabelNames { key }));
            }
        }
        entry::config(mapping, &mut faults)
    });
    let (true, Some(mut config)) = (faults.is_empty(), config) else { return Err(of_label(faults)) };
    // LinuxKit adds what an entry says to what a label says, and never what a label adds.
    (config.binds_add, config.capabilities_add) = (None, None);
    let name: Name = "label".parse().expect("because it is a name");
    let section = translate::config_alone(&config, &name, &texts, "[[service]]");
    let head = "[image]\nname = \"label\"\nformats = [\"tar\"]\n\n[[service]]\nname = \"label\"\nimage = \"label\"\n";
    let body = toml::document(&[], &[section], &[]);
    let text = format!("{head}{}", body.strip_prefix("[[service]]\n").unwrap_or(&body));
    match Recipe::parse(&RecipeName::Image(name), &text) {
        Ok(Recipe::Image(image)) => {
            let service = image.services.into_iter().next();
            Ok(service.expect("because one is written").value.container)
        }
        Ok(Recipe::Package(_) | Recipe::Tools(_)) => Ok(Container::default()),
        Err(found) => {
            Err(of_label(vec![(0..texts.files[0].text.len(), Fault::Label { words: found.to_string() })]))
        }
    }
}

/// Reads every file; those that can't be read have faults.
fn parse(texts: &Texts<'_>) -> (Vec<yaml::Document>, Faults) {
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for (file, source) in texts.files.iter().enumerate() {
        match yaml::parse(&source.text, texts.base(file)) {
            Ok(document) => documents.push(document),
            Err(found) => faults.extend(found),
        }
    }
    (documents, faults)
}

fn top<'n>(root: &'n Node, faults: &mut Faults) -> Option<Mapping<'n>> {
    let mut found = Vec::new();
    let mapping = Value::top(root).mapping("", &mut found);
    faults.extend(found.into_iter().map(|(span, fault)| match fault {
        Fault::WrongType { found, .. } => (span, Fault::NoSections { found }),
        fault => (span, fault),
    }));
    mapping
}

fn each_text(node: &Node, each: &mut dyn FnMut(&str, &Range<usize>)) {
    match &node.kind {
        Kind::Scalar(scalar) => each(&scalar.text, &node.span),
        Kind::List(items) => items.iter().for_each(|item| each_text(item, each)),
        Kind::Mapping(entries) => entries.iter().for_each(|(_, value)| each_text(value, each)),
    }
}

fn no_wrong_template(root: &Node, faults: &mut Faults) {
    each_text(root, &mut |text, span| {
        if text.starts_with('@') && !text.starts_with(given::TEMPLATE) {
            let text = text.chars().take(60).collect();
            faults.push((span.clone(), Fault::NoTemplate { text }));
        }
    });
}

/// Puts the reference of an image in place of its template, wherever that stands.
fn replace_templates(node: &mut Node, given: &Given) {
    match &mut node.kind {
        Kind::Scalar(scalar) => {
            let package = scalar.text.strip_prefix(given::TEMPLATE).and_then(|path| given.packages.get(path));
            if let Some(Ok(Base::Image(reference))) = package {
                reference.clone_into(&mut scalar.text);
                scalar.quoted = true;
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| replace_templates(item, given)),
        Kind::Mapping(entries) => entries.iter_mut().for_each(|(_, value)| replace_templates(value, given)),
    }
}

/// Tells of files that aren't there and have to be.
fn sources(system: &System, given: &Given, faults: &mut Faults) {
    for file in &system.files {
        let Content::Source(source) = &file.content else { continue };
        let why = match given.sources.get(&source.value) {
            Some(Source::Project(_) | Source::Text(_)) => continue,
            Some(Source::Missing(_)) | None if file.optional => continue,
            Some(Source::Missing(why) | Source::Refused(why)) => why.clone(),
            None => "wasn't looked for".to_owned(),
        };
        faults.push((source.span.clone(), Fault::UnreadableSource { path: source.value.clone(), why }));
    }
}

/// Returns the problems of the one file that there is.
fn of_one_file(faults: Faults, texts: &Texts<'_>) -> Problems {
    let mut found = problems(faults, texts);
    found.pop().map(|(_, problems)| problems).expect("because there is a fault in the one file")
}

/// Moves faults into the files that they are in.
fn problems(faults: Faults, texts: &Texts<'_>) -> FileProblems {
    let mut files: Vec<Vec<Problem>> = texts.files.iter().map(|_| Vec::new()).collect();
    for (span, fault) in faults {
        let (file, at) = texts.local(&span);
        let also = fault.also().map(|span| texts.local(&span)).filter(|(other, _)| *other == file);
        let (also, fault) = (also.map(|(_, span)| span), problem::Fault::LinuxKit(fault));
        files[file].push(Problem { area: Area::LinuxKit, fault, at, also });
    }
    let files = files.into_iter().enumerate();
    files.filter_map(|(file, list)| Some((file, Problems::new(list)?))).collect()
}
