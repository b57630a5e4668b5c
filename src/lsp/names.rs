//! Where names lead: definitions, references, and renaming a step.

use std::collections::HashMap;
use std::path::Path;

use lsp_server::ErrorCode;
use lsp_types::{
    GotoDefinitionResponse, Location, Position, PrepareRenameResponse, Range, TextEdit, Uri, WorkspaceEdit,
};

use super::cursor::{self, find, holds};
use super::place::{self, Named};
use super::workspace::Workspace;
use super::{Refusal, uri};
use crate::diagnostic::Code;
use crate::language::native::Outline;
use crate::language::native::check::ask;
use crate::load::{Kind, Loaded};
use crate::source::{FileId, Span};

/// A step with all places that name it.
struct Step<'l> {
    outline: &'l Outline,
    id: String,
    declared: Span,
    /// Each with whether it stands in brackets.
    uses: Vec<(Span, bool)>,
    /// The place under the cursor.
    here: Span,
}

/// What is named at a position.
enum Target<'l> {
    Step(Step<'l>),
    Definition(Kind, String),
    /// A file, as another one refers to it.
    Schema(String),
}

/// The text of a file with the offset of a position in it, and what is named there.
fn target<'w>(workspace: &'w Workspace, path: &Path, position: Position) -> Option<(&'w Loaded, FileId, Target<'w>)> {
    let (loaded, file) = workspace.find(path)?;
    let text = loaded.sources.file(file).text();
    let offset = workspace.lines(text).offset(position);
    if let Some(step) = step(loaded, file, offset) {
        return Some((loaded, file, Target::Step(step)));
    }
    let root = cursor::document(text, offset)?;
    let found = find(&root, offset);
    let word = found.node().filter(|_| found.key.is_none())?.as_str()?;
    let target = match place::named(&root, &found.way)? {
        Named::Definition { kind, .. } => Target::Definition(kind, word.to_owned()),
        Named::Schema => Target::Schema(word.to_owned()),
        Named::Event | Named::Failure => return None,
    };
    Some((loaded, file, target))
}

/// The step that is declared or named at an offset.
fn step(loaded: &Loaded, file: FileId, offset: usize) -> Option<Step<'_>> {
    let mut outlines = loaded.outlines().iter();
    outlines.find_map(|outline| {
        if outline.root.span.file != file {
            return None;
        }
        ask(outline, &|_, _| None, |answers| {
            let mentions = answers.mentions();
            let mentioned = mentions.iter().find(|(_, span)| holds(*span, offset));
            let mut declared = outline.steps.iter().filter(|step| step.named);
            let (step, here) = match mentioned {
                Some((step, span)) => (*step, *span),
                None => {
                    let step = declared.find(|step| holds(step.id_span, offset))?;
                    (step, step.id_span)
                }
            };
            let uses = mentions.iter().filter(|(named, _)| named.id_span == step.id_span);
            let in_brackets = |span: Span| loaded.sources.text(span).starts_with('[');
            Some(Step {
                outline,
                id: step.id.to_string(),
                declared: bare(loaded, step.id_span),
                uses: uses
                    .map(|(_, span)| (bare(loaded, *span), in_brackets(*span)))
                    .collect(),
                here: bare(loaded, here),
            })
        })
    })
}

/// The place of an id without the quotes and brackets around it.
fn bare(loaded: &Loaded, span: Span) -> Span {
    let written = loaded.sources.text(span);
    let around = |letter: char| !is_part(letter);
    let before = written.len() - written.trim_start_matches(around).len();
    let length = written.trim_matches(around).len();
    let start = span.start as usize + before;
    Span::new(span.file, start, start + length)
}

/// Whether a letter can be part of an id.
fn is_part(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_' || letter == '-'
}

fn location(workspace: &Workspace, loaded: &Loaded, span: Span) -> Option<Location> {
    let file = loaded.sources.file(span.file);
    let range = workspace.lines(file.text()).range(span);
    Some(Location::new(workspace.uri(file)?, range))
}

/// Where what is named at a position is declared.
pub(super) fn definition(workspace: &Workspace, path: &Path, position: Position) -> Option<GotoDefinitionResponse> {
    let (loaded, _, target) = target(workspace, path, position)?;
    let locations: Vec<Location> = match target {
        Target::Step(step) => location(workspace, loaded, step.declared).into_iter().collect(),
        Target::Definition(kind, id) => {
            let declared = loaded
                .declared()
                .iter()
                .filter(|one| one.kind == kind && *one.id == *id);
            declared
                .filter_map(|one| location(workspace, loaded, one.span))
                .collect()
        }
        Target::Schema(reference) => {
            let (name, _) = reference.split_once('#').unwrap_or((&reference, ""));
            let found = path.parent()?.join(name);
            if name.is_empty() || !found.is_file() {
                return None;
            }
            vec![Location::new(uri::uri(&found)?, Range::default())]
        }
    };
    (!locations.is_empty()).then_some(GotoDefinitionResponse::Array(locations))
}

