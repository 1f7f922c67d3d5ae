//! I15, I11: every request gets one answer, in the order of the requests, and none of them is a defect.

use crate::proto::ConvId;
use crate::testkit::sim::History;
use std::collections::BTreeMap;

/// How long an answer may take at the end of a run, in milliseconds.
const TAKES: u64 = 15_000;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let end = history.records.last().map_or(0, |record| record.at);
    let mut last: BTreeMap<usize, usize> = BTreeMap::new();
    let mut seqs: BTreeMap<(usize, ConvId), u64> = BTreeMap::new();
    for call in &history.calls {
        let name = || format!("{} {} on connection {}", call.kind, call.body, call.link);
        let link = &history.links[call.link];
        if call.answers.len() > 1 {
            broken.push(format!("{} was answered {} times", name(), call.answers.len()));
        }
        let answered = !call.answers.is_empty() || call.kind == "typing" || call.id.is_empty();
        let awaited = link.closed.is_none() && !link.broken && history.records[call.sent].at + TAKES < end;
        if !answered && awaited {
            broken.push(format!("{} was never answered", name()));
        }
        let Some((at, ctrl)) = call.answers.first() else { continue };
        if ctrl["code"] == 500 {
            broken.push(format!("{} met a defect: {ctrl}", name()));
        }
        if last.insert(call.link, *at).is_some_and(|last| last > *at) {
            broken.push(format!("{} was answered before an earlier one", name()));
        }
        if let (true, Some((conv, _)), Some(seq)) =
            (call.kind == "send", call.change(), ctrl["params"]["seq"].as_u64())
            && seqs.insert((call.link, conv), seq).is_some_and(|before| before >= seq)
        {
            broken.push(format!("{} got {seq}, which is not after the one sent before", name()));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send};
    use super::check;
    use crate::testkit::sim::Seen;
    use serde_json::json;

    fn asked() -> Story {
        Story::new().up(0, "1", "send", send("a", "x")).up(0, "2", "send", send("b", "y"))
    }

    #[test]
    fn answers_that_are_missing_doubled_or_out_of_order_are_seen() {
        let sent = |seq: u64| json!({"conv": CONV, "seq": seq, "rev": seq + 1});
        asked().ok(0, "1", sent(1)).ok(0, "2", sent(2)).later(99_000).and(Seen::Healed).keeps(check);
        asked().ok(0, "1", sent(1)).later(99_000).and(Seen::Healed).breaks(check);
        asked()
            .ok(0, "1", sent(1))
            .and(Seen::Closed { link: 0, code: None })
            .later(99_000)
            .and(Seen::Healed)
            .keeps(check);
        asked().ok(0, "1", sent(1)).ok(0, "1", sent(1)).ok(0, "2", sent(2)).breaks(check);
        asked().ok(0, "2", sent(2)).ok(0, "1", sent(1)).breaks(check);
        asked().ok(0, "1", sent(2)).ok(0, "2", sent(1)).breaks(check);
        let defect = json!({"id": "1", "code": 500, "text": "internal"});
        asked().down(0, "ctrl", defect).breaks(check);
    }
}
