//! The front-page program over warp: a messenger inside a warp app, durable in `chat-data`.

use mvchat_core::{Chat, Keys};
use mvchat_store_sled::SledStore;
use std::time::Duration;
use tokio::{net::TcpListener, signal::ctrl_c};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SledStore::open("chat-data")?;
    let chat = Chat::builder(store).keys(Keys::load_or_create("chat-data/keys")?).build().await?;
    let app = mvchat_transport_warp::routes(chat.clone());
    let server = warp::serve(app).incoming(TcpListener::bind("127.0.0.1:6060").await?);
    server.graceful(async { drop(ctrl_c().await) }).run().await;
    chat.drain(Duration::from_secs(8)).await;
    Ok(())
}
