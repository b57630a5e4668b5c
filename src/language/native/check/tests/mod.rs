//! One test per check: the code, and exactly the text that the finding points at.

mod flow;
mod names;
mod schemas;
mod steps;
mod types;

use std::sync::Arc;

use crate::diagnostic::{self, Code, Diagnostic, Severity};
use crate::language::{self, native::Outline};
use crate::source::Sources;
use crate::yaml;

/// Reads the documents of a text; the workflows' outlines and all findings.
fn read(text: &str) -> (Vec<Outline>, Vec<Diagnostic>) {
    let source: Arc<str> = text.into();
    let file = Sources::new().add("test.yaml", text);
    let (documents, mut findings) = yaml::parse(file, text, &yaml::Limits::default());
    let mut outlines = Vec::new();
    for document in &documents {
        let read = language::read(document, &source);
        findings.extend(read.diagnostics);
        outlines.extend(read.outline);
    }
    (outlines, findings)
}

fn pointed<'t>(text: &'t str, finding: &Diagnostic) -> &'t str {
    finding
        .span
        .map_or("", |span| &text[span.start as usize..span.end as usize])
}

/// The findings of a workflow text as `code: text pointed at`, warnings in brackets.
fn findings(text: &str) -> Vec<String> {
    let (_, findings) = read(text);
    findings.iter().map(|finding| short(text, finding)).collect()
}

fn short(text: &str, finding: &Diagnostic) -> String {
    let line = format!("{}: {}", finding.code, pointed(text, finding));
    match finding.severity {
        Severity::Error => line,
        Severity::Warning => format!("[{line}]"),
    }
}

/// The same, for steps alone.
fn in_steps(steps: &str) -> Vec<String> {
    findings(&workflow(steps))
}

fn workflow(steps: &str) -> String {
    format!("kind: Workflow\nid: test\nsteps:\n{steps}")
}

/// The only finding.
fn only(text: &str) -> Diagnostic {
    let (_, mut findings) = read(text);
    let shown: Vec<String> = findings.iter().map(|finding| short(text, finding)).collect();
    assert_eq!(findings.len(), 1, "{shown:?}");
    findings.remove(0)
}

/// The text with the fix of its only finding.
fn fixed(text: &str) -> String {
    let (fixed, edits) = diagnostic::apply(text, &only(text).fixes);
    assert_eq!(edits, 1, "there is a fix");
    assert_eq!(findings(&fixed), [""; 0], "{fixed}");
    fixed
}

const NONE: [&str; 0] = [];

#[test]
fn the_findings_of_ten_mistakes_are_ten() {
    let text = r#"kind: Workflow
id: ten
inputSchema: { type: object, properties: { amount: { type: number }, name: { type: string } } }
permissions: { env: [SHOP_URL] }
steps:
  - { kind: andThen, id: a, set: { x: =input.amuont, y: =inputs.name, z: =steps.c.output } }
  - { kind: andThen, id: b, http: { url: "{{ env.SHOP }}/{{ stepz }}" } }
  - { kind: andWhen, id: c, condition: =input.name > 3, set: =steps.nope.output }
  - { kind: andForEach, id: d, items: =input.amount, steps: [{ kind: andThen, id: e, set: =secrets.KEY }] }
  - { kind: andThen, id: f, set: { code: =item, e: =steps.e.output } }
"#;
    let (_, findings) = read(text);
    let codes: Vec<Code> = findings.iter().map(|finding| finding.code).collect();
    use Code::*;
    assert_eq!(
        codes,
        [
            UnknownProperty,
            UnknownName,
            StepNotReadable,
            NotPermitted,
            UnknownName,
            TypeMismatch,
            UnknownStep,
            TypeMismatch,
            SecretNotAllowed,
            UnknownName,
            StepNotReadable,
        ]
    );
}

/// The example that the language's description begins with.
#[test]
fn the_first_example_has_no_findings() {
    let text = r#"kind: Workflow
id: order-approval
name: Order Approval Workflow
purpose: Process and approve customer orders
version: 1.2.0
inputSchema:
  type: object
  required: [orderId, amount]
  properties:
    orderId: { type: string }
    amount: { type: number, minimum: 0 }
    items: { type: array, items: { type: string } }
steps:
  - kind: andThen
    id: validate-order
    set:
      orderId: =input.orderId
      lines: =input.items | length
      label: "Order {{ input.orderId }} for {{ input.amount }}"
  - kind: andAll
    id: lookups
    steps:
      stock:
        - { kind: andThen, id: stock, http: { url: "{{ env.STOCK_URL }}/{{ input.orderId }}" }, timeout: 5s,
            retry: { attempts: 3, delay: 200ms, backoff: 2 } }
      risk:
        - { kind: andAgent, id: risk, agent: risk-officer, prompt: "Rate this order: {{ data | tojson }}",
            schema: { type: object, required: [score], properties: { score: { type: number } } } }
  - kind: andWhen
    id: manager-approval
    condition: =input.amount > 1000 or data.risk.score > 0.8
    suspend:
      reason: Waiting for manager approval
      data: { amount: =input.amount }
    resumeSchema:
      type: object
      required: [approved]
      properties: { approved: { type: boolean }, managerId: { type: string } }
  - kind: andTap
    id: audit
    exec: { command: [logger, "order {{ input.orderId }}"] }
  - kind: andThen
    id: settle
    set: { approved: "=steps['manager-approval'].output.approved | default(true)", totalAmount: =input.amount }
outputSchema: { type: object, required: [approved] }
"#;
    assert_eq!(findings(text), NONE);
    let mistyped = text
        .replace("data.risk.score", "data.risk.scroe")
        .replace("output.approved", "output.aproved");
    assert_eq!(
        findings(&mistyped),
        ["unknown-property: scroe", "unknown-property: aproved"]
    );
}
