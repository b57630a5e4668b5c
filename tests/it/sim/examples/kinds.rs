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
fn for_each_is_sequential_by_default() {
    expect(
        flow([each(
            "x",
            None,
            [set("a", Expr::Plus(Box::new(Expr::Name("item", None)), 1)), call("b")],
        )]),
        calls([("x[0]/b#1", 10), ("x[1]/b#1", 20), ("x[2]/b#1", 30)]),
        "completed [10,20,30] at 60
         x success 0-60
         x[0]/a success 0-0
         x[0]/b success 0-10
         x[1]/a success 10-10
         x[1]/b success 10-30
         x[2]/a success 30-30
         x[2]/b success 30-60
         x[0]/b#1 done 0-10
         x[1]/b#1 done 10-30
         x[2]/b#1 done 30-60",
    );
}

#[test]
fn for_each_keeps_to_its_concurrency_and_order() {
    // Items 0 and 1 start; 2 starts when 1 ends.
    let mut step = each("x", Some(2), [call("b")]);
    let (item, index) = (Expr::Local("one".into()), Expr::Local("one_index".into()));
    if let Kind::ForEach { name, steps, .. } = &mut step.kind {
        *name = Some("one".into());
        steps.push(set(
            "c",
            Expr::List(vec![item, index, Expr::Name("index", None), output_of("b", 0)]),
        ));
    }
    expect(
        flow([step]),
        calls([("x[0]/b#1", 30), ("x[1]/b#1", 10), ("x[2]/b#1", 5)]),
        "completed [[4,0,0,30],[5,1,1,10],[6,2,2,5]] at 30
         x success 0-30
         x[0]/b success 0-30
         x[0]/c success 30-30
         x[1]/b success 0-10
         x[1]/c success 10-10
         x[2]/b success 10-15
         x[2]/c success 15-15
         x[0]/b#1 done 0-30
         x[1]/b#1 done 0-10
         x[2]/b#1 done 10-15",
    );
}

#[test]
fn for_each_settles_or_fails() {
    let world = calls([("x[0]/b#1", 30), ("x[2]/b#1", 40)]).with_call("x[1]/b#1", 10, network());
    let mut step = each("x", Some(3), [call("b")]);
    expect(
        flow([step.clone()]),
        world.clone(),
        "error http.network at 10
         x error 0-10
         x[0]/b cancelled 0-10
         x[1]/b error 0-10
         x[2]/b cancelled 0-10
         x[0]/b#1 cancelled 0-10
         x[1]/b#1 done 0-10
         x[2]/b#1 cancelled 0-10",
    );
    if let Kind::ForEach { settle, .. } = &mut step.kind {
        *settle = true;
    }
    step.common.output = Some(Expr::Settled);
    expect(
        flow([step]),
        world,
        r#"completed {"status":["success","error","success"],"output":[30,40]} at 40
         x success 0-40
         x[0]/b success 0-30
         x[1]/b error 0-10
         x[2]/b success 0-40
         x[0]/b#1 done 0-30
         x[1]/b#1 done 0-10
         x[2]/b#1 done 0-40"#,
    );
}

#[test]
fn for_each_needs_a_list() {
    // Note 9.
    let mut step = each("x", None, [call("b")]);
    if let Kind::ForEach { items, .. } = &mut step.kind {
        *items = Expr::Data;
    }
    expect(flow([step]), World::empty(), "error expression.type at 0\nx error 0-0");
}

fn looping(until: bool, condition: Cond, max: Option<u64>, proceed: bool) -> Step {
    let steps = vec![set("a", Expr::Plus(Box::new(Expr::Data), 1))];
    Step::new(
        "x",
        Kind::Loop {
            until,
            condition,
            steps,
            max,
            proceed,
        },
    )
}

#[test]
fn loops_run_their_body_first_and_pass_data_on() {
    // Rule 14: the data of the iteration before; rule 10: the condition sees the new data.
    let start = || set("s", Expr::Int(0));
    let table = "s success 0-0
         x success 0-0
         x[0]/a success 0-0
         x[1]/a success 0-0";
    let until = looping(true, Cond::Above(Expr::Data, 1), None, false);
    expect(
        flow([start(), until]),
        World::empty(),
        &format!("completed 2 at 0\n{table}"),
    );
    let odd = looping(false, Cond::Odd(Expr::Data), None, false);
    expect(
        flow([start(), odd]),
        World::empty(),
        &format!("completed 2 at 0\n{table}"),
    );
}

#[test]
fn loops_end_at_their_limit() {
    // Note 9: to go on with iteration 2 would be the limit.
    let table = "x[0]/a success 0-0\nx[1]/a success 0-0";
    let limited = |proceed| looping(true, Cond::Above(Expr::Data, 9), Some(2), proceed);
    expect(
        flow([limited(false)]),
        World::empty(),
        &format!("error loop.limit at 0\nx error 0-0\n{table}"),
    );
    expect(
        flow([limited(true)]),
        World::empty(),
        &format!("completed 2 at 0\nx success 0-0\n{table}"),
    );
}

