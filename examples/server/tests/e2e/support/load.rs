//! People who send without end while the server is taken from them, and the independent reader that looks afterwards
//! whether everything that was acknowledged is there, once, at its place.
#![expect(clippy::print_stdout, reason = "a run says by which numbers it can be repeated, and how it went")]

use super::{Data, Person, Server, Wire, irido, send, setting, soon};
use mvchat_bot::{Events, Handle};
use mvchat_core::client::{Client, Draft, Event, SendState};
use mvchat_core::proto::{ConvId, UserId};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PEOPLE: usize = 4;
/// How many messages each person has on the way to each conversation, one after the other in the outbox.
const AT_ONCE: u64 = 3;

/// What was acknowledged: by text, because every text is sent once.
#[derive(Clone, Debug)]
struct Acked {
    conv: ConvId,
    from: UserId,
    cid: String,
    seq: u64,
}

/// Someone who talks; the events are read elsewhere.
struct Talker {
    name: String,
    id: UserId,
    handle: Handle,
}

/// What the people share: the acks, and how many messages left and were acknowledged.
pub(crate) struct Load {
    acked: Mutex<BTreeMap<String, Acked>>,
    pub(crate) sending: watch::Sender<u64>,
    pub(crate) answered: watch::Sender<u64>,
    /// Moves with every event of anybody.
    events: watch::Sender<u64>,
    stop: AtomicBool,
}

/// Sends to one conversation until it is told to stop; what it has begun, it finishes.
async fn talk(person: Arc<Talker>, conv: ConvId, lane: u64, load: Arc<Load>) {
    for n in 0_u64.. {
        if load.stop.load(Ordering::Relaxed) {
            return;
        }
        let words = format!("{} {conv} {lane} {n}", person.name);
        let delivery = person.handle.deliver(Draft::new(conv, irido(&words)));
        let sent = soon("a place", delivery).await.unwrap_or_else(|error| panic!("{words}: {error}"));
        let acked = Acked { conv, from: person.id, cid: sent.cid, seq: sent.seq.0 };
        assert!(load.acked.lock().unwrap().insert(words, acked).is_none());
        load.answered.send_modify(|count| *count += 1);
    }
}

/// Reads a person's events: counts what leaves, and checks that no message is announced twice.
async fn listen(mut events: Events, load: Arc<Load>) -> usize {
    let mut heard = BTreeMap::new();
    let mut retried = 0;
    while let Some(event) = events.next().await {
        load.events.send_modify(|count| *count += 1);
        match event {
            Event::SendState { state: SendState::Sending, .. } => {
                load.sending.send_modify(|count| *count += 1)
            }
            Event::SendState { state: SendState::Queued, cid, .. } => {
                retried += usize::from(heard.insert(cid, ()).is_some());
            }
            Event::SendState { state: SendState::Failed(error), .. } => panic!("{error}"),
            _ => {}
        }
    }
    retried
}

