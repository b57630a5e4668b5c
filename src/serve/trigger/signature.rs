//! Signatures of deliveries: HMAC-SHA256 with a secret that sender and receiver share, compared in constant time.
//!
//! That of [Standard Webhooks](https://www.standardwebhooks.com) covers the id and the time of a message too, so that an
//! old one is not taken again; that of GitHub covers the body alone. Which of them counts stands in the definition: were
//! it the sender's choice, what is signed for the one could be passed off as a body signed for the other.

use axum::http::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::graph::{Name, Signature, Timestamp};

/// How far the clocks of sender and receiver may be apart, and how old a message may be, in seconds.
const TOLERANCE: i64 = 300;
/// What the secrets of Standard Webhooks begin with; the rest is base64.
const PREFIX: &str = "whsec_";
const LONGEST_ID: usize = 200;

/// Why a delivery is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    #[error("the header `{0}` is missing")]
    Missing(&'static str),
    #[error("the header `{0}` cannot be read")]
    Unreadable(&'static str),
    #[error("`webhook-timestamp` is more than {TOLERANCE} seconds away from the time here")]
    Time,
    #[error("the signature does not fit")]
    Mismatch,
}

/// Checks the signature of a delivery; the id of the message, where it is signed.
pub(super) fn verify(
    form: Signature,
    secret: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: Timestamp,
) -> Result<Option<Name>, Wrong> {
    match form {
        Signature::Standard => standard(&key(secret), headers, body, now).map(Some),
        Signature::Github => github(secret.as_bytes(), headers, body).map(|()| None),
    }
}

fn standard(key: &[u8], headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<Name, Wrong> {
    let id = header(headers, "webhook-id")?;
    let time = header(headers, "webhook-timestamp")?;
    let signatures = header(headers, "webhook-signature")?;
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(Wrong::Unreadable("webhook-id"));
    }
    let sent: i64 = time.parse().map_err(|_| Wrong::Unreadable("webhook-timestamp"))?;
    let signed = [id.as_bytes(), b".", time.as_bytes(), b".", body];
    // There are several while a secret is being replaced by another.
    let version_1 = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
    let fits = version_1
        .filter_map(|text| STANDARD.decode(text).ok())
        .any(|found| is_of(key, &signed, &found));
    match fits {
        false => Err(Wrong::Mismatch),
        true if now.0.div_euclid(1_000).saturating_sub(sent).saturating_abs() > TOLERANCE => Err(Wrong::Time),
        true => Ok(id.into()),
    }
}

fn github(key: &[u8], headers: &HeaderMap, body: &[u8]) -> Result<(), Wrong> {
    const HEADER: &str = "x-hub-signature-256";
    let text = header(headers, HEADER)?;
    let found = text
        .strip_prefix("sha256=")
        .and_then(hex)
        .ok_or(Wrong::Unreadable(HEADER))?;
    match is_of(key, &[body], &found) {
        true => Ok(()),
        false => Err(Wrong::Mismatch),
    }
}

/// Whether a code is that of what was signed; how long this takes tells nothing about where they differ.
fn is_of(key: &[u8], signed: &[&[u8]], found: &[u8]) -> bool {
    // Keys of any length are taken.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(key) else {
        return false;
    };
    signed.iter().for_each(|part| code.update(part));
    code.verify_slice(found).is_ok()
}

/// The bytes of a secret.
fn key(secret: &str) -> Vec<u8> {
    let decoded = secret.strip_prefix(PREFIX).and_then(|text| STANDARD.decode(text).ok());
    decoded.unwrap_or_else(|| secret.as_bytes().to_vec())
}

