use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use mvchat_core::builtin::token::{TokenError, TokenSigner};
use mvchat_core::seam::keys::{SecretKey, TokenKey, TokenKeyState, TokenKeys};
use serde_json::Value;
use sha2::Sha256;
use std::sync::LazyLock;

/// The time at which tokens are looked at, in Unix seconds.
const NOW: i64 = 1_800_000_000;
/// Keys as random ones are.
const SECRET: [u8; 32] = *b"\x93\x1f\xa2\x08\x5c\xe7\x41\xd6\xb9\x02\x7a\xcc\x35\xf0\x64\x8e\x11\xd8\x9b\x27\xfe\x50\x83\x6d\xc4\x3a\x09\xe5\x72\xbf\x16\xa8";

static SIGNER: LazyLock<TokenSigner> = LazyLock::new(|| {
    let secret = SecretKey::from_slice(&SECRET).unwrap();
    let key = TokenKey::new("k1", secret, TokenKeyState::Active);
    TokenSigner::new(TokenKeys::new(vec![key]).unwrap(), "mvchat", "chat")
});

/// An access token. The input is tried as it is, and, cut at its first line feed, as the JSON of a header and of claims
/// that somebody signs who knows the key.
///
/// * What nobody signed is never accepted.
/// * What is accepted has exactly the header that is asked for, and claims of the right issuer, audience and time.
/// * Accepted claims, signed by us, are accepted as the same.
pub fn token(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(claims) = SIGNER.verify(text, NOW) {
        // Nobody makes up a signature; the corpus has tokens that were signed with the key.
        assert!(signed(text), "{claims:?}");
    }
    let (header, claims) = text.split_once('\n').unwrap_or((text, ""));
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag(&message)));
    for at in [NOW, i64::MIN, i64::MAX] {
        let Ok(read) = SIGNER.verify(&token, at) else { continue };
        assert!(token.len() <= 4_096);
        assert_eq!((read.iss.as_str(), read.aud.as_str()), ("mvchat", "chat"));
        assert!(read.exp > at && read.iat <= at.saturating_add(60), "{read:?}");
        let header: Value = serde_json::from_str(header).expect("a header is JSON");
        assert_eq!(header, serde_json::json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}));
        let claims: Value = serde_json::from_str(claims).expect("claims are JSON");
        assert_eq!(claims["sub"], read.sub.to_string());
        assert_eq!(claims["sid"], read.sid.to_string());
        let again = SIGNER.sign(&read);
        assert_eq!(SIGNER.verify(&again, at), Ok(read.clone()));
        assert_eq!(SIGNER.verify(&again, read.exp), Err(TokenError::Expired));
    }
}

fn signed(token: &str) -> bool {
    token.rsplit_once('.').is_some_and(|(message, tag)| URL_SAFE_NO_PAD.encode(self::tag(message)) == tag)
}

fn tag(message: &str) -> Vec<u8> {
    let hmac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    hmac.chain_update(message).finalize().into_bytes().to_vec()
}
