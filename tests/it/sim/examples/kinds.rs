//! One example at least of every step kind.

use super::super::flow::Rule;
use super::*;

#[test]
fn a_sequence_hands_data_on() {
    let steps = [call("a"), set("b", Expr::Plus(Box::new(Expr::Data), 1)), call("c")];
    expect(
        flow(steps),
        calls([("a#1", 10), ("c#1", 20)]),
        "completed 20 at 30
         a success 0-10
         b success 10-10
         c success 10-30
         a#1 done 0-10
         c#1 done 10-30",
    );
}

#[test]
fn values_follow_rules_10_to_12() {
    let got = Expr::Object(vec![
        ("got".into(), Expr::Name("result", None)),
        ("had".into(), Expr::Name("input", Some("n"))),
    ]);
    let steps = [
        with(call("a"), |common| common.output = Some(got)),
        with(call("b"), |common| common.into = Some("b".into())),
        then("c", Unit::Assign(vec![("got".into(), output_of("b", 7))])),
        then(
            "d",
            Unit::Emit {
                event: "E".into(),
                when: None,
                data: Expr::Null,
            },
        ),
        Step::new(
            "e",
            Kind::Map(vec![("d".into(), output_of("d", 7)), ("f".into(), output_of("f", 7))]),
        ),
    ];
    expect(
        flow(steps),
        calls([("a#1", 1), ("b#1", 2)]),
        r#"completed {"d":{"got":{"got":1,"had":3,"b":2},"had":3,"b":2},"f":7} at 3
         a success 0-1
         b success 1-3
         c success 3-3
         d success 3-3
         e success 3-3
         a#1 done 0-1
         b#1 done 1-3"#,
    );
}

#[test]
fn when_runs_its_unit_or_is_skipped() {
    let when = |id: &str, condition| {
        Step::new(
            id,
            Kind::When {
                condition,
                then: Body::Unit(Unit::Call),
                otherwise: None,
            },
        )
    };
    // Rule 16: skipped, no common key applies.
    let skipped = with(when("b", no()), |common| common.output = Some(Expr::Int(9)));
    expect(
        flow([when("a", yes()), skipped]),
        calls([("a#1", 10)]),
        "completed 10 at 10
         a success 0-10
         b skipped 10-10
         a#1 done 0-10",
    );
}

#[test]
fn when_with_else_has_two_places() {
    let when = |id: &str, condition| {
        let otherwise = Some(Body::Unit(Unit::Call));
        Step::new(
            id,
            Kind::When {
                condition,
                then: Body::Unit(Unit::Call),
                otherwise,
            },
        )
    };
    expect(
        flow([when("a", yes()), when("b", no())]),
        calls([("a/then#1", 10), ("b/else#1", 20)]),
        "completed 20 at 30
         a success 0-10
         b success 10-30
         a/then#1 done 0-10
         b/else#1 done 10-30",
    );
}

#[test]
fn branch_runs_all_that_match() {
    // Note 11.
    let branches = vec![
        (yes(), vec![call("a")]),
        (no(), vec![call("b")]),
        (yes(), vec![call("c")]),
    ];
    expect(
        flow([Step::new(
            "x",
            Kind::Branch {
                branches,
                first: false,
                otherwise: Some(vec![call("d")]),
            },
        )]),
        calls([("a#1", 20), ("c#1", 10)])
            .with_call("x/a#1", 20, Ok(json!(1)))
            .with_call("x/c#1", 10, Ok(json!(2))),
        "completed [1,null,2] at 20
         x success 0-20
         x/a success 0-20
         x/c success 0-10
         x/a#1 done 0-20
         x/c#1 done 0-10",
    );
}

