use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::seam::keys::{SecretKey, TokenKey, TokenKeyState};

const NOW: i64 = 1_800_000_000;

struct Bench {
    signer: TokenSigner,
    active: SecretKey,
    verify: SecretKey,
    retired: SecretKey,
}

fn bench() -> Bench {
    let [active, verify, retired] = [(); 3].map(|()| SecretKey::generate().unwrap());
    let keys = TokenKeys::new(vec![
        TokenKey::new("old", verify.clone(), TokenKeyState::Verify),
        TokenKey::new("new", active.clone(), TokenKeyState::Active),
        TokenKey::new("gone", retired.clone(), TokenKeyState::Retired),
    ]);
    Bench { signer: TokenSigner::new(keys.unwrap(), "issuer", "audience"), active, verify, retired }
}

fn claims() -> Claims {
    Claims {
        iss: "issuer".to_owned(),
        aud: "audience".to_owned(),
        sub: Uuid::from_u128(0xa1),
        sid: Uuid::from_u128(0xb2),
        iat: NOW - 10,
        exp: NOW + 100,
        jti: Uuid::from_u128(0xc3),
    }
}

/// Signs whatever it is given, as an attacker with the key would.
fn forge(key: &SecretKey, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(Hs256::new(key).sign(message.as_bytes())))
}

const HEADER: &str = r#"{"alg":"HS256","typ":"JWT","kid":"new"}"#;

fn claims_json() -> Value {
    serde_json::to_value(claims()).unwrap()
}

#[test]
fn signed_tokens_verify() {
    let bench = bench();
    let token = bench.signer.sign(&claims());
    assert_eq!(bench.signer.verify(&token, NOW), Ok(claims()));
    let forged = forge(&bench.active, HEADER, &claims_json().to_string());
    assert_eq!(bench.signer.verify(&forged, NOW), Ok(claims()), "the forge itself is sound");
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({ "alg": "HS256", "typ": "JWT", "kid": "new" }));
}

#[test]
fn times_are_exact() {
    let bench = bench();
    let token = bench.signer.sign(&claims());
    let at = |now| bench.signer.verify(&token, now).map(|_| ());
    assert_eq!(at(NOW + 99), Ok(()));
    assert_eq!(at(NOW + 100), Err(TokenError::Expired));
    assert_eq!(at(i64::MAX), Err(TokenError::Expired));
    // `iat` is NOW - 10, so 70 seconds before NOW it is 60 seconds ahead.
    assert_eq!(at(NOW - 70), Ok(()));
    assert_eq!(at(NOW - 71), Err(TokenError::Invalid));
    assert_eq!(at(i64::MIN), Err(TokenError::Invalid));

    let mut later = claims_json();
    later["nbf"] = json!(NOW + 5);
    let later = forge(&bench.active, HEADER, &later.to_string());
    assert_eq!(bench.signer.verify(&later, NOW + 4), Err(TokenError::Invalid));
    assert_eq!(bench.signer.verify(&later, NOW + 5), Ok(claims()));
}

#[test]
fn keys_keep_to_their_state() {
    let bench = bench();
    let by = |key, kid| {
        let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid }).to_string();
        bench.signer.verify(&forge(key, &header, &claims_json().to_string()), NOW).map(|_| ())
    };
    assert_eq!(by(&bench.active, "new"), Ok(()));
    assert_eq!(by(&bench.verify, "old"), Ok(()));
    assert_eq!(by(&bench.retired, "gone"), Err(TokenError::Invalid));
    assert_eq!(by(&bench.active, "old"), Err(TokenError::Invalid));
    assert_eq!(by(&bench.active, "nobody"), Err(TokenError::Invalid));
    assert_eq!(by(&bench.active, ""), Err(TokenError::Invalid));
}

