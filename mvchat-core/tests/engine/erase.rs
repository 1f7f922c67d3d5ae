//! What a user takes along, and what is left after one is erased; and what happens when something can't be opened.

use crate::support::{User, secret};
use mvchat_core::builtin::MemoryStore;
use mvchat_core::builtin::keys::{Context, KeyPolicy};
use mvchat_core::builtin::password::PasswordParams;
use mvchat_core::builtin::report::{self, Report};
use mvchat_core::proto::{FileId, Limits, UserId};
use mvchat_core::seam::keys::{KeyErrorKind, KeyPurpose};
use mvchat_core::seam::{FileRow, FileState, FileStore};
use mvchat_core::testkit::Wire;
use mvchat_core::time::Timestamp;
use mvchat_core::{Chat, ErrorKind, Keys};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

async fn server(keys: &Keys) -> Chat {
    let limits = Limits::default().unthrottled();
    let builder = Chat::builder(MemoryStore::default()).limits(limits).keys(keys.clone());
    builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap()
}

fn id(user: &User) -> UserId {
    UserId(user.id.parse().unwrap())
}

async fn export(chat: &Chat, user: UserId) -> (Vec<u8>, String) {
    let mut written = Vec::new();
    let mut write = |line: &[u8]| {
        written.extend_from_slice(line);
        Ok(())
    };
    let manifest = chat.export_user(user, &mut write).await.unwrap();
    (written, manifest)
}

