//! I4: the same name is the same message, however often and from wherever it is sent.

use crate::proto::ConvId;
use crate::testkit::sim::{Call, History};
use serde_json::Value;
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let mut named: BTreeMap<(usize, ConvId, &str), Vec<&Call>> = BTreeMap::new();
    for call in history.calls.iter().filter(|call| call.kind == "send") {
        if let (Some(conv), Some(cid)) = (call.conv(), call.body["cid"].as_str()) {
            named.entry((call.user, conv, cid)).or_default().push(call);
        }
    }
    for ((user, conv, cid), calls) in named {
        let user = history.user(user);
        let seqs: Vec<u64> = calls
            .iter()
            .filter_map(|call| call.success().and_then(|(_, params)| params["seq"].as_u64()))
            .collect();
        if seqs.windows(2).any(|pair| pair[0] != pair[1]) {
            broken.push(format!("{cid} in {conv} was acknowledged as {seqs:?}"));
        }
        let rows = history.audit.histories.get(&(user, conv)).into_iter().flatten();
        let mine: Vec<_> =
            rows.filter(|(_, row)| row["cid"] == cid && row["from"] == user.to_string()).collect();
        if mine.len() > 1 {
            broken.push(format!("{cid} in {conv} is there {} times", mine.len()));
        }
        let firsts = calls.iter().filter(|call| call.change().is_some()).count();
        if firsts > 1 {
            broken.push(format!("{cid} in {conv} was new {firsts} times"));
        }
        let Some((_, row)) = mine.first() else { continue };
        // What a tombstone was is forgotten, and then any retry answers; so does what was edited since.
        if row["deleted"] == true || row["head"]["edit_count"].is_u64() {
            continue;
        }
        for call in calls.iter().filter(|call| call.success().is_some()) {
            if text(&row["content"]) != text(&call.body["content"]) {
                broken.push(format!("{cid} in {conv} is {}, and {} was accepted", row["content"], call.body));
            }
        }
    }
    broken
}

/// The text of a content, which may be sent bare.
pub(super) fn text(content: &Value) -> &str {
    content.as_str().or(content["text"].as_str()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, row, send};
    use super::check;
    use serde_json::json;

    fn twice(first: u64, second: u64, other: &str) -> Story {
        let replay = |seq| json!({"conv": CONV, "seq": seq, "rev": seq + 1, "replay": true});
        Story::new()
            .up(0, "1", "send", send("a", "x"))
            .ok(0, "1", json!({"conv": CONV, "seq": first, "rev": first + 1}))
            .up(0, "2", "send", send("a", other))
            .ok(0, "2", replay(second))
            .row(row(1, 0, "a", "x"))
    }

    #[test]
    fn a_doubled_message_is_seen() {
        twice(1, 1, "x").keeps(check);
        twice(1, 2, "x").breaks(check);
        twice(1, 1, "x").row(row(2, 0, "a", "x")).breaks(check);
        twice(1, 1, "something else").breaks(check);
        let unsent = json!({"seq": 1, "rev": 9, "from": super::super::story::user(0), "cid": "a", "deleted": true,
            "ts": "2025-01-01T00:00:00.000000Z"});
        twice(1, 1, "something else").row(unsent).keeps(check);
    }
}
