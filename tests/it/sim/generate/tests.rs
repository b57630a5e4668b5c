//! The generator and the oracle over many seeds.

use std::collections::BTreeMap;
use std::time::Instant;

use super::super::oracle::{Fate, Prediction, RunStatus, StepStatus, predict};
use super::super::world::World;
use super::*;

/// What holds of every run, whatever the rules say.
fn check(fate: &Fate) {
    let over = fate.status != RunStatus::Suspended;
    for (address, step) in &fate.steps {
        let unfinished = matches!(step.status, StepStatus::Waiting | StepStatus::Running);
        assert_eq!(step.ended_at.is_none(), unfinished, "{address}");
        assert!(!(over && unfinished), "{address}");
        let end = step.ended_at.unwrap_or(u64::MAX);
        assert!(step.started_at <= end && (!over || end <= fate.ended_at), "{address}");
        if let Some((parent, _)) = address.rsplit_once('/') {
            let parent = &fate.steps[visited(parent)];
            assert!(
                parent.started_at <= step.started_at && end <= parent.ended_at.unwrap_or(u64::MAX),
                "{address}"
            );
        }
    }
}

/// The address of the step whose attempt or iteration this is.
fn visited(address: &str) -> &str {
    let last = address.rfind(['/', ':']).map_or(0, |mark| mark + 1);
    address[last..]
        .find(['@', '['])
        .map_or(address, |mark| &address[..last + mark])
}

#[test]
fn a_hundred_thousand_workflows_take_seconds() {
    let knobs = Knobs::default();
    let started = Instant::now();
    let (mut steps, mut back, mut ends) = (0, 0, BTreeMap::<String, u32>::new());
    for seed in 0..100_000 {
        let flow = generate(seed, &knobs);
        steps += flow.size();
        let end = match predict(&flow, &World::new(seed)) {
            Prediction::Clear(fate) => {
                check(&fate);
                back += u32::from(fate.steps.keys().any(|step| step.contains('+')));
                format!("{:?} {}", fate.status, fate.error_code.unwrap_or_default())
            }
            Prediction::Ambiguous(reason) => format!("ambiguous: {reason}"),
        };
        *ends.entry(end).or_default() += 1;
    }
    let (time, mean) = (started.elapsed(), steps as f64 / 100_000.0);
    println!(
        "{:.0} workflows a second, {mean:.1} steps each, {back} with jumps backwards: {ends:#?}",
        100_000.0 / time.as_secs_f64()
    );
    let ambiguous: u32 = ends
        .iter()
        .filter(|end| end.0.starts_with("ambiguous: "))
        .map(|end| end.1)
        .sum();
    assert!(ambiguous < 1_000);
    assert!(
        back > 1_000 && ends.contains_key("Error loop.limit"),
        "only {back} jumps backwards"
    );
    assert!(!ends.contains_key("ambiguous: an expression the rules do not decide"));
}
