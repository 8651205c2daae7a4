//! What a machine says on its serial line, looked through as it comes.

/// What the line has told about the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sign {
    /// The awaited text.
    Reached,
    /// The kernel gave up.
    Panic,
    /// kit-init gave up.
    BootFailed,
    /// The firmware started nothing, for want of a signature.
    Refused,
}

const PANIC: &str = "Kernel panic - not syncing";
/// How OVMF says that it doesn't start something.
const REFUSED: (&str, &str) = ("BdsDxe: failed to load", ": Access Denied");
const BOOT_FAILED: &str = "kit-init: boot failed";

/// Looks for signs in a stream, whole lines and unfinished ones.
#[derive(Debug)]
pub(crate) struct Watcher {
    until: Option<String>,
    line: Vec<u8>,
}

/// The longest line that is looked through, in bytes; of a longer one the start is forgotten.
const LINE_LIMIT: usize = 16 * 1024;

impl Watcher {
    /// Watches for `until`, when it is given, and for failures.
    pub(crate) fn new(until: Option<String>) -> Self {
        Self { until, line: Vec::new() }
    }

    /// Takes the next bytes; returns the first sign in them.
    pub(crate) fn see(&mut self, bytes: &[u8]) -> Option<Sign> {
        for byte in bytes {
            if *byte == b'\n' {
                self.line.clear();
                continue;
            }
            self.line.push(*byte);
            if self.line.len() > LINE_LIMIT {
                self.line.drain(..LINE_LIMIT / 2);
            }
            if let Some(sign) = self.sign() {
                return Some(sign);
            }
        }
        None
    }

    fn sign(&self) -> Option<Sign> {
        let ends = |text: &str| self.line.ends_with(text.as_bytes());
        if self.until.as_deref().is_some_and(ends) {
            Some(Sign::Reached)
        } else if ends(PANIC) {
            Some(Sign::Panic)
        } else if ends(REFUSED.1) && has(&self.line, REFUSED.0) {
            Some(Sign::Refused)
        } else {
            ends(BOOT_FAILED).then_some(Sign::BootFailed)
        }
    }
}

/// Whether a text is in a line.
fn has(line: &[u8], text: &str) -> bool {
    line.windows(text.len()).any(|part| part == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_text_across_reads_and_in_unfinished_lines() {
        let mut watcher = Watcher::new(Some("shell: ready".to_owned()));
        assert_eq!(watcher.see(b"booting\nshell: re"), None);
        assert_eq!(watcher.see(b"ady"), Some(Sign::Reached));
    }

    #[test]
    fn text_doesn_t_span_lines() {
        assert_eq!(Watcher::new(Some("a\nb".to_owned())).see(b"a\nb"), None);
        assert_eq!(Watcher::new(Some("ready".to_owned())).see(b"rea\ndy"), None);
    }

    #[test]
    fn failures_are_signs_of_their_own() {
        let mut watcher = Watcher::new(None);
        assert_eq!(watcher.see(b"[1.0] Kernel panic - not syncing: no init"), Some(Sign::Panic));
        assert_eq!(Watcher::new(None).see(b"kit-init: boot failed: sysctl"), Some(Sign::BootFailed));
    }

    #[test]
    fn firmware_that_refuses_is_a_failure_and_the_words_alone_are_not() {
        let refused =
            b"BdsDxe: failed to load Boot0001 \"UEFI Misc Device\" from PciRoot(0x0): Access Denied";
        assert_eq!(Watcher::new(None).see(refused), Some(Sign::Refused));
        assert_eq!(Watcher::new(None).see(b"web: /x: Access Denied"), None);
    }

    #[test]
    fn endless_lines_are_bounded() {
        let mut watcher = Watcher::new(Some("ready".to_owned()));
        assert_eq!(watcher.see(&vec![b'x'; 1 << 20]), None);
        assert!(watcher.line.len() <= LINE_LIMIT);
        assert_eq!(watcher.see(b"ready"), Some(Sign::Reached));
    }
}
