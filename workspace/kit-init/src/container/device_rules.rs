//! `linux.resources.devices`, turned into a program that the kernel asks about each device.

use crate::config::DeviceRule;
use crate::error::{During, Failure};
use crate::sys::bpf::{self, Instruction};
use crate::sys::{self, Errno};

/// The devices that every container may use: kind, major, minor. As in other runtimes a node can be made of any.
const USUAL: [(char, u32, Option<u32>); 9] = [
    ('c', 1, Some(3)),
    ('c', 1, Some(5)),
    ('c', 1, Some(7)),
    ('c', 1, Some(8)),
    ('c', 1, Some(9)),
    ('c', 5, Some(0)),
    ('c', 5, Some(1)),
    ('c', 5, Some(2)),
    ('c', 136, None),
];
const MAKE_NODES: u32 = 1;
const READ_AND_WRITE: u32 = 6;

/// Operations of eBPF.
const LOAD: u8 = 0x61;
const MOVE: u8 = 0xb7;
const MOVE_REGISTER: u8 = 0xbf;
const AND: u8 = 0x57;
const SHIFT_RIGHT: u8 = 0x77;
const JUMP_EQUAL: u8 = 0x15;
const JUMP_NOT_EQUAL: u8 = 0x55;
const EXIT: u8 = 0x95;

/// Registers: the result, the context, and what is taken from it.
const RESULT: u8 = 0;
const CONTEXT: u8 = 1;
const ACCESS: u8 = 2;
const KIND: u8 = 3;
const MAJOR: u8 = 4;
const MINOR: u8 = 5;
const SCRATCH: u8 = 6;

/// Puts the rules on a control group.
pub(super) fn put_on(group: &str, rules: &[DeviceRule]) -> Result<(), Failure> {
    if rules.is_empty() {
        return Ok(());
    }
    let put = || -> Result<(), Errno> {
        let directory = sys::io::open(&sys::c_string(group)?, libc::O_RDONLY | libc::O_DIRECTORY)?;
        let program = bpf::load_device_program(&compile(rules))?;
        bpf::attach_device_program(std::os::fd::AsFd::as_fd(&directory), std::os::fd::AsFd::as_fd(&program))
    };
    match put() {
        Err(Errno(libc::ENOSYS | libc::EINVAL)) => {
            Err(Failure::new("limit", "the devices", "the kernel has no BPF for control groups"))
        }
        put => put.during("limit", "the devices"),
    }
}

fn instruction(code: u8, to: u8, from: u8, offset: i16, operand: u32) -> Instruction {
    Instruction {
        code,
        registers: to | from << 4,
        offset,
        operand: i32::from_ne_bytes(operand.to_ne_bytes()),
    }
}

/// Compiles the rules: the last one that is about a device holds, and those of a list come before what is usual.
fn compile(rules: &[DeviceRule]) -> Vec<Instruction> {
    let mut program = vec![
        instruction(LOAD, ACCESS, CONTEXT, 0, 0),
        instruction(MOVE_REGISTER, KIND, ACCESS, 0, 0),
        instruction(AND, KIND, 0, 0, 0xffff),
        instruction(SHIFT_RIGHT, ACCESS, 0, 0, 16),
        instruction(LOAD, MAJOR, CONTEXT, 4, 0),
        instruction(LOAD, MINOR, CONTEXT, 8, 0),
    ];
    let usual = |(kind, major, minor)| DeviceRule {
        allow: true,
        kind: Some(kind),
        major: Some(major),
        minor,
        access: READ_AND_WRITE,
    };
    let nodes = DeviceRule { allow: true, kind: None, major: None, minor: None, access: MAKE_NODES };
    let (general, own): (Vec<_>, Vec<_>) =
        rules.iter().partition(|rule| rule.kind.is_none() && rule.major.is_none() && !rule.allow);
    own.into_iter().rev().for_each(|rule| program.extend(code_of(rule)));
    USUAL.map(usual).iter().for_each(|rule| program.extend(code_of(rule)));
    program.extend(code_of(&nodes));
    let refuses = u32::from(general.is_empty());
    program.extend([instruction(MOVE, RESULT, 0, 0, refuses), instruction(EXIT, 0, 0, 0, 0)]);
    program
}

