//! What a machine that boots over the network asks for: the files of a directory, and beside each kernel of kit's the script that boots it.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read as _};

use cap_std::fs::Dir;
use kit_format::ipxe::Netboot;
use kit_source::serve::site::kind_of;
use kit_source::serve::{Directory, Found, Site};

/// The longest boot command line, in bytes: x86 takes 2048.
const CMDLINE_LIMIT: u64 = 2048;

/// A directory with scripts.
#[derive(Debug)]
pub(crate) struct NetbootSite {
    directory: Directory,
    /// What names the contents of files that don't change.
    tags: BTreeMap<String, String>,
}

impl NetbootSite {
    /// Shows a directory; `tags` are digests of files in it, where they are known.
    pub(crate) fn new(dir: Dir, tags: BTreeMap<String, String>) -> Self {
        Self { directory: Directory { dir }, tags }
    }

    /// Returns the names of the scripts that there are or that are made when somebody asks for them.
    pub(crate) fn scripts(&self) -> io::Result<Vec<String>> {
        let mut scripts = Vec::new();
        for entry in self.directory.dir.entries()? {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            let script = match (name.strip_suffix("-kernel"), name.strip_suffix(".ipxe")) {
                (Some(image), _) => format!("{image}.ipxe"),
                (None, Some(_)) => name,
                (None, None) => continue,
            };
            if self.find(&script)?.is_some() && !scripts.contains(&script) {
                scripts.push(script);
            }
        }
        scripts.sort_unstable();
        Ok(scripts)
    }

    /// Returns the script of an image whose files lie here.
    fn script(&self, image: &str) -> io::Result<Option<String>> {
        let [kernel, initrd, cmdline] =
            ["-kernel", "-initrd.img", "-cmdline"].map(|suffix| format!("{image}{suffix}"));
        for name in [&kernel, &initrd] {
            if self.directory.find(name)?.is_none() {
                return Ok(None);
            }
        }
        let Some(found) = self.directory.find(&cmdline)? else { return Ok(None) };
        let mut text = String::new();
        found.content.take(CMDLINE_LIMIT).read_to_string(&mut text)?;
        let netboot = Netboot { kernel: &kernel, initrd: &initrd, cmdline: &text };
        netboot.script().map(Some).map_err(io::Error::other)
    }
}

impl Site for NetbootSite {
    fn find(&self, name: &str) -> io::Result<Option<Found>> {
        if let Some(found) = self.directory.find(name)? {
            return Ok(Some(Found { tag: self.tags.get(name).cloned(), ..found }));
        }
        let Some(image) = name.strip_suffix(".ipxe").filter(|image| !image.contains('/')) else {
            return Ok(None);
        };
        Ok(self.script(image)?.map(|script| Found {
            size: script.len() as u64,
            content: Box::new(Cursor::new(script)),
            tag: None,
            kind: kind_of(name),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(site: &NetbootSite, name: &str) -> Option<String> {
        let mut text = String::new();
        site.find(name).unwrap()?.content.read_to_string(&mut text).unwrap();
        Some(text)
    }

    #[test]
    fn a_script_is_made_beside_each_kernel_and_one_that_is_there_stays() {
        let directory = tempfile::tempdir().unwrap();
        let dir = crate::project::open_dir(directory.path()).unwrap();
        for (name, text) in [
            ("a-kernel", "k"),
            ("a-initrd.img", "i"),
            ("a-cmdline", "quiet"),
            ("b-kernel", "k"),
            ("c.ipxe", "#!ipxe\nshell\n"),
        ] {
            dir.write(name, text).unwrap();
        }
        let tags = BTreeMap::from([("a-kernel".to_owned(), "d1".to_owned())]);
        let site = NetbootSite::new(dir, tags);
        assert_eq!(site.scripts().unwrap(), ["a.ipxe", "c.ipxe"]);
        assert!(read(&site, "a.ipxe").unwrap().contains("a-kernel initrd=initrd.img quiet\n"));
        assert_eq!(read(&site, "c.ipxe").unwrap(), "#!ipxe\nshell\n");
        assert_eq!(read(&site, "b.ipxe"), None);
        assert_eq!(site.find("a-kernel").unwrap().unwrap().tag.as_deref(), Some("d1"));
    }
}
