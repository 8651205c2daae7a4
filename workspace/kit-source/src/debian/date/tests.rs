//! Known dates, impossible ones, and the way there and back.

use proptest::prelude::*;

use super::Timestamp;

#[test]
fn reads_and_shows_dates() {
    let date = Timestamp::parse_release("Sat, 17 May 2025 09:12:38 UTC").unwrap();
    assert_eq!(date, Timestamp(1_747_473_158));
    assert_eq!(date.to_string(), "2025-05-17T09:12:38Z");
    assert_eq!(date.snapshot(), "20250517T091238Z");
    assert_eq!(
        Timestamp::parse_release("Thu, 29 Feb 2024 00:00:00 +0000").unwrap().to_string(),
        "2024-02-29T00:00:00Z"
    );
    assert_eq!(Timestamp::parse_release("1 Jan 1970 0:00:01 GMT").unwrap(), Timestamp(1));
    assert_eq!(
        Timestamp::parse_release("Sat, 31 Dec 2016 23:59:60 UTC").unwrap().to_string(),
        "2016-12-31T23:59:59Z"
    );
}

#[test]
fn refuses_what_is_no_date() {
    let bad = [
        "",
        "Sat",
        "Sat, 17 May 2025",
        "Sat, 17 May 2025 09:12:38",
        "Sat, 17 May 2025 09:12:38 CEST",
        "Sat, 29 Feb 2025 09:12:38 UTC",
        "Sat, 31 Apr 2025 09:12:38 UTC",
        "Sat, 0 May 2025 09:12:38 UTC",
        "Sat, 17 Mai 2025 09:12:38 UTC",
        "Sat, 17 May 1969 09:12:38 UTC",
        "Sat, 17 May 2025 24:00:00 UTC",
        "Sat, 17 May 2025 09:12:38 UTC x",
        "Sat, +7 May 2025 09:12:38 UTC",
    ];
    for text in bad {
        assert!(Timestamp::parse_release(text).is_err(), "{text}");
    }
    for text in [
        "2025-05-17",
        "2025-05-17T09:12:38",
        "2025-5-17T09:12:38Z",
        "2025-13-17T09:12:38Z",
        "2025-05-17T09:12Z",
    ] {
        assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn comes_back(seconds in 0u64..253_402_300_800) {
        let text = Timestamp(seconds).to_string();
        prop_assert_eq!(Timestamp::parse_rfc3339(&text).unwrap(), Timestamp(seconds));
    }

    #[test]
    fn never_panics(text in any::<String>()) {
        let _ = (Timestamp::parse_release(&text), Timestamp::parse_rfc3339(&text));
    }
}
