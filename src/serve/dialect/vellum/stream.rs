//! Streams of JSON lines. They are read from the journal at the pace of the client.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;

use super::ascii;
use super::error::{Code, Wrong};
use super::events::Events;
use super::frames::Frames;
use crate::data::Data;
use crate::drive::Follow;
use crate::run::{Corrupt, Event};
use crate::serve::service::Service;

/// How often an empty line is sent when nothing happens: clients pass over it, and proxies know that the stream is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Which events are sent.
pub(super) enum Lines {
    Frames(Box<Frames>),
    Events(Box<Events>),
}

/// A stream being written.
struct Stream {
    lines: Lines,
    follow: Follow,
    stopping: watch::Receiver<bool>,
}

/// The answer with the lines of an execution.
pub(super) fn response(service: &Service, follow: Follow, lines: Lines) -> Response {
    let stream = Stream {
        lines,
        follow,
        stopping: service.stopping(),
    };
    let stream = futures_util::stream::unfold(Some(stream), async |stream| {
        let mut stream = stream?;
        let (bytes, more) = stream.next().await?;
        Some((Ok::<_, std::convert::Infallible>(bytes), more.then_some(stream)))
    });
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(stream)).into_response()
}

impl Lines {
    /// Appends the lines of an event; true behind the last.
    fn follow(&mut self, event: &Event, out: &mut String) -> Result<bool, Corrupt> {
        match self {
            Lines::Frames(frames) => frames.follow(event, out).map(|()| false),
            Lines::Events(events) => {
                let mut told = Vec::new();
                events.follow(event, &mut told)?;
                told.iter().for_each(|told| ascii::line(&told.event, out));
                Ok(told.iter().any(|told| told.is_last))
            }
        }
    }

    /// The last line, when nothing more can be told.
    fn broken(&self, out: &mut String) {
        let wrong = Wrong {
            code: Code::Internal,
            message: "the events cannot be read".into(),
            raw: Data::Null,
        };
        match self {
            Lines::Frames(frames) => frames.broken(&wrong, out),
            // The stream ends without the event that says so.
            Lines::Events(_) => {}
        }
    }
}

impl Stream {
    /// The next lines, and whether there may be more; `None` at the end.
    async fn next(&mut self) -> Option<(Bytes, bool)> {
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(HEARTBEAT, self.follow.next()) => next,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            let mut out = String::new();
            let followed = match next {
                Err(_) => return Some((Bytes::from_static(b"\n"), true)),
                Ok(None) => return None,
                Ok(Some(Err(error))) => Err(error.to_string()),
                Ok(Some(Ok(batch))) => {
                    let mut is_last = Ok(false);
                    for event in batch.events.iter() {
                        is_last = self.lines.follow(event, &mut out);
                        if !matches!(is_last, Ok(false)) {
                            break;
                        }
                    }
                    is_last.map_err(|error| error.to_string())
                }
            };
            match followed {
                Ok(true) => return Some((Bytes::from(out), false)),
                Ok(false) if out.is_empty() => {}
                Ok(false) => return Some((Bytes::from(out), true)),
                Err(error) => {
                    tracing::warn!(%error, "a stream ends");
                    self.lines.broken(&mut out);
                    return Some((Bytes::from(out), false));
                }
            }
        }
    }
}
