//! I6: who may change a message, how often and how long, and that nothing remains of what was taken back.

use super::non_interference::canaries;
use crate::proto::{ConvId, Limits};
use crate::seam::{LogEntry, LogEvent};
use crate::testkit::sim::Sightings;
use crate::testkit::sim::{Call, History};
use crate::time::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let sightings = Sightings::new(history);
    let limits = Limits::default();
    for conv in history.conversations() {
        let mut of_message: BTreeMap<u64, Vec<&LogEntry>> = BTreeMap::new();
        for entry in history.log_of(conv).values() {
            if let Some(seq) = entry.seq {
                of_message.entry(seq.0).or_default().push(entry);
            }
        }
        for (seq, entries) in of_message {
            broken.extend(wrong(&entries, &limits).map(|why| format!("message {seq} of {conv} {why}")));
            let row = history.messages_of(conv).and_then(|rows| rows.get(&seq));
            let edits = entries.iter().filter(|entry| entry.event == LogEvent::Edited).count();
            let counted = row.filter(|row| row["deleted"] != true);
            let counted = counted.map(|row| row["head"]["edit_count"].as_u64().unwrap_or_default());
            if counted.is_some_and(|counted| counted != edits as u64) {
                broken.push(format!("message {seq} of {conv} was edited {edits} times and says {counted:?}"));
            }
            if let Some(grave) = entries.iter().find(|entry| buries(entry)) {
                if row.is_some_and(|row| row["deleted"] != true || !row["content"].is_null()) {
                    broken.push(format!("message {seq} of {conv} was taken back and is {row:?}"));
                }
                let since = sightings.first(conv, grave.rev.0);
                broken.extend(remains(history, conv, seq, since));
            }
        }
    }
    broken
}

fn buries(entry: &LogEntry) -> bool {
    matches!(entry.event, LogEvent::Unsent | LogEvent::Deleted)
}

/// Finds changes of one message that were not allowed.
fn wrong(entries: &[&LogEntry], limits: &Limits) -> Option<String> {
    let sent = entries.first().filter(|entry| entry.event == LogEvent::Sent)?;
    let within = |at: Timestamp, window: u64| at.since(sent.at) <= Duration::from_secs(window);
    let mut edits = 0;
    let mut buried = false;
    for entry in &entries[1..] {
        let own = entry.actor == sent.actor;
        match entry.event {
            LogEvent::Edited => {
                edits += 1;
                if buried || !own || !within(entry.at, limits.edit_window) || edits > limits.max_edit_count {
                    return Some(format!("was edited by {entry:?}, edit number {edits}"));
                }
            }
            LogEvent::Unsent if buried || !own || !within(entry.at, limits.unsend_window) => {
                return Some(format!("was taken back by {entry:?}"));
            }
            LogEvent::Reacted { .. } if buried => return Some(format!("is gone, and then {entry:?}")),
            _ => {}
        }
        buried |= buries(entry);
    }
    None
}

/// Finds what was said in a message in answers to requests that came after it was known to be gone.
fn remains(history: &History, conv: ConvId, seq: u64, since: Option<usize>) -> Vec<String> {
    let Some(since) = since else { return Vec::new() };
    let about = |call: &&Call| match call.kind.as_str() {
        "send" => call.success().is_some_and(|(_, params)| params["seq"] == seq),
        "edit" => call.success().is_some() && call.body["seq"] == seq,
        _ => false,
    };
    let said: Vec<String> = history
        .calls
        .iter()
        .filter(|call| call.conv() == Some(conv))
        .filter(about)
        .flat_map(|call| canaries(&call.body["content"].to_string()).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let mut broken = Vec::new();
    for call in history.calls.iter().filter(|call| call.sent > since) {
        let Some((_, ctrl)) = call.answers.first() else { continue };
        let text = ctrl.to_string();
        if let Some(canary) = said.iter().find(|canary| text.contains(canary.as_str())) {
            broken.push(format!("{canary} was taken back and is in the answer to {}", call.body));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, row, send, user};
    use super::check;
    use crate::seam::LogEvent;
    use serde_json::{Value, json};
    use std::time::Duration;

    fn grave() -> Value {
        json!({"seq": 1, "rev": 9, "from": user(0), "deleted": true, "ts": "2025-01-01T00:00:00.000000Z"})
    }

    fn edited(times: u32) -> Story {
        let mut text = row(1, 0, "a", "x");
        text["head"] = json!({"edit_count": times});
        let story = Story::new().log(0, LogEvent::Sent, Some(1)).row(text);
        (0..times).fold(story, |story, _| story.log(0, LogEvent::Edited, Some(1)))
    }

    #[test]
    fn edits_too_many_too_late_or_by_others_are_seen() {
        edited(10).keeps(check);
        edited(11).breaks(check);
        edited(1).log(1, LogEvent::Edited, Some(1)).breaks(check);
        let mut late = edited(1);
        late.audit.log[3].at = late.audit.log[2].at + Duration::from_secs(15 * 60 + 1);
        late.breaks(check);
        let mut miscounted = edited(1);
        miscounted.audit.log.pop();
        miscounted.breaks(check);
    }

    #[test]
    fn what_remains_of_a_message_is_seen() {
        let story = |text: &str, last: Value| {
            Story::new()
                .up(0, "1", "send", send("a", "hello canary-0-0011."))
                .ok(0, "1", json!({"conv": CONV, "seq": 1, "rev": 2}))
                .log(0, LogEvent::Sent, Some(1))
                .log(0, LogEvent::Unsent, Some(1))
                .down(1, "info", json!({"what": "unsend", "conv": CONV, "rev": 3, "seq": 1}))
                .up(1, "1", "get", json!({"what": "messages", "conv": CONV}))
                .ok(1, "1", json!({"messages": [{"head": {"reply": {"preview": text}}}]}))
                .row(last)
        };
        story("nothing", grave()).keeps(check);
        story("hello canary-0-0011.", grave()).breaks(check);
        story("nothing", row(1, 0, "a", "hello")).breaks(check);
        story("nothing", grave()).log(0, LogEvent::Edited, Some(1)).breaks(check);
    }
}
