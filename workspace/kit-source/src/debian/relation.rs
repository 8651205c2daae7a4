//! Dependency fields: groups of alternatives with version constraints (Debian Policy, chapter 7).

use std::fmt;

use kit_format::deb::version::Version;

/// One alternative of a dependency: `name[:qualifier] [(operator version)]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The package or virtual package.
    pub name: &'a str,
    /// Which architecture's package satisfies it.
    pub qualifier: Qualifier,
    /// The version constraint.
    pub constraint: Option<Constraint<'a>>,
}

/// The architecture behind a name's colon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qualifier {
    /// None, `:native`, or the architecture that is being resolved.
    Native,
    /// `:any`: satisfied by a package that is `Multi-Arch: allowed`.
    Any,
    /// Another architecture: nothing here satisfies it.
    Foreign,
}

/// `(operator version)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Constraint<'a> {
    /// How the versions must compare.
    pub operator: Operator,
    /// The right-hand side.
    pub version: Version<'a>,
}

/// A comparison of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Less,
    /// `<=`, and the obsolete `<`
    LessEqual,
    /// `=`
    Equal,
    /// `>=`, and the obsolete `>`
    GreaterEqual,
    /// `>>`
    Greater,
}

/// Why a dependency field can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a package relation")]
pub struct RelationError {
    /// The alternative that can't be read.
    pub text: String,
}

impl Constraint<'_> {
    /// Tells whether `version` meets the constraint.
    pub fn admits(&self, version: Version<'_>) -> bool {
        let order = version.cmp(&self.version);
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::LessEqual => order.is_le(),
            Operator::Equal => order.is_eq(),
            Operator::GreaterEqual => order.is_ge(),
            Operator::Greater => order.is_gt(),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<<",
            Self::LessEqual => "<=",
            Self::Equal => "=",
            Self::GreaterEqual => ">=",
            Self::Greater => ">>",
        })
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if self.qualifier == Qualifier::Any {
            f.write_str(":any")?;
        }
        self.constraint.map_or(Ok(()), |c| write!(f, " ({} {})", c.operator, c.version))
    }
}

/// Parses a dependency field for `architecture`: all groups, each a choice of alternatives in order.
///
/// Build profiles are ignored; alternatives for other architectures are left out.
pub fn parse<'a>(field: &'a str, architecture: &str) -> Result<Vec<Vec<Relation<'a>>>, RelationError> {
    let mut groups = Vec::new();
    for group in field.split(',').map(str::trim).filter(|group| !group.is_empty()) {
        let mut alternatives = Vec::new();
        for text in group.split('|') {
            alternatives.extend(parse_alternative(text, architecture)?);
        }
        if !alternatives.is_empty() {
            groups.push(alternatives);
        }
    }
    Ok(groups)
}

/// Parses one alternative; `None` when its architecture list excludes `architecture`.
fn parse_alternative<'a>(text: &'a str, architecture: &str) -> Result<Option<Relation<'a>>, RelationError> {
    let text = text.trim();
    let error = || RelationError { text: text.to_owned() };
    let end = text.find(|c: char| c.is_whitespace() || "([<".contains(c)).unwrap_or(text.len());
    let (name, mut rest) = (&text[..end], text[end..].trim_start());
    let (name, qualifier) = split_qualifier(name, architecture);
    if !is_name(name) {
        return Err(error());
    }
    let mut constraint = None;
    if let Some(inner) = rest.strip_prefix('(') {
        let (inner, behind) = inner.split_once(')').ok_or_else(error)?;
        constraint = Some(parse_constraint(inner).ok_or_else(error)?);
        rest = behind.trim_start();
    }
    let mut applies = true;
    if let Some(inner) = rest.strip_prefix('[') {
        let (inner, behind) = inner.split_once(']').ok_or_else(error)?;
        applies = list_admits(inner, architecture);
        rest = behind.trim_start();
    }
    while let Some(inner) = rest.strip_prefix('<') {
        rest = inner.split_once('>').ok_or_else(error)?.1.trim_start();
    }
    if !rest.is_empty() {
        return Err(error());
    }
    Ok(applies.then_some(Relation { name, qualifier, constraint }))
}

fn split_qualifier<'a>(name: &'a str, architecture: &str) -> (&'a str, Qualifier) {
    match name.split_once(':') {
        None => (name, Qualifier::Native),
        Some((name, "any")) => (name, Qualifier::Any),
        Some((name, qualifier)) if qualifier == "native" || qualifier == architecture => {
            (name, Qualifier::Native)
        }
        Some((name, _)) => (name, Qualifier::Foreign),
    }
}

fn parse_constraint(text: &str) -> Option<Constraint<'_>> {
    let text = text.trim();
    let end = text.find(|c| !"<>=".contains(c))?;
    let operator = match &text[..end] {
        "<<" => Operator::Less,
        "<=" | "<" => Operator::LessEqual,
        "=" => Operator::Equal,
        ">=" | ">" => Operator::GreaterEqual,
        ">>" => Operator::Greater,
        _ => return None,
    };
    let version = text[end..].trim();
    (!version.contains(char::is_whitespace)).then(|| Constraint { operator, version: Version::new(version) })
}

/// `[amd64 arm64]` names the admitted, `[!i386]` the excluded architectures.
fn list_admits(list: &str, architecture: &str) -> bool {
    let mut words = list.split_whitespace().peekable();
    if words.peek().is_some_and(|word| word.starts_with('!')) {
        !words.any(|word| word.trim_start_matches('!') == architecture)
    } else {
        words.any(|word| word == architecture || word == "any" || word == "linux-any")
    }
}

/// Tells whether `name` can be a package name; laxer than policy, as archives are.
pub fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-._".contains(&b))
}

#[cfg(test)]
mod tests;
