use std::fmt;

/// A user's data key, encrypted under a key-encryption key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrappedKey {
    /// Which key-encryption key it needs.
    pub kek: String,
    /// Which of the user's keys it is, from 1. Ciphertexts name it in their header.
    pub generation: u32,
    /// The provider's own format.
    pub bytes: Vec<u8>,
}

impl WrappedKey {
    /// Puts a wrapped key together.
    pub fn new(kek: impl Into<String>, generation: u32, bytes: Vec<u8>) -> WrappedKey {
        WrappedKey { kek: kek.into(), generation, bytes }
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WrappedKey")
            .field("kek", &self.kek)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
