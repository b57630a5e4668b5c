//! Names: which exist at a place, and what to say about those that do not.

use super::Checker;
use super::map::Hidden;
use crate::contract::{Lookup, Type};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::expr::{Reference, Root, StepPart};
use crate::language::native::outline::{Field, Part, Site, StepIndex};

/// The names that authors write for the roots that are not local, in the order of the documentation.
const ROOTS: [(&str, Root); 18] = [
    ("input", Root::Input),
    ("data", Root::Data),
    ("state", Root::State),
    ("context", Root::Context),
    ("execution", Root::Execution),
    ("env", Root::Env),
    ("secrets", Root::Secrets),
    ("index", Root::Index),
    ("resume", Root::Resume),
    ("error", Root::Error),
    ("result", Root::Result),
    ("response", Root::Response),
    ("winner", Root::Winner),
    ("attempt", Root::Attempt),
    ("event", Root::Event),
    ("arguments", Root::Arguments),
    ("trigger", Root::Trigger),
    ("output", Root::Output),
];

impl Checker<'_> {
    /// Names and steps that a site may not read.
    pub(super) fn names(&self, site: &Site, findings: &mut Vec<Diagnostic>) {
        for reference in site.references() {
            match &reference.root {
                _ if self.is_dashed(site, reference) => {}
                Root::Step { id, .. } => self.step_reference(site, reference, id, findings),
                root if self.in_scope(site, root) => {}
                // What has no resume has a default for it (rule 4).
                Root::Resume if reference.optional => {}
                _ => findings.push(self.unknown_name(site, reference)),
            }
        }
    }

    /// Whether what a reference starts from exists at its place.
    pub(super) fn is_known(&self, site: &Site, reference: &Reference) -> bool {
        match &reference.root {
            _ if self.is_dashed(site, reference) => false,
            Root::Step { id, .. } => self
                .map
                .named(id)
                .is_some_and(|step| self.map.reads(site.step, site.field, step).is_ok()),
            root => self.in_scope(site, root),
        }
    }

    /// Whether a root exists at a site.
    pub(super) fn in_scope(&self, site: &Site, root: &Root) -> bool {
        let field = site.field;
        let in_run = self.in_run(site);
        match root {
            Root::Input | Root::Context => !field.is_of_trigger(),
            // A tool is given its `arguments` and nothing else.
            Root::Data if self.in_tool(site) => false,
            Root::Data | Root::State | Root::Execution | Root::Attempt => in_run,
            Root::Step { .. } => in_run,
            Root::Env | Root::Now => true,
            // Where secrets may stand is another check.
            Root::Secrets => true,
            Root::Index => field == Field::LoopCondition || self.is_inside(site, &[Part::Item, Part::Body]),
            Root::Error => field == Field::HandlerWhen || self.handles_error(site),
            Root::Result => field == Field::Output,
            Root::Resume => field == Field::Output && self.has_unit(site, "suspend"),
            Root::Response => {
                let asks = site.step.is_some_and(|step| self.map.step(step).kind == "andAgent");
                field == Field::Output && (asks || self.has_unit(site, "http"))
            }
            Root::Winner => {
                field == Field::Output && site.step.is_some_and(|step| self.map.step(step).kind == "andRace")
            }
            Root::Event => field == Field::Where,
            Root::Arguments => field == Field::Approval || self.in_tool(site),
            Root::Trigger => matches!(field, Field::Cron | Field::Webhook),
            Root::Output => field == Field::SetState,
            Root::Local(name) => self.locals(site).any(|(local, _)| local == **name),
        }
    }

    /// Whether a site stands in one of these lists, at any depth.
    fn is_inside(&self, site: &Site, parts: &[Part]) -> bool {
        site.step
            .is_some_and(|step| self.map.around(step).any(|(_, part)| parts.contains(&part)))
    }

    /// Whether a site belongs to the steps of a run, or to what follows them; the tools of an agent belong to none.
    fn in_run(&self, site: &Site) -> bool {
        !self.outline.agent
            && !matches!(
                site.field,
                Field::WorkflowStart | Field::Cron | Field::Webhook | Field::TriggerSecret | Field::Agent
            )
    }

    /// Whether a site stands in a tool of an agent.
    fn in_tool(&self, site: &Site) -> bool {
        site.step.is_some_and(|step| self.map.step(step).kind == "tool")
    }

    fn handles_error(&self, site: &Site) -> bool {
        let handles = |part| matches!(part, Part::Handler(_) | Part::Finally);
        site.step
            .is_some_and(|step| self.map.around(step).any(|(_, part)| handles(part)))
    }

    /// Whether the site's step does this; true where that cannot be seen. Beside an `else` the unit is inside the step,
    /// which has only its result (rule 16).
    fn has_unit(&self, site: &Site, unit: &str) -> bool {
        let node = site.step.and_then(|step| self.map.node(step));
        node.is_none_or(|node| node.get(unit).is_some() && node.get("else").is_none())
    }

    /// The names that for-each steps around a site give, each with its step.
    fn locals(&self, site: &Site) -> impl Iterator<Item = (String, StepIndex)> {
        let around = site.step.into_iter().flat_map(|step| self.map.around(step));
        let each = around.filter(|(_, part)| *part == Part::Item).map(|(each, _)| each);
        each.flat_map(|each| self.given(each))
    }

    /// The names that a for-each gives to its steps.
    fn given(&self, each: StepIndex) -> impl Iterator<Item = (String, StepIndex)> + use<> {
        let item = self.map.step(each).item.clone();
        item.into_iter()
            .flat_map(move |item| [(item.to_string(), each), (format!("{item}_index"), each)])
    }

    fn unknown_name(&self, site: &Site, reference: &Reference) -> Diagnostic {
        let span = self.place(site, &reference.name);
        let Root::Local(name) = &reference.root else {
            let name = reference.root.to_string();
            let finding = match reference.optional {
                false => Diagnostic::error(Code::UnknownName, span, format!("`{name}` is not known here")),
                true => {
                    let message = format!("`{name}` is never known here, so this is always the default");
                    Diagnostic::warning(Code::UnknownName, span, message)
                }
            };
            return match where_known(&reference.root, site, self.in_run(site)) {
                Some(place) => finding.help(place),
                None => finding,
            };
        };
        let finding = Diagnostic::error(Code::UnknownName, span, format!("there is no `{name}` here"));
        if let Some(each) = self.given_elsewhere(name) {
            let id = &self.map.step(each).id;
            return finding
                .label(
                    self.map.step(each).id_span,
                    format!("gives `{name}` to the steps inside it"),
                )
                .help(format!("`{name}` is known only inside the steps of `{id}`"));
        }
        if &**name == "item" {
            return finding.help("`item` is known only inside the steps of an `andForEach`");
        }
        if let Some(step) = self.map.named(name) {
            let read = Root::Step {
                id: self.map.step(step).id.clone(),
                part: StepPart::Output,
            };
            return match self.map.reads(site.step, site.field, step) {
                Err(Hidden::BeforeStart) => finding,
                _ => finding.help(format!("`{name}` is a step: read its output as `{read}`")),
            };
        }
        let known = self.known_names(site);
        if closest(name, known.iter().map(String::as_str)).is_some() {
            // Every name is a word, which fits everywhere.
            let finding = finding.suggest(name, known.iter().map(String::as_str));
            return self.only_exact(finding, site, &reference.name);
        }
        let homes = [
            ("input", self.flow.root(site.step, site.field, &Root::Input)),
            ("state", self.state(site)),
        ];
        let declares = |(root, ty): &(&str, Type)| {
            known.iter().any(|known| known == root) && matches!(ty.property(name), Lookup::Known(_))
        };
        let homes: Vec<String> = homes
            .iter()
            .filter(|home| declares(home))
            .map(|(root, _)| format!("{root}.{name}"))
            .collect();
        match &homes[..] {
            [] => {}
            [home] => {
                let finding = finding.help(format!("did you mean `{home}`?"));
                return self.with_fix(finding, site, &reference.name, home);
            }
            [first, ..] => return finding.help(format!("did you mean `{first}`?")),
        }
        finding.help(format!("names known here: {}", known.join(", ")))
    }

    fn state(&self, site: &Site) -> Type {
        self.flow.root(site.step, site.field, &Root::State)
    }

    /// The for-each that gives a name, though not here.
    fn given_elsewhere(&self, name: &str) -> Option<StepIndex> {
        let gives = |item: &str| name == item || name.strip_suffix("_index") == Some(item);
        let step = self
            .outline
            .steps
            .iter()
            .position(|step| step.item.as_deref().is_some_and(gives))?;
        Some(StepIndex(step))
    }

    /// All names that exist at a site.
    pub(super) fn known_names(&self, site: &Site) -> Vec<String> {
        let locals = self.locals(site).map(|(name, _)| name);
        let roots = ROOTS.iter().filter(|(_, root)| match root {
            Root::Secrets => matches!(site.field, Field::Call | Field::TriggerSecret),
            root => self.in_scope(site, root),
        });
        let mut known: Vec<String> = locals.chain(roots.map(|(name, _)| (*name).to_owned())).collect();
        if self.in_run(site) {
            known.push("steps".to_owned());
        }
        known
    }
}

