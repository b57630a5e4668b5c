//! Dates by a pattern, as spreadsheets have them: `yyyy-mm-dd hh:mm`.

use super::datetime;
use super::locale::Locale;

/// A part of a pattern of a date.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    /// A letter and how often it stands there.
    Run(char, usize),
    /// `AM/PM` or `a/p`, and whether it is the short one.
    Half(bool),
    Literal(String),
}

/// A date and time written by a pattern.
pub(super) fn date(pattern: &str, ticks: i64, locale: &Locale) -> String {
    let parts = parts(pattern);
    let at = datetime::parts(ticks);
    let halves = parts.iter().any(|part| matches!(part, Part::Half(_)));
    let mut out = String::new();
    for (position, part) in parts.iter().enumerate() {
        match part {
            Part::Literal(text) => out.push_str(text),
            Part::Half(short) => {
                let half = if at.hour < 12 { locale.am } else { locale.pm };
                match short {
                    true => out.extend(half.chars().next()),
                    false => out.push_str(half),
                }
            }
            Part::Run('y', count) => match count {
                1 | 2 => out.push_str(&format!("{:02}", at.year % 100)),
                _ => out.push_str(&format!("{:04}", at.year)),
            },
            Part::Run('m', count) if *count <= 2 && minutes(&parts, position) => number(&mut out, at.minute, *count),
            Part::Run('m', count) => match count {
                1 | 2 => number(&mut out, at.month, *count),
                3 => out.push_str(locale.months_short[at.month as usize - 1]),
                5 => out.extend(locale.months[at.month as usize - 1].chars().next()),
                _ => out.push_str(locale.months[at.month as usize - 1]),
            },
            Part::Run('d', count) => match count {
                1 | 2 => number(&mut out, at.day, *count),
                3 => out.push_str(locale.days_short[datetime::weekday(ticks) as usize]),
                _ => out.push_str(locale.days[datetime::weekday(ticks) as usize]),
            },
            Part::Run('h', count) => {
                let hour = match halves {
                    true if at.hour % 12 == 0 => 12,
                    true => at.hour % 12,
                    false => at.hour,
                };
                number(&mut out, hour, *count);
            }
            Part::Run('s', count) => number(&mut out, at.second, *count),
            Part::Run('0', count) => {
                let digits = format!("{:07}", ticks.rem_euclid(datetime::SECOND));
                out.push_str(&digits[..(*count).min(7)]);
            }
            Part::Run(..) => {}
        }
    }
    out
}

fn number(out: &mut String, value: i64, digits: usize) {
    match digits {
        1 => out.push_str(&value.to_string()),
        _ => out.push_str(&format!("{value:02}")),
    }
}

/// Whether an `m` means minutes: behind hours or before seconds.
fn minutes(parts: &[Part], position: usize) -> bool {
    let run = |part: &&Part| matches!(part, Part::Run(..));
    let before = parts[..position].iter().rev().find(run);
    let behind = parts[position + 1..].iter().find(run);
    matches!(before, Some(Part::Run('h', _))) || matches!(behind, Some(Part::Run('s', _)))
}

/// Whether zeros here are parts of a second: right behind the seconds, or behind their point.
fn follows_seconds(parts: &[Part], literal: &str) -> bool {
    matches!(parts.last(), Some(Part::Run('s', _))) && matches!(literal, "" | ".")
}

/// Whether a section of a format is for dates.
pub(super) fn is_date(section: &str) -> bool {
    parts(section)
        .iter()
        .any(|part| matches!(part, Part::Run(..) | Part::Half(_)))
}

/// A section without what is quoted or escaped in it.
fn bare(section: &str) -> String {
    let mut bare = String::new();
    let mut chars = section.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => {
                chars.by_ref().find(|c| *c == '"');
            }
            c => bare.push(c),
        }
    }
    bare
}

/// Whether a section has nothing that dates cannot be written by.
pub(super) fn is_valid(section: &str) -> bool {
    let parts = parts(section);
    let lower = bare(section).to_ascii_lowercase();
    let halves = lower.matches("am/pm").count() + lower.matches("a/p").count();
    let known = parts.iter().filter(|part| matches!(part, Part::Half(_))).count();
    let quoted = section.contains('"');
    let literal = |c| {
        !quoted
            && parts
                .iter()
                .any(|part| matches!(part, Part::Literal(text) if text.contains(c)))
    };
    parts.iter().all(|part| !matches!(part, Part::Run('m', 5..)))
        && halves == known
        && (section.contains('\\') || !(literal('0') || literal('#')))
}

fn parts(pattern: &str) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut rest = pattern;
    let mut literal = String::new();
    while let Some(c) = rest.chars().next() {
        let lower = c.to_ascii_lowercase();
        let found = if rest.starts_with("AM/PM") {
            Some((Part::Half(false), 5))
        } else if rest.starts_with("A/P") {
            Some((Part::Half(true), 3))
        } else if matches!(lower, 'y' | 'm' | 'd' | 'h' | 's') || (lower == '0' && follows_seconds(&parts, &literal)) {
            let count = rest
                .chars()
                .take_while(|next| next.to_ascii_lowercase() == lower)
                .count();
            Some((Part::Run(lower, count), count))
        } else {
            None
        };
        if let Some((part, length)) = found {
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = &rest[length..];
            continue;
        }
        match c {
            '\\' => {
                let escaped = rest[1..].chars().next();
                literal.extend(escaped);
                rest = &rest[1 + escaped.map_or(0, char::len_utf8)..];
            }
            '"' => {
                let end = rest[1..].find('"').map_or(rest.len(), |end| end + 1);
                literal.push_str(&rest[1..end.min(rest.len())]);
                rest = &rest[(end + 1).min(rest.len())..];
            }
            _ => {
                literal.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    parts
}
