//! The text of an answer for those who watch it come, without values of secrets.

use crate::provider::Deltas;
use crate::secret::Secrets;

/// Tells text. What may be the beginning of a secret is held back until it is known to be none, because a secret may be
/// cut in two by the pieces in which an answer comes.
#[derive(Debug)]
pub(super) struct Told<'t> {
    deltas: &'t Deltas,
    secrets: &'t Secrets,
    held: String,
}

impl<'t> Told<'t> {
    pub fn new(deltas: &'t Deltas, secrets: &'t Secrets) -> Told<'t> {
        Told {
            deltas,
            secrets,
            held: String::new(),
        }
    }

    /// More text has come.
    pub fn more(&mut self, text: &str) {
        self.held.push_str(text);
        let mut clean = self.secrets.redact_text(&self.held);
        self.held = clean.split_off(clean.len() - self.secrets.held_back(&clean));
        self.deltas.text(&clean);
    }

    /// No more text comes.
    pub fn end(self) {
        self.deltas.text(&self.held);
    }
}
