//! The life of an account: names and addresses, a password that has to be changed, suspended, deleted.

use crate::support::{User, flaky, secret, server, server_on, text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::builtin::MemoryStore;
use mvchat_core::engine::{MakeUser, Opening};
use mvchat_core::proto::{Close, ConvId, Json, Password, UserId};
use mvchat_core::seam::UserStore;
use mvchat_core::testkit::{Fault, Method, Wire};
use mvchat_core::{Chat, ErrorKind};
use serde_json::{Value, json};
use std::time::Duration;

fn me(fields: Value) -> Value {
    let mut request = json!({"acc": {"user": "me"}});
    request["acc"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

fn change(old: &str, new: &str) -> Value {
    me(json!({"secret": {"old": old, "new": new}}))
}

fn id(user: &User) -> UserId {
    user.id.parse().unwrap()
}

async fn login(chat: &Chat, name: &str, password: &str) -> (Wire, Value) {
    let mut wire = Wire::connect(chat);
    let secret = STANDARD.encode(format!("{name}:{password}"));
    let ctrl = wire.ask(json!({"login": {"scheme": "basic", "secret": secret}})).await;
    (wire, ctrl)
}

#[tokio::test]
async fn nothing_works_before_the_password_is_changed() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let bert = User::sign_up(&chat, "bert").await;
    let conv = ana.dm(&bert).await;
    let mut second = ana.device(&chat).await;
    chat.demand_password_change(id(&ana)).await.unwrap();
    let refusal = (403, "forbidden".to_owned(), "password change required".to_owned());
    for request in [
        json!({"send": {"conv": conv, "content": "hello"}}),
        json!({"get": {"what": "conversations"}}),
        json!({"session": {"list": true}}),
        json!({"session": {"revoke": conv}}),
        json!({"group": {"action": "create"}}),
        json!({"search": {"query": "b"}}),
        me(json!({"desc": {"public": {"fn": "A"}}})),
        me(json!({"username": "annabel"})),
    ] {
        assert_eq!(ana.fails(request.clone()).await, refusal, "{request}");
        assert_eq!(second.fails(request).await, refusal);
    }
    // A greeting is no request of the account, and a login says what is the matter.
    ana.ok(json!({"hi": {}})).await;
    let (mut third, ctrl) = login(&chat, "anna", "password-anna").await;
    assert_eq!((&ctrl["code"], &ctrl["params"]["mustChangePassword"]), (&json!(200), &json!(true)));
    assert_eq!(third.ask(json!({"get": {"what": "contacts"}})).await["code"], 403);

    let wrong = ana.fails(change("password-wrong", "another password")).await;
    assert_eq!(wrong, (403, "forbidden".to_owned(), "incorrect current password".to_owned()));
    let same = ana.fails(change("password-anna", "password-anna")).await;
    assert_eq!(same, (400, "invalid".to_owned(), "new password must differ".to_owned()));
    assert_eq!(ana.fails(json!({"get": {"what": "contacts"}})).await, refusal);

    ana.ok(change("password-anna", "another password")).await;
    ana.say(&conv, "hello").await;
    // It continued the session that stays.
    second.say(&conv, "hello from here").await;
    assert_eq!(third.closed().await, Some(Close::SessionEnded));
    let (_, ctrl) = login(&chat, "anna", "another password").await;
    assert_eq!((&ctrl["code"], ctrl["params"].get("mustChangePassword")), (&json!(200), None));
}

#[tokio::test]
async fn who_has_to_change_the_password_may_leave_instead() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    chat.demand_password_change(id(&ana)).await.unwrap();
    ana.ok(json!({"logout": {"all": true}})).await;
    assert_eq!(ana.wire.closed().await, Some(Close::SessionEnded));
}

#[tokio::test]
async fn a_suspended_user_is_out_at_once() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let mut bert = User::sign_up(&chat, "bert").await;
    let conv = ana.dm(&bert).await;
    ana.say(&conv, "before").await;
    let mut second = ana.device(&chat).await;
    chat.suspend_user(id(&ana)).await.unwrap();
    for wire in [&mut ana.wire, &mut second.wire] {
        let closed = tokio::time::timeout(Duration::from_secs(1), wire.closed()).await;
        assert_eq!(closed.unwrap(), Some(Close::SessionEnded));
    }
    let (_, ctrl) = login(&chat, "anna", "password-anna").await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(403), &json!("account suspended")));
    let (_, ctrl) = login(&chat, "anna", "password-wrong").await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(401), &json!("invalid credentials")));
    let mut wire = Wire::connect(&chat);
    let ctrl = wire.ask(json!({"login": {"scheme": "token", "secret": ana.token}})).await;
    assert_eq!(ctrl["code"], 401, "the session is gone: {ctrl}");
    let refused = chat.act_as(id(&ana)).send(conv.parse().unwrap(), Json::parse("\"x\"").unwrap()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Forbidden);
    // To others the account is what it was.
    assert_eq!(
        bert.ok(json!({"get": {"what": "user", "user": ana.id}})).await["user"]["public"]["fn"],
        "anna"
    );
    assert_eq!(bert.heard("data").await.len(), 1);

    chat.reinstate_user(id(&ana)).await.unwrap();
    let (mut wire, ctrl) = login(&chat, "anna", "password-anna").await;
    assert_eq!(ctrl["code"], 200);
    let sent = wire.ask(json!({"send": {"conv": conv, "content": "again"}})).await;
    assert_eq!(sent["params"]["seq"], 2, "nothing was sent in between");
    assert_eq!(chat.suspend_user(UserId(uuid())).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_committed_after_a_suspension() {
    let chat = server().await;
    for round in 0..10 {
        let mut ana = User::sign_up(&chat, &format!("anna{round}")).await;
        let bert = User::sign_up(&chat, &format!("bert{round}")).await;
        let conv = ana.dm(&bert).await;
        let (user, to): (UserId, ConvId) = (id(&ana), conv.parse().unwrap());
        let (started, running) = tokio::sync::oneshot::channel();
        let bot = chat.act_as(user);
        let sending = tokio::spawn(async move {
            let mut started = Some(started);
            let mut sent = 0;
            loop {
                for i in 0..4 {
                    let content = json!({"v": 1, "text": format!("{sent} {i}")});
                    ana.wire.begin(json!({"send": {"conv": conv, "content": content}})).await;
                }
                if bot.send(to, Json::parse("\"from the host\"").unwrap()).await.is_err() {
                    return;
                }
                sent += 1;
                if sent == 3 {
                    started.take().map(|started| started.send(()));
                }
            }
        });
        running.await.unwrap();
        chat.suspend_user(user).await.unwrap();
        let last = last_seq(&chat, &bert, to).await;
        sending.await.unwrap();
        assert_eq!(last_seq(&chat, &bert, to).await, last, "a message was committed afterwards");
    }
}

/// Asks the host's way, so that nothing has to be read from a connection before.
async fn last_seq(chat: &Chat, of: &User, conv: ConvId) -> Value {
    let get = mvchat_core::proto::Command::Get(mvchat_core::proto::Get::Conversation(conv));
    let reply = chat.act_as(id(of)).execute(get).await.unwrap();
    serde_json::to_value(reply.params).unwrap()["conversation"]["lastSeq"].clone()
}

#[tokio::test]
async fn a_suspension_of_unknown_outcome_asks_the_store() {
    let (chat, faults) = flaky().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    ana.ok(json!({"get": {"what": "contacts"}})).await;
    faults.script(Method::UpdateUser, Fault::After);
    let error = chat.suspend_user(id(&ana)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(ana.wire.closed().await, Some(Close::SessionEnded));
}

#[tokio::test]
async fn a_deleted_user_leaves_messages_without_a_name() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let mut bert = User::sign_up(&chat, "bert").await;
    let conv = ana.dm(&bert).await;
    ana.say(&conv, "hello").await;
    ana.ok(me(json!({"email": "ana@example.org", "status": "here", "lang": "pt"}))).await;
    bert.ok(json!({"contact": {"add": ana.id}})).await;
    chat.delete_user(id(&ana)).await.unwrap();
    assert_eq!(ana.wire.closed().await, Some(Close::SessionEnded));
    for (name, password) in [("anna", "password-anna"), ("anna", ""), ("nobody", "password-anna")] {
        let (_, ctrl) = login(&chat, name, password).await;
        assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(401), &json!("invalid credentials")), "{name}");
    }
    let gone = bert.fails(json!({"get": {"what": "user", "user": ana.id}})).await;
    assert_eq!(gone, (404, "not_found".to_owned(), "user not found".to_owned()));
    assert_eq!(bert.ok(json!({"search": {"query": "anna"}})).await["users"], json!([]));
    let listed = bert.ok(json!({"get": {"what": "conversations"}})).await;
    let shown = &listed["conversations"][0]["user"];
    assert_eq!(
        (&shown["id"], &shown["public"], &shown["lastSeen"], shown.get("status")),
        (&json!(ana.id), &Value::Null, &Value::Null, None)
    );
    let page = bert.ok(json!({"get": {"what": "messages", "conv": conv}})).await;
    assert_eq!(
        (&page["messages"][0]["from"], &page["messages"][0]["content"]["text"]),
        (&json!(ana.id), &json!("hello"))
    );
    // The address is free, the name is not.
    let mut carl = User::sign_up(&chat, "carl").await;
    carl.ok(me(json!({"email": "ana@example.org"}))).await;
    let taken = carl.fails(me(json!({"username": "Anna"}))).await;
    assert_eq!(taken, (409, "exists".to_owned(), "username already taken".to_owned()));
    assert_eq!(chat.reinstate_user(id(&ana)).await.unwrap_err().kind(), ErrorKind::Gone);
    let refused = chat.act_as(id(&ana)).send(conv.parse().unwrap(), Json::parse("\"x\"").unwrap()).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_user_name_is_changed() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    User::sign_up(&chat, "bert").await;
    assert_eq!(ana.ok(me(json!({"username": "Annabel"}))).await, json!({"username": "Annabel"}));
    let (_, ctrl) = login(&chat, "anna", "password-anna").await;
    assert_eq!(ctrl["code"], 401);
    let (_, ctrl) = login(&chat, "ANNABEL", "password-anna").await;
    assert_eq!(ctrl["code"], 200);
    for (name, refusal) in [
        ("Bert", (409, "exists", "username already taken")),
        ("ann", (400, "invalid", "username too short")),
        ("anna:bel", (400, "invalid", "invalid username")),
    ] {
        let (code, slug, words) = ana.fails(me(json!({"username": name, "lang": "de"}))).await;
        assert_eq!((code, slug.as_str(), words.as_str()), refusal, "{name}");
    }
    let (_, ctrl) = login(&chat, "annabel", "password-anna").await;
    assert_eq!(ctrl["params"].get("lang"), None, "a refused change changed something");
    let host_only = UserId(uuid());
    chat.add_user(host_only, None).await.unwrap();
    let command = mvchat_core::proto::Command::parse(
        serde_json::from_value::<mvchat_core::proto::Acc>(json!({"user": "me", "username": "robot"}))
            .map(mvchat_core::proto::Request::Acc)
            .unwrap(),
        chat.limits(),
    );
    let refused = chat.act_as(host_only).execute(command.unwrap()).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.to_string().as_str()),
        (ErrorKind::NotFound, "auth record not found")
    );
}

