//! The filters `date` and `shift`: pure functions of RFC 3339 text, with the time zone rules that are built in.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Span, Zoned};
use minijinja::Error;
use minijinja::value::Value;

use super::error::to_engine;
use super::value;
use crate::expr::EvalError;

/// The rules as compiled in, never those of the machine: a replay must not depend on where it runs.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// A point in time or a day, as it was written.
enum Moment {
    Time(Zoned),
    Day(Date),
}

/// `time | date('%d.%m.%Y %H:%M', 'Europe/Berlin')`: formats RFC 3339 text or a date, as `strftime` does. Without a
/// zone the text's own offset holds; without a format the result is `2026-01-31`.
pub(super) fn date(input: &Value, format: Option<String>, zone: Option<String>) -> Result<Value, Error> {
    let format = format.as_deref().unwrap_or("%Y-%m-%d");
    let text = match (parse(input)?, zone) {
        (Moment::Day(day), _) => strtime::format(format, day),
        (Moment::Time(time), None) => strtime::format(format, &time),
        (Moment::Time(time), Some(zone)) => {
            let zone = ZONES
                .get(&zone)
                .map_err(|_| failed(format!("there is no time zone `{zone}`")))?;
            strtime::format(format, &time.with_time_zone(zone))
        }
    };
    text.map(Value::from)
        .map_err(|error| failed(format!("`{format}` is no format for this: {error}")))
}

/// `time | shift('-1d')`: RFC 3339 text or a date, moved; the same form comes out.
pub(super) fn shift(input: &Value, by: String) -> Result<Value, Error> {
    let span: Span = by
        .parse()
        .map_err(|_| failed(format!("`{by}` is no duration such as `-1d` or `2h30m`")))?;
    let too_far = |_| failed(format!("the time shifted by `{by}` is out of range"));
    Ok(Value::from(match parse(input)? {
        Moment::Day(day) => day.checked_add(span).map_err(too_far)?.to_string(),
        Moment::Time(time) => {
            let moved = time.checked_add(span).map_err(too_far)?;
            if time.time_zone() == &TimeZone::UTC {
                moved.timestamp().to_string()
            } else {
                strtime::format("%Y-%m-%dT%H:%M:%S%.f%:z", &moved)
                    .map_err(|error| failed(format!("the time cannot be written: {error}")))?
            }
        }
    }))
}

fn parse(input: &Value) -> Result<Moment, Error> {
    let Some(text) = input.as_str() else {
        let message = format!("a time is an RFC 3339 text, not {}", value::describe(input));
        return Err(to_engine(EvalError::new(EvalError::TYPE, message)));
    };
    let wrong = || {
        failed(format!(
            "`{}` is no RFC 3339 time and no date",
            text.chars().take(40).collect::<String>()
        ))
    };
    let pieces = Pieces::parse(text.trim()).map_err(|_| wrong())?;
    let Some(time) = pieces.time() else {
        return Ok(Moment::Day(pieces.date()));
    };
    let offset = pieces.to_numeric_offset().ok_or_else(wrong)?;
    let zone = if offset.is_zero() {
        TimeZone::UTC
    } else {
        TimeZone::fixed(offset)
    };
    let zoned = pieces.date().to_datetime(time).to_zoned(zone).map_err(|_| wrong())?;
    Ok(Moment::Time(zoned))
}

fn failed(message: String) -> Error {
    to_engine(EvalError::new(EvalError::FAILED, message))
}
