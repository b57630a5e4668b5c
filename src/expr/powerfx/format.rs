//! How numbers, dates and times are written, with a format and without.

use super::coerce::{Number, mismatch};
use super::convert;
use super::datetime::{self, DAY};
use super::digits::Digits;
use super::enums::Raw;
use super::error::{Eval, Failure};
use super::eval::Cx;
use super::locale::Locale;
use super::number;
use super::numformat::Section;
use super::pattern;
use super::value::Value;

/// How long a format may be.
const LENGTH: usize = 100;

/// A number without a format: no groups, the decimal sign of the language.
pub(super) fn plain(value: &Value, locale: &Locale) -> String {
    let text = match value {
        Value::Float(value) => number::float_text(*value),
        Value::Decimal(value) => number::decimal_text(*value),
        _ => String::new(),
    };
    match locale.decimal {
        "." => text,
        sign => text.replace('.', sign),
    }
}

/// A date, a time or both without a format: the short forms of the language.
pub(super) fn temporal(value: &Value, locale: &Locale) -> String {
    let (ticks, pattern) = match value {
        Value::Date(ticks) => (*ticks, locale.short_date.to_owned()),
        Value::DateTime(ticks) => (*ticks, format!("{} {}", locale.short_date, locale.short_time)),
        Value::Time(ticks) => (ticks.rem_euclid(DAY), locale.short_time.to_owned()),
        _ => return String::new(),
    };
    pattern::date(&pattern, ticks, locale)
}

/// A format that was read.
enum Format {
    /// For numbers, up to three sections: for positive ones, negative ones, and zero.
    Number(Vec<Section>),
    /// For dates, the patterns of up to three sections.
    Date(Vec<String>),
}

/// Whether a text is a format that numbers or dates can be written by.
pub(super) fn is_format(text: &str) -> bool {
    read(text).is_some()
}

fn read(text: &str) -> Option<Format> {
    let general = text.to_ascii_lowercase().contains("general");
    if text.len() > LENGTH || general || matches!(text, "g" | "G") || text.starts_with('/') {
        return None;
    }
    let sections = sections(text)?;
    let dates = sections.iter().any(|section| pattern::is_date(section));
    if !dates {
        let sections: Option<Vec<Section>> = sections.iter().map(|section| Section::read(section)).collect();
        return sections.map(Format::Number);
    }
    sections
        .iter()
        .all(|section| pattern::is_valid(section))
        .then_some(Format::Date(sections))
}

/// The sections of a format; nothing if it has too many, or signs without a meaning here.
fn sections(text: &str) -> Option<Vec<String>> {
    let mut sections = vec![String::new()];
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let last = sections.last_mut()?;
        match c {
            '\\' => {
                last.push(c);
                last.push(chars.next()?);
            }
            '"' => {
                last.push(c);
                loop {
                    let inner = chars.next()?;
                    last.push(inner);
                    if inner == '"' {
                        break;
                    }
                }
            }
            ';' => sections.push(String::new()),
            '?' | '[' | ']' | '_' | '*' | '@' => return None,
            c => last.push(c),
        }
    }
    (sections.len() <= 3).then_some(sections)
}

/// The section for a number of a sign. An empty one counts as none.
fn section<T>(sections: &[T], sign: i32, empty: impl Fn(&T) -> bool) -> (usize, &T) {
    let at = match sign {
        s if s < 0 => 1,
        0 => 2,
        _ => 0,
    };
    match sections.get(at) {
        Some(section) if !empty(section) => (at, section),
        _ => (0, &sections[0]),
    }
}

