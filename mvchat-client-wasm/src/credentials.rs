//! How JavaScript says who the user is.

use mvchat_core::client::{ClientConfig, Credentials};
use mvchat_core::proto::{Json, Password};

mvchat_core::record! {
    /// `{token}`, `{user, password}` or `{signUp: {user, password, public?, inviteCode?}}`.
    pub(crate) struct Login {
        token: Option<String>,
        sign_up: Option<SignUp>,
        #[serde(default)]
        user: String,
        #[serde(default)]
        password: String,
    }

    struct SignUp {
        user: String,
        password: String,
        public: Option<Json>,
        invite_code: Option<String>,
    }

    /// What a machine is made of: `{login, userAgent, device, lang}`.
    pub(crate) struct Settings {
        login: Login,
        user_agent: String,
        device: String,
        lang: String,
    }
}

impl From<Login> for Credentials {
    fn from(login: Login) -> Self {
        match login {
            Login { token: Some(token), .. } => Self::token(token),
            Login { sign_up: Some(SignUp { user, password, public, invite_code }), .. } => {
                Self::SignUp { user, password: Password(password), public, invite_code }
            }
            Login { user, password, .. } => Self::basic(user, password),
        }
    }
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
