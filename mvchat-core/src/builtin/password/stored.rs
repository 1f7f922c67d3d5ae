//! The forms of stored hashes.

use super::memory::hash_into;
use super::{PasswordError, PasswordParams, Verdict};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A stored hash that can be checked at a bearable price. All of it comes from a database, perhaps a foreign one, so it
/// is bounded like any input.
pub(super) enum Stored {
    /// Argon2id as a PHC string: what is written here.
    Phc(String, PasswordParams),
    /// Argon2id as mvChat2 wrote it: `$argon2id$<salt>$<hash>`, with one choice of parameters for all.
    ThreeParts([u8; 16], [u8; 32]),
    /// bcrypt in its modular form: `$2b$10$` and 53 characters; also `2a` and `2y`, but not the broken `2x`.
    Bcrypt(String),
}

/// What mvChat2 hashed with.
const THREE_PARTS: PasswordParams = PasswordParams::new(65_536, 1, 4);
/// The most work that a stored hash may ask for: memory in KiB times passes over it. 1 GiB in one pass, which is what
/// the dearest profile in common use takes in four passes over 256 MiB.
const MAX_WORK: u64 = 1 << 20;
/// The highest bcrypt cost: about a second of a core.
const MAX_COST: u32 = 14;

impl Stored {
    /// Reads a stored hash. `present` are the parameters in use: what they made may cost what they cost.
    ///
    /// # Errors
    /// `Corrupt`.
    pub(super) fn parse(text: &str, present: PasswordParams) -> Result<Self, PasswordError> {
        let corrupt = PasswordError::Corrupt;
        if text.starts_with("$2") {
            let hash: bcrypt::HashParts = text.parse().map_err(|_| corrupt)?;
            let known = !text.starts_with("$2x") && (4..=MAX_COST).contains(&hash.get_cost());
            return if known { Ok(Self::Bcrypt(text.to_owned())) } else { Err(corrupt) };
        }
        let parts: Vec<_> = text.split('$').collect();
        if let ["", "argon2id", salt, hash] = parts[..] {
            let salt = STANDARD_NO_PAD.decode(salt).ok().and_then(|salt| salt.try_into().ok());
            let hash = STANDARD_NO_PAD.decode(hash).ok().and_then(|hash| hash.try_into().ok());
            return salt.zip(hash).map(|(salt, hash)| Self::ThreeParts(salt, hash)).ok_or(corrupt);
        }
        let hash = PasswordHash::new(text).map_err(|_| corrupt)?;
        let params = PasswordParams::of(&hash)?;
        if params.work() > present.work().max(MAX_WORK) {
            return Err(corrupt);
        }
        Ok(Self::Phc(text.to_owned(), params))
    }

    /// Checks a password. Blocks for as long as the hash takes.
    pub(super) fn verify(&self, password: &[u8], present: PasswordParams) -> Result<Verdict, PasswordError> {
        let right = match self {
            Self::Phc(text, params) => {
                let hash = PasswordHash::new(text).map_err(|_| PasswordError::Corrupt)?;
                let (Some(salt), Some(stored)) = (&hash.salt, &hash.hash) else {
                    return Err(PasswordError::Corrupt);
                };
                let written = Params::try_from(&hash).map_err(|_| PasswordError::Corrupt)?;
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, written);
                let mut made = Zeroizing::new([0; Params::DEFAULT_OUTPUT_LEN]);
                hash_into(&argon2, password, salt, made.as_mut())?;
                let right = bool::from(made.as_slice().ct_eq(stored.as_bytes()));
                return Ok(if right { Verdict::Ok { rehash: *params != present } } else { Verdict::Wrong });
            }
            Self::ThreeParts(salt, hash) => {
                let mut made = Zeroizing::new([0; 32]);
                let argon2 = THREE_PARTS.argon2()?;
                hash_into(&argon2, password, salt, made.as_mut())?;
                bool::from(made.ct_eq(hash))
            }
            // bcrypt itself looks at 72 bytes only. Whoever made the hash did, too, so this must.
            Self::Bcrypt(text) => bcrypt::verify(password, text).map_err(|_| PasswordError::Corrupt)?,
        };
        Ok(if right { Verdict::Ok { rehash: true } } else { Verdict::Wrong })
    }
}
