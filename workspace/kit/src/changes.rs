//! An image with containers left out, replaced or added by the command line: a recipe of its own, in no file, with a lockfile
//! of its own.

use std::fmt::Write as _;

use kit_build::load::load;
use kit_plan::evaluate::{Evaluated, evaluate};
use kit_recipe::lockfile::Subject;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{ImageReference, Name};

use crate::Failure;
use crate::commands::{import, lock};
use crate::context::Context;
use crate::workbench::images;

/// What the command line changes of an image.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Changes {
    /// Leave this container out (can be repeated)
    #[arg(long, value_name = "NAME")]
    without: Vec<Name>,
    /// Put a package or an image in the place of a container (can be repeated)
    #[arg(long, value_name = "NAME=PACKAGE|REF", value_parser = parse_entry)]
    replace: Vec<Entry>,
    /// Add a service of a package or of an image (can be repeated)
    #[arg(long, value_name = "NAME=PACKAGE|REF", value_parser = parse_entry)]
    add: Vec<Entry>,
}

/// A container and what it is made of.
#[derive(Debug, Clone)]
struct Entry {
    name: Name,
    /// `package = "…"` or `image = "…"`, as a recipe has it.
    base: String,
}

fn parse_entry(text: &str) -> Result<Entry, String> {
    let (name, base) = text.split_once('=').ok_or("it has no `=`")?;
    let name: Name = name.parse().map_err(|_| format!("`{name}` is not a name"))?;
    let base = match (base.parse::<Name>(), base.parse::<ImageReference>()) {
        (Ok(package), _) => format!("package = \"{package}\""),
        (Err(_), Ok(reference)) => format!("image = {}", quoted(&reference.to_string())),
        (Err(_), Err(error)) => return Err(format!("`{base}` is neither a package nor an image: {error}")),
    };
    Ok(Entry { name, base })
}

/// Returns a string as TOML has it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether a recipe that is in no file has a lockfile before it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Locking {
    /// It is made when there is none.
    First,
    /// It is made anyway, by who asks.
    Later,
}

/// Returns the images that are named, or the only one of the project, with LinuxKit's files taken in and all changes made.
pub(crate) fn subjects(
    named: &[String],
    changes: &Changes,
    locking: Locking,
    context: &Context,
) -> Result<Vec<Subject>, Failure> {
    let (named, guest) = import::take_in(named, context)?;
    let project = context.project()?;
    let mut subjects = images(project, &named)?;
    let mut guests: Vec<Name> = guest.into_iter().collect();
    if !changes.is_empty() {
        for subject in &mut subjects {
            let name = changed(subject, changes, context)?;
            *subject = Subject::Image(name.clone());
            guests.push(name);
        }
    }
    if locking == Locking::First {
        guests
            .iter()
            .filter(|name| subjects.contains(&Subject::Image((*name).clone())))
            .try_for_each(|name| lock::first(context, name))?;
    }
    Ok(subjects)
}

impl Changes {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.without.is_empty() && self.replace.is_empty() && self.add.is_empty()
    }
}

/// Takes in the recipe of a changed image, and returns its name: that of the image, and what was changed.
fn changed(subject: &Subject, changes: &Changes, context: &Context) -> Result<Name, Failure> {
    let Subject::Image(base) = subject else { unreachable!("because only images are built") };
    let project = context.project()?;
    let loaded = load(subject, &project.files())?;
    let evaluated = evaluate(&loaded.recipes, base).map_err(Failure::Recipes)?;
    let name = name_of(base, changes)?;
    let mut text = format!("[image]\nname = \"{name}\"\nextends = [\"{base}\"]\n");
    let formats: Vec<_> =
        evaluated.image.formats.iter().map(|format| format!("\"{}\"", format.value)).collect();
    let _ = writeln!(text, "formats = [{}]", formats.join(", "));
    if !changes.without.is_empty() {
        let names: Vec<_> = changes.without.iter().map(|name| format!("\"{name}\"")).collect();
        let _ = writeln!(text, "remove = [{}]", names.join(", "));
    }
    for Entry { name, base } in &changes.replace {
        let kind = kind_of(&evaluated, name);
        let _ = writeln!(text, "\n[[{kind}]]\nname = \"{name}\"\n{base}\nreplace = true");
    }
    for Entry { name, base } in &changes.add {
        let _ = writeln!(text, "\n[[service]]\nname = \"{name}\"\n{base}");
    }
    project.take_in([(RecipeName::Image(name.clone()), text)]);
    Ok(name)
}

/// Returns the list that a container is in; one that there isn't is an error of the recipe.
fn kind_of(evaluated: &Evaluated, name: &Name) -> &'static str {
    let has = |list: &[kit_plan::evaluate::Written]| list.iter().any(|one| one.service.name.value == *name);
    if has(&evaluated.onboot) {
        "onboot"
    } else if has(&evaluated.onshutdown) {
        "onshutdown"
    } else {
        "service"
    }
}

/// Returns a name that says what was changed; what stands in the place of what is the lockfile's to say.
fn name_of(base: &Name, changes: &Changes) -> Result<Name, Failure> {
    let mut name = base.to_string();
    let mut add = |word: &str, names: Vec<&Name>| {
        for one in names {
            let _ = write!(name, "-{word}-{one}");
        }
    };
    add("without", changes.without.iter().collect());
    add("other", changes.replace.iter().map(|entry| &entry.name).collect());
    add("with", changes.add.iter().map(|entry| &entry.name).collect());
    crate::workbench::parse_name(&name, "an image")
}
