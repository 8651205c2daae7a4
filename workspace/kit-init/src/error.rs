//! A step of the boot, or of a container's setup, that did not work.

use std::fmt;

use crate::sys::Errno;

/// What could not be done, with what, and why: "cannot mount /proc: No such device".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The verb phrase after "cannot", e.g. `mount`.
    step: &'static str,
    /// A path, or another name of what the step is about; may be empty.
    subject: String,
    reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    System(Errno),
    Text(String),
}

impl Failure {
    /// A failure that the program found by itself.
    pub(crate) fn new(step: &'static str, subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { step, subject: subject.into(), reason: Reason::Text(reason.into()) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.step)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        match &self.reason {
            Reason::System(errno) => write!(f, ": {errno}"),
            Reason::Text(text) => write!(f, ": {text}"),
        }
    }
}

/// Adds to a bare error what was being done.
pub(crate) trait During<T> {
    /// "cannot `step` `subject`: …"
    fn during(self, step: &'static str, subject: impl Into<String>) -> Result<T, Failure>;
}

impl<T, E: Into<Errno>> During<T> for Result<T, E> {
    fn during(self, step: &'static str, subject: impl Into<String>) -> Result<T, Failure> {
        self.map_err(|error| Failure { step, subject: subject.into(), reason: Reason::System(error.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_step_subject_and_reason() {
        let failed: Result<(), _> = Err(Errno(libc::ENOENT));
        let failure = failed.during("mount", "/proc").unwrap_err();
        assert_eq!(failure.to_string(), "cannot mount /proc: No such file or directory");
        assert_eq!(Failure::new("read", "", "too deep").to_string(), "cannot read: too deep");
    }
}
