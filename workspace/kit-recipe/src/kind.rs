//! Kinds of builds: data that expands to the script, environment and tools of an ordinary step.
//!
//! A kind is a template beside this file, a few lines of environment, tools, and the keys that it takes. It is expanded
//! where a recipe is read, so the same script written out is the same recipe. In a template
//!
//! | | stands for |
//! |---|---|
//! | `@key@` | the words of a key, each quoted for the shell; without any it goes away, with the space before it |
//! | `@--option key@` | the same, with `--option` before each word |
//! | `?key `, `!key ` before a line | the line is there only when the key is set, or only when it isn't; as often as needed |
//!
//! To add a kind: a variant, its word and facts here, a template, an example in `docs/recipes.md` and a test that builds a
//! program by it.

mod template;

use std::collections::BTreeMap;

/// The kinds of builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A program of Rust, with its crates vendored.
    Cargo,
    /// A Makefile alone.
    Make,
    /// `configure`, `make`, `make install`.
    Autotools,
    /// `cmake`.
    Cmake,
    /// Linux, from a fragment of its configuration.
    Kernel,
}

/// What a key of a kind takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// The name of a source of the package; the only one that is left when not given.
    Source,
    /// The name of a source of crates; the only one, if any, when not given.
    Crates,
    /// The name of a source, which has to be given.
    Config,
    /// A path inside the source.
    Path,
    /// One word.
    Word,
    /// A list of words.
    Words,
    /// `true` or `false`, and which of them it is when not given.
    Flag(bool),
}

/// What a recipe says, by key: a flag that is set has no words.
pub(crate) type Parameters = BTreeMap<&'static str, Vec<String>>;

/// What a kind expands to, beside what a recipe adds.
#[derive(Debug)]
pub(crate) struct Expansion {
    /// The script.
    pub(crate) script: String,
    /// The whole environment that a recipe says.
    pub(crate) env: BTreeMap<String, String>,
}

/// What there is to know of a kind.
struct Facts {
    tools: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
    keys: &'static [(&'static str, Takes)],
    /// Variables that take the words of `flags`.
    flags: &'static [&'static str],
    /// What `static` adds to a variable.
    linked: Option<(&'static str, &'static str)>,
    template: &'static str,
}

/// For compilers of C and what they call: no identity that is made up, no time, no owner.
const C_ENVIRONMENT: [(&str, &str); 5] = [
    ("ARFLAGS", "crD"),
    ("AR_FLAGS", "crD"),
    ("CFLAGS", "-O2"),
    ("CXXFLAGS", "-O2"),
    ("LDFLAGS", "-Wl,--build-id=none"),
];
const C_FLAGS: [&str; 2] = ["CFLAGS", "CXXFLAGS"];
/// `-static` would mean something else to libtool.
const C_LINKED: Option<(&str, &str)> = Some(("LDFLAGS", "--static"));

const CARGO: Facts = Facts {
    tools: &["toolchain-rust"],
    env: &[
        ("CARGO_HOME", "/build/cargo"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "1"),
        ("CARGO_PROFILE_RELEASE_STRIP", "symbols"),
        ("RUSTFLAGS", "--remap-path-prefix=/src=. --remap-path-prefix=/build=."),
    ],
    keys: &[
        ("source", Takes::Source),
        ("crates", Takes::Crates),
        ("directory", Takes::Path),
        ("features", Takes::Words),
        ("bin", Takes::Words),
        ("target", Takes::Word),
        ("flags", Takes::Words),
        ("static", Takes::Flag(false)),
        ("test", Takes::Flag(false)),
    ],
    flags: &["RUSTFLAGS"],
    linked: Some(("RUSTFLAGS", "-C target-feature=+crt-static")),
    template: include_str!("kind/cargo.sh"),
};

