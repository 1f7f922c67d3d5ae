//! Laws about what arrives.

use super::bed::Bed;
use super::client::{BINARY, CONTINUES, ENDS, PING, PONG, Received, TEXT, TEXT_BEGINS, frame};
use crate::testkit::runner::{Law, law};
use serde_json::{Value, json};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(text_is_answered),
    law!(binary_is_answered_in_text),
    law!(fragments_arrive_as_one_message),
    law!(a_frame_may_come_byte_by_byte),
    law!(frames_may_come_together),
    law!(pings_are_answered),
    law!(control_frames_may_stand_between_fragments),
    law!(pongs_nobody_asked_for_are_fine),
    law!(the_largest_message_passes),
    law!(long_replies_arrive_whole),
    law!(order_is_kept),
];

const HI: &str = r#"{"id":"é1","hi":{"ver":"0.1.0"}}"#;

fn assert_greeted(text: &Value) {
    assert_eq!(text["ctrl"]["id"], "é1", "{text}");
    assert!(text["ctrl"]["params"]["sid"].is_string(), "{text}");
}

async fn text_is_answered(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.send_text(HI).await;
    assert_greeted(&client.text().await);
}

async fn binary_is_answered_in_text(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.send(frame(BINARY, HI.as_bytes())).await;
    // The client refuses binary frames from the server.
    assert_greeted(&client.text().await);
}

async fn fragments_arrive_as_one_message(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    // The first cut goes through a character of two bytes.
    let cut = HI.find('é').unwrap() + 1;
    let (begin, rest) = HI.as_bytes().split_at(cut);
    client.send(frame(TEXT_BEGINS, begin)).await;
    client.send(frame(CONTINUES, &rest[..4])).await;
    client.send(frame(CONTINUES, &[])).await;
    client.send(frame(ENDS, &rest[4..])).await;
    assert_greeted(&client.text().await);
    client.works().await;
}

async fn a_frame_may_come_byte_by_byte(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    for byte in frame(TEXT, HI.as_bytes()) {
        client.send([byte]).await;
        tokio::task::yield_now().await;
    }
    assert_greeted(&client.text().await);
}

async fn frames_may_come_together(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.send(frame(TEXT, HI.as_bytes()).repeat(3)).await;
    for _ in 0..3 {
        assert_greeted(&client.text().await);
    }
}

async fn pings_are_answered(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    for payload in [&b""[..], b"are you there?", &[0xff; 125]] {
        client.send(frame(PING, payload)).await;
        assert_eq!(client.receive().await, Received::Pong(payload.to_vec()));
    }
    client.works().await;
}

async fn control_frames_may_stand_between_fragments(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    let (begin, rest) = HI.as_bytes().split_at(9);
    client.send(frame(TEXT_BEGINS, begin)).await;
    client.send(frame(PING, b"between")).await;
    assert_eq!(client.receive().await, Received::Pong(b"between".to_vec()));
    client.send(frame(PONG, b"")).await;
    client.send(frame(ENDS, rest)).await;
    assert_greeted(&client.text().await);
}

async fn pongs_nobody_asked_for_are_fine(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.send(frame(PONG, b"hello")).await;
    client.works().await;
}

async fn the_largest_message_passes(bed: Bed) {
    let server = bed.start().await;
    let largest = server.chat.limits().max_message_size;
    let padded = format!(r#"{{"pad":"{}",{}"#, "x".repeat(largest - HI.len() - 9), &HI[1..]);
    assert_eq!(padded.len(), largest);
    let mut client = server.connect().await;
    client.send_text(&padded).await;
    assert_greeted(&client.text().await);
    let (begin, rest) = padded.as_bytes().split_at(largest / 2);
    client.send(frame(TEXT_BEGINS, begin)).await;
    client.send(frame(ENDS, rest)).await;
    assert_greeted(&client.text().await);
}

async fn long_replies_arrive_whole(bed: Bed) {
    let server = bed.start().await;
    let mut alice = server.user("alice").await;
    let bobby = server.user("bobby").await;
    let conv = alice.dm(&bobby).await;
    let words: Vec<String> = ('a'..='t').map(|letter| letter.to_string().repeat(4_000)).collect();
    for text in &words {
        let ctrl = alice.ask(json!({"send": {"conv": conv, "content": {"v": 1, "text": text}}})).await;
        assert_eq!(ctrl["code"], 202, "{ctrl}");
    }
    let ctrl = alice.ask(json!({"get": {"what": "messages", "conv": conv, "limit": 50}})).await;
    let rows = ctrl["params"]["messages"].as_array().expect("a page of messages");
    let mut found: Vec<&str> = rows.iter().filter_map(|row| row["content"]["text"].as_str()).collect();
    found.sort_unstable();
    assert!(found.iter().eq(words.iter()), "{} of {} messages are whole", found.len(), words.len());
}

async fn order_is_kept(bed: Bed) {
    const REQUESTS: usize = 1_000;
    let server = bed.start().await;
    let mut client = server.connect().await;
    let requests = (0..REQUESTS).map(|n| frame(TEXT, format!(r#"{{"id":"{n}","hi":{{}}}}"#).as_bytes()));
    client.send(requests.collect::<Vec<_>>().concat()).await;
    for n in 0..REQUESTS {
        assert_eq!(client.text().await["ctrl"]["id"], n.to_string());
    }
}
