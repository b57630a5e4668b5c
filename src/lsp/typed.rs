//! Inside expressions: what the word at the cursor belongs to, and the types of what it hangs on.
//!
//! Nothing needs to compile for it. The path before the cursor is read backwards, and to know names and types there, the
//! value that holds the cursor is replaced by an expression that is certainly right.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::cursor::{self, find};
use super::workspace::Workspace;
use crate::contract::Type;
use crate::expr::jinja::manual;
use crate::expr::{Root, Segment, StepPart};
use crate::language::native::check::{Answers, ask};
use crate::language::native::outline::Site;
use crate::load;
use crate::source::Span;
use crate::yaml::Style;

/// What a word in an expression is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spot {
    /// It stands behind `|`.
    Filter,
    /// It stands behind `is`.
    Test,
    /// It begins something.
    Name,
    /// It is a link behind this path, whose first link is its root; in brackets and quotes or not.
    Link { path: Vec<Segment>, quoted: bool },
}

/// A word in an expression.
#[derive(Debug)]
pub(super) struct Word {
    pub spot: Spot,
    pub range: Range<usize>,
    /// The scalar that the expression stands in.
    scalar: Span,
}

/// One thing that may stand at a word's place.
#[derive(Debug)]
pub(super) struct Choice {
    pub name: String,
    pub what: What,
    /// In one line.
    pub detail: String,
    /// In Markdown.
    pub text: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Function,
    Variable,
    Property,
    Step,
}

/// The word of an expression at an offset; none where there is no expression.
pub(super) fn word(text: &str, offset: usize) -> Option<Word> {
    // The blanks behind a plain value are no part of it, but the cursor behind them is still in the expression.
    let written = text[..offset].trim_end_matches(' ').len();
    let root = cursor::document(text, written)?;
    let scalar = |at: usize| {
        let found = find(&root, at);
        let node = found.node().filter(|_| found.key.is_none())?;
        let scalar = node.as_scalar().filter(|scalar| scalar.data.as_str().is_some())?;
        (at == offset || scalar.style == Style::Plain).then_some(node)
    };
    let node = scalar(offset).or_else(|| scalar(written))?;
    let source = text.get(node.span.start as usize..offset)?;
    let inner = source.trim_start_matches(['"', '\'']);
    let code = match inner.strip_prefix('=') {
        Some(code) => code,
        None => {
            let open = source.rfind("{{").max(source.rfind("{%"))?;
            let code = &source[open + 2..];
            (!code.contains("}}") && !code.contains("%}")).then_some(code)?
        }
    };
    let (spot, length) = spot(code)?;
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_' || (length.1 && letter == '-');
    let behind = &text[offset..];
    let end = offset + (behind.len() - behind.trim_start_matches(is_part).len());
    Some(Word {
        spot,
        range: offset - length.0..end,
        scalar: node.span,
    })
}

/// What is written at the end of a piece of code: what it is, its length, and whether it may have dashes.
fn spot(code: &str) -> Option<(Spot, (usize, bool))> {
    if let Some(quote) = open_quote(code) {
        let (before, word) = (&code[..quote], &code[quote + 1..]);
        let path = path(before.trim_end_matches(['\'', '"']).trim_end().strip_suffix('[')?)?;
        return Some((Spot::Link { path, quoted: true }, (word.len(), true)));
    }
    let before = code.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
    let length = (code.len() - before.len(), false);
    if let Some(receiver) = before.strip_suffix('.') {
        let path = path(receiver)?;
        return Some((Spot::Link { path, quoted: false }, length));
    }
    let before = before.trim_end();
    let words: Vec<&str> = before.split_whitespace().rev().take(2).collect();
    let is_value = before.ends_with(|letter: char| letter.is_alphanumeric() || "_)]'\"".contains(letter));
    let spot = match &words[..] {
        _ if before.ends_with('|') => Spot::Filter,
        ["is", ..] | ["not", "is"] => Spot::Test,
        ["and" | "or" | "not" | "in" | "if" | "elif" | "else", ..] => Spot::Name,
        // Behind a value an operator comes.
        _ if is_value => return None,
        _ => Spot::Name,
    };
    Some((spot, length))
}

/// The quote of a text that is not closed.
fn open_quote(code: &str) -> Option<usize> {
    let mut open: Option<(usize, char)> = None;
    for (at, letter) in code.char_indices() {
        match open {
            Some((_, quote)) if letter == quote => open = None,
            None if letter == '\'' || letter == '"' => open = Some((at, letter)),
            _ => {}
        }
    }
    open.map(|(at, _)| at)
}

