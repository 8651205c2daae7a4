//! A value in a document together with the way to it, so that problems can name the place.

use std::collections::BTreeMap;
use std::fmt;

use super::Json;

/// A place in a document, with or without a value. `null` counts as no value.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    json: Option<&'a Json>,
    place: String,
}

/// A value that is missing or of the wrong kind: "process.args: expected a string".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    place: String,
    what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "the document" } else { &self.place };
        write!(f, "{place}: {}", self.what)
    }
}

impl<'a> Node<'a> {
    /// The whole document.
    pub(crate) fn root(json: &'a Json) -> Self {
        Self { json: Some(json), place: String::new() }
    }

    /// A problem with the value here.
    pub(crate) fn problem(&self, what: impl Into<String>) -> Problem {
        Problem { place: self.place.clone(), what: what.into() }
    }

    fn wrong<T>(&self, expected: &str) -> Result<T, Problem> {
        Err(self.problem(format!("expected {expected}")))
    }

    fn value(&self) -> Option<&'a Json> {
        self.json.filter(|json| **json != Json::Null)
    }

    /// Whether there is a value.
    pub(crate) fn is_present(&self) -> bool {
        self.value().is_some()
    }

    /// The member `key`. Anything but an object has no members.
    pub(crate) fn get(&self, key: &str) -> Node<'a> {
        let dot = if self.place.is_empty() { "" } else { "." };
        let json = match self.value() {
            Some(Json::Object(members)) => members.get(key),
            _ => None,
        };
        Node { json, place: format!("{}{dot}{key}", self.place) }
    }

    /// The items of a list; none if there is no value.
    pub(crate) fn items(&self) -> Result<Vec<Node<'a>>, Problem> {
        match self.value() {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => Ok(items
                .iter()
                .enumerate()
                .map(|(index, json)| Node { json: Some(json), place: format!("{}[{index}]", self.place) })
                .collect()),
            Some(_) => self.wrong("a list"),
        }
    }

    /// The members of an object; none if there is no value.
    pub(crate) fn members(&self) -> Result<Vec<(&'a str, Node<'a>)>, Problem> {
        match self.value() {
            None => Ok(Vec::new()),
            Some(Json::Object(members)) => {
                Ok(members.keys().map(|key| (key.as_str(), self.get(key))).collect())
            }
            Some(_) => self.wrong("an object"),
        }
    }

    /// The string here, if there is a value.
    pub(crate) fn text(&self) -> Result<Option<&'a str>, Problem> {
        match self.value() {
            None => Ok(None),
            Some(Json::Text(text)) => Ok(Some(text)),
            Some(_) => self.wrong("a string"),
        }
    }

    /// The string that must be here.
    pub(crate) fn required_text(&self) -> Result<&'a str, Problem> {
        self.text()?.map_or_else(|| self.wrong("a string"), Ok)
    }

    /// The list of strings here; empty if there is no value.
    pub(crate) fn texts(&self) -> Result<Vec<String>, Problem> {
        self.items()?.iter().map(|item| item.required_text().map(str::to_owned)).collect()
    }

    /// The object of strings here; empty if there is no value.
    pub(crate) fn text_map(&self) -> Result<BTreeMap<String, String>, Problem> {
        self.members()?
            .into_iter()
            .map(|(key, node)| Ok((key.to_owned(), node.required_text()?.into())))
            .collect()
    }

    /// The boolean here; false if there is no value.
    pub(crate) fn flag(&self) -> Result<bool, Problem> {
        match self.value() {
            None => Ok(false),
            Some(Json::Bool(flag)) => Ok(*flag),
            Some(_) => self.wrong("true or false"),
        }
    }

    /// The integer here, if there is a value; it must fit into `T`.
    pub(crate) fn integer<T: TryFrom<i128>>(&self) -> Result<Option<T>, Problem> {
        match self.value() {
            None => Ok(None),
            Some(Json::Integer(integer)) => match T::try_from(*integer) {
                Ok(integer) => Ok(Some(integer)),
                Err(_) => Err(self.problem(format!("{integer} is out of range"))),
            },
            Some(_) => self.wrong("an integer"),
        }
    }

    /// The integer that must be here.
    pub(crate) fn required_integer<T: TryFrom<i128>>(&self) -> Result<T, Problem> {
        self.integer()?.map_or_else(|| self.wrong("an integer"), Ok)
    }
}
