//! A client that knows frames and JSON only: for what has to be there before a run begins.

use crate::driver::{Web, connect};
use crate::{Problem, Tried};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::Request;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// So many requests are under way at once; servers work on no more of a connection.
const AT_ONCE: usize = 16;

/// What came of a request.
pub(crate) enum Answer {
    /// The parameters of the success.
    Done(Value),
    /// The whole `ctrl`.
    Refused(Value),
}

/// One connection.
pub(crate) struct Wire {
    web: Web,
}

impl Wire {
    /// Opens a connection.
    ///
    /// # Errors
    /// If nobody answers.
    pub(crate) async fn open(request: Request) -> Tried<Self> {
        let web = timeout(PATIENCE, connect(request)).await.map_err(|_| "the server does not answer")??;
        Ok(Self { web })
    }

    /// Asks for one thing; returns the parameters of the success.
    ///
    /// # Errors
    /// With what the server refused it.
    pub(crate) async fn ask(&mut self, request: Value) -> Tried<Value> {
        let mut answers = self.ask_all([request]).await?;
        answers.pop().ok_or_else(|| Problem::from("no answer"))
    }

    /// Asks for many things, some at a time; returns the answers in order.
    ///
    /// # Errors
    /// With the first refusal.
    pub(crate) async fn ask_all(&mut self, requests: impl IntoIterator<Item = Value>) -> Tried<Vec<Value>> {
        let mut requests = requests.into_iter();
        let (mut sent, mut answers) = (0_usize, Vec::new());
        loop {
            while sent < answers.len() + AT_ONCE
                && let Some(mut request) = requests.next()
            {
                request["id"] = json!(sent.to_string());
                sent += 1;
                self.web.feed(Message::text(request.to_string())).await?;
            }
            if answers.len() == sent {
                return Ok(answers);
            }
            self.web.flush().await?;
            match self.answer().await? {
                Answer::Done(params) => answers.push(params),
                Answer::Refused(ctrl) => return Err(format!("the server refused: {ctrl}").into()),
            }
        }
    }

    /// Asks for one thing that may be refused.
    ///
    /// # Errors
    /// If there is no answer.
    pub(crate) async fn try_ask(&mut self, mut request: Value) -> Tried<Answer> {
        request["id"] = json!("0");
        self.web.send(Message::text(request.to_string())).await?;
        self.answer().await
    }

    /// Reads the next answer; they come in the order of the requests.
    async fn answer(&mut self) -> Tried<Answer> {
        loop {
            let message =
                timeout(PATIENCE, self.web.next()).await.map_err(|_| "the server does not answer")?;
            let message = message.ok_or("the server has closed the connection")??;
            let Message::Text(text) = message else { continue };
            let mut frame: Value = serde_json::from_str(&text)?;
            let ctrl = frame["ctrl"].take();
            match (ctrl["id"].is_string(), ctrl["code"].as_u64()) {
                (true, Some(200..300)) => return Ok(Answer::Done(ctrl["params"].clone())),
                (true, _) => return Ok(Answer::Refused(ctrl)),
                (false, _) => {}
            }
        }
    }

    /// Ends the connection.
    pub(crate) async fn close(mut self) {
        // Whatever the server still says, nobody waits for it.
        let _ = timeout(Duration::from_secs(2), self.web.close(None)).await;
    }
}
