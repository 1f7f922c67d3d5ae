//! The examples of the original's README, sent exactly as they are printed there, with a real token and ids.

use crate::door::{Inside, SOCKET};
use crate::player::folder;
use crate::player::names::{is_id, is_time, is_token};
use crate::player::server::Server;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// What stands for the ids that are printed.
type Ids = BTreeMap<&'static str, String>;

fn printed(file: &str) -> String {
    let path = folder().join("readme").join(format!("{file}.json"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn real(file: &str, ids: &Ids) -> String {
    ids.iter().fold(printed(file), |text, (name, id)| text.replace(name, id))
}

/// Checks that everything that is printed is there; more may be.
fn assert_says(ours: &Value, file: &str, ids: &Ids) {
    let expected: Value = serde_json::from_str(&real(file, ids)).unwrap();
    assert!(says(&expected, ours), "{file}\n expected {expected}\n got      {ours}");
}

fn says(printed: &Value, ours: &Value) -> bool {
    match (printed, ours) {
        (Value::Object(printed), Value::Object(ours)) => {
            printed.iter().all(|(key, value)| ours.get(key).is_some_and(|ours| says(value, ours)))
        }
        (Value::String(printed), Value::String(ours)) => match printed.as_str() {
            "session-uuid" => is_id(ours),
            "new-jwt" => is_token(ours),
            "..." => is_time(ours),
            printed => printed == ours,
        },
        _ => printed == ours,
    }
}

async fn sign_up(server: &Server, name: &str) -> (Wire, Value) {
    let secret = STANDARD.encode(format!("{name}:password"));
    let mut wire = server.connect(SOCKET).await;
    let account = json!({"user": "new", "scheme": "basic", "secret": secret, "login": true});
    let params = wire.ask(json!({"acc": account})).await["params"].take();
    (wire, params)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Two users with 41 messages between them: the example sends the next one.
async fn before_the_example(server: &Server) -> (Wire, Wire, Ids) {
    let (mut user, account) = sign_up(server, "user").await;
    let (other, peer) = sign_up(server, "other").await;
    let conv = text(&user.ask(json!({"dm": {"user": peer["user"]}})).await["params"]["conv"]);
    for n in 1..=41 {
        let sent = user.ask(json!({"send": {"conv": conv, "content": format!("{n}")}})).await;
        assert_eq!(sent["params"]["seq"], n);
        tokio::time::advance(Duration::from_millis(50)).await;
    }
    let ids = [
        ("conv-uuid", conv),
        ("user-uuid", text(&account["user"])),
        ("jwt-token-here", text(&account["token"])),
        ("file-uuid", "00000000-0000-0000-0000-000000000009".to_owned()),
    ];
    (user, other, ids.into())
}

#[tokio::test(start_paused = true)]
async fn the_readme_s_frames_work_as_printed() {
    let server = Server::start::<Inside>().await;
    let (_user, mut other, ids) = before_the_example(&server).await;
    other.settle().await;

    let mut client = server.connect(SOCKET).await;
    client.send_text(real("hi", &ids)).await;
    let hi = client.next().await.unwrap();
    assert_says(&hi, "hi-reply", &ids);
    client.send_text(real("login", &ids)).await;
    let login = client.next().await.unwrap();
    assert_says(&login, "login-reply", &ids);
    for reply in [hi, login] {
        assert_eq!(reply["ctrl"].get("id"), None, "a request without id is answered without id");
    }

    client.send_text(real("send", &ids)).await;
    assert_says(&client.next().await.unwrap(), "send-reply", &ids);
    assert_says(&other.next().await.unwrap(), "send-data", &ids);
}

#[tokio::test(start_paused = true)]
async fn the_readme_s_content_passes_but_for_its_file() {
    let server = Server::start::<Inside>().await;
    let (_user, mut other, ids) = before_the_example(&server).await;
    let mut content: Value = serde_json::from_str(&real("irido", &ids)).unwrap();
    let request = |content: &Value| json!({"send": {"conv": ids["conv-uuid"], "content": content}});

    let refused = other.ask(request(&content)).await;
    assert_eq!((&refused["code"], &refused["params"]["rule"]), (&json!(400), &json!("unknown_file")));
    content.as_object_mut().unwrap().remove("media");
    assert_eq!(other.ask(request(&content)).await["code"], 202);
    let page = other.ask(json!({"get": {"what": "messages", "conv": ids["conv-uuid"], "limit": 1}})).await;
    let message = &page["params"]["messages"][0];
    assert_eq!(message["content"]["reply"], json!({"seq": 41}), "the server knows who wrote what");
    assert_eq!(message["head"]["reply"], json!({"seq": 41, "from": ids["user-uuid"], "preview": "41"}));
    assert_eq!(message["content"]["mentions"], content["mentions"]);
}
