//! The events of a workflow as JSON Schemas.

use super::classes::{Base, Class, Classes, start, stop};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::Program;

/// What a workflow begins and ends with.
pub(super) fn ends(program: &Program) -> Data {
    let classes = Classes::of(program);
    let of = |name: &str| classes.get(name).map(|class| schema(name, class)).unwrap_or_default();
    let header = &program.main().header;
    let stop = match stop(header, None) {
        name if name == Base::Stop.name() => result(program),
        name => of(name),
    };
    data!({ "start": Data::from(of(start(header))), "stop": Data::from(stop) })
}

/// All events that a workflow knows.
pub(super) fn events(program: &Program) -> Data {
    let classes = Classes::of(program);
    let schemas = classes.iter().map(|(name, class)| match name {
        name if **name == *Base::Stop.name() => Data::from(result(program)),
        name => Data::from(schema(name, class)),
    });
    data!({ "events": schemas.collect::<Vec<Data>>() })
}

/// The schema of a class; it goes by the class's name.
pub(super) fn schema(name: &str, class: &Class) -> Map {
    let own = class.schema.as_ref().and_then(|schema| schema.source().as_map());
    titled(name, own.map(|own| Map::clone(own)).unwrap_or_default())
}

/// The schema of an end that has no class of the workflow's own: the result is one of its fields.
fn result(program: &Program) -> Map {
    let schema = program.main().header.output_schema.as_ref();
    let schema = schema.map_or_else(|| data!({}), |schema| schema.source().clone());
    let properties = data!({ "type": "object", "properties": { "result": schema } });
    let whole = properties.as_map().map(|map| Map::clone(map)).unwrap_or_default();
    titled(Base::Stop.name(), whole)
}

fn titled(name: &str, schema: Map) -> Map {
    let schema = match schema.contains("type") {
        true => schema,
        false => schema.with("type".into(), Data::from("object")),
    };
    schema.with("title".into(), Data::from(name))
}
