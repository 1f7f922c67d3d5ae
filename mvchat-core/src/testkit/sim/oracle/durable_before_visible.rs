//! I12: what was told was committed.

use super::idempotent_retry::text;
use crate::seam::LogEvent;
use crate::testkit::sim::History;
use std::collections::BTreeSet;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let said = |kind: &str| -> BTreeSet<_> {
        let calls = history.calls.iter().filter(|call| call.kind == kind);
        calls.filter_map(|call| Some((call.conv()?, text(&call.body["content"])))).collect()
    };
    let (sent, edited) = (said("send"), said("edit"));
    for push in &history.pushes {
        let (Some(conv), Some(rev)) = (push.conv(), push.rev()) else { continue };
        let log = history.log_of(conv);
        let Some(entry) = log.get(&rev) else {
            broken.push(format!("rev {rev} of {conv} was told and never happened: {}", push.body));
            continue;
        };
        // A view is as new as when it was read, and no notice of the change with that number.
        if push.body["what"] == "conv_added" {
            continue;
        }
        let seq = push.body["seq"].as_u64();
        let same = seq.is_none() || entry.seq.is_none() || entry.seq.map(|seq| seq.0) == seq;
        let from = push.body["from"].as_str();
        let by = from.is_none_or(|from| from == entry.actor.to_string());
        let kind = (push.kind == "data") == (entry.event == LogEvent::Sent);
        if !same || !by || !kind {
            broken.push(format!("rev {rev} of {conv} is {entry:?}, and {} was told", push.body));
        }
        let content = (conv, text(&push.body["content"]));
        // What another node committed is told as it is when it is read, and may have been edited by then.
        let later = || log.values().any(|later| later.event == LogEvent::Edited && later.seq == entry.seq);
        if push.kind == "data" && !sent.contains(&content) && !(edited.contains(&content) && later()) {
            broken.push(format!("nobody sent {}", push.body));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send, user};
    use super::check;
    use crate::seam::LogEvent;
    use serde_json::json;

    #[test]
    fn what_never_happened_is_seen() {
        let told = |from: u128| {
            let data = json!({"conv": CONV, "seq": 1, "rev": 2, "from": user(from), "content": "x"});
            Story::new().up(0, "1", "send", send("a", "x")).down(1, "data", data)
        };
        told(0).log(0, LogEvent::Sent, Some(1)).keeps(check);
        told(0).breaks(check);
        told(1).log(0, LogEvent::Sent, Some(1)).breaks(check);
        told(0).log(0, LogEvent::Sent, Some(2)).breaks(check);
        told(0).log(0, LogEvent::Edited, Some(1)).breaks(check);
    }
}
