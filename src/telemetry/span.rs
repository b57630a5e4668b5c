//! Spans as OTLP has them.

use super::message::{Attributes, Field, Message, Worth, attributes};
use crate::graph::Timestamp;

/// The id of a span.
pub(super) type SpanId = [u8; 8];

/// Which side of a conversation a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Within this program.
    Internal,
    /// It asks another one.
    Client,
}

/// Something that has begun.
#[derive(Clone, Debug)]
pub(super) struct Open {
    pub id: SpanId,
    pub parent: Option<SpanId>,
    pub name: String,
    pub side: Side,
    pub start: Timestamp,
    pub attributes: Attributes,
}

/// How something ended.
#[derive(Clone, Debug, Default)]
pub(super) struct End {
    /// The code of its error.
    pub error: Option<String>,
    /// What there is to say about the error, if that may be told.
    pub message: Option<String>,
    /// Whether it was given up.
    pub cancelled: bool,
}

/// A span that is over.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub trace: [u8; 16],
    pub open: Open,
    pub end: Timestamp,
    pub how: End,
}

impl Span {
    pub fn message(&self) -> Message {
        let Open {
            id,
            parent,
            name,
            side,
            start,
            attributes: own,
        } = &self.open;
        let mut message = Message::default()
            .with(1, "traceId", Field::Id(self.trace.to_vec()))
            .with(2, "spanId", Field::Id(id.to_vec()));
        if let Some(parent) = parent {
            message = message.with(4, "parentSpanId", Field::Id(parent.to_vec()));
        }
        let kind = match side {
            Side::Internal => 1,
            Side::Client => 3,
        };
        let error = self.how.error.as_deref().map(Worth::from);
        let outcome = self.how.cancelled.then(|| Worth::from("cancelled"));
        let more = [("error.type", error), ("interpret.outcome", outcome)];
        let more: Attributes = more
            .into_iter()
            .filter_map(|(key, worth)| Some((key, worth?)))
            .collect();
        let told = attributes(own.iter().chain(&more).map(|(key, worth)| (*key, worth)));
        message = message
            .with(5, "name", Field::Text(name.clone()))
            .with(6, "kind", Field::Small(kind))
            .with(7, "startTimeUnixNano", Field::Fixed(super::nanos(*start)))
            .with(8, "endTimeUnixNano", Field::Fixed(super::nanos(self.end.max(*start))))
            .with(9, "attributes", told);
        if self.how.error.is_some() {
            let mut status = Message::default();
            if let Some(why) = &self.how.message {
                status = status.with(2, "message", Field::Text(why.clone()));
            }
            message = message.with(15, "status", Field::Message(status.with(3, "code", Field::Small(2))));
        }
        // It belongs to a trace that is kept.
        message.with(16, "flags", Field::Fixed32(1))
    }
}
