//! Streams of events, read from the journal at the pace of the client.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use futures_util::stream;
use tokio::sync::watch;

use super::frames::{Form, Frames, Wanted};
use crate::drive::Follow;
use crate::graph::Program;
use crate::serve::problem::Problem;
use crate::serve::service::Service;

impl Form {
    fn kind(self) -> &'static str {
        match self {
            Form::Sse => "text/event-stream; charset=utf-8",
            Form::Lines => "application/x-ndjson",
        }
    }

    /// How often something is sent when nothing happens, and what. A client that reads lines takes five seconds of
    /// silence for the end of the server, and passes over empty lines.
    fn sign_of_life(self) -> (Duration, &'static [u8]) {
        match self {
            Form::Sse => (Duration::from_secs(15), b": heartbeat\n\n"),
            Form::Lines => (Duration::from_secs(3), b"\n"),
        }
    }
}

/// What a stream is made of.
pub(super) struct Source {
    pub program: Arc<Program>,
    pub follow: Follow,
    /// Events of the journal before this one are not told.
    pub from: u64,
    /// Whether the execution is over.
    pub over: bool,
}

/// A stream being written.
struct Stream {
    frames: Frames,
    follow: Follow,
    from: u64,
    form: Form,
    stopping: watch::Receiver<bool>,
}

/// The answer with the events of an execution; without content when nothing is left to be told.
///
/// # Errors
///
/// When the execution is over, and its events cannot be read.
pub(super) async fn response(service: &Service, source: Source, wanted: Wanted) -> Result<Response, Problem> {
    let mut stream = Stream {
        frames: Frames::new(source.program, wanted),
        follow: source.follow,
        from: source.from,
        form: wanted.form,
        stopping: service.stopping(),
    };
    let first = match source.over {
        false => None,
        true => match stream.next().await {
            None => return Ok(StatusCode::NO_CONTENT.into_response()),
            Some(Err(error)) => return Err(Problem::Conflict(error.to_string())),
            first => first,
        },
    };
    let rest = stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        match stream.next().await? {
            Ok(bytes) => Some((Ok(bytes), Some(stream))),
            // The connection is cut, so that the client does not take this for the end of the execution.
            Err(error) => Some((Err(error), None)),
        }
    });
    let headers = [
        (header::CONTENT_TYPE, wanted.form.kind()),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(stream::iter(first).chain(rest))).into_response())
}

impl Stream {
    /// The next events, or a sign of life; `None` behind the last.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        let (patience, sign) = self.form.sign_of_life();
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(patience, self.follow.next()) => next,
                // The client comes back to whoever serves then, and is told what it has missed.
                _ = self.stopping.wait_for(|stopping| *stopping) => {
                    return Some(Err(io::Error::other("the server is about to end")));
                }
            };
            let batch = match next {
                Err(_) => return Some(Ok(Bytes::from_static(sign))),
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, "a stream ends");
                    return Some(Err(io::Error::other(error)));
                }
                Ok(Some(Ok(batch))) => batch,
            };
            let mut out = String::new();
            for (seq, event) in (batch.first..).zip(batch.events.iter()) {
                let followed = match seq < self.from {
                    true => self.frames.pass(event),
                    false => self.frames.follow(event, &mut out),
                };
                if followed.is_err() {
                    return Some(Err(io::Error::other("the journal is damaged")));
                }
            }
            if !out.is_empty() {
                return Some(Ok(Bytes::from(out)));
            }
        }
    }
}
