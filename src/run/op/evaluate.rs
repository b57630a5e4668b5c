//! Pure operations: a new value, some keys of it, rules on it.

use std::sync::Arc;

use crate::data::{Data, Map};
use crate::expr::Build;
use crate::graph::{GuardRule, Name};
use crate::run::event::ScopeId;
use crate::run::step::Finding;
use crate::run::turn::Turn;
use crate::run::view::Extra;
use crate::run::{Corrupt, Failure};

pub(super) fn set(turn: &mut Turn<'_>, scope: ScopeId, value: &Build) -> Result<(), Corrupt> {
    match turn.value(scope, value, Extra::default()) {
        Ok(value) => turn.concluded(scope, Finding::value(value)),
        Err(failure) => turn.failed(scope, failure),
    }
}

pub(super) fn assign(turn: &mut Turn<'_>, scope: ScopeId, entries: &[(Name, Build)]) -> Result<(), Corrupt> {
    match assigned(turn, scope, entries) {
        Ok(value) => turn.concluded(scope, Finding::value(value)),
        Err(failure) => turn.failed(scope, failure),
    }
}

fn assigned(turn: &Turn<'_>, scope: ScopeId, entries: &[(Name, Build)]) -> Result<Data, Failure> {
    let data = &turn.entry(scope)?.data;
    let Data::Map(map) = data else {
        let message = format!("`assign` needs `data` to be an object, not {}", data.a_kind());
        return Err(Failure::new("expression.type", message));
    };
    let mut all: Vec<(Name, Data)> = map.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in entries {
        all.push((key.clone(), turn.value(scope, value, Extra::default())?));
    }
    Ok(Data::Map(Arc::new(all.into_iter().collect::<Map>())))
}

pub(super) fn guard(turn: &mut Turn<'_>, scope: ScopeId, rules: &[GuardRule]) -> Result<(), Corrupt> {
    match guarded(turn, scope, rules) {
        Ok(Some(value)) => turn.concluded(scope, Finding::value(value)),
        Ok(None) => turn.concluded(scope, Finding::nothing()),
        Err(failure) => turn.failed(scope, failure),
    }
}

/// The corrected `data`, if a rule has corrected it.
fn guarded(turn: &Turn<'_>, scope: ScopeId, rules: &[GuardRule]) -> Result<Option<Data>, Failure> {
    let mut corrected: Option<Data> = None;
    for (at, rule) in rules.iter().enumerate() {
        let seen = |data| Extra {
            data,
            ..Extra::default()
        };
        if turn.condition(scope, &rule.require, seen(corrected.as_ref()))? {
            continue;
        }
        match &rule.rewrite {
            Some(value) => corrected = Some(turn.value(scope, value, seen(corrected.as_ref()))?),
            None => {
                let message = match &rule.message {
                    Some(message) => turn.value(scope, message, seen(corrected.as_ref()))?.to_text(),
                    None => format!("rule {} does not hold: {}", at + 1, rule.require.source()).into(),
                };
                return Err(Failure::new("guardrail.failed", message));
            }
        }
    }
    Ok(corrected)
}
