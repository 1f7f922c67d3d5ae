//! Messages that are committed with the rows of an app.

use super::nodes::{sign_up, until};
use crate::support::Database;
use futures_util::FutureExt;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::engine::Actor;
use mvchat_core::proto::{Command, ConvId, DmPeer, Epoch, Json, ReplyParams, SendMessage, UserId};
use mvchat_core::seam::{Amend, Change, LogEvent, Op, Outcome, Store};
use mvchat_core::testkit::Wire;
use mvchat_core::time::Timestamp;
use mvchat_core::{Chat, ErrorKind, Keys};
use mvchat_store_postgres::{PgStore, SendIn};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Row};
use std::time::Duration;

/// An app with orders of its own, a bot that speaks for it, and somebody whom it speaks to.
struct App {
    database: Database,
    keys: Keys,
    chat: Chat,
    pool: PgPool,
    bot: Actor,
    conv: ConvId,
    wire: Wire,
    user: UserId,
}

/// Makes a node whose reads of the log do not wait long for the transactions that the tests have open.
async fn node(database: &Database, keys: &Keys) -> Chat {
    let store = database.options().patience(Duration::from_millis(200)).open(&database.url).await.unwrap();
    let builder = Chat::builder(store).keys(keys.clone());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

impl App {
    async fn start() -> Self {
        let (database, keys) = (Database::fresh(), Keys::ephemeral());
        let chat = node(&database, &keys).await;
        let pool = PgPoolOptions::new().max_connections(4).connect(&database.url).await.unwrap();
        let orders = format!("create table {}.orders (item text)", database.schema);
        sqlx::query(AssertSqlSafe(orders)).execute(&pool).await.unwrap();
        let (mut wire, user) = sign_up(&chat, "alice").await;
        let (bot, user) = (UserId::external("bot", 1), user.parse().unwrap());
        chat.add_user(bot, None).await.unwrap();
        let bot = chat.act_as(bot);
        let dm = bot.execute(Command::StartDm(DmPeer::User(user))).await.unwrap();
        let ReplyParams::Dm(dm) = dm.params else { panic!() };
        until(&mut wire, "info", |info| info["what"] == "conv_added").await;
        Self { database, keys, chat, pool, bot, conv: dm.conv, wire, user }
    }

    async fn begin(&self) -> sqlx::Transaction<'static, sqlx::Postgres> {
        self.pool.begin().await.unwrap()
    }

    /// Writes a row of the app.
    async fn order(&self, tx: &mut sqlx::Transaction<'_, sqlx::Postgres>) {
        let text = format!("insert into {}.orders values ('tea')", self.database.schema);
        sqlx::query(AssertSqlSafe(text)).execute(&mut **tx).await.unwrap();
    }

    async fn orders(&self) -> i64 {
        let text = format!("select count(*) from {}.orders", self.database.schema);
        sqlx::query(AssertSqlSafe(text)).fetch_one(&self.pool).await.unwrap().get(0)
    }

    fn named(&self, words: &str, cid: &str) -> SendMessage {
        let mut message = SendMessage::new(self.conv, said(words));
        message.cid = Some(cid.to_owned());
        message
    }

    /// Returns all texts, the oldest first, after looking whether their numbers have gaps.
    async fn texts(&mut self) -> Vec<String> {
        let get = json!({"get": {"what": "messages", "conv": self.conv, "limit": 100}});
        let page = self.wire.ask(get).await;
        let messages = page["params"]["messages"].as_array().unwrap();
        let seqs: Vec<_> = messages.iter().rev().map(|message| message["seq"].as_u64().unwrap()).collect();
        assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "{seqs:?}");
        let text = |message: &Value| message["content"]["text"].as_str().unwrap().to_owned();
        messages.iter().rev().map(text).collect()
    }

    /// Reads until this text is heard; returns all that were.
    async fn hears(&mut self, text: &str) -> Vec<String> {
        let heard = until(&mut self.wire, "data", |data| data["content"]["text"] == text).await;
        heard.iter().map(|data| data["content"]["text"].as_str().unwrap().to_owned()).collect()
    }
}

fn said(words: &str) -> Json {
    Json::from_value(&words)
}

