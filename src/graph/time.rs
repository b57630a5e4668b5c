//! Durations and deadlines as authors write them (rule 9, rule 26).

use crate::expr::Build;

/// A number of milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Millis(pub u64);

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment a duration later; stays at the end of time instead of overflowing.
    pub fn after(self, duration: Millis) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(duration.0).unwrap_or(i64::MAX)))
    }

    /// How long it is from `earlier` to here; zero if it is not earlier.
    pub fn since(self, earlier: Timestamp) -> Millis {
        Millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// As RFC 3339 text in UTC with milliseconds.
    pub fn to_rfc3339(self) -> String {
        let (day, time) = (self.0.div_euclid(A_DAY), self.0.rem_euclid(A_DAY));
        match day {
            // Whoever answers a request writes several of these.
            FIRST_DAY..=LAST_DAY => common(day, time),
            _ => match jiff::Timestamp::from_millisecond(self.0) {
                Ok(instant) => format!("{instant:.3}"),
                // Only moments outside the years -9999 to 9999 come here.
                Err(_) => format!("{}ms", self.0),
            },
        }
    }
}

/// Milliseconds.
const A_DAY: i64 = 24 * 60 * 60 * 1000;
/// The first day of the year 0 and the last of the year 9999, counted from 1970.
const FIRST_DAY: i64 = -719_528;
const LAST_DAY: i64 = 2_932_896;

/// A moment of a common year, by its day since 1970 and the milliseconds in it.
///
/// Years are counted from March, so that the day that comes and goes is the last of its year, in eras of 400 years, which
/// are all alike.
fn common(day: i64, time: i64) -> String {
    let day = day + 719_468;
    let (era, day) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = match month {
        0..10 => (era * 400 + year, month + 3),
        _ => (era * 400 + year + 1, month - 9),
    };
    let mut text = String::with_capacity("0000-00-00T00:00:00.000Z".len());
    let mut put = |number: i64, digits: u32, behind: char| {
        for place in (0..digits).rev() {
            // One digit.
            text.push(char::from(b'0' + (number / 10_i64.pow(place) % 10) as u8));
        }
        text.push(behind);
    };
    put(year, 4, '-');
    put(month, 2, '-');
    put(day, 2, 'T');
    put(time / 3_600_000, 2, ':');
    put(time / 60_000 % 60, 2, ':');
    put(time / 1000 % 60, 2, '.');
    put(time % 1000, 3, 'Z');
    text
}

/// When something is over: a duration, or an instant.
#[derive(Clone, Debug)]
pub enum Timing {
    /// After a fixed duration.
    For(Millis),
    /// At an instant.
    At(Timestamp),
    /// What an expression gives when it starts: a text with a duration or an RFC 3339 instant.
    Computed(Build),
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit.
    #[error("`{0}` has no unit; write for example `{0}s` or `{0}ms`")]
    NoUnit(String),
    /// Not a duration at all.
    #[error("`{0}` is not a duration; write for example `500ms`, `30s`, `1h30m`, `2d` or `PT30S`")]
    NotADuration(String),
    /// Longer than the interpreter counts.
    #[error("`{0}` is longer than 1000 years")]
    TooLong(String),
}

