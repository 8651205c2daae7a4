use super::*;
use crate::config::{Operator, Rule};

/// Runs a filter as the kernel does: `struct seccomp_data` in, return value out.
fn run(program: &[Instruction], architecture: u32, number: u32, arguments: [u64; 6]) -> u32 {
    let load = |offset: u32| match offset {
        NUMBER => number,
        ARCHITECTURE => architecture,
        _ => {
            let (index, rest) = ((offset - ARGUMENTS) / 8, (offset - ARGUMENTS) % 8);
            let bytes = arguments[index as usize].to_ne_bytes();
            let at = rest as usize;
            u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
        }
    };
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let Instruction { code, jump_true, jump_false, operand } = program[at];
        at += 1;
        let jump = |holds| usize::from(if holds { jump_true } else { jump_false });
        match code {
            LOAD => accumulator = load(operand),
            AND => accumulator &= operand,
            JUMP => at += operand as usize,
            JUMP_EQUAL => at += jump(accumulator == operand),
            JUMP_GREATER => at += jump(accumulator > operand),
            JUMP_GREATER_OR_EQUAL => at += jump(accumulator >= operand),
            RETURN => return operand,
            _ => panic!("not an instruction of ours: {code:#x}"),
        }
    }
}

fn rule(names: &[&str], action: Action, conditions: &[Condition]) -> Rule {
    Rule {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
        action,
        conditions: conditions.to_vec(),
    }
}

fn profile(default: Action, rules: Vec<Rule>) -> Profile {
    Profile { default, flags: 0, rules }
}

fn call(profile: &Profile, name: &str, arguments: [u64; 6]) -> u32 {
    run(&compile(profile), NATIVE, syscalls::number(name).unwrap(), arguments)
}

const ALLOW: u32 = 0x7fff_0000;
const EPERM: u32 = 0x0005_0001;
const ENOSYS: u32 = 0x0005_0026;

#[test]
fn numbers_are_the_targets() {
    assert_eq!(syscalls::number("clone3"), Some(435));
    assert_eq!(syscalls::number("mseal"), Some(462));
    assert_eq!(syscalls::number("no_such_call"), None);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(syscalls::number("read"), Some(0));
        assert_eq!(syscalls::number("open"), Some(2));
        assert_eq!(syscalls::number("io_pgetevents"), Some(333));
    }
}

#[test]
fn an_allow_list_allows_its_calls_only() {
    let rules = vec![rule(&["read", "write", "exit_group", "no_such_call", "openat2"], Action::Allow, &[])];
    let profile = profile(Action::Error(1), rules);
    for name in ["read", "write", "exit_group", "openat2"] {
        assert_eq!(call(&profile, name, [0; 6]), ALLOW, "{name}");
    }
    for name in ["mount", "ptrace", "execve", "close"] {
        assert_eq!(call(&profile, name, [0; 6]), EPERM, "{name}");
    }
    // Newer than every call of the profile, and the number that a tracer uses to skip a call.
    assert_eq!(call(&profile, "mseal", [0; 6]), ENOSYS);
    assert_eq!(run(&compile(&profile), NATIVE, u32::MAX, [0; 6]), ENOSYS);
}

#[test]
fn a_deny_list_denies_its_calls_only() {
    let profile = profile(Action::Allow, vec![rule(&["mount", "bpf"], Action::KillProcess, &[])]);
    assert_eq!(call(&profile, "mount", [0; 6]), 0x8000_0000);
    assert_eq!(call(&profile, "read", [0; 6]), ALLOW);
    assert_eq!(call(&profile, "mseal", [0; 6]), ALLOW);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(run(&compile(&profile), NATIVE, X32 + 165, [0; 6]), ENOSYS, "mount by its x32 number");
    }
}

#[test]
fn another_architecture_is_killed() {
    let filter = compile(&profile(Action::Allow, Vec::new()));
    assert_eq!(run(&filter, 0x4000_0003, 3, [0; 6]), 0x8000_0000);
    assert_eq!(run(&filter, NATIVE, 3, [0; 6]), ALLOW);
}

#[test]
fn every_comparison_is_of_64_bits() {
    let values = [0, 1, 41, 42, 43, 0xffff_ffff, 0x1_0000_0000, 0x1_0000_002a, 0x2_0000_0000, u64::MAX];
    for wanted in values {
        for actual in values {
            for (operator, holds) in [
                (Operator::NotEqual, actual != wanted),
                (Operator::Less, actual < wanted),
                (Operator::LessOrEqual, actual <= wanted),
                (Operator::Equal, actual == wanted),
                (Operator::GreaterOrEqual, actual >= wanted),
                (Operator::Greater, actual > wanted),
                (Operator::MaskedEqual, actual & wanted == 0x1_0000_0000),
            ] {
                let condition = Condition { index: 2, operator, value: wanted, value_two: 0x1_0000_0000 };
                let profile = profile(Action::Error(1), vec![rule(&["socket"], Action::Allow, &[condition])]);
                let expected = if holds { ALLOW } else { EPERM };
                let got = call(&profile, "socket", [7, 7, actual, 7, 7, 7]);
                assert_eq!(got, expected, "{actual:#x} {operator:?} {wanted:#x}");
            }
        }
    }
}

#[test]
fn conditions_and_rules_combine() {
    let equal = |index, value| Condition { index, operator: Operator::Equal, value, value_two: 0 };
    let rules = vec![
        rule(&["socket"], Action::Allow, &[equal(0, 2), equal(1, 1)]), // both
        rule(&["socket"], Action::Error(97), &[equal(0, 40), equal(0, 16)]), // either
        rule(&["socket"], Action::Trap, &[equal(2, 5)]),
        rule(&["clone"], Action::Allow, &[]),
        rule(&["clone"], Action::KillProcess, &[equal(0, 1)]), // too late
    ];
    let profile = profile(Action::Error(1), rules);
    let socket = |a, b, c| call(&profile, "socket", [a, b, c, 0, 0, 0]);
    assert_eq!(socket(2, 1, 0), ALLOW);
    assert_eq!(socket(2, 1, 5), ALLOW);
    assert_eq!(socket(2, 2, 0), EPERM);
    assert_eq!(socket(40, 1, 0), 0x0005_0061);
    assert_eq!(socket(16, 1, 5), 0x0005_0061);
    assert_eq!(socket(1, 1, 5), 0x0003_0000);
    assert_eq!(call(&profile, "clone", [1, 0, 0, 0, 0, 0]), ALLOW);
}

#[test]
fn a_profile_with_every_call_fits_and_is_searched_fast() {
    // Each second call alone, so that no two of them share a range.
    let names: Vec<&str> = syscalls::names().collect();
    let chosen = |name: &str| syscalls::number(name).is_some_and(|number| number % 2 == 0);
    let even: Vec<&str> = names.iter().copied().filter(|name| chosen(name)).collect();
    let profile = profile(Action::Error(1), vec![rule(&even, Action::Allow, &[])]);
    assert!(compile(&profile).len() < 4096, "the kernel's limit");
    for name in names {
        let number = syscalls::number(name).unwrap();
        if number < 460 {
            assert_eq!(call(&profile, name, [0; 6]), if chosen(name) { ALLOW } else { EPERM }, "{name}");
        }
    }
}
