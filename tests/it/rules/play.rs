//! Plays a workflow under virtual time: what calls answer and what comes from outside is scripted, time costs nothing.
//!
//! ```text
//! play("steps: [{ kind: andThen, id: get, http: { url: 'https://a.example' } }]")
//!     .fails("get", "http.network").takes(5)
//!     .answer("get", json!(1))
//!     .result()
//! ```
//!
//! Every played run is also written as JSON, read again and replayed: its state has to be the same.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use interpret::data::Data;
use interpret::diagnostic::render;
use interpret::graph::{Program, Timestamp};
use interpret::load;
use interpret::run::{
    Answer, Event, Failure, Input, Outcome, PendingCall, Reply, Request, Run, RunEnd, Spent, Start, Status, Target,
    Ticket, ToolCall, TraceEvent, TraceText, Tracer, Wait, What,
};
use serde_json::{Value as Json, json};

/// How many inputs a run may need before it counts as endless.
const MOST_INPUTS: usize = 100_000;

/// A script of a run. A text that is no whole document is that of a workflow `test` without its first two lines.
pub fn play(yaml: &str) -> Play {
    let yaml = whole(yaml);
    let loaded = load::load_text("test.yaml", &yaml);
    let findings = render::text::render(&loaded.diagnostics, &loaded.sources, false);
    assert!(!loaded.has_errors(), "{findings}");
    let main = loaded.workflows().next().expect("a workflow").header.id.clone();
    let program = loaded.program(&main, None).unwrap();
    let mut start = Start::new("run", Data::from(json!({})));
    start.env = Data::from(json!({}));
    Play {
        program: Arc::new(program),
        start,
        answers: BTreeMap::new(),
        last: None,
        outside: VecDeque::new(),
        at: None,
    }
}

/// What is found in a text that does not load: one line for each error, with code, message and help.
pub fn refused(yaml: &str) -> String {
    let loaded = load::load_text("test.yaml", &whole(yaml));
    assert!(loaded.has_errors(), "it loads");
    let errors = loaded.diagnostics.iter().filter(|finding| finding.is_error());
    let lines = errors.map(|finding| format!("{}: {}; {}\n", finding.code, finding.message, finding.help.join("; ")));
    lines.collect()
}

/// The text without its common indentation, as a whole document.
fn whole(yaml: &str) -> String {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let lines = || yaml.lines().filter(|line| !line.trim().is_empty());
    let common = lines().map(indentation).min().unwrap_or(0);
    let text: String = lines().map(|line| format!("{}\n", &line[common..])).collect();
    match text.starts_with("kind:") {
        true => text,
        false => format!("kind: Workflow\nid: test\n{text}"),
    }
}

pub struct Play {
    program: Arc<Program>,
    start: Start,
    answers: BTreeMap<String, VecDeque<Scripted>>,
    /// The step that was given an answer last.
    last: Option<String>,
    outside: VecDeque<(Option<u64>, Action)>,
    at: Option<u64>,
}

#[derive(Clone)]
struct Scripted {
    after: u64,
    /// `None`: it never comes.
    outcome: Option<Outcome>,
}

#[derive(Clone)]
enum Action {
    Takes(Input),
    Refuses(Input),
}

impl Play {
    pub fn input(mut self, input: Json) -> Play {
        self.start.input = Data::from(input);
        self
    }

    pub fn context(mut self, context: Json) -> Play {
        self.start.context = Data::from(context);
        self
    }

    pub fn state(mut self, state: Json) -> Play {
        self.start.state = Some(Data::from(state));
        self
    }

    pub fn env(mut self, env: Json) -> Play {
        self.start.env = Data::from(env);
        self
    }

    pub fn user(mut self, user: &str, conversation: &str) -> Play {
        self.start.user = Some(user.into());
        self.start.conversation = Some(conversation.into());
        self
    }

    /// The next answer to a call of a step, named by its id or address; the last one is given again and again.
    pub fn answer(self, step: &str, result: Json) -> Play {
        let answer = Answer {
            result: Some(Data::from(result)),
            response: None,
        };
        self.outcome(step, Some(Outcome::Done(answer)))
    }

    /// An answer without a result, such as an empty body.
    pub fn answer_nothing(self, step: &str) -> Play {
        self.outcome(step, Some(Outcome::Done(Answer::default())))
    }

    /// An answer with a `response` beside it.
    pub fn respond(self, step: &str, result: Json, response: Json) -> Play {
        let answer = Answer {
            result: Some(Data::from(result)),
            response: Some(Data::from(response)),
        };
        self.outcome(step, Some(Outcome::Done(answer)))
    }

