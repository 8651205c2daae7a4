//! What `kit-ctl` asks for.

use super::{Services, State, Unit, Wanted};
use crate::container::exec::{self, Task};
use crate::control::Asked;
use crate::json::quoted;
use crate::power::Ending;
use crate::supervisor::Supervisor;

impl Services {
    /// Does what somebody asks for, and answers.
    pub(super) fn answer(&mut self, supervisor: &mut Supervisor, asked: Asked) {
        let Asked { client, words, streams } = asked;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = match words[..] {
            ["list"] => {
                for unit in &self.units {
                    supervisor.control.answer(client, describe(unit, supervisor));
                }
                Ok(())
            }
            ["start", name] => self.start_asked(name),
            ["stop", name] => self.stop_asked(supervisor, name, Wanted::Stopped),
            ["restart", name] => self.stop_asked(supervisor, name, Wanted::Restarted),
            ["logs", ref more @ ..] => {
                let follows = more.first() == Some(&"follow");
                let name = more.get(1).map(|name| (*name).to_owned());
                let end = (!follows).then(|| supervisor.console.ring.next());
                return supervisor.control.give_lines(client, name, end);
            }
            ["exec", name, ref command @ ..] if !command.is_empty() && streams.len() == 3 => {
                let command: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
                match self.execute(supervisor, name, &Task::Program(&command, &streams)) {
                    Ok(pid) => return self.programs.push((pid, client)),
                    Err(problem) => Err(problem),
                }
            }
            ["poweroff" | "reboot" | "halt"] => {
                let ending = match words[0] {
                    "poweroff" => Ending::PowerOff,
                    "reboot" => Ending::Reboot,
                    _ => Ending::Halt,
                };
                supervisor.ask(ending, "somebody asked for it");
                Ok(())
            }
            _ => Err("there is no such request".to_owned()),
        };
        let answer = done.map_or_else(|problem| format!("error {problem}"), |()| "ok".to_owned());
        supervisor.control.finish(client, answer);
    }

    fn named(&mut self, name: &str) -> Result<&mut Unit, String> {
        self.find(name).ok_or_else(|| format!("there is no service {name}"))
    }

    fn start_asked(&mut self, name: &str) -> Result<(), String> {
        let unit = self.named(name)?;
        match unit.state {
            State::Starting | State::Ready => Err(format!("{name} runs already")),
            _ => {
                unit.failures = 0;
                unit.state = State::Waiting;
                Ok(())
            }
        }
    }

    fn stop_asked(&mut self, supervisor: &mut Supervisor, name: &str, wanted: Wanted) -> Result<(), String> {
        let unit = self.named(name)?;
        match unit.state {
            State::Starting | State::Ready => {
                unit.wanted = Some(wanted);
                supervisor.stop(&unit.bundle);
            }
            _ => {
                unit.failures = 0;
                unit.state = match wanted {
                    Wanted::Stopped => State::Stopped,
                    Wanted::Restarted => State::Waiting,
                };
            }
        }
        Ok(())
    }

    fn execute(&mut self, supervisor: &Supervisor, name: &str, task: &Task<'_>) -> Result<i32, String> {
        self.named(name)?;
        let running = supervisor.find(name).ok_or_else(|| format!("{name} does not run"))?;
        exec::start(running.pid(), running.config(), running.group(), task)
            .map_err(|failure| failure.to_string())
    }
}

/// A service as an object.
fn describe(unit: &Unit, supervisor: &Supervisor) -> String {
    let state = match unit.state {
        State::Waiting => "waiting",
        State::Starting => "starting",
        State::Ready if unit.watch.failures > 0 => "unwell",
        State::Ready => "ready",
        State::Delayed(..) => "delayed",
        State::Done => "done",
        State::Stopped => "stopped",
        State::Failed => "failed",
    };
    let running = supervisor.find(&unit.bundle.name);
    let pid = running.map_or("null".to_owned(), |running| running.pid().to_string());
    let age = running.map_or("null".to_owned(), |running| running.age().as_secs().to_string());
    format!(
        "{{\"name\":{},\"state\":\"{state}\",\"pid\":{pid},\"seconds\":{age},\"starts\":{}}}",
        quoted(&unit.bundle.name),
        unit.starts
    )
}
