//! The echo bot, over restarts of the server and of its own.

use crate::support::{Data, Person, Server, irido, soon};
use mvchat_bot::{Error, Handle, connect, echo};
use mvchat_core::client::{Client, ClientConfig, Credentials, Draft};
use mvchat_core::proto::{ConvId, Json, MessageItem, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::JoinHandle;

struct Bot {
    handle: Handle,
    task: JoinHandle<Result<(), Error>>,
}

impl Bot {
    fn start(server: &Server, name: &str) -> Self {
        let mut config = ClientConfig::new(Credentials::basic(name, format!("password of {name}")));
        (config.backoff_base, config.backoff_cap) = (Duration::from_millis(20), Duration::from_millis(200));
        let (handle, events) = connect(&server.url(), config).unwrap();
        Self { task: tokio::spawn(echo::run(handle.clone(), events)), handle }
    }

    async fn stop(self) {
        self.handle.close().await.unwrap();
        soon("the end of the bot", self.task).await.unwrap().unwrap();
    }
}

/// Makes an account for a bot.
async fn account(server: &Server, name: &str) -> UserId {
    let person = Person::sign_up(server, name).await;
    person.handle.close().await.unwrap();
    person.id
}

/// Waits until a conversation has so many messages; returns their texts with the seq that each answers.
async fn talk(person: &mut Person, conv: ConvId, count: u64) -> Vec<(String, Option<u64>)> {
    let there = move |client: &Client| {
        client.state().conversation(conv).is_some_and(|conv| conv.view().last_seq.0 >= count)
    };
    person.until("the bot's answers", there).await;
    let history = person.history(conv).await;
    let said = |message: &MessageItem| {
        let content: Value = serde_json::from_str(message.content.as_ref().unwrap().as_str()).unwrap();
        let reply = message.head.as_ref().and_then(|head| head.reply_to);
        (content["text"].as_str().unwrap_or_default().to_owned(), reply.map(|seq| seq.0))
    };
    history.values().map(said).collect()
}

/// Counts how often each text stands there.
fn counts(said: &[(String, Option<u64>)]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (words, _) in said {
        *counts.entry(words.as_str()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn every_text_is_answered_once_whoever_was_away() {
    let mut data = Data::new();
    let server = data.start();
    let mut alice = Person::sign_up(&server, "alice").await;
    let id = account(&server, "echo-bot").await;
    let bot = Bot::start(&server, "echo-bot");
    let dm = alice.dm(id).await;
    alice.say(dm, "one").await;
    assert_eq!(talk(&mut alice, dm, 2).await[1], ("echo: one".to_owned(), Some(1)));
    // What is no text is read, and not answered.
    let place = json!({"v": 1, "media": [{"type": "location", "lat": 1.5, "lon": 2.5}]});
    alice.deliver(Draft::new(dm, Json::from_value(&place))).await;
    // What another bot might have written is left alone.
    alice.say(dm, "echo: echo").await;
    alice.say(dm, "two").await;
    assert_eq!(talk(&mut alice, dm, 6).await[5], ("echo: two".to_owned(), Some(5)));

    // The server dies; both come back, and what was written meanwhile is answered.
    server.kill();
    alice.handle.send(Draft::new(dm, irido("three"))).await.unwrap();
    let server = data.start();
    assert_eq!(talk(&mut alice, dm, 8).await[7], ("echo: three".to_owned(), Some(7)));

    // The bot is away.
    bot.stop().await;
    for words in ["four", "five", "six"] {
        alice.say(dm, words).await;
    }
    let bot = Bot::start(&server, "echo-bot");
    let said = talk(&mut alice, dm, 14).await;
    for words in ["one", "two", "three", "four", "five", "six"] {
        assert_eq!(counts(&said).get(format!("echo: {words}").as_str()), Some(&1), "{said:?}");
    }
    assert_eq!(said.len(), 14, "{said:?}");
    bot.stop().await;
}

#[tokio::test]
async fn two_bots_in_a_group_greet_and_answer_people_only() {
    let mut data = Data::new();
    let server = data.start();
    let mut alice = Person::sign_up(&server, "alice").await;
    let ids = [account(&server, "echo-one").await, account(&server, "echo-two").await];
    // One is there when it is added, the other comes later; neither answers what was said before.
    let one = Bot::start(&server, "echo-one");
    let group = alice.group(&[]).await;
    alice.say(group, "is it quiet here").await;
    for id in ids {
        alice.ask::<Value>(json!({"group": {"action": "invite", "id": group, "user": id}})).await;
    }
    let two = Bot::start(&server, "echo-two");
    let said = talk(&mut alice, group, 3).await;
    assert_eq!(
        counts(&said),
        BTreeMap::from([("Hello! I repeat what you write.", 2), ("is it quiet here", 1)])
    );
    alice.say(group, "hi").await;
    talk(&mut alice, group, 6).await;
    // Each bot answers in order: had it answered the other, that would stand before its last answer.
    alice.say(group, "bye").await;
    let said = talk(&mut alice, group, 9).await;
    let mut expected = BTreeMap::from([("Hello! I repeat what you write.", 2), ("is it quiet here", 1)]);
    expected.extend([("bye", 1), ("echo: bye", 2), ("echo: hi", 2), ("hi", 1)]);
    assert_eq!(counts(&said), expected);

    // A bot that is started again does not greet again.
    one.stop().await;
    let one = Bot::start(&server, "echo-one");
    alice.say(group, "again").await;
    let said = talk(&mut alice, group, 12).await;
    assert_eq!(counts(&said).get("Hello! I repeat what you write."), Some(&2));
    assert_eq!(counts(&said).get("echo: again"), Some(&2));
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_bot_with_a_wrong_password_says_so() {
    let mut data = Data::new();
    let server = data.start();
    let bot = Bot::start(&server, "nobody");
    let ended = soon("the refusal", bot.task).await.unwrap();
    assert!(matches!(ended, Err(Error::Client(error)) if error.code == 401));
}
