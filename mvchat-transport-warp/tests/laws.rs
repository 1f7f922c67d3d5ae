//! warp keeps the laws of transports.

use mvchat_core::Chat;
use mvchat_core::testkit::transport::{self, Entrance, TransportFixture};
use mvchat_transport_warp::{Options, routes_with};
use std::process::ExitCode;
use tokio::net::TcpListener;

struct Warp;

impl TransportFixture for Warp {
    async fn serve(&self, listener: TcpListener, chat: Chat, entrance: Entrance) {
        let Entrance { allowed_origins, query_token, message_timeout, .. } = entrance;
        let options = Options::default().allowed_origins(allowed_origins).query_token(query_token);
        let options = match message_timeout {
            Some(limit) => options.message_timeout(limit),
            None => options,
        };
        let routes = routes_with(chat, options);
        warp::serve(routes).incoming(listener).run().await;
    }
}

fn main() -> ExitCode {
    transport::main(|_law| Warp)
}
