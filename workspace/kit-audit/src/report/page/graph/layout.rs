//! Where boxes and lines are.

use std::collections::BTreeSet;

use super::{Box, Drawing, Line, Node};
use crate::report::shown;

/// The width of the wide drawing.
const WIDE: u32 = 1130;
/// The width of the narrow one.
const NARROW: u32 = 310;
/// The height of a box, and from one to the next.
const BOX: u32 = 22;
const STEP: u32 = 28;
/// Between columns, for the lines.
const GAP: u32 = 90;
/// How far a part stands to the right of its maker in the narrow drawing.
const INDENT: u32 = 16;
/// How wide a character is, about.
const CHARACTER: usize = 7;
/// How often the columns are put in order by their neighbours.
const SWEEPS: usize = 4;

/// Returns the column of each node: one further than the furthest of its makers.
pub(super) fn layers(nodes: &[Node]) -> Vec<usize> {
    let mut layers = vec![0; nodes.len()];
    // Each round settles one column at least; makers that go around in a circle would never settle.
    for _ in 0..nodes.len() {
        let mut is_settled = true;
        for (at, node) in nodes.iter().enumerate() {
            let layer =
                node.makers.iter().map(|maker| layers[*maker] + 1).max().unwrap_or(0).min(nodes.len());
            is_settled &= layer == layers[at];
            layers[at] = layer;
        }
        if is_settled {
            break;
        }
    }
    layers
}

/// Draws nodes in columns.
pub(super) fn columns(nodes: &[Node], layers: &[usize]) -> Drawing {
    let count = layers.iter().max().map_or(1, |last| last + 1);
    let mut columns: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, layer) in layers.iter().enumerate() {
        columns[*layer].push(node);
    }
    let neighbours = neighbours(nodes);
    let mut rank: Vec<u64> = vec![0; nodes.len()];
    for sweep in 0..SWEEPS {
        for at in 0..count {
            let at = if sweep % 2 == 0 { at } else { count - 1 - at };
            sort(&mut columns[at], &neighbours, &mut rank);
        }
    }
    let y = heights(&columns, &neighbours, nodes.len());
    let width = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let room = (WIDE + GAP) / width;
    let width = room.saturating_sub(GAP).clamp(80, 300);
    let boxes: Vec<_> = (0..nodes.len())
        .map(|node| {
            let x = room * u32::try_from(layers[node]).unwrap_or_default();
            boxed(node, &nodes[node], (x, y[node]), width, "")
        })
        .collect();
    let line = |from: usize, to: usize| {
        let (x1, y1) = (boxes[from].x + width, y[from] + BOX / 2);
        let (x2, y2) = (boxes[to].x, y[to] + BOX / 2);
        let middle = x2.saturating_sub(GAP / 2);
        format!("M{x1} {y1}H{}C{middle} {y1} {middle} {y2} {x2} {y2}", x2.saturating_sub(GAP))
    };
    let lines = lines(nodes, line);
    let height = y.iter().max().map_or(0, |last| last + BOX);
    Drawing { width: WIDE, height, boxes, lines }
}

fn neighbours(nodes: &[Node]) -> Vec<BTreeSet<usize>> {
    let mut neighbours: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); nodes.len()];
    for (node, maker) in
        nodes.iter().enumerate().flat_map(|(at, node)| node.makers.iter().map(move |m| (at, *m)))
    {
        neighbours[node].insert(maker);
        neighbours[maker].insert(node);
    }
    neighbours
}

/// Puts a column in the order of the means of its neighbours' ranks.
fn sort(column: &mut [usize], neighbours: &[BTreeSet<usize>], rank: &mut [u64]) {
    let mean = |node: usize, rank: &[u64]| {
        let sum: u64 = neighbours[node].iter().map(|other| rank[*other]).sum();
        sum / (neighbours[node].len() as u64).max(1)
    };
    column.sort_by_key(|node| (mean(*node, rank), *node));
    let spread = 1_000_000 / (column.len() as u64).max(1);
    for (place, node) in column.iter().enumerate() {
        rank[*node] = place as u64 * spread + spread / 2;
    }
}

