//! Compares what was recorded with what was heard.

use super::additions;
use super::names::{Names, is_seq};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// One difference.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Which frame, and which field in it: `ctrl.params.user`, `info read`.
    pub(crate) at: String,
    /// What was recorded; absent when only this server says it.
    pub(crate) recorded: Option<Value>,
    /// What this server says, with placeholders for ids; absent when it does not.
    pub(crate) ours: Option<Value>,
}

/// Compares one client's frames; additions that are allowed go into `added`.
pub(crate) fn frames(
    names: &mut Names,
    recorded: &[Value],
    ours: &[Value],
    added: &mut Vec<String>,
) -> Vec<Found> {
    let mut compare = Compare { names, added, found: Vec::new() };
    for pair in align(recorded, ours) {
        compare.frame(pair);
    }
    compare.found
}

/// Names a frame's kind.
pub(crate) fn kind(frame: &Value) -> String {
    let key = frame.as_object().and_then(|fields| fields.keys().next()).map_or("", String::as_str);
    match frame[key]["what"].as_str() {
        Some(what) => format!("{key} {what}"),
        None => key.to_owned(),
    }
}

type Pair<'a> = (Option<&'a Value>, Option<&'a Value>);

/// Puts frames of the same kind side by side, as many as possible without changing an order.
fn align<'a>(recorded: &'a [Value], ours: &'a [Value]) -> Vec<Pair<'a>> {
    let mut longest = vec![vec![0_usize; ours.len() + 1]; recorded.len() + 1];
    for (i, left) in recorded.iter().enumerate().rev() {
        for (j, right) in ours.iter().enumerate().rev() {
            longest[i][j] = if kind(left) == kind(right) {
                longest[i + 1][j + 1] + 1
            } else {
                longest[i + 1][j].max(longest[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < recorded.len() || j < ours.len() {
        let both = i < recorded.len() && j < ours.len();
        if both && kind(&recorded[i]) == kind(&ours[j]) {
            pairs.push((Some(&recorded[i]), Some(&ours[j])));
            (i, j) = (i + 1, j + 1);
        } else if j == ours.len() || (both && longest[i + 1][j] >= longest[i][j + 1]) {
            pairs.push((Some(&recorded[i]), None));
            i += 1;
        } else {
            pairs.push((None, Some(&ours[j])));
            j += 1;
        }
    }
    pairs
}

struct Compare<'a> {
    names: &'a mut Names,
    added: &'a mut Vec<String>,
    found: Vec<Found>,
}

impl Compare<'_> {
    fn frame(&mut self, pair: Pair<'_>) {
        match pair {
            (Some(recorded), Some(ours)) => {
                let kind = kind(recorded);
                let key = kind.split(' ').next().unwrap_or_default().to_owned();
                let (recorded, ours) = (&recorded[&key], &ours[&key]);
                let failed = |ctrl: &Value| ctrl["code"].as_u64().is_some_and(|code| code >= 300);
                if recorded["code"] != ours["code"] && (failed(recorded) || failed(ours)) {
                    let id = |ctrl: &Value| ctrl.get("id").cloned();
                    if id(recorded) != id(ours) {
                        self.differ("ctrl.id", id(recorded).as_ref(), id(ours).as_ref());
                    }
                    self.differ("ctrl", Some(recorded), Some(ours));
                } else {
                    self.value(&kind, recorded, ours);
                }
            }
            (None, Some(ours)) if additions::allowed(&kind(ours)) => self.added.push(kind(ours)),
            (recorded, ours) => {
                let at = recorded.or(ours).map(kind).unwrap_or_default();
                self.differ(&at, recorded, ours);
            }
        }
    }

    fn value(&mut self, at: &str, recorded: &Value, ours: &Value) {
        let key = at.rsplit('.').next().unwrap_or_default();
        if key == "content" {
            return self.content(at, recorded, ours);
        }
        match (recorded, ours) {
            (Value::Object(left), Value::Object(right)) => self.object(at, left, right),
            (Value::Array(left), Value::Array(right)) => self.list(at, key, left, right),
            (Value::String(left), Value::String(right)) if self.names.meets(left, right) => {}
            (Value::Number(left), Value::Number(_)) if is_seq(key) => {
                let mapped = Value::from(self.names.seq(left.as_i64().unwrap_or_default()));
                if mapped != *ours {
                    self.differ(at, Some(recorded), Some(ours));
                }
            }
            _ if recorded == ours => {}
            _ => self.differ(at, Some(recorded), Some(ours)),
        }
    }

    fn object(&mut self, at: &str, recorded: &Map<String, Value>, ours: &Map<String, Value>) {
        for (key, value) in recorded {
            let at = format!("{at}.{key}");
            match ours.get(key) {
                Some(ours) => self.value(&at, value, ours),
                None => self.differ(&at, Some(value), None),
            }
        }
        for (key, value) in ours.iter().filter(|(key, _)| !recorded.contains_key(*key)) {
            let at = format!("{at}.{key}");
            if additions::allowed(&at) {
                self.added.push(at);
            } else if let ("params", Value::Object(params)) = (key.as_str(), value) {
                // Parameters where the original had none are an addition each.
                self.object(&at, &Map::new(), params);
            } else {
                self.differ(&at, None, Some(value));
            }
        }
    }

    fn list(&mut self, at: &str, key: &str, recorded: &[Value], ours: &[Value]) {
        let at = format!("{at}[]");
        let names = &*self.names;
        let mut recorded: Vec<_> = recorded.iter().filter(|item| !names.is_refused(&item["seq"])).collect();
        let mut ours: Vec<_> = ours.iter().collect();
        // The original gives these in the order of its database's rows: as sets.
        let sets = ["users", "members", "receipts", "contacts"];
        if sets.contains(&key) || recorded.len() != ours.len() {
            let same = |left: &Value, right: &Value| {
                let seq =
                    left.get("id").or(left.get("user")).is_none().then(|| left["seq"].as_i64()).flatten();
                match seq {
                    Some(seq) => right["seq"] == self.names.seq(seq),
                    None => self.names.request(&identity(left)) == identity(right),
                }
            };
            let (mut left, mut right) = (Vec::new(), Vec::new());
            for item in std::mem::take(&mut recorded) {
                match ours.iter().position(|ours| same(item, ours)) {
                    Some(at) => {
                        left.push(item);
                        right.push(ours.remove(at));
                    }
                    None => {
                        self.found.push(Found { at: at.clone(), recorded: Some(item.clone()), ours: None })
                    }
                }
            }
            for item in ours {
                self.found.push(Found { at: at.clone(), recorded: None, ours: Some(item.clone()) });
            }
            (recorded, ours) = (left, right);
        }
        for (left, right) in recorded.into_iter().zip(ours) {
            self.value(&at, left, right);
        }
    }

    /// Content comes back as it was sent. What was sent in place of something stands for it.
    fn content(&mut self, at: &str, recorded: &Value, ours: &Value) {
        let expected = self.names.content(recorded);
        let named = self.names.recorded(ours);
        if expected != named {
            self.differ(at, Some(&inline(self.names, recorded).unwrap_or(expected)), Some(ours));
        }
    }

    fn differ(&mut self, at: &str, recorded: Option<&Value>, ours: Option<&Value>) {
        let ours = ours.map(|ours| self.names.recorded(ours));
        self.found.push(Found { at: at.to_owned(), recorded: recorded.cloned(), ours });
    }
}

/// What tells the items of a list apart.
fn identity(item: &Value) -> String {
    ["id", "user"].iter().find_map(|key| item.get(*key)).unwrap_or(item).to_string()
}

/// Reads content that was recorded as base64 of its JSON.
fn inline(names: &Names, recorded: &Value) -> Option<Value> {
    let text = STANDARD.decode(recorded.as_str()?).ok()?;
    let content: Value = serde_json::from_slice(&text).ok()?;
    Some(serde_json::json!({ "base64": names.content(&content) }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Returns the places of what differs.
    fn places(recorded: &[Value], ours: &[Value]) -> Vec<String> {
        let found = frames(&mut Names::default(), recorded, ours, &mut Vec::new());
        found.into_iter().map(|found| found.at).collect()
    }

    #[test]
    fn every_kind_of_difference_is_found() {
        let read = |seq: u64| json!({"info": {"what": "read", "seq": seq, "ts": "<ts>"}});
        let ts = "2026-01-08T00:00:00.000000Z";
        let ours = |seq: u64| json!({"info": {"what": "read", "seq": seq, "ts": ts}});
        assert_eq!(places(&[read(1)], &[ours(1)]), [""; 0]);
        assert_eq!(places(&[read(1)], &[ours(2)]), ["info read.seq"]);
        assert_eq!(places(&[read(1), read(2)], &[ours(1)]), ["info read"]);
        assert_eq!(places(&[read(1)], &[ours(1), ours(1)]), ["info read"]);
        let short = json!({"info": {"what": "read", "seq": 1, "ts": "2026-01-08T00:00:00Z"}});
        assert_eq!(places(&[read(1)], &[short]), ["info read.ts"]);
        let recv = json!({"info": {"what": "recv", "seq": 1, "ts": ts}});
        assert_eq!(places(&[read(1)], &[recv]), ["info read", "info recv"]);
    }

    #[test]
    fn keys_and_codes_count() {
        let recorded = json!({"ctrl": {"code": 200, "text": "ok", "params": {"seq": 1}}});
        let ctrl = |ctrl: Value| json!({ "ctrl": ctrl });
        let with = |params: Value| ctrl(json!({"code": 200, "text": "ok", "params": params}));
        let differs = |ours: Value| places(std::slice::from_ref(&recorded), &[ours]);
        assert_eq!(differs(with(json!({"seq": 1, "rev": 7}))), [""; 0], "an addition");
        assert_eq!(differs(with(json!({"seq": 1, "new": 7}))), ["ctrl.params.new"]);
        assert_eq!(differs(with(json!({}))), ["ctrl.params.seq"]);
        assert_eq!(differs(ctrl(json!({"code": 201, "text": "ok", "params": {"seq": 1}}))), ["ctrl.code"]);
        assert_eq!(differs(ctrl(json!({"code": 403, "text": "no"}))), ["ctrl"]);
    }

    #[test]
    fn an_id_stands_for_one_placeholder() {
        let mut names = Names::default();
        let (one, two) = ("019b9ae7-33d0-7668-84c6-4af388c2fcba", "019b9ae7-33d0-7668-84c6-4af388c2fcbb");
        assert!(names.meets("<uuid-1>", one) && names.meets("<uuid-1>", one));
        assert!(!names.meets("<uuid-1>", two) && !names.meets("<uuid-2>", one));
        assert!(!names.meets("<uuid-2>", &two.to_uppercase()) && names.meets("<uuid-2>", two));
    }
}
