//! Runs as a program that embeds the driver sees them.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use interpret::data;
use interpret::drive::{Error, SendError, StartError, new_run_id};
use interpret::provider::Functions;
use interpret::run::{EventKind, Input, Rejection, Run, Status};

use super::*;

fn memory() -> Arc<dyn Store> {
    Arc::new(Memory::default())
}

fn ask() -> Op {
    Op::Suspend(Box::default())
}

fn officer() -> Op {
    call(Target::Function {
        name: "officer".into(),
        arguments: None,
    })
}

#[test]
fn three_days_of_virtual_time_pass_at_once() {
    block_on(async {
        let begun = Instant::now();
        let program = program(|_| vec![step("wait", sleep(3 * 24 * 3600 * 1000)), step("slow", officer())]);
        let (session, events) = rest(
            &mocked(memory(), data!({ "slow": { "output": 1, "after": "2d" } })),
            program,
        )
        .await;
        assert_eq!(session.run().status(), Status::Completed);
        assert_eq!(events.last().unwrap().at, Timestamp(5 * 24 * 3600 * 1000));
        assert!(begun.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn virtual_time_decides_races_and_time_limits() {
    let race = |limit: u64| {
        program(|builder| {
            let slow = limited("slow", officer(), limit);
            let race = fork(builder, Join::FirstSuccess, vec![slow, step("quick", officer())]);
            vec![step("race", race)]
        })
    };
    block_on(async {
        let mocks =
            data!({ "slow": { "output": "slow", "after": "2s" }, "quick": { "output": "quick", "after": "1s" } });
        assert_eq!(result(&mocked(memory(), mocks), race(9_000)).await, data!("quick"));
        let mocks = data!({ "slow": { "output": "slow", "after": "2s" }, "quick": { "error": { "code": "no" }, "after": "1s" } });
        assert_eq!(
            result(&mocked(memory(), mocks.clone()), race(9_000)).await,
            data!("slow")
        );
        // An answer that comes at the very moment of its time limit is in time.
        assert_eq!(
            result(&mocked(memory(), mocks.clone()), race(2_000)).await,
            data!("slow")
        );
        assert_eq!(
            &*failure(&mocked(memory(), mocks), race(1_999)).await.code,
            "race.failed"
        );
    });
}

#[test]
fn a_real_call_holds_virtual_time() {
    block_on(async {
        let clock = Arc::new(VirtualClock::starting_at(Timestamp(0)));
        let functions = Functions::new().with("wait", async |value| {
            // Real time has to pass, in which the virtual clock could wrongly move on.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Ok(value)
        });
        let providers = Providers::new(Arc::default(), secrets(), clock.clone()).with_functions(functions);
        let driver = Driver::new(memory(), Arc::new(providers), clock);
        let wait = call(Target::Function {
            name: "wait".into(),
            arguments: Some(literal(data!("real"))),
        });
        assert_eq!(
            result(&driver, program(|_| vec![limited("wait", wait, 10)])).await,
            data!("real")
        );
    });
}

#[test]
fn agents_and_tools_without_a_provider_ask_for_mocks() {
    block_on(async {
        let text = "
kind: Workflow
id: test
steps: [{ kind: andAgent, id: only, agent: { model: one/small }, prompt: Go }]
";
        let asks = Arc::new(
            interpret::load::load_text("test.yaml", text)
                .program("test", None)
                .unwrap(),
        );
        let call = call(Target::Mcp {
            server: "helpdesk".into(),
            tool: "search".into(),
            arguments: None,
        });
        for (program, code) in [(asks, "agent.unavailable"), (single(call), "mcp.unavailable")] {
            let failure = failure(&driver(permit()), program).await;
            assert_eq!(&*failure.code, code);
            assert!(failure.message.contains("--mocks"), "{}", failure.message);
        }
    });
}

#[test]
fn a_run_waits_is_resumed_and_streams_all_it_did() {
    block_on(async {
        let driver = mocked(memory(), Data::Null);
        let program = program(|_| vec![step("ask", ask()), step("set", Op::Set(build("={'said': data}")))]);
        let handle = driver.start(program.clone(), start()).await.unwrap();
        let early = tokio::spawn(handle.events(0).into_stream().collect::<Vec<_>>());
        assert_eq!(handle.rested().await, Ok(Status::Suspended));
        assert_eq!(handle.inspect(|run| run.waits().count()).await, Ok(1));
        let wrong = handle.resume(Some("other".into()), data!(1)).await;
        assert!(
            matches!(wrong, Err(SendError::Rejected(Rejection::NoSuchWait { .. }))),
            "{wrong:?}"
        );
        assert_eq!(
            driver.start(program, start()).await.unwrap_err(),
            StartError::Exists("r1".into())
        );
        assert!(driver.find("r1").is_some());
        handle.resume(None, data!("yes")).await.unwrap();
        assert_eq!(handle.end().await, Ok(RunEnd::Completed(data!({ "said": "yes" }))));
        assert_eq!(handle.resume(None, data!("again")).await, Err(SendError::Gone));
        let all = |batches: Vec<Result<interpret::store::Batch, _>>| -> Vec<Event> {
            batches
                .into_iter()
                .flat_map(|batch| batch.unwrap().events.to_vec())
                .collect()
        };
        let early = all(early.await.unwrap());
        let late = all(handle.events(3).into_stream().collect().await);
        assert_eq!(early.len() as u64, handle.seq());
        assert_eq!(late, early[3..]);
        assert!(matches!(early.last().unwrap().kind, EventKind::RunEnded { .. }));
        while driver.find("r1").is_some() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_run_is_taken_up_from_its_journal() {
    block_on(async {
        let store = memory();
        let asking = program(|_| vec![step("ask", ask())]);
        let (session, _) = rest(&mocked(store.clone(), Data::Null), asking.clone()).await;
        assert_eq!(session.run().status(), Status::Suspended);
        drop(session);
        let driver = mocked(store, Data::Null);
        let other = driver
            .reopen(program_of(header("other"), |_| vec![step("ask", ask())]), &"r1".into())
            .await;
        assert!(matches!(other, Err(Error::WrongDefinition { .. })));
        let handle = driver.recover(asking, &"r1".into()).await.unwrap();
        assert_eq!(handle.rested().await, Ok(Status::Suspended));
        handle.resume(Some("ask".into()), data!(7)).await.unwrap();
        assert_eq!(handle.end().await, Ok(RunEnd::Completed(data!(7))));
    });
}

#[test]
fn a_session_can_be_told_things_between_its_rests() {
    block_on(async {
        let driver = mocked(memory(), Data::Null);
        let (mut session, _) = rest(&driver, single(ask())).await;
        let mut ignore = |_: &[Event], _: &Run| {};
        let payload = data!("late");
        session
            .send(Input::Resume { target: None, payload }, &mut ignore)
            .await
            .unwrap();
        assert_eq!(session.to_rest(&mut ignore).await, Ok(Status::Completed));
        let again = session.send(Input::Tick, &mut ignore).await;
        assert_eq!(again, Err(SendError::Rejected(Rejection::NotInProgress)));
    });
}

#[test]
fn rule_40_a_missing_grant_refuses_the_run_at_start() {
    block_on(async {
        let mut asking = header("test");
        asking.permissions.http = vec!["api.example.com".into()];
        let program = program_of(asking, |_| vec![step("ask", ask())]);
        let refusing = mocked(memory(), Data::Null).with_permit(Arc::default());
        let refused = refusing.start(program, start()).await.unwrap_err();
        assert!(
            refused.to_string().contains("`--allow-net=api.example.com`"),
            "{refused}"
        );
    });
}

#[test]
fn an_endless_loop_can_be_cancelled_and_lets_others_run() {
    block_on(async {
        let endless = program(|builder| {
            let node = builder.node(step("set", Op::Set(literal(data!(1)))));
            let block = builder.block(vec![node]);
            let repeat = Loop {
                block,
                condition: Arc::new(interpret::expr::Expression::compile("true").unwrap()),
                ends_on: false,
                max_iterations: literal(data!(4_000_000_000_u32)),
                on_limit: OnLimit::Fail,
            };
            vec![step("loop", Op::Loop(Box::new(repeat)))]
        });
        let driver = mocked(memory(), Data::Null);
        let handle = driver.start(endless, start()).await.unwrap();
        let other = driver
            .start(single(Op::Set(literal(data!(2)))), Start::new(new_run_id(), Data::Null))
            .await
            .unwrap();
        assert_eq!(other.end().await, Ok(RunEnd::Completed(data!(2))));
        handle.send(Input::Cancel { reason: None }).await.unwrap();
        assert_eq!(handle.finished().await, Ok(Status::Cancelled));
    });
}

#[test]
fn ten_thousand_branches_are_all_answered() {
    block_on(async {
        let program = program(|builder| {
            let branches = (0..10_000).map(|at| step(&format!("b{at}"), officer())).collect();
            let all = fork(builder, Join::All, branches);
            vec![step("all", all)]
        });
        let (session, _) = rest(
            &mocked(memory(), data!({ "b*": { "output": 1, "after": "1s" } })),
            program,
        )
        .await;
        let Some(RunEnd::Completed(results)) = session.run().state().end() else {
            panic!()
        };
        assert_eq!(results.as_list().unwrap().len(), 10_000);
    });
}
