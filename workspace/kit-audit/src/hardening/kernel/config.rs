//! A kernel's configuration, as its build writes it.

use std::collections::BTreeMap;
use std::fmt;

use super::Architecture;

/// The most that a configuration may have, in bytes.
const LIMIT: usize = 4 << 20;

/// What an option is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `y`: built in.
    Yes,
    /// `m`: a module.
    Module,
    /// A number, in decimal or with `0x`.
    Number(i128),
    /// A text, without its quotes.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Yes => f.write_str("y"),
            Self::Module => f.write_str("m"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// Why a text is no kernel's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is too long.
    #[error("a kernel's configuration has {0} bytes, more than 4194304")]
    TooLong(usize),
    /// A line is neither an option nor a comment.
    #[error("line {line} of the kernel's configuration is neither an option nor a comment")]
    Line {
        /// Which, from 1.
        line: usize,
    },
    /// The value of an option is none.
    #[error(
        "line {line} of the kernel's configuration: the value of `{option}` is none that an option can have"
    )]
    Value {
        /// Which, from 1.
        line: usize,
        /// Of what.
        option: String,
    },
    /// An option is set twice.
    #[error("line {line} of the kernel's configuration sets `{option}` again")]
    Again {
        /// Which, from 1.
        line: usize,
        /// What.
        option: String,
    },
}

/// A kernel's configuration. Options are named without `CONFIG_`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelConfig {
    /// What is mentioned; none where it isn't set.
    options: BTreeMap<String, Option<Value>>,
    version: Option<(u32, u32)>,
}

impl KernelConfig {
    /// Reads a configuration: `CONFIG_X=value`, `# CONFIG_X is not set`, other comments and empty lines.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        if text.len() > LIMIT {
            return Err(ConfigError::TooLong(text.len()));
        }
        let mut config = Self::default();
        for (at, written) in text.lines().enumerate() {
            let line = at + 1;
            let written = written.trim();
            if let Some(comment) = written.strip_prefix('#') {
                config.version = config.version.or_else(|| version(comment));
                if let Some(option) = unset(comment) {
                    config.put(line, option, None)?;
                }
            } else if !written.is_empty() {
                let (option, value) = setting(written).ok_or(ConfigError::Line { line })?;
                let invalid = || ConfigError::Value { line, option: format!("CONFIG_{option}") };
                let value = if value == "n" { None } else { Some(parse_value(value).ok_or_else(invalid)?) };
                config.put(line, option, value)?;
            }
        }
        Ok(config)
    }

    fn put(&mut self, line: usize, option: &str, value: Option<Value>) -> Result<(), ConfigError> {
        match self.options.insert(option.to_owned(), value) {
            None => Ok(()),
            Some(_) => Err(ConfigError::Again { line, option: format!("CONFIG_{option}") }),
        }
    }

    /// Lists the options that are set, by name.
    pub fn set(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.options.iter().filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?)))
    }

    /// Returns what an option is set to; none where it isn't.
    pub fn get(&self, option: &str) -> Option<&Value> {
        self.options.get(option)?.as_ref()
    }

    /// Whether an option is built in or a module.
    pub fn is_on(&self, option: &str) -> bool {
        matches!(self.get(option), Some(Value::Yes | Value::Module))
    }

    /// Whether the text says something about an option, be it that it isn't set.
    pub fn mentions(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// Whether a condition is met: `A` is on, `!A` isn't, `A|B` at least one is.
    pub fn meets(&self, condition: &str) -> bool {
        match condition.strip_prefix('!') {
            Some(option) => !self.is_on(option),
            None => condition.split('|').any(|option| self.is_on(option)),
        }
    }

    /// Returns the version of Linux that the text says it is for.
    pub fn version(&self) -> Option<(u32, u32)> {
        self.version
    }

    /// Returns the architecture; x86-64 where the text doesn't say another one.
    pub fn architecture(&self) -> Architecture {
        let known = [
            ("ARM64", Architecture::Arm64),
            ("X86_32", Architecture::Other),
            ("ARM", Architecture::Other),
            ("RISCV", Architecture::Other),
            ("S390", Architecture::Other),
            ("PPC", Architecture::Other),
            ("MIPS", Architecture::Other),
            ("LOONGARCH", Architecture::Other),
        ];
        known
            .into_iter()
            .find(|(option, _)| self.is_on(option))
            .map_or(Architecture::X86_64, |(_, found)| found)
    }
}

/// Reads ` CONFIG_X is not set`, what follows the number sign.
fn unset(comment: &str) -> Option<&str> {
    name(comment.trim().strip_suffix("is not set")?.trim())
}

/// Reads ` Linux/x86 6.1.0 Kernel Configuration`, what follows the number sign.
fn version(comment: &str) -> Option<(u32, u32)> {
    let words = comment.trim().strip_prefix("Linux/")?.strip_suffix("Kernel Configuration")?;
    let mut numbers = words.split_whitespace().nth(1)?.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

fn setting(written: &str) -> Option<(&str, &str)> {
    let (option, value) = written.split_once('=')?;
    Some((name(option)?, value))
}

fn name(written: &str) -> Option<&str> {
    let name = written.strip_prefix("CONFIG_")?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then_some(name)
}

/// Reads a value other than `n`.
fn parse_value(written: &str) -> Option<Value> {
    Some(match written {
        "y" => Value::Yes,
        "m" => Value::Module,
        _ => match written.strip_prefix('"') {
            Some(rest) => Value::Text(unquote(rest)?),
            None => Value::Number(number(written)?),
        },
    })
}

/// Reads a number; the largest that options have are addresses of 64 bits.
fn number(written: &str) -> Option<i128> {
    let found = match written.strip_prefix("0x").or_else(|| written.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            i128::from_str_radix(digits, 16).ok()?
        }
        Some(_) => return None,
        None => written.parse().ok()?,
    };
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&found).then_some(found)
}

/// Reads what follows the opening quote, to the closing one at its end; a backslash takes what follows as it is.
fn unquote(rest: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '\\' => text.push(chars.next()?),
            '"' => return chars.next().is_none().then_some(text),
            other => text.push(other),
        }
    }
}
