//! I1: what was acknowledged is there, whatever happened afterwards.

use crate::proto::Seq;
use crate::seam::LogEvent;
use crate::testkit::sim::History;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    for call in &history.calls {
        let Some((_, params)) = call.success() else { continue };
        let user = history.user(call.user);
        if let Some((conv, rev)) = call.change() {
            let known = history.log_of(conv).get(&rev).is_some_and(|entry| entry.actor == user);
            if !known {
                broken.push(format!("{} {} was acknowledged as rev {rev} of {conv}", call.kind, call.body));
            }
        }
        if call.kind == "send"
            && let (Some(conv), Some(seq)) = (call.conv(), params["seq"].as_u64())
        {
            let row = history.messages_of(conv).and_then(|rows| rows.get(&seq));
            // What everybody has hidden is still in the log.
            let there = row.is_none_or(|row| row["from"] == user.to_string())
                && history.audit.log.iter().any(|entry| {
                    entry.conv == conv && entry.event == LogEvent::Sent && entry.seq == Some(Seq(seq))
                });
            // Only its sender reads the cid, and nobody that of a tombstone or of what they have hidden.
            let own = history.audit.histories.get(&(user, conv)).and_then(|rows| rows.get(&seq));
            let cid_kept = own.is_none_or(|row| row["deleted"] == true || row["cid"] == call.body["cid"]);
            if !there || !cid_kept {
                broken
                    .push(format!("send {} was acknowledged as seq {seq}, and there is {row:?}", call.body));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, row, send};
    use super::check;
    use crate::seam::LogEvent;
    use serde_json::json;

    fn acked() -> Story {
        Story::new().up(0, "1", "send", send("a", "hello")).ok(
            0,
            "1",
            json!({"conv": CONV, "seq": 1, "rev": 2}),
        )
    }

    #[test]
    fn a_lost_message_is_seen() {
        acked().log(0, LogEvent::Sent, Some(1)).row(row(1, 0, "a", "hello")).keeps(check);
        acked().breaks(check);
        acked().log(0, LogEvent::Sent, Some(1)).row(row(1, 1, "a", "hello")).breaks(check);
        acked().log(1, LogEvent::Sent, Some(1)).row(row(1, 0, "a", "hello")).breaks(check);
        acked().log(0, LogEvent::Sent, Some(1)).row(row(1, 0, "b", "hello")).breaks(check);
    }
}
