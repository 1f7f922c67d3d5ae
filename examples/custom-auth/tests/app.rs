//! The app over real sockets: its login opens the messenger, and nothing else does.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use custom_auth::accounts::{Account, Accounts};
use futures_util::{SinkExt, StreamExt};
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::{PasswordParams, Passwords};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn start() -> (SocketAddr, Chat) {
    let passwords = Passwords::new(PasswordParams::insecurely_fast()).unwrap();
    let mut table = Vec::new();
    for (number, login, name) in [(1, "ana", "Ana"), (2, "bert", "Bert"), (3, "carl", "Carl")] {
        let password = passwords.hash(format!("secret-{login}")).await.unwrap();
        table.push(Account { number, login: login.to_owned(), name: name.to_owned(), password });
    }
    let accounts = Accounts::new(table, passwords);
    let (app, chat) = custom_auth::app(accounts, Chat::builder(MemoryStore::default())).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    (address, chat)
}

/// Logs in at the app as its page does; returns the cookie.
async fn app_login(address: SocketAddr, login: &str, password: &str) -> Result<String, String> {
    let body = json!({"login": login, "password": password}).to_string();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    let cookie = response.lines().find_map(|line| line.strip_prefix("set-cookie: "));
    match cookie.and_then(|cookie| cookie.split(';').next()) {
        Some(cookie) => Ok(cookie.to_owned()),
        None => Err(response.lines().next().unwrap_or_default().to_owned()),
    }
}

async fn connect(address: SocketAddr, cookie: Option<&str>) -> Socket {
    let mut request = format!("ws://{address}/v0/ws").into_client_request().unwrap();
    if let Some(cookie) = cookie {
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
    }
    connect_async(request).await.unwrap().0
}

async fn ask(socket: &mut Socket, mut request: Value) -> Value {
    request["id"] = json!("1");
    socket.send(Message::text(request.to_string())).await.unwrap();
    loop {
        let frame: Value =
            serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
        if frame["ctrl"]["id"] == "1" {
            return frame["ctrl"].clone();
        }
    }
}

#[tokio::test]
async fn the_apps_login_opens_the_messenger() {
    let (address, _chat) = start().await;
    let host = json!({"login": {"scheme": "host"}});
    let ana = app_login(address, "ana", "secret-ana").await.unwrap();
    let mut ana = connect(address, Some(&format!("theme=dark; {ana}"))).await;
    let me = ask(&mut ana, host.clone()).await;
    assert_eq!(me["code"], 200, "{me}");
    assert_eq!(me["params"]["desc"]["public"], json!({"fn": "Ana", "photo": "/avatars/1"}));

    // Bert has never been here; the app's table knows him.
    let found = ask(&mut ana, json!({"search": {"query": "ber"}})).await;
    let bert = found["params"]["users"][0].clone();
    assert_eq!(bert["public"]["fn"], "Bert");
    let dm = ask(&mut ana, json!({"dm": {"user": bert["id"]}})).await;
    assert_eq!(dm["code"], 201, "{dm}");
    let conv = dm["params"]["conv"].clone();
    assert_eq!(ask(&mut ana, json!({"send": {"conv": conv, "content": "hello"}})).await["code"], 202);

    let cookie = app_login(address, "bert", "secret-bert").await.unwrap();
    let mut socket = connect(address, Some(&cookie)).await;
    let me = ask(&mut socket, host).await;
    assert_eq!(me["params"]["user"], bert["id"]);
    let page = ask(&mut socket, json!({"get": {"what": "messages", "conv": conv}})).await;
    assert_eq!(page["params"]["messages"][0]["content"]["text"], "hello");
    let listed = ask(&mut socket, json!({"get": {"what": "conversations"}})).await;
    assert_eq!(listed["params"]["conversations"][0]["user"]["public"]["fn"], "Ana");
    // The session goes on with the messenger's own token, also where there is no cookie.
    let token = json!({"login": {"scheme": "token", "secret": me["params"]["token"]}});
    assert_eq!(ask(&mut connect(address, None).await, token).await["code"], 200);
}

#[tokio::test]
async fn nothing_else_does() {
    let (address, chat) = start().await;
    assert!(app_login(address, "ana", "secret-bert").await.unwrap_err().contains("401"));
    assert!(app_login(address, "nobody", "secret-ana").await.unwrap_err().contains("401"));
    for cookie in [None, Some("app_session="), Some("app_session=00"), Some("other=1")] {
        let mut socket = connect(address, cookie).await;
        let refused = ask(&mut socket, json!({"login": {"scheme": "host"}})).await;
        assert_eq!(
            (&refused["code"], &refused["text"]),
            (&json!(401), &json!("invalid credentials")),
            "{cookie:?}"
        );
        let basic =
            ask(&mut socket, json!({"login": {"scheme": "basic", "secret": "YW5hOnNlY3JldC1hbmE="}})).await;
        assert_eq!((&basic["code"], &basic["text"]), (&json!(400), &json!("unknown auth scheme")));
        let new = json!({"acc": {"user": "new", "scheme": "basic", "secret": "YW5uYTpwYXNzd29yZA=="}});
        let closed = ask(&mut socket, new).await;
        assert_eq!((&closed["code"], &closed["text"]), (&json!(403), &json!("sign-up is closed")));
    }
    // A suspended user is out, whatever the app says.
    let cookie = app_login(address, "carl", "secret-carl").await.unwrap();
    let mut socket = connect(address, Some(&cookie)).await;
    let me = ask(&mut socket, json!({"login": {"scheme": "host"}})).await;
    let carl = me["params"]["user"].as_str().unwrap().parse().unwrap();
    chat.suspend_user(carl).await.unwrap();
    let mut socket = connect(address, Some(&cookie)).await;
    let refused = ask(&mut socket, json!({"login": {"scheme": "host"}})).await;
    assert_eq!((&refused["code"], &refused["text"]), (&json!(403), &json!("account suspended")));
}
