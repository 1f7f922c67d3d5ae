//! What an idle connection costs.

use std::net::SocketAddr;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};

use crate::{
    Outcome,
    client::{Client, loopback},
    options::Options,
    process::Server,
};

/// How many clients connect at once.
const AT_ONCE: usize = 16;
const ROOMY: [(&str, &str); 4] = [
    ("MVCHAT_AUTH_GUESTS", "1d"),
    ("MVCHAT_SERVER_MAX_CONNECTIONS", "100000"),
    ("MVCHAT_LIMITS_RATES", "none"),
    ("MVCHAT_LOG", "error"),
];

pub(crate) async fn measure(options: &Options) -> Outcome<()> {
    let count = options.connections;
    println!("### Memory of {count} idle connections, in KiB each\n");
    println!("| Server | connected | after a message and a page each |\n|---|---|---|");
    let (fresh, used) = echo(count).await?;
    println!("| bare echo on axum | {fresh:.1} | {used:.1} |");
    let (fresh_own, used_own) = reference(count).await?;
    println!("| mvchat, logged in | {fresh_own:.1} | {used_own:.1} |");
    println!("| ratio | {:.2} | {:.2} |\n", fresh_own / fresh, used_own / used);
    Ok(())
}

async fn echo(count: usize) -> Outcome<(f64, f64)> {
    let server = Server::echo().await?;
    let empty = server.resident()?;
    let mut clients = connect(server.address, count).await?;
    let fresh = server.resident()? - empty;
    for client in &mut clients {
        client.writer.text(json!({"send": {"content": "x"}}).to_string().as_bytes()).await?;
        client.next().await?;
    }
    let used = server.resident()? - empty;
    Ok((fresh / count as f64, used / count as f64))
}

async fn reference(count: usize) -> Outcome<(f64, f64)> {
    let server = Server::reference(&ROOMY).await?;
    let address = server.address;
    // Accounts, conversations and messages are rows and no connections: they are there before the first figure. One after
    // the other, so that what is freed meanwhile is no room for the connections.
    let mut tokens = Vec::with_capacity(count);
    for number in 0..count {
        let mut client = Client::connect(address, loopback(number), None).await?;
        tokens.push(client.ask(json!({"login": {"scheme": "anonymous"}})).await?["token"].take());
        talk(&mut client).await?;
    }
    let empty = server.resident()?;
    let mut clients = Vec::with_capacity(count);
    let logins = stream::iter(tokens.into_iter().enumerate());
    let mut logins = logins.map(|(number, token)| login(address, number, token)).buffer_unordered(AT_ONCE);
    while let Some(client) = logins.try_next().await? {
        clients.push(client);
    }
    let fresh = server.resident()? - empty;
    for client in &mut clients {
        talk(client).await?;
    }
    let used = server.resident()? - empty;
    Ok((fresh / count as f64, used / count as f64))
}

/// Sends a message and reads a page.
async fn talk(client: &mut Client) -> Outcome<()> {
    let conv = client.ask(json!({"dm": {"self": true}})).await?["conv"].take();
    client.ask(json!({"send": {"conv": conv, "content": "x"}})).await?;
    client.ask(json!({"get": {"what": "messages", "conv": conv}})).await?;
    Ok(())
}

async fn login(address: SocketAddr, number: usize, token: Value) -> Outcome<Client> {
    let mut client = Client::connect(address, loopback(number), None).await?;
    client.ask(json!({"login": {"scheme": "token", "secret": token}})).await?;
    Ok(client)
}

async fn connect(address: SocketAddr, count: usize) -> Outcome<Vec<Client>> {
    let connecting = (0..count).map(|number| Client::connect(address, loopback(number), None));
    stream::iter(connecting).buffer_unordered(AT_ONCE).try_collect().await
}
