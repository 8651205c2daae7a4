//! The table of figures, with the machine that they were measured on.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// Between these lines of a document the figures stand.
const BEGIN: &str = "<!-- figures: written by `cargo bench -p kit-tests -- --write` -->\n";
const END: &str = "<!-- end of the figures -->\n";

/// Lines of a table above its rows.
const HEAD_LINES: usize = 2;

/// One figure.
#[derive(Debug)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: String,
    /// The figure itself; of several runs the median.
    pub(crate) figure: String,
    /// Least and most, and of how many runs; empty where there is but one.
    pub(crate) runs: String,
    /// What it has to be; empty where nothing is asked.
    pub(crate) limit: &'static str,
}

/// Several measurements of one thing, sorted.
#[derive(Debug)]
pub(crate) struct Runs(Vec<f64>);

impl Runs {
    /// Takes times, in milliseconds.
    pub(crate) fn of_times(times: impl IntoIterator<Item = Duration>) -> Self {
        Self::of(times.into_iter().map(|time| time.as_secs_f64() * 1000.0))
    }

    /// Takes numbers.
    pub(crate) fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut numbers: Vec<f64> = numbers.into_iter().collect();
        numbers.sort_by(f64::total_cmp);
        Self(numbers)
    }

    /// The one in the middle.
    pub(crate) fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    /// Least and most, and how many.
    pub(crate) fn range(&self, show: impl Fn(f64) -> String) -> String {
        let (least, most) = (self.0[0], self.0[self.0.len() - 1]);
        format!("{} to {}, {} runs", show(least), show(most), self.0.len())
    }

    /// A row of times.
    pub(crate) fn row(&self, what: &str, limit: &'static str) -> Row {
        Row { what: what.to_owned(), figure: millis(self.median()), runs: self.range(millis), limit }
    }
}

/// Shows milliseconds.
pub(crate) fn millis(millis: f64) -> String {
    match millis {
        ..100.0 => format!("{millis:.1} ms"),
        100.0..1000.0 => format!("{millis:.0} ms"),
        _ => format!("{:.2} s", millis / 1000.0),
    }
}

/// Rows in the making.
#[derive(Debug)]
pub(crate) struct Table {
    /// With the name of the benchmark.
    pub(crate) rows: Vec<(&'static str, Row)>,
    load: String,
}

impl Table {
    /// Starts a table, and notes how busy the machine is before anything is measured.
    pub(crate) fn begin() -> Self {
        Self { rows: Vec::new(), load: load() }
    }

    /// Returns the text.
    pub(crate) fn end(&self) -> String {
        let mut text = format!(
            "{}\n\n| name | what | median | least to most | limit |\n|---|---|---|---|---|\n",
            self.machine()
        );
        for (name, Row { what, figure, runs, limit }) in &self.rows {
            writeln!(text, "| {name} | {what} | {figure} | {runs} | {limit} |").expect("a string takes all");
        }
        text
    }

    fn machine(&self) -> String {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let cpuinfo = read("/proc/cpuinfo");
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let model = model.map_or("an unknown processor", |(_, model)| model);
        let count = std::thread::available_parallelism().map_or(1, usize::from);
        let meminfo = read("/proc/meminfo");
        let kib = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
        let gib = kib.and_then(|kib| kib.trim().parse::<u64>().ok()).unwrap_or(0) >> 20;
        let release = read("/proc/sys/kernel/osrelease");
        let release = release.split('-').next().unwrap_or_default().trim();
        let date = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().expect("every system has it");
        let date = String::from_utf8_lossy(&date.stdout);
        format!(
            "{}; {count} processors ({model}), {gib} GiB of memory, Linux {release}, {}; load {} before, {} after.",
            date.trim(),
            file_system(),
            self.load,
            load()
        )
    }
}

/// How many processes wanted a processor in the last minute, on average.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The kind of file system that everything is written to.
fn file_system() -> String {
    let mut stat = Command::new("stat");
    let output = stat.args(["--file-system", "--format=%T", env!("CARGO_TARGET_TMPDIR")]).output();
    let kind = String::from_utf8_lossy(&output.expect("every system has it").stdout).trim().to_owned();
    if kind == "ext2/ext3" { "ext4".to_owned() } else { kind }
}

/// Puts the figures into a document, in place of those that it has of the benchmarks that `is_new` names. The others stay in a table of their
/// own, with the day and the machine that they were measured on.
pub(crate) fn write(document: &Path, figures: &str, is_new: impl Fn(&str) -> bool) {
    let text = std::fs::read_to_string(document).expect("the document is there");
    let (before, rest) = text.split_once(BEGIN).expect("the document has a place for figures");
    let (old, after) = rest.split_once(END).expect("the document has an end of the figures");
    let text = format!("{before}{BEGIN}\n{}{}\n\n{END}{after}", others(old, is_new), figures.trim());
    std::fs::write(document, text).expect("the document can be written");
}

/// Returns the tables without the rows of some benchmarks, and without those that have no rows then.
fn others(tables: &str, is_gone: impl Fn(&str) -> bool) -> String {
    let mut kept = String::new();
    let paragraphs: Vec<_> = tables.split("\n\n").map(str::trim).filter(|text| !text.is_empty()).collect();
    for pair in paragraphs.chunks_exact(2) {
        let name = |line: &str| line.split('|').nth(1).unwrap_or_default().trim().to_owned();
        let lines: Vec<_> = pair[1].lines().filter(|line| !is_gone(&name(line))).collect();
        if lines.len() > HEAD_LINES {
            write!(kept, "{}\n\n{}\n\n", pair[0], lines.join("\n")).expect("a string takes all");
        }
    }
    kept
}
