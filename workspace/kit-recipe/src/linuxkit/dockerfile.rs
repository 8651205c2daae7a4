//! A Dockerfile as stages of instructions: as much of its language as says what an import can translate. Nothing of it is run.

use std::collections::BTreeMap;

/// What begins with `FROM`.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage {
    /// The line of `FROM`, from 0.
    pub(super) line: usize,
    /// The image, as it is written.
    pub(super) from: String,
    pub(super) name: Option<String>,
    /// `FROM` itself, as it stands in the file, with what stands before the first one.
    pub(super) lines: Vec<String>,
    pub(super) instructions: Vec<Instruction>,
}

/// A keyword and what follows it.
#[derive(Debug, Clone)]
pub(super) struct Instruction {
    /// The line of the file, from 0.
    pub(super) line: usize,
    /// In capitals.
    pub(super) keyword: String,
    /// `--from=x` and the like.
    pub(super) flags: Vec<(String, String)>,
    /// What follows, on one line.
    pub(super) arguments: String,
    /// As it stands in the file, with the comments above it.
    pub(super) lines: Vec<String>,
}

/// Values of `ARG` and `ENV` by their names.
pub(super) type Variables = BTreeMap<String, String>;

impl Stage {
    /// Whether nothing is done to the image that it begins with.
    pub(super) fn is_plain(&self) -> bool {
        self.instructions.iter().all(|instruction| instruction.keyword == "ARG")
    }
}

/// Reads a Dockerfile; what stands before the first `FROM` is in `variables` where it is an `ARG` with a value.
pub(super) fn parse(text: &str, variables: &mut Variables) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    let mut before = Vec::new();
    for instruction in instructions(text) {
        if instruction.keyword == "FROM" {
            let mut words = instruction.arguments.split_whitespace();
            let from = words.next().unwrap_or_default().to_owned();
            let has_name = words.next().is_some_and(|word| word.eq_ignore_ascii_case("as"));
            let name = words.next().filter(|_| has_name).map(ToOwned::to_owned);
            let lines = before.drain(..).chain(instruction.lines).collect();
            stages.push(Stage { line: instruction.line, from, name, lines, instructions: Vec::new() });
        } else if let Some(stage) = stages.last_mut() {
            stage.instructions.push(instruction);
        } else {
            if let Some((name, value)) = argument(&instruction) {
                variables.entry(name).or_insert(value);
            }
            before.extend(instruction.lines);
        }
    }
    stages
}

/// Returns the name and the value of an `ARG` that has one.
pub(super) fn argument(instruction: &Instruction) -> Option<(String, String)> {
    let (name, value) = instruction.arguments.split_once('=').filter(|_| instruction.keyword == "ARG")?;
    Some((name.trim().to_owned(), unquoted(value)))
}

/// Puts values in place of `$NAME` and `${NAME}`; none where one isn't known.
pub(super) fn expand(text: &str, variables: &Variables) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('$') {
        out.push_str(plain);
        let (name, more) = if let Some(inside) = after.strip_prefix('{') {
            inside.split_once('}')?
        } else {
            let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
            after.split_at(end)
        };
        out.push_str(variables.get(name)?);
        rest = more;
    }
    out.push_str(rest);
    Some(out)
}

/// Splits `NAME=value NAME="a value"`, or `NAME value`, as `ENV` has them.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let words = words(text);
    if let [name, ..] = &words[..]
        && !name.contains('=')
    {
        let value = text.trim().strip_prefix(name.as_str()).unwrap_or_default();
        return vec![(name.clone(), unquoted(value))];
    }
    let pair = |word: &String| word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    words.iter().filter_map(pair).collect()
}

/// Splits words as a shell does, without quotes and backslashes before others.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Reads `["a", "b"]`, the form in which no shell takes part.
pub(super) fn exec_form(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let inside = rest.strip_prefix('"')?;
        let mut item = String::new();
        let mut characters = inside.char_indices();
        let end = loop {
            match characters.next()? {
                (at, '"') => break at,
                (_, '\\') => item.push(match characters.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    c => c,
                }),
                (_, c) => item.push(c),
            }
        };
        items.push(item);
        let after = inside[end + 1..].trim_start();
        rest = match after.strip_prefix(',') {
            Some(more) => more.trim_start(),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(items)
}

fn unquoted(text: &str) -> String {
    words(text.trim()).join(" ")
}

fn instructions(text: &str) -> Vec<Instruction> {
    let mut found = Vec::new();
    let (mut open, mut comments) = (None::<Instruction>, Vec::new());
    let mut lines = text.lines().map(|line| line.trim_end_matches('\r')).enumerate();
    while let Some((number, line)) = lines.next() {
        let content = line.trim();
        if content.starts_with('#') || content.is_empty() {
            // Comments and empty lines may stand inside of an instruction.
            let into = open.as_mut().map_or(&mut comments, |instruction| &mut instruction.lines);
            into.extend((!content.is_empty()).then(|| content.to_owned()));
            continue;
        }
        let (content, continues) = match content.strip_suffix('\\') {
            Some(content) => (content.trim_end(), true),
            None => (content, false),
        };
        let mut instruction = open.take().map_or_else(
            || begin(number, content, std::mem::take(&mut comments)),
            |mut instruction| {
                instruction.arguments.push(' ');
                instruction.arguments.push_str(content);
                instruction
            },
        );
        instruction.lines.push(line.trim_end().to_owned());
        if continues {
            open = Some(instruction);
            continue;
        }
        for end in here_documents(&instruction) {
            for (_, line) in lines.by_ref() {
                instruction.lines.push(line.to_owned());
                if line.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
        found.push(instruction);
    }
    found.extend(open);
    found
}

fn begin(line: usize, content: &str, lines: Vec<String>) -> Instruction {
    let (keyword, mut rest) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
    let mut flags = Vec::new();
    while let Some(flag) = rest.trim_start().strip_prefix("--") {
        let (flag, more) = flag.split_once(char::is_whitespace).unwrap_or((flag, ""));
        let (name, value) = flag.split_once('=').unwrap_or((flag, ""));
        flags.push((name.to_owned(), value.to_owned()));
        rest = more;
    }
    let (keyword, arguments) = (keyword.to_uppercase(), rest.trim().to_owned());
    Instruction { line, keyword, flags, arguments, lines }
}

/// Returns the words that end what stands below an instruction, as in `RUN <<END`.
fn here_documents(instruction: &Instruction) -> Vec<String> {
    if !matches!(instruction.keyword.as_str(), "RUN" | "COPY" | "ADD") {
        return Vec::new();
    }
    let word = |word: &str| {
        let word = word.strip_prefix("<<")?.trim_start_matches('-').trim_matches(['"', '\'']);
        (!word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
            .then(|| word.to_owned())
    };
    instruction.arguments.split_whitespace().filter_map(word).collect()
}
