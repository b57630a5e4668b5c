//! Hover: what is under the cursor, and what the codes of the findings there mean.

use std::path::Path;

use lsp_types::{Hover, HoverContents, MarkupContent, MarkupKind, Position};

use super::cursor::{self, find, holds};
use super::keys::Here;
use super::place::{self, Named};
use super::typed::{self, Spot, Word};
use super::workspace::Workspace;
use crate::language::native::check::ask;
use crate::load::{Kind, Loaded};
use crate::run::FAILURE_CODES;
use crate::source::{FileId, Span};

/// What there is to say about a position.
pub(super) fn hover(workspace: &Workspace, path: &Path, position: Position) -> Option<Hover> {
    let text = workspace.text(path)?;
    let lines = workspace.lines(&text);
    let offset = lines.offset(position);
    let loaded = workspace.find(path);
    let said = expression(workspace, path, &text, offset)
        .or_else(|| loaded.and_then(|(loaded, file)| step(loaded, file, offset)))
        .or_else(|| value(loaded, &text, offset));
    let (mut parts, mut span) = match said {
        Some((said, span)) => (vec![said], Some(span)),
        None => (Vec::new(), None),
    };
    if let Some((loaded, file)) = loaded {
        for finding in &loaded.diagnostics {
            let Some(place) = finding.span.filter(|place| place.file == file && holds(*place, offset)) else {
                continue;
            };
            parts.push(format!("**{}**: {}", finding.code, finding.code.summary()));
            span = span.or(Some(place));
        }
    }
    parts.dedup();
    (!parts.is_empty()).then(|| Hover {
        contents: HoverContents::Markup(MarkupContent {
            kind: MarkupKind::Markdown,
            value: parts.join("\n\n---\n\n"),
        }),
        range: span.map(|span| lines.range(span)),
    })
}

type Said = (String, Span);

/// A word of an expression.
fn expression(workspace: &Workspace, path: &Path, text: &str, offset: usize) -> Option<Said> {
    // The word as a whole, wherever in it the cursor is.
    let word = typed::word(text, offset).filter(|word| !word.range.is_empty())?;
    let name = text.get(word.range.clone())?;
    let span = Span::new(cursor::alone(), word.range.start, word.range.end);
    let choices = typed::choices(workspace, path, text, &word);
    let is_step = matches!(&word.spot, Spot::Link { path, .. } if path.len() == 1);
    let same = |known: &str| known == name || (is_step && known.replace('-', "_") == name.replace('-', "_"));
    let choice = choices.into_iter().find(|choice| same(&choice.name))?;
    let title = format!("{}{name}", leading(&word));
    let detail = match choice.detail.as_str() {
        "" => String::new(),
        detail => format!(": {detail}"),
    };
    let said = match choice.text {
        Some(text) => format!("`{title}`{detail}\n\n{text}"),
        None => format!("`{title}`{detail}"),
    };
    Some((said, span))
}

/// What stands before a word and belongs to it.
fn leading(word: &Word) -> &'static str {
    match word.spot {
        Spot::Filter => "| ",
        Spot::Test => "is ",
        Spot::Name | Spot::Link { .. } => "",
    }
}

/// The id of a step.
fn step(loaded: &Loaded, file: FileId, offset: usize) -> Option<Said> {
    let outlines = loaded
        .outlines()
        .iter()
        .filter(|outline| outline.root.span.file == file);
    for outline in outlines {
        let here = |span: Span| span.file == file && holds(span, offset);
        if let Some(step) = outline.steps.iter().find(|step| step.named && here(step.id_span)) {
            let find = |id: &str, version: Option<&str>| loaded.callee(id, version);
            let output = ask(outline, &find, |answers| answers.output(&step.id));
            let said = format!("the step `{}`, `{}`\n\nIts output: {output}", step.id, step.kind);
            return Some((said, step.id_span));
        }
    }
    None
}

/// A key or a word of the language, or a name of something declared elsewhere.
fn value(loaded: Option<(&Loaded, FileId)>, text: &str, offset: usize) -> Option<Said> {
    let root = cursor::document(text, offset)?;
    let found = find(&root, offset);
    let here = || Here::at(&root, &found.way);
    if let Some(entry) = found.key {
        let here = here();
        let example = here.example().map(|example| {
            let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            format!("\n\nExample: `{}: {value}`", entry.key)
        });
        let said = format!("`{}`\n\n{}{}", entry.key, here.text()?, example.unwrap_or_default());
        return Some((said, entry.key_span));
    }
    let node = found.node()?;
    let word = node.as_str()?;
    let said = match place::named(&root, &found.way) {
        Some(Named::Failure) => {
            let (code, text) = FAILURE_CODES.iter().find(|(code, _)| *code == word)?;
            format!("`{code}`: {text}")
        }
        Some(Named::Definition { kind, .. }) => definition(loaded?.0, kind, word)?,
        Some(Named::Event | Named::Schema) => return None,
        None => {
            let here = here();
            let (_, text) = here.values().into_iter().find(|(known, _)| known == word)?;
            // A kind has a page of its own, which says more.
            let more = here
                .text()
                .filter(|more| text.is_none_or(|text| more.starts_with(text)));
            format!("`{word}`\n\n{}", more.or(text)?)
        }
    };
    Some((said, node.span))
}

fn definition(loaded: &Loaded, kind: Kind, id: &str) -> Option<String> {
    match kind {
        Kind::Workflow => {
            let graph = loaded.workflow(id, None)?;
            let header = &graph.header;
            let mut said = format!("the workflow `{id}`");
            if let Some(purpose) = header.purpose.as_ref().or(header.description.as_ref()) {
                said += &format!("\n\n{purpose}");
            }
            for (what, schema) in [("input", &header.input_schema), ("output", &header.output_schema)] {
                if let Some(schema) = schema {
                    said += &format!("\n\nIts {what}: {}", schema.ty());
                }
            }
            Some(said)
        }
        Kind::Agent => {
            let agent = loaded.agent(id, None)?;
            let models: Vec<String> = agent.models.iter().map(ToString::to_string).collect();
            let mut said = format!("the agent `{id}`, {}", models.join(", or else "));
            if let Some(purpose) = &agent.purpose {
                said += &format!("\n\n{purpose}");
            }
            Some(said)
        }
    }
}
