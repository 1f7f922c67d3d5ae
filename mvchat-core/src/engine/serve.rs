//! Drives one connection over one transport.

use super::chat::{Chat, Inner};
use super::conn::{Conn, Next};
use super::dispatch::{Caller, Turn};
use super::hub::Origin;
use super::spans;
use super::visitor::{LetIn, Pass};
use crate::error::{Error, ErrorKind, Result};
use crate::proto::{Close, Command, ConnId, Frame};
use crate::seam::{Misuse, Peer, Transport};
use crate::session::{Device, Ended, Finished, Input, Job, Output, Refused, Session, SessionConfig, Ticket};
use crate::time::Instant;
use futures_util::stream::{FuturesUnordered, SplitSink};
use futures_util::{FutureExt, SinkExt, StreamExt, poll};
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a peer may take to read what is flushed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that is closed may take to send what is left.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The most frames between two flushes.
const MAX_FEED: u64 = 64;

type Running = Pin<Box<dyn Future<Output = (Ticket, Result<Finished>)> + Send>>;

impl Chat {
    /// Serves one connection until it ends.
    ///
    /// Dropping the future ends the connection; commands that were begun are finished all the same.
    pub async fn serve<T: Transport>(&self, transport: T, peer: Peer) {
        self.serve_as(transport, peer, None).await;
    }

    /// Serves one connection like [`serve`](Chat::serve), and begins by logging in whom its upgrade has let in: the
    /// first frame is the reply of that login, without an id. Without a pass it is the same.
    pub async fn serve_as<T: Transport>(&self, transport: T, peer: Peer, pass: Option<Pass>) {
        let conn = Arc::new(Conn::new(ConnId(self.0.env.uuid()), peer, self.0.counts.clone()));
        // Held until the connection is forgotten, so that a drain waits for that, too.
        let _open = self.0.closing.connections.token();
        let _span = spans::connection(conn.id);
        tracing::debug!(conn = %conn.id, addr = ?conn.peer().addr, "a connection opened");
        self.0.counts.opened.add(1);
        let guard = ConnGuard { inner: self.0.clone(), conn: conn.clone() };
        let (sink, stream) = transport.split();
        let tracker = self.0.closing.connections.clone();
        let mut writer = tracker.spawn(write(sink, conn.clone()));
        if !self.0.closing.open(&conn) {
            conn.end(Ended::Shutdown(self.jitter()));
        } else if let Some(ended) = self.0.place(&conn, self.jitter()) {
            conn.end(ended);
        }
        let reading = self.read(stream, &conn, pass);
        tokio::select! { biased;
            _ = &mut writer => {}
            () = reading => {
                if tokio::time::timeout(CLOSE_TIMEOUT, &mut writer).await.is_err() {
                    writer.abort();
                }
            }
        }
        drop(guard);
        tracing::debug!(conn = %conn.id, "a connection ended");
    }

    async fn read<S>(&self, mut stream: S, conn: &Arc<Conn>, pass: Option<Pass>)
    where
        S: futures_util::Stream<Item = Result<Frame, crate::seam::TransportError>> + Unpin,
    {
        let inner = &self.0;
        let config = SessionConfig {
            conn: conn.id,
            limits: inner.limits.clone(),
            build: inner.build.clone(),
            caps: inner.caps.clone(),
        };
        let mut session = Session::new(config, inner.now());
        let mut running: FuturesUnordered<Running> = FuturesUnordered::new();
        let mut last_turn = None;
        let timer = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(timer);
        if let Some(Pass(let_in)) = pass {
            let LetIn { user, grant, generation } = *let_in;
            let ticket = session.log_in();
            let origin = Some(Origin::new(conn.clone(), ticket));
            let caller = Caller { identity: None, device: Device::default(), origin, turn: None, peer: None };
            let login = inner.clone();
            let work = async move { login.admit(caller, user, grant, generation).await };
            running.push(start(inner, ticket, work));
        }
        loop {
            let deadline = loop {
                match session.poll() {
                    Output::Reply(ticket, reply) => conn.reply(ticket, reply),
                    Output::Push(frame) => conn.tell(frame),
                    Output::Ping => conn.ping(),
                    Output::Run(ticket, job) => {
                        let origin = Some(Origin::new(conn.clone(), ticket));
                        let turn = takes_turns(&job.command).then(|| Turn::after(&mut last_turn));
                        let Job { identity, device, command } = *job;
                        let caller = Caller { identity, device, origin, turn, peer: None };
                        running.push(start(inner, ticket, inner.clone().run(caller, command)));
                    }
                    Output::Close(close) => {
                        conn.close(close);
                        return;
                    }
                    Output::Abort => {
                        conn.abort();
                        return;
                    }
                    Output::Wait(deadline) => break deadline,
                }
            };
            if let Some(deadline) = deadline {
                timer.as_mut().reset(tokio::time::Instant::now() + until(deadline, inner.now().mono));
            }
            let congested = conn.is_congested();
            if session.hold(congested) {
                session.handle(Input::Timeout, inner.now());
                continue;
            }
            let reads = session.wants_frames() && !congested;
            let input = tokio::select! { biased;
                // First of all: what was done is answered even if the connection shall end.
                Some((ticket, result)) = running.next(), if !running.is_empty() => Input::Done(ticket, result),
                ended = conn.until_ended() => Input::End(ended),
                frame = stream.next(), if reads => match frame {
                    Some(Ok(frame)) => Input::Frame(frame),
                    Some(Err(error)) => {
                        match error.downcast_ref::<Misuse>() {
                            Some(Misuse(close)) => conn.close(*close),
                            None => conn.abort(),
                        }
                        return;
                    }
                    None => {
                        conn.abort();
                        return;
                    }
                },
                () = conn.until_relieved(), if congested => continue,
                () = &mut timer, if deadline.is_some() => Input::Timeout,
            };
            if let Input::Frame(frame) = &input {
                inner.counts.frames_in.add(1);
                inner.counts.bytes_in.add(size(frame));
            }
            session.handle(input, inner.now());
            let refused = session.take_refused();
            if refused != Refused::default() {
                inner.counts.frames_limited.add(refused.limited.into());
                inner.counts.frames_malformed.add(refused.malformed.into());
            }
        }
    }
}

