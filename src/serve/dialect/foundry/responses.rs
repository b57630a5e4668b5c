//! Responses: a run of a workflow from its beginning, or from an answer to it, to its end or to where it waits.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;
use tokio::sync::Mutex;

use super::body::{Client, Create, labels};
use super::compose::{Composer, ResponseId};
use super::conversations;
use super::failure::{Failure, Reply, unkept, unknown_response};
use super::start;
use super::stream::Making;
use crate::data::Data;
use crate::drive::{RunHandle, new_run_id};
use crate::graph::{Name, Program};
use crate::run::{EventKind, PendingWait, Status, Ticket, Wait};
use crate::serve::caller::{Caller, Scope};
use crate::serve::catalog::Served;
use crate::serve::guard::Concerns;
use crate::serve::problem::Problem;
use crate::serve::refusal;
use crate::serve::service::{Begin, Look, Service};
use crate::store::{self, Conversation, Entry, Filter, Said, message_id};

/// How many runs of a conversation are looked at at once.
const PAGE: usize = 50;

/// What two requests must not do at the same time: to go on with one conversation. Conversations share few locks.
static TURNS: [Mutex<()>; 32] = [const { Mutex::const_new(()) }; 32];

fn turn(conversation: &str) -> &'static Mutex<()> {
    let mut hasher = DefaultHasher::new();
    conversation.hash(&mut hasher);
    let at = hasher.finish() % TURNS.len() as u64;
    &TURNS[usize::try_from(at).unwrap_or_default()]
}

/// Begins a run, or answers the one that waits in the conversation.
pub(super) async fn create(service: &Arc<Service>, caller: &Caller, agent: Option<&str>, create: Create) -> Reply {
    caller.may(Scope::Run)?;
    let served = agent_of(service, agent, &create)?;
    let said = Client::read(&create.input)?;
    let (stream, background) = (create.stream == Some(true), create.background == Some(true));
    let conversation = conversation(service, caller, &create).await?;
    let (program, id) = {
        let _turn = turn(&conversation.id).lock().await;
        match in_progress(service, caller, &conversation.id, &served).await? {
            Some(entry) => answer(service, caller, &entry, &conversation, &said).await?,
            None => begin(service, caller, &served, &conversation, &said, create).await?,
        }
    };
    let making = Making::new(service, program, id.clone());
    if stream {
        return Ok(making.response(None));
    }
    let response = match background {
        true => so_far(service, &id).await?.response(),
        false => making.finished().await?,
    };
    Ok(concerning(&id.run, &response))
}

/// Tells a response again.
pub(super) async fn retrieve(service: &Arc<Service>, caller: &Caller, id: &str, query: &str) -> Reply {
    let id = known(service, caller, id).await?;
    let part = |key: &str| {
        query
            .split('&')
            .find_map(|part| part.strip_prefix(key)?.strip_prefix('='))
    };
    if part("stream") == Some("true") {
        let program = service.driver().program_of(&id.run).await?;
        let known = part("starting_after").and_then(|number| number.parse().ok());
        return Ok(Making::new(service, program, id).response(known));
    }
    let response = so_far(service, &id).await?.response();
    Ok(concerning(&id.run, &response))
}

/// Cancels the run of a response.
pub(super) async fn cancel(service: &Arc<Service>, caller: &Caller, id: &str) -> Reply {
    let id = known(service, caller, id).await?;
    service.cancel(caller, None, &id.run, None).await?;
    let response = so_far(service, &id).await?.response();
    Ok(concerning(&id.run, &response))
}

/// The response of an id, if the caller may know of it.
async fn known(service: &Service, caller: &Caller, text: &str) -> Result<ResponseId, Failure> {
    let unknown = || unknown_response(text, Problem::UnknownExecution(text.to_owned()));
    let id = ResponseId::parse(text).ok_or_else(unknown)?;
    let entry = service.entry(caller, None, &id.run).await;
    let entry = entry.map_err(|problem| unknown_response(text, problem))?;
    (id.first < entry.seq).then_some(id).ok_or_else(unknown)
}

/// A response as far as it has come.
pub(super) async fn so_far(service: &Service, id: &ResponseId) -> Result<Composer, Failure> {
    let program = service.driver().program_of(&id.run).await?;
    let mut composer = Composer::new(program, id.clone());
    let mut from = 0;
    loop {
        let page = service.driver().store().load(&id.run, from).await?;
        let Some(last) = page.last() else { break };
        let end = last.end();
        for batch in page {
            for event in batch.from(from).events.iter() {
                let followed = composer.follow(event);
                followed.map_err(|corrupt| Problem::Internal(corrupt.to_string()))?;
            }
            if composer.is_over() {
                return Ok(composer);
            }
        }
        from = end;
    }
    Ok(composer)
}

/// Keeps what a response has said in its conversation; what is there already stays as it is.
pub(super) async fn keep(service: &Service, composer: &Composer) -> Result<(), store::Error> {
    let (Some(conversation), false) = (composer.conversation(), composer.messages().is_empty()) else {
        return Ok(());
    };
    let store = service.driver().store();
    // Who has forgotten the conversation meanwhile does not want it back.
    let Some(known) = store.conversation(conversation).await? else {
        return Ok(());
    };
    store.say(known, composer.messages().to_vec()).await
}

