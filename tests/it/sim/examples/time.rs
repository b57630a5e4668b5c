//! Waits, events, and actions from outside.

use super::*;

fn patient(id: &str, timeout: u64, go_on: bool) -> Step {
    then(
        id,
        Unit::Suspend {
            when: None,
            timeout: Some(timeout),
            go_on,
        },
    )
}

fn wait_for(id: &str, event: &str, key: Option<i64>, timeout: Option<u64>) -> Step {
    then(
        id,
        Unit::WaitFor {
            event: event.into(),
            key,
            timeout,
        },
    )
}

fn suspended(mut world: World, from: u64, to: u64) -> World {
    world.suspend = Some((from, to));
    world
}

fn cancelled(mut world: World, at: u64) -> World {
    world.cancel = Some(at);
    world
}

#[test]
fn suspend_waits_for_its_answer() {
    expect(
        flow([call("a"), ask("b")]),
        calls([("a#1", 10)]).with_wait("b#1", 20, json!({ "n": 1 })),
        r#"completed {"n":1} at 30
         a success 0-10
         b success 10-30
         a#1 done 0-10"#,
    );
}

#[test]
fn suspend_ends_at_its_timeout() {
    // Rule 32.
    let world = || World::empty().with_wait("a#1", 20, json!({ "n": 1 }));
    expect(
        flow([patient("a", 15, false)]),
        world(),
        "error suspend.timeout at 15\na error 0-15",
    );
    expect(
        flow([set("s", Expr::Int(1)), patient("a", 15, true)]),
        world(),
        "completed 1 at 15\na success 0-15\ns success 0-0",
    );
    expect(
        flow([patient("a", 25, false)]),
        world(),
        "completed {\"n\":1} at 20\na success 0-20",
    );
}

#[test]
fn others_go_on_until_nothing_can() {
    // Rule 30.
    expect(
        flow([all("x", [vec![ask("a")], vec![call("b"), call("c")]])]),
        calls([("x/b#1", 5), ("x/c#1", 6)]),
        "suspended at 11
         x running 0-
         x/a waiting 0-
         x/b success 0-5
         x/c success 5-11
         x/b#1 done 0-5
         x/c#1 done 5-11",
    );
}

#[test]
fn events_are_kept_for_the_first_wait_that_fits() {
    // Rule 34: the first Alpha does not fit c, hence waits for d.
    let world = World::empty()
        .with_delivery(1, "Alpha", json!({ "k": 0 }))
        .with_delivery(2, "Alpha", json!({ "k": 1 }))
        .with_delivery(30, "Beta", json!({ "k": 2 }));
    let steps = [
        sleep("a", 10),
        wait_for("c", "Alpha", Some(1), None),
        wait_for("d", "Alpha", None, None),
        wait_for("e", "Beta", None, None),
    ];
    expect(
        flow(steps),
        world,
        r#"completed {"k":2} at 30
         a success 0-10
         c success 10-10
         d success 10-10
         e success 10-30"#,
    );
}

#[test]
fn an_event_goes_to_the_longest_wait() {
    // Note 12: both fit, b began first.
    let lists = [
        vec![sleep("s", 5), wait_for("a", "Alpha", None, Some(50))],
        vec![wait_for("b", "Alpha", None, None)],
    ];
    expect(
        flow([all("x", lists)]),
        World::empty().with_delivery(20, "Alpha", json!({ "k": 1 })),
        "error event.timeout at 55
         x error 0-55
         x/a error 5-55
         x/b success 0-20
         x/s success 0-5",
    );
}

#[test]
fn an_outside_cancel_cleans_up() {
    // Note 6.
    let steps = || [attempt("t", [ask("a")], [call("f")]), call("b")];
    let table = "t cancelled 0-15\nt/a cancelled 0-10\nt/f success 10-15\nt/f#1 done 10-15";
    expect(
        flow(steps()),
        cancelled(calls([("t/f#1", 5)]), 10),
        &format!("cancelled at 15\n{table}"),
    );
    expect(
        flow([sleep("a", 5)]),
        cancelled(World::empty(), 10),
        "completed {\"n\":3,\"items\":[4,5,6]} at 5\na success 0-5",
    );
    // While `end` cleans up, a cancel changes nothing.
    let end = then(
        "e",
        Unit::End {
            when: None,
            output: None,
        },
    );
    expect(
        flow([attempt("t", [end], [call("f")])]),
        cancelled(calls([("t/f#1", 5)]), 3),
        "completed null at 5\nt success 0-5\nt/e success 0-0\nt/f success 0-5\nt/f#1 done 0-5",
    );
}

