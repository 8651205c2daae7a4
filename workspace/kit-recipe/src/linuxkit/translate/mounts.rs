//! What is mounted in a container, and its devices.

use super::Translator;
use crate::Spanned;
use crate::linuxkit::comments::Comment;
use crate::linuxkit::entry::Config;
use crate::linuxkit::mounts::{Below, Bind, Mount, Tmpfs};
use crate::linuxkit::note::Fate;
use crate::linuxkit::toml::{Section, Toml};

impl Translator<'_> {
    pub(super) fn mounted(&mut self, section: &mut Section, config: &Config) {
        let add = config.binds_add.as_ref();
        if let Some(binds) = &config.binds {
            let texts = self.binds(binds);
            self.list_of(section, "binds", binds, texts);
            if let Some(add) = add {
                self.without_effect("binds.add", "binds", &add.span);
            }
        } else if let Some(add) = add {
            let texts = self.binds(add);
            self.list_of(section, "add-binds", add, texts);
        }
        if let Some(tmpfs) = &config.tmpfs {
            let texts = tmpfs.value.iter().map(|tmpfs| Toml::text(&tmpfs_text(&tmpfs.value))).collect();
            self.list_of(section, "tmpfs", tmpfs, texts);
        }
        self.own_mounts(section, config);
        for (key, paths) in
            [("masked-paths", &config.masked_paths), ("readonly-paths", &config.readonly_paths)]
        {
            if let Some(paths) = paths {
                self.list(section, key, paths, Toml::text);
            }
        }
        if let Some(word) = &config.rootfs_propagation {
            let comments = self.comments_in(&word.span);
            section.put("root-propagation", &Toml::text(word.value), comments);
        }
        self.text(section, "cgroups-path", &config.cgroups_path);
        if config.devices.is_some() || config.resources.as_ref().is_some_and(|all| !all.devices.is_empty()) {
            self.devices(section, config);
        }
    }

    fn binds(&self, binds: &Spanned<Vec<Spanned<Bind>>>) -> Vec<Toml> {
        binds.value.iter().map(|bind| Toml::text(&self.bind_text(&bind.value))).collect()
    }

    fn bind_text(&self, bind: &Bind) -> String {
        let source = match bind.volume().and_then(|name| self.volumes.get(name)) {
            Some(volume) => volume.as_str(),
            None => &bind.source,
        };
        // LinuxKit's default; `rbind` is kit's, too.
        let options = match &bind.options {
            None => "rw,rshared".to_owned(),
            Some(options) => {
                let kept: Vec<_> =
                    options.iter().map(String::as_str).filter(|option| *option != "rbind").collect();
                if kept.is_empty() { "rw".to_owned() } else { kept.join(",") }
            }
        };
        format!("{source}:{}:{options}", bind.destination)
    }

    /// Writes the mounts of the container, and those of `runtime` that are in its root: both see the machine's paths.
    fn own_mounts(&mut self, section: &mut Section, config: &Config) {
        let around = config.runtime.as_ref().and_then(|runtime| runtime.value.mounts.as_ref());
        let inside = |mount: &&Mount| mount.below == Below::Container;
        let inside: Vec<_> = around.iter().flat_map(|mounts| &mounts.value).filter(inside).cloned().collect();
        for mount in &inside {
            let text = format!(
                "the mount at `{}` is in the container's root, so it is one of the container's own `mounts`",
                mount.destination
            );
            self.note(&mount.span, Fate::Changed, text);
        }
        let mut mounts = config.mounts.clone();
        if let (None, Some(around), false) = (&mounts, around, inside.is_empty()) {
            mounts = Some(Spanned::new(Vec::new(), around.span.clone()));
        }
        if let Some(mut mounts) = mounts {
            mounts.value.extend(inside);
            self.mounts_into(section, &mounts);
        }
    }

    pub(super) fn mounts_into(&mut self, section: &mut Section, mounts: &Spanned<Vec<Mount>>) {
        let (above, items) = self.mounts(mounts);
        section.put("mounts", &Toml::Array(items), above);
    }

    fn mounts(&mut self, mounts: &Spanned<Vec<Mount>>) -> (Vec<Comment>, Vec<(Toml, Vec<Comment>)>) {
        let above = self.comments_at(&mounts.span);
        let items =
            mounts.value.iter().map(|mount| (self.mount(mount), self.comments_in(&mount.span))).collect();
        (above, items)
    }

    fn mount(&mut self, mount: &Mount) -> Toml {
        let mut kind = mount.kind.as_str();
        if kind == "cgroup" {
            self.note(
                &mount.span,
                Fate::Changed,
                "`cgroup` is `cgroup2`: kit has control groups of version 2",
            );
            kind = "cgroup2";
        }
        let mut pairs = vec![("destination", Toml::text(&mount.destination)), ("type", Toml::text(kind))];
        let source = if mount.source == "cgroup" { "cgroup2" } else { &mount.source };
        if source != kind || !IS_ITS_OWN_SOURCE.contains(&kind) {
            pairs.push(("source", Toml::text(source)));
        }
        if !mount.options.is_empty() {
            pairs.push(("options", Toml::texts(mount.options.iter().map(String::as_str))));
        }
        Toml::table(pairs)
    }
}

/// File systems whose source is their own name.
const IS_ITS_OWN_SOURCE: [&str; 6] = ["proc", "sysfs", "devpts", "mqueue", "cgroup2", "tmpfs"];

/// An option that is written replaces kit's own ones.
fn tmpfs_text(tmpfs: &Tmpfs) -> String {
    let options = tmpfs.options.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(",");
    let options = if options.is_empty() { "rw" } else { &options };
    format!("{}:{options}", tmpfs.destination)
}
