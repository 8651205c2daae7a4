//! How a Debian source package is put together.
//!
//! Each archive is fetched and unpacked by itself; one step in the sandbox then does what `dpkg-source --extract` does,
//! with `patch` from a locked package. It isn't a composition, because what comes later *replaces* a directory: upstream's
//! own `debian`, say.

use std::collections::BTreeMap;

use kit_recipe::Name;
use kit_recipe::lockfile::{DebianSource, SourceFile, SourcePart};
use kit_recipe::package::Patches;

use crate::derivation::{Action, Archive, Fetch, Input, Origin, Run, Unpack};
use crate::planner::Planner;
use crate::recipes::SOURCE_TOOLS;

/// Puts the parts together and applies the patches.
const SCRIPT: &str = include_str!("debian_source/extract.sh");

/// Seconds until it is stopped: the largest packages have hundreds of patches.
const TIMEOUT: u64 = 3600;

impl Planner<'_> {
    /// Plans the sources that a pinned source package makes, for a source of a package.
    pub(crate) fn debian_source(&mut self, key: &(Name, Name), patches: Patches) -> Option<Input> {
        let (package, name) = key;
        let lock = self.inputs.lock;
        let Some(source) = lock.debian_sources.get(key) else {
            self.unpinned(format!("the source `{name}` of package {package}"));
            return None;
        };
        let mut sources = BTreeMap::new();
        let mut components = Vec::new();
        for file in &source.files {
            if let SourcePart::Component(directory) = &file.part {
                components.push(directory.as_str());
            }
            if let Some(input) = self.source_file(key, source, file) {
                sources.insert(file.part.to_string(), input);
            }
        }
        let patches = match patches {
            Patches::Applied => "applied",
            Patches::LeftOut => "left out",
        };
        let own = BTreeMap::from([
            ("COMPONENTS".to_owned(), components.join(" ")),
            ("PATCHES".to_owned(), patches.to_owned()),
        ]);
        let tools = SOURCE_TOOLS.parse().expect("because it is a name");
        let run = Run {
            root: self.sandbox_root("tools of source packages", &[tools]),
            sources,
            script: SCRIPT.to_owned(),
            env: self.environment(&own),
            timeout: TIMEOUT,
            processors: 1,
        };
        Some(Input::Derivation(self.plan.add(format!("source {package}/{name}"), Action::Run(run))))
    }

    /// Plans one file: an archive unpacked, a difference as it is. The description has done its part when it was locked.
    fn source_file(
        &mut self,
        (package, name): &(Name, Name),
        source: &DebianSource,
        file: &SourceFile,
    ) -> Option<Input> {
        if file.part == SourcePart::Description {
            return None;
        }
        let origin = Origin::Debian {
            suite: source.suite.clone(),
            filename: format!("{}/{}", source.directory, file.name),
            date: self.inputs.lock.suites.get(&source.suite).map_or(0, |suite| suite.date),
        };
        let (file_name, sha256) = (file.name.clone(), file.sha256);
        let fetch = Fetch { file_name, size: Some(file.size), sha256, origin };
        let fetched = Input::Derivation(self.plan.add(format!("fetch {}", file.name), Action::Fetch(fetch)));
        if file.part == SourcePart::Difference {
            return Some(fetched);
        }
        let unpack = Unpack { input: fetched, archive: Archive::Sources };
        let id = self.plan.add(format!("unpack {}", file.name), Action::Unpack(unpack));
        let key = (package.clone(), name.clone(), file.name.clone());
        self.plan.source_archives.insert(key, id);
        Some(Input::Derivation(id))
    }
}

#[cfg(test)]
mod tests;
