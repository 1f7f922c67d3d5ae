//! What the edge of the reference server holds: `cargo xtask bench edge [memory|half-open|slow] [option value]…`.
//!
//! * `memory`: the resident memory of idle logged-in connections, fresh and after traffic, beside a bare echo server.
//! * `half-open`: how long half-open connections last, and what they do to logins from other addresses.
//! * `slow`: what a minority that reads slowly does to everybody else's messages.
//!
//! The servers are processes of their own, so that their memory is theirs; the clients are here. Prints tables for the
//! book. Linux only: it reads procfs.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod client;
mod echo;
mod half_open;
mod memory;
mod options;
mod process;
mod slow;
mod stats;

use std::{error::Error, net::SocketAddr};

use options::Options;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [name, address] = &arguments[..]
        && name == "echo"
    {
        return echo::serve(address.parse::<SocketAddr>()?).await;
    }
    let options = Options::read(&arguments)?;
    process::raise_limits()?;
    if options.wants("memory") {
        memory::measure(&options).await?;
    }
    if options.wants("half-open") {
        half_open::measure(&options).await?;
    }
    if options.wants("slow") {
        slow::measure(&options).await?;
    }
    Ok(())
}
