//! `kit import`: recipes made of what other builders read.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cap_std::fs::Dir;
use kit_build::replace::replace;
use kit_recipe::Name;
use kit_recipe::linuxkit::{self, Base, Given, Import, Source, SourceFile};
use kit_recipe::recipe::RecipeName;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::project::{absolute, canonical, make_dir, read_file};

const EXAMPLES: &str = "\
Examples:
  kit import linuxkit system.yml             recipes/images/system.toml, and the packages that it needs
  kit import linuxkit base.yml web.yml       several files, joined as LinuxKit joins them
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

/// Make recipes of LinuxKit's image YAML, and say line by line what isn't as it was
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct Linuxkit {
    /// Read this file; the first one gives the image its name (can be repeated)
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

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let Origin::Linuxkit(args) = &args.from;
    let root = match &args.output {
        Some(path) => absolute(path)?,
        None => context.project()?.path().to_owned(),
    };
    let (name, files, import) = import(&args.files, &root)?;
    let dir = make_dir(&root)?;
    refuse_others(&dir, &import, args.force)?;
    let mut written = Vec::new();
    for recipe in &import.recipes {
        let path = path_of(&recipe.recipe);
        write(&dir, &path, &recipe.text).map_err(|source| Failure::File {
            action: "write",
            path: root.join(&path),
            source,
        })?;
        context.output.data(&format!("{path}\n")).map_err(Failure::Output)?;
        written.push(path);
    }
    tell(&import, &files, context);
    let note = |note: &linuxkit::Note| json!({ "file": files[note.file].name, "line": note.line, "fate": note.fate.word(), "text": note.text });
    let notes: Vec<_> = import.notes.iter().map(note).collect();
    let result = json!({ "image": name.as_str(), "recipes": written, "notes": notes });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads files and makes recipes of them, below the directory `root`.
fn import(paths: &[PathBuf], root: &Path) -> Result<(Name, Vec<SourceFile>, Import), Failure> {
    let files = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let stem = paths.first().and_then(|path| path.file_stem());
    let name = linuxkit::image_name(&stem.unwrap_or_default().to_string_lossy());
    let import = linuxkit::wanted(&files)
        .and_then(|wanted| linuxkit::import(&name, &files, &given(&wanted, root)))
        .map_err(|problems| Failure::LinuxKit { files: files.clone(), problems })?;
    Ok((name, files, import))
}

/// Says what isn't as it was.
fn tell(import: &Import, files: &[SourceFile], context: &Context) {
    for note in &import.notes {
        let file = &files[note.file].name;
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
    let (name, files, import) = import(&paths, project.path())?;
    tell(&import, &files, context);
    project.take_in(import.recipes.into_iter().map(|recipe| (recipe.recipe, recipe.text)));
    let others = words.iter().filter(|word| !is_yaml(word)).cloned();
    Ok((std::iter::once(name.to_string()).chain(others).collect(), Some(name)))
}

fn read(path: &Path) -> Result<SourceFile, Failure> {
    let name = path.display().to_string();
    let text =
        String::from_utf8(read_file(path, LARGEST)?).map_err(|_| Failure::NotText { path: name.clone() })?;
    Ok(SourceFile { name, text })
}

/// Looks for what the files refer to: sources are files of the project, templates directories with a `build.yml`.
fn given(wanted: &linuxkit::Wanted, root: &Path) -> Given {
    let source = |text: &String| {
        let found = match canonical(Path::new(text)).ok().zip(canonical(root).ok()) {
            None => Source::Missing("there is no such file".to_owned()),
            Some((path, root)) => match path.strip_prefix(&root).ok().and_then(Path::to_str) {
                Some(inside) if path.is_file() => Source::Project(inside.to_owned()),
                Some(_) => Source::Missing("it is no file with a name in UTF-8".to_owned()),
                None => Source::Missing("it is outside of the project: put it there".to_owned()),
            },
        };
        (text.clone(), found)
    };
    let packages = wanted.packages.iter().map(|path| (path.clone(), package(path)));
    Given { packages: packages.collect(), sources: wanted.sources.iter().map(source).collect() }
}

/// Returns the image that LinuxKit publishes for a directory.
fn package(path: &str) -> Result<Base, String> {
    let file = read(&Path::new(path).join("build.yml")).map_err(|_| "it has no `build.yml`".to_owned())?;
    let build = linuxkit::build::parse(&file.text)
        .map_err(|problems| format!("its `build.yml` is wrong: {problems}"))?;
    if build.needs_hash() {
        let image = format!("{}/{}", build.organisation, build.image);
        return Err(format!(
            "its tag is git's digest of it: write `{image}:TAG`, as `linuxkit pkg show-tag` prints it"
        ));
    }
    Ok(Base::Image(build.reference("")))
}

fn path_of(recipe: &RecipeName) -> String {
    match recipe {
        RecipeName::Image(name) => format!("recipes/images/{name}.toml"),
        RecipeName::Package(name) => format!("recipes/packages/{name}.toml"),
        RecipeName::Tools => "recipes/tools.toml".to_owned(),
    }
}

/// Fails when a recipe is there that says something else, before anything is written.
fn refuse_others(dir: &Dir, import: &Import, force: bool) -> Result<(), Failure> {
    let others = import.recipes.iter().map(|written| (path_of(&written.recipe), &written.text)).filter(
        |(path, text)| {
            dir.symlink_metadata(path).is_ok() && dir.read_to_string(path).ok().as_ref() != Some(*text)
        },
    );
    let paths: Vec<_> = others.map(|(path, _)| path).collect();
    if force || paths.is_empty() { Ok(()) } else { Err(Failure::RecipesThere { paths }) }
}

fn write(dir: &Dir, path: &str, text: &str) -> std::io::Result<()> {
    let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
    dir.create_dir_all(folder)?;
    replace(&dir.open_dir(folder)?, name, &mut |file| file.write_all(text.as_bytes()))
}
