//! What an image is made of, as boxes in columns: the image, its recipes, and the components that they are made of.
//!
//! Leaves with the same makers are one box when there would be too many of them. Narrow screens have the same as an indented list, where what
//! several recipes share stands once, below the first. A page shows both; alone, the first is a file of SVG.

mod layout;
mod svg;

use std::collections::{BTreeMap, BTreeSet};

use super::class_of;
use crate::graph::Scope;
use crate::inventory::{Component, ComponentId, Inventory, Role};
use crate::report::shown;

/// How many boxes are readable.
const READABLE: usize = 100;
/// How many are on a narrow screen, where each has a line of its own.
const READABLE_NARROW: usize = 50;
/// How many leaves with the same makers keep a box of their own: the most that is readable.
const KEPT: [usize; 6] = [8, 5, 3, 2, 1, 0];
/// How many components a box of several names.
const NAMED: usize = 60;

/// A drawing for wide screens and one for narrow ones.
#[derive(Debug, Clone)]
pub struct Graph {
    /// What it shows, in a sentence.
    pub description: String,
    /// In columns.
    pub wide: Drawing,
    /// Indented.
    pub narrow: Drawing,
}

/// A drawing.
#[derive(Debug, Clone)]
pub struct Drawing {
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
    /// The boxes, makers before what they are made of.
    pub boxes: Vec<Box>,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A component's box, or that of several.
#[derive(Debug, Clone)]
pub struct Box {
    /// Which node it is of: lines name it.
    pub node: usize,
    /// Where the component is in the data of the page; none for several.
    pub number: Option<usize>,
    /// The class of its kind.
    pub class: &'static str,
    /// Whether it only took part in making the image.
    pub is_tool: bool,
    /// What is written in it.
    pub label: String,
    /// What is written at its end.
    pub amount: String,
    /// All about it.
    pub title: String,
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// Its width.
    pub width: u32,
    /// Its height.
    pub height: u32,
}

/// A line from a maker to what it is made of.
#[derive(Debug, Clone)]
pub struct Line {
    /// The node of the maker.
    pub from: usize,
    /// The other one.
    pub to: usize,
    /// The path as SVG writes it.
    pub path: String,
}

/// One or several components.
#[derive(Debug)]
struct Node {
    number: Option<usize>,
    class: &'static str,
    is_tool: bool,
    name: String,
    version: String,
    bytes: u64,
    title: String,
    makers: BTreeSet<usize>,
}

impl Graph {
    /// Draws the components of an image; nothing where the image isn't one of them.
    pub fn new(inventory: &Inventory, scope: Scope) -> Option<Self> {
        let parts = Parts::new(inventory, scope)?;
        let nodes = parts.readable(READABLE);
        let description = format!(
            "{} in {} boxes: what the image is made of, from left to right",
            shown::count(parts.makers.len(), "component"),
            nodes.len(),
        );
        let layers = layout::layers(&nodes);
        Some(Self {
            description,
            wide: layout::columns(&nodes, &layers),
            narrow: layout::indented(&parts.readable(READABLE_NARROW)),
        })
    }
}

impl Graph {
    /// Returns both drawings, each with the name of its form.
    pub fn drawings(&self) -> [(&'static str, &Drawing); 2] {
        [("wide", &self.wide), ("narrow", &self.narrow)]
    }

    /// Returns the wide one as a file that needs nothing else.
    pub fn to_svg(&self) -> String {
        svg::file(&self.description, &self.wide)
    }
}

impl Drawing {
    /// Returns its lines and boxes as SVG, without the element around them.
    pub fn elements(&self) -> String {
        svg::elements(self)
    }
}

/// The components that are in an image, and what makes each of them.
struct Parts<'a> {
    inventory: &'a Inventory,
    scope: Scope,
    root: &'a ComponentId,
    makers: BTreeMap<&'a ComponentId, BTreeSet<&'a ComponentId>>,
}

impl<'a> Parts<'a> {
    fn new(inventory: &'a Inventory, scope: Scope) -> Option<Self> {
        let is_root = |id: &&ComponentId| id.is_image(&inventory.image);
        let root = inventory.components.keys().find(is_root)?;
        let mut parts = Self { inventory, scope, root, makers: BTreeMap::from([(root, BTreeSet::new())]) };
        let mut todo = vec![root];
        while let Some(id) = todo.pop() {
            for part in parts.made_of(id) {
                // What would lead back is left out: nothing is made of itself.
                if part == root {
                    continue;
                }
                let makers = parts.makers.entry(part).or_insert_with(|| {
                    todo.push(part);
                    BTreeSet::new()
                });
                makers.insert(id);
            }
        }
        Some(parts)
    }

