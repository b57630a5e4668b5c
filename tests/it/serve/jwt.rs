//! Tokens that somebody else signs: what is wrong with them is found, and keys come and go.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use interpret::data::Data;
use interpret::serve::{Access, Settings};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};

use super::issuer::{Issuer, Signer, claims, with};
use super::{APPROVAL, HELLO, Reply, Served, auth, keys};

/// Serves for those whom an issuer knows; wrong tokens are never too many here.
fn serve(access: &str) -> Served {
    let settings = Settings {
        most_failures: 1000,
        ..Settings::default()
    };
    Served::start(&[HELLO, APPROVAL], settings, Access::default().with_auth(auth(access)))
}

fn list(served: &Served, token: &str) -> Reply {
    served.ask("GET", "/workflows").bearer(token).send()
}

/// Header and claims put together by hand, with any signature.
fn made(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (header, claims) = (header.to_string(), claims.to_string());
    format!(
        "{}.{}.{}",
        part(header.as_bytes()),
        part(claims.as_bytes()),
        part(signature)
    )
}

#[test]
fn a_token_that_is_not_as_it_should_be_is_refused() {
    let issuer = Issuer::new(&[Signer::one().public()]);
    let served = serve(&issuer.access(""));
    let one = Signer::one();
    // The right one first, or all others could be refused for another reason.
    assert_eq!(list(&served, &one.sign(&claims())).status, 200);

    let now = get_current_timestamp();
    let public = STANDARD.decode(keys::RSA).unwrap();
    let modulus = one.public()["n"].as_str().unwrap().to_owned();
    let hmac = |secret: &[u8]| {
        let signer = Signer {
            kid: "one",
            algorithm: Algorithm::HS256,
            key: EncodingKey::from_secret(secret),
        };
        signer.sign(&claims())
    };
    let good = one.sign(&claims());
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (_, admin) = signed.split_once('.').unwrap();
    let tampered = with("scope", json!("admin")).to_string();
    let tampered = signed.replace(admin, &URL_SAFE_NO_PAD.encode(tampered));
    let mut critical = Header::new(Algorithm::RS256);
    (critical.kid, critical.crit) = (Some("one".to_owned()), Some(vec!["b64".to_owned()]));
    let cases = [
        ("another issuer", one.sign(&with("iss", json!("https://evil.test/")))),
        ("no issuer", one.sign(&with("iss", Value::Null))),
        ("another audience", one.sign(&with("aud", json!("others")))),
        ("other audiences", one.sign(&with("aud", json!(["others", "more"])))),
        ("no audience", one.sign(&with("aud", Value::Null))),
        ("expired", one.sign(&with("exp", json!(now - 31)))),
        ("never expires", one.sign(&with("exp", Value::Null))),
        ("expires in words", one.sign(&with("exp", json!("tomorrow")))),
        ("not valid yet", one.sign(&with("nbf", json!(now + 120)))),
        ("valid from some day", one.sign(&with("nbf", json!("some day")))),
        ("no user", one.sign(&with("sub", Value::Null))),
        ("an empty user", one.sign(&with("sub", json!("")))),
        (
            "a user that is no text",
            one.sign(&with("sub", json!({ "name": "ada" }))),
        ),
        (
            "alg none",
            made(&json!({ "alg": "none", "kid": "one" }), &claims(), b""),
        ),
        (
            "alg None",
            made(&json!({ "alg": "None", "kid": "one" }), &claims(), b""),
        ),
        ("no alg", made(&json!({ "kid": "one" }), &claims(), b"")),
        ("HS256 with the public key", hmac(&public)),
        ("HS256 with the modulus as text", hmac(modulus.as_bytes())),
        (
            "HS256 with the modulus",
            hmac(&URL_SAFE_NO_PAD.decode(&modulus).unwrap()),
        ),
        ("HS256 with nothing", hmac(b"")),
        (
            "another key",
            Signer::rsa("one", keys::OTHER_RSA, Algorithm::RS256).sign(&claims()),
        ),
        (
            "another algorithm than the key says",
            Signer::rsa("one", keys::RSA, Algorithm::RS512).sign(&claims()),
        ),
        (
            "a key of another kind",
            Signer {
                kid: "one",
                ..Signer::p256()
            }
            .sign(&claims()),
        ),
        (
            "an unknown key",
            Signer {
                kid: "two",
                ..Signer::one()
            }
            .sign(&claims()),
        ),
        ("no signature", format!("{signed}.")),
        (
            "a cut signature",
            format!("{signed}.{}", &signature[..signature.len() - 4]),
        ),
        ("other claims", format!("{tampered}.{signature}")),
        (
            "what is critical and not understood",
            encode(&critical, &claims(), &one.key).unwrap(),
        ),
        (
            "claims that are no object",
            made(&json!({ "alg": "RS256", "kid": "one" }), &json!([]), b"x"),
        ),
        ("two parts", signed.to_owned()),
        ("no token at all", "x".to_owned()),
        ("a long text", "a.".repeat(9000)),
    ];
    for (what, token) in cases {
        let reply = list(&served, &token);
        assert_eq!(reply.status, 401, "{what}: {reply:?}");
        reply.refused(401, "bad-token");
        let challenge = reply.header("www-authenticate");
        assert_eq!(challenge, Some("Bearer error=\"invalid_token\""), "{what}");
    }
    assert!(
        list(&served, &one.sign(&with("exp", json!(now - 5)))).status == 200,
        "clocks may differ a little"
    );
}

