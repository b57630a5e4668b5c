//! Streams: every event once, however often the client or the server goes away.

use futures_util::StreamExt;
use interpret::data;
use interpret::data::Data;

use super::{NAPS, ORDER, Served, block_on, client};

/// A stream that is being read.
struct Reader {
    response: std::pin::Pin<Box<dyn futures_util::Stream<Item = reqwest::Result<axum::body::Bytes>>>>,
    text: String,
    /// Frames without a number, each with how many with a number were before it.
    live: Vec<(u64, Data)>,
    last: u64,
}

/// A frame: its number and what it says.
type Frame = (u64, Data);

impl Reader {
    async fn begin(served: &Served, workflow: &str, body: &Data) -> Reader {
        let url = format!("{}/workflows/{workflow}/stream", served.base);
        Reader::of(client().post(url).body(body.to_string())).await
    }

    async fn attach(served: &Served, workflow: &str, execution: &str, last: Option<u64>) -> Reader {
        let url = format!("{}/workflows/{workflow}/executions/{execution}/stream", served.base);
        let mut request = client().get(url);
        if let Some(last) = last {
            request = request.header("last-event-id", last.to_string());
        }
        Reader::of(request).await
    }

    async fn of(request: reqwest::RequestBuilder) -> Reader {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Reader {
            response: Box::pin(response.bytes_stream()),
            text: String::new(),
            live: Vec::new(),
            last: 0,
        }
    }

    /// The next frame; `None` when the stream has ended or was cut.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let frame: String = self.text.drain(..end + 2).collect();
                let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
                let Some(data) = field("data: ") else { continue };
                let data = serde_json::from_str(data).unwrap();
                match field("id: ") {
                    Some(id) => {
                        self.last = id.parse().unwrap();
                        return Some((self.last, data));
                    }
                    None => self.live.push((self.last, data)),
                }
                continue;
            }
            let bytes = self.response.next().await?.ok()?;
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }

    async fn until(&mut self, kind: &str) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            let found = frame.1.get("type") == Some(&data!(kind));
            frames.push(frame);
            if found {
                break;
            }
        }
        frames
    }

    async fn rest(mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            frames.push(frame);
        }
        frames
    }
}

fn kinds(frames: &[Frame]) -> Vec<String> {
    let kind = |(_, frame): &Frame| frame.get("type").and_then(Data::as_str).unwrap_or_default().to_owned();
    frames.iter().map(kind).collect()
}

/// The frames of an execution from its beginning.
fn whole(served: &Served, workflow: &str, execution: &str) -> Vec<Frame> {
    block_on(async { Reader::attach(served, workflow, execution, Some(0)).await.rest().await })
}

#[test]
fn a_stream_tells_everything_and_ends_with_the_result() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let body = data!({ "input": { "orderId": "A", "amount": 4 } });
    let frames = block_on(async { Reader::begin(&served, "order-approval", &body).await.rest().await });
    assert_eq!(
        kinds(&frames),
        [
            "workflow-start",
            "step-start",
            "step-complete",
            "step-start",
            "step-complete",
            "step-start",
            "step-complete",
            "workflow-complete",
            "workflow-result"
        ]
    );
    assert!(frames.iter().map(|(id, _)| *id).eq(1..=9));
    let at = |frame: usize, key: &str| frames[frame].1.get(key).cloned().unwrap_or_default();
    assert_eq!(at(1, "from"), data!("Validate Order"));
    assert_eq!((at(1, "stepIndex"), at(1, "stepType")), (data!(0), data!("andThen")));
    assert_eq!(at(4, "status"), data!("skipped"));
    assert_eq!(at(8, "result"), data!({ "approved": true, "totalAmount": 4 }));
    assert!(frames[..8].iter().all(|(_, frame)| frame.get("timestamp").is_some()));
}