    /// The calls of tools that a model asks for in its next turn.
    pub fn wants(self, step: &str, calls: &[(&str, Json)]) -> Play {
        let call = |(at, (name, arguments)): (usize, &(&str, Json))| ToolCall {
            id: format!("call-{at}").into(),
            name: (*name).into(),
            arguments: Data::from(arguments.clone()),
        };
        let reply = Reply {
            calls: calls.iter().enumerate().map(call).collect(),
            ..Reply::of(None)
        };
        self.says(step, reply)
    }

    /// What a model says in its next turn.
    pub fn says(self, step: &str, reply: Reply) -> Play {
        self.outcome(step, Some(Outcome::Said(Arc::new(reply))))
    }

    pub fn fails(self, step: &str, code: &str) -> Play {
        self.fails_with(step, Failure::new(code, format!("scripted {code}")))
    }

    pub fn fails_with(self, step: &str, failure: Failure) -> Play {
        self.outcome(step, Some(Outcome::Failed(Arc::new(failure))))
    }

    /// A call that is never answered.
    pub fn hangs(self, step: &str) -> Play {
        self.outcome(step, None)
    }

    /// How long the last answer takes; without it, no time.
    pub fn takes(mut self, milliseconds: u64) -> Play {
        let last = self.last.as_ref().and_then(|step| self.answers.get_mut(step));
        last.and_then(VecDeque::back_mut).expect("an answer before").after = milliseconds;
        self
    }

    fn outcome(mut self, step: &str, outcome: Option<Outcome>) -> Play {
        self.last = Some(step.to_owned());
        let scripted = Scripted { after: 0, outcome };
        self.answers.entry(step.to_owned()).or_default().push_back(scripted);
        self
    }

    /// When what follows from outside happens. Before the first `at` it happens as soon as the run rests.
    pub fn at(mut self, milliseconds: u64) -> Play {
        self.at = Some(milliseconds);
        self
    }

    pub fn resume(self, step: &str, payload: Json) -> Play {
        self.action(Action::Takes(resume(Some(Target::Step(step.into())), payload)))
    }

    pub fn resume_ticket(self, ticket: u64, payload: Json) -> Play {
        self.action(Action::Takes(resume(Some(Target::Ticket(Ticket(ticket))), payload)))
    }

    pub fn resume_only(self, payload: Json) -> Play {
        self.action(Action::Takes(resume(None, payload)))
    }

    /// A resume that has to be refused, see [`Played::refusals`].
    pub fn refuse(self, step: &str, payload: Json) -> Play {
        self.action(Action::Refuses(resume(Some(Target::Step(step.into())), payload)))
    }

    pub fn refuse_only(self, payload: Json) -> Play {
        self.action(Action::Refuses(resume(None, payload)))
    }

    pub fn deliver(self, event: &str, data: Json) -> Play {
        self.action(Action::Takes(deliver(event, data)))
    }

    pub fn refuse_event(self, event: &str, data: Json) -> Play {
        self.action(Action::Refuses(deliver(event, data)))
    }

    pub fn cancel(self, reason: &str) -> Play {
        let reason = Some(reason.into());
        self.action(Action::Takes(Input::Cancel { reason }))
    }

    pub fn suspend(self) -> Play {
        self.action(Action::Takes(Input::Suspend { reason: None }))
    }

    pub fn go_on(self) -> Play {
        self.action(Action::Takes(Input::Continue))
    }

    fn action(mut self, action: Action) -> Play {
        self.outside.push_back((self.at, action));
        self
    }

    /// Plays to the end, or until nothing is left to happen.
    #[track_caller]
    pub fn run(self) -> Played {
        let mut stage = Stage {
            run: Run::new(self.program.clone()),
            tracer: Tracer::new(self.program.clone()),
            program: self.program,
            journal: Vec::new(),
            told: Vec::new(),
            refusals: Vec::new(),
            requests: Vec::new(),
            agenda: BTreeMap::new(),
            answers: self.answers,
        };
        if let Err(rejection) = stage.feed(0, Input::Start(self.start)) {
            panic!("it does not start: {rejection}");
        }
        stage.play(self.outside);
        stage.check_replay();
        Played {
            status: stage.run.status(),
            end: stage.run.state().end().cloned(),
            waits: stage.run.waits().map(|wait| (wait.address, wait.wait)).collect(),
            spent: stage.run.spent().clone(),
            requests: stage.requests,
            told: stage.told,
            refusals: stage.refusals,
        }
    }

    /// Why the run does not begin.
    #[track_caller]
    pub fn unstartable(self) -> String {
        let mut run = Run::new(self.program);
        let started = run.handle(Timestamp(0), Input::Start(self.start), &mut Vec::new());
        started.expect_err("it starts").to_string()
    }

    /// The result of the run.
    #[track_caller]
    pub fn result(self) -> Json {
        self.run().result()
    }

