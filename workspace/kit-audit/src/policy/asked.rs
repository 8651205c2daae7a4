//! What a policy asks for: budgets, licences, signatures, and what is forbidden.

use std::collections::BTreeMap;

use kit_recipe::Spanned;
use kit_recipe::policy::{BySeverity, Policy};
use kit_tree::{Entry, Globs, Meta, Mode, Tree, TreePath};
use spdx::{Expression, Licensee, ParseMode};

use super::{Subject, kinds, level};
use crate::finding::{Area, Evidence, Finding, Kind};
use crate::inventory::{Component, ComponentId, File, Inventory, Role};

/// Expressions as packages write them: with identifiers that SPDX has replaced since, but with none that it never had.
const WRITTEN: ParseMode =
    ParseMode { allow_deprecated: true, allow_postfix_plus_on_gpl: true, ..ParseMode::STRICT };

/// Adds what is found; returns what couldn't be judged.
pub(super) fn ask(policy: &Policy, subject: Subject<'_>, findings: &mut Vec<Finding>) -> Vec<String> {
    let mut asked = Asked { policy, findings, left_out: Vec::new() };
    asked.vulnerabilities(subject);
    asked.size(subject.inventory);
    asked.licences(subject);
    asked.signatures(subject);
    asked.files(subject.inventory);
    asked.capabilities(subject);
    asked.packages(subject.inventory);
    asked.left_out
}

/// Whether a text is the identifier of a licence, with an exception where it has one.
pub(super) fn is_licence(text: &str) -> bool {
    Licensee::parse(text).is_ok()
}

struct Asked<'a> {
    policy: &'a Policy,
    findings: &'a mut Vec<Finding>,
    left_out: Vec<String>,
}

impl Asked<'_> {
    fn find<T>(
        &mut self,
        kind: &'static Kind,
        asked: &Spanned<T>,
        key: &str,
        message: String,
    ) -> &mut Finding {
        let line = level::line(self.policy, asked.span.start);
        let fact = Evidence::Fact(format!("policy.toml:{line} asks for it"));
        self.findings.push(Finding::new(kind, key, message).because(fact));
        self.findings.last_mut().expect("because it was just pushed")
    }

    fn left_out(&mut self, what: &str, why: &str) {
        self.left_out.push(format!("{what} couldn't be judged: {why}"));
    }

    fn vulnerabilities(&mut self, subject: Subject<'_>) {
        let is_asked = self.policy.vulnerabilities != BySeverity::default();
        if is_asked && !subject.areas.contains(&Area::Vulnerabilities) {
            self.left_out("`[vulnerabilities]`", "no advisories were asked");
        }
    }

    fn size(&mut self, inventory: Option<&Inventory>) {
        let size = &self.policy.size;
        let files = inventory.filter(|inventory| !inventory.files.is_empty());
        let count = |inventory: &Inventory| {
            inventory.files.iter().filter(|file| !file.entry.is_directory()).count() as u64
        };
        let budgets = [
            ("image", &size.image, files.map(Inventory::bytes), "bytes"),
            ("files", &size.files, files.map(count), "files"),
            ("packages", &size.packages, inventory.map(shipped_count), "packages"),
        ];
        for (key, budget, found, unit) in budgets {
            let Some(budget) = budget else { continue };
            match found {
                None => self.left_out(&format!("`[size] {key}`"), "the files of the image aren't known"),
                Some(found) if found > budget.value => {
                    let message = format!("the image has {found} {unit}, {} are the budget", budget.value);
                    self.find(&kinds::SIZE_BUDGET, budget, key, message);
                }
                Some(_) => {}
            }
        }
    }

    fn licences(&mut self, subject: Subject<'_>) {
        let licences = subject.licences;
        let asked = &self.policy.licences;
        if asked.allowed.is_none() && asked.denied.is_empty() {
            return;
        }
        let Some(inventory) = subject.inventory else {
            return self.left_out("`[licences]`", "the components of the image aren't known");
        };
        if !subject.areas.contains(&Area::Licences) {
            return self.left_out("`[licences]`", "nobody looked at licences");
        }
        let rule = Licences::new(self.policy);
        let mut known: BTreeMap<&str, Option<String>> = BTreeMap::new();
        let mut found = Vec::new();
        for (id, component) in in_image(inventory) {
            let fault = match licences.get(id) {
                Some(licence) => known.entry(licence).or_insert_with(|| rule.fault(licence)).clone(),
                // What a recipe adds by itself has no licence of its own.
                None if matches!(id, ComponentId::Recipe(_)) => None,
                None => rule.fault_of_none(),
            };
            found.extend(fault.map(|fault| (id.to_string(), format!("`{}` {fault}", component.name))));
        }
        let at = rule.at;
        for (key, message) in found {
            self.find(&kinds::LICENCE_NOT_ALLOWED, &at, &key, message);
        }
    }

    fn signatures(&mut self, subject: Subject<'_>) {
        let Some(quorum) = &self.policy.signatures else { return };
        let Some(signed_by) = subject.signed_by else {
            return self.left_out("`[signatures]`", "nobody looked for signatures");
        };
        let (asked, found) = (quorum.value.0, signed_by.len());
        if usize::try_from(asked).is_ok_and(|asked| found >= asked) {
            return;
        }
        let message = format!("{found} of the trusted keys have signed, {asked} are asked for");
        let keys: Vec<_> = signed_by.iter().map(String::as_str).collect();
        let finding = self.find(&kinds::SIGNATURE_MISSING, quorum, "quorum", message);
        if !keys.is_empty() {
            finding.evidence.push(Evidence::Fact(format!("signed by {}", keys.join(", "))));
        }
    }

    fn files(&mut self, inventory: Option<&Inventory>) {
        let globs = &self.policy.forbidden.files;
        if globs.is_empty() {
            return;
        }
        let Some(inventory) = inventory.filter(|inventory| !inventory.files.is_empty()) else {
            return self.left_out("`[forbidden] files`", "the files of the image aren't known");
        };
        let tree = names(inventory);
        let by_path: BTreeMap<&TreePath, &File> =
            inventory.files.iter().map(|file| (&file.path, file)).collect();
        for glob in globs {
            let Ok(globs) = Globs::new(std::slice::from_ref(&glob.value), &[]) else { continue };
            let selected = globs.select(&tree).tree;
            for (path, _) in selected.entries().filter(|(_, entry)| !entry.is_directory()) {
                let message = format!("`{path}` is forbidden by `{}`", glob.value);
                let owner = by_path.get(path).map(|file| file.owner.to_string());
                let file = Evidence::File { path: path.clone(), owner };
                self.find(&kinds::FORBIDDEN_FILE, glob, &path.to_string(), message).evidence.push(file);
            }
        }
        // A file that two globs forbid is one finding.
        let mut seen = std::collections::BTreeSet::new();
        self.findings
            .retain(|finding| finding.kind != &kinds::FORBIDDEN_FILE || seen.insert(finding.key.clone()));
    }

    fn capabilities(&mut self, subject: Subject<'_>) {
        let forbidden = &self.policy.forbidden.capabilities;
        if forbidden.is_empty() {
            return;
        }
        let Some(held) = subject.capabilities else {
            return self.left_out("`[forbidden] capabilities`", "the services of the image aren't known");
        };
        for capability in forbidden {
            let name = capability.as_str();
            for held in held.iter().filter(|held| held.capability == name) {
                let message = format!("`{}` has `{name}`", held.by);
                let key = format!("{name} {}", held.by);
                let finding = self.find(&kinds::FORBIDDEN_CAPABILITY, capability, &key, message);
                finding.evidence.extend(held.place.clone().map(Evidence::Recipe));
            }
        }
    }

    fn packages(&mut self, inventory: Option<&Inventory>) {
        let forbidden = &self.policy.forbidden.packages;
        if forbidden.is_empty() {
            return;
        }
        let Some(inventory) = inventory else {
            return self.left_out("`[forbidden] packages`", "the components of the image aren't known");
        };
        for package in forbidden {
            for (id, _) in in_image(inventory).filter(|(_, component)| component.name == package.value) {
                let key = id.to_string();
                let message = format!("`{key}` is in the image");
                self.find(&kinds::FORBIDDEN_PACKAGE, package, &key, message);
            }
        }
    }
}

