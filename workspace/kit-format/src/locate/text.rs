//! The pieces of texts: lines, and on a boot command line its words.

use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::Range;

use super::extent::Extent;

/// The longest line that is shown, in bytes.
const SHOWN: usize = 120;
/// How much of a line is kept, in bytes.
const LONGEST: u64 = 1 << 20;

/// Returns the line that has the byte at an offset, or its word where the text is one line.
pub(super) fn extent(source: &mut dyn Read, offset: u64) -> io::Result<Option<Extent>> {
    let mut reader = BufReader::new(source);
    let (mut at, mut number) = (0_u64, 1_u64);
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(LONGEST).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        let mut end = at + line.len() as u64;
        let is_all = line.ends_with(b"\n") || line.len() as u64 != LONGEST;
        if !is_all {
            end += reader.skip_until(b'\n')? as u64;
        }
        if offset < end {
            let is_only = number == 1 && is_all && reader.fill_buf()?.is_empty() && !line.starts_with(b"{");
            return Ok(Some(if is_only { word(&line, offset) } else { whole(&line, number, at..end) }));
        }
        number += 1;
        at = end;
    }
}

/// Returns a line, of which this is the beginning.
fn whole(line: &[u8], number: u64, range: Range<u64>) -> Extent {
    let mut extent = Extent::new(format!("line {number}"), range);
    extent.value = Some(shown(line));
    extent
}

/// Returns the word of a line, or the space between two.
fn word(line: &[u8], offset: u64) -> Extent {
    let at = usize::try_from(offset).unwrap_or(usize::MAX).min(line.len().saturating_sub(1));
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    if is_space(&line[at]) {
        return Extent::new("space between words", offset..offset + 1);
    }
    let start = line[..at].iter().rposition(is_space).map_or(0, |space| space + 1);
    let end = line[at..].iter().position(is_space).map_or(line.len(), |space| at + space);
    let number = line[..start].split(is_space).filter(|word| !word.is_empty()).count() + 1;
    let mut extent = Extent::new(format!("word {number}"), start as u64..end as u64);
    extent.value = Some(shown(&line[start..end]));
    extent
}

fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches('\n');
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN).chain(['…']).collect()
}