const MAKE: Facts = Facts {
    tools: &["toolchain-c"],
    env: &C_ENVIRONMENT,
    keys: &[
        ("source", Takes::Source),
        ("directory", Takes::Path),
        ("make", Takes::Words),
        ("targets", Takes::Words),
        ("install", Takes::Words),
        ("bin", Takes::Words),
        ("flags", Takes::Words),
        ("static", Takes::Flag(false)),
        ("test", Takes::Flag(false)),
        ("strip", Takes::Flag(true)),
    ],
    flags: &C_FLAGS,
    linked: C_LINKED,
    template: concat!(include_str!("kind/make.sh"), include_str!("kind/strip.sh")),
};

const AUTOTOOLS: Facts = Facts {
    tools: &["toolchain-autotools"],
    env: &C_ENVIRONMENT,
    keys: &[
        ("source", Takes::Source),
        ("directory", Takes::Path),
        ("configure", Takes::Words),
        ("make", Takes::Words),
        ("targets", Takes::Words),
        ("install", Takes::Words),
        ("flags", Takes::Words),
        ("static", Takes::Flag(false)),
        ("test", Takes::Flag(false)),
        ("strip", Takes::Flag(true)),
    ],
    flags: &C_FLAGS,
    linked: C_LINKED,
    template: concat!(include_str!("kind/autotools.sh"), include_str!("kind/strip.sh")),
};

const CMAKE: Facts = Facts {
    tools: &["toolchain-cmake"],
    env: &C_ENVIRONMENT,
    keys: &[
        ("source", Takes::Source),
        ("directory", Takes::Path),
        ("configure", Takes::Words),
        ("targets", Takes::Words),
        ("flags", Takes::Words),
        ("static", Takes::Flag(false)),
        ("test", Takes::Flag(false)),
        ("strip", Takes::Flag(true)),
    ],
    flags: &C_FLAGS,
    linked: C_LINKED,
    template: concat!(include_str!("kind/cmake.sh"), include_str!("kind/strip.sh")),
};

const KERNEL: Facts = Facts {
    tools: &["toolchain-kernel"],
    env: &[("KBUILD_BUILD_HOST", "kit"), ("KBUILD_BUILD_USER", "kit"), ("KBUILD_BUILD_VERSION", "1")],
    keys: &[
        ("source", Takes::Source),
        ("config", Takes::Config),
        ("directory", Takes::Path),
        ("archive", Takes::Path),
        ("make", Takes::Words),
    ],
    flags: &[],
    linked: None,
    template: include_str!("kind/kernel.sh"),
};

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cargo, Self::Make, Self::Autotools, Self::Cmake, Self::Kernel];

    /// Returns how recipes call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Cargo => "cargo",
            Self::Make => "make",
            Self::Autotools => "autotools",
            Self::Cmake => "cmake",
            Self::Kernel => "kernel",
        }
    }

    fn facts(self) -> &'static Facts {
        match self {
            Self::Cargo => &CARGO,
            Self::Make => &MAKE,
            Self::Autotools => &AUTOTOOLS,
            Self::Cmake => &CMAKE,
            Self::Kernel => &KERNEL,
        }
    }

    /// Returns the packages that it needs; a recipe can add to them.
    pub fn tools(self) -> &'static [&'static str] {
        self.facts().tools
    }

    /// Returns the keys that it takes.
    pub(crate) fn keys(self) -> &'static [(&'static str, Takes)] {
        self.facts().keys
    }

    /// Returns the script and the environment, in which what the recipe says itself comes first.
    pub(crate) fn expand(self, parameters: &Parameters, own: &BTreeMap<String, String>) -> Expansion {
        let Facts { env: usual, flags, linked, template, .. } = self.facts();
        let mut env = BTreeMap::new();
        env.extend(usual.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        env.extend(own.clone());
        let mut append = |name: &str, words: &str| {
            let value: &mut String = env.entry(name.to_owned()).or_default();
            let space = if value.is_empty() { "" } else { " " };
            *value = format!("{value}{space}{words}");
        };
        if let Some(words) = parameters.get("flags") {
            flags.iter().for_each(|name| append(name, &words.join(" ")));
        }
        if let (Some((name, words)), true) = (linked, parameters.contains_key("static")) {
            append(name, words);
        }
        Expansion { script: template::fill(template, parameters), env }
    }
}

#[cfg(test)]
mod tests;
