//! `--batch`: a workflow over many inputs, one line in and one line out.

use std::io::{BufRead, Write};

use futures_util::StreamExt;
use futures_util::stream;

use super::Prepared;
use crate::cli::{Exit, complain};
use crate::data;
use crate::data::Data;
use crate::drive::StartError;
use crate::run::{RunEnd, Status};

/// The longest line that is read.
const LONGEST_LINE: usize = 64 * 1024 * 1024;

pub(super) async fn run(prepared: &Prepared, file: &str, concurrency: usize) -> Exit {
    let lines: Box<dyn BufRead> = match file {
        "-" => Box::new(std::io::BufReader::new(std::io::stdin())),
        path => match std::fs::File::open(path) {
            Ok(file) => Box::new(std::io::BufReader::new(file)),
            Err(error) => return complain(format!("--batch: cannot read {path}: {error}")),
        },
    };
    let inputs = lines.lines().enumerate();
    let not_empty =
        |(_, line): &(usize, std::io::Result<String>)| line.as_ref().map_or(true, |line| !line.trim().is_empty());
    // Lines are read as runs end, so a long file costs no memory.
    let runs = stream::iter(inputs.filter(not_empty)).map(|(at, line)| one(prepared, at + 1, line));
    let mut results = std::pin::pin!(runs.buffered(concurrency));
    let mut failed = false;
    let mut out = std::io::stdout().lock();
    while let Some((status, line)) = results.next().await {
        failed |= status != "completed";
        if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
            // Nobody reads any more.
            return Exit::Error;
        }
    }
    match failed {
        true => Exit::Error,
        false => Exit::Success,
    }
}

async fn one(prepared: &Prepared, line: usize, text: std::io::Result<String>) -> (&'static str, Data) {
    let wrong = |message: String| {
        let error = data!({ "code": "batch.line", "message": message });
        ("error", data!({ "line": line, "status": "error", "error": error }))
    };
    let input = match text {
        Err(error) => return wrong(format!("line {line} cannot be read: {error}")),
        Ok(text) if text.len() > LONGEST_LINE => return wrong(format!("line {line} is too long")),
        Ok(text) => match serde_json::from_str::<Data>(&text) {
            Ok(input) => input,
            Err(error) => return wrong(format!("line {line} is not JSON: {error}")),
        },
    };
    let start = prepared.start(None, input);
    let session = match prepared
        .driver
        .run_to_rest(prepared.program.clone(), start, |_, _| {})
        .await
    {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return wrong(error.to_string()),
        Err(StartError::Rejected(rejection)) => return wrong(rejection.to_string()),
        Err(error) => return wrong(error.to_string()),
    };
    match session.run().state().end() {
        Some(RunEnd::Completed(output)) => (
            "completed",
            data!({ "line": line, "status": "completed", "result": output.clone() }),
        ),
        Some(RunEnd::Failed(failure)) => (
            "error",
            data!({ "line": line, "status": "error", "error": failure.to_data() }),
        ),
        Some(RunEnd::Cancelled(_)) => ("cancelled", data!({ "line": line, "status": "cancelled" })),
        None => {
            let waiting: Data = session.run().waits().map(|wait| Data::from(wait.address)).collect();
            let status = Status::Suspended.as_str();
            (status, data!({ "line": line, "status": status, "waiting": waiting }))
        }
    }
}
