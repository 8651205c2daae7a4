//! Quantities as people read them.

use std::fmt;

/// A number of bytes: `512 B`, `11.2 MB`; decimal units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
        if self.0 < 1000 {
            return f.pad(&format!("{} B", self.0));
        }
        // Tenths of the unit, rounded half up: 999,950 bytes are a megabyte.
        let (mut tenths, mut unit) = (self.0.saturating_add(50) / 100, 0);
        while tenths >= 10_000 && unit + 1 < UNITS.len() {
            tenths = (tenths + 500) / 1000;
            unit += 1;
        }
        f.pad(&format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit]))
    }
}

/// A number of milliseconds: `45 ms`, `12.3 s`, `3 min 7 s`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Millis(pub(crate) u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            millis @ 0..1000 => write!(f, "{millis} ms"),
            millis @ 1000..59_950 => {
                let tenths = (millis + 50) / 100;
                write!(f, "{}.{} s", tenths / 10, tenths % 10)
            }
            millis => {
                let seconds = (millis + 500) / 1000;
                write!(f, "{} min {} s", seconds / 60, seconds % 60)
            }
        }
    }
}

/// Returns `1 step`, `2 steps`.
pub(crate) fn count(number: usize, singular: &str) -> String {
    if number == 1 { format!("1 {singular}") } else { format!("{number} {singular}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_well() {
        let bytes = [0, 999, 1000, 1049, 1050, 999_949, 999_950, 11_234_567, 1_500_000_000, u64::MAX];
        let shown: Vec<_> = bytes.iter().map(|b| Bytes(*b).to_string()).collect();
        assert_eq!(
            shown,
            [
                "0 B",
                "999 B",
                "1.0 kB",
                "1.0 kB",
                "1.1 kB",
                "999.9 kB",
                "1.0 MB",
                "11.2 MB",
                "1.5 GB",
                "18446.7 PB"
            ]
        );
        let millis = [0, 999, 1000, 12_345, 59_949, 59_950, 187_000];
        let shown: Vec<_> = millis.iter().map(|m| Millis(*m).to_string()).collect();
        assert_eq!(shown, ["0 ms", "999 ms", "1.0 s", "12.3 s", "59.9 s", "1 min 0 s", "3 min 7 s"]);
        assert_eq!(count(1, "step"), "1 step");
        assert_eq!(count(0, "step"), "0 steps");
    }
}