/// Returns how far from the top each node is: evenly in the longest column, beside the highest of its neighbours in the others.
fn heights(columns: &[Vec<usize>], neighbours: &[BTreeSet<usize>], nodes: usize) -> Vec<u32> {
    let mut y: Vec<Option<u32>> = vec![None; nodes];
    let longest = (0..columns.len()).max_by_key(|at| (columns[*at].len(), *at)).unwrap_or(0);
    let outward = (0..longest).rev().chain(longest + 1..columns.len());
    for (at, node) in columns[longest].iter().enumerate() {
        y[*node] = Some(u32::try_from(at).unwrap_or_default() * STEP);
    }
    let bottom = u32::try_from(columns[longest].len().saturating_sub(1)).unwrap_or_default() * STEP;
    for at in outward {
        let column = &columns[at];
        let mut next = 0;
        for (place, node) in column.iter().enumerate() {
            let highest = neighbours[*node].iter().filter_map(|other| y[*other]).min();
            // Those below need room, too.
            let below = u32::try_from(column.len() - 1 - place).unwrap_or_default() * STEP;
            let wanted = highest.unwrap_or(next).min(bottom.saturating_sub(below));
            let placed = wanted.max(next);
            y[*node] = Some(placed);
            next = placed + STEP;
        }
    }
    y.into_iter().map(Option::unwrap_or_default).collect()
}

fn lines(nodes: &[Node], path: impl Fn(usize, usize) -> String) -> Vec<Line> {
    let pairs =
        nodes.iter().enumerate().flat_map(|(to, node)| node.makers.iter().map(move |from| (*from, to)));
    pairs.map(|(from, to)| Line { from, to, path: path(from, to) }).collect()
}

/// Draws nodes below each other, each once, to the right of its first maker.
pub(super) fn indented(nodes: &[Node]) -> Drawing {
    let mut boxes = Vec::with_capacity(nodes.len());
    let mut lines = Vec::new();
    let mut top: Vec<Option<(u32, u32)>> = vec![None; nodes.len()];
    let mut todo: Vec<(usize, Option<usize>, u32)> = vec![(0, None, 0)];
    while let Some((node, maker, depth)) = todo.pop() {
        if top[node].is_some() {
            continue;
        }
        let y = u32::try_from(boxes.len()).unwrap_or_default() * STEP;
        let x = depth.min(5) * INDENT;
        top[node] = Some((x, y));
        let shared = match nodes[node].makers.len() {
            0 | 1 => String::new(),
            makers => format!(" (in {makers})"),
        };
        boxes.push(boxed(node, &nodes[node], (x, y), NARROW - x, &shared));
        if let Some((from, (maker_x, maker_y))) = maker.and_then(|maker| Some((maker, top[maker]?))) {
            let (down, across) = (maker_x + 6, y + BOX / 2);
            let path = format!("M{down} {}V{across}H{x}", maker_y + BOX);
            lines.push(Line { from, to: node, path });
        }
        let parts = (0..nodes.len()).rev().filter(|part| nodes[*part].makers.contains(&node));
        // Parts that are made of others come last, so that the lines to the leaves stay short.
        let is_maker = |part: &usize| nodes.iter().any(|other| other.makers.contains(part));
        let (makers, leaves): (Vec<_>, Vec<_>) = parts.partition(is_maker);
        todo.extend(makers.into_iter().chain(leaves).map(|part| (part, Some(node), depth + 1)));
    }
    let height = u32::try_from(boxes.len()).unwrap_or_default() * STEP;
    Drawing { width: NARROW, height: height.saturating_sub(STEP - BOX), boxes, lines }
}

fn boxed(number: usize, node: &Node, (x, y): (u32, u32), width: u32, shared: &str) -> Box {
    let amount = if node.bytes > 0 { shown::bytes(node.bytes) } else { String::new() };
    let taken = if amount.is_empty() { 16 } else { 24 + 6 * amount.chars().count() };
    let room = (width as usize).saturating_sub(taken) / CHARACTER;
    let versioned = format!("{} {}{shared}", node.name, node.version);
    let label = match versioned.trim_end() {
        label if !node.version.is_empty() && label.chars().count() <= room => label.to_owned(),
        _ => shown::short(&format!("{}{shared}", node.name), room.max(4)),
    };
    Box {
        node: number,
        number: node.number,
        class: node.class,
        is_tool: node.is_tool,
        label,
        amount,
        title: node.title.clone(),
        x,
        y,
        width,
        height: BOX,
    }
}
