//! The keys of a container.

#![expect(clippy::ref_option, reason = "a field of the schema is one type, wherever it goes")]

use std::ops::Range;

use super::Translator;
use crate::Spanned;
use crate::linuxkit::comments::Comment;
use crate::linuxkit::decode::Field;
use crate::linuxkit::entry::{Config, Device, IdMapping, Namespace, Rlimit};
use crate::linuxkit::mounts::Below;
use crate::linuxkit::names::name_of;
use crate::linuxkit::note::Fate;
use crate::linuxkit::runtime::{Interface, Runtime};
use crate::linuxkit::system::Id;
use crate::linuxkit::toml::{Section, Toml};

impl Translator<'_> {
    /// Writes what is written in an entry, and nothing else.
    pub(super) fn config(&mut self, section: &mut Section, config: &Config) {
        self.process(section, config);
        self.rights(section, config);
        self.namespaces(section, config);
        self.mounted(section, config);
        self.limits(section, config);
        self.table(section, "sysctl", &config.sysctl);
        self.table(section, "annotations", &config.annotations);
        self.runtime(section, &config.runtime);
    }

    fn process(&mut self, section: &mut Section, config: &Config) {
        if let Some(command) = &config.command {
            if command.value.is_empty() {
                let text = "an empty `command` is none: the image's own one holds";
                self.note(&command.span, Fate::Changed, text);
                self.comments_in(&command.span);
            } else {
                self.list(section, "command", command, Toml::text);
            }
        }
        if let Some(env) = &config.env {
            self.env(section, env);
        }
        self.text(section, "cwd", &config.cwd);
        for (key, id) in [("uid", &config.uid), ("gid", &config.gid)] {
            if let Some(id) = id {
                let (value, comments) = (self.id(&id.value), self.comments_in(&id.span));
                section.put(key, &value, comments);
            }
        }
        if let Some(groups) = &config.additional_gids {
            let ids: Vec<_> = groups.value.iter().map(|id| self.id(&id.value)).collect();
            let comments = self.comments_in(&groups.span);
            section.put(
                "groups",
                &Toml::Array(ids.into_iter().map(|id| (id, Vec::new())).collect()),
                comments,
            );
        }
    }

    fn rights(&mut self, section: &mut Section, config: &Config) {
        let mut capabilities = config.capabilities.clone();
        if let (Some(all), Some(ambient)) = (&mut capabilities, &config.ambient)
            && all.value.iter().all(|name| name.value != "all")
        {
            for name in &ambient.value {
                if all.value.iter().all(|known| known.value != name.value) {
                    let text =
                        format!("`{}` is in `capabilities` too: what is ambient has to be", name.value);
                    self.note(&name.span, Fate::Changed, text);
                    all.value.push(name.clone());
                }
            }
        }
        let add = config.capabilities_add.as_ref();
        if let Some(capabilities) = &capabilities {
            self.list(section, "capabilities", capabilities, Toml::text);
            if let Some(add) = add {
                self.without_effect("capabilities.add", "capabilities", &add.span);
            }
        } else if let Some(add) = add {
            self.list(section, "add-capabilities", add, Toml::text);
        }
        if let Some(ambient) = &config.ambient {
            self.list(section, "ambient", ambient, Toml::text);
        }
        self.truth(section, "no-new-privileges", &config.no_new_privileges);
        self.truth(section, "readonly", &config.readonly);
        if let Some(score) = &config.oom_score_adj {
            let comments = self.comments_in(&score.span);
            section.put("oom-score-adj", &Toml::number(score.value), comments);
        }
        if let Some(rlimits) = &config.rlimits {
            self.rlimits(section, rlimits);
        }
    }

    pub(super) fn without_effect(&mut self, key: &str, other: &str, at: &Range<usize>) {
        let text = format!("`{key}` has no effect beside `{other}`, in LinuxKit as here");
        self.note(at, Fate::Dropped, text);
        self.comments_in(at);
    }

    fn namespaces(&mut self, section: &mut Section, config: &Config) {
        for (key, namespace) in [
            ("net", &config.net),
            ("pid", &config.pid),
            ("ipc", &config.ipc),
            ("uts", &config.uts),
            ("user", &config.userns),
        ] {
            if let Some(namespace) = namespace {
                let comments = self.comments_in(&namespace.span);
                let word = match &namespace.value {
                    Namespace::Host => "host",
                    Namespace::New => "new",
                    Namespace::Path(path) => path,
                };
                section.put(key, &Toml::text(word), comments);
            }
        }
        if let Some(hostname) = &config.hostname {
            self.hostname(section, hostname, config.uts.as_ref().map(|uts| &uts.value));
        }
        let has_own = config.userns.as_ref().is_some_and(|user| user.value == Namespace::New);
        for (key, written, map) in [
            ("uid-map", "uidMappings", &config.uid_mappings),
            ("gid-map", "gidMappings", &config.gid_mappings),
        ] {
            let Some(map) = map else { continue };
            if has_own {
                self.id_map(section, key, map);
            } else {
                let text = format!("`{written}` needs `userns: new` in the same entry, in kit as in runc");
                self.note(&map.span, Fate::Lost, text);
                self.comments_in(&map.span);
            }
        }
    }

    fn hostname(&mut self, section: &mut Section, hostname: &Spanned<String>, uts: Option<&Namespace>) {
        let comments = self.comments_in(&hostname.span);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
        let name = &hostname.value;
        if name.len() > 64 || !name.bytes().all(plain) || name.starts_with(['-', '.']) {
            let text = format!("`{name}` is no host name: letters, digits, `-` and `.`, at most 64");
            return self.note(&hostname.span, Fate::Lost, text);
        }
        match uts {
            Some(Namespace::New) => {}
            None => {
                section.put("uts", &Toml::text("new"), Vec::new());
                let text = "`hostname` needs a namespace of its own, so `uts = \"new\"` is added";
                self.note(&hostname.span, Fate::Changed, text);
            }
            Some(Namespace::Host | Namespace::Path(_)) => {
                let text = "`hostname` is left out: whoever made the namespace of `uts` gives the name";
                return self.note(&hostname.span, Fate::Lost, text);
            }
        }
        section.put("hostname", &Toml::text(name), comments);
    }

    fn id_map(&mut self, section: &mut Section, key: &str, map: &Spanned<Vec<IdMapping>>) {
        let comments = self.comments_in(&map.span);
        let ranges: Vec<_> = map.value.iter().filter(|range| range.size > 0).collect();
        if ranges.is_empty() {
            return self.note(&map.span, Fate::Dropped, "an empty mapping maps nothing");
        }
        let ranges: Vec<_> =
            ranges.iter().map(|range| format!("{}:{}:{}", range.container, range.host, range.size)).collect();
        section.put(key, &Toml::texts(ranges.iter().map(String::as_str)), comments);
    }

    pub(super) fn devices(&mut self, section: &mut Section, config: &Config) {
        let (mut items, mut above) = (Vec::new(), Vec::new());
        if let Some(devices) = &config.devices {
            above = self.comments_at(&devices.span);
            for one in &devices.value {
                let comments = self.comments_in(&one.span);
                items.push((device(one), comments));
            }
        }
        for rule in config.resources.iter().flat_map(|resources| &resources.value.devices) {
            let comments = self.comments_in(&rule.span);
            if !rule.allow {
                let text = "a rule that refuses devices is left out: what isn't allowed is refused";
                self.note(&rule.span, Fate::Dropped, text);
                continue;
            }
            let mut pairs = vec![("path", Toml::text("all")), ("type", Toml::text(rule.kind.unwrap_or("a")))];
            pairs.extend(numbers(rule.major, rule.minor));
            if let Some(access) = rule.access.as_ref().filter(|access| !access.is_empty() && *access != "rwm")
            {
                pairs.push(("access", Toml::text(access)));
            }
            items.push((Toml::table(pairs), comments));
        }
        section.put("devices", &Toml::Array(items), above);
    }

    fn rlimits(&mut self, section: &mut Section, rlimits: &Spanned<Vec<Spanned<Rlimit>>>) {
        let above = self.comments_at(&rlimits.span);
        let mut pairs: Vec<(String, Toml, Vec<Comment>)> = Vec::new();
        for limit in &rlimits.value {
            let comments = self.comments_in(&limit.span);
            let word =
                |number: u64| if number == u64::MAX { "unlimited".to_owned() } else { number.to_string() };
            let Spanned { value: Rlimit { name, soft, hard }, .. } = limit;
            let text = if soft == hard { word(*soft) } else { format!("{}:{}", word(*soft), word(*hard)) };
            let before = pairs.len();
            pairs.retain(|(known, _, _)| known != name);
            if pairs.len() < before {
                self.note(
                    &limit.span,
                    Fate::Changed,
                    format!("`{name}` is limited twice: the last one holds"),
                );
            }
            pairs.push(((*name).to_owned(), Toml::text(&text), comments));
        }
        section.put_table("rlimits", pairs, above);
    }

    fn env(&mut self, section: &mut Section, env: &Spanned<Vec<Spanned<String>>>) {
        let above = self.comments_at(&env.span);
        let mut pairs: Vec<(String, Toml, Vec<Comment>)> = Vec::new();
        for item in &env.value {
            let comments = self.comments_in(&item.span);
            let Some((name, value)) = item.value.split_once('=').filter(|(name, _)| !name.is_empty()) else {
                let text = format!("`{}` in `env` sets nothing: it has no `=`", item.value);
                self.note(&item.span, Fate::Dropped, text);
                continue;
            };
            let before = pairs.len();
            pairs.retain(|(known, _, _)| known != name);
            if pairs.len() < before {
                self.note(&item.span, Fate::Changed, format!("`{name}` is set twice: the last one holds"));
            }
            pairs.push((name.to_owned(), Toml::text(value), comments));
        }
        section.put_table("env", pairs, above);
    }

    fn table(&mut self, section: &mut Section, key: &str, map: &Field<Vec<(String, Spanned<String>)>>) {
        let Some(map) = map else { return };
        let above = self.comments_at(&map.span);
        let mut pairs = Vec::new();
        for (name, value) in &map.value {
            let comments = self.comments_in(&value.span);
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._-/".contains(&b);
            if key == "sysctl" && (name.is_empty() || !name.bytes().all(plain)) {
                self.note(&value.span, Fate::Lost, format!("`{name}` is no kernel setting"));
                continue;
            }
            pairs.push((name.clone(), Toml::text(&value.value), comments));
        }
        section.put_table(key, pairs, above);
    }

    fn runtime(&mut self, section: &mut Section, runtime: &Field<Runtime>) {
        let Some(Spanned { value: runtime, span }) = runtime else { return };
        let mut below = Section::new(format!("[{}.runtime]", section.path()));
        below.comments_above(self.comments_at(span));
        for (key, list) in [("cgroups", &runtime.cgroups), ("mkdir", &runtime.mkdir)] {
            if let Some(list) = list {
                self.list(&mut below, key, list, Toml::text);
            }
        }
        if let Some(mounts) = &runtime.mounts {
            let mut mounts = mounts.clone();
            let any = mounts.value.is_empty();
            mounts.value.retain(|mount| mount.below == Below::Own);
            if any || !mounts.value.is_empty() {
                self.mounts_into(&mut below, &mounts);
            }
        }
        if let Some(interfaces) = &runtime.interfaces {
            let comments = self.comments_in(&interfaces.span);
            let items =
                interfaces.value.iter().map(|interface| (interface_of(interface), Vec::new())).collect();
            below.put("interfaces", &Toml::Array(items), comments);
        }
        if !runtime.bind_ns.is_empty() {
            let pairs: Vec<_> = runtime
                .bind_ns
                .iter()
                .map(|(kind, path)| ((*kind).to_owned(), Toml::text(path), self.comments_in(&path.span)))
                .collect();
            below.put_table("bind-namespaces", pairs, Vec::new());
        }
        if let Some(namespace) = &runtime.namespace {
            let text =
                "`namespace` has no counterpart: kit's init runs containers itself, without containerd";
            self.note(&namespace.span, Fate::Dropped, text);
            self.comments_in(&namespace.span);
        }
        if !below.is_empty() {
            section.push(below);
        }
    }

    fn id(&self, id: &Id) -> Toml {
        match id {
            Id::Number(number) => Toml::number(*number),
            Id::Name(name) => {
                // A label names containers of whatever image it is used in.
                let known = self.containers.get(name).cloned();
                Toml::text(known.unwrap_or_else(|| name_of(name, "container")).as_str())
            }
        }
    }

    pub(super) fn text(&mut self, section: &mut Section, key: &str, field: &Field<String>) {
        if let Some(field) = field {
            let comments = self.comments_in(&field.span);
            section.put(key, &Toml::text(field), comments);
        }
    }

    fn truth(&mut self, section: &mut Section, key: &str, field: &Field<bool>) {
        if let Some(field) = field {
            let comments = self.comments_in(&field.span);
            section.put(key, &Toml::boolean(field.value), comments);
        }
    }

    pub(super) fn list(
        &mut self,
        section: &mut Section,
        key: &str,
        list: &Spanned<Vec<Spanned<String>>>,
        write: impl Fn(&str) -> Toml,
    ) {
        let values = list.value.iter().map(|item| write(item)).collect();
        self.list_of(section, key, list, values);
    }

    /// Writes a list, each item with the comments that are about its line.
    pub(super) fn list_of<T>(
        &mut self,
        section: &mut Section,
        key: &str,
        list: &Spanned<Vec<Spanned<T>>>,
        values: Vec<Toml>,
    ) {
        let mut above = self.comments_at(&list.span);
        let mut items: Vec<(Toml, Vec<Comment>)> = Vec::new();
        for (item, value) in list.value.iter().zip(values) {
            items.push((value, self.comments_in(&item.span)));
        }
        above.extend(self.comments_in(&list.span));
        section.put(key, &Toml::Array(items), above);
    }
}