/// Where a name is known that is not known here, with what to use instead.
fn where_known(root: &Root, site: &Site, in_run: bool) -> Option<&'static str> {
    Some(match root {
        _ if site.field == Field::TriggerSecret => {
            "this is evaluated before anything is read of the delivery: only `secrets` and `env` are known"
        }
        _ if site.field.is_of_trigger() => {
            "a trigger is evaluated before there is a run: only `trigger` and `env` are known"
        }
        _ if site.field == Field::WorkflowStart => {
            "this is evaluated before the first step: only `input`, `context` and `env` are known"
        }
        _ if site.field == Field::Agent => {
            "an agent serves many steps and sees none of them: only `input`, `context` and `env` are known; a step \
             says the rest in its `prompt`"
        }
        Root::Arguments => "`arguments` is known only in the tools of an agent",
        _ if !in_run => {
            "an agent serves many steps and sees none of them: only `arguments`, `input`, `context` and `env` are known"
        }
        Root::Data => "a tool is given its `arguments`, and no `data`",
        Root::Index => "`index` is known only inside the steps of a loop or an `andForEach`",
        Root::Resume => {
            "`resume` is known only in `output` of the step that suspends; its `setState` reads `output`, later steps \
             read `steps.<id>.output`"
        }
        Root::Error => "`error` is known only in a `catch` handler; elsewhere use `steps.<id>.error`",
        Root::Result => "`result` is known only in `output`; later steps read what the step gave as `data`",
        Root::Response => "`response` is known only in `output` of a step with `http`, or of an `andAgent`",
        Root::Winner => "`winner` is known only in `output` of an `andRace`",
        Root::Event => "`event` is known only in `where` of `waitFor`",
        Root::Trigger => "`trigger` is known only in `triggers`; pass what is needed on as `input`",
        Root::Output => "`output` is known only in `setState`; use `steps.<id>.output`, or `data` for the step before",
        _ => return None,
    })
}