#[tokio::test]
async fn an_address_belongs_to_one_account() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let mut bert = User::sign_up(&chat, "bert").await;
    ana.ok(me(json!({"email": "ana@example.org"}))).await;
    ana.ok(me(json!({"email": "Ana@Example.org"}))).await;
    let taken = (409, "exists".to_owned(), "email already registered".to_owned());
    assert_eq!(bert.fails(me(json!({"email": "ANA@example.org", "lang": "de"}))).await, taken);
    let mut wire = Wire::connect(&chat);
    let new = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret("carl"), "email": "ana@example.ORG"}});
    let ctrl = wire.ask(new.clone()).await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(409), &json!("email already registered")));
    ana.ok(me(json!({"email": "other@example.org"}))).await;
    assert_eq!(wire.ask(new).await["code"], 201);
}

#[tokio::test]
async fn one_address_for_many_at_once() {
    let chat = server().await;
    let tries = (0..12).map(|i| {
        let chat = chat.clone();
        tokio::spawn(async move {
            let mut wire = Wire::connect(&chat);
            let secret = secret(&format!("user{i}"));
            let new = json!({"acc": {"user": "new", "scheme": "basic", "secret": secret, "email": "a@b.c"}});
            wire.ask(new).await
        })
    });
    let mut made = 0;
    for ctrl in futures_util::future::join_all(tries).await {
        let ctrl = ctrl.unwrap();
        if ctrl["code"] == 201 {
            made += 1;
        } else {
            assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(409), &json!("email already registered")));
        }
    }
    assert_eq!(made, 1);
}

