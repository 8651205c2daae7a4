//! The page of a verification: one file that needs nothing else, the same bytes for the same result.
//!
//! Names and contents are those of foreign builds: the template escapes all of them, and its policy lets no script run but its own, by
//! digest. Whoever changes the script has to change the digest, too; the browser's test fails else.

use askama::Template;
use kit_build::verify::{Excerpt, Explanation, FileDifference, FirstCause, How, Side, Step, What};

use super::rebuild::{Artifact, Output, Verified};
use super::report::{because, remedies};
use crate::Failure;
use crate::escape;
use crate::render::line_of;
use crate::units::{Bytes, count};

/// How many files of a step are shown.
const FILES: usize = 50;
/// How many bytes a row of a dump has.
const ROW: usize = 16;

#[derive(Template)]
#[template(path = "verify.html")]
struct Page {
    title: String,
    version: &'static str,
    sections: Vec<Section>,
}

/// What is said of one image, or of two files.
pub(super) struct Section {
    pub(super) name: String,
    pub(super) summary: String,
    pub(super) is_same: bool,
    pub(super) verdict: &'static str,
    pub(super) facts: Vec<(String, String)>,
    outputs: Vec<OutputRow>,
    variations: Option<Varied>,
    pub(super) causes_heading: &'static str,
    pub(super) causes: Vec<Cause>,
    steps: Vec<StepRow>,
}

struct Varied {
    done: Vec<String>,
    not_done: Vec<String>,
}

struct OutputRow {
    name: String,
    sha256: String,
    rebuilt: Option<String>,
    state: State,
}

struct StepRow {
    title: String,
    tree: String,
    rebuilt: Option<String>,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Same,
    Differs,
    Follows,
    Undone,
}

impl State {
    fn class(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::Follows => "follows",
            Self::Undone => "undone",
        }
    }

    fn word(self) -> &'static str {
        if let Self::Undone = self { "not done" } else { self.class() }
    }
}

/// A first cause, or what two files differ in.
pub(super) struct Cause {
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) facts: Vec<(&'static str, Vec<String>)>,
    pub(super) nodes: Vec<Node>,
}

/// A line of the tree of an explanation.
pub(super) enum Node {
    Name { depth: usize, text: String, is_file: bool },
    Note { depth: usize, text: String },
    Difference { depth: usize, what: Difference },
}

/// One difference, side by side.
pub(super) struct Difference {
    title: String,
    likely: Option<String>,
    sides: Vec<Shown>,
}

struct Shown {
    class: &'static str,
    heading: String,
    value: Option<String>,
    rows: Vec<Row>,
}

struct Row {
    offset: String,
    hex: Vec<Run>,
    text: Vec<Run>,
}

/// Characters that all differ, or all don't.
struct Run {
    differs: bool,
    text: String,
}

/// Returns the page of verified images.
pub(super) fn page(all: &[Verified]) -> Result<String, Failure> {
    let names: Vec<_> = all.iter().map(Verified::name).collect();
    render(&format!("kit verify {}", names.join(" ")), all.iter().map(section).collect())
}

/// Returns the page of some sections.
pub(super) fn render(title: &str, sections: Vec<Section>) -> Result<String, Failure> {
    let page = Page { title: escape::line(title), version: env!("CARGO_PKG_VERSION"), sections };
    let text =
        page.render().map_err(|source| Failure::Evidence { what: "page", source: Box::new(source) })?;
    // Markup is escaped by the template; what turns text around isn't.
    Ok(escape::text(&text).into_owned())
}

impl Section {
    /// Starts a section about two files.
    pub(super) fn of_files(
        name: String,
        summary: String,
        facts: Vec<(String, String)>,
        causes: Vec<Cause>,
    ) -> Self {
        let is_same = causes.is_empty();
        Self {
            name,
            summary,
            is_same,
            verdict: if is_same { "same" } else { "different" },
            facts,
            outputs: Vec::new(),
            variations: None,
            causes_heading: "What differs",
            causes,
            steps: Vec::new(),
        }
    }
}

