//! What the binary does besides serving.

pub mod token;
pub mod user;

use std::{io, time::Duration};

use mvchat_core::Chat;

use crate::{chat, config::Config};

/// How long what was begun may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Opens the chat of a configuration without serving it, does something, and closes it.
///
/// # Errors
/// If it can't be opened, for example because a server runs on the same folder; or as the work.
pub(crate) async fn with_chat<T>(
    config: &Config,
    work: impl AsyncFnOnce(&Chat) -> io::Result<T>,
) -> io::Result<T> {
    let chat = chat::open(config).await?;
    let done = work(&chat).await;
    chat.drain(DRAIN).await;
    done
}

/// Reads the first line of standard input: a secret does not belong on a command line, which others can read.
///
/// # Errors
/// If there is none.
pub(crate) fn read_secret(what: &str) -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let secret = line.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(io::Error::other(format!("give the {what} on standard input, in one line")));
    }
    Ok(secret.to_owned())
}