/// A value written by a format.
pub(super) fn formatted(cx: &mut Cx<'_>, value: &Value, format: &Value, locale: &Locale) -> Eval<String> {
    if let Value::Enum(_, Raw::Text(name)) = format {
        let ticks = match value {
            Value::Time(_) | Value::Date(_) | Value::DateTime(_) => cx.ticks(value)?,
            value => datetime::from_serial(cx.float(value)?)?,
        };
        return named(cx, name, ticks, locale);
    }
    let Value::Text(text) = format else {
        return Ok(String::new());
    };
    if text.is_empty() {
        return Ok(String::new());
    }
    let format = read(text).ok_or_else(|| Failure::invalid(format!("`{text}` is not a format")))?;
    match (&format, value) {
        (_, Value::Text(_) | Value::Boolean(_) | Value::Guid(_) | Value::Record(_) | Value::Table(_)) => {
            Err(mismatch(value, "a number or date to format"))
        }
        (Format::Number(sections), Value::Date(_) | Value::DateTime(_) | Value::Time(_))
            if !sections.iter().any(Section::has_digits) =>
        {
            let patterns: Vec<String> = self::sections(text).unwrap_or_default();
            dated(cx, value, &patterns, locale)
        }
        (Format::Number(sections), value) => {
            let number = match value {
                Value::Date(_) | Value::DateTime(_) | Value::Time(_) => Number::Float(cx.float(value)?),
                value => cx.number(value)?,
            };
            Ok(written(number, sections, locale))
        }
        (Format::Date(patterns), value) => dated(cx, value, patterns, locale),
    }
}

fn written(number: Number, sections: &[Section], locale: &Locale) -> String {
    let digits = Digits::of(number);
    let sign = match (digits.is_zero(), digits.negative) {
        (true, _) => 0,
        (false, true) => -1,
        (false, false) => 1,
    };
    let (at, picked) = section(sections, sign, Section::is_empty);
    // What a section rounds to zero is written as a zero.
    if sign != 0 && sections.len() > 2 && picked.rounded(&digits).is_zero() {
        let (at, picked) = section(sections, 0, Section::is_empty);
        return picked.write(&Digits::zero(), at == 0, locale);
    }
    picked.write(&digits, at == 0, locale)
}

fn dated(cx: &mut Cx<'_>, value: &Value, patterns: &[String], locale: &Locale) -> Eval<String> {
    let serial = cx.float(value)?;
    let ticks = match value {
        Value::Date(_) | Value::DateTime(_) | Value::Time(_) => cx.ticks(value)?,
        _ => datetime::from_serial(serial)?,
    };
    let sign = match serial {
        s if s < 0.0 => -1,
        0.0 => 0,
        _ => 1,
    };
    let (_, picked) = section(patterns, sign, |pattern: &String| pattern.is_empty());
    Ok(pattern::date(picked, ticks, locale))
}

/// The formats that `DateTimeFormat` names.
fn named(cx: &Cx<'_>, name: &str, ticks: i64, locale: &Locale) -> Eval<String> {
    let day = |pattern: &str| pattern::date(pattern, ticks, locale);
    let full = |pattern: &str| pattern.replace(" AM/PM", "").replace("AM/PM", "");
    let (date, time) = match name.trim_matches('\'') {
        "utc" => return Ok(convert::iso(&Value::DateTime(ticks), cx)),
        "longdate" => (locale.long_date, String::new()),
        "shortdate" => (locale.short_date, String::new()),
        "longtime" => ("", locale.long_time.to_owned()),
        "shorttime" => ("", locale.short_time.to_owned()),
        "longtime24" => ("", full(locale.long_time)),
        "shorttime24" => ("", full(locale.short_time)),
        "longdatetime" => (locale.long_date, locale.long_time.to_owned()),
        "shortdatetime" => (locale.short_date, locale.short_time.to_owned()),
        "longdatetime24" => (locale.long_date, full(locale.long_time)),
        "shortdatetime24" => (locale.short_date, full(locale.short_time)),
        other => return Err(Failure::invalid(format!("`{other}` is not a format of dates"))),
    };
    let parts = [day(date), day(&time)];
    Ok(parts.join(" ").trim().to_owned())
}
