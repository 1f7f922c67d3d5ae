//! Two servers on one database.

use crate::support::{Data, Person, Wire, secret};
use mvchat_core::proto::ConvId;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::process::Command;
use std::time::{Duration, Instant};

const ADDRESS: &str = "MVCHAT_TEST_DATABASE_URL";

/// Makes a database of the test's own; none on a machine without, which is said.
pub(crate) async fn database(name: &str) -> Option<String> {
    let Some(url) = std::env::var(ADDRESS).ok().filter(|url| !url.is_empty()) else {
        #[expect(clippy::print_stderr, reason = "what is left out has to be said")]
        {
            eprintln!("left out, because {ADDRESS} names no database (`cargo xtask test` starts one)");
        }
        return None;
    };
    let name = format!("mvchat_{name}_{}", std::process::id());
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await.unwrap();
    let (server, _) = url.rsplit_once('/').unwrap();
    Some(format!("{server}/{name}"))
}

#[tokio::test]
async fn members_on_two_servers_talk_and_a_killed_one_loses_nothing() {
    let Some(url) = database("nodes").await else { return };
    let mut data = Data::on_postgres(&url);
    let one = data.start();
    let mut other = Data::on_postgres(&url).with_keys_of(&data);
    let two = other.start();
    let mut alice = Wire::sign_up(&one, "alice").await;
    let mut bob = Wire::sign_up(&two, "bobby").await;
    let conv = alice.dm(&bob.id).await;
    bob.info("conv_added", &conv).await;
    for i in 0..10 {
        alice.say(&conv, &format!("a{i}"), &format!("a{i}")).await;
        bob.say(&conv, &format!("b{i}"), &format!("b{i}")).await;
    }
    let heard = bob.data(&conv, 19).await;
    assert_eq!(heard["content"]["text"], "a9");
    let heard = alice.data(&conv, 20).await;
    assert_eq!(heard["content"]["text"], "b9");
    alice.ok(json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "better"}}})).await;
    let edited = bob.info("edit", &conv).await;
    assert_eq!((&edited["seq"], &edited["content"]["text"]), (&json!(1), &json!("better")));

    // What is not kept crosses, too: who writes, how far somebody has read, what only the same user sees.
    alice.post(json!({"typing": {"conv": conv}})).await;
    assert_eq!(bob.info("typing", &conv).await["from"], json!(alice.id));
    bob.ok(json!({"read": {"conv": conv, "seq": 20}})).await;
    assert_eq!(alice.info("read", &conv).await["seq"], 20);
    let mut phone = Wire::connect(&two).await;
    let login = json!({"login": {"scheme": "basic", "secret": secret("alice")}});
    let session = phone.ok(login).await["session"].take();
    alice.ok(json!({"dm": {"conv": conv, "muted": true}})).await;
    assert_eq!(phone.info("own", &conv).await["content"]["muted"], true);
    // A session that ends here is over there, at once.
    let ended = Instant::now();
    alice.ok(json!({"session": {"revoke": session}})).await;
    assert_eq!(phone.closed().await, Some(4003));
    assert!(ended.elapsed() < Duration::from_secs(1), "{:?}", ended.elapsed());
    // Whoever is on several servers is here once.
    assert_eq!(bob.ok(json!({"get": {"what": "online"}})).await["users"], json!([alice.id]));

    // What the killed one has acknowledged, the other one shows; and that nobody is there any more.
    let last = alice.say(&conv, "last words", "last").await;
    one.kill();
    let gone = bob.until("that she is gone", |frame| frame["pres"]["what"] == "off").await;
    assert_eq!(gone["pres"]["user"], json!(alice.id));
    let person = Person::log_in(&two, "alice").await;
    let id: ConvId = conv.parse().unwrap();
    let history = person.history(id).await;
    assert_eq!(history.len(), 21);
    assert_eq!(json!(history.iter().map(|(seq, _)| seq.0).max()), last["seq"]);
    person.say(id, "back").await;
    assert_eq!(bob.data(&conv, 22).await["content"]["text"], "back");

    let mut verify = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    verify.args(["db", "verify"]);
    verify.env("MVCHAT_DATABASE_URL", &url).env("MVCHAT_DATABASE_ACCEPT_LOSS", "true");
    let verified = verify.output().unwrap();
    assert!(verified.status.success(), "{verified:?}");
}
