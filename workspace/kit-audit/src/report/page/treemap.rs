//! The bytes of an image as rectangles: packages, and the large files in them.

mod squarify;

use std::collections::BTreeMap;

use kit_tree::Entry;

use self::squarify::squarify;
use super::class_of;
use crate::inventory::{ComponentId, File, Inventory};
use crate::report::shown;

/// The unit of all lengths: ten thousandths of the drawing's width or height.
const UNIT: u64 = 10_000;

/// A drawing for wide screens and one for narrow ones.
#[derive(Debug, Clone)]
pub struct Treemap {
    /// All bytes.
    pub bytes: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// Class and name of the kinds of components in it.
    pub legend: Vec<(&'static str, &'static str)>,
    /// About twice as wide as high.
    pub wide: Vec<Package>,
    /// Higher than wide.
    pub narrow: Vec<Package>,
}

/// A package's rectangle.
#[derive(Debug, Clone)]
pub struct Package {
    /// Where the component is in the data of the page; none for the rest.
    pub number: Option<usize>,
    /// The class of its kind.
    pub class: &'static str,
    /// Its name.
    pub name: String,
    /// Its name, bytes and share, in words.
    pub title: String,
    /// Where it is.
    pub at: Rectangle,
    /// Its name as it is drawn; none where there is no room.
    pub label: Option<Label>,
    /// The files that are large enough to be seen.
    pub files: Vec<Part>,
}

/// A file's rectangle.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its path and bytes.
    pub title: String,
    /// Where it is.
    pub at: Rectangle,
}

/// A text that is drawn when the drawing is wide enough.
#[derive(Debug, Clone)]
pub struct Label {
    /// The text.
    pub text: String,
    /// The text below it; empty where there is no room.
    pub below: String,
    /// The width of the drawing, in pixels, that it needs: one of a few.
    pub needs: u32,
}

/// A rectangle, in ten thousandths of the drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rectangle {
    /// From the left.
    pub x: u64,
    /// From the top.
    pub y: u64,
    /// Its width.
    pub width: u64,
    /// Its height.
    pub height: u64,
}

impl Rectangle {
    /// Returns `x`, `y`, `width` and `height` as attributes.
    pub fn attributes(&self) -> String {
        let Self { x, y, width, height } = *self;
        let [x, y, width, height] = [x, y, width, height].map(percent);
        format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
    }

    /// Returns its left edge.
    pub fn left(&self) -> String {
        percent(self.x)
    }

    /// Returns its upper edge.
    pub fn top(&self) -> String {
        percent(self.y)
    }
}

fn percent(units: u64) -> String {
    let (whole, rest) = (units / 100, units % 100);
    if rest == 0 { format!("{whole}%") } else { format!("{whole}.{rest:02}%") }
}

/// How a drawing is made: its form, and how small things in it can be.
struct Form {
    /// Its width and height in pixels, about.
    width: u64,
    height: u64,
    /// The width at which labels are cut to fit.
    labelled: u64,
    /// How many packages have a rectangle of their own.
    packages: usize,
    /// How many files have, in all packages.
    files: usize,
}

const WIDE: Form = Form { width: 1180, height: 460, labelled: 1000, packages: 90, files: 420 };
const NARROW: Form = Form { width: 330, height: 460, labelled: 290, packages: 45, files: 160 };
/// Fewer square pixels than this can't be seen.
const SMALLEST: u64 = 60;
/// The widths of drawings that labels ask for.
const WIDTHS: [u32; 6] = [0, 290, 440, 600, 800, 1000];

/// A package with its files, the largest first.
struct Weighed<'a> {
    id: Option<&'a ComponentId>,
    number: Option<usize>,
    name: String,
    bytes: u64,
    files: Vec<(&'a File, u64)>,
}

impl Treemap {
    /// Draws the files of an image; nothing where there are none.
    pub fn new(inventory: &Inventory) -> Option<Self> {
        let packages = weigh(inventory);
        let total: u64 = packages.iter().fold(0, |sum, one| sum.saturating_add(one.bytes));
        if total == 0 {
            return None;
        }
        let mut legend: Vec<_> = packages.iter().filter_map(|one| one.id).map(class_of).collect();
        legend.sort_unstable();
        legend.dedup();
        let largest: Vec<_> = packages.iter().take(3).map(|one| one.name.as_str()).collect();
        Some(Self {
            bytes: shown::bytes(total),
            description: format!(
                "{} of {}; the largest: {}",
                shown::bytes(total),
                shown::count(packages.len(), "component"),
                largest.join(", ")
            ),
            legend,
            wide: draw(&packages, total, &WIDE),
            narrow: draw(&packages, total, &NARROW),
        })
    }
}

