//! Texts that people write for dates and times, in the order of their language, and those of JSON.

use super::datetime::{self, DAY, HOUR, MINUTE, SECOND};
use super::error::{Eval, Failure};
use super::eval::Cx;
use super::locale::Locale;

/// A piece of a text of a date.
#[derive(Clone, Debug, PartialEq)]
enum Piece<'a> {
    /// A number and how many digits it has.
    Number(i64, usize, &'a str),
    Word(&'a str),
    Sign(char),
}

/// What a text says of a date and a time.
#[derive(Debug, Default)]
struct Found {
    date: Option<i64>,
    time: Option<i64>,
    /// The offset from universal time in seconds.
    offset: Option<i64>,
}

/// The local ticks of a text with a date, maybe a time; nothing for an empty one.
pub(super) fn date_time(text: &str, cx: &Cx<'_>) -> Eval<Option<i64>> {
    date_time_in(text, cx, cx.locale)
}

pub(super) fn date_time_in(text: &str, cx: &Cx<'_>, locale: &Locale) -> Eval<Option<i64>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = || Failure::invalid(format!("`{text}` is not a date"));
    let found = read(text, locale).ok_or_else(invalid)?;
    let date = match found.date {
        Some(date) => date,
        // A time alone is one of the day that dates count from.
        None => datetime::EPOCH,
    };
    let ticks = date + found.time.unwrap_or(0);
    let ticks = match found.offset {
        Some(offset) => datetime::from_utc(ticks - offset * SECOND, cx.zone()),
        None => ticks,
    };
    datetime::in_range(ticks).map(Some).ok_or_else(invalid)
}

/// The ticks of the time of a text; nothing for an empty one.
pub(super) fn time(text: &str, cx: &Cx<'_>) -> Eval<Option<i64>> {
    time_in(text, cx.locale)
}

pub(super) fn time_in(text: &str, locale: &Locale) -> Eval<Option<i64>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let found = read(text, locale).filter(|found| found.date.is_some() || found.time.is_some());
    found
        .map(|found| Some(found.time.unwrap_or(0)))
        .ok_or_else(|| Failure::invalid(format!("`{text}` is not a time")))
}

/// A date, or a date and time, as JSON has it: ISO 8601.
pub(super) fn json(text: &str, cx: &Cx<'_>) -> Option<i64> {
    let found = iso(text)?;
    let ticks = found.date? + found.time.unwrap_or(0);
    datetime::in_range(match found.offset {
        Some(offset) => datetime::from_utc(ticks - offset * SECOND, cx.zone()),
        None => ticks,
    })
}

/// A time as JSON has it: `hh:mm:ss.fff`.
pub(super) fn json_time(text: &str) -> Option<i64> {
    let mut rest = Digits(text);
    let time = rest.clock()?;
    rest.0.is_empty().then_some(time)
}

struct Digits<'a>(&'a str);

impl Digits<'_> {
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| number.parse().ok())?
    }

    fn sign(&mut self, sign: char) -> Option<()> {
        self.0 = self.0.strip_prefix(sign)?;
        Some(())
    }

    /// `hh:mm`, with seconds and a fraction if there are.
    fn clock(&mut self) -> Option<i64> {
        let hour = self.number(2)?;
        self.sign(':')?;
        let minute = self.number(2)?;
        let mut ticks = hour * HOUR + minute * MINUTE;
        let mut second = 0;
        if self.sign(':').is_some() {
            second = self.number(2)?;
            ticks += second * SECOND;
            if self.sign('.').is_some() {
                let end = self.0.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.0.len());
                let (digits, rest) = self.0.split_at(end);
                self.0 = rest;
                ticks += fraction(digits)?;
            }
        }
        (hour < 24 && minute < 60 && second < 60).then_some(ticks)
    }
}

