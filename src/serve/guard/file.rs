//! The file that says who may ask, with a finding for everything that is not as it should be.

use std::path::Path;

use super::Auth;
use super::jwt::{self, Jwt, Scopes};
use super::keys::{Set, Source};
use super::token::{self, Token, Tokens};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::Name;
use crate::serve::caller::{Caller, Scope};
use crate::source::{FileId, Span};
use crate::yaml::fields::{Fields, Reader, listed};
use crate::yaml::{self, Node};

const FILE: &[&str] = &["tokens", "jwt"];
const TOKEN: &[&str] = &["name", "hash", "env", "scope", "user"];
const JWT: &[&str] = &["jwks", "issuer", "audience", "user", "scopes"];
const SCOPES: &[&str] = &["claim", "read", "run", "admin"];

/// What a token in a variable has at least, in characters; a digest does not tell how long its token is.
const SHORTEST: usize = 32;
const TOKEN_EXAMPLE: &str = "[{ name: ci, hash: \"sha256:...\", scope: run }]";

/// What a file is read with besides its text.
struct Around<'a> {
    /// Where the paths in it begin.
    folder: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

/// Reads who may ask.
pub(super) fn read(
    file: FileId,
    text: &str,
    folder: &Path,
    environment: &dyn Fn(&str) -> Option<String>,
) -> (Option<Auth>, Vec<Diagnostic>) {
    let (documents, diagnostics) = yaml::parse(file, text, &yaml::Limits::default());
    let mut reader = Reader {
        source: text,
        diagnostics,
    };
    let around = Around { folder, environment };
    let auth = match &*documents {
        [] => {
            let place = Span::new(file, 0, 0);
            let missing = Diagnostic::error(Code::MissingKey, place, "the file is empty, so nobody could ask");
            reader.report(missing.help(format!("write for example `tokens: {TOKEN_EXAMPLE}`")));
            None
        }
        [document] => auth(&mut reader, &document.root, &around),
        [_, second, ..] => {
            let message = "a file that says who may ask has one document";
            reader.report(Diagnostic::error(Code::InvalidValue, second.root.span, message));
            None
        }
    };
    let sound = !reader.diagnostics.iter().any(Diagnostic::is_error);
    (auth.filter(|_| sound), reader.diagnostics)
}

fn auth(reader: &mut Reader<'_>, root: &Node, around: &Around<'_>) -> Option<Auth> {
    let fields = reader.fields(root, "file", "the file that says who may ask", FILE)?;
    let before = reader.diagnostics.len();
    let tokens = fields
        .get("tokens")
        .map(|node| tokens(reader, node, around))
        .unwrap_or_default();
    let jwt = fields.get("jwt").and_then(|node| jwt(reader, node, around));
    if tokens.0.is_empty() && jwt.is_none() && reader.diagnostics.len() == before {
        let message = "there are neither tokens nor somebody who issues them, so nobody could ask";
        let diagnostic = Diagnostic::error(Code::MissingKey, root.span, message);
        reader.report(diagnostic.help(format!("write for example `tokens: {TOKEN_EXAMPLE}`")));
    }
    Some(Auth::new(tokens, jwt))
}

fn tokens(reader: &mut Reader<'_>, node: &Node, around: &Around<'_>) -> Tokens {
    let Some(items) = node.as_list() else {
        reader.wrong_type(
            "tokens",
            node,
            "a list",
            format!("write for example `tokens: {TOKEN_EXAMPLE}`"),
        );
        return Tokens::default();
    };
    let mut read: Vec<(Token, [Span; 2])> = Vec::new();
    for item in items {
        let Some((token, places)) = token(reader, item, around) else {
            continue;
        };
        let name = read.iter().find(|(other, _)| other.name == token.name);
        let same = read.iter().find(|(other, _)| other.digest == token.digest);
        let twice = match (name, same) {
            (Some((other, first)), _) => Some((format!("`{}` is the name of two tokens", other.name), 0, first)),
            (None, Some((other, first))) => Some((format!("this is the same token as `{}`", other.name), 1, first)),
            (None, None) => None,
        };
        if let Some((message, which, first)) = twice {
            let diagnostic = Diagnostic::error(Code::DuplicateId, places[which], message);
            reader.report(diagnostic.label(first[which], "the first of them"));
        }
        read.push((token, places));
    }
    Tokens(read.into_iter().map(|(token, _)| token).collect())
}

