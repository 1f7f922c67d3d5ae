//! Sends back what it hears, on WebSockets like those of the chat: what `cargo xtask autobahn` tests.

use http::request::Parts;
use mvchat_core::testkit::echo;
use mvchat_transport_warp::{Options, request};
use std::io::{Error, Write};
use tokio::net::TcpListener;
use warp::Filter;

/// The suite sends messages of 16 MiB.
const LARGEST: usize = 64 << 20;

#[tokio::main]
async fn main() -> Result<(), Error> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let handler = |mut parts: Parts| mvchat_ws::accept(&mut parts, &Options::default(), LARGEST, echo);
    warp::serve(request().map(handler)).incoming(listener).run().await;
    Ok(())
}
