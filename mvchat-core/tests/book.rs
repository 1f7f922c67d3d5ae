//! The book's frames: each is a frame of this protocol, and says exactly what the protocol's types say.

use std::{
    fs,
    path::{Path, PathBuf},
};

use mvchat_core::proto::{
    Ctrl, Envelope, LoginBody, MessageItem, ReadyParams, ServerMsg, TicketParams, VersionParams,
};
use mvchat_core::wire;
use serde_json::Value;

/// Returns the texts of a folder of the book: the name of the file, and what is in it.
fn texts(folder: &str) -> Vec<(String, String)> {
    let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "book", folder].iter().collect();
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| (name(path), fs::read_to_string(path).unwrap_or_default().trim().to_owned()))
        .collect()
}

fn name(path: &Path) -> String {
    path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Reads a frame as what it is and writes it again.
fn again(frame: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(frame).map_err(|error| error.to_string())?;
    let has = |key: &str| value.get(key).is_some();
    let written = if ["ctrl", "data", "info", "pres"].into_iter().any(has) {
        let message: ServerMsg = serde_json::from_str(frame).map_err(|error| error.to_string())?;
        serde_json::to_value(message)
    } else if has("seq") {
        let item: MessageItem = serde_json::from_str(frame).map_err(|error| error.to_string())?;
        serde_json::to_value(item)
    } else {
        let envelope = Envelope::decode(frame.as_bytes()).map_err(|bad| bad.error.to_string())?;
        serde_json::to_value(envelope.request).map(|mut request| {
            if let (Some(id), Some(fields)) = (envelope.id, request.as_object_mut()) {
                fields.insert("id".to_owned(), id.into());
            }
            request
        })
    };
    written.map_err(|error| error.to_string())
}

#[test]
fn every_frame_of_the_book_is_a_frame_of_the_protocol() {
    let frames = texts("frames");
    assert!(!frames.is_empty());
    for (name, frame) in frames {
        let value: Value = serde_json::from_str(&frame).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(again(&frame).as_ref(), Ok(&value), "{name}");
    }
}

/// Reads a body as what it is and writes it again.
fn body_again(name: &str, body: &str) -> Option<String> {
    Some(match name {
        "login" => wire::write(&wire::read::<LoginBody>(body).ok()?),
        "ready" => wire::write(&wire::read::<ReadyParams>(body).ok()?),
        "refusal" => wire::write(&wire::read::<Ctrl>(body).ok()?),
        "ticket" => wire::write(&wire::read::<TicketParams>(body).ok()?),
        "version" => wire::write(&wire::read::<VersionParams>(body).ok()?),
        _ => return None,
    })
}

#[test]
fn the_bodies_of_the_book_are_those_of_the_code() {
    let bodies = texts("bodies");
    assert_eq!(bodies.len(), 5);
    for (name, body) in bodies {
        let value: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = body_again(&name, &body).unwrap_or_else(|| panic!("{name} is nothing of this server"));
        assert_eq!(serde_json::from_str::<Value>(&again).unwrap(), value, "{name}");
    }
    assert_eq!(body_again("version", r#"{"build":"1"}"#), None);
}

#[test]
fn a_frame_that_the_protocol_does_not_know_is_found() {
    for bad in [
        r#"{"id":"1","hello":{}}"#,
        r#"{"ctrl":{"code":"200"}}"#,
        r#"{"pres":{"user":"x","what":"on"}}"#,
        r#"{"id":"1","typing":{"conv":5}}"#,
    ] {
        assert!(again(bad).is_err(), "{bad}");
    }
    let unknown = r#"{"id":"1","typing":{"conv":"x","how":"fast"}}"#;
    assert_ne!(again(unknown), serde_json::from_str(unknown).map_err(|error| error.to_string()));
}
