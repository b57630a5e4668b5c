//! Editors: language servers, spoken to as an editor does.

mod client;
#[cfg(unix)]
mod init;
mod own_server;
mod yaml_server;
