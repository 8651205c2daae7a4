//! CVSS: how bad a vulnerability is, from its vectors.

use cvss::Cvss;

use super::Rating;
use crate::finding::Severity;

/// The most bytes that a vector may have.
const LONGEST: usize = 300;

/// What a vector says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Score {
    /// The vector, such as `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`.
    pub vector: String,
    /// Its version: `2.0`, `3.0`, `3.1`, `4.0`.
    pub version: &'static str,
    /// The score with one digit behind the point, such as `9.8`.
    pub value: String,
    /// The severity by the bounds that [`Severity`] names, for every version.
    pub severity: Severity,
}

/// Scores a vector of CVSS 2.0, 3.0, 3.1 or 4.0.
pub fn score(vector: &str) -> Option<Score> {
    if vector.len() > LONGEST {
        return None;
    }
    let parsed: Cvss = vector.parse().ok()?;
    let version = match parsed {
        Cvss::CvssV20(_) => "2.0",
        Cvss::CvssV30(_) => "3.0",
        Cvss::CvssV31(_) => "3.1",
        Cvss::CvssV40(_) => "4.0",
        _ => return None,
    };
    let value = parsed.score();
    let severity = match value {
        value if value >= 9.0 => Severity::Critical,
        value if value >= 7.0 => Severity::High,
        value if value >= 4.0 => Severity::Medium,
        value if value > 0.0 => Severity::Low,
        _ => Severity::Note,
    };
    Some(Score { vector: vector.to_owned(), version, value: format!("{value:.1}"), severity })
}

/// Returns the score of the newest version of CVSS, and of several the worst.
pub fn best<'a>(vectors: impl IntoIterator<Item = &'a str>) -> Option<Score> {
    let scores = vectors.into_iter().filter_map(score);
    // Scores have at most two digits before the point, so texts compare like numbers once they are as long.
    scores.max_by_key(|score| (score.version, format!("{:0>4}", score.value), score.vector.clone()))
}

impl From<Rating> for Option<Severity> {
    fn from(rating: Rating) -> Self {
        match rating {
            Rating::Unimportant => Some(Severity::Note),
            Rating::Low => Some(Severity::Low),
            Rating::Medium => Some(Severity::Medium),
            Rating::High => Some(Severity::High),
            Rating::Critical => Some(Severity::Critical),
            Rating::EndOfLife => None,
        }
    }
}

#[cfg(test)]
mod tests;
