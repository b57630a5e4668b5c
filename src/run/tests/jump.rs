//! Jumps within a block.

use super::*;
use crate::expr::Expression;
use crate::graph::{Aim, Builder, Call, CodePattern, Handler, Jump, LinkError, Target};

const END: usize = usize::MAX;

/// A jump to nodes by their number in the graph, which is that in the block where nothing is inside.
fn jump(arms: &[(&str, usize)], otherwise: Option<usize>, limit: u32) -> Op {
    let aim = |at: usize| match at {
        END => Aim::End,
        at => Aim::Node(NodeId(at as u32)),
    };
    let arms = arms.iter();
    Op::Jump(Box::new(Jump {
        arms: arms
            .map(|(when, at)| (Arc::new(Expression::compile(when).unwrap()), aim(*at)))
            .collect(),
        otherwise: otherwise.map(aim),
        limit,
    }))
}

fn call(name: &str) -> Op {
    Op::Call(Box::new(Call {
        target: Target::Function {
            name: name.into(),
            arguments: None,
        },
        result_schema: None,
    }))
}

fn catch(builder: &mut Builder, node: &mut Node, code: &str, value: &str) {
    let handler = builder.node(Node {
        named: false,
        ..step(&format!("{}/catch.0", node.id), set(value))
    });
    let block = builder.block(vec![handler]);
    node.keys = Some(Box::new(Keys {
        catch: vec![Handler {
            on: Some(vec![CodePattern(code.into())]),
            when: None,
            block,
        }],
        ..Keys::default()
    }));
}

/// A run whose calls give what `answers` does, and the effects of its calls.
fn called(program: &Arc<Program>, input: Data, answers: impl Fn(&str) -> Outcome) -> (Run, Vec<String>, Vec<Event>) {
    let (mut run, mut events) = run(program, input);
    let mut effects = Vec::new();
    let next = |run: &Run| run.calls().next();
    while let Some(call) = next(&run) {
        answer(&mut run, call, &answers, &mut effects, &mut events);
    }
    let replayed = Run::replay(program.clone(), &events).unwrap();
    assert_eq!(replayed.state(), run.state());
    (run, effects, events)
}

fn answer(
    run: &mut Run,
    call: PendingCall,
    answers: &impl Fn(&str) -> Outcome,
    effects: &mut Vec<String>,
    events: &mut Vec<Event>,
) {
    let (ticket, outcome) = (call.ticket, answers(&call.effect));
    effects.push(call.effect);
    run.handle(Timestamp(0), Input::Done { ticket, outcome }, events)
        .unwrap();
}

fn given(result: Data) -> Outcome {
    Outcome::Done(Answer {
        result: Some(result),
        response: None,
    })
}

fn result(run: &Run) -> Data {
    match run.state().end() {
        Some(RunEnd::Completed(result)) => result.clone(),
        other => panic!("{other:?}"),
    }
}

