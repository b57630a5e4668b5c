//! Checking cases against the workflow they are about.

use super::fields::Reader;
use super::read::{Raw, RawCase};
use crate::contract::Schema;
use crate::data::Data;
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{Name, Op, Program, Step};
use crate::provider::{Mocks, step_fits};
use crate::source::Span;
use crate::testing::suite::Expected;
use crate::yaml::Node;

pub(super) fn check(reader: &mut Reader<'_>, program: &Program, raw: &Raw<'_>) {
    if let Some((shared, node)) = &raw.mocks {
        check_mocks(reader, program, shared, node);
    }
    for raw in &raw.cases {
        check_case(reader, program, raw);
    }
}

fn check_case(reader: &mut Reader<'_>, program: &Program, raw: &RawCase<'_>) {
    let header = &program.main().header;
    let case = &raw.case;
    // What is to be refused need not fit.
    if case.expects() != Some(Expected::Rejected) {
        let place = |node: Option<&Node>, pointer: &str| node.map_or(case.place, |node| node.locate(pointer));
        for (what, schema, data, node) in [
            ("input", &header.input_schema, &case.input, raw.input),
            ("context", &header.context_schema, &case.context, raw.context),
        ] {
            // A key may be mistyped, which is one mistake and not two.
            if node.is_some() || raw.sound {
                fits(reader, what, schema.as_ref(), data, |pointer| place(node, pointer));
            }
        }
    }
    if let Some((mocks, node)) = &raw.mocks {
        check_mocks(reader, program, mocks, node);
    }
    for resume in &case.resume {
        let waits = |step: &&Step| step.node.op.resume_schema().is_some();
        let meant: Vec<&Step> = steps(program)
            .filter(waits)
            .filter(|step| means(&resume.pattern, step))
            .collect();
        if meant.is_empty() {
            let what = "waits for a payload";
            unknown_step(reader, program, &resume.pattern, resume.place, what, |op| {
                op.resume_schema().is_some()
            });
        }
        // Several steps may have several schemas; then the run says what does not fit.
        if let [step] = meant[..]
            && let Some(schema) = step.node.op.resume_schema()
        {
            for payload in resume.payloads.iter().flatten() {
                fits(reader, "payload", schema, &payload.data, |_| payload.place);
            }
        }
    }
    for (event, place) in &raw.events {
        check_event(reader, program, event, *place);
    }
    if let Some(expect) = &case.expect {
        let waiting = expect.waiting.iter().flat_map(|(waiting, _)| waiting);
        for (step, place) in expect.ran.iter().chain(&expect.skipped).chain(waiting) {
            if !steps(program).any(|known| means(step, known)) {
                unknown_step(reader, program, step, *place, "is in the workflow", |_| true);
            }
        }
    }
}

fn fits(reader: &mut Reader<'_>, what: &str, schema: Option<&Schema>, data: &Data, place: impl Fn(&str) -> Span) {
    let Some(schema) = schema else { return };
    let Err(violations) = schema.validate(&schema.fill_defaults(data.clone())) else {
        return;
    };
    for violation in violations {
        let message = format!("the {what} does not match its schema: {violation}");
        let mut diagnostic = Diagnostic::error(Code::SchemaMismatch, place(&violation.pointer), message);
        if what == "input" {
            diagnostic = diagnostic.help("a case about input that is refused has `expect: { status: rejected }`");
        }
        reader.report(diagnostic);
    }
}

fn check_mocks(reader: &mut Reader<'_>, program: &Program, mocks: &Mocks, node: &Node) {
    let calls: Vec<&str> = steps(program)
        .filter(|step| calls_outside(&step.node.op))
        .map(|step| program.caller(step))
        .collect();
    for pattern in mocks.unmatched(calls.iter().copied()) {
        let place = node.entry(&pattern).map_or(node.span, |entry| entry.key_span);
        unknown_step(
            reader,
            program,
            &pattern,
            place,
            "calls the outside world",
            calls_outside,
        );
    }
}

fn calls_outside(op: &Op) -> bool {
    matches!(op, Op::Call(_) | Op::Agent(_))
}

/// Reports an id that is not that of a step that does something.
fn unknown_step(
    reader: &mut Reader<'_>,
    program: &Program,
    pattern: &Name,
    place: Span,
    what: &str,
    does: impl Fn(&Op) -> bool,
) {
    let exists = steps(program).any(|step| means(pattern, step));
    let (code, message) = match exists {
        true => (
            Code::InvalidValue,
            format!("no step `{pattern}` {what}, though there is a step of that name"),
        ),
        false => (
            Code::UnknownStep,
            format!(
                "there is no step `{pattern}` in the workflow `{}`",
                program.main().header.id
            ),
        ),
    };
    let mut known: Vec<&str> = steps(program)
        .filter(|step| does(&step.node.op))
        .map(|step| program.caller(step))
        .collect();
    known.dedup();
    let mut diagnostic = Diagnostic::error(code, place, message).suggest(pattern, known.iter().copied());
    if diagnostic.help.is_empty() {
        known.truncate(10);
        diagnostic = diagnostic.help(match known.is_empty() {
            true => format!("no step of it {what}"),
            false => format!("there are {}", super::fields::listed(&known)),
        });
    }
    reader.report(diagnostic);
}

fn check_event(reader: &mut Reader<'_>, program: &Program, event: &Name, place: Span) {
    let mut known: Vec<&Name> = Vec::new();
    for step in &program.steps {
        if let Op::WaitFor(wait) = &step.node.op {
            known.push(&wait.event);
        }
        if let Op::Suspend(suspend) = &step.node.op {
            known.extend(&suspend.response);
        }
    }
    for workflow in &program.workflows {
        known.extend(workflow.header.events.keys());
    }
    if known.contains(&event) {
        return;
    }
    let message = format!("no step waits for an event `{event}`");
    let diagnostic = Diagnostic::error(Code::UnknownEvent, place, message);
    reader.report(diagnostic.suggest(event, known.iter().map(|name| &***name)));
}

/// The steps that authors write; the last of a program is the run itself.
fn steps(program: &Program) -> impl Iterator<Item = &Step> {
    let root = program.root();
    program.steps.iter().take(root.0 as usize)
}

/// The id an author knows: units without an id of their own go by their owner's.
pub(super) fn owner(id: &str) -> &str {
    id.split_once('/').map_or(id, |(owner, _)| owner)
}

/// Whether an id, an address or a pattern can mean a step.
fn means(pattern: &str, step: &Step) -> bool {
    // An address ends in an id.
    let last = pattern.rsplit(['/', ':']).next().unwrap_or_default();
    let fits = |name: &str| step_fits(name, owner(&step.node.id), &step.node.id);
    fits(pattern) || fits(last)
}
