use super::*;
use crate::planner::tests::{Texts, name, package, problems, texts, texts_with_build};

/// Adds a line to the head of a recipe.
fn with(texts: &mut Texts, recipe: &RecipeName, line: &str) {
    let text = texts.0.get_mut(recipe).unwrap();
    let (head, rest) = text.split_once("\nname").unwrap();
    *text = format!("{head}\n{line}\nname{rest}");
}

fn image() -> RecipeName {
    RecipeName::Image(name("demo"))
}

const ARM64: &str = "architecture = \"arm64\"";

#[test]
fn a_package_for_other_processors_is_shown_with_the_image() {
    let mut texts = texts();
    with(&mut texts, &image(), ARM64);
    let problems = problems(&texts);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.code(), "kit::plan::other_architecture");
    assert_eq!(problem.to_string(), "the package `busybox` is for amd64, and the image for arm64");
    let labels = problem.labels();
    let shown: Vec<_> =
        labels.iter().map(|(place, label)| (&place.text[place.span.clone()], label.as_str())).collect();
    assert_eq!(shown, [("\"busybox\"", "goes into the image"), ("\"arm64\"", "for arm64")]);
}

#[test]
fn what_a_script_builds_is_for_what_its_package_says() {
    let mut texts = texts_with_build();
    with(&mut texts, &package("base"), ARM64);
    let codes: Vec<_> =
        problems(&texts).iter().map(|problem| (problem.code(), problem.help().unwrap())).collect();
    let found = codes.iter().find(|(code, _)| *code == "kit::plan::other_architecture");
    assert!(found.is_some_and(|(_, help)| help.contains("Debian's binaries for amd64")), "{codes:?}");
}

#[test]
fn tools_are_for_what_scripts_run_on() {
    let mut texts = texts_with_build();
    with(&mut texts, &package("busybox"), ARM64);
    let problems = problems(&texts);
    let found = problems.iter().find(|problem| problem.code() == "kit::plan::foreign_tool").unwrap();
    assert_eq!(found.to_string(), "the package `busybox` is for arm64, and scripts run on amd64");
    assert_eq!(found.labels().len(), 2);
}

#[test]
fn formats_are_for_some_processors_only() {
    let mut texts = texts();
    let recipe = texts.0.get_mut(&image()).unwrap();
    *recipe = recipe.replace("\"tar\", \"oci\"", "\"rpi\"") + "[kernel]\npackage = \"base\"\n";
    let firmware = "[package]\nname = \"raspi-firmware\"\n[[file]]\npath = \"/x\"\ncontents = \"\"\n";
    texts.0.insert(package("raspi-firmware"), firmware.to_owned());
    let problems = problems(&texts);
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.to_string(), "the format `rpi` is for arm64, and the image for amd64");
}

#[test]
fn an_image_is_for_what_it_extends() {
    let mut texts = texts();
    with(&mut texts, &image(), ARM64);
    let own = "[image]\nname = \"own\"\nextends = [\"demo\"]\n";
    let recipe = RecipeName::Image(name("own"));
    texts.0.insert(recipe.clone(), own.to_owned());
    let set = RecipeSet::load(&recipe, &texts).unwrap();
    assert_eq!(of_subject(&set, &Subject::Image(name("own"))), Architecture::Arm64);
    let set = RecipeSet::load(&image(), &self::texts()).unwrap();
    assert_eq!(of_subject(&set, &Subject::Image(name("demo"))), Architecture::USUAL);
}

/// Makes `demo` an image with a kernel and this format, and adds the packages that formats need.
fn with_format(format: &str, architecture: &str) -> Texts {
    let mut texts = texts();
    let recipe = texts.0.get_mut(&image()).unwrap();
    let head = format!("[image]\n{architecture}");
    *recipe = recipe.replace("\"tar\", \"oci\"", &format!("\"{format}\"")).replacen("[image]", &head, 1)
        + "[kernel]\npackage = \"base\"\n";
    for own in ["init", "init-arm64", "systemd-stub", "systemd-stub-arm64", "module-tools", "bios-boot"] {
        let text = format!("[package]\nname = \"{own}\"\n[[file]]\npath = \"/x\"\ncontents = \"\"\n");
        texts.0.insert(package(own), text);
    }
    texts
}

#[test]
fn what_firmware_and_small_initrds_start_is_for_the_image() {
    let own = |set: &RecipeSet| -> Vec<_> {
        let all = ["init", "init-arm64", "systemd-stub", "systemd-stub-arm64"];
        all.into_iter().filter(|word| set.has_package(&name(word))).collect()
    };
    let loaded =
        |texts: &Texts, image: &str| RecipeSet::load(&RecipeName::Image(name(image)), texts).unwrap();
    assert_eq!(own(&loaded(&with_format("iso-efi", ""), "demo")), ["init", "systemd-stub"]);
    assert_eq!(own(&loaded(&with_format("iso-efi", ARM64), "demo")), ["init-arm64", "systemd-stub-arm64"]);
    // One that says so by what it extends.
    let mut texts = with_format("tar", ARM64);
    let text = "[image]\nname = \"own\"\nextends = [\"demo\"]\nformats = [\"iso-efi\"]\n";
    texts.0.insert(RecipeName::Image(name("own")), text.to_owned());
    assert_eq!(own(&loaded(&texts, "own")), ["init-arm64", "systemd-stub-arm64"]);
}

#[test]
fn what_a_bios_starts_is_for_amd64() {
    for (format, instead) in [("raw-bios", "raw-efi"), ("vhdx", "vhdx-efi"), ("iso-hybrid", "iso-efi")] {
        let problems = problems(&with_format(format, ARM64));
        let told = problems.iter().find(|problem| problem.code() == "kit::plan::format_bios").unwrap();
        let text = format!("the format `{format}` is started by a BIOS, which no machine for arm64 has");
        assert_eq!(told.to_string(), text);
        assert_eq!(told.help().unwrap(), format!("take `{instead}`, which UEFI starts"));
    }
    let codes = |format| -> Vec<_> {
        problems(&with_format(format, ARM64)).iter().map(PlanError::code).collect::<Vec<_>>()
    };
    for format in ["uki", "kernel+erofs", "raw-efi", "hyper-v"] {
        assert!(codes(format).iter().all(|code| !code.starts_with("kit::plan::format_")), "{format}");
    }
}
