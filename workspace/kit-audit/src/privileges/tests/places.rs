//! The lines of recipes that give privileges.

use super::*;

const IMAGE: &str = r#"
[image]
name = "demo"
formats = ["tar"]
extends = ["parent"]
[defaults]
pid = "host"
readonly = false
capabilities = ["CAP_KILL"]
[[service]]
name = "web"
package = "web"
command = ["/bin/web"]
add-capabilities = ["CAP_CHOWN"]
uid = 7
net = "host"
binds = ["/srv:/data", "/etc:/etc:ro"]
devices = [{ path = "/dev/kvm", type = "c", major = 10, minor = 232 }]
[service.seccomp]
allow = ["keyctl"]
"#;
const PARENT: &str = r#"
[image]
name = "parent"
formats = ["tar"]
[defaults]
no-new-privileges = false
[[onboot]]
name = "first"
package = "web"
command = ["/bin/web"]
"#;
const WEB: &str = r#"
[package]
name = "web"
[[file]]
path = "/bin/web"
contents = "x"
[container]
capabilities = ["CAP_FOWNER", "CAP_CHOWN"]
ipc = "host"
mounts = [{ destination = "/sys", type = "sysfs", source = "sysfs" }]
"#;

#[test]
fn privileges_lead_to_the_lines_that_give_them() {
    let sample = Sample::new(&[("image demo", IMAGE), ("image parent", PARENT), ("package web", WEB)]);
    let recipes = Recipes::new(&sample.recipes, &name("demo"), Some(&sample.lock)).unwrap();
    let place = |service: &str, privilege: Privilege| {
        let place = recipes.place(service, &privilege).unwrap();
        format!("{}: {}", place.recipe, &place.text[place.span])
    };
    let capability = |name: &str| Privilege::Capability(name.to_owned());
    for (privilege, expected) in [
        (capability("CAP_CHOWN"), "image demo: \"CAP_CHOWN\""),
        (capability("CAP_FOWNER"), "package web: \"CAP_FOWNER\""),
        (Privilege::User, "image demo: uid = 7"),
        (Privilege::Namespace(Namespace::Net), "image demo: net = \"host\""),
        (Privilege::Namespace(Namespace::Ipc), "package web: ipc = \"host\""),
        (Privilege::Namespace(Namespace::Pid), "image demo: pid = \"host\""),
        (Privilege::Mount("/data".to_owned()), "image demo: \"/srv:/data\""),
        (Privilege::Mount("/etc".to_owned()), "image demo: \"/etc:/etc:ro\""),
        (
            Privilege::Mount("/sys".to_owned()),
            "package web: { destination = \"/sys\", type = \"sysfs\", source = \"sysfs\" }",
        ),
        (
            Privilege::Device(Some("/dev/kvm".to_owned())),
            "image demo: { path = \"/dev/kvm\", type = \"c\", major = 10, minor = 232 }",
        ),
        (Privilege::Root, "image demo: readonly = false"),
        (Privilege::Seccomp, "image demo: seccomp"),
        (Privilege::Propagation, "image demo: \"web\""),
    ] {
        assert_eq!(place("web", privilege.clone()), expected, "{privilege:?}");
    }
    // What an extended image says holds for its own containers, and its places are in it.
    assert_eq!(place("first", Privilege::NewPrivileges), "image parent: no-new-privileges = false");
    assert_eq!(place("first", Privilege::Root), "image parent: \"first\"");
    assert_eq!(recipes.place("nobody", &Privilege::Root), None);
}

#[test]
fn findings_have_their_lines() {
    let sample = Sample::new(&[("image demo", IMAGE), ("image parent", PARENT), ("package web", WEB)]);
    let recipes = Recipes::new(&sample.recipes, &name("demo"), None).unwrap();
    let mut config = usual();
    config["process"]["capabilities"] = json!({ "bounding": ["CAP_FOWNER"] });
    let text = config.to_string();
    let (tree, blobs) = root(&[("services/000-web/config.json", text.as_bytes())]);
    let privileges = Privileges::of(&tree, &blobs);
    let findings = privileges.findings(Some(&recipes));
    let finding = &findings[0];
    assert_eq!(finding.id(), "privilege-capability:web CAP_FOWNER");
    assert_eq!(finding.evidence[0], Evidence::Fact("it is in the sets: bounding".to_owned()));
    let Evidence::Recipe(place) = &finding.evidence[1] else { panic!("{finding:?}") };
    assert_eq!(&place.text[place.span.clone()], "\"CAP_FOWNER\"");
    assert!(
        matches!(&finding.evidence[2], Evidence::File { path, .. } if path.to_string().ends_with("config.json"))
    );
    assert_eq!(privileges.findings(None)[0].evidence.len(), 2);
}