/// The path at the end of a piece of code, from its root on.
fn path(code: &str) -> Option<Vec<Segment>> {
    let mut links = Vec::new();
    let mut rest = code;
    loop {
        if let Some(before) = rest.strip_suffix(']') {
            let open = before.rfind('[')?;
            let inner = before[open + 1..].trim();
            let name = inner.trim_matches(['\'', '"', '\\']);
            links.push(match inner.parse() {
                Ok(index) => Segment::Index(index),
                Err(_) if name.len() < inner.len() => Segment::Key(name.into()),
                Err(_) => Segment::Dynamic,
            });
            rest = &before[..open];
            continue;
        }
        let before = rest.trim_end_matches(|letter: char| letter.is_alphanumeric() || letter == '_');
        let name = &rest[before.len()..];
        if !name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_') {
            return None;
        }
        links.push(Segment::Key(name.into()));
        match before.strip_suffix('.') {
            Some(before) => rest = before,
            None => break,
        }
    }
    links.reverse();
    Some(links)
}

/// All that may stand at the place of a word.
pub(super) fn choices(workspace: &Workspace, path: &Path, text: &str, word: &Word) -> Vec<Choice> {
    match &word.spot {
        Spot::Filter => functions(manual::filters()).collect(),
        Spot::Test => functions(manual::tests()).collect(),
        Spot::Name => {
            let names = at_site(workspace, path, text, word, names);
            let mut all = names.unwrap_or_default();
            all.extend(functions(manual::functions()));
            all
        }
        Spot::Link { path: links, quoted } => at_site(workspace, path, text, word, |answers, site| {
            behind(answers, site, links, *quoted)
        })
        .unwrap_or_default(),
    }
}

fn functions(table: impl Iterator<Item = (&'static str, &'static str)>) -> impl Iterator<Item = Choice> {
    table.map(|(name, text)| Choice {
        name: name.to_owned(),
        what: What::Function,
        detail: String::new(),
        text: Some(text.to_owned()),
    })
}

fn names(answers: &Answers<'_>, site: &Site) -> Vec<Choice> {
    let names = answers.names(site).into_iter();
    let choices = names.map(|(name, ty)| Choice {
        what: What::Variable,
        text: meaning(&name).map(str::to_owned).or_else(|| ty.description()),
        detail: if name == "steps" { String::new() } else { ty.to_string() },
        name,
    });
    choices.collect()
}

/// What may stand behind a path.
fn behind(answers: &Answers<'_>, site: &Site, path: &[Segment], quoted: bool) -> Vec<Choice> {
    let key = |at: usize| match path.get(at) {
        Some(Segment::Key(name)) => Some(&**name),
        _ => None,
    };
    let Some(first) = key(0) else { return Vec::new() };
    match (first, path.len()) {
        ("steps", 1) => steps(answers, site, quoted),
        ("steps", 2) => StepPart::NAMES
            .iter()
            .map(|name| part(answers, site, key(1), name))
            .collect(),
        ("steps", _) => match (key(1), key(2).and_then(StepPart::parse)) {
            (Some(id), Some(part)) => {
                let root = Root::Step { id: id.into(), part };
                properties(&answers.path(site, &root, &path[3..]), quoted)
            }
            _ => Vec::new(),
        },
        ("env", 1) => permitted(answers.permissions().env.iter(), "a permitted environment variable"),
        ("secrets", 1) => permitted(answers.permissions().secrets.iter(), "a permitted secret"),
        _ => properties(&answers.path(site, &Root::from_name(first), &path[1..]), quoted),
    }
}

fn steps(answers: &Answers<'_>, site: &Site, quoted: bool) -> Vec<Choice> {
    let steps = answers.steps(site).into_iter();
    let choices = steps.map(|step| Choice {
        name: if quoted {
            step.id.to_string()
        } else {
            step.id.replace('-', "_")
        },
        what: What::Step,
        detail: step.kind.to_owned(),
        text: Some(format!("Its output: {}", answers.output(&step.id))),
    });
    choices.collect()
}

fn part(answers: &Answers<'_>, site: &Site, id: Option<&str>, name: &str) -> Choice {
    let root = id
        .zip(StepPart::parse(name))
        .map(|(id, part)| Root::Step { id: id.into(), part });
    let ty = root.map_or_else(Type::any, |root| answers.path(site, &root, &[]));
    let text = match name {
        "output" => "What left the step.",
        "input" => "What the step received.",
        "status" => "How the step ended, such as `completed` or `skipped`.",
        _ => "The error that the step ended with.",
    };
    Choice {
        name: name.to_owned(),
        what: What::Property,
        detail: ty.to_string(),
        text: Some(text.to_owned()),
    }
}

