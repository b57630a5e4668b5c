//! Completion: what can be written at the cursor.

use std::ops::Range;
use std::path::Path;

use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionList, CompletionResponse, CompletionTextEdit, Documentation,
    MarkupContent, MarkupKind, Position, TextEdit,
};

use super::cursor::{self, Link, Patched, find};
use super::keys::Here;
use super::place::{self, Named};
use super::typed::{self, What};
use super::workspace::Workspace;
use crate::load::Kind;
use crate::run::FAILURE_CODES;
use crate::yaml::Node;

/// What can be written at a position.
pub(super) fn complete(workspace: &Workspace, path: &Path, position: Position) -> Option<CompletionResponse> {
    let text = workspace.text(path)?;
    let offset = workspace.lines(&text).offset(position);
    let (offers, typed) = offers(workspace, path, &text, offset)?;
    let range = {
        let lines = workspace.lines(&text);
        lsp_types::Range::new(lines.position(typed.start as u32), lines.position(typed.end as u32))
    };
    let items = offers.into_iter().enumerate().map(|(at, offer)| CompletionItem {
        // Editors sort by this; the order here has a meaning.
        sort_text: Some(format!("{at:04}")),
        filter_text: Some(offer.label.clone()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, offer.insert))),
        kind: Some(offer.kind),
        detail: Some(offer.detail).filter(|detail| !detail.is_empty()),
        documentation: offer.text.map(|value| {
            Documentation::MarkupContent(MarkupContent {
                kind: MarkupKind::Markdown,
                value,
            })
        }),
        label: offer.label,
        ..CompletionItem::default()
    });
    Some(CompletionResponse::List(CompletionList {
        is_incomplete: false,
        items: items.collect(),
    }))
}

/// Something to write.
struct Offer {
    label: String,
    insert: String,
    kind: CompletionItemKind,
    detail: String,
    text: Option<String>,
}

impl Offer {
    fn word(label: impl Into<String>, kind: CompletionItemKind) -> Offer {
        let label = label.into();
        Offer {
            insert: label.clone(),
            label,
            kind,
            detail: String::new(),
            text: None,
        }
    }
}

/// The offers, and what they replace.
fn offers(workspace: &Workspace, path: &Path, text: &str, offset: usize) -> Option<(Vec<Offer>, Range<usize>)> {
    if let Some(word) = typed::word(text, offset) {
        let choices = typed::choices(workspace, path, text, &word).into_iter();
        let offers = choices.map(|choice| Offer {
            kind: match choice.what {
                What::Function => CompletionItemKind::FUNCTION,
                What::Variable => CompletionItemKind::VARIABLE,
                What::Property => CompletionItemKind::PROPERTY,
                What::Step => CompletionItemKind::REFERENCE,
            },
            detail: choice.detail,
            text: choice.text,
            ..Offer::word(choice.name, CompletionItemKind::TEXT)
        });
        return Some((offers.collect(), word.range.start..offset));
    }
    if let Some(patched) = cursor::as_key(text, offset) {
        let keys = keys(&patched);
        if !keys.is_empty() {
            return Some((keys, patched.typed));
        }
    }
    let patched = cursor::as_value(text, offset)?;
    let values = values(workspace, path, &patched);
    Some((values, patched.typed))
}

/// The keys that may stand at the cursor.
fn keys(patched: &Patched) -> Vec<Offer> {
    let Some(root) = cursor::document(&patched.text, patched.at) else {
        return beginnings(patched);
    };
    let found = find(&root, patched.at);
    let (Some(own), Some(parent)) = (found.key, found.parent()) else {
        return Vec::new();
    };
    let way = &found.way[..found.way.len() - 1];
    if way.is_empty() && root.get("kind").is_none() {
        return beginnings(patched);
    }
    let there = |name: &str| parent.get(name).is_some() && *own.key != *name;
    let keys = Here::at(&root, way).keys().into_iter().filter(|key| !there(key.name));
    let offers = keys.map(|key| Offer {
        insert: match key.nests {
            _ if patched.complete => key.name.to_owned(),
            true => format!("{}:", key.name),
            false => format!("{}: ", key.name),
        },
        detail: if key.required {
            "required".to_owned()
        } else {
            String::new()
        },
        text: key.text.map(str::to_owned),
        ..Offer::word(key.name, CompletionItemKind::FIELD)
    });
    offers.collect()
}

