//! SIGTERM under load: what was acknowledged is there, what was not is said so.

use crate::support::{Data, Wire, send, soon};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What a sender saw until the end.
struct Seen {
    acked: BTreeMap<String, u64>,
    refused: usize,
    announced: Option<u64>,
    code: Option<u16>,
}

/// Sends as fast as answers come until the connection ends.
async fn talk(mut wire: Wire, conv: String, name: String, count: watch::Sender<u64>) -> Seen {
    let mut seen = Seen { acked: BTreeMap::new(), refused: 0, announced: None, code: None };
    let mut texts = BTreeMap::new();
    for n in 0_u64.. {
        while texts.len() < 8 {
            let words = format!("{name} {n} {}", texts.len());
            let Ok(id) = wire.try_post(send(&conv, &words, &words)).await else { break };
            texts.insert(id, words);
        }
        let frame = match wire.frame().await {
            Ok(frame) => frame,
            Err(code) => {
                seen.code = code;
                return seen;
            }
        };
        let ctrl = &frame["ctrl"];
        match (ctrl["id"].as_str().and_then(|id| texts.remove(id)), ctrl["code"].as_u64()) {
            (Some(words), Some(202)) => {
                seen.acked.insert(words, ctrl["params"]["seq"].as_u64().unwrap());
                count.send_modify(|count| *count += 1);
            }
            (Some(_), Some(503)) => seen.refused += 1,
            (None, Some(503)) => seen.announced = ctrl["params"]["retryAfter"].as_u64(),
            (None, None) => {}
            _ => panic!("{frame}"),
        }
    }
    unreachable!("it ends with the connection")
}

#[tokio::test]
async fn a_signal_ends_everything_in_order() {
    let mut data = Data::unlimited();
    let server = data.start();
    let mut owner = Wire::sign_up(&server, "owner").await;
    let mut people = Vec::new();
    for n in 0..6 {
        people.push(Wire::sign_up(&server, &format!("user-{n}")).await);
    }
    let ids: Vec<&str> = people.iter().map(|wire| wire.id.as_str()).collect();
    let conv = owner.group(&ids).await;
    let (count, mut counted) = watch::channel(0);
    let mut talks = tokio::task::JoinSet::new();
    for (n, wire) in people.into_iter().enumerate() {
        talks.spawn(talk(wire, conv.clone(), format!("user-{n}"), count.clone()));
    }
    // One who only listens, and one who has not even logged in.
    let quiet = tokio::spawn(async move {
        let code = owner.closed().await;
        (owner, code)
    });
    let mut stranger = Wire::connect(&server).await;

    soon("some load", counted.wait_for(|count| *count >= 300)).await.unwrap();
    let start = Instant::now();
    server.terminate();
    let all = soon("the end of all talks", talks.join_all()).await;
    let (mut owner, code) = soon("the end of the listener", quiet).await.unwrap();
    assert_eq!((code, stranger.closed().await), (Some(1001), Some(1001)));
    let last = owner.heard.pop_back().unwrap();
    assert_eq!((&last["ctrl"]["code"], &last["ctrl"]["err"]), (&json!(503), &json!("unavailable")), "{last}");
    assert!(last["ctrl"]["params"]["retryAfter"].as_u64().is_some_and(|after| after > 0), "{last}");
    assert_eq!(server.ended(), Some(0), "{}", std::fs::read_to_string(data.log()).unwrap());
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());

    let mut acked = BTreeMap::new();
    let mut refused = 0;
    for seen in all {
        assert_eq!((seen.code, seen.announced.is_some()), (Some(1001), true));
        refused += seen.refused;
        acked.extend(seen.acked);
    }
    println!("stopped in {:?} after {} acks; {refused} refused with 503", start.elapsed(), acked.len());

    // Everything acknowledged is there, and nothing that was refused.
    let server = data.start();
    let mut owner = Wire::resume(&server, &owner.token).await;
    let history = owner.history(&conv).await;
    let found: BTreeMap<String, u64> = history
        .iter()
        .map(|message| {
            (message["content"]["text"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(found, acked, "a drain answers whatever it has committed");
    assert!(
        found
            .values()
            .copied()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .eq(1..=found.len() as u64)
    );
}
