//! `kit import`: recipes made of what other builders read.

mod found;
mod published;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cap_std::fs::Dir;
use kit_build::replace::replace;
use kit_recipe::Name;
use kit_recipe::linuxkit::{self, Note, SourceFile, Written};
use kit_recipe::recipe::RecipeName;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::project::{absolute, make_dir, read_file};
use found::{Directories, Package};

const EXAMPLES: &str = "\
Examples:
  kit import linuxkit system.yml             recipes/images/system.toml, and the packages that it needs
  kit import linuxkit base.yml web.yml       several files, joined as LinuxKit joins them
  kit import linuxkit pkg/tool/build.yml     recipes/packages/tool.toml, and what its Dockerfile leaves to do
  kit import linuxkit system.yml -o /tmp/x   into another directory

Then `kit lock system` pins every image by digest, and `kit build system` builds it.";

/// Make recipes of what other builders read
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    from: Origin,
}

#[derive(Debug, clap::Subcommand)]
enum Origin {
    Linuxkit(Linuxkit),
}

/// Make recipes of LinuxKit's YAML, and say line by line what isn't as it was
///
/// Files of images are joined to one image. A `build.yml`, or a directory that has one, becomes a package; where the image says `@pkg:DIR`
/// for it, that package is taken.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Linuxkit {
    /// Read this file; the first one of an image gives it its name (can be repeated)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Write below this directory [default: the project]
    #[arg(long, short, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Replace recipes that are there and say something else
    #[arg(long)]
    force: bool,
}

/// The most that a file may have, in bytes; the parser has its own limit.
const LARGEST: u64 = 16 << 20;

/// What files became.
struct Imported {
    image: Option<Name>,
    recipes: Vec<Written>,
    /// By the names of files.
    notes: Vec<(String, Note)>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let Origin::Linuxkit(args) = &args.from;
    let root = match &args.output {
        Some(path) => absolute(path)?,
        None => context.project()?.path().to_owned(),
    };
    let imported = import(&args.files, &root, context)?;
    let dir = make_dir(&root)?;
    refuse_others(&dir, &imported.recipes, args.force)?;
    let mut written = Vec::new();
    for recipe in &imported.recipes {
        let path = path_of(&recipe.recipe);
        write(&dir, &path, &recipe.text).map_err(|source| Failure::File {
            action: "write",
            path: root.join(&path),
            source,
        })?;
        context.output.data(&format!("{path}\n")).map_err(Failure::Output)?;
        written.push(path);
    }
    tell(&imported, context);
    let note = |(file, note): &(String, Note)| json!({ "file": file, "line": note.line, "fate": note.fate.word(), "text": note.text });
    let notes: Vec<_> = imported.notes.iter().map(note).collect();
    let image = imported.image.as_ref().map(Name::as_str);
    let result = json!({ "image": image, "recipes": written, "notes": notes });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads files and makes recipes of them, below the directory `root`.
fn import(paths: &[PathBuf], root: &Path, context: &Context) -> Result<Imported, Failure> {
    let home = context.environment.containers.home.as_deref();
    let directories = Directories { root, home };
    let (mut images, mut packages) = (Vec::new(), Vec::new());
    for path in paths {
        let path = if path.is_dir() { path.join(found::BUILD_FILE) } else { path.clone() };
        let file = read(&path)?;
        if linuxkit::build::is_build_file(&file) {
            packages.push(package(&path, file, &directories)?);
        } else {
            images.push((path, file));
        }
    }
    let mut imported = Imported { image: None, recipes: Vec::new(), notes: Vec::new() };
    if let Some((first, _)) = images.first() {
        let name = linuxkit::image_name(&first.file_stem().unwrap_or_default().to_string_lossy());
        let (paths, files): (Vec<_>, Vec<_>) = images.iter().cloned().unzip();
        let import = linuxkit::wanted(&files)
            .and_then(|wanted| {
                linuxkit::import(&name, &files, &directories.given(&wanted, &paths, &packages))
            })
            .map_err(|problems| Failure::LinuxKit { files: files.clone(), problems })?;
        imported.add(import, &files);
        imported.image = Some(name);
    }
    for package in packages {
        imported.add(package.import, &package.files);
    }
    let mut names = BTreeSet::new();
    match imported.recipes.iter().find(|written| !names.insert(&written.recipe)) {
        Some(twice) => Err(Failure::ImportedTwice { recipe: twice.recipe.clone() }),
        None => Ok(imported),
    }
}

/// Reads what is around a `build.yml` and makes a package of it.
fn package(path: &Path, file: SourceFile, directories: &Directories<'_>) -> Result<Package, Failure> {
    let failed = |problems| Failure::LinuxKit { files: vec![file.clone()], problems };
    let build = linuxkit::build::parse(&file).map_err(|problems| failed(vec![(0, problems)]))?;
    let around = directories.around(path, &build);
    let import = linuxkit::import_package(&file, &around).map_err(failed)?;
    let files = std::iter::once(file).chain(around.dockerfile).collect();
    let directory = path.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Package { directory, files, import })
}

