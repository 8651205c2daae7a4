//! An image of a gigabyte from a registry on the loopback interface, by kit and by skopeo with umoci.
//!
//! The image has eight layers, compressed by gzip as nearly all in registries are, of 1,000 files each, small and large. Both
//! start with nothing and take turns. Neither deletes anything in between, since a file system is slow for a while where much
//! was deleted.
//!
//! | | kit | skopeo and umoci |
//! |---|---|---|
//! | starts with | an empty store | an empty directory |
//! | ends with | a lockfile, and in the store each layer, each file by its digest and the tree of all | an OCI layout with each layer, a directory |
//!
//! What umoci is asked for (`raw unpack`) is the files alone, without the list of their digests that a bundle has besides.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kit_tests::TestProject;
use kit_tests::registry::Registry;

use crate::noise::Noise;
use crate::process::{self, Cost};
use crate::table::{Row, Runs};

const RUNS: usize = 3;
const LAYERS: u64 = 8;
/// In each layer.
const FILES: usize = 1000;
/// Of all files of a layer, so that there is a gigabyte in all.
const LAYER_BYTES: usize = 128 << 20;

pub(crate) fn measure() -> Vec<Row> {
    let tools = TestProject::new();
    tools.take("recipes/tools.toml").take("lockfiles/tools.lock");
    let registry = Registry::start(&tools);
    let reference = format!("{}/bench/large:1", registry.host());
    push(&reference);
    for tool in ["skopeo", "umoci"] {
        tools.kit(&["tool", tool, "--", tool, "--version"]).succeeded();
    }
    let (mut ours, mut theirs, mut kept) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..RUNS {
        let project = puller(&reference);
        ours.push(process::run(&mut project.command(&["lock", "tools"])));
        theirs.push(by_skopeo_and_umoci(&tools, &reference, number));
        kept.push(project);
    }
    let project = puller(&reference);
    let peak = process::peak_memory(&mut project.command(&["lock", "tools"]));
    rows(&ours, &theirs, peak)
}

/// Makes the image and puts it into the registry.
fn push(reference: &str) {
    let project = TestProject::with_own_store();
    (0..LAYERS).for_each(|layer| write_files(&project.path().join(format!("files/{layer}")), layer));
    let sources = (0..LAYERS).map(|layer| format!("[sources.part-{layer}]\nlocal = \"files/{layer}\"\n"));
    let head = "[package]\nname = \"large\"\n[container]\ncommand = [\"/none\"]\n";
    let package = head.to_owned() + &sources.collect::<Vec<_>>().concat();
    project.write("recipes/packages/large.toml", &package);
    let image = "[image]\nname = \"large\"\nformats = [\"oci\"]\n[[service]]\nname = \"large\"\npackage = \"large\"\n";
    project.write("recipes/images/large.toml", image);
    project.kit(&["lock"]).succeeded();
    project.kit(&["push", "large", reference, "--container", "large"]).succeeded();
}

/// Writes the files of a layer: sizes from some bytes to a megabyte and more, the small ones being the most.
fn write_files(directory: &Path, layer: u64) {
    let mut noise = Noise::new(layer);
    let weights: Vec<u64> = (0..FILES).map(|_| 1 << (noise.next() % 9)).collect();
    let all: u64 = weights.iter().sum();
    for (number, weight) in weights.iter().enumerate() {
        let length = LAYER_BYTES as u64 * weight / all;
        let directory = directory.join(format!("srv/{layer}/{}", number % 40));
        std::fs::create_dir_all(&directory).expect("a directory");
        let path = directory.join(format!("{number}"));
        std::fs::write(&path, noise.bytes(usize::try_from(length).expect("it is small"))).expect("room");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("it is ours");
    }
}

/// A project whose tools are the image's files. Tools have no outputs: what is locked is what was unpacked.
fn puller(reference: &str) -> TestProject {
    let project = TestProject::with_own_store();
    let package = format!("[package]\nname = \"large\"\n[sources.large]\nimage = \"{reference}\"\n");
    project.write("recipes/packages/large.toml", &package);
    project.write("recipes/tools.toml", "[tools]\npackages = [\"large\"]\n");
    rustix::fs::sync();
    project
}

fn by_skopeo_and_umoci(tools: &TestProject, reference: &str, number: usize) -> Cost {
    rustix::fs::sync();
    let (from, to) = (format!("docker://{reference}"), format!("oci:large-{number}:1"));
    let copy = ["tool", "--network", "skopeo", "--", "skopeo", "copy", "--src-tls-verify=false", &from, &to];
    let copied = process::run(&mut tools.command(&copy));
    let (image, root) = (format!("large-{number}:1"), format!("root-{number}"));
    let unpack = ["tool", "umoci", "--", "umoci", "raw", "unpack", "--rootless", "--image", &image, &root];
    let unpacked = process::run(&mut tools.command(&unpack));
    let last = tools.path().join(root).join("srv");
    assert_eq!(std::fs::read_dir(last).expect("umoci unpacked it").count() as u64, LAYERS);
    Cost { wall: copied.wall + unpacked.wall, cpu: copied.cpu + unpacked.cpu }
}

fn rows(ours: &[Cost], theirs: &[Cost], peak: u64) -> Vec<Row> {
    let wall = |costs: &[Cost]| Runs::of_times(costs.iter().map(|cost| cost.wall));
    let cpu = |costs: &[Cost]| Runs::of_times(costs.iter().map(|cost| cost.cpu));
    // Each pair ran one after the other, so that both were on an equally busy machine.
    let times = |ratio: f64| format!("{ratio:.1} times");
    let pairs = ours.iter().zip(theirs);
    let ratios = Runs::of(pairs.map(|(ours, theirs)| theirs.wall.as_secs_f64() / ours.wall.as_secs_f64()));
    let row =
        |what: &str, figure: String, runs: String, limit| Row { what: what.to_owned(), figure, runs, limit };
    vec![
        wall(ours).row("an image of 1 GiB from a registry into the store: `kit lock`", ""),
        cpu(ours).row("the same, processor time", ""),
        wall(theirs).row("the same by `skopeo copy` and `umoci raw unpack`", ""),
        cpu(theirs).row("the same, processor time", ""),
        row("kit is faster by", times(ratios.median()), ratios.range(times), "more than 1 time"),
        row(
            "peak of kit's memory",
            format!("{} MiB", peak.div_ceil(1 << 20)),
            String::new(),
            "under 200 MiB",
        ),
    ]
}
