use std::sync::Arc;

use super::{KeyError, SecretKey};

/// The keys of access tokens: one signs, some more verify. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TokenKeys(Arc<[TokenKey]>);

/// One key of [`TokenKeys`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TokenKey {
    /// Names the key in a token's header: 1–64 of `A–Z a–z 0–9 . _ -`.
    pub kid: String,
    /// The HMAC key.
    pub secret: SecretKey,
    /// What it may do.
    pub state: TokenKeyState,
}

/// What a [`TokenKey`] may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenKeyState {
    /// Signs and verifies.
    Active,
    /// Verifies tokens that live on after a rotation.
    Verify,
    /// Does nothing any more.
    Retired,
}

impl TokenKeys {
    /// Makes a set of token keys.
    ///
    /// # Errors
    /// `Corrupt` unless exactly one key is active, every `kid` is well-formed, and no `kid` or key appears twice.
    pub fn new(keys: Vec<TokenKey>) -> Result<TokenKeys, KeyError> {
        for (i, key) in keys.iter().enumerate() {
            check_id(&key.kid)?;
            if keys[..i].iter().any(|other| other.kid == key.kid || other.secret == key.secret) {
                return Err(KeyError::corrupt(format!("signing key {} appears twice", key.kid)));
            }
        }
        if keys.iter().filter(|key| key.state == TokenKeyState::Active).count() != 1 {
            return Err(KeyError::corrupt("exactly one signing key must be active"));
        }
        Ok(TokenKeys(keys.into()))
    }

    /// Returns the key that signs.
    pub(crate) fn active(&self) -> &TokenKey {
        // `new` made sure that one key is active, and nothing changes the set afterwards.
        #[expect(clippy::expect_used, reason = "a set without an active key cannot be made")]
        self.0.iter().find(|key| key.state == TokenKeyState::Active).expect("one key is active")
    }

    /// Returns the key of that name if it may verify.
    pub(crate) fn verifying(&self, kid: &str) -> Option<&TokenKey> {
        self.0.iter().find(|key| key.kid == kid && key.state != TokenKeyState::Retired)
    }
}

impl TokenKey {
    /// Puts a key together.
    pub fn new(kid: impl Into<String>, secret: SecretKey, state: TokenKeyState) -> TokenKey {
        TokenKey { kid: kid.into(), secret, state }
    }
}

/// Refuses key ids that could not stand in a file name, a header or a log line as they are.
pub(crate) fn check_id(id: &str) -> Result<(), KeyError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if (1..=64).contains(&id.len()) && id.bytes().all(plain) {
        return Ok(());
    }
    Err(KeyError::corrupt("a key id must be 1 to 64 of the characters A-Z a-z 0-9 . _ -"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str, state: TokenKeyState) -> TokenKey {
        TokenKey::new(kid, SecretKey::generate().unwrap(), state)
    }

    #[test]
    fn only_sound_sets_exist() {
        use TokenKeyState::{Active, Retired, Verify};
        let twin = key("a", Active);
        let same_secret = TokenKey::new("b", twin.secret.clone(), Verify);
        for unsound in [
            vec![],
            vec![key("a", Verify)],
            vec![key("a", Active), key("b", Active)],
            vec![key("a", Active), key("a", Retired)],
            vec![twin, same_secret],
            vec![key("", Active)],
            vec![key("a b", Active)],
            vec![key(&"a".repeat(65), Active)],
        ] {
            assert!(TokenKeys::new(unsound).is_err());
        }
        let keys = TokenKeys::new(vec![key("a", Verify), key("b", Active), key("c", Retired)]).unwrap();
        assert_eq!(keys.active().kid, "b");
        assert!(keys.verifying("a").is_some() && keys.verifying("b").is_some());
        assert!(keys.verifying("c").is_none() && keys.verifying("d").is_none());
    }
}