/// Keeps what the last run of a conversation has said, where the server ended before that was done. A run that cannot be
/// read holds up nothing.
pub(super) async fn settle(service: &Service, conversation: &Name) {
    if let Err(error) = try_settle(service, conversation).await {
        tracing::warn!(%conversation, ?error, "what a run has said is not kept in its conversation");
    }
}

async fn try_settle(service: &Service, conversation: &Name) -> Result<(), Failure> {
    let filter = Filter {
        conversation: Some(conversation.clone()),
        limit: Some(1),
        ..Filter::default()
    };
    let Some(entry) = service.driver().store().list(filter).await?.pop() else {
        return Ok(());
    };
    let program = service.driver().program_of(&entry.run).await?;
    let id = ResponseId {
        run: entry.run.clone(),
        first: 0,
    };
    let mut composer = Composer::whole(program, id);
    let mut from = 0;
    while from < entry.seq {
        let page = service.driver().store().load(&entry.run, from).await?;
        let Some(last) = page.last() else { break };
        let end = last.end();
        for batch in page {
            for event in batch.from(from).events.iter() {
                let followed = composer.follow(event);
                followed.map_err(|corrupt| Problem::Internal(corrupt.to_string()))?;
            }
        }
        from = end;
    }
    Ok(keep(service, &composer).await?)
}

/// The workflow that is asked for: by the path, as an agent, or as a model.
fn agent_of(service: &Service, path: Option<&str>, create: &Create) -> Result<Arc<Served>, Failure> {
    let reference = create.agent_reference.as_ref().or(create.agent.as_ref());
    let name = path.or(reference.map(|agent| agent.name())).or(create.model.as_deref());
    let Some(name) = name else {
        return Err(Failure::malformed(
            "agent",
            "name the workflow: `agent: {\"name\": ..., \"type\": \"agent_reference\"}`",
        ));
    };
    let version = reference.and_then(|agent| agent.version());
    named(service, name, version.as_deref())
}

/// A workflow by its name, which need not be written as its id is.
pub(super) fn named(service: &Service, name: &str, version: Option<&str>) -> Result<Arc<Served>, Failure> {
    let catalog = service.catalog();
    let plain = |text: &str| text.to_lowercase().replace([' ', '_'], "-");
    let wanted = plain(name);
    let alike = |served: &&Arc<Served>| {
        let header = &served.program.main().header;
        plain(&header.id) == wanted || header.name.as_ref().is_some_and(|name| plain(name) == wanted)
    };
    let found = catalog.get(name, None).or_else(|| catalog.iter().find(alike));
    let missing = |what: String| Failure::missing("agent", what);
    let found = found.ok_or_else(|| missing(format!("Agent '{name}' not found: no workflow of that id is served.")))?;
    let header = &found.program.main().header;
    // Files that say nothing of versions are the only one there is, whatever number the client knows it by.
    match (version, &header.version) {
        (Some(version), Some(_)) => {
            let found = catalog.get(&header.id, Some(version)).cloned();
            found.ok_or_else(|| missing(format!("Agent '{name}' has no version '{version}'.")))
        }
        _ => Ok(found.clone()),
    }
}

/// The conversation of a response: the one that is named, that of the response before, or a new one.
async fn conversation(service: &Service, caller: &Caller, create: &Create) -> Result<Conversation, Failure> {
    if let Some(named) = &create.conversation {
        return conversations::known(service, caller, named.name(), "conversation").await;
    }
    let before = match &create.previous_response_id {
        Some(previous) => {
            let previous = known(service, caller, previous).await;
            let previous = previous.map_err(|failure| failure.about("previous_response_id"))?;
            service.entry(caller, None, &previous.run).await?.conversation
        }
        None => None,
    };
    match before {
        Some(id) => conversations::known(service, caller, &id, "previous_response_id").await,
        None => conversations::make(service, caller, Data::Null).await,
    }
}

/// The run of a workflow in a conversation that is not over.
async fn in_progress(
    service: &Service,
    caller: &Caller,
    conversation: &Name,
    served: &Served,
) -> Result<Option<Entry>, Failure> {
    let mut filter = Filter {
        conversation: Some(conversation.clone()),
        limit: Some(PAGE),
        ..Filter::default()
    };
    let workflow = &served.program.main().header.id;
    loop {
        let page = service.list(caller, filter.clone()).await?;
        let going = |entry: &&Entry| !store::is_over(entry.head.status) && entry.head.workflow == *workflow;
        if let Some(found) = page.iter().find(going) {
            return Ok(Some(found.clone()));
        }
        let Some(last) = page.last().filter(|_| page.len() == PAGE) else {
            return Ok(None);
        };
        filter.after = Some((last.started_at, last.run.clone()));
    }
}