#[test]
fn keys_of_every_type_are_taken_and_none_that_is_unfit() {
    let one = Signer::one();
    let pss = Signer::rsa("pss", keys::OTHER_RSA, Algorithm::PS256);
    let weak = Signer::rsa("weak", keys::WEAK_RSA, Algorithm::RS256);
    let mut free = Signer::rsa("free", keys::OTHER_RSA, Algorithm::RS256).public();
    free.as_object_mut().unwrap().remove("alg");
    let mut sealing = Signer::rsa("sealing", keys::RSA, Algorithm::RS256).public();
    sealing["use"] = json!("enc");
    let secret = json!({ "kty": "oct", "kid": "secret", "k": URL_SAFE_NO_PAD.encode(b"secret"), "alg": "HS256" });
    let broken = json!({ "kty": "RSA", "kid": "broken" });
    let set = [
        json!(7),
        broken,
        secret,
        one.public(),
        pss.public(),
        Signer::p256().public(),
        Signer::ed25519().public(),
        weak.public(),
        free,
        sealing,
    ];
    let served = serve(&Issuer::new(&set).access(""));
    let fit = [
        one,
        pss,
        Signer::p256(),
        Signer::ed25519(),
        Signer::rsa("free", keys::OTHER_RSA, Algorithm::RS384),
        Signer::rsa("free", keys::OTHER_RSA, Algorithm::PS512),
    ];
    for signer in fit {
        let reply = list(&served, &signer.sign(&claims()));
        assert_eq!(reply.status, 200, "{}: {reply:?}", signer.kid);
    }
    let hmac = Signer {
        kid: "secret",
        algorithm: Algorithm::HS256,
        key: EncodingKey::from_secret(b"secret"),
    };
    for signer in [weak, hmac, Signer::rsa("sealing", keys::RSA, Algorithm::RS256)] {
        let reply = list(&served, &signer.sign(&claims()));
        assert_eq!(reply.status, 401, "{}: {reply:?}", signer.kid);
    }
}

#[test]
fn claims_say_who_it_is_and_what_may_be_done() {
    let issuer = Issuer::new(&[Signer::one().public()]);
    let served = serve(&issuer.access(""));
    let execute = |served: &Served, claims: &Value| {
        let ask = served.ask("POST", "/workflows/approval/start");
        ask.bearer(&Signer::one().sign(claims)).body("{}").send()
    };
    let began = execute(&served, &claims());
    assert_eq!(began.status, 200, "{began:?}");
    let execution = began.at("/data/executionId").as_str().unwrap().to_owned();
    let look = |claims: &Value| {
        let ask = served.ask("GET", &format!("/workflows/approval/executions/{execution}/state"));
        ask.bearer(&Signer::one().sign(claims)).send().status
    };
    assert_eq!((look(&claims()), look(&with("sub", json!("bob")))), (200, 404));
    let mut admin = with("sub", json!("bob"));
    admin["scope"] = json!(["admin"]);
    assert_eq!(look(&admin), 200);

    let reads = execute(&served, &with("scope", json!("read")));
    assert!(reads.refused(403, "missing-scope").contains("`run`"));
    let nothing = execute(&served, &with("scope", json!("openid reader")));
    let why = nothing.refused(403, "forbidden");
    assert!(
        why.contains("`scope`") && why.contains("`read`, `run` and `admin`"),
        "{why}"
    );
    execute(&served, &with("scope", json!(7))).refused(403, "forbidden");

    let own = "  user: email\n  scopes: { claim: realm.roles, run: flows-run, admin: flows-admin }\n";
    let served = serve(&issuer.access(own));
    let mut mine = with("email", json!("ada@example.com"));
    mine["realm"] = json!({ "roles": ["flows-run"] });
    assert_eq!(execute(&served, &mine).status, 200);
    mine["realm"] = json!({ "roles": ["run", "admin"] });
    execute(&served, &mine).refused(403, "forbidden");
    execute(&served, &claims()).refused(401, "bad-token");
}

