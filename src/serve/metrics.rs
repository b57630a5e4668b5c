//! What is counted, for Prometheus.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::trigger::Acted;

/// Upper bounds of the buckets of times, in seconds.
const TIMES: [f64; 12] = [
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0,
];

/// A request, as it is counted: the route, never the path with its ids.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Asked {
    method: &'static str,
    route: String,
    status: u16,
}

/// What a trigger has come to.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Came {
    result: &'static str,
}

/// What is counted.
#[derive(Debug)]
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Asked, Counter>,
    times: Family<Route, Histogram>,
    /// What was looked up among those already. There are few routes.
    routes: RwLock<Vec<Arc<OfRoute>>>,
    ticks: Family<Came, Counter>,
    deliveries: Family<Came, Counter>,
    running: Gauge,
    workflows: Gauge,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

/// What is counted of a route.
#[derive(Debug)]
struct OfRoute {
    route: String,
    seconds: Histogram,
    answers: RwLock<Vec<(&'static str, StatusCode, Counter)>>,
}

impl Metrics {
    pub fn new() -> Metrics {
        let mut registry = Registry::with_prefix("interpret");
        let requests = Family::<Asked, Counter>::default();
        let times = Family::<Route, Histogram>::new_with_constructor(|| Histogram::new(TIMES));
        let (running, workflows) = (Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests that were answered", requests.clone());
        registry.register(
            "http_request_seconds",
            "How long answers took until their headers were sent",
            times.clone(),
        );
        let (ticks, deliveries) = (Family::<Came, Counter>::default(), Family::<Came, Counter>::default());
        registry.register("trigger_ticks", "Times of schedules that have come", ticks.clone());
        registry.register(
            "trigger_deliveries",
            "Requests to webhooks that were answered",
            deliveries.clone(),
        );
        registry.register(
            "executions_running",
            "Executions that something is going on in",
            running.clone(),
        );
        registry.register("workflows", "Workflows that are served", workflows.clone());
        Metrics {
            registry,
            requests,
            times,
            routes: RwLock::default(),
            ticks,
            deliveries,
            running,
            workflows,
        }
    }

    /// A request has been answered.
    pub fn answered(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let (of, method) = (self.route(route), known(method));
        of.seconds.observe(took.as_secs_f64());
        let same = |(other, with, _): &&(&'static str, StatusCode, Counter)| *other == method && *with == status;
        if let Some((_, _, counter)) = read(&of.answers).iter().find(same) {
            counter.inc();
            return;
        }
        let counter = self.requests.get_or_create_owned(&Asked {
            method,
            route: route.to_owned(),
            status: status.as_u16(),
        });
        counter.inc();
        write(&of.answers).push((method, status, counter));
    }

    fn route(&self, route: &str) -> Arc<OfRoute> {
        if let Some(known) = read(&self.routes).iter().find(|known| known.route == route) {
            return known.clone();
        }
        let route = route.to_owned();
        let of = Arc::new(OfRoute {
            seconds: self.times.get_or_create_owned(&Route { route: route.clone() }),
            route,
            answers: RwLock::default(),
        });
        write(&self.routes).push(of.clone());
        of
    }

    /// A time of a schedule has come.
    pub fn ticked(&self, acted: Acted) {
        let result = acted.as_str();
        self.ticks.get_or_create(&Came { result }).inc();
    }

    /// A delivery to a webhook has been answered.
    pub fn delivered(&self, acted: Acted) {
        let result = acted.as_str();
        self.deliveries.get_or_create(&Came { result }).inc();
    }

    /// Everything in the format of Prometheus.
    pub fn text(&self, running: usize, workflows: usize) -> String {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.running.set(number(running));
        self.workflows.set(number(workflows));
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

/// A panic while something is added leaves it whole.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// Clients make up methods; each would be a series of its own.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
