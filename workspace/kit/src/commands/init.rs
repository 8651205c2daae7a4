//! `kit init`: scaffolds a project.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use cap_std::fs::Dir;
use kit_recipe::Name;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::project;

const EXAMPLES: &str = "\
Examples:
  kit init demo   a project in the new directory `demo`, with an image of the same name
  kit init .      in the current directory, which must be empty";

/// Scaffold a project: an image, settings and a CI example, all with comments
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Make the project in this directory; it is made when it isn't there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// The metadata of version control: what may be in a directory that still counts as empty.
pub(crate) const VERSION_CONTROL: [&str; 6] = [".git", ".hg", ".jj", ".svn", ".bzr", ".pijul"];

/// The files of a project; `@NAME@` is the image.
const FILES: [(&str, &str); 4] = [
    ("recipes/images/@NAME@.toml", include_str!("init/image.toml")),
    ("kit.toml", include_str!("init/kit.toml")),
    (".gitignore", include_str!("init/gitignore")),
    (".github/workflows/image.yml", include_str!("init/ci.yml")),
];

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    let path = project::absolute(&args.dir)?;
    let dir = project::make_dir(&path)?;
    refuse_occupied(&dir, &args.dir, &VERSION_CONTROL)?;
    let name = image_name(&path);
    let mut made = Vec::new();
    for (file, text) in FILES {
        let file = file.replace("@NAME@", name.as_str());
        let text = text.replace("@NAME@", name.as_str());
        let parent = Path::new(&file).parent().unwrap_or(Path::new(""));
        let write = || {
            if parent != Path::new("") {
                dir.create_dir_all(parent)?;
            }
            dir.write(&file, text)
        };
        write().map_err(|source| Failure::File { action: "write", path: path.join(&file), source })?;
        context.output.data(&format!("{}\n", args.dir.join(&file).display())).map_err(Failure::Output)?;
        made.push(file);
    }
    let enter =
        if args.dir == Path::new(".") { String::new() } else { format!("  cd {}\n", args.dir.display()) };
    context.output.say(&format!(
        "next:\n{enter}  kit lock                  resolve and pin everything it needs\n  kit build                 build it\n  kit run --until ready     boot it until it prints `ready`\n"
    ));
    let result = json!({ "image": name.as_str(), "files": made });
    context.output.result(&result).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses a directory that has more than what may be there.
pub(crate) fn refuse_occupied(dir: &Dir, shown: &Path, may_be: &[&str]) -> Result<(), Failure> {
    let unreadable = |source| Failure::File { action: "list", path: shown.to_owned(), source };
    let mut found = Vec::new();
    for entry in dir.entries().map_err(unreadable)? {
        found.push(entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned());
    }
    found.sort();
    match found.into_iter().find(|name| !may_be.contains(&name.as_str())) {
        None => Ok(()),
        Some(found) => Err(Failure::NotEmpty { path: shown.to_owned(), found }),
    }
}

/// Makes a name of the directory's: what can't be in a name becomes `-`.
fn image_name(path: &Path) -> Name {
    let directory = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().to_lowercase());
    let plain =
        |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || "-._+".contains(c) { c } else { '-' };
    let text: String = directory.chars().map(plain).take(63).collect();
    let text = text.trim_start_matches(['-', '.', '_', '+']);
    // `tools` means kit's own tools on the command line.
    match text.parse() {
        Ok(name) if text != "tools" => name,
        _ => "system".parse().expect("because it is a name"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Output;
    use crate::project::Project;
    use kit_build::load::load;
    use kit_recipe::lockfile::Subject;

    fn context() -> Context {
        Context::new(
            crate::args::Global::default(),
            crate::environment::Environment::default(),
            Output::silent(),
        )
    }

    #[test]
    fn what_it_makes_can_be_loaded() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("My Demo");
        run(&Args { dir: path.clone() }, &context()).unwrap();
        let project = Project::open(&path).unwrap();
        assert_eq!(project.own_images().unwrap(), ["my-demo".parse().unwrap()]);
        assert_eq!(*project.settings(), kit_recipe::Settings::default(), "all of it is commented out");
        let image: Name = "my-demo".parse().unwrap();
        let loaded = load(&Subject::Image(image.clone()), &project.files()).unwrap();
        assert_eq!(loaded.recipes.image(&image).services.len(), 1);
        assert_eq!(loaded.recipes.image(&image).onboot.len(), 1);
    }

    /// What is commented out is right, too.
    #[test]
    fn the_commented_settings_are_settings() {
        let text = include_str!("init/kit.toml");
        let commented =
            |line: &str| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).map(str::to_owned);
        let settings: Vec<_> = text.lines().filter_map(commented).collect();
        let settings = kit_recipe::Settings::parse(&settings.join("\n")).unwrap();
        assert!(settings.store.is_some() && settings.out.is_some() && settings.debian.mirrors.len() == 1);
    }

    #[test]
    fn refuses_what_is_not_empty() {
        let dir = tempfile::tempdir().unwrap();
        let project = Project::open(dir.path()).unwrap();
        project.dir().create_dir(".git").unwrap();
        let args = Args { dir: dir.path().to_owned() };
        run(&args, &context()).unwrap();
        assert!(matches!(run(&args, &context()), Err(Failure::NotEmpty { .. })));
    }

    #[test]
    fn makes_names_of_directories() {
        let names = ["/a/demo", "/a/My Demo!", "/a/--x", "/a/tools", "/", "/a/.hidden", "/a/Ünï"];
        let made: Vec<_> = names.iter().map(|path| image_name(Path::new(path)).to_string()).collect();
        assert_eq!(made, ["demo", "my-demo-", "x", "system", "system", "hidden", "n-"]);
    }
}
