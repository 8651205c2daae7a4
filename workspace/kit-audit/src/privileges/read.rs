//! From the files of an image to services.

use std::collections::{BTreeMap, BTreeSet};

use kit_recipe::{Architecture, Container};
use kit_tree::resolve::Resolved;
use kit_tree::{Blobs, Entry, Tree, TreePath};
use serde::de::DeserializeOwned;

use super::document::{self, Config, Runtime};
use super::service::{
    Access, AllowedDevice, Capabilities, Class, Device, Devices, Limits, Mount, Mounted, Namespace, Seccomp,
    Service, User, Whose,
};
use super::{Privileges, Unreadable};

/// Reads all containers of a root.
pub(super) fn privileges(root: &Tree, blobs: &dyn Blobs) -> Privileges {
    let usual = Usual::new();
    let mut privileges = Privileges::default();
    for class in Class::ALL {
        let folder = format!("/containers/{}", class.folder());
        let folder: TreePath = folder.parse().expect("because it is a constant path");
        let is_child = |path: &TreePath| path.parent().as_ref() == Some(&folder);
        for (directory, entry) in root.below(&folder).filter(|(path, _)| is_child(path)) {
            match container(root, blobs, &usual, class, (directory, entry)) {
                Ok(service) => privileges.services.push(service),
                Err(unreadable) => privileges.unreadable.push(unreadable),
            }
        }
    }
    privileges
}

/// What kit hides and protects where a recipe says nothing.
struct Usual {
    masked: Vec<String>,
    read_only: Vec<String>,
}

impl Usual {
    fn new() -> Self {
        let name = "usual".parse().expect("because it is a name");
        let text = kit_plan::runtime::config(&name, &Container::default(), Architecture::USUAL);
        let config: Config = serde_json::from_str(&text).expect("because kit's own configuration is one");
        Self { masked: config.linux.masked_paths, read_only: config.linux.readonly_paths }
    }
}

