//! What can be wrong with the text of a key or a signature.

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It isn't text.
    #[error("it is no UTF-8")]
    Text,
    /// A line of its armour is missing.
    #[error("the line `{line}` is missing")]
    Armour {
        /// The line.
        line: String,
    },
    /// A part of it isn't base64.
    #[error("its {part} is no base64")]
    Base64 {
        /// Which part.
        part: &'static str,
    },
    /// It is cut off.
    #[error("it ends too early")]
    Short,
    /// Something follows it.
    #[error("something follows after its end")]
    Extra,
    /// A part of it has another size than it has to have.
    #[error("its {part} has {found} bytes, not {expected}")]
    Size {
        /// Which part.
        part: &'static str,
        /// How many there are.
        found: usize,
        /// How many there have to be.
        expected: usize,
    },
    /// A part of it has another value than it has to have.
    #[error("its {part} is `{found}`, not `{expected}`")]
    Value {
        /// Which part.
        part: &'static str,
        /// What is there.
        found: String,
        /// What has to be there.
        expected: &'static str,
    },
    /// A part of it isn't what it has to be.
    #[error("its {part} isn't valid")]
    Invalid {
        /// Which part.
        part: &'static str,
    },
    /// Its two halves are of two keys.
    #[error("its public half isn't the one of its private half")]
    Halves,
}
