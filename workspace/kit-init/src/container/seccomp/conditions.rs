//! Comparisons of 64-bit arguments, in the 32-bit steps that classic BPF has.

use super::{AND, ARGUMENTS, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_OR_EQUAL, LOAD, RETURN};
use crate::config::{Condition, Operator};
use crate::sys::cred::Instruction;

/// Where a comparison goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Target {
    /// At the next instruction.
    Next,
    /// After this condition: it holds.
    Holds,
    /// After the whole rule: it does not apply.
    Fails,
}

struct Step {
    code: u16,
    operand: u32,
    yes: Target,
    no: Target,
}

/// The sets of conditions under which a rule applies. All conditions must hold, but several for one argument are
/// alternatives, as in the other runtimes.
pub(super) fn alternatives(conditions: &[Condition]) -> Vec<Vec<Condition>> {
    let repeated = |index| conditions.iter().filter(|condition| condition.index == index).count() > 1;
    if conditions.iter().any(|condition| repeated(condition.index)) {
        conditions.iter().map(|condition| vec![*condition]).collect()
    } else {
        vec![conditions.to_vec()]
    }
}

/// Code that returns `value` if all conditions hold, and else goes on after itself.
pub(super) fn check(conditions: &[Condition], value: u32) -> Vec<Instruction> {
    let conditions: Vec<Vec<Step>> = conditions.iter().map(steps).collect();
    let total: usize = conditions.iter().map(Vec::len).sum();
    let mut code = Vec::new();
    for condition in conditions {
        let end = code.len() + condition.len();
        for step in condition {
            let next = code.len() + 1;
            let skip = |target| match target {
                Target::Next => 0,
                Target::Holds => end - next,
                Target::Fails => total + 1 - next,
            };
            // At most 6 conditions of 6 steps, so that the offsets always fit.
            let jump = |target| u8::try_from(skip(target)).unwrap_or(u8::MAX);
            let (jump_true, jump_false) = (jump(step.yes), jump(step.no));
            code.push(Instruction { code: step.code, jump_true, jump_false, operand: step.operand });
        }
    }
    code.push(super::instruction(RETURN, value));
    code
}

fn halves(value: u64) -> (u32, u32) {
    let bytes = value.to_be_bytes();
    let half = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (half(0), half(4))
}

fn steps(condition: &Condition) -> Vec<Step> {
    use Target::{Fails, Holds, Next};
    let (high_offset, low_offset) = if cfg!(target_endian = "little") { (4, 0) } else { (0, 4) };
    let argument = ARGUMENTS + 8 * condition.index;
    let plain = |code, operand| Step { code, operand, yes: Next, no: Next };
    let load_high = plain(LOAD, argument + high_offset);
    let load_low = plain(LOAD, argument + low_offset);
    let jump = |code, operand, yes, no| Step { code, operand, yes, no };
    let (high, low) = halves(condition.value);
    // The high halves decide unless they are equal; `above` and `below` say where they lead then.
    let ordered = |above, below, code, yes, no| {
        vec![
            load_high_of(argument + high_offset),
            jump(JUMP_GREATER, high, above, Next),
            jump(JUMP_EQUAL, high, Next, below),
            load_high_of(argument + low_offset),
            jump(code, low, yes, no),
        ]
    };
    match condition.operator {
        Operator::Equal => {
            vec![load_high, jump(JUMP_EQUAL, high, Next, Fails), load_low, jump(JUMP_EQUAL, low, Next, Fails)]
        }
        Operator::NotEqual => {
            vec![load_high, jump(JUMP_EQUAL, high, Next, Holds), load_low, jump(JUMP_EQUAL, low, Fails, Next)]
        }
        Operator::Greater => ordered(Holds, Fails, JUMP_GREATER, Next, Fails),
        Operator::GreaterOrEqual => ordered(Holds, Fails, JUMP_GREATER_OR_EQUAL, Next, Fails),
        Operator::Less => ordered(Fails, Holds, JUMP_GREATER_OR_EQUAL, Fails, Next),
        Operator::LessOrEqual => ordered(Fails, Holds, JUMP_GREATER, Fails, Next),
        Operator::MaskedEqual => {
            let (wanted_high, wanted_low) = halves(condition.value_two);
            vec![
                load_high,
                plain(AND, high),
                jump(JUMP_EQUAL, wanted_high, Next, Fails),
                load_low,
                plain(AND, low),
                jump(JUMP_EQUAL, wanted_low, Next, Fails),
            ]
        }
    }
}

fn load_high_of(offset: u32) -> Step {
    Step { code: LOAD, operand: offset, yes: Target::Next, no: Target::Next }
}
