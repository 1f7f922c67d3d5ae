//! Many at once: order, idempotency, slow readers.

use crate::support::{User, server};
use mvchat_core::proto::{Close, ConvId, Json, SendMessage, UserId};
use mvchat_core::testkit::Wire;
use serde_json::json;
use std::collections::BTreeSet;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_senders_make_one_log_without_a_hole() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let mut listener = b.device(&chat).await;
    let conv = a.group(&[&b]).await;
    listener.wire.settle().await;
    let id: ConvId = conv.parse().unwrap();
    let users: [UserId; 2] = [a.id.parse().unwrap(), b.id.parse().unwrap()];
    let senders: Vec<_> = (0..200)
        .map(|n| {
            let actor = chat.act_as(users[n % 2]);
            tokio::spawn(async move {
                let mut message = SendMessage::new(id, Json::from_value(&format!("m{n}")));
                message.cid = Some(format!("c{n}"));
                let (first, again) =
                    tokio::join!(actor.send_message(message.clone()), actor.send_message(message));
                let (first, again) = (first.unwrap(), again.unwrap());
                assert_eq!(first.seq, again.seq, "a retry at once is the same message");
                assert_ne!(first.replay, again.replay);
                first.seq.0
            })
        })
        .collect();
    let mut seqs = BTreeSet::new();
    for sender in senders {
        seqs.insert(sender.await.unwrap());
    }
    assert_eq!(seqs, (1..=200).collect());
    let revs: Vec<_> =
        listener.wire.settle().await.iter().filter_map(|frame| frame["data"]["rev"].as_u64()).collect();
    assert_eq!(revs, (2..=201).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelined_sends_keep_their_order() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    let mut ids = Vec::new();
    for n in 0..64 {
        ids.push(a.wire.begin(json!({"send": {"conv": conv, "content": format!("{n}")}})).await);
    }
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(a.wire.reply(id).await["params"]["seq"], n + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eleven_edits_at_once_make_ten() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    a.say(&conv, "0").await;
    let mut ids = Vec::new();
    for n in 0..11 {
        ids.push(a.wire.begin(json!({"edit": {"conv": conv, "seq": 1, "content": format!("{n}")}})).await);
    }
    let mut codes = Vec::new();
    for id in ids {
        codes.push(a.wire.reply(&id).await["code"].as_u64().unwrap());
    }
    codes.sort_unstable();
    assert_eq!(codes, [[200; 10].as_slice(), &[403]].concat());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_reactions_at_once_are_all_counted() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    a.say(&conv, "react").await;
    let id: ConvId = conv.parse().unwrap();
    let owner = chat.act_as(a.id.parse().unwrap());
    let mut tasks = Vec::new();
    for n in 0..50 {
        let user = UserId::external("test", n);
        chat.add_user(user, None).await.unwrap();
        let invite = mvchat_core::proto::Command::Invite { conv: id, user };
        owner.execute(invite).await.unwrap();
        let mut device = chat.act_as(user);
        tasks.push(tokio::spawn(async move {
            let request = json!({"react": {"conv": id.to_string(), "seq": 1, "emoji": "👍", "op": "add"}});
            let request =
                mvchat_core::proto::Envelope::decode(request.to_string().as_bytes()).unwrap().request;
            let limits = mvchat_core::proto::Limits::default();
            let command = mvchat_core::proto::Command::parse(request, &limits).unwrap();
            device = device.clone();
            device.execute(command).await.unwrap();
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let page = a.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    assert_eq!(page["messages"][0]["head"]["reactions"]["👍"].as_array().unwrap().len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_is_closed_and_delays_nobody() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let mut healthy = b.device(&chat).await;
    let conv = a.group(&[&b]).await;
    healthy.wire.settle().await;
    // `b` reads nothing from here on, while others send more than its outbox holds.
    let mut slow = b;
    let words = "x".repeat(2_000);
    for n in 0..400 {
        a.say(&conv, &words).await;
        if n % 50 == 0 {
            healthy.wire.settle().await;
        }
    }
    let heard = healthy.wire.settle().await;
    assert!(heard.iter().any(|frame| frame["data"]["seq"] == 400));
    assert_eq!(slow.wire.closed().await, Some(Close::Resync));
    let mut back = slow.device(&chat).await;
    let page = back.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 100}})).await;
    assert_eq!(page["messages"][0]["seq"], 400, "after a reconnect everything is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_answers_what_was_begun_and_says_when_to_come_back() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    let mut silent = Wire::connect(&chat);
    let mut ids = Vec::new();
    for n in 0..16 {
        ids.push(a.wire.begin(json!({"send": {"conv": conv, "content": format!("{n}")}})).await);
    }
    let first = a.wire.reply(&ids[0]).await;
    assert_eq!(first["code"], 202);
    assert!(chat.drain(std::time::Duration::from_secs(5)).await);
    // What was not read any more is not answered; what was is, in its order, and at last comes the goodbye.
    let mut answers = Vec::new();
    while let Some(mut frame) = a.wire.next().await {
        answers.push(frame["ctrl"].take());
    }
    let goodbye = answers.pop().unwrap();
    assert_eq!((&goodbye["code"], goodbye.get("id")), (&json!(503), None));
    assert!(goodbye["params"]["retryAfter"].as_u64().unwrap() >= 500);
    let answered: Vec<_> = answers.iter().map(|ctrl| ctrl["id"].clone()).collect();
    assert_eq!(answered, ids[1..=answers.len()]);
    let refused = answers.iter().skip_while(|ctrl| ctrl["code"] == 202);
    assert!(refused.into_iter().all(|ctrl| ctrl["code"] == 503), "refused from some point on: {answers:?}");
    assert_eq!(a.wire.closed().await, Some(Close::GoingAway));
    assert_eq!(silent.closed().await, Some(Close::GoingAway));
    assert_eq!(chat.connections(), 0);
}
