//! Invites: made, mailed, listed, revoked, redeemed, and used to sign up.

use crate::clock::Clock;
use crate::support::{User, server, text};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::Chat;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::proto::Limits;
use mvchat_core::seam::{InviteStore, Mail, MailError, Mailer, Store};
use mvchat_core::testkit::{Fault, Faults, Flaky, Method, Wire};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tokio::sync::mpsc;

const WEEK: u64 = 7 * 86_400;

/// Hands mails to the test and then fails.
#[derive(Debug)]
struct Post(mpsc::UnboundedSender<Mail>);

#[async_trait]
impl Mailer for Post {
    async fn send(&self, mail: Mail) -> Result<(), MailError> {
        self.0.send(mail)?;
        Err("the post office is closed".into())
    }
}

struct World {
    chat: Chat,
    clock: Clock,
    mails: mpsc::UnboundedReceiver<Mail>,
}

async fn world(store: impl Store) -> World {
    let (sender, mails) = mpsc::unbounded_channel();
    let clock = Clock::default();
    let mut limits = Limits::default();
    (limits.rate_limit_messages, limits.rate_limit_burst) = (100_000, 100_000);
    let chat = Chat::builder(store).limits(limits).env(clock.clone()).mailer(Post(sender));
    let chat = chat.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    World { chat, clock, mails }
}

fn invite(fields: Value) -> Value {
    json!({ "invite": fields })
}

impl User {
    /// Makes an invite and returns its id and code.
    async fn invites(&mut self, email: &str) -> (String, String) {
        let made = self.ok(invite(json!({"create": {"email": email}}))).await;
        (text(&made["id"]), text(&made["code"]))
    }

    async fn listed(&mut self) -> Vec<Value> {
        self.ok(invite(json!({"list": true}))).await["invites"].as_array().unwrap().clone()
    }

    async fn redeems(&mut self, code: &str) -> Result<Value, String> {
        let ctrl = self.wire.ask(invite(json!({"redeem": code}))).await;
        match ctrl["code"].as_u64().unwrap() {
            200 => Ok(ctrl["params"].clone()),
            code => Err(format!("{code} {}", text(&ctrl["text"]))),
        }
    }

    async fn contacts(&mut self) -> Vec<(Value, Value)> {
        let list = self.ok(json!({"get": {"what": "contacts"}})).await;
        let rows = list["contacts"].as_array().unwrap().iter();
        rows.map(|row| (row["user"].clone(), row["source"].clone())).collect()
    }
}

/// Signs up with an invite; the password is the given one.
async fn sign_up(chat: &Chat, name: &str, password: &str, code: &str) -> (User, Value) {
    let mut wire = Wire::connect(chat);
    let secret = STANDARD.encode(format!("{name}:{password}"));
    let acc = json!({"user": "new", "scheme": "basic", "secret": secret, "login": true, "inviteCode": code});
    let ctrl = wire.ask(json!({ "acc": acc })).await;
    assert_eq!(ctrl["code"], 201, "{ctrl}");
    let params = ctrl["params"].clone();
    (User { wire, id: text(&params["user"]), token: text(&params["token"]) }, params)
}

