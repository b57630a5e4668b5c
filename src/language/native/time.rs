//! Durations, deadlines and instants (rules 9 and 26).

use super::fields::Fields;
use super::outline::{Expects, Field};
use super::reader::{At, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::expr::Build;
use crate::graph::{Millis, Timing, parse_duration, parse_instant};
use crate::yaml::Node;

impl Fields<'_> {
    /// A literal duration.
    pub fn duration(&mut self, reader: &mut Reader, key: &'static str) -> Option<Millis> {
        let node = &self.entry(key)?.value;
        if !reader.is_literal(key, node) {
            return None;
        }
        duration(reader, key, node)
    }

    /// A duration, or an RFC 3339 instant where `deadline` allows one; both may be computed.
    pub fn timing(&mut self, reader: &mut Reader, key: &'static str, field: Field, deadline: bool) -> Option<Timing> {
        let node = &self.entry(key)?.value;
        let at = At {
            step: self.step(),
            field,
        };
        match reader.value(key, node, at, Expects::Timing)? {
            Build::Literal(_) => {}
            computed @ (Build::Expression(_) | Build::Text(_)) => return Some(Timing::Computed(computed)),
            Build::List(_) | Build::Map(_) | Build::Computed(_) => {
                reader.wrong_type(key, node, "a duration", format!("write for example `{key}: 30s`"));
                return None;
            }
        }
        let instant = node.as_str().and_then(parse_instant);
        match instant {
            Some(instant) if deadline => Some(Timing::At(instant)),
            Some(_) => {
                let message = format!("`{key}` needs a duration, but this is an instant");
                let help = format!("write for example `{key}: 30s`; to wait until an instant, use `andSleepUntil`");
                reader.report(Diagnostic::error(Code::InvalidDuration, node.span, message).help(help));
                None
            }
            None => duration(reader, key, node).map(Timing::For),
        }
    }

    /// An RFC 3339 instant, possibly computed.
    pub fn instant(&mut self, reader: &mut Reader, key: &'static str) -> Option<Build> {
        let node = &self.required(key, "2030-01-01T09:00:00Z")?.value;
        let at = At {
            step: self.step(),
            field: Field::Own,
        };
        let build = reader.value(key, node, at, Expects::Anything)?;
        let literal = !matches!(build, Build::Expression(_) | Build::Text(_));
        if literal && node.as_str().and_then(parse_instant).is_none() {
            let message = format!("`{key}` needs an instant (RFC 3339)");
            let help = format!("write for example `{key}: 2030-01-01T09:00:00Z` or `{key}: =input.due`");
            reader.report(Diagnostic::error(Code::InvalidDuration, node.span, message).help(help));
            return None;
        }
        Some(build)
    }
}

fn duration(reader: &mut Reader, key: &str, node: &Node) -> Option<Millis> {
    let number = node.as_scalar().filter(|scalar| scalar.data.as_f64().is_some());
    let text = number.map(|scalar| &*scalar.text).or(node.as_str());
    let Some(text) = text else {
        reader.wrong_type(key, node, "a duration", format!("write for example `{key}: 30s`"));
        return None;
    };
    match parse_duration(text) {
        Ok(duration) => Some(duration),
        Err(error) => {
            let diagnostic = Diagnostic::error(Code::InvalidDuration, node.span, format!("`{key}`: {error}"));
            reader.report(match number {
                Some(_) => diagnostic.help("a duration is a number with its unit: `ms`, `s`, `m`, `h` or `d`"),
                None => diagnostic.help(format!("write for example `{key}: 30s`")),
            });
            None
        }
    }
}
