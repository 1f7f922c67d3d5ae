//! The server, on warp.

use mvchat_core::Chat;
use mvchat_transport_warp::routes;
use tokio::net::TcpListener;

pub(crate) async fn serve(listener: TcpListener, chat: Chat) {
    warp::serve(routes(chat)).incoming(listener).run().await;
}
