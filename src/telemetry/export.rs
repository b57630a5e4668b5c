//! Sending what was gathered to a collector, aside from the runs: they neither wait for it nor fail with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Client;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::message::{Field, Message, attributes};
use super::metrics::{Measured, Metrics};
use super::settings::{Protocol, Settings, Target};
use super::span::Span;
use crate::clock::Clock;
use crate::provider;

/// How long to wait before something is sent again, at first.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Where runs leave what they have to tell.
#[derive(Clone)]
pub(super) struct Gathered(Arc<Shared>);

struct Shared {
    settings: Arc<Settings>,
    clock: Arc<dyn Clock>,
    metrics: Mutex<Metrics>,
    /// Spans that nobody had room for.
    dropped: AtomicU64,
    /// The way to the task that sends, once there is one.
    sender: OnceLock<mpsc::Sender<Told>>,
}

enum Told {
    Span(Box<Span>),
    Flush(oneshot::Sender<Result<(), String>>),
}

impl Gathered {
    pub fn new(settings: Arc<Settings>, clock: Arc<dyn Clock>) -> Gathered {
        Gathered(Arc::new(Shared {
            settings,
            metrics: Mutex::new(Metrics::new(clock.now())),
            clock,
            dropped: AtomicU64::new(0),
            sender: OnceLock::new(),
        }))
    }

