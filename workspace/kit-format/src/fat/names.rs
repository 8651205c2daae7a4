//! Names: long ones, and their aliases of 8 and 3 characters.

use std::collections::{BTreeMap, BTreeSet};

/// UTF-16 units that a long name has at most.
const LONG: usize = 255;
/// UTF-16 units in one entry.
const PART: usize = 13;
/// Where they stand in it.
const PLACES: [usize; PART] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
/// What may stand in an alias beside letters and digits.
const SIGNS: &[u8] = b"!#$%&'()-@^_`{}~";

/// Why a name may not stand in a directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The format knows characters, not bytes.
    #[error("it isn't UTF-8")]
    Utf8,
    /// A character that may not be in a name.
    #[error("it has the character {0:?}")]
    Character(char),
    /// A dot or space at the end, which readers leave out.
    #[error("it ends with {0:?}")]
    End(char),
    /// Too long.
    #[error("it has {0} UTF-16 units, more than 255")]
    Long(usize),
}

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// The name of 8 and 3 characters.
    pub(super) short: [u8; 11],
    /// The long one where that isn't all, in UTF-16.
    pub(super) long: Option<Vec<u16>>,
}

impl Name {
    /// Returns how many entries it takes.
    pub(super) fn entries(&self) -> usize {
        1 + self.long.as_ref().map_or(0, |long| long.len().div_ceil(PART))
    }

    /// Returns the entries before the one with the short name.
    pub(super) fn long_entries(&self) -> Vec<[u8; super::ENTRY]> {
        let Some(long) = &self.long else { return Vec::new() };
        let checksum = checksum(&self.short);
        let mut entries = Vec::new();
        for (number, part) in (1_u8..).zip(long.chunks(PART)) {
            let mut entry = [0xff; super::ENTRY];
            (entry[0], entry[11], entry[12], entry[13]) = (number, super::LONG_NAME, 0, checksum);
            entry[26..28].fill(0);
            // A name that doesn't fill its last entry ends with a NUL.
            let units = part.iter().copied().chain((part.len() < PART).then_some(0));
            for (place, unit) in PLACES.into_iter().zip(units) {
                entry[place..place + 2].copy_from_slice(&unit.to_le_bytes());
            }
            entries.push(entry);
        }
        if let Some(last) = entries.last_mut() {
            last[0] |= LAST;
        }
        entries.reverse();
        entries
    }
}

/// Marks the entry with the end of a long name, which comes first.
pub(super) const LAST: u8 = 0x40;

/// Returns the units in an entry of a long name, without those behind its end.
pub(super) fn units(entry: &[u8]) -> Vec<u16> {
    let units = PLACES.iter().map(|place| u16::from_le_bytes([entry[*place], entry[place + 1]]));
    units.take_while(|unit| *unit != 0).collect()
}

/// Returns what the entries of a long name say of the short one.
pub(super) fn checksum(short: &[u8; 11]) -> u8 {
    short.iter().fold(0, |sum: u8, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// What names of one directory may not be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The name with this index.
    Name(usize, NameError),
    /// Two names with these indices are one.
    Case(usize, usize),
}

/// Returns names of one directory as they stand there, in the same order.
pub(super) fn assign(names: &[&[u8]]) -> Result<Vec<Name>, Refused> {
    let mut drafts = Vec::with_capacity(names.len());
    let mut folded: BTreeMap<String, usize> = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let text = check(name).map_err(|error| Refused::Name(index, error))?;
        if let Some(first) = folded.insert(fold(text), index) {
            return Err(Refused::Case(first, index));
        }
        drafts.push(Draft::of(text));
    }
    let mut used: BTreeSet<[u8; 11]> = drafts.iter().filter(|draft| draft.fits).map(Draft::alias).collect();
    let mut numbers = BTreeMap::new();
    let names = drafts.into_iter().map(|draft| {
        let short = if draft.fits { draft.alias() } else { draft.numbered(&mut used, &mut numbers) };
        Name { short, long: draft.long }
    });
    Ok(names.collect())
}

fn check(name: &[u8]) -> Result<&str, NameError> {
    let text = std::str::from_utf8(name).map_err(|_| NameError::Utf8)?;
    if let Some(wrong) = text.chars().find(|c| c.is_control() || "\"*/:<>?\\|".contains(*c)) {
        return Err(NameError::Character(wrong));
    }
    if let Some(end) = text.chars().next_back().filter(|c| matches!(c, '.' | ' ')) {
        return Err(NameError::End(end));
    }
    match text.encode_utf16().count() {
        units if units > LONG => Err(NameError::Long(units)),
        _ => Ok(text),
    }
}

/// Returns a name as readers compare it: in upper case where that is one character, as their tables have it.
fn fold(name: &str) -> String {
    let upper = |c: char| {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(upper), None) => upper,
            _ => c,
        }
    };
    name.chars().map(upper).collect()
}

/// A name on its way to an alias.
struct Draft {
    base: Vec<u8>,
    extension: Vec<u8>,
    /// Whether the alias is the whole name but for its case.
    fits: bool,
    long: Option<Vec<u16>>,
}

impl Draft {
    fn of(name: &str) -> Self {
        let without_dots = name.trim_start_matches('.');
        let (base, extension) = without_dots.rsplit_once('.').unwrap_or((without_dots, ""));
        let (mut base, base_lost) = letters(base);
        let (mut extension, extension_lost) = letters(extension);
        let mut fits = !base_lost && !extension_lost && without_dots == name && !base.is_empty();
        fits &= base.len() <= 8 && extension.len() <= 3;
        if base.is_empty() {
            base.push(b'_');
        }
        base.truncate(8);
        extension.truncate(3);
        let exact = fits && name.bytes().all(|byte| !byte.is_ascii_lowercase());
        Self { base, extension, fits, long: (!exact).then(|| name.encode_utf16().collect()) }
    }

