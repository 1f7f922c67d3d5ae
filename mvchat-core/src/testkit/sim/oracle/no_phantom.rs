//! I4b: nothing is in a history that its author did not write there.

use super::idempotent_retry::text;
use crate::proto::ConvId;
use crate::testkit::sim::History;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(history: &History) -> Vec<String> {
    let mut written: BTreeSet<(ConvId, String, &str)> = BTreeSet::new();
    for call in history.calls.iter().filter(|call| call.kind == "send" || call.kind == "edit") {
        if let Some(conv) = call.conv() {
            written.insert((conv, history.user(call.user).to_string(), text(&call.body["content"])));
        }
    }
    let mut broken = Vec::new();
    for ((reader, conv), rows) in &history.audit.histories {
        let mut places: BTreeMap<&str, u64> = BTreeMap::new();
        for (seq, row) in rows.iter().filter(|(_, row)| !row["content"].is_null()) {
            let from = row["from"].as_str().unwrap_or_default().to_owned();
            let said = text(&row["content"]);
            if !written.contains(&(*conv, from, said)) {
                broken.push(format!("{reader} reads {row} in {conv}, which nobody wrote"));
            }
            // Every text of a simulation is written once only.
            if let Some(first) = places.insert(said, *seq) {
                broken.push(format!("{said} is in {conv} as {first} and as {seq}"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::super::story::{Story, row, send};
    use super::check;

    #[test]
    fn what_nobody_wrote_is_seen() {
        let story = || Story::new().up(0, "1", "send", send("a", "x")).row(row(1, 0, "a", "x"));
        story().keeps(check);
        story().row(row(2, 0, "b", "y")).breaks(check);
        story().row(row(2, 0, "b", "x")).breaks(check);
        Story::new().up(0, "1", "send", send("a", "x")).row(row(1, 1, "a", "x")).breaks(check);
    }
}