fn device(device: &Device) -> Toml {
    let path = device.path.as_deref().unwrap_or("all");
    let kind = if device.kind == "u" { "c" } else { device.kind };
    let mut pairs = vec![("path", Toml::text(path)), ("type", Toml::text(kind))];
    if device.path.is_some() {
        if kind != "p" {
            pairs.push(("major", Toml::number(device.major.unwrap_or(0).max(0))));
            pairs.push(("minor", Toml::number(device.minor.unwrap_or(0).max(0))));
        }
        let mode = device.mode.unwrap_or(0o600);
        pairs.push(("mode", Toml::text(&format!("{mode:04o}"))));
    }
    Toml::table(pairs)
}

/// Of a class, numbers below 0 and none stand for any.
fn numbers(major: Option<i64>, minor: Option<i64>) -> Vec<(&'static str, Toml)> {
    [("major", major), ("minor", minor)]
        .into_iter()
        .filter_map(|(key, number)| Some((key, Toml::number(number.filter(|number| *number >= 0)?))))
        .collect()
}

fn interface_of(interface: &Interface) -> Toml {
    let mut pairs = vec![("name", Toml::text(&interface.name))];
    pairs.extend(interface.add.as_ref().map(|add| ("add", Toml::text(add))));
    pairs.extend(interface.peer.as_ref().map(|peer| ("peer", Toml::text(peer))));
    if interface.create_in_root {
        pairs.push(("create-in-root", Toml::boolean(true)));
    }
    Toml::table(pairs)
}
