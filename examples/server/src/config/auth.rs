//! Accounts and tokens: who may log in, and how.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use super::{Network, Origin, Problem};

/// The path of the key that turns foreign tokens on.
const ISSUER: &str = "auth.jwt.issuer";
const AUDIENCE: &str = "auth.jwt.audience";
const KEYS_FILE: &str = "auth.jwt.keys_file";
const PASSWORDS: &str = "auth.passwords";

/// Accounts and tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuthConfig {
    /// How long a token is good for.
    pub token_lifetime: Duration,
    /// How long an access token is good for that a refresh token renews; zero for tokens that renew themselves.
    pub access_lifetime: Duration,
    /// Whether tokens may stand in the address of a WebSocket.
    pub query_token: bool,
    /// The shortest user name, in characters.
    pub min_login_length: usize,
    /// The shortest password, in characters.
    pub min_password_length: usize,
    /// Whether people sign up and log in with passwords.
    pub passwords: bool,
    /// How long the account of a guest lasts; zero lets in none.
    pub guests: Duration,
    /// What somebody else calls the users, for tokens and for the header.
    pub naming: NamingKind,
    /// Tokens that somebody else issues.
    pub jwt: JwtConfig,
    /// A header that a proxy sets.
    pub header: HeaderConfig,
}

/// What somebody else calls the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NamingKind {
    /// Any text, from which the id of the account is made.
    #[default]
    Text,
    /// A UUID that is the id of the account.
    Uuid,
}

/// Tokens that somebody else issues, for the scheme `jwt`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct JwtConfig {
    /// The claim `iss` that they must have; empty for none of them.
    pub issuer: String,
    /// The claim `aud` that they must have.
    pub audience: String,
    /// The file with the issuer's keys.
    pub keys_file: PathBuf,
}

/// A header that a proxy sets, for the scheme `header`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeaderConfig {
    /// Its name; empty for none.
    pub name: String,
    /// The proxies that are believed.
    pub trusted: Vec<Network>,
}

impl Default for HeaderConfig {
    fn default() -> Self {
        let trusted = ["127.0.0.0/8", "::1/128"].iter().filter_map(|text| text.parse().ok()).collect();
        Self { name: String::new(), trusted }
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self {
            token_lifetime: Duration::from_hours(14 * 24),
            access_lifetime: Duration::ZERO,
            query_token: false,
            min_login_length: 4,
            min_password_length: 8,
            passwords: true,
            guests: Duration::ZERO,
            naming: NamingKind::default(),
            jwt: JwtConfig::default(),
            header: HeaderConfig::default(),
        }
    }
}

impl AuthConfig {
    /// Finds what does not fit together, each at the key that somebody gave.
    pub(super) fn problems(&self, origins: &BTreeMap<&str, Origin>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |keys: &[&str], message: &str| {
            if let Some(origin) = keys.iter().find_map(|key| origins.get(key)) {
                problems.push(Problem { origin: origin.clone(), message: message.to_owned() });
            }
        };
        let given = [
            !self.jwt.issuer.is_empty(),
            !self.jwt.audience.is_empty(),
            !self.jwt.keys_file.as_os_str().is_empty(),
        ];
        if given.contains(&true) && given.contains(&false) {
            let message =
                "auth.jwt.issuer, auth.jwt.audience and auth.jwt.keys_file belong together; give all three";
            add(&[ISSUER, AUDIENCE, KEYS_FILE], message);
        }
        let others = given[0] || !self.header.name.is_empty() || !self.guests.is_zero();
        if !self.passwords && !others {
            add(
                &[PASSWORDS],
                "nobody could log in: give auth.jwt, auth.header or auth.guests, or leave this out",
            );
        }
        problems
    }
}
