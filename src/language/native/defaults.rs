//! `defaults`: what calls get that have no `timeout` or `retry` of their own (rule 26).

use super::fields::Fields;
use super::outline::Field;
use super::reader::Reader;
use crate::graph::{Keys, Op, Retry, Timing};

/// The defaults of a workflow.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    timeout: Option<Timing>,
    retry: Option<Retry>,
}

impl Defaults {
    /// Reads `defaults`.
    pub fn read(reader: &mut Reader, fields: &mut Fields<'_>) -> Defaults {
        let Some(entry) = fields.entry("defaults") else {
            return Defaults::default();
        };
        let help = "write for example `defaults: { timeout: 30s, retry: { attempts: 3 } }`";
        let Some(mut fields) = Fields::of(reader, "defaults", &entry.value, help) else {
            return Defaults::default();
        };
        let defaults = Defaults {
            timeout: fields.timing(reader, "timeout", Field::WorkflowStart, false),
            retry: fields.retry(reader),
        };
        fields.close(reader);
        defaults
    }

    /// Completes the keys of a node. Only calls are reached, so that a default never ends an approval.
    pub fn apply(&self, op: &mut Op, keys: &mut Keys) {
        if let Op::Call(_) | Op::Agent(_) = op {
            if keys.timeout.is_none() {
                keys.timeout.clone_from(&self.timeout);
                if let Op::Agent(ask) = op {
                    ask.defaulted = self.timeout.is_some();
                }
            }
            if keys.retry.is_none() {
                keys.retry.clone_from(&self.retry);
            }
        }
    }
}
