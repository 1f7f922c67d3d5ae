//! The server, on axum.

use mvchat_core::Chat;
use mvchat_transport_axum::router;
use std::net::SocketAddr;
use tokio::net::TcpListener;

pub(crate) async fn serve(listener: TcpListener, chat: Chat) {
    let routes = router(chat).into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, routes).await.unwrap();
}
