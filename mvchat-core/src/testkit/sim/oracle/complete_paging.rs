//! I16: walking through a conversation shows everything once.

use crate::testkit::sim::{History, Seen};
use std::collections::{BTreeMap, BTreeSet};

struct Walk<'a> {
    user: usize,
    conv: &'a str,
    forward: bool,
    began: usize,
    seqs: Vec<u64>,
    done: bool,
}

pub(super) fn check(history: &History) -> Vec<String> {
    let mut walks: BTreeMap<usize, Walk<'_>> = BTreeMap::new();
    let mut began = BTreeMap::new();
    for (at, record) in history.records.iter().enumerate() {
        if let Seen::Walks(walk) = record.seen {
            began.insert(walk, at);
        }
        if let Seen::Walked { user, walk, conv, forward, seqs, done } = &record.seen {
            let (user, forward) = (*user, *forward);
            let began = began.get(walk).copied().unwrap_or(at);
            let fresh = || Walk { user, conv, forward, began, seqs: Vec::new(), done: false };
            let walk = walks.entry(*walk).or_insert_with(fresh);
            walk.seqs.extend(if forward { seqs.iter().rev().copied().collect() } else { seqs.clone() });
            walk.done = *done;
        }
    }
    walks.values().filter(|walk| walk.done).filter_map(|walk| wrong(history, walk)).collect()
}

fn wrong(history: &History, walk: &Walk<'_>) -> Option<String> {
    let mut ordered = walk.seqs.clone();
    ordered.sort_unstable();
    if !walk.forward {
        ordered.reverse();
    }
    ordered.dedup();
    if ordered != walk.seqs {
        return Some(format!("a walk through {} shows {:?}", walk.conv, walk.seqs));
    }
    // What the user hid or cleared may be left out; everything else up to the newest one must be there.
    let shown: BTreeSet<u64> = walk.seqs.iter().copied().collect();
    let newest = shown.last().copied().unwrap_or_default();
    let calls = history.calls.iter().filter(|call| call.user == walk.user && call.body["conv"] == walk.conv);
    let hidden = calls.filter(|call| call.kind == "delete" || call.kind == "clear").collect::<Vec<_>>();
    let may_miss = |seq: u64| {
        hidden.iter().any(|call| match call.kind.as_str() {
            "clear" => call.body["seq"].as_u64().is_some_and(|to| seq <= to),
            _ => call.body["seq"] == seq,
        })
    };
    let missed: Vec<u64> = (1..=newest).filter(|seq| !shown.contains(seq) && !may_miss(*seq)).collect();
    if !missed.is_empty() {
        return Some(format!("a walk through {} from record {} misses {missed:?}", walk.conv, walk.began));
    }
    // It gets to everything that was acknowledged when it began.
    let sends = history.calls.iter().filter(|call| call.kind == "send" && call.body["conv"] == walk.conv);
    let known = sends.filter_map(|call| call.success().filter(|(at, _)| *at < walk.began)?.1["seq"].as_u64());
    let late = known.filter(|seq| *seq > newest && !may_miss(*seq)).min()?;
    Some(format!("a walk through {} ends at {newest}, and {late} was there", walk.conv))
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send};
    use super::check;
    use crate::testkit::sim::Seen;
    use serde_json::json;

    fn walked(pages: &[&[u64]], forward: bool) -> Story {
        let mut story = Story::new();
        for (number, seqs) in pages.iter().enumerate() {
            story.seen(Seen::Walked {
                user: 0,
                walk: 7,
                conv: CONV.to_string(),
                forward,
                seqs: seqs.to_vec(),
                done: number + 1 == pages.len(),
            });
        }
        story
    }

    #[test]
    fn walks_that_miss_or_repeat_are_seen() {
        walked(&[&[5, 4], &[3, 2], &[1]], false).keeps(check);
        walked(&[&[5, 4], &[3], &[1]], false).breaks(check);
        walked(&[&[5, 4], &[4, 3, 2], &[1]], false).breaks(check);
        walked(&[&[5, 4], &[2, 3], &[1]], false).breaks(check);
        walked(&[&[2, 1], &[4, 3]], true).keeps(check);
        walked(&[&[2, 1], &[5, 4]], true).breaks(check);
        let hidden = |story: Story| story.up(0, "1", "delete", json!({"conv": CONV, "seq": 3}));
        hidden(walked(&[&[2, 1], &[5, 4]], true)).keeps(check);
    }

    #[test]
    fn a_walk_that_ends_early_is_seen() {
        let mut story = Story::new()
            .up(1, "1", "send", send("a", "x"))
            .ok(1, "1", json!({"conv": CONV, "seq": 2, "rev": 3}))
            .and(Seen::Walks(7));
        story.seen(Seen::Walked {
            user: 0,
            walk: 7,
            conv: CONV.to_string(),
            forward: true,
            seqs: vec![1],
            done: true,
        });
        story.breaks(check);
    }
}
