//! I22: after the acknowledgement of a logout its sessions do nothing more, and their connections close.

use crate::testkit::sim::{Call, History};

/// How long a connection may stay open, in milliseconds, with what its frames take on their way.
const CLOSES_WITHIN: u64 = 3_000;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    for logout in history.calls.iter().filter(|call| call.kind == "logout") {
        let Some((since, _)) = logout.success() else { continue };
        let all = logout.body["all"] == true;
        let ended: Vec<usize> = (0..history.links.len())
            .filter(|link| *link == logout.link || all && history.links[*link].user == logout.user)
            .filter(|link| logged_in(history, *link).is_some_and(|at| at < logout.sent))
            .collect();
        for call in history.calls.iter().filter(|call| ended.contains(&call.link) && call.sent > since) {
            // A greeting needs no session.
            if call.success().is_some() && call.kind != "hi" {
                broken.push(format!("{} {} was carried out after a logout", call.kind, call.body));
            }
        }
        let deadline = history.records[since].at + CLOSES_WITHIN;
        let past = history.records.last().is_some_and(|record| record.at > deadline);
        for link in ended.into_iter().filter(|_| past) {
            let heard = heard_after(history, link, deadline);
            if heard {
                broken.push(format!("connection {link} still heard something long after a logout"));
            }
        }
    }
    broken
}

fn logged_in(history: &History, link: usize) -> Option<usize> {
    let login = |call: &&Call| call.link == link && call.kind == "login";
    history.calls.iter().find(login)?.success().map(|(at, _)| at)
}

/// Returns whether a connection that nothing had stopped was told something after a time.
fn heard_after(history: &History, link: usize, deadline: u64) -> bool {
    let pushes = history.pushes.iter().filter(|push| push.link == link).map(|push| push.at);
    let mut stalled = history
        .records
        .iter()
        .filter(|record| matches!(record.seen, crate::testkit::sim::Seen::Stalled(of) if of == link));
    stalled.next().is_none() && pushes.into_iter().any(|at| history.records[at].at > deadline)
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send, user};
    use super::check;
    use crate::testkit::sim::Seen;
    use serde_json::json;

    #[test]
    fn what_happens_after_a_logout_is_seen() {
        let out = |all: bool| {
            Story::new()
                .up(0, "1", "login", json!({}))
                .ok(0, "1", json!({}))
                .up(0, "2", "logout", json!({"all": all}))
                .ok(0, "2", json!({}))
        };
        let sends = |story: Story, link: usize| {
            story.up(link, "3", "send", send("a", "x")).ok(
                link,
                "3",
                json!({"conv": CONV, "seq": 1, "rev": 2}),
            )
        };
        out(false).later(9_000).and(Seen::Healed).keeps(check);
        sends(out(false), 0).breaks(check);
        sends(out(true), 1).keeps(check);
        let data = json!({"conv": CONV, "seq": 1, "rev": 2, "from": user(1), "content": "x"});
        out(false).later(9_000).down(0, "data", data).breaks(check);
    }
}
