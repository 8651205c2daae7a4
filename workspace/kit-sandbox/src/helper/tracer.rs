//! Gives a job another clock: stops each of its processes where the real time matters, and has it see another one.
//!
//! Most programs read the clock without a system call, in code that the kernel maps into each of them (the vDSO). So that address is taken from
//! what a program is told when it begins, and the C library, or whatever it has in its place, then makes the calls.
//!
//! What the tracer knows of a process from one stop to the next is at most what is left to do at the end of a call. The rest follows from the
//! stop alone, so that it doesn't matter in which order stops arrive or which thread executes a program.

use std::collections::BTreeMap;

use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use super::first::Status;
use crate::clock::{Effect, Form, Purpose, effect};
use crate::syscalls::trace::{self, Registers, Resume};

/// Moments before this one (2000-01-01) are none: they are lengths of time, or of clocks that count from the machine's start.
const FIRST_MOMENT: i64 = 946_684_800;
/// Seconds before its beginning that still are of the job: directories are made for it, and file systems use a coarse clock.
const BEFORE: i64 = 1;

/// A word of the auxiliary vector: its end, one that means nothing, and the one with the address of the vDSO.
const AT_NULL: u64 = 0;
const AT_IGNORE: u64 = 1;
const AT_SYSINFO_EHDR: u64 = 33;
const WORD: u64 = size_of::<u64>() as u64;

/// The tracer of a job.
pub(super) struct Tracer {
    times: Times,
    /// By process id.
    at_end_of_call: BTreeMap<i32, AtEnd>,
}

/// What is to be done when a call ends.
enum AtEnd {
    /// Give an argument its value back.
    Restore { argument: u8, value: u64 },
    /// Change the times of a file.
    Show { address: u64, seconds: &'static [u64] },
}

impl Tracer {
    /// Traces a process that has begun nothing yet, and all that it will start.
    pub(super) fn seize(process: Pid, ahead: u32) -> rustix::io::Result<Self> {
        trace::seize(process)?;
        let (now, _) = trace::clock(libc::CLOCK_REALTIME)?;
        let times = Times { ahead: ahead.into(), began: now - BEFORE };
        Ok(Self { times, at_end_of_call: BTreeMap::new() })
    }

    /// Waits for every process that ends, as PID 1 must, until the command itself does.
    pub(super) fn reap_until(mut self, command: Pid) -> rustix::io::Result<Status> {
        loop {
            let (process, status) = match wait(WaitOptions::from_bits_retain(libc::__WALL.cast_unsigned())) {
                Ok(Some(waited)) => waited,
                Ok(None) | Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno),
            };
            if status.stopped() {
                match self.at_stop(process, status) {
                    // One that was killed meanwhile is waited for in its turn.
                    Ok(()) | Err(Errno::SRCH) => continue,
                    Err(errno) => return Err(errno),
                }
            }
            self.at_end_of_call.remove(&process.as_raw_pid());
            if process == command
                && let Some(status) = Status::of(status)
            {
                return Ok(status);
            }
        }
    }

    /// Does what is to be done, and has the process go on.
    fn at_stop(&mut self, process: Pid, status: WaitStatus) -> rustix::io::Result<()> {
        const END_OF_CALL: i32 = libc::SIGTRAP | 0x80;
        let (event, signal) = (status.as_raw() >> 16, (status.as_raw() >> 8) & 0xff);
        let resume = match (event, signal) {
            (0, END_OF_CALL) => self.at_end(process)?,
            (0, signal) => Resume::Running(signal),
            (libc::PTRACE_EVENT_SECCOMP, _) => self.at_call(process)?,
            (libc::PTRACE_EVENT_EXEC, _) => {
                hide_vdso(process)?;
                Resume::Running(0)
            }
            (libc::PTRACE_EVENT_STOP, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU) => {
                Resume::Stopped
            }
            // A process that has just begun, or gone on, or started another.
            _ => Resume::Running(0),
        };
        trace::resume(process, resume)
    }

