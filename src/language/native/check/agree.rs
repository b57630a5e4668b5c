//! Values against the schemas they have to match, as far as it is certain before a run.
//!
//! A value is compared part by part with its schema's type: what is written out by its kind, what is computed by the
//! type of its expression. Where that finds nothing, a value in which nothing is computed is validated as a whole.

use super::Checker;
use super::operand::kinds;
use crate::contract::{Kinds, Lookup, Schema, Type};
use crate::data::{Data, Map};
use crate::diagnostic::{Code, Diagnostic, closest};
use crate::language::native::outline::{SiteCode, StepIndex};
use crate::source::Span;
use crate::yaml::{Node, Value};

/// A schema with what findings call it.
struct Wanted<'s> {
    schema: &'s Schema,
    /// Whose schema it is: "`outputSchema`".
    what: String,
    /// Where it stands.
    declared: Option<Span>,
    /// Whether absent properties with a default are filled in.
    fills: bool,
    /// Whether properties that are missing at the top are the business of another check.
    leaves_missing: bool,
    step: Option<StepIndex>,
}

impl Checker<'_> {
    /// Every value that is written down and has a schema in the same workflow.
    pub(super) fn agreement(&self, findings: &mut Vec<Diagnostic>) {
        let root = &self.outline.root;
        let own = |schema, key: &str, fills| Wanted {
            schema,
            what: format!("`{key}`"),
            declared: root.entry(key).map(|entry| entry.key_span),
            fills,
            leaves_missing: key == "outputSchema",
            step: None,
        };
        if let (Some(schema), Some(state)) = (&self.outline.state_schema, root.get("state")) {
            self.agrees(&own(schema, "stateSchema", true), state, findings);
        }
        if let (Some(schema), Some(output)) = (&self.outline.output, root.get("output")) {
            self.agrees(&own(schema, "outputSchema", false), output, findings);
        }
        self.trigger_inputs(&own, findings);
        for at in (0..self.outline.steps.len()).map(StepIndex) {
            let step = self.map.step(at);
            let key = |key: &str| self.map.node(at).and_then(|node| node.entry(key));
            if let Some(schema) = &step.output_schema
                && let Some(value) = ["output", "set", "map"].iter().find_map(|name| key(name))
            {
                let wanted = Wanted {
                    schema,
                    what: "`outputSchema`".to_owned(),
                    declared: key("outputSchema").map(|entry| entry.key_span),
                    fills: false,
                    leaves_missing: false,
                    step: Some(at),
                };
                self.agrees(&wanted, &value.value, findings);
            }
            let emitted = self.map.key(at, "emit");
            let event = emitted.and_then(|emit| emit.get("event")).and_then(Node::as_str);
            if let Some(schema) = event
                .and_then(|event| self.outline.events.get(event))
                .and_then(|event| event.schema.as_ref())
                && let Some(data) = emitted.and_then(|emit| emit.get("data"))
            {
                let event = event.unwrap_or_default();
                let declared = root.get("events").and_then(|events| events.entry(event));
                let wanted = Wanted {
                    schema,
                    what: format!("the schema of the event `{event}`"),
                    declared: declared.map(|entry| entry.key_span),
                    fills: false,
                    leaves_missing: false,
                    step: Some(at),
                };
                self.agrees(&wanted, data, findings);
            }
            if let Some(shown) = &step.shows {
                let wanted = Wanted {
                    schema: &shown.schema,
                    what: shown.what.clone(),
                    declared: shown.declared,
                    fills: false,
                    leaves_missing: false,
                    step: Some(at),
                };
                self.or_null(&wanted, shown.data.as_ref(), shown.span, "`data`", findings);
            }
            if let (Some(schema), Some(end)) = (&self.outline.output, &step.ends) {
                let wanted = Wanted {
                    leaves_missing: false,
                    step: Some(at),
                    ..own(schema, "outputSchema", false)
                };
                self.or_null(&wanted, end.output.as_ref(), end.span, "`output`", findings);
            }
        }
    }

    /// A value that is null when its key, `name`, is absent.
    fn or_null(
        &self,
        wanted: &Wanted<'_>,
        node: Option<&Node>,
        span: Span,
        name: &str,
        findings: &mut Vec<Diagnostic>,
    ) {
        match node {
            Some(node) => self.agrees(wanted, node, findings),
            None if wanted.schema.validate(&Data::Null).is_ok() => {}
            None => {
                let message = format!("without {name} this gives null, which {} does not allow", wanted.what);
                let finding = Diagnostic::error(Code::SchemaMismatch, span, message);
                findings.push(self.declared_at(wanted, finding.help(format!("add {name}"))));
            }
        }
    }

    /// What triggers begin runs with. A schedule without `input` gives an empty object; what a webhook gives is only
    /// known when it comes.
    fn trigger_inputs<'s>(
        &'s self,
        own: &dyn Fn(&'s Schema, &str, bool) -> Wanted<'s>,
        findings: &mut Vec<Diagnostic>,
    ) {
        let triggers = self.outline.root.get("triggers").and_then(Node::as_list);
        let Some(schema) = &self.outline.input else { return };
        let wanted = own(schema, "inputSchema", true);
        for trigger in triggers.unwrap_or_default() {
            match (trigger.get("input"), trigger.entry("cron")) {
                (Some(input), _) => self.agrees(&wanted, input, findings),
                (None, Some(cron)) => {
                    let nothing = Type::object(Vec::new(), false);
                    let what = "the input, which is an empty object,";
                    findings.extend(self.whole(&wanted, &nothing, cron.key_span, what));
                }
                (None, None) => {}
            }
        }
    }

    /// What a child workflow is given, against what it wants.
    pub(super) fn child_input(&self, at: StepIndex, schema: &Schema, findings: &mut Vec<Diagnostic>) {
        let Some(child) = &self.map.step(at).calls else { return };
        let wanted = Wanted {
            schema,
            what: format!("the `inputSchema` of `{}`", child.workflow),
            declared: None,
            fills: true,
            leaves_missing: false,
            step: Some(at),
        };
        match &child.input_node {
            Some(node) => self.agrees(&wanted, node, findings),
            None => {
                let given = &self.flow.at(at).received;
                findings.extend(self.whole(&wanted, given, child.span, "the input, which is `data`,"));
            }
        }
    }

    fn agrees(&self, wanted: &Wanted<'_>, node: &Node, findings: &mut Vec<Diagnostic>) {
        let before = findings.len();
        self.part(wanted, node, &wanted.schema.ty(), findings);
        if findings.len() > before {
            return;
        }
        // Ranges, patterns and the like can be told where nothing is computed.
        let Some(literal) = self.literal(node) else { return };
        let literal = if wanted.fills {
            wanted.schema.fill_defaults(literal)
        } else {
            literal
        };
        for violation in wanted.schema.validate(&literal).err().unwrap_or_default() {
            let span = match violation.pointer.is_empty() {
                true => head(node),
                false => node.locate(&violation.pointer),
            };
            findings.push(self.mismatch(wanted, span, violation.message));
        }
    }

    /// A value, if nothing in it is computed.
    fn literal(&self, node: &Node) -> Option<Data> {
        let computed = |node: &Node| {
            let text = node.as_str().unwrap_or_default();
            text.starts_with('=') || ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
        };
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            match &node.value {
                Value::Scalar(_) if computed(node) => return None,
                Value::Scalar(_) => {}
                Value::List(items) => open.extend(items),
                Value::Map(entries) => open.extend(entries.iter().map(|entry| &entry.value)),
            }
        }
        Some(node.data())
    }

    /// A part of a value against the part of the type it stands for.
    fn part(&self, wanted: &Wanted<'_>, node: &Node, ty: &Type, findings: &mut Vec<Diagnostic>) {
        let allowed = ty.kinds();
        if allowed == Kinds::ANY && ty.is_any() || allowed.is_none() {
            return;
        }
        match &node.value {
            Value::Scalar(scalar) => self.scalar(wanted, node, &scalar.data, ty, findings),
            Value::List(_) if !allowed.intersects(Kinds::LIST) => {
                findings.push(self.expected(wanted, head(node), allowed, Kinds::LIST));
            }
            Value::List(items) => {
                let item = ty.item();
                items.iter().for_each(|node| self.part(wanted, node, &item, findings));
            }
            Value::Map(_) if !allowed.intersects(Kinds::MAP) => {
                findings.push(self.expected(wanted, head(node), allowed, Kinds::MAP));
            }
            Value::Map(entries) => {
                self.missing_keys(wanted, node, ty, findings);
                for entry in entries {
                    match ty.property(&entry.key) {
                        Lookup::Known(ty) => self.part(wanted, &entry.value, &ty, findings),
                        Lookup::Unknown { known, closed: true } => {
                            let message = format!("{} does not allow `{}`", wanted.what, entry.key);
                            let finding = Diagnostic::error(Code::SchemaMismatch, entry.key_span, message);
                            let finding = finding.suggest(&entry.key, known.iter().map(String::as_str));
                            findings.push(self.declared_at(wanted, finding));
                        }
                        Lookup::Unknown { .. } | Lookup::Open => {}
                    }
                }
            }
        }
    }

    fn scalar(&self, wanted: &Wanted<'_>, node: &Node, data: &Data, ty: &Type, findings: &mut Vec<Diagnostic>) {
        let allowed = ty.kinds();
        let site = self.site_at(node.span, wanted.step);
        let found = match (site.map(|site| &site.code), data) {
            (Some(SiteCode::Text(text)), _) => {
                if let (Some(_), false) = (text.lone(), allowed.intersects(Kinds::TEXT)) {
                    findings.push(self.lone_template(wanted, node, allowed));
                    return;
                }
                Kinds::TEXT
            }
            (Some(SiteCode::Expression(_)), _) => {
                let Some(site) = site else { return };
                let found = self.flow.site(site);
                if found.kinds().intersects(Kinds::MAP) && allowed.intersects(Kinds::MAP) {
                    findings.extend(self.missing_required(wanted, &found, ty, node.span));
                }
                found.kinds()
            }
            // A broken expression has been reported, and is no text.
            (None, Data::Text(text)) if text.starts_with('=') && !text.starts_with("==") => return,
            (None, data) => Kinds::of(data),
        };
        // What is null for now often is not when it counts.
        if found.is_none() || found.intersects(allowed) || (site.is_some() && found == Kinds::NULL) {
            return;
        }
        findings.push(self.expected(wanted, node.span, allowed, found));
    }

    /// `"{{ x }}"` where a text is of no use (rule 3).
    fn lone_template(&self, wanted: &Wanted<'_>, node: &Node, allowed: Kinds) -> Diagnostic {
        let message = format!(
            "a template always gives text, but {} wants {} here",
            wanted.what,
            kinds(allowed)
        );
        let finding = self.declared_at(wanted, Diagnostic::error(Code::MissingEquals, node.span, message));
        let text = node.as_str().unwrap_or_default().trim();
        let inner = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        let Some(inner) = inner.map(|inner| inner.trim_matches('-').trim()) else {
            return finding;
        };
        let expression = format!("={inner}");
        let replacement = match (inner.contains('"') || inner.contains('\\'), inner.contains('\'')) {
            (false, _) => format!("\"{expression}\""),
            (true, false) => format!("'{expression}'"),
            (true, true) => format!("'{}'", expression.replace('\'', "''")),
        };
        let finding = finding.help(format!("write `{expression}`, which keeps the type"));
        match inner.contains('\n') {
            true => finding,
            false => finding.fix(node.span, replacement),
        }
    }

    /// A value of which only the type is known.
    fn whole(&self, wanted: &Wanted<'_>, given: &Type, span: Span, what: &str) -> Option<Diagnostic> {
        let ty = wanted.schema.ty();
        let (found, allowed) = (given.kinds(), ty.kinds());
        if found.is_none() || allowed.is_none() || found == Kinds::NULL {
            return None;
        }
        if !found.intersects(allowed) {
            let message = format!(
                "{what} is {}, but {} wants {}",
                kinds(found),
                wanted.what,
                kinds(allowed)
            );
            return Some(self.declared_at(wanted, Diagnostic::error(Code::SchemaMismatch, span, message)));
        }
        self.missing_required(wanted, given, &ty, span)
    }

    /// The first required property that a value of some type certainly lacks.
    fn missing_required(&self, wanted: &Wanted<'_>, given: &Type, ty: &Type, span: Span) -> Option<Diagnostic> {
        if given.kinds() != Kinds::MAP || ty.kinds() != Kinds::MAP {
            return None;
        }
        let lacks = |name: &String| matches!(given.property(name), Lookup::Unknown { closed: true, .. });
        let missing = ty
            .required()
            .into_iter()
            .filter(|name| !self.is_filled(wanted, ty, name))
            .find(lacks)?;
        let message = format!("this has no `{missing}`, which {} requires", wanted.what);
        Some(self.declared_at(wanted, Diagnostic::error(Code::SchemaMismatch, span, message)))
    }

    /// Required properties that a mapping has not; one that is there under a mistyped name is pointed at.
    fn missing_keys(&self, wanted: &Wanted<'_>, node: &Node, ty: &Type, findings: &mut Vec<Diagnostic>) {
        if wanted.leaves_missing && *ty.required() == *wanted.schema.ty().required() {
            return;
        }
        for name in ty.required() {
            if node.get(&name).is_some() || self.is_filled(wanted, ty, &name) {
                continue;
            }
            let message = format!("`{name}` is missing, which {} requires", wanted.what);
            let unknown = |key: &str| match ty.property(key) {
                Lookup::Unknown { closed, .. } => Some(closed),
                Lookup::Known(_) | Lookup::Open => None,
            };
            let mut others = node.as_map().unwrap_or_default().iter();
            let mistyped =
                others.find(|entry| unknown(&entry.key).is_some() && closest(&entry.key, [&*name]).is_some());
            let finding = match mistyped {
                // A key that is not allowed is a finding already, with the same suggestion.
                Some(entry) if unknown(&entry.key) == Some(true) => continue,
                Some(entry) => {
                    Diagnostic::error(Code::SchemaMismatch, entry.key_span, message).suggest(&entry.key, [&*name])
                }
                None => Diagnostic::error(Code::SchemaMismatch, head(node), message),
            };
            findings.push(self.declared_at(wanted, finding));
        }
    }

    /// Whether a property that is absent gets a value from a default.
    fn is_filled(&self, wanted: &Wanted<'_>, ty: &Type, name: &str) -> bool {
        if !wanted.fills {
            return false;
        }
        let top = wanted.schema.ty().required();
        // Defaults further inside are not looked for: a finding there would have to be certain.
        if top != ty.required() {
            return true;
        }
        let empty = Data::from(std::iter::empty::<(std::sync::Arc<str>, Data)>().collect::<Map>());
        wanted.schema.fill_defaults(empty).get(name).is_some()
    }

    fn expected(&self, wanted: &Wanted<'_>, span: Span, allowed: Kinds, found: Kinds) -> Diagnostic {
        self.mismatch(
            wanted,
            span,
            format!("expected {}, found {}", kinds(allowed), kinds(found)),
        )
    }

    fn mismatch(&self, wanted: &Wanted<'_>, span: Span, message: String) -> Diagnostic {
        let message = format!("{} refuses this: {message}", wanted.what);
        self.declared_at(wanted, Diagnostic::error(Code::SchemaMismatch, span, message))
    }

    fn declared_at(&self, wanted: &Wanted<'_>, finding: Diagnostic) -> Diagnostic {
        match wanted.declared {
            Some(span) => finding.label(span, "declared here"),
            None => finding,
        }
    }
}

/// A place that stands for a value: a mapping or list may be many lines long.
fn head(node: &Node) -> Span {
    match &node.value {
        Value::Map(entries) => entries.first().map_or(node.span, |entry| entry.key_span),
        _ => node.span,
    }
}
