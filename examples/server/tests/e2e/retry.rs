//! A message is sent until it was accepted, and is there once.

use crate::support::{Data, Wire, send};
use serde_json::{Value, json};

/// What a retry has to have in common with the first answer.
fn place(params: &Value) -> (Value, Value, Value) {
    (params["seq"].clone(), params["conv"].clone(), params["ts"].clone())
}

#[tokio::test]
async fn a_retry_finds_its_message_however_late_and_from_wherever() {
    let mut data = Data::new();
    let server = data.start();
    let mut alice = Wire::sign_up(&server, "alice").await;
    let mut bob = Wire::sign_up(&server, "bobby").await;
    let conv = alice.dm(&bob.id).await;

    // At once: eight times the same in one breath, among others.
    let request = send(&conv, "once", "cid-1");
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(alice.post(request.clone()).await);
    }
    let other = alice.post(send(&conv, "another", "cid-2")).await;
    let mut places = Vec::new();
    let mut replays = 0;
    for id in &ids {
        let ctrl = alice.answer(id).await;
        assert_eq!(ctrl["code"], 202, "{ctrl}");
        replays += usize::from(ctrl["params"]["replay"] == true);
        places.push(place(&ctrl["params"]));
    }
    assert_eq!(replays, 7);
    places.dedup();
    assert_eq!((places.len(), &places[0].0), (1, &json!(1)));
    assert_eq!(alice.answer(&other).await["params"]["seq"], 2);

    // From another device, while the first still sends it.
    let mut phone = Wire::log_in(&server, "alice").await;
    let again = phone.ok(request.clone()).await;
    assert_eq!((place(&again), &again["replay"]), (places[0].clone(), &json!(true)));

    // The same id for something else is refused, and changes nothing.
    let ctrl = phone.ask(send(&conv, "something else", "cid-1")).await;
    assert_eq!(
        (&ctrl["code"], &ctrl["err"], &ctrl["text"]),
        (&json!(409), &json!("cid_reused"), &json!("cid reused"))
    );
    // The same id of another sender is another message.
    assert_eq!(bob.say(&conv, "once", "cid-1").await["seq"], 3);

    // After a kill, from both devices.
    server.kill();
    let server = data.start();
    for token in [&alice.token, &phone.token] {
        let mut device = Wire::resume(&server, token).await;
        let again = device.ok(request.clone()).await;
        assert_eq!((place(&again), &again["replay"]), (places[0].clone(), &json!(true)));
    }
    let mut bob = Wire::resume(&server, &bob.token).await;
    let history = bob.history(&conv).await;
    let texts: Vec<_> = history.iter().map(|message| &message["content"]["text"]).collect();
    assert_eq!(texts, ["once", "another", "once"]);
}

#[tokio::test]
async fn a_retry_after_an_unsend_answers_the_old_place_and_says_nothing_again() {
    let mut data = Data::new();
    let server = data.start();
    let mut alice = Wire::sign_up(&server, "alice").await;
    let bob = Wire::sign_up(&server, "bobby").await;
    let conv = alice.dm(&bob.id).await;
    let first = alice.say(&conv, "a regret", "cid-1").await;
    alice.ok(json!({"unsend": {"conv": conv, "seq": 1}})).await;
    server.kill();
    let server = data.start();
    let mut alice = Wire::resume(&server, &alice.token).await;
    let again = alice.say(&conv, "a regret", "cid-1").await;
    assert_eq!((&again["seq"], &again["replay"]), (&first["seq"], &json!(true)));
    let history = alice.history(&conv).await;
    assert_eq!((history.len(), &history[0]["deleted"]), (1, &json!(true)));
}
