//! Two hundred senders, one order.

use crate::support::{Data, Wire, send, soon};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const USERS: usize = 20;
const SOCKETS_EACH: usize = 10;
const MESSAGES_EACH: usize = 5;
const TOTAL: u64 = (USERS * SOCKETS_EACH * MESSAGES_EACH) as u64;

/// What one connection learned about the order: by its own answers and by what it heard.
struct Seen {
    /// Each rev with its seq, in the order in which they came.
    revs: Vec<(u64, u64)>,
    /// The texts that were acknowledged, with their places.
    acked: BTreeMap<String, u64>,
}

/// Sends everything in one breath, then reads until the conversation is as long as it will be.
async fn talk(mut wire: Wire, conv: String, name: String, last_rev: u64) -> Seen {
    let mut texts = BTreeMap::new();
    for n in 0..MESSAGES_EACH {
        let words = format!("{name} says {n}");
        let id = wire.post(send(&conv, &words, &format!("{name}-{n}"))).await;
        texts.insert(id, words);
    }
    let mut seen = Seen { revs: Vec::new(), acked: BTreeMap::new() };
    let mut own = Vec::new();
    while seen.revs.last().is_none_or(|(rev, _)| *rev < last_rev) || seen.acked.len() < MESSAGES_EACH {
        let frame = wire.frame().await.unwrap();
        let place = |value: &Value| (value["rev"].as_u64().unwrap(), value["seq"].as_u64().unwrap());
        if frame["data"]["conv"] == *conv {
            seen.revs.push(place(&frame["data"]));
        } else if let Some(words) = frame["ctrl"]["id"].as_str().and_then(|id| texts.get(id)) {
            assert_eq!(frame["ctrl"]["code"], 202, "{frame}");
            let (rev, seq) = place(&frame["ctrl"]["params"]);
            seen.revs.push((rev, seq));
            seen.acked.insert(words.clone(), seq);
            own.push(seq);
        }
    }
    assert!(own.is_sorted(), "what one connection sends in order is accepted in order: {own:?}");
    seen
}

#[tokio::test]
async fn two_hundred_senders_make_one_order_that_every_connection_sees() {
    let mut data = Data::unlimited();
    let server = data.start();
    let mut owner = Wire::sign_up(&server, "owner").await;
    let mut names = Vec::new();
    let mut first = Vec::new();
    for n in 0..USERS {
        let name = format!("user-{n}");
        first.push(Wire::sign_up(&server, &name).await);
        names.push(name);
    }
    let ids: Vec<&str> = first.iter().map(|wire| wire.id.as_str()).collect();
    let conv = owner.group(&ids).await;
    let view = owner.ok(serde_json::json!({"get": {"what": "conversation", "conv": conv}})).await;
    let base = view["conversation"]["rev"].as_u64().unwrap();

    // Everybody is there before anybody says anything.
    let mut sockets = Vec::new();
    for (wire, name) in first.into_iter().zip(&names) {
        for n in 1..SOCKETS_EACH {
            sockets.push((Wire::resume(&server, &wire.token).await, format!("{name}.{n}")));
        }
        sockets.push((wire, format!("{name}.0")));
    }
    let mut talks = tokio::task::JoinSet::new();
    for (socket, name) in sockets {
        talks.spawn(talk(socket, conv.clone(), name, base + TOTAL));
    }
    let all = soon("all talks", talks.join_all()).await;
    assert_eq!(all.len(), USERS * SOCKETS_EACH);

    // Every connection saw every rev once, in order, whether by an answer or as a message.
    let expected: Vec<(u64, u64)> = (1..=TOTAL).map(|seq| (base + seq, seq)).collect();
    let mut acked = BTreeMap::new();
    for seen in all {
        let wrong = seen.revs.iter().zip(&expected).find(|(seen, expected)| seen != expected);
        assert_eq!((wrong, seen.revs.len()), (None, expected.len()));
        acked.extend(seen.acked);
    }
    // Every message was acknowledged at a place of its own, and is there.
    assert_eq!(acked.len() as u64, TOTAL);
    let seqs: BTreeSet<u64> = acked.values().copied().collect();
    assert!(seqs.iter().copied().eq(1..=TOTAL));
    for message in owner.history(&conv).await {
        let words = message["content"]["text"].as_str().unwrap();
        assert_eq!(message["seq"].as_u64(), acked.get(words).copied());
    }
}
