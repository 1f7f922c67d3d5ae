//! I14: after an acknowledgement, every reading by any device of the same user shows the effect.

use crate::proto::ConvId;
use crate::testkit::sim::{Call, History};
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    // Acknowledged numbers by user and conversation, in the order of the acknowledgements.
    let mut acked: BTreeMap<(usize, ConvId), Vec<(usize, u64)>> = BTreeMap::new();
    for call in &history.calls {
        if let (Some((conv, rev)), Some((at, _))) = (call.change(), call.success()) {
            acked.entry((call.user, conv)).or_default().push((at, rev));
        }
    }
    for call in history.calls.iter().filter(|call| call.kind == "get") {
        let Some((conv, read)) = read_up_to(call) else { continue };
        let own = acked.get(&(call.user, conv)).into_iter().flatten();
        let written = own.filter(|(at, _)| *at < call.sent).map(|(_, rev)| *rev).max();
        if written.is_some_and(|written| written > read) {
            broken.push(format!("{} came to rev {read} after {written:?} was acknowledged", call.body));
        }
    }
    broken
}

/// Returns how new a reading says to be.
fn read_up_to(call: &Call) -> Option<(ConvId, u64)> {
    let (_, params) = call.success()?;
    let rev = match call.body["what"].as_str()? {
        "messages" => &params["rev"],
        "changes" if params["more"] == false => &params["rev"],
        "conversation" => &params["conversation"]["rev"],
        _ => return None,
    };
    Some((call.conv()?, rev.as_u64()?))
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send};
    use super::check;
    use serde_json::json;

    #[test]
    fn an_old_reading_is_seen() {
        let story = |reader: usize, rev: u64| {
            Story::new()
                .up(0, "1", "send", send("a", "x"))
                .ok(0, "1", json!({"conv": CONV, "seq": 1, "rev": 2}))
                .up(reader, "2", "get", json!({"what": "messages", "conv": CONV}))
                .ok(reader, "2", json!({"messages": [], "rev": rev}))
        };
        story(0, 2).keeps(check);
        story(0, 1).breaks(check);
        story(1, 1).keeps(check);
    }
}
