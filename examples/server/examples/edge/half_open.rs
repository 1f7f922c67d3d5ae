//! What half-open connections do to those who log in.

use std::{net::SocketAddr, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    Outcome,
    client::{Client, loopback, tcp},
    options::Options,
    process::Server,
    stats::{ms, quantile},
};

/// Logins a second, and how long they go on in each run: longer than a half-open connection may last.
const LOGINS: u32 = 50;
const TIME: Duration = Duration::from_secs(14);
/// How many half-open connections are begun at once.
const AT_ONCE: usize = 64;
/// From here on addresses are those of half-open connections.
const OTHERS: usize = 30_000;
const ROOMY: [(&str, &str); 4] = [
    ("MVCHAT_AUTH_GUESTS", "1d"),
    ("MVCHAT_SERVER_MAX_CONNECTIONS", "100000"),
    ("MVCHAT_LIMITS_RATES", "none"),
    ("MVCHAT_LOG", "error"),
];

pub(crate) async fn measure(options: &Options) -> Outcome<()> {
    let server = Server::reference(&ROOMY).await?;
    let mut client = Client::connect(server.address, loopback(0), None).await?;
    let token = client.ask(json!({"login": {"scheme": "anonymous"}})).await?["token"].take();
    println!("### {} half-open connections, and {LOGINS} token logins a second\n", options.half_open);
    println!("| Run | logins | p50 | p99 | slowest | half-open gone after |\n|---|---|---|---|---|---|");
    let quiet = logins(server.address, &token).await?;
    row("without", quiet, None);
    let half = half_open(server.address, options.half_open);
    let (loud, gone) = tokio::join!(logins(server.address, &token), half);
    let (gone, begun) = gone?;
    row("with", loud?, Some(gone));
    println!(
        "\nIt took {:.1} s to begin them; each one counts from its own beginning.\n",
        begun.as_secs_f64()
    );
    Ok(())
}

fn row(name: &str, mut times: Vec<Duration>, gone: Option<Duration>) {
    let gone = gone.map_or(String::new(), |gone| format!("{:.1} s", gone.as_secs_f64()));
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    let slowest = times.last().copied().unwrap_or_default();
    println!("| {name} | {} | {} | {} | {} | {gone} |", times.len(), ms(p50), ms(p99), ms(slowest));
}

/// Logs in on fresh connections for a while, on schedule whatever the answers take; returns how long each took from when
/// it was due.
async fn logins(address: SocketAddr, token: &Value) -> Outcome<Vec<Duration>> {
    let mut ticks = interval(Duration::from_secs(1) / LOGINS);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (begun, mut running) = (Instant::now(), Vec::new());
    let mut number = 0;
    while begun.elapsed() < TIME {
        let due = ticks.tick().await;
        number += 1;
        let token = token.clone();
        running.push(tokio::spawn(async move {
            let mut client = Client::connect(address, loopback(number % 1_000), None).await?;
            client.ask(json!({"login": {"scheme": "token", "secret": token}})).await?;
            Outcome::Ok(due.elapsed())
        }));
    }
    let mut times = Vec::with_capacity(running.len());
    for login in running {
        times.push(login.await??);
    }
    Ok(times)
}

/// Begins heads that never end; returns how long the longest of them lasted, and how long it took to begin all.
async fn half_open(address: SocketAddr, count: usize) -> Outcome<(Duration, Duration)> {
    let first = Instant::now();
    let begin = async |number| {
        let mut stream = tcp(address, loopback(OTHERS + number), None).await?;
        let begun = Instant::now();
        stream.write_all(b"GET /v0/ws HTTP/1.1\r\nhost: ben").await?;
        Outcome::Ok((stream, begun))
    };
    let open = stream::iter((0..count).map(begin)).buffer_unordered(AT_ONCE);
    let open: Vec<(TcpStream, Instant)> = open.try_collect().await?;
    let took = first.elapsed();
    let ended = open.into_iter().map(async |(mut stream, begun)| {
        // An end and a reset are both an end; an answer may come before it.
        while matches!(stream.read(&mut [0; 256]).await, Ok(1..)) {}
        begun.elapsed()
    });
    let lasted: Vec<Duration> =
        stream::iter(ended.collect::<Vec<_>>()).buffer_unordered(count).collect().await;
    Ok((lasted.into_iter().max().unwrap_or_default(), took))
}