fn header<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, Wrong> {
    let value = headers.get(name).ok_or(Wrong::Missing(name))?;
    value.to_str().map_err(|_| Wrong::Unreadable(name))
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| {
        char::from(*byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_760_000_000_000);
    const BODY: &[u8] = br#"{"id":7}"#;

    fn code(key: &[u8], signed: &str) -> Vec<u8> {
        let mut code = Hmac::<Sha256>::new_from_slice(key).unwrap();
        code.update(signed.as_bytes());
        code.finalize().into_bytes().to_vec()
    }

    fn headers(all: &[(&'static str, &str)]) -> HeaderMap {
        all.iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect()
    }

    fn sent(id: &str, time: i64, signature: &str) -> HeaderMap {
        headers(&[
            ("webhook-id", id),
            ("webhook-timestamp", &time.to_string()),
            ("webhook-signature", signature),
        ])
    }

    fn signed(key: &[u8], id: &str, time: i64) -> String {
        let body = std::str::from_utf8(BODY).unwrap();
        format!("v1,{}", STANDARD.encode(code(key, &format!("{id}.{time}.{body}"))))
    }

    #[test]
    fn a_standard_signature_covers_id_time_and_body() {
        let check = |headers: &HeaderMap, body| verify(Signature::Standard, "key", headers, body, NOW);
        let time = NOW.0 / 1_000;
        let good = signed(b"key", "msg_1", time);
        assert_eq!(check(&sent("msg_1", time, &good), BODY), Ok(Some("msg_1".into())));
        // While a secret is replaced there are two, and signatures of other kinds are passed over.
        let several = format!("v1a,xyz v1,AAAA {good}");
        assert_eq!(check(&sent("msg_1", time, &several), BODY), Ok(Some("msg_1".into())));
        for (wrong, body) in [
            (sent("msg_2", time, &good), BODY),
            (sent("msg_1", time + 1, &good), BODY),
            (sent("msg_1", time, &good), br#"{"id":8}"#.as_slice()),
            (sent("msg_1", time, &signed(b"other", "msg_1", time)), BODY),
            (sent("msg_1", time, "v1,"), BODY),
            (sent("msg_1", time, ""), BODY),
        ] {
            assert_eq!(check(&wrong, body), Err(Wrong::Mismatch), "{wrong:?}");
        }
        for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
            let mut headers = sent("msg_1", time, &good);
            headers.remove(missing);
            assert_eq!(check(&headers, BODY), Err(Wrong::Missing(missing)));
        }
    }

    #[test]
    fn what_is_old_or_from_the_future_is_not_taken_though_it_is_signed() {
        let check = |time: i64| {
            let headers = sent("m", time, &signed(b"key", "m", time));
            verify(Signature::Standard, "key", &headers, BODY, NOW)
        };
        let now = NOW.0 / 1_000;
        assert!(check(now - TOLERANCE).is_ok() && check(now + TOLERANCE).is_ok());
        assert_eq!(check(now - TOLERANCE - 1), Err(Wrong::Time));
        assert_eq!(check(now + TOLERANCE + 1), Err(Wrong::Time));
        assert_eq!(check(i64::MIN), Err(Wrong::Time));
    }

    #[test]
    fn a_secret_of_standard_webhooks_is_base64() {
        let secret = format!("{PREFIX}{}", STANDARD.encode([1, 2, 3, 255]));
        let time = NOW.0 / 1_000;
        let headers = sent("m", time, &signed(&[1, 2, 3, 255], "m", time));
        assert!(verify(Signature::Standard, &secret, &headers, BODY, NOW).is_ok());
    }

    #[test]
    fn a_signature_of_github_covers_the_body() {
        // The example of GitHub's documentation.
        let (secret, body) = ("It's a Secret to Everybody", b"Hello, World!".as_slice());
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        let check = |value: &str, body| {
            verify(
                Signature::Github,
                secret,
                &headers(&[("x-hub-signature-256", value)]),
                body,
                NOW,
            )
        };
        assert_eq!(check(good, body), Ok(None));
        assert_eq!(check(good, b"Hello, World?"), Err(Wrong::Mismatch));
        assert_eq!(check(&good.replace("757", "657"), body), Err(Wrong::Mismatch));
        assert_eq!(check("sha256=", body), Err(Wrong::Mismatch));
        for unreadable in ["", "757107", "sha256=7", "sha256=zz", "sha1=00"] {
            assert_eq!(
                check(unreadable, body),
                Err(Wrong::Unreadable("x-hub-signature-256")),
                "{unreadable}"
            );
        }
        let nothing = verify(Signature::Github, secret, &HeaderMap::new(), body, NOW);
        assert_eq!(nothing, Err(Wrong::Missing("x-hub-signature-256")));
    }

    #[test]
    fn what_is_signed_for_one_form_is_no_body_of_the_other() {
        let time = NOW.0 / 1_000;
        let body = format!("m.{time}.{}", std::str::from_utf8(BODY).unwrap());
        let hex: String = code(b"key", &body).iter().map(|byte| format!("{byte:02x}")).collect();
        let headers = headers(&[("x-hub-signature-256", &format!("sha256={hex}"))]);
        let replayed = verify(Signature::Standard, "key", &headers, body.as_bytes(), NOW);
        assert_eq!(replayed, Err(Wrong::Missing("webhook-id")));
    }
}
