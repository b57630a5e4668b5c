//! Events as classes: what clients call an event by, and what they call its parent.

use indexmap::IndexMap;

use crate::contract::Schema;
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{EventDeclaration, EventRole, Header, Name, Op, Program};

/// A class that every client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Start,
    Stop,
    Request,
    Response,
    /// What this protocol tells of the interpreter itself.
    Internal,
}

impl Base {
    pub fn name(self) -> &'static str {
        match self {
            Base::Start => "StartEvent",
            Base::Stop => "StopEvent",
            Base::Request => "InputRequiredEvent",
            Base::Response => "HumanResponseEvent",
            Base::Internal => "InternalDispatchEvent",
        }
    }

    fn of(role: EventRole) -> Option<Base> {
        match role {
            EventRole::Start => Some(Base::Start),
            EventRole::Stop => Some(Base::Stop),
            EventRole::Request => Some(Base::Request),
            EventRole::Response => Some(Base::Response),
            EventRole::Progress => None,
        }
    }
}

/// Where the classes are that every client knows.
const MODULE: &str = "workflows.events";
/// Where clients are told that the classes of a workflow are: they stand in their own program, if anywhere.
const MAIN: &str = "__main__";

/// A class of events.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub base: Option<Base>,
    /// What its fields have to match.
    pub schema: Option<Schema>,
}

/// The classes that a workflow knows, those of the workflows that it calls included.
pub(super) struct Classes {
    all: IndexMap<Name, Class>,
    /// Whether any other name may be used, since the workflow declares none.
    open: bool,
}

impl Classes {
    /// The classes of a program.
    pub fn of(program: &Program) -> Classes {
        let main = &program.main().header;
        let mut all: IndexMap<Name, Class> = IndexMap::new();
        for (index, workflow) in program.workflows.iter().enumerate() {
            for (name, declared) in &workflow.header.events {
                // Nobody but the step that calls it begins a child, and nobody else is told its result.
                let inside = index > 0 && matches!(declared.role, EventRole::Start | EventRole::Stop);
                if !inside && !all.contains_key(name) {
                    let class = Class {
                        base: Base::of(declared.role),
                        schema: declared.schema.clone(),
                    };
                    all.insert(name.clone(), class);
                }
            }
        }
        let mut classes = Classes {
            open: main.events.is_empty(),
            all,
        };
        classes.add(start(main), Some(Base::Start), main.input_schema.as_ref());
        classes.add(stop(main, None), Some(Base::Stop), None);
        for step in &program.steps {
            match &step.node.op {
                Op::Emit { event, schema, .. } => classes.add(event, None, schema.as_ref()),
                Op::WaitFor(wait) => classes.add(&wait.event, None, wait.schema.as_ref()),
                Op::Suspend(_) | Op::Approve(_) => {
                    let (request, response) = asks(&step.node.op);
                    classes.add(request, Some(Base::Request), None);
                    let schema = step.node.op.resume_schema().flatten();
                    classes.add(response, Some(Base::Response), schema);
                }
                _ => {}
            }
        }
        classes
    }

    /// Adds a class unless it is there.
    fn add(&mut self, name: &str, base: Option<Base>, schema: Option<&Schema>) {
        if !self.all.contains_key(name) {
            let schema = schema.cloned();
            self.all.insert(name.into(), Class { base, schema });
        }
    }

    pub fn get(&self, name: &str) -> Option<&Class> {
        self.all.get(name)
    }

    /// Whether an event of that name may be sent.
    pub fn takes(&self, name: &str) -> bool {
        self.open || self.all.contains_key(name)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Class)> {
        self.all.iter()
    }

    /// The names, for a message.
    pub fn listed(&self) -> String {
        let names: Vec<&str> = self.all.keys().map(|name| &**name).collect();
        names.join(", ")
    }

    /// An event as clients are told it.
    pub fn envelope(&self, name: &str, value: Data, qualified: bool) -> Data {
        envelope(name, self.get(name).and_then(|class| class.base), value, qualified)
    }
}

