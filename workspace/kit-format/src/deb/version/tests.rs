//! dpkg's own table of comparisons, and the laws of an order.

use std::cmp::Ordering::{Equal, Greater, Less};

use proptest::prelude::*;

use super::Version;

#[test]
fn compares_as_dpkg_does() {
    let table = [
        ("1.0", "1.0", Equal),
        ("1.0", "1.00", Equal),
        ("0:1.0", "1.0", Equal),
        ("1.0-0", "1.0", Equal),
        ("0:0-0-0", "0-0", Greater),
        ("", "", Equal),
        ("1.0", "1.1", Less),
        ("1.9", "1.10", Less),
        ("1.2.3", "1.2", Greater),
        ("1:0.1", "9.9", Greater),
        ("2:1", "10:1", Less),
        ("1.0~rc1", "1.0", Less),
        ("1.0~rc1", "1.0~rc2", Less),
        ("1.0~~", "1.0~", Less),
        ("1.0~", "1.0~a", Less),
        ("1.0~~a", "1.0~", Less),
        ("1.0", "1.0a", Less),
        ("1.0a", "1.0+", Less),
        ("1.0+", "1.0.", Less),
        ("1.0a", "1.0.1", Less),
        ("1.0-1", "1.0-1+deb12u1", Less),
        ("1.0-1+deb12u9", "1.0-1+deb12u10", Less),
        ("1.0-1+deb12u1", "1.0-1.1", Less),
        ("1.0-1~bpo12+1", "1.0-1", Less),
        ("1.0-1-1", "1.0-1", Greater),
        ("2.36-9+deb12u13", "2.36-9+deb12u9", Greater),
        ("1.4.0-1", "1.4.0+dfsg-1", Less),
        ("1.4.0+dfsg-1", "1.4.0.1-1", Less),
        ("20230311", "20230311+deb12u1", Less),
        ("7.88.1-10+deb12u12", "7.88.1-10+deb12u5", Greater),
        ("1.18446744073709551616", "1.18446744073709551617", Less),
        ("9:0", "a:0", Less),
        ("1.0A", "1.0a", Less),
        ("1.0Z", "1.0a", Less),
        ("000123", "123", Equal),
        ("1.a0", "1.a", Equal),
    ];
    for (a, b, expected) in table {
        assert_eq!(Version::new(a).cmp(&Version::new(b)), expected, "{a} against {b}");
        assert_eq!(Version::new(b).cmp(&Version::new(a)), expected.reverse(), "{b} against {a}");
    }
}

proptest! {
    #[test]
    fn is_an_order(a in "[0-9a-c~+.:-]{0,10}", b in "[0-9a-c~+.:-]{0,10}", c in "[0-9a-c~+.:-]{0,10}") {
        let (a, b, c) = (Version::new(&a), Version::new(&b), Version::new(&c));
        prop_assert_eq!(a.cmp(&a), Equal);
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        let mut sorted = [a, b, c];
        sorted.sort();
        prop_assert!(sorted[0] <= sorted[2]);
    }

    #[test]
    fn tilde_sorts_before_and_suffix_after(version in "[1-9][0-9a-z.]{0,8}", suffix in "[a-z+.][a-z0-9]{0,4}") {
        let (before, after) = (format!("{version}~{suffix}"), format!("{version}{suffix}"));
        prop_assert!(Version::new(&before) < Version::new(&version));
        prop_assert!(Version::new(&version) < Version::new(&after));
    }

    #[test]
    fn never_panics(a in any::<String>(), b in any::<String>()) {
        let _ = Version::new(&a).cmp(&Version::new(&b));
    }
}
