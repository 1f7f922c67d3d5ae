//! Logging in by other schemes, and names from the host's own table.

use crate::support::{User, server, text};
use async_trait::async_trait;
use mvchat_core::Chat;
use mvchat_core::builtin::auth::HostPrincipal;
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::builtin::{MemoryStore, SystemEnv};
use mvchat_core::proto::{Json, UserId};
use mvchat_core::seam::{
    Attempt, AuthError, Authenticator, Directory, DirectoryError, Env, Naming, Principal, Profile,
};
use mvchat_core::testkit::Wire;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// Lets in whom the secret names: `name`, `name!` only with an account, `name+3` for three seconds.
#[derive(Debug)]
struct Word;

#[async_trait]
impl Authenticator for Word {
    fn scheme(&self) -> &str {
        "word"
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Principal, AuthError> {
        let naming = Naming::External("word".to_owned());
        match attempt.secret {
            "" | "wrong" => Err(AuthError::Refused),
            "late" => Err(AuthError::Expired),
            "down" => Err(AuthError::Unavailable("the host is down".into())),
            secret => {
                let (name, seconds) = secret.split_once('+').unwrap_or((secret, ""));
                let user = naming.user(name.trim_end_matches('!')).ok_or(AuthError::Refused)?;
                let principal = Principal::new(user).named(name);
                let principal = if name.ends_with('!') { principal.existing() } else { principal };
                Ok(match seconds.parse() {
                    Ok(seconds) => principal.until(attempt.now + Duration::from_secs(seconds)),
                    Err(_) => principal,
                })
            }
        }
    }
}

/// A table of users that counts how often it is asked.
#[derive(Clone, Debug, Default)]
struct Table(Arc<Mutex<TableState>>);

#[derive(Debug, Default)]
struct TableState {
    names: Vec<(UserId, &'static str)>,
    fails: bool,
    searches: bool,
    asked: Vec<usize>,
}

#[async_trait]
impl Directory for Table {
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, DirectoryError> {
        let mut state = self.0.lock();
        state.asked.push(users.len());
        if state.fails {
            return Err("the table is locked".into());
        }
        let profile = |user: &UserId| {
            state.names.iter().find(|(known, _)| known == user).map(|(_, name)| Profile::named(name, None))
        };
        Ok(users.iter().map(profile).collect())
    }