/// The class of what a workflow begins with.
pub(super) fn start(header: &Header) -> &str {
    let mut declared = header.events.iter().filter(|(_, event)| event.role == EventRole::Start);
    declared.next().map_or(Base::Start.name(), |(name, _)| name)
}

/// Whether a workflow may begin with an event of that class: its own, or that which every client knows.
pub(super) fn starts(header: &Header, name: &str) -> bool {
    let declared = header
        .events
        .get(name)
        .is_some_and(|event| event.role == EventRole::Start);
    declared || name == Base::Start.name() || header.events.is_empty()
}

/// The class of what a workflow ends with; where there are several, the first that the result matches.
pub(super) fn stop<'h>(header: &'h Header, result: Option<&Data>) -> &'h str {
    let declared = || header.events.iter().filter(|(_, event)| event.role == EventRole::Stop);
    let fits = |(_, event): &(&Name, &EventDeclaration)| match (result, &event.schema) {
        (Some(result), Some(schema)) => schema.validate(result).is_ok(),
        _ => true,
    };
    let first = declared().next();
    // With one there is no choice, and nothing to be checked.
    let chosen = match declared().nth(1) {
        Some(_) => declared().find(fits).or(first),
        None => first,
    };
    chosen.map_or(Base::Stop.name(), |(name, _)| name)
}

/// The result of an execution as the event that it ends with.
pub(super) fn stopped(header: &Header, result: &Data, qualified: bool) -> Data {
    let name = stop(header, Some(result));
    envelope(name, Some(Base::Stop), stop_value(name, result), qualified)
}

/// An event of a class, with what clients know of the class.
fn envelope(name: &str, base: Option<Base>, value: Data, qualified: bool) -> Data {
    let parent = base.filter(|base| base.name() != name);
    let known = parent.is_none() && base.is_some();
    let module = if known { MODULE } else { MAIN };
    told(name, module, parent, value, qualified)
}

/// An event of one of the classes that only this protocol has: of the interpreter, or an end that is no result.
pub(super) fn own(name: &str, parent: Base, value: Data, qualified: bool) -> Data {
    told(name, MODULE, Some(parent), value, qualified)
}

fn told(name: &str, module: &str, parent: Option<Base>, value: Data, qualified: bool) -> Data {
    let types = parent.map_or(Data::Null, |parent| data!([parent.name()]));
    let qualified = match qualified {
        true => Data::from(format!("{module}.{name}")),
        false => Data::Null,
    };
    data!({ "value": value, "qualified_name": qualified, "type": name, "types": types })
}

/// The fields of the event that an execution ends with: those of its result, or `result`.
fn stop_value(name: &str, result: &Data) -> Data {
    match result {
        Data::Map(_) if name != Base::Stop.name() => result.clone(),
        Data::Null => Data::from(Map::new()),
        result => data!({ "result": result.clone() }),
    }
}

/// What an execution has come to without the event around it: what older clients ask for.
pub(super) fn unwrapped(envelope: &Data) -> Data {
    let value = envelope.get("value").cloned().unwrap_or_default();
    match envelope.get("type").and_then(Data::as_str) == Some(Base::Stop.name()) {
        true => value.get("result").cloned().unwrap_or_default(),
        false => value,
    }
}

/// The fields of an event: an object as it is, anything else under a name.
pub(super) fn fields(value: &Data, name: &'static str) -> Data {
    match value {
        Data::Map(_) => value.clone(),
        Data::Null => Data::from(Map::new()),
        other => [(Name::from(name), other.clone())].into_iter().collect(),
    }
}

/// The events with which a step asks and is answered.
pub(super) fn asks(op: &Op) -> (&str, &str) {
    let (request, response) = match op {
        Op::Suspend(suspend) => (suspend.request.as_deref(), suspend.response.as_deref()),
        _ => (None, None),
    };
    (
        request.unwrap_or(Base::Request.name()),
        response.unwrap_or(Base::Response.name()),
    )
}
