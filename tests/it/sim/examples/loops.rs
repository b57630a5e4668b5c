//! `andForEach`, `andDoWhile`, `andDoUntil` and child workflows.

use super::*;

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
        calls([("a#1", 5), ("x:a#1", 10)]),
        r#"completed {"v":{"v":8,"n":2},"n":2} at 15
         a success 0-5
         x success 5-15
         x:a success 5-15
         x:b success 15-15
         a#1 done 0-5
         x:a#1 done 5-15"#,
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
        "completed 2 at 0\nx success 0-0\nx:e success 0-0\ny success 0-0",
    );
}

#[test]
fn a_child_fails_waits_and_cancels_for_its_parent() {
    let fails = with_child([with(child("x"), |common| common.retry = retry(2, 10))], [call("a")]);
    expect(
        fails,
        World::empty()
            .with_call("x:a#1", 5, network())
            .with_call("x@2:a#1", 7, Err(Failure::not_found())),
        "error http.status at 22
         x error 0-22
         x:a error 0-5
         x@2:a error 15-22
         x:a#1 done 0-5
         x@2:a#1 done 15-22",
    );
    let waits = with_child([child("x")], [ask("a")]);
    expect(waits, World::empty(), "suspended at 0\nx running 0-\nx:a waiting 0-");
    let cancels = with_child(
        [all("y", [vec![child("x")], vec![call("b")]])],
        [call("a"), then("c", Unit::Cancel { when: None })],
    );
    expect(
        cancels,
        calls([("y/x:a#1", 5), ("y/b#1", 9)]),
        "cancelled at 5
         y cancelled 0-5
         y/b cancelled 0-5
         y/x cancelled 0-5
         y/x:a success 0-5
         y/x:c cancelled 5-5
         y/b#1 cancelled 0-5
         y/x:a#1 done 0-5",
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
        calls([("x:a#1", 30)]),
        "completed \"timeout\" at 20
         x success 0-20
         x:a cancelled 0-20
         x:a#1 cancelled 0-20",
    );
}
