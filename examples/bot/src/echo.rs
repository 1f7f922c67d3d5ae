//! The bot: answers every text with the same text.

use crate::{Error, Events, Handle};
use mvchat_core::client::{ConvChange, Conversation, Draft, Event};
use mvchat_core::irido::{Irido, Rules};
use mvchat_core::proto::{ConvId, GetRequest, Int, Json, Mark, MessageItem, MessagesParams};
use mvchat_core::proto::{Request, Scalar, Seq, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What an echo begins with.
const PREFIX: &str = "echo: ";
/// What the bot says in a group to which it was added.
const GREETING: &str = "Hello! I repeat what you write.";
/// The key that bots put into what they write, so that other bots leave it alone.
const MARK: &str = "x-bot";

/// Answers until the client ends.
///
/// Every text is answered, also those that came while the bot was away: they are unread. What bots wrote is not,
/// so that two of them in one group stay quiet. A group to which the bot was added is greeted; what was said
/// there before is not answered.
///
/// # Errors
/// Why the server does not let the bot in, or that the driver is gone. That the connection was lost is none.
pub async fn run(handle: Handle, mut events: Events) -> Result<(), Error> {
    let mut bot = Echo { handle, me: None, synced: false, answered: BTreeMap::new() };
    while let Some(event) = events.next().await {
        match event {
            Event::Connected(account) => bot.me = Some(account.user),
            Event::Synced => bot.catch_up().await?,
            // Before the first catch-up everything is new to the bot.
            Event::Message { conv, message } if bot.synced => bot.answer(conv, &message).await?,
            Event::Conversation { conv, change: ConvChange::Added } if bot.synced => bot.greet(conv).await?,
            Event::Conversation { conv, change: ConvChange::Gone } => drop(bot.answered.remove(&conv)),
            Event::LoginFailed(error) => return Err(error.into()),
            Event::Ended(_) => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}

struct Echo {
    handle: Handle,
    me: Option<UserId>,
    synced: bool,
    /// Up to where each conversation is answered.
    answered: BTreeMap<ConvId, Seq>,
}

impl Echo {
    /// Greets and answers what the bot missed while it was away.
    async fn catch_up(&mut self) -> Result<(), Error> {
        self.synced = true;
        let missed = |conv: &Conversation| {
            let view = conv.view();
            let new = view.kind == "group" && view.read_seq == Seq(0);
            (new || view.unread > 0).then_some((view.id, new, view.read_seq))
        };
        let missed: Vec<_> = self
            .handle
            .inspect(move |client| client.state().conversations().values().filter_map(missed).collect())
            .await?;
        for (conv, new, read) in missed {
            if self.answered.contains_key(&conv) || !new {
                self.answered.entry(conv).or_insert(read);
                while self.answer_page(conv).await? {}
            } else {
                self.greet(conv).await?;
            }
        }
        Ok(())
    }

    /// Answers the messages that follow the last answered one; returns whether there may be more.
    async fn answer_page(&mut self, conv: ConvId) -> Result<bool, Error> {
        let after = self.answered.get(&conv).copied().unwrap_or_default();
        let get = GetRequest {
            what: Some("messages".to_owned()),
            conv: Some(conv.to_string()),
            after: Some(Scalar::Int(Int::from_counter(after.0))),
            ..GetRequest::default()
        };
        let page = match self.handle.request(Request::Get(get)).await {
            Ok(ctrl) => ctrl.params.and_then(|params| serde_json::from_str(params.as_str()).ok()),
            Err(Error::Gone) => return Err(Error::Gone),
            // The connection is gone again; the next one catches up.
            Err(_) => None,
        };
        let Some(MessagesParams { mut messages, more, .. }) = page else { return Ok(false) };
        messages.sort_by_key(|message| message.seq);
        for message in &messages {
            self.answer(conv, message).await?;
        }
        Ok(more && !messages.is_empty())
    }

    /// Answers a message once, and marks it read.
    async fn answer(&mut self, conv: ConvId, message: &MessageItem) -> Result<(), Error> {
        let answered = self.answered.entry(conv).or_default();
        if message.seq <= *answered {
            return Ok(());
        }
        *answered = message.seq;
        if message.from.is_none() || message.from == self.me {
            return Ok(());
        }
        if let Some(echo) = message.content.as_ref().and_then(echo) {
            self.say(Draft::new(conv, echo).in_reply_to(message.seq)).await?;
        }
        self.read(conv, message.seq).await
    }

    /// Greets a group, and takes what was said there before for read.
    async fn greet(&mut self, conv: ConvId) -> Result<(), Error> {
        let last = |conv: &Conversation| (conv.view().kind == "group").then_some(conv.view().last_seq);
        let last =
            self.handle.inspect(move |client| client.state().conversation(conv).and_then(last)).await?;
        let Some(last) = last else { return Ok(()) };
        self.answered.insert(conv, last);
        self.say(Draft::new(conv, written(GREETING))).await?;
        if last > Seq(0) { self.read(conv, last).await } else { Ok(()) }
    }

    async fn read(&self, conv: ConvId, seq: Seq) -> Result<(), Error> {
        let mark = Mark { conv: Some(conv.to_string()), seq: Some(Int::from_counter(seq.0)) };
        self.handle.post(Request::Read(mark)).await
    }

    /// Puts a message into the outbox; when that is full the bot stays silent rather than dying.
    async fn say(&self, draft: Draft) -> Result<(), Error> {
        match self.handle.send(draft).await {
            Err(Error::Gone) => Err(Error::Gone),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

/// Returns the answer to a message, if it is a text that a person wrote and its echo is not too long.
fn echo(content: &Json) -> Option<Json> {
    let fields: Value = serde_json::from_str(content.as_str()).ok()?;
    let said = Irido::parse(content.as_str(), &Rules::default()).ok()?;
    if fields.get(MARK).is_some() || said.text().is_empty() || said.text().starts_with(PREFIX) {
        return None;
    }
    let echo = written(&format!("{PREFIX}{}", said.text()));
    Irido::parse(echo.as_str(), &Rules::default()).ok().map(|_| echo)
}

fn written(text: &str) -> Json {
    Json::from_value(&json!({ "v": 1, "text": text, (MARK): "echo" }))
}
