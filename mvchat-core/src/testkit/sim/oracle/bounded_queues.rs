//! I8, I10: what waits for a slow reader is bounded.

use crate::proto::ConvId;
use crate::testkit::sim::{History, Push, Seen};
use std::collections::BTreeMap;

/// The outbox, and the frames that the connection itself holds, each as large as a simulated message can be.
const MAX_WAITING: usize = 256 * 1024 + 80 * 5_000;

pub(super) fn check(history: &History) -> Vec<String> {
    // When each change was first told to anybody.
    let mut first: BTreeMap<(ConvId, u64), usize> = BTreeMap::new();
    for push in &history.pushes {
        if let (Some(conv), Some(rev)) = (push.conv(), push.rev()) {
            first.entry((conv, rev)).or_insert(push.at);
        }
    }
    let mut broken = Vec::new();
    for (at, record) in history.records.iter().enumerate() {
        let Seen::Relieved(link) = record.seen else { continue };
        // What others had heard when this one began to read again, and it hears only now, had waited for it.
        let waited = |push: &&Push| {
            let told = push.conv().zip(push.rev()).and_then(|change| first.get(&change));
            push.link == link && push.at > at && told.is_some_and(|told| *told < at)
        };
        let bytes: usize = history.pushes.iter().filter(waited).map(|push| push.body.to_string().len()).sum();
        if bytes > MAX_WAITING {
            broken.push(format!("{bytes} bytes waited for connection {link}"));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story};
    use super::check;
    use crate::testkit::sim::Seen;
    use serde_json::json;

    #[test]
    fn a_queue_without_a_bound_is_seen() {
        let story = |frames: u64| {
            let data = |rev: u64| json!({"conv": CONV, "rev": rev, "content": "x".repeat(4_000)});
            let mut story = Story::new().and(Seen::Stalled(1));
            for rev in 2..2 + frames {
                story = story.down(0, "data", data(rev));
            }
            story = story.and(Seen::Relieved(1));
            for rev in 2..2 + frames {
                story = story.down(1, "data", data(rev));
            }
            story
        };
        story(100).keeps(check);
        story(300).breaks(check);
    }
}
