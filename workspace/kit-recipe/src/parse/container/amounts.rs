//! Amounts of memory and time.

use toml::de::DeValue;

use crate::parse::Faults;
use crate::parse::value::Value;
use crate::problem::{Fault, Shape};

/// Reads bytes, or `"64M"`; the suffixes are powers of 1024.
pub(crate) fn memory(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<u64> {
    const MOST: u64 = i64::MAX as u64;
    let text = match value.node {
        DeValue::Integer(_) => return value.number(1, MOST, faults),
        DeValue::String(text) => text.as_ref(),
        _ => return value.wrong_type(Shape::String, faults),
    };
    let (digits, unit) = match text.char_indices().last() {
        Some((at, suffix)) if "KMGT".contains(suffix) => (&text[..at], suffix),
        _ => (text, ' '),
    };
    let unit = match unit {
        'K' => 1 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        'T' => 1 << 40,
        _ => 1,
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let bytes = digits.parse::<u64>().ok().filter(|_| plain).and_then(|number| number.checked_mul(unit));
    match bytes.filter(|bytes| (1..=MOST).contains(bytes)) {
        Some(bytes) => Some(bytes),
        None => value.fault(Fault::InvalidMemory { amount: text.to_owned() }, faults),
    }
}

/// Reads a time such as `"500ms"`, `"10s"`, `"5m"`, `"1h"`, at most a year; returns milliseconds.
pub(super) fn duration(value: &Value<'_>, faults: &mut Faults<'_>) -> Option<u64> {
    const MOST: u64 = 365 * 24 * 3_600_000;
    let text = value.text(faults)?;
    let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
    let unit = match &text[digits.len()..] {
        "ms" => Some(1),
        "s" => Some(1000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let number = digits.parse::<u64>().ok().filter(|_| plain);
    let time = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    let time = time.filter(|time| (1..=MOST).contains(time));
    if time.is_none() {
        let why = "must be a number and `ms`, `s`, `m` or `h`, at most a year";
        return value.fault(Fault::malformed(value.key, text, why, "a time such as `\"10s\"`"), faults);
    }
    time
}
