use super::*;
use crate::proto::UserId;
use crate::seam::{Attempt, AuthError, Authenticator, Naming, Peer, Principal};
use crate::time::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const NOW: i64 = 1_800_000_000;
const SECRET: &[u8] = b"an issuer's secret of 32 bytes!!";

fn encode(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

fn sign(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let message = format!("{}.{}", encode(header), encode(claims));
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap().chain_update(&message).finalize();
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.into_bytes()))
}

fn claims(changes: Value) -> Value {
    let mut claims =
        json!({"iss": "https://id.example", "aud": "chat", "sub": "42", "exp": NOW + 60, "iat": NOW});
    for (key, value) in changes.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(key);
        } else {
            claims[key] = value.clone();
        }
    }
    claims
}

fn header(changes: Value) -> Value {
    let mut header = json!({"alg": "HS256", "typ": "JWT"});
    header.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    header
}

fn good(changes: Value) -> String {
    sign(&header(json!({})), &claims(changes), SECRET)
}

fn verifier() -> ForeignJwt {
    ForeignJwt::new("https://id.example", "chat", ForeignKeys::shared(SECRET).unwrap())
}

async fn judge_at(verifier: &dyn Authenticator, token: &str, at: i64) -> Result<Principal, AuthError> {
    let now = Timestamp::from_micros(at * 1_000_000);
    verifier.authenticate(&Attempt::new(token, &Peer::default(), now)).await
}

async fn judge(token: &str) -> Result<Principal, AuthError> {
    judge_at(&verifier(), token, NOW).await
}

#[tokio::test]
async fn good_tokens_name_users() {
    let until = Timestamp::from_micros((NOW + 60) * 1_000_000);
    let user = UserId::external("https://id.example", "42");
    assert_eq!(judge(&good(json!({}))).await.unwrap(), Principal::new(user).until(until));
    assert_eq!(
        judge(&good(json!({"name": "Ana"}))).await.unwrap(),
        Principal::new(user).named("Ana").until(until)
    );
    for fine in [
        json!({"aud": ["other", "chat"]}),
        json!({"iat": null}),
        json!({"iat": NOW + 10}),
        json!({"nbf": NOW + 10}),
        json!({"exp": 1_800_000_060.75}),
        json!({"unknown": {"deep": [1]}}),
    ] {
        assert_eq!(judge(&good(fine.clone())).await.unwrap().user, user, "{fine}");
    }
    for fine in [json!({"typ": "at+JWT"}), json!({"typ": null}), json!({"kid": "any"}), json!({"x5t": "x"})] {
        let token = sign(&header(fine.clone()), &claims(json!({})), SECRET);
        assert_eq!(judge(&token).await.unwrap().user, user, "{fine}");
    }
    let uuid = "0192f0c1-2345-7890-abcd-ef0123456789";
    let by_id = verifier().naming(Naming::Uuid);
    let named = judge_at(&by_id, &good(json!({"sub": uuid})), NOW).await.unwrap();
    assert_eq!(named.user.to_string(), uuid);
    assert!(judge_at(&by_id, &good(json!({})), NOW).await.is_err());
}

#[tokio::test]
async fn tokens_expire_to_the_second() {
    let token = good(json!({}));
    assert!(judge_at(&verifier(), &token, NOW + 59).await.is_ok());
    assert!(matches!(judge_at(&verifier(), &token, NOW + 60).await, Err(AuthError::Expired)));
    // What is wrong otherwise does not say that it was good once.
    let foreign = good(json!({"aud": "other"}));
    assert!(matches!(judge_at(&verifier(), &foreign, NOW + 60).await, Err(AuthError::Refused)));
}

