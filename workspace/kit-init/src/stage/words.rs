//! What the kernel's command line says of the root.

use std::fmt;

use super::guid::{Guid, bytes_of};
use crate::error::Failure;

/// A file system that can be a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// EROFS.
    Erofs,
    /// Squashfs.
    Squashfs,
    /// ISO 9660.
    Iso9660,
    /// ext4, which is mounted read-only too.
    Ext4,
}

impl Kind {
    /// All that are known.
    pub(crate) const ALL: [Self; 4] = [Self::Erofs, Self::Squashfs, Self::Iso9660, Self::Ext4];

    /// The kernel's name of it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Erofs => "erofs",
            Self::Squashfs => "squashfs",
            Self::Iso9660 => "iso9660",
            Self::Ext4 => "ext4",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where the root is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// `disk`: a whole disk is the file system.
    Disk,
    /// `label:LABEL`: the file system, or its partition, is called so.
    Label(String),
    /// `partuuid:GUID`: the partition with that id.
    Id(Guid),
    /// `type`: the partition whose type is that of roots of this architecture.
    Type,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk => f.write_str("disk"),
            Self::Label(label) => write!(f, "label:{label}"),
            Self::Id(id) => write!(f, "partuuid:{id}"),
            Self::Type => f.write_str("type"),
        }
    }
}

/// What the kernel does when a block isn't what the root hash says. Nobody gets to see such a block in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnCorruption {
    /// Who reads it gets an error.
    Error,
    /// The machine starts again at once.
    Reboot,
    /// The kernel panics.
    Panic,
}

/// The root that the command line wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// `kit.root=KIND:…`
    pub(crate) kind: Kind,
    /// `kit.root=…:PLACE`
    pub(crate) place: Place,
    /// `kit.roothash=HEX`: the SHA-256 at the top of the hash tree.
    pub(crate) hash: Option<[u8; 32]>,
    /// `kit.on-corruption=…`
    pub(crate) on_corruption: OnCorruption,
}

impl Wanted {
    /// The ids that the partitions with the data and with the hash tree have.
    pub(crate) fn verity_ids(&self) -> Option<(Guid, Guid)> {
        let hash = self.hash?;
        let (mut data, mut tree) = ([0; 16], [0; 16]);
        data.copy_from_slice(&hash[..16]);
        tree.copy_from_slice(&hash[16..]);
        Some((Guid(data), Guid(tree)))
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.place)
    }
}

/// Reads the command line; nothing if it names no root. Of several words of one kind the last counts.
pub(crate) fn parse(line: &str) -> Result<Option<Wanted>, Failure> {
    let value =
        |key: &str| line.split_ascii_whitespace().filter_map(|word| word.strip_prefix(key)).next_back();
    let refuse =
        |key: &str, text: &str, why: &str| Err(Failure::new("understand", format!("{key}{text}"), why));
    let hash = match value("kit.roothash=") {
        Some(text) => match bytes_of(text) {
            None => {
                return refuse("kit.roothash=", text, "it is not a SHA-256 digest of 64 hexadecimal digits");
            }
            hash => hash,
        },
        None => None,
    };
    let on_corruption = match value("kit.on-corruption=") {
        None | Some("error") => OnCorruption::Error,
        Some("reboot") => OnCorruption::Reboot,
        Some("panic") => OnCorruption::Panic,
        Some(text) => return refuse("kit.on-corruption=", text, "it is none of error, reboot and panic"),
    };
    let Some(text) = value("kit.root=") else {
        return if hash.is_some() { refuse("kit.roothash=", "", "there is no kit.root=") } else { Ok(None) };
    };
    let (kind, place) = text.split_once(':').unwrap_or((text, ""));
    let Some(kind) = Kind::ALL.into_iter().find(|known| known.word() == kind) else {
        return refuse("kit.root=", text, "it starts with none of erofs:, squashfs:, iso9660: and ext4:");
    };
    let place = match place.split_once(':') {
        None if place == "disk" => Place::Disk,
        None if place == "type" => Place::Type,
        Some(("label", label)) if !label.is_empty() => Place::Label(label.to_owned()),
        Some(("partuuid", id)) => match Guid::parse(id) {
            Some(id) => Place::Id(id),
            None => return refuse("kit.root=", text, "this is not the id of a partition"),
        },
        _ => {
            return refuse(
                "kit.root=",
                text,
                "the place is none of disk, type, label:LABEL and partuuid:GUID",
            );
        }
    };
    if hash.is_some() && place == Place::Disk {
        return refuse("kit.root=", text, "with kit.roothash= the root is in a partition");
    }
    Ok(Some(Wanted { kind, place, hash, on_corruption }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn reads_what_it_writes() {
        let id = "partuuid:00010203-0405-0607-0809-0a0b0c0d0e0f";
        for kind in Kind::ALL {
            for place in ["disk", "type", "label:a:b", id] {
                let wanted = parse(&format!("quiet kit.root={kind}:{place} x")).unwrap().unwrap();
                assert_eq!(wanted.to_string(), format!("{kind}:{place}"));
                assert_eq!((wanted.hash, wanted.on_corruption), (None, OnCorruption::Error));
            }
        }
        assert_eq!(parse("console=ttyS0 kit.pin=1"), Ok(None));
        assert_eq!(parse("kit.root=ext4:disk kit.root=erofs:type").unwrap().unwrap().kind, Kind::Erofs);
    }

    #[test]
    fn the_hash_has_the_ids_of_both_partitions() {
        let line = format!("kit.root=erofs:type kit.roothash={HASH} kit.on-corruption=reboot");
        let wanted = parse(&line).unwrap().unwrap();
        let (data, tree) = wanted.verity_ids().unwrap();
        assert_eq!(data.to_string(), "00010203-0405-0607-0809-0a0b0c0d0e0f");
        assert_eq!(tree.to_string(), "10111213-1415-1617-1819-1a1b1c1d1e1f");
        assert_eq!(wanted.on_corruption, OnCorruption::Reboot);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let wrong = |line: &str| parse(line).unwrap_err().to_string();
        assert_eq!(
            wrong("kit.root=btrfs:disk"),
            "cannot understand kit.root=btrfs:disk: it starts with none of erofs:, squashfs:, iso9660: and ext4:"
        );
        for place in ["", "vda", "label:", "partuuid:1", "uuid:x"] {
            assert!(wrong(&format!("kit.root=erofs:{place}")).contains("kit.root=erofs:"), "{place}");
        }
        assert!(wrong("kit.root=erofs").contains("the place is none of"));
        assert!(wrong("kit.root=erofs:type kit.roothash=12").contains("not a SHA-256"));
        assert!(wrong("kit.root=erofs:type kit.on-corruption=x").contains("none of error"));
        assert!(wrong(&format!("kit.roothash={HASH}")).contains("there is no kit.root="));
        assert!(wrong(&format!("kit.root=erofs:disk kit.roothash={HASH}")).contains("in a partition"));
    }
}
