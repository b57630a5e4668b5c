//! `mcp`: a tool of an MCP server.

use super::{Done, Task};
use crate::graph::{Call, Name, Op, Target};
use crate::language::native::fields::Fields;
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::Reader;

/// The name of a server, which `permissions` has to ask for.
pub(in crate::language::native) fn read_server(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<Name> {
    let server = fields.required_name(reader, "server", "helpdesk")?;
    let place = fields.entry("server")?.value.span;
    reader.outline.servers.push((server.clone(), place));
    Some(server)
}

pub(super) fn read(reader: &mut Reader<'_>, task: &Task<'_>) -> Option<Done> {
    let mut fields = task.fields(reader, "{ server: helpdesk, tool: search }")?;
    let server = read_server(reader, &mut fields);
    let tool = fields.required_name(reader, "tool", "search");
    let arguments = fields.value(reader, "arguments", Field::Call, Expects::Object);
    fields.close(reader);
    let target = Target::Mcp {
        server: server?,
        tool: tool?,
        arguments,
    };
    let call = Call {
        target,
        result_schema: None,
    };
    Done::new(Op::Call(Box::new(call)), ResultOutline::Unknown)
}
