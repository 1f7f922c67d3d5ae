//! Sends back what it hears, on WebSockets like those of the chat: what `cargo xtask autobahn` tests.

use axum::body::Body;
use axum::extract::Request;
use axum::{Router, routing::any};
use mvchat_core::testkit::echo;
use mvchat_transport_axum::Options;
use std::io::{Error, Write};
use tokio::net::TcpListener;

/// The suite sends messages of 16 MiB.
const LARGEST: usize = 64 << 20;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let handler = async |request: Request| {
        let (mut parts, _) = request.into_parts();
        mvchat_ws::accept(&mut parts, &Options::default(), LARGEST, echo).map(Body::from)
    };
    axum::serve(listener, Router::new().fallback(any(handler))).await
}
