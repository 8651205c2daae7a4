//! JSON, told by path: `$.config.Env[0]`.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::What;

/// The most that is read as JSON, in bytes.
const LONGEST: usize = 16 << 20;
/// Characters of a value that are shown.
const SHOWN: usize = 120;

/// A value whose members are in the order in which they are written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Plain(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

/// Reads an object or a list; none when it is no JSON, or a single value.
pub(super) fn parse(bytes: &[u8]) -> Option<Node> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace())?;
    if !b"{[".contains(first) || bytes.len() > LONGEST {
        return None;
    }
    serde_json::from_slice(bytes).ok()
}

/// Returns what differs between two values, in the order of the first one.
pub(super) fn differences(before: &Node, after: &Node, most: usize) -> Vec<What> {
    let mut comparer = Comparer { found: Vec::new(), most };
    comparer.compare("$", before, after);
    comparer.found
}

struct Comparer {
    found: Vec<What>,
    most: usize,
}

impl Comparer {
    fn add(&mut self, what: What) {
        if self.found.len() < self.most {
            self.found.push(what);
        }
    }

    fn compare(&mut self, path: &str, before: &Node, after: &Node) {
        match (before, after) {
            _ if before == after || self.found.len() >= self.most => {}
            (Node::Object(first), Node::Object(second)) => self.objects(path, first, second),
            (Node::List(first), Node::List(second)) => self.lists(path, first, second),
            _ => self.add(What::Field {
                name: format!("JSON {path}"),
                before: before.to_string(),
                after: after.to_string(),
            }),
        }
    }

    fn objects(&mut self, path: &str, before: &[(String, Node)], after: &[(String, Node)]) {
        let keys =
            |members: &[(String, Node)]| members.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
        self.order(&format!("keys of `{path}`"), &keys(before), &keys(after));
        let (first, second) = (by_key(before), by_key(after));
        for (key, value) in before {
            let path = member(path, key);
            match second.get(key.as_str()) {
                Some(other) => self.compare(&path, value, other),
                None => self.add(What::Member { name: format!("JSON {path}"), in_first: true }),
            }
        }
        for (key, _) in after.iter().filter(|(key, _)| !first.contains_key(key.as_str())) {
            self.add(What::Member { name: format!("JSON {}", member(path, key)), in_first: false });
        }
    }

    fn lists(&mut self, path: &str, before: &[Node], after: &[Node]) {
        let items = |list: &[Node]| list.iter().map(Node::to_string).collect::<Vec<_>>();
        if self.order(&format!("items of `{path}`"), &items(before), &items(after)) {
            return;
        }
        for (number, (first, second)) in before.iter().zip(after).enumerate() {
            self.compare(&format!("{path}[{number}]"), first, second);
        }
        let common = before.len().min(after.len());
        for number in common..before.len().max(after.len()) {
            let name = format!("JSON {path}[{number}]");
            self.add(What::Member { name, in_first: before.len() > after.len() });
        }
    }

    /// Notes that two lists have the same items at other places; whether they do.
    fn order(&mut self, of: &str, before: &[String], after: &[String]) -> bool {
        let found = super::other_order(before, after);
        if let Some((before, after)) = found.clone() {
            self.add(What::Order { of: of.to_owned(), before, after });
        }
        found.is_some()
    }
}

/// Of a key that is there twice, the last value counts.
fn by_key(members: &[(String, Node)]) -> BTreeMap<&str, &Node> {
    members.iter().map(|(key, value)| (key.as_str(), value)).collect()
}

fn member(path: &str, key: &str) -> String {
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
    if is_plain { format!("{path}.{key}") } else { format!("{path}[{key:?}]") }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) if text.chars().count() > SHOWN => {
                write!(f, "{}…", text.chars().take(SHOWN).collect::<String>())
            }
            Self::Plain(text) => f.write_str(text),
            Self::List(items) => write!(f, "[{} items]", items.len()),
            Self::Object(members) => write!(f, "{{{} keys}}", members.len()),
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

/// Takes values as the text that they stand for.
macro_rules! plain {
    ($($method:ident: $type:ty),*) => {
        $(fn $method<E>(self, value: $type) -> Result<Node, E> {
            Ok(Node::Plain(value.to_string()))
        })*
    };
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    plain!(visit_bool: bool, visit_i64: i64, visit_u64: u64, visit_f64: f64);

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Plain("null".to_owned()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Plain(format!("{value:?}")))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        Ok(Node::Object(object))
    }
}
