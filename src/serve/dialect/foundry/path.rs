//! What a path asks for: its end says so, whatever stands before.

/// What a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve::dialect) struct Place {
    /// The agent that the path names, where it does.
    pub agent: Option<String>,
    pub what: What,
}

/// The things there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::serve::dialect) enum What {
    Conversations,
    Conversation(String),
    Items(String),
    Item(String, String),
    Responses,
    Response(String),
    Cancel(String),
    Agents,
    Agent(String),
    Versions(String),
    Version(String, String),
    Token,
}

impl Place {
    /// The place at a path; none where it ends like none of them.
    pub fn of(path: &str) -> Option<Place> {
        let parts: Option<Vec<String>> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
        let parts = parts?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let agent = parts.windows(5).find_map(|parts| match parts {
            ["agents", name, "endpoint", "protocols", "openai"] => Some((*name).to_owned()),
            _ => None,
        });
        let what = what(&parts)?;
        Some(Place { agent, what })
    }
}

fn what(parts: &[&str]) -> Option<What> {
    let text = |text: &&str| (*text).to_owned();
    Some(match parts {
        [.., "agents", name, "versions"] => What::Versions(text(name)),
        [.., "agents", name, "versions", version] => What::Version(text(name), text(version)),
        [.., "agents", name] => What::Agent(text(name)),
        [.., "agents"] => What::Agents,
        [.., "conversations", id, "items"] => What::Items(text(id)),
        [.., "conversations", id, "items", item] => What::Item(text(id), text(item)),
        [.., "conversations", id] => What::Conversation(text(id)),
        [.., "conversations"] => What::Conversations,
        [.., "responses", id, "cancel"] => What::Cancel(text(id)),
        [.., "responses", id] => What::Response(text(id)),
        [.., "responses"] => What::Responses,
        [.., "msi", "token"] => What::Token,
        _ => return None,
    })
}

/// A part of a path without its percent signs; none where they are no text.
pub(super) fn decoded(part: &str) -> Option<String> {
    if !part.contains('%') {
        return Some(part.to_owned());
    }
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        let byte = match byte {
            b'%' => {
                let digit = |byte: u8| (byte as char).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_path_says_what_is_asked_for() {
        let place = |path: &str| Place::of(path).map(|place| (place.agent, place.what));
        let plain = |what: What| Some((None, what));
        assert_eq!(place("/responses"), plain(What::Responses));
        assert_eq!(place("/api/projects/p/openai/v1/responses"), plain(What::Responses));
        assert_eq!(
            place("/foundry/openai/conversations/c"),
            plain(What::Conversation("c".to_owned()))
        );
        assert_eq!(place("/x/conversations/c/items/"), plain(What::Items("c".to_owned())));
        assert_eq!(
            place("/agents/triage%20two/endpoint/protocols/openai/responses/r"),
            Some((Some("triage two".to_owned()), What::Response("r".to_owned())))
        );
        assert_eq!(place("/agents/responses"), plain(What::Agent("responses".to_owned())));
        assert_eq!(place("/msi/token"), plain(What::Token));
        for other in [
            "/",
            "/workflows",
            "/openai",
            "/a/token",
            "/responses/%ff",
            "/responses/%4",
        ] {
            assert_eq!(place(other), None, "{other}");
        }
    }
}