#[tokio::test]
async fn a_status_is_shown_to_those_who_may_see_it() {
    let chat = server().await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let mut bert = User::sign_up(&chat, "bert").await;
    assert_eq!(ana.ok(me(json!({"status": "on a train"}))).await, json!({"status": "on a train"}));
    let get = json!({"get": {"what": "user", "user": ana.id}});
    assert_eq!(bert.ok(get.clone()).await["user"]["status"], "on a train");
    bert.ok(json!({"contact": {"add": ana.id}})).await;
    let contacts = bert.ok(json!({"get": {"what": "contacts"}})).await;
    assert_eq!(contacts["contacts"][0]["status"], "on a train");
    assert_eq!(ana.device(&chat).await.id, ana.id);
    let (_, ctrl) = login(&chat, "anna", "password-anna").await;
    assert_eq!(ctrl["params"]["status"], "on a train");
    let long = "é".repeat(141);
    let refusal = (400, "invalid".to_owned(), "status too long".to_owned());
    assert_eq!(ana.fails(me(json!({"status": long}))).await, refusal);
    ana.ok(me(json!({"status": "é".repeat(140)}))).await;
    // Between those who are blocked there is no presence, and no word about it.
    let conv = ana.dm(&bert).await;
    ana.ok(json!({"dm": {"conv": conv, "blocked": true}})).await;
    let listed = bert.ok(json!({"get": {"what": "conversations"}})).await;
    assert_eq!(listed["conversations"][0]["user"].get("status"), None);
    ana.ok(json!({"dm": {"conv": conv, "blocked": false}})).await;
    assert_eq!(ana.ok(me(json!({"status": ""}))).await, json!({"status": ""}));
    assert_eq!(bert.ok(get).await["user"].get("status"), None);
    assert_eq!(text(&listed["conversations"][0]["user"]["id"]), ana.id);
}

