//! Laws about who is let in before there is a connection.

use super::Entrance;
use super::bed::{Bed, Server, until};
use super::client::Client;
use super::request::{Head, ask, post};
use crate::testkit::runner::{Law, law};
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(a_bearer_begins_logged_in),
    law!(a_subprotocol_may_carry_the_token),
    law!(a_subprotocol_without_a_token_is_refused),
    law!(a_bad_token_is_refused_before_the_handshake),
    law!(an_ended_session_is_refused_before_the_handshake),
    law!(a_token_in_the_query_is_refused),
    law!(a_token_in_the_query_counts_where_it_is_taken),
    law!(two_tokens_are_refused),
    law!(other_schemes_of_authorization_are_not_looked_at),
    law!(a_socket_let_in_is_like_one_that_logged_in),
    law!(a_ticket_opens_one_socket),
    law!(a_ticket_is_used_once_by_many_at_once, threads),
    law!(a_ticket_is_for_pages_of_its_origin),
    law!(a_ticket_of_an_ended_session_opens_nothing),
    law!(a_ticket_is_no_token_and_a_token_no_ticket),
];

/// Asks for a WebSocket.
async fn enter(server: &Server, path: &str, headers: &[(&str, &str)]) -> (Head, Option<Client>) {
    let stream = TcpStream::connect(server.addr).await.unwrap();
    Client::upgrade_with(stream, path, headers).await
}

/// Asks for a WebSocket, which must be refused like this.
async fn refused(server: &Server, path: &str, headers: &[(&str, &str)], status: u16) {
    let (head, client) = enter(server, path, headers).await;
    assert_eq!(head.status, status, "{path} {headers:?}");
    assert!(client.is_none());
    assert_eq!(head.header("sec-websocket-accept"), None);
    assert_eq!(head.header("www-authenticate").is_some(), status == 401 && !path.contains("token="));
}

