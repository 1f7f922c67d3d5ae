//! The front-page program: a messenger inside an axum app, durable in `chat-data`.

use mvchat_core::{Chat, Keys};
use mvchat_store_sled::SledStore;
use std::time::Duration;
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SledStore::open("chat-data")?;
    let chat = Chat::builder(store).keys(Keys::load_or_create("chat-data/keys")?).build().await?;
    let app = axum::Router::new().merge(mvchat_transport_axum::router(chat.clone()));
    let server = axum::serve(TcpListener::bind("127.0.0.1:6060").await?, app);
    server.with_graceful_shutdown(async { drop(ctrl_c().await) }).await?;
    chat.drain(Duration::from_secs(8)).await;
    Ok(())
}
