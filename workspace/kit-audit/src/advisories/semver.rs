//! The order of versions by `SemVer` 2, for crates.

use std::cmp::Ordering;

/// A version of a crate, ordered by `SemVer`'s rules; what follows `+` counts for nothing.
///
/// Any text compares, so that an order is never missing: parts that are no numbers are behind all numbers, and missing ones are 0.
#[derive(Debug, Clone, Copy)]
pub struct SemVer<'a> {
    core: &'a str,
    pre: Option<&'a str>,
}

impl<'a> SemVer<'a> {
    /// Takes a version apart.
    pub fn new(text: &'a str) -> Self {
        let text = text.split_once('+').map_or(text, |(version, _)| version);
        match text.split_once('-') {
            None => Self { core: text, pre: None },
            Some((core, pre)) => Self { core, pre: Some(pre) },
        }
    }

    /// Returns whether it is a version by `SemVer`'s rules, or a shorter one of numbers only, such as `1` or `0.3`.
    pub fn is_valid(&self) -> bool {
        let numbers = self.core.split('.').count();
        let is_identifier =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        numbers <= 3
            && self.core.split('.').all(is_number)
            && self.pre.is_none_or(|pre| numbers == 3 && pre.split('.').all(is_identifier))
    }
}

impl Ord for SemVer<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let (mut parts, mut others) = (self.core.split('.'), other.core.split('.'));
        loop {
            let order = match (parts.next(), others.next()) {
                (None, None) => break,
                (part, other) => compare(part.unwrap_or("0"), other.unwrap_or("0")),
            };
            if order.is_ne() {
                return order;
            }
        }
        match (self.pre, other.pre) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(pre), Some(other)) => compare_pre(pre, other),
        }
    }
}

impl PartialOrd for SemVer<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for SemVer<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for SemVer<'_> {}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Compares what is behind `-`: part by part, and with all the same the longer one is later.
fn compare_pre(pre: &str, other: &str) -> Ordering {
    let (mut parts, mut others) = (pre.split('.'), other.split('.'));
    loop {
        let order = match (parts.next(), others.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(part), Some(other)) => compare(part, other),
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Numbers by value, before everything else, which goes by its bytes.
fn compare(part: &str, other: &str) -> Ordering {
    match (is_number(part), is_number(other)) {
        (true, true) => {
            let (part, other) = (part.trim_start_matches('0'), other.trim_start_matches('0'));
            part.len().cmp(&other.len()).then_with(|| part.cmp(other))
        }
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => part.cmp(other),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn is_the_order_of_the_specification() {
        let ascending = [
            "0.0.0-0",
            "0.0.0",
            "0.9.10",
            "1.0.0-1",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.2-x-y",
            "1.0.2",
            "1.2.0",
            "2.0.0",
            "18446744073709551617.0.0",
        ];
        for (index, a) in ascending.iter().enumerate() {
            assert!(SemVer::new(a).is_valid(), "{a}");
            for (other, b) in ascending.iter().enumerate() {
                assert_eq!(SemVer::new(a).cmp(&SemVer::new(b)), index.cmp(&other), "{a} {b}");
            }
        }
        for (a, b) in [("1.0.0+a", "1.0.0+b"), ("0", "0.0.0"), ("1.2", "1.2.0"), ("1.0.0-01", "1.0.0-1")] {
            assert!(SemVer::new(a) == SemVer::new(b), "{a} {b}");
        }
    }

    #[test]
    fn knows_what_is_no_version() {
        for text in ["", "1.", "v1.0.0", "1.0.0.0", "1.0-a", "1.0.0-", "1.0.0-a..b", "1.0.0-ä", "*"] {
            assert!(!SemVer::new(text).is_valid(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_texts_are_in_one_order(a in "[0-9a.+-]{0,8}", b in "[0-9a.+-]{0,8}", c in "[0-9a.+-]{0,8}") {
            let (a, b, c) = (SemVer::new(&a), SemVer::new(&b), SemVer::new(&c));
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
