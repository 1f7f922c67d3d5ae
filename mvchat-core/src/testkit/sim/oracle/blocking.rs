//! I20: after the acknowledgement of a block nothing crosses, until it is taken back.

use crate::testkit::sim::{Call, History};

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let settings = |call: &&Call| call.kind == "dm" && call.body["blocked"].is_boolean();
    let all: Vec<&Call> = history.calls.iter().filter(settings).collect();
    for block in all.iter().filter(|call| call.body["blocked"] == true) {
        let Some((since, _)) = block.success() else { continue };
        let others = || all.iter().filter(|call| call.user == block.user && call.conv() == block.conv());
        let unblocks = || others().filter(|call| call.body["blocked"] == false);
        // One that was under way at the same time may have been carried out after it.
        let open = |call: &&&Call| {
            let done = call.answers.first().map_or(usize::MAX, |(at, _)| *at);
            call.sent < since && done > block.sent
        };
        if unblocks().any(|call| open(&call)) {
            continue;
        }
        let until = unblocks().map(|call| call.sent).filter(|sent| *sent > since).min().unwrap_or(usize::MAX);
        let crossed = history.calls.iter().filter(|call| {
            call.kind == "send" && call.conv() == block.conv() && call.sent > since && call.change().is_some()
        });
        for call in crossed.filter(|call| call.success().is_some_and(|(at, _)| at < until)) {
            broken.push(format!("{} crossed the block by user {}", call.body, block.user));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send};
    use super::check;
    use serde_json::json;

    #[test]
    fn what_crosses_a_block_is_seen() {
        let block = |on: bool| json!({"conv": CONV, "blocked": on});
        let sent = |story: Story| {
            story.up(1, "1", "send", send("a", "x")).ok(1, "1", json!({"conv": CONV, "seq": 1, "rev": 2}))
        };
        let blocked = || Story::new().up(0, "1", "dm", block(true)).ok(0, "1", json!({"conv": CONV}));
        sent(blocked()).breaks(check);
        sent(blocked().up(0, "2", "dm", block(false))).keeps(check);
        sent(Story::new().up(0, "1", "dm", block(true))).keeps(check);
    }
}
