use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Params, PasswordHash, Version};

use super::PasswordError;

/// What one hash costs.
///
/// # Defaults
/// 19,456 KiB, 2 iterations, 1 lane: the least that OWASP's password storage sheet accepts; 20 to 60 ms of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PasswordParams {
    /// Memory, in KiB: at least 8 per lane, at most 1,048,576.
    pub memory_kib: u32,
    /// Passes over the memory: 1 to 64.
    pub iterations: u32,
    /// Lanes: 1 to 64. They are computed one after the other.
    pub lanes: u32,
}

impl PasswordParams {
    /// Chooses all three. [`Passwords::new`](super::Passwords::new) checks the bounds.
    pub const fn new(memory_kib: u32, iterations: u32, lanes: u32) -> PasswordParams {
        PasswordParams { memory_kib, iterations, lanes }
    }

    /// The least that Argon2 can do: a fraction of a millisecond. For tests and demonstrations only, since hashes made
    /// with it are quickly guessed.
    pub const fn insecurely_fast() -> PasswordParams {
        PasswordParams::new(8, 1, 1)
    }

    /// Reads the parameters of a stored hash. They come from a database, so they are bounded like any input.
    pub(super) fn of(hash: &PasswordHash) -> Result<PasswordParams, PasswordError> {
        let known = hash.algorithm == ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into());
        let read = Params::try_from(hash).map_err(|_| PasswordError::Corrupt)?;
        let sized = hash.hash.is_some_and(|hash| hash.len() == Params::DEFAULT_OUTPUT_LEN);
        if !known || !sized || hash.salt.is_none() {
            return Err(PasswordError::Corrupt);
        }
        let params = PasswordParams::new(read.m_cost(), read.t_cost(), read.p_cost());
        params.check().map_err(|_| PasswordError::Corrupt)?;
        Ok(params)
    }

    pub(super) fn check(&self) -> Result<(), PasswordError> {
        let bounded = (1..=64).contains(&self.lanes)
            && (1..=64).contains(&self.iterations)
            && (8 * self.lanes..=1 << 20).contains(&self.memory_kib);
        if bounded { Ok(()) } else { Err(PasswordError::Params) }
    }

    /// Returns how much there is to do: KiB times passes.
    pub(super) fn work(&self) -> u64 {
        u64::from(self.memory_kib) * u64::from(self.iterations)
    }

    pub(super) fn argon2(&self) -> Result<Argon2<'static>, PasswordError> {
        self.check()?;
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, None);
        let params = params.map_err(|_| PasswordError::Params)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for PasswordParams {
    fn default() -> PasswordParams {
        PasswordParams::new(19_456, 2, 1)
    }
}
