//! What is in a directory: a layout, a kernel with what it is started with, or what `kit build` wrote.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use cap_std::fs::Dir;
use kit_hash::{Sha256, Sha256Reader};
use kit_recipe::image::Format;

use super::Choice;
use super::error::OpenError;
use crate::Failure;
use crate::project::open_dir;

const INITRD: &str = "-initrd.img";
/// How the names of outputs with a root end, the one that is opened first first.
const ENDS: [&str; 4] = [INITRD, ".docker.tar", ".tar", ".oci"];

/// What is in a directory.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// It is a layout.
    Layout,
    /// It is a directory of a kernel, by its format.
    Started(Format),
    /// It has this output of an image.
    Output(String),
}

/// The files of a directory of a kernel.
pub(super) const IN_STARTED: [&str; 3] = [COMMAND_LINE, "initrd.img", "kernel"];
/// The one of them with the boot command line, and the one that iPXE asks for.
pub(crate) const COMMAND_LINE: &str = "cmdline";
const SCRIPT: &str = "boot.ipxe";

/// Returns the format of a directory of a kernel; none of another one.
pub(crate) fn started(dir: &Dir) -> Option<Format> {
    let is_one = IN_STARTED.iter().all(|name| dir.is_file(name));
    is_one.then(|| if dir.is_file(SCRIPT) { Format::Ipxe } else { Format::Lcow })
}

/// Looks what a directory has.
pub(super) fn look(path: &Path, choice: Choice<'_>) -> Result<Inside, Failure> {
    let dir = open_dir(path)?;
    if dir.is_file("oci-layout") {
        return Ok(Inside::Layout);
    }
    if let Some(format) = started(&dir) {
        return Ok(Inside::Started(format));
    }
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    let mut names = Vec::new();
    for entry in dir.entries().map_err(failed)? {
        // What isn't UTF-8 isn't what kit wrote.
        names.extend(entry.map_err(failed)?.file_name().into_string().ok());
    }
    let found = output(&names, choice.image);
    found.map_err(|source| Failure::Open { name: path.display().to_string(), source })
}

fn output(names: &[String], wanted: Option<&str>) -> Result<Inside, OpenError> {
    let mut images: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for name in names {
        let ends = ENDS.iter().enumerate();
        let Some((order, image)) =
            ends.clone().find_map(|(order, end)| Some((order, name.strip_suffix(end)?)))
        else {
            continue;
        };
        if !image.is_empty() && images.get(image).is_none_or(|(other, _)| order < *other) {
            images.insert(image, (order, name));
        }
    }
    let all = || images.keys().map(|image| (*image).to_owned()).collect::<Vec<_>>();
    let chosen = match (wanted, images.len()) {
        (_, 0) => return Err(OpenError::Directory),
        (None, 1) => images.values().next(),
        (None, _) => return Err(OpenError::Which { found: all() }),
        (Some(wanted), _) => images.get(wanted),
    };
    match chosen {
        Some((_, name)) => Ok(Inside::Output((*name).to_owned())),
        None => Err(OpenError::NoSuch { name: wanted.unwrap_or_default().to_owned(), found: all() }),
    }
}

/// Returns the digests of the kernel and the command line that lie beside an initrd.
pub(super) fn beside(path: &Path, file: &str) -> Result<Vec<(String, Sha256)>, Failure> {
    let Some(image) = file.strip_suffix(INITRD) else { return Ok(Vec::new()) };
    digests(path, ["-kernel", "-cmdline"].map(|end| (end.to_owned(), format!("{image}{end}"))))
}

/// Returns those of the files in a directory of a kernel.
pub(super) fn beside_started(path: &Path, format: Format) -> Result<Vec<(String, Sha256)>, Failure> {
    let end = format.directory().unwrap_or_default();
    let names = IN_STARTED.into_iter().chain([SCRIPT]);
    digests(path, names.map(|name| (format!("{end}/{name}"), name.to_owned())))
}

/// Returns the digests of those of the files that are there, by how their outputs' names end.
fn digests(
    path: &Path,
    files: impl IntoIterator<Item = (String, String)>,
) -> Result<Vec<(String, Sha256)>, Failure> {
    let (dir, mut found) = (open_dir(path)?, Vec::new());
    for (end, name) in files {
        if dir.is_file(&name) {
            let failed = |source| Failure::File { action: "read", path: path.join(&name), source };
            let mut reader = Sha256Reader::new(dir.open(&name).map_err(failed)?);
            io::copy(&mut reader, &mut io::sink()).map_err(failed)?;
            found.push((end, reader.finish()));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(names: &[&str], wanted: Option<&str>) -> Result<Inside, String> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        output(&names, wanted).map_err(|error| error.to_string())
    }

    #[test]
    fn outputs_are_told_by_their_names() {
        let file = |name: &str| Ok(Inside::Output(name.to_owned()));
        let one = ["a-cmdline", "a-kernel", "a-initrd.img", "a.tar", "a.docker.tar", "a.oci"];
        assert_eq!(chosen(&one, None), file("a-initrd.img"));
        assert_eq!(chosen(&["a.tar", "a.docker.tar"], None), file("a.docker.tar"));
        let two = ["a.tar", "b.oci"];
        assert_eq!(chosen(&two, None), Err("it has several images: a, b".to_owned()));
        assert_eq!(chosen(&two, Some("b")), file("b.oci"));
        assert_eq!(chosen(&two, Some("c")), Err("it has no image `c`".to_owned()));
        assert!(chosen(&["notes.txt", ".tar"], None).is_err_and(|told| told.contains("neither")));
    }
}