#[test]
fn branch_without_a_match() {
    let none = |id: &str, first, otherwise| {
        let branches = vec![(no(), vec![call("a")]), (no(), vec![call("b")])];
        Step::new(
            id,
            Kind::Branch {
                branches,
                first,
                otherwise,
            },
        )
    };
    let nulls = none("x", false, None);
    expect(
        flow([nulls]),
        World::empty(),
        "completed [null,null] at 0\nx success 0-0",
    );
    let other = none("x", false, Some(vec![set("c", Expr::Int(5))]));
    expect(
        flow([other]),
        World::empty(),
        "completed 5 at 0\nx success 0-0\nx/c success 0-0",
    );
    // Rule 17: unchanged.
    let first = none("x", true, None);
    expect(
        flow([set("s", Expr::Int(1)), first]),
        World::empty(),
        "completed 1 at 0\ns success 0-0\nx success 0-0",
    );
}

#[test]
fn branch_routes_to_the_first_match() {
    let branches = vec![
        (no(), vec![call("a")]),
        (yes(), vec![set("b", Expr::Int(2))]),
        (yes(), vec![call("c")]),
    ];
    expect(
        flow([Step::new(
            "x",
            Kind::Branch {
                branches,
                first: true,
                otherwise: None,
            },
        )]),
        World::empty(),
        "completed 2 at 0\nx success 0-0\nx/b success 0-0",
    );
}

#[test]
fn all_gives_a_list_or_an_object() {
    let mut named = all("x", [vec![call("a")], vec![call("b"), sleep("c", 5)]]);
    let list = flow([named.clone()]);
    let world = calls([("x/a#1", 20), ("x/b#1", 30)]);
    let table = "x success 0-35
         x/a success 0-20
         x/b success 0-30
         x/c success 30-35
         x/a#1 done 0-20
         x/b#1 done 0-30";
    expect(list, world.clone(), &format!("completed [20,30] at 35\n{table}"));
    if let Kind::All { branches, .. } = &mut named.kind {
        branches.names = Some(vec!["left".into(), "right".into()]);
    }
    expect(
        flow([named]),
        world,
        &format!("completed {{\"left\":20,\"right\":30}} at 35\n{table}"),
    );
}

#[test]
fn all_fails_with_the_first_in_time() {
    // Rule 28, note 9: c is later; note 2: b is cancelled.
    expect(
        flow([all(
            "x",
            [
                vec![sleep("b", 50)],
                vec![call("c")],
                vec![call("a"), fail("f", "BROKEN")],
            ],
        )]),
        calls([("x/a#1", 10)]).with_call("x/c#1", 20, network()),
        "error broken at 10
         x error 0-10
         x/a success 0-10
         x/b cancelled 0-10
         x/c cancelled 0-10
         x/f error 10-10
         x/a#1 done 0-10
         x/c#1 cancelled 0-10",
    );
}

#[test]
fn all_that_fails_at_once_starts_no_more() {
    // Note 1.
    expect(
        flow([all("x", [vec![call("a")], vec![fail("b", "BROKEN")], vec![call("c")]])]),
        World::empty(),
        "error broken at 0
         x error 0-0
         x/a cancelled 0-0
         x/b error 0-0
         x/a#1 cancelled 0-0",
    );
}

#[test]
fn all_settles() {
    let branches = Branches {
        names: None,
        lists: vec![vec![call("a")], vec![call("b")]],
    };
    let step = Step::new(
        "x",
        Kind::All {
            branches,
            concurrency: None,
            settle: true,
        },
    );
    expect(
        flow([with(step, |common| common.output = Some(Expr::Settled))]),
        calls([("x/b#1", 30)]).with_call("x/a#1", 10, network()),
        r#"completed {"status":["error","success"],"output":[30]} at 30
         x success 0-30
         x/a error 0-10
         x/b success 0-30
         x/a#1 done 0-10
         x/b#1 done 0-30"#,
    );
}