impl Imported {
    fn add(&mut self, import: linuxkit::Import, files: &[SourceFile]) {
        self.recipes.extend(import.recipes);
        self.notes.extend(import.notes.into_iter().map(|note| (files[note.file].name.clone(), note)));
    }
}

/// Says what isn't as it was.
fn tell(imported: &Imported, context: &Context) {
    for (file, note) in &imported.notes {
        context.output.say(&format!("{file}:{}: {}: {}\n", note.line, note.fate, note.text));
    }
}

/// Whether a word of the command line is a file of LinuxKit: no image is called so.
fn is_yaml(word: &str) -> bool {
    [".yml", ".yaml"].iter().any(|end| word.ends_with(end))
}

/// Takes the files of LinuxKit among the words into the project, joined to one system, and returns the words with its name
/// in their place, and the name, if there are any. Nothing is written.
pub(crate) fn take_in(words: &[String], context: &Context) -> Result<(Vec<String>, Option<Name>), Failure> {
    let paths: Vec<PathBuf> = words.iter().filter(|word| is_yaml(word)).map(PathBuf::from).collect();
    if paths.is_empty() {
        return Ok((words.to_vec(), None));
    }
    let project = context.project_or_here()?;
    let imported = import(&paths, project.path(), context)?;
    let Some(name) = imported.image.clone() else {
        return Err(Failure::PackageAlone { path: paths[0].clone() });
    };
    tell(&imported, context);
    project.take_in(imported.recipes.into_iter().map(|recipe| (recipe.recipe, recipe.text)));
    let others = words.iter().filter(|word| !is_yaml(word)).cloned();
    Ok((std::iter::once(name.to_string()).chain(others).collect(), Some(name)))
}

fn read(path: &Path) -> Result<SourceFile, Failure> {
    let name = path.display().to_string();
    let text =
        String::from_utf8(read_file(path, LARGEST)?).map_err(|_| Failure::NotText { path: name.clone() })?;
    Ok(SourceFile { name, text })
}

fn path_of(recipe: &RecipeName) -> String {
    match recipe {
        RecipeName::Image(name) => format!("recipes/images/{name}.toml"),
        RecipeName::Package(name) => format!("recipes/packages/{name}.toml"),
        RecipeName::Tools => "recipes/tools.toml".to_owned(),
    }
}

/// Fails when a recipe is there that says something else, before anything is written.
fn refuse_others(dir: &Dir, recipes: &[Written], force: bool) -> Result<(), Failure> {
    let others =
        recipes.iter().map(|written| (path_of(&written.recipe), &written.text)).filter(|(path, text)| {
            dir.symlink_metadata(path).is_ok() && dir.read_to_string(path).ok().as_ref() != Some(*text)
        });
    let paths: Vec<_> = others.map(|(path, _)| path).collect();
    if force || paths.is_empty() { Ok(()) } else { Err(Failure::RecipesThere { paths }) }
}

fn write(dir: &Dir, path: &str, text: &str) -> std::io::Result<()> {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    dir.create_dir_all(folder)?;
    replace(&dir.open_dir(folder)?, name, &mut |file| file.write_all(text.as_bytes()))
}
