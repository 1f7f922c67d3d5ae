use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{KeyError, KeyErrorKind};

/// 256 secret bits. Wiped when dropped; `Debug` shows nothing of them.
///
/// One that exists is not obviously weak: foreign bytes enter through [`SecretKey::from_slice`] only.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<[u8; 32]>);

impl SecretKey {
    /// Draws a key from the operating system's generator.
    ///
    /// # Errors
    /// `Unavailable` when the generator fails.
    pub fn generate() -> Result<SecretKey, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(bytes.as_mut())?;
        Ok(SecretKey(bytes))
    }

    /// Takes a key from outside.
    ///
    /// # Errors
    /// `WeakKey` when it is not exactly 32 bytes, or could not have come from a random generator: few different
    /// bytes, an even progression, or text that somebody typed.
    pub fn from_slice(bytes: &[u8]) -> Result<SecretKey, KeyError> {
        let weak = |why: &'static str| Err(KeyError::new(KeyErrorKind::WeakKey, why));
        let Ok(key) = <[u8; 32]>::try_from(bytes) else {
            return weak("a key must be exactly 32 bytes long");
        };
        let key = SecretKey(Zeroizing::new(key));
        // Each refusal below hits a random key with a probability under 2^-45.
        if distinct_bytes(bytes) < 12 {
            return weak("a key must be random: this one repeats few bytes");
        }
        if bytes.windows(2).all(|pair| pair[1].wrapping_sub(pair[0]) == bytes[1].wrapping_sub(bytes[0])) {
            return weak("a key must be random: this one counts");
        }
        if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
            return weak("a key must be random: this one is text; generate 32 random bytes instead");
        }
        Ok(key)
    }

    /// Returns the secret bytes. Handle with care: copies are not wiped.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives an independent key: HKDF-SHA256 (RFC 5869) without salt, info = label ‖ 0 ‖ `info`.
    pub(crate) fn derive(&self, label: &'static str, info: &[u8]) -> SecretKey {
        let mut derived = Zeroizing::new([0; 32]);
        let hkdf = Hkdf::<Sha256>::new(None, self.as_bytes());
        // HKDF-SHA256 fails only beyond 255 blocks of 32 bytes; one is asked for.
        #[expect(clippy::expect_used, reason = "one block is within HKDF's bound")]
        hkdf.expand_multi_info(&[label.as_bytes(), &[0], info], derived.as_mut())
            .expect("one block is within HKDF's bound");
        SecretKey(derived)
    }
}

impl PartialEq for SecretKey {
    /// Compares in constant time.
    fn eq(&self, other: &SecretKey) -> bool {
        use subtle::ConstantTimeEq;
        self.0.ct_eq(other.as_bytes()).into()
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// Fills a buffer from the operating system's generator.
pub(crate) fn fill_random(buffer: &mut [u8]) -> Result<(), KeyError> {
    getrandom::fill(buffer).map_err(|e| KeyError::unavailable("the system's entropy source failed", e))
}

fn distinct_bytes(bytes: &[u8]) -> usize {
    let mut seen = [false; 256];
    bytes.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_keys_are_accepted_and_differ() {
        let keys: Vec<_> = (0..200).map(|_| SecretKey::generate().unwrap()).collect();
        for key in &keys {
            assert_eq!(&SecretKey::from_slice(key.as_bytes()).unwrap(), key);
        }
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn weak_keys_are_refused() {
        let counting: Vec<u8> = (0..32).collect();
        let steps: Vec<u8> = (0..32).map(|i: u8| i.wrapping_mul(7).wrapping_add(200)).collect();
        let pattern: Vec<u8> = [0xde, 0xad, 0xbe, 0xef].repeat(8);
        let random = SecretKey::generate().unwrap();
        for weak in [
            &[][..],
            &random.as_bytes()[..31],
            &[random.as_bytes(), &[1][..]].concat(),
            &[0; 32],
            &[255; 32],
            &counting,
            &steps,
            &pattern,
            b"change-me-to-something-secret-00",
            b"0123456789abcdef0123456789abcdef",
            b"your-secret-key-here-minimum-32-",
        ] {
            assert_eq!(SecretKey::from_slice(weak).unwrap_err().kind(), KeyErrorKind::WeakKey, "{weak:?}");
        }
    }

    #[test]
    fn derivation_depends_on_key_label_and_info() {
        let key = SecretKey::generate().unwrap();
        let derived = key.derive("a", b"b");
        assert_eq!(derived, key.derive("a", b"b"));
        assert_ne!(derived, key.derive("a", b"c"));
        assert_ne!(derived, key.derive("ab", b""));
        assert_ne!(derived, SecretKey::generate().unwrap().derive("a", b"b"));
        assert_ne!(derived, key);
    }

    /// RFC 5869 has no case with 32 bytes of key and no salt, so the expected value was computed from the
    /// definition: PRK = HMAC(zeros, key), OKM = HMAC(PRK, info ‖ 1).
    #[test]
    fn derivation_is_hkdf() {
        use hmac::{Hmac, KeyInit, Mac};
        let hmac = |key: &[u8], message: &[u8]| {
            Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(message).finalize().into_bytes()
        };
        let key = SecretKey::generate().unwrap();
        let expected = hmac(&hmac(&[0; 32], key.as_bytes()), b"label\0info\x01");
        assert_eq!(key.derive("label", b"info").as_bytes()[..], expected[..]);
    }

    #[test]
    fn debug_shows_nothing() {
        let key = SecretKey::generate().unwrap();
        assert_eq!(format!("{key:?}"), "SecretKey(…)");
    }
}
