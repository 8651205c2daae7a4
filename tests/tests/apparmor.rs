//! Profiles of AppArmor in a booted system: loaded by the standard package, and obeyed by who names one.

use kit_tests::TestProject;
use kit_tests::booted::{PATIENCE, head, printed};

const IMAGE: &str = r#"
[init]
packages = ["init"]

[[file]]
path = "/etc/apparmor.d/web"
contents = """
abi <abi/3.0>,
include <tunables/global>
include <names/web>

profile web {
  include <abstractions/base>
  capability kill,
  /usr/bin/busybox mrix,
  @{PROC}/@{pid}/attr/apparmor/current r,
  @{WEB}/ rw,
  @{WEB}/** rw,
}
"""

[[file]]
path = "/etc/apparmor.d/names/web"
contents = "@{WEB}=/srv/web\n"

[[file]]
path = "/etc/wrong/profile"
contents = "profile wrong {\n  /etc/passwd become,\n}\n"

[[onboot]]
name = "apparmor"
package = "apparmor"

[[onboot]]
name = "wrong"
package = "apparmor"
binds = ["/etc/wrong:/profiles"]
on-failure = "continue"
"#;

/// A service with a line of its own that tries what the profile allows and what it doesn't.
fn tries(name: &str, line: &str) -> String {
    format!(
        r#"
[[service]]
name = "{name}"
package = "box"
tmpfs = ["/srv"]
capabilities = ["CAP_CHOWN", "CAP_KILL"]
{line}
command = ["/bin/sh", "-c", '''
cat /proc/self/attr/apparmor/current
cat /etc/closed
mkdir /srv/web && echo text > /srv/web/file && cat /srv/web/file
echo text > /srv/file && echo written
chown 1 /srv/web && echo given away
''']
"#
    )
}

const BOX: &str = r#"
[package]
name = "box"

[tree]
packages = ["busybox"]

[[directory]]
path = "/srv"

[[file]]
path = "/etc/closed"
contents = "open\n"
"#;

#[test]
fn a_profile_is_loaded_and_holds() {
    let project = TestProject::new();
    project.take("lockfiles/minimal.lock");
    let services = tries("web", "apparmor = \"web\"") + &tries("free", "");
    project.write("recipes/images/minimal.toml", &(head("minimal", "kit.exit=services") + IMAGE + &services));
    project.write("recipes/packages/box.toml", BOX);
    project.kit(&["lock"]).succeeded();
    let said = project.kit(&["run", "--timeout", PATIENCE]).succeeded();
    printed(
        &said,
        &[
            "apparmor: loaded web (enforce)",
            "wrong: AppArmor parser error for /profiles in profile /profiles/profile at line 2: syntax error, unexpected TOK_ID, expecting TOK_MODE",
            "web: web (enforce)",
            "web: cat: can't open '/etc/closed': Permission denied",
            "web: text",
            "web: /bin/sh: can't create /srv/file: Permission denied",
            "web: chown: /srv/web: Operation not permitted",
            "free: unconfined",
            "free: open",
            "free: text",
            "free: written",
            "free: given away",
        ],
    );
    assert!(!said.stdout.contains("web: written"), "{said}");
}
