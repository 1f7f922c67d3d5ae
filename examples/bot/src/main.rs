//! `mvchat-bot`: a bot that repeats what people write.
//!
//! ```text
//! mvchat-bot --url ws://127.0.0.1:6060/v0/ws --user echo --password 'correct horse' --sign-up
//! ```
//! Open a conversation with the user `echo`, or invite it into a group, and write. The bot keeps going when the
//! server is restarted: it connects again by itself, answers what was written meanwhile, and what it was about
//! to say is said exactly once. It ends with Ctrl-C.

use clap::Parser;
use mvchat_bot::{Error, connect, echo};
use mvchat_core::client::{ClientConfig, Credentials};
use mvchat_core::proto::Json;
use serde_json::json;
use std::process::ExitCode;

/// A bot that repeats what people write.
#[derive(Debug, Parser)]
#[command(name = "mvchat-bot", version)]
struct Cli {
    /// Where the server's WebSocket is.
    #[arg(long, default_value = "ws://127.0.0.1:6060/v0/ws")]
    url: String,
    /// The bot's user name.
    #[arg(long)]
    user: String,
    /// The bot's password; better given in the environment, where other users don't see it.
    #[arg(long, env = "MVCHAT_BOT_PASSWORD", hide_env_values = true)]
    password: String,
    /// Make the account if the name is free.
    #[arg(long)]
    sign_up: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

async fn run(cli: Cli) -> Result<(), Box<dyn std::error::Error>> {
    let basic = Credentials::basic(&cli.user, &cli.password);
    if cli.sign_up {
        let public = Json::from_value(&json!({ "fn": cli.user, "bot": true }));
        match serve(&cli.url, Credentials::sign_up(&cli.user, &cli.password, Some(public))).await {
            // The name exists; if it is the bot's own, the password says so.
            Err(Failure::Bot(Error::Client(error))) if error.code == 409 => {}
            done => return Ok(done?),
        }
    }
    Ok(serve(&cli.url, basic).await?)
}

/// Why the bot stopped.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Url(#[from] mvchat_bot::BadUrl),
    #[error("the server does not let the bot in: {0}")]
    Bot(#[from] Error),
    #[error("no signal can be caught: {0}")]
    Signal(#[from] std::io::Error),
}

/// Runs the bot until it is stopped or refused.
async fn serve(url: &str, credentials: Credentials) -> Result<(), Failure> {
    let config = ClientConfig::new(credentials).named("mvchat-bot", "bot", "en");
    let (handle, events) = connect(url, config)?;
    tokio::select! { biased;
        stopped = tokio::signal::ctrl_c() => stopped?,
        ended = echo::run(handle.clone(), events) => return Ok(ended?),
    }
    // That the driver is gone means that there is nothing left to close.
    let _ = handle.close().await;
    Ok(())
}

fn complain(problem: &str) -> ExitCode {
    use std::io::Write;
    // With standard error closed there is nobody to tell; the status says it.
    let _ = writeln!(std::io::stderr(), "error: {problem}");
    ExitCode::FAILURE
}
