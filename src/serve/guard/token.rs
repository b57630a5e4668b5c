//! Tokens: long random texts of which only digests are kept.

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use crate::graph::Name;
use crate::serve::caller::Caller;

/// The SHA-256 of a token.
pub(in crate::serve) type Digest = [u8; 32];

/// The digest of what somebody has sent.
pub(in crate::serve) fn digest(token: &str) -> Digest {
    Sha256::digest(token).into()
}

/// The text for the digest of a token in a file: `sha256:` and 64 hexadecimal digits.
pub(super) fn written(digest: &Digest) -> String {
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// A digest as it is written in a file.
pub(in crate::serve) fn read(text: &str) -> Option<Digest> {
    let hex = text.strip_prefix("sha256:")?;
    if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut digest = Digest::default();
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

/// A token that is known.
#[derive(Debug)]
pub(in crate::serve) struct Token {
    pub name: Name,
    pub digest: Digest,
    pub caller: Caller,
}

/// All tokens that are known.
#[derive(Debug, Default)]
pub(in crate::serve) struct Tokens(pub Vec<Token>);

impl Tokens {
    /// Whose token has a digest. How long this takes tells nothing: all are compared, each as a whole.
    pub fn find(&self, digest: &Digest) -> Option<&Token> {
        let mut found = u32::MAX;
        for (at, token) in (0u32..).zip(&self.0) {
            let same: Choice = token.digest.ct_eq(digest);
            found.conditional_assign(&at, same);
        }
        self.0.get(found as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::caller::Scope;

    #[test]
    fn a_token_is_found_by_its_whole_digest() {
        let token = |name: &str, text: &str| Token {
            name: name.into(),
            digest: digest(text),
            caller: Caller {
                scope: Scope::Read,
                user: Some(name.into()),
            },
        };
        let tokens = Tokens(vec![token("a", "one"), token("b", "two"), token("c", "three")]);
        let found = |text: &str| tokens.find(&digest(text)).map(|token| &*token.name);
        assert_eq!(
            (found("one"), found("two"), found("three")),
            (Some("a"), Some("b"), Some("c"))
        );
        assert_eq!(found("four"), None);
        for bit in 0..256 {
            let mut near = digest("two");
            near[bit / 8] ^= 1 << (bit % 8);
            assert!(tokens.find(&near).is_none());
        }
        assert!(Tokens::default().find(&digest("")).is_none());
    }

    #[test]
    fn digests_are_read_as_they_are_written() {
        let written = written(&digest("one"));
        assert_eq!(read(&written), Some(digest("one")));
        assert_eq!(
            read(&written.to_uppercase().replace("SHA256", "sha256")),
            Some(digest("one"))
        );
        for wrong in [
            "",
            "sha256:",
            "sha256:ab",
            &written[..70],
            &written[7..],
            &format!("{written}0"),
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&format!("sha256:{}é", "a".repeat(62))), None);
    }
}
