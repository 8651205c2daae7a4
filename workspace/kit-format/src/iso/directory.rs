//! The records of a directory.

use super::BLOCK;
use super::names::Names;
use super::nodes::Node;
use super::numbers::{both16, both32, short_date};
use super::places::{Extent, Places};
use super::rock_ridge::{self, Areas, Role};
use super::view::View;

const DIRECTORY: u8 = 2;
const CONTINUES: u8 = 0x80;

/// A directory as it is written: its records, and the areas behind them where Rock Ridge continues.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) records: Vec<u8>,
    pub(super) areas: Vec<u8>,
}

/// Writes the directory `at`. Only the numbers of blocks depend on `places`.
pub(super) fn write(view: &View, nodes: &[Node<'_>], at: usize, places: &Places, mtime: u32) -> Written {
    let here = places.directory(view.names, at);
    let mut records = Vec::new();
    let mut areas = Areas::at(here.block + here.blocks());
    let mut push = |identifier: &[u8], extent: Extent, flags: u8, node: usize, role: Role| {
        let rock_ridge = match view.names {
            Names::Plain => {
                let used = (33 + identifier.len()).next_multiple_of(2);
                areas.place(rock_ridge::fields(&nodes[node], role, mtime), used)
            }
            Names::Joliet => Vec::new(),
        };
        let record = record(identifier, extent, flags, &rock_ridge, mtime);
        if records.len() % BLOCK + record.len() > BLOCK {
            records.resize(records.len().next_multiple_of(BLOCK), 0);
        }
        records.extend(record);
    };
    push(&[0], here, DIRECTORY, at, if at == 0 { Role::Root } else { Role::Dots });
    let parent = nodes[at].parent;
    push(&[1], places.directory(view.names, parent), DIRECTORY, parent, Role::Dots);
    for record in &view.records[at] {
        let node = &nodes[record.node];
        if node.inode.is_directory() {
            let extent = places.directory(view.names, record.node);
            push(&record.identifier, extent, DIRECTORY, record.node, Role::Named);
            continue;
        }
        let sections = places.sections(node);
        for (number, section) in sections.iter().enumerate() {
            let flags = if number + 1 < sections.len() { CONTINUES } else { 0 };
            push(&record.identifier, *section, flags, record.node, Role::Named);
        }
    }
    records.resize(records.len().next_multiple_of(BLOCK), 0);
    let mut areas = areas.bytes;
    areas.resize(areas.len().next_multiple_of(BLOCK), 0);
    Written { records, areas }
}

/// Returns a directory record.
pub(super) fn record(identifier: &[u8], extent: Extent, flags: u8, system_use: &[u8], mtime: u32) -> Vec<u8> {
    let mut record = vec![0, 0];
    record.extend(both32(extent.block));
    record.extend(both32(extent.size));
    record.extend(short_date(mtime));
    record.extend([flags, 0, 0]);
    record.extend(both16(1));
    record.push(u8::try_from(identifier.len()).expect("because identifiers are cut to their length"));
    record.extend_from_slice(identifier);
    record.resize(record.len().next_multiple_of(2), 0);
    record.extend_from_slice(system_use);
    record.resize(record.len().next_multiple_of(2), 0);
    record[0] = u8::try_from(record.len()).expect("because what doesn't fit continues in an area");
    record
}

/// Returns the record of the root directory that is in a volume descriptor.
pub(super) fn root_record(extent: Extent, mtime: u32) -> Vec<u8> {
    record(&[0], extent, DIRECTORY, &[], mtime)
}
