//! The line of a recipe that gives a privilege.

use std::ops::Range;

use kit_plan::RecipeSet;
use kit_plan::error::Place;
use kit_plan::evaluate::{Evaluated, Written, evaluate};
use kit_recipe::image::Base;
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Container, Lockfile, Name};
use toml::de::{DeTable, DeValue};

use super::service::Namespace;

/// Something that a recipe gives to a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privilege {
    /// A capability, `CAP_…`.
    Capability(String),
    /// A namespace that isn't its own.
    Namespace(Namespace),
    /// What is mounted at a place in it, by `binds`, `mounts` or `tmpfs`.
    Mount(String),
    /// A node of a device at a path, or a class of devices.
    Device(Option<String>),
    /// Its system calls.
    Seccomp,
    /// That what it executes may gain privileges.
    NewPrivileges,
    /// Its user.
    User,
    /// That its root can be written.
    Root,
    /// Which paths it doesn't see.
    MaskedPaths,
    /// Which paths it can't write.
    ReadOnlyPaths,
    /// How its mounts spread.
    Propagation,
}

impl Privilege {
    /// Returns the keys that give it, and whether an item of each has to be found.
    fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::Capability(_) => &["capabilities", "add-capabilities", "ambient"],
            Self::Namespace(Namespace::Net) => &["net"],
            Self::Namespace(Namespace::Pid) => &["pid"],
            Self::Namespace(Namespace::Ipc) => &["ipc"],
            Self::Namespace(Namespace::Uts) => &["uts"],
            Self::Namespace(Namespace::Cgroup) => &["cgroup"],
            Self::Namespace(Namespace::User) => &["user"],
            // No key gives it.
            Self::Namespace(Namespace::Mount) => &[],
            Self::Mount(_) => &["binds", "add-binds", "mounts", "tmpfs"],
            Self::Device(_) => &["devices"],
            Self::Seccomp => &["seccomp"],
            Self::NewPrivileges => &["no-new-privileges"],
            Self::User => &["uid"],
            Self::Root => &["readonly"],
            Self::MaskedPaths => &["masked-paths"],
            Self::ReadOnlyPaths => &["readonly-paths"],
            Self::Propagation => &["root-propagation"],
        }
    }

    /// Whether an item of a list is it; none where the whole key says it.
    fn is_item(&self, item: &DeValue<'_>) -> Option<bool> {
        match (self, item) {
            (Self::Capability(name), DeValue::String(text)) => Some(text == "all" || text == name.as_str()),
            (Self::Mount(destination), DeValue::String(text)) => {
                // `source:destination[:options]`, and of `tmpfs` `/destination[:options]`.
                Some(text.split(':').take(2).any(|part| part == destination))
            }
            (Self::Mount(destination), DeValue::Table(table)) => {
                Some(text_of(table, "destination") == Some(destination))
            }
            (Self::Device(path), DeValue::Table(table)) => {
                Some(text_of(table, "path") == Some(path.as_deref().unwrap_or("all")))
            }
            (Self::Capability(_) | Self::Mount(_) | Self::Device(_), _) => Some(false),
            _ => None,
        }
    }

    /// Whether a container as it is written says something of it.
    fn is_said(&self, container: &Container) -> bool {
        let Container { capabilities, add_capabilities, binds, add_binds, .. } = container;
        match self {
            Self::Capability(name) => {
                let all = capabilities.iter().chain(add_capabilities).chain(&container.ambient).flatten();
                all.into_iter().any(|capability| capability.as_str() == name)
            }
            Self::Namespace(namespace) => match namespace {
                Namespace::Net => container.net.is_some(),
                Namespace::Pid => container.pid.is_some(),
                Namespace::Ipc => container.ipc.is_some(),
                Namespace::Uts => container.uts.is_some(),
                Namespace::Cgroup => container.cgroup.is_some(),
                Namespace::User => container.user.is_some(),
                Namespace::Mount => false,
            },
            Self::Mount(to) => {
                binds.iter().chain(add_binds).flatten().any(|bind| bind.destination == *to)
                    || container.mounts.iter().flatten().any(|mount| mount.destination == *to)
            }
            Self::Device(_) => container.devices.is_some(),
            Self::Seccomp => container.seccomp.is_some(),
            Self::NewPrivileges => container.no_new_privileges.is_some(),
            Self::User => container.uid.is_some(),
            Self::Root => container.readonly.is_some(),
            Self::MaskedPaths => container.masked_paths.is_some(),
            Self::ReadOnlyPaths => container.readonly_paths.is_some(),
            Self::Propagation => container.root_propagation.is_some(),
        }
    }
}