/// A token, and the places of its name and of what it is known by.
fn token(reader: &mut Reader<'_>, node: &Node, around: &Around<'_>) -> Option<(Token, [Span; 2])> {
    let fields = reader.fields(node, "tokens", "a token", TOKEN)?;
    let name = fields.required(reader, "name", "ci");
    let name = name.and_then(|node| Some((reader.text("name", node)?, node.span)));
    let scope = fields
        .required(reader, "scope", "run")
        .and_then(|node| scope(reader, node));
    let user = fields.get("user").map(|node| user(reader, node));
    let digest = match (fields.get("hash"), fields.get("env")) {
        (Some(_), Some(variable)) => {
            let message = "a token is known by `hash` or by `env`, not by both";
            reader.report(Diagnostic::error(Code::ConflictingKeys, variable.span, message));
            None
        }
        (Some(node), None) => hash(reader, node).map(|digest| (digest, node.span)),
        (None, Some(node)) => variable(reader, node, around).map(|digest| (digest, node.span)),
        (None, None) => {
            fields.required(reader, "hash", "\"sha256:...\"");
            None
        }
    };
    let ((name, named_at), (digest, known_at)) = (name?, digest?);
    let caller = Caller {
        scope: scope?,
        // A user that cannot be read must not become none, who sees all.
        user: user.map_or(Some(None), |user| user.map(Some))?,
    };
    Some((Token { name, digest, caller }, [named_at, known_at]))
}

fn scope(reader: &mut Reader<'_>, node: &Node) -> Option<Scope> {
    let text = reader.text("scope", node)?;
    let found = Scope::ALL.into_iter().find(|scope| scope.as_str() == &*text);
    if found.is_none() {
        let words = Scope::ALL.map(Scope::as_str);
        let mut diagnostic = Diagnostic::error(Code::InvalidValue, node.span, format!("`{text}` is no scope"))
            .suggest(&text, words.iter().copied());
        if diagnostic.help.is_empty() {
            diagnostic = diagnostic.help(format!("the scopes are {}", listed(&words)));
        }
        reader.report(diagnostic);
    }
    found
}

fn user(reader: &mut Reader<'_>, node: &Node) -> Option<Name> {
    let text = reader.text("user", node)?;
    if text.is_empty() {
        let message = "the user has no name; without the key, the token sees the executions of everybody";
        reader.report(Diagnostic::error(Code::InvalidValue, node.span, message));
        return None;
    }
    Some(text)
}

fn hash(reader: &mut Reader<'_>, node: &Node) -> Option<token::Digest> {
    let text = reader.text("hash", node)?;
    let digest = token::read(&text);
    if digest.is_none() {
        // What stands there may be a token, so it is not repeated.
        let message = "this is no digest of a token: `sha256:` and 64 hexadecimal digits";
        let diagnostic = Diagnostic::error(Code::InvalidValue, node.span, message);
        reader.report(diagnostic.help("`interpret token` makes a token, and tells its digest"));
    }
    digest
}

