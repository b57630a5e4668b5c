//! Waits for people, as forms.

use axum::response::Response;

use super::answer::seconds;
use super::body::Sent;
use super::fields::{self, Field, Kind};
use super::ids;
use super::keys::App;
use super::node;
use super::reply::{Code, Failure, Reply, answer};
use crate::data;
use crate::data::{Data, Map};
use crate::graph::{Name, Op, Timestamp};
use crate::run::{EventKind, PendingWait, Run, Ticket, Wait, WaitEnd};
use crate::serve::problem::Problem;
use crate::serve::service::Service;

/// The answer to yes or no, in schemas: there are buttons for it.
const APPROVED: &str = "approved";
/// The field with the button that was pressed.
const ACTION: &str = "action";

/// What a person is asked.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub run: Name,
    pub ticket: Ticket,
    /// The address of the step that waits.
    pub address: String,
    pub node_id: String,
    pub title: String,
    content: String,
    fields: Vec<Field>,
    actions: Vec<Action>,
    /// What the buttons stand for in the answer.
    buttons: Buttons,
    expires: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Action {
    id: Name,
    title: Name,
    style: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Buttons {
    /// The one that was pressed is the field `action`.
    Declared,
    /// Yes and no for the field `approved`.
    Approval,
    /// There is only one, which says nothing.
    Submit,
}

/// The waits for people in a run, the oldest first.
pub(super) fn waits(run: &Run) -> impl Iterator<Item = PendingWait> {
    run.waits().filter(|wait| matches!(&*wait.wait, Wait::Resume { .. }))
}

/// What a run that waits for people says of it.
pub(super) fn pause(run: &Run) -> [(Name, Data); 2] {
    let forms: Vec<Form> = waits(run).filter_map(|wait| Form::of(run, &wait)).collect();
    [
        (
            "paused_nodes".into(),
            forms.iter().map(|form| Data::from(form.node_id.as_str())).collect(),
        ),
        ("reasons".into(), forms.iter().map(Form::reason).collect()),
    ]
}

impl Form {
    /// The form of a wait; `None` if it is for no person.
    pub fn of(run: &Run, wait: &PendingWait) -> Option<Form> {
        let Wait::Resume { reason, data } = &*wait.wait else {
            return None;
        };
        let program = run.program();
        let waiting = program.step(run.waiting(wait.ticket)?);
        let mut fields = fields::fields(run.resume_schema(wait.ticket));
        let declared = match &waiting.node.op {
            Op::Suspend(suspend) => suspend.actions.as_ref().map(declared).unwrap_or_default(),
            _ => Vec::new(),
        };
        let has = |name: &str, kind: &Kind| fields.iter().any(|field| &*field.name == name && field.kind == *kind);
        let (buttons, actions) = if !declared.is_empty() {
            (Buttons::Declared, declared)
        } else if has(APPROVED, &Kind::Checkbox) {
            let yes = Action::new("approve", "Approve", "primary");
            (Buttons::Approval, vec![yes, Action::new("reject", "Reject", "default")])
        } else {
            (Buttons::Submit, vec![Action::new("submit", "Submit", "primary")])
        };
        fields.retain(|field| match buttons {
            Buttons::Declared => &*field.name != ACTION,
            Buttons::Approval => &*field.name != APPROVED,
            Buttons::Submit => true,
        });
        // A unit without an id of its own is a part of its step.
        let named = &program.workflow(waiting.workflow).named;
        let step = named.get(&wait.step).map_or(waiting, |step| program.step(*step));
        Some(Form {
            run: run.state().started()?.run.clone(),
            ticket: wait.ticket,
            address: wait.address.clone(),
            node_id: node::node_id(program, step),
            title: node::title(step),
            content: content(reason.as_ref(), data.as_ref()),
            fields,
            actions,
            buttons,
            expires: wait.deadline,
        })
    }

    /// What it is known by.
    pub fn token(&self) -> String {
        ids::form_token(&self.run, self.ticket)
    }

    fn id(&self) -> String {
        ids::id(&["form", &self.token()])
    }

    fn expiration(&self) -> Data {
        Data::from(self.expires.map(seconds))
    }

    fn inputs(&self) -> Data {
        self.fields.iter().map(Field::question).collect()
    }

    fn actions(&self) -> Data {
        let each = self.actions.iter().map(|action| {
            data!({ "id": action.id.clone(), "title": action.title.clone(), "button_style": action.style.clone() })
        });
        each.collect()
    }

    fn defaults(&self) -> Data {
        let with = self.fields.iter().filter_map(|field| {
            let default = field.default.as_ref()?;
            Some((field.name.clone(), Data::Text(default.to_text())))
        });
        with.collect()
    }

    /// The data of `human_input_required`.
    pub fn required(&self) -> Vec<(Name, Data)> {
        vec![
            ("form_id".into(), Data::from(self.id())),
            ("node_id".into(), Data::from(self.node_id.as_str())),
            ("node_title".into(), Data::from(self.title.as_str())),
            ("form_content".into(), Data::from(self.content.as_str())),
            ("inputs".into(), self.inputs()),
            ("actions".into(), self.actions()),
            ("display_in_ui".into(), Data::Bool(true)),
            ("form_token".into(), Data::from(self.token())),
            ("resolved_default_values".into(), self.defaults()),
            ("expiration_time".into(), self.expiration()),
        ]
    }

    /// Why the run is paused.
    fn reason(&self) -> Data {
        let kind = ("TYPE".into(), Data::from("human_input_required"));
        std::iter::once(kind).chain(self.required()).collect()
    }

    /// The data of the event that tells that it was answered, or that nobody came.
    pub fn ended(&self, end: &WaitEnd) -> Option<(&'static str, Vec<(Name, Data)>)> {
        let mut entries: Vec<(Name, Data)> = vec![
            ("node_id".into(), Data::from(self.node_id.as_str())),
            ("node_title".into(), Data::from(self.title.as_str())),
        ];
        match end {
            WaitEnd::Resumed(payload) => {
                let pressed = self.pressed(payload);
                entries.push(("rendered_content".into(), Data::from(self.content.as_str())));
                entries.push(("action_id".into(), Data::from(pressed.map(|action| action.id.clone()))));
                entries.push((
                    "action_text".into(),
                    Data::from(pressed.map(|action| action.title.clone())),
                ));
                entries.push(("submitted_data".into(), super::answer::as_object(payload, "payload")));
                Some(("human_input_form_filled", entries))
            }
            WaitEnd::TimedOut => {
                entries.push(("expiration_time".into(), self.expiration()));
                Some(("human_input_form_timeout", entries))
            }
            WaitEnd::Received(_) => None,
        }
    }

    /// The button behind an answer.
    fn pressed(&self, payload: &Data) -> Option<&Action> {
        let id = match self.buttons {
            Buttons::Declared => payload.get(ACTION)?.as_str()?,
            Buttons::Approval if payload.get(APPROVED)?.as_bool()? => "approve",
            Buttons::Approval => "reject",
            Buttons::Submit => "submit",
        };
        self.actions.iter().find(|action| &*action.id == id)
    }

    /// The form by itself.
    fn told(&self) -> Data {
        data!({
            "form_content": self.content.as_str(),
            "inputs": self.inputs(),
            "resolved_default_values": self.defaults(),
            "user_actions": self.actions(),
            "expiration_time": self.expiration(),
        })
    }

    /// What the workflow gets for an answer.
    fn payload(&self, inputs: &Map, action: &str) -> Result<Data, Failure> {
        let wrong = |message: String| Failure::new(Code::InvalidFormData, message);
        let Some(action) = self.actions.iter().find(|known| &*known.id == action) else {
            let known: Vec<&str> = self.actions.iter().map(|action| &*action.id).collect();
            return Err(wrong(format!(
                "Invalid action: {action}; there is {}",
                known.join(", ")
            )));
        };
        let missing = fields::missing(&self.fields, inputs);
        if !missing.is_empty() {
            return Err(wrong(format!("Missing required inputs: {}", missing.join(", "))));
        }
        let taken = fields::take(&self.fields, false, inputs).map_err(wrong)?;
        Ok(Data::from(match self.buttons {
            Buttons::Declared => taken.with(ACTION.into(), Data::Text(action.id.clone())),
            Buttons::Approval => taken.with(APPROVED.into(), Data::Bool(&*action.id == "approve")),
            Buttons::Submit => taken,
        }))
    }
}

impl Action {
    fn new(id: &str, title: &str, style: &str) -> Action {
        Action {
            id: id.into(),
            title: title.into(),
            style: style.into(),
        }
    }
}

/// The actions that an author has written.
fn declared(actions: &Data) -> Vec<Action> {
    let each = actions.as_list().into_iter().flat_map(|list| list.iter());
    each.filter_map(|action| {
        let text = |key: &str| action.get(key).and_then(Data::as_str);
        let id = text("id")?;
        Some(Action::new(
            id,
            text("title").unwrap_or(id),
            text("style").unwrap_or("default"),
        ))
    })
    .collect()
}

/// What the person reads, in Markdown.
fn content(reason: Option<&Name>, data: Option<&Data>) -> String {
    let mut parts: Vec<String> = reason.map(ToString::to_string).into_iter().collect();
    match data {
        None | Some(Data::Null) => {}
        Some(Data::Map(map)) => {
            let lines = map
                .iter()
                .map(|(key, value)| format!("- **{key}**: {}", value.to_text()));
            parts.push(lines.collect::<Vec<_>>().join("\n"));
        }
        Some(other) => parts.push(other.to_text().to_string()),
    }
    parts.join("\n\n")
}

/// The form that a token is for, if it still waits.
async fn find(service: &Service, app: &App, token: &str) -> Result<Form, Failure> {
    let unknown = || Failure::not_found("Form not found");
    let (run, ticket) = ids::form(token).ok_or_else(unknown)?;
    let look = match service.look(&app.caller, Some(&app.workflow), &run).await {
        Err(Problem::UnknownExecution(_)) => return Err(unknown()),
        look => look?,
    };
    let wait = waits(&look.run).find(|wait| wait.ticket == ticket);
    match wait.and_then(|wait| Form::of(&look.run, &wait)) {
        Some(form) => Ok(form),
        None => Err(match ended(service, &run, ticket).await? {
            Some(WaitEnd::Resumed(_)) => submitted(),
            Some(WaitEnd::TimedOut) => expired(),
            // It was for a person, and the run has gone on without.
            None if was_asked(service, &run, ticket).await? => expired(),
            _ => unknown(),
        }),
    }
}

fn submitted() -> Failure {
    Failure::new(
        Code::FormSubmitted,
        "This form has already been submitted by another user",
    )
}

fn expired() -> Failure {
    Failure::new(Code::FormExpired, "This form has expired")
}

/// How a wait has ended.
async fn ended(service: &Service, run: &Name, ticket: Ticket) -> Result<Option<WaitEnd>, Failure> {
    search(service, run, |kind| match kind {
        EventKind::WaitEnded { ticket: of, end } if *of == ticket => Some(end.clone()),
        _ => None,
    })
    .await
}

async fn was_asked(service: &Service, run: &Name, ticket: Ticket) -> Result<bool, Failure> {
    let asked = search(service, run, |kind| match kind {
        EventKind::WaitStarted { ticket: of, wait, .. } if *of == ticket => {
            Some(matches!(&**wait, Wait::Resume { .. }))
        }
        _ => None,
    });
    Ok(asked.await?.unwrap_or(false))
}

/// The first event of a run that tells something.
async fn search<T>(
    service: &Service,
    run: &Name,
    tells: impl Fn(&EventKind) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let mut from = 0;
    loop {
        let page = service.driver().store().load(run, from).await?;
        let Some(last) = page.last() else { return Ok(None) };
        from = last.end();
        let found = page
            .iter()
            .flat_map(|batch| batch.events.iter())
            .find_map(|event| tells(&event.kind));
        if found.is_some() {
            return Ok(found);
        }
    }
}

/// Shows a form.
pub(super) async fn show(service: &Service, app: &App, token: &str) -> Reply {
    Ok(answer(&find(service, app, token).await?.told()))
}

/// Answers a form. Anybody with the key may, not only who began the run.
pub(super) async fn submit(service: &Service, app: &App, token: &str, sent: &Sent) -> Result<Response, Failure> {
    sent.user()?;
    let form = find(service, app, token).await?;
    let action = sent.get("action").and_then(Data::as_str);
    let action = action.ok_or_else(|| Failure::new(Code::InvalidFormData, "action must be provided"))?;
    let inputs = match sent.get("inputs") {
        Some(_) => sent.object("inputs")?,
        None => Default::default(),
    };
    let payload = form.payload(&inputs, action)?;
    let step = Name::from(form.address.as_str());
    let told = service.resume(&app.caller, Some(&app.workflow), &form.run, Some(step), Some(payload));
    match told.await {
        Ok(_) => Ok(answer(&data!({}))),
        // Somebody was faster, or the time was over.
        Err(Problem::Conflict(_) | Problem::UnknownStep(_)) => {
            Err(match ended(service, &form.run, form.ticket).await? {
                Some(WaitEnd::TimedOut) => expired(),
                _ => submitted(),
            })
        }
        Err(problem) => Err(Failure::from(problem).of_form()),
    }
}
