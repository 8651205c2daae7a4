//! What an image is made of: sizes, ways from the image to a component, graphs.

use kit_tests::small::Small;
use serde_json::Value;

fn json(said: &kit_tests::Said) -> Value {
    let last = said.stdout.lines().last().expect("there is a result");
    let object: Value = serde_json::from_str(last).expect("it is JSON");
    object["result"].clone()
}

#[test]
fn every_byte_of_an_image_is_somebody_s() {
    let small = Small::new();
    let said = small.kit(&["why", "small", "--size"]).succeeded();
    for text in ["zlib1g 1:1.2.13", "package numbers", "package letters", "image small", "%"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    let result = json(&small.kit(&["why", "small", "--size", "--json"]).succeeded());
    let components = result["components"].as_array().expect("a list");
    let sum: u64 = components.iter().map(|one| one["bytes"].as_u64().expect("a number")).sum();
    assert_eq!(result["bytes"].as_u64(), Some(sum));
    // The root, and the kernel beside it; names of one file count once.
    let dump = small.kit(&["show", "small", "--files"]).succeeded().stdout;
    let root: u64 = dump
        .lines()
        .filter(|line| line.contains(" file "))
        .map(|line| line.rsplit(' ').nth(1).expect("a size").parse::<u64>().expect("a number"))
        .sum();
    assert_eq!(sum, root + "kernel".len() as u64, "{dump}");
    // The same on a second look, with everything known.
    assert_eq!(small.kit(&["why", "small", "--size"]).succeeded().stdout, said.stdout);
}

#[test]
fn the_way_to_a_component_is_told() {
    let small = Small::new();
    let said = small.kit(&["why", "small", "zlib"]).succeeded();
    for text in
        ["zlib1g 1:1.2.13", "shipped", "of source package zlib", "package libraries is made of zlib1g"]
    {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    let said = small.kit(&["why", "small", "busybox-static"]).succeeded();
    for text in ["tool", "is built with package tools", "package tools is made of busybox-static"] {
        assert!(said.stdout.contains(text), "no `{text}` in:\n{said}");
    }
    small.kit(&["why", "small", "zlib1"]).failed(1, &["error[kit::why::no_component]", "did you mean `zlib"]);
    small.kit(&["why", "small", "quite-another"]).failed(1, &["kit::why::no_component", "--size"]);
}

#[test]
fn graphs_are_drawn_for_other_tools() {
    let small = Small::new();
    let dot = small.kit(&["graph", "small"]).succeeded().stdout;
    assert!(dot.starts_with("digraph image {") && dot.contains("label=\"image small\""), "{dot}");
    assert!(!dot.contains("busybox-static"), "{dot}");
    let all = small.kit(&["graph", "small", "--tools"]).succeeded().stdout;
    assert!(all.contains("busybox-static") && all.contains("[style=dashed]"), "{all}");
    let mermaid = small.kit(&["graph", "small", "--as", "mermaid"]).succeeded().stdout;
    assert!(
        mermaid.starts_with("flowchart LR\n") && mermaid.contains("[\"package libraries\"]"),
        "{mermaid}"
    );
}
