//! Placeholders of the recordings and what stands there here.

use mvchat_core::time::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Maps ids by where they first appear, and message numbers by what was refused before them.
#[derive(Default)]
pub(crate) struct Names {
    ids: BTreeMap<String, String>,
    /// Messages that the original took and this server refused: those that follow have lower numbers. Only one
    /// conversation of each recording has such messages.
    refused: BTreeSet<i64>,
    /// What was sent in place of content that was refused.
    replaced: Vec<(Value, Value)>,
}

/// The keys whose numbers are message numbers.
const SEQS: [&str; 10] = [
    "seq",
    "lastSeq",
    "readSeq",
    "recvSeq",
    "clearSeq",
    "pinnedSeq",
    "reply_to",
    "replyTo",
    "before",
    "after",
];

impl Names {
    /// Notes what a placeholder stands for.
    pub(crate) fn set(&mut self, placeholder: &str, id: &str) {
        self.ids.insert(placeholder.to_owned(), id.to_owned());
    }

    pub(crate) fn refuse(&mut self, seq: i64) {
        self.refused.insert(seq);
    }

    pub(crate) fn is_refused(&self, seq: &Value) -> bool {
        seq.as_i64().is_some_and(|seq| self.refused.contains(&seq))
    }

    pub(crate) fn forget_messages(&mut self) {
        self.refused.clear();
        self.replaced.clear();
    }

    pub(crate) fn replace(&mut self, recorded: Value, sent: Value) {
        self.replaced.push((recorded, sent));
    }

    /// Returns the content that a recorded content stands for.
    pub(crate) fn content(&self, recorded: &Value) -> Value {
        let replaced = self.replaced.iter().rev().find(|(content, _)| content == recorded);
        replaced.map_or(recorded, |(_, sent)| sent).clone()
    }

    /// Returns the number that a recorded message number stands for.
    pub(crate) fn seq(&self, recorded: i64) -> i64 {
        recorded - i64::try_from(self.refused.range(..=recorded).count()).unwrap()
    }

    /// Turns a recorded request into one for this server.
    pub(crate) fn request(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (placeholder, id) in &self.ids {
            let upper = placeholder.replace("uuid", "UUID");
            let bare = placeholder.replace("uuid", "hex");
            text = text.replace(placeholder, id);
            text = text.replace(&upper, &id.to_uppercase()).replace(&bare, &id.replace('-', ""));
        }
        if let Some((before, after)) = text.split_once("<fill-") {
            let (length, after) = after.split_once('>').unwrap();
            let missing = length.parse::<usize>().unwrap() - before.len() - after.len();
            return format!("{before}{}{after}", "a".repeat(missing));
        }
        let Ok(recorded) = serde_json::from_str::<Value>(&text) else { return text };
        let mut mapped = recorded.clone();
        self.map_seqs(&mut mapped);
        if mapped == recorded { text } else { mapped.to_string() }
    }

    fn map_seqs(&self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value.as_i64() {
                        Some(seq) if is_seq(key) => *value = self.seq(seq).into(),
                        _ => self.map_seqs(value),
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.map_seqs(item)),
            _ => {}
        }
    }

    /// Returns whether a text is what a recorded text stands for; an id that is new is noted.
    pub(crate) fn meets(&mut self, recorded: &str, ours: &str) -> bool {
        match recorded {
            "<ts>" | "<ts-offset>" => is_time(ours),
            "<jwt>" => is_token(ours),
            "<code10>" => is_code(ours),
            _ if recorded.starts_with("<uuid-") => match self.ids.get(recorded) {
                Some(known) => known == ours,
                None => {
                    let new = is_id(ours) && !self.ids.values().any(|known| known == ours);
                    if new {
                        self.set(recorded, ours);
                    }
                    new
                }
            },
            _ => recorded == ours,
        }
    }

    /// Writes placeholders for the ids that are known.
    pub(crate) fn recorded(&self, ours: &Value) -> Value {
        let mut text = ours.to_string();
        for (placeholder, id) in &self.ids {
            text = text.replace(id.as_str(), placeholder);
        }
        serde_json::from_str(&text).unwrap()
    }
}

pub(crate) fn is_seq(key: &str) -> bool {
    SEQS.contains(&key)
}

/// Times are RFC 3339 in UTC with six digits: the same instant always prints the same.
pub(crate) fn is_time(text: &str) -> bool {
    serde_json::from_value::<Timestamp>(text.into()).is_ok_and(|at| at.to_string() == text)
}

pub(crate) fn is_token(text: &str) -> bool {
    // A version has three parts, too, and so has a path in a message's content.
    text.len() > 64 && text.split('.').filter(|part| !part.is_empty()).count() == 3
}

pub(crate) fn is_code(text: &str) -> bool {
    text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

pub(crate) fn is_id(text: &str) -> bool {
    text.len() == 36 && uuid::Uuid::try_parse(text).is_ok_and(|id| id.to_string() == text)
}
