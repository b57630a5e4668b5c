//! Editors: language servers, spoken to as an editor does.

mod client;
#[cfg(unix)]
mod init;
mod yaml_server;