    /// The error the run ends with.
    #[track_caller]
    pub fn error(self) -> Json {
        self.run().error()
    }

    /// The code and message of the error the run ends with.
    #[track_caller]
    pub fn error_line(self) -> String {
        self.run().error_line()
    }
}

fn resume(target: Option<Target>, payload: Json) -> Input {
    let payload = Data::from(payload);
    Input::Resume { target, payload }
}

fn deliver(event: &str, data: Json) -> Input {
    Input::Deliver {
        event: event.into(),
        data: Data::from(data),
    }
}

/// A run being played.
struct Stage {
    program: Arc<Program>,
    run: Run,
    tracer: Tracer,
    journal: Vec<Event>,
    told: Vec<(u64, TraceEvent)>,
    refusals: Vec<String>,
    /// The effects of all calls, with what was asked, whole.
    requests: Vec<(String, Arc<Request>)>,
    /// Calls in flight, with the moment of their answer.
    agenda: BTreeMap<Ticket, (u64, Option<Outcome>)>,
    answers: BTreeMap<String, VecDeque<Scripted>>,
}

impl Stage {
    fn play(&mut self, mut outside: VecDeque<(Option<u64>, Action)>) {
        let mut now = 0;
        for _ in 0..MOST_INPUTS {
            let over = self.run.state().end().is_some();
            let wakes = self.run.wake_at().map(|at| u64::try_from(at.0).unwrap_or(0).max(now));
            let answers = self.agenda.iter().filter(|(_, (_, outcome))| outcome.is_some());
            let answered = answers.map(|(ticket, (at, _))| (*at, *ticket)).min();
            let next = wakes.into_iter().chain(answered.map(|(at, _)| at)).min();
            let rests = over || self.run.status() == Status::Suspended || next.is_none();
            let due = match outside.front() {
                Some((Some(at), _)) => next.is_none_or(|next| *at < next),
                Some((None, _)) => rests && wakes != Some(now),
                None => false,
            };
            if due {
                let Some((at, action)) = outside.pop_front() else {
                    return;
                };
                now = at.unwrap_or(now).max(now);
                self.act(now, action);
                continue;
            }
            let Some(next) = next.filter(|_| !over) else { return };
            now = next;
            let input = match answered {
                Some((at, ticket)) if wakes != Some(now) && at == now => {
                    let outcome = self.agenda.get(&ticket).and_then(|(_, outcome)| outcome.clone());
                    let outcome = outcome.expect("it is answered");
                    Input::Done { ticket, outcome }
                }
                _ => Input::Tick,
            };
            self.feed(now, input).expect("it is in progress");
        }
        panic!("the run does not end:\n{}", text(&self.told));
    }

    fn act(&mut self, now: u64, action: Action) {
        match action {
            Action::Takes(input) => {
                if let Err(rejection) = self.feed(now, input.clone()) {
                    panic!("{input:?} is refused: {rejection}\n{}", text(&self.told));
                }
            }
            Action::Refuses(input) => {
                let before = self.journal.len();
                let taken = self.feed(now, input.clone());
                let Err(rejection) = taken else {
                    panic!("{input:?} is taken:\n{}", text(&self.told))
                };
                assert_eq!(before, self.journal.len(), "a refused input changes nothing");
                self.refusals.push(rejection);
            }
        }
    }

    fn feed(&mut self, now: u64, input: Input) -> Result<(), String> {
        let mut events = Vec::new();
        let handled = self.run.handle(Timestamp(now as i64), input, &mut events);
        handled.map_err(|rejection| rejection.to_string())?;
        for event in &events {
            let told = self.tracer.follow(event).unwrap();
            self.told.extend(told.map(|told| (now, told)));
        }
        self.journal.extend(events);
        let calls: Vec<PendingCall> = self.run.calls().collect();
        self.agenda
            .retain(|ticket, _| calls.iter().any(|call| call.ticket == *ticket));
        for call in calls {
            if !self.agenda.contains_key(&call.ticket) {
                self.requests.push((call.effect.clone(), call.request.clone()));
                let scripted = self.scripted(&call);
                self.agenda
                    .insert(call.ticket, (now + scripted.after, scripted.outcome));
            }
        }
        Ok(())
    }

    fn scripted(&mut self, call: &PendingCall) -> Scripted {
        let address = call.effect.rsplit_once('#').map_or("", |(address, _)| address);
        for name in [&call.effect, address, &call.step] {
            let Some(answers) = self.answers.get_mut(name) else {
                continue;
            };
            let next = match answers.len() {
                1 => answers.front().cloned(),
                _ => answers.pop_front(),
            };
            return next.expect("an answer is left");
        }
        panic!(
            "nobody answers {}: {:?}\n{}",
            call.effect,
            call.request,
            text(&self.told)
        );
    }

