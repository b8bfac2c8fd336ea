//! Times as documents write them: UTC, to the second or to the microsecond, in one form each.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, NaiveDateTime, SubsecRound, Timelike, Utc};

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

/// Both forms up to the second, digit by digit: chrono's own formatting reads its pattern anew for
/// each time, which shows where a bundle holds dozens.
fn write_to_seconds(time: &DateTime<Utc>, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(
        formatter,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
        time.year(),
        time.month(),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
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
        write_to_seconds(&self.0, formatter)?;
        formatter.write_str("Z")
    }
}

impl fmt::Display for TimestampMicros {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_to_seconds(&self.0, formatter)?;
        write!(formatter, ".{:06}Z", self.0.timestamp_subsec_micros())
    }
}

/// Reads leniently, then demands that writing gives the same text: that excludes every spelling
/// but one.
fn parse_exact<T: fmt::Display>(
    text: &str,
    form: &'static str,
    of: fn(DateTime<Utc>) -> Option<T>,
) -> Result<T, TimeError> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.fZ")
        .ok()
        .and_then(|time| of(time.and_utc()))
        .filter(|time| time.to_string() == text)
        .ok_or_else(|| TimeError {
            form,
            text: text.to_owned(),
        })
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse_exact(text, "YYYY-MM-DDTHH:MM:SSZ", Timestamp::new)
    }
}

impl FromStr for TimestampMicros {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        parse_exact(text, "YYYY-MM-DDTHH:MM:SS.ffffffZ", TimestampMicros::new)
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
