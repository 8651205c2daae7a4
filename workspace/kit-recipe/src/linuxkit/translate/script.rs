//! From a Dockerfile to the script of a package, as far as it only copies; everything else is a comment and a thing to do.

use std::fmt::Write as _;

use crate::linuxkit::dockerfile::{self, Instruction, Stage, Variables};
use crate::linuxkit::names::Names;
use crate::linuxkit::note::Fate;

/// The source that has the directory's own files.
pub(super) const MAIN: &str = "main";
/// Copies as Dockerfiles do: of a directory what is in it.
const COPY: &str = include_str!("copy.sh");

/// What a Dockerfile becomes.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// Images by the names of their sources.
    pub(super) images: Vec<(String, String)>,
    /// Lines of the script.
    lines: Vec<String>,
    copies: bool,
    to_do: bool,
    /// The image that is there before anything is copied.
    base: Option<String>,
    /// Whether files of the directory itself are named.
    pub(super) uses_main: bool,
    pub(super) run: HowRun,
    /// By lines of the Dockerfile, from 0.
    pub(super) notes: Vec<(usize, Fate, String)>,
}

/// How the image is run.
#[derive(Debug, Default)]
pub(super) struct HowRun {
    entrypoint: Vec<String>,
    arguments: Vec<String>,
    /// `NAME=value`.
    pub(super) env: Vec<String>,
    pub(super) directory: Option<String>,
    pub(super) stop_signal: Option<String>,
}

impl HowRun {
    pub(super) fn command(&self) -> Vec<String> {
        [&self.entrypoint[..], &self.arguments[..]].concat()
    }
}

impl Script {
    /// Whether nothing is done but to take the files of one image.
    pub(super) fn is_nothing(&self) -> bool {
        !self.copies && !self.to_do
    }

    /// Makes it end in an error.
    pub(super) fn leave_unfinished(&mut self) {
        self.to_do = true;
    }

    /// Returns the text; none where the files of one image are all that there is.
    pub(super) fn text(&self, package: &str) -> Option<String> {
        if self.is_nothing() {
            return None;
        }
        let mut text = String::new();
        if self.copies {
            text.push_str(COPY);
            text.push('\n');
        }
        if let Some(base) = &self.base {
            let _ = writeln!(text, "cp -R /src/{base}/. \"$OUT\"");
        }
        let body = self.lines.join("\n");
        text.push_str(body.trim_start_matches('\n'));
        if !body.is_empty() {
            text.push('\n');
        }
        if self.to_do {
            let said = format!("{package}: replace what is behind # in the recipe, then these two lines");
            let _ = writeln!(text, "\necho \"{said}\" >&2\nexit 1");
        }
        Some(text)
    }
}

/// Translates a Dockerfile. `extra` are places in its context with the names of the sources that are there.
pub(super) fn of_dockerfile(
    text: &str,
    mut variables: Variables,
    extra: &[(String, String)],
    names: Names,
) -> Script {
    let stages = dockerfile::parse(text, &mut variables);
    let mut writer = Writer {
        stages: &stages,
        variables,
        extra,
        names,
        script: Script::default(),
        directory: "/".to_owned(),
    };
    for (place, stage) in stages.iter().enumerate() {
        let is_last = place + 1 == stages.len();
        if is_last {
            writer.last(place, stage);
        } else if !stage.is_plain() {
            writer.head(stage);
            stage.instructions.iter().for_each(|instruction| writer.left(instruction));
        }
    }
    writer.script
}

struct Writer<'a> {
    stages: &'a [Stage],
    variables: Variables,
    extra: &'a [(String, String)],
    names: Names,
    script: Script,
    /// Where relative paths are.
    directory: String,
}