    /// A run that is not to wait leaves a span, or loses it where too many wait already.
    pub fn span(&self, span: Span) {
        let kept = self
            .sender()
            .is_some_and(|sender| sender.try_send(Told::Span(Box::new(span))).is_ok());
        if !kept {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn measured(&self, measured: Measured) {
        self.0.metrics().add(measured);
        // The task tells of metrics from time to time.
        let _ = self.sender();
    }

    /// Sends everything there is, within the time that one message may take.
    pub async fn flush(&self) -> Result<(), String> {
        let Some(sender) = self.0.sender.get() else {
            return Ok(());
        };
        let (reply, done) = oneshot::channel();
        let gone = || "nobody sends it any more".to_owned();
        let settings = &self.0.settings;
        let targets = settings.traces.iter().chain(&settings.metrics);
        let patience = targets.map(|target| target.timeout).max().unwrap_or_default();
        let sent = async {
            sender.send(Told::Flush(reply)).await.map_err(|_| gone())?;
            done.await.map_err(|_| gone())?
        };
        timeout(patience, sent)
            .await
            .unwrap_or_else(|_| Err("the collector takes too long".to_owned()))
    }

    /// The way to the task, which begins when there is something to tell.
    fn sender(&self) -> Option<&mpsc::Sender<Told>> {
        if let Some(sender) = self.0.sender.get() {
            return Some(sender);
        }
        let runtime = tokio::runtime::Handle::try_current().ok()?;
        Some(self.0.sender.get_or_init(|| {
            let (sender, told) = mpsc::channel(self.0.settings.batch.queue);
            runtime.spawn(send_all(self.0.clone(), told));
            sender
        }))
    }
}

impl Shared {
    /// A panic while the metrics are held leaves them whole enough: they are numbers.
    fn metrics(&self) -> MutexGuard<'_, Metrics> {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that sends. Since `shared` keeps the way to it, it lives as long as its runtime.
async fn send_all(shared: Arc<Shared>, mut told: mpsc::Receiver<Told>) {
    let client = provider::web_client();
    let settings = shared.settings.clone();
    let mut spans: Vec<Span> = Vec::new();
    let mut due = Instant::now() + settings.batch.delay;
    let mut metrics_due = Instant::now() + settings.interval;
    // That a collector is away is said once, not with every message.
    let mut well = true;
    loop {
        let (mut spans_now, mut metrics_now, mut reply) = (false, false, None);
        tokio::select! {
            next = told.recv() => match next {
                None => return,
                Some(Told::Span(span)) => {
                    if spans.is_empty() {
                        due = Instant::now() + settings.batch.delay;
                    }
                    spans.push(*span);
                    spans_now = spans.len() >= settings.batch.size;
                }
                Some(Told::Flush(asked)) => {
                    // Whatever was told before stands before it.
                    (spans_now, metrics_now, reply) = (true, true, Some(asked));
                }
            },
            () = sleep_until(due), if !spans.is_empty() => spans_now = true,
            () = sleep_until(metrics_due) => metrics_now = true,
        }
        let mut sent = Ok(());
        if spans_now && !spans.is_empty() {
            let batch = std::mem::take(&mut spans);
            sent = send(&client, settings.traces.as_ref(), &traces(&settings, &batch)).await;
        }
        if metrics_now {
            metrics_due = Instant::now() + settings.interval;
            let all = shared.metrics().messages(shared.clock.now());
            if !all.is_empty() {
                let message = metrics(&settings, all);
                sent = sent.and(send(&client, settings.metrics.as_ref(), &message).await);
            }
        }
        let dropped = shared.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(spans = dropped, "telemetry: more was told than could be sent");
        }
        if let Err(why) = &sent
            && well
        {
            tracing::warn!("telemetry cannot be sent: {why}");
        }
        well = sent.is_ok();
        if let Some(reply) = reply {
            // Who no longer waits does not need to know.
            let _ = reply.send(sent);
        }
    }
}

fn scope() -> Message {
    Message::default()
        .with(1, "name", Field::Text("interpret".to_owned()))
        .with(2, "version", Field::Text(env!("CARGO_PKG_VERSION").to_owned()))
}

fn resource(settings: &Settings) -> Message {
    let told = settings.resource.iter().map(|(key, worth)| (key.as_str(), worth));
    Message::default().with(1, "attributes", attributes(told))
}

fn traces(settings: &Settings, spans: &[Span]) -> Message {
    let spans = Field::Messages(spans.iter().map(Span::message).collect());
    let scoped = Message::default()
        .with(1, "scope", Field::Message(scope()))
        .with(2, "spans", spans);
    let resourced = Message::default()
        .with(1, "resource", Field::Message(resource(settings)))
        .with(2, "scopeSpans", Field::Messages(vec![scoped]));
    Message::default().with(1, "resourceSpans", Field::Messages(vec![resourced]))
}

fn metrics(settings: &Settings, all: Vec<Message>) -> Message {
    let scoped = Message::default()
        .with(1, "scope", Field::Message(scope()))
        .with(2, "metrics", Field::Messages(all));
    let resourced = Message::default()
        .with(1, "resource", Field::Message(resource(settings)))
        .with(2, "scopeMetrics", Field::Messages(vec![scoped]));
    Message::default().with(1, "resourceMetrics", Field::Messages(vec![resourced]))
}

/// Sends a message, and again where that may help, within the time it may take.
async fn send(client: &Result<Client, String>, target: Option<&Target>, message: &Message) -> Result<(), String> {
    let Some(target) = target else { return Ok(()) };
    let client = client.as_ref().map_err(Clone::clone)?;
    let (kind, body) = match target.protocol {
        Protocol::Protobuf => ("application/x-protobuf", message.proto()),
        Protocol::Json => ("application/json", message.json().to_string().into_bytes()),
    };
    let trying = async {
        let mut pause = FIRST_PAUSE;
        loop {
            let mut request = client.post(&target.url).header("content-type", kind).body(body.clone());
            for (name, value) in &target.headers {
                request = request.header(name, value);
            }
            // The address may hold more than its host.
            let wait = match request.send().await {
                Ok(response) if response.status().is_success() => return Ok(()),
                Ok(response) => {
                    let status = response.status().as_u16();
                    if !matches!(status, 429 | 502 | 503 | 504) {
                        return Err(format!("the collector answers {status}"));
                    }
                    let after = response
                        .headers()
                        .get("retry-after")
                        .and_then(|after| after.to_str().ok());
                    after.and_then(|after| after.parse().ok()).map(Duration::from_secs)
                }
                Err(error) if error.is_builder() => return Err("its address or headers cannot be used".to_owned()),
                // Nobody is there: whoever waits for the end of the program should not wait for that.
                Err(error) if error.is_connect() => return Err("the collector cannot be reached".to_owned()),
                Err(_) => None,
            };
            sleep(wait.unwrap_or(pause)).await;
            pause *= 2;
        }
    };
    let tried = timeout(target.timeout, trying).await;
    tried.unwrap_or_else(|_| Err("the collector takes too long".to_owned()))
}
