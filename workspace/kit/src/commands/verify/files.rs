//! Files and directories that the command line names, as things to be compared.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use kit_build::verify::{Explanation, Likely, What, explain, explain_files};
use kit_hash::BlobId;
use kit_tree::{Blobs, Entry, Meta, Mode, Tree, TreePath};

use crate::Failure;
use crate::project::{canonical, open_dir, open_file};

/// The most that is looked into, in bytes.
const LOOKED_INTO: u64 = 256 << 20;
/// How deep directories are followed, and how many files are.
const DEPTH: usize = 32;
const MOST: usize = 100_000;

/// A file or a directory, open.
pub(super) enum Files {
    File(File),
    Directory(Dir),
}

/// Opens what the command line names.
pub(super) fn open(path: &Path) -> Result<Files, Failure> {
    let path = canonical(path)?;
    let is_directory = path.is_dir();
    Ok(if is_directory { Files::Directory(open_dir(&path)?) } else { Files::File(open_file(&path)?) })
}

/// The files of a directory, by digest.
pub(super) struct DirFiles<'a> {
    dir: &'a Dir,
    tree: Tree,
    paths: BTreeMap<BlobId, String>,
}

impl<'a> DirFiles<'a> {
    /// Reads all that is in a directory; anything but files and directories is an error.
    pub(super) fn read(dir: &'a Dir) -> io::Result<Self> {
        let mut files = Self { dir, tree: Tree::new(), paths: BTreeMap::new() };
        files.add(dir, "", 0)?;
        Ok(files)
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    fn add(&mut self, dir: &Dir, above: &str, depth: usize) -> io::Result<()> {
        let refused = |why: &str, path: &str| io::Error::other(format!("`{path}` {why}"));
        for entry in dir.entries()? {
            let entry = entry?;
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name| refused("is no UTF-8 name", &format!("{above}{}", name.to_string_lossy())))?;
            let path = format!("{above}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEPTH {
                self.add(&dir.open_dir(&name)?, &format!("{path}/"), depth + 1)?;
            } else if kind.is_file() && self.paths.len() < MOST {
                let (blob, size) = BlobId::of_reader(dir.open(&name)?)?;
                let at = TreePath::new(&path).map_err(io::Error::other)?;
                let meta = Meta::root(Mode::DIRECTORY);
                self.tree.make_parents(&at, &meta).map_err(io::Error::other)?;
                let entry = Entry::File { meta: Meta::root(Mode::FILE), blob, size };
                self.tree.insert(at, entry).map_err(io::Error::other)?;
                self.paths.insert(blob, path);
            } else {
                return Err(refused("is neither a file nor a directory, or too much", &path));
            }
        }
        Ok(())
    }
}

impl Blobs for DirFiles<'_> {
    fn open(&self, id: &BlobId) -> io::Result<Box<dyn Read + '_>> {
        let path = self.paths.get(id).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(self.dir.open(path)?))
    }
}

/// Returns the files of a tree, by path: its size and digest.
fn listed(tree: &Tree) -> BTreeMap<String, (BlobId, u64)> {
    let file = |(path, entry): (&TreePath, &Entry)| match entry {
        Entry::File { blob, size, .. } => {
            Some((path.to_string().trim_start_matches('/').to_owned(), (*blob, *size)))
        }
        _ => None,
    };
    tree.entries().filter_map(file).collect()
}

/// Returns the names of all files of a tree.
pub(super) fn names(tree: &Tree) -> Vec<String> {
    listed(tree).into_keys().collect()
}