#[test]
fn loops_show_the_last_iteration() {
    // Rule 13: a ran in iteration 0 only, so afterwards it did not run.
    let first = Step::new(
        "w",
        Kind::When {
            condition: Cond::Odd(Expr::Plus(Box::new(Expr::Name("index", None)), 1)),
            then: Body::Steps(vec![set("a", Expr::Int(1))]),
            otherwise: None,
        },
    );
    let steps = vec![first, set("b", Expr::Name("index", None))];
    let condition = Cond::Above(Expr::Data, 0);
    let step = Step::new(
        "x",
        Kind::Loop {
            until: true,
            condition,
            steps,
            max: None,
            proceed: false,
        },
    );
    expect(
        flow([step, set("c", Expr::List(vec![output_of("a", 7), output_of("b", 7)]))]),
        World::empty(),
        "completed [7,1] at 0
         c success 0-0
         x success 0-0
         x[0]/b success 0-0
         x[0]/w success 0-0
         x[0]/w/a success 0-0
         x[1]/b success 0-0
         x[1]/w skipped 0-0",
    );
}

#[test]
fn sleep_returns_nothing() {
    expect(
        flow([set("a", Expr::Int(1)), sleep("b", 25)]),
        World::empty(),
        "completed 1 at 25\na success 0-0\nb success 0-25",
    );
}

fn with_child(steps: impl Into<Vec<Step>>, child: impl Into<Vec<Step>>) -> Flow {
    let child = Flow {
        id: "child".into(),
        input: Json::Null,
        ..flow(child)
    };
    Flow {
        children: vec![child],
        ..flow(steps)
    }
}

fn child(id: &str) -> Step {
    Step::new(
        id,
        Kind::Child {
            flow: 0,
            input: Some(Expr::Int(8)),
        },
    )
}

#[test]
fn a_child_has_its_own_state_and_output() {
    // Rule 18, note 14; its `end` ends it alone (rule 24).
    let count = |step| with(step, |common: &mut Common| common.set_state = Some(2));
    let output = || {
        Some(Expr::Object(vec![
            ("v".into(), Expr::Data),
            ("n".into(), Expr::Name("state", Some("n"))),
        ]))
    };
    let mut both = with_child(
        [count(call("a")), child("x")],
        [count(count(call("a"))), set("b", Expr::Name("input", None))],
    );
    both.output = output();
    both.children[0].output = output();
    expect(
        both,
        calls([("a#1", 5), ("x/a#1", 10)]),
        r#"completed {"v":{"v":8,"n":2},"n":2} at 15
         a success 0-5
         x success 5-15
         x/a success 5-15
         x/b success 15-15
         a#1 done 0-5
         x/a#1 done 5-15"#,
    );
    let end = then(
        "e",
        Unit::End {
            when: None,
            output: Some(Expr::Int(1)),
        },
    );
    let ends = with_child(
        [child("x"), set("y", Expr::Plus(Box::new(Expr::Data), 1))],
        [end, call("a")],
    );
    expect(
        ends,
        World::empty(),
        "completed 2 at 0\nx success 0-0\nx/e success 0-0\ny success 0-0",
    );
}

#[test]
fn a_child_fails_waits_and_cancels_for_its_parent() {
    let fails = with_child([with(child("x"), |common| common.retry = retry(2, 10))], [call("a")]);
    expect(
        fails,
        World::empty()
            .with_call("x/a#1", 5, network())
            .with_call("x@2/a#1", 7, Err(Failure::not_found())),
        "error http.status at 22
         x error 0-22
         x/a error 0-5
         x@2/a error 15-22
         x/a#1 done 0-5
         x@2/a#1 done 15-22",
    );
    let waits = with_child([child("x")], [ask("a")]);
    expect(waits, World::empty(), "suspended at 0\nx running 0-\nx/a waiting 0-");
    let cancels = with_child(
        [all("y", [vec![child("x")], vec![call("b")]])],
        [call("a"), then("c", Unit::Cancel { when: None })],
    );
    expect(
        cancels,
        calls([("y/x/a#1", 5), ("y/b#1", 9)]),
        "cancelled at 5
         y cancelled 0-5
         y/b cancelled 0-5
         y/x cancelled 0-5
         y/x/a success 0-5
         y/x/c cancelled 5-5
         y/b#1 cancelled 0-5
         y/x/a#1 done 0-5",
    );
}

#[test]
fn a_childs_timeout_is_an_error_of_its_step() {
    let mut slow = with_child(
        [catch(
            child("x"),
            Body::Unit(Unit::Set(Expr::Name("error", Some("code")))),
        )],
        [call("a")],
    );
    slow.children[0].timeout = Some(20);
    expect(
        slow,
        calls([("x/a#1", 30)]),
        "completed \"timeout\" at 20
         x success 0-20
         x/a cancelled 0-20
         x/a#1 cancelled 0-20",
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