#[tokio::test]
async fn an_invite_is_made_listed_and_mailed() {
    let World { chat, mut mails, .. } = world(MemoryStore::default()).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let create = invite(json!({"create": {"email": " Eve@Example.ORG ", "name": " Eve "}}));
    let ctrl = a.wire.ask(create).await;
    let made = &ctrl["params"];
    assert_eq!(
        (&ctrl["code"], &made["email"], &made["name"]),
        (&json!(201), &json!("eve@example.org"), &json!("Eve"))
    );
    let code = text(&made["code"]);
    assert!(code.len() == 10 && code.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_".contains(&it)));
    let second = a.ok(invite(json!({"create": {"email": "x@y"}}))).await;
    assert_eq!(second["name"], Value::Null);
    let list = a.listed().await;
    assert_eq!((&list[0]["id"], &list[1]["id"]), (&second["id"], &made["id"]));
    let item = json!({
        "id": made["id"], "email": "eve@example.org", "status": "pending", "name": "Eve", "code": code,
        "createdAt": list[1]["createdAt"], "expiresAt": made["expiresAt"],
    });
    assert_eq!(list[1], item);
    assert_eq!(b.listed().await, Vec::<Value>::new());
    let Some(Mail::Invite(mail)) = mails.recv().await else { panic!("no mail") };
    assert_eq!((mail.to.as_str(), mail.name.as_deref()), ("eve@example.org", Some("Eve")));
    assert_eq!((mail.inviter.as_deref(), &mail.code), (Some("alice"), &code));
    let shown = format!("{:?}", Mail::Invite(mail));
    assert!(!shown.contains(&code) && !shown.contains("eve"), "{shown}");
}

#[tokio::test]
async fn an_invite_request_has_a_precedence_and_refuses_nonsense() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    for (fields, text) in [
        (json!({}), "invalid invite request"),
        (json!({"list": false}), "invalid invite request"),
        (json!({"create": {}}), "invalid email address"),
        (json!({"create": {"email": "nope"}, "list": true}), "invalid email address"),
        (json!({"create": {"email": "a@b\r\nBcc: c@d"}}), "invalid email address"),
        (json!({"create": {"email": format!("{}@b", "a".repeat(254))}}), "invalid email address"),
        (json!({"create": {"email": "a@b", "name": "é".repeat(129)}}), "failed to create invite"),
        (json!({"revoke": "x"}), "invalid invite id"),
        (json!({"revoke": "x", "redeem": "y"}), "invalid invite id"),
    ] {
        assert_eq!(a.fails(invite(fields)).await, (400, "invalid".into(), text.into()));
    }
    let unknown = invite(json!({"revoke": "00000000-0000-0000-0000-000000000009"}));
    assert_eq!(a.fails(unknown).await, (404, "not_found".into(), "invite not found or already used".into()));
    assert_eq!(a.redeems("AAAAAAAAAA").await.unwrap_err(), "404 invite not found or already used");
    for malformed in ["AAAAAAAAA", "AAAAAAAAAAA", "AAAAA+AAAA", "éééééééééé"] {
        assert_eq!(a.redeems(malformed).await.unwrap_err(), "404 invalid invite code");
    }
    for _ in 0..100 {
        a.invites("a@b").await;
    }
    let more = invite(json!({"create": {"email": "a@b"}}));
    assert_eq!(a.fails(more).await, (409, "conflict".into(), "too many invites".into()));
}

#[tokio::test]
async fn whoever_redeems_meets_the_inviter_once() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    let (id, code) = a.invites("anybody@example.org").await;
    assert_eq!(a.redeems(&code).await.unwrap_err(), "400 cannot redeem your own invite");
    let met = b.redeems(&code).await.unwrap();
    assert_eq!((&met["inviter"], &met["inviterPublic"]), (&json!(a.id), &json!({"fn": "alice"})));
    assert_eq!(a.dm(&b).await, text(&met["conv"]));
    assert!(a.heard("info").await.iter().any(|info| info["what"] == "conv_added"));
    assert_eq!(a.contacts().await, [(json!(b.id), json!("invite"))]);
    assert_eq!(b.contacts().await, [(json!(a.id), json!("invite"))]);
    for user in [&mut b, &mut c] {
        assert_eq!(user.redeems(&code).await.unwrap_err(), "404 invite not found or already used");
    }
    let list = a.listed().await;
    assert_eq!(
        (&list[0]["status"], &list[0]["usedBy"], list[0].get("code")),
        (&json!("used"), &json!(b.id), None)
    );
    assert!(list[0]["usedAt"].is_string());
    assert_eq!(a.fails(invite(json!({"revoke": id}))).await.2, "invite not found or already used");
}

#[tokio::test]
async fn what_is_revoked_or_run_out_opens_nothing() {
    let World { chat, clock, .. } = world(MemoryStore::default()).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let (id, code) = a.invites("x@y").await;
    assert_eq!(b.fails(invite(json!({"revoke": id}))).await.0, 404, "it is another's");
    assert_eq!(a.ok(invite(json!({"revoke": id}))).await, json!({"id": id}));
    assert_eq!(b.redeems(&code).await.unwrap_err(), "404 invite not found or already used");
    assert_eq!(a.listed().await, Vec::<Value>::new());
    let (_, code) = a.invites("x@y").await;
    clock.ahead.store(WEEK - 60, Ordering::SeqCst);
    assert_eq!(a.listed().await[0]["status"], "pending");
    clock.ahead.store(WEEK, Ordering::SeqCst);
    assert_eq!(b.redeems(&code).await.unwrap_err(), "404 invite code expired");
    let list = a.listed().await;
    assert_eq!((&list[0]["status"], list[0].get("code")), (&json!("expired"), None));
    assert_eq!((a.contacts().await.len(), b.contacts().await.len()), (0, 0));
    let (_, params) = sign_up(&chat, "carol", "password-carol", &code).await;
    assert_eq!(params.get("inviters"), None);
}

#[tokio::test]
async fn a_block_makes_an_invite_unknown() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let (_, code) = a.invites("x@y").await;
    let conv = a.dm(&b).await;
    a.ok(json!({"dm": {"conv": conv, "blocked": true}})).await;
    assert_eq!(b.redeems(&code).await.unwrap_err(), "404 invite not found or already used");
    assert_eq!(b.contacts().await, []);
    a.ok(json!({"dm": {"conv": conv, "blocked": false}})).await;
    assert_eq!(b.redeems(&code).await.unwrap()["conv"], json!(conv));
}

