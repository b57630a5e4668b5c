//! `triggers`: what starts a workflow by itself (rule 39). The server acts on them.

use super::fields::Fields;
use super::outline::{Expects, Field};
use super::reader::Reader;
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::{Build, Reference, Root, Segment};
use crate::graph::{
    CatchUp, Cron, Method, Overlap, Respond, Schedule, ScheduleError, Signature, Trigger, TriggerSource, Webhook,
    time_zones,
};
use crate::yaml::{Entry, Node};

const EXAMPLE: &str = "[{ cron: { schedule: \"0 2 * * *\" } }]";
const OVERLAPS: [(&str, Overlap); 3] = [
    ("skip", Overlap::Skip),
    ("queue", Overlap::Queue),
    ("allow", Overlap::Allow),
];
const CATCH_UPS: [(&str, CatchUp); 3] = [("none", CatchUp::None), ("last", CatchUp::Last), ("all", CatchUp::All)];
const SIGNATURES: [(&str, Signature); 2] = [("standard", Signature::Standard), ("github", Signature::Github)];
const RESPONSES: [(&str, Respond); 2] = [("accepted", Respond::Accepted), ("result", Respond::Result)];

/// Reads `triggers`; those with errors are left out.
pub(super) fn read(reader: &mut Reader, fields: &mut Fields<'_>) -> Vec<Trigger> {
    let nodes = fields.list(reader, "triggers", EXAMPLE).unwrap_or_default();
    nodes.iter().filter_map(|node| read_one(reader, node)).collect()
}

fn read_one(reader: &mut Reader, node: &Node) -> Option<Trigger> {
    let help = "write for example `- cron: { schedule: \"0 2 * * *\" }`";
    let mut fields = Fields::of(reader, "triggers", node, help)?.called("a trigger");
    let (source, origin, field) = match (fields.entry("cron"), fields.entry("webhook")) {
        (Some(cron), None) => (
            read_cron(reader, cron).map(|cron| TriggerSource::Cron(Box::new(cron))),
            cron.key_span,
            Field::Cron,
        ),
        (None, Some(webhook)) => (
            read_webhook(reader, webhook).map(TriggerSource::Webhook),
            webhook.key_span,
            Field::Webhook,
        ),
        (Some(cron), Some(webhook)) => {
            let message = "a trigger has either `cron` or `webhook`";
            let diagnostic = Diagnostic::error(Code::ConflictingKeys, webhook.key_span, message)
                .label(cron.key_span, "`cron` is here")
                .help("write two triggers");
            reader.report(diagnostic);
            (None, webhook.key_span, Field::Webhook)
        }
        (None, None) => {
            fields.missing(
                "cron` or `webhook",
                vec!["cron", "webhook"],
                "a trigger needs `cron` or `webhook`".to_owned(),
                help.to_owned(),
            );
            (None, node.span, Field::Webhook)
        }
    };
    let input = fields.value(reader, "input", field, Expects::Anything);
    let run_id = fields.value(reader, "runId", field, Expects::Anything);
    if let (Some(id), Field::Cron, Some(entry)) = (&run_id, field, fields.entry("runId")) {
        check_run_id(reader, id, &entry.value);
    }
    fields.close(reader);
    Some(Trigger {
        source: source?,
        input,
        run_id,
        origin,
    })
}

