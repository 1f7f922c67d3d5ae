//! A database of mvChat2, with what its users wrote sealed in its way, comes into a folder and into a database of ours.

use crate::support::{Data, Wire};
use aes_gcm::aead::Aead;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::path::Path;
use std::process::{Command, Output};

const KEY: [u8; 32] = [9; 32];
/// The three-part form, of `password-anna`.
const HASH: &str = "$argon2id$AAECAwQFBgcICQoLDA0ODw$yP1Kohdk4F32iAJVlmKlIxw4SSZbV6TsUrUVWU26zFg";

const HASH_OF_FILE: &str = "5891B5B522D5DF086D0FF0B110FBD9D21BB4FC7163AF34D08286A2E846F6BE03";

/// The tables, as far as they matter here, with the names and types of the original's version 8 and its migrations.
const TABLES: &str = "
create table users (id uuid primary key, created_at timestamptz not null default now(), updated_at timestamptz,
    state varchar(16) not null default 'ok', state_at timestamptz, public jsonb, last_seen timestamptz,
    user_agent varchar(255), must_change_password boolean default false, email varchar(255),
    email_verified boolean default true, lang varchar(10));
create table auth (id uuid primary key default gen_random_uuid(), user_id uuid not null, scheme varchar(16) not null,
    secret varchar(255) not null, uname varchar(64), expires_at timestamptz, created_at timestamptz default now());
create table conversations (id uuid primary key, created_at timestamptz not null default now(), updated_at timestamptz,
    type varchar(8) not null, owner_id uuid, public jsonb, last_seq int not null default 0, last_msg_at timestamptz,
    del_id int default 0, disappearing_ttl int, pinned_message_id uuid, pinned_at timestamptz, pinned_by uuid,
    no_screenshots boolean default false);
create table members (conversation_id uuid, user_id uuid, created_at timestamptz not null default now(),
    updated_at timestamptz, role varchar(16) default 'member', read_seq int default 0, recv_seq int default 0,
    clear_seq int default 0, favorite boolean default false, muted boolean default false,
    blocked boolean default false, private jsonb, deleted_at timestamptz, primary key (conversation_id, user_id));
create table messages (id uuid primary key, conversation_id uuid not null, seq int not null, from_user_id uuid,
    created_at timestamptz not null default now(), updated_at timestamptz, content bytea, head jsonb,
    deleted_at timestamptz, view_once boolean default false, view_once_ttl int, unique (conversation_id, seq));
create table message_deletions (message_id uuid, user_id uuid, deleted_at timestamptz default now(),
    primary key (message_id, user_id));
create table files (id uuid primary key, uploader_id uuid, created_at timestamptz not null default now(),
    updated_at timestamptz, mime_type varchar(128), size bigint, original_name varchar(512), location varchar(512),
    hash varchar(64), status varchar(16) default 'pending', deleted_at timestamptz);
create table file_metadata (file_id uuid primary key, width int, height int, duration float, thumbnail text, extra jsonb,
    created_at timestamptz default now());
create table invite_codes (id uuid primary key, inviter_id uuid not null, code varchar(10) unique not null, token text,
    email varchar(255) not null, invitee_name varchar(128), status varchar(16) default 'pending', used_at timestamptz,
    used_by uuid, created_at timestamptz default now(), expires_at timestamptz not null);
create table contacts (user_id uuid, contact_id uuid, source varchar(16), nickname varchar(64), invite_id uuid,
    created_at timestamptz not null default now(), primary key (user_id, contact_id));
";

fn id(kind: u8, number: u32) -> String {
    format!("{kind:02x}000000-0000-4000-8000-0000{number:08x}")
}

