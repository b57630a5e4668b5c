//! Cron schedules in a time zone (rule 39): which instants they mean.
//!
//! The schedule is read on the wall clock, and each local time that fits it means one instant. One that the clock skips
//! means the next that there is; one that it repeats means the first of the two.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{ToSpan, Zoned};

use super::{Name, Timestamp};

/// The time zone of a schedule that names none.
const DEFAULT_ZONE: &str = "UTC";

/// A cron schedule of five fields in a time zone.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: Name,
    zone_name: Name,
    cron: Cron,
    zone: TimeZone,
}

/// Why a text is no schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// It is not written as one.
    #[error("{0}")]
    Unreadable(String),
    /// No day is like that.
    #[error("`{0}` never comes: there is no such day")]
    Never(String),
    /// No time zone has that name.
    #[error("`{0}` is not the name of a time zone")]
    UnknownZone(String),
}

impl Schedule {
    /// A schedule such as `0 2 * * 1-5`, in a time zone by its IANA name; by default in UTC.
    ///
    /// # Errors
    ///
    /// [`ScheduleError`].
    ///
    /// ```
    /// use interpret::graph::{Schedule, parse_instant};
    /// let schedule = Schedule::new("30 2 * * *", Some("Europe/Berlin")).unwrap();
    /// let next = schedule.after(parse_instant("2026-07-01T00:00:00Z").unwrap());
    /// assert_eq!(next, parse_instant("2026-07-01T00:30:00Z"));
    /// ```
    pub fn new(text: &str, zone: Option<&str>) -> Result<Schedule, ScheduleError> {
        check_fields(text).map_err(ScheduleError::Unreadable)?;
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(text)
            .map_err(|error| ScheduleError::Unreadable(format!("`{text}` is not a schedule: {error}")))?;
        let zone_name = zone.unwrap_or(DEFAULT_ZONE);
        let unknown = |_| ScheduleError::UnknownZone(zone_name.to_owned());
        let schedule = Schedule {
            text: text.into(),
            zone_name: zone_name.into(),
            cron,
            zone: jiff::tz::db().get(zone_name).map_err(unknown)?,
        };
        match schedule.after(Timestamp(0)) {
            Some(_) => Ok(schedule),
            None => Err(ScheduleError::Never(text.to_owned())),
        }
    }

    /// The schedule as written.
    pub fn text(&self) -> &Name {
        &self.text
    }

    /// The name of its time zone.
    pub fn zone(&self) -> &Name {
        &self.zone_name
    }

    /// An instant as its time zone shows it.
    pub fn local(&self, instant: Timestamp) -> Option<String> {
        let instant = jiff::Timestamp::from_millisecond(instant.0).ok()?;
        Some(
            instant
                .to_zoned(self.zone.clone())
                .strftime("%a %Y-%m-%d %H:%M %Z")
                .to_string(),
        )
    }

    /// The first instant that it means after another one; `None` if there is none within the years that are counted.
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let from = jiff::Timestamp::from_millisecond(instant.0).ok()?;
        let mut local = from.to_zoned(self.zone.clone()).datetime();
        // Where the clock repeats an hour, the local times that follow may mean instants that have passed.
        loop {
            local = self.local_after(local)?;
            let meant = self.meant(local)?;
            if meant > instant {
                return Some(meant);
            }
        }
    }

    /// All instants that it means, from behind one up to another.
    pub fn between(&self, after: Timestamp, until: Timestamp) -> impl Iterator<Item = Timestamp> {
        std::iter::successors(self.after(after), |last| self.after(*last)).take_while(move |at| *at <= until)
    }

    /// The next local time that fits, on a clock that neither skips nor repeats anything.
    fn local_after(&self, local: DateTime) -> Option<DateTime> {
        let even: Zoned = local.to_zoned(TimeZone::UTC).ok()?;
        let found = self.cron.find_next_occurrence(&even, false).ok()?;
        Some(found.datetime())
    }

    /// The instant that a local time means.
    fn meant(&self, local: DateTime) -> Option<Timestamp> {
        let ambiguous = self.zone.to_ambiguous_timestamp(local);
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok()?,
            AmbiguousOffset::Gap { before, .. } => {
                // With the offset of before it lies behind the change, by as much as it lies within the gap.
                let within = before.to_timestamp(local).ok()?;
                let change = self.zone.preceding(within.checked_add(1.nanosecond()).ok()?).next()?;
                next_minute(change.timestamp())
            }
        };
        Some(Timestamp(instant.as_millisecond()))
    }
}

/// Clocks have changed at odd seconds.
fn next_minute(instant: jiff::Timestamp) -> jiff::Timestamp {
    let over = instant.as_second().rem_euclid(60);
    let wait = if over == 0 { 0 } else { 60 - over };
    instant.checked_add(wait.seconds()).unwrap_or(instant)
}

