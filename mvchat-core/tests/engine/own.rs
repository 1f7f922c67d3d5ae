//! What a user keeps private, on several devices.

use crate::support::{User, server};
use serde_json::{Value, json};

#[tokio::test]
async fn what_changes_nothing_has_no_number_and_is_not_announced() {
    let chat = server().await;
    let mut alice = User::sign_up(&chat, "alice").await;
    let mut bob = User::sign_up(&chat, "bobby").await;
    let mut phone = alice.device(&chat).await;
    let conv = alice.dm(&bob).await;
    bob.say(&conv, "hello").await;
    let requests = [
        json!({"dm": {"conv": conv, "favorite": true}}),
        json!({"delete": {"conv": conv, "seq": 1}}),
        json!({"read": {"conv": conv, "seq": 1}}),
    ];
    for (own, request) in (1_u64..).zip(requests) {
        assert_eq!(alice.ok(request.clone()).await["own"], own);
        let told =
            |infos: Vec<Value>| infos.into_iter().filter(|info| info["what"] == "own").collect::<Vec<_>>();
        assert_eq!(told(phone.heard("info").await)[0]["own"], own);
        // The number may be another change's; a device that takes this for that one never hears of it.
        assert_eq!(alice.ok(request.clone()).await.get("own"), None, "{request}");
        assert_eq!(told(phone.heard("info").await), [Value::Null; 0], "{request}");
    }
}