fn variable(reader: &mut Reader<'_>, node: &Node, around: &Around<'_>) -> Option<token::Digest> {
    let name = reader.text("env", node)?;
    let value = (around.environment)(&name);
    let wrong = match &value {
        None => Some(format!("the environment variable `{name}` is not set")),
        Some(value) if value.chars().count() < SHORTEST => Some(format!(
            "the token in `{name}` could be guessed: it has fewer than {SHORTEST} characters"
        )),
        Some(value) if !value.bytes().all(|byte| byte.is_ascii_graphic()) => Some(format!(
            "the token in `{name}` has characters that no header holds, such as blanks"
        )),
        Some(_) => None,
    };
    if let Some(message) = wrong {
        let diagnostic = Diagnostic::error(Code::InvalidValue, node.span, message);
        reader.report(diagnostic.help("`interpret token` makes a token"));
        return None;
    }
    value.map(|value| token::digest(&value))
}

fn jwt(reader: &mut Reader<'_>, node: &Node, around: &Around<'_>) -> Option<Jwt> {
    let fields = reader.fields(node, "jwt", "`jwt`", JWT)?;
    let required = |reader: &mut Reader<'_>, key: &'static str, example: &str| {
        let node = fields.required(reader, key, example)?;
        let text = filled(reader, key, node)?;
        Some((text, node.span))
    };
    let jwks = required(reader, "jwks", "https://login.example.com/.well-known/jwks.json");
    let issuer = required(reader, "issuer", "https://login.example.com/");
    let audience = fields.required(reader, "audience", "workflows").map(|node| {
        let items = reader.one_or_more(node);
        let texts: Option<Vec<Name>> = items.iter().map(|node| filled(reader, "audience", node)).collect();
        if items.is_empty() {
            let message = "`audience` is empty, so no token would be for this server";
            reader.report(Diagnostic::error(Code::InvalidValue, node.span, message));
        }
        texts.filter(|texts| !texts.is_empty())
    });
    let user = or(reader, &fields, "user", "sub");
    let scopes = match fields.get("scopes") {
        Some(node) => scopes(reader, node),
        None => Some(Scopes {
            claim: "scope".to_owned(),
            words: Scope::ALL.map(|scope| scope.as_str().to_owned()),
        }),
    };
    let (audience, (issuer, _), (jwks, place)) = (audience??, issuer?, jwks?);
    let audience: Vec<&str> = audience.iter().map(|audience| &**audience).collect();
    let rules = jwt::rules(&issuer, &audience);
    let source = match jwks.contains("://") {
        true => Source::web(&jwks),
        // What cannot be read now would be found only when somebody asks.
        false => {
            let path = around.folder.join(&*jwks);
            let read = std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()));
            read.and_then(|json| Set::read(&json, &rules))
                .map(|_| Source::File(path))
        }
    };
    match source {
        Ok(source) => Some(Jwt::new(source, rules, user?, scopes?)),
        Err(message) => {
            reader.report(Diagnostic::error(Code::InvalidValue, place, message));
            None
        }
    }
}

fn scopes(reader: &mut Reader<'_>, node: &Node) -> Option<Scopes> {
    let fields = reader.fields(node, "scopes", "`scopes`", SCOPES)?;
    let claim = or(reader, &fields, "claim", "scope");
    let read = or(reader, &fields, "read", "read");
    let run = or(reader, &fields, "run", "run");
    let admin = or(reader, &fields, "admin", "admin");
    Some(Scopes {
        claim: claim?,
        words: [read?, run?, admin?],
    })
}

/// The text of a key, or what it is without the key; nothing if it is no text.
fn or(reader: &mut Reader<'_>, fields: &Fields<'_>, key: &'static str, default: &str) -> Option<String> {
    match fields.get(key) {
        Some(node) => filled(reader, key, node).map(|text| text.to_string()),
        None => Some(default.to_owned()),
    }
}

fn filled(reader: &mut Reader<'_>, key: &str, node: &Node) -> Option<Name> {
    let text = reader.text(key, node)?;
    if text.is_empty() {
        reader.report(Diagnostic::error(
            Code::InvalidValue,
            node.span,
            format!("`{key}` is empty"),
        ));
        return None;
    }
    Some(text)
}
