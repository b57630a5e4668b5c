//! `--batch`: a workflow over many inputs, one line in and one line out.

use std::io::{BufRead, BufReader, Read};

use futures_util::{StreamExt, stream};
use tokio::sync::mpsc;

use super::interrupt::{self, Interrupts};
use super::{Prepared, answer, deliver};
use crate::cli::{Exit, complain, output};
use crate::data;
use crate::data::Data;
use crate::drive::Session;
use crate::run::{Input, RunEnd, Status};

/// The longest line that is read.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

/// A line and its number, or why it could not be read.
type Line = (usize, Result<String, String>);

pub(super) async fn run(prepared: &Prepared, file: &str, concurrency: usize) -> Exit {
    let lines = match file {
        "-" => lines(std::io::stdin()),
        path => match std::fs::File::open(path) {
            Ok(file) => lines(file),
            Err(error) => return complain(format!("--batch: cannot read {path}: {error}")),
        },
    };
    let mut interrupts = Interrupts::listen();
    let driver = prepared.driver.clone();
    tokio::spawn(async move { driver.heed().await });
    let lines = stream::unfold(lines, async |mut lines| lines.recv().await.map(|line| (line, lines)));
    // Lines are read as runs end, so a long file costs no memory; behind an interrupt none is begun.
    let mut until = interrupts.clone();
    let lines = lines.take_until(Box::pin(async move {
        until.first().await;
        output::say(&format!("{}\n", interrupt::NOTICE));
    }));
    let heard = interrupts.clone();
    let runs = lines.map(|(number, line)| one(prepared, number, line, heard.clone()));
    let mut results = std::pin::pin!(runs.buffered(concurrency));
    let (mut failed, mut suspended) = (false, false);
    loop {
        let result = tokio::select! {
            result = results.next() => result,
            () = interrupts.second() => return Exit::Cancelled,
        };
        let Some((status, line)) = result else {
            prepared.driver.heeded().await;
            break;
        };
        failed |= status == Status::Error;
        suspended |= status == Status::Suspended;
        if let Err(exit) = output::result(&format!("{line}\n")) {
            return exit;
        }
    }
    match (interrupts.any(), failed, suspended) {
        (true, ..) => Exit::Cancelled,
        (_, true, _) => Exit::Error,
        (.., true) => Exit::Suspended,
        _ => Exit::Success,
    }
}

async fn one(prepared: &Prepared, line: usize, text: Result<String, String>, interrupts: Interrupts) -> (Status, Data) {
    let wrong = |message: String| {
        let error = data!({ "code": "batch.line", "message": message });
        (
            Status::Error,
            data!({ "line": line, "status": "error", "error": error }),
        )
    };
    let input = match text {
        Err(error) => return wrong(format!("line {line} {error}")),
        Ok(text) => match serde_json::from_str::<Data>(&text) {
            Ok(input) => input,
            Err(error) => return wrong(format!("line {line} is not JSON: {error}")),
        },
    };
    let start = prepared.start(None, input);
    let opened = prepared
        .driver
        .open(prepared.program.clone(), start, &mut |_, _| {})
        .await;
    let mut session = match opened {
        Ok(session) => session,
        Err(error) => return wrong(error.to_string()),
    };
    let cancelling = tokio::spawn(interrupts.cancel(session.handle().clone()));
    let driven = drive(prepared, &mut session).await;
    cancelling.abort();
    let status = match driven {
        Ok(status) => status,
        Err(error) => return wrong(error),
    };
    let mut told = data!({ "line": line, "status": status.as_str() });
    let more: (&str, Data) = match session.run().state().end() {
        Some(RunEnd::Completed(output)) => ("result", output.clone()),
        Some(RunEnd::Failed(failure)) => ("error", failure.to_data()),
        Some(RunEnd::Cancelled(reason)) => ("reason", reason.as_deref().into()),
        None => {
            let waits = session.run().waits().map(|wait| Data::from(wait.address));
            ("waiting", waits.collect())
        }
    };
    if let (Data::Map(map), Some(_)) = (&told, &prepared.store) {
        told = Data::from(map.with("run".into(), Data::Text(session.handle().id().clone())));
    }
    if let Data::Map(map) = &told {
        told = Data::from(map.with(more.0.into(), more.1));
    }
    (status, told)
}

/// Drives a run until it is over or `--resume` has no answer for it.
async fn drive(prepared: &Prepared, session: &mut Session) -> Result<Status, String> {
    let told = deliver::all(session, &prepared.events, &mut |_, _| {}).await;
    told.map_err(|error| format!("--event: {error}"))?;
    let mut answers = prepared.resume.clone();
    loop {
        let status = session
            .to_rest(&mut |_, _| {})
            .await
            .map_err(|error| error.to_string())?;
        if status != Status::Suspended {
            return Ok(status);
        }
        let Some((target, payload)) = answer::given(session, &mut answers) else {
            return Ok(status);
        };
        let target = Some(target);
        let resume = Input::Resume { target, payload };
        let sent = session.send(resume, &mut |_, _| {}).await;
        sent.map_err(|error| format!("--resume: {error}"))?;
    }
}

/// The lines of a text that are not empty, read in a thread of its own: whoever writes them may take their time.
fn lines(from: impl Read + Send + 'static) -> mpsc::Receiver<Line> {
    let (sender, receiver) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        for number in 1.. {
            let line = match line(&mut from) {
                Ok(None) => return,
                Ok(Some(text)) if text.trim().is_empty() => continue,
                Ok(Some(text)) => Ok(text),
                Err(message) => Err(message),
            };
            let unreadable = line.as_ref().is_err_and(|message| message.starts_with(UNREADABLE));
            // Nobody wants more when the receiver is gone.
            if sender.blocking_send((number, line)).is_err() || unreadable {
                return;
            }
        }
    });
    receiver
}

const UNREADABLE: &str = "cannot be read";

/// One line; of one that is too long the rest is passed over.
fn line(from: &mut impl BufRead) -> Result<Option<String>, String> {
    let mut bytes = Vec::new();
    let unreadable = |error: std::io::Error| format!("{UNREADABLE}: {error}");
    let mut limited = from.take(LONGEST_LINE as u64 + 1);
    if limited.read_until(b'\n', &mut bytes).map_err(unreadable)? == 0 {
        return Ok(None);
    }
    if bytes.len() > LONGEST_LINE && bytes.last() != Some(&b'\n') {
        from.skip_until(b'\n').map_err(unreadable)?;
        return Err(format!("is longer than {} MiB", LONGEST_LINE / 1024 / 1024));
    }
    String::from_utf8(bytes)
        .map(Some)
        .map_err(|_| "is not UTF-8 text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_costs_only_itself() {
        let long = vec![b'x'; LONGEST_LINE + 10];
        let mut text = BufReader::new(std::io::Cursor::new([&b"1\n"[..], &long, b"\n\xff\n2"].concat()));
        assert_eq!(line(&mut text), Ok(Some("1\n".to_owned())));
        assert_eq!(line(&mut text), Err("is longer than 64 MiB".to_owned()));
        assert_eq!(line(&mut text), Err("is not UTF-8 text".to_owned()));
        assert_eq!(line(&mut text), Ok(Some("2".to_owned())));
        assert_eq!(line(&mut text), Ok(None));
    }
}
