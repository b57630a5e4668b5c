//! Servers that are programs, spoken to by their standard input and output.
#![allow(clippy::disallowed_methods, reason = "this provider starts processes")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{ChildStderr, Command};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::answer;
use super::lines::{Lines, MOST};
use super::session::Session;
use crate::data::Sealed;
use crate::graph::Name;
use crate::permit::Permit;
use crate::provider::as_text;
use crate::provider::exec;
use crate::provider::process::Group;
use crate::run::Failure;
use crate::secret::Secrets;

/// How much of the end of stderr is kept.
const KEPT: usize = 4 << 10;
/// How long a process that is said to be gone has to be.
const LINGER: Duration = Duration::from_millis(250);

/// The process of a server.
pub(super) struct Child {
    group: tokio::sync::Mutex<Group>,
    stderr: Arc<Mutex<Vec<u8>>>,
    /// Reads stderr until its end.
    reader: tokio::sync::Mutex<Option<JoinHandle<()>>>,
    exceeded: Arc<AtomicBool>,
}

/// What there is to say of a process that does not answer any more.
pub(super) enum End {
    /// It sent a message that is too long.
    TooLong,
    /// It is gone, or has closed its output.
    Gone(String),
}

/// The command, with everything checked and every secret put in.
pub(super) async fn command(
    program: &Name,
    folder: &Path,
    arguments: &[Sealed],
    env: &[(Name, Sealed)],
    permit: &Permit,
    secrets: &Secrets,
) -> Result<Command, Failure> {
    permit.check_exec(program)?;
    let unavailable = |what: String| Failure::new("mcp.unavailable", what);
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let folder = std::path::absolute(folder)
        .map_err(|error| unavailable(format!("there is no folder {}: {error}", folder.display())))?;
    let found = match is_path(program) {
        true => Some(folder.join(&**program)),
        false => exec::find(program),
    };
    let missing = || unavailable(format!("there is no program `{program}` on this machine"));
    let mut command = Command::new(found.ok_or_else(missing)?);
    command.current_dir(folder);
    for argument in arguments {
        command.arg(&*as_text(secrets.reveal(argument).await?));
    }
    exec::environment(&mut command, env, permit, secrets).await?;
    Ok(command)
}

/// Whether a program is a file, rather than a name to look up.
fn is_path(program: &str) -> bool {
    program.contains('/') || PathBuf::from(program).components().count() != 1
}

/// Starts a server and greets it.
pub(super) async fn open(server: &Name, program: &Name, mut command: Command) -> Result<Session, Failure> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let broken = |error: std::io::Error| {
        let message = format!("`{program}`, the MCP server `{server}`, cannot be started: {error}");
        Failure::new("mcp.unavailable", message)
    };
    let mut group = Group::start(command).map_err(broken)?;
    group.guard();
    let leader = group
        .leader()
        .ok_or_else(|| broken(std::io::Error::other("it is gone")))?;
    let (Some(input), Some(output), Some(errors)) = (leader.stdin.take(), leader.stdout.take(), leader.stderr.take())
    else {
        return Err(broken(std::io::Error::other("it has no pipes")));
    };
    let stderr = Arc::default();
    let reader = tokio::spawn(keep_end(errors, Arc::clone(&stderr)));
    let child = Child {
        group: tokio::sync::Mutex::new(group),
        stderr,
        reader: tokio::sync::Mutex::new(Some(reader)),
        exceeded: Arc::default(),
    };
    let output: Lines<_> = Lines::new(output, MOST, child.exceeded.clone());
    match Session::open((output, input), Some(child)).await {
        Ok(session) => Ok(session),
        Err((error, child)) => {
            let end = match child {
                Some(child) => Some(child.end().await),
                None => None,
            };
            Err(answer::not_open(server, &error, end))
        }
    }
}

impl Child {
    /// How it came to an end.
    pub async fn end(&self) -> End {
        if self.exceeded.load(Ordering::Acquire) {
            return End::TooLong;
        }
        let mut group = self.group.lock().await;
        let status = match group.leader() {
            Some(leader) => timeout(LINGER, leader.wait()).await.ok().and_then(Result::ok),
            None => None,
        };
        let how = status.map_or_else(|| "closed its input or output".to_owned(), exec::how_it_ended);
        if let Some(reader) = self.reader.lock().await.take() {
            // What it said last may not have been read yet; another process may hold the pipe open.
            let _ = timeout(LINGER, reader).await;
        }
        let kept = self.stderr.lock().unwrap_or_else(PoisonError::into_inner);
        End::Gone(exec::with_last_line(how, &String::from_utf8_lossy(&kept)))
    }
}

/// Reads what a server says for people, and keeps the end of it.
async fn keep_end(mut from: ChildStderr, into: Arc<Mutex<Vec<u8>>>) {
    let mut chunk = vec![0; KEPT];
    while let Ok(count @ 1..) = from.read(&mut chunk).await {
        let mut kept = into.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&chunk[..count]);
        let surplus = kept.len().saturating_sub(KEPT);
        kept.drain(..surplus);
    }
}
