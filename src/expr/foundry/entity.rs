//! What the answer to a question is read as.

use super::parse::{boolean, instant, number};
use crate::data::Data;

/// The kinds of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entity {
    /// Any text that says something.
    String,
    /// A number.
    Number,
    /// Yes or no, in the words `true` and `false`.
    Boolean,
    /// A date, with or without a time.
    Date,
    /// How long.
    Duration,
    /// An address of mail.
    Email,
    /// An address of the web.
    Url,
    /// A number with a unit; the digits count.
    Measure,
}

impl Entity {
    /// The entity of a name such as `NumberPrebuiltEntity`; the case does not matter.
    pub fn parse(name: &str) -> Option<Entity> {
        let name = name.to_ascii_lowercase();
        let short = name.strip_suffix("prebuiltentity").unwrap_or(&name);
        Some(match short {
            "string" | "text" | "personname" | "city" | "color" | "continent" | "countryorregion" | "event"
            | "language" | "organization" | "phonenumber" | "pointofinterest" | "state" | "streetaddress"
            | "zipcode" => Entity::String,
            "number" | "ordinal" => Entity::Number,
            "boolean" => Entity::Boolean,
            "date" | "datetime" | "datetimenotimezone" => Entity::Date,
            "duration" => Entity::Duration,
            "email" => Entity::Email,
            "url" => Entity::Url,
            "age" | "money" | "percentage" | "speed" | "temperature" | "weight" => Entity::Measure,
            _ => return None,
        })
    }

    /// The names of entities, for suggestions.
    pub const NAMES: [&'static str; 13] = [
        "StringPrebuiltEntity",
        "NumberPrebuiltEntity",
        "BooleanPrebuiltEntity",
        "DatePrebuiltEntity",
        "DateTimePrebuiltEntity",
        "DurationPrebuiltEntity",
        "EmailPrebuiltEntity",
        "URLPrebuiltEntity",
        "AgePrebuiltEntity",
        "MoneyPrebuiltEntity",
        "PercentagePrebuiltEntity",
        "TemperaturePrebuiltEntity",
        "WeightPrebuiltEntity",
    ];

    /// The value of an answer; none if it is no such answer.
    pub(super) fn read(self, text: &str) -> Option<Data> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        match self {
            Entity::String => Some(Data::from(text)),
            Entity::Number => number(text),
            Entity::Boolean => boolean(text).map(Data::Bool),
            Entity::Date => instant(text).map(Data::from),
            Entity::Duration => is_duration(text).then(|| Data::from(text)),
            Entity::Email => is_email(text).then(|| Data::from(text)),
            Entity::Url => {
                let (scheme, rest) = text.split_once("://")?;
                let named = !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric());
                let said = !rest.is_empty() && !text.contains(char::is_whitespace);
                (named && said).then(|| Data::from(text))
            }
            Entity::Measure => digits(text).map(Data::from),
        }
    }
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    !name.is_empty()
        && !host.contains('@')
        && !text.contains(char::is_whitespace)
        && host
            .split_once('.')
            .is_some_and(|(first, rest)| !first.is_empty() && !rest.is_empty())
}

/// `1:30`, `1.02:03:04` or an ISO 8601 duration such as `PT5M`.
fn is_duration(text: &str) -> bool {
    let parts: Vec<&str> = text.split([':', '.']).collect();
    let clock = text.contains(':')
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    clock || text.to_ascii_uppercase().starts_with('P') && text.parse::<jiff::Span>().is_ok()
}

/// The first number in a text, as it is written.
fn digits(text: &str) -> Option<&str> {
    let start = text.find(|c: char| c.is_ascii_digit())?;
    let rest = &text[start..];
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .unwrap_or(rest.len());
    let found = rest[..end].trim_end_matches(['.', ',']);
    match text[..start].strip_suffix('-') {
        Some(_) => text.get(start - 1..start + found.len()),
        None => Some(found),
    }
}
