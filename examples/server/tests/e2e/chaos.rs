//! Everybody does anything, on two devices each, while the server is killed; then every device holds what the
//! server holds.
//!
//! `MVCHAT_CHAOS_SEED` (random, printed) and `MVCHAT_CHAOS_STEPS` (60 per device) in the environment repeat a run
//! or make it longer. What the operating system lets happen first differs all the same.

use crate::support::{Data, Person, Random, setting, shared, soon};
use mvchat_bot::{Error, Handle};
use mvchat_core::client::{Client, ConvChange, Conversation, Event};
use mvchat_core::proto::{ConvId, ConvItem, Envelope, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::task::JoinSet;

const PEOPLE: usize = 4;
const DEVICES: usize = 2;

/// Something that anybody may try; most of it succeeds, the rest is refused.
fn anything(random: &mut Random, conv: ConvId, group: bool, users: &[UserId], last: u64, n: u64) -> Value {
    let seq = 1 + random.below(last.max(1));
    let near = last.saturating_sub(random.below(4)).max(1);
    let user = users[usize::try_from(random.below(users.len() as u64)).unwrap()];
    let emoji = ["👍", "🎉", "❤️"][usize::try_from(random.below(3)).unwrap()];
    let op = ["add", "remove"][usize::try_from(random.below(2)).unwrap()];
    let on = random.below(2) == 0;
    let place = if group { "group" } else { "dm" };
    let id = if group { "id" } else { "conv" };
    let text = |what: &str| json!({"v": 1, "text": format!("{what} {n}")});
    match random.below(if group { 28 } else { 22 }) {
        0..=6 => json!({"send": {"conv": conv, "content": text("said"), "cid": format!("{n}")}}),
        7 => {
            json!({"send": {"conv": conv, "content": text("replied"), "replyTo": near, "cid": format!("{n}")}})
        }
        8 | 9 => json!({"edit": {"conv": conv, "seq": near, "content": text("edited")}}),
        10 => json!({"unsend": {"conv": conv, "seq": near}}),
        11 | 12 => json!({"react": {"conv": conv, "seq": seq, "emoji": emoji, "op": op}}),
        13 => json!({"delete": {"conv": conv, "seq": seq}}),
        14 => json!({"delete": {"conv": conv, "seq": seq, "forEveryone": true}}),
        15 | 16 => json!({"read": {"conv": conv, "seq": near}}),
        17 => json!({"recv": {"conv": conv, "seq": near}}),
        18 => json!({"pin": {"conv": conv, "seq": if on { seq } else { 0 }}}),
        19 => json!({place: {id: conv, "action": "settings", "favorite": on, "muted": !on}}),
        20 => json!({place: {id: conv, "action": "settings", "archived": on, "private": {"n": n}}}),
        21 => json!({"clear": {"conv": conv, "seq": seq / 4 + 1}}),
        22 => {
            json!({"group": {"action": "update", "id": conv, "desc": {"public": {"fn": format!("group {n}")}}}})
        }
        23 => json!({"group": {"action": "update", "id": conv, "noScreenshots": on}}),
        24 => json!({"group": {"action": "kick", "id": conv, "user": user}}),
        25 | 26 => json!({"group": {"action": "invite", "id": conv, "user": user}}),
        _ => {
            json!({"group": {"action": "role", "id": conv, "user": user, "role": if on { "admin" } else { "member" }}})
        }
    }
}

/// One device does so many things, one after the other.
async fn act(
    handle: Handle,
    mut random: Random,
    users: Arc<Vec<UserId>>,
    steps: u64,
    tag: u64,
    done: watch::Sender<u64>,
) {
    for step in 0..steps {
        let convs: Vec<(ConvId, bool, u64)> = handle
            .inspect(|client| {
                let part = |conv: &Conversation| {
                    (conv.view().id, conv.view().kind == "group", conv.view().last_seq.0)
                };
                client.state().conversations().values().map(part).collect()
            })
            .await
            .unwrap();
        let (conv, group, last) = convs[usize::try_from(random.below(convs.len() as u64)).unwrap()];
        let mut request = anything(&mut random, conv, group, &users, last, tag * 100_000 + step);
        request["id"] = json!("any");
        let envelope = Envelope::decode(request.to_string().as_bytes()).unwrap();
        match soon("an answer", handle.request(envelope.request)).await {
            Ok(_) => {}
            // Refused, or the server was killed: nobody knows then whether it happened.
            Err(Error::Client(error))
                if (401..500).contains(&error.code) || [0, 503].contains(&error.code) => {}
            // What one wants to answer may be gone, and an owner keeps the role.
            Err(Error::Client(error))
                if ["invalid content", "invalid role"].contains(&error.text.as_str()) => {}
            // The server's defects, and what can't be asked at all.
            Err(error) => panic!("{request} → {error:?}"),
        }
        done.send_modify(|count| *count += 1);
    }
}

/// What a view says, but for who is here right now.
fn view(item: &ConvItem) -> Value {
    let mut value = serde_json::to_value(item).unwrap();
    if let Some(user) = value["user"].as_object_mut() {
        user.retain(|key, _| key == "id" || key == "public");
    }
    value
}

/// A device whose events are read all the time; otherwise its machine would wait for the test.
struct Device {
    name: String,
    handle: Handle,
    /// Moves with every event.
    moved: watch::Receiver<u64>,
    /// Up to where each conversation's history may be missing: it had come that far when the device was told
    /// that it is in there, for the first time or again.
    from: Arc<Mutex<BTreeMap<ConvId, u64>>>,
}

impl Device {
    fn of(person: Person) -> Self {
        let Person { name, handle, mut events, .. } = person;
        let (moves, moved) = watch::channel(0);
        let from: Arc<Mutex<BTreeMap<ConvId, u64>>> = Arc::default();
        let (handle_of_reader, from_of_reader) = (handle.clone(), from.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                if let Event::Conversation { conv, change: ConvChange::Added } = event {
                    let last =
                        move |client: &Client| client.state().conversation(conv).map(|it| it.view().last_seq);
                    // Out again already, if there is none.
                    if let Ok(Some(last)) = handle_of_reader.inspect(last).await {
                        from_of_reader.lock().unwrap().insert(conv, last.0);
                    }
                }
                moves.send_modify(|count| *count += 1);
            }
        });
        Self { name, handle, moved, from }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_device_holds_what_the_server_holds() {
    let seed = setting("MVCHAT_CHAOS_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let steps = setting("MVCHAT_CHAOS_STEPS").unwrap_or(60);
    println!("MVCHAT_CHAOS_SEED={seed} MVCHAT_CHAOS_STEPS={steps}");
    let mut random = Random(seed);
    let mut data = Data::unlimited();
    let mut server = data.start();
    let mut people = Vec::new();
    for n in 0..PEOPLE {
        let name = format!("user-{n}");
        people.push(Person::sign_up(&server, &name).await);
        for _ in 1..DEVICES {
            people.push(Person::log_in(&server, &name).await);
        }
    }
    let ids: Vec<UserId> = people.iter().step_by(DEVICES).map(|person| person.id).collect();
    let users = Arc::new(ids.clone());
    people[0].group(&ids[1..]).await;
    for n in 0..PEOPLE {
        people[n * DEVICES].dm(ids[(n + 1) % PEOPLE]).await;
    }
    for person in &mut people {
        person.until("all conversations", |client| client.state().conversations().len() == 3).await;
    }

    let done = watch::channel(0).0;
    let mut acts = JoinSet::new();
    for (tag, person) in people.iter().enumerate() {
        let random = Random(random.next());
        acts.spawn(act(person.handle.clone(), random, users.clone(), steps, tag as u64, done.clone()));
    }
    let devices: Vec<_> = people.into_iter().map(Device::of).collect();
    let total = steps * devices.len() as u64;
    for part in 1..=2 {
        soon("some of it", done.subscribe().wait_for(|count| *count >= total * part / 3)).await.unwrap();
        server.kill();
        server = data.start();
    }
    soon("all of it", acts.join_all()).await;

    for Device { name, handle, mut moved, from } in devices {
        let fresh = Person::log_in(&server, &name).await;
        let truth = fresh.state().await;
        let marks: Vec<_> = truth
            .conversations()
            .values()
            .map(|conv| (conv.view().id, conv.view().rev, conv.view().own))
            .collect();
        let level = async {
            loop {
                let expected = marks.clone();
                let level = move |client: &Client| {
                    let have = client.state().conversations().values();
                    client.is_synced()
                        && have.map(|conv| (conv.view().id, conv.view().rev, conv.view().own)).eq(expected)
                };
                if handle.inspect(level).await.unwrap() {
                    return;
                }
                moved.changed().await.unwrap();
            }
        };
        soon(&format!("{name} level with the server"), level).await;
        let state = handle.state().await.unwrap();
        for (id, conv) in state.conversations() {
            let there = truth.conversation(*id).unwrap();
            assert_eq!(view(conv.view()), view(there.view()), "{name}");
            let have = shared(conv.messages());
            let mut expected = shared(&fresh.history(*id).await);
            // Who was added again reads on from there; what was before is for scrolling back.
            let from = from.lock().unwrap().get(id).copied().unwrap_or_default();
            expected.retain(|seq, _| *seq > from || have.contains_key(seq));
            assert_eq!(have, expected, "{name}");
        }
    }
}
