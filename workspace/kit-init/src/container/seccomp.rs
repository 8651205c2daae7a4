//! Compiles a seccomp profile into classic BPF, the language of the kernel's filters.
//!
//! The system call numbers are cut into ranges with the same outcome, and a binary search finds the range of a
//! call, so that a profile with 400 names costs a call about 20 instructions. Every leaf of the search ends with a
//! return. The filter knows the machine's own system call numbers only: a call by another convention (32-bit on
//! x86-64) kills the process, since its numbers mean something else.

mod conditions;
mod syscalls;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::config::{Action, Condition, Profile};
use crate::sys::cred::Instruction;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// Operations of classic BPF.
const LOAD: u16 = 0x20;
const JUMP: u16 = 0x05;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_GREATER: u16 = 0x25;
const JUMP_GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;
const AND: u16 = 0x54;

/// `AUDIT_ARCH_*` of the machine that this program is built for.
const NATIVE: u32 = if cfg!(target_arch = "x86_64") {
    0xc000_003e
} else if cfg!(target_arch = "aarch64") {
    0xc000_00b7
} else if cfg!(target_arch = "riscv64") {
    0xc000_00f3
} else if cfg!(target_arch = "s390x") {
    0x8000_0016
} else if cfg!(all(target_arch = "powerpc64", target_endian = "little")) {
    0xc000_0015
} else if cfg!(target_arch = "loongarch64") {
    0xc000_0102
} else {
    0
};

/// Numbers from here up are the x32 calls on x86-64: the same calls under other numbers.
const X32: u32 = 0x4000_0000;

fn instruction(code: u16, operand: u32) -> Instruction {
    Instruction { code, jump_true: 0, jump_false: 0, operand }
}

/// What the kernel understands as the outcome of a filter.
fn return_value(action: Action) -> u32 {
    match action {
        Action::Allow => 0x7fff_0000,
        Action::Log => 0x7ffc_0000,
        Action::Trace(number) => 0x7ff0_0000 | u32::from(number),
        Action::Error(number) => 0x0005_0000 | u32::from(number),
        Action::Trap => 0x0003_0000,
        Action::KillThread => 0,
        Action::KillProcess => 0x8000_0000,
    }
}

/// What happens to a call: the action of the first alternative whose conditions hold, else the last action.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Outcome {
    alternatives: Vec<(Vec<Condition>, Action)>,
    otherwise: Action,
}

impl Outcome {
    fn plain(action: Action) -> Self {
        Self { alternatives: Vec::new(), otherwise: action }
    }
}

/// The filter of a profile.
pub(super) fn compile(profile: &Profile) -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD, ARCHITECTURE),
        Instruction { code: JUMP_EQUAL, jump_true: 1, jump_false: 0, operand: NATIVE },
        instruction(RETURN, return_value(Action::KillProcess)),
        instruction(LOAD, NUMBER),
    ];
    program.extend(search(&ranges(profile, &outcomes(profile))));
    program
}

/// The outcome of each call that the profile has rules for.
fn outcomes(profile: &Profile) -> BTreeMap<u32, Outcome> {
    let mut outcomes: BTreeMap<u32, Outcome> = BTreeMap::new();
    // Backwards: an earlier rule goes before later ones, and if it has no conditions replaces them.
    for rule in profile.rules.iter().rev() {
        // Names that this kernel interface doesn't have are for other architectures and versions.
        for number in rule.names.iter().filter_map(|name| syscalls::number(name)) {
            let outcome = outcomes.entry(number).or_insert_with(|| Outcome::plain(profile.default));
            if rule.conditions.is_empty() {
                *outcome = Outcome::plain(rule.action);
            } else {
                let alternatives = conditions::alternatives(&rule.conditions);
                outcome.alternatives.splice(0..0, alternatives.into_iter().map(|all| (all, rule.action)));
            }
        }
    }
    outcomes
}

/// Cuts all numbers into ranges: the first number of each range and its outcome, ascending from 0.
fn ranges(profile: &Profile, outcomes: &BTreeMap<u32, Outcome>) -> Vec<(u32, Outcome)> {
    let unknown = Outcome::plain(Action::Error(38)); // ENOSYS
    let default = Outcome::plain(profile.default);
    let mut starts: BTreeMap<u32, &Outcome> = BTreeMap::from([(0, &default)]);
    for (number, outcome) in outcomes {
        starts.insert(*number, outcome);
        if !outcomes.contains_key(&(number + 1)) {
            starts.insert(number + 1, &default);
        }
    }
    // A program tries calls that are newer than the profile and falls back when told that there is no such call.
    if let (Some((last, _)), Action::Error(_)) = (outcomes.last_key_value(), profile.default) {
        starts.insert(last + 1, &unknown);
    }
    if cfg!(target_arch = "x86_64") {
        starts.insert(X32, &unknown);
    }
    let mut ranges: Vec<(u32, Outcome)> = Vec::new();
    for (start, outcome) in starts {
        if ranges.last().is_none_or(|(_, last)| last != outcome) {
            ranges.push((start, outcome.clone()));
        }
    }
    ranges
}

/// Code that finds the range of the loaded number and returns its outcome.
fn search(ranges: &[(u32, Outcome)]) -> Vec<Instruction> {
    let half = ranges.len() / 2;
    match ranges {
        [] => Vec::new(),
        [(_, outcome)] => leaf(outcome),
        _ => {
            let low = search(&ranges[..half]);
            let high = search(&ranges[half..]);
            let length = u32::try_from(low.len()).unwrap_or(u32::MAX);
            // A conditional jump reaches 255 instructions, an unconditional one everywhere.
            let compare = Instruction {
                code: JUMP_GREATER_OR_EQUAL,
                jump_true: 0,
                jump_false: 1,
                operand: ranges[half].0,
            };
            let mut code = vec![compare, instruction(JUMP, length)];
            code.extend(low);
            code.extend(high);
            code
        }
    }
}

fn leaf(outcome: &Outcome) -> Vec<Instruction> {
    let mut code = Vec::new();
    for (conditions, action) in &outcome.alternatives {
        code.extend(conditions::check(conditions, return_value(*action)));
    }
    code.push(instruction(RETURN, return_value(outcome.otherwise)));
    code
}
