//! Asking an agent.

use super::input::{said, wait};
use super::variable::{null, output_field};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::foundry::{Compute, Part, Test};
use crate::expr::{Build, Expression};
use crate::graph::{Ask, Keys, Op};
use crate::language::foundry::LAST;
use crate::language::foundry::reader::{Action, Fields, Reader, assign, computed, keeping};

/// Where an agent talks.
enum Place {
    /// In the conversation of the run.
    Run,
    /// In another one, or in none.
    Other,
    /// In one that only the run knows.
    Unknown(Build),
}

impl Place {
    fn of(conversation: Option<&Build>) -> Place {
        let Some(conversation) = conversation else {
            return Place::Other;
        };
        if let Build::Computed(compute) = conversation
            && let Compute::Formula(formula) = &**compute
            && ["System.ConversationId", "System.Conversation.Id"].contains(&formula.source().trim())
        {
            return Place::Run;
        }
        Place::Unknown(conversation.clone())
    }
}

/// What goes in.
#[derive(Default)]
struct Input {
    messages: Option<Build>,
    arguments: Option<Build>,
    when: Option<Test>,
    rounds: Option<Build>,
}

pub(super) fn read(reader: &mut Reader<'_>, action: &Action, fields: &mut Fields<'_>) -> Option<()> {
    let agent = agent(reader, fields);
    let conversation = fields.value(reader, &["conversationId"]);
    let input = input(reader, fields);
    let output = super::tool::output(reader, fields);
    let agent = agent?;
    let place = Place::of(conversation.as_ref());
    // A loop goes on with what was said, even where no conversation is named.
    let conversation = match (conversation, &input.when) {
        (Some(conversation), _) => Some(conversation),
        (None, Some(_)) => Some(computed(Compute::Aside(action.id.clone()))),
        (None, None) => None,
    };
    let [next, rounds] = ["next", "rounds"].map(|what| action.own(what));
    if input.when.is_some() {
        let begun = vec![(next.clone(), null()), (rounds.clone(), Build::Literal(0.into()))];
        reader.flow.push(action.set("begin", null(), begun));
    }
    let (again, after) = (reader.flow.here(), reader.flow.label());
    let mut messages = Vec::new();
    if input.when.is_some() {
        messages.push(computed(Compute::Variable(next.clone())));
    }
    messages.extend(input.messages);
    let last = computed(Compute::Variable(LAST.into()));
    let ask = Ask {
        agent: agent.0,
        chosen: agent.1,
        definition: None,
        prompt: None,
        messages: Some(computed(Compute::Told(input.arguments.map(Box::new), messages))),
        otherwise: Some(computed(Compute::Told(None, vec![last]))),
        conversation: Some(conversation.unwrap_or_else(|| Build::Literal(false.into()))),
        schema: None,
        tools: Vec::new(),
        defaulted: false,
    };
    let name = ask.agent.clone();
    let mut node = action.node("", Op::Agent(Box::new(ask)));
    node.keys = Some(Box::new(Keys {
        output: Some(computed(Compute::Replied(name.clone()))),
        ..Keys::default()
    }));
    let mut keep = Vec::new();
    keep.extend(
        output
            .messages
            .map(|variable| assign(variable, output_field("messages"))),
    );
    if let Some(variable) = output.object {
        // What cannot be read leaves the variable as it is.
        let before = computed(Compute::Field(variable.key.clone(), variable.path.clone()));
        keep.push(assign(
            variable,
            computed(Compute::First(vec![output_field("object"), before])),
        ));
    }
    keep.extend(output.text.map(|variable| assign(variable, output_field("text"))));
    reader.flow.push(keeping(node, keep));

    let text = computed(Compute::Part(Part::Received, "text"));
    let show = super::show(action, "show", text, Some(&name));
    let show = super::hand_on(show, computed(Compute::Part(Part::Received, "")));
    let keep = said(action, "keep", computed(Compute::Conversation), "messages");
    let kept = reader.talks.then_some(keep);
    // What is said in the conversation of the run is seen there in any case; what is shown is kept there.
    match (place, output.shown) {
        (Place::Run, _) => reader.flow.push(show),
        (_, Some(test)) if super::is_never(&test) => {}
        (Place::Other, test) => {
            for node in [Some(show), kept].into_iter().flatten() {
                reader.flow.push(super::provided_if(node, test.clone()));
            }
        }
        (Place::Unknown(conversation), test) => {
            let elsewhere = Test::Elsewhere(conversation);
            let here = Test::Not(Box::new(elsewhere.clone()));
            let shown = test.clone().map(|test| Test::Either(Box::new(here), Box::new(test)));
            reader.flow.push(super::provided_if(show, shown));
            if let Some(node) = kept {
                let kept = match test {
                    Some(test) => Test::Both(Box::new(elsewhere), Box::new(test)),
                    None => elsewhere,
                };
                reader.flow.push(super::provided(node, kept));
            }
        }
    }
    if let Some(when) = input.when {
        let listen = reader.flow.label();
        let goes_on = match input.rounds {
            Some(most) => {
                let often = Test::Reached(rounds.to_string(), most, "often enough".to_owned());
                Test::Both(Box::new(Test::Not(Box::new(often))), Box::new(when))
            }
            None => when,
        };
        reader
            .flow
            .jump(action.jump("loop"), vec![(goes_on, listen)], Some(after));
        reader.flow.place(listen);
        let keep = vec![
            (LAST.into(), output_field("message")),
            (next, output_field("messages")),
            (rounds.clone(), computed(Compute::More(rounds))),
        ];
        let heard = computed(Compute::Heard(None));
        reader
            .flow
            .push(wait(action, "input", "input", None, Vec::new(), heard, keep));
        reader.flow.jump_back(action.jump("again"), again);
    }
    reader.flow.place(after);
    Some(())
}

