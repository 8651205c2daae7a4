//! Numbers and dates as ISO 9660 writes them.

use crate::date::civil_time;

/// A number in both orders of bytes.
pub(super) fn both32(number: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&number.to_le_bytes());
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

/// A short number in both orders of bytes.
pub(super) fn both16(number: u16) -> [u8; 4] {
    let ([a, b], [c, d]) = (number.to_le_bytes(), number.to_be_bytes());
    [a, b, c, d]
}

/// A date of a directory record, in UTC.
pub(super) fn short_date(seconds: u32) -> [u8; 7] {
    let time = civil_time(seconds);
    let byte = |number: u32| u8::try_from(number).expect("because a 32-bit time ends in 2106");
    [
        byte(time.year - 1900),
        byte(time.month),
        byte(time.day),
        byte(time.hour),
        byte(time.minute),
        byte(time.second),
        0,
    ]
}

/// A date of a volume descriptor, in UTC.
pub(super) fn long_date(seconds: u32) -> Vec<u8> {
    let time = civil_time(seconds);
    let (year, month, day) = (time.year, time.month, time.day);
    let (hour, minute, second) = (time.hour, time.minute, time.second);
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}00\0").into_bytes()
}

/// No date.
pub(super) fn no_date() -> Vec<u8> {
    b"0000000000000000\0".to_vec()
}
