//! Responses as they come: read from the journal at the pace of the client.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::watch;

use super::compose::{Composer, ResponseId};
use super::failure::Failure;
use super::responses::keep;
use crate::drive::Follow;
use crate::graph::Program;
use crate::serve::guard::Concerns;
use crate::serve::problem::Problem;
use crate::serve::service::Service;
use crate::store::Batch;

/// How often something is sent when nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A response that is being made.
pub(super) struct Making {
    service: Arc<Service>,
    composer: Composer,
    follow: Follow,
    id: ResponseId,
}

impl Making {
    /// The response that begins with an event of a run.
    pub fn new(service: &Arc<Service>, program: Arc<Program>, id: ResponseId) -> Making {
        Making {
            service: service.clone(),
            composer: Composer::new(program, id.clone()),
            follow: service.driver().follow(id.run.clone(), 0),
            id,
        }
    }

    /// The response once it is over.
    ///
    /// # Errors
    ///
    /// When the events cannot be read.
    pub async fn finished(mut self) -> Result<Value, Failure> {
        let mut stopping = self.service.stopping();
        while !self.composer.is_over() {
            let next = tokio::select! {
                next = self.follow.next() => next,
                _ = stopping.wait_for(|stopping| *stopping) => {
                    return Err(Problem::Unavailable("the server is about to end".to_owned()).into());
                }
            };
            match next {
                Some(batch) => self.take(&batch?).await?,
                None => break,
            }
        }
        Ok(self.composer.response())
    }

    /// Follows events; what the response says is kept before it is told that it is over.
    async fn take(&mut self, batch: &Batch) -> Result<(), Failure> {
        for event in batch.events.iter() {
            self.composer
                .follow(event)
                .map_err(|corrupt| Problem::Internal(corrupt.to_string()))?;
        }
        if self.composer.is_over() {
            keep(&self.service, &self.composer).await?;
        }
        Ok(())
    }

    /// The answer with the events of the response, those up to `known` left out.
    pub fn response(self, known: Option<u64>) -> Response {
        let run = self.id.run.clone();
        let stream = Stream {
            stopping: self.service.stopping(),
            making: self,
            known,
        };
        let stream = futures_util::stream::unfold(Some(stream), async |stream| {
            let mut stream = stream?;
            let bytes = stream.next().await?;
            let rest = (!stream.making.composer.is_over()).then_some(stream);
            Some((Ok::<_, std::convert::Infallible>(bytes), rest))
        });
        let headers = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-cache"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        let mut response = (headers, Body::from_stream(stream)).into_response();
        Concerns::note(&run, &mut response);
        response
    }
}

struct Stream {
    making: Making,
    known: Option<u64>,
    stopping: watch::Receiver<bool>,
}

impl Stream {
    /// The next events, or a sign of life; nothing when the stream has to end early.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let next = tokio::select! {
                next = tokio::time::timeout(HEARTBEAT, self.making.follow.next()) => next,
                _ = self.stopping.wait_for(|stopping| *stopping) => return None,
            };
            let batch = match next {
                Err(_) => return Some(Bytes::from_static(b": alive\n\n")),
                Ok(None) => return None,
                Ok(Some(Err(error))) => {
                    tracing::warn!(%error, "a stream ends");
                    return None;
                }
                Ok(Some(Ok(batch))) => batch,
            };
            if let Err(error) = self.making.take(&batch).await {
                tracing::warn!(?error, "a stream ends");
                return None;
            }
            let mut out = String::new();
            for told in self.making.composer.tell() {
                let number = told["sequence_number"].as_u64();
                if self
                    .known
                    .is_some_and(|known| number.is_some_and(|number| number <= known))
                {
                    continue;
                }
                let kind = told["type"].as_str().unwrap_or_default();
                out.push_str(&format!("event: {kind}\ndata: {told}\n\n"));
            }
            if !out.is_empty() || self.making.composer.is_over() {
                return Some(Bytes::from(out));
            }
        }
    }
}
