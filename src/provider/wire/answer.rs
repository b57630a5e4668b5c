//! From the bytes of an answer to a reply, whatever its protocol and wherever they are cut.

use serde_json::Value;

use super::refusal::clipped;
use super::{Protocol, anthropic, chat, malformed, responses, sse};
use crate::graph::Name;
use crate::run::{Failure, Reply};

/// How long an answer may be, all its events together.
const LONGEST: usize = 32 << 20;

/// An answer that is coming.
#[derive(Debug)]
pub(super) struct Answer {
    reader: Reader,
    form: Form,
    size: usize,
}

/// What an answer looks like, which its first character tells: what servers write into `Content-Type` does not.
#[derive(Debug)]
enum Form {
    /// Nothing but white space has come.
    Unknown,
    /// One JSON value.
    Whole(Vec<u8>),
    /// Events.
    Stream {
        decoder: sse::Decoder,
        /// How it begins, until there is an event.
        beginning: Option<Vec<u8>>,
    },
}

#[derive(Debug)]
enum Reader {
    Chat(chat::Reader),
    Responses(responses::Reader),
    Anthropic(anthropic::Reader),
}

impl Answer {
    pub fn new(protocol: Protocol) -> Answer {
        let reader = match protocol {
            Protocol::Chat => Reader::Chat(chat::Reader::default()),
            Protocol::Responses => Reader::Responses(responses::Reader::default()),
            Protocol::Anthropic => Reader::Anthropic(anthropic::Reader::default()),
        };
        Answer {
            reader,
            form: Form::Unknown,
            size: 0,
        }
    }

    /// Reads a piece, and gives the text that it adds.
    pub fn feed(&mut self, piece: &[u8]) -> Result<String, Failure> {
        self.size = self.size.saturating_add(piece.len());
        if self.size > LONGEST {
            return Err(malformed(&format!("it is longer than {} MiB", LONGEST >> 20)));
        }
        if matches!(self.form, Form::Unknown) {
            self.form = match piece.iter().find(|byte| !byte.is_ascii_whitespace()) {
                None => return Ok(String::new()),
                Some(b'{' | b'[') => Form::Whole(Vec::new()),
                Some(_) => Form::Stream {
                    decoder: sse::Decoder::default(),
                    beginning: Some(Vec::new()),
                },
            };
        }
        match &mut self.form {
            Form::Unknown => Ok(String::new()),
            Form::Whole(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(String::new())
            }
            Form::Stream { decoder, beginning } => {
                let events = decoder.feed(piece).map_err(|error| malformed(&error.to_string()))?;
                match beginning {
                    Some(bytes) if events.is_empty() => bytes.extend_from_slice(piece),
                    _ => *beginning = None,
                }
                let mut text = String::new();
                for event in events {
                    text.push_str(&self.reader.event(&event)?);
                }
                Ok(text)
            }
        }
    }

    /// Whether all of it has come, though the server may keep the connection.
    pub fn is_over(&self) -> bool {
        match &self.reader {
            Reader::Chat(reader) => reader.is_over(),
            Reader::Responses(reader) => reader.is_over(),
            Reader::Anthropic(reader) => reader.is_over(),
        }
    }

    /// Nothing more comes. Gives the text that is only known now, and the reply.
    pub fn end(mut self, connection: &Name) -> Result<(String, Reply), Failure> {
        let text = match self.form {
            Form::Unknown => return Err(malformed("it is empty")),
            Form::Whole(bytes) => {
                let value: Value =
                    serde_json::from_slice(&bytes).map_err(|error| malformed(&format!("it is no JSON: {error}")))?;
                if !value.is_object() {
                    return Err(malformed("it is no JSON object"));
                }
                self.reader.whole(value)?
            }
            Form::Stream {
                beginning: Some(bytes), ..
            } => {
                let beginning = clipped(String::from_utf8_lossy(&bytes).trim());
                return Err(malformed(&format!("it holds no event, and begins with `{beginning}`")));
            }
            Form::Stream { .. } => String::new(),
        };
        let reply = match self.reader {
            Reader::Chat(reader) => reader.reply(),
            Reader::Responses(reader) => reader.reply(connection),
            Reader::Anthropic(reader) => reader.reply(connection),
        }?;
        Ok((text, reply))
    }
}

impl Reader {
    fn event(&mut self, event: &sse::Event) -> Result<String, Failure> {
        // Types of events stand in their data as well, where they have any; `ping` and the like may have none.
        if event.data.trim().is_empty() {
            return Ok(String::new());
        }
        match self {
            Reader::Chat(reader) => reader.event(&event.data),
            Reader::Responses(reader) => reader.event(&event.data),
            Reader::Anthropic(reader) => reader.event(&event.data),
        }
    }

    /// The answer of a server that does not stream, an object.
    fn whole(&mut self, value: Value) -> Result<String, Failure> {
        match self {
            Reader::Chat(reader) => reader.whole(&value),
            Reader::Responses(reader) => reader.whole(value),
            Reader::Anthropic(reader) => reader.whole(value),
        }
    }
}
