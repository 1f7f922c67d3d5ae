//! Bad input gets its code, text and slug; the connection and everybody else go on.

use crate::support::{User, server};
use mvchat_core::proto::{Close, Frame};
use mvchat_core::testkit::Wire;
use serde_json::{Value, json};

const NOBODY: &str = "00000000-0000-0000-0000-000000000009";

#[tokio::test]
async fn every_refusal_of_the_tables_has_its_code_slug_and_text() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let dm = a.dm(&b).await;
    let group = a.group(&[&b]).await;
    b.say(&dm, "of b").await;
    let ok = json!({"v": 1, "text": "x"});
    let cases: Vec<(Value, u64, &str, &str)> = vec![
        (json!({"send": {}}), 400, "invalid", "missing send data"),
        (json!({"send": {"conv": dm}}), 400, "invalid", "missing send data"),
        (json!({"send": {"conv": "x", "content": ok}}), 400, "invalid", "invalid conv id"),
        (json!({"send": {"conv": NOBODY, "content": ok}}), 403, "not_member", "not a member"),
        (json!({"send": {"conv": dm, "content": null}}), 400, "invalid_content", "invalid content"),
        (json!({"send": {"conv": dm, "content": 42}}), 400, "invalid_content", "invalid content"),
        (json!({"send": {"conv": dm, "content": {"v": 9}}}), 400, "invalid_content", "invalid content"),
        (
            json!({"send": {"conv": dm, "content": ok, "replyTo": 99}}),
            400,
            "invalid_content",
            "invalid content",
        ),
        (json!({"send": {"conv": dm, "content": ok, "cid": "x".repeat(65)}}), 400, "invalid", "invalid cid"),
        (
            json!({"send": {"conv": dm, "content": ok, "viewOnce": true, "viewOnceTTL": 11}}),
            400,
            "invalid",
            "invalid view-once TTL",
        ),
        (json!({"send": {"conv": dm, "content": ok, "replyTo": "1"}}), 400, "malformed", "malformed message"),
        (json!({"edit": {"conv": dm, "seq": 0, "content": ok}}), 400, "invalid", "missing edit data"),
        (json!({"edit": {"conv": dm, "seq": 99, "content": ok}}), 404, "not_found", "message not found"),
        (json!({"edit": {"conv": dm, "seq": 1, "content": ok}}), 403, "forbidden", "not your message"),
        (json!({"unsend": {"conv": dm, "seq": 1}}), 403, "forbidden", "not your message"),
        (
            json!({"delete": {"conv": dm, "seq": 1, "forEveryone": true}}),
            403,
            "forbidden",
            "not your message",
        ),
        (json!({"delete": {"conv": dm, "seq": 99}}), 404, "not_found", "message not found"),
        (json!({"delete": {"conv": NOBODY, "seq": 99}}), 403, "not_member", "not a member"),
        (json!({"unsend": {"conv": NOBODY, "seq": 1}}), 403, "not_member", "not a member"),
        (json!({"react": {"conv": dm, "seq": 1, "emoji": ""}}), 400, "invalid", "missing react data"),
        (json!({"react": {"conv": dm, "seq": 1, "emoji": "two"}}), 400, "invalid", "invalid emoji"),
        (json!({"react": {"conv": dm, "seq": 99, "emoji": "x"}}), 404, "not_found", "message not found"),
        (json!({"read": {"conv": dm, "seq": 0}}), 400, "invalid", "missing read data"),
        (json!({"recv": {"conv": "x", "seq": 1}}), 400, "invalid", "invalid conv id"),
        (json!({"clear": {"conv": NOBODY, "seq": 1}}), 403, "not_member", "not a member"),
        (json!({"pin": {"conv": NOBODY, "seq": 1}}), 403, "not_member", "not a member"),
        (json!({"pin": {"conv": dm, "seq": 99}}), 404, "not_found", "message not found"),
        (json!({"typing": {}}), 400, "invalid", "missing typing data"),
        (json!({"get": {"what": "zz"}}), 400, "invalid", "unknown what"),
        (json!({"get": {"what": "messages"}}), 400, "invalid", "missing conv"),
        (json!({"get": {"what": "conversation"}}), 400, "invalid", "missing conv id"),
        (json!({"get": {"what": "user", "user": NOBODY}}), 404, "not_found", "user not found"),
        (json!({"dm": {}}), 400, "invalid", "missing user or conv"),
        (json!({"dm": {"user": a.id}}), 400, "invalid", "cannot DM yourself"),
        (json!({"dm": {"user": NOBODY}}), 404, "not_found", "user not found"),
        (json!({"dm": {"conv": dm, "disappearingTTL": 11}}), 400, "invalid", "invalid TTL value"),
        (json!({"dm": {"conv": group, "blocked": true}}), 400, "invalid", "not a direct conversation"),
        (json!({"dm": {"conv": dm, "private": "x".repeat(17_000)}}), 400, "invalid", "private too large"),
        (json!({"group": {"action": "zz"}}), 400, "invalid", "unknown room action"),
        (json!({"room": {"action": "invite", "id": "x"}}), 400, "invalid", "invalid room id"),
        (
            json!({"group": {"action": "invite", "id": group, "user": NOBODY}}),
            404,
            "not_found",
            "user not found",
        ),
        (json!({"group": {"action": "leave", "id": dm}}), 400, "invalid", "not a group"),
        (
            json!({"group": {"action": "kick", "id": group, "user": NOBODY}}),
            404,
            "not_found",
            "user not a member",
        ),
        (
            json!({"group": {"action": "role", "id": group, "user": b.id, "role": "owner"}}),
            400,
            "invalid",
            "invalid role",
        ),
        (
            json!({"group": {"action": "create", "desc": {"public": "x".repeat(9_000)}}}),
            400,
            "invalid",
            "public too large",
        ),
        (json!({"search": {"query": ""}}), 400, "invalid", "missing search query"),
        (
            json!({"acc": {"user": "me", "secret": "YTpiYmJiYmJiYg=="}}),
            403,
            "forbidden",
            "incorrect current password",
        ),
        (
            json!({"login": {"scheme": "basic", "secret": "bm9ib2R5Onh4"}}),
            401,
            "bad_credentials",
            "invalid credentials",
        ),
        (json!({"login": {"scheme": "token", "secret": "abc"}}), 401, "bad_credentials", "invalid token"),
        (json!({"report": {}}), 400, "invalid", "missing report data"),
    ];
    for (request, code, slug, detail) in cases {
        let got = a.fails(request.clone()).await;
        assert_eq!(got, (code, slug.to_owned(), detail.to_owned()), "{request}");
    }
    assert_eq!(b.wire.settle().await.iter().filter(|frame| frame.get("data").is_some()).count(), 0);
    a.say(&dm, "still here").await;
}

