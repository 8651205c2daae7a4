//! What two files of one format differ in, in the format's own words.
//!
//! Every format is seen as fields and named members, and members may be files of a format again:
//!
//! ```text
//! data.tar.gz ── gzip: MTIME, XFL, OS, FNAME
//!   └─ content ── tar
//!        └─ usr/lib/libz.a ── tar: mode, uid, gid, mtime, …
//!             └─ ar
//!                  └─ adler32.o ── ar: mtime, uid, gid, mode
//!                       └─ ELF
//!                            └─ .text
//! ```
//! What no format names is told by line or by offset. Nothing here fails: bytes that break a format's rules are bytes.

mod archives;
mod disks;
mod excerpt;
mod guess;
mod json;
mod kernel;
mod layouts;
mod parsed;
mod programs;
mod streams;
mod text;

use std::collections::BTreeMap;
use std::fmt;

pub use self::excerpt::{Excerpt, Side};
pub use self::guess::Likely;
use self::parsed::{Fields, Member, Parsed};

/// How deep files are looked for in files.
const DEPTH: usize = 10;
/// The most that is said of two files.
const FINDINGS: usize = 50;
/// The most bytes that are shown of each side.
const SHOWN: usize = 16;

/// One thing in which two files differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The members on the way to it, the outermost first.
    pub place: Vec<String>,
    /// What it is.
    pub what: What,
    /// What it probably comes from.
    pub likely: Option<Likely>,
    /// The bytes around it, where it is in some.
    pub excerpt: Option<Excerpt>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A field of a format.
    Field {
        /// Format and field, such as `gzip MTIME`.
        name: String,
        /// In the first file.
        before: String,
        /// In the second file.
        after: String,
    },
    /// The same lines or members in another order.
    Order {
        /// What is in another order.
        of: String,
        /// The first one that stands at another place, in the first file.
        before: String,
        /// What stands there in the second file.
        after: String,
    },
    /// A member that one of both hasn't got.
    Member {
        /// Its name.
        name: String,
        /// Whether the first file has it.
        in_first: bool,
    },
    /// A line of text.
    Line {
        /// Its number, from 1.
        number: u64,
        /// In the first file.
        before: String,
        /// In the second file.
        after: String,
    },
    /// Bytes.
    Bytes {
        /// Where the first difference is.
        offset: u64,
        /// From there on in the first file: printable text, or hexadecimal digits.
        before: String,
        /// From there on in the second file.
        after: String,
    },
    /// How something was compressed: unpacked, it is the same.
    Compression {
        /// Name of the format.
        format: &'static str,
    },
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.place {
            write!(f, "{name}: ")?;
        }
        match &self.what {
            What::Field { name, before, after } => write!(f, "{name}: {before} is now {after}"),
            What::Order { of, before, after } => {
                write!(f, "the same {of} in another order: `{after}` stands where `{before}` was")
            }
            What::Member { name, in_first: true } => write!(f, "`{name}` isn't there any more"),
            What::Member { name, in_first: false } => write!(f, "`{name}` wasn't there"),
            What::Line { number, before, after } => write!(f, "line {number}: `{before}` is now `{after}`"),
            What::Bytes { offset, before, after } => {
                write!(f, "from byte {offset} on: {before} is now {after}")
            }
            What::Compression { format } => write!(f, "the same in another {format} compression"),
        }
    }
}

/// Returns what differs between two files, in the order of the first one, what only follows from the rest at the end; nothing when they
/// are the same.
pub fn explain(before: &[u8], after: &[u8]) -> Vec<Explanation> {
    let mut explainer = Explainer { found: Vec::new(), place: Vec::new() };
    explainer.compare(before, after);
    explainer.sorted()
}

/// Returns what differs between two directories, given as files by path. Image layouts are told by image, configuration and layer.
pub fn explain_files(
    before: &BTreeMap<String, Vec<u8>>,
    after: &BTreeMap<String, Vec<u8>>,
) -> Vec<Explanation> {
    fn refer(files: &BTreeMap<String, Vec<u8>>) -> layouts::Files<'_> {
        files.iter().map(|(path, data)| (path.clone(), data.as_slice())).collect()
    }
    let mut explainer = Explainer { found: Vec::new(), place: Vec::new() };
    let (first, second) = (refer(before), refer(after));
    explainer.members(&layouts::directory(&first), &layouts::directory(&second));
    if explainer.found.is_empty() {
        // What differs is nothing that an image is made of.
        explainer.members(&layouts::plain(&first), &layouts::plain(&second));
    }
    explainer.sorted()
}

/// Returns the first item that stands at another place, and what stands there in the second list, when both have the same items.
fn other_order(before: &[String], after: &[String]) -> Option<(String, String)> {
    let sorted = |items: &[String]| {
        let mut items = items.to_vec();
        items.sort();
        items
    };
    let (first, second) = before.iter().zip(after).find(|(before, after)| before != after)?;
    (sorted(before) == sorted(after)).then(|| (first.clone(), second.clone()))
}

struct Explainer {
    found: Vec<Explanation>,
    place: Vec<String>,
}

impl Explainer {
    fn sorted(mut self) -> Vec<Explanation> {
        self.found.sort_by_key(|explanation| explanation.likely.is_some_and(Likely::follows));
        self.found
    }

