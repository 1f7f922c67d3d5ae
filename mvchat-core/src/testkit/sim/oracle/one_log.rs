//! I2: one log for each conversation: numbers without gaps, in real-time order, and times that never go back.

use crate::proto::ConvId;
use crate::seam::LogEvent;
use crate::testkit::sim::{Call, History};
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    for conv in history.conversations() {
        let entries: Vec<_> = history.audit.log.iter().filter(|entry| entry.conv == conv).collect();
        for (number, entry) in entries.iter().enumerate() {
            if entry.rev.0 != number as u64 {
                broken.push(format!("rev {} of {conv} stands at place {number} of the log", entry.rev));
            }
        }
        let sent: Vec<u64> = entries
            .iter()
            .filter(|entry| entry.event == LogEvent::Sent)
            .filter_map(|entry| entry.seq.map(|seq| seq.0))
            .collect();
        if !sent.iter().copied().eq(1..=sent.len() as u64) {
            broken.push(format!("the messages of {conv} have the numbers {sent:?}"));
        }
        let rows = history.messages_of(conv).into_iter().flatten();
        let times: Vec<_> = rows.map(|(seq, row)| (row["ts"].as_str().unwrap_or_default(), *seq)).collect();
        for pair in times.windows(2).filter(|pair| pair[0].0 > pair[1].0) {
            broken.push(format!("the times of {conv} go back: {pair:?}"));
        }
        real_time_order(history, conv, &mut broken);
    }
    broken
}

/// What was acknowledged before another was sent has the lower number.
fn real_time_order(history: &History, conv: ConvId, broken: &mut Vec<String>) {
    let sent = |call: &&Call| call.kind == "send" && call.conv() == Some(conv) && call.change().is_some();
    let sends: Vec<&Call> = history.calls.iter().filter(sent).collect();
    let seq = |call: &Call| call.success().and_then(|(_, params)| params["seq"].as_u64()).unwrap_or_default();
    let mut acks: Vec<_> = sends.iter().filter_map(|call| Some((call.success()?.0, seq(call)))).collect();
    acks.sort_unstable();
    let mut highest = 0;
    let mut acks = acks.into_iter().peekable();
    // By name, when it was first sent.
    let mut named = BTreeMap::new();
    for call in history.calls.iter().filter(|call| call.kind == "send" && call.conv() == Some(conv)) {
        named.entry((call.user, call.body["cid"].as_str())).or_insert(call.sent);
    }
    for call in sends {
        while let Some((_, acked)) = acks.next_if(|(at, _)| *at < call.sent) {
            highest = highest.max(acked);
        }
        // A retry of what was stored without an answer has its number from then.
        let first = named.get(&(call.user, call.body["cid"].as_str()));
        if seq(call) <= highest && first == Some(&call.sent) {
            broken.push(format!("{} got seq {} after {highest} was acknowledged", call.body, seq(call)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, row, send};
    use super::check;
    use crate::seam::LogEvent;
    use serde_json::json;

    #[test]
    fn gaps_and_wrong_orders_are_seen() {
        let story = || Story::new().log(0, LogEvent::Sent, Some(1));
        story().log(0, LogEvent::Sent, Some(2)).keeps(check);
        story().log(0, LogEvent::Sent, Some(3)).breaks(check);
        story().log(0, LogEvent::Sent, Some(1)).breaks(check);
        let mut doubled = story();
        let again = doubled.audit.log[2].clone();
        doubled.audit.log.push(again);
        doubled.breaks(check);
        let mut late = row(1, 0, "a", "x");
        late["ts"] = "2025-01-02T00:00:00.000000Z".into();
        story().row(late).row(row(2, 0, "b", "y")).breaks(check);
        let turned = |first: u64, second: u64| {
            Story::new()
                .up(0, "1", "send", send("a", "x"))
                .ok(0, "1", json!({"conv": CONV, "seq": first, "rev": first + 1}))
                .up(1, "1", "send", send("b", "y"))
                .ok(1, "1", json!({"conv": CONV, "seq": second, "rev": second + 1}))
        };
        turned(1, 2).keeps(check);
        turned(2, 1).breaks(check);
    }
}
