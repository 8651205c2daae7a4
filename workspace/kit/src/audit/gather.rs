//! All that an audit finds, area by area.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use kit_audit::advisories::vex::Document;
use kit_audit::countermeasures::{self, Signatures, countermeasures};
use kit_audit::finding::Area;
use kit_audit::hardening::{self, Content, hardening};
use kit_audit::inventory::ComponentId;
use kit_audit::policy::{Advised, Day, Held};
use kit_audit::privileges::{self, Privilege, Privileges, Recipes, Row};
use kit_audit::report::Table;
use kit_audit::{Finding, Statement, licence, reproducibility};
use kit_build::BuildError;
use kit_build::facts::found_out;
use kit_hash::BlobId;
use kit_plan::derivation::{Action, AddedEntry};
use kit_store::Store;
use kit_tree::blobs::MemoryBlobs;
use kit_tree::{Mode, Tree, TreePath};

use super::subject::Audited;
use super::{Asked, advisories, origins};
use crate::Failure;
use crate::context::Context;
use crate::evidence::Built;
use crate::opened::Configured;
use crate::project::read_file;

/// The kind of facts that contents of files are. Another version of what is looked for has another encoding, which isn't read.
const CONTENT: &str = "hardening";

/// What was found, and what of it outputs and policies want besides.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    pub(crate) findings: Vec<Finding>,
    /// The areas that were looked at.
    pub(crate) areas: BTreeSet<Area>,
    pub(crate) licences: BTreeMap<ComponentId, String>,
    pub(crate) advised: BTreeMap<String, Advised>,
    pub(crate) capabilities: Option<Vec<Held>>,
    pub(crate) tables: Vec<Table>,
    /// What is proved not to be affected.
    pub(crate) proved: Option<Document>,
    /// What people should know besides, in sentences.
    pub(crate) notes: Vec<String>,
}

pub(crate) fn gather(
    asked: &Asked,
    context: &Context,
    store: &Store,
    subject: &Audited,
    signed: &Signatures,
    today: Day,
) -> Result<Gathered, Failure> {
    let mut gathered = Gathered::default();
    let wanted = &asked.areas;
    let mut advised = None;
    if wanted.contains(&Area::Vulnerabilities) {
        advised = advisories::look(asked, context, store, subject, today, &mut gathered)?;
    }
    if wanted.contains(&Area::Hardening) {
        harden(context, store, subject, &mut gathered)?;
    }
    let mut privileges = None;
    if wanted.contains(&Area::Privileges)
        && let Some(found) = privileges_of(store, subject)
    {
        look_at_privileges(subject, &found, &mut gathered);
        privileges = Some(found);
    }
    if wanted.contains(&Area::SupplyChain) {
        origins::trace(asked, context, store, subject, today, &mut gathered)?;
    }
    if wanted.contains(&Area::Licences)
        && let Some(inventory) = subject.inventory()
        && let Some(licences) = subject.licences(store)?
    {
        gathered.findings.extend(licence::findings(inventory, &licences));
        let expressions = licences.iter().filter_map(|(id, licence)| {
            licence.expression().map(|expression| (id.clone(), expression.to_owned()))
        });
        gathered.licences = expressions.collect();
        gathered.areas.insert(Area::Licences);
    }
    if wanted.contains(&Area::Reproducibility)
        && let Some(pin) = &subject.pin
    {
        let statements = statements(&asked.statements)?;
        gathered.findings.extend(reproducibility::findings(subject.image(), pin, &statements));
        gathered.areas.insert(Area::Reproducibility);
    }
    // What others made says of itself what it is made of, which vouches for nothing; how it is run isn't known either.
    let is_foreign = subject.foreign.is_some();
    let mut looked_at = gathered.areas.clone();
    looked_at.retain(|area| !is_foreign || *area != Area::SupplyChain);
    let mut answers = countermeasures(countermeasures::Audited {
        findings: &gathered.findings,
        looked_at: &looked_at,
        privileges: privileges.as_ref().filter(|_| !is_foreign || subject.pin.is_some()),
        inventory: subject.inventory().filter(|_| !is_foreign),
        advisories: advised.as_deref(),
        signatures: signed,
    });
    answers.retain(|answer| !is_foreign || subject.pin.is_some() || answer.number.starts_with("4.1."));
    gathered.tables.push(checklist(&answers));
    gathered.tables.extend(subject.configured.as_ref().map(configuration));
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
    let command_line = built.and_then(Built::command_line).unwrap_or_default().to_owned();
    let found = hardening(&hardening::Image {
        tree: root,
        blobs: store,
        owner_of: &owner_of,
        kernel_config: kernel.as_ref().map(|kernel| kernel.config.as_str()),
        command_line: &command_line,
        // The settings of containers are those of namespaces of their own: the init refuses all others. What is set for the whole
        // machine is in files and on the command line, which are read.
        sysctls: &BTreeMap::new(),
        known: &known,
    });
    let found = found.map_err(|source| Failure::Evidence { what: "audit", source: Box::new(source) })?;
    // The kernel below an image that others made is that of whoever runs it.
    let of_kernel =
        |finding: &Finding| ["sysctl-", "boot-"].iter().any(|start| finding.kind.id.starts_with(start));
    let has_kernel = subject.foreign.is_none() || subject.pin.is_some();
    gathered.findings.extend(found.findings.into_iter().filter(|finding| has_kernel || !of_kernel(finding)));
    gathered.areas.insert(Area::Hardening);
    Ok(())
}

