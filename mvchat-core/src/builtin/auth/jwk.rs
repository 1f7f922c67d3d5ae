//! The keys of a foreign issuer (RFC 7517), and what they verify.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::fmt;

/// Public or shared keys that verify tokens. Each key has one algorithm, which follows from the key: `oct` HS256, and
/// with the feature `jwt-public-keys` also `RSA` RS256, `EC` on P-256 ES256, `OKP` with Ed25519 EdDSA.
#[derive(Clone)]
pub struct ForeignKeys(Vec<ForeignKey>);

#[derive(Clone)]
pub(super) struct ForeignKey {
    kid: Option<String>,
    key: Key,
}

#[derive(Clone)]
enum Key {
    Hs256(Hmac<Sha256>),
    #[cfg(feature = "jwt-public-keys")]
    Rs256 {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    #[cfg(feature = "jwt-public-keys")]
    Es256([u8; 65]),
    #[cfg(feature = "jwt-public-keys")]
    EdDsa([u8; 32]),
}

/// A set of keys with nothing in it that could verify a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no usable key: HS256 needs `oct` of 32 bytes and more; RSA, P-256 and Ed25519 need the feature `jwt-public-keys`"
)]
pub struct BadKeys;

/// The shortest shared secret, in bytes (RFC 7518 §3.2).
const MIN_SECRET: usize = 32;

#[derive(Deserialize)]
struct Jwks {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    k: Option<String>,
    #[cfg(feature = "jwt-public-keys")]
    crv: Option<String>,
    #[cfg(feature = "jwt-public-keys")]
    n: Option<String>,
    #[cfg(feature = "jwt-public-keys")]
    e: Option<String>,
    #[cfg(feature = "jwt-public-keys")]
    x: Option<String>,
    #[cfg(feature = "jwt-public-keys")]
    y: Option<String>,
}

impl ForeignKeys {
    /// Takes a shared secret for HS256.
    ///
    /// # Errors
    /// If it has fewer than 32 bytes.
    pub fn shared(secret: &[u8]) -> Result<Self, BadKeys> {
        Ok(Self(vec![ForeignKey { kid: None, key: hs256(secret).ok_or(BadKeys)? }]))
    }

    /// Reads a JSON Web Key Set, as issuers publish it. Keys of kinds or for uses that are not known are left out.
    ///
    /// # Errors
    /// If nothing is left, or it is no key set.
    pub fn from_jwks(json: &str) -> Result<Self, BadKeys> {
        let set: Jwks = serde_json::from_str(json).map_err(|_| BadKeys)?;
        let jwks = set.keys.into_iter().filter_map(|jwk| serde_json::from_value(jwk).ok());
        let keys: Vec<_> = jwks.filter_map(ForeignKey::of).collect();
        if keys.is_empty() { Err(BadKeys) } else { Ok(Self(keys)) }
    }

    /// Returns the key that a header names: the one with its `kid`, or the only one there is.
    pub(super) fn find(&self, kid: Option<&str>, alg: &str) -> Option<&ForeignKey> {
        let mut fits = self.0.iter().filter(|key| key.key.alg() == alg);
        match kid {
            Some(_) => {
                let named = |key: &&ForeignKey| key.kid.as_deref() == kid;
                self.0.iter().filter(|key| key.key.alg() == alg).find(named).or_else(|| self.only(alg))
            }
            None => fits.next().filter(|_| fits.next().is_none()),
        }
    }

    /// A key without a name is meant by every name, if it is alone.
    fn only(&self, alg: &str) -> Option<&ForeignKey> {
        match &self.0[..] {
            [key] if key.kid.is_none() && key.key.alg() == alg => Some(key),
            _ => None,
        }
    }
}

impl fmt::Debug for ForeignKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| (&key.kid, key.key.alg()))).finish()
    }
}

impl ForeignKey {
    fn of(jwk: Jwk) -> Option<Self> {
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return None;
        }
        // RFC 7517 §4.3: a key that says what it is for is for nothing else.
        if jwk.key_ops.as_ref().is_some_and(|all| !all.iter().any(|one| one == "verify")) {
            return None;
        }
        let key = match jwk.kty.as_str() {
            "oct" => hs256(&bytes(jwk.k.as_deref())?)?,
            #[cfg(feature = "jwt-public-keys")]
            "RSA" => Key::Rs256 { n: bytes(jwk.n.as_deref())?, e: bytes(jwk.e.as_deref())? },
            #[cfg(feature = "jwt-public-keys")]
            "EC" if jwk.crv.as_deref() == Some("P-256") => {
                let (x, y) = (bytes(jwk.x.as_deref())?, bytes(jwk.y.as_deref())?);
                let point = [&[4], &x[..], &y[..]].concat();
                Key::Es256(point.try_into().ok().filter(|_| x.len() == 32)?)
            }
            #[cfg(feature = "jwt-public-keys")]
            "OKP" if jwk.crv.as_deref() == Some("Ed25519") => {
                Key::EdDsa(bytes(jwk.x.as_deref())?.try_into().ok()?)
            }
            _ => return None,
        };
        let fits = jwk.alg.is_none_or(|alg| alg == key.alg());
        fits.then_some(Self { kid: jwk.kid, key })
    }

    /// Returns whether the signature is this key's.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.key {
            Key::Hs256(hmac) => hmac.clone().chain_update(message).verify_slice(signature).is_ok(),
            #[cfg(feature = "jwt-public-keys")]
            Key::Rs256 { n, e } => ring::signature::RsaPublicKeyComponents { n, e }
                .verify(&ring::signature::RSA_PKCS1_2048_8192_SHA256, message, signature)
                .is_ok(),
            #[cfg(feature = "jwt-public-keys")]
            Key::Es256(point) => public(&ring::signature::ECDSA_P256_SHA256_FIXED, point, message, signature),
            #[cfg(feature = "jwt-public-keys")]
            Key::EdDsa(point) => public(&ring::signature::ED25519, point, message, signature),
        }
    }
}

impl Key {
    fn alg(&self) -> &'static str {
        match self {
            Self::Hs256(_) => "HS256",
            #[cfg(feature = "jwt-public-keys")]
            Self::Rs256 { .. } => "RS256",
            #[cfg(feature = "jwt-public-keys")]
            Self::Es256(_) => "ES256",
            #[cfg(feature = "jwt-public-keys")]
            Self::EdDsa(_) => "EdDSA",
        }
    }
}

#[cfg(feature = "jwt-public-keys")]
fn public(
    algorithm: &'static dyn ring::signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> bool {
    ring::signature::UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
}

fn hs256(secret: &[u8]) -> Option<Key> {
    let hmac = Hmac::new_from_slice(secret).ok()?;
    (secret.len() >= MIN_SECRET).then_some(Key::Hs256(hmac))
}

fn bytes(text: Option<&str>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}
