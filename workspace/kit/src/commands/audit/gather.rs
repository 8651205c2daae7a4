//! All that an audit finds, area by area.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kit_audit::advisories::vex::Document;
use kit_audit::countermeasures::{self, Signatures, countermeasures};
use kit_audit::finding::Area;
use kit_audit::hardening::{self, Content, hardening};
use kit_audit::inventory::ComponentId;
use kit_audit::policy::{Advised, Day, Held};
use kit_audit::privileges::{Privilege, Privileges, Recipes, Row};
use kit_audit::report::Table;
use kit_audit::supply_chain::{self, Outside};
use kit_audit::{Finding, Statement, licence, reproducibility};
use kit_build::BuildError;
use kit_build::facts::found_out;
use kit_build::scripts::{content_packages, matters, not_run};
use kit_hash::BlobId;
use kit_plan::derivation::{Action, Image, ImageFormat};
use kit_store::Store;
use kit_tree::TreePath;

use super::subject::Audited;
use super::{Args, advisories};
use crate::Failure;
use crate::context::Context;
use crate::evidence::Built;
use crate::project::read_file;

/// The kind of facts that contents of files are. Another version of what is looked for has another encoding, which isn't read.
const CONTENT: &str = "hardening";

/// What was found, and what of it outputs and policies want besides.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) findings: Vec<Finding>,
    /// The areas that were looked at.
    pub(super) areas: BTreeSet<Area>,
    pub(super) licences: BTreeMap<ComponentId, String>,
    pub(super) advised: BTreeMap<String, Advised>,
    pub(super) capabilities: Option<Vec<Held>>,
    pub(super) tables: Vec<Table>,
    /// What is proved not to be affected.
    pub(super) proved: Option<Document>,
    /// What people should know besides, in sentences.
    pub(super) notes: Vec<String>,
}

pub(super) fn gather(
    args: &Args,
    context: &Context,
    store: &Store,
    subject: &Audited,
    today: Day,
) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    let wanted = args.areas();
    let mut asked = None;
    if wanted.contains(&Area::Vulnerabilities) {
        asked = advisories::look(args, context, store, subject, today, &mut gathered)?;
    }
    if wanted.contains(&Area::Hardening) {
        harden(context, store, subject, &mut gathered)?;
    }
    let mut privileges = None;
    if wanted.contains(&Area::Privileges)
        && let Some(root) = &subject.root
    {
        let found = Privileges::of(root, store);
        look_at_privileges(subject, &found, &mut gathered);
        privileges = Some(found);
    }
    if wanted.contains(&Area::SupplyChain) {
        trace(store, subject, today, &mut gathered)?;
    }
    if wanted.contains(&Area::Licences)
        && let Some(built) = &subject.built
    {
        let licences = built.licences(store)?;
        gathered.findings.extend(licence::findings(&built.inventory, &licences));
        let expressions = licences.iter().filter_map(|(id, licence)| {
            licence.expression().map(|expression| (id.clone(), expression.to_owned()))
        });
        gathered.licences = expressions.collect();
        gathered.areas.insert(Area::Licences);
    }
    if wanted.contains(&Area::Reproducibility)
        && let Some(pin) = &subject.pin
    {
        let statements = statements(&args.statement)?;
        gathered.findings.extend(reproducibility::findings(&subject.name, pin, &statements));
        gathered.areas.insert(Area::Reproducibility);
    }
    let answers = countermeasures(countermeasures::Audited {
        findings: &gathered.findings,
        looked_at: &gathered.areas,
        privileges: privileges.as_ref(),
        inventory: subject.inventory(),
        advisories: asked.as_deref(),
        signatures: &Signatures::Unknown,
    });
    gathered.tables.push(checklist(&answers));
    Ok(gathered)
}

fn harden(
    context: &Context,
    store: &Store,
    subject: &Audited,
    gathered: &mut Gathered,
) -> Result<(), Failure> {
    let Some(root) = &subject.root else { return Ok(()) };
    let wanted = hardening::to_examine(root);
    let blobs: BTreeSet<_> = wanted.keys().copied().collect();
    let examine = |blob: &BlobId| {
        let (size, path) = &wanted[blob];
        let content = Content::examine(store, blob, *size);
        content
            .map(|content| content.encode())
            .map_err(|source| BuildError::Io { what: format!("read `{path}`"), source })
    };
    let facts = found_out(store, CONTENT, &blobs, context.jobs(), &examine)?;
    let known =
        facts.iter().filter_map(|(blob, bytes)| Some((*blob, Content::decode(bytes).ok()?))).collect();
    let (inventory, built) = (subject.inventory(), subject.built.as_ref());
    let owner_of = |path: &TreePath| Some(inventory?.file(path)?.owner.to_string());
    let kernel = built.map(|built| built.kernel(store)).transpose()?.flatten();
    let command_line = built.and_then(command_line).unwrap_or_default();
    let found = hardening(&hardening::Image {
        tree: root,
        blobs: store,
        owner_of: &owner_of,
        kernel_config: kernel.as_ref().map(|kernel| kernel.config.as_str()),
        command_line: &command_line,
        sysctls: &BTreeMap::new(),
        known: &known,
    });
    let found = found.map_err(|source| Failure::Evidence { what: "audit", source: Box::new(source) })?;
    gathered.findings.extend(found.findings);
    gathered.areas.insert(Area::Hardening);
    Ok(())
}

