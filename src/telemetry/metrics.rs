//! Metrics: what is counted, summed up since the program began.

use std::collections::BTreeMap;

use super::message::{Attributes, Field, Message, Worth, attributes};
use crate::graph::Timestamp;

/// Sums are those since the start, which lost messages do not spoil.
const CUMULATIVE: u32 = 2;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Instrument {
    Tokens,
    Turns,
    Workflows,
    Runs,
    Steps,
}

impl Instrument {
    /// The name, the unit and what it is.
    fn named(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Instrument::Tokens => (
                "gen_ai.client.token.usage",
                "{token}",
                "Tokens of requests to models and their answers",
            ),
            Instrument::Turns => ("gen_ai.client.operation.duration", "s", "How long turns of models take"),
            Instrument::Workflows => ("gen_ai.workflow.duration", "s", "How long runs take"),
            Instrument::Runs => ("interpret.runs", "{run}", "Runs that are over"),
            Instrument::Steps => ("interpret.steps", "{step}", "Steps that have ended"),
        }
    }

    /// The bounds of its buckets, as the conventions have them; without bounds it only counts.
    fn bounds(self) -> &'static [f64] {
        match self {
            Instrument::Tokens => &[
                1.0,
                4.0,
                16.0,
                64.0,
                256.0,
                1024.0,
                4096.0,
                16384.0,
                65536.0,
                262_144.0,
                1_048_576.0,
                4_194_304.0,
                16_777_216.0,
                67_108_864.0,
            ],
            Instrument::Turns => &[
                0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
            ],
            Instrument::Workflows => &[1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0],
            Instrument::Runs | Instrument::Steps => &[],
        }
    }
}

/// Something measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub instrument: Instrument,
    pub value: f64,
    pub attributes: Attributes,
}

impl Measured {
    /// One more of something.
    pub fn one(instrument: Instrument, attributes: Attributes) -> Measured {
        Measured {
            instrument,
            value: 1.0,
            attributes,
        }
    }
}

#[derive(Debug, Default)]
struct Point {
    attributes: Attributes,
    count: u64,
    sum: f64,
    buckets: Vec<u64>,
    least: f64,
    most: f64,
}

/// All there is, by instrument and attributes.
#[derive(Debug)]
pub(super) struct Metrics {
    since: Timestamp,
    points: BTreeMap<(Instrument, String), Point>,
}

/// How many combinations of attributes one program keeps; more are told together.
const MOST_POINTS: usize = 2_000;

impl Metrics {
    pub fn new(since: Timestamp) -> Metrics {
        Metrics {
            since,
            points: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, measured: Measured) {
        let Measured {
            instrument,
            value,
            mut attributes,
        } = measured;
        let mut key = (instrument, format!("{attributes:?}"));
        if self.points.len() >= MOST_POINTS && !self.points.contains_key(&key) {
            attributes = vec![("otel.metric.overflow", Worth::Bool(true))];
            key.1.clear();
        }
        let bounds = instrument.bounds();
        let point = self.points.entry(key).or_insert_with(|| Point {
            attributes,
            buckets: vec![0; bounds.len() + 1],
            least: f64::INFINITY,
            most: f64::NEG_INFINITY,
            ..Point::default()
        });
        point.count += 1;
        point.sum += value;
        point.least = point.least.min(value);
        point.most = point.most.max(value);
        // A bound belongs to the bucket below it.
        point.buckets[bounds.partition_point(|bound| *bound < value)] += 1;
    }

    /// The metrics of the scope; none while nothing was measured.
    pub fn messages(&self, now: Timestamp) -> Vec<Message> {
        let mut messages = Vec::new();
        let mut instruments: Vec<Instrument> = self.points.keys().map(|(instrument, _)| *instrument).collect();
        instruments.dedup();
        for instrument in instruments {
            let points = self.points.iter().filter(|((other, _), _)| *other == instrument);
            let points = points.map(|(_, point)| self.point(instrument, point, now)).collect();
            let (name, unit, what) = instrument.named();
            let data = Message::default().with(1, "dataPoints", Field::Messages(points)).with(
                2,
                "aggregationTemporality",
                Field::Small(CUMULATIVE),
            );
            let message = Message::default()
                .with(1, "name", Field::Text(name.to_owned()))
                .with(2, "description", Field::Text(what.to_owned()))
                .with(3, "unit", Field::Text(unit.to_owned()));
            messages.push(match instrument.bounds().is_empty() {
                true => message.with(7, "sum", Field::Message(data.with(3, "isMonotonic", Field::Bool(true)))),
                false => message.with(9, "histogram", Field::Message(data)),
            });
        }
        messages
    }

    fn point(&self, instrument: Instrument, point: &Point, now: Timestamp) -> Message {
        let times = Message::default()
            .with(2, "startTimeUnixNano", Field::Fixed(super::nanos(self.since)))
            .with(3, "timeUnixNano", Field::Fixed(super::nanos(now)));
        let told = attributes(point.attributes.iter().map(|(key, worth)| (*key, worth)));
        if instrument.bounds().is_empty() {
            return times
                .with(6, "asInt", Field::Fixed(point.count))
                .with(7, "attributes", told);
        }
        times
            .with(4, "count", Field::Fixed(point.count))
            .with(5, "sum", Field::Double(point.sum))
            .with(6, "bucketCounts", Field::Fixeds(point.buckets.clone()))
            .with(7, "explicitBounds", Field::Doubles(instrument.bounds().to_vec()))
            .with(9, "attributes", told)
            .with(11, "min", Field::Double(point.least))
            .with(12, "max", Field::Double(point.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_their_buckets_and_add_up() {
        let mut metrics = Metrics::new(Timestamp(1));
        assert!(metrics.messages(Timestamp(2)).is_empty());
        for value in [1.0, 4.0, 5.0, 1e9] {
            metrics.add(Measured {
                instrument: Instrument::Tokens,
                value,
                attributes: vec![("gen_ai.token.type", "input".into())],
            });
        }
        metrics.add(Measured::one(Instrument::Runs, Vec::new()));
        metrics.add(Measured::one(Instrument::Runs, Vec::new()));
        let told = metrics.messages(Timestamp(2));
        let json: Vec<_> = told.iter().map(Message::json).collect();
        let point = &json[0]["histogram"]["dataPoints"][0];
        assert_eq!(point["count"], "4");
        let buckets = point["bucketCounts"].as_array().unwrap();
        assert_eq!(
            (&buckets[0], &buckets[1], &buckets[2], &buckets[14]),
            (&"1".into(), &"1".into(), &"1".into(), &"1".into())
        );
        assert_eq!(buckets.len(), point["explicitBounds"].as_array().unwrap().len() + 1);
        assert_eq!(json[1]["sum"]["dataPoints"][0]["asInt"], "2");
        assert_eq!(json[1]["sum"]["isMonotonic"], true);
    }

    #[test]
    fn attributes_without_end_are_told_together() {
        let mut metrics = Metrics::new(Timestamp(1));
        for n in 0..3 * MOST_POINTS {
            metrics.add(Measured::one(Instrument::Runs, vec![("n", Worth::Int(n as i64))]));
        }
        assert_eq!(metrics.points.len(), MOST_POINTS + 1);
    }
}
