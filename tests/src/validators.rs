//! The official validators of formats, which are Python's: installed once, from their locked versions.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::program::{repository, shared_store};

/// Where they are installed, and the archives with schemas.
fn installed() -> &'static PathBuf {
    static PLACE: OnceLock<PathBuf> = OnceLock::new();
    PLACE.get_or_init(|| {
        let place = shared_store().with_file_name("test-validators");
        let lists = repository().join("tests/validators");
        let read = |name: &str| std::fs::read_to_string(lists.join(name)).expect("the list is there");
        let wanted = read("requirements.txt") + &read("schemas.txt");
        let stamp = place.join("stamp");
        if std::fs::read_to_string(&stamp).is_ok_and(|stamp| stamp == wanted) {
            return place;
        }
        _ = std::fs::remove_dir_all(&place);
        let (code, schemas) = (place.join("code"), place.join("schemas"));
        std::fs::create_dir_all(&schemas).expect("a directory");
        let code = code.display().to_string();
        let schemas = schemas.display().to_string();
        let list = |name: &str| lists.join(name).display().to_string();
        pip(&["install", "--target", &code, "--require-hashes", "-r", &list("requirements.txt")]);
        let sources = ["--no-deps", "--no-binary", ":all:", "--require-hashes", "-r", &list("schemas.txt")];
        pip(&[&["download", "-d", &schemas], &sources[..]].concat());
        std::fs::write(stamp, wanted).expect("a file");
        place
    })
}

fn pip(arguments: &[&str]) {
    let output = Command::new("python3").args(["-m", "pip", "-q"]).args(arguments).output();
    let output = output.expect("python3 with pip is on the machine: validators are Python's");
    assert!(output.status.success(), "pip {arguments:?}:\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Fails the test unless a document is what its format says. The kinds are the functions of `tests/validators/check.py`.
#[track_caller]
pub fn accepted(kind: &str, document: &Path) {
    let said = said(kind, document);
    assert!(said.is_none(), "{kind}: {}", said.unwrap_or_default());
}

/// Returns what a validator says against a document.
pub fn said(kind: &str, document: &Path) -> Option<String> {
    let place = installed();
    let mut command = Command::new("python3");
    command.arg(repository().join("tests/validators/check.py")).arg(kind).arg(document);
    command.env("PYTHONPATH", place.join("code")).env("SCHEMAS", place.join("schemas"));
    let output = command.output().expect("python3 is there");
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (!output.status.success()).then_some(text)
}