/// What a document begins with.
fn beginnings(patched: &Patched) -> Vec<Offer> {
    if patched.complete || patched.text[..patched.at].ends_with([' ', '\t']) {
        return Vec::new();
    }
    let insert = "kind: ".to_owned();
    vec![Offer {
        insert,
        detail: "required".to_owned(),
        text: Some("What the document declares.".to_owned()),
        ..Offer::word("kind", CompletionItemKind::FIELD)
    }]
}

/// The words that may stand at the cursor.
fn values(workspace: &Workspace, path: &Path, patched: &Patched) -> Vec<Offer> {
    let Some(root) = cursor::document(&patched.text, patched.at) else {
        return Vec::new();
    };
    let found = find(&root, patched.at);
    // Only the beginning of a value can be completed.
    let begins = |node: &Node| node.as_scalar().is_some() && node.span.start as usize + 1 >= patched.at;
    if found.key.is_some() || !found.node().is_some_and(begins) {
        return Vec::new();
    }
    match place::named(&root, &found.way) {
        Some(Named::Definition { kind, declares: false }) => definitions(workspace, path, kind, &patched.text),
        Some(Named::Event) => place::events(&root)
            .into_iter()
            .map(|name| Offer::word(name, CompletionItemKind::EVENT))
            .collect(),
        Some(Named::Failure) => failures(),
        Some(Named::Definition { declares: true, .. } | Named::Schema) => Vec::new(),
        None => words(&root, &found.way),
    }
}

fn words(root: &Node, way: &[Link]) -> Vec<Offer> {
    let values = Here::at(root, way).values().into_iter();
    let offers = values.map(|(word, text)| Offer {
        text: text.map(str::to_owned),
        ..Offer::word(word, CompletionItemKind::ENUM_MEMBER)
    });
    let mut offers: Vec<Offer> = offers.collect();
    // Test files have a schema of their own, which comes with this word.
    if matches!(way, [Link::Key(key)] if &**key == "kind") && !offers.iter().any(|offer| offer.label == TEST) {
        offers.push(Offer::word(TEST, CompletionItemKind::ENUM_MEMBER));
    }
    offers
}

/// The kind of test files.
const TEST: &str = "WorkflowTest";

/// The definitions that can be named in a file, each once: its own as they are now, the others as they were loaded.
fn definitions(workspace: &Workspace, path: &Path, kind: Kind, text: &str) -> Vec<Offer> {
    let own = place::definitions(cursor::alone(), text).into_iter();
    let own = own.filter(|(its, _, _, declares)| *its == kind && *declares);
    let mut offers: Vec<Offer> = own
        .map(|(_, id, ..)| Offer::word(id, CompletionItemKind::REFERENCE))
        .collect();
    if let Some((loaded, file)) = workspace.find(path) {
        let declared = loaded.declared().iter();
        for one in declared.filter(|one| one.kind == kind && one.span.file != file) {
            let name = Path::new(loaded.sources.file(one.span.file).name());
            let shown = name.strip_prefix(workspace.root(path)).unwrap_or(name);
            let graph = loaded.workflow(&one.id, None).filter(|_| kind == Kind::Workflow);
            offers.push(Offer {
                detail: shown.display().to_string(),
                text: graph.and_then(|graph| graph.header.purpose.as_deref().map(str::to_owned)),
                ..Offer::word(&*one.id, CompletionItemKind::REFERENCE)
            });
        }
    }
    offers.sort_by(|a, b| a.label.cmp(&b.label));
    offers.dedup_by(|a, b| a.label == b.label);
    offers
}

/// The codes of errors, and their areas.
fn failures() -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for (code, text) in FAILURE_CODES {
        if let Some((area, _)) = code.split_once('.') {
            let all = format!("{area}.*");
            if !offers.iter().any(|offer| offer.label == all) {
                offers.push(Offer {
                    text: Some(format!("every code that begins with `{area}.`")),
                    ..Offer::word(all, CompletionItemKind::CONSTANT)
                });
            }
        }
        offers.push(Offer {
            text: Some((*text).to_owned()),
            ..Offer::word(*code, CompletionItemKind::CONSTANT)
        });
    }
    offers
}
