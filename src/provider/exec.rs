//! Processes: a program and its arguments, never through a shell.
#![allow(clippy::disallowed_methods, reason = "this provider starts processes")]

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use super::process::Group;
use super::{Effect, Performing, as_text, failed};
use crate::data::{Data, Map, Sealed};
use crate::graph::{Name, Stdout};
use crate::permit::Permit;
use crate::run::{Answer, ExecRequest, Failure, Outcome, Request};
use crate::secret::Secrets;

/// How much a process may write to stdout.
const MAX_STDOUT: usize = 16 << 20;
/// How much of the end of stderr is kept.
const KEPT_STDERR: usize = 64 << 10;
/// How long the pipes may stay open behind a process that has ended: another one holds them.
const LINGER: Duration = Duration::from_millis(250);
/// What a process inherits.
const INHERITED: [&str; 3] = ["PATH", "HOME", "LANG"];

/// Performs processes.
pub(super) struct Exec {
    permit: Arc<Permit>,
    secrets: Arc<Secrets>,
}

impl Exec {
    pub(super) fn new(permit: Arc<Permit>, secrets: Arc<Secrets>) -> Exec {
        Exec { permit, secrets }
    }

    pub(super) fn perform(self: Arc<Self>, effect: Effect) -> Performing {
        async move {
            let Request::Exec(request) = &*effect.call.request else {
                return failed(Failure::new("internal", "this is no process"));
            };
            match self.execute(request, &effect).await {
                Ok(result) => Outcome::Done(Answer { result, response: None }),
                Err(failure) => failed(failure),
            }
        }
        .boxed()
    }

    async fn execute(&self, request: &ExecRequest, effect: &Effect) -> Result<Option<Data>, Failure> {
        let command = self.command(request, effect).await?;
        let stdin = match self.secrets.reveal(&request.stdin).await? {
            Data::Text(text) => text.as_bytes().to_vec(),
            other => other.to_string().into_bytes(),
        };
        let program = &request.program;
        let mut group = Group::start(command).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => not_found(program),
            _ => Failure::new("exec.failed", format!("`{program}` cannot be started: {error}")),
        })?;
        let end = run(&mut group, &stdin).await.map_err(|error| match error {
            Broken::TooLarge => Failure::new(
                "exec.tooLarge",
                format!("`{program}` wrote more than {} MiB to stdout", MAX_STDOUT >> 20),
            ),
            Broken::Io(error) => Failure::new("exec.failed", format!("`{program}`: {error}")),
        })?;
        if !end.status.success() {
            return Err(exited(program, &end));
        }
        read_stdout(&end.stdout, request.stdout)
            .map_err(|what| Failure::new("exec.output", format!("`{program}` wrote to stdout what {what}")))
    }

    /// The command with everything checked and every secret put in.
    async fn command(&self, request: &ExecRequest, effect: &Effect) -> Result<Command, Failure> {
        self.permit.check_exec(&request.program)?;
        let mut command = Command::new(find(&request.program).ok_or_else(|| not_found(&request.program))?);
        #[cfg(unix)]
        command.arg0(&*request.program);
        for argument in &request.arguments {
            command.arg(&*as_text(self.secrets.reveal(argument).await?));
        }
        environment(&mut command, &request.env, &self.permit, &self.secrets).await?;
        command.env("INTERPRET_IDEMPOTENCY_KEY", effect.key());
        let own = request.env.iter().any(|(name, _)| **name == *"TRACEPARENT");
        if let Some(trace) = effect.trace.filter(|_| !own) {
            command.env("TRACEPARENT", trace.to_string());
        }
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    }
}

/// Gives a command its environment: what every process inherits, and what is listed.
pub(super) async fn environment(
    command: &mut Command,
    listed: &[(Name, Sealed)],
    permit: &Permit,
    secrets: &Secrets,
) -> Result<(), Failure> {
    command.env_clear();
    command.envs(
        INHERITED
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?))),
    );
    for (name, value) in listed {
        permit.check_exec_env(name)?;
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(Failure::new(
                "exec.invalid",
                format!("`{name}` is not the name of an environment variable"),
            ));
        }
        command.env(&**name, &*as_text(secrets.reveal(value).await?));
    }
    Ok(())
}

/// How a process ended.
struct End {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

enum Broken {
    TooLarge,
    Io(io::Error),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Broken {
        Broken::Io(error)
    }
}

/// Feeds a process and reads it until it has ended.
async fn run(group: &mut Group, stdin: &[u8]) -> Result<End, Broken> {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let leader = group.leader().ok_or_else(|| io::Error::other("the process is gone"))?;
    let pipes = (leader.stdin.take(), leader.stdout.take(), leader.stderr.take());
    let (Some(mut input), Some(output), Some(errors)) = pipes else {
        return Err(io::Error::other("the process has no pipes").into());
    };
    let feed = async {
        // A process need not read what it is given.
        let _ = input.write_all(stdin).await;
        drop(input);
        Ok(())
    };
    let status = {
        let transfer = async { tokio::try_join!(feed, read(output, &mut stdout), read_end(errors, &mut stderr)) };
        tokio::pin!(transfer);
        tokio::select! {
            transferred = &mut transfer => {
                transferred?;
                leader.wait().await?
            }
            status = leader.wait() => {
                if let Ok(transferred) = tokio::time::timeout(LINGER, &mut transfer).await {
                    transferred?;
                }
                status?
            }
        }
    };
    Ok(End { status, stdout, stderr })
}

async fn read(mut from: impl AsyncRead + Unpin, into: &mut Vec<u8>) -> Result<(), Broken> {
    let mut chunk = vec![0; 16 << 10];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        if into.len() + count > MAX_STDOUT {
            return Err(Broken::TooLarge);
        }
        into.extend_from_slice(&chunk[..count]);
    }
}