    fn at_call(&mut self, process: Pid) -> rustix::io::Result<Resume> {
        let mut registers = Registers::of(process)?;
        match effect(registers.number()) {
            None => {}
            Some(Effect::Tells(form)) => {
                let result = self.times.tell(form, process, &registers);
                registers.answer(result.unwrap_or_else(|errno| -i64::from(errno.raw_os_error())));
                registers.give(process)?;
            }
            Some(Effect::Takes { argument, words, seconds, purpose }) => {
                let value = registers.argument(argument);
                // What can't be read the kernel can't read either, and says so.
                if let Ok(mut memory) = read(process, value, words)
                    && self.times.take_all(&mut memory, seconds, purpose)
                {
                    let place = registers.free_stack();
                    write(process, place, &memory)?;
                    registers.set_argument(argument, place);
                    registers.give(process)?;
                    self.at_end_of_call.insert(process.as_raw_pid(), AtEnd::Restore { argument, value });
                    return Ok(Resume::ToEndOfCall);
                }
            }
            Some(Effect::Shows { argument, seconds }) => {
                let address = registers.argument(argument);
                self.at_end_of_call.insert(process.as_raw_pid(), AtEnd::Show { address, seconds });
                return Ok(Resume::ToEndOfCall);
            }
        }
        Ok(Resume::Running(0))
    }

    fn at_end(&mut self, process: Pid) -> rustix::io::Result<Resume> {
        let mut registers = Registers::of(process)?;
        match self.at_end_of_call.remove(&process.as_raw_pid()) {
            Some(AtEnd::Restore { argument, value }) => {
                registers.set_argument(argument, value);
                registers.give(process)?;
            }
            Some(AtEnd::Show { address, seconds }) if registers.result() == 0 => {
                self.times.show_all(process, address, seconds)?;
            }
            Some(AtEnd::Show { .. }) | None => {}
        }
        Ok(Resume::Running(0))
    }
}

/// What the times of the machine are in the job.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// Seconds that the job's clock is ahead.
    ahead: i64,
    /// The first second of the job, by the machine's clock.
    began: i64,
}

impl Times {
    /// Tells the time by a call's arguments; returns its result.
    fn tell(self, form: Form, process: Pid, registers: &Registers) -> rustix::io::Result<i64> {
        let clock = match form {
            Form::Nanoseconds => i32::try_from(registers.argument(0)).map_err(|_| Errno::INVAL)?,
            Form::Microseconds => libc::CLOCK_REALTIME,
            Form::Seconds => libc::CLOCK_REALTIME_COARSE,
        };
        let (seconds, nanoseconds) = trace::clock(clock)?;
        let seconds = seconds + self.ahead;
        let put = |argument: u8, words: &[i64]| match registers.argument(argument) {
            0 => Ok(()),
            address => {
                let words: Vec<_> = words.iter().map(|word| word.cast_unsigned()).collect();
                write(process, address, &words).map_err(|errno| match errno {
                    Errno::SRCH => errno,
                    _ => Errno::FAULT,
                })
            }
        };
        match form {
            Form::Nanoseconds if registers.argument(1) == 0 => return Err(Errno::FAULT),
            Form::Nanoseconds => put(1, &[seconds, nanoseconds])?,
            Form::Microseconds => {
                put(0, &[seconds, nanoseconds / 1000])?;
                put(1, &[0])?;
            }
            Form::Seconds => {
                put(0, &[seconds])?;
                return Ok(seconds);
            }
        }
        Ok(0)
    }

    /// Changes the seconds among some words to the machine's; false if there is nothing to change.
    fn take_all(self, words: &mut [u64], seconds: &[usize], purpose: Purpose) -> bool {
        let mut changed = false;
        for place in seconds {
            let Some(word) = words.get_mut(*place) else { continue };
            let before = *word;
            *word = self.take(before.cast_signed(), purpose).cast_unsigned();
            changed |= *word != before;
        }
        changed
    }