/// The name of the agent; where a formula tells it, that too.
fn agent(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Option<(crate::graph::Name, Option<Build>)> {
    let entry = fields.required(reader, &["agent", "agentName"], "{ name: my-agent }")?;
    let node = match entry.value.as_map() {
        None => &entry.value,
        Some(_) => {
            let mut inner = Fields::of(reader, "agent", &entry.value, "`agent`")?;
            let name = inner.required(reader, &["name"], "my-agent");
            inner.get(&["type"]);
            inner.get(&["version"]);
            inner.close(reader);
            &name?.value
        }
    };
    let Some(text) = node
        .as_scalar()
        .map(|scalar| scalar.text.clone())
        .filter(|text| !text.trim().is_empty())
    else {
        reader.wrong_type(
            "name",
            node,
            "the name of an agent",
            "write for example `name: my-agent`",
        );
        return None;
    };
    if !text.starts_with('=') {
        return Some((text, None));
    }
    let name = reader.value("name", node)?;
    if let Build::Computed(compute) = &name
        && let Compute::Formula(formula) = &**compute
        && formula.references().is_empty()
    {
        let known = name.eval(&|_: &crate::expr::Root| None).ok();
        match known
            .as_ref()
            .and_then(|name| name.as_str())
            .filter(|name| !name.is_empty())
        {
            Some(name) => return Some((name.into(), None)),
            None => {
                let message = "this formula gives no name of an agent";
                reader.report(Diagnostic::error(Code::WrongType, node.span, message));
                return None;
            }
        }
    }
    Some((text, Some(name)))
}

fn input(reader: &mut Reader<'_>, fields: &mut Fields<'_>) -> Input {
    let mut input = Input {
        // The runtime for Python also takes arguments beside `input`.
        arguments: fields.value(reader, &["arguments"]),
        ..Input::default()
    };
    let Some(entry) = fields.get(&["input"]) else {
        return input;
    };
    let Some(mut inner) = Fields::of(reader, "input", &entry.value, "`input`") else {
        return input;
    };
    input.messages = inner.value(reader, &["messages"]);
    input.arguments = inner.value(reader, &["arguments"]).or(input.arguments);
    if let Some(entry) = inner.get(&["externalLoop"])
        && let Some(mut looped) = Fields::of(reader, "externalLoop", &entry.value, "`externalLoop`")
    {
        looped.required(reader, &["when"], "=Upper(System.LastMessage.Text) <> \"EXIT\"");
        input.when = looped.test(reader, &["when"]);
        input.rounds = looped.value(reader, &["maxIterations"]);
        looped.close(reader);
    }
    inner.close(reader);
    input
}

/// A condition as the graph holds it.
pub(super) fn condition(test: Test) -> std::sync::Arc<Expression> {
    std::sync::Arc::new(Expression::Foundry(test))
}