/// The names of all time zones.
pub fn time_zones() -> Vec<String> {
    jiff::tz::db().available().map(|zone| zone.to_string()).collect()
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Checks the five fields each by itself, to say which is wrong, and admits only what every cron understands.
fn check_fields(text: &str) -> Result<(), String> {
    let parts: Vec<&str> = text.split_whitespace().collect();
    let fields: [(&str, u32, u32, &[&str]); 5] = [
        ("minute", 0, 59, &[]),
        ("hour", 0, 23, &[]),
        ("day of the month", 1, 31, &[]),
        ("month", 1, 12, &MONTHS),
        ("day of the week", 0, 7, &DAYS),
    ];
    if parts.len() != fields.len() {
        return Err(format!("a schedule has 5 fields, and `{text}` has {}", parts.len()));
    }
    for (part, (what, least, most, names)) in parts.iter().zip(fields) {
        if !part.split(',').all(|item| is_item(item, least, most, names)) {
            return Err(format!("`{part}` is not a {what} ({least} to {most})"));
        }
    }
    Ok(())
}

/// `*`, `5`, `1-5`, the last two perhaps with `/step`.
fn is_item(item: &str, least: u32, most: u32, names: &[&str]) -> bool {
    let number = |text: &str| {
        let position = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match position {
            // Names count from the least number of their field.
            Some(position) => Some(position as u32 + least),
            None if digits => text.parse().ok().filter(|number| (least..=most).contains(number)),
            None => None,
        }
    };
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, step.parse::<u32>().is_ok_and(|step| (1..=most).contains(&step))),
        None => (item, true),
    };
    let stepped = item.contains('/');
    let range = match range.split_once('-') {
        _ if range == "*" => true,
        Some((first, last)) => matches!((number(first), number(last)), (Some(first), Some(last)) if first <= last),
        // `5/15` means different things to different crons.
        None => number(range).is_some() && !stepped,
    };
    range && step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::parse_instant;

    fn at(text: &str) -> Timestamp {
        parse_instant(text).unwrap()
    }

    /// The next instants of a schedule in Berlin.
    fn berlin(schedule: &str, after: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::new(schedule, Some("Europe/Berlin")).unwrap();
        let next = |from: &Timestamp| schedule.after(*from);
        let all = std::iter::successors(next(&at(after)), next);
        let local = all.take(count).map(|at| schedule.local(at).unwrap());
        local.map(|text| text.split_once(' ').unwrap().1.to_owned()).collect()
    }

    #[test]
    fn rule_39_schedules_have_five_fields() {
        for good in [
            "0 2 * * 1-5",
            "*/15 0-6,22 1 jan-mar MON",
            "59 23 31 12 7",
            "0 0 1-7/2 * *",
            "0 0 29 2 *",
        ] {
            assert!(Schedule::new(good, None).is_ok(), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "a * * * *",
            "-1 * * * *",
            "+1 * * * *",
            "* * L * *",
            "0 0 * * 5#2",
            "@daily",
            "5/15 * * * *",
        ] {
            let refused = Schedule::new(bad, None);
            assert!(
                matches!(refused, Err(ScheduleError::Unreadable(_))),
                "{bad}: {refused:?}"
            );
        }
        for never in ["0 0 30 2 *", "0 0 31 4,6,9,11 *"] {
            assert!(
                matches!(Schedule::new(never, None), Err(ScheduleError::Never(_))),
                "{never}"
            );
        }
        assert!(matches!(
            Schedule::new("* * * * *", Some("Europe/Berln")),
            Err(ScheduleError::UnknownZone(_))
        ));
    }

    #[test]
    fn rule_39_a_skipped_time_fires_at_the_next_valid_minute() {
        // On 2026-03-29 the clocks in Berlin go from 02:00 to 03:00.
        assert_eq!(
            berlin("30 2 * * *", "2026-03-27T12:00:00Z", 3),
            ["2026-03-28 02:30 CET", "2026-03-29 03:00 CEST", "2026-03-30 02:30 CEST"]
        );
        assert_eq!(
            berlin("*/20 * * * *", "2026-03-29T00:30:00Z", 4),
            [
                "2026-03-29 01:40 CET",
                "2026-03-29 03:00 CEST",
                "2026-03-29 03:20 CEST",
                "2026-03-29 03:40 CEST"
            ]
        );
        // Also when somebody looks from the last moment before.
        assert_eq!(
            berlin("59 2 * * *", "2026-03-29T00:59:59Z", 1),
            ["2026-03-29 03:00 CEST"]
        );
    }

    #[test]
    fn rule_39_a_repeated_time_fires_once() {
        // On 2026-10-25 the clocks in Berlin go from 03:00 back to 02:00.
        assert_eq!(
            berlin("30 2 * * *", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25 02:30 CEST", "2026-10-26 02:30 CET"]
        );
        assert_eq!(
            berlin("*/30 * * * *", "2026-10-24T23:45:00Z", 4),
            [
                "2026-10-25 02:00 CEST",
                "2026-10-25 02:30 CEST",
                "2026-10-25 03:00 CET",
                "2026-10-25 03:30 CET"
            ]
        );
        // Also when somebody looks from within the second of the two hours.
        assert_eq!(
            berlin("45 2 * * *", "2026-10-25T01:15:00Z", 1),
            ["2026-10-26 02:45 CET"]
        );
    }

    #[test]
    fn days_are_those_of_the_month_or_of_the_week() {
        let days = berlin("0 0 13 * 5", "2026-03-01T00:00:00Z", 5);
        let days: Vec<&str> = days.iter().map(|day| &day[..10]).collect();
        assert_eq!(
            days,
            ["2026-03-06", "2026-03-13", "2026-03-20", "2026-03-27", "2026-04-03"]
        );
    }

    #[test]
    fn instants_follow_each_other_over_years() {
        // A zone whose clock changes by half an hour, one that skipped a day, one without changes.
        for zone in [
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Asia/Kolkata",
            "America/New_York",
        ] {
            let schedule = Schedule::new("7 */5 * * *", Some(zone)).unwrap();
            let (from, until) = (at("2011-01-01T00:00:00Z"), at("2012-12-31T00:00:00Z"));
            let all: Vec<Timestamp> = schedule.between(from, until).collect();
            assert!(all.is_sorted_by(|a, b| a < b), "{zone}");
            assert!(all.len() > 700 * 5, "{zone}: {}", all.len());
            // From wherever one looks, the next is the same.
            for (place, window) in all.windows(2).enumerate().step_by(97) {
                let middle = Timestamp(i64::midpoint(window[0].0, window[1].0));
                assert_eq!(schedule.after(middle), Some(window[1]), "{zone} {place}");
            }
        }
    }
}