/// Lets people send who reach the server at `url`, while `blow` takes it from them and returns another, so many times;
/// then holds what is there against what was acknowledged.
///
/// `MVCHAT_CRASH_AT_ONCE` (3) says how many messages each person has on the way to each conversation.
pub(crate) async fn campaign(
    data: &mut Data,
    mut server: Server,
    url: &str,
    cycles: u64,
    mut blow: impl AsyncFnMut(&mut Data, Server, &Load) -> Server,
) {
    // A group of all, and a direct conversation of each with the next.
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        people.push(Person::sign_up_at(url, &format!("user-{n}")).await);
    }
    let ids: Vec<UserId> = people.iter().map(|person| person.id).collect();
    let group = people[0].group(&ids[1..]).await;
    let mut convs = vec![(group, (0..PEOPLE).collect::<Vec<_>>())];
    for (n, person) in people.iter().enumerate() {
        let next = (n + 1) % PEOPLE;
        convs.push((person.dm(ids[next]).await, vec![n, next]));
    }
    let load = Arc::new(Load {
        acked: Mutex::default(),
        sending: watch::channel(0).0,
        answered: watch::channel(0).0,
        events: watch::channel(0).0,
        stop: AtomicBool::new(false),
    });
    let mut listeners = JoinSet::new();
    let mut talks = JoinSet::new();
    let mut talkers = Vec::new();
    for Person { name, id, handle, events } in people {
        listeners.spawn(listen(events, load.clone()));
        talkers.push(Arc::new(Talker { name, id, handle }));
    }
    let at_once = setting("MVCHAT_CRASH_AT_ONCE").unwrap_or(AT_ONCE);
    for (conv, members) in &convs {
        for member in members {
            for lane in 0..at_once {
                talks.spawn(talk(talkers[*member].clone(), *conv, lane, load.clone()));
            }
        }
    }

    let start = Instant::now();
    let mut down: Vec<Duration> = Vec::new();
    for _ in 0..cycles {
        server = blow(data, server, &load).await;
        let back = Instant::now();
        let answers = *load.answered.borrow();
        soon("an answer afterwards", load.answered.subscribe().wait_for(|count| *count > answers))
            .await
            .unwrap();
        down.push(back.elapsed());
    }
    load.stop.store(true, Ordering::Relaxed);
    soon("the end of the talks", talks.join_all()).await;
    let took = start.elapsed();
    let acked = load.acked.lock().unwrap().clone();

    // An independent reader, page by page, as each member. Each time on a connection of its own: one that waits while
    // the others read for minutes would be taken for dead.
    let checker = async |member: usize| Wire::log_in(&server, &format!("user-{member}")).await;
    let mut retries = 0;
    for (conv, members) in &convs {
        let mut histories = Vec::new();
        for member in members {
            histories.push(checker(*member).await.history(&conv.to_string()).await);
        }
        check(&histories[0], &acked, *conv);
        let alike =
            |message: &Value| (message["seq"].clone(), message["content"].clone(), message["ts"].clone());
        for (member, history) in members.iter().zip(&histories) {
            assert!(history.iter().map(alike).eq(histories[0].iter().map(alike)));
            // The machines have heard everything, whatever happened in between.
            let model = caught_up(&talkers[*member], *conv, history.len() as u64, &load).await;
            let newest = &history[history.len() - model.len()..];
            assert!(
                model.len() == history.len().min(1_000)
                    && model.iter().map(alike).eq(newest.iter().map(alike))
            );
        }
        // A retry of anything acknowledged, now, answers the same place.
        for member in members {
            let mut again = checker(*member).await;
            let own = acked.iter().filter(|(_, it)| (it.conv, it.from) == (*conv, ids[*member]));
            for (words, it) in own.step_by(7) {
                let retried = again.ok(send(&conv.to_string(), words, &it.cid)).await;
                let (seq, replay) = (retried["seq"].as_u64(), &retried["replay"]);
                assert_eq!((seq, replay), (Some(it.seq), &Value::Bool(true)), "{words}");
                retries += 1;
            }
        }
        let after = checker(members[0]).await.history(&conv.to_string()).await;
        assert_eq!(after.len(), histories[0].len());
    }

    // The last handles end the clients, and with them the events.
    drop(talkers);
    let again: usize = soon("the end of the listeners", listeners.join_all()).await.into_iter().sum();
    println!(
        "{cycles} times, {} acks in {took:?}, all there once; {again} messages were sent again by the machines, \
         {retries} retried afterwards; the first answer came {:?} after the start at most",
        acked.len(),
        down.iter().max()
    );
    assert!(acked.len() as u64 >= cycles);
}

/// Waits until a machine is at the end of a conversation; returns the messages that it keeps.
async fn caught_up(talker: &Talker, conv: ConvId, last: u64, load: &Load) -> Vec<Value> {
    let mut events = load.events.subscribe();
    let model = async {
        loop {
            let read = move |client: &Client| {
                let conv = client.state().conversation(conv).filter(|conv| conv.view().last_seq.0 == last)?;
                let messages = conv.messages().values().map(|message| serde_json::to_value(message).unwrap());
                client.is_synced().then(|| messages.collect::<Vec<_>>())
            };
            match talker.handle.inspect(read).await.unwrap() {
                Some(messages) => return messages,
                None => events.changed().await.unwrap(),
            }
        }
    };
    soon("a machine at the end", model).await
}

/// Holds a history against what was acknowledged: everything is there once, at its place, and nothing else.
fn check(history: &[Value], acked: &BTreeMap<String, Acked>, conv: ConvId) {
    let expected = acked.values().filter(|it| it.conv == conv).count();
    assert_eq!(history.len(), expected, "every message was acknowledged in the end, and none is a phantom");
    let mut ts = "";
    for (message, seq) in history.iter().zip(1_u64..) {
        assert_eq!(message["seq"].as_u64(), Some(seq), "no hole, nothing twice");
        let words = message["content"]["text"].as_str().unwrap();
        let it = acked.get(words).unwrap_or_else(|| panic!("nobody sent {words}"));
        assert_eq!((it.conv, it.seq), (conv, seq), "{words}");
        assert_eq!(message["from"], serde_json::json!(it.from), "{words}");
        // All times are printed alike, so their texts order like them.
        let at = message["ts"].as_str().unwrap();
        assert!(ts <= at, "{ts} then {at}");
        ts = at;
    }
}