    async fn search(
        &self,
        text: &str,
        except: &[UserId],
        limit: usize,
    ) -> Result<Option<Vec<UserId>>, DirectoryError> {
        let state = self.0.lock();
        let named = state.names.iter().filter(|(user, name)| name.contains(text) && !except.contains(user));
        Ok(state.searches.then(|| named.map(|(user, _)| *user).take(limit).collect()))
    }
}

async fn chat_with(table: Table) -> Chat {
    let builder = Chat::builder(MemoryStore::default()).authenticator(Word).directory(table);
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

async fn login(chat: &Chat, secret: &str) -> (Wire, Value) {
    let mut wire = Wire::connect(chat);
    let ctrl = wire.ask(json!({"login": {"scheme": "word", "secret": secret}})).await;
    (wire, ctrl)
}

#[tokio::test]
async fn a_scheme_lets_in_whom_it_vouches_for() {
    let chat = Chat::builder(MemoryStore::default()).authenticator(Word).build().await.unwrap();
    let (_, none) = login(&chat, "ana!").await;
    assert_eq!((&none["code"], &none["err"]), (&json!(401), &json!("bad_credentials")));
    let (_, first) = login(&chat, "ana").await;
    assert_eq!((&first["code"], &first["params"]["desc"]["public"]), (&json!(200), &json!({"fn": "ana"})));
    let (mut wire, again) = login(&chat, "ana!").await;
    assert_eq!(again["params"]["user"], first["params"]["user"]);
    let sessions = wire.ask(json!({"session": {"list": true}})).await;
    assert_eq!(sessions["params"]["sessions"].as_array().unwrap().len(), 2);
    let mut other = Wire::connect(&chat);
    let token = json!({"login": {"scheme": "token", "secret": first["params"]["token"]}});
    assert_eq!(other.ask(token).await["code"], 200);
    for (secret, code, slug) in [
        ("wrong", 401, "bad_credentials"),
        ("", 401, "bad_credentials"),
        ("late", 401, "token_expired"),
        ("down", 503, "unavailable"),
        ("x+0", 401, "token_expired"),
    ] {
        let (_, ctrl) = login(&chat, secret).await;
        assert_eq!((&ctrl["code"], &ctrl["err"]), (&json!(code), &json!(slug)), "{secret}");
    }
    let mut wire = Wire::connect(&chat);
    for scheme in ["Word", "words", "", "host"] {
        let ctrl = wire.ask(json!({"login": {"scheme": scheme, "secret": "ana"}})).await;
        assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(400), &json!("unknown auth scheme")), "{scheme}");
    }
    let user: UserId = text(&first["params"]["user"]).parse().unwrap();
    chat.delete_user(user).await.unwrap();
    let (_, gone) = login(&chat, "ana").await;
    assert_eq!(gone["err"], "bad_credentials", "a deleted account came back");
}

#[tokio::test]
async fn what_is_vouched_for_until_then_ends_then() {
    let chat = Chat::builder(MemoryStore::default()).authenticator(Word).build().await.unwrap();
    let now = SystemEnv::default().now();
    let (_, ctrl) = login(&chat, "ana+100").await;
    let expires = |ctrl: &Value| {
        mvchat_core::time::Timestamp::parse(ctrl["params"]["expires"].as_str().unwrap()).unwrap()
    };
    let bound = now + Duration::from_secs(101);
    assert!(expires(&ctrl) <= bound, "{ctrl}");
    let mut wire = Wire::connect(&chat);
    let again = wire.ask(json!({"login": {"scheme": "token", "secret": ctrl["params"]["token"]}})).await;
    assert_eq!(again["code"], 200);
    assert!(expires(&again) <= bound, "using a session made it longer: {again}");
}

#[tokio::test]
async fn schemes_have_names_of_their_own() {
    #[derive(Debug)]
    struct Named(&'static str);
    #[async_trait]
    impl Authenticator for Named {
        fn scheme(&self) -> &str {
            self.0
        }
        async fn authenticate(&self, _: &Attempt<'_>) -> Result<Principal, AuthError> {
            Err(AuthError::Refused)
        }
    }
    let builder = || Chat::builder(MemoryStore::default());
    for bad in ["", "Basic", "basic", "token", "a b"] {
        assert_eq!(
            builder().authenticator(Named(bad)).build().await.unwrap_err().problems().len(),
            1,
            "{bad}"
        );
    }
    let twice = builder().authenticator(Named("a")).authenticator(Named("a"));
    assert_eq!(twice.build().await.unwrap_err().problems().len(), 1);
    assert_eq!(builder().without_passwords().build().await.unwrap_err().problems().len(), 1);
    assert!(builder().without_passwords().authenticator(HostPrincipal).build().await.is_ok());
}

#[tokio::test]
async fn names_come_from_the_hosts_table_one_question_a_page() {
    let table = Table::default();
    let chat = chat_with(table.clone()).await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let mut others = Vec::new();
    for name in ["bert", "carl", "dora"] {
        others.push(User::sign_up(&chat, name).await);
    }
    for other in &others {
        ana.dm(other).await;
        ana.ok(json!({"contact": {"add": other.id}})).await;
    }
    let conv = ana.group(&others.iter().collect::<Vec<_>>()).await;
    let names = ["Bert B.", "Carl C.", "Dora D."];
    let ids = others.iter().map(|other| other.id.parse().unwrap());
    table.0.lock().names = ids.zip(names).collect();
    let shown = |found: &Value, at: &[&str]| -> Vec<String> {
        let all = found.as_array().unwrap().iter().map(|item| at.iter().fold(item, |item, key| &item[*key]));
        let mut all: Vec<_> = all.filter_map(Value::as_str).map(str::to_owned).collect();
        all.sort();
        all
    };
    table.0.lock().asked.clear();
    let listed = ana.ok(json!({"get": {"what": "conversations"}})).await;
    assert_eq!(shown(&listed["conversations"], &["user", "public", "fn"]), names);
    let contacts = ana.ok(json!({"get": {"what": "contacts"}})).await;
    assert_eq!(shown(&contacts["contacts"], &["public", "fn"]), names);
    let members = ana.ok(json!({"get": {"what": "members", "conv": conv}})).await;
    assert_eq!(shown(&members["members"], &["public", "fn"]), ["Bert B.", "Carl C.", "Dora D.", "anna"]);
    let changes = ana.ok(json!({"get": {"what": "changes", "conv": conv, "since": 0}})).await;
    assert!(changes.to_string().contains("Carl C."));
    let found = ana.ok(json!({"search": {"query": "carl"}})).await;
    assert_eq!(found["users"][0]["public"]["fn"], "Carl C.");
    assert_eq!(table.0.lock().asked.len(), 5, "one question for each page: {:?}", table.0.lock().asked);
    let one = ana.ok(json!({"get": {"what": "user", "user": others[0].id}})).await;
    assert_eq!(one["user"]["public"]["fn"], "Bert B.");
    assert_eq!(others[2].device(&chat).await.id, others[2].id);

    table.0.lock().fails = true;
    let listed = ana.ok(json!({"get": {"what": "conversations"}})).await;
    assert_eq!(shown(&listed["conversations"], &["user", "public", "fn"]), ["bert", "carl", "dora"]);
}

#[tokio::test]
async fn whom_only_the_host_knows_can_be_met() {
    let table = Table::default();
    let chat = chat_with(table.clone()).await;
    let mut ana = User::sign_up(&chat, "anna").await;
    let strangers: Vec<_> = (0..4).map(|i| UserId::external("word", format!("stranger{i}"))).collect();
    table.0.lock().names = strangers.iter().copied().zip(["One", "Two", "Three", "Four"]).collect();
    table.0.lock().searches = true;
    let found = ana.ok(json!({"search": {"query": "T", "limit": 5}})).await;
    let found: Vec<_> = found["users"].as_array().unwrap().iter().map(|user| &user["public"]["fn"]).collect();
    assert_eq!(found, ["Two", "Three"]);
    let dm = ana.wire.ask(json!({"dm": {"user": strangers[0].to_string()}})).await;
    assert_eq!((&dm["code"], &dm["params"]["user"]["public"]["fn"]), (&json!(201), &json!("One")));
    let contact = ana.ok(json!({"contact": {"add": strangers[1].to_string()}})).await;
    assert_eq!(contact["public"]["fn"], "Two");
    let group = ana.group(&[]).await;
    let joined =
        ana.ok(json!({"group": {"action": "invite", "id": group, "user": strangers[2].to_string()}})).await;
    assert_eq!(joined["public"]["fn"], "Three");
    let nobody = UserId::external("word", "nobody").to_string();
    assert_eq!(ana.fails(json!({"dm": {"user": nobody}})).await.0, 404);
    // Who was met may write, and has messages waiting.
    let sent = chat
        .act_as(strangers[0])
        .send(text(&dm["params"]["conv"]).parse().unwrap(), Json::parse("\"hi\"").unwrap())
        .await;
    assert_eq!(sent.unwrap().seq.0, 1);
    let (mut wire, _) = login(&chat, "stranger1").await;
    let contacts = wire.ask(json!({"get": {"what": "contacts"}})).await;
    assert_eq!(contacts["params"]["contacts"][0]["user"], json!(ana.id));
}

#[tokio::test]
async fn without_other_schemes_there_are_two() {
    let chat = server().await;
    let (_, ctrl) = login(&chat, "ana").await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(400), &json!("unknown auth scheme")));
}