#[test]
fn keys_are_fetched_when_one_is_not_known_but_not_for_every_such_token() {
    let issuer = Issuer::new(&[Signer::one().public()]);
    let served = serve(&issuer.access(""));
    assert_eq!(list(&served, &Signer::one().sign(&claims())).status, 200);
    assert_eq!(issuer.asked(), 1);
    // A new key replaces the old one.
    let two = || Signer::rsa("two", keys::OTHER_RSA, Algorithm::RS256);
    issuer.serve(&[two().public()]);
    assert_eq!(list(&served, &two().sign(&claims())).status, 200);
    assert_eq!(issuer.asked(), 2);
    assert_eq!(list(&served, &Signer::one().sign(&claims())).status, 401);
    for kid in ["three", "four", "five"] {
        let unknown = Signer { kid, ..two() };
        list(&served, &unknown.sign(&claims())).refused(401, "bad-token");
    }
    assert_eq!(issuer.asked(), 2, "asked again within a minute");
    assert_eq!(list(&served, &two().sign(&claims())).status, 200);
}

#[test]
fn old_keys_are_kept_when_new_ones_cannot_be_fetched() {
    let large = format!("{{\"keys\": [{{\"kid\": \"{}\"}}]}}", "x".repeat(300_000));
    let json = "content-type: application/json\r\n";
    let reply = crate::drive::witness::response;
    for answer in [
        reply("500 Internal Server Error", "", "no"),
        reply("302 Found", "location: http://127.0.0.1:1/\r\n", ""),
        reply("200 OK", json, "{"),
        reply("200 OK", json, "{\"keys\": []}"),
        reply("200 OK", json, &large),
        String::new(),
    ] {
        let issuer = Issuer::new(&[Signer::one().public()]);
        let served = serve(&issuer.access(""));
        assert_eq!(list(&served, &Signer::one().sign(&claims())).status, 200);
        issuer.answer(&answer);
        let unknown = Signer {
            kid: "two",
            ..Signer::one()
        };
        list(&served, &unknown.sign(&claims())).refused(401, "bad-token");
        issuer.wait(2);
        let other = with("jti", json!("another token"));
        assert_eq!(list(&served, &Signer::one().sign(&other)).status, 200, "{answer}");
    }
}

#[test]
fn fetching_keys_holds_up_nobody_whose_key_is_known() {
    use crate::drive::witness::{Witness, response};
    use std::sync::atomic::{AtomicUsize, Ordering};
    // It answers the first time, and never again.
    let times = AtomicUsize::new(0);
    let set = json!({ "keys": [Signer::one().public()] }).to_string();
    let set = response("200 OK", "content-type: application/json\r\n", &set).into_bytes();
    let witness = Witness::new(move |_, _| (times.fetch_add(1, Ordering::SeqCst) == 0).then(|| set.clone()));
    let url = witness.url();
    let access = format!("jwt: {{ jwks: \"{url}\", issuer: \"https://login.test/\", audience: workflows }}");
    let served = serve(&access);
    assert_eq!(list(&served, &Signer::one().sign(&claims())).status, 200);
    let unknown = Signer {
        kid: "two",
        ..Signer::one()
    }
    .sign(&claims());
    let mut waiting = super::connect(served.address);
    let ask = served.ask("GET", "/workflows").bearer(&unknown);
    std::io::Write::write_all(&mut waiting, ask.head().as_bytes()).unwrap();
    witness.wait(|seen| seen.requests.len() == 2);
    let other = with("jti", json!("another token"));
    assert_eq!(list(&served, &Signer::one().sign(&other)).status, 200);
    assert_eq!(witness.seen().abandoned, 0, "the keys are still being fetched");
    Reply::read(&mut waiting).refused(401, "bad-token");
}

#[test]
fn keys_may_be_in_a_file() {
    let set = json!({ "keys": [Signer::one().public()] }).to_string();
    let folder = crate::cli::Folder::new(&[("keys.json", &set)]);
    let text = "jwt: { jwks: keys.json, issuer: \"https://login.test/\", audience: [others, workflows] }";
    let file = interpret::source::Sources::new().add("access.yaml", text);
    let (auth, diagnostics) = interpret::serve::Auth::read(file, text, folder.path(), |_| None);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let served = Served::start(
        &[HELLO],
        Settings::default(),
        Access::default().with_auth(auth.unwrap()),
    );
    let reply = list(&served, &Signer::one().sign(&claims()));
    assert_eq!((reply.status, reply.at("/success")), (200, Data::from(true)));
}
