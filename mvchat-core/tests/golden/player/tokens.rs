//! Tokens that the server never made, signed with its key.

use super::server::KID;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use mvchat_core::seam::keys::SecretKey;
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use uuid::Uuid;

/// Makes a token of a kind that the recordings name, from one that the server made.
pub(crate) fn variant(kind: &str, of: &str, key: &SecretKey, now: i64) -> String {
    let mut claims = payload(of);
    let mut header = json!({"alg": "HS256", "typ": "JWT", "kid": KID});
    match kind {
        "expired" => {
            claims["iat"] = json!(now - 120);
            claims["exp"] = json!(now - 60);
        }
        "no exp" | "no iat" | "no jti" | "no aud" | "no sid" => without(&mut claims, &kind[3..]),
        "other issuer" => claims["iss"] = json!("someone else"),
        "other audience" => claims["aud"] = json!("something else"),
        "other session" => claims["sid"] = json!(Uuid::from_u128(9)),
        "HS512" => header["alg"] = json!("HS512"),
        "no kid" => without(&mut header, "kid"),
        "other kid" => header["kid"] = json!("another"),
        "original" => {
            claims =
                json!({"uid": claims["sub"], "iss": "mvchat", "exp": claims["exp"], "iat": claims["iat"]});
            without(&mut header, "kid");
        }
        "unknown uid" => claims["sub"] = json!(Uuid::from_u128(9)),
        "no uid" => without(&mut claims, "sub"),
        "nbf future" => claims["nbf"] = json!(now + 3_600),
        _ => panic!("no kind of token is called {kind}"),
    }
    signed(&header, &claims, key)
}

fn without(fields: &mut Value, name: &str) {
    fields.as_object_mut().unwrap().remove(name);
}

/// Returns what a token says.
pub(crate) fn payload(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn signed(header: &Value, claims: &Value, key: &SecretKey) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let message = format!("{}.{}", encode(header), encode(claims));
    let signature = match header["alg"].as_str() {
        Some("HS512") => URL_SAFE_NO_PAD.encode(mac::<Hmac<Sha512>>(key, &message)),
        _ => URL_SAFE_NO_PAD.encode(mac::<Hmac<Sha256>>(key, &message)),
    };
    format!("{message}.{signature}")
}

fn mac<M: Mac + KeyInit>(key: &SecretKey, message: &str) -> Vec<u8> {
    <M as KeyInit>::new_from_slice(key.as_bytes())
        .unwrap()
        .chain_update(message)
        .finalize()
        .into_bytes()
        .to_vec()
}