#[tokio::test]
async fn accounts_are_brought_along_with_their_hashes() {
    let store = MemoryStore::default();
    let chat = server_on(store.clone()).await;
    let three = "$argon2id$AAECAwQFBgcICQoLDA0ODw$yP1Kohdk4F32iAJVlmKlIxw4SSZbV6TsUrUVWU26zFg";
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm";
    for (name, hash, password) in [("anna", three, "password-anna"), ("bert", bcrypt, "password")] {
        let user = chat.make_user(MakeUser::new(name, Opening::Hash(hash.to_owned()))).await.unwrap();
        let (_, ctrl) = login(&chat, name, "password-wrong").await;
        assert_eq!(ctrl["code"], 401);
        assert_eq!(store.credential_of(user, "basic").await.unwrap().unwrap().secret, hash);
        let (_, ctrl) = login(&chat, name, password).await;
        assert_eq!((&ctrl["code"], &ctrl["params"]["user"]), (&json!(200), &json!(user.to_string())));
        let secret = store.credential_of(user, "basic").await.unwrap().unwrap().secret;
        assert!(secret.starts_with("$argon2id$v=19$m="), "not hashed anew: {secret}");
        let (_, ctrl) = login(&chat, name, password).await;
        assert_eq!(ctrl["code"], 200);
    }
    let taken = chat.make_user(MakeUser::new("Anna", Opening::Hash(bcrypt.to_owned()))).await;
    assert_eq!(taken.unwrap_err().to_string(), "username already taken");
    let dear = bcrypt.replace("$04$", "$31$");
    let refused = chat.make_user(MakeUser::new("carl", Opening::Hash(dear))).await;
    assert_eq!(refused.unwrap_err().to_string(), "unreadable password hash");
    let short = chat.make_user(MakeUser::new("carl", Opening::Password(Password("short".to_owned())))).await;
    assert_eq!(short.unwrap_err().kind(), ErrorKind::Invalid);
}

fn uuid() -> uuid::Uuid {
    uuid::Uuid::from_u128(77)
}
