//! Laws about requests that end with their answer.

use super::bed::{Bed, Server};
use super::client::Client;
use super::request::{Head, ask, ask_with, post};
use crate::proto::{Act, Rate, RateKey};
use crate::testkit::runner::{Law, law};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(the_version_is_told),
    law!(readiness_is_told),
    law!(a_login_needs_no_socket),
    law!(a_login_is_refused_like_that_of_a_socket),
    law!(logins_are_counted_like_those_of_sockets),
    law!(bodies_are_json_and_have_a_bound),
    law!(sessions_are_listed_and_ended),
    law!(all_sessions_end_together),
    law!(nothing_is_done_without_a_token),
    law!(requests_of_a_user_have_a_rate),
    law!(methods_that_there_are_are_named),
    law!(foreign_pages_are_refused_everywhere),
    law!(heads_have_a_bound),
];

const PROTECTED: [&str; 5] = [
    "GET /v0/sessions",
    "DELETE /v0/sessions",
    "DELETE /v0/sessions/current",
    "POST /v0/ticket",
    "POST /v0/ws-ticket",
];

fn parsed(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
}

fn secret(name: &str, password: &str) -> String {
    STANDARD.encode(format!("{name}:{password}"))
}

/// Makes a request as the holder of a token.
async fn with(server: &Server, token: &str, line: &str) -> (Head, Value) {
    let bearer = format!("Bearer {token}");
    let (head, body) = ask(server.addr, line, &[("Authorization", &bearer), ("Content-Length", "0")]).await;
    (head, parsed(&body))
}

async fn log_in(server: &Server, body: &Value) -> (Head, Value) {
    let (head, body) = post(server.addr, "/v0/login", &[], &body.to_string()).await;
    (head, parsed(&body))
}

async fn the_version_is_told(bed: Bed) {
    let server = bed.start().await;
    let hi = server.connect().await.ask(json!({"hi": {}})).await;
    let (head, body) = ask(server.addr, "GET /version", &[]).await;
    assert_eq!(head.status, 200);
    let params = &hi["params"];
    assert_eq!(parsed(&body), json!({"ver": params["ver"], "build": params["build"]}));
}

async fn readiness_is_told(bed: Bed) {
    let server = bed.start().await;
    let (head, body) = ask(server.addr, "GET /ready", &[]).await;
    let all = json!({"status": "ok", "store": "ok", "writes": "ok", "keys": "ok", "serving": "ok"});
    assert_eq!((head.status, parsed(&body)), (200, all.clone()));
    assert!(server.chat.drain(Duration::from_secs(20)).await);
    let (head, body) = ask(server.addr, "GET /ready", &[]).await;
    let mut stopping = all;
    stopping["status"] = json!("unavailable");
    stopping["serving"] = json!("unavailable");
    assert_eq!((head.status, parsed(&body)), (503, stopping));
}

async fn a_login_needs_no_socket(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let body = json!({"scheme": "basic", "secret": secret("alice", "password-alice"), "dev": "files"});
    let (head, params) = log_in(&server, &body).await;
    assert_eq!((head.status, &params["user"]), (200, &json!(alice.user)), "{params}");
    assert_eq!(head.header("cache-control"), Some("no-store"));
    // It is here, and nobody has come.
    assert_eq!((server.chat.connections(), server.chat.online()), (1, 1));
    let token = params["token"].as_str().unwrap();
    let (_, again) = log_in(&server, &json!({"scheme": "token", "secret": token})).await;
    assert_eq!(again["session"], params["session"]);
    let mut client = server.connect().await;
    let ctrl = client.ask(json!({"login": {"scheme": "token", "secret": token}})).await;
    assert_eq!(ctrl["params"]["session"], params["session"], "{ctrl}");
    let sessions = client.ask(json!({"session": {"list": true}})).await["params"]["sessions"].take();
    let mine = sessions.as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    assert_eq!(mine["device"], "files");
}

async fn a_login_is_refused_like_that_of_a_socket(bed: Bed) {
    let server = bed.start().await;
    let _alice = server.user("alice").await;
    let mut client = server.connect().await;
    for login in [
        json!({"scheme": "basic", "secret": secret("alice", "wrong")}),
        json!({"scheme": "basic", "secret": secret("nobody", "wrong")}),
        json!({"scheme": "basic", "secret": "no base64"}),
        json!({"scheme": "basic"}),
        json!({"scheme": "token", "secret": "x"}),
        json!({"scheme": "magic", "secret": "x"}),
        json!({}),
    ] {
        let ctrl = client.ask(json!({"login": login})).await;
        let (head, told) = log_in(&server, &login).await;
        assert_eq!(json!(head.status), ctrl["code"], "{login} {told}");
        assert_eq!(head.header("www-authenticate").is_some(), head.status == 401);
        for key in ["code", "text", "err", "params"] {
            assert_eq!(told[key], ctrl[key], "{login}");
        }
    }
}