    fn check_replay(&self) {
        let written = serde_json::to_string(&self.journal).unwrap();
        let read: Vec<Event> = serde_json::from_str(&written).unwrap();
        let again = Run::replay(self.program.clone(), &read).unwrap();
        assert_eq!(
            again.state(),
            self.run.state(),
            "the journal says something else than what happened"
        );
    }
}

fn text(told: &[(u64, TraceEvent)]) -> String {
    let mut text = TraceText::default();
    told.iter().for_each(|(_, event)| text.push(event));
    text.finish()
}

/// A run that is over, or in which nothing is left to happen.
pub struct Played {
    status: Status,
    end: Option<RunEnd>,
    waits: Vec<(String, Arc<Wait>)>,
    told: Vec<(u64, TraceEvent)>,
    refusals: Vec<String>,
    requests: Vec<(String, Arc<Request>)>,
    spent: Spent,
}

impl Played {
    /// The effect ids of all calls, in their order.
    pub fn effects(&self) -> Vec<&str> {
        self.requests.iter().map(|(effect, _)| &**effect).collect()
    }

    /// What was asked in a call, whole.
    pub fn request(&self, effect: &str) -> &Request {
        let found = self.requests.iter().find(|(known, _)| known == effect);
        found.map(|(_, request)| &**request).expect("a call with that effect")
    }

    /// What the turns of models took.
    pub fn spent(&self) -> &Spent {
        &self.spent
    }

    #[track_caller]
    pub fn result(&self) -> Json {
        match &self.end {
            Some(RunEnd::Completed(result)) => result.to_json(),
            other => panic!("{other:?}\n{}", self.trace()),
        }
    }

    #[track_caller]
    pub fn error(&self) -> Json {
        match &self.end {
            Some(RunEnd::Failed(failure)) => failure.to_data().to_json(),
            other => panic!("{other:?}\n{}", self.trace()),
        }
    }

    #[track_caller]
    pub fn error_line(&self) -> String {
        match &self.end {
            Some(RunEnd::Failed(failure)) => failure.to_string(),
            other => panic!("{other:?}\n{}", self.trace()),
        }
    }

    /// The status of the run.
    pub fn run_status(&self) -> &'static str {
        self.status.as_str()
    }

    /// What happened, in words.
    pub fn trace(&self) -> String {
        text(&self.told)
    }

    /// The status of a step, by its id or address, at its last visit; `unstarted` if there was none.
    pub fn status(&self, step: &str) -> &'static str {
        let words = self.of(step).filter_map(|(_, told)| {
            Some(match told.what {
                What::StepStarted | What::WaitResumed | What::WaitExpired => "running",
                What::WaitStarted | What::SleepStarted => "waiting",
                What::StepSkipped => "skipped",
                What::StepCompleted => "success",
                What::StepFailed => "error",
                What::StepCancelled => "cancelled",
                _ => return None,
            })
        });
        words.last().unwrap_or("unstarted")
    }

    /// When something happened to a step.
    pub fn times(&self, step: &str, what: What) -> Vec<u64> {
        let found = self.of(step).filter(|(_, told)| told.what == what);
        found.map(|(at, _)| *at).collect()
    }

    /// What came with something that happened to a step.
    pub fn told(&self, step: &str, what: What) -> Vec<Json> {
        let found = self.of(step).filter(|(_, told)| told.what == what);
        found
            .map(|(_, told)| told.data.as_ref().map_or(Json::Null, Data::to_json))
            .collect()
    }

    /// What a step asked of the outside world.
    pub fn calls(&self, step: &str) -> Vec<Json> {
        self.told(step, What::CallStarted)
    }

    /// When a step asked it.
    pub fn called_at(&self, step: &str) -> Vec<u64> {
        self.times(step, What::CallStarted)
    }

    /// When the last thing happened.
    pub fn ended_at(&self) -> u64 {
        self.told.last().map_or(0, |(at, _)| *at)
    }

    /// The addresses of the steps that wait.
    pub fn waiting(&self) -> Vec<&str> {
        self.waits.iter().map(|(address, _)| &**address).collect()
    }

    /// Why resumes and events were refused, in their order.
    pub fn refusals(&self) -> &[String] {
        &self.refusals
    }

    fn of<'p>(&'p self, step: &'p str) -> impl Iterator<Item = &'p (u64, TraceEvent)> {
        self.told.iter().filter(move |(_, told)| {
            let address = told.step.as_deref().unwrap_or_default();
            let before = address.strip_suffix(step);
            before.is_some_and(|before| before.is_empty() || before.ends_with(['/', ':']))
        })
    }
}