#[tokio::test]
async fn sign_up_checks_names_and_passwords() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let secret = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    let acc = |text: &str| json!({"acc": {"user": "new", "scheme": "basic", "secret": secret(text)}});
    for (text, code, detail) in [
        ("ALICE:long-enough", 409, "username already taken"),
        ("abc:long-enough", 400, "username too short"),
        ("abcd:short", 400, "password too short"),
        ("no-colon", 400, "invalid secret format"),
        (&format!("abcd:{}", "x".repeat(1_025)), 400, "password too long"),
        (&format!("{}:long-enough", "x".repeat(65)), 400, "username too long"),
    ] {
        let (got, _, said) = a.fails(acc(text)).await;
        assert_eq!((got, said.as_str()), (code, detail), "{text}");
    }
}

#[tokio::test]
async fn garbage_is_answered_and_oversize_closes() {
    let chat = server().await;
    let mut wire = Wire::connect(&chat);
    for text in ["", "{", "[]", "\u{feff}{}", "{\"id\":1}", "nul\0l"] {
        wire.send_text(text).await;
        assert_eq!(wire.next().await.unwrap()["ctrl"]["code"], 400, "{text:?}");
    }
    wire.send_frame(Frame::Binary(br#"{"id":"b","hi":{}}"#.to_vec().into())).await;
    assert_eq!(wire.next().await.unwrap()["ctrl"]["id"], "b");
    wire.send_frame(Frame::Binary(vec![0xff, 0xfe].into())).await;
    assert_eq!(wire.next().await.unwrap()["ctrl"]["err"], "malformed");
    wire.send_text("x".repeat(65_537)).await;
    assert_eq!(wire.closed().await, Some(Close::TooBig));
}
