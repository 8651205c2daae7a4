//! The identity of what a lockfile pins.

use kit_hash::{Encoder, PinId};

use super::{DebKey, Lockfile, Subject};

impl Lockfile {
    /// Returns the digest of everything pinned, `kit:pins:v1`, without any result. Fields in order:
    ///
    /// | of | fields |
    /// |---|---|
    /// | lockfile | epoch, subject, architecture, source date, recipes, suites, debs, closures, crates, locals, and where there are any: `files` and those without a commit, `commits` and those with one, `images` and those; each map is a list sorted by key |
    /// | subject | variant 1 image: name; 2 tools |
    /// | recipes | name (`image minimal`), recipe id |
    /// | suites | name, date, InRelease's SHA-256, fingerprints |
    /// | debs | key, suite, filename, size, SHA-256 |
    /// | deb key | name, version, architecture |
    /// | closures | package, source, deb keys |
    /// | Debian sources | package, source, name, version, suite, directory, files (part, name, size, SHA-256) |
    /// | crates | name, version, SHA-256 |
    /// | files | package, source, source id, name, size, SHA-256, and the commit where there is one |
    /// | images | reference, index?, manifest (size, SHA-256), configuration (the same), command, environment (name, value), working directory?, user?, owner (user, group)?, layers (size, SHA-256), and where there is one: an empty text and the label |
    /// | locals | recipe name, source or path, tree id |
    pub fn pin_id(&self) -> PinId {
        let mut to = Encoder::new("pins", 1);
        to.u64(self.epoch);
        match &self.subject {
            Subject::Image(name) => to.variant(1).str(name.as_str()),
            Subject::Tools => to.variant(2),
        };
        to.str(&self.architecture).u64(self.source_date);
        to.list(&self.recipes, |to, (name, id)| _ = to.str(&name.to_string()).id(id));
        to.list(&self.suites, |to, (name, suite)| {
            to.str(name).u64(suite.date).sha256(&suite.in_release);
            to.list(&suite.signed_by, |to, key| _ = to.str(key));
        });
        to.list(&self.debs, |to, (key, deb)| {
            deb_key(to, key);
            to.str(&deb.suite).str(&deb.filename).u64(deb.size).sha256(&deb.sha256);
        });
        to.list(&self.closures, |to, ((package, source), debs)| {
            to.str(package.as_str()).str(source.as_str()).list(debs, deb_key);
        });
        to.list(&self.debian_sources, |to, ((package, name), source)| {
            source.encode(to.str(package.as_str()).str(name.as_str()));
        });
        to.list(&self.crates, |to, ((name, version), one)| {
            to.str(name).str(version).sha256(&one.sha256);
        });
        to.list(&self.locals, |to, ((recipe, place), tree)| {
            to.str(&recipe.to_string()).str(place).id(tree);
        });
        // Came later: left out where there is none, and named where there is.
        for (kind, of_commits) in [("files", false), ("commits", true)] {
            let files: Vec<_> =
                self.files.iter().filter(|(_, file)| file.commit.is_some() == of_commits).collect();
            if !files.is_empty() {
                to.str(kind).list(files, |to, ((package, source), file)| {
                    file.encode(to.str(package.as_str()).str(source.as_str()));
                });
            }
        }
        if !self.images.is_empty() {
            to.str("images").list(&self.images, |to, (reference, image)| {
                image.encode(to.str(&reference.to_string()));
            });
        }
        to.id_of()
    }
}

fn deb_key(to: &mut Encoder, key: &DebKey) {
    to.str(&key.name).str(&key.version).str(&key.architecture);
}
