//! Times as documents write them: UTC, to the second or to the microsecond, in one form each.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDate, SubsecRound, Timelike, Utc};

/// A UTC time in whole seconds, `YYYY-MM-DDTHH:MM:SSZ` (SPEC 2, 5, 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

/// A UTC time in microseconds, `YYYY-MM-DDTHH:MM:SS.ffffffZ` (SPEC 4, 5, 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimestampMicros(DateTime<Utc>);

/// The text is not a time of the form that its place asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time here has the form {form}, which `{text}` has not")]
pub struct TimeError {
    form: &'static str,
    text: String,
}

/// Years outside four digits have no form in documents.
fn has_form(time: DateTime<Utc>) -> bool {
    (1..=9999).contains(&time.year()) && time.nanosecond() < 1_000_000_000
}

impl Timestamp {
    /// `time` cut to the second; `None` outside the years 1 to 9999 or in a leap second.
    pub fn new(time: DateTime<Utc>) -> Option<Self> {
        has_form(time).then(|| Timestamp(time.trunc_subsecs(0)))
    }

    /// Seconds since 1970 began; `None` outside the years 1 to 9999.
    pub fn from_unix(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0).and_then(Self::new)
    }

    /// Seconds since 1970 began.
    pub fn unix(self) -> i64 {
        self.0.timestamp()
    }

    /// The calendar year, in UTC.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).expect("years are 1 to 9999")
    }
}

impl TimestampMicros {
    /// `time` cut to the microsecond; `None` outside the years 1 to 9999 or in a leap second.
    pub fn new(time: DateTime<Utc>) -> Option<Self> {
        has_form(time).then(|| TimestampMicros(time.trunc_subsecs(6)))
    }

    /// Microseconds since 1970 began; `None` outside the years 1 to 9999.
    pub fn from_unix_micros(micros: i64) -> Option<Self> {
        DateTime::from_timestamp_micros(micros).and_then(Self::new)
    }

    /// Microseconds since 1970 began.
    pub fn unix_micros(self) -> i64 {
        self.0.timestamp_micros()
    }

    /// This time cut to the second.
    pub fn seconds(self) -> Timestamp {
        Timestamp(self.0.trunc_subsecs(0))
    }
}

impl From<Timestamp> for TimestampMicros {
    fn from(time: Timestamp) -> Self {
        TimestampMicros(time.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(text_of(&self.0, &mut SECONDS.clone()))
    }
}

impl fmt::Display for TimestampMicros {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(text_of(&self.0, &mut MICROS.clone()))
    }
}

const SECONDS: [u8; 20] = *b"0000-00-00T00:00:00Z";

const MICROS: [u8; 27] = *b"0000-00-00T00:00:00.000000Z";

/// Fills in the digits of one of the two forms. By hand, because chrono interprets a pattern anew
/// for each time, which shows where a bundle holds dozens.
fn text_of<'a>(time: &DateTime<Utc>, form: &'a mut [u8]) -> &'a str {
    let with_micros = form.len() == MICROS.len();
    let mut put = |digits: Range<usize>, mut number: u32| {
        for digit in form[digits].iter_mut().rev() {
            *digit = b'0' + (number % 10) as u8;
            number /= 10;
        }
    };
    put(0..4, time.year().unsigned_abs());
    put(5..7, time.month());
    put(8..10, time.day());
    put(11..13, time.hour());
    put(14..16, time.minute());
    put(17..19, time.second());
    if with_micros {
        put(20..26, time.timestamp_subsec_micros());
    }
    std::str::from_utf8(form).expect("digits are ASCII")
}

/// Reads leniently, then demands that writing gives the same text: that excludes every spelling
/// but one.
fn parse_exact<const LENGTH: usize>(
    text: &str,
    mut form: [u8; LENGTH],
    name: &'static str,
) -> Result<DateTime<Utc>, TimeError> {
    let number = |digits: Range<usize>| {
        let mut digits = text.get(digits)?.chars();
        digits.try_fold(0, |number: u32, c| Some(number * 10 + c.to_digit(10)?))
    };
    let read = || {
        let date = (number(0..4)?, number(5..7)?, number(8..10)?);
        let time = (number(11..13)?, number(14..16)?, number(17..19)?);
        let micros = if LENGTH == MICROS.len() {
            number(20..26)?
        } else {
            0
        };
        NaiveDate::from_ymd_opt(date.0.cast_signed(), date.1, date.2)?
            .and_hms_micro_opt(time.0, time.1, time.2, micros)
    };
    read()
        .map(|time| time.and_utc())
        .filter(|time| has_form(*time) && text_of(time, &mut form) == text)
        .ok_or_else(|| TimeError {
            form: name,
            text: text.to_owned(),
        })
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse_exact(text, SECONDS, "YYYY-MM-DDTHH:MM:SSZ").map(Timestamp)
    }
}

impl FromStr for TimestampMicros {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse_exact(text, MICROS, "YYYY-MM-DDTHH:MM:SS.ffffffZ").map(TimestampMicros)
    }
}

crate::text::string_form!(Timestamp);
crate::text::string_form!(TimestampMicros);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_have_one_form() {
        let time: Timestamp = "2017-06-07T21:01:15Z".parse().unwrap();
        assert_eq!(time.to_string(), "2017-06-07T21:01:15Z");
        assert_eq!(time.year(), 2017);
        for other in [
            "2017-06-07 21:01:15Z",
            "2017-6-07T21:01:15Z",
            "2017-06-07T21:01:15",
            "2017-06-07T21:01:15.0Z",
            "2017-06-07T21:01:15+00:00",
            "2017-06-07T21:01:15z",
            "2017-02-29T21:01:15Z",
            "2017-06-07T24:00:00Z",
            "2016-12-31T23:59:60Z",
            "+2017-06-07T21:01:15Z",
            "02017-06-07T21:01:15Z",
            " 2017-06-07T21:01:15Z",
            "0000-06-07T21:01:15Z",
        ] {
            assert!(other.parse::<Timestamp>().is_err(), "{other}");
        }
    }

    #[test]
    fn micros_have_one_form() {
        let time: TimestampMicros = "2026-05-18T00:30:44.452550Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-05-18T00:30:44.452550Z");
        assert_eq!(time.seconds().to_string(), "2026-05-18T00:30:44Z");
        let back = TimestampMicros::from_unix_micros(time.unix_micros());
        assert_eq!(back, Some(time));
        for other in [
            "2026-05-18T00:30:44Z",
            "2026-05-18T00:30:44.45255Z",
            "2026-05-18T00:30:44.4525500Z",
            "2026-05-18T00:30:44,452550Z",
            "2026-05-18T00:30:60.000000Z",
        ] {
            assert!(other.parse::<TimestampMicros>().is_err(), "{other}");
        }
    }
}
