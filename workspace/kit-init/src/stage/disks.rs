//! What disks the machine has, and which of them has the root.

use std::fmt::Write as _;

use super::gpt::{self, Partition, Table};
use super::guid::Guid;
use super::read::{self, ReadAt};
use super::superblock::{self, FileSystem};
use super::words::{Kind, Place, Wanted};
use crate::error::Failure;
use crate::files;
use crate::sys::Errno;

/// Devices that are no disks of the machine, by the beginnings of their names.
const OTHERS: [&str; 6] = ["dm-", "fd", "loop", "nbd", "ram", "zram"];

/// The type of partitions that are roots, for this architecture: the Discoverable Partitions Specification has it.
const ROOT_TYPE: &str = if cfg!(target_arch = "x86_64") {
    "4f68bce3-e8cd-4db1-96e7-fbcaf984b709"
} else if cfg!(target_arch = "aarch64") {
    "b921b045-1df0-41c3-af44-4c6f280d3fae"
} else if cfg!(target_arch = "riscv64") {
    "72ec70a6-cf74-40e6-bd49-4bda08e8f224"
} else if cfg!(target_arch = "arm") {
    "69dad710-2ce4-4e3c-b16c-21a1d49abed3"
} else if cfg!(target_arch = "x86") {
    "44479540-f297-41b2-9af7-d131d5f0458a"
} else if cfg!(target_arch = "powerpc64") {
    "c31c45e6-3f39-412e-80fb-4809c4980599"
} else if cfg!(target_arch = "s390x") {
    "5eead9a9-fe09-4a1e-a1d7-520d00531306"
} else if cfg!(target_arch = "loongarch64") {
    "77055800-792c-4f94-b39a-98c91b762bb6"
} else {
    ""
};

const FIRST_DAMAGED: &str = "its first partition table is damaged, and the kernel takes the second one only with the word gpt on its command line";

/// A disk, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Disk {
    /// Its name in `/dev`.
    pub(crate) name: String,
    /// What the disk as a whole is.
    pub(crate) whole: Vec<FileSystem>,
    /// Its partitions, and what they are.
    pub(crate) partitions: Vec<(Partition, Vec<FileSystem>)>,
    /// What is wrong with it.
    pub(crate) problem: Option<String>,
}

impl Disk {
    /// The name of a partition's device.
    fn device_of(&self, partition: &Partition) -> String {
        let between = if self.name.ends_with(|last: char| last.is_ascii_digit()) { "p" } else { "" };
        format!("{}{between}{}", self.name, partition.number)
    }

    /// The name of the device of the partition with this id.
    pub(crate) fn device_with_id(&self, id: Guid) -> Option<String> {
        self.with_id(id).map(|partition| self.device_of(partition))
    }

    /// The partition with this id.
    fn with_id(&self, id: Guid) -> Option<&Partition> {
        self.partitions.iter().map(|(partition, _)| partition).find(|partition| partition.id == id)
    }
}

/// Where the root is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// The device of the file system.
    pub(crate) data: String,
    /// The device of its hash tree, if there is to be one.
    pub(crate) tree: Option<String>,
}

/// Looks at all disks that are there now, in the order of their names.
pub(crate) fn look() -> Result<Vec<Disk>, Failure> {
    let names = files::list("/sys/class/block")?.into_iter().filter(|name| {
        let partition = files::is_other(&format!("/sys/class/block/{name}/partition"));
        !partition && !OTHERS.iter().any(|other| name.starts_with(other))
    });
    Ok(names.map(|name| look_at(&name)).collect())
}

fn look_at(name: &str) -> Disk {
    let number = |file: &str| -> Option<u64> {
        files::read_text(&format!("/sys/class/block/{name}/{file}")).ok()?.trim().parse().ok()
    };
    let (size, block) = (number("size").unwrap_or(0), number("queue/logical_block_size").unwrap_or(512));
    let empty = Disk { name: name.to_owned(), whole: Vec::new(), partitions: Vec::new(), problem: None };
    let disk =
        read::open(name).and_then(|file| examine(empty.clone(), &file, size.saturating_mul(512), block));
    disk.unwrap_or_else(|errno| Disk { problem: Some(errno.to_string()), ..empty })
}