/// The code of one rule: it skips itself where it is not about the device.
fn code_of(rule: &DeviceRule) -> Vec<Instruction> {
    let mut tests = Vec::new();
    if let Some(kind) = rule.kind {
        tests.push(instruction(JUMP_NOT_EQUAL, KIND, 0, 0, if kind == 'b' { 1 } else { 2 }));
    }
    tests.push(instruction(MOVE_REGISTER, SCRATCH, ACCESS, 0, 0));
    if rule.allow {
        // All that is wanted must be allowed.
        tests.push(instruction(AND, SCRATCH, 0, 0, 7 & !rule.access));
        tests.push(instruction(JUMP_NOT_EQUAL, SCRATCH, 0, 0, 0));
    } else {
        tests.push(instruction(AND, SCRATCH, 0, 0, rule.access));
        tests.push(instruction(JUMP_EQUAL, SCRATCH, 0, 0, 0));
    }
    for (register, number) in [(MAJOR, rule.major), (MINOR, rule.minor)] {
        if let Some(number) = number {
            tests.push(instruction(JUMP_NOT_EQUAL, register, 0, 0, number));
        }
    }
    let mut code = tests;
    code.push(instruction(MOVE, RESULT, 0, 0, u32::from(rule.allow)));
    code.push(instruction(EXIT, 0, 0, 0, 0));
    let end = code.len();
    for (at, one) in code.iter_mut().enumerate() {
        if matches!(one.code, JUMP_EQUAL | JUMP_NOT_EQUAL) {
            one.offset = i16::try_from(end - at - 1).unwrap_or(i16::MAX);
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a program as the kernel would: is the access allowed?
    fn allows(program: &[Instruction], access: u32, kind: char, major: u32, minor: u32) -> bool {
        let context = [access << 16 | if kind == 'b' { 1 } else { 2 }, major, minor];
        let mut registers = [0_u64; 11];
        let mut at = 0;
        loop {
            let one = program[at];
            let (to, from) = (usize::from(one.registers & 15), usize::from(one.registers >> 4));
            let operand = u64::from(u32::from_ne_bytes(one.operand.to_ne_bytes()));
            at += 1;
            let skip = usize::try_from(one.offset).unwrap();
            match one.code {
                LOAD => registers[to] = u64::from(context[skip / 4]),
                MOVE => registers[to] = operand,
                MOVE_REGISTER => registers[to] = registers[from],
                AND => registers[to] &= operand,
                SHIFT_RIGHT => registers[to] >>= operand,
                JUMP_EQUAL if registers[to] == operand => at += skip,
                JUMP_NOT_EQUAL if registers[to] != operand => at += skip,
                JUMP_EQUAL | JUMP_NOT_EQUAL => {}
                EXIT => return registers[0] == 1,
                _ => panic!("{one:?}"),
            }
        }
    }

    fn rule(allow: bool, kind: Option<char>, major: Option<u32>, access: u32) -> DeviceRule {
        DeviceRule { allow, kind, major, minor: None, access }
    }

    #[test]
    fn the_usual_devices_and_those_that_are_listed_may_be_used() {
        let rules = [rule(false, None, None, 7), rule(true, Some('b'), Some(8), 2)];
        let program = compile(&rules);
        assert!(allows(&program, 2, 'c', 1, 3), "read /dev/null");
        assert!(allows(&program, 6, 'c', 136, 9), "a pseudo terminal");
        assert!(allows(&program, 2, 'b', 8, 1), "read a listed disk");
        assert!(!allows(&program, 4, 'b', 8, 1), "write a listed disk");
        assert!(!allows(&program, 6, 'b', 8, 1), "read and write it");
        assert!(!allows(&program, 2, 'c', 8, 1), "a character device of that number");
        assert!(!allows(&program, 2, 'c', 1, 1), "memory");
        assert!(allows(&program, 1, 'b', 253, 0), "a node that nobody can open");
    }

    #[test]
    fn the_last_rule_holds() {
        let rules =
            [rule(false, None, None, 7), rule(true, Some('b'), None, 7), rule(false, Some('b'), Some(8), 4)];
        let program = compile(&rules);
        assert!(allows(&program, 6, 'b', 9, 0));
        assert!(allows(&program, 2, 'b', 8, 0));
        assert!(!allows(&program, 6, 'b', 8, 0));
    }
}
