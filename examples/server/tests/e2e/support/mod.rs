//! What the tests share: a server process, people with a raw socket, people with the client machine.

mod load;
mod person;
mod random;
#[allow(dead_code, reason = "the tests with faults start and kill servers in more ways than the others")]
mod server;
mod wire;

pub(crate) use load::campaign;
pub(crate) use person::{Person, irido, shared};
pub(crate) use random::{Random, setting};
#[allow(unused_imports, reason = "as above")]
pub(crate) use server::{Data, Server, Starting};
pub(crate) use wire::{Wire, secret, send};

use std::time::Duration;

/// How long anything may take. Far more than it does, because the machine may be busy with other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that has to happen.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}