/// Fills in what the disk holds.
fn examine(mut disk: Disk, source: &dyn ReadAt, size: u64, block: u64) -> Result<Disk, Errno> {
    disk.whole = superblock::find(source, 0, size)?;
    let partitions = match gpt::read(source, size, block)? {
        Table::None => Vec::new(),
        Table::Good(partitions) => partitions,
        Table::FromBackup(partitions) => {
            disk.problem = Some(FIRST_DAMAGED.to_owned());
            partitions
        }
        Table::Damaged => {
            disk.problem = Some("its partition tables are damaged".to_owned());
            Vec::new()
        }
    };
    for partition in partitions {
        let systems = superblock::find(source, partition.start, partition.size)?;
        disk.partitions.push((partition, systems));
    }
    Ok(disk)
}

/// Finds the wanted root: on the first disk by name, in its first partition by number. Nothing if it isn't there yet; an error if
/// what is there contradicts what is wanted.
pub(crate) fn choose(disks: &[Disk], wanted: &Wanted) -> Result<Option<Found>, Failure> {
    if let Some(ids) = wanted.verity_ids() {
        return choose_checked(disks, wanted, ids);
    }
    let is_kind = |systems: &[FileSystem]| systems.iter().any(|system| system.kind == wanted.kind);
    let has_label = |systems: &[FileSystem], label: &str| {
        systems.iter().any(|system| system.kind == wanted.kind && system.label == label)
    };
    for disk in disks {
        let whole = match &wanted.place {
            Place::Disk => is_kind(&disk.whole),
            Place::Label(label) => has_label(&disk.whole, label),
            Place::Id(_) | Place::Type => false,
        };
        if whole {
            return Ok(Some(Found { data: disk.name.clone(), tree: None }));
        }
        for (partition, systems) in &disk.partitions {
            let labelled = matches!(&wanted.place, Place::Label(label) if has_label(systems, label));
            if !labelled && !matches(partition, &wanted.place) {
                continue;
            }
            let data = disk.device_of(partition);
            if !is_kind(systems) {
                let why = format!("that is /dev/{data}, which is {}", names(systems));
                return Err(Failure::new("use", format!("the root {wanted}"), why));
            }
            return Ok(Some(Found { data, tree: None }));
        }
    }
    Ok(None)
}

/// Finds the two partitions that a root hash names, on one disk.
fn choose_checked(disks: &[Disk], wanted: &Wanted, ids: (Guid, Guid)) -> Result<Option<Found>, Failure> {
    for disk in disks {
        let (Some(data), Some(tree)) = (disk.with_id(ids.0), disk.with_id(ids.1)) else { continue };
        let device = disk.device_of(data);
        if !matches(data, &wanted.place) {
            let why = format!("the partition that kit.roothash names is another one, /dev/{device}");
            return Err(Failure::new("use", format!("the root {wanted}"), why));
        }
        return Ok(Some(Found { data: device, tree: Some(disk.device_of(tree)) }));
    }
    Ok(None)
}

/// Whether a partition is at that place by what its table says.
fn matches(partition: &Partition, place: &Place) -> bool {
    match place {
        Place::Disk => false,
        Place::Label(label) => partition.name == *label,
        Place::Id(id) => partition.id == *id,
        Place::Type => Guid::parse(ROOT_TYPE) == Some(partition.kind),
    }
}

fn names(systems: &[FileSystem]) -> String {
    let words: Vec<_> = systems.iter().map(|system| system.kind.word()).collect();
    if words.is_empty() {
        format!("none of {}", Kind::ALL.map(Kind::word).join(", "))
    } else {
        words.join(" and ")
    }
}

/// Tells in one line what disks there are.
pub(crate) fn describe(disks: &[Disk]) -> String {
    if disks.is_empty() {
        return "there is no disk, or no driver for it".to_owned();
    }
    let systems = |systems: &[FileSystem]| {
        systems.iter().fold(String::new(), |mut text, system| {
            let _ = write!(text, " {}", system.kind);
            if !system.label.is_empty() {
                let _ = write!(text, " labelled {}", system.label);
            }
            text
        })
    };
    let tell = |disk: &Disk| {
        let mut text = format!("{}:{}", disk.name, systems(&disk.whole));
        for (partition, own) in &disk.partitions {
            let Partition { number, name, id, .. } = partition;
            let _ = write!(text, " [{number} {name} {id}{}]", systems(own));
        }
        match &disk.problem {
            Some(problem) => text + " (" + problem + ")",
            None if text.ends_with(':') => text + " nothing known",
            None => text,
        }
    };
    format!("there is {}", disks.iter().map(tell).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests;