fn in_image(inventory: &Inventory) -> impl Iterator<Item = (&ComponentId, &Component)> {
    inventory.components.iter().filter(|(_, component)| component.role != Role::Tool)
}

/// Counts what others made and the image ships: a recipe is no package.
fn shipped_count(inventory: &Inventory) -> u64 {
    let is_package = |id: &&ComponentId| !matches!(id, ComponentId::Recipe(_) | ComponentId::Foreign(_));
    inventory.in_role(Role::Shipped).map(|(id, _)| id).filter(is_package).count() as u64
}

/// Returns a tree of the names of all files: what they are doesn't matter to globs.
fn names(inventory: &Inventory) -> Tree {
    let mut tree = Tree::new();
    let above = Meta::root(Mode::DIRECTORY);
    for file in &inventory.files {
        let entry = if file.entry.is_directory() { Entry::directory() } else { Entry::symlink("") };
        // What is loaded before the root has no directories of its own, and the kernel can be in the root, too.
        let is_new = tree.get(&file.path).is_none() && tree.make_parents(&file.path, &above).is_ok();
        if is_new && tree.insert(file.path.clone(), entry).is_err() {
            tree.remove(&file.path);
        }
    }
    tree
}

/// Which licences are good.
struct Licences {
    allowed: Option<Vec<Licensee>>,
    denied: Vec<Licensee>,
    at: Spanned<()>,
}

impl Licences {
    fn new(policy: &Policy) -> Self {
        let asked = &policy.licences;
        let read = |list: &[Spanned<String>]| -> Vec<_> {
            list.iter().filter_map(|licence| Licensee::parse(licence).ok()).collect()
        };
        let first = asked.allowed.iter().flatten().chain(&asked.denied).next();
        let at = Spanned::new((), first.map_or(0..0, |licence| licence.span.clone()));
        Self { allowed: asked.allowed.as_deref().map(read), denied: read(&asked.denied), at }
    }

    /// Returns what is wrong with an expression.
    fn fault(&self, licence: &str) -> Option<String> {
        let Ok(expression) = Expression::parse_mode(licence, WRITTEN) else {
            return Some(format!("has `{licence}` for a licence, which SPDX doesn't know"));
        };
        let is_in = |list: &[Licensee], asked: &spdx::LicenseReq| list.iter().any(|one| one.satisfies(asked));
        if !expression.evaluate(|asked| !is_in(&self.denied, asked)) {
            return Some(format!("is under `{licence}`, which is denied"));
        }
        let allowed = self.allowed.as_ref()?;
        let is_good = expression.evaluate(|asked| is_in(allowed, asked));
        (!is_good).then(|| format!("is under `{licence}`, which isn't allowed"))
    }

    /// Returns what is wrong with no expression at all.
    fn fault_of_none(&self) -> Option<String> {
        self.allowed.as_ref().map(|_| "has no licence that is known".to_owned())
    }
}
