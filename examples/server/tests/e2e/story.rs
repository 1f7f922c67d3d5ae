//! The whole story on the wire: what two people see who have nothing but a WebSocket.

use crate::support::{Data, Person, Wire};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What `get conversations` shows, in the order of the ids, without what is only true while connected.
async fn conversations(wire: &mut Wire) -> Vec<Value> {
    let mut params = wire.ok(json!({"get": {"what": "conversations"}})).await;
    let mut all: Vec<Value> = params["conversations"].take().as_array_mut().unwrap().drain(..).collect();
    for conv in &mut all {
        if let Some(user) = conv["user"].as_object_mut() {
            user.retain(|key, _| !["online", "lastSeen"].contains(&key.as_str()));
        }
    }
    all.sort_by_key(|conv| conv["id"].as_str().map(str::to_owned));
    all
}

async fn changes(wire: &mut Wire, conv: &str, since: u64) -> Value {
    wire.ok(json!({"get": {"what": "changes", "conv": conv, "since": since, "own": 0}})).await
}

#[tokio::test]
async fn two_people_meet_and_a_killed_server_forgets_nothing() {
    two_people_meet(Data::new()).await;
}

#[tokio::test]
async fn two_people_meet_over_warp_and_a_killed_server_forgets_nothing() {
    two_people_meet(Data::new().with("MVCHAT_TRANSPORT", "warp")).await;
}

