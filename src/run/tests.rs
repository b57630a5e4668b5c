//! The core by itself: small programs made by hand. What workflows do is in the simulation.

mod jump;

use super::*;
use crate::data;
use crate::data::{Part as TextPart, Sealed};
use crate::expr::Build;
use crate::graph::{Builder, Graph, Header, Keys, Node, NodeId, Op, StatusRange};
use crate::source::{Sources, Span};

fn header(id: &str) -> Header {
    Header::new(id, Span::new(Sources::new().add("test", ""), 0, 0))
}

fn step(id: &str, op: Op) -> Node {
    Node {
        id: id.into(),
        kind: "andThen",
        name: None,
        purpose: None,
        origin: header("x").origin,
        named: true,
        op,
        keys: None,
    }
}

fn set(text: &str) -> Op {
    Op::Set(Build::from_scalar(text).unwrap())
}

fn program(make: impl FnOnce(&mut Builder) -> Vec<Node>) -> Arc<Program> {
    let mut builder = Builder::new();
    let nodes = make(&mut builder);
    let nodes = nodes.into_iter().map(|node| builder.node(node)).collect();
    let body = builder.block(nodes);
    let graph: Graph = builder.finish(header("test"), body);
    Arc::new(Program::link(Arc::new(graph), |_, _| None).unwrap())
}

fn run(program: &Arc<Program>, input: Data) -> (Run, Vec<Event>) {
    let mut run = Run::new(program.clone());
    let mut events = Vec::new();
    run.handle(Timestamp(0), Input::Start(Start::new("r", input)), &mut events)
        .unwrap();
    while run.wake_at().is_some_and(|at| at <= Timestamp(0)) {
        run.handle(Timestamp(0), Input::Tick, &mut events).unwrap();
    }
    (run, events)
}

#[test]
fn data_goes_from_step_to_step() {
    let program = program(|_| {
        vec![
            step("a", set("=data.n + 1")),
            step("b", set("=data * 10 + steps.a.input.n")),
        ]
    });
    let (run, events) = run(&program, data!({ "n": 4 }));
    assert_eq!(run.state().end(), Some(&RunEnd::Completed(data!(54))));
    let replayed = Run::replay(program, &events).unwrap();
    assert_eq!(replayed.state(), run.state());
}

#[test]
fn a_long_run_gives_its_caller_turns() {
    let program = program(|_| (0..5000).map(|at| step(&format!("s{at}"), set("=data + 1"))).collect());
    let mut run = Run::new(program);
    let mut events = Vec::new();
    run.handle(Timestamp(0), Input::Start(Start::new("r", data!(0))), &mut events)
        .unwrap();
    assert!(run.state().end().is_none());
    assert!(run.wake_at().unwrap() <= Timestamp(0));
    assert!(events.len() < 5000, "{}", events.len());
    run.handle(Timestamp(0), Input::Cancel { reason: None }, &mut events)
        .unwrap();
    assert_eq!(run.state().end(), Some(&RunEnd::Cancelled(None)));
}

#[test]
fn an_error_has_its_place() {
    let program = program(|_| vec![step("a", set("=data.missing"))]);
    let (run, _) = run(&program, data!({}));
    let Some(RunEnd::Failed(failure)) = run.state().end() else {
        panic!("{:?}", run.state().end())
    };
    assert_eq!(&*failure.code, "expression.undefined");
    assert_eq!(failure.step.as_deref(), Some("a"));
    assert_eq!(failure.attempt, Some(1));
}

#[test]
fn a_tap_changes_nothing_and_reports_its_error() {
    let program = program(|_| {
        let keys = Keys {
            tap: true,
            ..Keys::default()
        };
        let mut tap = step("a", set("=data.missing"));
        tap.keys = Some(Box::new(keys));
        vec![tap]
    });
    let (run, events) = run(&program, data!({ "n": 1 }));
    assert_eq!(run.state().end(), Some(&RunEnd::Completed(data!({ "n": 1 }))));
    let ended = events.iter().find_map(|event| match &event.kind {
        EventKind::StepEnded { end, .. } => Some(end.clone()),
        _ => None,
    });
    let Some(StepEnd::Success { error: Some(error), .. }) = ended else {
        panic!("{ended:?}")
    };
    assert_eq!(&*error.code, "expression.undefined");
}

#[test]
fn a_damaged_journal_is_refused() {
    let program = program(|_| vec![step("a", set("=data"))]);
    let (_, events) = run(&program, data!(1));
    for missing in 0..events.len() - 1 {
        let damaged = events
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != missing)
            .map(|(_, event)| event);
        assert_eq!(
            Run::replay(program.clone(), damaged).err(),
            Some(Corrupt),
            "without event {missing}"
        );
    }
}

#[test]
fn events_survive_json() {
    let program = program(|_| vec![step("a", set("=data + 1"))]);
    let (_, events) = run(&program, data!(1));
    for event in events {
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event, "{json}");
    }
}

