//! The proxy does to connections what it is told to, and never what TCP does not do: what arrives is a beginning of
//! what was sent.
#![expect(clippy::unwrap_used, reason = "this binary is a test")]

use mvchat_core::testkit::proxy::{Cut, LinkFaults, Proxy};
use std::io::ErrorKind;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A proxy, and both ends of a connection through it.
async fn connected(faults: LinkFaults, seed: u64) -> (Proxy, TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap(), faults, seed).await.unwrap();
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    (proxy, client, server)
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at * 7 + at / 256) as u8).collect()
}

/// Reads until the end; returns what came, and how it ended.
async fn read(stream: &mut TcpStream) -> (Vec<u8>, Option<ErrorKind>) {
    let mut all = Vec::new();
    let ended = stream.read_to_end(&mut all).await.err().map(|error| error.kind());
    (all, ended)
}

#[tokio::test]
async fn without_a_cut_everything_arrives_in_order() {
    let all = [
        LinkFaults::default(),
        LinkFaults::default().pieces(1..=7),
        LinkFaults::default().pieces(100..=3_000).delays(Duration::ZERO..=Duration::from_millis(2)),
        LinkFaults::default().pieces(1_000..=1_000).paced(1_000_000),
    ];
    for (seed, faults) in (1..).zip(all) {
        let (proxy, mut client, mut server) = connected(faults, seed).await;
        let there = bytes(20_000);
        let back = bytes(7_000);
        client.write_all(&there).await.unwrap();
        // One direction ends, the other goes on.
        client.shutdown().await.unwrap();
        assert_eq!(read(&mut server).await, (there, None));
        server.write_all(&back).await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(read(&mut client).await, (back, None));
        assert_eq!((proxy.connections(), proxy.cuts()), (1, 0));
    }
}

#[tokio::test]
async fn a_rate_is_kept() {
    let (_proxy, mut client, mut server) =
        connected(LinkFaults::default().pieces(100..=200).paced(20_000), 1).await;
    let start = Instant::now();
    client.write_all(&bytes(4_000)).await.unwrap();
    client.shutdown().await.unwrap();
    assert_eq!(read(&mut server).await.0.len(), 4_000);
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_arrives_before_a_cut_is_a_beginning() {
    for seed in 0..30 {
        let faults = LinkFaults::default()
            .pieces(1..=500)
            .cut_within(1..=9_000, &[Cut::Close, Cut::Reset, Cut::Dark(Duration::from_millis(5))]);
        let (_proxy, client, server) = connected(faults, seed).await;
        let sent = bytes(20_000);
        let (mut from_client, mut to_server) = client.into_split();
        let (mut from_server, mut to_client) = server.into_split();
        let (there, back) = (sent.clone(), sent.clone());
        let writes = async {
            // They fail once the connection is cut.
            let _ = tokio::join!(to_server.write_all(&there), to_client.write_all(&back));
        };
        let (mut at_server, mut at_client) = (Vec::new(), Vec::new());
        let reads = async {
            let _ = tokio::join!(
                from_server.read_to_end(&mut at_server),
                from_client.read_to_end(&mut at_client)
            );
        };
        tokio::join!(writes, reads);
        assert!(sent.starts_with(&at_server) && sent.starts_with(&at_client), "seed {seed}");
        assert!(at_server.len() + at_client.len() <= 9_000, "seed {seed}");
    }
}

#[tokio::test]
async fn cuts_are_what_they_are_called() {
    let (proxy, mut client, mut server) = connected(LinkFaults::default(), 1).await;
    client.write_all(b"x").await.unwrap();
    server.read_u8().await.unwrap();
    proxy.cut(Cut::Close);
    assert_eq!((read(&mut client).await.1, read(&mut server).await.1), (None, None));

    let (proxy, mut client, mut server) = connected(LinkFaults::default(), 1).await;
    client.write_all(b"x").await.unwrap();
    server.read_u8().await.unwrap();
    proxy.cut(Cut::Reset);
    let reset = Some(ErrorKind::ConnectionReset);
    assert_eq!((read(&mut client).await.1, read(&mut server).await.1), (reset, reset));

    let (proxy, mut client, mut server) = connected(LinkFaults::default(), 1).await;
    client.write_all(b"x").await.unwrap();
    server.read_u8().await.unwrap();
    let dark = Duration::from_millis(300);
    let start = Instant::now();
    proxy.cut(Cut::Dark(dark));
    // What is written into the dark is accepted, and never arrives.
    client.write_all(&bytes(1_000)).await.unwrap();
    assert_eq!(read(&mut server).await, (Vec::new(), reset));
    assert!(start.elapsed() >= dark);
    // It is over: the next connection is as good as any.
    let mut next = TcpStream::connect(proxy.address()).await.unwrap();
    next.write_all(b"y").await.unwrap();
    assert_eq!(proxy.cuts(), 1);
}

#[tokio::test]
async fn a_proxy_without_a_server_ends_its_connections_and_finds_the_next_server() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = gone.local_addr().unwrap();
    drop(gone);
    let proxy = Proxy::start(address, LinkFaults::default(), 1).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(read(&mut client).await.0.is_empty());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    proxy.set_target(listener.local_addr().unwrap());
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut server, _) = listener.accept().await.unwrap();
    server.write_all(b"hello").await.unwrap();
    assert_eq!(client.read_u8().await.unwrap(), b'h');
    drop(proxy);
    // Without the proxy there is no connection any more.
    read(&mut client).await;
}
