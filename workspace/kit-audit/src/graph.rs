//! What an image is made of, as a graph: recipes, packages, crates, images, from the image down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::inventory::{Component, ComponentId, Inventory, Role};

/// Components and what each is made of, by places in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Graph {
    /// The components, the image first, each with its name and its role.
    pub nodes: Vec<Node>,
    /// From a component to one that it is made of, or made with.
    pub edges: Vec<Edge>,
}

/// A component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// What tells it from others.
    pub id: ComponentId,
    /// How it takes part.
    pub role: Role,
    /// The bytes of its files in the image.
    pub bytes: u64,
}

/// A line from one component to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The place of the upper one.
    pub from: usize,
    /// The place of the lower one.
    pub to: usize,
    /// How the lower one is used.
    pub how: How,
}

/// How a component is used by another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// The upper one is made of it.
    Of,
    /// The upper one is built with it.
    With,
}

/// Which components a graph shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// What is in the image, and what that is made of.
    Shipped,
    /// The tools, too.
    All,
}

impl Graph {
    /// Draws the graph of an inventory: what the image leads to, layer by layer.
    pub fn new(inventory: &Inventory, scope: Scope) -> Self {
        let is_shown = |component: &Component| scope == Scope::All || component.role != Role::Tool;
        let image = inventory.components.iter().find(|(id, _)| id.is_image(&inventory.image));
        let (mut graph, mut places) = (Self { nodes: Vec::new(), edges: Vec::new() }, BTreeMap::new());
        let mut todo: Vec<_> = image.map(|(id, _)| id).into_iter().collect();
        let mut seen: BTreeSet<_> = todo.iter().copied().collect();
        while !todo.is_empty() {
            let mut next = Vec::new();
            for id in todo {
                let component = &inventory.components[id];
                places.insert(id, graph.nodes.len());
                let (role, bytes) = (component.role, component.bytes);
                graph.nodes.push(Node { id: id.clone(), role, bytes });
                for (below, _) in used(component) {
                    let is_there = inventory.components.get(below).is_some_and(is_shown);
                    if is_there && seen.insert(below) {
                        next.push(below);
                    }
                }
            }
            todo = next;
        }
        for (id, from) in &places {
            let below = used(&inventory.components[*id]);
            let edges =
                below.filter_map(|(below, how)| Some(Edge { from: *from, to: *places.get(below)?, how }));
            graph.edges.extend(edges);
        }
        graph.edges.sort_unstable();
        graph
    }

    /// Writes it in Graphviz's language.
    pub fn to_dot(&self) -> String {
        let mut text =
            String::from("digraph image {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let label = node.id.to_string().replace('\\', "\\\\").replace('"', "\\\"");
            let style = match node.role {
                Role::Shipped => "",
                Role::Part => ", style=rounded",
                Role::Tool => ", style=dashed",
            };
            line(&mut text, &format!("  n{at} [label=\"{label}\"{style}];"));
        }
        for edge in &self.edges {
            let style = if edge.how == How::With { " [style=dashed]" } else { "" };
            line(&mut text, &format!("  n{} -> n{}{style};", edge.from, edge.to));
        }
        text.push_str("}\n");
        text
    }

    /// Writes it in Mermaid's language, for documents.
    pub fn to_mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let label = node.id.to_string().replace('#', "#35;").replace('"', "#quot;");
            let (open, close) = if node.role == Role::Part { ("(", ")") } else { ("[", "]") };
            line(&mut text, &format!("  n{at}{open}\"{label}\"{close}"));
        }
        for edge in &self.edges {
            let arrow = if edge.how == How::With { "-.->" } else { "-->" };
            line(&mut text, &format!("  n{} {arrow} n{}", edge.from, edge.to));
        }
        text
    }
}

fn used(component: &Component) -> impl Iterator<Item = (&ComponentId, How)> {
    let of = component.made_of.iter().map(|id| (id, How::Of));
    of.chain(component.made_with.iter().map(|id| (id, How::With)))
}

fn line(text: &mut String, line: &str) {
    writeln!(text, "{line}").expect("because writing to a string doesn't fail");
}