/// Returns the command line that the kernel is started with.
fn command_line(built: &Built) -> Option<String> {
    let plan = &built.piece.plan;
    plan.outputs.values().filter_map(|id| plan.get(id)).find_map(|derivation| match derivation.action() {
        Action::Image(Image { format: ImageFormat::KernelInitrd { cmdline, .. }, .. }) => {
            Some(cmdline.clone())
        }
        _ => None,
    })
}

fn look_at_privileges(subject: &Audited, found: &Privileges, gathered: &mut Gathered) {
    let piece = subject.built.as_ref().map(|built| &built.piece);
    let name = subject.name.parse().ok();
    let recipes = piece
        .zip(name.as_ref())
        .and_then(|(piece, name)| Recipes::new(&piece.loaded.recipes, name, Some(&piece.lock)));
    gathered.findings.extend(found.findings(recipes.as_ref()));
    gathered.areas.insert(Area::Privileges);
    let held = found.services.iter().flat_map(|service| {
        service.capabilities.sets().into_keys().map(|capability| Held {
            by: service.name.clone(),
            capability: capability.to_owned(),
            place: recipes.as_ref().and_then(|recipes| {
                recipes.place(&service.name, &Privilege::Capability(capability.to_owned()))
            }),
        })
    });
    gathered.capabilities = Some(held.collect::<Vec<_>>());
    let row = |row: Row| row.cells().map(str::to_owned).to_vec();
    gathered.tables.push(Table {
        id: "privileges",
        title: "Privileges".to_owned(),
        note: "What each container may do. What a cell leaves empty is the least that there is.".to_owned(),
        columns: Row::HEADINGS.map(str::to_owned).to_vec(),
        rows: found.rows().into_iter().map(row).collect(),
    });
}

fn trace(store: &Store, subject: &Audited, today: Day, gathered: &mut Gathered) -> Result<(), Failure> {
    let (Some(lock), Some(built)) = (&subject.lock, &subject.built) else { return Ok(()) };
    let inventory = &built.inventory;
    let outside = Outside {
        now: Some(today.seconds()),
        key_days: 5 * 365,
        suite_days: 180,
        scripts: scripts(store, built)?,
        ..Outside::default()
    };
    gathered.findings.extend(supply_chain::findings(supply_chain::Known {
        inventory,
        lock,
        recipes: &built.piece.loaded.recipes,
        outside: &outside,
    }));
    gathered.areas.insert(Area::SupplyChain);
    Ok(())
}

/// Returns what maintainer scripts would have done that matters, by package.
fn scripts(store: &Store, built: &Built) -> Result<BTreeMap<ComponentId, Vec<String>>, Failure> {
    let (plan, lock) = (&built.piece.plan, &built.piece.lock);
    let mut all = BTreeMap::new();
    for package in content_packages(plan) {
        for (deb, lines) in not_run(store, plan, lock, package)? {
            let lines: Vec<_> = lines.into_iter().filter(|line| matters(line)).collect();
            let is_it = |id: &&ComponentId| matches!(id, ComponentId::Debian(key) if key.name == deb);
            if let Some(id) = built.inventory.components.keys().find(is_it).filter(|_| !lines.is_empty()) {
                all.insert(id.clone(), lines);
            }
        }
    }
    Ok(all)
}

fn statements(paths: &[PathBuf]) -> Result<Vec<(String, Statement)>, Failure> {
    let read = |path: &PathBuf| {
        let bytes = read_file(path, Statement::LIMIT)?;
        let statement = Statement::parse(&bytes)
            .map_err(|source| Failure::Statement { file: path.display().to_string(), source })?;
        Ok((path.display().to_string(), statement))
    };
    paths.iter().map(read).collect()
}

fn checklist(answers: &[countermeasures::Countermeasure]) -> Table {
    let row = |one: &countermeasures::Countermeasure| {
        let evidence = one.evidence.join("; ");
        vec![one.number.to_owned(), one.title.to_owned(), one.status.to_string(), evidence]
    };
    Table {
        id: "countermeasures",
        title: "Countermeasures of NIST SP 800-190".to_owned(),
        note: "Those for images, containers and the host's system that an image can answer by itself."
            .to_owned(),
        columns: ["section", "what", "state", "evidence"].map(str::to_owned).to_vec(),
        rows: answers.iter().map(row).collect(),
    }
}