async fn logins_are_counted_like_those_of_sockets(bed: Bed) {
    let server = bed
        .start_with(|limits| *limits.rates = vec![Rate::bucket(Act::Login, RateKey::All, 2, 60_000)], &[])
        .await;
    let mut alice = server.user("alice").await;
    let good = json!({"scheme": "basic", "secret": secret("alice", "password-alice")});
    assert_eq!(alice.ask(json!({"login": good})).await["code"], 200);
    assert_eq!(log_in(&server, &good).await.0.status, 200);
    let (head, told) = log_in(&server, &good).await;
    let wait = told["params"]["retryAfter"].as_u64().unwrap();
    assert_eq!((head.status, &told["err"]), (429, &json!("rate_limited")), "{told}");
    assert_eq!(head.header("retry-after").map(str::to_owned), Some(wait.div_ceil(1_000).to_string()));
    assert_eq!(alice.ask(json!({"login": good})).await["code"], 429);
}

async fn bodies_are_json_and_have_a_bound(bed: Bed) {
    let server = bed.start().await;
    let largest = server.chat.limits().max_message_size;
    let _alice = server.user("alice").await;
    let login = json!({"scheme": "basic", "secret": secret("alice", "password-alice")}).to_string();
    let pad = |length: usize| format!("{}{login}", " ".repeat(length - login.len()));
    assert_eq!(post(server.addr, "/v0/login", &[], &pad(largest)).await.0.status, 200);
    let (head, body) = post(server.addr, "/v0/login", &[], &pad(largest + 1)).await;
    assert_eq!((head.status, &parsed(&body)["err"]), (413, &json!("too_large")));
    for bad in ["{", "[]", "null", "\"x\"", r#"{"scheme":1}"#, r#"{"scheme":"basic","scheme":"token"}"#] {
        let (head, body) = post(server.addr, "/v0/login", &[], bad).await;
        assert_eq!((head.status, &parsed(&body)["err"]), (400, &json!("malformed")), "{bad}");
    }
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let headers = [("Content-Type", kind)];
        let (head, _) = ask_with(server.addr, "POST /v0/login", &headers, login.as_bytes()).await;
        assert_eq!(head.status, 415, "{kind}");
    }
    let headers = [("Content-Type", "Application/JSON; charset=utf-8")];
    let (head, _) = ask_with(server.addr, "POST /v0/login", &headers, login.as_bytes()).await;
    assert_eq!(head.status, 200);
}

/// Logs in on another connection; returns the session and the token.
async fn device(server: &Server, name: &str) -> (Client, String, String) {
    let mut client = server.connect().await;
    let login = json!({"scheme": "basic", "secret": secret(name, &format!("password-{name}"))});
    let params = client.ask(json!({"login": login})).await["params"].take();
    let text = |key: &str| params[key].as_str().unwrap_or_default().to_owned();
    (client, text("session"), text("token"))
}

async fn sessions_are_listed_and_ended(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let (mut phone, session, token) = device(&server, "alice").await;
    let (mut tablet, _, other) = device(&server, "alice").await;
    let (head, listed) = with(&server, &alice.token, "GET /v0/sessions").await;
    assert_eq!((head.status, listed["sessions"].as_array().unwrap().len()), (200, 3), "{listed}");
    let path = format!("DELETE /v0/sessions/{session}");
    let (head, done) = with(&server, &alice.token, &path).await;
    assert_eq!((head.status, done), (200, json!({})));
    assert_eq!(phone.closed().await.1, 4003);
    assert_eq!(with(&server, &token, "GET /v0/sessions").await.0.status, 401);
    assert_eq!(with(&server, &alice.token, &path).await.0.status, 404);
    assert_eq!(with(&server, &alice.token, "DELETE /v0/sessions/mine").await.0.status, 400);
    // Of somebody else there is none to be seen.
    let bobby = server.user("bobby").await;
    let (_, listed) = with(&server, &alice.token, "GET /v0/sessions").await;
    let own =
        listed["sessions"].as_array().unwrap().iter().find(|session| session["current"] == true).unwrap();
    let path = format!("DELETE /v0/sessions/{}", own["id"].as_str().unwrap());
    assert_eq!(with(&server, &bobby.token, &path).await.0.status, 404);
    assert_eq!(with(&server, &other, "DELETE /v0/sessions/current").await.0.status, 200);
    assert_eq!(tablet.closed().await.1, 4003);
    assert_eq!(with(&server, &other, "GET /v0/sessions").await.0.status, 401);
    let (_, listed) = with(&server, &alice.token, "GET /v0/sessions").await;
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "{listed}");
}

async fn all_sessions_end_together(bed: Bed) {
    let server = bed.start().await;
    let mut alice = server.user("alice").await;
    let (mut phone, _, token) = device(&server, "alice").await;
    assert_eq!(with(&server, &token, "DELETE /v0/sessions").await.0.status, 200);
    for client in [&mut alice, &mut phone] {
        assert_eq!(client.closed().await.1, 4003);
    }
    assert_eq!(with(&server, &alice.token, "GET /v0/sessions").await.0.status, 401);
}

