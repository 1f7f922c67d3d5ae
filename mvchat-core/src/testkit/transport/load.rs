//! Laws about many, and about slow ones.

use super::Entrance;
use super::bed::{Bed, soon};
use super::client::{Client, PING, Received, TEXT, frame};
use crate::testkit::runner::{Law, law};
use serde_json::json;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(many_sockets_at_once, threads),
    law!(a_client_that_does_not_read_is_not_read, threads),
    law!(a_slow_reader_is_closed_and_delays_nobody, threads),
    law!(pings_of_a_client_that_does_not_read_cost_little, threads),
];

/// After so long without progress, a socket is taken to be full.
const STALLED: Duration = Duration::from_secs(1);
const SMALL: u32 = 16 * 1024;

/// Connects with a small window, so that little waits in the system.
async fn connect_small(addr: std::net::SocketAddr) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(SMALL).unwrap();
    socket.set_send_buffer_size(SMALL).unwrap();
    Client::upgrade(socket.connect(addr).await.unwrap(), "/v0/ws").await
}

fn small_server() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(SMALL).unwrap();
    socket.set_recv_buffer_size(SMALL).unwrap();
    socket
}

async fn many_sockets_at_once(bed: Bed) {
    let server = bed.start().await;
    let addr = server.addr;
    let clients: Vec<_> = (0..1_000)
        .map(|_| {
            tokio::spawn(async move {
                let mut client = Client::connect(addr).await;
                for _ in 0..3 {
                    client.works().await;
                }
                client
            })
        })
        .collect();
    let mut open = Vec::new();
    for client in clients {
        open.push(client.await.expect("every client is served"));
    }
    for client in &mut open {
        client.works().await;
    }
}

/// Writes a chunk again and again until nothing more is taken; returns how often it was.
async fn fill(client: &mut Client, chunk: &[u8], most: usize) -> usize {
    for taken in 0..most {
        let stream = client.stream.get_mut();
        if tokio::time::timeout(STALLED, stream.write_all(chunk)).await.is_err() {
            return taken;
        }
    }
    panic!("{} bytes were taken from a client that does not read", most * chunk.len());
}

async fn a_client_that_does_not_read_is_not_read(bed: Bed) {
    let server = bed.start_on(small_server(), |_| (), Entrance::default()).await;
    let mut client = connect_small(server.addr).await;
    client.works().await;
    // Every request makes an answer of some hundred bytes.
    let request = frame(TEXT, br#"{"id":"x","hi":{}}"#);
    let chunk = request.repeat(1_000);
    let chunks = fill(&mut client, &chunk, 200).await;
    // Nothing is lost: what was taken is answered.
    for _ in 0..chunks * 1_000 {
        assert_eq!(client.text().await["ctrl"]["id"], "x");
    }
}

async fn pings_of_a_client_that_does_not_read_cost_little(bed: Bed) {
    const PINGS: usize = 50_000;
    let server = bed.start_on(small_server(), |_| (), Entrance::default()).await;
    let mut client = connect_small(server.addr).await;
    client.works().await;
    let chunk = frame(PING, &[b'p'; 125]).repeat(PINGS / 100);
    for _ in 0..100 {
        let stream = client.stream.get_mut();
        if tokio::time::timeout(STALLED, stream.write_all(&chunk)).await.is_err() {
            // It is not read any more: nothing more can wait for it.
            return;
        }
    }
    let id = client.begin(json!({"hi": {}})).await;
    let mut pongs = 0;
    loop {
        match client.receive().await {
            Received::Pong(_) => pongs += 1,
            Received::Text(text) if text["ctrl"]["id"] == id => break,
            other => panic!("{other:?}"),
        }
    }
    // A pong stands for all pings before it; half a mebibyte of them is more than may wait.
    assert!(pongs * 127 < 512 * 1024, "{pongs} pongs had been kept");
}

async fn a_slow_reader_is_closed_and_delays_nobody(bed: Bed) {
    const MESSAGES: u64 = 150;
    let server = bed.start_on(small_server(), |_| (), Entrance::default()).await;
    let mut alice = server.user("alice").await;
    let mut slow = connect_small(server.addr).await;
    slow.sign_up("slow").await;
    let conv = alice.dm(&slow).await;
    let mut quick = server.connect().await;
    quick.ask(json!({"login": {"scheme": "token", "secret": slow.token}})).await;
    let hearing = tokio::spawn(async move {
        let mut seq = 0;
        while seq < MESSAGES {
            let text = quick.text().await;
            if let Some(next) = text["data"]["seq"].as_u64() {
                assert_eq!(next, seq + 1, "in order and without a gap");
                seq = next;
            }
        }
    });
    // More than system, transport and outbox may hold for one connection.
    let words = "w".repeat(4_000);
    for _ in 0..MESSAGES {
        let ctrl = alice.ask(json!({"send": {"conv": conv, "content": {"v": 1, "text": words}}})).await;
        assert_eq!(ctrl["code"], 202, "{ctrl}");
    }
    soon("the other device", hearing).await.expect("the other device heard everything");
    let mut seq = 0;
    let end = loop {
        match slow.receive().await {
            Received::Text(text) => {
                if let Some(next) = text["data"]["seq"].as_u64() {
                    assert_eq!(next, seq + 1, "what arrives is in order and without a gap");
                    seq = next;
                }
            }
            Received::Ping(_) | Received::Pong(_) => {}
            end => break end,
        }
    };
    assert!(seq < MESSAGES, "the slow connection was kept for {seq} messages that it did not read");
    assert_eq!(end, Received::Close(4008));
}
