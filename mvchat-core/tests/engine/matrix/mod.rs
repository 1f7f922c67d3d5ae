//! Every kind of command, by everybody who has no business: nothing secret is ever told, and what is forbidden looks
//! like what is not there.
//!
//! Transports include this folder in a test of their own.

mod log;
mod rows;
mod world;

use crate::door::Door;
use crate::support::User;
use mvchat_core::testkit::KINDS;
use rows::Names;
pub(crate) use rows::row;
use serde_json::{Value, json};
pub(crate) use world::Target;
use world::{STANDINGS, Standing, World};

pub(crate) async fn nobody_learns_what_is_not_theirs<D: Door>() {
    for standing in STANDINGS {
        let mut world = World::new::<D>(standing).await;
        for kind in KINDS {
            let unknown = Target::unknown(world.target.seq);
            let (names, requests) = row(kind, &world.target);
            for (request, other) in requests.iter().zip(row(kind, &unknown).1) {
                let answer = world.ask(request).await;
                if !standing.is_logged_in() && names != Names::Login {
                    assert_eq!(answer["text"], "authentication required", "{standing:?}: {request}");
                }
                let hidden = match names {
                    Names::Conversation | Names::Thing => true,
                    Names::User => standing == Standing::Blocked && !known_anyway(kind),
                    Names::Nothing | Names::Login => false,
                };
                if hidden {
                    assert!(answer["code"].as_u64().unwrap() >= 400, "{standing:?}: {request} → {answer}");
                    assert_eq!(answer, world.ask(&other).await, "{standing:?}: {request} and {other}");
                }
            }
        }
        world.mallory.wire.begin(json!({"typing": {"conv": world.target.conv}})).await;
        for frame in world.mallory.wire.settle().await {
            world.check("a frame to the stranger", &frame.to_string());
        }
        let conv = world.target.conv.clone();
        for insider in [&mut world.alice, &mut world.bella] {
            assert_eq!(heard(insider, &conv).await, Vec::<Value>::new(), "{standing:?}");
        }
        let log = log::kept();
        assert!(log.contains("a connection opened"), "there is a log to look into");
        world.check("the log", &log);
    }
}

/// A blocked user has the direct conversation and the contact from before, and may tidy up.
fn known_anyway(kind: &str) -> bool {
    matches!(kind, "StartDm" | "RemoveContact" | "NameContact")
}

/// Returns what somebody has heard about a conversation since the last time.
async fn heard(user: &mut User, conv: &str) -> Vec<Value> {
    let about = |frame: &Value| ["data", "info"].iter().any(|kind| frame[kind]["conv"] == conv);
    user.wire.settle().await.into_iter().filter(about).collect()
}

pub(crate) async fn whoever_is_blocked_reaches_nobody<D: Door>() {
    let mut world = World::new::<D>(Standing::Blocked).await;
    let conv = world.dm.clone().unwrap();
    let own = Target { conv, seq: 1, user: world.alice.id.clone(), ..Target::unknown(1) };
    for kind in KINDS {
        // Taking back what one has said stays possible, and is told.
        if matches!(*kind, "Unsend" | "Delete") {
            continue;
        }
        let (names, requests) = row(kind, &own);
        for request in requests.iter().filter(|_| names == Names::Conversation) {
            world.ask(request).await;
        }
        world.mallory.wire.begin(json!({"typing": {"conv": own.conv}})).await;
        world.mallory.wire.settle().await;
        assert_eq!(heard(&mut world.alice, &own.conv).await, Vec::<Value>::new(), "{kind}");
    }
}

pub(crate) async fn a_session_that_is_over_opens_nothing<D: Door>() {
    for standing in [Standing::Suspended, Standing::Revoked] {
        let mut world = World::new::<D>(standing).await;
        let token = json!({"login": {"scheme": "token", "secret": world.mallory.token}});
        let answer = world.ask(&token).await;
        assert!(matches!(answer["code"].as_u64(), Some(401 | 403)), "{standing:?}: {answer}");
        let password = json!({"login": {"scheme": "basic", "secret": crate::support::secret("mallory")}});
        let answer = world.ask(&password).await;
        let expected = if standing == Standing::Suspended { 403 } else { 200 };
        assert_eq!(answer["code"], expected, "{standing:?}: {answer}");
    }
}
