//! Dates and times, in local time in the format: UTC here.

use crate::date;

/// 1980-01-01.
const FIRST: u64 = 315_532_800;
/// 2108-01-01.
const END: u64 = 4_354_819_200;

/// A date and a time of two-second steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) date: u16,
    pub(super) time: u16,
}

/// Returns the time of seconds since 1970; the first there is where it is before, none where it is after the last.
pub(super) fn time(seconds: u64) -> Option<Time> {
    let seconds = seconds.max(FIRST);
    if seconds >= END {
        return None;
    }
    let second = u32::try_from(seconds % 86_400).ok()?;
    let (year, month, day) = date::civil(u32::try_from(seconds / 86_400).ok()?);
    let date = ((year - 1980) << 9) | (month << 5) | day;
    let time = ((second / 3_600) << 11) | ((second / 60 % 60) << 5) | (second % 60 / 2);
    Some(Time { date: u16::try_from(date).ok()?, time: u16::try_from(time).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_begin_and_end() {
        let first = Time { date: 0x21, time: 0 };
        assert_eq!(time(0), Some(first));
        assert_eq!(time(FIRST + 1), Some(first));
        assert_eq!(time(FIRST + 2), Some(Time { time: 1, ..first }));
        // 2023-11-14 22:13:20
        assert_eq!(time(1_700_000_000), Some(Time { date: 0x576e, time: 0xb1aa }));
        assert_eq!(time(END - 1), Some(Time { date: 0xff9f, time: 0xbf7d }));
        assert_eq!(time(END), None);
        assert_eq!(time(u64::MAX), None);
    }
}