impl Writer<'_> {
    fn note(&mut self, instruction: &Instruction, fate: Fate, text: String) {
        self.script.notes.push((instruction.line, fate, text));
    }

    fn comment(&mut self, lines: &[String]) {
        let comment = |line: &String| if line.starts_with('#') { line.clone() } else { format!("# {line}") };
        self.script.lines.extend(lines.iter().map(comment));
    }

    fn head(&mut self, stage: &Stage) {
        self.script.lines.push(String::new());
        self.comment(&stage.lines);
    }

    /// Leaves an instruction to whoever imports.
    fn left(&mut self, instruction: &Instruction) {
        self.comment(&instruction.lines);
        if instruction.keyword == "ARG" {
            return;
        }
        self.script.to_do = true;
        let text = format!("`{}`: {}", shortened(instruction), advice(instruction));
        self.note(instruction, Fate::ToDo, text);
    }

    /// Writes the stage of which the image is made.
    fn last(&mut self, place: usize, stage: &Stage) {
        self.base(place, stage);
        for instruction in &stage.instructions {
            if self.translated(instruction).is_none() {
                self.left(instruction);
            }
        }
    }

    fn base(&mut self, place: usize, stage: &Stage) {
        self.head(stage);
        let Some(from) = dockerfile::expand(&stage.from, &self.variables) else {
            let text = format!(
                "nothing says which image `{}` is: name it in `[sources.base]` by `image`",
                stage.from
            );
            return self.unfinished(stage, text);
        };
        if from == "scratch" {
            return;
        }
        if let Some(earlier) = self.stage(&from).filter(|earlier| *earlier < place) {
            return match self.image_of(earlier) {
                Some(source) => self.script.base = Some(source),
                None => self.unfinished(stage, format!("begin with what stage `{from}` makes")),
            };
        }
        self.script.base = Some(self.source("base", &from));
    }

    fn unfinished(&mut self, stage: &Stage, text: String) {
        self.script.to_do = true;
        self.script.notes.push((stage.line, Fate::ToDo, text));
    }

    /// Translates an instruction; none where somebody has to.
    fn translated(&mut self, instruction: &Instruction) -> Option<()> {
        match instruction.keyword.as_str() {
            "ARG" => {
                let (name, value) = dockerfile::argument(instruction).unwrap_or_default();
                let value = dockerfile::expand(&value, &self.variables).unwrap_or(value);
                if !name.is_empty() {
                    self.variables.entry(name).or_insert(value);
                }
            }
            "ENV" => {
                for (name, value) in dockerfile::pairs(&instruction.arguments) {
                    let value = dockerfile::expand(&value, &self.variables)?;
                    self.script.run.env.push(format!("{name}={value}"));
                    self.variables.insert(name, value);
                }
            }
            "ENTRYPOINT" => {
                self.script.run.entrypoint = command(&instruction.arguments);
                self.script.run.arguments.clear();
            }
            "CMD" => self.script.run.arguments = command(&instruction.arguments),
            "WORKDIR" => {
                let path =
                    dockerfile::expand(instruction.arguments.trim_matches(['"', '\'']), &self.variables)?;
                self.directory = self.absolute(&path);
                self.script.run.directory = Some(self.directory.clone());
            }
            "STOPSIGNAL" if instruction.arguments.starts_with("SIG") => {
                self.script.run.stop_signal = Some(instruction.arguments.clone());
            }
            "COPY" | "ADD" => {
                let lines = self.copied(instruction)?;
                let above: Vec<_> =
                    instruction.lines.iter().filter(|line| line.starts_with('#')).cloned().collect();
                self.comment(&above);
                self.script.lines.extend(lines);
                self.script.copies = true;
            }
            "EXPOSE" | "HEALTHCHECK" | "MAINTAINER" | "USER" | "VOLUME" => {
                let text = format!("`{}` counts for nothing in LinuxKit either", shortened(instruction));
                self.note(instruction, Fate::Dropped, text);
            }
            "LABEL" if !instruction.arguments.contains("org.mobyproject.config") => {
                let text = format!("`{}` says nothing about how it runs", shortened(instruction));
                self.note(instruction, Fate::Dropped, text);
            }
            _ => return None,
        }
        Some(())
    }

    /// Returns the lines that do what a `COPY` does.
    fn copied(&mut self, instruction: &Instruction) -> Option<Vec<String>> {
        let words = dockerfile::exec_form(&instruction.arguments)
            .unwrap_or_else(|| dockerfile::words(&instruction.arguments));
        let words: Vec<_> =
            words.iter().map(|word| dockerfile::expand(word, &self.variables)).collect::<Option<_>>()?;
        let (to, from) = words.split_last().filter(|(_, from)| !from.is_empty())?;
        let is_archive = |word: &String| {
            [".tar", ".tgz", ".gz", ".xz", ".bz2", ".zst"].iter().any(|end| word.ends_with(end))
        };
        let unknown = |word: &String| {
            word.contains("://") || word.starts_with("<<") || instruction.keyword == "ADD" && is_archive(word)
        };
        if from.iter().any(unknown) {
            return None;
        }
        let (mut root, mut mode) = (None, None);
        for (flag, value) in &instruction.flags {
            match flag.as_str() {
                "from" => root = Some(self.from(&dockerfile::expand(value, &self.variables)?)?),
                "chmod"
                    if from.len() == 1 && !to.ends_with('/') && value.bytes().all(|b| b.is_ascii_digit()) =>
                {
                    mode = Some(value.clone());
                }
                "chown" if ["0", "0:0", "root", "root:root"].contains(&value.as_str()) => {}
                "link" => {}
                _ => return None,
            }
        }
        let mut target = self.absolute(to);
        if (to.ends_with(['/', '.']) || from.len() > 1) && !target.ends_with('/') {
            target.push('/');
        }
        let mut lines = Vec::new();
        let mut sources: Vec<String> = Vec::new();
        for path in from {
            if let Some(root) = &root {
                sources.push(word(&below(root, path)));
                continue;
            }
            let (source, inside) = self.in_context(path);
            sources.push(word(&source));
            for (place, source) in inside {
                let target = target_word(&format!("{}/{place}/", target.trim_end_matches('/')));
                lines.push(format!("copy {target} {}", word(&source)));
            }
        }
        lines.insert(0, format!("copy {} {}", target_word(&target), sources.join(" ")));
        lines.extend(mode.map(|mode| format!("chmod -R {mode} {}", target_word(&target))));
        Some(lines)
    }

    /// Returns where a path of the context is, and what else is below it: extra sources by their places.
    fn in_context(&mut self, path: &str) -> (String, Vec<(String, String)>) {
        let path = path.trim_start_matches("./").trim_matches('/');
        let path = if path == "." { "" } else { path };
        for (place, source) in self.extra {
            if let Some(rest) =
                path.strip_prefix(place.as_str()).filter(|rest| rest.is_empty() || rest.starts_with('/'))
            {
                return (below(&format!("/src/{source}"), rest), Vec::new());
            }
        }
        self.script.uses_main = true;
        let inside = self.extra.iter().filter_map(|(place, source)| {
            let rest = if path.is_empty() {
                Some(place.as_str())
            } else {
                place.strip_prefix(path)?.strip_prefix('/')
            };
            Some((rest?.to_owned(), format!("/src/{source}")))
        });
        (below(&format!("/src/{MAIN}"), path), inside.collect())
    }

    /// Returns where the files of a stage or an image are; none where a stage is still to be made.
    fn from(&mut self, name: &str) -> Option<String> {
        let source = match self.stage(name) {
            Some(place) => self.image_of(place)?,
            None => self.source("image", name),
        };
        Some(format!("/src/{source}"))
    }

    fn stage(&self, name: &str) -> Option<usize> {
        let named = self
            .stages
            .iter()
            .position(|stage| stage.name.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(name)));
        named.or_else(|| name.parse().ok().filter(|place| *place < self.stages.len()))
    }

    /// Returns the source of a stage that is an image and nothing else.
    fn image_of(&mut self, place: usize) -> Option<String> {
        let stage = self.stages.get(place).filter(|stage| stage.is_plain())?;
        let from = dockerfile::expand(&stage.from, &self.variables)?;
        if from == "scratch" || self.stage(&from).is_some() {
            return None;
        }
        let name = stage.name.clone().unwrap_or_else(|| "image".to_owned());
        Some(self.source(&name, &from))
    }

    /// Returns the name of the source that an image is, the same for the same image.
    fn source(&mut self, name: &str, image: &str) -> String {
        if let Some((known, _)) = self.script.images.iter().find(|(_, known)| known == image) {
            return known.clone();
        }
        let name = self.names.unique(name, "image").to_string();
        self.script.images.push((name.clone(), image.to_owned()));
        name
    }

    fn absolute(&self, path: &str) -> String {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", self.directory) };
        let end = if path.ends_with('/') { "/" } else { "" };
        let names: Vec<_> = path.split('/').filter(|name| !name.is_empty() && *name != ".").collect();
        let plain = format!("/{}", names.join("/"));
        if plain == "/" { plain } else { format!("{plain}{end}") }
    }
}

