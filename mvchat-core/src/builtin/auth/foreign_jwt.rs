use super::ForeignKeys;
use crate::seam::{Attempt, AuthError, Authenticator, Naming, Principal};
use crate::time::Timestamp;
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use std::fmt;
use std::sync::Arc;

/// Lets in whom another issuer's JSON Web Token names (RFC 7519): `{"login":{"scheme":"jwt","secret":"<token>"}}`.
///
/// The token must be signed with one of the issuer's keys, with the algorithm that belongs to the key; `iss` must be
/// the issuer, `aud` the audience or a list with it, `sub` names the user, `exp` must be there and in the future, `nbf`
/// and `iat` must not be (ten seconds of skew allowed). Headers that point to keys or extend the format are refused.
/// The claim `name` becomes the display name of a new account. The session ends with the token.
///
/// Cheap to clone; clones share the keys.
#[derive(Clone)]
pub struct ForeignJwt {
    scheme: String,
    issuer: String,
    audience: String,
    naming: Naming,
    keys: Arc<RwLock<ForeignKeys>>,
}

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 8_192;
/// How far the issuer's clock may be ahead, in seconds.
const MAX_AHEAD: i64 = 10;

impl ForeignJwt {
    /// Trusts an issuer's tokens that are meant for an audience. Users are named by `sub`, which is a text of the
    /// issuer's own: see [`naming`](Self::naming).
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>, keys: ForeignKeys) -> Self {
        let issuer = issuer.into();
        let naming = Naming::External(issuer.clone());
        let keys = Arc::new(RwLock::new(keys));
        Self { scheme: "jwt".to_owned(), issuer, audience: audience.into(), naming, keys }
    }

    /// Sets the scheme, for example if there are several issuers.
    #[must_use]
    pub fn scheme_name(mut self, scheme: impl Into<String>) -> Self {
        self.scheme = scheme.into();
        self
    }

    /// Sets what `sub` is: by default a text that names a user among those of this issuer.
    #[must_use]
    pub fn naming(mut self, naming: Naming) -> Self {
        self.naming = naming;
        self
    }

    /// Replaces the keys: after the issuer has rotated its own.
    pub fn replace_keys(&self, keys: ForeignKeys) {
        *self.keys.write() = keys;
    }

    fn judge(&self, token: &str, now: i64) -> Result<Principal, AuthError> {
        let claims: Claims = self.signed(token).and_then(decode).ok_or(AuthError::Refused)?;
        let foreign = claims.iss != self.issuer || !claims.aud.has(&self.audience);
        let later = |at: Option<f64>| at.is_some_and(|at| seconds(at) > now.saturating_add(MAX_AHEAD));
        if foreign || later(claims.nbf) || later(claims.iat) {
            return Err(AuthError::Refused);
        }
        let user = self.naming.user(&claims.sub).ok_or(AuthError::Refused)?;
        let end = seconds(claims.exp);
        if now >= end {
            return Err(AuthError::Expired);
        }
        let principal = Principal::new(user);
        let principal = match claims.name.filter(|name| name.len() <= 255) {
            Some(name) => principal.named(&name),
            None => principal,
        };
        Ok(match end.checked_mul(1_000_000) {
            Some(end) => principal.until(Timestamp::from_micros(end)),
            None => principal,
        })
    }

    /// Returns the part of a token that holds its claims, if an issuer's key has signed it.
    pub(super) fn signed<'a>(&self, token: &'a str) -> Option<&'a str> {
        if token.len() > MAX_TOKEN {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Header = decode(header)?;
        let typed = header.typ.as_deref().is_none_or(|typ| {
            ["jwt", "at+jwt", "application/at+jwt"].iter().any(|known| typ.eq_ignore_ascii_case(known))
        });
        if !typed || header.extends() {
            return None;
        }
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let keys = self.keys.read();
        let key = keys.find(header.kid.as_deref(), &header.alg)?;
        key.verifies(message.as_bytes(), &signature).then_some(claims)
    }
}

impl fmt::Debug for ForeignJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignJwt")
            .field("scheme", &self.scheme)
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Authenticator for ForeignJwt {
    fn scheme(&self) -> &str {
        &self.scheme
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Principal, AuthError> {
        self.judge(attempt.secret, attempt.now.as_secs())
    }
}

/// What is honoured of a header, and what makes it be refused: it would name a key of the sender's, or change what the
/// token means.
#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
    b64: Option<IgnoredAny>,
    zip: Option<IgnoredAny>,
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
    x5c: Option<IgnoredAny>,
}

impl Header {
    fn extends(&self) -> bool {
        let all = [&self.crit, &self.b64, &self.zip, &self.jku, &self.jwk, &self.x5u, &self.x5c];
        all.iter().any(|one| one.is_some())
    }
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    /// Times may have fractions (RFC 7519 §2).
    exp: f64,
    nbf: Option<f64>,
    iat: Option<f64>,
    name: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn has(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

/// Cuts fractions off; what no clock will ever show is the last second there is.
fn seconds(at: f64) -> i64 {
    at as i64
}

/// Decodes canonical base64 of a JSON object.
fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(&json).ok()
}
