//! `[tree]`, `[[file]]`, `[[directory]]`, `[[symlink]]` and `[[user]]`, of packages and images alike.

use std::collections::BTreeMap;

use kit_tree::{Mode, TreePath};

use super::Faults;
use super::check::{self, Root};
use super::section::Section;
use crate::package::{Addition, Contents, TreeRules, User};
use crate::problem::Fault;
use crate::{Name, Spanned};

/// Whether `[tree]` may name packages; an image names them in `[init]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packages {
    Allowed,
    Refused,
}

/// Reads the rules and additions of the whole file.
pub(crate) fn rules(root: &mut Section<'_>, packages: Packages, faults: &mut Faults<'_>) -> TreeRules {
    let mut rules = TreeRules::default();
    if let Some(mut tree) = root.section("tree", faults) {
        if packages == Packages::Allowed {
            let value = tree.value("packages");
            rules.packages = value.and_then(|value| check::names(&value, faults)).unwrap_or_default();
        }
        rules.include =
            tree.value("include").and_then(|value| check::globs(&value, faults)).unwrap_or_default();
        rules.exclude =
            tree.value("exclude").and_then(|value| check::globs(&value, faults)).unwrap_or_default();
        if let Some(section) = tree.section("prefer", faults) {
            rules.prefer = prefer(&section, faults);
        }
        tree.finish(faults);
    }
    rules.additions = additions(root, faults);
    rules.users = users(root, faults);
    rules
}

fn prefer(section: &Section<'_>, faults: &mut Faults<'_>) -> BTreeMap<TreePath, Spanned<Name>> {
    let mut winners = BTreeMap::new();
    for value in section.entries() {
        let path = check::check_tree_path(value.key, Root::Refused);
        if let Err(why) = path {
            faults.add(value.key_span.clone(), check::invalid_path(value.key, why));
        }
        if let (Ok(path), Some(name)) = (path, check::name(&value, faults)) {
            winners.insert(path, name);
        }
    }
    winners
}

/// What reads one kind of addition.
type Read = fn(&mut Section<'_>, &mut Faults<'_>) -> Option<Addition>;

/// Reads all additions, in the order of the text.
fn additions(root: &mut Section<'_>, faults: &mut Faults<'_>) -> Vec<Spanned<Addition>> {
    let mut additions = Vec::new();
    let kinds: [(&str, Read); 3] = [("file", file), ("directory", directory), ("symlink", symlink)];
    for (key, read) in kinds {
        for mut section in root.sections(key, faults) {
            let span = section.span.clone();
            if let Some(addition) = read(&mut section, faults) {
                additions.push(Spanned::new(addition, span));
            }
            section.finish(faults);
        }
    }
    additions.sort_by_key(|addition| addition.span.start);
    check::twice(
        &additions,
        |addition| addition.path().to_string(),
        |item, first| {
            let path = item.path().to_string();
            faults.add_both(item.span.clone(), first.span.clone(), Fault::DuplicatePath { path });
        },
    );
    additions
}

fn path(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<TreePath> {
    let value = section.required("path", "path = \"/etc/motd\"")?;
    check::tree_path(&value, Root::Refused, faults)
}

fn owner(section: &mut Section<'_>, faults: &mut Faults<'_>) -> (u32, u32) {
    let uid = section.value("uid").and_then(|value| value.owner(faults));
    let gid = section.value("gid").and_then(|value| value.owner(faults));
    (uid.unwrap_or(0), gid.unwrap_or(0))
}

fn file(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Addition> {
    let path = path(section, faults);
    section.contradiction("contents", "source", "a file has one content", faults);
    let inline = section.value("contents");
    let local = section.value("source");
    if inline.is_none() && local.is_none() {
        let path = path.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string);
        faults.add(section.span.clone(), Fault::FileWithoutContent { path });
    }
    let contents = match inline {
        Some(value) => value.any_text(faults).map(|text| Contents::Inline(text.to_owned())),
        None => local.and_then(|value| check::project_path(&value, faults)).map(Contents::Local),
    };
    let mode = section.value("mode").and_then(|value| check::mode(&value, faults)).unwrap_or(Mode::FILE);
    let (uid, gid) = owner(section, faults);
    Some(Addition::File { path: path?, contents: contents?, mode, uid, gid })
}

fn directory(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Addition> {
    let path = path(section, faults);
    let mode = section.value("mode").and_then(|value| check::mode(&value, faults)).unwrap_or(Mode::DIRECTORY);
    let (uid, gid) = owner(section, faults);
    Some(Addition::Directory { path: path?, mode, uid, gid })
}

fn symlink(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<Addition> {
    let path = path(section, faults);
    let target = section.required("target", "target = \"../run/motd\"");
    let target = target.and_then(|value| value.text(faults)).map(ToOwned::to_owned);
    Some(Addition::Symlink { path: path?, target: target? })
}

fn users(root: &mut Section<'_>, faults: &mut Faults<'_>) -> Vec<Spanned<User>> {
    let mut users = Vec::new();
    for mut section in root.sections("user", faults) {
        let span = section.span.clone();
        if let Some(user) = user(&mut section, faults) {
            users.push(Spanned::new(user, span));
        }
        section.finish(faults);
    }
    check::twice(
        &users,
        |user| user.name.to_string(),
        |item, first| {
            let fault = Fault::DuplicateName { what: "users", name: item.name.to_string() };
            faults.add_both(item.span.clone(), first.span.clone(), fault);
        },
    );
    users
}

fn user(section: &mut Section<'_>, faults: &mut Faults<'_>) -> Option<User> {
    let name = section.required("name", "name = \"web\"");
    let name = name.and_then(|value| check::name(&value, faults)).map(|name| name.value);
    let uid = section.required("uid", "uid = 1000").and_then(|value| value.owner(faults));
    let gid = section.value("gid").map(|value| value.owner(faults));
    let mut field = |key, default: &str| match section.value(key) {
        None => Some(default.to_owned()),
        Some(value) => {
            let path = check::absolute(&value, faults)?;
            value.without(&[':'], "a colon", value.any_text(faults)?, faults)?;
            Some(path)
        }
    };
    let home = field("home", "/");
    let shell = field("shell", "/usr/sbin/nologin");
    Some(User { name: name?, uid: uid?, gid: gid.unwrap_or(uid)?, home: home?, shell: shell? })
}
