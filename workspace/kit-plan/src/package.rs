//! How a package is lowered: its sources, the step that builds it, the tree that it is.

use std::collections::BTreeMap;

use kit_hash::{BlobId, DerivationId, TreeId};
use kit_recipe::package::{Addition, Build, Contents, Package, Source, TreeRules};
use kit_recipe::recipe::RecipeName;
use kit_recipe::{Name, Spanned};
use kit_tree::{Entry, Meta, TreePath};

use crate::PlanError;
use crate::derivation::{Action, Added, AddedEntry, Compose, Input, Laying, Part, Run};
use crate::evaluate::place;
use crate::planner::{Plan, Planner};
use crate::requirements::texts;

/// The environment that every script finds, unless its recipe says otherwise; beside it there is `SOURCE_DATE_EPOCH`.
pub const FIXED_ENVIRONMENT: [(&str, &str); 9] = [
    ("HOME", "/build"),
    ("LANG", "C.UTF-8"),
    ("LC_ALL", "C.UTF-8"),
    ("OUT", "/out"),
    ("PATH", "/usr/sbin:/usr/bin"),
    ("SHELL", "/bin/sh"),
    ("TMPDIR", "/tmp"),
    ("TZ", "UTC"),
    ("USER", "kit"),
];

/// Directories and files that every sandbox root has, beside its tools.
const SANDBOX_DIRECTORIES: [&str; 9] =
    ["/build", "/dev", "/etc", "/out", "/proc", "/src", "/tmp", "/usr/bin", "/var/tmp"];
const SANDBOX_PASSWD: [&str; 2] =
    ["root:x:0:0:root:/:/usr/sbin/nologin", "kit:x:1000:1000:kit:/build:/bin/sh"];
const SANDBOX_GROUP: [&str; 2] = ["root:x:0:", "kit:x:1000:"];

