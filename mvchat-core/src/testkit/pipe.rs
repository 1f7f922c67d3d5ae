//! A connection without a network.

use crate::engine::{Chat, Peer};
use crate::proto::{Close, Frame};
use crate::seam::{Transport, TransportError};
use futures_util::{Sink, Stream};
use serde_json::Value;
use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;
use tokio_util::sync::{PollSendError, PollSender};

/// One end of an in-process connection: a [`Transport`](crate::seam::Transport) of bounded queues.
#[derive(Debug)]
pub struct Pipe {
    incoming: mpsc::Receiver<Frame>,
    outgoing: PollSender<Frame>,
}

impl Pipe {
    /// Makes both ends; each direction holds at most `capacity` frames that were not read.
    pub fn pair(capacity: usize) -> (Self, Self) {
        let (left, from_left) = mpsc::channel(capacity);
        let (right, from_right) = mpsc::channel(capacity);
        let end = |incoming, outgoing| Self { incoming, outgoing: PollSender::new(outgoing) };
        (end(from_right, left), end(from_left, right))
    }
}

impl Stream for Pipe {
    type Item = Result<Frame, TransportError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_recv(cx).map(|frame| frame.map(Ok))
    }
}

fn broken(_: PollSendError<Frame>) -> TransportError {
    "the other end is gone".into()
}

impl Sink<Frame> for Pipe {
    type Error = TransportError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.outgoing.poll_reserve(cx).map_err(broken)
    }

    fn start_send(mut self: Pin<&mut Self>, frame: Frame) -> Result<(), TransportError> {
        self.outgoing.send_item(frame).map_err(broken)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), TransportError>> {
        self.outgoing.close();
        Poll::Ready(Ok(()))
    }
}

/// A client that speaks JSON over a [`Pipe`] or any other transport: for tests of the engine and of own stores,
/// hooks and transports.
///
/// Frames that arrive while a reply is awaited are kept for [`next`](Wire::next).
pub struct Wire {
    transport: Box<dyn Transport>,
    kept: VecDeque<Value>,
    ids: u64,
    closed: Option<Option<Close>>,
}

impl Wire {
    /// Connects to an engine.
    pub fn connect(chat: &Chat) -> Self {
        Self::connect_as(chat, Peer::default())
    }

    /// Connects to an engine from an address.
    pub fn connect_from(chat: &Chat, addr: SocketAddr) -> Self {
        Self::connect_as(chat, Peer::from(addr))
    }

    fn connect_as(chat: &Chat, peer: Peer) -> Self {
        let (ours, theirs) = Pipe::pair(64);
        let chat = chat.clone();
        tokio::spawn(async move { chat.serve(theirs, peer).await });
        Self::over(ours)
    }

    /// Speaks over the client's end of a connection.
    pub fn over(transport: impl Transport) -> Self {
        Self { transport: Box::new(transport), kept: VecDeque::new(), ids: 0, closed: None }
    }

    /// Sends a text as it is.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.send_frame(Frame::Text(text.into().into())).await;
    }

    /// Sends a frame as it is; nothing happens if the connection has ended.
    pub async fn send_frame(&mut self, frame: Frame) {
        drop(futures_util::SinkExt::send(&mut self.transport, frame).await);
    }

    /// Sends a request under a fresh id and returns the id: see [`reply`](Wire::reply).
    pub async fn begin(&mut self, request: Value) -> String {
        self.ids += 1;
        let id = self.ids.to_string();
        let mut request = request;
        request["id"] = Value::from(id.as_str());
        self.send_text(request.to_string()).await;
        id
    }

    /// Sends a request and returns its `ctrl`.
    ///
    /// # Panics
    /// If the connection ends first.
    pub async fn ask(&mut self, request: Value) -> Value {
        let id = self.begin(request).await;
        self.reply(&id).await
    }

    /// Waits for the `ctrl` with an id and returns it.
    ///
    /// # Panics
    /// If the connection ends first.
    pub async fn reply(&mut self, id: &str) -> Value {
        let is_reply = |frame: &Value| frame["ctrl"]["id"] == id;
        if let Some(at) = self.kept.iter().position(is_reply) {
            return self.kept.remove(at).unwrap_or_default()["ctrl"].take();
        }
        loop {
            match self.receive().await {
                Some(mut frame) if is_reply(&frame) => return frame["ctrl"].take(),
                Some(frame) => self.kept.push_back(frame),
                None => panic!("the connection ended with {:?} before the reply to {id}", self.closed),
            }
        }
    }

    /// Returns the next frame that is no awaited reply; `None` when the connection has ended.
    pub async fn next(&mut self) -> Option<Value> {
        match self.kept.pop_front() {
            Some(frame) => Some(frame),
            None => self.receive().await,
        }
    }

    /// Returns everything that was delivered before now: the engine has answered a `hi` after it.
    pub async fn settle(&mut self) -> Vec<Value> {
        self.ask(serde_json::json!({"hi": {}})).await;
        self.kept.drain(..).collect()
    }

    /// Waits for the end and returns the close, if the other end said one.
    pub async fn closed(&mut self) -> Option<Close> {
        while self.closed.is_none() {
            if let Some(frame) = self.receive().await {
                self.kept.push_back(frame);
            }
        }
        self.closed.flatten()
    }

    async fn receive(&mut self) -> Option<Value> {
        if self.closed.is_some() {
            return None;
        }
        loop {
            match futures_util::StreamExt::next(&mut self.transport).await {
                Some(Ok(Frame::Text(text))) => {
                    return Some(serde_json::from_slice(&text).unwrap_or_default());
                }
                Some(Ok(Frame::Ping)) => self.send_frame(Frame::Pong).await,
                Some(Ok(Frame::Close(close))) => {
                    self.closed = Some(Some(close));
                    return None;
                }
                Some(_) => {}
                None => {
                    self.closed = Some(None);
                    return None;
                }
            }
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("kept", &self.kept).field("closed", &self.closed).finish_non_exhaustive()
    }
}
