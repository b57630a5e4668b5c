//! Failure, retries, deadlines, handlers and control.

use super::*;

fn on(codes: &[&str], body: Body) -> Handler {
    Handler {
        on: Some(codes.iter().map(|code| (*code).into()).collect()),
        when: None,
        body,
    }
}

fn end(id: &str, value: i64) -> Step {
    then(
        id,
        Unit::End {
            when: None,
            output: Some(Expr::Int(value)),
        },
    )
}

#[test]
fn retry_waits_longer_each_time() {
    // Rule 25: waits of 10, 20 and min(30, 40).
    let mut step = with(call("a"), |common| common.retry = retry(4, 10));
    step.common
        .retry
        .iter_mut()
        .for_each(|retry| retry.max_delay = Some(30));
    let failing = World::empty()
        .with_call("a#1", 1, network())
        .with_call("a#2", 2, network());
    expect(
        flow([step]),
        failing.with_call("a#3", 3, network()).with_call("a#4", 4, Ok(json!(7))),
        "completed 7 at 70
         a success 0-70
         a#1 done 0-1
         a#2 done 11-13
         a#3 done 33-36
         a#4 done 66-70",
    );
}

#[test]
fn retry_only_what_is_listed() {
    // Rule 25, note 7: a 404 not by default, `fail` only explicitly, `expression.type` never.
    let mut step = with(call("a"), |common| common.retry = retry(2, 10));
    let world = World::empty()
        .with_call("a#1", 1, Err(Failure::not_found()))
        .with_call("a#2", 2, Ok(json!(1)));
    expect(
        flow([step.clone()]),
        world.clone(),
        "error http.status at 1\na error 0-1\na#1 done 0-1",
    );
    step.common
        .retry
        .iter_mut()
        .for_each(|retry| retry.on = Some(vec!["http.*".into()]));
    expect(
        flow([step]),
        world,
        "completed 1 at 13\na success 0-13\na#1 done 0-1\na#2 done 11-13",
    );
    let failing = with(attempt("t", [fail("f", "BROKEN")], []), |common| {
        common.retry = retry(2, 10)
    });
    expect(
        flow([failing.clone()]),
        World::empty(),
        "error broken at 0\nt error 0-0\nt/f error 0-0",
    );
    let listed = with(failing, |common| {
        common
            .retry
            .iter_mut()
            .for_each(|retry| retry.on = Some(vec!["BROKEN".into()]))
    });
    expect(
        flow([listed]),
        World::empty(),
        "error broken at 10\nt error 0-10\nt/f error 0-0\nt@2/f error 10-10",
    );
    let condition = Cond::Raw(Expr::Data);
    let mut typed = Step::new(
        "w",
        Kind::When {
            condition,
            then: Body::Unit(Unit::Call),
            otherwise: None,
        },
    );
    typed.common.retry = retry(2, 10);
    typed
        .common
        .retry
        .iter_mut()
        .for_each(|retry| retry.on = Some(vec!["expression.*".into()]));
    expect(flow([typed]), World::empty(), "error expression.type at 0\nw error 0-0");
}

#[test]
fn a_retried_block_starts_over() {
    // Rule 25: with its state; a's output of the first attempt is gone.
    let a = with(call("a"), |common| common.set_state = Some(1));
    let first = Step::new(
        "w",
        Kind::When {
            condition: Cond::Above(Expr::Data, 5),
            then: Body::Steps(vec![set("c", Expr::Int(1))]),
            otherwise: None,
        },
    );
    let block = with(attempt("t", [a, first, call("b")], []), |common| {
        common.retry = retry(2, 10)
    });
    let mut flow = flow([block]);
    flow.output = Some(Expr::List(vec![output_of("c", 7), Expr::Name("state", Some("n"))]));
    expect(
        flow,
        calls([("t/a#1", 6), ("t@2/a#1", 4), ("t@2/b#1", 5)]).with_call("t/b#1", 1, network()),
        "completed [7,2] at 26
         t success 0-26
         t/a success 0-6
         t/b error 6-7
         t/w success 6-6
         t/w/c success 6-6
         t@2/a success 17-21
         t@2/b success 21-26
         t@2/w skipped 21-21
         t/a#1 done 0-6
         t/b#1 done 6-7
         t@2/a#1 done 17-21
         t@2/b#1 done 21-26",
    );
}