fn below(root: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    if path.is_empty() || path == "." { root.to_owned() } else { format!("{root}/{path}") }
}

/// Returns a path in the script's words, in which wildcards hold.
fn word(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+*?@%,:=[]".contains(&b);
    if path.bytes().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

fn target_word(path: &str) -> String {
    let tame = |c: char| if "\\\"$`".contains(c) { vec!['\\', c] } else { vec![c] };
    format!("\"$OUT{}\"", path.chars().flat_map(tame).collect::<String>())
}

fn command(arguments: &str) -> Vec<String> {
    dockerfile::exec_form(arguments)
        .unwrap_or_else(|| vec!["/bin/sh".to_owned(), "-c".to_owned(), arguments.to_owned()])
}

fn shortened(instruction: &Instruction) -> String {
    let text = format!("{} {}", instruction.keyword, instruction.arguments);
    let text: String = text.replace('`', "'");
    if text.chars().count() > 50 {
        format!("{}…", text.chars().take(50).collect::<String>().trim_end())
    } else {
        text
    }
}

/// Says what takes the place of an instruction that isn't translated.
fn advice(instruction: &Instruction) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| instruction.arguments.contains(word));
    match instruction.keyword.as_str() {
        "RUN" if has(&["apk ", "apt-get ", "apt "]) => {
            "what it installs comes from packages: name Debian's in `[sources.NAME]`, or as `tools` what only the script needs"
        }
        "RUN" if has(&["curl ", "wget ", "git clone", "go get", "go mod download", "pip ", "npm "]) => {
            "nothing is fetched while kit builds: name it in `[sources.NAME]` by `url` or `git`"
        }
        "RUN" => "do the same in the script, on `/src` and `$OUT`, with the `tools` that it needs",
        "COPY" if instruction.flags.iter().any(|(flag, _)| flag == "from") => {
            "copy what the script makes in place of that stage"
        }
        "COPY" | "ADD" => "add it by `[[file]]`, by `[sources.NAME]`, or in the script",
        "LABEL" => "write what the label says into `[container]`",
        "STOPSIGNAL" => "write the signal's name as `stop-signal` in `[container]`",
        _ => "kit has nothing like it",
    }
}