impl Planner<'_> {
    /// Plans the tree of a package.
    pub(crate) fn package(&mut self, name: &Name) -> DerivationId {
        if let Some(id) = self.plan.packages.get(name) {
            return *id;
        }
        let recipes = self.inputs.recipes;
        let package = recipes.package(name);
        let recipe = RecipeName::Package(name.clone());
        let mut parts = match &package.build {
            Some(build) => {
                let input = Input::Derivation(self.build(package, build));
                vec![Part { input, owner: name.to_string(), at: TreePath::root() }]
            }
            None => self.source_parts(package),
        };
        for used in &package.tree.packages {
            let input = Input::Derivation(self.package(&used.value));
            parts.push(Part { input, owner: used.to_string(), at: TreePath::root() });
        }
        let compose = self.compose(&recipe, &package.tree, parts);
        let id = self.plan.add(format!("package {name}"), Action::Compose(compose));
        self.plan.packages.insert(name.clone(), id);
        id
    }

    /// Plans the parts of a package that nothing builds: each Debian package and local directory for itself.
    fn source_parts(&mut self, package: &Package) -> Vec<Part> {
        let mut parts = Vec::new();
        for (source_name, source) in &package.sources {
            parts.extend(self.source_inputs(package, source_name, source));
            if let Source::Crates { .. } = source.value {
                let recipe = RecipeName::Package(package.name.value.clone());
                let place = place(self.inputs.recipes, &recipe, source.span.clone());
                let source_name = source_name.to_string();
                self.problems.push(PlanError::CratesWithoutBuild { source_name, place });
            }
        }
        parts
    }

    fn source_inputs(&mut self, package: &Package, name: &Name, source: &Spanned<Source>) -> Vec<Part> {
        let key = (package.name.value.clone(), name.clone());
        let root = TreePath::root;
        match &source.value {
            Source::Local { .. } => {
                let recipe = RecipeName::Package(package.name.value.clone());
                let tree = self.local(&recipe, name.as_str());
                tree.map(|tree| Part { input: Input::Tree(tree.id()), owner: name.to_string(), at: root() })
                    .into_iter()
                    .collect()
            }
            Source::Debian { .. } => {
                let Some(closure) = self.inputs.lock.closures.get(&key) else {
                    self.unpinned(format!("the source `{name}` of package {}", package.name.value));
                    return Vec::new();
                };
                let parts = closure.iter().filter_map(|deb| {
                    self.deb(deb).map(|input| Part { input, owner: deb.name.clone(), at: root() })
                });
                parts.collect()
            }
            Source::DebianSource { patches, .. } => {
                let input = self.debian_source(&key, *patches);
                input.map(|input| Part { input, owner: name.to_string(), at: root() }).into_iter().collect()
            }
            Source::Crates { .. } => {
                let pins = self.inputs.crates.get(&key).map_or(&[][..], Vec::as_slice);
                let parts = pins.iter().filter_map(|pin| {
                    self.krate(pin).map(|input| Part { input, owner: pin.name.clone(), at: root() })
                });
                parts.collect()
            }
            Source::Url(url) => {
                let input = self.upstream_file(&key, &source.value, url);
                input.map(|input| Part { input, owner: name.to_string(), at: root() }).into_iter().collect()
            }
            Source::Image(reference) => {
                let image = self.image(reference).map(|(tree, _)| Input::Derivation(tree));
                image.map(|input| Part { input, owner: name.to_string(), at: root() }).into_iter().collect()
            }
            Source::Git(git) => {
                let input = self.commit(&key, &source.value, git);
                input.map(|input| Part { input, owner: name.to_string(), at: root() }).into_iter().collect()
            }
        }
    }

    fn build(&mut self, package: &Package, build: &Build) -> DerivationId {
        let name = &package.name.value;
        let mut sources = BTreeMap::new();
        for (source_name, source) in &package.sources {
            let parts = self.source_inputs(package, source_name, source);
            let whole = matches!(
                source.value,
                Source::Local { .. }
                    | Source::DebianSource { .. }
                    | Source::Url(_)
                    | Source::Git(_)
                    | Source::Image(_)
            );
            let input = if let (true, [only]) = (whole, parts.as_slice()) {
                only.input
            } else {
                let compose = Compose { parts, ..Compose::default() };
                let title = format!("source {name}/{source_name}");
                Input::Derivation(self.plan.add(title, Action::Compose(compose)))
            };
            sources.insert(source_name.to_string(), input);
        }
        let tools: Vec<_> = build.tools.iter().map(|tool| tool.value.clone()).collect();
        let root = self.sandbox_root(&format!("tools of {name}"), &tools);
        let run = Run {
            root,
            sources,
            script: build.run.value.clone(),
            env: self.environment(&build.env),
            timeout: build.timeout,
            processors: build.processors,
        };
        self.plan.add(format!("build {name}"), Action::Run(run))
    }

    /// Plans the root of a sandbox: the union of `tools`, with what every root has.
    pub(crate) fn sandbox_root(&mut self, title: &str, tools: &[Name]) -> Input {
        let parts = tools.iter().map(|tool| Part {
            input: Input::Derivation(self.package(tool)),
            owner: tool.to_string(),
            at: TreePath::root(),
        });
        let compose = root_of(parts.collect());
        Input::Derivation(self.plan.add(title, Action::Compose(compose)))
    }

    /// Returns the whole environment of a script.
    pub(crate) fn environment(&self, own: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut env: BTreeMap<_, _> =
            FIXED_ENVIRONMENT.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        env.insert("SOURCE_DATE_EPOCH".to_owned(), self.source_date().to_string());
        env.extend(own.clone());
        env
    }

    /// Makes a composition of `parts` by the rules of a recipe.
    pub(crate) fn compose(&mut self, recipe: &RecipeName, rules: &TreeRules, parts: Vec<Part>) -> Compose {
        let mut prefer = BTreeMap::new();
        for (path, owner) in &rules.prefer {
            if let Some(part) = parts.iter().position(|part| part.owner == owner.as_str()) {
                prefer.insert(path.clone(), part);
            } else {
                self.problems.push(PlanError::UnknownOwner {
                    owner: owner.to_string(),
                    path: path.clone(),
                    known: parts.iter().map(|part| part.owner.clone()).collect(),
                    place: place(self.inputs.recipes, recipe, owner.span.clone()),
                });
            }
        }
        let additions =
            rules.additions.iter().filter_map(|addition| self.added(recipe, &addition.value)).collect();
        let users = &rules.users;
        let passwd = users
            .iter()
            .map(|u| format!("{name}:x:{}:{}:{name}:{}:{}", u.uid, u.gid, u.home, u.shell, name = u.name));
        Compose {
            parts,
            laying: Laying::Union,
            prefer,
            include: texts(&rules.include),
            exclude: texts(&rules.exclude),
            additions,
            ensure: Vec::new(),
            mount_points: Vec::new(),
            passwd: passwd.collect(),
            group: users.iter().map(|u| format!("{}:x:{}:", u.name, u.gid)).collect(),
        }
    }

    fn added(&mut self, recipe: &RecipeName, addition: &Addition) -> Option<Added> {
        let path = addition.path().clone();
        let meta = |mode, uid, gid| Meta { uid, gid, ..Meta::root(mode) };
        let what = match addition {
            Addition::File { contents: Contents::Inline(text), mode, uid, gid, .. } => {
                AddedEntry::Inline { meta: meta(*mode, *uid, *gid), content: text.clone().into_bytes() }
            }
            Addition::File { contents: Contents::Local(_), mode, uid, gid, .. } => {
                let (blob, size) = contents_of(&self.local(recipe, &path.to_string())?)?;
                AddedEntry::Entry(Entry::File { meta: meta(*mode, *uid, *gid), blob, size })
            }
            Addition::Directory { mode, uid, gid, .. } => {
                AddedEntry::Entry(Entry::Directory(meta(*mode, *uid, *gid)))
            }
            Addition::Symlink { target, .. } => AddedEntry::Entry(Entry::symlink(target.as_bytes())),
        };
        Some(Added { path, what })
    }
}

/// Puts the root of a sandbox together.
fn root_of(parts: Vec<Part>) -> Compose {
    Compose {
        parts,
        ensure: paths(&SANDBOX_DIRECTORIES),
        passwd: SANDBOX_PASSWD.map(str::to_owned).to_vec(),
        group: SANDBOX_GROUP.map(str::to_owned).to_vec(),
        ..Compose::default()
    }
}

/// Plans the root of a sandbox from trees that are known, each with its package: one step.
pub fn root_of_trees(title: &str, trees: &BTreeMap<Name, TreeId>) -> (Plan, DerivationId) {
    let part = |(owner, tree): (&Name, &TreeId)| Part {
        input: Input::Tree(*tree),
        owner: owner.to_string(),
        at: TreePath::root(),
    };
    let mut plan = Plan::default();
    let id = plan.add(title, Action::Compose(root_of(trees.iter().map(part).collect())));
    (plan, id)
}

/// Returns the one file of the tree of an added local file.
fn contents_of(tree: &kit_tree::Tree) -> Option<(BlobId, u64)> {
    tree.entries().find_map(|(_, entry)| match entry {
        Entry::File { blob, size, .. } => Some((*blob, *size)),
        _ => None,
    })
}

/// Reads paths that this program writes itself.
pub(crate) fn paths(texts: &[&str]) -> Vec<TreePath> {
    texts.iter().map(|text| text.parse().expect("because it is a constant path")).collect()
}
