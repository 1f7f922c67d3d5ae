//! A bare axum server that passes ready frames on: what fan-out costs without a messenger.

use super::{READ_BUFFER, Server, WRITE_BUFFER};
use crate::args::FanoutArgs;
use crate::bare::{Bare, Entry};
use crate::driver::Road;
use crate::outcome::Outcome;
use crate::run::{Crew, Usage};
use crate::scenario::{Scene, fanout};
use crate::speaker::{Heard, Pace};
use crate::{Tried, meter};
use axum::Router;
use axum::extract::State;
use axum::extract::ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade};
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc;

/// How many frames may wait for a connection; further ones are dropped, which the other end counts.
const QUEUE: usize = 256;
/// How many of them are written before the flush.
const AT_ONCE: usize = 64;
/// Opened at once.
const DOORS: usize = 64;

type Everybody = Arc<RwLock<BTreeMap<u64, mpsc::Sender<Utf8Bytes>>>>;

/// The server.
pub(crate) fn server() -> Router {
    let upgrade = |upgrade: WebSocketUpgrade, State(everybody): State<Everybody>| async move {
        let upgrade = upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER);
        upgrade.on_upgrade(move |socket| serve(socket, everybody))
    };
    Router::new().route("/", any(upgrade)).with_state(Everybody::default())
}

async fn serve(socket: WebSocket, everybody: Everybody) {
    let (mut write, mut read) = socket.split();
    let (queue, mut frames) = mpsc::channel::<Utf8Bytes>(QUEUE);
    let me = {
        let mut all = everybody.write().unwrap_or_else(PoisonError::into_inner);
        let me = all.last_key_value().map_or(0, |(last, _)| last + 1);
        all.insert(me, queue);
        me
    };
    let writer = tokio::spawn(async move {
        let mut some = Vec::with_capacity(AT_ONCE);
        while frames.recv_many(&mut some, AT_ONCE).await > 0 {
            for frame in some.drain(..) {
                write.feed(Message::Text(frame)).await?;
            }
            write.flush().await?;
        }
        Ok::<(), axum::Error>(())
    });
    let mut greeted = false;
    while let Some(Ok(message)) = read.next().await {
        let Message::Text(text) = message else { continue };
        if !std::mem::replace(&mut greeted, true) {
            greet(&everybody, me, text);
            continue;
        }
        for (_, queue) in
            everybody.read().unwrap_or_else(PoisonError::into_inner).iter().filter(|(id, _)| **id != me)
        {
            // Whoever is too slow misses it; the readers count what they miss.
            let _ = queue.try_send(text.clone());
        }
    }
    everybody.write().unwrap_or_else(PoisonError::into_inner).remove(&me);
    writer.abort();
}

/// Sends a connection's first frame back.
fn greet(everybody: &Everybody, me: u64, greeting: Utf8Bytes) {
    if let Some(queue) = everybody.read().unwrap_or_else(PoisonError::into_inner).get(&me) {
        // A queue that is new has room.
        let _ = queue.try_send(greeting);
    }
}

/// Lets the same number of people hear the same frames by the same schedule.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &FanoutArgs, scene: &Scene) -> Tried<Outcome> {
    if args.groups > 1 {
        return Err("the bare server knows one group".into());
    }
    let server = Server::start(&scene.plan.program, "fanout").await?;
    let stage = scene.stage();
    let name = format!("floor {}", fanout::name(args));
    let mut crew = Crew::new(&name, Road::new(server.request()?, DOORS), stage.board.clone());
    for index in 0..args.members {
        let pace = if index < fanout::senders(args) { fanout::pace(args, 0) } else { Pace::Silent };
        crew.add(Bare::new(&stage, u32::try_from(index)?, Entry::Greeting, pace), Bare::heard);
    }
    let mut outcome = fanout::described(Outcome::new(name), args);
    crew.gather().await?;
    let look = || Usage::of(server.id().and_then(meter::cpu));
    let before = look();
    crew.run(scene.length).await;
    let wanted = stage.board.sent() * (args.members - 1) as u64;
    crew.wait("settling", wanted, |board| (board.delivered(), board.delivered() >= wanted)).await;
    let used = look().since(before);
    let mut heard = Heard::default();
    for one in crew.end().await? {
        heard.append(one);
    }
    outcome.figure("deliveries per second", heard.deliveries.len() as f64 / used.seconds, "1/s");
    outcome.used(used, wanted, "delivery");
    outcome.heard(&heard, stage.board.sent(), stage.board.sent(), (args.members - 1) as u64);
    for (what, count) in stage.board.errors() {
        outcome.error(&what, count);
    }
    server.stop().await?;
    Ok(outcome)
}
