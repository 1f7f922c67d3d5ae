//! What happens at once, many times over: exactly as many, in one order, and nothing after what forbids it.

use crate::support::{User, server, text};
use mvchat_core::Chat;
use mvchat_core::proto::{Command, ConvId, DmPeer, Json, MemberSettings, ReplyParams, UserId};
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const ROUNDS: usize = 40;

fn id(user: &User) -> UserId {
    user.id.parse().unwrap()
}

/// Lets a user send until that is refused; returns the revs of what was sent.
fn sending(chat: &Chat, user: UserId, conv: ConvId) -> tokio::task::JoinHandle<Vec<u64>> {
    let actor = chat.act_as(user);
    tokio::spawn(async move {
        let mut revs = Vec::new();
        while let Ok(sent) = actor.send(conv, Json::from_value(&"x")).await {
            revs.push(sent.rev.unwrap().0);
            tokio::task::yield_now().await;
        }
        revs
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eleven_edits_at_once_ten_are_made() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let conv = a.group(&[]).await;
    for _ in 0..ROUNDS {
        let seq = a.say(&conv, "first").await;
        let mut edits = JoinSet::new();
        for n in 0..11 {
            let request = json!({"edit": {"conv": conv, "seq": seq, "content": format!("edit {n}")}});
            let (chat, token) = (chat.clone(), a.token.clone());
            edits.spawn(async move {
                let mut wire = Wire::connect(&chat);
                wire.ask(json!({"login": {"scheme": "token", "secret": token}})).await;
                wire.ask(request).await
            });
        }
        let (made, refused): (Vec<Value>, Vec<Value>) =
            edits.join_all().await.into_iter().partition(|ctrl| ctrl["code"] == 200);
        assert_eq!((made.len(), refused.len()), (10, 1));
        assert_eq!((&refused[0]["code"], &refused[0]["text"]), (&json!(403), &json!("max edits reached")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_removed_says_nothing_after_that() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let b = User::sign_up(&chat, "bobby").await;
    let mut sent = 0;
    for round in 0..ROUNDS {
        let conv = a.group(&[&b]).await;
        let senders: Vec<_> = (0..4).map(|_| sending(&chat, id(&b), conv.parse().unwrap())).collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let kicked = a.ok(json!({"group": {"action": "kick", "id": conv, "user": b.id}})).await;
        let rev = kicked["rev"].as_u64().unwrap();
        for sender in senders {
            let revs = sender.await.unwrap();
            sent += revs.len();
            assert!(revs.iter().all(|sent| *sent < rev), "{revs:?} after {rev}");
        }
        let changes = a.ok(json!({"get": {"what": "changes", "conv": conv, "since": rev}})).await;
        assert_eq!((&changes["rev"], &changes["items"]), (&json!(rev), &json!([])));
    }
    assert!(sent > 0, "nothing raced");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_open_a_conversation_at_once_open_one() {
    let chat = server().await;
    for round in 0..ROUNDS {
        let mut a = User::sign_up(&chat, &format!("alice{round}")).await;
        let mut b = User::sign_up(&chat, &format!("bobby{round}")).await;
        let mut opening = JoinSet::new();
        for n in 0..8 {
            let (me, other) = if n % 2 == 0 { (id(&a), id(&b)) } else { (id(&b), id(&a)) };
            let actor = chat.act_as(me);
            opening.spawn(async move {
                match actor.execute(Command::StartDm(DmPeer::User(other))).await.unwrap().params {
                    ReplyParams::Dm(opened) => (opened.conv, opened.created),
                    other => panic!("{other:?}"),
                }
            });
        }
        let opened = opening.join_all().await;
        assert!(opened.iter().all(|(conv, _)| *conv == opened[0].0), "{opened:?}");
        assert_eq!(opened.iter().filter(|(_, created)| *created).count(), 1);
        for user in [&mut a, &mut b] {
            let list = user.ok(json!({"get": {"what": "conversations"}})).await;
            assert_eq!(list["conversations"].as_array().unwrap().len(), 1);
            let added = user.heard("info").await.iter().filter(|info| info["what"] == "conv_added").count();
            assert_eq!(added, 1, "each is told once");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_crosses_a_block_after_its_acknowledgement() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let conv = text(&a.ok(json!({"dm": {"user": b.id}})).await["conv"]);
    let parsed: ConvId = conv.parse().unwrap();
    let mut crossed = 0;
    for round in 0..ROUNDS {
        let senders: Vec<_> = (0..4).map(|_| sending(&chat, id(&b), parsed)).collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        let mut settings = MemberSettings::default();
        settings.blocked = Some(true);
        let block = Command::Settings { conv: parsed, settings: settings.clone() };
        chat.act_as(id(&a)).execute(block).await.unwrap();
        let at_ack = a.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
        for sender in senders {
            crossed += sender.await.unwrap().len();
        }
        let after = a.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
        assert_eq!(at_ack["conversation"]["rev"], after["conversation"]["rev"], "in round {round}");
        a.wire.settle().await;
        b.wire.send_text(json!({"typing": {"conv": conv}}).to_string()).await;
        assert_eq!(b.fails(json!({"react": {"conv": conv, "seq": 1, "emoji": "x"}})).await.1, "blocked");
        assert!(a.wire.settle().await.is_empty(), "nothing else crosses either");
        settings.blocked = Some(false);
        chat.act_as(id(&a)).execute(Command::Settings { conv: parsed, settings }).await.unwrap();
    }
    assert!(crossed > 0, "nothing raced");
}
