//! What lies on the disk, and what a token is worth after a restart.

use crate::support::{Data, Wire};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The forms in which a text could lie in a file.
fn forms(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = text.as_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut forms = vec![
        ("plain", bytes.to_vec()),
        ("hex", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("UTF-16LE", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("UTF-16BE", text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
    ];
    // In the middle of something encoded, a text stands in one of three ways; its first and last characters
    // depend on what is beside it.
    for shift in 0..3 {
        let padded = [&b"abc"[..shift], bytes].concat();
        let mut add = |form: String| {
            let form = form.trim_end_matches('=');
            forms.push(("base64", form.as_bytes()[4..form.len() - 3].to_vec()));
        };
        add(STANDARD.encode(&padded));
        add(STANDARD_NO_PAD.encode(&padded));
        add(URL_SAFE_NO_PAD.encode(&padded));
    }
    forms
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.is_file() {
            // The socket for administrators is no file.
            found.push(path);
        }
    }
}

/// Finds any of many texts in one pass.
struct Search {
    /// What was looked for, in which form, by the first two bytes.
    wanted: BTreeMap<[u8; 2], Vec<(String, Vec<u8>)>>,
    begins: Vec<bool>,
}

impl Search {
    fn new(texts: &[&str]) -> Self {
        let mut search = Self { wanted: BTreeMap::new(), begins: vec![false; 1 << 16] };
        for text in texts {
            for (form, bytes) in forms(text) {
                let begin = [bytes[0], bytes[1]];
                search.begins[usize::from(u16::from_be_bytes(begin))] = true;
                search.wanted.entry(begin).or_default().push((format!("{text} as {form}"), bytes));
            }
        }
        search
    }

    fn in_bytes(&self, bytes: &[u8]) -> Option<&str> {
        let mut begin = 0_u16;
        for (at, byte) in bytes.iter().enumerate() {
            begin = (begin << 8) | u16::from(*byte);
            if self.begins[usize::from(begin)] && at > 0 {
                let here = &bytes[at - 1..];
                let found =
                    self.wanted[&begin.to_be_bytes()].iter().find(|(_, wanted)| here.starts_with(wanted));
                if let Some((name, _)) = found {
                    return Some(name);
                }
            }
        }
        None
    }
}

#[tokio::test]
async fn nothing_that_people_wrote_lies_on_the_disk_in_plain() {
    let mut data = Data::unlimited();
    let server = data.start();
    let more = json!({
        "desc": {"public": {"fn": "alice"}, "private": {"note": "canary-private-Zm9vYmFy"}},
        "email": "canary.mail@example.org",
    });
    let mut alice = Wire::sign_up_with(&server, "alice", more).await;
    let bob = Wire::sign_up(&server, "name-that-is-public").await;
    let conv = alice.dm(&bob.id).await;
    alice.say(&conv, "canary-message-Quux1974", "cid-1").await;
    // Short ones, long ones, ones that were replaced and ones that were taken back.
    for n in 0..200_u64 {
        let words = format!("canary-many-Xyzzy {}", "padding ".repeat(if n % 50 == 0 { 500 } else { 4 }));
        alice.say(&conv, &words, &format!("many-{n}")).await;
    }
    alice.say(&conv, "canary-replaced-Plugh", "cid-2").await;
    let edit = json!({"edit": {"conv": conv, "seq": 202, "content": {"v": 1, "text": "canary-edited-Thud"}}});
    alice.ok(edit).await;
    alice.say(&conv, "canary-unsent-Grault", "cid-3").await;
    alice.ok(json!({"unsend": {"conv": conv, "seq": 203}})).await;
    alice.ok(json!({"dm": {"conv": conv, "private": {"note": "canary-settings-Waldo"}}})).await;
    server.kill();

    let canaries = [
        "canary-private-Zm9vYmFy",
        "canary.mail@example.org",
        "canary-message-Quux1974",
        "canary-many-Xyzzy",
        "canary-replaced-Plugh",
        "canary-edited-Thud",
        "canary-unsent-Grault",
        "canary-settings-Waldo",
        "password of alice",
    ];
    let (search, control) = (Search::new(&canaries), Search::new(&["name-that-is-public"]));
    let mut all = vec![data.log()];
    files(&data.path(), &mut all);
    assert!(all.len() > 3, "{all:?}");
    let mut bytes_read = 0;
    let mut public = false;
    for file in &all {
        let bytes = std::fs::read(file).unwrap();
        bytes_read += bytes.len();
        public |= control.in_bytes(&bytes).is_some();
        assert_eq!(search.in_bytes(&bytes), None, "in {}", file.display());
    }
    // The search does find what is there: names are not sealed.
    assert!(public && bytes_read > 100_000, "{bytes_read} bytes in {all:?}");

    // And all of it comes back for those who may read it.
    let server = data.start();
    let login = json!({"login": {"scheme": "token", "secret": alice.token}});
    let mut wire = Wire::connect(&server).await;
    let account = wire.ok(login).await;
    assert_eq!(account["desc"]["private"]["note"], "canary-private-Zm9vYmFy");
    let history = wire.history(&conv).await;
    assert_eq!(history[0]["content"]["text"], "canary-message-Quux1974");
    assert_eq!(history[201]["content"]["text"], "canary-edited-Thud");
    let view = wire.ok(json!({"get": {"what": "conversation", "conv": conv}})).await;
    assert_eq!(view["conversation"]["private"]["note"], "canary-settings-Waldo");
}

#[tokio::test]
async fn tokens_survive_a_kill_and_ended_sessions_stay_ended() {
    let mut data = Data::new();
    let server = data.start();
    let laptop = Wire::sign_up(&server, "alice").await;
    let mut phone = Wire::log_in(&server, "alice").await;
    let code = {
        phone.ok(json!({"logout": {}})).await;
        phone.closed().await
    };
    assert_eq!(code, Some(4003));
    server.kill();

    let server = data.start();
    let again = Wire::resume(&server, &laptop.token).await;
    assert_eq!(again.id, laptop.id);
    let mut stranger = Wire::connect(&server).await;
    for token in [phone.token.as_str(), "nonsense", ""] {
        let ctrl = stranger.ask(json!({"login": {"scheme": "token", "secret": token}})).await;
        assert_eq!(ctrl["code"], 401, "{ctrl}");
    }
    // A server with other keys does not know the token.
    let mut elsewhere = Data::new();
    let other = elsewhere.start();
    let mut wire = Wire::connect(&other).await;
    let ctrl = wire.ask(json!({"login": {"scheme": "token", "secret": laptop.token}})).await;
    assert_eq!(ctrl["code"], 401, "{ctrl}");
}

#[test]
fn the_search_finds_a_text_in_every_form_and_at_every_place() {
    let text = "canary-of-the-search";
    let search = Search::new(&[text]);
    for place in 0..4 {
        let around = format!("{}{text}{}", "<".repeat(place), ">".repeat(place + 1));
        let utf16 = |bytes: fn(u16) -> [u8; 2]| around.encode_utf16().flat_map(bytes).collect::<Vec<u8>>();
        let hidden = [
            around.clone().into_bytes(),
            around.bytes().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
            around.bytes().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
            STANDARD.encode(&around).into_bytes(),
            STANDARD_NO_PAD.encode(&around).into_bytes(),
            URL_SAFE_NO_PAD.encode(&around).into_bytes(),
        ];
        for (form, bytes) in hidden.iter().enumerate() {
            assert!(search.in_bytes(bytes).is_some(), "form {form} at {place}");
        }
        assert_eq!(search.in_bytes(&around.as_bytes()[..around.len() - place - 2]), None);
    }
}