#[test]
fn bad_headers_are_refused_even_when_signed() {
    let bench = bench();
    for header in [
        r#"{"alg":"none","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"None","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"hs256","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"HS384","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"HS512","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"RS256","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"","typ":"JWT","kid":"new"}"#,
        r#"{"alg":null,"typ":"JWT","kid":"new"}"#,
        r#"{"typ":"JWT","kid":"new"}"#,
        r#"{"alg":"HS256","kid":"new"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"jwt","kid":"new"}"#,
        r#"{"alg":"HS256","typ":"at+jwt","kid":"new"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":7}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","crit":["exp"]}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","crit":[]}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","jku":"https://evil.example"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","jwk":{"kty":"oct","k":"AAAA"}}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","x5u":"https://evil.example"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","x5c":["AAAA"]}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","zip":"DEF"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","cty":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new","b64":false}"#,
        r#"{"alg":"HS512","alg":"HS256","typ":"JWT","kid":"new"}"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"gone","kid":"new"}"#,
        r#"["HS256","JWT","new"]"#,
        r#"{"alg":"HS256","typ":"JWT","kid":"new"}x"#,
        r#" {"alg":"HS256","typ":"JWT","kid":"new"}"#,
        "null",
        "",
    ] {
        let token = forge(&bench.active, header, &claims_json().to_string());
        assert_eq!(bench.signer.verify(&token, NOW), Err(TokenError::Invalid), "{header}");
    }
}

#[test]
fn bad_claims_are_refused_even_when_signed() {
    let bench = bench();
    let refused = |text: &str| {
        let token = forge(&bench.active, HEADER, text);
        assert_eq!(bench.signer.verify(&token, NOW), Err(TokenError::Invalid), "{text}");
    };
    for name in ["iss", "aud", "sub", "sid", "iat", "exp", "jti"] {
        let mut missing = claims_json();
        missing.as_object_mut().unwrap().remove(name);
        refused(&missing.to_string());
        for wrong in [json!(null), json!([]), json!({}), json!(true), json!(1.5), json!("")] {
            let mut changed = claims_json();
            changed[name] = wrong;
            refused(&changed.to_string());
        }
        let whole = claims_json();
        let twice = format!("{{\"{name}\":{},{}", whole[name], &whole.to_string()[1..]);
        refused(&twice);
    }
    for (name, wrong) in [
        ("iss", json!("Issuer")),
        ("iss", json!(["issuer"])),
        ("aud", json!("issuer")),
        ("aud", json!(["audience"])),
        ("sub", json!("000000000000000000000000000000a1")),
        ("sub", json!("{00000000-0000-0000-0000-0000000000a1}")),
        ("sub", json!("urn:uuid:00000000-0000-0000-0000-0000000000a1")),
        ("sub", json!("00000000-0000-0000-0000-0000000000A1")),
        ("iat", json!(NOW + 61)),
        ("iat", json!(NOW.to_string())),
        ("exp", json!(NOW.to_string())),
        ("exp", json!(u64::MAX)),
        ("nbf", json!(NOW + 1)),
        ("nbf", json!(null)),
        ("nbf", json!("0")),
    ] {
        let mut changed = claims_json();
        changed[name] = wrong;
        refused(&changed.to_string());
    }
    refused("[]");
    refused("");
    refused(&format!("{}x", claims_json()));
}

#[test]
fn an_expired_token_of_another_issuer_is_invalid() {
    let bench = bench();
    let mut claims = claims();
    claims.iss = "other".to_owned();
    claims.exp = NOW - 1;
    assert_eq!(bench.signer.verify(&bench.signer.sign(&claims), NOW), Err(TokenError::Invalid));
}

#[test]
fn unknown_claims_are_ignored() {
    let bench = bench();
    let mut more = claims_json();
    more["scope"] = json!({ "from": "the future" });
    assert_eq!(bench.signer.verify(&forge(&bench.active, HEADER, &more.to_string()), NOW), Ok(claims()));
}