#[tokio::test]
async fn an_export_holds_what_the_user_could_see_and_nothing_else() {
    let keys = Keys::ephemeral();
    let chat = server(&keys).await;
    let (mut a, mut b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    let mut c = User::sign_up(&chat, "carol").await;
    a.ok(json!({"acc": {"user": "me", "desc": {"private": {"note": "only mine"}}}})).await;
    let conv = a.dm(&b).await;
    for n in 0..250 {
        a.say(&conv, &format!("mine {n}")).await;
    }
    b.say(&conv, "from bobby").await;
    let hidden = b.say(&conv, "canary-hidden").await;
    a.ok(json!({"delete": {"conv": conv, "seq": hidden}})).await;
    let group = b.group(&[&c]).await;
    b.say(&group, "canary-before").await;
    b.ok(json!({"group": {"action": "invite", "id": group, "user": a.id}})).await;
    c.say(&group, "hello alice").await;
    b.ok(json!({"group": {"action": "kick", "id": group, "user": a.id}})).await;
    b.say(&group, "canary-after").await;
    let secret_dm = b.dm(&c).await;
    b.say(&secret_dm, "canary-elsewhere").await;

    let (written, manifest) = export(&chat, id(&a)).await;
    let written = String::from_utf8(written).unwrap();
    let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["kind"], "account");
    assert_eq!(lines[0]["account"]["desc"]["private"]["note"], "only mine");
    let mine: Vec<_> = lines
        .iter()
        .filter(|line| line["kind"] == "message" && line["message"]["from"] == json!(a.id))
        .map(|line| line["message"]["content"]["text"].clone())
        .collect();
    assert_eq!(mine, (0..250).map(|n| json!(format!("mine {n}"))).collect::<Vec<_>>());
    assert!(written.contains("from bobby"));
    assert!(!written.contains("canary"), "{}", written.split('\n').find(|l| l.contains("canary")).unwrap());
    let Report { user, files, .. } = report::check(&keys, &manifest).unwrap();
    assert_eq!((user, files[0].bytes, files[0].lines), (id(&a), written.len() as u64, lines.len() as u64));
    let unknown = chat.export_user(UserId(uuid::Uuid::from_u128(7)), &mut |_| Ok(())).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_erased_user_is_gone_and_others_keep_what_is_theirs() {
    let keys = Keys::ephemeral();
    let chat = server(&keys).await;
    let (mut a, mut b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    let c = User::sign_up(&chat, "carol").await;
    let conv = a.dm(&b).await;
    for n in 0..30 {
        a.say(&conv, &format!("canary {n}")).await;
    }
    b.say(&conv, "bobby stays").await;
    // What only the others see is found, too.
    a.ok(json!({"clear": {"conv": conv, "seq": 31}})).await;
    let group = a.group(&[&b, &c]).await;
    a.say(&group, "canary in a group").await;
    a.ok(json!({"contact": {"add": b.id}})).await;

    let erased = chat.erase_user(id(&a)).await.unwrap();
    let report = report::check(&keys, &erased).unwrap();
    let done = report.done.unwrap();
    assert_eq!(report.user, id(&a));
    assert!(done.key_destroyed && done.failed == 0, "{done:?}");
    assert_eq!((done.sessions, done.messages, done.contacts), (1, 31, 1));
    assert_eq!((done.groups_left, done.groups_handed_over), (1, 1));
    assert_eq!(a.wire.closed().await.map(|close| close.code()), Some(4003));
    assert_eq!(keys.user(id(&a).0).await.unwrap_err().kind(), KeyErrorKind::Missing);

    let mut wire = Wire::connect(&chat);
    for login in [
        json!({"login": {"scheme": "basic", "secret": secret("alice")}}),
        json!({"login": {"scheme": "token", "secret": a.token}}),
    ] {
        assert_eq!(wire.ask(login).await["code"], 401);
    }
    let page = b.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 100}})).await;
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 31);
    for message in messages {
        let own = message["from"] == json!(a.id);
        assert_eq!(message["deleted"] == true, own, "{message}");
        assert_eq!(message["content"].is_null(), own, "{message}");
        assert!(message["unavailable"].is_null());
    }
    let members = b.ok(json!({"get": {"what": "members", "conv": group}})).await;
    let roles: Vec<_> = members["members"].as_array().unwrap().iter().map(|m| &m["role"]).collect();
    assert_eq!(roles.iter().filter(|role| **role == "owner").count(), 1);
    assert_eq!(roles.len(), 2);
    let found = b.ok(json!({"search": {"query": "alice"}})).await;
    assert_eq!(found["users"], json!([]));
    // Nothing of the login is left: the name is free, and whoever takes it is somebody else.
    assert_eq!(chat.find_user("alice").await.unwrap(), None);
    let other = User::sign_up(&chat, "Alice").await;
    assert_ne!(other.id, a.id);
    // Once more does no harm, also not to that one.
    let again = chat.erase_user(id(&a)).await.unwrap();
    assert_eq!(report::check(&keys, &again).unwrap().done.unwrap().messages, 0);
    assert_eq!(chat.find_user("alice").await.unwrap(), Some(id(&other)));
    let unknown = chat.erase_user(UserId(uuid::Uuid::from_u128(7))).await;
    assert_eq!(unknown.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Keeps what is known of a user's files.
async fn files(store: &MemoryStore, keys: &Keys, user: UserId, names: &[&str]) {
    for (number, name) in names.iter().enumerate() {
        let id = FileId(uuid::Uuid::from_u128(100 + number as u128));
        let details = json!({"name": name, "sha256": "ab".repeat(32), "width": 640}).to_string();
        let context = Context::File { user: user.0, file: id.0 };
        let row = FileRow {
            id,
            uploader: user,
            created_at: Timestamp::from_micros(number as i64),
            mime: "image/png".to_owned(),
            size: 12,
            location: "canary-location".to_owned(),
            state: FileState::Ready,
            sealed: keys.user(user.0).await.unwrap().seal(&context, details.as_bytes()).into(),
        };
        assert!(store.create_file(row).await.unwrap());
    }
}

#[tokio::test]
async fn what_is_known_of_files_is_exported_and_forgotten() {
    let (keys, store) = (Keys::ephemeral(), MemoryStore::default());
    let builder = Chat::builder(store.clone()).keys(keys.clone());
    let chat = builder.passwords(PasswordParams::insecurely_fast()).build().await.unwrap();
    let (a, b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    let names: Vec<String> = (0..230).map(|number| format!("picture {number}.png")).collect();
    files(&store, &keys, id(&a), &names.iter().map(String::as_str).collect::<Vec<_>>()).await;

    let (written, _) = export(&chat, id(&a)).await;
    let written = String::from_utf8(written).unwrap();
    let lines = written.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let shown: Vec<Value> =
        lines.filter(|line| line["kind"] == "file").map(|line| line["file"].clone()).collect();
    assert_eq!(shown.len(), 230);
    let newest = json!({
        "id": FileId(uuid::Uuid::from_u128(329)), "createdAt": "1970-01-01T00:00:00.000229Z",
        "mime": "image/png", "size": 12, "state": "ready", "name": "picture 229.png", "sha256": "ab".repeat(32),
        "width": 640,
    });
    assert_eq!((&shown[0], &shown[229]["name"]), (&newest, &json!("picture 0.png")));
    assert!(!written.contains("canary"), "where the bytes are is the server's business");
    let (written, _) = export(&chat, id(&b)).await;
    assert!(!String::from_utf8(written).unwrap().contains("picture"));

    let erased = chat.erase_user(id(&a)).await.unwrap();
    let done = report::check(&keys, &erased).unwrap().done.unwrap();
    assert_eq!((done.files, done.failed), (230, 0));
    assert_eq!(store.files_of(id(&a), None, 1).await.unwrap(), []);
    let again = chat.erase_user(id(&a)).await.unwrap();
    assert_eq!(report::check(&keys, &again).unwrap().done.unwrap().files, 0);
}

fn key_file(dir: &Path, user: &User) -> PathBuf {
    let id: uuid::Uuid = user.id.parse().unwrap();
    dir.join("vault").join(format!("{:02x}", id.as_bytes()[15])).join(format!("{id}.key"))
}

/// One key that is damaged costs what it sealed, and nothing else: no page, no list and no login fails.
#[tokio::test]
async fn what_cannot_be_opened_is_unavailable_and_an_alarm() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    let chat = server(&keys).await;
    let (mut a, mut b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    a.ok(json!({"acc": {"user": "me", "desc": {"private": {"note": "canary"}}}})).await;
    a.ok(json!({"contact": {"add": b.id}})).await;
    a.ok(json!({"contact": {"user": b.id, "nickname": "canary"}})).await;
    let conv = a.dm(&b).await;
    a.ok(json!({"dm": {"conv": conv, "private": {"note": "canary"}}})).await;
    a.say(&conv, "canary").await;
    b.say(&conv, "still here").await;
    let file = key_file(dir.path(), &a);
    let good = std::fs::read(&file).unwrap();
    std::fs::write(&file, b"{}").unwrap();
    keys.forget(id(&a).0);
    assert_eq!(chat.audit_stats().decrypt_failures, 0);

    let page = b.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 10}})).await;
    assert_eq!(page["messages"][0]["content"]["text"], "still here");
    assert_eq!(
        (&page["messages"][1]["unavailable"], &page["messages"][1]["content"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(chat.audit_stats().decrypt_failures, 1);
    let mut again = a.device(&chat).await;
    for what in ["contacts", "conversations"] {
        let got = again.ok(json!({"get": {"what": what}})).await;
        assert!(!got.to_string().contains("canary"), "{got}");
    }
    assert!(chat.audit_stats().decrypt_failures >= 4, "{:?}", chat.audit_stats());
    std::fs::write(&file, good).unwrap();
    let page = b.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 10}})).await;
    assert_eq!(page["messages"][1]["content"]["text"], "canary");
}