async fn two_people_meet(mut data: Data) {
    let server = data.start();
    let mut alice = Wire::sign_up(&server, "alice").await;
    let mut bob = Wire::sign_up(&server, "bobby").await;

    // They find each other, and neither finds themself.
    assert_eq!(alice.find("bobby").await, bob.id);
    assert_eq!(bob.find("alice").await, alice.id);
    assert_eq!(alice.ok(json!({"search": {"query": "alice"}})).await["users"], json!([]));

    // A direct conversation: bob hears of it with his own view.
    let dm = alice.dm(&bob.id).await;
    let added = bob.info("conv_added", &dm).await;
    assert_eq!((&added["content"]["id"], &added["content"]["type"]), (&json!(dm), &json!("dm")));
    assert_eq!(bob.dm(&alice.id).await, dm);

    let sent = alice.say(&dm, "hello bobby", "a-1").await;
    assert_eq!((&sent["seq"], &sent["conv"]), (&json!(1), &json!(dm)));
    let heard = bob.data(&dm, 1).await;
    assert_eq!(heard["content"], json!({"v": 1, "text": "hello bobby"}));
    assert_eq!((&heard["from"], &heard["ts"], heard.get("cid")), (&json!(alice.id), &sent["ts"], None));

    // A reply with a mention, in a group.
    let group = alice.group(&[&bob.id]).await;
    bob.info("conv_added", &group).await;
    alice.say(&group, "who comes?", "a-2").await;
    let content = json!({
        "v": 1, "text": "@alice I do 🎉",
        "mentions": [{"userId": alice.id, "username": "alice", "offset": 0, "length": 6}],
    });
    let reply =
        bob.ok(json!({"send": {"conv": group, "content": content, "replyTo": 1, "cid": "b-1"}})).await;
    assert_eq!(reply["seq"], 2);
    let heard = alice.data(&group, 2).await;
    assert_eq!(heard["head"]["reply_to"], 1);
    assert_eq!(heard["head"]["mentions"][0]["userId"], json!(alice.id));
    assert_eq!(heard["head"]["mentions"][0]["offset"], 0);
    assert_eq!(heard["content"], content);

    // Edit, unsend, react, read.
    alice
        .ok(json!({"edit": {"conv": group, "seq": 1, "content": {"v": 1, "text": "who comes along?"}}}))
        .await;
    let edit = bob.info("edit", &group).await;
    assert_eq!((&edit["seq"], &edit["content"]["text"]), (&json!(1), &json!("who comes along?")));
    alice.say(&group, "said too much", "a-3").await;
    bob.data(&group, 3).await;
    alice.ok(json!({"unsend": {"conv": group, "seq": 3}})).await;
    assert_eq!(bob.info("unsend", &group).await["seq"], 3);
    bob.ok(json!({"react": {"conv": group, "seq": 1, "emoji": "👍", "op": "add"}})).await;
    let react = alice.info("react", &group).await;
    assert_eq!((&react["emoji"], &react["op"], &react["count"]), (&json!("👍"), &json!("add"), &json!(1)));
    bob.ok(json!({"read": {"conv": group, "seq": 3}})).await;
    let read = alice.info("read", &group).await;
    assert_eq!((&read["from"], &read["seq"]), (&json!(bob.id), &json!(3)));

    // Typing and presence.
    bob.raw(tokio_tungstenite::tungstenite::Message::text(json!({"typing": {"conv": dm}}).to_string())).await;
    assert_eq!(alice.info("typing", &dm).await["from"], json!(bob.id));
    let (id, token) = (bob.id.clone(), bob.token.clone());
    bob.leave().await;
    let gone = alice.until("bob gone", |frame| frame["pres"]["what"] == "off").await;
    assert_eq!(gone["pres"]["user"], json!(id));
    assert!(gone["pres"]["lastSeen"].is_string());
    let mut bob = Wire::resume(&server, &token).await;
    let back = alice.until("bob back", |frame| frame["pres"]["what"] == "on").await;
    assert_eq!(back["pres"]["user"], json!(bob.id));

    // The server dies without warning, right after its last answer.
    let rev = |conv: &Value| conv["rev"].as_u64().unwrap();
    alice.say(&dm, "the last words", "a-4").await;
    let mut before = Vec::new();
    for wire in [&mut alice, &mut bob] {
        let list = conversations(wire).await;
        let histories = [wire.history(&dm).await, wire.history(&group).await];
        before.push((list, histories));
    }
    server.kill();
    alice.closed().await;
    bob.closed().await;
    let server = data.start();

    // Both come back with their tokens: everything is there, and nothing has changed since.
    let mut alice = Wire::resume(&server, &alice.token).await;
    let mut bob = Wire::resume(&server, &bob.token).await;
    for (wire, (list, histories)) in [&mut alice, &mut bob].into_iter().zip(&before) {
        assert_eq!(&conversations(wire).await, list);
        assert_eq!(&[wire.history(&dm).await, wire.history(&group).await], histories);
        for conv in list {
            let none = changes(wire, conv["id"].as_str().unwrap(), rev(conv)).await;
            assert_eq!(
                (&none["rev"], &none["items"], &none["more"]),
                (&conv["rev"], &json!([]), &json!(false))
            );
        }
    }
    let [said, talk] = &before[0].1;
    let texts = |history: &[Value]| -> Vec<Value> {
        history.iter().map(|message| message["content"]["text"].clone()).collect()
    };
    assert_eq!(texts(said), ["hello bobby", "the last words"]);
    assert_eq!(texts(talk), [json!("who comes along?"), json!("@alice I do 🎉"), Value::Null]);
    assert_eq!(talk[0]["head"]["reactions"], json!({"👍": [bob.id]}));
    assert_eq!(talk[0]["head"]["edit_count"], 1);
    assert_eq!(talk[1]["head"]["reply"]["preview"], "who comes along?");
    assert_eq!((&talk[2]["deleted"], &talk[2]["head"]["unsent"]), (&json!(true), &json!(true)));

    // From nothing, the changes bring the same as the history; and life goes on where it stopped.
    let all = changes(&mut bob, &group, 0).await;
    let messages: Vec<&Value> =
        all["items"].as_array().unwrap().iter().map(|item| &item["message"]).collect();
    for message in talk {
        let same = |item: &&&Value| item["seq"] == message["seq"];
        let found = messages.iter().find(same).unwrap();
        assert_eq!((&found["rev"], &found["content"]), (&message["rev"], &message["content"]));
    }
    assert_eq!(bob.say(&dm, "and mine", "b-2").await["seq"], 3);
    assert_eq!(alice.data(&dm, 3).await["content"]["text"], "and mine");
    let receipts = alice.ok(json!({"get": {"what": "receipts", "conv": group}})).await;
    let of_bob =
        receipts["receipts"].as_array().unwrap().iter().find(|it| it["user"] == json!(bob.id)).unwrap();
    assert_eq!(of_bob["readSeq"], 3);
}

#[tokio::test]
async fn a_clean_goodbye_takes_no_time() {
    let mut data = Data::new();
    let server = data.start();
    let person = Person::sign_up(&server, "alice").await;
    let start = Instant::now();
    person.handle.close().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
}
