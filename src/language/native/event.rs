//! `events`: what a workflow starts and stops with, emits, asks and waits for (rule 36).

use indexmap::IndexMap;

use super::fields::Fields;
use super::reader::{Reader, one_of};
use crate::contract::Schema;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{EventDeclaration, EventRole, Name};
use crate::yaml::{Entry, Value};

const ROLES: [(&str, EventRole); 5] = [
    ("start", EventRole::Start),
    ("stop", EventRole::Stop),
    ("request", EventRole::Request),
    ("response", EventRole::Response),
    ("progress", EventRole::Progress),
];

/// Reads `events`.
pub(super) fn read(
    reader: &mut Reader,
    entry: &Entry,
    input: Option<&Schema>,
    output: Option<&Schema>,
) -> IndexMap<Name, EventDeclaration> {
    let mut events = IndexMap::new();
    let Value::Map(entries) = &entry.value.value else {
        let help = "write for example `events: { Question: { role: request } }`";
        reader.wrong_type("events", &entry.value, "a mapping", help);
        return events;
    };
    for entry in entries {
        let empty: &[Entry] = &[];
        let entries = match &entry.value.value {
            Value::Map(entries) => entries,
            _ if entry.value.is_null() => empty,
            _ => {
                let help = format!("write for example `{}: {{ role: progress }}`", entry.key);
                reader.wrong_type(&entry.key, &entry.value, "a mapping", help);
                continue;
            }
        };
        let mut fields = Fields::new(entries, "an event", entry.key_span);
        let role = fields.choice(reader, "role", &ROLES).unwrap_or(EventRole::Progress);
        let own = fields.schema(reader, "schema");
        fields.close(reader);
        let schema = own.or_else(|| match role {
            EventRole::Start => input.cloned(),
            EventRole::Stop => output.cloned(),
            EventRole::Request | EventRole::Response | EventRole::Progress => None,
        });
        events.insert(entry.key.clone(), EventDeclaration { role, schema });
    }
    events
}

impl Reader<'_> {
    /// The declaration of an event that a step names. A workflow that declares no events may use any name.
    pub fn event(&mut self, key: &'static str, fields: &mut Fields<'_>, role: Option<EventRole>) -> Event {
        let Some(entry) = fields.entry(key) else {
            return Event::default();
        };
        let Some(name) = self.literal_text(key, &entry.value) else {
            return Event::default();
        };
        let span = entry.value.span;
        if self.outline.events.is_empty() {
            return Event {
                name: Some(name),
                schema: None,
            };
        }
        let Some(declared) = self.outline.events.get(&name) else {
            let known: Vec<Name> = self.outline.events.keys().cloned().collect();
            let mut diagnostic =
                Diagnostic::error(Code::UnknownEvent, span, format!("the event `{name}` is not declared"))
                    .suggest(&name, known.iter().map(|name| &**name));
            if diagnostic.help.is_empty() {
                diagnostic = diagnostic.help(format!(
                    "declare it at the top: `events: {{ {name}: {{ role: {} }} }}`; declared are {}",
                    role.map_or("progress", role_name),
                    one_of(known.iter().map(|name| &**name)),
                ));
            }
            self.report(diagnostic);
            return Event::default();
        };
        let schema = declared.schema.clone();
        if let Some(role) = role
            && declared.role != role
        {
            let (needed, found) = (role_name(role), role_name(declared.role));
            let message =
                format!("`{key}` needs an event with the role `{needed}`, but `{name}` has the role `{found}`");
            let help = format!("declare it as `{name}: {{ role: {needed} }}`");
            self.report(Diagnostic::error(Code::UnknownEvent, span, message).help(help));
            // Nothing can be held against the schema of an event that is not meant.
            return Event {
                name: Some(name),
                schema: None,
            };
        }
        Event {
            name: Some(name),
            schema,
        }
    }
}

/// An event that a step names.
#[derive(Default)]
pub(super) struct Event {
    /// Its name; absent if it was not given or is wrong.
    pub name: Option<Name>,
    /// What its data must match.
    pub schema: Option<Schema>,
}

fn role_name(role: EventRole) -> &'static str {
    ROLES
        .iter()
        .find(|(_, known)| *known == role)
        .map_or("progress", |(name, _)| name)
}