impl Treemap {
    /// Returns both drawings, each with the name of its form.
    pub fn drawings(&self) -> [(&'static str, &[Package]); 2] {
        [("wide", &self.wide), ("narrow", &self.narrow)]
    }
}

/// Returns the components that have bytes, with their files, the largest first.
fn weigh(inventory: &Inventory) -> Vec<Weighed<'_>> {
    let mut files: BTreeMap<&ComponentId, Vec<(&File, u64)>> = BTreeMap::new();
    for file in &inventory.files {
        if let Entry::File { size, .. } = file.entry
            && size > 0
        {
            files.entry(&file.owner).or_default().push((file, size));
        }
    }
    let numbers: BTreeMap<_, _> =
        inventory.components.keys().enumerate().map(|(number, id)| (id, number)).collect();
    let weighed = files.into_iter().map(|(id, mut files)| {
        files.sort_by(|a, b| (b.1, &a.0.path).cmp(&(a.1, &b.0.path)));
        let bytes = files.iter().fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
        Weighed {
            id: Some(id),
            number: numbers.get(id).copied(),
            name: shown::line(&id.to_string()),
            bytes,
            files,
        }
    });
    let mut weighed: Vec<_> = weighed.collect();
    weighed.sort_by(|a, b| (b.bytes, a.id).cmp(&(a.bytes, b.id)));
    weighed
}

fn draw(packages: &[Weighed<'_>], total: u64, form: &Form) -> Vec<Package> {
    let area = form.width * form.height;
    let is_seen = |bytes: u64| scaled(bytes, area, total) >= SMALLEST;
    let seen = packages.iter().take(form.packages).take_while(|one| is_seen(one.bytes)).count().max(1);
    let (own, rest) = packages.split_at(seen.min(packages.len()));
    let rest_bytes = rest.iter().fold(0_u64, |sum, one| sum.saturating_add(one.bytes));
    let rest = Weighed {
        id: None,
        number: None,
        name: format!("{} smaller", rest.len()),
        bytes: rest_bytes,
        files: Vec::new(),
    };
    let drawn: Vec<_> = own.iter().chain((rest_bytes > 0).then_some(&rest)).collect();
    let weights: Vec<_> = drawn.iter().map(|one| one.bytes).collect();
    let whole = Rectangle { x: 0, y: 0, width: UNIT, height: UNIT };
    let places = squarify(&weights, whole, form);
    let mut left = form.files;
    drawn
        .into_iter()
        .zip(places)
        .map(|(package, at)| {
            let files = parts(package, at, form, &mut left);
            let share = scaled(package.bytes, 1000, total);
            Package {
                number: package.number,
                class: package.id.map_or("rest", |id| class_of(id).0),
                title: format!(
                    "{}: {}, {}.{} % of all",
                    package.name,
                    shown::bytes(package.bytes),
                    share / 10,
                    share % 10
                ),
                label: label(package, at, form),
                name: package.name.clone(),
                at,
                files,
            }
        })
        .collect()
}

/// Draws the files of a package that can be seen, and a rectangle without a name for the others.
fn parts(package: &Weighed<'_>, at: Rectangle, form: &Form, left: &mut usize) -> Vec<Part> {
    let pixels = at.width * form.width / UNIT * (at.height * form.height / UNIT);
    let is_seen = |bytes: u64| scaled(bytes, pixels, package.bytes) >= SMALLEST * 3;
    let seen = package.files.iter().take(*left).take_while(|(_, size)| is_seen(*size)).count();
    if seen < 2 {
        return Vec::new();
    }
    *left -= seen;
    let mut weights: Vec<_> = package.files[..seen].iter().map(|(_, size)| *size).collect();
    let rest = package.files[seen..].iter().fold(0_u64, |sum, (_, size)| sum.saturating_add(*size));
    weights.extend((rest > 0).then_some(rest));
    let title = |at: usize| match package.files.get(at).filter(|_| at < seen) {
        Some((file, size)) => format!("{}: {}", shown::line(&file.path.to_string()), shown::bytes(*size)),
        None => format!("{} smaller files of {}", package.files.len() - seen, package.name),
    };
    let places = squarify(&weights, at, form);
    places.into_iter().enumerate().map(|(number, at)| Part { title: title(number), at }).collect()
}

/// Returns the label of a package, where it fits into its rectangle at some width of the drawing.
fn label(package: &Weighed<'_>, at: Rectangle, form: &Form) -> Option<Label> {
    const CHARACTER: u64 = 7;
    const LINE: u64 = 15;
    let height = at.height * form.height / UNIT;
    if height < LINE + 3 {
        return None;
    }
    let name = match package.id {
        Some(ComponentId::Debian(key)) => shown::line(&key.name),
        Some(id @ (ComponentId::Recipe(_) | ComponentId::Foreign(_))) => shown::line(&id.to_string()),
        _ => package.name.clone(),
    };
    let room = (at.width * form.labelled / UNIT).saturating_sub(10) / CHARACTER;
    let text = if name.chars().count() as u64 <= room || room < 6 {
        name
    } else {
        shown::short(&name, room as usize)
    };
    let below = if height >= 2 * LINE + 6 { shown::bytes(package.bytes) } else { String::new() };
    let longest = text.chars().count().max(below.chars().count()) as u64;
    let needed = (longest * CHARACTER + 10) * UNIT / at.width.max(1);
    let needs = WIDTHS.into_iter().find(|width| u64::from(*width) >= needed)?;
    Some(Label { text, below, needs })
}

/// Returns `part` of `whole`, measured as that part of `by`.
fn scaled(part: u64, by: u64, whole: u64) -> u64 {
    u64::try_from(u128::from(part) * u128::from(by) / u128::from(whole.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_exact() {
        assert_eq!(
            Rectangle { x: 5, y: 120, width: 10_000, height: 3333 }.attributes(),
            "x=\"0.05%\" y=\"1.20%\" width=\"100%\" height=\"33.33%\""
        );
    }
}