/// Seals as the original does: nonce, ciphertext, tag.
fn sealed(seq: u32, clear: &str) -> String {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&seq.to_be_bytes());
    let cipher = Aes256Gcm::new_from_slice(&KEY).unwrap();
    let text = cipher.encrypt(&Nonce::from(nonce), clear.as_bytes()).unwrap();
    let hex: String = nonce.iter().chain(&text).map(|byte| format!("{byte:02x}")).collect();
    format!("'\\x{hex}'::bytea")
}

/// Fills the database: alice and bob with their talk, a room with carol, who has left it, and things gone wrong.
fn rows() -> String {
    let (alice, bob, carol) = (id(1, 1), id(1, 2), id(1, 3));
    let (dm, room, odd) = (id(2, 1), id(2, 2), id(2, 3));
    let mut sql = format!(
        "insert into users (id, created_at, public, email, lang) values
            ('{alice}', '2026-01-07 10:00:00.123456+00', '{{\"fn\": \"Alice\"}}', 'Alice@example.org', 'de'),
            ('{bob}', '2026-01-07 10:01:00+00', '{{\"fn\": \"Bob\"}}', 'alice@example.ORG', null);
         insert into users (id, created_at, state, public) values
            ('{carol}', '2026-01-07 10:02:00+00', 'suspended', null);
         insert into auth (user_id, scheme, secret, uname, created_at) values
            ('{alice}', 'basic', '{HASH}', 'alice', '2026-01-07 10:00:00+00'),
            ('{bob}', 'basic', '{HASH}', 'Bobby', '2026-01-07 10:01:00+00'),
            ('{carol}', 'basic', '{HASH}', 'bobBY', '2026-01-07 10:02:00+00');
         insert into conversations (id, created_at, type, last_seq, no_screenshots, disappearing_ttl, pinned_message_id,
            pinned_by, pinned_at) values
            ('{dm}', '2026-01-08 10:00:00+00', 'dm', 7, true, null, '{}', '{bob}', '2026-01-08 11:00:00+00');
         insert into conversations (id, created_at, type, owner_id, public, last_seq) values
            ('{room}', '2026-01-08 12:00:00+00', 'room', '{alice}', '{{\"fn\": \"A room\"}}', 1200),
            ('{odd}', '2026-01-08 12:00:00+00', 'other', '{alice}', null, 0);
         insert into members (conversation_id, user_id, role, read_seq, recv_seq, favorite, private) values
            ('{dm}', '{alice}', 'member', 2, 5, true, '{{\"note\": \"mine\"}}'), ('{dm}', '{bob}', 'member', 99, 0, false, null),
            ('{room}', '{alice}', 'owner', 0, 0, false, null), ('{room}', '{bob}', 'admin', 0, 0, false, null);
         insert into members (conversation_id, user_id, role, deleted_at) values
            ('{room}', '{carol}', 'member', '2026-01-09 10:00:00+00');
         insert into contacts (user_id, contact_id, source, nickname, created_at) values
            ('{alice}', '{bob}', 'manual', 'Bobby B', '2026-01-07 11:00:00+00');
         insert into files (id, uploader_id, created_at, mime_type, size, original_name, location, hash, status) values
            ('{}', '{alice}', '2026-01-08 09:59:00+00', 'image/png', 5000000000, 'canary of a name.png',
            'uploads/ab/cd/1.png', '{HASH_OF_FILE}', 'ready');
         insert into files (id, uploader_id, created_at, status, deleted_at) values
            ('{}', '{alice}', '2026-01-08 09:58:00+00', 'pending', null),
            ('{}', '{alice}', '2026-01-08 09:57:00+00', 'ready', now()),
            ('{}', '{}', '2026-01-08 09:56:00+00', 'ready', null);
         insert into file_metadata (file_id, width, height, duration, thumbnail) values ('{}', 640, 480, 2.5, 'AAAA');
         insert into invite_codes (id, inviter_id, code, email, invitee_name, status, created_at, expires_at) values
            ('{}', '{alice}', 'abc-_12345', ' Dora@example.org', 'Dora', 'pending', now(), now() + interval '7 days'),
            ('{}', '{alice}', 'revoked123', 'eve@example.org', null, 'revoked', now(), now() + interval '7 days');
         insert into invite_codes (id, inviter_id, code, email, status, used_at, used_by, created_at, expires_at) values
            ('{}', '{alice}', 'used123456', 'bob@example.org', 'used', '2026-01-07 10:01:00+00', '{bob}',
            '2026-01-07 10:00:30+00', '2026-01-14 10:00:30+00');",
        id(3, 1),
        id(4, 1),
        id(4, 2),
        id(4, 3),
        id(4, 4),
        id(1, 99),
        id(4, 1),
        id(5, 1),
        id(5, 2),
        id(5, 3),
    );
    let image = id(4, 1);
    let contents = [
        (
            1,
            &alice,
            sealed(1, r#"{"v": 1, "text": "hello Bob"}"#),
            r#"{"reactions": {"👍": ["BOB"]}, "edit_count": 2, "edited_at": "2026-01-08T10:30:00.5+00:00"}"#,
        ),
        (
            2,
            &bob,
            sealed(
                2,
                &r#"{"v":1,"text":"hello @Alice","mentions":[{"userId":"ALICE","offset":6,"length":6}]}"#
                    .replace("ALICE", &alice),
            ),
            r#"{"reply_to": 1}"#,
        ),
        (3, &bob, sealed(3, r#""a bare text""#), "{}"),
        // 4 is missing.
        (
            5,
            &alice,
            sealed(
                5,
                &format!(
                    r#"{{"v":1,"text":"","media":[{{"type":"image","ref":"{image}","mime":"image/png"}}]}}"#
                ),
            ),
            "{}",
        ),
        (6, &alice, "'\\x00112233445566778899aabbccddeeff00112233445566778899'::bytea".to_owned(), "{}"),
    ];
    for (seq, from, content, head) in contents {
        let head = head.replace("BOB", &bob);
        // The time goes back once, as clocks do.
        let minute = if seq == 3 { 0 } else { seq };
        sql += &format!(
            "insert into messages (id, conversation_id, seq, from_user_id, created_at, content, head) values \
             ('{}', '{dm}', {seq}, '{from}', '2026-01-08 10:{minute:02}:00+00', {content}, '{head}');",
            id(3, seq)
        );
    }
    sql += &format!(
        "insert into messages (id, conversation_id, seq, from_user_id, created_at, content, head, deleted_at) values \
         ('{}', '{dm}', 7, '{bob}', '2026-01-08 10:07:00+00', {}, '{{\"unsent\": true}}', now());",
        id(3, 7),
        sealed(7, r#"{"v":1,"text":"regretted"}"#)
    );
    for seq in 1..=1200 {
        sql += &format!(
            "insert into messages (id, conversation_id, seq, from_user_id, created_at, content) values \
             ('{}', '{room}', {seq}, '{alice}', timestamptz '2026-01-08 13:00:00+00' + interval '{seq} seconds', {});",
            id(3, 1000 + seq),
            sealed(1000 + seq, &format!(r#"{{"v":1,"text":"words {seq}"}}"#))
        );
    }
    sql + &format!(
        "insert into message_deletions (message_id, user_id) values ('{}', '{}');",
        id(3, 2),
        alice
    )
}

fn importing(from: &str, to: &str, url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    command.args(["db", "import-mvchat2", "--to", to]);
    command.env("MVCHAT2_DATABASE_URL", from).env("MVCHAT2_ENCRYPTION_KEY", STANDARD.encode(KEY));
    command.env("MVCHAT_DATABASE_URL", url).env("MVCHAT_DATABASE_ACCEPT_LOSS", "true");
    command
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What alice takes along of her files, the newest first.
fn files_of_alice() -> [Value; 2] {
    [
        json!({
            "id": id(4, 1), "createdAt": "2026-01-08T09:59:00.000000Z", "mime": "image/png", "size": 5_000_000_000_u64,
            "state": "ready", "name": "canary of a name.png", "sha256": HASH_OF_FILE.to_lowercase(), "width": 640,
            "height": 480, "duration": 2.5,
        }),
        json!({
            "id": id(4, 2), "createdAt": "2026-01-08T09:58:00.000000Z", "mime": "", "size": 0, "state": "pending",
        }),
    ]
}

/// Returns what a user's export says about files, from the server that runs.
fn exported_files(data: &Data, name: &str) -> Vec<Value> {
    let folder = data.log().with_file_name(format!("{name} takes along"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    command.args(["user", "export", name, "--to"]).arg(&folder).arg("--data-dir").arg(data.path());
    let exported = command.output().unwrap();
    assert!(exported.status.success(), "{}", said(&exported));
    let lines = std::fs::read_to_string(folder.join("export.jsonl")).unwrap();
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|line| line["kind"] == "file").map(|line| line["file"].clone()).collect()
}

/// Returns whether a text is in the file of a sled store.
fn holds(folder: &Path, text: &str) -> bool {
    let stored = std::fs::read(folder.join("store").join("db")).unwrap();
    stored.windows(text.len()).any(|found| found == text.as_bytes())
}

/// Looks at everything as alice and bob.
async fn look(data: &mut Data) {
    let server = data.start();
    let login = |name: &str| json!({"login": {"scheme": "basic", "secret": STANDARD.encode(format!("{name}:password-anna"))}});
    let mut alice = Wire::connect(&server).await;
    let me = alice.ok(login("alice")).await;
    assert_eq!(me["user"], json!(id(1, 1)));
    assert_eq!(me["desc"]["public"]["fn"], "Alice");
    let list = alice.ok(json!({"get": {"what": "conversations"}})).await;
    let list = list["conversations"].as_array().unwrap().clone();
    assert_eq!(list.len(), 2, "{list:?}");
    let of = |list: &[Value], id: &str| list.iter().find(|conv| conv["id"] == id).cloned().unwrap();
    let dm = of(&list, &id(2, 1));
    assert_eq!(
        (&dm["lastSeq"], &dm["readSeq"], &dm["favorite"]),
        (&json!(7), &json!(2), &json!(true)),
        "{dm}"
    );
    let history = alice.history(&id(2, 1)).await;
    let shown: Vec<(u64, &Value)> = history
        .iter()
        .map(|message| (message["seq"].as_u64().unwrap(), &message["content"]["text"]))
        .collect();
    // The second is deleted for alice only.
    assert_eq!(shown.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [1, 3, 4, 5, 6, 7]);
    assert_eq!((shown[0].1, shown[1].1), (&json!("hello Bob"), &json!("a bare text")));
    assert_eq!(history[3]["content"]["media"][0]["ref"], json!(id(4, 1)), "references stand as they were");
    assert_eq!(history[0]["ts"], "2026-01-08T10:01:00.000000Z");
    assert_eq!(history[1]["ts"], "2026-01-08T10:02:00.000000Z", "time does not go back");
    for gone in [2, 4, 5] {
        assert_eq!(history[gone]["deleted"], true, "{}", history[gone]);
    }
    assert_eq!(history[0]["head"]["reactions"]["👍"], json!([id(1, 2)]), "{}", history[0]);
    let room = alice.history(&id(2, 2)).await;
    assert_eq!((room.len(), &room[1199]["content"]["text"]), (1200, &json!("words 1200")));
    let contacts = alice.ok(json!({"get": {"what": "contacts"}})).await;
    assert_eq!(contacts["contacts"][0]["nickname"], "Bobby B", "{contacts}");

    let invites = alice.ok(json!({"invite": {"list": true}})).await;
    let invites: Vec<_> =
        invites["invites"].as_array().unwrap().iter().map(|it| (&it["status"], &it["email"])).collect();
    assert_eq!(
        invites,
        [(&json!("pending"), &json!("dora@example.org")), (&json!("used"), &json!("bob@example.org"))]
    );
    let mut dora = Wire::sign_up_with(&server, "dora", json!({"inviteCode": "abc-_12345"})).await;
    let mine = dora.ok(json!({"get": {"what": "contacts"}})).await;
    assert_eq!(mine["contacts"][0]["user"], json!(id(1, 1)), "{mine}");
    assert_eq!(exported_files(data, "alice"), files_of_alice());
    assert_eq!(exported_files(data, "bobby"), [] as [Value; 0]);

    let mut bob = Wire::connect(&server).await;
    bob.ok(login("bobby")).await;
    let history = bob.history(&id(2, 1)).await;
    assert_eq!(history[1]["content"]["mentions"][0]["userId"], json!(id(1, 1)));
    let sent = alice.say(&id(2, 1), "on the new server", "cid").await;
    assert_eq!(sent["seq"], json!(8));
    assert_eq!(bob.data(&id(2, 1), 8).await["content"]["text"], "on the new server");
    server.terminate();
    assert_eq!(server.ended(), Some(0));
}

#[tokio::test]
async fn what_an_old_server_kept_is_there() {
    let Some(old) = super::postgres::database("old").await else { return };
    let Some(url) = super::postgres::database("new").await else { return };
    let mut connection = PgConnection::connect(&old).await.unwrap();
    sqlx::raw_sql(TABLES).execute(&mut connection).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(rows())).execute(&mut connection).await.unwrap();

    let mut sled = Data::unlimited();
    let folder = sled.path();
    let folder = folder.to_str().unwrap();
    let looked = importing(&old, folder, "").arg("--dry-run").output().unwrap();
    assert!(looked.status.success(), "{}", said(&looked));
    for what in [
        "1  conversations of an unknown kind",
        "1  deleted messages",
        "1  e-mail addresses that another user has",
        "1  deleted files",
        "1  files of nobody",
        "2  files, without their bytes",
        "1  invites that were taken back",
        "1  thumbnails of files",
        "1  messages that can't be opened",
        "1  numbers without a message",
        "1  user names that another user has",
        "nothing was written",
    ] {
        assert!(said(&looked).contains(what), "{what}: {}", said(&looked));
    }
    assert!(!sled.path().exists(), "it only looked");

    let wrong = importing(&old, folder, "").env("MVCHAT2_ENCRYPTION_KEY", "c2hvcnQ=").output().unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{}", said(&wrong));

    // Into the folder in one go, and once more.
    let imported = importing(&old, folder, "").output().unwrap();
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(said(&imported).contains("1207  messages"), "{}", said(&imported));
    let again = importing(&old, folder, "").output().unwrap();
    assert!(again.status.success() && said(&again).contains("nothing was changed"), "{}", said(&again));
    look(&mut sled).await;
    // What is plain is found, so what is not found is sealed.
    assert!(holds(&sled.path(), "uploads/ab/cd/1.png"));
    assert!(!holds(&sled.path(), "canary of a name") && !holds(&sled.path(), &HASH_OF_FILE.to_lowercase()));

    // Into a database, killed on the way.
    let mut postgres = Data::on_postgres(&url);
    let import = || {
        let mut command = importing(&old, "postgres", &url);
        command.arg("--data-dir").arg(postgres.path());
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        command
    };
    let mut kills = 0;
    for part in ["log", "messages"] {
        let mut child = import().spawn().unwrap();
        if super::copy::reaches(&url, part, &mut child).await {
            child.kill().unwrap();
            kills += 1;
        }
        child.wait().unwrap();
    }
    assert!(kills > 0, "no import was caught at work");
    let imported =
        import().stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).output().unwrap();
    assert!(imported.status.success(), "{}", said(&imported));
    look(&mut postgres).await;
}