pub(crate) async fn commits_with_its_rows() {
    let mut app = App::start().await;
    let mut tx = app.begin().await;
    app.order(&mut tx).await;
    let message = app.bot.send_in(&mut tx, app.conv, said("one")).await.unwrap();
    // Two of one transaction, and nobody sees either before the commit.
    let second = app.bot.send_in(&mut tx, app.conv, said("two")).await.unwrap();
    let numbers = [message.params(), second.params()].map(|params| (params.seq.0, params.rev.unwrap().0));
    assert_eq!(numbers, [(1, 1), (2, 2)]);
    assert_eq!((app.orders().await, app.texts().await.len()), (0, 0));
    tx.commit().await.unwrap();
    message.publish();
    second.publish();
    assert_eq!(app.hears("two").await, ["one", "two"]);
    assert_eq!((app.orders().await, app.texts().await), (1, vec!["one".to_owned(), "two".to_owned()]));
    app.bot.send(app.conv, said("three")).await.unwrap();
    assert_eq!(app.hears("three").await, ["three"]);
}

pub(crate) async fn rolls_back_without_a_trace() {
    let mut app = App::start().await;
    let mut tx = app.begin().await;
    app.order(&mut tx).await;
    let phantom = app.bot.send_message_in(&mut tx, app.named("phantom", "cid")).await.unwrap();
    tx.rollback().await.unwrap();
    // Nobody is told of it, whatever the app says.
    phantom.publish();
    assert_eq!(app.orders().await, 0);
    // Neither the number nor the name was used.
    let sent = app.bot.send_message(app.named("real", "cid")).await.unwrap();
    assert_eq!((sent.seq.0, sent.rev.unwrap().0, sent.replay), (1, 1, None));
    assert_eq!(app.hears("real").await, ["real"]);
    assert_eq!(app.texts().await, ["real"]);
}

pub(crate) async fn what_nobody_published_is_told_all_the_same() {
    let mut app = App::start().await;
    for words in ["one", "two"] {
        let mut tx = app.begin().await;
        let forgotten = app.bot.send_in(&mut tx, app.conv, said(words)).await.unwrap();
        tx.commit().await.unwrap();
        drop(forgotten);
        assert_eq!(app.hears(words).await, [words]);
    }
    // A change of the same node tells first what was before it.
    let mut tx = app.begin().await;
    drop(app.bot.send_in(&mut tx, app.conv, said("three")).await.unwrap());
    tx.commit().await.unwrap();
    app.bot.send(app.conv, said("four")).await.unwrap();
    assert_eq!(app.hears("four").await, ["three", "four"]);
}