/// The ticks of the digits behind the point of a second.
fn fraction(digits: &str) -> Option<i64> {
    let padded = format!("{digits:0<7}");
    (!digits.is_empty()).then(|| padded[..7].parse().ok())?
}

fn iso(text: &str) -> Option<Found> {
    let mut rest = Digits(text);
    let year = rest.number(4)?;
    rest.sign('-')?;
    let month = rest.number(2)?;
    rest.sign('-')?;
    let day = rest.number(2)?;
    let mut found = Found {
        date: Some(calendar(year, month, day)?),
        ..Found::default()
    };
    if rest.0.is_empty() {
        return Some(found);
    }
    if rest.sign('T').is_none() {
        rest.sign(' ')?;
    }
    found.time = Some(rest.clock()?);
    found.offset = match rest.0.chars().next() {
        None => None,
        Some('Z' | 'z') => {
            rest.0 = &rest.0[1..];
            Some(0)
        }
        Some(sign @ ('+' | '-')) => {
            rest.0 = &rest.0[1..];
            let hours = rest.number(2)?;
            let _ = rest.sign(':');
            let minutes = if rest.0.is_empty() { 0 } else { rest.number(2)? };
            let seconds = hours * 3_600 + minutes * 60;
            Some(if sign == '-' { -seconds } else { seconds })
        }
        Some(_) => return None,
    };
    rest.0.is_empty().then_some(found)
}

/// The ticks of a day that the calendar has.
fn calendar(year: i64, month: i64, day: i64) -> Option<i64> {
    let fits = (1..=9999).contains(&year) && (1..=12).contains(&month);
    let fits = fits && (1..=datetime::days_in_month(year, month)).contains(&day);
    fits.then(|| datetime::days(year, month, day) * DAY)
}

