//! Which processors programs are for.

use std::fmt;

/// Which processors programs are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Architecture {
    /// 64-bit x86: PCs, servers. Scripts and tools run on it.
    Amd64,
    /// 64-bit ARM: boards, phones, servers.
    Arm64,
}

impl Architecture {
    /// The one that scripts and tools run on, and that recipes mean where they name none.
    pub const USUAL: Self = Self::Amd64;

    /// All of them.
    pub const ALL: [Self; 2] = [Self::Amd64, Self::Arm64];

    /// The words that recipes use, which are Debian's.
    pub(crate) const WORDS: [(&'static str, Self); 2] = [("amd64", Self::Amd64), ("arm64", Self::Arm64)];

    /// Returns Debian's word, which is OCI's too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns Linux's word, which lockfiles have.
    pub fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// Reads Linux's word.
    pub fn of_machine(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.machine() == word)
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Recipe;

    #[test]
    fn each_has_a_word_of_debian_and_one_of_linux() {
        for (word, architecture) in Architecture::WORDS {
            assert_eq!(architecture.word(), word);
            assert_eq!(Architecture::of_machine(architecture.machine()), Some(architecture));
        }
        assert_eq!(Architecture::of_machine("arm64"), None);
    }

    fn package(head: &str, source: &str) -> Recipe {
        let source = format!("[sources.debian]\nsuite = \"bookworm\"\npackages = [\"base-files\"]\n{source}");
        let text = format!("[package]\nname = \"a\"\n{head}{source}");
        Recipe::parse(&"package a".parse().unwrap(), &text).unwrap()
    }

    #[test]
    fn what_it_is_for_is_part_of_what_a_recipe_means() {
        let (line, component) = ("architecture = \"arm64\"\n", "component = \"non-free-firmware\"\n");
        let recipes = [package("", ""), package(line, ""), package("", line), package("", component)];
        let ids: BTreeSet<_> = recipes.iter().map(|recipe| recipe.id().to_string()).collect();
        assert_eq!(ids.len(), 4);
        // Where packages are that no component is named for.
        assert_eq!(package("", "component = \"main\"\n").id(), recipes[0].id());
        let Recipe::Package(package) = &recipes[1] else { panic!("a package") };
        assert_eq!(package.made_for(), Architecture::Arm64);
    }
}