/// Checks that a connection is that of a user from its first frame on.
async fn is_in(client: &mut Client, user: &str) -> Value {
    let first = client.text().await["ctrl"].take();
    assert_eq!((&first["code"], first.get("id")), (&json!(200), None), "{first}");
    assert_eq!(first["params"]["user"], user);
    assert!(first["params"]["token"].is_string() && first["params"]["session"].is_string(), "{first}");
    let me = client.ask(json!({"get": {"what": "user", "user": user}})).await;
    assert_eq!(me["code"], 200, "{me}");
    first["params"].clone()
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Gets a ticket for pages of an origin.
async fn ticket(server: &Server, token: &str, origin: Option<&str>) -> String {
    let bearer = bearer(token);
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(origin.map(|origin| ("Origin", origin)));
    let (head, body) = post(server.addr, "/v0/ticket", &headers, "{}").await;
    assert_eq!(head.status, 200, "{body}");
    assert_eq!(head.header("cache-control"), Some("no-store"));
    let body: Value = serde_json::from_str(&body).unwrap();
    assert!(body["expires"].is_string(), "{body}");
    body["ticket"].as_str().unwrap().to_owned()
}

async fn a_bearer_begins_logged_in(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let token = bearer(&alice.token);
    for path in ["/v0/ws", "/v0/channels"] {
        let (_, client) = enter(&server, path, &[("Authorization", &token)]).await;
        is_in(&mut client.unwrap(), &alice.user).await;
    }
    let lower = token.replace("Bearer", "bEARER");
    let (_, client) = enter(&server, "/v0/ws", &[("authorization", &lower)]).await;
    is_in(&mut client.unwrap(), &alice.user).await;
}

async fn a_subprotocol_may_carry_the_token(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let both = format!("access_token, {}", alice.token);
    let more = format!("chat,access_token,{} , other", alice.token);
    for offered in [both, more] {
        let (head, client) = enter(&server, "/v0/ws", &[("Sec-WebSocket-Protocol", &offered)]).await;
        assert_eq!(head.header("sec-websocket-protocol"), Some("access_token"));
        is_in(&mut client.unwrap(), &alice.user).await;
    }
    let two = [("Sec-WebSocket-Protocol", "access_token"), ("Sec-WebSocket-Protocol", &*alice.token)];
    let (head, client) = enter(&server, "/v0/ws", &two).await;
    assert_eq!(head.header("sec-websocket-protocol"), Some("access_token"));
    is_in(&mut client.unwrap(), &alice.user).await;
}

async fn a_subprotocol_without_a_token_is_refused(bed: Bed) {
    let server = bed.start().await;
    refused(&server, "/v0/ws", &[("Sec-WebSocket-Protocol", "access_token")], 400).await;
    refused(&server, "/v0/ws", &[("Sec-WebSocket-Protocol", "chat, access_token, ")], 400).await;
    // What is not known is not agreed on, and no reason to refuse.
    let (head, client) = enter(&server, "/v0/ws", &[("Sec-WebSocket-Protocol", "chat, other")]).await;
    assert_eq!(head.header("sec-websocket-protocol"), None);
    client.unwrap().works().await;
}

async fn a_bad_token_is_refused_before_the_handshake(bed: Bed) {
    let (server, other) = (bed.start().await, bed.start().await);
    let alice = server.user("alice").await;
    let foreign = other.user("alice").await.token;
    let cut = &alice.token[..alice.token.len() - 1];
    for bad in ["x", "", "a.b.c", cut, &foreign] {
        refused(&server, "/v0/ws", &[("Authorization", &bearer(bad))], 401).await;
        if !bad.is_empty() {
            let offered = format!("access_token, {bad}");
            refused(&server, "/v0/ws", &[("Sec-WebSocket-Protocol", &offered)], 401).await;
        }
        refused(&server, &format!("/v0/ws?ticket={bad}"), &[], 401).await;
    }
    // No connection was opened for any of them.
    assert_eq!(server.chat.connections(), 1);
    let mut stranger = server.connect().await;
    let ctrl = stranger.ask(json!({"login": {"scheme": "token", "secret": "x"}})).await;
    let (_, body) = ask(server.addr, "GET /v0/sessions", &[("Authorization", "Bearer x")]).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    for key in ["code", "text", "err"] {
        assert_eq!(body[key], ctrl[key], "{body} {ctrl}");
    }
}

async fn an_ended_session_is_refused_before_the_handshake(bed: Bed) {
    let server = bed.start().await;
    let mut alice = server.user("alice").await;
    let token = bearer(&alice.token);
    alice.ask(json!({"logout": {}})).await;
    refused(&server, "/v0/ws", &[("Authorization", &token)], 401).await;
    server.connect().await.works().await;
}

async fn a_token_in_the_query_is_refused(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let (head, client) = enter(&server, &format!("/v0/ws?token={}", alice.token), &[]).await;
    assert!(head.status == 401 && client.is_none(), "{head:?}");
}

async fn a_token_in_the_query_counts_where_it_is_taken(bed: Bed) {
    let entrance = Entrance { query_token: true, ..Entrance::default() };
    let server = bed.start_at(|_| (), entrance).await;
    let alice = server.user("alice").await;
    for query in [format!("token={}", alice.token), format!("a=b&token={}&c", alice.token)] {
        let (_, client) = enter(&server, &format!("/v0/ws?{query}"), &[]).await;
        is_in(&mut client.unwrap(), &alice.user).await;
    }
    let (head, client) = enter(&server, "/v0/ws?token=x", &[]).await;
    assert!(head.status == 401 && client.is_none(), "{head:?}");
}

async fn two_tokens_are_refused(bed: Bed) {
    let entrance = Entrance { query_token: true, ..Entrance::default() };
    let server = bed.start_at(|_| (), entrance).await;
    let alice = server.user("alice").await;
    let token = bearer(&alice.token);
    let offered = format!("access_token, {}", alice.token);
    let query = format!("/v0/ws?token={}", alice.token);
    let (header, protocol) = (("Authorization", &*token), ("Sec-WebSocket-Protocol", &*offered));
    for (path, headers) in [
        ("/v0/ws", vec![header, header]),
        ("/v0/ws", vec![header, protocol]),
        (&query, vec![header]),
        (&query, vec![protocol]),
        (&format!("{query}&token=x"), vec![]),
        (&format!("{query}&ticket=x"), vec![]),
    ] {
        refused(&server, path, &headers, 400).await;
    }
}

async fn other_schemes_of_authorization_are_not_looked_at(bed: Bed) {
    let server = bed.start().await;
    // They are for a proxy in front, which has let the request pass.
    let (_, client) = enter(&server, "/v0/ws", &[("Authorization", "Basic YTpi")]).await;
    client.unwrap().works().await;
}

async fn a_socket_let_in_is_like_one_that_logged_in(bed: Bed) {
    let server = bed.start().await;
    let mut alice = server.user("alice").await;
    let bobby = server.user("bobby").await;
    let conv = alice.dm(&bobby).await;
    drop(bobby.stream);
    until("bobby to be gone", || server.chat.online() == 1).await;
    let (_, client) = enter(&server, "/v0/ws", &[("Authorization", &bearer(&bobby.token))]).await;
    let mut client = client.unwrap();
    let token = is_in(&mut client, &bobby.user).await["token"].clone();
    // Others see it come, it hears what is said, and may say something.
    loop {
        let text = alice.text().await;
        if text["pres"]["what"] == "on" {
            assert_eq!(text["pres"]["user"], bobby.user);
            break;
        }
    }
    assert_eq!((server.chat.connections(), server.chat.online()), (2, 2));
    alice.ask(json!({"send": {"conv": conv, "content": "hello"}})).await;
    while client.text().await["data"]["seq"] != 1 {}
    let sent = client.ask(json!({"send": {"conv": conv, "content": "you"}})).await;
    assert_eq!(sent["code"], 202, "{sent}");
    // The token of its first frame is as good as any, and its session can be ended.
    let mut phone = server.connect().await;
    let ctrl = phone.ask(json!({"login": {"scheme": "token", "secret": token}})).await;
    assert_eq!(ctrl["code"], 200, "{ctrl}");
    phone.ask(json!({"logout": {}})).await;
    assert_eq!(client.closed().await.1, 4003);
}

async fn a_ticket_opens_one_socket(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let path = format!("/v0/ws?ticket={}", ticket(&server, &alice.token, None).await);
    let (_, client) = enter(&server, &path, &[]).await;
    let mut client = client.unwrap();
    is_in(&mut client, &alice.user).await;
    refused(&server, &path, &[], 401).await;
    drop(client);
    refused(&server, &path, &[], 401).await;
}

async fn a_ticket_is_used_once_by_many_at_once(bed: Bed) {
    let server = std::sync::Arc::new(bed.start().await);
    let alice = server.user("alice").await;
    for _ in 0..8 {
        let path = format!("/v0/ws?ticket={}", ticket(&server, &alice.token, None).await);
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (server, path) = (server.clone(), path.clone());
                tokio::spawn(async move { enter(&server, &path, &[]).await.0.status })
            })
            .collect();
        let mut granted = 0;
        for status in tries {
            match status.await.unwrap() {
                101 => granted += 1,
                status => assert_eq!(status, 401),
            }
        }
        assert_eq!(granted, 1);
    }
}

