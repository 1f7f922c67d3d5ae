//! TLS: which certificate, and what can be wrong with that.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{Origin, Problem};

const CERT_FILE: &str = "server.tls.cert_file";
const KEY_FILE: &str = "server.tls.key_file";

/// The server's own TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsConfig {
    /// The chain of certificates in PEM; empty for plain connections.
    pub cert_file: PathBuf,
    /// Its key in PEM.
    pub key_file: PathBuf,
    /// For how long browsers are told to come with nothing but TLS; zero tells them nothing.
    pub hsts: Duration,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self { cert_file: PathBuf::new(), key_file: PathBuf::new(), hsts: Duration::from_hours(180 * 24) }
    }
}

impl TlsConfig {
    /// Tells whether connections are to be encrypted.
    pub fn is_on(&self) -> bool {
        !self.cert_file.as_os_str().is_empty()
    }

    /// Finds what does not fit together, at the key that somebody gave.
    pub(super) fn problems(&self, origins: &BTreeMap<&str, Origin>) -> Option<Problem> {
        if self.is_on() != self.key_file.as_os_str().is_empty() {
            return None;
        }
        let origin = origins.get(CERT_FILE).or(origins.get(KEY_FILE))?.clone();
        let message = "server.tls.cert_file and server.tls.key_file belong together; give both".to_owned();
        Some(Problem { origin, message })
    }
}
