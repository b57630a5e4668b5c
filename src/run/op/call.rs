//! Calls of the outside world: the request on the way out, the answer on the way in.

use std::sync::Arc;

use crate::data::{Data, Sealed};
use crate::expr::Build;
use crate::graph::{Call, Name, Target};
use crate::run::event::{Answer, EventKind, Outcome, ScopeId, Ticket};
use crate::run::request::*;
use crate::run::step::{Finding, check};
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn begin(turn: &mut Turn<'_>, scope: ScopeId, call: &Call) -> Result<(), Corrupt> {
    match request(turn, scope, &call.target) {
        Ok(request) => turn.emit(EventKind::CallStarted {
            scope,
            ticket: Ticket(turn.state.next_ticket),
            request: Arc::new(request),
        }),
        Err(failure) => turn.failed(scope, failure),
    }
}

pub(super) fn answered(turn: &mut Turn<'_>, scope: ScopeId, call: &Call, outcome: Outcome) -> Result<(), Corrupt> {
    let answer = match outcome {
        Outcome::Failed(failure) => {
            let failure = super::own(&failure);
            return turn.failed(scope, failure);
        }
        Outcome::Done(answer) => answer,
        // No step but that of an agent asks a model.
        Outcome::Said(reply) => Answer {
            result: reply.content.clone(),
            response: None,
        },
    };
    let checked = match &call.result_schema {
        Some(schema) => check(
            schema,
            answer.result.as_ref().unwrap_or(&Data::Null),
            "schema.output",
            "the answer",
        ),
        None => Ok(()),
    };
    match checked {
        Ok(()) => turn.concluded(scope, Finding::Done(answer)),
        Err(failure) => turn.failed(scope, failure),
    }
}

fn request(turn: &Turn<'_>, scope: ScopeId, target: &Target) -> Result<Request, Failure> {
    let sealed =
        |build: &Build| -> Result<Sealed, Failure> { Ok(build.eval_sealed(&turn.view(scope, Extra::default())?)?) };
    let optional = |build: &Option<Build>| build.as_ref().map(sealed).transpose();
    let received = || -> Result<Data, Failure> { Ok(turn.entry(scope)?.data.clone()) };
    let plain = |build: &Option<Build>| {
        build
            .as_ref()
            .map(|build| turn.value(scope, build, Extra::default()))
            .transpose()
    };
    Ok(match target {
        Target::Http {
            method,
            url,
            query,
            headers,
            body,
            accept,
        } => Request::Http(HttpRequest {
            method: method.clone(),
            url: sealed(url)?,
            query: entries(optional(query)?, "query")?,
            headers: entries(optional(headers)?, "headers")?,
            body: optional(body)?,
            accept: accept.clone(),
        }),
        Target::Exec {
            command,
            env,
            stdin,
            stdout,
        } => {
            let mut words = words(sealed(command)?)?.into_iter();
            let program = match words.next() {
                Some(Sealed::Plain(Data::Text(program))) if !program.is_empty() => program,
                _ => {
                    return Err(Failure::new(
                        "expression.type",
                        "`command` needs the name of a program first",
                    ));
                }
            };
            Request::Exec(ExecRequest {
                program,
                arguments: words.collect(),
                env: entries(optional(env)?, "env")?,
                stdin: match optional(stdin)? {
                    Some(stdin) => stdin,
                    None => Sealed::Plain(received()?),
                },
                stdout: *stdout,
            })
        }
        Target::Mcp {
            server,
            tool,
            arguments,
        } => Request::Mcp(McpRequest {
            server: server.clone(),
            tool: tool.clone(),
            arguments: optional(arguments)?.unwrap_or_else(|| Sealed::Plain(Data::Map(Arc::default()))),
            at: None,
        }),
        Target::Conversation(converse) => Request::Conversation(super::converse::request(turn, scope, converse)?),
        Target::McpAt(call) => {
            let text =
                |build: &Build| -> Result<Name, Failure> { Ok(turn.value(scope, build, Extra::default())?.to_text()) };
            let url = text(&call.url)?;
            let server = call.label.clone().unwrap_or_else(|| url.clone());
            let at = Some(McpAddress {
                url,
                headers: entries(optional(&call.headers)?, "headers")?,
            });
            match text(&call.tool)? {
                tool if &*tool == "tools/list" => Request::McpTools(McpToolsRequest { server, at }),
                tool => Request::Mcp(McpRequest {
                    server,
                    tool,
                    arguments: optional(&call.arguments)?.unwrap_or_else(|| Sealed::Plain(Data::Map(Arc::default()))),
                    at,
                }),
            }
        }
        Target::Function { name, arguments } => Request::Function(FunctionRequest {
            name: name.clone(),
            arguments: match plain(arguments)? {
                Some(arguments) => arguments,
                None => received()?,
            },
        }),
    })
}

/// The entries of an object; null values are dropped.
fn entries(value: Option<Sealed>, what: &str) -> Result<Vec<(Name, Sealed)>, Failure> {
    let all = match value {
        None | Some(Sealed::Plain(Data::Null)) => return Ok(Vec::new()),
        Some(Sealed::Map(entries)) => entries,
        Some(Sealed::Plain(Data::Map(map))) => map
            .iter()
            .map(|(key, value)| (key.clone(), Sealed::Plain(value.clone())))
            .collect(),
        Some(other) => {
            let kind = match &other {
                Sealed::Plain(data) => data.kind(),
                Sealed::Text(_) => "text",
                Sealed::List(_) | Sealed::Map(_) => "list",
            };
            return Err(Failure::new(
                "expression.type",
                format!("`{what}` needs an object, not {kind}"),
            ));
        }
    };
    Ok(all
        .into_iter()
        .filter(|(_, value)| *value != Sealed::Plain(Data::Null))
        .collect())
}

/// The words of a command: null dropped, lists spliced, everything else as text (rule 23).
fn words(command: Sealed) -> Result<Vec<Sealed>, Failure> {
    let parts = match command {
        Sealed::List(parts) => parts,
        Sealed::Plain(Data::List(parts)) => parts.iter().cloned().map(Sealed::Plain).collect(),
        _ => {
            return Err(Failure::new(
                "expression.type",
                "`command` needs a list: the program and its arguments",
            ));
        }
    };
    let mut words = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            Sealed::Plain(Data::List(inner)) => words.extend(inner.iter().cloned().map(Sealed::Plain).filter_map(word)),
            Sealed::List(inner) => words.extend(inner.into_iter().filter_map(word)),
            one => words.extend(word(one)),
        }
    }
    Ok(words)
}

/// A word as text; none for null.
fn word(part: Sealed) -> Option<Sealed> {
    match part {
        Sealed::Plain(Data::Null) => None,
        Sealed::Plain(data) => Some(Sealed::Plain(Data::Text(data.to_text()))),
        sealed => Some(sealed),
    }
}
