//! Ids that Dify has and nobody here: made of what they stand for, so that they are always the same.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::graph::Name;
use crate::run::Ticket;

/// An id of the usual shape for something that is told by these words.
pub(super) fn id(words: &[&str]) -> String {
    let mut digest = Sha256::new();
    for word in words {
        digest.update((word.len() as u64).to_le_bytes());
        digest.update(word);
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// The id of a version of a workflow, by the hash of its program.
pub(super) fn version(program: &str) -> String {
    id(&["version", program])
}

/// The id of somebody for whom runs are begun. It tells who that is, so that nothing has to be kept.
pub(super) fn end_user(user: &str) -> String {
    format!("user-{}", URL_SAFE_NO_PAD.encode(user))
}

/// Whose id that is.
pub(super) fn user(end_user: &str) -> Option<Name> {
    let bytes = URL_SAFE_NO_PAD.decode(end_user.strip_prefix("user-")?).ok()?;
    String::from_utf8(bytes).ok().map(Name::from)
}

/// What a form is known by: the wait of a run.
pub(super) fn form_token(run: &str, ticket: Ticket) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{run}", ticket.0))
}

/// Which wait of which run that is.
pub(super) fn form(token: &str) -> Option<(Name, Ticket)> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (ticket, run) = text.split_once(':')?;
    Some((run.into(), Ticket(ticket.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_lead_back_to_what_they_stand_for() {
        for name in ["ada", "", "äöü / ..", &"x".repeat(300)] {
            assert_eq!(user(&end_user(name)).as_deref(), Some(name));
        }
        assert_eq!(form(&form_token("a:b", Ticket(7))), Some(("a:b".into(), Ticket(7))));
        for wrong in ["", "user-", "***", "user-***", "YQ"] {
            assert_eq!(form(wrong), None, "{wrong}");
        }
        assert_eq!(user("user-****"), None);
        assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
        assert_ne!(id(&["a", "b"]), id(&["ab", ""]));
        assert!(uuid::Uuid::try_parse(&version("x")).is_ok());
    }
}
