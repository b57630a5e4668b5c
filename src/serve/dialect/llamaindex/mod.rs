//! The protocol of LlamaIndex's `WorkflowServer`, as its clients speak it: `workflows.client` of llama-index-workflows
//! and `llama-agents-client`.
//!
//! A workflow is served by its id. A *handler* is what a client knows an execution by: the id of the execution, or the
//! id that the client has given, under which it may begin one execution after the other; the newest counts.

mod body;
mod classes;
mod describe;
mod frames;
mod handler;
mod listing;
mod reply;
mod representation;
mod routes;
mod send;
mod stream;
mod wiring;

#[cfg(test)]
mod tests;

pub(super) use routes::router;