/// A changed snapshot is a change of what stands in journals: it needs a migration.
#[test]
fn the_form_of_every_event_is_fixed() {
    let (scope, child, node, ticket) = (ScopeId(1), ScopeId(2), NodeId(3), Ticket(4));
    let deadline = Some(Timestamp(60_000));
    let failure = Arc::new(
        Failure::new("http.status", "answered 503")
            .with_data(data!({ "status": 503 }))
            .at(&"fetch".into(), 2)
            .caused_by(Arc::new(Failure::new("http.network", "connection refused"))),
    );
    let request = Request::Http(HttpRequest {
        method: "POST".into(),
        url: Sealed::Plain(data!("https://example.com")),
        query: vec![("day".into(), Sealed::Plain(data!(1)))],
        headers: vec![(
            "Authorization".into(),
            Sealed::Text(vec![TextPart::Text("Bearer ".into()), TextPart::Secret("KEY".into())]),
        )],
        body: None,
        accept: vec![StatusRange { first: 200, last: 299 }],
    });
    let answer = Answer {
        result: Some(data!(null)),
        response: Some(data!({ "status": 204 })),
    };
    let kinds = vec![
        EventKind::RunStarted(Arc::new(Started {
            run: "r".into(),
            program: "hash".into(),
            input: data!({ "n": 1 }),
            context: data!({}),
            state: data!({}),
            deadline,
            env: data!({ "HOME": "/" }),
            user: Some("ada".into()),
            conversation: None,
            labels: [("team".into(), "sales".into())].into(),
            trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().ok(),
        })),
        EventKind::StepStarted { scope, node, deadline },
        EventKind::StepSkipped { scope, node },
        EventKind::CallStarted {
            scope,
            ticket,
            request: Arc::new(request),
        },
        EventKind::CallRepeated { ticket },
        EventKind::CallEnded {
            ticket,
            outcome: Outcome::Done(answer),
        },
        EventKind::CallEnded {
            ticket,
            outcome: Outcome::Failed(failure.clone()),
        },
        EventKind::WaitStarted {
            scope,
            ticket,
            wait: Arc::new(Wait::Resume {
                reason: Some("why".into()),
                data: Some(data!(1)),
            }),
            deadline,
        },
        EventKind::WaitStarted {
            scope,
            ticket,
            wait: Arc::new(Wait::Event { event: "Paid".into() }),
            deadline: None,
        },
        EventKind::WaitEnded {
            ticket,
            end: WaitEnd::Resumed(data!({ "ok": true })),
        },
        EventKind::WaitEnded {
            ticket,
            end: WaitEnd::Received(data!(1)),
        },
        EventKind::WaitEnded {
            ticket,
            end: WaitEnd::TimedOut,
        },
        EventKind::SleepStarted {
            scope,
            until: Timestamp(5),
        },
        EventKind::SleepEnded { scope },
        EventKind::BlockStarted {
            scope,
            child,
            part: Part::Body(0),
            deadline: None,
        },
        EventKind::BlockStarted {
            scope,
            child,
            part: Part::Handler(1),
            deadline: None,
        },
        EventKind::BlockStarted {
            scope,
            child,
            part: Part::Cleanup,
            deadline,
        },
        EventKind::ForkStarted {
            scope,
            chosen: vec![true, false].into(),
        },
        EventKind::EachStarted {
            scope,
            items: data!([1, 2]),
        },
        EventKind::LoopStarted {
            scope,
            max_iterations: 10,
        },
        EventKind::ChildStarted {
            scope,
            child,
            input: data!(1),
            state: data!({}),
            deadline: None,
        },
        EventKind::Emitted {
            scope,
            event: "Progress".into(),
            data: data!(1),
        },
        EventKind::EventReceived {
            event: "Paid".into(),
            data: data!(1),
        },
        EventKind::AttemptFailed {
            scope,
            failure: failure.clone(),
            then: Recovery::Retry(Timestamp(9)),
        },
        EventKind::AttemptFailed {
            scope,
            failure: failure.clone(),
            then: Recovery::Handle(0),
        },
        EventKind::AttemptStarted { scope, deadline: None },
        EventKind::Unwinding {
            scope,
            verdict: Verdict::Won {
                result: data!(1),
                winner: data!("a"),
            },
            around: None,
        },
        EventKind::Unwinding {
            scope,
            verdict: Verdict::Ended(data!(1)),
            around: Some(ScopeId(2)),
        },
        EventKind::Finishing {
            scope,
            verdict: Verdict::Mapped {
                data: Some(data!(null)),
                output: data!(null),
            },
        },
        EventKind::Finishing {
            scope,
            verdict: Verdict::EndedInside,
        },
        EventKind::StepEnded {
            scope,
            node,
            end: StepEnd::Success {
                data: Some(data!(1)),
                state: vec![("n".into(), data!(2))],
                error: None,
                arm: None,
            },
        },
        EventKind::StepEnded {
            scope,
            node,
            end: StepEnd::Success {
                data: None,
                state: Vec::new(),
                error: None,
                arm: Some(1),
            },
        },
        EventKind::StepEnded {
            scope,
            node,
            end: StepEnd::Failed(failure.clone()),
        },
        EventKind::StepEnded {
            scope,
            node,
            end: StepEnd::Cancelled,
        },
        EventKind::Suspended {
            reason: Some("maintenance".into()),
        },
        EventKind::Continued,
        EventKind::RunEnded {
            end: RunEnd::Completed(data!(1)),
        },
        EventKind::RunEnded {
            end: RunEnd::Failed(failure),
        },
        EventKind::RunEnded {
            end: RunEnd::Cancelled(None),
        },
    ];
    let mut lines = String::new();
    for kind in kinds {
        let event = Event { at: Timestamp(7), kind };
        let json = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event, "{json}");
        lines.push_str(&json);
        lines.push('\n');
    }
    insta::assert_snapshot!(lines);
}
