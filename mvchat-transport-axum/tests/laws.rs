//! axum keeps the laws of transports.
#![allow(clippy::unwrap_used, reason = "this binary is a test")]

use mvchat_core::Chat;
use mvchat_core::testkit::transport::{self, TransportFixture};
use mvchat_transport_axum::{Options, router_with};
use std::process::ExitCode;
use tokio::net::TcpListener;

struct Axum;

impl TransportFixture for Axum {
    async fn serve(&self, listener: TcpListener, chat: Chat, allowed_origins: Vec<String>) {
        let routes = router_with(chat, Options::default().allowed_origins(allowed_origins));
        axum::serve(listener, routes).await.unwrap();
    }
}

fn main() -> ExitCode {
    transport::main(|_law| Axum)
}
