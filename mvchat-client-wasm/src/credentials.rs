//! How JavaScript says who the user is.

use mvchat_core::client::{ClientConfig, Credentials};
use mvchat_core::proto::{Json, Password};
use serde::Deserialize;

/// `{token}`, `{user, password}` or `{signUp: {user, password, public?, inviteCode?}}`.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum Login {
    Token {
        token: String,
    },
    SignUp {
        #[serde(rename = "signUp")]
        sign_up: SignUp,
    },
    Basic {
        user: String,
        password: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SignUp {
    user: String,
    password: String,
    public: Option<serde_json::Value>,
    invite_code: Option<String>,
}

impl From<Login> for Credentials {
    fn from(login: Login) -> Self {
        match login {
            Login::Token { token } => Self::token(token),
            Login::Basic { user, password } => Self::basic(user, password),
            Login::SignUp { sign_up } => Self::SignUp {
                user: sign_up.user,
                password: Password(sign_up.password),
                public: sign_up.public.map(|public| Json::from_value(&public)),
                invite_code: sign_up.invite_code,
            },
        }
    }
}

/// What a machine is made of: `{login, userAgent, device, lang}`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Settings {
    login: Login,
    user_agent: String,
    device: String,
    lang: String,
}

/// How many messages of a conversation are kept: as far as people scroll up.
const MAX_MESSAGES: usize = 10_000;

impl From<Settings> for ClientConfig {
    fn from(settings: Settings) -> Self {
        let Settings { login, user_agent, device, lang } = settings;
        let mut config = Self::new(login.into()).named(user_agent, device, lang);
        config.max_messages = MAX_MESSAGES;
        config
    }
}
