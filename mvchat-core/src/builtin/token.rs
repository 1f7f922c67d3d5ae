//! Access tokens: JSON Web Tokens (RFC 7519), HS256 only, checked strictly.
//!
//! The `jsonwebtoken` crate gives the header and the signing traits. Its own `encode` and `decode` are not used: they go
//! through a provider that is global to the process, which a library must neither install nor trust, and its checks
//! accept tokens without audience, with unknown critical headers, or a minute after their end.

mod claims;
mod hs256;

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::signature::{Signer as _, Verifier as _};
use jsonwebtoken::{Algorithm, Header};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::claims::WireClaims;
use self::hs256::Hs256;
use crate::builtin::keys::Keys;
use crate::seam::keys::TokenKeys;

pub use self::claims::Claims;

/// Signs and verifies the access tokens of one issuer for one audience. Cheap to clone; never blocks, never looks at a
/// clock.
#[derive(Debug, Clone)]
pub struct TokenSigner {
    keys: TokenSource,
    issuer: String,
    audience: String,
}

/// Where a [`TokenSigner`] has its keys from.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TokenSource {
    /// These, for ever.
    Fixed(TokenKeys),
    /// A ring, as it is each time: what it makes active signs from then on.
    Ring(Keys),
}

impl TokenSource {
    fn now(&self) -> TokenKeys {
        match self {
            Self::Fixed(keys) => keys.clone(),
            Self::Ring(keys) => keys.tokens(),
        }
    }
}

impl From<TokenKeys> for TokenSource {
    fn from(keys: TokenKeys) -> Self {
        Self::Fixed(keys)
    }
}

impl From<Keys> for TokenSource {
    fn from(keys: Keys) -> Self {
        Self::Ring(keys)
    }
}

/// Why a token is refused. Says no more on purpose: the holder of a forged token learns nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The token was valid in every respect, and its time is over.
    #[error("token expired")]
    Expired,
    /// Anything else: malformed, forged, of another issuer, or from the future.
    #[error("token invalid")]
    Invalid,
}

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4096;
/// How far the clock of the node that issued a token may be ahead, in seconds.
const MAX_AHEAD: i64 = 60;

impl TokenSigner {
    /// Makes a signer. `issuer` and `audience` go into every token and are demanded of every token.
    pub fn new(
        keys: impl Into<TokenSource>,
        issuer: impl Into<String>,
        audience: impl Into<String>,
    ) -> TokenSigner {
        TokenSigner { keys: keys.into(), issuer: issuer.into(), audience: audience.into() }
    }

    /// Returns the issuer, for new [`Claims`].
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the audience, for new [`Claims`].
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// Signs claims with the active key.
    pub fn sign(&self, claims: &Claims) -> String {
        let keys = self.keys.now();
        let key = keys.active();
        let header = Header {
            typ: Some("JWT".to_owned()),
            kid: Some(key.kid.clone()),
            ..Header::new(Algorithm::HS256)
        };
        let message = format!("{}.{}", encode_part(&header), encode_part(claims));
        let signature = Hs256::new(&key.secret).sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Checks a token at `now_unix` (seconds) and returns its claims.
    ///
    /// A token is good from its `iat` (a minute of clock skew allowed) and `nbf`, if it has one, until just before `exp`.
    /// Its header must hold `alg: HS256`, `typ: JWT` and a known `kid`, and nothing else. The signature is checked before
    /// any claim is read.
    ///
    /// # Errors
    /// `Expired` when only its time is over, otherwise `Invalid`.
    pub fn verify(&self, token: &str, now_unix: i64) -> Result<Claims, TokenError> {
        let claims = self.signed_claims(token).ok_or(TokenError::Invalid)?;
        let foreign = claims.iss != self.issuer || claims.aud != self.audience;
        let latest_start = now_unix.saturating_add(MAX_AHEAD);
        if foreign || claims.iat > latest_start || claims.nbf.is_some_and(|start| start > now_unix) {
            return Err(TokenError::Invalid);
        }
        let leeway = if bug!(TokenLeeway) { 60 } else { 0 };
        if now_unix >= claims.exp.saturating_add(leeway) {
            return Err(TokenError::Expired);
        }
        Ok(claims.into())
    }

    fn signed_claims(&self, token: &str) -> Option<WireClaims> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: StrictHeader = decode_part(header)?;
        if header.alg != Algorithm::HS256 || header.typ != "JWT" {
            return None;
        }
        let keys = self.keys.now();
        let key = keys.verifying(&header.kid)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Hs256::new(&key.secret).verify(message.as_bytes(), &signature).ok()?;
        decode_part(claims)
    }
}

/// All that a header may hold. A parameter that this code does not know could change what the token means (`crit`) or
/// name a key of the attacker's (`jku`, `jwk`, `x5u`, `x5c`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader {
    alg: Algorithm,
    typ: String,
    kid: String,
}

fn encode_part(part: &impl serde::Serialize) -> String {
    // Headers and claims are flat structs of strings and numbers.
    #[expect(clippy::expect_used, reason = "flat structs of strings and numbers always serialize")]
    let json = serde_json::to_vec(part).expect("flat structs of strings and numbers always serialize");
    URL_SAFE_NO_PAD.encode(json)
}

/// Decodes canonical base64 of a JSON object. serde refuses duplicates of the names it knows, but would take an array
/// for a struct.
fn decode_part<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(&json).ok()
}
