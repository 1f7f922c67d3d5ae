//! `mvchat user add` and what else is done by hand. Works on the data folder while no server runs on it.

use std::io;

use clap::{Args, Subcommand};
use mvchat_core::{
    Chat,
    engine::{MakeUser, Opening},
    proto::{Json, Password, UserId},
};

use crate::{
    cli::ServeArgs,
    command::{by_hand, read_secret, with_chat},
    config::Config,
};

/// What can be done with accounts while the server is stopped.
#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Make an account; the password is read from standard input.
    Add {
        /// The user name.
        name: String,
        /// What others see instead of the user name.
        #[arg(long, value_name = "NAME")]
        display: Option<String>,
        /// The e-mail address.
        #[arg(long)]
        email: Option<String>,
        /// Demand another password at the first login.
        #[arg(long)]
        must_change: bool,
        /// Standard input has a hash instead: Argon2id as a PHC string, three parts as of mvChat2, or bcrypt.
        #[arg(long)]
        hash: bool,
        /// Where the server's data is.
        #[command(flatten)]
        at: At,
    },
    /// Set a password, which is read from standard input; ends the user's sessions.
    Passwd {
        /// The user name.
        name: String,
        /// Demand another password at the next login.
        #[arg(long)]
        must_change: bool,
        /// Where the server's data is.
        #[command(flatten)]
        at: At,
    },
    /// Suspend an account and end its sessions.
    Disable(Named),
    /// Open a suspended account again.
    Enable(Named),
    /// List an account's sessions.
    Sessions {
        /// The user name.
        name: String,
        /// End all of them instead.
        #[arg(long)]
        end: bool,
        /// Where the server's data is.
        #[command(flatten)]
        at: At,
    },
}

/// An account by its user name.
#[derive(Debug, Args)]
pub struct Named {
    /// The user name.
    name: String,
    /// Where the server's data is.
    #[command(flatten)]
    at: At,
}

/// Where the server's data is.
#[derive(Debug, Args)]
pub struct At {
    #[command(flatten)]
    settings: Box<ServeArgs>,
}

impl At {
    /// Gives the settings away.
    pub(crate) fn take(&mut self) -> ServeArgs {
        std::mem::take(&mut *self.settings)
    }
}

impl AccountCommand {
    /// Does it.
    ///
    /// # Errors
    /// A sentence for the administrator.
    pub fn run(mut self) -> Result<(), String> {
        by_hand(self.settings(), async |config| self.carry_out(config).await)
    }

    fn settings(&mut self) -> ServeArgs {
        match self {
            Self::Add { at, .. } | Self::Passwd { at, .. } | Self::Sessions { at, .. } => at.take(),
            Self::Disable(named) | Self::Enable(named) => named.at.take(),
        }
    }

    async fn carry_out(self, config: &Config) -> io::Result<String> {
        // Read before the folder is locked: somebody may be typing.
        let secret = match &self {
            Self::Add { hash: true, .. } => Some(read_secret("hash")?),
            Self::Add { .. } | Self::Passwd { .. } => Some(read_secret("password")?),
            _ => None,
        };
        with_chat(config, async |chat| self.act(chat, secret.unwrap_or_default()).await).await
    }

    async fn act(self, chat: &Chat, secret: String) -> io::Result<String> {
        match self {
            Self::Add { name, display, email, must_change, hash, .. } => {
                let opening = if hash { Opening::Hash(secret) } else { Opening::Password(Password(secret)) };
                let mut make = MakeUser::new(name, opening);
                make.public = display.map(|name| Json::from_value(&serde_json::json!({ "fn": name })));
                (make.email, make.must_change_password) = (email, must_change);
                let user = chat.make_user(make).await.map_err(io::Error::other)?;
                Ok(format!("{user}\n"))
            }
            Self::Passwd { name, must_change, .. } => {
                let user = find(chat, &name).await?;
                let set = chat.set_password(user, Password(secret), must_change).await;
                set.map(|()| format!("the password of {name} is set\n")).map_err(io::Error::other)
            }
            Self::Disable(Named { name, .. }) => {
                let done = chat.suspend_user(find(chat, &name).await?).await;
                done.map(|()| format!("{name} is suspended\n")).map_err(io::Error::other)
            }
            Self::Enable(Named { name, .. }) => {
                let done = chat.reinstate_user(find(chat, &name).await?).await;
                done.map(|()| format!("{name} can log in\n")).map_err(io::Error::other)
            }
            Self::Sessions { name, end: true, .. } => {
                let ended = chat.end_sessions(find(chat, &name).await?).await.map_err(io::Error::other)?;
                Ok(format!("{ended} sessions ended\n"))
            }
            Self::Sessions { name, .. } => {
                let sessions = chat.sessions_of(find(chat, &name).await?).await.map_err(io::Error::other)?;
                let line = |row: mvchat_core::seam::SessionRow| {
                    let device = row.device.unwrap_or_else(|| "-".to_owned());
                    format!("{}  used {}  until {}  {device:?}\n", row.id, row.used_at, row.expires_at)
                };
                Ok(sessions.into_iter().map(line).collect())
            }
        }
    }
}

/// Finds an account by its user name.
pub(crate) async fn find(chat: &Chat, name: &str) -> io::Result<UserId> {
    let found = chat.find_user(name).await.map_err(io::Error::other)?;
    found.ok_or_else(|| io::Error::other(format!("there is no user {name:?}")))
}
