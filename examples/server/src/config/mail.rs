//! Mail: through which server, and what can be wrong with that.

use std::{collections::BTreeMap, fmt, net::IpAddr, path::PathBuf, time::Duration};

use lettre::message::Mailbox;

use super::{Origin, Problem};

/// The path of the key that turns mail on.
pub(super) const HOST: &str = "mail.host";
const FROM: &str = "mail.from";
const USER: &str = "mail.user";
const PASSWORD_FILE: &str = "mail.password_file";

/// The server that takes mail for delivery.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MailConfig {
    /// Its name; without one no mail is sent.
    pub host: String,
    /// Its port; 0 is the usual one of the way it is reached.
    pub port: u16,
    /// How the way to it is protected.
    pub tls: MailTls,
    /// The user to log in as; empty for none.
    pub user: String,
    /// That user's password.
    pub password: String,
    /// A file with the password instead; empty for none.
    pub password_file: PathBuf,
    /// Whom mail is from: `chat@example.org`, or `Example Chat <chat@example.org>`.
    pub from: String,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long a mail is tried again before it is given up.
    pub retry_for: Duration,
}

/// How the way to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum MailTls {
    /// A plain connection that must be upgraded before anything is said, on port 587 (RFC 3207).
    #[default]
    StartTls,
    /// TLS from the first byte, on port 465 (RFC 8314).
    Wrapped,
    /// Not at all, on port 25: for a server on the same machine or in the same network.
    None,
}

impl Default for MailConfig {
    fn default() -> Self {
        Self {
            host: String::new(),
            port: 0,
            tls: MailTls::default(),
            user: String::new(),
            password: String::new(),
            password_file: PathBuf::new(),
            from: String::new(),
            timeout: Duration::from_secs(30),
            retry_for: Duration::from_hours(4),
        }
    }
}

impl fmt::Debug for MailConfig {
    /// Shows whether there is a password, but not which.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let password = if self.password.is_empty() { "none" } else { "(hidden)" };
        f.debug_struct("MailConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls)
            .field("user", &self.user)
            .field("password", &password)
            .field("password_file", &self.password_file)
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .field("retry_for", &self.retry_for)
            .finish()
    }
}

impl MailConfig {
    /// Finds what does not fit together, each at the key that somebody gave.
    pub(super) fn problems(&self, origins: &BTreeMap<&str, Origin>) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut add = |keys: &[&str], message: &str| {
            if let Some(origin) = keys.iter().find_map(|key| origins.get(key)) {
                problems.push(Problem { origin: origin.clone(), message: message.to_owned() });
            }
        };
        if self.host.is_empty() {
            return problems;
        }
        if self.from.parse::<Mailbox>().is_err() {
            add(&[FROM, HOST], "mail.from must be an address such as Example Chat <chat@example.org>");
        }
        if !self.password.is_empty() && !self.password_file.as_os_str().is_empty() {
            add(&[PASSWORD_FILE], "mail.password and mail.password_file are given both; leave one out");
        }
        if self.tls == MailTls::None && !self.user.is_empty() && !self.is_near() {
            add(&[USER], "mail.tls is none, so that the password would cross the network for all to see");
        }
        problems
    }

    /// Whether the mail server is on this machine.
    fn is_near(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
    }
}
