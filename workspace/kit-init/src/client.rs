//! `kit-ctl` and `kit-log`: ask PID 1, and show what it answers.

use std::fmt::Write as _;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};

use crate::console;
use crate::control::{PATH, REQUEST};
use crate::error::{During, Failure};
use crate::json::{self, Node};
use crate::sys::io::{self, Interest};
use crate::sys::{self, socket};

const USAGE: &str = "\
usage: kit-ctl COMMAND

  list [--json]                     all services and where they are
  start NAME, stop NAME             start or stop a service
  restart NAME                      stop it and start it again
  logs [-f] [--json] [NAME]         what was printed lately, of one container or of all; -f goes on
  exec NAME PROGRAM [ARGUMENT...]   run a program in a container
  poweroff, reboot, halt            end the machine

kit-log [-f] [--json] [NAME] is kit-ctl logs.
";

/// How answers are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Show {
    Text,
    Json,
}

/// Runs `kit-ctl` with these arguments; gives the exit code.
pub(crate) fn run(args: &[&str]) -> u8 {
    let is_flag = |arg: &&str| matches!(*arg, "--json" | "-f" | "--follow");
    let takes_flags = matches!(args.first(), Some(&("list" | "logs")));
    let (flags, words): (Vec<&str>, Vec<&str>) = args.iter().partition(|arg| takes_flags && is_flag(arg));
    let show = if flags.contains(&"--json") { Show::Json } else { Show::Text };
    let follow = if flags.iter().any(|flag| *flag != "--json") { "follow" } else { "all" };
    let words = match words[..] {
        ["list" | "poweroff" | "reboot" | "halt"]
        | ["start" | "stop" | "restart", _]
        | ["exec", _, _, ..] => words,
        ["logs"] => vec!["logs", follow],
        ["logs", name] => vec!["logs", follow, name],
        [] | ["help" | "--help" | "-h"] => {
            let _ = std::io::stdout().write_all(USAGE.as_bytes());
            return 0;
        }
        _ => {
            let _ = std::io::stderr().write_all(USAGE.as_bytes());
            return 2;
        }
    };
    match ask(&words, show) {
        Ok(code) => code,
        Err(failure) => {
            let _ = std::io::stderr().write_all(format!("kit-ctl: {failure}\n").as_bytes());
            1
        }
    }
}

fn ask(words: &[&str], show: Show) -> Result<u8, Failure> {
    let socket = sys::c_string(PATH).and_then(|path| socket::connect(&path)).during("connect to", PATH)?;
    let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
    let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
    let streams = if words[0] == "exec" { &streams[..] } else { &[] };
    socket::send(socket.as_fd(), words.join("\0").as_bytes(), streams).during("ask", PATH)?;
    let mut listed = Vec::new();
    loop {
        if words[0] == "logs" {
            wait(&socket)?;
        }
        let packet = receive(&socket)?;
        match packet.split_once(' ').unwrap_or((&packet, "")) {
            ("ok", _) => break,
            ("exit", code) => return Ok(code.parse().unwrap_or(1)),
            ("error", problem) => return Err(Failure::new("do it", "", problem)),
            _ if show == Show::Json => print(&format!("{packet}\n")),
            _ if words[0] == "list" => listed.push(row(&packet)?),
            _ => print(&line(&packet)?),
        }
    }
    if !listed.is_empty() {
        print(&table(&listed));
    }
    Ok(0)
}

/// Waits for a line; that nobody reads them any more ends the program, also when no further line comes.
fn wait(socket: &OwnedFd) -> Result<(), Failure> {
    let stdout = std::io::stdout();
    let wanted = [(socket.as_fd(), Interest::Read), (stdout.as_fd(), Interest::End)];
    loop {
        let ready = io::poll(&wanted, None).during("wait for", PATH)?;
        match ready[..] {
            [_, true] => sys::process::exit_now(0),
            [true, _] => return Ok(()),
            _ => {}
        }
    }
}

fn receive(socket: &OwnedFd) -> Result<String, Failure> {
    let mut buffer = vec![0; REQUEST];
    let (count, _) = socket::receive(socket.as_fd(), &mut buffer).during("read from", PATH)?;
    if count == 0 {
        return Err(Failure::new("read from", PATH, "the other end has closed it"));
    }
    Ok(String::from_utf8_lossy(&buffer[..count]).into_owned())
}

/// Shows text; that nobody reads it any more ends the program.
fn print(text: &str) {
    let mut stdout = std::io::stdout();
    if stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).is_err() {
        sys::process::exit_now(0);
    }
}

fn read<T>(packet: &str, what: impl FnOnce(&Node<'_>) -> Result<T, json::Problem>) -> Result<T, Failure> {
    let odd = |reason: String| Failure::new("read", "an answer", reason);
    let json = json::parse(packet).map_err(|error| odd(error.to_string()))?;
    what(&Node::root(&json)).map_err(|problem| odd(problem.to_string()))
}

/// A line of a container, as the console shows it, with its time in front.
fn line(packet: &str) -> Result<String, Failure> {
    read(packet, |node| {
        let time: u64 = node.get("time").required_integer()?;
        let (name, text) = (node.get("name").required_text()?, node.get("text").required_text()?);
        Ok(format!("{} {name}: {text}\n", console::time(time)))
    })
}

fn row(packet: &str) -> Result<[String; 5], Failure> {
    read(packet, |node| {
        let number = |key| Ok(node.get(key).integer::<u64>()?.map_or("-".to_owned(), |n| n.to_string()));
        let text = |key| node.get(key).required_text().map(str::to_owned);
        Ok([text("name")?, text("state")?, number("pid")?, number("seconds")?, number("starts")?])
    })
}

fn table(rows: &[[String; 5]]) -> String {
    let head = ["NAME", "STATE", "PID", "SECONDS", "STARTS"].map(str::to_owned);
    let rows: Vec<&[String; 5]> = std::iter::once(&head).chain(rows).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_shown_with_their_time() {
        let packet = r#"{"number":1,"time":1700000000123,"name":"web","stream":"stdout","text":"a \"b\""}"#;
        assert_eq!(line(packet).unwrap(), "2023-11-14T22:13:20.123Z web: a \"b\"\n");
        assert!(line("{").is_err());
    }

    #[test]
    fn the_table_is_aligned() {
        let packet = r#"{"name":"a-long-name","state":"ready","pid":7,"seconds":null,"starts":1}"#;
        let table = table(&[row(packet).unwrap()]);
        assert_eq!(table, "NAME         STATE  PID  SECONDS  STARTS\na-long-name  ready  7    -        1\n");
    }
}
