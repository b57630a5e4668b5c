//! What turns of models have taken, step by step.

use std::collections::HashMap;

use super::body::ExpandMeta;
use crate::data;
use crate::data::{Data, Map};
use crate::graph::Name;
use crate::run::{EventKind, Outcome, Reply, Spent, TraceEvent, Usage};

/// Follows the turns of an execution.
#[derive(Default)]
pub(super) struct Turns {
    steps: HashMap<String, Turn>,
}

#[derive(Default)]
struct Turn {
    usage: Usage,
    cost: Option<f64>,
    model: Option<Name>,
}

impl Turns {
    /// Follows an event and what is told of it.
    pub fn follow(&mut self, event: &EventKind, told: &TraceEvent) {
        let EventKind::CallEnded {
            outcome: Outcome::Said(reply),
            ..
        } = event
        else {
            return;
        };
        let Some(address) = told.step.as_deref() else { return };
        // A turn stands behind its step in brackets.
        let step = match told.is_turn() {
            true => address.rsplit_once('[').map_or(address, |(step, _)| step),
            false => address,
        };
        self.steps.entry(step.to_owned()).or_default().add(reply);
    }

    /// What a step has taken, as far as it is asked for; it is forgotten then.
    pub fn take(&mut self, step: &str, wanted: ExpandMeta) -> Option<Data> {
        let turn = self.steps.remove(step)?;
        let wants = |wanted: Option<bool>| wanted == Some(true);
        let mut meta = Map::new();
        if wants(wanted.usage) {
            meta = meta.with("usage".into(), usage(turn.usage));
        }
        if let (true, Some(cost)) = (wants(wanted.cost), turn.cost) {
            meta = meta.with("cost".into(), data!({ "value": cost, "unit": "USD" }));
        }
        if wants(wanted.model_name) {
            meta = meta.with("model_name".into(), Data::from(turn.model));
        }
        (!meta.is_empty()).then(|| Data::from(meta))
    }
}

impl Turn {
    fn add(&mut self, reply: &Reply) {
        if let Some(usage) = reply.usage {
            self.usage.input_tokens = self.usage.input_tokens.saturating_add(usage.input_tokens);
            self.usage.output_tokens = self.usage.output_tokens.saturating_add(usage.output_tokens);
            let cached = usage.cached_tokens.or(self.usage.cached_tokens.map(|_| 0));
            self.usage.cached_tokens = cached.map(|more| self.usage.cached_tokens.unwrap_or(0).saturating_add(more));
        }
        if let Some(cost) = reply.cost {
            *self.cost.get_or_insert(0.0) += cost;
        }
        self.model = reply.model.clone().or(self.model.take());
    }
}

fn usage(usage: Usage) -> Data {
    data!({
        "input_token_count": usage.input_tokens,
        "output_token_count": usage.output_tokens,
        "cache_read_input_tokens": usage.cached_tokens
    })
}

/// What all turns of an execution have taken.
pub(super) fn results(spent: &Spent) -> Data {
    if spent.is_nothing() {
        return Data::Null;
    }
    let cost = data!([{ "value": spent.cost, "unit": "USD" }]);
    // A model without a price has no cost, and neither has a sum that it would be a part of.
    let cost = if spent.unpriced == 0 { cost } else { Data::Null };
    data!([{
        "usage": [{ "ml_model_name": "all", "ml_model_usage": usage(spent.usage) }],
        "cost": cost,
        "error": null
    }])
}