#[test]
fn a_timeout_counts_from_each_attempt() {
    // Rule 26, note 8; `timeout` is retried by default.
    let step = with(call("a"), |common| {
        (common.timeout, common.retry) = (Some(20), retry(2, 10))
    });
    expect(
        flow([step]),
        calls([("a#1", 30), ("a#2", 15)]),
        "completed 15 at 45
         a success 0-45
         a#1 cancelled 0-20
         a#2 done 30-45",
    );
}

#[test]
fn an_outer_timeout_ends_inner_retries() {
    let inner = with(call("a"), |common| common.retry = retry(3, 50));
    expect(
        flow([with(attempt("t", [inner], []), |common| common.timeout = Some(30))]),
        World::empty().with_call("t/a#1", 10, network()),
        "error timeout at 30
         t error 0-30
         t/a cancelled 0-30
         t/a#1 done 0-10",
    );
}

#[test]
fn a_workflow_timeout_cleans_up_and_fails() {
    let mut flow = flow([attempt("t", [call("a")], [call("f")]), call("b")]);
    flow.timeout = Some(20);
    expect(
        flow,
        calls([("t/a#1", 30), ("t/f#1", 5)]),
        "error timeout at 25
         t cancelled 0-25
         t/a cancelled 0-20
         t/f success 20-25
         t/a#1 cancelled 0-20
         t/f#1 done 20-25",
    );
}

#[test]
fn a_decided_race_has_no_timeout_any_more() {
    // Note 8: at 20 the race is decided but not over.
    let loser = attempt("t", [call("a")], [call("f")]);
    let step = with(race("x", false, [vec![loser], vec![call("b")]]), |common| {
        common.timeout = Some(20)
    });
    expect(
        flow([step]),
        calls([("x/t/a#1", 50), ("x/b#1", 15), ("x/t/f#1", 10)]),
        "completed 15 at 25
         x success 0-25
         x/b success 0-15
         x/t cancelled 0-25
         x/t/a cancelled 0-15
         x/t/f success 15-25
         x/b#1 done 0-15
         x/t/a#1 cancelled 0-15
         x/t/f#1 done 15-25",
    );
}

#[test]
fn the_first_matching_handler_counts() {
    // Rule 27: on the data the step received; `output` is not for it.
    let step = with(call("a"), |common| {
        common.output = Some(Expr::Int(9));
        common.catch = vec![
            on(&["timeout"], Body::Unit(Unit::Set(Expr::Int(1)))),
            Handler {
                on: None,
                when: Some(Cond::Code("BROKEN".into())),
                body: Body::Unit(Unit::Set(Expr::Int(2))),
            },
            on(
                &["http.*"],
                Body::Steps(vec![set(
                    "c",
                    Expr::List(vec![Expr::Data, Expr::Name("error", Some("code"))]),
                )]),
            ),
            on(&["http.network"], Body::Unit(Unit::Set(Expr::Int(4)))),
        ];
    });
    expect(
        flow([set("s", Expr::Int(5)), step]),
        World::empty().with_call("a#1", 10, network()),
        r#"completed [5,"http.network"] at 10
         a success 0-10
         a/c success 10-10
         s success 0-0
         a#1 done 0-10"#,
    );
}