fn container(
    root: &Tree,
    blobs: &dyn Blobs,
    usual: &Usual,
    class: Class,
    (directory, entry): (&TreePath, &Entry),
) -> Result<Service, Unreadable> {
    let file_name = directory.file_name().map_or_else(String::new, |name| name.to_string());
    let numbered = file_name.split_once('-').filter(|(number, name)| is_number(number) && !name.is_empty());
    let unreadable = |path: &TreePath, reason: String| {
        let service = numbered.map_or(file_name.as_str(), |(_, name)| name).to_owned();
        Unreadable { service, path: path.clone(), reason }
    };
    let Some((_, name)) = numbered else {
        return Err(unreadable(directory, "its directory isn't called `NNN-name`".to_owned()));
    };
    if !entry.is_directory() {
        return Err(unreadable(directory, "it is no directory".to_owned()));
    }
    let path = |file: &str| {
        let file: TreePath = file.parse().expect("because it is a constant path");
        directory.append(&file).map_err(|error| unreadable(directory, error.to_string()))
    };
    let (config, runtime) = (path("/config.json")?, path("/runtime.json")?);
    let parsed: Option<Config> = parse(root, blobs, &config).map_err(|reason| unreadable(&config, reason))?;
    let parsed = parsed.ok_or_else(|| unreadable(&config, "it isn't there".to_owned()))?;
    let around: Option<Runtime> =
        parse(root, blobs, &runtime).map_err(|reason| unreadable(&runtime, reason))?;
    let mut service = service(name, class, directory, usual, parsed).map_err(|e| unreadable(&config, e))?;
    add_runtime(&mut service, around.unwrap_or_default());
    Ok(service)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads a document; none where there is no such file.
fn parse<T: DeserializeOwned>(root: &Tree, blobs: &dyn Blobs, path: &TreePath) -> Result<Option<T>, String> {
    let Resolved::There(path, _) = root.resolve(path) else { return Ok(None) };
    let Some(Entry::File { blob, size, .. }) = root.inode(&path) else {
        return Err("it is no file".to_owned());
    };
    if *size > Privileges::LIMIT {
        return Err(format!("it has {size} bytes, more than {}", Privileges::LIMIT));
    }
    let text = blobs.read(blob, Privileges::LIMIT).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map(Some).map_err(|error| error.to_string())
}

fn service(
    name: &str,
    class: Class,
    directory: &TreePath,
    usual: &Usual,
    config: Config,
) -> Result<Service, String> {
    let Config { process, root, mounts, linux } = config;
    let capabilities = capabilities(process.capabilities);
    let mounts: Vec<_> = mounts.into_iter().map(mount).collect();
    let exposed = |usual: &[String], hidden: &[String]| -> Vec<String> {
        // What is bound on purpose is told as a mount.
        let bound = |path: &String| mounts.iter().any(|mount| mount.destination == *path);
        usual.iter().filter(|path| !hidden.contains(path) && !bound(path)).cloned().collect()
    };
    let hides = |path: &String| linux.masked_paths.contains(path);
    let is_protected = |path: &&String| linux.readonly_paths.contains(path) || hides(path);
    let protected: Vec<_> = usual.read_only.iter().filter(is_protected).cloned().collect();
    let (unmasked, writable) =
        (exposed(&usual.masked, &linux.masked_paths), exposed(&usual.read_only, &protected));
    let resources = linux.resources;
    let document::User { uid, gid, additional_gids } = process.user;
    Ok(Service {
        name: name.to_owned(),
        class,
        directory: directory.clone(),
        command: process.args,
        user: User { uid, gid, groups: additional_gids },
        seccomp: seccomp(linux.seccomp, &capabilities),
        capabilities,
        no_new_privileges: process.no_new_privileges,
        namespaces: namespaces(linux.namespaces)?,
        mounts,
        devices: linux.devices.into_iter().map(device).collect(),
        allowed_devices: resources.devices.into_iter().filter_map(allowed).collect(),
        read_only_root: root.readonly,
        propagation: Some(linux.rootfs_propagation).filter(|word| !word.is_empty()),
        landlock: None,
        apparmor: Some(process.apparmor_profile).filter(|profile| !profile.is_empty()),
        unmasked,
        writable,
        limits: Limits {
            // Numbers below 1 are no limit.
            memory: resources.memory.limit.filter(|limit| *limit > 0),
            processes: resources.pids.limit.filter(|limit| *limit > 0),
            files: resources.unified,
        },
        rlimits: process.rlimits.into_iter().map(|limit| (limit.kind, (limit.soft, limit.hard))).collect(),
        sysctl: linux.sysctl,
        restart: "never".to_owned(),
        around: Vec::new(),
    })
}

fn capabilities(document: document::Capabilities) -> Capabilities {
    let document::Capabilities { bounding, effective, permitted, inheritable, ambient } = document;
    let set = |names: Vec<String>| names.into_iter().collect::<BTreeSet<_>>();
    Capabilities {
        bounding: set(bounding),
        effective: set(effective),
        permitted: set(permitted),
        inheritable: set(inheritable),
        ambient: set(ambient),
    }
}

fn namespaces(listed: Vec<document::Namespace>) -> Result<BTreeMap<Namespace, Whose>, String> {
    let mut namespaces: BTreeMap<_, _> =
        Namespace::ALL.into_iter().map(|namespace| (namespace, Whose::Machine)).collect();
    for document::Namespace { kind, path } in listed {
        // A kind that came later, such as that of clocks, takes nothing from the machine.
        let Some(namespace) = Namespace::from_oci(&kind) else { continue };
        let whose = match path.as_str() {
            "" => Whose::Own,
            path if path.starts_with("/proc/1/ns/") => Whose::Machine,
            path => Whose::Kept(path.to_owned()),
        };
        if namespaces.insert(namespace, whose) != Some(Whose::Machine) {
            return Err(format!("it has two namespaces of the kind `{kind}`"));
        }
    }
    Ok(namespaces)
}

fn mount(document: document::Mount) -> Mount {
    let document::Mount { destination, kind, source, options } = document;
    let has = |word: &str| options.iter().any(|option| option == word);
    // Of two that contradict each other the later one holds.
    let last = |words: [&str; 2]| options.iter().rev().find(|option| words.contains(&option.as_str()));
    let is_bind = kind == "bind" || has("bind") || has("rbind");
    let access = if last(["ro", "rw"]).is_some_and(|word| word == "ro") {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let ignored = last(["dev", "nodev"]).is_some_and(|word| word == "nodev");
    let spread = |option: &&String| matches!(option.as_str(), "shared" | "rshared" | "slave" | "rslave");
    Mount {
        what: if is_bind { Mounted::Bind(source) } else { Mounted::FileSystem { kind, source } },
        access,
        devices: if ignored { Devices::Ignored } else { Devices::Work },
        propagation: options.iter().rev().find(spread).cloned(),
        destination,
    }
}

fn device(document: document::Device) -> Device {
    let document::Device { path, kind, major, minor } = document;
    Device { path, kind, major, minor }
}

fn allowed(rule: document::DeviceRule) -> Option<AllowedDevice> {
    let document::DeviceRule { allow, kind, major, minor, access } = rule;
    // In the specification, -1 is any, and nothing is all.
    let number = |number: Option<i64>| number.filter(|number| *number >= 0);
    let or = |text: String, all: &str| if text.is_empty() { all.to_owned() } else { text };
    allow.then(|| AllowedDevice {
        kind: or(kind, "a"),
        major: number(major),
        minor: number(minor),
        access: or(access, "rwm"),
    })
}

const ALLOW: &str = "SCMP_ACT_ALLOW";

fn seccomp(profile: Option<document::Seccomp>, capabilities: &Capabilities) -> Seccomp {
    // What an action but these does, it doesn't do to the call.
    let lets_through = |action: &str| matches!(action, ALLOW | "SCMP_ACT_LOG");
    let Some(profile) = profile.filter(|profile| !lets_through(&profile.default_action)) else {
        return Seccomp::Unconfined;
    };
    let calls = |profile: &document::Seccomp| -> BTreeSet<String> {
        let rules = profile.syscalls.iter().filter(|rule| lets_through(&rule.action));
        rules.flat_map(|rule| rule.names.iter().cloned()).collect()
    };
    // Arguments that are looked at make a rule another one.
    let unconditional = |profile: &document::Seccomp| -> BTreeSet<String> {
        let rules = profile.syscalls.iter().filter(|rule| lets_through(&rule.action) && rule.args.is_empty());
        rules.flat_map(|rule| rule.names.iter().cloned()).collect()
    };
    let usual = |architecture| -> document::Seccomp {
        let names = capabilities.bounding.iter().chain(&capabilities.effective).map(String::as_str);
        let usual = kit_plan::seccomp::profile(names, None, architecture);
        serde_json::from_value(usual).expect("because kit's own profile is one")
    };
    let is_for = |architecture| profile.architectures == usual(architecture).architectures;
    let is_for_one = Architecture::ALL.into_iter().any(is_for);
    let usual = usual(Architecture::USUAL);
    if profile.syscalls == usual.syscalls && is_for_one {
        return Seccomp::Default;
    }
    let (own, kits) = (calls(&profile), calls(&usual));
    let (own_whole, kits_whole) = (unconditional(&profile), unconditional(&usual));
    let more: BTreeSet<_> = own.difference(&kits).chain(own_whole.difference(&kits_whole)).cloned().collect();
    let fewer = kits.difference(&own).count();
    Seccomp::Own { more: more.into_iter().collect(), fewer }
}

fn add_runtime(service: &mut Service, runtime: Runtime) {
    let Runtime { restart, landlock, cgroups, mkdir, mounts, interfaces, bind_namespaces } = runtime;
    if !restart.policy.is_empty() {
        service.restart = restart.policy;
    }
    service.landlock = landlock;
    let around = &mut service.around;
    around.extend(cgroups.into_iter().map(|path| format!("makes the control group `{path}`")));
    around.extend(mkdir.into_iter().map(|path| format!("makes the directory `{path}`")));
    around.extend(
        mounts.into_iter().map(|mount| format!("mounts `{}` on `{}`", mount.source, mount.destination)),
    );
    let interface = |interface: document::Interface| {
        let how = if interface.add.is_empty() { "takes" } else { "makes" };
        format!("{how} the network interface `{}`", interface.name)
    };
    around.extend(interfaces.into_iter().map(interface));
    let kept = |(kind, path): (String, String)| format!("keeps its namespace `{kind}` at `{path}`");
    around.extend(bind_namespaces.into_iter().map(kept));
}
