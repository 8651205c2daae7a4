//! Seconds since 1970 as RFC 3339 in UTC, and back.

use toml::value::{Datetime, Offset};

const DAY: u64 = 24 * 3600;

/// Writes `2026-01-31T12:00:00Z`. Exact until the end of the year 9999, the last that the format has; later is written
/// as that.
pub(super) fn write(seconds: u64) -> String {
    let seconds = seconds.min(253_402_300_799);
    let (days, rest) = (seconds / DAY, seconds % DAY);
    // Days since 0000-03-01, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads a date of 1970 or later, in UTC, in whole seconds.
pub(super) fn read(date: &Datetime) -> Option<u64> {
    let (day, time) = (date.date?, date.time?);
    let in_utc = matches!(date.offset, Some(Offset::Z | Offset::Custom { minutes: 0 }));
    let second = time.second.unwrap_or(0);
    if !in_utc || time.nanosecond.unwrap_or(0) != 0 || second > 59 || day.year < 1970 {
        return None;
    }
    let month = u64::from(day.month);
    let year = u64::from(day.year) - u64::from(month <= 2);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + u64::from(day.day) - 1;
    let (era, year_of_era) = (year / 400, year % 400);
    let days =
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(days * DAY + u64::from(time.hour) * 3600 + u64::from(time.minute) * 60 + u64::from(second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_date_1() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_735_689_599, "2024-12-31T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(write(seconds), text);
            assert_eq!(read(&text.parse().unwrap()), Some(seconds), "{text}");
        }
        assert_eq!(write(u64::MAX), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn every_day_comes_back() {
        for day in 0..200_000 {
            let text = write(day * DAY + 3723);
            assert_eq!(read(&text.parse().unwrap()), Some(day * DAY + 3723), "{text}");
        }
    }

    #[test]
    fn other_dates_are_refused() {
        for text in [
            "1969-12-31T23:59:59Z",
            "2026-01-01",
            "12:00:00",
            "2026-01-01T00:00:00",
            "2026-01-01T00:00:00+01:00",
            "2026-01-01T00:00:00.5Z",
            "2016-12-31T23:59:60Z",
        ] {
            assert_eq!(read(&text.parse().unwrap()), None, "{text}");
        }
    }
}