#[test]
fn a_handler_may_call_rethrow_or_fail() {
    let world = || World::empty().with_call("a#1", 10, network());
    let calls = catch(call("a"), Body::Unit(Unit::Call));
    let table = "a#1 done 0-10\na/catch.0#1 done 10-15";
    expect(
        flow([calls]),
        world().with_call("a/catch.0#1", 5, Ok(json!(1))),
        &format!("completed 1 at 15\na success 0-15\n{table}"),
    );
    let rethrows = catch(call("a"), Body::Unit(Unit::Rethrow));
    expect(
        flow([rethrows]),
        world(),
        "error http.network at 10\na error 0-10\na#1 done 0-10",
    );
    let fails = catch(call("a"), Body::Steps(vec![fail("f", "BROKEN")]));
    expect(
        flow([fails]),
        world(),
        "error broken at 10\na error 0-10\na/f error 10-10\na#1 done 0-10",
    );
}

#[test]
fn a_handler_comes_after_the_last_attempt() {
    let step = with(attempt("t", [call("a")], []), |common| common.retry = retry(2, 10));
    expect(
        flow([catch(step, Body::Steps(vec![set("h", Expr::Int(1))]))]),
        World::empty()
            .with_call("t/a#1", 1, network())
            .with_call("t@2/a#1", 2, network()),
        "completed 1 at 13
         t success 0-13
         t/a error 0-1
         t@2/a error 11-13
         t@2/h success 13-13
         t/a#1 done 0-1
         t@2/a#1 done 11-13",
    );
}

#[test]
fn finally_follows_success_error_and_handlers() {
    // Rule 29: its value is ignored, its error replaces only a success.
    let table = "t/a success 0-0\nt/f success 0-0";
    let fine = attempt("t", [set("a", Expr::Int(1))], [set("f", output_of("a", 7))]);
    expect(
        flow([fine]),
        World::empty(),
        &format!("completed 1 at 0\nt success 0-0\n{table}"),
    );
    let broken = attempt("t", [set("a", Expr::Int(1))], [fail("f", "BROKEN")]);
    expect(
        flow([broken]),
        World::empty(),
        "error broken at 0\nt error 0-0\nt/a success 0-0\nt/f error 0-0",
    );
    let twice = attempt("t", [fail("a", "FIRST")], [fail("f", "BROKEN")]);
    expect(
        flow([twice]),
        World::empty(),
        "error first at 0\nt error 0-0\nt/a error 0-0\nt/f error 0-0",
    );
    let handled = catch(attempt("t", [call("a")], [call("f")]), Body::Steps(vec![call("h")]));
    expect(
        flow([handled]),
        calls([("t/f#1", 3), ("t/h#1", 2)]).with_call("t/a#1", 1, network()),
        "completed 2 at 6
         t success 0-6
         t/a error 0-1
         t/f success 3-6
         t/h success 1-3
         t/a#1 done 0-1
         t/f#1 done 3-6
         t/h#1 done 1-3",
    );
}

#[test]
fn cancelling_awaits_finally_innermost_first() {
    // Note 2: the winner's value counts when the loser's cleanup is done, in which nothing is cancelled.
    let inner = attempt("i", [call("a")], [call("f")]);
    let outer = attempt("o", [inner], [call("g")]);
    let later = attempt("l", [call("c")], [call("h")]);
    expect(
        flow([race("x", false, [vec![outer, later], vec![call("b")]])]),
        calls([("x/o/i/a#1", 50), ("x/o/i/f#1", 20), ("x/o/g#1", 30), ("x/b#1", 10)]),
        "completed 10 at 60
         x success 0-60
         x/b success 0-10
         x/o cancelled 0-60
         x/o/g success 30-60
         x/o/i cancelled 0-30
         x/o/i/a cancelled 0-10
         x/o/i/f success 10-30
         x/b#1 done 0-10
         x/o/g#1 done 30-60
         x/o/i/a#1 cancelled 0-10
         x/o/i/f#1 done 10-30",
    );
}

