//! Dates and times as ticks of 100 ns since the first of January of the year 1, as on a clock on the wall.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;

use super::error::{Eval, Failure};

pub(super) const MILLISECOND: i64 = 10_000;
pub(super) const SECOND: i64 = 1_000 * MILLISECOND;
pub(super) const MINUTE: i64 = 60 * SECOND;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;

/// Midnight of 30 December 1899, from which dates count as numbers.
pub(super) const EPOCH: i64 = 693_593 * DAY;
/// The first of January 1970.
const UNIX: i64 = 719_162 * DAY;
/// The last tick of the year 9999.
pub(super) const LAST: i64 = 3_652_059 * DAY - 1;

/// A date and time in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parts {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    pub hour: i64,
    pub minute: i64,
    pub second: i64,
    pub millisecond: i64,
}

/// The days from the first day of the year 1 to that of a year and month, which may be beyond 12 or below 1.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    let months = year * 12 + month - 1;
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    // Years that begin in March have their leap day at the end.
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * year + leaps + (153 * month + 2) / 5 + day - 1 - 306
}

/// Ticks of a date, if the calendar has it.
pub(super) fn date(year: i64, month: i64, day: i64) -> Eval<i64> {
    let outside = || Failure::invalid("the date is not between the years 1 and 9999");
    if year.abs() > 100_000 || month.abs() > 1_000_000 || day.abs() > 10_000_000 {
        return Err(outside());
    }
    in_range(days(year, month, day) * DAY).ok_or_else(outside)
}

pub(super) fn in_range(ticks: i64) -> Option<i64> {
    (0..=LAST).contains(&ticks).then_some(ticks)
}

pub(super) fn parts(ticks: i64) -> Parts {
    let (year, month, day) = civil(ticks.div_euclid(DAY));
    let time = ticks.rem_euclid(DAY);
    Parts {
        year,
        month,
        day,
        hour: time / HOUR,
        minute: time % HOUR / MINUTE,
        second: time % MINUTE / SECOND,
        millisecond: time % SECOND / MILLISECOND,
    }
}

fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 306;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400;
    match month < 10 {
        true => (year, month + 3, day),
        false => (year + 1, month - 9, day),
    }
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    days(year, month + 1, 1) - days(year, month, 1)
}

/// The day of the week, Sunday is 0.
pub(super) fn weekday(ticks: i64) -> i64 {
    (ticks.div_euclid(DAY) + 1).rem_euclid(7)
}

/// A date so many months later; the last day of a month stays in the month.
pub(super) fn add_months(ticks: i64, months: i64) -> Option<i64> {
    let at = parts(ticks);
    let count = (at.year * 12 + at.month - 1)
        .checked_add(months)
        .filter(|count| (12..120_000).contains(count))?;
    let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
    let day = at.day.min(days_in_month(year, month));
    in_range(days(year, month, day) * DAY + ticks.rem_euclid(DAY))
}

/// Days since the end of 1899, as spreadsheets count.
pub(super) fn to_serial(ticks: i64) -> f64 {
    (ticks - EPOCH) as f64 / DAY as f64
}

/// The ticks of a number of days.
pub(super) fn from_days(days: f64) -> Eval<i64> {
    let ticks = days * DAY as f64;
    match ticks.abs() < 9e18 {
        true => Ok(ticks.round() as i64),
        false => Err(Failure::invalid("the number is too large for a date")),
    }
}

pub(super) fn from_serial(days: f64) -> Eval<i64> {
    let outside = || Failure::invalid("the date is not between the years 1 and 9999");
    from_days(days)?
        .checked_add(EPOCH)
        .and_then(in_range)
        .ok_or_else(outside)
}

/// The ticks of an instant on a clock in a time zone.
pub(super) fn local(instant: Timestamp, zone: &TimeZone) -> i64 {
    let offset = i64::from(zone.to_offset(instant).seconds()) * SECOND;
    instant.as_nanosecond().div_euclid(100) as i64 + UNIX + offset
}

/// The offset from universal time at a local time, in seconds.
pub(super) fn offset(ticks: i64, zone: &TimeZone) -> i64 {
    let at = parts(ticks);
    let civil = civil::DateTime::new(
        at.year as i16,
        at.month as i8,
        at.day as i8,
        at.hour as i8,
        at.minute as i8,
        at.second as i8,
        0,
    );
    let Ok(civil) = civil else { return 0 };
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    // A time that the clock skips or shows twice counts in standard time.
    match ambiguous.offset() {
        jiff::tz::AmbiguousOffset::Unambiguous { offset } => i64::from(offset.seconds()),
        jiff::tz::AmbiguousOffset::Gap { before, .. } => i64::from(before.seconds()),
        jiff::tz::AmbiguousOffset::Fold { after, .. } => i64::from(after.seconds()),
    }
}

/// The local time, or the one that the clock shows instead where it skips that.
pub(super) fn existing(ticks: i64, zone: &TimeZone) -> i64 {
    match zone.to_fixed_offset().is_ok() {
        true => ticks,
        false => from_utc(to_utc(ticks, zone), zone),
    }
}

/// Local ticks as ticks of universal time.
pub(super) fn to_utc(ticks: i64, zone: &TimeZone) -> i64 {
    ticks - offset(ticks, zone) * SECOND
}

/// Ticks of universal time as local ones.
pub(super) fn from_utc(ticks: i64, zone: &TimeZone) -> i64 {
    let seconds = (ticks - UNIX).div_euclid(SECOND);
    let offset = Timestamp::from_second(seconds).map_or(0, |instant| zone.to_offset(instant).seconds());
    ticks + i64::from(offset) * SECOND
}