fn read(text: &str, locale: &Locale) -> Option<Found> {
    if let Some(found) = iso(text) {
        return Some(found);
    }
    let pieces = pieces(text)?;
    let mut found = Found::default();
    let mut rest = Vec::new();
    let mut at = 0;
    while at < pieces.len() {
        match clock(&pieces[at..], locale) {
            Some((time, offset, used)) if found.time.is_none() => {
                found.time = Some(time);
                found.offset = offset;
                at += used;
            }
            _ => {
                rest.push(pieces[at].clone());
                at += 1;
            }
        }
    }
    found.date = match rest.is_empty() {
        true => None,
        false => Some(date(&rest, locale)?),
    };
    (found.date.is_some() || found.time.is_some()).then_some(found)
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = |same: fn(char) -> bool| rest.find(|c: char| !same(c)).unwrap_or(rest.len());
        let length = if c.is_ascii_digit() {
            let length = end(|c| c.is_ascii_digit());
            let digits = &rest[..length];
            pieces.push(Piece::Number(digits.parse().ok()?, length, digits));
            length
        } else if c.is_alphabetic() {
            let length = end(char::is_alphabetic);
            pieces.push(Piece::Word(&rest[..length]));
            length
        } else {
            if !c.is_whitespace() {
                pieces.push(Piece::Sign(c));
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    Some(pieces)
}

/// A time at the beginning of the pieces: its ticks, its offset from universal time, and how many pieces it takes.
fn clock(pieces: &[Piece<'_>], locale: &Locale) -> Option<(i64, Option<i64>, usize)> {
    let Piece::Number(hour, ..) = pieces.first()? else {
        return None;
    };
    let mut hour = *hour;
    let mut at = 1;
    let mut ticks = 0;
    let colon = |at: usize| pieces.get(at) == Some(&Piece::Sign(':'));
    let clock = colon(1);
    if clock {
        let Piece::Number(minute, ..) = pieces.get(2)? else {
            return None;
        };
        let mut second = 0;
        at = 3;
        if colon(3) {
            let Piece::Number(found, ..) = pieces.get(4)? else {
                return None;
            };
            second = *found;
            at = 5;
            if let (Some(Piece::Sign('.' | ':')), Some(Piece::Number(_, _, digits))) = (pieces.get(5), pieces.get(6)) {
                ticks += fraction(digits)?;
                at = 7;
            }
        }
        if *minute > 59 || second > 59 {
            return None;
        }
        ticks += minute * MINUTE + second * SECOND;
    }
    let half = match pieces.get(at) {
        Some(Piece::Word(word)) => {
            let is = |half: &str| {
                let letters: String = half.chars().filter(|c| c.is_alphanumeric()).collect();
                word.eq_ignore_ascii_case(&letters)
            };
            match () {
                () if is("am") || is("a") || is(locale.am) => Some(0),
                () if is("pm") || is("p") || is(locale.pm) => Some(12),
                () => None,
            }
        }
        _ => None,
    };
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
        at += 1;
    } else if !clock {
        return None;
    }
    // A time may go on behind midnight: `27:00` is three.
    if hour > 99 {
        return None;
    }
    hour %= 24;
    let mut offset = None;
    match (pieces.get(at), pieces.get(at + 1)) {
        (Some(Piece::Word("Z" | "z" | "GMT" | "UTC")), _) => {
            offset = Some(0);
            at += 1;
        }
        (Some(Piece::Sign(sign @ ('+' | '-'))), Some(Piece::Number(hours, digits, _))) => {
            let (hours, mut minutes) = match digits {
                3 | 4 => (hours / 100, hours % 100),
                _ => (*hours, 0),
            };
            at += 2;
            if let (true, Some(Piece::Number(found, ..))) = (colon(at), pieces.get(at + 1)) {
                minutes = *found;
                at += 2;
            }
            let seconds = hours * 3_600 + minutes * 60;
            offset = Some(if *sign == '-' { -seconds } else { seconds });
        }
        _ => {}
    }
    Some((hour * HOUR + ticks, offset, at))
}

/// A date of all the pieces.
fn date(pieces: &[Piece<'_>], locale: &Locale) -> Option<i64> {
    let mut numbers = Vec::new();
    let mut month = None;
    for piece in pieces {
        match piece {
            Piece::Number(value, digits, _) => numbers.push((*value, *digits)),
            Piece::Sign('/' | '-' | '.' | ',') => {}
            Piece::Sign(_) => return None,
            Piece::Word(word) => match named(word, &locale.months, &locale.months_short) {
                Some(found) if month.is_none() => month = Some((found as i64 + 1, numbers.len())),
                // The `T` between a date and a time, and the day of the week, say nothing new.
                _ if *word == "T" || named(word, &locale.days, &locale.days_short).is_some() => {}
                _ => return None,
            },
        }
    }
    let year = |(value, digits): (i64, usize)| match digits {
        1 | 2 if value < 50 => 2000 + value,
        1 | 2 => 1900 + value,
        _ => value,
    };
    match (month, &numbers[..]) {
        (Some((month, 0)), [day, last]) => calendar(year(*last), month, day.0),
        (Some((month, _)), [first, last]) if first.1 > 2 => calendar(year(*first), month, last.0),
        (Some((month, _)), [day, last]) => calendar(year(*last), month, day.0),
        (Some((month, _)), [only]) if only.1 > 2 => calendar(year(*only), month, 1),
        (None, [first, second, third]) if first.1 > 2 => calendar(year(*first), second.0, third.0),
        (None, [first, second, third]) => match locale.day_first {
            true => calendar(year(*third), second.0, first.0),
            false => calendar(year(*third), first.0, second.0),
        },
        (None, [first, second]) if second.1 > 2 => calendar(year(*second), first.0, 1),
        _ => None,
    }
}

fn named(word: &str, long: &[&str], short: &[&str]) -> Option<usize> {
    let same = |name: &&str| {
        let name = name.trim_end_matches('.');
        name.to_lowercase() == word.to_lowercase()
    };
    long.iter().position(same).or_else(|| short.iter().position(same))
}