/// The bytes of a frame's text.
fn size(frame: &Frame) -> u64 {
    match frame {
        // No frame is longer than memory.
        Frame::Text(bytes) | Frame::Binary(bytes) => bytes.len() as u64,
        _ => 0,
    }
}

fn until(deadline: Instant, now: Instant) -> Duration {
    // The clock counts whole milliseconds; one more makes sure that the deadline has passed on it.
    deadline.since(now) + Duration::from_millis(1)
}

/// Whether a command changes something, and so takes its place in the order of changes of its connection.
pub(super) fn takes_turns(command: &Command) -> bool {
    !matches!(command, Command::Get(_) | Command::Search { .. } | Command::Typing { .. })
}

/// Carries a command out in a task of its own: a disconnect does not stop what was begun.
fn start(
    inner: &Inner,
    ticket: Ticket,
    work: impl Future<Output = Result<Finished>> + Send + 'static,
) -> Running {
    let (answer, result) = oneshot::channel();
    let tracker = &inner.closing.commands;
    // Judged here, in order: when one command comes too late, so do all that follow it.
    let admitted = inner.closing.admit();
    // The futures around this one are moved several times until they run; that should not be as many bytes as the
    // largest command needs.
    let work = Box::pin(work);
    tracker.spawn(async move {
        let work = async {
            admitted?;
            work.await
        };
        let work = AssertUnwindSafe(work).catch_unwind();
        let result = work.await.unwrap_or_else(|_| {
            tracing::error!("a command panicked");
            Err(ErrorKind::Internal.into())
        });
        drop(answer.send(result));
    });
    Box::pin(
        result.map(move |result| (ticket, result.unwrap_or_else(|_| Err(Error::from(ErrorKind::Internal))))),
    )
}

/// Feeds many, flushes once.
async fn write<T: Transport>(mut sink: SplitSink<T, Frame>, conn: Arc<Conn>) {
    loop {
        let (mut fed, mut bytes) = (0, 0);
        let mut next = conn.until_next().await;
        let close = loop {
            let frame = match next {
                Next::Frame(frame) => Frame::Text(frame),
                Next::Ping => Frame::Ping,
                Next::Close(close) => break Some(close),
                Next::Abort => return,
                Next::Nothing => break None,
            };
            bytes += size(&frame);
            if !matches!(in_time(sink.feed(frame)).await, Some(Ok(()))) {
                return;
            }
            fed += 1;
            if fed == MAX_FEED {
                break None;
            }
            next = conn.next();
        };
        conn.counts().frames_out.add(fed);
        conn.counts().bytes_out.add(bytes);
        if let Some(close) = close {
            let last = async {
                sink.send(Frame::Close(close)).await?;
                sink.close().await
            };
            // The peer may be gone already; then there is nobody to tell.
            drop(in_time(last).await);
            return;
        }
        if !matches!(in_time(sink.flush()).await, Some(Ok(()))) {
            return;
        }
    }
}

/// Waits for something that is written, but not for ever; most of the time it need not wait at all, and then there is no
/// timer.
async fn in_time<T>(written: impl Future<Output = T>) -> Option<T> {
    let mut written = pin!(written);
    match poll!(written.as_mut()) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => tokio::time::timeout(WRITE_TIMEOUT, written).await.ok(),
    }
}

/// Forgets a connection however its future ends.
struct ConnGuard {
    inner: Arc<Inner>,
    conn: Arc<Conn>,
}

impl Drop for ConnGuard {
    fn drop(&mut self) {
        self.inner.closing.gone(self.conn.id);
        self.inner.counts.closed(self.conn.closed());
        self.conn.close(Close::Normal);
        self.conn.abort();
        let identity = self.conn.leave();
        self.inner.limiting.places.free(self.conn.take_places());
        if let Some(identity) = identity {
            self.inner.leave(identity.user, &self.conn);
        }
    }
}