#[test]
fn a_stream_stays_open_while_the_execution_waits() {
    let served = Served::new(&[("order.yaml", ORDER)]);
    let body = data!({ "input": { "orderId": "A", "amount": 5000 }, "options": { "executionId": "e" } });
    let (mut stream, mut frames) = block_on(async {
        let mut stream = Reader::begin(&served, "order-approval", &body).await;
        let frames = stream.until("workflow-suspended").await;
        (stream.text.clone(), frames)
    });
    assert!(stream.is_empty(), "{stream}");
    let told = frames.last().unwrap().1.clone();
    assert_eq!(
        told.pointer("/metadata/reason"),
        Some(&data!("Waiting for manager approval"))
    );
    // Another client follows from now on, and hears what the answer leads to.
    let rest = block_on(async {
        let mut later = Reader::attach(&served, "order-approval", "e", None).await;
        let url = format!("{}/workflows/order-approval/executions/e/resume", served.base);
        let resume = client().post(url).body(r#"{"resumeData":{"approved":true}}"#);
        assert_eq!(resume.send().await.unwrap().status(), 200);
        let first = later.next().await.unwrap();
        assert_eq!(first.1.get("resumed"), Some(&data!(true)));
        let mut frames = vec![first];
        frames.extend(later.rest().await);
        frames
    });
    assert_eq!(kinds(&rest).last().unwrap(), "workflow-result");
    frames.extend(rest);
    stream.clear();
    assert_eq!(frames, whole(&served, "order-approval", "e"));
    let refused = served.get("/workflows/order-approval/executions/e/stream");
    assert_eq!(refused.refusal().0, 409);
}

#[test]
fn who_reconnects_misses_nothing_and_sees_nothing_twice() {
    let served = Served::new(&[("naps.yaml", NAPS)]);
    let body = data!({ "options": { "executionId": "n" } });
    let frames = block_on(async {
        let mut frames = Vec::new();
        let mut stream = Reader::begin(&served, "naps", &body).await;
        // Some frames, and the connection is gone; until all have been seen.
        while let Some(frame) = stream.next().await {
            frames.push(frame);
            if frames.len() % 3 == 0 {
                stream = Reader::attach(&served, "naps", "n", Some(frames.len() as u64)).await;
            }
        }
        frames
    });
    assert_eq!(kinds(&frames).iter().filter(|kind| *kind == "nap").count(), 5);
    assert_eq!(frames, whole(&served, "naps", "n"));
    assert!(frames.iter().map(|(id, _)| *id).eq(1..=frames.len() as u64));
}

#[test]
fn a_killed_server_costs_the_client_nothing() {
    let mut served = Served::new(&[("naps.yaml", NAPS)]);
    let body = data!({ "options": { "executionId": "n" } });
    let mut frames = block_on(async {
        let mut stream = Reader::begin(&served, "naps", &body).await;
        stream.until("nap").await
    });
    for _ in 0..2 {
        served.kill_and_restart();
        let last = frames.last().unwrap().0;
        let more = block_on(async {
            let mut stream = Reader::attach(&served, "naps", "n", Some(last)).await;
            stream.until("nap").await
        });
        frames.extend(more);
    }
    let last = frames.last().unwrap().0;
    frames.extend(block_on(async {
        Reader::attach(&served, "naps", "n", Some(last)).await.rest().await
    }));
    assert_eq!(kinds(&frames).iter().filter(|kind| *kind == "nap").count(), 5);
    assert_eq!(frames, whole(&served, "naps", "n"));
}

#[test]
fn who_leaves_ends_nothing() {
    let served = Served::new(&[("naps.yaml", NAPS)]);
    let body = data!({ "options": { "executionId": "n" } });
    block_on(async { Reader::begin(&served, "naps", &body).await.next().await });
    let frames = whole(&served, "naps", "n");
    assert_eq!(kinds(&frames).last().unwrap(), "workflow-result");
    assert_eq!(frames.last().unwrap().1.get("status"), Some(&data!("completed")));
}

/// Two agents one after the other, whose answers take a while.
const DESKS: &str = "
kind: Workflow
id: desks
steps:
  - { kind: andAgent, id: first, name: First Desk, agent: { model: one/small }, prompt: Go }
  - { kind: andAgent, id: second, agent: { model: one/small }, prompt: Go on }
";

#[test]
fn text_of_agents_is_told_while_it_comes_and_belongs_to_its_step() {
    let served = Served::new(&[
        ("desks.yaml", DESKS),
        (
            "../interpret.yaml",
            "connections: { one: { kind: scripted, answers: said.yaml } }\n",
        ),
        ("../said.yaml", "- { output: Tea is a drink., after: 200ms }\n"),
    ]);
    let body = data!({ "options": { "executionId": "d" } });
    let (live, frames) = block_on(async {
        let mut stream = Reader::begin(&served, "desks", &body).await;
        let mut frames = Vec::new();
        while let Some(frame) = stream.next().await {
            frames.push(frame);
        }
        (stream.live, frames)
    });
    for (step, name) in [("first", "First Desk"), ("second", "second")] {
        let of = |(_, frame): &&(u64, Data)| frame.get("stepId") == Some(&data!(step));
        let pieces: Vec<&(u64, Data)> = live.iter().filter(of).collect();
        let text: String = pieces
            .iter()
            .map(|(_, frame)| frame.get("text").unwrap().to_text().to_string())
            .collect();
        assert_eq!(text, "Tea is a drink.", "{live:?}");
        // It comes while the step is in progress.
        let at = |kind: &str| {
            let is = |(_, frame): &&Frame| {
                frame.get("type") == Some(&data!(kind)) && frame.get("stepId") == Some(&data!(step))
            };
            frames.iter().find(is).unwrap().0
        };
        for (before, frame) in &pieces {
            assert!(*before >= at("step-start") && *before < at("step-complete"), "{live:?}");
            assert_eq!(frame.get("type"), Some(&data!("text-delta")));
            assert_eq!(
                (frame.get("from"), frame.get("executionId")),
                (Some(&data!(name)), Some(&data!("d")))
            );
        }
    }
    // Who comes later is told what was said by the steps, and the numbers of frames are the same.
    assert_eq!(frames, whole(&served, "desks", "d"));
}