fn section(verified: &Verified) -> Section {
    let sides = ("first build", "rebuild");
    let mut causes: Vec<_> = verified.artifact.iter().filter(|one| !one.is_same).map(of_artifact).collect();
    let mut steps = Vec::new();
    for round in &verified.rounds {
        causes.extend(round.first_causes.iter().map(|cause| of_cause(verified, cause, sides)));
        let first = round.first_causes.iter().map(|cause| &cause.step);
        steps.extend(first.map(|step| step_row(step, State::Differs)));
        steps.extend(round.follow.iter().map(|step| step_row(step, State::Follows)));
        steps.extend(round.not_done.iter().map(|step| step_row(step, State::Undone)));
        steps.extend(round.same.iter().map(|step| step_row(step, State::Same)));
    }
    let not_done = verified.left_out.iter().map(|(variation, why)| format!("{variation} ({why})"));
    let is_same = verified.is_same();
    Section {
        name: escape::line(&verified.name()),
        summary: summary(verified),
        is_same,
        verdict: if is_same { "reproducible" } else { "different" },
        facts: facts(verified),
        outputs: verified.outputs.iter().map(output_row).collect(),
        variations: Some(Varied {
            done: verified.varied.iter().map(ToString::to_string).collect(),
            not_done: not_done.collect(),
        }),
        causes_heading: "First causes",
        causes,
        steps,
    }
}

fn summary(verified: &Verified) -> String {
    let total: usize = verified
        .rounds
        .iter()
        .map(|round| round.same.len() + round.first_causes.len() + round.follow.len())
        .sum();
    let different: usize = verified.rounds.iter().map(|round| round.first_causes.len()).sum();
    let follow: usize = verified.rounds.iter().map(|round| round.follow.len()).sum();
    let done = format!("{} done again", count(total, "step"));
    if different == 0 {
        format!("{done}: all came out the same")
    } else {
        format!("{done}: {different} came out different, {follow} because of them")
    }
}

fn facts(verified: &Verified) -> Vec<(String, String)> {
    let lock = &verified.piece.lock;
    let mut facts = vec![
        ("image", verified.image.to_string()),
        ("lockfile", verified.lock_path.clone()),
        ("its sha256", verified.lock_sha256.to_string()),
        ("what it pins", lock.pin_id().to_string()),
        ("format epoch", lock.epoch.to_string()),
        ("architecture", lock.architecture.clone()),
        ("depth", verified.depth.word().to_owned()),
        ("rounds", verified.rounds.len().to_string()),
    ];
    facts.extend(verified.only.clone().map(|only| ("only", only)));
    if let Some(artifact) = &verified.artifact {
        facts.push(("file", artifact.path.display().to_string()));
        facts.push(("which is", artifact.kind.to_owned()));
        facts.push(("its lockfile", artifact.found.clone()));
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), escape::line(&value))).collect()
}

fn output_row((name, output): (&String, &Output)) -> OutputRow {
    let (rebuilt, state) = match output.rebuilt {
        Some(rebuilt) if rebuilt == output.sha256 => (None, State::Same),
        Some(rebuilt) => (Some(rebuilt.to_string()), State::Differs),
        None => (None, State::Undone),
    };
    let name = format!("{name} ({})", Bytes(output.size));
    OutputRow { name, sha256: output.sha256.to_string(), rebuilt, state }
}

fn step_row(step: &Step, state: State) -> StepRow {
    let rebuilt = step.rebuilt.filter(|rebuilt| *rebuilt != step.tree).map(|tree| tree.to_string());
    StepRow { title: escape::line(&step.title), tree: step.tree.to_string(), rebuilt, state }
}

fn of_artifact(artifact: &Artifact) -> Cause {
    let path = escape::line(&artifact.path.display().to_string());
    let mut nodes = Vec::new();
    let sides = ("what the lockfile gives", "the file");
    tree(&mut nodes, &artifact.explanations, 0, sides);
    Cause {
        title: format!("{path} is not `{}` of this lockfile", artifact.output),
        summary: String::new(),
        facts: Vec::new(),
        nodes,
    }
}

fn of_cause(verified: &Verified, cause: &FirstCause, sides: (&str, &str)) -> Cause {
    let mut facts = Vec::new();
    facts.extend(verified.written(&cause.step.derivation).map(|place| ("written in", vec![line_of(&place)])));
    facts.push(("because of", vec![because(&cause.cause)]));
    facts.push(("usually mended by", remedies(cause).into_iter().map(str::to_owned).collect()));
    facts.push(("derivation", vec![cause.step.derivation.to_string()]));
    let mut nodes = Vec::new();
    let summary = match &cause.how {
        How::Failed(failure) => format!("failed: {failure}"),
        How::Tree { files } => {
            for file in files.iter().take(FILES) {
                of_file(&mut nodes, file, sides);
            }
            if files.len() > FILES {
                let text = format!("and {} more", count(files.len() - FILES, "path"));
                nodes.push(Node::Note { depth: 0, text });
            }
            count(files.len(), "path")
        }
    };
    Cause { title: escape::line(&cause.step.title), summary, facts, nodes }
}

