//! The workflow API of Vellum: what the clients `vellum-ai` from PyPI (1.14) and npm (1.14) ask for.

mod answer;
mod ascii;
mod body;
mod deployments;
mod error;
mod events;
mod executions;
mod frames;
mod meta;
mod paging;
mod reply;
mod routes;
mod stream;
mod told;
mod variable;

pub(super) use routes::router;