#[test]
fn all_limits_what_is_active() {
    // Note 15.
    let branches = Branches {
        names: None,
        lists: vec![vec![call("a")], vec![call("b")], vec![call("c")]],
    };
    expect(
        flow([Step::new(
            "x",
            Kind::All {
                branches,
                concurrency: Some(2),
                settle: false,
            },
        )]),
        calls([("x/a#1", 30), ("x/b#1", 10), ("x/c#1", 40)]),
        "completed [30,10,40] at 50
         x success 0-50
         x/a success 0-30
         x/b success 0-10
         x/c success 10-50
         x/a#1 done 0-30
         x/b#1 done 0-10
         x/c#1 done 10-50",
    );
}

#[test]
fn race_takes_the_first_to_settle() {
    expect(
        flow([race("x", false, [vec![call("a"), call("c")], vec![call("b")]])]),
        calls([("x/a#1", 10), ("x/b#1", 30), ("x/c#1", 40)]).with_call("x/b#1", 30, network()),
        "error http.network at 30
         x error 0-30
         x/a success 0-10
         x/b error 0-30
         x/c cancelled 10-30
         x/a#1 done 0-10
         x/b#1 done 0-30
         x/c#1 cancelled 10-30",
    );
}

#[test]
fn race_until_success_passes_failures_over() {
    let mut step = race("x", true, [vec![call("a")], vec![call("b")], vec![call("c")]]);
    if let Kind::Race { branches, .. } = &mut step.kind {
        branches.names = Some(vec!["left".into(), "right".into(), "other".into()]);
    }
    let both = vec![
        ("winner".into(), Expr::Name("winner", None)),
        ("value".into(), Expr::Name("result", None)),
    ];
    step.common.output = Some(Expr::Object(both));
    expect(
        flow([step]),
        calls([("x/b#1", 20), ("x/c#1", 30)]).with_call("x/a#1", 10, network()),
        r#"completed {"winner":"right","value":20} at 20
         x success 0-20
         x/a error 0-10
         x/b success 0-20
         x/c cancelled 0-20
         x/a#1 done 0-10
         x/b#1 done 0-20
         x/c#1 cancelled 0-20"#,
    );
}

#[test]
fn race_without_a_success() {
    // Rule 28.
    expect(
        flow([race("x", true, [vec![fail("a", "BROKEN")], vec![fail("b", "BROKEN")]])]),
        World::empty(),
        "error race.failed at 0\nx error 0-0\nx/a error 0-0\nx/b error 0-0",
    );
}

#[test]
fn race_decided_at_once_starts_no_more() {
    // Note 1.
    expect(
        flow([race("x", false, [vec![set("a", Expr::Int(1))], vec![call("b")]])]),
        World::empty(),
        "completed 1 at 0\nx success 0-0\nx/a success 0-0",
    );
}

#[test]
fn tap_is_awaited_and_ignores_errors() {
    // Rule 30, note 10.
    let steps = vec![call("a"), fail("b", "BROKEN"), call("c")];
    let tap = Step::new("x", Kind::Tap(Body::Steps(steps)));
    expect(
        flow([
            set("s", Expr::Int(1)),
            tap,
            Step::new("y", Kind::Tap(Body::Unit(Unit::Call))),
        ]),
        calls([("x/a#1", 10), ("y#1", 20)]),
        "completed 1 at 30
         s success 0-0
         x success 0-10
         x/a success 0-10
         x/b error 10-10
         y success 10-30
         x/a#1 done 0-10
         y#1 done 10-30",
    );
}

#[test]
fn guardrail_rewrites_or_fails() {
    let guard = |rewrite| {
        Step::new(
            "g",
            Kind::Guardrail(vec![
                Rule {
                    require: yes(),
                    rewrite: None,
                },
                Rule { require: no(), rewrite },
            ]),
        )
    };
    expect(
        flow([guard(Some(Expr::Int(1)))]),
        World::empty(),
        "completed 1 at 0\ng success 0-0",
    );
    expect(
        flow([guard(None)]),
        World::empty(),
        "error guardrail.failed at 0\ng error 0-0",
    );
}
