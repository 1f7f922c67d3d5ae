//! What a client is made of.

use crate::proto::{Acc, AccDesc, Json, Login, Password, Request, Secret, VERSION};
use std::time::Duration;

/// Who the user is and how the client behaves; where the server is concerns only whoever drives the machine.
///
/// # Defaults
/// Requests fail after 10 s; connecting takes at most 15 s; between attempts 0 to 1 s, doubling up to 30 s,
/// from the start again after 30 s of a working connection; after 25 s of silence a sign of life is asked for,
/// and after 10 more the connection is dead; 1,000 messages are kept per conversation, 1,000 wait in the
/// outbox, 10,000 conversations are known.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ClientConfig {
    /// How to log in.
    pub credentials: Credentials,
    /// The client's name and version, for the list of sessions.
    pub ua: String,
    /// The device's name.
    pub dev: String,
    /// The user's language.
    pub lang: String,
    /// After how long without an answer a request has failed.
    pub request_timeout: Duration,
    /// How long opening a connection may take.
    pub connect_timeout: Duration,
    /// The ceiling of the first wait between two attempts to connect.
    pub backoff_base: Duration,
    /// The ceiling of every wait between two attempts to connect.
    pub backoff_cap: Duration,
    /// How long a connection has to work until the waits begin small again.
    pub stable_after: Duration,
    /// After how much silence a sign of life is asked for.
    pub ping_after: Duration,
    /// How long that sign of life may take.
    pub dead_after: Duration,
    /// The most messages to keep of a conversation: the newest.
    pub max_messages: usize,
    /// The most conversations to keep.
    pub max_conversations: usize,
    /// The most messages that wait to be sent.
    pub max_outbox: usize,
    /// The most requests without an answer.
    pub max_requests: usize,
    /// The largest frame that is read, in bytes; a larger one ends the connection.
    pub max_frame: usize,
    /// The most bytes of live frames that wait while the client catches up.
    pub max_buffered: usize,
}

impl ClientConfig {
    /// Makes the default configuration.
    pub fn new(credentials: Credentials) -> Self {
        Self {
            credentials,
            ua: format!("mvchat-core/{}", env!("CARGO_PKG_VERSION")),
            dev: String::new(),
            lang: String::new(),
            request_timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(15),
            backoff_base: Duration::from_secs(1),
            backoff_cap: Duration::from_secs(30),
            stable_after: Duration::from_secs(30),
            ping_after: Duration::from_secs(25),
            dead_after: Duration::from_secs(10),
            max_messages: 1_000,
            max_conversations: 10_000,
            max_outbox: 1_000,
            max_requests: 256,
            max_frame: 16 * 1024 * 1024,
            max_buffered: 8 * 1024 * 1024,
        }
    }

    /// Names the client, the device and the user's language.
    #[must_use]
    pub fn named(mut self, ua: impl Into<String>, dev: impl Into<String>, lang: impl Into<String>) -> Self {
        (self.ua, self.dev, self.lang) = (ua.into(), dev.into(), lang.into());
        self
    }

    /// The greeting.
    pub(super) fn hi(&self) -> Request {
        let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Request::Hi(crate::proto::Hi {
            ver: said(VERSION),
            ua: said(&self.ua),
            dev: said(&self.dev),
            lang: said(&self.lang),
        })
    }
}

/// How to log in. `Debug` shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Credentials {
    /// With a name and a password.
    Basic {
        /// The user name.
        user: String,
        /// The password.
        password: Password,
    },
    /// With the token of an earlier login.
    Token(Password),
    /// By making the account first.
    SignUp {
        /// The user name.
        user: String,
        /// The password.
        password: Password,
        /// What others see; by convention an object with the display name in `fn`.
        public: Option<Json>,
        /// An invitation.
        invite_code: Option<String>,
    },
}

impl Credentials {
    /// Logs in with a name and a password.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self::Basic { user: user.into(), password: Password(password.into()) }
    }

    /// Logs in with a token.
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(Password(token.into()))
    }

    /// Makes an account and logs in.
    pub fn sign_up(user: impl Into<String>, password: impl Into<String>, public: Option<Json>) -> Self {
        Self::SignUp { user: user.into(), password: Password(password.into()), public, invite_code: None }
    }

    /// The login with the password, if there is one.
    pub(super) fn by_password(&self) -> Option<Request> {
        match self {
            Self::Basic { user, password } | Self::SignUp { user, password, .. } => {
                Some(Request::Login(Login {
                    scheme: Some("basic".to_owned()),
                    secret: Some(encoded(user, password)),
                }))
            }
            Self::Token(_) => None,
        }
    }

    /// The request that makes the account, if one is to be made.
    pub(super) fn by_sign_up(&self) -> Option<Request> {
        let Self::SignUp { user, password, public, invite_code } = self else { return None };
        Some(Request::Acc(Acc {
            user: Some("new".to_owned()),
            scheme: Some("basic".to_owned()),
            secret: Some(Secret::Text(encoded(user, password))),
            login: Some(true),
            desc: public.clone().map(|public| AccDesc { public: Some(public), private: None }),
            invite_code: invite_code.clone(),
            ..Acc::default()
        }))
    }
}

fn encoded(user: &str, password: &Password) -> String {
    let pair = user.to_owned() + ":" + &password.0;
    crate::wire::base64(pair.as_bytes())
}
