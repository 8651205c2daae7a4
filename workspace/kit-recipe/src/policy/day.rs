//! A day of the calendar.

use std::fmt;

/// A day, counted from 1 January 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day(u32);

/// 31 December 9999, the last day that has a date.
const LAST: u32 = 2_932_896;

impl Day {
    /// Returns the day that a time belongs to, in seconds since 1970.
    pub fn of_seconds(seconds: u64) -> Self {
        Self(u32::try_from(seconds / 86_400).unwrap_or(LAST).min(LAST))
    }

    /// Returns its first second, counted since 1970.
    pub fn seconds(self) -> u64 {
        u64::from(self.0) * 86_400
    }

    /// Returns the day with a date of 1970 to 9999; none where there is no such day.
    pub fn of_date(year: u16, month: u8, day: u8) -> Option<Self> {
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        // Years begin in March here, so that the leap day is the last of its year.
        let (year, month) = (u32::from(year) - u32::from(month <= 2), u32::from(month));
        let shifted_month = (month + 9) % 12;
        let day_of_year = (153 * shifted_month + 2) / 5 + u32::from(day) - 1;
        let since_march_0 = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year;
        let found = Self(since_march_0 - 719_468);
        // A day that the month doesn't have comes out as one of the next month.
        (found.date().2 == u32::from(day)).then_some(found)
    }

    /// Reads a date, such as `2026-09-01`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let mut part = |digits| {
            parts.next().filter(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_digit()))
        };
        let (year, month, day) = (part(4)?, part(2)?, part(2)?);
        let is_all = parts.next().is_none();
        Self::of_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).filter(|_| is_all)
    }

    /// Returns how many days have passed since another one; 0 where that is yet to come.
    pub fn since(self, other: Self) -> u32 {
        self.0.saturating_sub(other.0)
    }

    /// Returns year, month and day.
    fn date(self) -> (u32, u32, u32) {
        let days = self.0 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        (era * 400 + year_of_era + u32::from(month <= 2), month, day)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        for (days, (year, month, day)) in [
            (0, (1970, 1, 1)),
            (11_016, (2000, 2, 29)),
            (11_017, (2000, 3, 1)),
            (19_782, (2024, 2, 29)),
            (20_088, (2024, 12, 31)),
            (47_541, (2100, 3, 1)),
            (LAST, (9999, 12, 31)),
        ] {
            assert_eq!(Day::of_date(year, month, day), Some(Day(days)));
            assert_eq!(Day(days).to_string(), format!("{year:04}-{month:02}-{day:02}"));
        }
        assert_eq!(Day::of_seconds(86_399), Day(0));
        assert_eq!(Day::of_seconds(u64::MAX), Day(LAST));
        assert_eq!(Day(5).since(Day(3)), 2);
        assert_eq!(Day(3).since(Day(5)), 0);
    }

    #[test]
    fn every_day_comes_back() {
        for days in 0..200_000 {
            let (year, month, day) = Day(days).date();
            let (year, month, day) =
                (year.try_into().unwrap(), month.try_into().unwrap(), day.try_into().unwrap());
            assert_eq!(Day::of_date(year, month, day), Some(Day(days)));
        }
    }

    #[test]
    fn there_is_no_such_day() {
        for (year, month, day) in [
            (2023, 2, 29),
            (2024, 4, 31),
            (2024, 13, 1),
            (2024, 0, 1),
            (2024, 1, 0),
            (1969, 12, 31),
            (2100, 2, 29),
        ] {
            assert_eq!(Day::of_date(year, month, day), None);
        }
    }
}
