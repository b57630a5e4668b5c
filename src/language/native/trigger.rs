//! `triggers`: what starts a workflow by itself (rule 39). Their shape is checked here; the server runs them.

use super::outline::{Expects, Field};
use super::reader::{Fields, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::yaml::{Entry, Node};

const EXAMPLE: &str = "[{ cron: { schedule: \"0 2 * * *\" } }]";

/// Reads `triggers`.
pub(super) fn read(reader: &mut Reader, fields: &mut Fields<'_>) {
    for node in fields.list(reader, "triggers", EXAMPLE).unwrap_or_default() {
        let help = "write for example `- cron: { schedule: \"0 2 * * *\" }`";
        let Some(fields) = Fields::of(reader, "triggers", node, help) else {
            continue;
        };
        let mut fields = fields.called("a trigger");
        match (fields.entry("cron"), fields.entry("webhook")) {
            (Some(cron), None) => read_cron(reader, cron),
            (None, Some(webhook)) => read_webhook(reader, webhook),
            (Some(cron), Some(webhook)) => {
                let message = "a trigger has either `cron` or `webhook`";
                let diagnostic = Diagnostic::error(Code::ConflictingKeys, webhook.key_span, message)
                    .label(cron.key_span, "`cron` is here")
                    .help("write two triggers");
                reader.report(diagnostic);
            }
            (None, None) => fields.missing(
                "cron` or `webhook",
                vec!["cron", "webhook"],
                "a trigger needs `cron` or `webhook`".to_owned(),
                help.to_owned(),
            ),
        }
        fields.value(reader, "input", Field::Trigger, Expects::Anything);
        fields.value(reader, "runId", Field::Trigger, Expects::Anything);
        fields.close(reader);
    }
}

fn read_cron(reader: &mut Reader, entry: &Entry) {
    let help = "write for example `cron: { schedule: \"0 2 * * *\", timezone: Europe/Berlin }`";
    let Some(fields) = Fields::of(reader, "cron", &entry.value, help) else {
        return;
    };
    let mut fields = fields.anchored(entry.key_span);
    let schedule = fields.required("schedule", "\"0 2 * * *\"").map(|entry| &entry.value);
    if let Some(node) = schedule
        && let Some(text) = reader.literal_text("schedule", node)
        && let Err(message) = check_schedule(&text)
    {
        let help = "five fields: minute, hour, day of the month, month, day of the week, as in `0 2 * * 1-5`";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
    if let Some(Entry { value: node, .. }) = fields.entry("timezone") {
        check_timezone(reader, node);
    }
    fields.choice(reader, "overlap", &[("skip", ()), ("queue", ()), ("allow", ())]);
    fields.choice(reader, "catchUp", &[("none", ()), ("last", ()), ("all", ())]);
    fields.close(reader);
}

fn read_webhook(reader: &mut Reader, entry: &Entry) {
    let help = "write for example `webhook: { path: /hooks/orders }`";
    let Some(fields) = Fields::of(reader, "webhook", &entry.value, help) else {
        return;
    };
    let mut fields = fields.anchored(entry.key_span);
    let node = fields.required("path", "/hooks/orders").map(|entry| &entry.value);
    if let Some(node) = node
        && let Some(path) = reader.literal_text("path", node)
        && (!path.starts_with('/') || path.contains([' ', '?', '#']))
    {
        let message = format!("`{path}` is not the path of a webhook");
        let help = "a path begins with `/`, as in `/hooks/orders`";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
    fields.value(reader, "secret", Field::Trigger, Expects::Anything);
    fields.choice(reader, "respond", &[("accepted", ()), ("result", ())]);
    fields.close(reader);
}

/// The form of an IANA name; whether the zone exists is known where the schedule runs.
fn check_timezone(reader: &mut Reader, node: &Node) {
    let Some(zone) = reader.literal_text("timezone", node) else {
        return;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    if !zone.starts_with(|c: char| c.is_ascii_alphabetic()) || !zone.chars().all(allowed) {
        let message = format!("`{zone}` is not the name of a time zone");
        let help = "write an IANA name, such as `Europe/Berlin` or `UTC`";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Checks a cron schedule of five fields.
fn check_schedule(text: &str) -> Result<(), String> {
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
        if !part.split(',').all(|item| is_cron_item(item, least, most, names)) {
            return Err(format!("`{part}` is not a {what} ({least} to {most})"));
        }
    }
    Ok(())
}

/// `*`, `5`, `1-5`, each perhaps with `/step`.
fn is_cron_item(item: &str, least: u32, most: u32, names: &[&str]) -> bool {
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
        Some((range, step)) => (range, step.parse::<u32>().is_ok_and(|step| step > 0)),
        None => (item, true),
    };
    let range = match range.split_once('-') {
        _ if range == "*" => true,
        Some((first, last)) => matches!((number(first), number(last)), (Some(first), Some(last)) if first <= last),
        None => number(range).is_some(),
    };
    range && step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_39_schedules_have_five_fields() {
        for good in [
            "0 2 * * 1-5",
            "*/15 0-6,22 1 jan-mar MON",
            "59 23 31 12 7",
            "0 0 1-7/2 * *",
        ] {
            assert_eq!(check_schedule(good), Ok(()), "{good}");
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
        ] {
            assert!(check_schedule(bad).is_err(), "{bad}");
        }
    }
}
