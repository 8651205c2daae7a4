//! Images that were opened, as subjects of an audit: held against their lockfile where that is found, else as they describe themselves.

use std::path::Path;

use kit_audit::inventory::altered::Attributes;
use kit_audit::inventory::foreign::{Foreign, Known};
use kit_audit::report::Depth;
use kit_audit::{Finding, supply_chain};
use kit_hash::{PinId, Sha256};
use kit_source::history::History;
use kit_store::Store;

use super::exact::{self, Given};
use super::subject::{self, Asked, Audited};
use crate::Failure;
use crate::context::Context;
use crate::evidence::{Built, Wanted};
use crate::locks::{self, Found, Sought};
use crate::opened::kind::{Kind, words_of};
use crate::opened::{Configured, Opened};
use crate::project::absolute;
use crate::signed;

/// Finds out what an opened image is made of; `lock` is the lockfile that it is said to be from.
pub(crate) fn audited(
    opened: Opened,
    lock: Option<&Path>,
    context: &Context,
    store: &Store,
) -> Result<Audited, Failure> {
    let Some(pin) = opened.pin else {
        // What carries nothing is told by what it is.
        if let Some(sha256) = opened.file
            && let Some(audited) = output((&opened.name, &opened.named), &sha256, lock, context, store)?
        {
            return Ok(audited);
        }
        return match lock {
            Some(_) => Err(Failure::NoPin { path: opened.name.into(), kind: opened.kind.words() }),
            None => Ok(foreign(opened, store, "it carries no lockfile's digest, so kit didn't make it")),
        };
    };
    let project = match context.project() {
        Ok(project) => project,
        Err(Failure::NoProject { .. }) if lock.is_none() => {
            return Ok(foreign(opened, store, &not_found(&pin, "there is no project here to look for that")));
        }
        Err(failure) => return Err(failure),
    };
    let history = History { program: "git", path: project.path() };
    match locks::find(
        project,
        &history,
        lock,
        &pin,
        Sought { kind: Some(opened.kind), file: opened.file, called: None },
    ) {
        Ok(found) => held(opened, (found, lock), context, store),
        Err(Failure::NoLockFor { changes, .. }) if lock.is_none() => {
            let why = if changes.is_empty() {
                "neither the project nor its history has that"
            } else {
                "the project has that, but no longer the recipes that it was made from"
            };
            Ok(foreign(opened, store, &not_found(&pin, why)))
        }
        Err(failure) => Err(failure),
    }
}

/// Finds the lockfile that has a file among its outputs, digest for digest: what the file is and holds, follows from that. None where no one has it.
pub(crate) fn output(
    (name, named): (&str, &signed::Named),
    sha256: &Sha256,
    lock: Option<&Path>,
    context: &Context,
    store: &Store,
) -> Result<Option<Audited>, Failure> {
    let project = match context.project() {
        Err(Failure::NoProject { .. }) => return Ok(None),
        project => project?,
    };
    let history = History { program: "git", path: project.path() };
    let Some(found) = locks::find_output(project, &history, lock, (Path::new(name), sha256))? else {
        return Ok(None);
    };
    let words = words_of(&found.output, found.format);
    context.output.say(&format!("{name}: {words}, `{}` of lockfile {}\n", found.output, found.place));
    let path = match lock {
        Some(path) => absolute(path)?,
        None => project.path().join(&found.path),
    };
    let built = Built::of_piece(context, store, found.piece, found.files.as_ref(), Wanted::Shipped)?;
    let asked = Asked { named: named.clone(), lock: Some((path, found.sha256)) };
    let audited = subject::built(built, store)?;
    Ok(Some(Audited { name: name.to_owned(), path: Some(found.path), opened: Some(asked), ..audited }))
}

/// Says why the image is read by itself though it names a lockfile.
fn not_found(pin: &PinId, why: &str) -> String {
    format!("it says that its lockfile pins {}, and {why}", pin.short())
}

/// Builds what the lockfile gives, and holds the image against it.
fn held(
    opened: Opened,
    (found, given): (Found<'_>, Option<&Path>),
    context: &Context,
    store: &Store,
) -> Result<Audited, Failure> {
    let (name, kind) = (&opened.name, opened.kind);
    context.output.say(&format!("{name}: {}, lockfile {}\n", kind.words(), found.place));
    let mut built = Built::of_piece(context, store, found.piece, found.files.as_ref(), Wanted::Shipped)?;
    let locked = built.root(store)?;
    let attributes = if kind.keeps_attributes() { Attributes::Kept } else { Attributes::Left };
    // What is for Hyper-V has drivers in its root that the others haven't: there the whole tells.
    let mut findings = if found.format.is_for_hyper_v() {
        Vec::new()
    } else {
        supply_chain::altered(&built.inventory.take_found(&locked, &opened.root, attributes))
    };
    let lock = built.piece.lock.clone();
    let compared = exact::compare(
        &opened,
        &Given {
            context,
            store,
            built: &built,
            image: &found.image,
            output: &found.output,
            format: found.format,
        },
    )?;
    findings.extend(compared.findings);
    if kind == Kind::Initrd && opened.beside.is_empty() {
        let text = "an initrd comes without its kernel and command line: what is said of those is about the lockfile's\n";
        context.output.say(text);
    }
    // Where it was found in history, what is at its path now can be another.
    let lock_path = match given {
        Some(path) => absolute(path)?,
        None => context.project()?.path().join(&found.path),
    };
    let is_same = findings.is_empty() && compared.is_exact;
    let Opened { name, root, configured, pin, named, .. } = opened;
    Ok(Audited {
        name,
        opened: Some(Asked { named, lock: is_same.then_some((lock_path, found.sha256)) }),
        path: Some(found.path),
        pin,
        depth: if findings.is_empty() { Depth::Files } else { Depth::Altered },
        inventory: None,
        lock: Some(lock),
        built: Some(built),
        root: Some(root),
        foreign: None,
        found: findings,
        configured,
    })
}

/// Reads what the image says of itself.
fn foreign(opened: Opened, store: &Store, why: &str) -> Audited {
    let Opened { name, root, configured, pin, named, .. } = opened;
    let architecture = configured.as_ref().map(|configured: &Configured| configured.platform.1.as_str());
    let foreign = Foreign::read(Known { name: &name, architecture, pin }, &root, store);
    let found: Vec<Finding> = supply_chain::foreign(&foreign);
    Audited {
        name,
        opened: Some(Asked { named, lock: None }),
        path: None,
        pin,
        depth: Depth::Foreign(why.to_owned()),
        inventory: None,
        lock: None,
        built: None,
        root: Some(root),
        foreign: Some(foreign),
        found,
        configured,
    }
}