/// Returns what differs between the files of two trees; nothing when they are the same.
pub(super) fn trees(
    (before, of_before): (&Tree, &dyn Blobs),
    (after, of_after): (&Tree, &dyn Blobs),
) -> io::Result<Vec<Explanation>> {
    let (before, after) = (listed(before), listed(after));
    if before == after {
        return Ok(Vec::new());
    }
    let total = |files: &BTreeMap<String, (BlobId, u64)>| files.values().map(|(_, size)| size).sum::<u64>();
    if total(&before).max(total(&after)) > LOOKED_INTO {
        return Ok(by_name(&before, &after));
    }
    let read = |files: &BTreeMap<String, (BlobId, u64)>, blobs: &dyn Blobs| -> io::Result<BTreeMap<_, _>> {
        files.iter().map(|(path, (blob, _))| Ok((path.clone(), blobs.read(blob, LOOKED_INTO)?))).collect()
    };
    Ok(explain_files(&read(&before, of_before)?, &read(&after, of_after)?))
}

/// Names the files that differ where there is too much to look into.
fn by_name(
    before: &BTreeMap<String, (BlobId, u64)>,
    after: &BTreeMap<String, (BlobId, u64)>,
) -> Vec<Explanation> {
    let show = |file: &(BlobId, u64)| format!("{} ({} bytes)", file.0.short(), file.1);
    let mut found = Vec::new();
    for name in before.keys().chain(after.keys().filter(|name| !before.contains_key(*name))) {
        let what = match (before.get(name), after.get(name)) {
            (Some(one), Some(other)) if one != other => {
                What::Field { name: "content".to_owned(), before: show(one), after: show(other) }
            }
            (Some(_), Some(_)) | (None, None) => continue,
            (one, _) => What::Member { name: name.clone(), in_first: one.is_some() },
        };
        found.push(Explanation { place: vec![name.clone()], what, likely: None, excerpt: None });
    }
    found
}

/// Returns what differs between two streams of known length; nothing when they are the same.
pub(super) fn streams(
    (before, length): (&mut dyn Read, u64),
    (after, other_length): (&mut dyn Read, u64),
) -> io::Result<Vec<Explanation>> {
    if length.max(other_length) <= LOOKED_INTO {
        let read = |stream: &mut dyn Read| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            stream.take(LOOKED_INTO).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        return Ok(explain(&read(before)?, &read(after)?));
    }
    // Too much to look into: where the first difference is.
    let (mut before, mut after) = (BufReader::new(before).bytes(), BufReader::new(after).bytes());
    let mut offset = 0;
    loop {
        let (one, other) = (before.next().transpose()?, after.next().transpose()?);
        match (one, other) {
            (None, None) => return Ok(Vec::new()),
            (one, other) if one == other => offset += 1,
            (one, other) => {
                let show = |byte: Option<u8>| byte.map_or("nothing".to_owned(), |byte| format!("{byte:02x}"));
                let what = What::Bytes { offset, before: show(one), after: show(other) };
                let likely: Option<Likely> = None;
                return Ok(vec![Explanation { place: Vec::new(), what, likely, excerpt: None }]);
            }
        }
    }
}

/// Returns what differs between two things that the command line names.
pub(super) fn named(first: &Path, second: &Path) -> Result<Vec<Explanation>, Failure> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Failure::File { action: "read", path, source }
    };
    match (open(first)?, open(second)?) {
        (Files::File(mut before), Files::File(mut after)) => {
            let lengths = (length(&before, first)?, length(&after, second)?);
            streams((&mut before, lengths.0), (&mut after, lengths.1)).map_err(failed(first))
        }
        (Files::Directory(before), Files::Directory(after)) => {
            let before = DirFiles::read(&before).map_err(failed(first))?;
            let after = DirFiles::read(&after).map_err(failed(second))?;
            trees((before.tree(), &before), (after.tree(), &after)).map_err(failed(first))
        }
        (one, _) => {
            let (file, directory) = if let Files::File(_) = one { (first, second) } else { (second, first) };
            let paths = |path: &Path| PathBuf::from(path);
            Err(Failure::FileAndDirectory { file: paths(file), directory: paths(directory) })
        }
    }
}

/// Returns the length of a file.
pub(super) fn length(file: &File, path: &Path) -> Result<u64, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    Ok(file.metadata().map_err(failed)?.len())
}