fn of_file(nodes: &mut Vec<Node>, file: &FileDifference, sides: (&str, &str)) {
    let text = escape::line(&file.entries.path.to_string());
    nodes.push(Node::Name { depth: 0, text, is_file: true });
    if file.explanations.is_empty() {
        let lines = file.entries.to_string();
        nodes.extend(lines.lines().map(|line| Node::Note { depth: 1, text: escape::line(line) }));
    }
    tree(nodes, &file.explanations, 1, sides);
}

/// Adds explanations as a tree: the members on the way to each, those of the one before left out.
pub(super) fn tree(nodes: &mut Vec<Node>, explanations: &[Explanation], depth: usize, sides: (&str, &str)) {
    let mut open: &[String] = &[];
    let mut shown: Option<&Excerpt> = None;
    for explanation in explanations {
        let common = open.iter().zip(&explanation.place).take_while(|(a, b)| a == b).count();
        for (number, name) in explanation.place.iter().enumerate().skip(common) {
            nodes.push(Node::Name { depth: depth + number, text: escape::line(name), is_file: false });
        }
        open = &explanation.place;
        let depth = depth + explanation.place.len();
        // Fields of one header share their bytes: these are shown with the first one.
        let excerpt = explanation.excerpt.as_ref().filter(|excerpt| shown != Some(excerpt));
        nodes.push(Node::Difference { depth, what: difference(explanation, excerpt, sides) });
        shown = explanation.excerpt.as_ref();
    }
}

fn difference(explanation: &Explanation, excerpt: Option<&Excerpt>, sides: (&str, &str)) -> Difference {
    let (title, values) = match &explanation.what {
        What::Field { name, before, after } => (name.clone(), Some((before, after))),
        What::Order { of, before, after } => {
            (format!("the same {of} in another order"), Some((before, after)))
        }
        What::Member { name, in_first: true } => (format!("`{name}` isn't there any more"), None),
        What::Member { name, in_first: false } => (format!("`{name}` wasn't there"), None),
        What::Line { number, before, after } => (format!("line {number}"), Some((before, after))),
        What::Bytes { offset, .. } => (format!("from byte {offset} on"), None),
        What::Compression { format } => (format!("the same in another {format} compression"), None),
    };
    let value = |value: Option<&String>| value.map(|value| escape::line(value));
    let (first, second) = (value(values.map(|values| values.0)), value(values.map(|values| values.1)));
    let (before, after) = excerpt.map(rows).unwrap_or_default();
    let side = |class, heading: &str, value, rows| Shown { class, heading: heading.to_owned(), value, rows };
    let mut shown = Vec::new();
    if first.is_some() || !before.is_empty() || !after.is_empty() {
        shown.push(side("before", sides.0, first, before));
        shown.push(side("after", sides.1, second, after));
    }
    let likely = explanation.likely.map(|likely| {
        let follows = likely.follows();
        if follows { likely.remedy().to_owned() } else { format!("looks like {likely}: {}", likely.remedy()) }
    });
    Difference { title: escape::line(&title), likely, sides: shown }
}

/// Returns the rows of both sides; bytes at the same distance from their start are compared.
fn rows(excerpt: &Excerpt) -> (Vec<Row>, Vec<Row>) {
    let side = |side: &Side, other: &Side| -> Vec<Row> {
        let differs = |at: usize| side.bytes.get(at) != other.bytes.get(at);
        side.bytes
            .chunks(ROW)
            .enumerate()
            .map(|(number, chunk)| row(side, number * ROW, chunk, &differs))
            .collect()
    };
    (side(&excerpt.before, &excerpt.after), side(&excerpt.after, &excerpt.before))
}

fn row(side: &Side, start: usize, chunk: &[u8], differs: &dyn Fn(usize) -> bool) -> Row {
    let mut row =
        Row { offset: format!("{:08x}", side.offset + start as u64), hex: Vec::new(), text: Vec::new() };
    for (at, byte) in chunk.iter().enumerate() {
        let differs = differs(start + at);
        // The gap belongs to the pair before it, so that marks hold together.
        let gap = if at == ROW / 2 - 1 { "  " } else { " " };
        add(&mut row.hex, differs, &format!("{byte:02x}"));
        add(&mut row.hex, false, gap);
        let shown = if (0x20..0x7f).contains(byte) { char::from(*byte) } else { '·' };
        add(&mut row.text, differs, shown.encode_utf8(&mut [0; 4]));
    }
    let missing = ROW - chunk.len();
    let gap = usize::from(chunk.len() < ROW / 2);
    add(&mut row.hex, false, &" ".repeat(missing * 3 + gap));
    row
}

fn add(runs: &mut Vec<Run>, differs: bool, text: &str) {
    match runs.last_mut() {
        Some(last) if last.differs == differs => last.text.push_str(text),
        _ => runs.push(Run { differs, text: text.to_owned() }),
    }
}

#[cfg(test)]
mod tests;