/// People write and read while the keys rotate, several times over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_notices_that_the_keys_rotate() {
    let dir = tempfile::tempdir().unwrap();
    let keys = Keys::load_or_create(dir.path()).unwrap();
    let chat = server(&keys).await;
    let (mut a, mut b) = (User::sign_up(&chat, "alice").await, User::sign_up(&chat, "bobby").await);
    let conv = a.dm(&b).await;
    let (token, writer_id) = (a.token.clone(), id(&a));
    let done = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (done, conv) = (done.clone(), conv.clone());
        async move {
            let mut said = 0;
            while !done.load(Ordering::Acquire) || said < 5 {
                a.say(&conv, &format!("message {said}")).await;
                said += 1;
            }
            said
        }
    });
    let reader = tokio::spawn({
        let (done, conv, keys) = (done.clone(), conv.clone(), keys.clone());
        async move {
            let mut read = 0;
            while !done.load(Ordering::Acquire) || read < 5 {
                b.wire.settle().await;
                // What is cached would be read without the ring.
                keys.forget(writer_id.0);
                let page = b.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 20}})).await;
                for message in page["messages"].as_array().unwrap() {
                    assert!(message["content"]["text"].is_string(), "{message}");
                }
                read += 1;
            }
            b
        }
    });
    let policy = KeyPolicy::default();
    for _ in 0..4 {
        chat.rotate_keys(KeyPurpose::Wrap, |_| {}).await.unwrap();
        chat.rotate_keys(KeyPurpose::Sign, |_| {}).await.unwrap();
        chat.tend_keys(&policy).await.unwrap();
    }
    done.store(true, Ordering::Release);
    let (said, mut b) = (writer.await.unwrap(), reader.await.unwrap());
    let page = b.ok(json!({"get": {"what": "messages", "conv": conv, "limit": 1}})).await;
    assert_eq!(page["messages"][0]["seq"], json!(said));
    let status = chat.key_status().await.unwrap();
    assert_eq!(status.wraps.keys().collect::<Vec<_>>(), [&status.current]);
    // A token of before the rotations is still good.
    let mut wire = Wire::connect(&chat);
    assert_eq!(wire.ask(json!({"login": {"scheme": "token", "secret": token}})).await["code"], 200);
    assert_eq!(chat.audit_stats().decrypt_failures, 0);
}