async fn nothing_is_done_without_a_token(bed: Bed) {
    let server = bed.start().await;
    let alice = server.user("alice").await;
    let basic = format!("Basic {}", secret("alice", "password-alice"));
    for line in PROTECTED {
        for headers in [vec![], vec![("Authorization", basic.as_str())]] {
            let headers = [headers, vec![("Content-Length", "0")]].concat();
            let (head, body) = ask(server.addr, line, &headers).await;
            assert_eq!((head.status, &parsed(&body)["err"]), (401, &json!("unauthenticated")), "{line}");
            assert!(head.header("www-authenticate").is_some_and(|scheme| scheme.starts_with("Bearer")));
        }
        for bad in ["x", ""] {
            let (head, told) = with(&server, bad, line).await;
            assert_eq!((head.status, &told["err"]), (401, &json!("bad_credentials")), "{line}");
        }
        // Neither in the query nor as a subprotocol: those are for upgrades.
        let (head, _) =
            ask(server.addr, &format!("{line}?token={}", alice.token), &[("Content-Length", "0")]).await;
        assert_eq!(head.status, 401);
    }
    assert_eq!(with(&server, &alice.token, "GET /v0/sessions").await.0.status, 200);
}

async fn requests_of_a_user_have_a_rate(bed: Bed) {
    let server = bed
        .start_with(|limits| *limits.rates = vec![Rate::bucket(Act::Rest, RateKey::User, 3, 60_000)], &[])
        .await;
    let (mut alice, bobby) = (server.user("alice").await, server.user("bobby").await);
    for line in ["GET /v0/sessions", "POST /v0/ticket", "DELETE /v0/sessions/mine"] {
        let expected = if line.ends_with("mine") { 400 } else { 200 };
        assert_eq!(with(&server, &alice.token, line).await.0.status, expected);
    }
    let (head, _) = with(&server, &alice.token, "GET /v0/sessions").await;
    assert_eq!(head.status, 200, "what is no request is not counted");
    for line in PROTECTED {
        let (head, told) = with(&server, &alice.token, line).await;
        assert_eq!((head.status, &told["err"]), (429, &json!("rate_limited")), "{line}");
        assert!(
            head.header("retry-after")
                .and_then(|after| after.parse::<u64>().ok())
                .is_some_and(|after| after > 0)
        );
    }
    alice.works().await;
    assert_eq!(with(&server, &bobby.token, "GET /v0/sessions").await.0.status, 200);
}

async fn methods_that_there_are_are_named(bed: Bed) {
    let server = bed.start().await;
    for (path, wrong, allowed) in [
        ("/v0/ws", "POST", "GET"),
        ("/ready", "POST", "GET, HEAD"),
        ("/version", "DELETE", "GET, HEAD"),
        ("/v0/login", "GET", "POST"),
        ("/v0/sessions", "POST", "GET, HEAD, DELETE"),
        ("/v0/sessions/current", "GET", "DELETE"),
        ("/v0/ticket", "GET", "POST"),
    ] {
        let (head, _) = ask(server.addr, &format!("{wrong} {path}"), &[("Content-Length", "0")]).await;
        assert_eq!((head.status, head.header("allow")), (405, Some(allowed)), "{wrong} {path}");
    }
    for nothing in ["/v0", "/v0/login/", "/v0/sessions/a/b", "/ready/"] {
        let (head, _) = ask(server.addr, &format!("GET {nothing}"), &[]).await;
        assert_eq!(head.status, 404, "{nothing}");
    }
}

async fn foreign_pages_are_refused_everywhere(bed: Bed) {
    let server = bed.start_with(|_| (), &["https://a.example"]).await;
    let alice = server.user("alice").await;
    let bearer = format!("Bearer {}", alice.token);
    for (origin, expected) in [
        (None, 200),
        (Some("https://a.example"), 200),
        (Some("https://b.example"), 403),
        (Some("http://a.example"), 403),
        (Some("null"), 403),
    ] {
        let mut headers = vec![("Authorization", bearer.as_str())];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        assert_eq!(ask(server.addr, "GET /v0/sessions", &headers).await.0.status, expected, "{origin:?}");
        assert_eq!(post(server.addr, "/v0/ticket", &headers, "").await.0.status, expected, "{origin:?}");
        let login = json!({"scheme": "basic", "secret": secret("alice", "password-alice")}).to_string();
        assert_eq!(post(server.addr, "/v0/login", &headers, &login).await.0.status, expected, "{origin:?}");
    }
}

async fn heads_have_a_bound(bed: Bed) {
    let server = bed.start().await;
    let many: Vec<_> = (0..300).map(|n| (format!("X-{n}"), "x")).collect();
    let many: Vec<_> = many.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let long = "x".repeat(1 << 20);
    for headers in [&many[..], &[("X-Long", &long)]] {
        for path in ["/v0/ws", "/health"] {
            assert_eq!(ask(server.addr, &format!("GET {path}"), headers).await.0.status, 431);
        }
    }
    server.connect().await.works().await;
}
