//! What Rock Ridge says of a file.

use std::io::{Read, Seek};

use kit_tree::TreePath;
use kit_tree::path::PATH_MAX;

use super::super::BLOCK;
use super::{Disc, IsoReadError};

/// A file's fields are in no more areas; Linux follows as many.
const AREAS_MAX: usize = 32;

const CONTINUES: u8 = 1;
const CURRENT: u8 = 2;
const PARENT: u8 = 4;
const ROOT: u8 = 8;

/// Mode, links, owner, group and inode number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// 0 where there is none.
    pub(super) number: u32,
}

/// The fields of a record that say something here.
#[derive(Debug, Default)]
pub(super) struct SystemUse {
    pub(super) attributes: Option<Attributes>,
    pub(super) name: Option<Vec<u8>>,
    pub(super) target: Option<Vec<u8>>,
    pub(super) device: Option<(u32, u32)>,
    /// The block of the directory that stands here and was moved somewhere else.
    pub(super) child: Option<u32>,
    /// Whether it is such a directory, where it doesn't belong.
    pub(super) relocated: bool,
    /// Whether a slash is between the last component of the link and the next.
    between: bool,
}

/// Returns how many bytes of each area are skipped, when the root's first record says that there is Rock Ridge.
pub(super) fn rock_ridge(system_use: &[u8]) -> Option<usize> {
    match system_use {
        [b'S', b'P', 7, 1, 0xbe, 0xef, skip, ..] => Some(usize::from(*skip)),
        _ => None,
    }
}

impl SystemUse {
    /// Reads the fields of a record of `directory`, and those in the areas that it continues in.
    pub(super) fn read<R: Read + Seek>(
        disc: &mut Disc<'_, R>,
        system_use: &[u8],
        skip: usize,
        directory: &TreePath,
    ) -> Result<Self, IsoReadError> {
        let mut fields = Self::default();
        // the record that says how much is skipped has nothing before it
        let skip = if rock_ridge(system_use).is_some() { 0 } else { skip };
        let mut area = system_use.get(skip..).unwrap_or_default().to_vec();
        for _ in 0..AREAS_MAX {
            let problem = |problem| IsoReadError::Record { path: directory.clone(), problem };
            let Some([block, offset, size]) = fields.area(&area).map_err(problem)? else { return Ok(fields) };
            let (Ok(start), Ok(length)) = (usize::try_from(offset), usize::try_from(size)) else {
                return Err(problem("a record continues nowhere"));
            };
            if start.saturating_add(length) > BLOCK {
                return Err(problem("a record continues over the end of a block"));
            }
            area = disc.bytes(block, BLOCK as u64)?[start..start + length].to_vec();
        }
        Err(IsoReadError::Record { path: directory.clone(), problem: "a record continues too often" })
    }

    /// Reads the fields of one area; returns where they continue.
    fn area(&mut self, mut area: &[u8]) -> Result<Option<[u32; 3]>, &'static str> {
        let mut next = None;
        while let [a, b, length, _, ..] = area {
            // what is too short for a field, or no field at all, fills the area up
            let Some(content) = area.get(4..usize::from(*length)) else {
                if *length == 0 {
                    break;
                }
                return Err("a field of Rock Ridge is cut");
            };
            let number = |index: usize| {
                let bytes = content.get(8 * index..8 * index + 4)?;
                Some(u32::from_le_bytes(bytes.try_into().ok()?))
            };
            match [*a, *b] {
                [b'P', b'X'] => {
                    let short = "its mode is cut";
                    let [mode, links, uid, gid] =
                        [number(0), number(1), number(2), number(3)].map(|n| n.ok_or(short));
                    let (mode, links, uid, gid, number) = (mode?, links?, uid?, gid?, number(4).unwrap_or(0));
                    self.attributes = Some(Attributes { mode, links, uid, gid, number });
                }
                [b'P', b'N'] => {
                    let (high, low) = number(0).zip(number(1)).ok_or("a device number is cut")?;
                    self.device =
                        Some(if high == 0 && low > 0xff { (low >> 8, low & 0xff) } else { (high, low) });
                }
                // flags of `.` and `..` have no text
                [b'N', b'M'] => {
                    let (_, text) = content.split_first().ok_or("a name is cut")?;
                    self.name.get_or_insert_default().extend_from_slice(text);
                }
                [b'S', b'L'] => self.link(content)?,
                [b'C', b'L'] => self.child = number(0),
                [b'R', b'E'] => self.relocated = true,
                [b'C', b'E'] => {
                    let place = [number(0), number(1), number(2)];
                    let [Some(block), Some(offset), Some(size)] = place else {
                        return Err("a continuation is cut");
                    };
                    next = Some([block, offset, size]);
                }
                [b'S', b'T'] => break,
                _ => {}
            }
            area = &area[usize::from(*length)..];
        }
        Ok(next)
    }

    /// Reads components of a link, with slashes between them.
    fn link(&mut self, content: &[u8]) -> Result<(), &'static str> {
        let (_, mut components) = content.split_first().ok_or("a symbolic link is cut")?;
        while let [flags, length, rest @ ..] = components {
            let text = rest.get(..usize::from(*length)).ok_or("a symbolic link is cut")?;
            let target = self.target.get_or_insert_default();
            if self.between {
                target.push(b'/');
            }
            match flags & !CONTINUES {
                0 => target.extend_from_slice(text),
                CURRENT => target.push(b'.'),
                PARENT => target.extend_from_slice(b".."),
                ROOT => target.push(b'/'),
                _ => return Err("a symbolic link has a component of an unknown kind"),
            }
            if target.len() > PATH_MAX {
                return Err("a symbolic link is too long");
            }
            // the root is a slash already
            self.between = flags & (CONTINUES | ROOT) == 0;
            components = &rest[usize::from(*length)..];
        }
        Ok(())
    }
}
