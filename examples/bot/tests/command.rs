//! The bot's command line.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use mvchat_bot::{Events, Handle, connect};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::client::{ClientConfig, Credentials, Draft, Event};
use mvchat_core::proto::{ConvId, DmParams, Envelope, Request, UsersParams};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use tokio::net::TcpListener;

async fn server() -> String {
    let builder = Chat::builder(MemoryStore::default()).passwords(PasswordParams::insecurely_fast());
    let chat = builder.build().await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v0/ws", listener.local_addr().unwrap());
    let app: axum::Router = mvchat_transport_axum::router(chat);
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

fn bot(url: &str, password: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat-bot"));
    command.args(["--url", url, "--user", "echo", "--sign-up"]).env("MVCHAT_BOT_PASSWORD", password);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn ask<T: serde::de::DeserializeOwned>(handle: &Handle, json: String) -> T {
    let request: Request = Envelope::decode(json.as_bytes()).unwrap().request;
    let ctrl = handle.request(request).await.unwrap();
    serde_json::from_str(ctrl.params.unwrap().as_str()).unwrap()
}

/// Writes to the bot and waits for its echo.
async fn hear(alice: &Handle, events: &mut Events, conv: ConvId, words: &str) {
    alice.send(Draft::text(conv, words)).await.unwrap();
    let expected = format!("\"echo: {words}\"");
    let heard = async {
        while let Some(event) = events.next().await {
            if let Event::Message { message, .. } = event
                && message.content.is_some_and(|content| content.as_str().contains(&expected))
            {
                return;
            }
        }
        panic!("it ended")
    };
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
}

async fn interrupted(child: std::process::Child) -> Output {
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_signs_up_once_and_logs_in_ever_after() {
    let url = server().await;
    let config = ClientConfig::new(Credentials::sign_up("alice", "correct horse", None));
    let (alice, mut events) = connect(&url, config).unwrap();

    let child = bot(&url, "the bot's password").spawn().unwrap();
    // Nobody tells alice of new accounts: she looks for it, one round trip after the other.
    let found = async {
        loop {
            let users: UsersParams = ask(&alice, r#"{"search":{"query":"echo"}}"#.to_owned()).await;
            if let Some(user) = users.users.first() {
                return user.id;
            }
        }
    };
    let echo = tokio::time::timeout(Duration::from_secs(30), found).await.unwrap();
    let dm: DmParams = ask(&alice, format!(r#"{{"dm":{{"user":"{echo}"}}}}"#)).await;
    hear(&alice, &mut events, dm.conv, "one").await;
    let output = interrupted(child).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    let child = bot(&url, "the bot's password").spawn().unwrap();
    hear(&alice, &mut events, dm.conv, "two").await;
    let output = interrupted(child).await;
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");

    let mut impostor = bot(&url, "another password");
    let output = tokio::task::spawn_blocking(move || impostor.output().unwrap()).await.unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("does not let the bot in"), "{errors}");
}

#[test]
fn a_wrong_address_is_said_at_once() {
    let output = bot("wss://127.0.0.1/v0/ws", "the bot's password").output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.contains("only ws://"), "{errors}");
}
