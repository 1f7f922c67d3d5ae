use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What may be known of a key of a ring: everything but the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct KeyInfo {
    /// Names it.
    pub id: String,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Where it stands in its life.
    pub state: KeyState,
    /// When it was made.
    pub created: Timestamp,
    /// When it came into its state.
    pub changed: Timestamp,
}

/// What a key of a ring is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum KeyPurpose {
    /// It wraps users' data keys.
    Wrap,
    /// It signs access tokens.
    Sign,
}

/// Where a key of a ring stands in its life, which goes one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum KeyState {
    /// It wraps and unwraps, or signs and verifies. One key of each purpose is active.
    Active,
    /// It unwraps, or verifies, until nothing needs it any more.
    DecryptOnly,
    /// Nothing needs it. One that wraps still unwraps, in case something does.
    Retired,
    /// It is gone; its name stays, so that it is known that it was there.
    Destroyed,
}

impl KeyInfo {
    /// Puts it together.
    pub fn new(
        id: impl Into<String>,
        purpose: KeyPurpose,
        state: KeyState,
        created: Timestamp,
        changed: Timestamp,
    ) -> KeyInfo {
        KeyInfo { id: id.into(), purpose, state, created, changed }
    }
}