/// The id for a time of a schedule is that of the one run there is for it, so it follows from the time alone.
fn check_run_id(reader: &mut Reader, id: &Build, node: &Node) {
    let is_of = |reference: &Reference, key: &str| {
        reference.root == Root::Trigger && matches!(reference.path.first(), Some(Segment::Key(name)) if **name == *key)
    };
    let references = id.references();
    let wrong = references
        .iter()
        .find(|reference| reference.root == Root::Now || is_of(reference, "firedAt"));
    let help =
        "write for example `runId: \"report-{{ trigger.scheduledAt | date('%Y-%m-%d') }}\"`, or leave `runId` out";
    if wrong.is_some() {
        let message = "`runId` would differ each time a server looks, so one time of the schedule could start two runs";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    } else if !references.iter().any(|reference| reference.root == Root::Trigger) {
        let message = "`runId` is the same at all times of the schedule, so only the first of them would start a run";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
}

fn read_cron(reader: &mut Reader, entry: &Entry) -> Option<Cron> {
    let help = "write for example `cron: { schedule: \"0 2 * * *\", timezone: Europe/Berlin }`";
    let mut fields = Fields::of(reader, "cron", &entry.value, help)?.anchored(entry.key_span);
    let text = fields.required("schedule", "\"0 2 * * *\"").map(|entry| &entry.value);
    let zone = fields.entry("timezone").map(|entry| &entry.value);
    let schedule = schedule(reader, text, zone);
    let overlap = fields.choice(reader, "overlap", &OVERLAPS).unwrap_or_default();
    let catch_up = fields.choice(reader, "catchUp", &CATCH_UPS).unwrap_or_default();
    fields.close(reader);
    Some(Cron {
        schedule: schedule?,
        overlap,
        catch_up,
    })
}

/// The schedule and its time zone, each of which may be wrong by itself.
fn schedule(reader: &mut Reader, text: Option<&Node>, zone: Option<&Node>) -> Option<Schedule> {
    let name = zone.map(|node| (node, reader.literal_text("timezone", node)));
    if let Some((node, Some(name))) = &name
        && let Err(ScheduleError::UnknownZone(name)) = Schedule::new("* * * * *", Some(&**name))
    {
        let known = time_zones();
        let message = format!("`{name}` is not the name of a time zone");
        let finding = Diagnostic::error(Code::InvalidValue, node.span, message);
        let finding = finding.suggest(&name, known.iter().map(String::as_str));
        reader.report(match finding.help.is_empty() {
            true => finding.help("write an IANA name, such as `Europe/Berlin` or `UTC`"),
            false => finding,
        });
    }
    let text = text.and_then(|node| Some((node, reader.literal_text("schedule", node)?)));
    let (node, text) = text?;
    // A zone that is wrong does not hide what is wrong with the schedule.
    if let Err(error) = Schedule::new(&text, None) {
        let help = match error {
            ScheduleError::Never(_) => "a schedule means at least one day of the calendar",
            _ => "five fields: minute, hour, day of the month, month, day of the week, as in `0 2 * * 1-5`",
        };
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, error.to_string()).help(help));
    }
    match name {
        None => Schedule::new(&text, None).ok(),
        Some((_, name)) => Schedule::new(&text, Some(&*name?)).ok(),
    }
}

fn read_webhook(reader: &mut Reader, entry: &Entry) -> Option<Webhook> {
    let help = "write for example `webhook: { path: /hooks/orders }`";
    let mut fields = Fields::of(reader, "webhook", &entry.value, help)?.anchored(entry.key_span);
    let node = fields.required("path", "/hooks/orders").map(|entry| &entry.value);
    let path = node.and_then(|node| reader.literal_text("path", node));
    if let (Some(node), Some(path)) = (node, &path)
        && (!path.starts_with('/') || path.contains([' ', '?', '#']))
    {
        let message = format!("`{path}` is not the path of a webhook");
        let help = "a path begins with `/`, as in `/hooks/orders`";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
    }
    let methods = methods(reader, &mut fields);
    let secret = fields.value(reader, "secret", Field::TriggerSecret, Expects::Anything);
    let signature = fields.choice(reader, "signature", &SIGNATURES);
    if let (Some(_), None) = (signature, &secret)
        && let Some(entry) = fields.entry("signature").filter(|_| fields.entry("secret").is_none())
    {
        let message = "`signature` says how deliveries are signed, but there is no `secret`";
        let help = "add `secret: =secrets.NAME`, or leave `signature` out";
        reader.report(Diagnostic::error(Code::MissingKey, entry.key_span, message).help(help));
    }
    let respond = fields.choice(reader, "respond", &RESPONSES).unwrap_or_default();
    fields.close(reader);
    Some(Webhook {
        path: path?,
        methods,
        secret,
        signature: signature.unwrap_or_default(),
        respond,
    })
}

/// The methods that a webhook answers, by default `POST`.
fn methods(reader: &mut Reader, fields: &mut Fields<'_>) -> Vec<Method> {
    let Some(nodes) = fields.list(reader, "methods", "[POST]") else {
        return vec![Method::Post];
    };
    if nodes.is_empty()
        && let Some(entry) = fields.entry("methods")
    {
        let message = "`methods` is empty, so nothing could come in";
        let help = "write for example `methods: [POST]`, or leave it out";
        reader.report(Diagnostic::error(Code::InvalidValue, entry.value.span, message).help(help));
    }
    let known = Method::ALL.map(|method| (method.as_str(), method));
    nodes
        .iter()
        .filter_map(|node| reader.word("methods", node, &known))
        .collect()
}
