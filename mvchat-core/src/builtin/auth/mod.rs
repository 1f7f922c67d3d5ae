//! Authenticators: who a connection speaks for, by the host's word, by a header, or by a foreign token.

mod foreign_jwt;
mod header;
mod host;
mod jwk;

#[cfg(test)]
mod tests;
#[cfg(all(test, feature = "jwt-public-keys"))]
mod wycheproof;

pub use foreign_jwt::ForeignJwt;
pub use header::TrustedHeader;
pub use host::HostPrincipal;
pub use jwk::{BadKeys, ForeignKeys};