#[test]
fn a_step_cancelled_in_its_finally_is_cancelled() {
    // Note 2: `finally` goes on, its step does not succeed any more.
    let slow = attempt("t", [call("a")], [call("f")]);
    expect(
        flow([race("x", false, [vec![slow], vec![call("b")]])]),
        calls([("x/t/a#1", 5), ("x/t/f#1", 20), ("x/b#1", 10)]),
        "completed 10 at 25
         x success 0-25
         x/b success 0-10
         x/t cancelled 0-25
         x/t/a success 0-5
         x/t/f success 5-25
         x/b#1 done 0-10
         x/t/a#1 done 0-5
         x/t/f#1 done 5-25",
    );
}

#[test]
fn end_ends_the_run_from_any_branch() {
    // Note 3, rule 24: no top-level `output`.
    let mut flow = flow([
        all(
            "x",
            [
                vec![attempt("t", [call("a")], [call("f")])],
                vec![call("b"), end("e", 1)],
            ],
        ),
        call("c"),
    ]);
    flow.output = Some(Expr::Int(9));
    expect(
        flow,
        calls([("x/t/a#1", 50), ("x/t/f#1", 5), ("x/b#1", 10)]),
        "completed 1 at 15
         x success 0-15
         x/b success 0-10
         x/e success 10-10
         x/t cancelled 0-15
         x/t/a cancelled 0-10
         x/t/f success 10-15
         x/b#1 done 0-10
         x/t/a#1 cancelled 0-10
         x/t/f#1 done 10-15",
    );
}

#[test]
fn control_with_a_false_condition_returns_nothing() {
    // Rule 12.
    let steps = [
        set("a", Expr::Int(1)),
        then(
            "b",
            Unit::End {
                when: Some(no()),
                output: None,
            },
        ),
        then("c", Unit::Cancel { when: Some(no()) }),
        then(
            "d",
            Unit::Fail {
                when: Some(no()),
                code: None,
            },
        ),
        then(
            "e",
            Unit::Suspend {
                when: Some(no()),
                timeout: None,
                go_on: false,
            },
        ),
        then(
            "f",
            Unit::Fail {
                when: Some(yes()),
                code: None,
            },
        ),
    ];
    let table = "a success 0-0\nb success 0-0\nc success 0-0\nd success 0-0\ne success 0-0\nf error 0-0";
    expect(flow(steps), World::empty(), &format!("error failed at 0\n{table}"));
    expect(
        flow([then(
            "e",
            Unit::End {
                when: None,
                output: None,
            },
        )]),
        World::empty(),
        "completed null at 0\ne success 0-0",
    );
}

#[test]
fn cancel_is_not_catchable() {
    // Rule 27.
    let steps = [
        catch(
            attempt("t", [then("c", Unit::Cancel { when: None })], [call("f")]),
            Body::Unit(Unit::Call),
        ),
        call("z"),
    ];
    expect(
        flow(steps),
        calls([("t/f#1", 5)]),
        "cancelled at 5\nt cancelled 0-5\nt/c cancelled 0-0\nt/f success 0-5\nt/f#1 done 0-5",
    );
}

#[test]
fn state_counts_what_succeeds() {
    // Rule 19, note 13.
    let counted = |step: Step, by| with(step, |common| common.set_state = Some(by));
    let skipped = Step::new(
        "w",
        Kind::When {
            condition: no(),
            then: Body::Unit(Unit::Call),
            otherwise: None,
        },
    );
    let lists = [
        vec![counted(call("a"), 1)],
        vec![counted(call("b"), 10)],
        vec![counted(call("c"), 100)],
    ];
    let mut flow = flow([counted(race("x", true, lists), 1_000), counted(skipped, 10_000)]);
    flow.output = Some(Expr::Name("state", Some("n")));
    expect(
        flow,
        calls([("x/a#1", 10), ("x/b#1", 20)]).with_call("x/c#1", 5, network()),
        "completed 1001 at 10
         w skipped 10-10
         x success 0-10
         x/a success 0-10
         x/b cancelled 0-10
         x/c error 0-5
         x/a#1 done 0-10
         x/b#1 cancelled 0-10
         x/c#1 done 0-5",
    );
}
