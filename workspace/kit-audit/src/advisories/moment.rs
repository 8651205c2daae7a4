//! Moments: the dates of advisories and of those who ask.

use std::fmt;

use kit_format::date::rfc3339;

/// A second since 1970, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u32);

/// Seconds of a day.
const DAY: i64 = 86_400;

impl Moment {
    /// Wraps seconds since 1970.
    pub fn from_seconds(seconds: u32) -> Self {
        Self(seconds)
    }

    /// Returns the seconds since 1970.
    pub fn seconds(self) -> u32 {
        self.0
    }

    /// Reads a time of RFC 3339, such as `2024-03-29T17:15:20.123Z`; parts of a second are left out.
    pub fn parse(text: &str) -> Option<Self> {
        let (day, rest) = (text.get(..10)?, text.get(10..)?);
        let time = rest.strip_prefix(['T', 't', ' '])?;
        let (clock, rest) = (time.get(..8)?, time.get(8..)?);
        let [hour, minute, second] = numbers(clock, b':')?;
        // A leap second is told as the second before it.
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let offset = offset(without_fraction(rest)?)?;
        let seconds = day_number(day)? * DAY + hour * 3_600 + minute * 60 + second.min(59) - offset;
        u32::try_from(seconds).ok().map(Self)
    }

    /// Reads a date, such as `2024-03-29`, as the last second of that day; or a time.
    pub fn parse_end_of_day(text: &str) -> Option<Self> {
        if text.len() > 10 {
            return Self::parse(text);
        }
        u32::try_from(day_number(text)? * DAY + DAY - 1).ok().map(Self)
    }

    /// Returns the year.
    pub fn year(self) -> u32 {
        let text = rfc3339(self.0);
        text[..4].parse().expect("because RFC 3339 starts with four digits")
    }

    /// Returns the date alone.
    pub fn date(self) -> String {
        let mut text = rfc3339(self.0);
        text.truncate(10);
        text
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.0))
    }
}

/// Returns the days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn day_number(text: &str) -> Option<i64> {
    let (year, rest) = (text.get(..4)?, text.get(4..)?);
    let [month, day] = numbers(rest.strip_prefix('-')?, b'-')?;
    let year = number(year.as_bytes())?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    // Years start in March, so that the leap day is the last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

fn without_fraction(text: &str) -> Option<&str> {
    let Some(fraction) = text.strip_prefix('.') else { return Some(text) };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some(rest)
}

/// Returns the seconds that a place is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match text.strip_prefix('+') {
        Some(rest) => (1, rest),
        None => (-1, text.strip_prefix('-')?),
    };
    let [hours, minutes] = numbers(rest, b':')?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

/// Reads numbers of two digits with a character between them.
fn numbers<const COUNT: usize>(text: &str, between: u8) -> Option<[i64; COUNT]> {
    let bytes = text.as_bytes();
    if bytes.len() != COUNT * 3 - 1 {
        return None;
    }
    let mut numbers = [0; COUNT];
    for (index, value) in numbers.iter_mut().enumerate() {
        let at = index * 3;
        *value = number(&bytes[at..at + 2])?;
        if bytes.get(at + 2).is_some_and(|byte| *byte != between) {
            return None;
        }
    }
    Some(numbers)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits
        .iter()
        .try_fold(0, |value, digit| digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_times() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some("1970-01-01T00:00:00Z")),
            ("2024-02-29T23:59:60.999999999Z", Some("2024-02-29T23:59:59Z")),
            ("2023-01-08T18:02:03.647787998-06:00", Some("2023-01-09T00:02:03Z")),
            ("2023-01-08t18:02:03+05:30", Some("2023-01-08T12:32:03Z")),
            ("2106-02-07T06:28:15Z", Some("2106-02-07T06:28:15Z")),
            ("2106-02-07T06:28:16Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("2023-02-29T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-04-31T00:00:00Z", None),
            ("2023-01-01T24:00:00Z", None),
            ("2023-01-01T00:00:00", None),
            ("2023-01-01T00:00:00.Z", None),
            ("2023-01-01T00:00:00+1:00", None),
            ("2023-01-01", None),
            ("+023-01-01T00:00:00Z", None),
            ("", None),
        ] {
            assert_eq!(Moment::parse(text).map(|m| m.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_date_is_its_whole_day() {
        let day = Moment::parse_end_of_day("2024-03-29").unwrap();
        assert_eq!((day.to_string().as_str(), day.year()), ("2024-03-29T23:59:59Z", 2024));
        assert_eq!(day.date(), "2024-03-29");
        assert_eq!(
            Moment::parse_end_of_day("2024-03-29T01:00:00Z").unwrap().seconds(),
            day.seconds() - 82_799
        );
        assert_eq!(Moment::parse_end_of_day("2024-3-29"), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(seconds in any::<u32>()) {
            let moment = Moment::from_seconds(seconds);
            prop_assert_eq!(Moment::parse(&moment.to_string()), Some(moment));
        }

        #[test]
        fn no_text_panics(text in any::<String>(), short in "[0-9TZ:.+-]{0,30}") {
            let _ = (Moment::parse(&text), Moment::parse_end_of_day(&short), Moment::parse(&short));
        }
    }
}
