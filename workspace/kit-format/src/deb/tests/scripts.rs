use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::deb::shell;

fn effects(script: &str) -> String {
    control(Script::Postinst, script.as_bytes())
}

fn control(script: Script, text: &[u8]) -> String {
    let control = Control {
        package: String::from("p"),
        version: String::from("1"),
        architecture: String::from("all"),
        fields: BTreeMap::new(),
        scripts: BTreeMap::from([(script, text.to_vec())]),
        conffiles: BTreeSet::new(),
    };
    let lines = maintainer_effects(&control);
    lines.iter().map(|e| format!("{:?} {}: {}", e.kind, e.script, e.command)).collect::<Vec<_>>().join("\n")
}

/// As in Debian's `passwd`, `openssh-server`, `iputils-ping` and `mawk`.
#[test]
fn finds_what_real_scripts_do() {
    let users = r#"#!/bin/sh
set -e
case "$1" in
configure|reconfigure)
    if ! getent group shadow | grep -q '^shadow:[^:]*:42'
    then
        groupadd -g 42 shadow || (
            cat <<EOF
Group ID 42 (you) has been; allocated `rm -rf x`
EOF
            exit 1
        )
    fi
    adduser --quiet --system --no-create-home \
        --home /run/sshd --shell /usr/sbin/nologin sshd
    ;;
*) echo "unknown: \"$1\"" >&2; exit 1 ;;
esac
PROGRAM=$(dpkg-divert --truename /bin/ping)
if command -v setcap > /dev/null; then
    if setcap cap_net_raw+ep $PROGRAM; then chmod u-s "$PROGRAM"; fi
fi
update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5 || true
exit 0
"#;
    assert_eq!(
        effects(users),
        "User postinst: adduser --quiet --system --no-create-home --home /run/sshd --shell /usr/sbin/nologin sshd\n\
         Group postinst: groupadd -g 42 shadow\n\
         Alternative postinst: update-alternatives --install /usr/bin/awk awk /usr/bin/mawk 5\n\
         Ownership postinst: chmod u-s $PROGRAM\n\
         Capability postinst: setcap cap_net_raw+ep $PROGRAM"
    );
}

#[test]
fn services_and_upgrades_say_nothing() {
    let generated = r#"#!/bin/sh
set -e
# Automatically added by dh_installinit/13.11.4
if [ "$1" = "install" ] && [ -n "$2" ] && [ -e "/etc/init.d/dbus" ] ; then
	chmod +x "/etc/init.d/dbus" >/dev/null || true
fi
# End automatically added section
# Automatically added by dh_installsystemd/13.11.4
if deb-systemd-helper --quiet was-enabled 'ssh.service'; then
	deb-systemd-helper enable 'ssh.service' >/dev/null || true
fi
# End automatically added section
"#;
    assert_eq!(effects(generated), "");
    assert_eq!(control(Script::Prerm, b"#!/bin/sh\nuserdel x\n"), "");
    assert_eq!(control(Script::Triggers, b"interest x\n"), "");
}

#[test]
fn the_shell_is_understood_enough() {
    for (script, expected) in [
        ("helper() { useradd x; }\nhelper", "User postinst: useradd x"),
        ("helper () {\n ldconfig\n}\nhelper now", "LibraryCache postinst: ldconfig"),
        ("A=1 B='x y' depmod -a \"$V\"", "Modules postinst: depmod -a $V"),
        ("for x in a b; do ln -s $x /y; done", "File postinst: ln -s $x /y"),
        ("echo hello > /etc/x; echo >&2 bye; ls >/dev/null 2>&1", "File postinst: echo hello > /etc/x"),
        ("cat <<-'X' > /etc/y\n\tuseradd z\n\tX\ntrue", "File postinst: cat > /etc/y"),
        ("x=$(useradd in; echo y) && frobnicate", "Unknown postinst: frobnicate"),
        (
            "if test -x /sbin/ldconfig; then /sbin/ldconfig; fi # useradd",
            "LibraryCache postinst: /sbin/ldconfig",
        ),
        (
            "dpkg-statoverride --list /x >/dev/null || dpkg-statoverride --update --add root mail 2755 /x",
            "Ownership postinst: dpkg-statoverride --update --add root mail 2755 /x",
        ),
        ("sed -e s/a/b/ < /etc/x; sed -i s/a/b/ /etc/x", "File postinst: sed -i s/a/b/ /etc/x"),
        (
            "dpkg-divert --list x; dpkg-divert --rename --add /x",
            "Diversion postinst: dpkg-divert --rename --add /x",
        ),
        ("(update-ca-certificates)", "Certificates postinst: update-ca-certificates"),
        (
            "py3compile -p x\nupdate-initramfs -u",
            "Initramfs postinst: update-initramfs -u\nCache postinst: py3compile -p x",
        ),
    ] {
        assert_eq!(effects(&format!("#!/bin/sh\n{script}\n")), expected, "{script}");
    }
}

#[test]
fn other_programs_are_unknown() {
    assert_eq!(effects("#!/usr/bin/perl\nuse strict;\n"), "Unknown postinst: #!/usr/bin/perl");
    assert_eq!(control(Script::Preinst, b"\x7fELF\x02\x01"), "Unknown preinst: \\x7fELF\\x02\\x01");
    let triggers =
        b"# x\nactivate-noawait ldconfig\nactivate update-ca-certificates\nactivate-noawait other\n";
    assert_eq!(
        control(Script::Triggers, triggers),
        "LibraryCache triggers: activate-noawait ldconfig\n\
         Certificates triggers: activate update-ca-certificates\n\
         Cache triggers: activate-noawait other"
    );
}

/// What the grammar is made of, to be put together wrongly.
const PARTS: [&str; 23] = [
    "case", "in", "esac", ";;", "(", ")", "\"", "'", "`", "$(", "${", "}", "<<", "X", "\n", " ", "|", "&&",
    ">", "\\", "#", "if", "é",
];

proptest! {
    #[test]
    fn any_script_ends(text in "[ -~\n\t]{0,200}") {
        let _ = shell::commands(&text);
    }

    #[test]
    fn any_grammar_ends(parts in proptest::collection::vec(proptest::sample::select(PARTS.to_vec()), 0..40)) {
        let _ = shell::commands(&parts.concat());
    }
}