fn properties(ty: &Type, quoted: bool) -> Vec<Choice> {
    let is_word = |name: &str| {
        name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let known = ty.properties().into_iter();
    let fitting = known.filter(|(name, _)| quoted || is_word(name));
    let choices = fitting.map(|(name, ty)| Choice {
        name,
        what: What::Property,
        detail: ty.to_string(),
        text: ty.description(),
    });
    choices.collect()
}

fn permitted<'n>(names: impl Iterator<Item = &'n Arc<str>>, detail: &str) -> Vec<Choice> {
    let choices = names.map(|name| Choice {
        name: name.to_string(),
        what: What::Property,
        detail: detail.to_owned(),
        text: None,
    });
    choices.collect()
}

/// Asks about the place of a word; none where no expression can be.
fn at_site<R>(
    workspace: &Workspace,
    path: &Path,
    text: &str,
    word: &Word,
    with: impl Fn(&Answers<'_>, &Site) -> R,
) -> Option<R> {
    let (start, end) = (word.scalar.start as usize, word.scalar.end as usize);
    // A block scalar has the end of its last line in it.
    let line_end = if text[start..end].ends_with('\n') { "\n" } else { "" };
    let whole = [&text[..start], "=null", line_end, &text[end..]].concat();
    let cut = cursor::until(&whole, start).to_owned();
    let loaded = workspace.find(path).map(|(loaded, _)| loaded);
    let find = |id: &str, version: Option<&str>| loaded?.callee(id, version);
    let root = workspace.root(path);
    [whole, cut].into_iter().find_map(|text| {
        let outlines = load::outlines(path, root, &text.into());
        outlines.iter().find_map(|outline| {
            ask(outline, &find, |answers| {
                let site = answers.site(word.scalar.start)?;
                Some(with(answers, site))
            })
        })
    })
}

/// What a name that every workflow has means.
fn meaning(name: &str) -> Option<&'static str> {
    Some(match name {
        "input" => "What the caller sent.",
        "data" => "What the step received: the output of the step before, at first the input.",
        "state" => "What the workflow remembers; steps change it with `setState`.",
        "context" => "What the caller gave besides the input.",
        "execution" => "Facts about the run.",
        "env" => "The permitted environment variables.",
        "secrets" => "References to the permitted secrets.",
        "steps" => "The steps that have run, by id.",
        "index" => "The position in the loop, from 0.",
        "resume" => "The payload of the resume.",
        "error" => "The error that is being handled.",
        "result" => "The raw result of the step's unit.",
        "response" => "The HTTP response: `status` and `headers`.",
        "winner" => "The branch that won the race.",
        "attempt" => "The number of the attempt, from 1.",
        "event" => "The event that is looked at.",
        "arguments" => "The arguments of the tool call.",
        "trigger" => "What started the run.",
        "output" => "The step's output.",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: &str) -> String {
        let Some((spot, (length, _))) = spot(code) else {
            return "-".to_owned();
        };
        let word = &code[code.len() - length..];
        match spot {
            Spot::Link { path, quoted } => {
                let links: Vec<String> = path
                    .iter()
                    .map(|link| match link {
                        Segment::Key(key) => key.to_string(),
                        Segment::Index(at) => at.to_string(),
                        Segment::Dynamic => "?".to_owned(),
                    })
                    .collect();
                format!("{}{}{word}", links.join("/"), if quoted { "['" } else { "." })
            }
            spot => format!("{spot:?} {word}"),
        }
    }

    #[test]
    fn a_word_is_told_by_what_stands_before_it() {
        assert_eq!(told(""), "Name ");
        assert_eq!(told("not inp"), "Name inp");
        assert_eq!(told("input."), "input.");
        assert_eq!(told("a + input.order.to"), "input/order.to");
        assert_eq!(told("steps['a-b'].output[0].items[i]."), "steps/a-b/output/0/items/?.");
        assert_eq!(told("steps['a-"), "steps['a-");
        assert_eq!(told("x | "), "Filter ");
        assert_eq!(told("x|up"), "Filter up");
        assert_eq!(told("x "), "-");
        assert_eq!(told("x and "), "Name ");
        assert_eq!(told("x + "), "Name ");
        assert_eq!(told("x is de"), "Test de");
        assert_eq!(told("x is not "), "Test ");
        assert_eq!(told("'input."), "-");
        assert_eq!(told("'a' ~ input."), "input.");
        assert_eq!(told("f(x)."), "-");
        assert_eq!(told("1."), "-");
    }
}
