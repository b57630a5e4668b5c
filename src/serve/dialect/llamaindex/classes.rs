//! Events as classes: what clients call an event by, and what they call its parent.

use indexmap::IndexMap;

use crate::contract::Schema;
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{EventRole, Name, Op, Program};

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
    start: Name,
    stops: Vec<Name>,
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
        let with = |base: Base| all.iter().filter(move |(_, class)| class.base == Some(base));
        let start = with(Base::Start).map(|(name, _)| name.clone()).next();
        let stops: Vec<Name> = with(Base::Stop).map(|(name, _)| name.clone()).collect();
        let mut classes = Classes {
            start: start.unwrap_or_else(|| Base::Start.name().into()),
            stops,
            open: main.events.is_empty(),
            all,
        };
        let start = classes.start.clone();
        classes.add(&start, Some(Base::Start), main.input_schema.as_ref());
        if classes.stops.is_empty() {
            classes.stops.push(Base::Stop.name().into());
            classes.add(Base::Stop.name(), Some(Base::Stop), None);
        }
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

    /// The class of what a workflow begins with.
    pub fn start(&self) -> &Name {
        &self.start
    }

    /// The class of what it ends with; where there are several, the first that a result matches.
    pub fn stop(&self, result: Option<&Data>) -> &str {
        let fits = |name: &&Name| {
            let schema = self.all.get(*name).and_then(|class| class.schema.as_ref());
            result.is_none_or(|result| schema.is_none_or(|schema| schema.validate(result).is_ok()))
        };
        let first = self.stops.iter().find(fits).or(self.stops.first());
        first.map_or(Base::Stop.name(), |name| name)
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

    /// What a workflow begins with may be called its own name, or that which every client knows.
    pub fn starts(&self, name: &str) -> bool {
        let declared = |class: &Class| class.base == Some(Base::Start);
        name == Base::Start.name() || self.get(name).is_some_and(declared) || self.open
    }

    /// An event as clients are told it.
    pub fn envelope(&self, name: &str, value: Data, qualified: bool) -> Data {
        envelope(name, self.get(name).and_then(|class| class.base), value, qualified)
    }

    /// The result of an execution as the event that it ends with.
    pub fn stopped(&self, result: &Data, qualified: bool) -> Data {
        let name = self.stop(Some(result));
        self.envelope(name, stop_value(name, result), qualified)
    }
}

/// An event of a class, with what clients know of the class.
pub(super) fn envelope(name: &str, base: Option<Base>, value: Data, qualified: bool) -> Data {
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