#[tokio::test]
async fn everything_else_is_refused() {
    let mut bad = Vec::new();
    for claim in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": null}),
        json!({"aud": "chat2"}),
        json!({"aud": []}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "a\nb"}),
        json!({"sub": "a".repeat(256)}),
        json!({"sub": 42}),
        json!({"exp": null}),
        json!({"exp": "tomorrow"}),
        json!({"nbf": NOW + 11}),
        json!({"iat": NOW + 11}),
        json!({"name": "n".repeat(9_000)}),
    ] {
        bad.push(good(claim));
    }
    for head in [
        json!({"alg": "none"}),
        json!({"alg": "HS512"}),
        json!({"alg": "RS256"}),
        json!({"alg": "hs256"}),
        json!({"typ": "JWE"}),
        json!({"crit": []}),
        json!({"b64": false}),
        json!({"zip": "DEF"}),
        json!({"jku": "https://evil.example"}),
        json!({"jwk": {}}),
        json!({"x5u": "x"}),
        json!({"x5c": []}),
    ] {
        bad.push(sign(&header(head), &claims(json!({})), SECRET));
    }
    let fine = good(json!({}));
    let (message, signature) = fine.rsplit_once('.').unwrap();
    bad.push(sign(&header(json!({})), &claims(json!({})), b"another secret of 32 bytes and more"));
    bad.push(format!("{message}."));
    bad.push(format!("{message}.{}", &signature[1..]));
    bad.push(format!("{message}.{signature}="));
    bad.push(format!("{fine}.{signature}"));
    bad.push(message.to_owned());
    for token in bad {
        assert!(matches!(judge(&token).await, Err(AuthError::Refused)), "{token}");
    }
}

#[tokio::test]
async fn keys_are_found_by_name_and_replaced() {
    let other = b"a second secret with 32 bytes!!!";
    let jwk =
        |kid: &str, secret: &[u8]| json!({"kty": "oct", "kid": kid, "k": URL_SAFE_NO_PAD.encode(secret)});
    let jwks = json!({"keys": [jwk("a", SECRET), jwk("b", other), {"kty": "unheard of"}, 5]}).to_string();
    let verifier = ForeignJwt::new("https://id.example", "chat", ForeignKeys::from_jwks(&jwks).unwrap());
    let token = |kid: Value, secret: &[u8]| sign(&header(kid), &claims(json!({})), secret);
    assert!(judge_at(&verifier, &token(json!({"kid": "a"}), SECRET), NOW).await.is_ok());
    assert!(judge_at(&verifier, &token(json!({"kid": "b"}), other), NOW).await.is_ok());
    for bad in [
        token(json!({"kid": "b"}), SECRET),
        token(json!({"kid": "c"}), SECRET),
        // Of several keys, none is tried by chance.
        token(json!({}), SECRET),
    ] {
        assert!(judge_at(&verifier, &bad, NOW).await.is_err());
    }
    verifier.clone().replace_keys(ForeignKeys::shared(other).unwrap());
    assert!(judge_at(&verifier, &token(json!({"kid": "a"}), SECRET), NOW).await.is_err());
    assert!(judge_at(&verifier, &token(json!({"kid": "a"}), other), NOW).await.is_ok());
}

