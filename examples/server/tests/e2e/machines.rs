//! The same story with the client machine: both sides, and a device that comes later, hold the same.

use crate::support::{Data, Person, irido, shared};
use mvchat_core::client::{Client, Draft, Event, MemberChange};
use mvchat_core::proto::{ConvId, ReceiptsParams, Seq};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What two members see alike of a conversation.
fn common(client: &Client, conv: ConvId) -> Value {
    let view = client.state().conversation(conv).unwrap().view();
    json!({
        "rev": view.rev, "lastSeq": view.last_seq, "type": view.kind, "public": view.public,
        "pinned": view.pinned_seq, "last": view.last_msg_at, "ttl": view.disappearing_ttl,
    })
}

/// Asserts that these clients and the server's history agree; each client has heard everything live.
async fn agree(people: &[&Person], conv: ConvId) -> BTreeMap<u64, Value> {
    let truth = shared(&people[0].history(conv).await);
    let view = people[0].handle.inspect(move |client| common(client, conv)).await.unwrap();
    for person in people {
        let state = person.state().await;
        assert_eq!(shared(state.conversation(conv).unwrap().messages()), truth, "{}", person.name);
        assert_eq!(person.handle.inspect(move |client| common(client, conv)).await.unwrap(), view);
        assert_eq!(shared(&person.history(conv).await), truth, "{}", person.name);
    }
    truth
}

/// Waits until a client has applied as many revs of a conversation as another.
async fn level(ahead: &Person, behind: &mut Person, conv: ConvId) {
    let rev = ahead.state().await.conversation(conv).unwrap().view().rev;
    behind
        .until("as far as the other", move |client| {
            client.is_synced() && client.state().conversation(conv).is_some_and(|conv| conv.view().rev >= rev)
        })
        .await;
}

#[tokio::test]
async fn machines_resume_after_a_kill_and_hold_the_same() {
    let mut data = Data::new();
    let server = data.start();
    let mut alice = Person::sign_up(&server, "alice").await;
    let mut bob = Person::sign_up(&server, "bobby").await;
    assert_eq!(alice.find("bobby").await, bob.id);
    let dm = alice.dm(bob.id).await;
    let group = alice.group(&[bob.id]).await;
    bob.until("the group", move |client| client.state().conversation(group).is_some()).await;

    // Messages, a reply, a mention, an edit, an unsend, reactions, a pin, marks, typing.
    alice.say(dm, "hello bobby").await;
    bob.say(dm, "hello alice").await;
    let first = alice.say(group, "who comes?").await;
    let mention = json!({
        "v": 1, "text": "@alice I do 🎉",
        "mentions": [{"userId": alice.id, "username": "alice", "offset": 0, "length": 6}],
    });
    bob.deliver(Draft::new(group, mvchat_core::proto::Json::from_value(&mention)).in_reply_to(first.seq))
        .await;
    let regret = alice.say(group, "said too much").await;
    let edit =
        json!({"edit": {"conv": group, "seq": first.seq, "content": {"v": 1, "text": "who comes along?"}}});
    alice.ask::<Value>(edit).await;
    alice.ask::<Value>(json!({"unsend": {"conv": group, "seq": regret.seq}})).await;
    for person in [&alice, &bob] {
        let react = json!({"react": {"conv": group, "seq": 2, "emoji": "🎉", "op": "add"}});
        person.ask::<Value>(react).await;
    }
    alice.ask::<Value>(json!({"react": {"conv": group, "seq": 2, "emoji": "🎉", "op": "remove"}})).await;
    alice.ask::<Value>(json!({"pin": {"conv": group, "seq": 1}})).await;
    bob.ask::<Value>(json!({"read": {"conv": group, "seq": 3}})).await;
    let (me, him) = (alice.id, bob.id);
    alice
        .event("bob's mark", |event| match event {
            Event::Mark { user, conv, seq, .. } => {
                (*user == him && *conv == group && *seq == Seq(3)).then_some(())
            }
            _ => None,
        })
        .await;
    bob.handle.typing(dm).await.unwrap();
    alice
        .event("bob typing", |event| match event {
            Event::Typing { user, conv } => (*user == him && *conv == dm).then_some(()),
            _ => None,
        })
        .await;
    level(&alice, &mut bob, group).await;
    level(&bob, &mut alice, dm).await;
    let before = [agree(&[&alice, &bob], dm).await, agree(&[&alice, &bob], group).await];
    assert_eq!(before[1][&2]["head"]["reactions"], json!({"🎉": [bob.id]}));
    assert_eq!(before[1][&1]["content"]["text"], "who comes along?");

    // Killed while both have something in their outbox: sent while nobody listens, delivered afterwards, once.
    server.kill();
    let waits = [
        alice.handle.send(Draft::new(dm, irido("into the dark"))).await.unwrap(),
        bob.handle.send(Draft::new(group, irido("is anybody here?"))).await.unwrap(),
    ];
    let server = data.start();
    for person in [&mut alice, &mut bob] {
        person
            .until("caught up", |client| client.is_synced() && client.export_outbox().items.is_empty())
            .await;
    }
    level(&alice, &mut bob, dm).await;
    level(&bob, &mut alice, group).await;

    // And a change that one of them made while the other was away.
    let carol = Person::sign_up(&server, "carol").await;
    let join = json!({"group": {"action": "invite", "id": group, "user": carol.id}});
    alice.ask::<Value>(join).await;
    let joined = carol.id;
    bob.event("carol", |event| match event {
        Event::Member { user, change: MemberChange::Joined | MemberChange::Updated, .. } => {
            (*user == joined).then_some(())
        }
        _ => None,
    })
    .await;

    let after = [agree(&[&alice, &bob], dm).await, agree(&[&alice, &bob], group).await];
    for (before, after) in before.iter().zip(&after) {
        let new = after.len() - before.len();
        assert_eq!(new, 1);
        for (seq, message) in before {
            assert_eq!(after.get(seq), Some(message));
        }
    }
    let of = |messages: &BTreeMap<u64, Value>| messages.values().last().unwrap()["content"]["text"].clone();
    assert_eq!(after.each_ref().map(of), ["into the dark", "is anybody here?"]);
    for (person, cid) in [(&alice, &waits[0]), (&bob, &waits[1])] {
        let state = person.state().await;
        let all = state.conversations().values().flat_map(|conv| conv.messages().values());
        assert_eq!(all.filter(|message| message.cid.as_ref() == Some(cid)).count(), 1);
    }

    // A device that comes now reads the same, and so does the new member.
    let device = Person::log_in(&server, "alice").await;
    for (conv, truth) in [(dm, &after[0]), (group, &after[1])] {
        assert_eq!(&shared(&device.history(conv).await), truth);
        assert_eq!(
            device.handle.inspect(move |client| common(client, conv)).await.unwrap(),
            alice.handle.inspect(move |client| common(client, conv)).await.unwrap()
        );
    }
    assert_eq!(&shared(&carol.history(group).await), &after[1]);
    let receipts: ReceiptsParams = device.ask(json!({"get": {"what": "receipts", "conv": group}})).await;
    let of = |user| receipts.receipts.iter().find(|item| item.user == user).unwrap().read_seq;
    assert_eq!((of(him), of(me) >= Seq(1)), (Seq(4), true), "who has read all, has read the own next one");
}
