//! Seconds since 1970, and the two texts for them that Debian's archive uses.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A point in time: whole seconds since 1970-01-01 00:00:00 UTC.
///
/// Shown as RFC 3339, `2025-05-17T09:12:38Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

/// A text that is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a date")]
pub struct DateError {
    /// The text.
    pub text: String,
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Timestamp {
    /// Parses the dates of `Release` files: `Sat, 17 May 2025 09:12:38 UTC` (RFC 5322, always UTC).
    pub fn parse_release(text: &str) -> Result<Self, DateError> {
        parse_release(text).ok_or_else(|| DateError { text: text.to_owned() })
    }

    /// Parses RFC 3339 in the one form that [`Display`](fmt::Display) writes.
    pub fn parse_rfc3339(text: &str) -> Result<Self, DateError> {
        parse_rfc3339(text).ok_or_else(|| DateError { text: text.to_owned() })
    }

    /// Returns the name of the archive's snapshot at this time, `20250517T091238Z`.
    pub fn snapshot(self) -> String {
        let (year, month, day, seconds) = self.civil();
        let (hour, minute, second) = clock(seconds);
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }

    /// Converts to the standard library's time.
    pub fn to_system_time(self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(self.0)
    }

    /// Converts from the standard library's time; times before 1970 become 0.
    pub fn from_system_time(time: SystemTime) -> Self {
        Self(time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |duration| duration.as_secs()))
    }

    /// Returns year, month, day and the seconds of the day.
    fn civil(self) -> (u64, u64, u64, u64) {
        let (days, seconds) = (self.0 / 86_400, self.0 % 86_400);
        // Days since 0000-03-01, in eras of 400 years that all have the same number of days.
        let days = days + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        (era * 400 + year_of_era + u64::from(month <= 2), month, day, seconds)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, seconds) = self.civil();
        let (hour, minute, second) = clock(seconds);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

fn clock(seconds: u64) -> (u64, u64, u64) {
    (seconds / 3600, seconds / 60 % 60, seconds % 60)
}

fn parse_release(text: &str) -> Option<Timestamp> {
    let rest = text.split_once(',').map_or(text, |(_, rest)| rest);
    let mut words = rest.split_ascii_whitespace();
    let day = number(words.next()?, 1..=2)?;
    let name = words.next()?;
    let month = MONTHS.iter().position(|month| *month == name)? as u64 + 1;
    let year = number(words.next()?, 4..=4)?;
    let seconds = parse_clock(words.next()?)?;
    let zone = words.next()?;
    if !matches!(zone, "UTC" | "GMT" | "Z" | "+0000" | "-0000") || words.next().is_some() {
        return None;
    }
    from_civil(year, month, day, seconds)
}

fn parse_rfc3339(text: &str) -> Option<Timestamp> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4..=4)?, number(parts.next()?, 2..=2)?, number(parts.next()?, 2..=2)?);
    if parts.next().is_some() {
        return None;
    }
    from_civil(year, month, day, parse_clock(time)?)
}

fn parse_clock(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let (hour, minute, second) =
        (number(parts.next()?, 1..=2)?, number(parts.next()?, 2..=2)?, number(parts.next()?, 2..=2)?);
    // A leap second is read as the second before it.
    (hour < 24 && minute < 60 && second <= 60 && parts.next().is_none())
        .then(|| hour * 3600 + minute * 60 + second.min(59))
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u64> {
    let is_number = digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn from_civil(year: u64, month: u64, day: u64, seconds: u64) -> Option<Timestamp> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day.checked_sub(1)?;
    let days =
        era * 146_097 + 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    let timestamp = Timestamp(days * 86_400 + seconds);
    let (back_year, back_month, back_day, _) = timestamp.civil();
    ((back_year, back_month, back_day) == (year, month, day)).then_some(timestamp)
}

#[cfg(test)]
mod tests;