/// Returns what containers may do: the image says so, else what is planned to be written into it.
fn privileges_of(store: &Store, subject: &Audited) -> Option<Privileges> {
    if let Some(root) = &subject.root {
        return Some(Privileges::of(root, store));
    }
    let plan = &subject.built.as_ref()?.piece.plan;
    let Some(Action::Compose(root)) = plan.get(&plan.root?).map(kit_plan::Derivation::action) else {
        return None;
    };
    let (mut tree, blobs) = (Tree::new(), MemoryBlobs::new());
    for added in &root.additions {
        let AddedEntry::Inline { content, .. } = &added.what else { continue };
        let size = content.len() as u64;
        // What a directory is in the way of is a mistake that building tells.
        _ = tree.insert_file(added.path.clone(), Mode::FILE, blobs.insert(content.clone()), size);
    }
    Some(Privileges::of(&tree, &blobs))
}

fn look_at_privileges(subject: &Audited, found: &Privileges, gathered: &mut Gathered) {
    let piece = subject.built.as_ref().map(|built| &built.piece);
    let name = subject.image().parse().ok();
    if let Some(configured) = &subject.configured {
        gathered.findings.extend(privileges::of_user(configured.settings.user.as_deref()));
    }
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
    if subject.foreign.is_some() && found.services.is_empty() {
        return;
    }
    gathered.tables.push(Table {
        id: "privileges",
        title: "Privileges".to_owned(),
        note: "What each container may do. What a cell leaves empty is the least that there is.".to_owned(),
        columns: Row::HEADINGS.map(str::to_owned).to_vec(),
        rows: found.rows().into_iter().map(row).collect(),
    });
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

/// Shows what an image says of how it is run.
fn configuration(configured: &Configured) -> Table {
    let settings = &configured.settings;
    let (os, architecture) = &configured.platform;
    let env = settings.env.iter().map(|(name, value)| format!("{name}={value}"));
    let rows = [
        ("name", configured.name.clone().unwrap_or_default()),
        ("platform", format!("{os}/{architecture}")),
        ("digest", configured.manifest.oci()),
        ("command", settings.command.join(" ")),
        ("user", settings.user.clone().unwrap_or_else(|| "root".to_owned())),
        ("working directory", settings.cwd.clone().unwrap_or_default()),
        ("environment", env.collect::<Vec<_>>().join(" ")),
    ];
    let rows = rows.into_iter().filter(|(_, value)| !value.is_empty());
    Table {
        id: "configuration",
        title: "Configuration".to_owned(),
        note: "How the image says that it is run.".to_owned(),
        columns: ["what", "value"].map(str::to_owned).to_vec(),
        rows: rows.map(|(what, value)| vec![what.to_owned(), value]).collect(),
    }
}