#[test]
fn an_outside_suspend_holds_starts_back() {
    // Note 5: a ends in time, b starts at the resume.
    expect(
        flow([call("a"), call("b")]),
        suspended(calls([("a#1", 10), ("b#1", 5)]), 8, 20),
        "completed 5 at 25
         a success 0-10
         b success 20-25
         a#1 done 0-10
         b#1 done 20-25",
    );
}

#[test]
fn an_outside_suspend_holds_no_ends_back() {
    // Note 5: a block and the run end within it.
    expect(
        flow([all("x", [vec![call("a")], vec![call("b")]])]),
        suspended(calls([("x/a#1", 10), ("x/b#1", 15)]), 8, 20),
        "completed [10,15] at 15
         x success 0-15
         x/a success 0-10
         x/b success 0-15
         x/a#1 done 0-10
         x/b#1 done 0-15",
    );
}

#[test]
fn due_timers_act_at_the_resume_in_their_order() {
    // Note 5: b was due before a and before the start of d, neither of which happens any more.
    expect(
        flow([race(
            "x",
            false,
            [
                vec![sleep("a", 14), call("e")],
                vec![sleep("b", 12)],
                vec![call("c"), call("d")],
            ],
        )]),
        suspended(calls([("x/c#1", 13)]), 8, 20),
        "completed {\"n\":3,\"items\":[4,5,6]} at 20
         x success 0-20
         x/a cancelled 0-20
         x/b success 0-20
         x/c success 0-13
         x/c#1 done 0-13",
    );
}

#[test]
fn held_starts_and_timers_act_in_one_order() {
    // Note 5: d was due at 11, before b.
    expect(
        flow([race("x", false, [vec![sleep("b", 12)], vec![call("c"), call("d")]])]),
        suspended(calls([("x/c#1", 11)]), 8, 20),
        "completed {\"n\":3,\"items\":[4,5,6]} at 20
         x success 0-20
         x/b success 0-20
         x/c success 0-11
         x/d cancelled 20-20
         x/c#1 done 0-11
         x/d#1 cancelled 20-20",
    );
}

#[test]
fn a_call_that_ends_in_time_beats_its_timeout_during_a_suspend() {
    // Note 5: the timeout was due at 12 but acts at 20.
    let step = with(call("a"), |common| common.timeout = Some(12));
    expect(
        flow([step.clone()]),
        suspended(calls([("a#1", 15)]), 8, 20),
        "completed 15 at 15\na success 0-15\na#1 done 0-15",
    );
    expect(
        flow([step]),
        suspended(calls([("a#1", 25)]), 8, 20),
        "error timeout at 20\na error 0-20\na#1 cancelled 0-20",
    );
}

#[test]
fn retries_handlers_and_finally_wait_for_the_resume() {
    let step = catch(
        with(call("a"), |common| common.retry = retry(2, 3)),
        Body::Unit(Unit::Call),
    );
    // The retry's wait is over at 13 but the attempt starts at 20; the second fails at 25, nothing holds the handler.
    expect(
        flow([step.clone()]),
        suspended(
            calls([("a@2/catch.0#1", 5)])
                .with_call("a#1", 10, network())
                .with_call("a#2", 5, network()),
            8,
            20,
        ),
        "completed 5 at 30
         a success 0-30
         a#1 done 0-10
         a#2 done 20-25
         a@2/catch.0#1 done 25-30",
    );
    expect(
        flow([attempt("t", [step], [call("f")])]),
        suspended(
            calls([("t/a#2", 5), ("t/f#1", 5)]).with_call("t/a#1", 1, network()),
            8,
            20,
        ),
        "completed 5 at 25
         t success 0-25
         t/a success 0-9
         t/f success 20-25
         t/a#1 done 0-1
         t/a#2 done 4-9
         t/f#1 done 20-25",
    );
}

#[test]
fn a_cancel_lifts_the_suspension() {
    // Note 5: `finally` starts at 10, not 20; b, held back, never starts.
    expect(
        flow([attempt("t", [call("a"), call("b")], [call("f")])]),
        cancelled(suspended(calls([("t/a#1", 9), ("t/f#1", 5)]), 8, 20), 10),
        "cancelled at 15
         t cancelled 0-15
         t/a success 0-9
         t/f success 10-15
         t/a#1 done 0-9
         t/f#1 done 10-15",
    );
}

#[test]
fn independent_things_at_once_are_ambiguous() {
    expect_ambiguous(
        flow([race("x", false, [vec![call("a")], vec![call("b")]])]),
        calls([("x/a#1", 9), ("x/b#1", 9)]),
    );
    expect_ambiguous(flow([call("a")]), cancelled(calls([("a#1", 9)]), 9));
    expect_ambiguous(flow([call("a"), call("b")]), suspended(calls([("a#1", 9)]), 9, 20));
}
