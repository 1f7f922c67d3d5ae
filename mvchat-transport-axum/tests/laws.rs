//! axum keeps the laws of transports.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

use mvchat_core::Chat;
use mvchat_core::testkit::transport::{self, Entrance, TransportFixture};
use mvchat_transport_axum::{Options, router_with};
use std::process::ExitCode;
use tokio::net::TcpListener;

struct Axum;

impl TransportFixture for Axum {
    async fn serve(&self, listener: TcpListener, chat: Chat, entrance: Entrance) {
        let Entrance { allowed_origins, query_token, message_timeout, .. } = entrance;
        let options = Options::default().allowed_origins(allowed_origins).query_token(query_token);
        let options = match message_timeout {
            Some(limit) => options.message_timeout(limit),
            None => options,
        };
        let routes = router_with(chat, options);
        axum::serve(listener, routes).await.unwrap();
    }
}

fn main() -> ExitCode {
    transport::main(|_law| Axum)
}
