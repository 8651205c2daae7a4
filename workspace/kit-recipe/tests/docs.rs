//! `docs/recipes.md` says what is so.

use kit_recipe::Recipe;
use kit_recipe::problem::Fault;
use kit_recipe::recipe::RecipeName;

const DOCS: &str = include_str!("../../../docs/recipes.md");

/// The examples that are whole recipes, each headed by its path.
fn examples() -> Vec<(RecipeName, &'static str)> {
    let blocks = DOCS.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    blocks
        .filter_map(|text| {
            let path = text.lines().next()?.strip_prefix("# recipes/")?.strip_suffix(".toml")?;
            let name = path.replace("packages/", "package ").replace("images/", "image ");
            Some((name.parse().expect("an example is headed by its path"), text))
        })
        .collect()
}

#[test]
fn every_example_is_right() {
    assert_eq!(examples().len(), 7);
    for (name, text) in examples() {
        assert!(Recipe::parse(&name, text).is_ok(), "{name}");
    }
}

/// The examples in the last column of the tables, each put where its heading says.
#[test]
fn every_key_and_its_example_is_right() {
    let mut section = "";
    let mut tried = 0;
    for line in DOCS.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading;
        } else if line.starts_with("# ") {
            section = "";
        }
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [key, _, _, _, example] = cells.as_slice() else { continue };
        let Some(example) = example.strip_prefix('`').and_then(|e| e.strip_suffix('`')) else { continue };
        let text = around(section, example);
        let name = text.lines().next().unwrap().trim_start_matches("# ").parse().unwrap();
        let unknown = Recipe::parse(&name, &text).err().into_iter().flatten().find(|problem| {
            // What else a section needs is not in its one-line example.
            !matches!(
                problem.fault,
                Fault::EmptyPackage { .. }
                    | Fault::MissingKey { .. }
                    | Fault::MissingSection { .. }
                    | Fault::FileWithoutContent { .. }
            )
        });
        assert!(unknown.is_none(), "{key}: {unknown:?}\n{text}");
        tried += 1;
    }
    assert!(tried >= 70, "only {tried} examples were found");
}

fn around(section: &str, example: &str) -> String {
    let package = "# package web\n[package]\nname = \"web\"\n";
    let image = "# image web\n[image]\nname = \"web\"\nextends = [\"minimal\"]\n";
    match section {
        "package" if example.starts_with("name") => {
            "# package dropbear\n[package]\nname = \"dropbear\"\n".to_owned()
        }
        "package" => format!("{package}{example}\n[[user]]\nname = \"a\"\nuid = 1\n"),
        "sources" => {
            let debian = ["suite", "packages", "dependencies", "source", "patches", "component"]
                .iter()
                .any(|key| example.starts_with(key));
            let origin = match example.split(' ').next().unwrap_or_default() {
                "suite" | "local" | "crates" | "url" | "image" => "",
                "git" => "tag = \"v1.0\"\n",
                "tag" | "branch" | "commit" => "git = \"https://git.example/web.git\"\n",
                "submodules" => "git = \"https://git.example/web.git\"\ntag = \"v1.0\"\n",
                "sha256" | "mirrors" | "unpack" => "url = \"https://downloads.example/web-1.0.tar.gz\"\n",
                "architecture" => "suite = \"bookworm\"\n",
                _ if debian => "suite = \"bookworm\"\n",
                _ => "local = \"src\"\n",
            };
            format!("{package}[sources.main]\n{origin}{example}\n")
        }
        "kinds" => kind(example),
        "build" if example.starts_with("kind") => {
            format!("{package}[sources.main]\nlocal = \"src\"\n[build]\n{example}\n")
        }
        "build" | "tree" | "container" => {
            let lines = example.replace("; ", "\n");
            format!("{package}[[user]]\nname = \"a\"\nuid = 1\n[{section}]\n{lines}\n")
        }
        "volume" => format!("{image}[[volume]]\n{example}\n"),
        "file" | "directory" | "symlink" | "user" => format!("{package}[[{section}]]\n{example}\n"),
        "image" if example.starts_with("name") => "# image minimal\n[image]\nname = \"minimal\"\n".to_owned(),
        "image" if example.starts_with("extends") => {
            format!("# image web\n[image]\nname = \"web\"\n{example}\n")
        }
        "image" => format!("{image}{example}\n"),
        "disk" if example.starts_with("verity") => {
            format!("{image}[disk]\nroot = \"erofs\"\n{example}\n")
        }
        "extension" if example.starts_with("version-id") || example.starts_with("level") => {
            format!("{image}[{section}]\nid = \"debian\"\n{example}\n")
        }
        "disk" if example.starts_with("slot") || example.starts_with("updates") => {
            let slots = if example.starts_with("slots") { "" } else { "slots = 2\n" };
            format!("{image}[disk]\nroot = \"erofs\"\nverity = true\n{slots}{example}\n")
        }
        "kernel" | "init" | "disk" | "extension" => format!("{image}[{section}]\n{example}\n"),
        "onboot, service, onshutdown" => format!("{image}[[service]]\n{example}\n"),
        "tools" => format!("# tools\n[tools]\n{example}\n"),
        _ => panic!("no place for `{example}` of `{section}`"),
    }
}

/// A build of a kind that takes the key.
fn kind(example: &str) -> String {
    let kind = match example.split(' ').next().unwrap_or_default() {
        "configure" => "autotools",
        "crates" | "features" | "target" => "cargo",
        "config" | "archive" => "kernel",
        _ => "make",
    };
    let sources = ["main", "fragment"].map(|name| format!("[sources.{name}]\nlocal = \"{name}\"\n")).concat();
    let main = if example.starts_with("source") { "" } else { "source = \"main\"\n" };
    let config =
        if kind == "kernel" && !example.starts_with("config") { "config = \"fragment\"\n" } else { "" };
    let crates = if kind == "cargo" { "[sources.vendor]\ncrates = \"Cargo.lock\"\n" } else { "" };
    format!(
        "# package web\n[package]\nname = \"web\"\n{sources}{crates}[build]\nkind = \"{kind}\"\n{main}{config}{example}\n"
    )
}

#[test]
fn every_code_is_listed() {
    for slug in Fault::SLUGS {
        assert!(DOCS.contains(&format!("\n| `{slug}` |")), "{slug}");
    }
}
