//! Corrections of findings, and formatting.

use std::collections::HashMap;
use std::path::Path;

use lsp_types::{CodeAction, CodeActionKind, CodeActionOrCommand, Range, TextEdit, Uri, WorkspaceEdit};

use super::workspace::Workspace;
use super::{Refusal, cursor, publish};
use crate::diagnostic::Edit;
use crate::load::Loaded;
use crate::yaml::{self, Unformatted};

/// The safe corrections of the findings in a range.
pub(super) fn fixes(workspace: &Workspace, path: &Path, range: Range) -> Option<Vec<CodeActionOrCommand>> {
    let (loaded, file) = workspace.find(path)?;
    let lines = workspace.lines(loaded.sources.file(file).text());
    let (start, end) = (lines.offset(range.start) as u32, lines.offset(range.end) as u32);
    let here = loaded.diagnostics.iter().filter(|finding| {
        let span = finding.span.filter(|span| span.file == file);
        span.is_some_and(|span| span.start <= end && start <= span.end)
    });
    let fixable = here.filter(|finding| !finding.fixes.is_empty());
    let actions = fixable.filter_map(|finding| {
        Some(CodeActionOrCommand::CodeAction(CodeAction {
            title: title(loaded, &finding.fixes),
            kind: Some(CodeActionKind::QUICKFIX),
            diagnostics: Some(publish::show(workspace, loaded, &lines, finding).into_iter().collect()),
            edit: Some(edit(workspace, loaded, &finding.fixes)?),
            is_preferred: Some(true),
            ..CodeAction::default()
        }))
    });
    Some(actions.collect())
}

/// What a correction does, in a line.
fn title(loaded: &Loaded, edits: &[Edit]) -> String {
    let [edit] = edits else {
        return "correct it".to_owned();
    };
    let (old, new) = (loaded.sources.text(edit.span), edit.replacement.as_str());
    let is_short = |text: &str| !text.contains('\n') && text.chars().count() <= 60;
    match (old.trim(), new.trim()) {
        (old, new) if !is_short(old) || !is_short(new) => "correct it".to_owned(),
        ("", new) => format!("insert `{new}`"),
        (old, "") => format!("remove `{old}`"),
        (old, new) => format!("replace `{old}` by `{new}`"),
    }
}

fn edit(workspace: &Workspace, loaded: &Loaded, edits: &[Edit]) -> Option<WorkspaceEdit> {
    #[allow(clippy::mutable_key_type, reason = "the protocol's type")]
    let mut changes: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    for edit in edits {
        let file = loaded.sources.file(edit.span.file);
        let range = workspace.lines(file.text()).range(edit.span);
        let edits = changes.entry(workspace.uri(file)?).or_default();
        edits.push(TextEdit::new(range, edit.replacement.clone()));
    }
    Some(WorkspaceEdit::new(changes))
}

/// The edit that brings a document into its usual form; none where it is in it.
pub(super) fn format(workspace: &Workspace, path: &Path) -> Result<Option<Vec<TextEdit>>, Refusal> {
    let Some(text) = workspace.text(path) else {
        return Ok(None);
    };
    let formatted = yaml::format(cursor::alone(), &text).map_err(|unformatted| {
        Refusal::failed(match unformatted {
            Unformatted::Unreadable(_) => "a text that is no YAML cannot be formatted",
            Unformatted::Unusual => "this text cannot be formatted without a change of its meaning",
        })
    })?;
    // The ends of lines are the editor's.
    let formatted = match text.contains("\r\n") {
        true => formatted.replace('\n', "\r\n"),
        false => formatted,
    };
    let edit = || TextEdit::new(workspace.lines(&text).whole(), formatted.clone());
    Ok(Some(if formatted == *text { Vec::new() } else { vec![edit()] }))
}
