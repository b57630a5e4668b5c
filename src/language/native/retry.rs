//! `retry`, and the error codes it and `catch` name (rules 25 and 27).

use std::sync::Arc;

use super::reader::{Fields, Reader};
use crate::diagnostic::{Code, Diagnostic};
use crate::graph::{CodePattern, Millis, Retry};

impl Fields<'_> {
    /// How a failed attempt is repeated.
    pub fn retry(&mut self, reader: &mut Reader) -> Option<Retry> {
        let entry = self.entry("retry")?;
        let help = "write for example `retry: { attempts: 3, delay: 1s, backoff: 2 }`";
        let mut fields = Fields::of(reader, "retry", &entry.value, help)?.anchored(entry.key_span);
        let attempts = match fields.required("attempts", "3") {
            Some(_) => fields.whole(reader, "attempts", 1),
            None => None,
        };
        let retry = Retry {
            attempts: attempts.unwrap_or(1),
            delay: fields.duration(reader, "delay").unwrap_or(Millis(0)),
            backoff: fields.number(reader, "backoff", 1.0..=f64::INFINITY).unwrap_or(1.0),
            max_delay: fields.duration(reader, "maxDelay"),
            jitter: fields.number(reader, "jitter", 0.0..=1.0).unwrap_or(0.0),
            on: fields.codes(reader),
        };
        fields.close(reader);
        Some(retry)
    }

    /// `on`: the error codes that are meant.
    pub fn codes(&mut self, reader: &mut Reader) -> Option<Vec<CodePattern>> {
        let nodes = self.list(reader, "on", "[timeout, http.*]")?;
        let mut codes = Vec::new();
        for node in nodes {
            let Some(code) = reader.literal_text("on", node) else {
                continue;
            };
            let stem = code.strip_suffix('*').unwrap_or(&code);
            if stem.contains(['*', ' ']) || code.is_empty() {
                let message = format!("`{code}` is not an error code");
                let help = "a code is written in full, as `http.status`, or by its area, as `http.*`";
                reader.report(Diagnostic::error(Code::InvalidValue, node.span, message).help(help));
                continue;
            }
            codes.push(CodePattern(Arc::clone(&code)));
        }
        Some(codes)
    }
}
