use super::*;
use crate::graph::parse_instant;

fn at(text: &str) -> Timestamp {
    parse_instant(&format!("2026-01-{text}Z")).unwrap()
}

fn cron(schedule: &str, overlap: Overlap, catch_up: CatchUp) -> Cron {
    Cron {
        schedule: Schedule::new(schedule, None).unwrap(),
        overlap,
        catch_up,
    }
}

/// What is to begin after a time that was last looked at, with nothing else to be done.
fn decided(cron: &Cron, through: &str, now: &str, busy: bool) -> Vec<Timestamp> {
    let before = Cursor {
        through: at(through),
        pending: Vec::new(),
    };
    let due = due(&cron.schedule, before.through, at(now));
    let after = decide(cron, &before, &due, at(now), busy);
    assert_eq!(after.through, due.last().copied().unwrap_or(before.through));
    after.pending
}

#[test]
fn a_time_that_comes_begins_a_run_whatever_is_to_be_caught_up_with() {
    for catch_up in [CatchUp::None, CatchUp::Last, CatchUp::All] {
        let daily = cron("0 2 * * *", Overlap::Skip, catch_up);
        assert_eq!(decided(&daily, "01T02:00:00", "02T01:59:59", false), []);
        assert_eq!(
            decided(&daily, "01T02:00:00", "02T02:00:00", false),
            [at("02T02:00:00")]
        );
        assert_eq!(
            decided(&daily, "01T02:00:00", "02T02:00:59", false),
            [at("02T02:00:00")]
        );
    }
}

#[test]
fn rule_39_what_was_missed_is_caught_up_with_as_the_definition_says() {
    let missed = |catch_up| {
        decided(
            &cron("0 2 * * *", Overlap::Skip, catch_up),
            "01T02:00:00",
            "04T12:00:00",
            false,
        )
    };
    assert_eq!(missed(CatchUp::None), []);
    assert_eq!(missed(CatchUp::Last), [at("04T02:00:00")]);
    assert_eq!(
        missed(CatchUp::All),
        [at("02T02:00:00"), at("03T02:00:00"), at("04T02:00:00")]
    );
    // When the next time has come as well, the last of those missed is not needed.
    let both = |catch_up| {
        decided(
            &cron("0 2 * * *", Overlap::Skip, catch_up),
            "01T02:00:00",
            "03T02:00:30",
            false,
        )
    };
    assert_eq!(both(CatchUp::None), [at("03T02:00:00")]);
    assert_eq!(both(CatchUp::Last), [at("03T02:00:00")]);
}

#[test]
fn rule_39_overlapping_times_are_skipped_queued_or_allowed() {
    let comes = |overlap| {
        decided(
            &cron("0 2 * * *", overlap, CatchUp::All),
            "01T02:00:00",
            "02T02:00:01",
            true,
        )
    };
    assert_eq!(comes(Overlap::Skip), []);
    assert_eq!(comes(Overlap::Queue), [at("02T02:00:00")]);
    assert_eq!(comes(Overlap::Allow), [at("02T02:00:00")]);
    // What was skipped lies behind the cursor, so it is not caught up with.
    let daily = cron("0 2 * * *", Overlap::Skip, CatchUp::All);
    let before = Cursor {
        through: at("01T02:00:00"),
        pending: Vec::new(),
    };
    let skipped = decide(&daily, &before, &[at("02T02:00:00")], at("02T02:00:00"), true);
    assert_eq!(due(&daily.schedule, skipped.through, at("03T01:00:00")), []);
    // The last of those missed is no exception, but who wants each of them waits.
    let later = |catch_up| {
        decided(
            &cron("0 2 * * *", Overlap::Skip, catch_up),
            "01T02:00:00",
            "03T12:00:00",
            true,
        )
    };
    assert_eq!(later(CatchUp::Last), []);
    assert_eq!(later(CatchUp::All).len(), 2);
}

#[test]
fn a_long_absence_costs_little_and_is_caught_up_with_in_part() {
    let minutely = cron("* * * * *", Overlap::Allow, CatchUp::All);
    let now = at("31T00:00:30");
    let due = due(&minutely.schedule, Timestamp(0), now);
    assert_eq!(due.len(), MOST);
    assert_eq!(due.last(), Some(&at("31T00:00:00")));
    assert!(due.windows(2).all(|pair| pair[1].since(pair[0]) == Millis(60_000)));
    // A queue is not longer, and what does not fit is passed over.
    let full = Cursor {
        through: Timestamp(0),
        pending: due.clone(),
    };
    assert_eq!(decide(&minutely, &full, &due, now, true).pending.len(), MOST);
    let yearly = cron("0 0 1 1 *", Overlap::Skip, CatchUp::All);
    assert_eq!(super::due(&yearly.schedule, Timestamp(0), now).len(), 56);
}

#[test]
fn the_id_of_a_run_follows_from_trigger_and_time() {
    let id = run_id("nightly/cron-1", at("02T02:00:00"));
    assert_eq!(id, run_id("nightly/cron-1", at("02T02:00:00")));
    assert_ne!(id, run_id("nightly/cron-2", at("02T02:00:00")));
    assert_ne!(id, run_id("nightly/cron-1", at("02T02:01:00")));
    assert!(id.ends_with("-20260102T020000Z"), "{id}");
}
