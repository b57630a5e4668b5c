//! The workflow API of VoltAgent, which is this project's own: the published REST page, and what the server of
//! `@voltagent/server-hono` 2.0 sends besides.

mod answer;
mod body;
mod detail;
mod frames;
mod openapi;
mod reply;
mod routes;
mod state;
mod stream;

pub(super) use openapi::describe;
pub(super) use routes::router;
