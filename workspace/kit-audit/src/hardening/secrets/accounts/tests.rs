use proptest::prelude::*;

use super::{Field, Strength, field};
use crate::hardening::secrets::KINDS;
use crate::hardening::tests::Sample;

#[test]
fn fields_are_read() {
    for (text, expected) in [
        ("", Field::Empty),
        ("x", Field::None),
        ("*", Field::None),
        ("!", Field::None),
        ("!!", Field::None),
        ("!*", Field::None),
        ("*LK*", Field::None),
        ("NP", Field::None),
        ("$6$salt$hash", Field::Hash("SHA-512", Strength::Usual)),
        ("$y$j9T$salt$hash", Field::Hash("yescrypt", Strength::Usual)),
        ("$2b$10$hash", Field::Hash("bcrypt", Strength::Usual)),
        ("$1$salt$hash", Field::Hash("MD5", Strength::Weak)),
        ("abJnggxhB/yWI", Field::Hash("DES", Strength::Weak)),
        ("!$6$salt$hash", Field::Locked("SHA-512")),
        ("!abJnggxhB/yWI", Field::Locked("DES")),
    ] {
        assert_eq!(field(text), expected, "{text}");
    }
}

#[test]
fn accounts_are_judged_in_each_root() {
    let mut sample = Sample::default();
    sample.file("/etc/passwd", "root:x:0:0::/:\nopen::7:7::/:\nold:abJnggxhB/yWI:8:8::/:\n");
    sample.file(
        "/etc/shadow",
        "root:$6$a$b:1::::::\nopen::1::::::\noff:!$6$a$b:1::::::\nnone:*:1::::::\nweak:$1$a$b:1\n",
    );
    sample.file("/etc/group", "a::7:\n").file("/etc/gshadow", "a:::\nb:$6$a$b::\n");
    sample.file("/containers/services/000-web/rootfs/etc/shadow", "root::1::::::\n");
    assert_eq!(
        sample.ids(KINDS),
        [
            "password-empty:/containers/services/000-web/rootfs/etc/shadow root high",
            "password-empty:/etc/passwd open high",
            "password-empty:/etc/shadow open high",
            "password-built-in:/etc/gshadow b medium",
            "password-built-in:/etc/passwd old high",
            "password-built-in:/etc/shadow off low",
            "password-built-in:/etc/shadow root medium",
            "password-built-in:/etc/shadow weak high",
        ]
    );
    let all = format!("{:?}", sample.findings(KINDS));
    assert!(!all.contains("$6$") && !all.contains("abJngg"), "{all}");
}

proptest! {
    #[test]
    fn fields_never_panic(text in ".{0,20}") {
        let _ = field(&text);
    }
}
