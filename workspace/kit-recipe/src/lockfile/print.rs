//! The canonical text of a lockfile.

use std::fmt::{self, Write as _};

use super::{Advisories, DebKey, Lockfile, Subject, date};
use crate::image::Base;
use crate::written::{Key, Quoted, list};

impl Lockfile {
    /// Writes the canonical text: the same lockfile always gives the same bytes.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("because writing to a string doesn't fail");
        text
    }

    fn write(&self, to: &mut String) -> fmt::Result {
        self.head(to)?;
        self.recipes(to)?;
        self.suites(to)?;
        self.debs(to)?;
        self.closures(to)?;
        self.debian_sources(to)?;
        self.crates(to)?;
        self.files(to)?;
        self.images(to)?;
        self.locals(to)?;
        self.steps(to)?;
        self.containers(to)?;
        self.outputs(to)?;
        self.advisories(to)
    }

    fn head(&self, to: &mut String) -> fmt::Result {
        let (what, word) = match &self.subject {
            Subject::Image(name) => (format!("the image `{name}`"), name.as_str()),
            Subject::Tools => ("the tools that kit runs".to_owned(), "tools"),
        };
        writeln!(to, "# Everything that decides the bytes of {what}, and what came out.")?;
        writeln!(to, "#")?;
        writeln!(
            to,
            "# Written by `kit lock`; not to be edited by hand. To change it, edit the recipes and run"
        )?;
        writeln!(to, "# `kit lock {word}`. To take newer Debian packages, run `kit lock --update`.")?;
        writeln!(to, "# After a merge conflict, keep either side and run `kit lock {word}`.")?;
        let subject = match &self.subject {
            Subject::Image(name) => format!("image {name}"),
            Subject::Tools => "tools".to_owned(),
        };
        writeln!(to, "version = 1")?;
        writeln!(to, "subject = {}", Quoted(&subject))?;
        writeln!(to, "epoch = {}", self.epoch)?;
        writeln!(to, "architecture = {}", Quoted(&self.architecture))?;
        writeln!(to, "source-date = {}", date::write(self.source_date))?;
        writeln!(to)?;
        writeln!(to, "# The digest of all that is pinned below, and of the lines above. Images carry it.")?;
        writeln!(to, "pin = \"{}\"", self.pin_id())
    }

    fn recipes(&self, to: &mut String) -> fmt::Result {
        heading(
            to,
            "recipes",
            "What each recipe that takes part means. A difference is a stale lockfile.",
            self.recipes.len(),
        )?;
        self.recipes
            .iter()
            .try_for_each(|(name, id)| writeln!(to, "{} = \"{id}\"", Quoted(&name.to_string())))
    }

    fn suites(&self, to: &mut String) -> fmt::Result {
        for (at, (name, suite)) in self.suites.iter().enumerate() {
            writeln!(to)?;
            if at == 0 {
                writeln!(
                    to,
                    "# Debian suites as they were signed. Each package below is proved by one of them."
                )?;
            }
            writeln!(to, "[suites.{}]", Key(name))?;
            writeln!(to, "date = {}", date::write(suite.date))?;
            writeln!(to, "in-release = \"{}\"", suite.in_release)?;
            list(to, "signed-by", &suite.signed_by)?;
        }
        Ok(())
    }

    fn debs(&self, to: &mut String) -> fmt::Result {
        heading(
            to,
            "debian",
            "Debian packages. `path` is the place in the archive, on any mirror.",
            self.debs.len(),
        )?;
        if self.debs.is_empty() {
            return Ok(());
        }
        writeln!(to, "debs = [")?;
        for (key, deb) in &self.debs {
            let DebKey { name, version, architecture } = key;
            write!(to, "  {{ name = {}, version = {}, ", Quoted(name), Quoted(version))?;
            let source = format!("{} {}", deb.source.name, deb.source.version);
            write!(to, "arch = {}, source = {}, ", Quoted(architecture), Quoted(&source))?;
            write!(to, "suite = {}, ", Quoted(&deb.suite))?;
            write!(to, "size = {}, sha256 = \"{}\", path = {}", deb.size, deb.sha256, Quoted(&deb.filename))?;
            if let Some(tree) = deb.tree {
                write!(to, ", tree = \"{tree}\"")?;
            }
            writeln!(to, " }},")?;
        }
        writeln!(to, "]")
    }

    fn closures(&self, to: &mut String) -> fmt::Result {
        heading(
            to,
            "closures",
            "Which Debian packages each source of each package resolved to.",
            self.closures.len(),
        )?;
        for ((package, source), debs) in &self.closures {
            let debs: Vec<_> = debs.iter().map(deb_words).collect();
            list(to, &Quoted(&format!("{package}/{source}")).to_string(), &debs)?;
        }
        Ok(())
    }

    fn debian_sources(&self, to: &mut String) -> fmt::Result {
        for (at, ((package, name), source)) in self.debian_sources.iter().enumerate() {
            writeln!(to)?;
            if at == 0 {
                writeln!(
                    to,
                    "# Debian source packages. `path` is the directory in the archive, on any mirror."
                )?;
            }
            source.write(&format!("{package}/{name}"), to)?;
        }
        Ok(())
    }

    fn crates(&self, to: &mut String) -> fmt::Result {
        heading(to, "crates", "Crates of the registry.", self.crates.len())?;
        for ((name, version), one) in &self.crates {
            write!(to, "{} = {{ sha256 = \"{}\"", Quoted(&format!("{name} {version}")), one.sha256)?;
            if let Some(tree) = one.tree {
                write!(to, ", tree = \"{tree}\"")?;
            }
            writeln!(to, " }}")?;
        }
        Ok(())
    }

    fn files(&self, to: &mut String) -> fmt::Result {
        let comment =
            "Files and commits that recipes name by address, by what is in them: any place may serve them.";
        heading(to, "files", comment, self.files.len())?;
        self.files
            .iter()
            .try_for_each(|((package, source), file)| file.write(&format!("{package}/{source}"), to))
    }

    fn images(&self, to: &mut String) -> fmt::Result {
        for (at, (reference, image)) in self.images.iter().enumerate() {
            writeln!(to)?;
            if at == 0 {
                writeln!(
                    to,
                    "# Images that others made, for this architecture, and how each says that it is run."
                )?;
            }
            image.write(reference, to)?;
        }
        Ok(())
    }

    fn locals(&self, to: &mut String) -> fmt::Result {
        heading(
            to,
            "locals",
            "Files of the project that recipes use, by the digest of their tree.",
            self.locals.len(),
        )?;
        for ((recipe, place), tree) in &self.locals {
            writeln!(to, "{} = \"{tree}\"", Quoted(&format!("{recipe}/{place}")))?;
        }
        Ok(())
    }

    fn steps(&self, to: &mut String) -> fmt::Result {
        let comment = "Results from here on: not pinned, but compared with.\n# Steps: what was asked, and the tree that came out.";
        heading(to, "steps", comment, self.steps.len())?;
        for (title, step) in &self.steps {
            let (derivation, tree) = (step.derivation, step.tree);
            writeln!(to, "{} = {{ derivation = \"{derivation}\", tree = \"{tree}\" }}", Quoted(title))?;
        }
        Ok(())
    }

    fn containers(&self, to: &mut String) -> fmt::Result {
        for (at, (name, container)) in self.containers.iter().enumerate() {
            writeln!(to)?;
            if at == 0 {
                writeln!(to, "# Containers as OCI images.")?;
            }
            writeln!(to, "[containers.{}]", Key(name.as_str()))?;
            writeln!(to, "platform = {}", Quoted(&container.platform))?;
            match &container.base {
                Base::Package(name) => writeln!(to, "package = \"{name}\"")?,
                Base::Image(reference) => writeln!(to, "image = \"{reference}\"")?,
            }
            writeln!(to, "recipe = \"{}\"", container.recipe)?;
            writeln!(to, "manifest = \"{}\"", container.manifest.oci())?;
            writeln!(to, "config = \"{}\"", container.config.oci())?;
            let layers: Vec<_> = container.layers.iter().map(kit_hash::Sha256::oci).collect();
            list(to, "layers", &layers)?;
        }
        Ok(())
    }

    fn outputs(&self, to: &mut String) -> fmt::Result {
        heading(to, "outputs", "The files that `kit build` writes.", self.outputs.len())?;
        for (name, output) in &self.outputs {
            write!(to, "{} = {{ format = \"{}\", size = {}, ", Quoted(name), output.format, output.size)?;
            writeln!(to, "sha256 = \"{}\", blake3 = \"{}\" }}", output.sha256, output.blake3)?;
        }
        Ok(())
    }

    fn advisories(&self, to: &mut String) -> fmt::Result {
        let Some(Advisories { sha256, date }) = &self.advisories else { return Ok(()) };
        heading(to, "advisories", "Known vulnerabilities that `kit audit` asks. They decide no byte.", 1)?;
        writeln!(to, "snapshot = \"{sha256}\"\ndate = {}", date::write(*date))
    }
}

/// Writes the header of a section, unless it has nothing in it.
fn heading(to: &mut String, name: &str, comment: &str, items: usize) -> fmt::Result {
    if items == 0 { Ok(()) } else { writeln!(to, "\n# {comment}\n[{name}]") }
}

fn deb_words(key: &DebKey) -> String {
    format!("{} {} {}", key.name, key.version, key.architecture)
}
