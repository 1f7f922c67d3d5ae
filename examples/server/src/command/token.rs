//! `mvchat token`: tokens for tools and tests. Works on the data folder while no server runs on it.

use std::io;

use clap::Subcommand;

use super::{
    by_hand, read_secret,
    user::{At, find},
    with_chat,
};
use crate::{cli::ServeArgs, config::Config};

/// What can be done with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Open a session for a user and print its token, with which clients log in by the scheme `token`.
    Mint {
        /// The user name.
        name: String,
        /// The name of the device in the user's list of sessions.
        #[arg(long, default_value = "mvchat token mint")]
        device: String,
        /// Where the server's data is.
        #[command(flatten)]
        at: At,
    },
    /// Check a token, which is read from standard input, and print what it says and whether its session is open.
    Inspect {
        /// Where the server's data is.
        #[command(flatten)]
        at: At,
    },
}

impl TokenCommand {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(mut self) -> Result<(), String> {
        by_hand(self.settings(), async |config| self.carry_out(config).await)
    }

    fn settings(&mut self) -> ServeArgs {
        match self {
            Self::Mint { at, .. } | Self::Inspect { at } => at.take(),
        }
    }

    async fn carry_out(self, config: &Config) -> io::Result<String> {
        match self {
            Self::Mint { name, device, .. } => {
                with_chat(config, async |chat| {
                    let user = find(chat, &name).await?;
                    let params = chat.mint_token(user, &device).await.map_err(io::Error::other)?;
                    params.token.map(|token| format!("{token}\n")).ok_or_else(|| io::Error::other("no token"))
                })
                .await
            }
            Self::Inspect { .. } => {
                let token = read_secret("token")?;
                with_chat(config, async |chat| {
                    let claims = chat.inspect_token(&token).map_err(io::Error::other)?;
                    let user = mvchat_core::proto::UserId(claims.sub);
                    let sessions = chat.sessions_of(user).await.map_err(io::Error::other)?;
                    let open = sessions.iter().any(|session| session.id.0 == claims.sid);
                    let mut said = serde_json::to_value(&claims).map_err(io::Error::other)?;
                    said["open"] = open.into();
                    Ok(format!("{said:#}\n"))
                })
                .await
            }
        }
    }
}
