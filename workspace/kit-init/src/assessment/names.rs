//! Names with counters: `PREFIX+LEFT.SUFFIX`, or `PREFIX+LEFT-DONE.SUFFIX` when it was tried.

use crate::error::Failure;

/// A path on the EFI system partition whose last name has a counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// The directories above, from the root of the partition.
    directories: Vec<String>,
    /// What stands before the counter.
    prefix: String,
    /// How often it may still be tried, and perhaps how often it was, as that is written: there may be zeros before the numbers.
    counter: String,
    /// What stands behind the counter, with its dot.
    suffix: String,
}

impl Counted {
    /// Reads a path as UEFI writes it, with backslashes.
    pub(super) fn parse(path: &str) -> Result<Self, Failure> {
        let wrong = |why| Failure::new("understand", format!("the path {path:?} of what was started"), why);
        let mut names: Vec<&str> = path.split('\\').filter(|name| !name.is_empty()).collect();
        let is_name = |name: &&str| !name.contains(['/', '\0']) && !matches!(*name, "." | "..");
        if !names.iter().all(is_name) {
            return Err(wrong("a part of it is no name"));
        }
        let name = names.pop().ok_or_else(|| wrong("it is empty"))?;
        let (prefix, rest) = name.rsplit_once('+').ok_or_else(|| wrong("it has no counter"))?;
        let (counter, suffix) = rest.split_at(rest.find('.').ok_or_else(|| wrong("it has no ending"))?);
        let (left, done) = counter.split_once('-').unwrap_or((counter, "0"));
        if !is_number(left) || !is_number(done) {
            return Err(wrong("its counter is no number"));
        }
        if prefix.is_empty() || suffix.len() < 2 {
            return Err(wrong("there is nothing before its counter, or nothing behind it"));
        }
        Ok(Self {
            directories: names.into_iter().map(str::to_owned).collect(),
            prefix: prefix.to_owned(),
            counter: counter.to_owned(),
            suffix: suffix.to_owned(),
        })
    }

    /// The directory that it is in, from the root of the partition.
    pub(super) fn directory(&self) -> String {
        format!("/{}", self.directories.join("/"))
    }

    /// The name as it is.
    pub(super) fn name(&self) -> String {
        format!("{}+{}{}", self.prefix, self.counter, self.suffix)
    }

    /// The name without its counter.
    pub(super) fn good_name(&self) -> String {
        format!("{}{}", self.prefix, self.suffix)
    }

    /// The whole path, for people.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.directory().trim_end_matches('/'), self.name())
    }
}

/// Whether this is a number as boot loaders write it: digits, and no more than fit.
fn is_number(digits: &str) -> bool {
    digits.bytes().all(|digit| digit.is_ascii_digit()) && digits.parse::<u32>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(path: &str) -> Counted {
        Counted::parse(path).unwrap_or_else(|failure| panic!("{failure}"))
    }

    #[test]
    fn the_counter_is_taken_away() {
        for (path, counter, good) in [
            (r"\EFI\Linux\router_A+2-1.efi", "2-1", "router_A.efi"),
            (r"\EFI\Linux\router_A+0-3.efi", "0-3", "router_A.efi"),
            (r"EFI\Linux\a+b-1.0+3.efi", "3", "a+b-1.0.efi"),
            (r"\EFI\Linux\x+007-01.conf.old", "007-01", "x.conf.old"),
            (r"\\EFI\\Linux\\x+4294967295.efi", "4294967295", "x.efi"),
        ] {
            let counted = counted(path);
            assert_eq!((counted.counter.as_str(), counted.good_name().as_str()), (counter, good));
            assert_eq!(counted.directory(), "/EFI/Linux");
            let name = path.rsplit('\\').next().unwrap();
            assert_eq!(counted.name(), name);
            assert_eq!(counted.path(), format!("/EFI/Linux/{name}"));
        }
        let top = counted("x+1.efi");
        assert_eq!((top.directory(), top.path()), ("/".to_owned(), "/x+1.efi".to_owned()));
    }

    #[test]
    fn whatever_else_a_variable_says_is_refused() {
        for path in [
            "",
            "\\",
            "x.efi",
            r"\EFI\Linux\x.efi",
            "x+.efi",
            "x+3",
            "x+3.",
            "+3.efi",
            "x+3-.efi",
            "x+-3.efi",
            "x+3-1-1.efi",
            "x+3 .efi",
            "x+3a.efi",
            "x++3.efi+",
            "x+4294967296.efi",
            "x+１.efi",
            r"\EFI\..\x+3.efi",
            r"\.\x+3.efi",
            "a/x+3.efi",
            "/x+3.efi",
            "x+3.efi\0",
            "x+3.e/fi",
        ] {
            let failure = Counted::parse(path).expect_err(path).to_string();
            assert!(failure.starts_with("cannot understand the path \""), "{failure}");
        }
    }

    #[test]
    fn no_text_at_all_panics() {
        let letters = ["+", "-", ".", "\\", "/", "1", "x", "ä", "\0", "99999999999"];
        let mut at = 0_usize;
        for _ in 0..20_000 {
            at = at.wrapping_mul(6_364_136_223).wrapping_add(1_442_695);
            let text: String = (0..at % 9).map(|step| letters[(at >> (3 * step)) % letters.len()]).collect();
            if let Ok(counted) = Counted::parse(&text) {
                assert!(!counted.good_name().contains(['\\', '/', '\0']), "{text}");
                assert!(counted.path().ends_with(&counted.name()), "{text}");
            }
        }
    }
}
