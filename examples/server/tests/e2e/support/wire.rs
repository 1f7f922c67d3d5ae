//! A client that knows nothing but WebSocket frames and JSON.

use super::{PATIENCE, Server, soon};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::VecDeque;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// The secret of a login by password.
pub(crate) fn secret(name: &str) -> String {
    STANDARD.encode(format!("{name}:password of {name}"))
}

/// One connection; logged in as `id` once there is one.
pub(crate) struct Wire {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
    /// Frames that nobody has asked for yet.
    pub(crate) heard: VecDeque<Value>,
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Wire {
    pub(crate) async fn connect(server: &Server) -> Self {
        let (socket, _) =
            soon("a connection", connect_async_with_config(server.url(), None, true)).await.unwrap();
        Self::over(socket)
    }

    /// Speaks over a connection that is there.
    pub(crate) fn over(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        let (id, token) = (String::new(), String::new());
        Self { socket, next: 0, heard: VecDeque::new(), id, token }
    }

    /// A new account.
    pub(crate) async fn sign_up(server: &Server, name: &str) -> Self {
        Self::sign_up_with(server, name, json!({})).await
    }

    /// A new account with more fields than it needs.
    pub(crate) async fn sign_up_with(server: &Server, name: &str, more: Value) -> Self {
        let mut acc = json!({
            "user": "new", "scheme": "basic", "secret": secret(name), "login": true,
            "desc": {"public": {"fn": name}},
        });
        for (key, value) in more.as_object().unwrap() {
            acc[key] = value.clone();
        }
        Self::connect(server).await.logged_in(json!({"acc": acc})).await
    }

    /// One more connection by the password.
    pub(crate) async fn log_in(server: &Server, name: &str) -> Self {
        let login = json!({"login": {"scheme": "basic", "secret": secret(name)}});
        Self::connect(server).await.logged_in(login).await
    }

    /// One more connection by a token.
    pub(crate) async fn resume(server: &Server, token: &str) -> Self {
        let login = json!({"login": {"scheme": "token", "secret": token}});
        Self::connect(server).await.logged_in(login).await
    }

    async fn logged_in(mut self, login: Value) -> Self {
        let params = self.ok(login).await;
        (self.id, self.token) = (text(&params["user"]), text(&params["token"]));
        self
    }

    /// Sends a frame as it is.
    pub(crate) async fn raw(&mut self, message: Message) {
        soon("room to write", self.socket.send(message)).await.unwrap();
    }

    /// Sends a request and returns its id.
    pub(crate) async fn post(&mut self, request: Value) -> String {
        self.try_post(request).await.unwrap()
    }

    /// Sends a request on a connection that may be closing.
    pub(crate) async fn try_post(&mut self, mut request: Value) -> Result<String, Error> {
        self.next += 1;
        let id = self.next.to_string();
        request["id"] = json!(id);
        soon("room to write", self.socket.send(Message::text(request.to_string()))).await?;
        Ok(id)
    }

    /// Returns the next frame; `Err` with the code once the server has closed.
    pub(crate) async fn frame(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match soon("a frame", self.socket.next()).await {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => return Err(frame.map(|frame| frame.code.into())),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// Reads until the connection ends; keeps the frames and returns the close code, `None` without one.
    pub(crate) async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.frame().await {
                Ok(frame) => self.heard.push_back(frame),
                Err(code) => return code,
            }
        }
    }

    /// Ends the connection with a close handshake.
    pub(crate) async fn leave(mut self) {
        self.raw(Message::Close(None)).await;
        self.closed().await;
    }

    /// Waits for the answer to a request.
    pub(crate) async fn answer(&mut self, id: &str) -> Value {
        let mut frame = self.until("an answer", |frame| frame["ctrl"]["id"] == id).await;
        frame["ctrl"].take()
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn ask(&mut self, request: Value) -> Value {
        let id = self.post(request).await;
        self.answer(&id).await
    }

    /// Sends a request that succeeds; returns its `params`.
    pub(crate) async fn ok(&mut self, request: Value) -> Value {
        let mut ctrl = self.ask(request.clone()).await;
        assert!(ctrl["code"].as_u64().unwrap() < 300, "{request} → {ctrl}");
        ctrl["params"].take()
    }

    /// Takes the first frame, heard or still to come, that is what was waited for.
    pub(crate) async fn until(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.heard.iter().position(&is) {
            return self.heard.remove(at).unwrap();
        }
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < deadline {
            match self.frame().await {
                Ok(frame) if is(&frame) => return frame,
                Ok(frame) => self.heard.push_back(frame),
                Err(code) => panic!("closed with {code:?} instead of {what}"),
            }
        }
        panic!("in vain: {what}; heard {:?}", self.heard)
    }

    /// Waits for a notice about a conversation.
    pub(crate) async fn info(&mut self, what: &str, conv: &str) -> Value {
        let is = |frame: &Value| frame["info"]["what"] == what && frame["info"]["conv"] == conv;
        self.until(what, is).await["info"].take()
    }

    /// Waits for a message.
    pub(crate) async fn data(&mut self, conv: &str, seq: u64) -> Value {
        let is = |frame: &Value| frame["data"]["conv"] == conv && frame["data"]["seq"] == seq;
        self.until("a message", is).await["data"].take()
    }

    /// Finds a user by name.
    pub(crate) async fn find(&mut self, name: &str) -> String {
        let found = self.ok(json!({"search": {"query": name}})).await;
        let users = found["users"].as_array().unwrap();
        let named = users.iter().find(|user| user["public"]["fn"] == name);
        text(&named.unwrap_or_else(|| panic!("no {name} in {users:?}"))["id"])
    }

    /// Opens the direct conversation with another user.
    pub(crate) async fn dm(&mut self, user: &str) -> String {
        text(&self.ok(json!({"dm": {"user": user}})).await["conv"])
    }

    /// Makes a group with these members.
    pub(crate) async fn group(&mut self, members: &[&str]) -> String {
        let create = json!({"group": {"action": "create", "desc": {"public": {"fn": "a group"}}}});
        let conv = text(&self.ok(create).await["conv"]);
        for member in members {
            self.ok(json!({"group": {"action": "invite", "id": conv, "user": member}})).await;
        }
        conv
    }

    /// Sends a text with a `cid`; returns the parameters of the answer.
    pub(crate) async fn say(&mut self, conv: &str, words: &str, cid: &str) -> Value {
        self.ok(send(conv, words, cid)).await
    }

    /// Reads the whole history forward, page by page.
    pub(crate) async fn history(&mut self, conv: &str) -> Vec<Value> {
        let (mut all, mut after): (Vec<Value>, u64) = (Vec::new(), 0);
        loop {
            let get = json!({"get": {"what": "messages", "conv": conv, "after": after, "limit": 100}});
            let mut page = self.ok(get).await;
            let mut messages: Vec<Value> =
                page["messages"].take().as_array_mut().unwrap().drain(..).collect();
            messages.sort_by_key(|message| message["seq"].as_u64());
            after = messages.last().map_or(after, |last| last["seq"].as_u64().unwrap());
            all.append(&mut messages);
            if page["more"] != true {
                return all;
            }
        }
    }
}

/// The request that sends a text.
pub(crate) fn send(conv: &str, words: &str, cid: &str) -> Value {
    json!({"send": {"conv": conv, "content": {"v": 1, "text": words}, "cid": cid}})
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