pub(crate) async fn a_dropped_call_is_whole_or_absent() {
    let mut app = App::start().await;
    let mut sent = 0;
    for polls in 0..60 {
        let mut tx = app.begin().await;
        app.order(&mut tx).await;
        let words = format!("message {polls}");
        let mut send = Box::pin(app.bot.send_message_in(&mut tx, app.named(&words, &words)));
        let mut whole = false;
        for _ in 0..polls {
            whole = (&mut send).now_or_never().is_some();
            if whole {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(send);
        // Every other one is kept.
        if polls % 2 == 0 {
            tx.commit().await.unwrap()
        } else {
            tx.rollback().await.unwrap()
        }
        let again = app.bot.send_message(app.named(&words, &words)).await.unwrap();
        sent += 1;
        assert_eq!(again.seq.0, sent, "a dropped call left a gap or a double");
        assert!(!whole || again.replay == (polls % 2 == 0).then_some(true));
        assert_eq!(app.hears(&words).await, [words]);
    }
    assert_eq!(app.orders().await, 30);
    assert_eq!(app.texts().await.len(), 60);
}

pub(crate) async fn holds_up_nobody_else() {
    let mut app = App::start().await;
    let mut others = Vec::new();
    for number in 0..12 {
        let other = UserId::external("other", number);
        app.chat.add_user(other, None).await.unwrap();
        let dm = app.bot.execute(Command::StartDm(DmPeer::User(other))).await.unwrap();
        let ReplyParams::Dm(dm) = dm.params else { panic!() };
        others.push((app.chat.act_as(other), dm.conv));
    }
    let mut tx = app.begin().await;
    let message = app.bot.send_in(&mut tx, app.conv, said("held")).await.unwrap();
    // The store waits for nobody, whatever else is in the batch.
    let store = app.bot.store::<PgStore>().unwrap().clone();
    let change = |actor: UserId, conv| Change {
        conv,
        actor,
        epoch: Epoch(0),
        warrant: None,
        at: Timestamp::from_micros(2),
        op: Op::Amend(Amend::new(LogEvent::Unpinned)),
    };
    let held = change(app.user, app.conv);
    let free = change(others[0].0.user(), others[0].1);
    let outcomes = store.commit_free(vec![held.clone(), free, held.clone()]).await.unwrap();
    assert!(matches!(outcomes[..], [Outcome::Locked, Outcome::Done(_), Outcome::Locked]), "{outcomes:?}");
    let outcomes = store.commit_free(vec![held]).await.unwrap();
    assert!(matches!(outcomes[..], [Outcome::Locked]), "{outcomes:?}");
    // Somebody else of the same conversation waits, and everybody in others speaks.
    let words = json!({"send": {"conv": app.conv, "cid": "b", "content": {"v": 1, "text": "behind"}}});
    let behind = app.wire.begin(words.clone()).await;
    let sends = others.iter().map(|(other, conv)| other.send(*conv, said("free")));
    for sent in futures_util::future::join_all(sends).await {
        sent.unwrap();
    }
    tx.commit().await.unwrap();
    message.publish();
    let mut ctrl = app.wire.reply(&behind).await;
    while ctrl["err"] == "busy" {
        // On a machine that has much else to do.
        ctrl = app.wire.ask(words.clone()).await;
    }
    assert_eq!((&ctrl["code"], &ctrl["params"]["seq"]), (&json!(202), &json!(2)), "{ctrl}");
    assert_eq!(app.texts().await, ["held", "behind"]);

    // Nobody waits for ever; what was answered with 503 did not happen.
    let mut tx = app.begin().await;
    let late = app.bot.send_in(&mut tx, app.conv, said("late")).await.unwrap();
    let refused = app.chat.act_as(app.user).send_message(app.named("again", "cid")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.params().is_some()), (ErrorKind::Busy, true));
    tx.commit().await.unwrap();
    late.publish();
    let sent = app.chat.act_as(app.user).send_message(app.named("again", "cid")).await.unwrap();
    assert_eq!((sent.seq.0, sent.replay), (4, None));
}

pub(crate) async fn a_retry_is_no_second_message() {
    let mut app = App::start().await;
    let mut tx = app.begin().await;
    let first = app.bot.send_message_in(&mut tx, app.named("once", "cid")).await.unwrap();
    let again = app.bot.send_message_in(&mut tx, app.named("once", "cid")).await.unwrap();
    assert_eq!((again.params().seq, again.params().replay), (first.params().seq, Some(true)));
    let other = app.bot.send_message_in(&mut tx, app.named("another", "cid")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::CidReused);
    // Another transaction with the same name waits for the first.
    let mut second = app.begin().await;
    let message = app.named("once", "cid");
    let mut waits = Box::pin(app.bot.send_message_in(&mut second, message));
    assert!((&mut waits).now_or_never().is_none());
    tx.commit().await.unwrap();
    let waited = waits.await.unwrap();
    assert_eq!((waited.params().seq.0, waited.params().replay), (1, Some(true)));
    second.commit().await.unwrap();
    first.publish();
    again.publish();
    waited.publish();
    let sent = app.bot.send_message(app.named("once", "cid")).await.unwrap();
    assert_eq!((sent.seq.0, sent.replay), (1, Some(true)));
    assert_eq!(app.hears("once").await, ["once"]);
    assert_eq!(app.texts().await, ["once"]);
}

pub(crate) async fn what_is_refused_leaves_the_transaction_as_it_was() {
    let mut app = App::start().await;
    let stranger = UserId::external("stranger", 1);
    app.chat.add_user(stranger, None).await.unwrap();
    let mut tx = app.begin().await;
    app.order(&mut tx).await;
    let kind = |result: mvchat_core::Result<mvchat_store_postgres::SentIn>| result.unwrap_err().kind();
    let outsider = app.chat.act_as(stranger);
    assert_eq!(kind(outsider.send_in(&mut tx, app.conv, said("x")).await), ErrorKind::NotMember);
    assert_eq!(kind(app.bot.send_in(&mut tx, app.conv, Json::null()).await), ErrorKind::InvalidContent);
    let nobody = app.chat.act_as(UserId::external("nobody", 1));
    assert_eq!(kind(nobody.send_in(&mut tx, app.conv, said("x")).await), ErrorKind::NotFound);
    let ctrl = app.wire.ask(json!({"dm": {"conv": app.conv, "blocked": true}})).await;
    assert_eq!(ctrl["code"], 200, "{ctrl}");
    // This node does not know of the block that another one is told of.
    assert_eq!(kind(app.bot.send_in(&mut tx, app.conv, said("x")).await), ErrorKind::Blocked);
    tx.commit().await.unwrap();
    assert_eq!((app.orders().await, app.texts().await.len()), (1, 0));

    let elsewhere = Chat::builder(mvchat_core::builtin::MemoryStore::default()).build().await.unwrap();
    let mut tx = app.begin().await;
    let other = elsewhere.act_as(stranger).send_in(&mut tx, app.conv, said("x")).await;
    assert_eq!(kind(other), ErrorKind::Unsupported);
}

pub(crate) async fn a_decision_on_old_state_is_made_again() {
    let app = App::start().await;
    let owner = app.bot.clone();
    let made = Command::CreateGroup { public: None, cid: None };
    let ReplyParams::ConvCreated(group) = owner.execute(made).await.unwrap().params else { panic!() };
    let conv = group.conv;
    owner.execute(Command::Invite { conv, user: app.user }).await.unwrap();
    app.chat.act_as(app.user).send(conv, said("known here")).await.unwrap();
    // Another node removes somebody whom this one still takes for a member.
    let other = node(&app.database, &app.keys).await;
    other.act_as(owner.user()).execute(Command::Kick { conv, user: app.user }).await.unwrap();
    let mut tx = app.begin().await;
    let refused = app.chat.act_as(app.user).send_in(&mut tx, conv, said("too late")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotMember);
    let sent = owner.send_in(&mut tx, conv, said("fine")).await.unwrap();
    assert_eq!(sent.params().seq.0, 2);
    tx.commit().await.unwrap();
    sent.publish();
}

pub(crate) async fn is_heard_on_other_nodes_also_after_a_crash() {
    let app = App::start().await;
    let other = node(&app.database, &app.keys).await;
    let (mut b, b_id) = sign_up(&other, "bobby").await;
    let dm = app.bot.execute(Command::StartDm(DmPeer::User(b_id.parse().unwrap()))).await.unwrap();
    let ReplyParams::Dm(dm) = dm.params else { panic!() };
    until(&mut b, "info", |info| info["what"] == "conv_added").await;
    for number in 0..10 {
        let mut tx = app.begin().await;
        let message = app.bot.send_in(&mut tx, dm.conv, said(&format!("a{number}"))).await.unwrap();
        tx.commit().await.unwrap();
        // Every other node dies before it publishes.
        if number % 2 == 0 {
            message.publish()
        } else {
            drop(message)
        }
        let words = json!({"send": {"conv": dm.conv, "content": {"v": 1, "text": "b"}}});
        assert_eq!(b.ask(words).await["code"], 202);
    }
    let heard = until(&mut b, "data", |data| data["content"]["text"] == "a9").await;
    let seqs: Vec<_> = heard.iter().map(|data| data["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (0..10).map(|number| 2 * number + 1).collect::<Vec<_>>());
    let App { chat, bot, .. } = app;
    let mut tx = app.pool.begin().await.unwrap();
    drop(bot.send_in(&mut tx, dm.conv, said("last words")).await.unwrap());
    tx.commit().await.unwrap();
    drop((chat, bot));
    until(&mut b, "data", |data| data["content"]["text"] == "last words").await;
}
