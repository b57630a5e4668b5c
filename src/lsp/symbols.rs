//! The outline of a document: its definitions and their steps.

use std::path::Path;

use lsp_types::{DocumentSymbol, DocumentSymbolResponse, Range, SymbolKind};

use super::text::Lines;
use super::workspace::Workspace;
use crate::language::native::Outline;
use crate::load::Kind;
use crate::source::Span;

/// What a document declares.
pub(super) fn symbols(workspace: &Workspace, path: &Path) -> Option<DocumentSymbolResponse> {
    let (loaded, file) = workspace.find(path)?;
    let lines = workspace.lines(loaded.sources.file(file).text());
    let declared = loaded.declared().iter().filter(|one| one.span.file == file);
    let symbols = declared.map(|one| {
        let outlines = loaded.outlines().iter();
        let mut around = outlines.filter(|outline| encloses(outline.root.span, one.span));
        let agents = loaded.agents().map(|agent| agent.origin);
        let outline = around.next();
        let whole = match outline {
            Some(outline) => outline.root.span,
            None => agents
                .into_iter()
                .find(|origin| encloses(*origin, one.span))
                .unwrap_or(one.span),
        };
        let (detail, kind) = match one.kind {
            Kind::Workflow => ("workflow", SymbolKind::MODULE),
            Kind::Agent => ("agent", SymbolKind::CLASS),
        };
        let steps = outline.map_or_else(Vec::new, |outline| steps(&lines, outline));
        symbol(&one.id, detail, kind, lines.range(whole), lines.range(one.span), steps)
    });
    Some(DocumentSymbolResponse::Nested(symbols.collect()))
}

fn encloses(whole: Span, part: Span) -> bool {
    whole.file == part.file && whole.start <= part.start && part.end <= whole.end
}

/// The steps of a workflow as a tree. Each stands before what is inside it, so that from the end every step is complete
/// when it goes to its parent.
fn steps(lines: &Lines<'_>, outline: &Outline) -> Vec<DocumentSymbol> {
    let mut inside: Vec<Vec<DocumentSymbol>> = outline.steps.iter().map(|_| Vec::new()).collect();
    let mut top = Vec::new();
    for (at, step) in outline.steps.iter().enumerate().rev() {
        let mut children = std::mem::take(&mut inside[at]);
        children.reverse();
        let list = match step.parent {
            Some((parent, _)) => inside.get_mut(parent.0),
            None => Some(&mut top),
        };
        let Some(list) = list else { continue };
        if !step.named || step.id.is_empty() {
            children.reverse();
            list.extend(children);
            continue;
        }
        let kind = if children.is_empty() {
            SymbolKind::FUNCTION
        } else {
            SymbolKind::NAMESPACE
        };
        let (whole, id) = (lines.range(step.span), lines.range(step.id_span));
        list.push(symbol(&step.id, step.kind, kind, whole, id, children));
    }
    top.reverse();
    top
}

#[allow(deprecated, reason = "a field of the type that must be filled")]
fn symbol(
    name: &str,
    detail: &str,
    kind: SymbolKind,
    range: Range,
    selection_range: Range,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    DocumentSymbol {
        name: name.to_owned(),
        detail: Some(detail.to_owned()),
        kind,
        tags: None,
        deprecated: None,
        range,
        selection_range,
        children: Some(children).filter(|children| !children.is_empty()),
    }
}
