//! Someone with the native client machine.

use super::{PATIENCE, Server, soon};
use mvchat_bot::{Events, Handle, Sent, connect};
use mvchat_core::client::{Client, ClientConfig, ClientState, Credentials, Draft, Event};
use mvchat_core::map::Map;
use mvchat_core::proto::{
    ConvCreated, ConvId, DmParams, Envelope, Json, MessageItem, MessagesParams, Seq, UserId, UsersParams,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// A client and its events.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) id: UserId,
    pub(crate) handle: Handle,
    pub(crate) events: Events,
}

impl Person {
    /// A new account.
    pub(crate) async fn sign_up(server: &Server, name: &str) -> Self {
        Self::sign_up_at(&server.url(), name).await
    }

    /// A new account of a server that is reached at an address of its own.
    pub(crate) async fn sign_up_at(url: &str, name: &str) -> Self {
        let public = Json::from_value(&json!({"fn": name}));
        Self::with(url, name, Credentials::sign_up(name, password(name), Some(public))).await
    }

    /// One more device.
    pub(crate) async fn log_in(server: &Server, name: &str) -> Self {
        Self::with(&server.url(), name, Credentials::basic(name, password(name))).await
    }

    async fn with(url: &str, name: &str, credentials: Credentials) -> Self {
        let mut config = ClientConfig::new(credentials);
        // A test's server is back at once.
        config.backoff_base = Duration::from_millis(20);
        config.backoff_cap = Duration::from_millis(200);
        let (handle, mut events) = connect(url, config).unwrap();
        let mut id = None;
        soon("logged in and caught up", async {
            while let Some(event) = events.next().await {
                match event {
                    Event::Connected(account) => id = Some(account.user),
                    Event::Synced => break,
                    Event::LoginFailed(error) => panic!("{name}: {error}"),
                    _ => {}
                }
            }
        })
        .await;
        Self { name: name.to_owned(), id: id.unwrap(), handle, events }
    }

    /// Asks and reads the parameters of the success.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, request: Value) -> T {
        let mut fields = request;
        fields["id"] = json!("any");
        let envelope = Envelope::decode(fields.to_string().as_bytes()).unwrap();
        let answer = soon("an answer", self.handle.request(envelope.request)).await;
        let ctrl = answer.unwrap_or_else(|error| panic!("{fields} → {error}"));
        serde_json::from_str(ctrl.params.as_ref().map_or("null", Json::as_str)).unwrap()
    }

    /// Finds a user by name.
    pub(crate) async fn find(&self, name: &str) -> UserId {
        let found: UsersParams = self.ask(json!({"search": {"query": name}})).await;
        found.users.first().unwrap_or_else(|| panic!("no {name}")).id
    }

    /// Opens the direct conversation with another user.
    pub(crate) async fn dm(&self, user: UserId) -> ConvId {
        self.ask::<DmParams>(json!({"dm": {"user": user}})).await.conv
    }

    /// Makes a group with these members.
    pub(crate) async fn group(&self, members: &[UserId]) -> ConvId {
        let create = json!({"group": {"action": "create", "desc": {"public": {"fn": "a group"}}}});
        let conv = self.ask::<ConvCreated>(create).await.conv;
        for member in members {
            let invite = json!({"group": {"action": "invite", "id": conv, "user": member}});
            self.ask::<Value>(invite).await;
        }
        conv
    }

    /// Sends a message and waits, however often the server is killed, until it has its place.
    pub(crate) async fn say(&self, conv: ConvId, words: &str) -> Sent {
        self.deliver(Draft::new(conv, irido(words))).await
    }

    pub(crate) async fn deliver(&self, draft: Draft) -> Sent {
        soon("a place", self.handle.deliver(draft)).await.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits for an event.
    pub(crate) async fn event<T>(&mut self, what: &str, mut pick: impl FnMut(&Event) -> Option<T>) -> T {
        let waiting = async {
            loop {
                let event = self.events.next().await.unwrap_or_else(|| panic!("ended before {what}"));
                if let Some(picked) = pick(&event) {
                    return picked;
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting)
            .await
            .unwrap_or_else(|_| panic!("{}: in vain: {what}", self.name))
    }

    /// Waits until the machine is as it should be. It looks after every event, because nothing changes without
    /// one.
    pub(crate) async fn until<F>(&mut self, what: &str, is: F)
    where
        F: Fn(&Client) -> bool + Clone + Send + 'static,
    {
        let waiting = async {
            while !self.handle.inspect(is.clone()).await.unwrap() {
                self.events.next().await.unwrap_or_else(|| panic!("ended before {what}"));
            }
        };
        if tokio::time::timeout(PATIENCE, waiting).await.is_err() {
            let state = self.handle.inspect(|client| format!("{client:?}")).await;
            panic!("{}: in vain: {what}; {state:?}", self.name)
        }
    }

    pub(crate) async fn state(&self) -> ClientState {
        self.handle.state().await.unwrap()
    }

    /// Reads the whole history backward, page by page.
    pub(crate) async fn history(&self, conv: ConvId) -> Map<Seq, MessageItem> {
        let mut all = Map::new();
        let mut get = json!({"what": "messages", "conv": conv, "limit": 7});
        loop {
            let page: MessagesParams = self.ask(json!({"get": get})).await;
            for message in page.messages {
                all.insert(message.seq, message);
            }
            match all.first_key_value().map(|(seq, _)| *seq) {
                Some(first) if page.more => get["before"] = json!(first),
                _ => return all,
            }
        }
    }
}

fn password(name: &str) -> String {
    format!("password of {name}")
}

/// Makes content that is just text.
pub(crate) fn irido(words: &str) -> Json {
    Json::from_value(&json!({"v": 1, "text": words}))
}

/// What of the messages every member sees alike: all but the sender's own id, and what is computed when a
/// message is read.
pub(crate) fn shared(messages: &Map<Seq, MessageItem>) -> BTreeMap<u64, Value> {
    let alike = |(seq, message): (&Seq, &MessageItem)| {
        let mut value = serde_json::to_value(message).unwrap();
        value.as_object_mut().unwrap().remove("cid");
        if let Some(head) = value["head"].as_object_mut() {
            head.remove("reply");
        }
        (seq.0, value)
    };
    messages.iter().map(alike).collect()
}
