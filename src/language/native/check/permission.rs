//! `env`, `secrets` and `mcp`: what the file asks for, and where secrets may stand (rule 40).

use super::Checker;
use crate::diagnostic::{Code, Diagnostic, certain, closest};
use crate::expr::{Reference, Root, Segment};
use crate::graph::Name;
use crate::language::native::outline::{Field, Site};

impl Checker<'_> {
    /// Variables and secrets that `permissions` does not ask for, and secrets where none may stand.
    pub(super) fn permissions(&self, site: &Site, findings: &mut Vec<Diagnostic>) {
        for reference in site.references() {
            match reference.root {
                Root::Secrets if !matches!(site.field, Field::Call | Field::TriggerSecret) => {
                    findings.push(self.secret_not_allowed(site, reference));
                }
                Root::Secrets => self.asked(site, reference, "secrets", &self.outline.permissions.secrets, findings),
                Root::Env => self.asked(site, reference, "env", &self.outline.permissions.env, findings),
                _ => {}
            }
        }
    }

    /// MCP servers that `permissions` does not ask for.
    pub(super) fn servers(&self, findings: &mut Vec<Diagnostic>) {
        let asked = &self.outline.permissions.mcp;
        let Some(permissions) = self.outline.root.entry("permissions") else {
            return;
        };
        let unasked = self.outline.servers.iter().filter(|(name, _)| !asked.contains(name));
        for (name, span) in unasked {
            let message = format!("`permissions` does not ask for the MCP server `{name}`");
            let place = permissions
                .value
                .entry("mcp")
                .map_or(permissions.key_span, |names| names.key_span);
            let all: Vec<&str> = asked.iter().chain([name]).map(|name| &**name).collect();
            let finding = Diagnostic::error(Code::NotPermitted, *span, message);
            findings.push(
                finding
                    .label(place, "what the file asks for")
                    .help(format!("ask for it under `permissions`: `mcp: [{}]`", all.join(", "))),
            );
        }
    }

    fn secret_not_allowed(&self, site: &Site, reference: &Reference) -> Diagnostic {
        let span = self.place(site, &reference.range);
        let written = site.slice(&reference.range);
        Diagnostic::error(Code::SecretNotAllowed, span, format!("`{written}` may not stand here"))
            .here("would be stored with the run")
            .help(
                "secrets are allowed only where a call sends them: in `http` (url, query, headers, body), `exec`, \
                 `mcp`, agent connections and the `secret` of a webhook",
            )
    }

    /// A name behind `env` or `secrets`. A file without `permissions` is a sketch that asks for nothing yet.
    fn asked(&self, site: &Site, reference: &Reference, list: &str, asked: &[Name], findings: &mut Vec<Diagnostic>) {
        let (Some(permissions), Some(Segment::Key(name))) =
            (self.outline.root.entry("permissions"), reference.path.first())
        else {
            return;
        };
        if asked.iter().any(|asked| matches(asked, name)) {
            return;
        }
        let segment = reference
            .segments
            .first()
            .cloned()
            .unwrap_or_else(|| reference.range.clone());
        let span = self.place(site, &segment);
        let what = if list == "env" { "variable" } else { "secret" };
        let message = format!("`permissions` does not ask for the {what} `{name}`");
        let finding = Diagnostic::error(Code::NotPermitted, span, message);
        let place = permissions
            .value
            .entry(list)
            .map_or(permissions.key_span, |names| names.key_span);
        let names = asked.iter().map(|asked| &**asked).filter(|asked| !asked.ends_with('*'));
        findings.push(match closest(name, names.clone()) {
            Some(known) => {
                let finding = finding.label(place, "asks for these");
                let finding = finding.help(format!("did you mean `{known}`?"));
                // The fix replaces a plain name, not one in brackets.
                match certain(name, names).filter(|_| site.slice(&segment) == &**name) {
                    Some(known) => self.with_fix(finding, site, &segment, known),
                    None => finding,
                }
            }
            // To ask for more is for the author to decide, so there is no fix.
            None => {
                let all: Vec<&str> = asked.iter().map(|asked| &**asked).chain([&**name]).collect();
                finding.label(place, "what the file asks for").help(format!(
                    "ask for it under `permissions`: `{list}: [{}]`",
                    all.join(", ")
                ))
            }
        });
    }
}

/// Whether what is asked for covers a name; a `*` at its end stands for any ending.
fn matches(asked: &str, name: &str) -> bool {
    match asked.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => asked == name,
    }
}