    fn made_of(&self, id: &ComponentId) -> Vec<&'a ComponentId> {
        let component = self.inventory.components.get(id);
        let parts: BTreeSet<_> = match self.scope {
            Scope::Shipped => component.into_iter().flat_map(|component| &component.made_of).collect(),
            Scope::All => component
                .into_iter()
                .flat_map(|component| component.made_of.union(&component.made_with))
                .collect(),
        };
        let is_shown = |part: &Component| self.scope == Scope::All || part.role != Role::Tool;
        parts.into_iter().filter(|part| self.component(part).is_some_and(is_shown)).collect()
    }

    fn component(&self, id: &ComponentId) -> Option<&'a Component> {
        self.inventory.components.get(id)
    }

    /// Makes nodes, at most as many as are readable where that can be.
    fn readable(&self, most: usize) -> Vec<Node> {
        let nodes = KEPT.iter().map(|kept| self.nodes(*kept)).find(|nodes| nodes.len() <= most);
        nodes.unwrap_or_else(|| self.nodes(0))
    }

    /// Makes nodes: leaves with the same makers are one, but for the largest `kept` of them.
    fn nodes(&self, kept: usize) -> Vec<Node> {
        let mut alike: BTreeMap<&BTreeSet<&ComponentId>, Vec<&'a ComponentId>> = BTreeMap::new();
        let mut inner = vec![self.root];
        for (id, makers) in &self.makers {
            if *id == self.root {
                continue;
            }
            if self.made_of(id).is_empty() && matches!(id, ComponentId::Recipe(_))
                || !self.made_of(id).is_empty()
            {
                inner.push(id);
            } else {
                alike.entry(makers).or_default().push(id);
            }
        }
        let numbers: BTreeMap<_, _> =
            self.inventory.components.keys().enumerate().map(|(number, id)| (id, number)).collect();
        let mut nodes: Vec<_> = inner.iter().map(|id| self.node(id, numbers.get(id).copied())).collect();
        let places: BTreeMap<_, _> = inner.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let place = |id: &&ComponentId| places.get(id).copied();
        for (node, id) in nodes.iter_mut().zip(&inner) {
            node.makers = self.makers[*id].iter().filter_map(place).collect();
        }
        for (makers, mut leaves) in alike {
            leaves.sort_by_key(|id| {
                std::cmp::Reverse(self.component(id).map_or(0, |component| component.bytes))
            });
            // One alone needs no more room than `1 more`.
            let kept = if leaves.len() == kept + 1 { leaves.len() } else { kept.min(leaves.len()) };
            let (own, rest) = leaves.split_at(kept);
            let mut made: Vec<_> = own.iter().map(|id| self.node(id, numbers.get(id).copied())).collect();
            made.extend((!rest.is_empty()).then(|| self.several(rest, own.is_empty())));
            for mut node in made {
                node.makers = makers.iter().filter_map(place).collect();
                nodes.push(node);
            }
        }
        nodes
    }

    fn node(&self, id: &ComponentId, number: Option<usize>) -> Node {
        let component = self.component(id);
        let (class, kind) = class_of(id);
        let name = match id {
            ComponentId::Recipe(_) | ComponentId::Foreign(_) => id.to_string(),
            _ => component.map_or_else(|| id.to_string(), |component| component.name.clone()),
        };
        let version = component.and_then(|component| component.version.clone()).unwrap_or_default();
        let (files, bytes) = component.map_or((0, 0), |component| (component.files, component.bytes));
        let amounts = match (component.map(|component| component.role), files) {
            (Some(Role::Part), 0) => "built into another".to_owned(),
            (Some(Role::Tool), _) => "a tool".to_owned(),
            (_, files) => format!(
                "{}, {}",
                shown::count(usize::try_from(files).unwrap_or(usize::MAX), "path"),
                shown::bytes(bytes)
            ),
        };
        Node {
            number,
            class,
            is_tool: component.is_some_and(|component| component.role == Role::Tool),
            title: shown::line(&format!("{id} ({kind}): {amounts}")),
            name: shown::line(&name),
            version: shown::line(&version),
            bytes,
            makers: BTreeSet::new(),
        }
    }

    fn several(&self, ids: &[&ComponentId], is_all: bool) -> Node {
        let bytes = ids
            .iter()
            .filter_map(|id| self.component(id))
            .fold(0_u64, |sum, one| sum.saturating_add(one.bytes));
        let mut names: Vec<_> = ids.iter().take(NAMED).map(|id| shown::line(&id.to_string())).collect();
        if ids.len() > NAMED {
            names.push(format!("and {} more", ids.len() - NAMED));
        }
        let name =
            if is_all { shown::count(ids.len(), "component") } else { format!("and {} more", ids.len()) };
        Node {
            number: None,
            class: "several",
            is_tool: ids.iter().filter_map(|id| self.component(id)).all(|one| one.role == Role::Tool),
            name,
            version: String::new(),
            bytes,
            title: names.join(", "),
            makers: BTreeSet::new(),
        }
    }
}
