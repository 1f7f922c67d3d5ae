//! A client that holds little: a socket, and bytes that are not a whole frame yet.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    time::timeout,
};

use crate::Outcome;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(30);
const UPGRADE: &str = "GET /v0/ws HTTP/1.1\r\nhost: bench\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                       sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// An address of loopback, another one for each number.
pub(crate) fn loopback(number: usize) -> IpAddr {
    let [.., a, b] = (number % 60_000 + 2).to_be_bytes();
    IpAddr::V4(Ipv4Addr::new(127, 0, a, b))
}

/// Connects from an address; `receive` bounds what the system keeps for whoever does not read.
pub(crate) async fn tcp(to: SocketAddr, from: IpAddr, receive: Option<u32>) -> Outcome<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    if let Some(bytes) = receive {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind(SocketAddr::new(from, 0))?;
    let stream = timeout(PATIENCE, socket.connect(to)).await??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The reading half of a WebSocket.
pub(crate) struct Reader {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
}

/// The writing half.
pub(crate) struct Writer {
    stream: OwnedWriteHalf,
}

/// A WebSocket whose requests are answered one after the other.
pub(crate) struct Client {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

impl Client {
    /// Connects and upgrades.
    pub(crate) async fn connect(to: SocketAddr, from: IpAddr, receive: Option<u32>) -> Outcome<Self> {
        let mut stream = tcp(to, from, receive).await?;
        stream.write_all(UPGRADE.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(timeout(PATIENCE, stream.read_u8()).await??);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(String::from_utf8_lossy(&head).into_owned().into());
        }
        let (reader, writer) = stream.into_split();
        Ok(Self { reader: Reader { stream: reader, buffer: Vec::new() }, writer: Writer { stream: writer } })
    }

    /// Sends a request and returns the parameters of its reply.
    pub(crate) async fn ask(&mut self, mut request: Value) -> Outcome<Value> {
        request["id"] = json!("ask");
        self.writer.text(request.to_string().as_bytes()).await?;
        loop {
            let text = timeout(PATIENCE, self.next()).await??;
            let mut frame: Value = serde_json::from_slice(&text)?;
            if frame["ctrl"]["id"] == "ask" {
                return match frame["ctrl"]["code"].as_u64() {
                    Some(200..300) => Ok(frame["ctrl"]["params"].take()),
                    _ => Err(frame.to_string().into()),
                };
            }
        }
    }

    /// Waits for the next text; answers pings.
    pub(crate) async fn next(&mut self) -> Outcome<Vec<u8>> {
        loop {
            match self.reader.frame().await? {
                (PING, payload) => self.writer.frame(PONG, &payload).await?,
                (CLOSE, _) => return Err("closed".into()),
                (_, payload) => return Ok(payload),
            }
        }
    }
}

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

impl Reader {
    /// Waits for the next frame: its kind and what is in it. The server sends no fragments of what is this short.
    pub(crate) async fn frame(&mut self) -> Outcome<(u8, Vec<u8>)> {
        loop {
            if let Some((start, end)) = whole(&self.buffer) {
                let kind = self.buffer[0] & 0xf;
                let payload = self.buffer[start..end].to_vec();
                self.buffer.drain(..end);
                if self.buffer.is_empty() {
                    // Ten thousand clients must not keep what they needed once.
                    self.buffer = Vec::new();
                }
                return Ok((kind, payload));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the connection ended".into());
            }
        }
    }

    /// Reads so many bytes at most, whatever they are; returns whether there will be more.
    pub(crate) async fn sip(&mut self, bytes: &mut [u8]) -> bool {
        matches!(self.stream.read(bytes).await, Ok(1..))
    }
}

/// Finds where the payload of the first frame begins and ends (RFC 6455 §5.2).
fn whole(bytes: &[u8]) -> Option<(usize, usize)> {
    let (start, length) = match bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?]))),
        127 => {
            let length: [u8; 8] = bytes.get(2..10)?.try_into().ok()?;
            (10, usize::try_from(u64::from_be_bytes(length)).ok()?)
        }
        short => (2, usize::from(short)),
    };
    (bytes.len() >= start + length).then_some((start, start + length))
}

impl Writer {
    pub(crate) async fn text(&mut self, text: &[u8]) -> Outcome<()> {
        self.frame(TEXT, text).await
    }

    pub(crate) async fn frame(&mut self, kind: u8, payload: &[u8]) -> Outcome<()> {
        let mut frame = vec![0x80 | kind];
        match payload.len() {
            short @ 0..=125 => frame.push(0x80 | u8::try_from(short)?),
            long => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(long)?.to_be_bytes());
            }
        }
        // A mask of zeros leaves the payload as it is.
        frame.extend([0; 4]);
        frame.extend(payload);
        Ok(self.stream.write_all(&frame).await?)
    }
}
