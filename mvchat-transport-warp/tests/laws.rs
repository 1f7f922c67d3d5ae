//! warp keeps the laws of transports.

use mvchat_core::Chat;
use mvchat_core::testkit::transport::{self, TransportFixture};
use mvchat_transport_warp::{Options, routes_with};
use std::process::ExitCode;
use tokio::net::TcpListener;

struct Warp;

impl TransportFixture for Warp {
    async fn serve(&self, listener: TcpListener, chat: Chat, allowed_origins: Vec<String>) {
        let routes = routes_with(chat, Options::default().allowed_origins(allowed_origins));
        warp::serve(routes).incoming(listener).run().await;
    }
}

fn main() -> ExitCode {
    transport::main(|_law| Warp)
}
