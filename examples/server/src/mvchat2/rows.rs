//! The rows of mvChat2, as far as they are read. Columns came and went with its versions, so every one but the keys may
//! be missing.

use std::collections::BTreeMap;

use mvchat_core::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use uuid::Uuid;

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) state: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) public: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "time")]
    pub(super) last_seen: Option<Timestamp>,
    #[serde(default)]
    pub(super) must_change_password: Option<bool>,
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) lang: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Auth {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    #[serde(default)]
    pub(super) scheme: Option<String>,
    #[serde(default)]
    pub(super) secret: Option<String>,
    #[serde(default)]
    pub(super) uname: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(super) expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(super) struct Contact {
    pub(super) owner: Uuid,
    pub(super) other: Uuid,
    #[serde(default)]
    pub(super) source: Option<String>,
    #[serde(default)]
    pub(super) nickname: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    pub(super) there: bool,
    pub(super) back: bool,
}

#[derive(Deserialize)]
pub(super) struct Invite {
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) inviter_id: Option<Uuid>,
    #[serde(default)]
    pub(super) code: Option<String>,
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) invitee_name: Option<String>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(super) used_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) used_by: Option<Uuid>,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default, deserialize_with = "time")]
    pub(super) expires_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(super) struct File {
    pub(super) id: Uuid,
    #[serde(default)]
    pub(super) uploader_id: Option<Uuid>,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) mime_type: Option<String>,
    #[serde(default)]
    pub(super) size: Option<i64>,
    #[serde(default)]
    pub(super) original_name: Option<String>,
    #[serde(default)]
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) hash: Option<String>,
    #[serde(default)]
    pub(super) status: Option<String>,
    #[serde(default, deserialize_with = "time")]
    pub(super) deleted_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) more: Option<FileMetadata>,
    pub(super) thumbnail: bool,
}

/// What was found out of a file's bytes; whatever of it can't be read is left out.
#[derive(Default, Deserialize)]
pub(super) struct FileMetadata {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) width: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) height: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) duration: Option<f64>,
}

#[derive(Deserialize)]
pub(super) struct Room {
    pub(super) id: Uuid,
    #[serde(rename = "type", default)]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) owner_id: Option<Uuid>,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) public: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) disappearing_ttl: Option<i64>,
    #[serde(default)]
    pub(super) no_screenshots: Option<bool>,
    #[serde(default, deserialize_with = "time")]
    pub(super) pinned_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) pinned_by: Option<Uuid>,
    #[serde(default)]
    pub(super) pinned_seq: Option<u64>,
    #[serde(default, deserialize_with = "time")]
    pub(super) newest_at: Option<Timestamp>,
}

#[derive(Deserialize)]
pub(super) struct Member {
    pub(super) user_id: Uuid,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) role: Option<String>,
    #[serde(default)]
    pub(super) read_seq: Option<i64>,
    #[serde(default)]
    pub(super) recv_seq: Option<i64>,
    #[serde(default)]
    pub(super) clear_seq: Option<i64>,
    #[serde(default)]
    pub(super) favorite: Option<bool>,
    #[serde(default)]
    pub(super) muted: Option<bool>,
    #[serde(default)]
    pub(super) blocked: Option<bool>,
    #[serde(default)]
    pub(super) private: Option<Box<RawValue>>,
    #[serde(default, deserialize_with = "time")]
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) hides: bool,
}

#[derive(Deserialize)]
pub(super) struct Message {
    pub(super) id: Uuid,
    pub(super) seq: u64,
    #[serde(default)]
    pub(super) from_user_id: Option<Uuid>,
    #[serde(default, deserialize_with = "time")]
    pub(super) created_at: Option<Timestamp>,
    /// In hex, after `\x`.
    #[serde(default)]
    pub(super) content: Option<String>,
    #[serde(default)]
    pub(super) head: Option<Head>,
    #[serde(default, deserialize_with = "time")]
    pub(super) deleted_at: Option<Timestamp>,
    #[serde(default)]
    pub(super) view_once: Option<bool>,
    #[serde(default)]
    pub(super) view_once_ttl: Option<u32>,
}

/// What the server keeps beside the content; whatever of it can't be read is left out.
#[derive(Default, Deserialize)]
pub(super) struct Head {
    #[serde(default, deserialize_with = "lenient")]
    pub(super) reply_to: Option<u64>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) view_once: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) view_once_ttl: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) edit_count: Option<u32>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) edited_at: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) unsent: Option<bool>,
    #[serde(default, deserialize_with = "lenient")]
    pub(super) reactions: Option<BTreeMap<String, Vec<Uuid>>>,
}

/// A message that somebody does not see, or not for long.
#[derive(Deserialize)]
pub(super) struct Sight {
    pub(super) conv: Uuid,
    pub(super) user_id: Uuid,
    pub(super) seq: u64,
    #[serde(default, deserialize_with = "time")]
    pub(super) at: Option<Timestamp>,
}

/// Reads a time as the database writes it.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    // A column without a zone holds UTC.
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}Z")))
}

fn time<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(Option::<String>::deserialize(input)?.as_deref().and_then(timestamp))
}

fn lenient<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    input: D,
) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(input)?;
    Ok(serde_json::from_value(value).ok())
}
