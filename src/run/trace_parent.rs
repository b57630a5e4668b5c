//! Where a run stands in a trace that reaches over several programs (W3C Trace Context).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The parent of what is to be told, as the header `traceparent` writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TraceParent {
    /// The trace; never all zeros.
    pub trace: [u8; 16],
    /// The span in it; never all zeros.
    pub span: [u8; 8],
    /// Whether whoever began the trace keeps it.
    pub sampled: bool,
}

impl FromStr for TraceParent {
    type Err = &'static str;

    /// Reads a header of any version: what later versions add behind its fields is passed over.
    fn from_str(text: &str) -> Result<TraceParent, &'static str> {
        let mut fields = text.trim().split('-');
        let mut field = |length: usize| {
            let field = fields.next().filter(|field| field.len() == length);
            field.filter(|field| field.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
        };
        let version = field(2).ok_or("its version is missing")?;
        let trace = field(32).ok_or("it has no trace of 32 digits")?;
        let span = field(16).ok_or("it has no span of 16 digits")?;
        let flags = field(2).ok_or("it has no flags")?;
        if version == "ff" || (version == "00" && fields.next().is_some()) {
            return Err("there is no such version");
        }
        let (trace, span) = (bytes(trace).ok_or("no trace")?, bytes(span).ok_or("no span")?);
        if trace == [0; 16] || span == [0; 8] {
            return Err("its trace or span is zero");
        }
        let flags = u8::from_str_radix(flags, 16).map_err(|_| "it has no flags")?;
        Ok(TraceParent {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }
}

fn bytes<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("00-")?;
        self.trace.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("-")?;
        self.span.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "-{:02x}", u8::from(self.sampled))
    }
}

impl From<TraceParent> for String {
    fn from(parent: TraceParent) -> String {
        parent.to_string()
    }
}

impl TryFrom<String> for TraceParent {
    type Error = &'static str;

    fn try_from(text: String) -> Result<TraceParent, &'static str> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_parent_is_read_and_written_alike() {
        let parent: TraceParent = PARENT.parse().unwrap();
        assert!(parent.sampled);
        assert_eq!(parent.to_string(), PARENT);
        let json = serde_json::to_string(&parent).unwrap();
        assert_eq!(serde_json::from_str::<TraceParent>(&json).unwrap(), parent);
        let later = PARENT.replacen("00-", "01-", 1) + "-more";
        assert_eq!(later.parse(), Ok(parent));
    }

    #[test]
    fn what_is_none_is_refused() {
        for wrong in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
            "00-4bf92f3577b34da6a3ce929d0e0e473\u{e9}-00f067aa0ba902b7-01",
        ] {
            assert!(wrong.parse::<TraceParent>().is_err(), "{wrong}");
        }
    }
}