#[tokio::test]
async fn whoever_signs_up_meets_all_who_invited_the_address() {
    let World { chat, clock, .. } = world(MemoryStore::default()).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let mut b = User::sign_up(&chat, "bobby").await;
    let mut c = User::sign_up(&chat, "carol").await;
    c.invites("eve@example.org").await;
    clock.ahead.store(WEEK, Ordering::SeqCst);
    b.invites("eve@example.org").await;
    let (_, code) = a.invites("Eve@example.org").await;
    a.invites("eve@example.org").await;
    let (revoked, _) = b.invites("eve@example.org").await;
    b.ok(invite(json!({"revoke": revoked}))).await;
    b.invites("other@example.org").await;
    let (mut e, params) = sign_up(&chat, "erika", "password-erika", &code).await;
    assert_eq!(params["inviters"], json!([a.id, b.id]), "the used one first, each once, no expired ones");
    assert_eq!(params.get("mustChangePassword"), None);
    let convs = e.ok(json!({"get": {"what": "conversations"}})).await;
    let peers: Vec<_> =
        convs["conversations"].as_array().unwrap().iter().map(|conv| text(&conv["user"]["id"])).collect();
    assert_eq!(peers, [b.id.clone(), a.id.clone()]);
    assert_eq!(e.contacts().await.len(), 2);
    for user in [&mut a, &mut b] {
        assert_eq!(user.contacts().await, [(json!(e.id), json!("invite"))]);
        assert!(user.heard("pres").await.iter().any(|pres| pres["what"] == "on"));
    }
    let states = |list: Vec<Value>| list.into_iter().map(|it| text(&it["status"])).collect::<Vec<_>>();
    assert_eq!(states(a.listed().await), ["used", "used"]);
    assert_eq!(states(b.listed().await), ["pending", "used"]);
    assert_eq!(states(c.listed().await), ["expired"]);
}

#[tokio::test]
async fn the_code_as_password_has_to_be_changed_and_a_wrong_code_is_nothing() {
    let chat = server().await;
    let mut a = User::sign_up(&chat, "alice").await;
    let (_, code) = a.invites("eve@example.org").await;
    let (mut e, params) = sign_up(&chat, "erika", &code, &code).await;
    assert_eq!(params["mustChangePassword"], true);
    let secret = STANDARD.encode(format!("{code}:password-erika"));
    e.ok(json!({"acc": {"user": "me", "secret": secret}})).await;
    let secret = STANDARD.encode("erika:password-erika");
    let params = e.ok(json!({"login": {"scheme": "basic", "secret": secret}})).await;
    assert_eq!(params.get("mustChangePassword"), None);
    for wrong in ["NOSUCHCODE", "", &code] {
        let name = format!("person{}", wrong.len());
        let (_, params) = sign_up(&chat, &format!("{name}{}", wrong == code), "NOSUCHCODE", wrong).await;
        assert_eq!((params.get("inviters"), params.get("mustChangePassword")), (None, None), "{wrong}");
    }
}

#[tokio::test]
async fn a_store_that_fails_leaves_the_invite_to_be_redeemed() {
    let faults = Faults::default();
    let World { chat, .. } = world(Flaky::new(MemoryStore::default(), faults.clone())).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let (_, code) = a.invites("eve@example.org").await;
    faults.script(Method::UseInvite, Fault::Before);
    let (mut e, params) = sign_up(&chat, "erika", "password-erika", &code).await;
    assert_eq!(params.get("inviters"), None);
    faults.script(Method::UseInvite, Fault::Before);
    assert!(e.redeems(&code).await.unwrap_err().starts_with("503"));
    let conv = text(&e.redeems(&code).await.unwrap()["conv"]);
    assert_eq!(a.dm(&e).await, conv);
    assert_eq!(a.contacts().await.len(), 1);
}

#[tokio::test]
async fn the_store_sees_neither_code_nor_address() {
    let store = MemoryStore::default();
    let World { chat, .. } = world(store.clone()).await;
    let mut a = User::sign_up(&chat, "alice").await;
    let (_, code) = a.invites("canary@example.org").await;
    let rows = store.invites_of(a.id.parse().unwrap()).await.unwrap();
    let bytes = serde_json::to_vec(&rows).unwrap();
    let mut seen = [&bytes[..], &rows[0].code, &rows[0].email, &rows[0].sealed].concat();
    seen.make_ascii_lowercase();
    for canary in ["canary", &code.to_lowercase()] {
        assert!(!seen.windows(canary.len()).any(|part| part == canary.as_bytes()), "{canary}");
    }
}