#[test]
fn keys_that_verify_nothing_are_refused() {
    assert!(ForeignKeys::shared(&[7; 31]).is_err());
    let k = URL_SAFE_NO_PAD.encode([7; 32]);
    for bad in [
        json!({"keys": []}),
        json!({}),
        json!([]),
        json!({"keys": [{"kty": "oct", "k": URL_SAFE_NO_PAD.encode([7; 31])}]}),
        json!({"keys": [{"kty": "oct", "k": k, "use": "enc"}]}),
        json!({"keys": [{"kty": "oct", "k": k, "alg": "HS512"}]}),
        json!({"keys": [{"kty": "oct"}]}),
    ] {
        assert!(ForeignKeys::from_jwks(&bad.to_string()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_header_is_believed_from_trusted_peers_only() {
    let here: std::net::SocketAddr = "127.0.0.1:5000".parse().unwrap();
    let mapped: std::net::SocketAddr = "[::ffff:127.0.0.1]:5000".parse().unwrap();
    let there: std::net::SocketAddr = "192.0.2.1:5000".parse().unwrap();
    let local = TrustedHeader::new("X-User-ID", Naming::External("account".to_owned()));
    let net = TrustedHeader::new("x-user-id", Naming::External("account".to_owned()))
        .from_peers(|address| address.to_string().starts_with("192.0.2."));
    let judge = async |verifier: &TrustedHeader, peer: &Peer, secret: &str| {
        verifier.authenticate(&Attempt::new(secret, peer, Timestamp::from_micros(0))).await.ok()
    };
    let ana = Principal::new(UserId::external("account", "42"));
    let with = |peer: Peer| peer.with_header("X-USER-ID", "42");
    for (peer, by_local, by_net) in [
        (with(here.into()), true, false),
        (with(mapped.into()), true, false),
        (with(there.into()), false, true),
        (with(Peer::default()), false, false),
        (with(with(here.into())), false, false),
        (Peer::from(here), false, false),
        (Peer::from(here).with_header("x-user", "42"), false, false),
        (Peer::from(here).with_header("x-user-id", ""), false, false),
    ] {
        assert_eq!(judge(&local, &peer, "").await, by_local.then(|| ana.clone()), "{peer:?}");
        assert_eq!(judge(&net, &peer, "").await, by_net.then(|| ana.clone()), "{peer:?}");
        assert_eq!(judge(&local, &peer, "a secret").await, None);
    }
    let by_id = TrustedHeader::new("x-user-id", Naming::Uuid);
    assert_eq!(judge(&by_id, &with(here.into()), "").await, None);
}

/// Signs with ring and verifies with what a key set says; and the published examples of RFC 7515 and RFC 8037.
#[cfg(feature = "jwt-public-keys")]
mod public_keys {
    use super::*;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};

    fn jwt(jwk: Value) -> ForeignJwt {
        let keys = ForeignKeys::from_jwks(&json!({ "keys": [jwk] }).to_string()).unwrap();
        ForeignJwt::new("https://id.example", "chat", keys)
    }

    fn b64(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    #[tokio::test]
    async fn ed25519_and_p256() {
        let random = SystemRandom::new();
        let document = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let edwards = Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap();
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        let p256 = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap();
        let point = p256.public_key().as_ref().to_vec();
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": b64(edwards.public_key().as_ref())});
        let ec = json!({"kty": "EC", "crv": "P-256", "x": b64(&point[1..33]), "y": b64(&point[33..])});
        let by_ed = |message: &str| edwards.sign(message.as_bytes()).as_ref().to_vec();
        let by_ec = |message: &str| p256.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec();
        type Sign<'a> = &'a dyn Fn(&str) -> Vec<u8>;
        for (alg, jwk, sign) in [("EdDSA", okp, &by_ed as Sign<'_>), ("ES256", ec, &by_ec)] {
            let token = |alg: &str, claims: &Value| {
                let message = format!("{}.{}", encode(&header(json!({ "alg": alg }))), encode(claims));
                let signature = b64(&sign(&message));
                format!("{message}.{signature}")
            };
            let verifier = jwt(jwk);
            let fine = token(alg, &claims(json!({})));
            assert!(judge_at(&verifier, &fine, NOW).await.is_ok(), "{alg}");
            for other in ["HS256", "none", "RS256", "EdDSA", "ES256"].iter().filter(|other| **other != alg) {
                assert!(
                    judge_at(&verifier, &token(other, &claims(json!({}))), NOW).await.is_err(),
                    "{other}"
                );
            }
            let (message, signature) = fine.rsplit_once('.').unwrap();
            let forged = format!(
                "{}.{signature}",
                message.replace(&encode(&claims(json!({}))), &encode(&claims(json!({"sub": "1"}))))
            );
            assert!(judge_at(&verifier, &forged, NOW).await.is_err());
        }
    }

    /// The example keys and signatures of RFC 7515 A.2 and A.3: the message, and the same with one letter changed.
    #[test]
    fn published_examples() {
        let rsa = json!({"keys": [{"kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]});
        let rsa = ForeignKeys::from_jwks(&rsa.to_string()).unwrap();
        let message = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let signature = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
        check(&rsa, "RS256", message, signature);
        let ec = json!({"keys": [{"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]});
        let ec = ForeignKeys::from_jwks(&ec.to_string()).unwrap();
        let message = message.replace("eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJFUzI1NiJ9");
        let signature =
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        check(&ec, "ES256", &message, signature);
    }

    fn check(keys: &ForeignKeys, alg: &str, message: &str, signature: &str) {
        let key = keys.find(None, alg).unwrap();
        let mut signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verifies(message.as_bytes(), &signature), "{alg}");
        assert!(!key.verifies(message.to_uppercase().as_bytes(), &signature));
        signature[5] ^= 1;
        assert!(!key.verifies(message.as_bytes(), &signature));
        assert!(!key.verifies(message.as_bytes(), &[]));
    }
}