/// Every place that names what is named at a position; also where it is declared, if that is wanted.
pub(super) fn references(
    workspace: &Workspace,
    path: &Path,
    position: Position,
    declared: bool,
) -> Option<Vec<Location>> {
    let (loaded, _, target) = target(workspace, path, position)?;
    let spans: Vec<Span> = match target {
        Target::Step(step) => {
            let declaration = declared.then_some(step.declared);
            declaration
                .into_iter()
                .chain(step.uses.into_iter().map(|(span, _)| span))
                .collect()
        }
        Target::Definition(kind, id) => {
            let files = loaded.sources.files();
            let named = files.flat_map(|(file, text)| place::definitions(file, text.text()));
            let same = named.filter(|(its_kind, its_id, _, declares)| {
                *its_kind == kind && *its_id == id && (declared || !declares)
            });
            same.map(|(_, _, span, _)| span).collect()
        }
        Target::Schema(_) => return None,
    };
    Some(
        spans
            .into_iter()
            .filter_map(|span| location(workspace, loaded, span))
            .collect(),
    )
}

/// What would be renamed at a position: only steps can be.
pub(super) fn prepare_rename(workspace: &Workspace, path: &Path, position: Position) -> Option<PrepareRenameResponse> {
    let (loaded, file, target) = target(workspace, path, position)?;
    let Target::Step(step) = target else { return None };
    let text = loaded.sources.file(file).text();
    Some(PrepareRenameResponse::RangeWithPlaceholder {
        range: workspace.lines(text).range(step.here),
        placeholder: step.id,
    })
}

/// The edits that give a step another id.
pub(super) fn rename(
    workspace: &Workspace,
    path: &Path,
    position: Position,
    new: &str,
) -> Result<Option<WorkspaceEdit>, Refusal> {
    let Some((loaded, file, Target::Step(step))) = target(workspace, path, position) else {
        return Err(Refusal::failed("only steps can be renamed"));
    };
    check(loaded, file, &step, new)?;
    let source = loaded.sources.file(file);
    let lines = workspace.lines(source.text());
    let edit = |span: Span, new: &str| TextEdit::new(lines.range(span), new.to_owned());
    let uses = step.uses.iter().map(|(span, in_brackets)| match in_brackets {
        true => edit(*span, new),
        // Behind a dot a dash would subtract.
        false => edit(*span, &new.replace('-', "_")),
    });
    let edits: Vec<TextEdit> = std::iter::once(edit(step.declared, new)).chain(uses).collect();
    let uri = workspace
        .uri(source)
        .ok_or_else(|| Refusal::failed("the file has no URI"))?;
    #[allow(clippy::mutable_key_type, reason = "the protocol's type")]
    let changes: HashMap<Uri, Vec<TextEdit>> = HashMap::from([(uri, edits)]);
    Ok(Some(WorkspaceEdit::new(changes)))
}

/// Whether a step may have another id, and all places that name it are known.
fn check(loaded: &Loaded, file: FileId, step: &Step<'_>, new: &str) -> Result<(), Refusal> {
    if !new.starts_with(|letter: char| letter.is_ascii_alphabetic()) || !new.chars().all(is_part) {
        let message = format!("`{new}` cannot be an id: it must be a letter, then letters, digits, `_` or `-`");
        return Err(Refusal(ErrorCode::InvalidParams, message));
    }
    let same = |id: &str| id.replace('-', "_") == new.replace('-', "_");
    let mut steps = step.outline.steps.iter();
    if let Some(other) = steps.find(|other| other.named && *other.id != *step.id && same(&other.id)) {
        return Err(Refusal::failed(format!("another step has the id `{}`", other.id)));
    }
    let unread = loaded.diagnostics.iter().find_map(|finding| {
        let hides = matches!(finding.code, Code::Syntax | Code::ExpressionSyntax | Code::NeedsQuotes);
        finding.span.filter(|span| hides && span.file == file)
    });
    match unread {
        Some(span) => {
            let line = loaded.sources.file(file).line_column(span.start).line;
            let message = format!("line {line} cannot be read and may name the step; correct it first");
            Err(Refusal::failed(message))
        }
        None => Ok(()),
    }
}
