//! Server-sent events, as the HTML standard has them, from bytes that are cut anywhere.

/// How long one event may be, all its lines together.
const LONGEST: usize = 8 << 20;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its type; empty if it has none.
    pub name: String,
    /// Its data, lines joined.
    pub data: String,
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// An event takes more memory than it may.
    #[error("an event of it is longer than {} MiB", LONGEST >> 20)]
    TooLong,
    /// It is no text.
    #[error("it is not UTF-8")]
    NotUtf8,
}

/// Reads a stream piece by piece.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// The line that is not over yet.
    line: Vec<u8>,
    /// The last byte was a carriage return, which a line feed may belong to.
    returned: bool,
    /// A first line may begin with a byte order mark.
    begun: bool,
    event: Event,
    /// Whether the event has data, which may be an empty line.
    filled: bool,
}

impl Decoder {
    /// The events that end within a piece.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, Unreadable> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some(&first) = rest.first() {
            if std::mem::take(&mut self.returned) && first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let (part, behind) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line.len() + self.event.data.len() + part.len() > LONGEST {
                return Err(Unreadable::TooLong);
            }
            self.line.extend_from_slice(part);
            let Some((separator, behind)) = behind.split_first() else {
                break;
            };
            self.returned = *separator == b'\r';
            rest = behind;
            events.extend(self.line_over()?);
        }
        Ok(events)
    }

    /// A line has ended; gives the event that it ends.
    fn line_over(&mut self) -> Result<Option<Event>, Unreadable> {
        let line = std::mem::take(&mut self.line);
        let mut line = std::str::from_utf8(&line).map_err(|_| Unreadable::NotUtf8)?;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return Ok(std::mem::take(&mut self.filled).then_some(event));
        }
        // A line that begins with a colon is a comment: its field has no name.
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event.name),
            "data" => {
                if std::mem::replace(&mut self.filled, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(name: &str, data: &str) -> Event {
        Event {
            name: name.into(),
            data: data.into(),
        }
    }

    const STREAM: &str = "\u{feff}event: one\ndata: gr\u{fc}n\n\n: a comment\r\n\r\ndata:two\r\ndata:  lines\r\rid: 7\n\n\
                          event: nothing\n\ndata\n\ndata: never ended\n";

    fn expected() -> Vec<Event> {
        vec![event("one", "gr\u{fc}n"), event("", "two\n lines"), event("", "")]
    }

    #[test]
    fn it_does_not_matter_where_a_stream_is_cut() {
        let whole = Decoder::default().feed(STREAM.as_bytes()).unwrap();
        assert_eq!(whole, expected());
        for at in 0..=STREAM.len() {
            let (before, behind) = STREAM.as_bytes().split_at(at);
            let mut decoder = Decoder::default();
            let mut events = decoder.feed(before).unwrap();
            events.extend(decoder.feed(behind).unwrap());
            assert_eq!(events, expected(), "cut at {at}");
        }
        let mut decoder = Decoder::default();
        let single = STREAM.bytes().flat_map(|byte| decoder.feed(&[byte]).unwrap());
        assert_eq!(single.collect::<Vec<_>>(), expected());
    }

    #[test]
    fn what_is_no_text_or_has_no_end_is_refused() {
        assert_eq!(Decoder::default().feed(b"data: \xff\n"), Err(Unreadable::NotUtf8));
        let mut decoder = Decoder::default();
        let line = [b'x'; 1 << 16];
        let mut fed = 0;
        let refused = loop {
            match decoder.feed(&line) {
                Ok(_) => fed += line.len(),
                Err(error) => break error,
            }
        };
        assert_eq!((refused, fed), (Unreadable::TooLong, LONGEST));
    }

    proptest! {
        #[test]
        fn any_bytes_cut_anywhere_give_the_same(bytes: Vec<u8>, at: prop::sample::Index) {
            let whole = Decoder::default().feed(&bytes);
            let (before, behind) = bytes.split_at(at.index(bytes.len() + 1));
            let mut decoder = Decoder::default();
            let parts = decoder.feed(before).and_then(|mut events| {
                events.extend(decoder.feed(behind)?);
                Ok(events)
            });
            prop_assert_eq!(whole, parts);
        }
    }
}
