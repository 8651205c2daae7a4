//! Commits of repositories, as the one archive that there is for the files of each.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};

use kit_format::tar::write_tar;
use kit_hash::{BlobDigests, BlobHasher};
use kit_plan::derivation::Fetch;
use kit_plan::upstream::{Commit, Upstream, UpstreamFile};
use kit_recipe::git::{CommitId, Revision, Submodules};
use kit_recipe::lockfile::FilePin;
use kit_source::git::{self, Git, Kind};
use kit_source::repository::{Fetched, Repository, RepositoryError};
use kit_source::upstream::with_mirrors;
use kit_store::StoreError;
use kit_tree::path::Escaped;
use kit_tree::{BlobSink as _, Entry, Meta, Mode, Tree, TreePath};

use super::Network;
use crate::BuildError;
use crate::upstream::{Changed, UpstreamError, compare};

/// The directory in the archive that holds the files: what unpacks an archive leaves its only directory out.
const TOP: &str = "/source";

impl Network<'_> {
    /// Pins a commit: the one that the recipe names, or the one that its tag or branch is now.
    pub(super) fn pin_commit(
        &self,
        wanted: &UpstreamFile,
        revision: &Revision,
        submodules: Submodules,
        known: Option<&FilePin>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<FilePin, BuildError> {
        let addresses = with_mirrors(&wanted.addresses, &self.places.source_mirrors);
        let id = match (revision.commit(), revision.reference()) {
            (Some(commit), _) => commit.clone(),
            (None, reference) => {
                let reference = reference.expect("because what is no commit is a reference");
                self.commit_of(&addresses, &revision.to_string(), &reference)?
            }
        };
        let known = known.filter(|known| known.commit.as_ref() == Some(&id));
        if let Some(known) = known {
            return Ok(FilePin { source: wanted.id, ..known.clone() });
        }
        let (scratch, mut file) = self.scratch_file()?;
        let commit = Commit { id, submodules };
        self.archive(&commit, &addresses, &mut file, progress)?;
        let io = |source| BuildError::from(StoreError::io("read", scratch.path(), source));
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let BlobDigests { sha256, size, .. } = self.store.put_download(&mut file)?;
        let name = format!("{}-{}.tar", wanted.source, commit.id.short());
        Ok(FilePin { source: wanted.id, name, size, sha256, commit: Some(commit.id), tree: None })
    }

    /// Fetches a pinned commit.
    pub(super) fn fetch_commit(
        &self,
        fetch: &Fetch,
        upstream: &Upstream,
        commit: &Commit,
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), BuildError> {
        let addresses = with_mirrors(&upstream.addresses, &self.places.source_mirrors);
        let (address, found) = self.archive(commit, &addresses, file, progress)?;
        if found.sha256 == fetch.sha256 {
            return Ok(());
        }
        let difference = compare(self.store, upstream.tree, &fetch.file_name, file);
        Err(UpstreamError::Changed(Box::new(Changed {
            name: fetch.file_name.clone(),
            package: upstream.package.clone(),
            vouched_by: upstream.vouched_by,
            expected: fetch.sha256,
            found: found.sha256,
            address,
            difference,
        }))
        .into())
    }

    pub(super) fn commit_of(
        &self,
        addresses: &[String],
        what: &str,
        reference: &str,
    ) -> Result<CommitId, BuildError> {
        let scratch = self.store.scratch()?;
        let git = Git { program: "git", path: scratch.path(), largest: git::LARGEST };
        let repository = Repository { git, addresses, network: self.places.reach };
        let commit = repository.commit_of(what, reference).map_err(UpstreamError::Repository)?;
        let odd = |_| UpstreamError::Repository(RepositoryError::Git(git::GitError::Answer)).into();
        commit.parse().map_err(odd)
    }

    /// Writes the archive of a commit: its files below one directory, owned by root, without times. Returns the address that had it,
    /// and the archive's digests.
    fn archive(
        &self,
        commit: &Commit,
        addresses: &[String],
        file: &mut File,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(String, BlobDigests), BuildError> {
        let scratch = self.store.scratch()?;
        let git = Git { program: "git", path: scratch.path(), largest: git::LARGEST };
        let repository = Repository { git, addresses, network: self.places.reach };
        let fetched = repository.fetch(commit.id.as_str()).map_err(UpstreamError::Repository)?;
        let tree = self.tree_of(commit, &fetched, progress)?;
        let io =
            |source| BuildError::Io { what: format!("write the archive of commit {}", commit.id), source };
        let mut out = io::BufWriter::new(&mut *file);
        write_tar(&tree, self.store, 0, &mut out).map_err(|error| io(io::Error::other(error)))?;
        out.flush().map_err(io)?;
        drop(out);
        let mut hasher = BlobHasher::new();
        file.seek(SeekFrom::Start(0)).and_then(|_| io::copy(file, &mut hasher)).map_err(io)?;
        Ok((fetched.address, hasher.finish()))
    }

    fn tree_of(
        &self,
        commit: &Commit,
        fetched: &Fetched<'_>,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Tree, BuildError> {
        let modules = fetched.submodules();
        if commit.submodules == Submodules::Refused && !modules.is_empty() {
            let commit = commit.id.short().to_owned();
            return Err(
                UpstreamError::Repository(RepositoryError::Submodules { commit, paths: modules }).into()
            );
        }
        let mut tree = Tree::new();
        let mut add = |path: &[u8], entry: Entry| {
            let path = below_top(path)?;
            tree.make_parents(&path, &Meta::root(Mode::DIRECTORY)).map_err(io::Error::other)?;
            match tree.insert(path.clone(), entry).map_err(io::Error::other)? {
                None => Ok(()),
                Some(_) => Err(io::Error::other(format!("`{path}` is there twice"))),
            }
        };
        let odd = |error| UpstreamError::Repository(RepositoryError::Git(error));
        let large = fetched
            .each_content(&mut |listed, size, content| {
                let entry = match listed.kind {
                    Kind::Symlink => {
                        let mut target = Vec::new();
                        content.take(TARGET + 1).read_to_end(&mut target)?;
                        Entry::symlink(target)
                    }
                    kind => {
                        let mode = if kind == Kind::Program { Mode::PROGRAM } else { Mode::FILE };
                        let (blob, size) = self.store.put(content)?;
                        Entry::File { meta: Meta::root(mode), blob, size }
                    }
                };
                progress(size);
                add(&listed.path, entry)
            })
            .map_err(odd)?;
        if !large.is_empty() {
            let commit = commit.id.short().to_owned();
            return Err(
                UpstreamError::Repository(RepositoryError::LargeFiles { commit, paths: large }).into()
            );
        }
        for listed in fetched.files.iter().filter(|listed| listed.kind == Kind::Submodule) {
            add(&listed.path, Entry::directory()).map_err(|error| odd(git::GitError::Read(error)))?;
        }
        Ok(tree)
    }
}

/// The longest target of a link, in bytes.
const TARGET: u64 = 4096;

/// Returns where a path of a repository is in the archive.
fn below_top(path: &[u8]) -> io::Result<TreePath> {
    let odd = |error| io::Error::other(format!("`{}`: {error}", Escaped(path)));
    TreePath::new([TOP.as_bytes(), b"/", path].concat()).map_err(odd)
}
