//! A server moves from a folder to a database and back: nobody loses anything, and nothing has to be said again.

use crate::support::{Data, Person, Server, Wire};
use mvchat_core::client::Client;
use mvchat_core::proto::ConvId;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs a copy.
fn copying(from: &str, to: &str, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    command.args(["db", "copy", "--from", from, "--to", to]);
    command.env("MVCHAT_DATABASE_URL", url).env("MVCHAT_DATABASE_ACCEPT_LOSS", "true");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn copy(from: &str, to: &str, url: &str) -> Output {
    copying(from, to, url).output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Waits until the copy has loaded some of a part, and returns whether it was seen.
pub(crate) async fn reaches(url: &str, part: &str, child: &mut std::process::Child) -> bool {
    let mut connection = PgConnection::connect(url).await.unwrap();
    while child.try_wait().unwrap().is_none() {
        let note = sqlx::query("select note from mvchat.loading").fetch_optional(&mut connection).await;
        // There may be no tables yet.
        let note: Option<String> = note.ok().flatten().map(|row| row.get(0));
        let note: Option<Value> = note.map(|note| serde_json::from_str(&note).unwrap());
        if note.is_some_and(|note| note["part"] == part) {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// The ring is the operator's to bring along.
fn bring_ring(from: &Path, to: &Path) {
    std::fs::copy(from.join("keys/ring.json"), to.join("keys/ring.json")).unwrap();
}

fn rev_of(client: &Client, conv: ConvId) -> u64 {
    client.state().conversation(conv).map_or(0, |conv| conv.view().rev.0)
}

fn stop(server: Server) {
    server.terminate();
    assert_eq!(server.ended(), Some(0));
}

#[tokio::test]
async fn a_server_moves_and_its_clients_go_on() {
    let Some(url) = super::postgres::database("moved").await else { return };
    let mut sled = Data::unlimited();
    let server = sled.start();
    let mut alice = Wire::sign_up(&server, "alice").await;
    let mut bob = Person::sign_up(&server, "bobby").await;
    let conv = alice.dm(&bob.id.to_string()).await;
    let group = alice.group(&[&bob.id.to_string()]).await;
    let first = alice.say(&conv, "the first", "cid 1").await;
    for i in 0..400 {
        alice.say(&group, &format!("words {i}"), &format!("cid {i}")).await;
    }
    alice.ok(json!({"edit": {"conv": conv, "seq": 1, "content": {"v": 1, "text": "better"}}})).await;
    let before = alice.history(&group).await;
    let id: ConvId = conv.parse().unwrap();
    bob.until("bob has the edit", move |client| rev_of(client, id) >= 2).await;
    stop(server);

    // Killed at every kind of place, and begun again.
    let folder = sled.path();
    let folder = folder.to_str().unwrap();
    let mut kills = 0;
    for part in ["credentials", "log", "messages", "messages"] {
        let mut child = copying(folder, "postgres", &url).spawn().unwrap();
        if reaches(&url, part, &mut child).await {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills > 0, "no copy was caught at work");
    let unfinished = Command::new(env!("CARGO_BIN_EXE_mvchat"))
        .args(["db", "verify"])
        .env("MVCHAT_DATABASE_URL", &url)
        .env("MVCHAT_DATABASE_ACCEPT_LOSS", "true")
        .output()
        .unwrap();
    assert!(said(&unfinished).contains("was not finished"), "{}", said(&unfinished));
    let copied = copy(folder, "postgres", &url);
    assert!(copied.status.success(), "{}", said(&copied));
    assert!(said(&copied).contains("both stores hold the same"), "{}", said(&copied));
    let again = copy(folder, "postgres", &url);
    assert_eq!(again.status.code(), Some(1), "{}", said(&again));
    assert!(said(&again).contains("holds something already"), "{}", said(&again));

    let mut postgres = Data::on_postgres(&url).with_keys_of(&sled).in_place_of(&sled);
    std::fs::remove_dir_all(postgres.path().join("keys/vault")).unwrap();
    let server = postgres.start();
    // The machine was never told: it comes back by itself, with its token and what it knew.
    let mut alice = Wire::resume(&server, &alice.token).await;
    assert_eq!(alice.history(&group).await, before);
    assert_eq!(
        alice.say(&conv, "the first", "cid 1").await["seq"],
        first["seq"],
        "a retry is answered as before"
    );
    alice.say(&conv, "on the database", "cid 2").await;
    bob.until("bob catches up", move |client| rev_of(client, id) >= 3).await;
    let texts = bob.history(id).await;
    assert_eq!(texts.len(), 2, "what was said before and after");
    stop(server);

    let mut back = Data::unlimited().in_place_of(&sled);
    let place = back.path();
    let copied = copy("postgres", place.to_str().unwrap(), &url);
    assert!(copied.status.success(), "{}", said(&copied));
    bring_ring(&sled.path(), &place);
    let server = back.start();
    let mut alice = Wire::resume(&server, &alice.token).await;
    assert_eq!(alice.history(&group).await, before);
    let last = alice.say(&conv, "home again", "cid 3").await;
    assert_eq!(last["seq"], json!(3));
    bob.until("bob catches up again", move |client| rev_of(client, id) >= 4).await;
    drop(server);

    let mut connection = PgConnection::connect(&url).await.unwrap();
    let gone = "drop schema mvchat cascade; drop schema mvchat_vault cascade";
    sqlx::raw_sql(AssertSqlSafe(gone.to_owned())).execute(&mut connection).await.unwrap();
}

#[test]
fn a_folder_without_a_store_is_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let refused = copy(folder.path().to_str().unwrap(), "postgres", "postgres://nobody@127.0.0.1:1/none");
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(said(&refused).contains("holds no sled store"), "{}", said(&refused));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was made");
}
