//! Editors: language servers, spoken to as an editor does.

mod client;
mod yaml_server;
