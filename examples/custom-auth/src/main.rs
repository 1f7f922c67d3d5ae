//! Starts the app on <http://127.0.0.1:6060>, with two users: `ana` and `bert`, whose passwords are `secret-ana` and
//! `secret-bert`.

use custom_auth::accounts::{Account, Accounts};
use custom_auth::app;
use mvchat_core::builtin::password::{PasswordParams, Passwords};
use mvchat_core::{Chat, Keys};
use mvchat_store_sled::SledStore;
use std::time::Duration;
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let passwords = Passwords::new(PasswordParams::default())?;
    let mut table = Vec::new();
    for (number, login, name) in [(1, "ana", "Ana"), (2, "bert", "Bert")] {
        let password = passwords.hash(format!("secret-{login}")).await?;
        table.push(Account { number, login: login.to_owned(), name: name.to_owned(), password });
    }
    let chat = Chat::builder(SledStore::open("app-data")?).keys(Keys::load_or_create("app-data/keys")?);
    let (app, chat) = app(Accounts::new(table, passwords), chat).await?;
    let server = axum::serve(TcpListener::bind("127.0.0.1:6060").await?, app);
    server.with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    chat.drain(Duration::from_secs(8)).await;
    Ok(())
}
