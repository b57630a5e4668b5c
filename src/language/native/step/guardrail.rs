//! `andGuardrail`: rules for `data`.

use super::{Lowered, Step};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{GuardRule, Op};
use crate::language::native::outline::{Expects, Field, ResultOutline};
use crate::language::native::reader::{Fields, Reader};
use crate::yaml::Node;

const EXAMPLE: &str = "[{ require: =data.amount > 0, message: no amount }]";

pub(super) fn read(reader: &mut Reader<'_>, step: &mut Step<'_>) -> Option<Lowered> {
    step.fields.required("rules", EXAMPLE);
    let nodes = step.fields.list(reader, "rules", EXAMPLE)?;
    if nodes.is_empty() {
        step.none_given(reader, "rules", "rule");
    }
    let rules: Vec<Option<GuardRule>> = nodes.iter().map(|node| rule(reader, step, node)).collect();
    let rules = rules.into_iter().collect::<Option<Vec<_>>>()?;
    let result = match rules.iter().any(|rule| rule.rewrite.is_some()) {
        true => ResultOutline::Unknown,
        false => ResultOutline::Nothing,
    };
    Some(Lowered::new(Op::Guard(rules), result))
}

fn rule(reader: &mut Reader<'_>, step: &Step<'_>, node: &Node) -> Option<GuardRule> {
    let help = "write for example `- require: =data.amount > 0`";
    let mut fields = Fields::of(reader, "rules", node, help)?
        .called("a rule")
        .in_step(Some(step.index));
    fields.required("require", "=data.amount > 0");
    let require = fields.expression(reader, "require", Field::Guard, Expects::Boolean);
    let message = fields.value(reader, "message", Field::Guard, Expects::Anything);
    let rewrites = fields.choice(reader, "action", &[("fail", false), ("rewrite", true)]).unwrap_or(false);
    if rewrites {
        fields.required("value", "=data | merge({'amount': 0})");
    }
    let given = fields.entry("value");
    let value = fields.value(reader, "value", Field::Guard, Expects::Anything);
    fields.close(reader);
    if let (Some(entry), false) = (given, rewrites) {
        let message = "`value` is what `data` becomes with `action: rewrite`, and this rule fails instead";
        let help = "add `action: rewrite`, or remove `value`";
        reader.report(Diagnostic::error(Code::ConflictingKeys, entry.key_span, message).help(help));
        return None;
    }
    if rewrites && value.is_none() {
        return None;
    }
    Some(GuardRule {
        require: require?,
        message,
        rewrite: value,
    })
}
