//! The one table of how often something may be done.

#[cfg(feature = "server")]
use super::Rate;
#[cfg(feature = "server")]
use super::rate::{DEFAULT, THIRTY_A_MINUTE};
use crate::wire::{Read, Reader, Write};

/// The rows of a server's table, in their order, which names them.
///
/// Only servers keep them: without the feature `server` the rows of a `hi` reply are passed over, because a client
/// paces itself by the time that a refusal says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "server"), derive(Default))]
pub struct Rates {
    #[cfg(feature = "server")]
    rows: Vec<Rate>,
}

impl Rates {
    /// Returns a table without rows.
    pub const fn none() -> Self {
        Self {
            #[cfg(feature = "server")]
            rows: Vec::new(),
        }
    }

    /// Returns the default table, and at most 30 messages of a user in every minute.
    pub(super) fn mrezhen() -> Self {
        Self {
            #[cfg(feature = "server")]
            rows: DEFAULT.into_iter().chain([THIRTY_A_MINUTE]).collect(),
        }
    }
}

#[cfg(feature = "server")]
impl Default for Rates {
    fn default() -> Self {
        Self { rows: DEFAULT.to_vec() }
    }
}

#[cfg(feature = "server")]
impl From<Vec<Rate>> for Rates {
    fn from(rows: Vec<Rate>) -> Self {
        Self { rows }
    }
}

#[cfg(feature = "server")]
impl std::ops::Deref for Rates {
    type Target = Vec<Rate>;

    fn deref(&self) -> &Self::Target {
        &self.rows
    }
}

#[cfg(feature = "server")]
impl std::ops::DerefMut for Rates {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.rows
    }
}

impl Read for Rates {
    fn blank() -> Self {
        Self::none()
    }

    /// Reads the rows that this version knows: a newer server may have others.
    fn read(&mut self, reader: &mut Reader<'_>) -> bool {
        let Some(_text) = reader.any() else { return false };
        #[cfg(feature = "server")]
        {
            let rows = serde_json::from_str::<Vec<serde_json::Value>>(_text).unwrap_or_default();
            self.rows = rows.into_iter().filter_map(|row| serde_json::from_value(row).ok()).collect();
        }
        true
    }
}

impl Write for Rates {
    fn write(&self, out: &mut String) {
        #[cfg(feature = "server")]
        if let Ok(text) = serde_json::to_string(&self.rows) {
            return out.push_str(&text);
        }
        out.push_str("[]");
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use crate::proto::{Act, Limits, Rate, RateKey};
    use serde_json::json;

    #[test]
    fn a_row_is_the_same_after_the_wire() {
        let limits = Limits::mrezhen();
        let wire = serde_json::to_value(&limits).unwrap();
        assert_eq!(
            wire["rates"][1],
            json!({"act": "send", "key": "user", "bucket": {"burst": 20, "every": 100}})
        );
        assert_eq!(serde_json::from_value::<Limits>(wire).unwrap(), limits);
    }

    #[test]
    fn rows_of_a_newer_server_are_passed_over() {
        let rows = json!({"rates": [
            {"act": "teleport", "key": "user", "bucket": {"burst": 1, "every": 1}},
            {"act": "send", "key": "user", "spiral": {}},
            {"act": "send", "key": "user", "window": {"max": 2, "per": 3}, "new": true},
        ]});
        let limits: Limits = serde_json::from_value(rows).unwrap();
        assert_eq!(*limits.rates, [Rate::window(Act::Send, RateKey::User, 2, 3)]);
    }
}