fn code(run: &Run) -> &str {
    match run.state().end() {
        Some(RunEnd::Failed(failure)) => &failure.code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_condition_that_holds_says_where_the_block_goes_on() {
    let program = program(|_| {
        let arms = [("data > 20", END), ("data > 10", 3), ("data > 5", 2)];
        vec![
            step("choose", jump(&arms, None, 0)),
            step("a", set("=data + 1")),
            step("b", set("=data + 1")),
            step("c", set("=data + 1")),
        ]
    });
    let of = |input: i64| result(&run(&program, data!(input)).0);
    assert_eq!([30, 15, 6, 0].map(of), [data!(30), data!(16), data!(8), data!(3)]);
}

#[test]
fn what_is_passed_over_did_not_run() {
    let program = program(|_| {
        vec![
            step("over", jump(&[], Some(2), 0)),
            step("a", set("=1")),
            step("b", set("={'a': steps.a.status, 'over': steps.over.status}")),
        ]
    });
    let (run, _) = run(&program, data!(0));
    assert_eq!(result(&run), data!({ "a": "skipped", "over": "success" }));
}

#[test]
fn what_is_done_again_has_an_address_and_a_key_of_its_own() {
    let program = program(|builder| {
        let inner = [
            builder.node(step("pay", call("pay"))),
            builder.node(step("again", jump(&[], None, 1))),
        ];
        let when = Arc::new(Expression::compile("data == 'once more'").unwrap());
        builder.jump_mut(inner[1]).unwrap().arms = vec![(when, Aim::Node(inner[0]))];
        let block = builder.block(inner.to_vec());
        vec![
            step("greet", call("greet")),
            step("shop", Op::Block(block)),
            step("back", jump(&[("data == 'from the start'", 3)], None, 2)),
        ]
    });
    let (run, effects, _) = called(&program, data!(null), |effect| {
        given(match effect {
            "shop/pay#1" | "shop+2/pay#1" => data!("once more"),
            "shop/pay+1#1" | "shop+1/pay#1" => data!("from the start"),
            _ => data!("done"),
        })
    });
    assert_eq!(result(&run), data!("done"));
    let expected = [
        "greet#1",
        "shop/pay#1",
        "shop/pay+1#1",
        "shop+1/pay#1",
        "shop+2/pay#1",
        "shop+2/pay+1#1",
    ];
    assert_eq!(effects, expected);
}

#[test]
fn behind_a_jump_backwards_nothing_is_known_of_what_comes_again() {
    let program = program(|_| {
        vec![
            step("before", set("=data")),
            step("first", jump(&[("data == 2", 3)], None, 1)),
            step("a", set("=2")),
            step(
                "b",
                set("={'a': steps.a.status, 'before': steps.before.status, 'n': data}"),
            ),
            step("back", jump(&[("data.a == 'success'", 5)], Some(END), 1)),
            step("unpack", set("=data.n")),
            step("again", jump(&[("true", 1)], None, 1)),
        ]
    });
    let (run, _) = run(&program, data!(1));
    assert_eq!(result(&run), data!({ "a": "skipped", "before": "success", "n": 2 }));
    let of = |node| run.step(NodeId(node)).map(|step| step.status);
    assert_eq!(of(0), Some(StepStatus::Success));
    assert_eq!([2, 5, 6].map(of), [None; 3]);
}

#[test]
fn the_jumps_backwards_of_a_block_are_counted_together() {
    let limited = |limit: u32| {
        program(|_| {
            vec![
                step("count", set("=data + 1")),
                step("odd", jump(&[("data % 2 == 1 and data < 6", 0)], None, limit)),
                step("even", jump(&[("data % 2 == 0 and data < 6", 0)], None, limit)),
            ]
        })
    };
    assert_eq!(result(&run(&limited(5), data!(0)).0), data!(6));
    let (failed, _) = run(&limited(4), data!(0));
    assert_eq!(code(&failed), "loop.limit");
    let Some(RunEnd::Failed(failure)) = failed.state().end() else {
        unreachable!()
    };
    assert_eq!(failure.step.as_deref(), Some("odd"));
}

#[test]
fn too_many_jumps_are_an_error_that_can_be_handled() {
    let program = program(|builder| {
        // The handler is the first node.
        let mut back = step("back", jump(&[], Some(1), 3));
        catch(builder, &mut back, "loop.limit", "=data * 10");
        vec![step("count", set("=data + 1")), back, step("after", set("=data + 1"))]
    });
    let (run, events) = run(&program, data!(0));
    assert_eq!(result(&run), data!(41));
    assert_eq!(Run::replay(program, &events).unwrap().state(), run.state());
}

#[test]
fn an_endless_jump_gives_its_caller_turns() {
    let program = program(|_| vec![step("round", jump(&[], Some(0), u32::MAX))]);
    let mut run = Run::new(program);
    let mut events = Vec::new();
    run.handle(Timestamp(0), Input::Start(Start::new("r", data!(0))), &mut events)
        .unwrap();
    for _ in 0..3 {
        let before = events.len();
        assert!(run.wake_at().unwrap() <= Timestamp(0));
        run.handle(Timestamp(0), Input::Tick, &mut events).unwrap();
        assert!((1..5000).contains(&(events.len() - before)));
    }
    run.handle(Timestamp(0), Input::Cancel { reason: None }, &mut events)
        .unwrap();
    assert_eq!(run.state().end(), Some(&RunEnd::Cancelled(None)));
}

#[test]
fn a_retried_run_goes_on_in_the_visit_that_failed() {
    let program = program(|_| {
        vec![
            step("pay", call("pay")),
            step("back", jump(&[("data == 'again'", 0)], None, 1)),
        ]
    });
    let answers = |effect: &str| match effect {
        "pay#1" => given(data!("again")),
        "pay+1#1" => Outcome::Failed(Arc::new(Failure::new("http.network", "no"))),
        _ => given(data!("paid")),
    };
    let (mut run, mut effects, mut events) = called(&program, data!(null), answers);
    assert_eq!(code(&run), "http.network");
    run.handle(Timestamp(5), Input::Retry, &mut events).unwrap();
    let call = run.calls().next().unwrap();
    answer(&mut run, call, &answers, &mut effects, &mut events);
    assert_eq!(result(&run), data!("paid"));
    assert_eq!(effects, ["pay#1", "pay+1#1", "pay+1#1~1"]);
}

#[test]
fn the_trace_says_where_a_jump_goes_on() {
    let program = program(|_| {
        vec![
            step("count", set("=data + 1")),
            step("back", jump(&[("data < 2", 0)], Some(END), 1)),
        ]
    });
    let (_, events) = run(&program, data!(0));
    let (mut tracer, mut text) = (Tracer::new(program), TraceText::default());
    for event in &events {
        if let Some(told) = tracer.follow(event).unwrap() {
            text.push(&told);
        }
    }
    let expected = "run: started 0\n\
        count: completed 1\n\
        back: completed 1\n\
        back: goes on at count+1\n\
        count+1: completed 2\n\
        back+1: completed 2\n\
        run: completed 2\n";
    assert_eq!(text.finish(), expected);
}

#[test]
fn a_jump_that_no_run_can_have_made_is_refused() {
    let program = program(|_| {
        vec![
            step("back", jump(&[("data == 0", 0)], None, 1)),
            step("a", set("=data")),
        ]
    });
    let (_, events) = run(&program, data!(1));
    for arm in [1, 7] {
        for at in 0..events.len() {
            let mut damaged = events.clone();
            let EventKind::StepEnded { end, .. } = &mut damaged[at].kind else {
                continue;
            };
            let StepEnd::Success { arm: went, .. } = end else {
                continue;
            };
            *went = Some(arm);
            assert_eq!(Run::replay(program.clone(), &damaged).err(), Some(Corrupt));
        }
    }
}

#[test]
fn a_jump_out_of_its_block_is_not_linked() {
    let mut builder = Builder::new();
    let stray = builder.node(step("stray", jump(&[], Some(1), 1)));
    let inner = builder.block(vec![stray]);
    let outer = builder.node(step("outer", Op::Block(inner)));
    let body = builder.block(vec![outer]);
    let graph = Arc::new(builder.finish(header("test"), body));
    let error = Program::link(graph, |_, _| None).unwrap_err();
    let (workflow, step) = ("test".into(), "stray".into());
    assert_eq!(error, LinkError::StrayJump { workflow, step });
}