#[test]
fn malformed_tokens_are_refused() {
    let bench = bench();
    let token = bench.signer.sign(&claims());
    let (message, signature) = token.rsplit_once('.').unwrap();
    let unsigned = r#"{"alg":"none","typ":"JWT","kid":"new"}"#;
    let none = forge(&bench.active, unsigned, &claims_json().to_string());
    for bad in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{}.", none.rsplit_once('.').unwrap().0),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{signature}"),
        format!("{token}="),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{message}.{}", &signature[..signature.len() - 2]),
        format!("{message}.{}", &signature[..20]),
        format!("{message}.{signature}AAAA"),
        token.replace('.', ".."),
        "é.é.é".to_owned(),
    ] {
        assert_eq!(bench.signer.verify(&bad, NOW), Err(TokenError::Invalid), "{bad:?}");
    }
}

#[test]
fn every_changed_character_is_noticed() {
    let bench = bench();
    let token = bench.signer.sign(&claims());
    for i in 0..token.len() {
        for with in ["A", "B", "-", "."] {
            let mut changed = token.clone();
            changed.replace_range(i..=i, with);
            if changed != token {
                assert_eq!(bench.signer.verify(&changed, NOW), Err(TokenError::Invalid), "{changed}");
            }
        }
    }
}

#[test]
fn long_tokens_are_refused_unread() {
    let bench = bench();
    let with_padding = |bytes: usize| {
        let mut padded = claims_json();
        padded["padding"] = json!("x".repeat(bytes));
        forge(&bench.active, HEADER, &padded.to_string())
    };
    let fixed = with_padding(0).len();
    // Three bytes of JSON are four characters of base64.
    let fits = with_padding((MAX_TOKEN - fixed) / 4 * 3 - 3);
    assert!(fits.len() > MAX_TOKEN - 8 && fits.len() <= MAX_TOKEN, "{}", fits.len());
    assert_eq!(bench.signer.verify(&fits, NOW), Ok(claims()));
    assert_eq!(bench.signer.verify(&with_padding(3100), NOW), Err(TokenError::Invalid));
    assert_eq!(bench.signer.verify(&"a".repeat(10_000_000), NOW), Err(TokenError::Invalid));
}

/// The crate's own `decode`, with our algorithm as its provider, accepts what we sign.
#[test]
fn other_implementations_read_our_tokens() {
    use jsonwebtoken::crypto::{CryptoProvider, KeyUtils};
    use jsonwebtoken::{DecodingKey, Validation, decode};

    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: |_, key| Ok(Box::new(Hs256::new(&SecretKey::from_slice(key.as_bytes()).unwrap()))),
        verifier_factory: |_, key| {
            Ok(Box::new(Hs256::new(&SecretKey::from_slice(key.try_get_as_bytes()?).unwrap())))
        },
        key_utils: KeyUtils::new_unimplemented(),
    };
    // Only this test needs a provider of the process.
    PROVIDER.install_default().unwrap();

    let bench = bench();
    let token = bench.signer.sign(&claims());
    let mut validation = Validation::new(Algorithm::HS256);
    validation.validate_exp = false;
    validation.set_audience(&["audience"]);
    validation.set_issuer(&["issuer"]);
    let read =
        decode::<Value>(&token, &DecodingKey::from_secret(bench.active.as_bytes()), &validation).unwrap();
    assert_eq!(read.claims, claims_json());
    decode::<Value>(&token, &DecodingKey::from_secret(bench.verify.as_bytes()), &validation).unwrap_err();
}

proptest::proptest! {
    #[test]
    fn noise_is_refused_and_never_panics(noise in "[A-Za-z0-9_.=é-]{0,80}", now: i64) {
        proptest::prop_assert_eq!(bench().signer.verify(&noise, now), Err(TokenError::Invalid));
    }
}

#[test]
fn debug_shows_no_key() {
    let bench = bench();
    let shown = format!("{:?}", bench.signer);
    assert_eq!(shown.matches("SecretKey(…)").count(), 3, "{shown}");
    assert!(!shown.contains(&format!("{:?}", &bench.active.as_bytes()[..4])));
}
