//! The system calls that have to do with the real time, and what becomes of each in a job that has another clock.
//!
//! [`filter`] has the kernel stop a process at each of them; the tracer then does what [`Effect`] says. Calls that tell the time are answered
//! in the kernel's place; those that take a moment get that of this machine; those that show a file's times are made, and the times changed.
//! Waiting for a while, rather than for a moment, and the clocks that count from the machine's start go on as ever, at full speed.
//!
//! To add a call, add it to [`CALLS`].

use std::env::consts::ARCH;

use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// A call, and when it is one that matters.
struct Call {
    number: i64,
    /// Matters when each condition of one of these holds; always, if there are none.
    when: &'static [&'static [Condition]],
    effect: Effect,
}

/// The bits `mask` of an argument are `value`.
struct Condition {
    argument: u8,
    mask: u64,
    value: u64,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Tells the time.
    Tells(Form),
    /// Takes moments from so many words at the address in an argument, of which these are the seconds.
    Takes { argument: u8, words: usize, seconds: &'static [usize], purpose: Purpose },
    /// Shows a file's times at the address in an argument; the seconds are at these bytes.
    Shows { argument: u8, seconds: &'static [u64] },
}

/// How the time is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Of the clock in the first argument, to the address in the second one, in nanoseconds.
    Nanoseconds,
    /// To the address in the first argument in microseconds, and the time zone to that in the second one.
    Microseconds,
    /// As the result, and to the address in the first argument.
    Seconds,
}

/// What a moment is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Something happens then.
    Wait,
    /// It is a file's time.
    File,
}

/// Returns what becomes of a call.
pub(crate) fn effect(number: i64) -> Option<Effect> {
    CALLS.iter().find(|call| call.number == number).map(|call| call.effect)
}

/// Compiles the filter that stops a process where the tracer has to do something.
pub(crate) fn filter() -> Result<BpfProgram, BackendError> {
    let rules = CALLS.iter().map(|call| {
        let rules = call.when.iter().map(|conditions| {
            let conditions = conditions.iter().map(|Condition { argument, mask, value }| {
                let masked = SeccompCmpOp::MaskedEq(*mask);
                SeccompCondition::new(*argument, SeccompCmpArgLen::Dword, masked, *value)
            });
            SeccompRule::new(conditions.collect::<Result<_, _>>()?)
        });
        Ok((call.number, rules.collect::<Result<_, BackendError>>()?))
    });
    let rules = rules.collect::<Result<_, BackendError>>()?;
    SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Trace(0), TargetArch::try_from(ARCH)?)?
        .try_into()
}

/// Only one architecture's registers are known to the tracer.
#[cfg(not(target_arch = "x86_64"))]
const CALLS: &[Call] = &[];

#[cfg(target_arch = "x86_64")]
const CALLS: &[Call] = {
    /// Numbers that not every C library has a name for.
    const FUTEX_WAITV: i64 = 449;
    const FUTEX_WAIT: i64 = 455;
    const FUTEX_COMMAND: u64 = 0x7f;
    const ALL: u64 = 0xffff_ffff;

    const fn is(argument: u8, value: u64) -> Condition {
        Condition { argument, mask: ALL, value }
    }
    const fn has(argument: u8, bit: u64) -> Condition {
        Condition { argument, mask: bit, value: bit }
    }
    const fn wait(number: i64, when: &'static [&'static [Condition]], argument: u8) -> Call {
        let effect = Effect::Takes { argument, words: 2, seconds: &[0], purpose: Purpose::Wait };
        Call { number, when, effect }
    }
    const ABSOLUTE: &[&[Condition]] = &[&[has(1, 1)]];
    const fn timer(number: i64) -> Call {
        let effect = Effect::Takes { argument: 2, words: 4, seconds: &[2], purpose: Purpose::Wait };
        Call { number, when: ABSOLUTE, effect }
    }
    const fn set(number: i64, argument: u8, words: usize, seconds: &'static [usize]) -> Call {
        let effect = Effect::Takes { argument, words, seconds, purpose: Purpose::File };
        Call { number, when: &[], effect }
    }
    const fn show(number: i64, argument: u8, seconds: &'static [u64]) -> Call {
        Call { number, when: &[], effect: Effect::Shows { argument, seconds } }
    }

    // The numbers of the clocks are those of `linux/time.h`.
    const REALTIME: u64 = libc::CLOCK_REALTIME as u64;
    const COARSE: u64 = libc::CLOCK_REALTIME_COARSE as u64;
    const ALARM: u64 = libc::CLOCK_REALTIME_ALARM as u64;
    const TAI: u64 = libc::CLOCK_TAI as u64;
    const STAT: &[u64] = &[72, 88, 104];
    &[
        Call {
            number: libc::SYS_clock_gettime,
            when: &[&[is(0, REALTIME)], &[is(0, COARSE)], &[is(0, ALARM)], &[is(0, TAI)]],
            effect: Effect::Tells(Form::Nanoseconds),
        },
        Call { number: libc::SYS_gettimeofday, when: &[], effect: Effect::Tells(Form::Microseconds) },
        Call { number: libc::SYS_time, when: &[], effect: Effect::Tells(Form::Seconds) },
        wait(
            libc::SYS_clock_nanosleep,
            &[&[is(0, REALTIME), has(1, 1)], &[is(0, ALARM), has(1, 1)], &[is(0, TAI), has(1, 1)]],
            2,
        ),
        wait(
            libc::SYS_futex,
            &[
                &[has(1, libc::FUTEX_CLOCK_REALTIME as u64)],
                &[Condition { argument: 1, mask: FUTEX_COMMAND, value: libc::FUTEX_LOCK_PI as u64 }],
            ],
            3,
        ),
        wait(FUTEX_WAITV, &[&[is(4, REALTIME)]], 3),
        wait(FUTEX_WAIT, &[&[is(5, REALTIME)]], 4),
        wait(libc::SYS_mq_timedsend, &[], 4),
        wait(libc::SYS_mq_timedreceive, &[], 4),
        timer(libc::SYS_timerfd_settime),
        timer(libc::SYS_timer_settime),
        set(libc::SYS_utimensat, 2, 4, &[0, 2]),
        set(libc::SYS_futimesat, 2, 4, &[0, 2]),
        set(libc::SYS_utimes, 1, 4, &[0, 2]),
        set(libc::SYS_utime, 1, 2, &[0, 1]),
        show(libc::SYS_stat, 1, STAT),
        show(libc::SYS_lstat, 1, STAT),
        show(libc::SYS_fstat, 1, STAT),
        show(libc::SYS_newfstatat, 2, STAT),
        show(libc::SYS_statx, 4, &[64, 80, 96, 112]),
    ]
};
