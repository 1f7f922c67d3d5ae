//! What the engine's tests share.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::Limits;
use mvchat_core::seam::Store;
use mvchat_core::testkit::{Faults, Flaky, Wire};
use serde_json::{Value, json};

pub(crate) async fn server() -> Chat {
    server_on(MemoryStore::default()).await
}

/// A server whose store fails on demand.
pub(crate) async fn flaky() -> (Chat, Faults) {
    let faults = Faults::default();
    (server_on(Flaky::new(MemoryStore::default(), faults.clone())).await, faults)
}

pub(crate) async fn server_on(store: impl Store) -> Chat {
    let builder = Chat::builder(store).limits(Limits::default().unthrottled());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

/// A server with these limits.
pub(crate) async fn server_with(limits: Limits) -> Chat {
    let builder = Chat::builder(MemoryStore::default()).limits(limits);
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

/// A logged-in client.
pub(crate) struct User {
    pub(crate) wire: Wire,
    pub(crate) id: String,
    pub(crate) token: String,
}

pub(crate) fn secret(name: &str) -> String {
    STANDARD.encode(format!("{name}:password-{name}"))
}

impl User {
    pub(crate) async fn sign_up(chat: &Chat, name: &str) -> Self {
        Self::sign_up_over(Wire::connect(chat), name).await
    }

    pub(crate) async fn sign_up_over(mut wire: Wire, name: &str) -> Self {
        let request = json!({"acc": {
            "user": "new", "scheme": "basic", "secret": secret(name), "login": true,
            "desc": {"public": {"fn": name}},
        }});
        let ctrl = wire.ask(request).await;
        assert_eq!(ctrl["code"], 201, "{ctrl}");
        Self { wire, id: text(&ctrl["params"]["user"]), token: text(&ctrl["params"]["token"]) }
    }

    /// Logs in on another connection.
    pub(crate) async fn device(&self, chat: &Chat) -> Self {
        self.device_over(Wire::connect(chat)).await
    }

    pub(crate) async fn device_over(&self, mut wire: Wire) -> Self {
        let ctrl = wire.ask(json!({"login": {"scheme": "token", "secret": self.token}})).await;
        assert_eq!(ctrl["code"], 200, "{ctrl}");
        Self { wire, id: self.id.clone(), token: text(&ctrl["params"]["token"]) }
    }

    /// Sends a request that succeeds and returns its `params`.
    pub(crate) async fn ok(&mut self, request: Value) -> Value {
        let ctrl = self.wire.ask(request.clone()).await;
        assert!(ctrl["code"].as_u64().unwrap() < 300, "{request} → {ctrl}");
        ctrl["params"].clone()
    }

    /// Sends a request that fails and returns code, slug and text.
    pub(crate) async fn fails(&mut self, request: Value) -> (u64, String, String) {
        let ctrl = self.wire.ask(request.clone()).await;
        assert!(ctrl["code"].as_u64().unwrap() >= 300, "{request} → {ctrl}");
        (ctrl["code"].as_u64().unwrap(), text(&ctrl["err"]), text(&ctrl["text"]))
    }

    /// Opens the direct conversation with another user.
    pub(crate) async fn dm(&mut self, other: &User) -> String {
        text(&self.ok(json!({"dm": {"user": other.id}})).await["conv"])
    }

    /// Makes a group with these members.
    pub(crate) async fn group(&mut self, members: &[&User]) -> String {
        let conv = self.ok(json!({"group": {"action": "create", "desc": {"public": {"fn": "g"}}}})).await;
        let conv = text(&conv["conv"]);
        for member in members {
            self.ok(json!({"group": {"action": "invite", "id": conv, "user": member.id}})).await;
        }
        conv
    }

    /// Sends a text and returns its `seq`.
    pub(crate) async fn say(&mut self, conv: &str, words: &str) -> u64 {
        let params = self.ok(json!({"send": {"conv": conv, "content": {"v": 1, "text": words}}})).await;
        params["seq"].as_u64().unwrap()
    }

    /// Returns the delivered frames of a kind, after everything that was sent so far.
    pub(crate) async fn heard(&mut self, kind: &str) -> Vec<Value> {
        self.wire
            .settle()
            .await
            .into_iter()
            .filter_map(|mut frame| frame.get_mut(kind).map(Value::take))
            .collect()
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
