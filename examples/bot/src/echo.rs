//! The bot: answers every text with the same text.

use crate::{Error, Events, Handle};
use mvchat_core::client::{Account, ClientError, ConvChange, Draft, Event};
use mvchat_core::irido::{Irido, Rules};
use mvchat_core::proto::{
    ConvId, GetRequest, Int, Json, Mark, MessageItem, MessagesParams, Request, Seq, UserId,
};
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
/// Every text is answered, also those that came while the bot was away: unread is what was not answered. What
/// bots wrote is not, so that two of them in one group stay quiet. In a group the bot greets when it is added.
///
/// # Errors
/// Why the server does not let the bot in, or that the driver is gone. That the connection was lost is none.
pub async fn run(handle: Handle, mut events: Events) -> Result<(), Error> {
    let mut bot = Echo { handle, me: None, synced: false, answered: BTreeMap::new() };
    while let Some(event) = events.next().await {
        match event {
            Event::Connected(Account { user, .. }) => bot.me = Some(user),
            Event::Synced => bot.catch_up().await?,
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
    /// Before, the whole list of conversations is new to the bot.
    synced: bool,
    /// Up to where each conversation is answered.
    answered: BTreeMap<ConvId, Seq>,
}

impl Echo {
    /// Answers what was written while the bot was away.
    async fn catch_up(&mut self) -> Result<(), Error> {
        self.synced = true;
        let unread = |conv: &mvchat_core::client::Conversation| {
            let view = conv.view();
            (view.unread > 0).then_some((view.id, view.read_seq))
        };
        let unread: Vec<_> = self
            .handle
            .inspect(move |client| client.state().conversations().values().filter_map(unread).collect())
            .await?;
        for (conv, read) in unread {
            self.answered.entry(conv).or_insert(read);
            while let Some(page) = self.page_after(conv).await? {
                for message in &page.messages {
                    self.answer(conv, message).await?;
                }
                if !page.more || page.messages.is_empty() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Returns the messages that follow the last answered one; `None` if the server does not say.
    async fn page_after(&self, conv: ConvId) -> Result<Option<MessagesParams>, Error> {
        let after = self.answered.get(&conv).copied().unwrap_or_default();
        let get = GetRequest {
            what: Some("messages".to_owned()),
            conv: Some(conv.to_string()),
            after: Some(mvchat_core::proto::Scalar::Int(Int::from_counter(after.0))),
            ..GetRequest::default()
        };
        match self.handle.request(Request::Get(get)).await {
            Ok(ctrl) => Ok(ctrl.params.and_then(|params| serde_json::from_str(params.as_str()).ok())),
            Err(Error::Gone) => Err(Error::Gone),
            // The connection is gone again; the next one catches up.
            Err(_) => Ok(None),
        }
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
        let read = Mark { conv: Some(conv.to_string()), seq: Some(Int::from_counter(message.seq.0)) };
        self.handle.post(Request::Read(read)).await?;
        match message.content.as_ref().and_then(echo) {
            Some(echo) => self.say(Draft::new(conv, echo).in_reply_to(message.seq)).await,
            None => Ok(()),
        }
    }

    /// Greets a group.
    async fn greet(&self, conv: ConvId) -> Result<(), Error> {
        let is_group = move |client: &mvchat_core::client::Client| {
            client.state().conversation(conv).is_some_and(|conv| conv.view().kind == "group")
        };
        if self.handle.inspect(is_group).await? {
            self.say(Draft::new(conv, written(GREETING))).await?;
        }
        Ok(())
    }

    /// Puts a message into the outbox; without room the bot stays silent rather than dying.
    async fn say(&self, draft: Draft) -> Result<(), Error> {
        match self.handle.send(draft).await {
            Err(Error::Client(ClientError { .. })) | Ok(_) => Ok(()),
            Err(error) => Err(error),
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
