//! Who is registered, and who still hears, when connections and sessions end at the wrong moment.

use crate::support::{User, flaky, secret};
use mvchat_core::testkit::{Fault, Method, Wire};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_client_that_is_gone_before_its_login_is_done_is_not_online_for_ever() {
    let (chat, faults) = flaky().await;
    let user = User::sign_up(&chat, "alice").await;
    drop(user);
    faults.script(Method::OpenSession, Fault::Delay(1_000));
    let mut wire = Wire::connect(&chat);
    wire.begin(json!({"login": {"scheme": "basic", "secret": secret("alice")}})).await;
    while faults.met() == 0 {
        tokio::task::yield_now().await;
    }
    drop(wire);
    // A drain waits for the login, and for the connection to be forgotten.
    assert!(chat.drain(Duration::from_secs(5)).await);
    assert_eq!((chat.connections(), chat.online()), (0, 0));
}
