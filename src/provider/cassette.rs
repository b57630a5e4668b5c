//! Cassettes: exchanges with models, kept in a file and answered from it.
//!
//! A line is an exchange: what was asked, and the answer or the failure. It is that of the run, not that of a protocol, so
//! that it can be read, and holds no secret: those of the connection are no part of it, and values of others are taken
//! out.
#![allow(clippy::disallowed_methods, reason = "a cassette is a file of the operator's")]

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use similar::TextDiff;

use super::model::{Answering, Model, ModelTurn};
use crate::data::Data;
use crate::run::{Failure, ModelRequest, Reply};
use crate::secret::Secrets;

/// How many lines of a difference are shown.
const SHOWN: usize = 60;

/// What is done with exchanges.
#[derive(Clone, Debug)]
pub enum Tape {
    /// Models are asked, and what comes of it is kept.
    Record(Arc<Recorder>),
    /// What was kept answers in the place of models.
    Replay(Arc<Replay>),
}

/// An exchange with a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Exchange {
    request: ModelRequest,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply: Option<Reply>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure: Option<Failure>,
}

/// The exchanges of a file.
#[derive(Clone, Debug, Default)]
pub struct Cassette {
    exchanges: Vec<Exchange>,
    name: String,
}

/// Answers from a cassette. A request that was made several times gets its answers in their order, and the last of them
/// from then on.
#[derive(Debug)]
pub struct Replay {
    cassette: Arc<Cassette>,
    /// How often an exchange, the first of those with its request, was asked for.
    asked: Mutex<BTreeMap<usize, usize>>,
}

/// Writes a cassette.
pub struct Recorder {
    file: Mutex<File>,
    name: String,
}

impl Cassette {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Why it is no cassette.
    pub fn open(path: &Path) -> Result<Cassette, String> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| format!("cannot read {name}: {error}"))?;
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let exchange = |(at, line): (usize, &str)| match serde_json::from_str::<Exchange>(line) {
            Ok(exchange) if exchange.reply.is_some() != exchange.failure.is_some() => Ok(exchange),
            Ok(_) => Err(format!(
                "{name}:{}: an exchange has either a `reply` or a `failure`",
                at + 1
            )),
            Err(error) => Err(format!("{name}:{}: this is no recorded exchange: {error}", at + 1)),
        };
        let exchanges = lines.map(exchange).collect::<Result<_, _>>()?;
        Ok(Cassette { exchanges, name })
    }

    /// The exchange whose request is most like another one.
    fn nearest(&self, request: &ModelRequest) -> Option<&Exchange> {
        let same = |exchange: &&Exchange| {
            let recorded = &exchange.request;
            (recorded.agent == request.agent, recorded.turn == request.turn)
        };
        self.exchanges.iter().rev().max_by_key(same)
    }

    fn unrecorded(&self, request: &ModelRequest) -> Failure {
        let asked = format!(
            "turn {} of agent `{}` is not as it was recorded in {}",
            request.turn, request.agent, self.name
        );
        let message = match self.nearest(request) {
            Some(nearest) => format!("{asked}:\n{}", difference(&nearest.request, request)),
            None => format!("{asked}, where nothing is"),
        };
        Failure::new(
            "agent.unrecorded",
            format!("{message}\nrecord it again with --record-models"),
        )
    }
}

impl Replay {
    /// Answers from the beginning.
    pub fn new(cassette: Arc<Cassette>) -> Replay {
        Replay {
            cassette,
            asked: Mutex::default(),
        }
    }

    /// What was recorded for a request.
    ///
    /// # Errors
    ///
    /// The failure that was recorded, or that nothing was.
    pub fn reply(&self, request: &ModelRequest) -> Result<Reply, Failure> {
        let exchanges = self.cassette.exchanges.iter().enumerate();
        let same: Vec<_> = exchanges.filter(|(_, exchange)| exchange.request == *request).collect();
        let Some((first, _)) = same.first() else {
            return Err(self.cassette.unrecorded(request));
        };
        // A panic while the map is held leaves it whole.
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let times = asked.entry(*first).or_default();
        let exchange = same.get(*times).or(same.last()).map(|(_, exchange)| *exchange);
        *times += 1;
        match exchange {
            Some(Exchange { reply: Some(reply), .. }) => Ok(reply.clone()),
            Some(Exchange {
                failure: Some(failure), ..
            }) => Err(failure.clone()),
            _ => Err(self.cassette.unrecorded(request)),
        }
    }
}

impl Model for Replay {
    fn answer(&self, turn: ModelTurn) -> Answering {
        let reply = self.reply(&turn.request);
        if let Ok(Reply {
            content: Some(Data::Text(text)),
            ..
        }) = &reply
        {
            turn.deltas.text(text);
        }
        std::future::ready(reply).boxed()
    }
}

impl Recorder {
    /// Begins a file, in the place of one that is there.
    ///
    /// # Errors
    ///
    /// Why it cannot be written.
    pub fn create(path: &Path) -> Result<Recorder, String> {
        let name = path.display().to_string();
        let file = File::create(path).map_err(|error| format!("cannot write {name}: {error}"))?;
        Ok(Recorder {
            file: Mutex::new(file),
            name,
        })
    }