/// Reads everything and keeps the end of it.
async fn read_end(mut from: impl AsyncRead + Unpin, into: &mut Vec<u8>) -> Result<(), Broken> {
    let mut chunk = vec![0; 4 << 10];
    loop {
        let count = from.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        into.extend_from_slice(&chunk[..count]);
        if into.len() > 2 * KEPT_STDERR {
            into.drain(..into.len() - KEPT_STDERR);
        }
    }
}

/// What stdout says (rule 23); nothing when it is empty.
fn read_stdout(bytes: &[u8], form: Stdout) -> Result<Option<Data>, String> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    let plain = text
        .strip_suffix('\n')
        .map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Some(match form {
        Stdout::Text => Data::from(plain),
        Stdout::Lines => plain.lines().map(Data::from).collect(),
        Stdout::Json => serde_json::from_str(text).map_err(|error| format!("is not JSON: {error}"))?,
        Stdout::Auto => match text.trim_start().starts_with(['{', '[']) {
            true => serde_json::from_str(text).unwrap_or_else(|_| Data::from(plain)),
            false => Data::from(plain),
        },
    }))
}

fn exited(program: &Name, end: &End) -> Failure {
    let kept = &end.stderr[end.stderr.len().saturating_sub(KEPT_STDERR)..];
    let stderr = String::from_utf8_lossy(kept);
    let message = with_last_line(format!("`{program}` {}", how_it_ended(end.status)), &stderr);
    let mut data: Vec<(Arc<str>, Data)> = vec![("status".into(), end.status.code().map(i64::from).into())];
    if let Some(signal) = signal(end.status) {
        data.push(("signal".into(), Data::from(i64::from(signal))));
    }
    data.push(("stderr".into(), Data::from(&*stderr)));
    Failure::new("exec.exit", message).with_data(Data::from(data.into_iter().collect::<Map>()))
}

/// How a process ended, for people.
pub(super) fn how_it_ended(status: ExitStatus) -> String {
    match (status.code(), signal(status)) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended abnormally".to_owned(),
    }
}

/// A message with the last line that a process wrote to stderr, where there is one.
pub(super) fn with_last_line(message: String, stderr: &str) -> String {
    let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty());
    match last {
        Some(last) => format!("{message}: {}", last.chars().take(200).collect::<String>()),
        None => message,
    }
}

fn signal(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    return std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    return None;
}

/// The file of a program: a path as it is, a name as found in this process's own `PATH`, so that a workflow cannot make
/// a permitted name mean something else by giving another `PATH`.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    let path = PathBuf::from(program);
    if path.components().count() != 1 || program.contains('/') {
        return Some(path);
    }
    let search: OsString = std::env::var_os("PATH")?;
    let folders = std::env::split_paths(&search).filter(|folder| folder.is_absolute());
    let mut names = vec![program.to_owned()];
    if cfg!(windows) {
        names.push(format!("{program}.exe"));
    }
    folders
        .flat_map(|folder| names.iter().map(|name| folder.join(name)).collect::<Vec<_>>())
        .find(is_program)
}

fn is_program(file: &PathBuf) -> bool {
    let Ok(found) = std::fs::metadata(file) else {
        return false;
    };
    #[cfg(unix)]
    return found.is_file() && std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    return found.is_file();
}

fn not_found(program: &Name) -> Failure {
    Failure::new(
        "exec.notFound",
        format!("there is no program `{program}` on this machine"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    #[test]
    fn rule_23_stdout_is_json_where_it_looks_like_it_and_parses() {
        let read = |text: &str, form| read_stdout(text.as_bytes(), form).unwrap();
        assert_eq!(read(" {\"a\":1}\n", Stdout::Auto), Some(data!({ "a": 1 })));
        assert_eq!(read("[oops\n", Stdout::Auto), Some(data!("[oops")));
        assert_eq!(read("12\n", Stdout::Auto), Some(data!("12")));
        assert_eq!(read("12\n", Stdout::Json), Some(data!(12)));
        assert_eq!(read("a\n\n", Stdout::Text), Some(data!("a\n")));
        assert_eq!(read("a\r\nb\n", Stdout::Lines), Some(data!(["a", "b"])));
        assert_eq!(read("", Stdout::Json), None);
        assert!(read_stdout(b"x", Stdout::Json).is_err());
        assert!(read_stdout(b"\xff", Stdout::Auto).is_err());
    }
}