/// Begins a run in a conversation.
async fn begin(
    service: &Service,
    caller: &Caller,
    served: &Served,
    conversation: &Conversation,
    said: &Client,
    create: Create,
) -> Result<(Arc<Program>, ResponseId), Failure> {
    let header = &served.program.main().header;
    let run = new_run_id();
    let id = ResponseId {
        run: run.clone(),
        first: 0,
    };
    let kept = messages(service, said, &id.to_string());
    let input = start::input(said, &kept, create.structured_inputs, header);
    let begin = Begin {
        version: header.version.clone(),
        execution: Some(run),
        user: conversation.user.clone(),
        conversation: Some(conversation.id.clone()),
        labels: labels(create.metadata)?,
        ..Begin::new(header.id.clone(), input)
    };
    say(service, conversation, &kept).await?;
    match service.begin(caller, begin).await {
        Ok(handle) => Ok((handle.program().clone(), id)),
        Err(problem) => {
            unsay(service, conversation, &kept).await?;
            let about = matches!(problem, Problem::Invalid { .. });
            let failure = Failure::from(problem);
            Err(if about { failure.about("input") } else { failure })
        }
    }
}

/// Answers what a run waits for.
async fn answer(
    service: &Service,
    caller: &Caller,
    entry: &Entry,
    conversation: &Conversation,
    said: &Client,
) -> Result<(Arc<Program>, ResponseId), Failure> {
    let busy = |why: &str| Failure::malformed("conversation", format!("The conversation is in use: {why}."));
    if entry.head.status == Status::Running {
        return Err(busy("a response in it is in progress"));
    }
    let Look { run, entry } = service.look(caller, None, &entry.run).await?;
    let Some(wait) = run.waits().find(|wait| matches!(*wait.wait, Wait::Resume { .. })) else {
        return Err(match run.status() {
            Status::Suspended if run.state().suspension().is_some() => busy("its run is held"),
            Status::Suspended => busy("its run waits for an event, not for a message"),
            _ => busy("a response in it is in progress"),
        });
    };
    let kept = messages(service, said, &format!("{}/{}", entry.run, wait.ticket.0));
    let payload = start::payload(said, &kept, &wait, run.resume_schema(wait.ticket))?;
    say(service, conversation, &kept).await?;
    let step = Some(Name::from(wait.address.as_str()));
    match service.resume(caller, None, &entry.run, step, Some(payload)).await {
        Ok(handle) => {
            let first = answered(service, &handle, entry.seq, wait.ticket).await?;
            let run = entry.run.clone();
            Ok((handle.program().clone(), ResponseId { run, first }))
        }
        Err(problem) => {
            // In another process somebody else may have said the same.
            if !is_too_late(&problem) {
                unsay(service, conversation, &kept).await?;
            }
            Err(refused(problem, &wait))
        }
    }
}

fn is_too_late(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::Conflict(_) | Problem::UnknownStep(_) | Problem::NotSuspended(_)
    )
}

fn refused(problem: Problem, wait: &PendingWait) -> Failure {
    match is_too_late(&problem) {
        true => Failure::malformed(
            "conversation",
            format!("Somebody else was faster: the step `{}` has its answer.", wait.step),
        ),
        false => Failure::from(problem).about("input"),
    }
}

/// The event with which a wait ended.
async fn answered(service: &Service, handle: &RunHandle, from: u64, ticket: Ticket) -> Result<u64, Failure> {
    let mut from = from;
    loop {
        let page = service.driver().store().load(handle.id(), from).await?;
        let Some(last) = page.last() else {
            return Err(Problem::Internal(format!("the answer to {} is not there", handle.id())).into());
        };
        let end = last.end();
        for batch in page {
            let batch = batch.from(from);
            let mut events = (batch.first..).zip(batch.events.iter());
            let is_answer = |kind: &EventKind| matches!(kind, EventKind::WaitEnded { ticket: of, .. } if *of == ticket);
            if let Some((seq, _)) = events.find(|(_, event)| is_answer(&event.kind)) {
                return Ok(seq);
            }
        }
        from = end;
    }
}

/// What a client says, as messages whose ids come from what they are for.
fn messages(service: &Service, said: &Client, of: &str) -> Vec<Said> {
    let at = service.driver().clock().now();
    let each = said.messages.iter().enumerate().map(|(n, message)| {
        let id = message_id(&format!("input {of}"), n);
        Said::of(message.clone(), id, at)
    });
    each.collect()
}

/// Keeps what a client says in the conversation, where it stands before what comes of it.
async fn say(service: &Service, conversation: &Conversation, messages: &[Said]) -> Result<(), Failure> {
    settle(service, &conversation.id).await;
    let messages = messages.iter().filter(|message| !message.text().is_empty());
    let said = service
        .driver()
        .store()
        .say(conversation.clone(), messages.cloned().collect());
    said.await.map_err(unkept)
}

async fn unsay(service: &Service, conversation: &Conversation, messages: &[Said]) -> Result<(), Failure> {
    for message in messages {
        let store = service.driver().store();
        store.unsay(&conversation.id, &message.id).await.map_err(unkept)?;
    }
    Ok(())
}

/// An answer, with a note for the log which run it is about.
fn concerning(run: &Name, response: &Value) -> Response {
    let mut response = refusal::json(StatusCode::OK, response);
    Concerns::note(run, &mut response);
    response
}