    fn keep(&self, secrets: &Secrets, exchange: &Exchange) -> Result<(), Failure> {
        let failed = |why: String| {
            let message = format!("an exchange cannot be recorded in {}: {why}", self.name);
            Failure::new("agent.unrecorded", message)
        };
        let value = serde_json::to_value(exchange).map_err(|error| failed(error.to_string()))?;
        let line = format!("{}\n", secrets.redact(&Data::from(value)));
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write for a line, so that a process that is killed leaves none in half.
        let written = file.write_all(line.as_bytes());
        written.map_err(|error| failed(error.to_string()))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A model all of whose exchanges are kept.
pub(super) struct Recording {
    pub model: Arc<dyn Model>,
    pub recorder: Arc<Recorder>,
    pub secrets: Arc<Secrets>,
}

impl Model for Recording {
    fn answer(&self, turn: ModelTurn) -> Answering {
        let request = turn.request.clone();
        let (recorder, secrets) = (self.recorder.clone(), self.secrets.clone());
        let answering = self.model.answer(turn);
        async move {
            let answer = answering.await;
            // What was not granted or cannot be asked was no exchange.
            let is_exchange = match &answer {
                Ok(_) => true,
                Err(failure) => matches!(&*failure.code, "agent.network" | "agent.status" | "agent.decode"),
            };
            if is_exchange {
                let exchange = Exchange {
                    request: ModelRequest::clone(&request),
                    reply: answer.as_ref().ok().cloned(),
                    failure: answer.as_ref().err().cloned(),
                };
                recorder.keep(&secrets, &exchange)?;
            }
            answer
        }
        .boxed()
    }
}

/// Where two requests differ, a line for each value.
fn difference(recorded: &ModelRequest, asked: &ModelRequest) -> String {
    let pretty = |request: &ModelRequest| serde_json::to_string_pretty(request).unwrap_or_default();
    let (recorded, asked) = (pretty(recorded), pretty(asked));
    let diff = TextDiff::from_lines(&recorded, &asked);
    let unified = diff
        .unified_diff()
        .context_radius(2)
        .header("recorded", "asked")
        .to_string();
    let mut lines: Vec<&str> = unified.lines().collect();
    if lines.len() > SHOWN {
        lines.truncate(SHOWN);
        lines.push("…");
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use crate::graph::{ModelName, Parameters};
    use crate::run::Message;

    fn request(prompt: &str) -> ModelRequest {
        ModelRequest {
            agent: "desk".into(),
            turn: 0,
            model: ModelName::parse("one/m").unwrap(),
            instructions: None,
            earlier: 0,
            messages: vec![Message::User { content: data!(prompt) }],
            tools: Vec::new(),
            schema: None,
            parameters: Parameters::default(),
        }
    }

    fn exchange(prompt: &str, answer: Result<&str, &str>) -> Exchange {
        Exchange {
            request: request(prompt),
            reply: answer.ok().map(|text| Reply::of(Some(data!(text)))),
            failure: answer.err().map(|code| Failure::new(code, "No")),
        }
    }

    #[test]
    fn a_request_gets_its_answers_in_their_order_and_others_a_difference() {
        let path = std::env::temp_dir().join(format!("interpret-cassette-{}.ndjson", std::process::id()));
        let recorder = Recorder::create(&path).unwrap();
        let secrets = Secrets::new(|_| Ok(None));
        for kept in [
            exchange("Why?", Err("agent.status")),
            exchange("Who?", Ok("She.")),
            exchange("Why?", Ok("So.")),
        ] {
            recorder.keep(&secrets, &kept).unwrap();
        }
        let replay = Replay::new(Arc::new(Cassette::open(&path).unwrap()));
        std::fs::remove_file(&path).unwrap();
        let said = |prompt| replay.reply(&request(prompt)).map(|reply| reply.content);
        assert_eq!(&*said("Why?").unwrap_err().code, "agent.status");
        assert_eq!(said("Why?"), Ok(Some(data!("So."))));
        assert_eq!(said("Why?"), Ok(Some(data!("So."))));
        assert_eq!(said("Who?"), Ok(Some(data!("She."))));
        let other = said("When?").unwrap_err();
        assert_eq!(&*other.code, "agent.unrecorded");
        let lines: Vec<&str> = other.message.lines().map(str::trim_end).collect();
        assert!(lines.contains(&"+      \"content\": \"When?\""), "{}", other.message);
        assert!(
            lines.iter().any(|line| line.starts_with("-      \"content\": ")),
            "{}",
            other.message
        );
    }

    #[test]
    fn what_is_no_cassette_is_told_with_its_line() {
        let path = std::env::temp_dir().join(format!("interpret-no-cassette-{}.ndjson", std::process::id()));
        std::fs::write(&path, "\n{\"request\":1}\n").unwrap();
        let error = Cassette::open(&path).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(error.contains(":2: "), "{error}");
    }
}
