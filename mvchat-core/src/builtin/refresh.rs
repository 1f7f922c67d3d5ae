//! Refresh tokens: what a client shows to get a fresh access token, once each.
//!
//! ```text
//! mvr_ base64url( session id (16) ‖ random (32) ‖ tag (16) )
//! ```
//! The tag is the beginning of an HMAC of what stands before it, so whoever knows a session's id can't make up a token that
//! looks as if it had been given out for it. Only a keyed hash of a token is kept.

use crate::builtin::keys::Keys;
use crate::policy::RefreshHash;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// What a refresh token begins with, so that it is told from an access token, also by who searches for leaked ones.
const PREFIX: &str = "mvr_";
const ID: usize = 16;
const SECRET: usize = 32;
const TAG: usize = 16;

/// A refresh token that was given out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    /// For which session.
    pub(crate) session: Uuid,
    /// By what it is known.
    pub(crate) hash: RefreshHash,
}

impl RefreshToken {
    /// Makes a token of entropy; returns it as its holder gets it, too.
    pub(crate) fn mint(keys: &Keys, session: Uuid, secret: &[u8; SECRET]) -> (Self, String) {
        let tag = tag(keys, session.as_bytes(), secret);
        let bytes = [&session.as_bytes()[..], secret, &tag].concat();
        let text = PREFIX.to_owned() + &URL_SAFE_NO_PAD.encode(&bytes);
        (Self { session, hash: hash(keys, &bytes) }, text)
    }

    /// Tells a refresh token from an access token.
    pub(crate) fn is_one(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Reads a token; `None` if this ring has never made it.
    pub(crate) fn read(keys: &Keys, text: &str) -> Option<Self> {
        let bytes: [u8; ID + SECRET + TAG] =
            URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?.try_into().ok()?;
        let (id, rest) = bytes.split_first_chunk::<ID>()?;
        let (secret, told) = rest.split_first_chunk::<SECRET>()?;
        let made = tag(keys, id, secret).as_slice().ct_eq(told);
        bool::from(made).then(|| Self { session: Uuid::from_bytes(*id), hash: hash(keys, &bytes) })
    }
}

fn tag(keys: &Keys, id: &[u8; ID], secret: &[u8; SECRET]) -> [u8; TAG] {
    let mac = keys.mac("refresh token", &[id, secret]);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&mac[..TAG]);
    tag
}

fn hash(keys: &Keys, bytes: &[u8]) -> RefreshHash {
    keys.mac("refresh token hash", &[bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_was_made_and_no_other_is() {
        let (keys, session) = (Keys::ephemeral(), Uuid::from_u128(7));
        let (token, text) = RefreshToken::mint(&keys, session, &[5; 32]);
        assert!(RefreshToken::is_one(&text) && text.len() == 90);
        assert_eq!(RefreshToken::read(&keys, &text), Some(token));
        assert_eq!(token.session, session);
        let (other, another) = RefreshToken::mint(&keys, session, &[6; 32]);
        assert!(other.hash != token.hash && another != text);
        assert_eq!(RefreshToken::read(&Keys::ephemeral(), &text), None, "of another ring");
        for at in PREFIX.len()..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(RefreshToken::read(&keys, &forged), None, "byte {at} is another");
        }
        for wrong in ["", "mvr_", "a.b.c", &text[..89], &format!("{text}A"), &text.replace("mvr_", "")] {
            assert_eq!(RefreshToken::read(&keys, wrong), None, "{wrong}");
        }
    }
}
