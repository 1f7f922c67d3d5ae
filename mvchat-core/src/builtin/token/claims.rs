use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use uuid::Uuid;

/// What an access token says. All of it is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Claims {
    /// Who issued the token.
    pub iss: String,
    /// For whom it was issued.
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The session row that must still exist.
    pub sid: Uuid,
    /// When it was issued, in Unix seconds.
    pub iat: i64,
    /// From when on it is refused, in Unix seconds.
    pub exp: i64,
    /// The token itself.
    pub jti: Uuid,
}

/// Claims as they arrive: with what is honoured but never issued. Unknown claims are ignored, as RFC 7519 §4 asks.
#[derive(Deserialize)]
pub(super) struct WireClaims {
    pub(super) iss: String,
    pub(super) aud: String,
    #[serde(deserialize_with = "canonical")]
    sub: Uuid,
    #[serde(deserialize_with = "canonical")]
    sid: Uuid,
    pub(super) iat: i64,
    pub(super) exp: i64,
    #[serde(default, deserialize_with = "present")]
    pub(super) nbf: Option<i64>,
    #[serde(deserialize_with = "canonical")]
    jti: Uuid,
}

impl From<WireClaims> for Claims {
    fn from(wire: WireClaims) -> Claims {
        let WireClaims { iss, aud, sub, sid, iat, exp, nbf: _, jti } = wire;
        Claims { iss, aud, sub, sid, iat, exp, jti }
    }
}

/// Accepts the one spelling that we write; the uuid crate reads four.
fn canonical<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uuid, D::Error> {
    let text = String::deserialize(deserializer)?;
    let id = Uuid::try_parse(&text).map_err(D::Error::custom)?;
    if id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) != text.as_str() {
        return Err(D::Error::custom("not in canonical form"));
    }
    Ok(id)
}

/// Refuses `null`: a claim that is there must say something.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    i64::deserialize(deserializer).map(Some)
}
