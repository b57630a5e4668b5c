//! What a formula sees of a run: variables, the system's names, the environment.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::message;
use crate::data::{Data, Map};
use crate::expr::powerfx::{Context, Values};
use crate::expr::{Names, Root};

/// Where variables live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `Local`, also written `Topic`.
    Local,
    /// `Global`.
    Global,
    /// `System`, which nobody writes.
    System,
    /// `Env`: the environment, which nobody writes.
    Env,
    /// `Workflow.Inputs`, which nobody writes.
    Inputs,
    /// `Workflow.Outputs`.
    Outputs,
}

impl Scope {
    /// The scope of the first name of a variable; the case does not matter. `Workflow` alone is none.
    pub fn parse(name: &str) -> Option<Scope> {
        Some(match &*name.to_ascii_lowercase() {
            "local" | "topic" | "turn" => Scope::Local,
            "global" => Scope::Global,
            "system" => Scope::System,
            "env" => Scope::Env,
            "inputs" => Scope::Inputs,
            "outputs" => Scope::Outputs,
            _ => return None,
        })
    }

    /// What stands before the names of its variables.
    pub fn prefix(self) -> &'static str {
        match self {
            Scope::Local => "Local.",
            Scope::Global => "Global.",
            Scope::System => "System.",
            Scope::Env => "Env.",
            Scope::Inputs => "Workflow.Inputs.",
            Scope::Outputs => "Workflow.Outputs.",
        }
    }

    /// Whether actions may write its variables.
    pub fn is_writable(self) -> bool {
        matches!(self, Scope::Local | Scope::Global | Scope::Outputs)
    }
}

/// A variable, or a field of the record that is in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Where it lives.
    pub scope: Scope,
    /// Its key in the state.
    pub key: Arc<str>,
    /// The names of the field inside; mostly none.
    pub path: Vec<Arc<str>>,
}

impl Variable {
    /// Reads a name such as `Local.Counter`; one without a scope is local.
    pub fn parse(text: &str) -> Option<Variable> {
        let text = text.trim();
        let mut names: Vec<&str> = text.split('.').map(|name| name.trim().trim_matches('\'')).collect();
        let is_name = |name: &&str| !name.is_empty() && !name.contains(char::is_control);
        if !names.iter().all(is_name) {
            return None;
        }
        if names.len() > 1 && names[0].eq_ignore_ascii_case("workflow") {
            names.remove(0);
        }
        let scope = match Scope::parse(names[0]) {
            Some(scope) if names.len() > 1 => {
                names.remove(0);
                scope
            }
            Some(_) => return None,
            None if names.len() == 1 => Scope::Local,
            None => return None,
        };
        Some(Variable {
            scope,
            key: format!("{}{}", scope.prefix(), names[0]).into(),
            path: names[1..].iter().map(|name| Arc::from(*name)).collect(),
        })
    }
}

/// The names that `System` has.
pub const SYSTEM: [&str; 11] = [
    "ConversationId",
    "Conversation",
    "LastMessage",
    "LastMessageId",
    "LastMessageText",
    "Activity",
    "Bot",
    "Recognizer",
    "User",
    "UserLanguage",
    "InTestMode",
];

const LANGUAGE: &str = "en-US";

/// The names of a step as formulas read them.
pub(super) struct World<'n> {
    names: &'n dyn Names,
}

impl<'n> World<'n> {
    pub fn of(names: &'n dyn Names) -> World<'n> {
        World { names }
    }

    pub fn context(&self) -> Context<'_> {
        let now = self.names.get(&Root::Now);
        let now = now.as_ref().and_then(Data::as_str).and_then(|now| now.parse().ok());
        Context {
            globals: self,
            now: now.unwrap_or_default(),
            zone: TimeZone::UTC,
            locale: LANGUAGE,
            seed: self.seed(),
        }
    }