    fn take(self, seconds: i64, purpose: Purpose) -> i64 {
        let first = match purpose {
            Purpose::Wait => FIRST_MOMENT,
            Purpose::File => self.began + self.ahead,
        };
        if seconds < first { seconds } else { seconds - self.ahead }
    }

    /// Changes seconds in the memory of a process to the job's.
    fn show_all(self, process: Pid, address: u64, seconds: &[u64]) -> rustix::io::Result<()> {
        for place in seconds.iter().map(|offset| address.wrapping_add(*offset)) {
            let time = trace::peek(process, place)?.cast_signed();
            if time >= self.began {
                trace::poke(process, place, self.show(time).cast_unsigned())?;
            }
        }
        Ok(())
    }

    fn show(self, seconds: i64) -> i64 {
        if seconds < self.began { seconds } else { seconds.saturating_add(self.ahead) }
    }
}

/// Takes the address of the vDSO from what a process is told that begins a program: on its stack are the number of arguments, their
/// addresses, a null, those of the environment, a null, and the auxiliary vector of pairs.
fn hide_vdso(process: Pid) -> rustix::io::Result<()> {
    /// More than a stack of the usual size has room for.
    const MOST: u64 = 1 << 20;
    let stack = Registers::of(process)?.stack();
    let word = |place: u64| trace::peek(process, stack.wrapping_add(place.wrapping_mul(WORD)));
    let mut place = word(0)?.min(MOST) + 2;
    while place < MOST && word(place)? != 0 {
        place += 1;
    }
    place += 1;
    while place < MOST {
        match word(place)? {
            AT_NULL => break,
            AT_SYSINFO_EHDR => {
                trace::poke(process, stack.wrapping_add(place.wrapping_mul(WORD)), AT_IGNORE)?;
            }
            _ => {}
        }
        place += 2;
    }
    Ok(())
}

fn read(process: Pid, address: u64, words: usize) -> rustix::io::Result<Vec<u64>> {
    (address..).step_by(size_of::<u64>()).take(words).map(|place| trace::peek(process, place)).collect()
}

fn write(process: Pid, address: u64, words: &[u64]) -> rustix::io::Result<()> {
    let places = (address..).step_by(size_of::<u64>());
    places.zip(words).try_for_each(|(place, word)| trace::poke(process, place, *word))
}

#[cfg(test)]
mod tests {
    use super::Times;
    use crate::clock::Purpose;

    const BEGAN: i64 = 1_700_000_000;
    const AHEAD: i64 = 100_000_000;
    const TIMES: Times = Times { ahead: AHEAD, began: BEGAN };

    #[test]
    fn moments_to_wait_for_are_the_machines() {
        let take = |seconds| TIMES.take(seconds, Purpose::Wait);
        // In the job's past they have to be in the machine's.
        assert_eq!(take(BEGAN + AHEAD - 10), BEGAN - 10);
        assert_eq!(take(BEGAN + AHEAD + 10), BEGAN + 10);
        // Nothing, a length, and the time since the machine's start.
        assert_eq!([0, 10, 80_000_000].map(take), [0, 10, 80_000_000]);
        assert_eq!(take(-1), -1);
        assert_eq!(take(i64::MAX), i64::MAX - AHEAD);
    }

    #[test]
    fn times_of_files_come_back_as_they_were_set() {
        for seconds in [i64::MIN, 0, 946_684_800, BEGAN - 1, BEGAN + AHEAD, BEGAN + AHEAD + 10, i64::MAX] {
            assert_eq!(TIMES.show(TIMES.take(seconds, Purpose::File)), seconds);
        }
        assert_eq!(TIMES.show(BEGAN + 1), BEGAN + AHEAD + 1);
        let mut words = [BEGAN.cast_unsigned(), 5, (BEGAN + AHEAD).cast_unsigned(), 6];
        assert!(TIMES.take_all(&mut words, &[0, 2], Purpose::File));
        assert_eq!(words, [BEGAN.cast_unsigned(), 5, BEGAN.cast_unsigned(), 6]);
        assert!(!TIMES.take_all(&mut words, &[0, 2], Purpose::File));
    }
}
