//! One WebSocket at a time: opened, read, written and closed without ever losing a frame to a `select!`.

use futures_util::{Sink, SinkExt, StreamExt};
use mvchat_core::proto::Close;
use std::collections::VecDeque;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::frame::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::{Message, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Utf8Bytes};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// How long the last frames and the server's answer to the close may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

type Web = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Connecting = Pin<Box<dyn Future<Output = Result<Web, Error>> + Send>>;

/// What happened to the connection.
#[derive(Debug)]
pub(crate) enum Happened {
    Opened,
    Text(Utf8Bytes),
    Closed(Option<Close>),
}

enum State {
    Idle,
    Connecting(Connecting),
    Open(Box<Web>),
}

/// The connection of a driver.
pub(crate) struct Socket {
    request: Request,
    max_frame: usize,
    state: State,
    outgoing: VecDeque<Utf8Bytes>,
    unflushed: bool,
    /// Connections that say goodbye.
    closing: JoinSet<()>,
}

impl Socket {
    pub(crate) fn new(request: Request, max_frame: usize) -> Self {
        let (outgoing, closing) = (VecDeque::new(), JoinSet::new());
        Self { request, max_frame, state: State::Idle, outgoing, unflushed: false, closing }
    }

    /// Begins to open a connection.
    pub(crate) fn connect(&mut self) {
        let request = self.request.clone();
        let config = WebSocketConfig::default()
            .read_buffer_size(8 * 1024)
            .write_buffer_size(8 * 1024)
            .max_write_buffer_size(4 * 1024 * 1024)
            .max_message_size(Some(self.max_frame))
            .max_frame_size(Some(self.max_frame));
        self.outgoing.clear();
        self.state = State::Connecting(Box::pin(async move {
            // Frames are small and flushed together; waiting for more of them would only delay them.
            const NO_DELAY: bool = true;
            Ok(connect_async_with_config(request, Some(config), NO_DELAY).await?.0)
        }));
    }

    /// Queues a frame. The machine has few requests under way at once, which bounds the queue.
    pub(crate) fn send(&mut self, text: Utf8Bytes) {
        if matches!(self.state, State::Open(_)) {
            self.outgoing.push_back(text);
        }
    }

    /// Ends the connection in the background: what is queued, the close, then the server's answer to it.
    pub(crate) fn disconnect(&mut self, close: Close) {
        let state = std::mem::replace(&mut self.state, State::Idle);
        let outgoing = std::mem::take(&mut self.outgoing);
        if let State::Open(web) = state {
            self.closing.spawn(say_goodbye(web, outgoing, close));
        }
    }

    /// Waits until every connection that was ended is gone.
    pub(crate) async fn closed(&mut self) {
        while self.closing.join_next().await.is_some() {}
    }

    /// Waits for the next thing to happen; frames are read only if `reads`. Nothing is lost when the future is
    /// dropped. Waits for ever while nothing is connected.
    pub(crate) async fn next(&mut self, reads: bool) -> Happened {
        std::future::poll_fn(|cx| self.poll(cx, reads)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>, reads: bool) -> Poll<Happened> {
        while let Poll::Ready(Some(_)) = self.closing.poll_join_next(cx) {}
        match &mut self.state {
            State::Idle => Poll::Pending,
            State::Connecting(connecting) => match ready!(connecting.as_mut().poll(cx)) {
                Ok(web) => {
                    self.state = State::Open(Box::new(web));
                    Poll::Ready(Happened::Opened)
                }
                Err(_) => self.lost(None),
            },
            State::Open(web) => {
                if write(web, &mut self.outgoing, &mut self.unflushed, cx).is_err() {
                    return self.lost(None);
                }
                if !reads {
                    return Poll::Pending;
                }
                loop {
                    match ready!(web.poll_next_unpin(cx)) {
                        Some(Ok(Message::Text(text))) => return Poll::Ready(Happened::Text(text)),
                        Some(Ok(Message::Close(frame))) => {
                            let close = frame.map(|frame| Close::from_code(frame.code.into()));
                            // Reading on answers the server's close.
                            self.disconnect(Close::Normal);
                            return Poll::Ready(Happened::Closed(close));
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return self.lost(None),
                    }
                }
            }
        }
    }

    fn lost(&mut self, close: Option<Close>) -> Poll<Happened> {
        self.state = State::Idle;
        self.outgoing.clear();
        Poll::Ready(Happened::Closed(close))
    }
}

/// Writes as much as can be written now.
fn write(
    web: &mut Web,
    outgoing: &mut VecDeque<Utf8Bytes>,
    unflushed: &mut bool,
    cx: &mut Context<'_>,
) -> Result<(), Error> {
    let mut web = pin!(web);
    while !outgoing.is_empty() {
        match web.as_mut().poll_ready(cx) {
            Poll::Ready(ready) => ready?,
            Poll::Pending => return Ok(()),
        }
        if let Some(text) = outgoing.pop_front() {
            *unflushed = true;
            web.as_mut().start_send(Message::Text(text))?;
        }
    }
    if *unflushed && let Poll::Ready(flushed) = web.as_mut().poll_flush(cx) {
        flushed?;
        *unflushed = false;
    }
    Ok(())
}

async fn say_goodbye(mut web: Box<Web>, outgoing: VecDeque<Utf8Bytes>, close: Close) {
    let goodbye = async {
        for text in outgoing {
            web.feed(Message::Text(text)).await?;
        }
        let frame = CloseFrame { code: close.code().into(), reason: close.reason().into() };
        // A connection that the server has begun to close only needs its answer flushed.
        let _: Result<(), Error> = WebSocketStream::close(&mut web, Some(frame)).await;
        while let Some(message) = web.next().await {
            message?;
        }
        Ok::<(), Error>(())
    };
    // Whether the server answers no longer matters to anybody.
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, goodbye).await;
}
