//! Editors: language servers, spoken to as an editor does.

mod client;
mod own_server;
mod yaml_server;