    /// What chance begins with: the same whenever a step is evaluated again.
    fn seed(&self) -> u64 {
        let run = run_id(self.names);
        let now = self.names.get(&Root::Now).map(|now| now.to_text()).unwrap_or_default();
        let bytes = run.bytes().chain(now.bytes());
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// The variables of a scope as a record.
    fn variables(&self, scope: Scope) -> Data {
        let state = self.names.get(&Root::State).unwrap_or_default();
        let Some(map) = state.as_map() else { return Data::Null };
        let inside = map.iter().filter_map(|(key, value)| {
            let name = key.strip_prefix(scope.prefix())?;
            Some((Arc::from(name), value.clone()))
        });
        Data::from(inside.collect::<Map>())
    }

    fn system(&self) -> Data {
        let text = |text: &str| Data::from(text);
        let conversation = Data::Text(conversation_id(self.names));
        let last = variable(self.names, message::LAST);
        let field = |name: &str| last.get(name).cloned().unwrap_or_else(|| text(""));
        let record = |entries: Vec<(&str, Data)>| -> Data {
            Data::from(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.into(), value))
                    .collect::<Map>(),
            )
        };
        record(vec![
            ("ConversationId", conversation.clone()),
            (
                "Conversation",
                record(vec![
                    ("Id", conversation),
                    ("LocalTimeZone", text("UTC")),
                    ("LocalTimeZoneOffset", Data::Int(0)),
                    ("InTestMode", Data::Bool(false)),
                ]),
            ),
            ("LastMessageId", field("Id")),
            ("LastMessageText", field("Text")),
            ("Activity", record(vec![("Text", field("Text"))])),
            ("Bot", record(vec![("Name", workflow_id(self.names))])),
            ("Recognizer", record(vec![("Id", text("")), ("Text", field("Text"))])),
            ("User", record(vec![("Language", text(LANGUAGE))])),
            ("UserLanguage", text(LANGUAGE)),
            ("InTestMode", Data::Bool(false)),
            ("LastMessage", last),
        ])
    }

    /// The input as a record, whose `input` and `text` are what the user says.
    fn inputs(&self) -> Data {
        let input = self.names.get(&Root::Input).unwrap_or_default();
        let mut entries: Vec<(Arc<str>, Data)> = Vec::new();
        if let Some(said) = message::last_text(&input) {
            entries.extend(["input", "text"].map(|key| (Arc::from(key), Data::Text(said.clone()))));
        }
        if let Some(map) = input.as_map() {
            entries.extend(map.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
        Data::from(entries.into_iter().collect::<Map>())
    }
}

impl Values for World<'_> {
    fn get(&self, name: &str) -> Option<Data> {
        if name.eq_ignore_ascii_case("workflow") {
            let (inputs, outputs) = (self.inputs(), self.variables(Scope::Outputs));
            let entries: [(Arc<str>, Data); 4] = [
                ("Inputs".into(), inputs.clone()),
                ("inputs".into(), inputs),
                ("Outputs".into(), outputs.clone()),
                ("outputs".into(), outputs),
            ];
            return Some(Data::from(entries.into_iter().collect::<Map>()));
        }
        Some(match Scope::parse(name)? {
            Scope::System => self.system(),
            Scope::Env => self.names.get(&Root::Env)?,
            Scope::Inputs => self.inputs(),
            scope @ (Scope::Local | Scope::Global | Scope::Outputs) => self.variables(scope),
        })
    }
}

/// The value of a key of the state; null where it has none.
pub(super) fn variable(names: &dyn Names, key: &str) -> Data {
    let state = names.get(&Root::State);
    state
        .as_ref()
        .and_then(|state| state.get(key))
        .cloned()
        .unwrap_or_default()
}

fn execution(names: &dyn Names, key: &str) -> Data {
    let execution = names.get(&Root::Execution);
    execution
        .as_ref()
        .and_then(|facts| facts.get(key))
        .cloned()
        .unwrap_or_default()
}

pub(super) fn run_id(names: &dyn Names) -> Arc<str> {
    execution(names, "id").to_text()
}

fn workflow_id(names: &dyn Names) -> Data {
    execution(names, "workflow")
}

/// The conversation of the run; one that has none gets its own.
pub(super) fn conversation_id(names: &dyn Names) -> Arc<str> {
    match execution(names, "conversationId") {
        Data::Text(id) if !id.is_empty() => id,
        _ => format!("conv_{}", run_id(names)).into(),
    }
}
