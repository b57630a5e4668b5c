//! How numbers, dates and times are written.

use super::datetime::{self, DAY};
use super::locale::Locale;
use super::number;
use super::value::Value;

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
    super::pattern::date(&pattern, ticks, locale)
}

/// Whether a text is a format that numbers or dates can be written by.
pub(super) fn is_format(_: &str) -> bool {
    true
}

/// A value written by a format.
pub(super) fn formatted(cx: &mut super::eval::Cx<'_>, value: &Value, pattern: &str, locale: &Locale) -> super::error::Eval<String> {
    let _ = (pattern, locale);
    cx.string(value).map(|text| text.to_string())
}