/// The longest duration: a thousand years.
const LONGEST: f64 = 1000.0 * 365.25 * DAY;
const DAY: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// Reads a duration: `500ms`, `30s`, `1h30m`, `2d`, `1.5s`, or ISO 8601 such as `PT30S`; `0` needs no unit.
///
/// # Errors
///
/// [`DurationError`] says what is wrong and what to write instead.
///
/// ```
/// use interpret::graph::{Millis, parse_duration};
/// assert_eq!(parse_duration("1h30m"), Ok(Millis(5_400_000)));
/// assert_eq!(parse_duration("PT1.5S"), Ok(Millis(1_500)));
/// assert!(parse_duration("30").is_err());
/// ```
pub fn parse_duration(text: &str) -> Result<Millis, DurationError> {
    let written = text.trim();
    let wrong = || DurationError::NotADuration(shorten(written));
    if written == "0" {
        return Ok(Millis(0));
    }
    if !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(DurationError::NoUnit(shorten(written)));
    }
    let milliseconds = match written.strip_prefix(['P', 'p']) {
        Some(iso) => parse_iso(iso).ok_or_else(wrong)?,
        None => parse_units(
            written,
            &[
                ("ms", 1.0),
                ("s", 1e3),
                ("m", 6e4),
                ("h", 3.6e6),
                ("d", DAY),
                ("w", 7.0 * DAY),
            ],
        )
        .ok_or_else(wrong)?,
    };
    if milliseconds > LONGEST {
        return Err(DurationError::TooLong(shorten(written)));
    }
    Ok(Millis(milliseconds.round() as u64))
}

fn parse_iso(text: &str) -> Option<f64> {
    let upper = text.to_ascii_uppercase();
    let (date, time) = match upper.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (upper.as_str(), ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let days = if date.is_empty() {
        0.0
    } else {
        parse_units(date, &[("W", 7.0 * DAY), ("D", DAY)])?
    };
    let rest = if time.is_empty() {
        0.0
    } else {
        parse_units(time, &[("H", 3.6e6), ("M", 6e4), ("S", 1e3)])?
    };
    Some(days + rest)
}

/// Numbers, each with one of the units; a unit may stand once.
fn parse_units(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let mut rest = text;
    let mut seen = vec![false; units.len()];
    let mut sum = 0.0;
    while !rest.is_empty() {
        let digits = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_digit() || *byte == b'.')
            .count();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, behind) = behind.split_at(letters);
        let at = units.iter().position(|(name, _)| *name == unit)?;
        if std::mem::replace(&mut seen[at], true) || !number.starts_with(|first: char| first.is_ascii_digit()) {
            return None;
        }
        sum += number.parse::<f64>().ok()? * units[at].1;
        rest = behind;
    }
    (!text.is_empty()).then_some(sum)
}

fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text.to_owned(),
    }
}

/// Reads an RFC 3339 instant such as `2026-12-01T09:00:00Z`.
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    let instant: jiff::Timestamp = text.trim().parse().ok()?;
    Some(Timestamp(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_09_durations_have_units_and_iso_8601_works() {
        let good = [
            ("500ms", 500),
            ("30s", 30_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1.5s", 1_500),
            ("0", 0),
            ("PT30S", 30_000),
            ("P1DT2H", 93_600_000),
            ("P2W", 1_209_600_000),
            ("1w", 604_800_000),
        ];
        for (text, expected) in good {
            assert_eq!(parse_duration(text), Ok(Millis(expected)), "{text}");
        }
        for text in [
            "",
            "s",
            "5x",
            "1s1s",
            "-5s",
            "P",
            "PT",
            "1..5s",
            "5 s",
            "1e9s",
            "999999999999d",
            "P1Y",
        ] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
        assert_eq!(parse_duration("30"), Err(DurationError::NoUnit("30".into())));
    }

    #[test]
    fn instants_are_rfc_3339() {
        assert_eq!(parse_instant("1970-01-01T00:00:01Z"), Some(Timestamp(1_000)));
        assert_eq!(parse_instant("1970-01-01T01:00:01+01:00"), Some(Timestamp(1_000)));
        assert_eq!(parse_instant("48h"), None);
        assert_eq!(Timestamp(1_500).to_rfc3339(), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn every_day_is_written_as_the_calendar_has_it() {
        for day in FIRST_DAY - 400..=LAST_DAY + 400 {
            let moment = Timestamp(day * A_DAY + day.rem_euclid(A_DAY));
            if let Ok(instant) = jiff::Timestamp::from_millisecond(moment.0) {
                assert_eq!(moment.to_rfc3339(), format!("{instant:.3}"));
            }
        }
        assert_eq!(Timestamp(i64::MAX).to_rfc3339(), "9223372036854775807ms");
    }
}