async fn a_ticket_is_for_pages_of_its_origin(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let origins = [None, Some("https://a.example"), Some("https://a.example:8443"), Some("null")];
    for of in origins {
        for at in origins {
            let path = format!("/v0/ws?ticket={}", ticket(&server, &alice.token, of).await);
            let origin =
                |origin: Option<&'static str>| Vec::from_iter(origin.map(|origin| ("Origin", origin)));
            if of != at {
                refused(&server, &path, &origin(at), 401).await;
            }
            // A refusal at another place uses nothing up.
            let (_, client) = enter(&server, &path, &origin(of)).await;
            is_in(&mut client.unwrap(), &alice.user).await;
        }
    }
}

async fn a_ticket_of_an_ended_session_opens_nothing(bed: Bed) {
    let server = bed.start().await;
    let mut alice = server.user("alice").await;
    let path = format!("/v0/ws?ticket={}", ticket(&server, &alice.token, None).await);
    alice.ask(json!({"logout": {}})).await;
    refused(&server, &path, &[], 401).await;
}

async fn a_ticket_is_no_token_and_a_token_no_ticket(bed: Bed) {
    let server = bed.start().await;
    let mut alice = server.user("alice").await;
    let ticket = ticket(&server, &alice.token, None).await;
    refused(&server, "/v0/ws", &[("Authorization", &bearer(&ticket))], 401).await;
    refused(&server, &format!("/v0/ws?ticket={}", alice.token), &[], 401).await;
    let (head, _) = ask(server.addr, "GET /v0/sessions", &[("Authorization", &bearer(&ticket))]).await;
    assert_eq!(head.status, 401);
    let ctrl = alice.ask(json!({"login": {"scheme": "token", "secret": ticket}})).await;
    assert_eq!(ctrl["code"], 401, "{ctrl}");
    // All of that has not used it up.
    let (_, client) = enter(&server, &format!("/v0/ws?ticket={ticket}"), &[]).await;
    is_in(&mut client.unwrap(), &alice.user).await;
}
