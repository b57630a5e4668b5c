//! Units of work: one file per unit, and the list of units.

pub(super) use mcp::read_server;

use super::fields::Fields;
use super::keys::Schemas;
use super::outline::{ResultOutline, StepIndex};
use super::reader::{Reader, one_of};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Op;
use crate::yaml::Entry;

/// Declares every unit of work once: its variant, its key in the file, and the module that reads it. The text is the
/// unit's documentation in the JSON Schema and the manual.
macro_rules! units {
    ($($(#[doc = $doc:literal])+ $variant:ident = $key:literal in $module:ident,)+) => {
        $(mod $module;)+

        /// The units of work.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum UnitKind {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl UnitKind {
            /// Every unit, in the order of the manual.
            pub const ALL: &'static [UnitKind] = &[$(UnitKind::$variant,)+];

            /// The key in the file.
            pub fn key(self) -> &'static str {
                match self { $(UnitKind::$variant => $key,)+ }
            }

            /// What it does, in a sentence or two.
            pub fn summary(self) -> &'static str {
                match self { $(UnitKind::$variant => concat!($($doc, "\n"),+).trim_ascii(),)+ }
            }

            fn read(self, reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
                match self { $(UnitKind::$variant => $module::read(reader, task),)+ }
            }
        }
    };
}

units! {
    /// Evaluates a new value, which becomes `data`.
    Set = "set" in set,
    /// Gives `data` with some keys added or replaced.
    Assign = "assign" in assign,
    /// Sends an HTTP request.
    Http = "http" in http,
    /// Runs a program, never through a shell.
    Exec = "exec" in exec,
    /// Calls a tool of an MCP server.
    Mcp = "mcp" in mcp,
    /// Calls a function that the embedding program registered.
    Function = "function" in function,
    /// Waits for a person.
    Suspend = "suspend" in suspend,
    /// Waits for a named event.
    WaitFor = "waitFor" in wait_for,
    /// Puts a named event into the stream of the run.
    Emit = "emit" in emit,
    /// Raises an error.
    Fail = "fail" in fail,
    /// Finishes the workflow now.
    End = "end" in end,
    /// Cancels the run.
    Cancel = "cancel" in cancel,
}

impl UnitKind {
    /// The unit of a key.
    pub fn parse(key: &str) -> Option<UnitKind> {
        UnitKind::ALL.iter().copied().find(|kind| kind.key() == key)
    }
}

/// A unit being read.
pub(super) struct Task<'n> {
    pub kind: UnitKind,
    /// Its key with what is below.
    pub entry: &'n Entry,
    /// The step it belongs to, or the bare unit it is.
    pub step: StepIndex,
    /// The schemas of that step.
    pub schemas: Schemas,
}

/// What a unit comes to.
pub(super) struct Done {
    pub op: Op,
    pub result: ResultOutline,
}

impl Done {
    fn new(op: Op, result: ResultOutline) -> Option<Done> {
        Some(Done { op, result })
    }
}

impl<'n> Task<'n> {
    /// Reads the unit.
    pub fn read(&self, reader: &mut Reader<'_>) -> Option<Done> {
        self.kind.read(reader, self)
    }

    /// The keys of the unit; `example` is what could stand there.
    fn fields(&self, reader: &mut Reader<'_>, example: &str) -> Option<Fields<'n>> {
        let key = self.kind.key();
        let help = format!("write for example `{key}: {example}`");
        let fields = Fields::of(reader, key, &self.entry.value, &help)?;
        Some(self.own(fields))
    }

    /// The keys of a unit that can do without any.
    fn optional_fields(&self, reader: &mut Reader<'_>, example: &str) -> Option<Fields<'n>> {
        match self.entry.value.is_null() {
            true => Some(self.own(Fields::new(&[], "", self.entry.key_span))),
            false => self.fields(reader, example),
        }
    }

    fn own(&self, fields: Fields<'n>) -> Fields<'n> {
        fields
            .called(format!("`{}`", self.kind.key()))
            .anchored(self.entry.key_span)
            .in_step(Some(self.step))
    }

    /// Reports a wait where none can be.
    fn waits(&self, reader: &mut Reader<'_>) {
        if reader.around.finally {
            let message = format!("`{}` waits, and nothing may wait inside `finally`", self.kind.key());
            let help = "cleaning up has to end by itself; wait in a step before or behind";
            reader.report(Diagnostic::error(Code::WaitNotAllowed, self.entry.key_span, message).help(help));
        }
    }

    /// Reports an end of the run where none can be.
    fn ends(&self, reader: &mut Reader<'_>) {
        let place = match (reader.around.finally, reader.around.tap) {
            (true, _) => "`finally`, which runs after the outcome is decided",
            (false, true) => "`andTap`, which never changes the course of a run",
            (false, false) => return,
        };
        let message = format!("`{}` cannot stand inside {place}", self.kind.key());
        let help = "put it into a step of its own";
        reader.report(Diagnostic::error(Code::InvalidValue, self.entry.key_span, message).help(help));
    }
}

/// The one unit that must be there; `instead` are the keys that could stand in its place.
pub(super) fn only<'n>(
    reader: &mut Reader<'_>,
    fields: &mut Fields<'n>,
    instead: &[&'static str],
) -> Option<(UnitKind, &'n Entry)> {
    let found = all(fields);
    match &found[..] {
        [] => {
            let names: Vec<&str> = instead
                .iter()
                .copied()
                .chain(UnitKind::ALL.iter().map(|kind| kind.key()))
                .collect();
            let missing = match instead.first() {
                Some(key) => format!("{key}` or a unit of work, such as `set"),
                None => "set` or another unit of work, such as `http".to_owned(),
            };
            let message = format!("{} needs something to do", fields.what());
            let help = format!("add one of {}", one_of(names.iter().copied()));
            let names = UnitKind::ALL.iter().map(|kind| kind.key()).collect();
            fields.missing(missing, names, message, help);
            None
        }
        [only] => Some(*only),
        [first, rest @ ..] => {
            for (kind, entry) in rest {
                let message = format!("{} does one thing, and this is the second", fields.what());
                let help = format!("move `{}` into a step of its own", kind.key());
                reader.report(
                    Diagnostic::error(Code::ConflictingKeys, entry.key_span, message)
                        .label(first.1.key_span, format!("`{}` is the first", first.0.key()))
                        .help(help),
                );
            }
            Some(*first)
        }
    }
}

/// Reports units beside a key that excludes them.
pub(super) fn none(reader: &mut Reader<'_>, fields: &mut Fields<'_>, key: &'static str) {
    let instead = fields.entry(key).map(|entry| entry.key_span);
    for (kind, entry) in all(fields) {
        let message = format!("{} has either `{key}` or `{}`", fields.what(), kind.key());
        let mut diagnostic = Diagnostic::error(Code::ConflictingKeys, entry.key_span, message);
        if let Some(span) = instead {
            diagnostic = diagnostic.label(span, format!("`{key}` is here"));
        }
        reader.report(diagnostic.help(format!("move `{}` into a step below `{key}`", kind.key())));
    }
}

/// The units of a mapping in the order they were written.
fn all<'n>(fields: &mut Fields<'n>) -> Vec<(UnitKind, &'n Entry)> {
    let entries = UnitKind::ALL.iter().map(|kind| (*kind, fields.entry(kind.key())));
    let mut found: Vec<_> = entries.filter_map(|(kind, entry)| Some((kind, entry?))).collect();
    found.sort_by_key(|(_, entry)| entry.key_span.start);
    found
}
