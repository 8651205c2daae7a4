//! The figures of `docs/benchmarks.md`, all in one run.
//!
//! ```text
//! cargo bench -p kit-tests                       print them
//! cargo bench -p kit-tests -- --write            and put them into docs/benchmarks.md
//! cargo bench -p kit-tests -- closure boot       these alone; with `--write`, the figures of others stay
//! ```
//!
//! | module | what is measured |
//! |---|---|
//! | [`nothing`] | a build with nothing to do |
//! | [`change`] | one file of one service changed |
//! | [`closure`] | a closure of a hundred packages resolved and unpacked, beside mmdebstrap |
//! | [`boot`] | size of `minimal` and `minimal-hardened`, and their boot in the emulator |
//! | [`server`] | boot of `server` until ssh answers |
//! | [`memory`] | peak of memory with an image of more than a gigabyte |
//! | [`audit`] | an audit and an SBOM of three hundred packages, with all that Debian knows of vulnerabilities |
//! | [`pull`] | an image of a gigabyte from a registry, beside skopeo and umoci |
//! | [`formats`] | file systems beside `mksquashfs` and `mkfs.erofs` (`file-systems`); disks beside `cp`, kernel and initrd beside `LinuxKit` (`formats`) |
//!
//! | module | what they are measured with |
//! |---|---|
//! | [`noise`] | content that nobody has seen |
//! | [`process`] | time, processor time and memory of a process |
//! | [`stores`] | stores that hold downloads alone, or all that another holds |
//! | [`table`] | the table and the machine |
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "benchmarks start programs, make their own directories and print"
)]

mod audit;
mod boot;
mod change;
mod closure;
mod formats;
mod memory;
mod noise;
mod nothing;
mod process;
mod pull;
mod server;
mod stores;
mod table;

use kit_tests::program;

use self::formats::writer;
use self::table::{Row, Table};

/// A benchmark, by the name that chooses it.
type Benchmark = (&'static str, fn() -> Vec<Row>);

const ALL: [Benchmark; 11] = [
    ("nothing", nothing::measure),
    ("change", change::measure),
    ("closure", closure::measure),
    ("boot", boot::minimal),
    ("hardened", boot::minimal_hardened),
    ("server", server::measure),
    ("memory", memory::measure),
    ("pull", pull::measure),
    ("audit", audit::measure),
    ("formats", formats::outputs::measure),
    ("file-systems", formats::file_systems::measure),
];

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let Some((writer::WORD, arguments)) = arguments.split_first().map(|(word, rest)| (word.as_str(), rest))
    {
        return writer::run(arguments);
    }
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    let known = |name: &str| ALL.iter().any(|(known, _)| *known == name);
    if let Some(wrong) =
        options.iter().find(|option| option.as_str() != "--write").or(names.iter().find(|name| !known(name)))
    {
        let all: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
        eprintln!("`{wrong}` is neither `--write` nor one of {}", all.join(", "));
        std::process::exit(2);
    }
    program::kit();
    let mut table = Table::begin();
    let is_wanted = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted.as_str() == name);
    for (name, measure) in ALL {
        if is_wanted(name) {
            eprintln!("measuring: {name}");
            table.rows.extend(measure().into_iter().map(|row| (name, row)));
        }
    }
    let text = table.end();
    println!("{text}");
    if !options.is_empty() {
        table::write(&program::repository().join("docs/benchmarks.md"), &text, is_wanted);
    }
}