    fn alias(&self) -> [u8; 11] {
        self.with_base(&self.base)
    }

    fn with_base(&self, base: &[u8]) -> [u8; 11] {
        let mut alias = [b' '; 11];
        alias[..base.len()].copy_from_slice(base);
        alias[8..8 + self.extension.len()].copy_from_slice(&self.extension);
        alias
    }

    /// Returns the alias with the first number that isn't used; `numbers` has those that the like have got to.
    fn numbered(&self, used: &mut BTreeSet<[u8; 11]>, numbers: &mut BTreeMap<[u8; 11], u32>) -> [u8; 11] {
        let number = numbers.entry(self.alias()).or_insert(1);
        loop {
            let tail = format!("~{number}");
            let length = self.base.len().min(8 - tail.len());
            let alias = self.with_base(&[&self.base[..length], tail.as_bytes()].concat());
            *number += 1;
            if used.insert(alias) {
                return alias;
            }
        }
    }
}

/// Returns what may stand in an alias, in upper case, and whether that is less than there was.
fn letters(text: &str) -> (Vec<u8>, bool) {
    let mut lost = false;
    let mut letters = Vec::new();
    for c in text.chars() {
        match u8::try_from(c) {
            Ok(b' ' | b'.') => lost = true,
            Ok(byte) if byte.is_ascii_alphanumeric() || SIGNS.contains(&byte) => {
                letters.push(byte.to_ascii_uppercase());
            }
            _ => {
                lost = true;
                letters.push(b'_');
            }
        }
    }
    (letters, lost)
}

/// Whether a label may stand in a root directory.
pub(super) fn is_label(label: &str) -> bool {
    let may = |byte: u8| {
        byte.is_ascii_uppercase()
            || byte.is_ascii_digit()
            || byte == b' '
            || (SIGNS.contains(&byte) && byte != b'`')
    };
    label.len() <= 11 && label.bytes().all(may) && !label.starts_with(' ') && !label.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aliases(names: &[&str]) -> Vec<String> {
        let bytes: Vec<_> = names.iter().map(|name| name.as_bytes()).collect();
        let text = |name: Name| {
            format!("{}{}", String::from_utf8_lossy(&name.short), if name.long.is_some() { " +" } else { "" })
        };
        assign(&bytes).unwrap().into_iter().map(text).collect()
    }

    #[test]
    fn names_have_aliases() {
        assert_eq!(
            aliases(&["BOOTX64.EFI", "EFI", "linux.efi"]),
            ["BOOTX64 EFI", "EFI        ", "LINUX   EFI +"]
        );
        assert_eq!(
            aliases(&["vmlinuz-6.1.0", ".hidden", "a b", "a+b", "ä"]),
            ["VMLINU~10   +", "HIDDEN~1    +", "AB~1        +", "A_B~1       +", "_~1         +",]
        );
        assert_eq!(
            aliases(&["config.txt.old", "x.conf", ". .x"]),
            ["CONFIG~1OLD +", "X~1     CON +", "_~1     X   +"]
        );
        assert_eq!(aliases(&["12345678.123", "123456789.123"]), ["12345678123", "123456~1123 +"]);
    }

    #[test]
    fn aliases_are_different() {
        assert_eq!(
            aliases(&["longname-1", "longname-2", "longna~1", "LONGNA~2"]),
            ["LONGNA~3    +", "LONGNA~4    +", "LONGNA~1    +", "LONGNA~2   "]
        );
        let many: Vec<_> = (0..1200).map(|number| format!("number {number:05}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let aliases = aliases(&many);
        assert_eq!((&*aliases[9], &*aliases[1199]), ("NUMBE~10    +", "NUM~1200    +"));
        assert_eq!(aliases.iter().collect::<BTreeSet<_>>().len(), 1200);
    }

    #[test]
    fn names_that_are_none_are_told() {
        let refused = |name: &[u8]| match assign(&[b"a", name]) {
            Err(Refused::Name(1, error)) => error,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused(b"\xff"), NameError::Utf8);
        assert_eq!(refused(b"a:b"), NameError::Character(':'));
        assert_eq!(refused(b"a\nb"), NameError::Character('\n'));
        assert_eq!(refused(b"a."), NameError::End('.'));
        assert_eq!(refused(b"a "), NameError::End(' '));
        assert_eq!(assign(&[b"b", b"efi", b"EFI"]), Err(Refused::Case(1, 2)));
        assert_eq!(assign(&["Ä".as_bytes(), "ä".as_bytes()]), Err(Refused::Case(0, 1)));
        assert_eq!(aliases(&["ß", "ss"]), ["_~1         +", "SS          +"]);
    }

    #[test]
    fn long_names_are_in_parts() {
        let name = assign(&["a-name-of-14.xy".as_bytes()]).unwrap().remove(0);
        assert_eq!(name.entries(), 3);
        let [last, first] = name.long_entries().try_into().unwrap();
        assert_eq!((last[0], first[0], first[11]), (0x42, 1, 0x0f));
        assert_eq!(units(&first).len(), 13);
        assert_eq!(String::from_utf16(&units(&last)).unwrap(), "xy");
        assert_eq!(&last[1..9], [b'x', 0, b'y', 0, 0, 0, 0xff, 0xff]);
        let full = assign(&["thirteen-char".as_bytes()]).unwrap().remove(0);
        assert_eq!(full.entries(), 2);
    }
}
