//! The host speaks and listens in process.

use crate::support::{User, server};
use mvchat_core::proto::{Command, ConvId, DmPeer, Json, Position, ReplyParams, UserId};
use mvchat_core::seam::LogEvent;
use mvchat_core::{Chat, ErrorKind, Keys};
use serde_json::json;

#[tokio::test]
async fn the_host_speaks_with_the_same_checks_and_hears_the_same_log() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let bot = UserId::external("bot", 1);
    assert!(chat.add_user(bot, Json::parse(r#"{"fn":"Bot"}"#).ok()).await.unwrap());
    assert!(!chat.add_user(bot, None).await.unwrap());
    let mut events = chat.events(Position(0));
    let actor = chat.act_as(bot);
    let start = Command::StartDm(DmPeer::User(a.id.parse().unwrap()));
    let ReplyParams::Dm(dm) = actor.execute(start).await.unwrap().params else { panic!() };
    let sent = actor.send(dm.conv, Json::from_value(&"beep")).await.unwrap();
    assert_eq!(sent.delivered, Some(1));
    let data = &a.heard("data").await[0];
    assert_eq!((&data["from"], &data["content"]["text"]), (&json!(bot), &json!("beep")));

    assert_eq!(events.next().await.unwrap().event, LogEvent::Created);
    let entry = events.next().await.unwrap();
    assert_eq!(
        (entry.conv, entry.actor, entry.seq, entry.event),
        (dm.conv, bot, Some(sent.seq), LogEvent::Sent)
    );
    let conv = dm.conv.to_string();
    let (next, spoken) = tokio::join!(events.next(), a.say(&conv, "boop"));
    assert_eq!(next.unwrap().seq.unwrap().0, spoken);
    assert_eq!(chat.position().await.unwrap(), events.position());

    let elsewhere = ConvId(uuid::Uuid::nil());
    let refused = actor.send(elsewhere, Json::from_value(&"x")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotMember);
    let refused = actor.send(dm.conv, Json::null()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidContent);
}

#[tokio::test]
async fn building_names_every_problem_and_its_fix() {
    let mut limits = mvchat_core::proto::Limits::default();
    limits.max_in_flight = 0;
    limits.ping_interval = 100;
    let builder = Chat::builder(mvchat_core::builtin::MemoryStore::default()).keys(Keys::ephemeral());
    let error = builder.limits(limits).name("").build().await.unwrap_err();
    assert_eq!(error.problems().len(), 3, "{error}");
}