    fn add(&mut self, what: What, excerpt: Option<Excerpt>) {
        if self.found.len() < FINDINGS {
            let likely = guess::guess(&what, &self.place);
            self.found.push(Explanation { place: self.place.clone(), what, likely, excerpt });
        }
    }

    fn compare(&mut self, before: &[u8], after: &[u8]) {
        if before == after || self.found.len() >= FINDINGS {
            return;
        }
        let so_far = self.found.len();
        if self.place.len() < DEPTH
            && let (Some(first), Some(second)) = (parsed::parse(before), parsed::parse(after))
            && first.format == second.format
        {
            let excerpt = || Excerpt::of(first.header, second.header);
            self.fields(first.format, &first.fields, &second.fields, &excerpt);
            self.members(&first, &second);
            if self.found.len() == so_far && first.is_compression {
                self.add(What::Compression { format: first.format }, Some(Excerpt::of(before, after)));
            }
        } else if let (Some(first), Some(second)) = (json::parse(before), json::parse(after)) {
            for what in json::differences(&first, &second, FINDINGS) {
                self.add(what, Some(Excerpt::of(before, after)));
            }
        }
        if self.found.len() == so_far
            && let (Some(first), Some(second)) = (text::lines(before), text::lines(after))
        {
            self.lines(before, after, &first, &second);
        }
        if self.found.len() == so_far {
            self.bytes(before, after);
        }
    }

    fn fields(&mut self, format: &str, before: &Fields, after: &Fields, excerpt: &dyn Fn() -> Excerpt) {
        let missing = "nothing".to_owned();
        let (first, second): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (before.iter().cloned().collect(), after.iter().cloned().collect());
        let only_second = after.iter().filter(|(name, _)| !first.contains_key(name));
        for (name, _) in before.iter().chain(only_second) {
            let of = |fields: &BTreeMap<String, String>| fields.get(name).unwrap_or(&missing).clone();
            let (before, after) = (of(&first), of(&second));
            if before != after {
                let name = format!("{format} {name}");
                self.add(What::Field { name, before, after }, Some(excerpt()));
            }
        }
    }

    /// Compares members of the same name; the n-th of several with one name is compared with the n-th.
    fn members(&mut self, before: &Parsed<'_>, after: &Parsed<'_>) {
        let (first, second) = (parsed::by_name(&before.members), parsed::by_name(&after.members));
        for member in before.members.iter().chain(&after.members) {
            let name = member.name.clone();
            match (first.contains_key(name.as_str()), second.contains_key(name.as_str())) {
                (true, true) => {}
                (in_first, _) => self.add(What::Member { name, in_first }, None),
            }
        }
        let names = |parsed: &Parsed<'_>| parsed.members.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
        if let Some((first, second)) = other_order(&names(before), &names(after)) {
            self.add(What::Order { of: "members".to_owned(), before: first, after: second }, None);
        }
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for member in &before.members {
            let number = seen.entry(&member.name).or_default();
            if let Some(other) = second.get(member.name.as_str()).and_then(|others| others.get(*number)) {
                self.member(before.format, member, other);
            }
            *number += 1;
        }
    }

    fn member(&mut self, format: &str, before: &Member<'_>, after: &Member<'_>) {
        self.place.push(before.name.clone());
        let excerpt = || {
            let ((first, before), (second, after)) = (before.header, after.header);
            Excerpt::of(before, after).moved(first, second)
        };
        self.fields(format, &before.fields, &after.fields, &excerpt);
        self.compare(&before.data, &after.data);
        self.place.pop();
    }

    fn lines(&mut self, before: &[u8], after: &[u8], first: &[String], second: &[String]) {
        if let Some((one, other)) = other_order(first, second) {
            let of = "lines".to_owned();
            return self.add(What::Order { of, before: one, after: other }, Some(Excerpt::of(before, after)));
        }
        let missing = String::new();
        let mut starts = (0, 0);
        for number in 0..first.len().max(second.len()) {
            let (one, other) =
                (first.get(number).unwrap_or(&missing), second.get(number).unwrap_or(&missing));
            if one != other {
                let excerpt = Excerpt::from(before, after, starts.0, starts.1);
                let (before, after) = (text::shorten(one, other), text::shorten(other, one));
                self.add(What::Line { number: number as u64 + 1, before, after }, Some(excerpt));
                // Once lines are shifted, all that follow differ.
                if before_and_after_are_shifted(one, other) {
                    return;
                }
            }
            starts = (starts.0 + one.len() + 1, starts.1 + other.len() + 1);
        }
    }

    fn bytes(&mut self, before: &[u8], after: &[u8]) {
        let common = before.iter().zip(after).take_while(|(before, after)| before == after).count();
        let show = |bytes: &[u8]| text::show(bytes, common, SHOWN);
        let what = What::Bytes { offset: common as u64, before: show(before), after: show(after) };
        self.add(what, Some(Excerpt::of(before, after)));
    }
}

/// Whether a line has nothing to do with the one that stands at its place: they share less than a third of their characters at both ends.
fn before_and_after_are_shifted(before: &str, after: &str) -> bool {
    let start = before.bytes().zip(after.bytes()).take_while(|(a, b)| a == b).count();
    let end = before.bytes().rev().zip(after.bytes().rev()).take_while(|(a, b)| a == b).count();
    (start + end) * 3 < before.len().min(after.len())
}

#[cfg(test)]
mod tests;