/// The recipes of an image, evaluated.
#[derive(Debug)]
pub struct Recipes<'a> {
    set: &'a RecipeSet,
    lock: Option<&'a Lockfile>,
    evaluated: Evaluated,
}

impl<'a> Recipes<'a> {
    /// Evaluates an image that the set is known to have; none where its recipes contradict each other. Without the lockfile, nothing is
    /// known of what images of registries say of themselves.
    pub fn new(set: &'a RecipeSet, image: &Name, lock: Option<&'a Lockfile>) -> Option<Self> {
        let evaluated = evaluate(set, image).ok()?;
        Some(Self { set, lock, evaluated })
    }

    /// Returns the line that gives a privilege to a container: in its entry, in what it is made of, or in the defaults. Where nobody
    /// says anything it is the entry's name.
    pub fn place(&self, service: &str, privilege: &Privilege) -> Option<Place> {
        let written = self.evaluated.all().find(|written| written.service.name.value.as_str() == service)?;
        let place = |recipe: &RecipeName, span: Range<usize>| Place {
            recipe: recipe.clone(),
            text: self.set.text(recipe).to_owned(),
            span,
        };
        let within = |recipe: &RecipeName, section: &Section<'_>| {
            let span = find(self.set.text(recipe), section, privilege)?;
            Some(place(recipe, span))
        };
        let base = &written.service.base;
        let of_base = || match &base.value {
            Base::Package(package) => within(&RecipeName::Package(package.clone()), &Section::Container),
            Base::Image(_) => {
                self.image_says(written, privilege).then(|| place(&written.recipe, base.span.clone()))
            }
        };
        let entry = Section::Entry(service);
        within(&written.recipe, &entry)
            .or_else(of_base)
            .or_else(|| within(&written.recipe, &Section::Defaults))
            .or_else(|| Some(place(&written.recipe, written.service.name.span.clone())))
    }

    /// Whether an image of a registry gives a privilege, by its user or its label.
    fn image_says(&self, written: &Written, privilege: &Privilege) -> bool {
        let Base::Image(reference) = &written.service.base.value else { return false };
        let Some(pin) = self.lock.and_then(|lock| lock.images.get(reference)) else { return false };
        let counts = written.service.container.label.or(written.defaults.label) == Some(true);
        let label = pin.settings.label.as_ref().filter(|_| counts);
        let label = label.and_then(|label| kit_recipe::linuxkit::label(label).ok());
        let by_user = *privilege == Privilege::User && pin.owner.is_some();
        by_user || label.is_some_and(|label| privilege.is_said(&label))
    }
}

/// Where in a recipe keys of a container are.
enum Section<'a> {
    /// `[[onboot]]`, `[[service]]` or `[[onshutdown]]` of a name.
    Entry(&'a str),
    /// `[defaults]`.
    Defaults,
    /// `[container]`.
    Container,
}

/// Finds what gives a privilege in a section of a recipe's text.
fn find(text: &str, section: &Section<'_>, privilege: &Privilege) -> Option<Range<usize>> {
    let document = DeTable::parse(text).ok()?;
    let root = document.get_ref();
    match section {
        Section::Entry(name) => {
            let classes = super::Class::ALL.into_iter().filter_map(|class| root.get(class.section()));
            let entries = classes.filter_map(|value| value.get_ref().as_array()).flatten();
            let mut tables = entries.filter_map(|entry| entry.get_ref().as_table());
            span_in(tables.find(|table| text_of(table, "name") == Some(name))?, privilege)
        }
        Section::Defaults => span_in(root.get("defaults")?.get_ref().as_table()?, privilege),
        Section::Container => span_in(root.get("container")?.get_ref().as_table()?, privilege),
    }
}

fn span_in(table: &DeTable<'_>, privilege: &Privilege) -> Option<Range<usize>> {
    privilege.keys().iter().find_map(|key| {
        let (key, value) = table.get_key_value(*key)?;
        if let DeValue::Array(items) = value.get_ref() {
            let found = items.iter().find(|item| privilege.is_item(item.get_ref()) == Some(true));
            if let Some(item) = found {
                return Some(item.span());
            }
            if items.iter().any(|item| privilege.is_item(item.get_ref()) == Some(false)) {
                return None;
            }
        }
        // The header of a table is all that there is of its own.
        let end = if value.get_ref().is_table() { key.span().end } else { value.span().end };
        Some(key.span().start..end.max(key.span().end))
    })
}

fn text_of<'t>(table: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    table.get(key)?.get_ref().as_str()
}
