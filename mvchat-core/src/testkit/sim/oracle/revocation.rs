//! I22: after the acknowledgement of a logout, or of a revocation, its sessions do nothing more on any node, and their
//! connections close.

use crate::testkit::sim::{Call, History, Push, Sightings};
use serde_json::Value;

/// How long a connection may stay open, in milliseconds, with what its frames take on their way.
const CLOSES_WITHIN: u64 = 3_000;
/// How much longer what was said before takes over a slow connection with much to read.
const ON_ITS_WAY: u64 = 12_000;
/// How long another node may still answer what changes nothing, in milliseconds.
const READS_WITHIN: u64 = 2_000;

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let sightings = Sightings::new(history);
    let ends =
        |call: &&Call| call.kind == "logout" || call.kind == "session" && call.body["revoke"].is_string();
    for logout in history.calls.iter().filter(ends) {
        let Some((since, _)) = logout.success() else { continue };
        let concerns = |link: usize, session: &Value| match &logout.body["revoke"] {
            Value::String(revoked) => session == revoked,
            _ if logout.body["all"] == true => history.links[link].user == logout.user,
            _ => link == logout.link,
        };
        let ended: Vec<usize> = (0..history.links.len())
            .filter(|link| {
                logged_in(history, *link)
                    .is_some_and(|(at, session)| at < logout.sent && concerns(*link, session))
            })
            .collect();
        let lately = |call: &Call| {
            let elsewhere = history.links[call.link].node != history.links[logout.link].node;
            let soon = history.records[call.sent].at <= history.records[since].at + READS_WITHIN;
            elsewhere && soon && ["get", "search", "typing"].contains(&call.kind.as_str())
        };
        for call in history.calls.iter().filter(|call| ended.contains(&call.link) && call.sent > since) {
            // A greeting needs no session.
            if call.success().is_some() && call.kind != "hi" && !lately(call) {
                broken.push(format!("{} {} was carried out after a logout", call.kind, call.body));
            }
        }
        let deadline = history.records[since].at + CLOSES_WITHIN;
        let past = history.records.last().is_some_and(|record| record.at > deadline);
        for link in ended.into_iter().filter(|_| past) {
            let heard = heard_after(history, &sightings, link, deadline);
            if heard {
                broken.push(format!("connection {link} still heard something long after a logout"));
            }
        }
    }
    broken
}

/// Returns when a connection was logged in, and on which session.
fn logged_in(history: &History, link: usize) -> Option<(usize, &Value)> {
    let login = |call: &&Call| call.link == link && call.kind == "login";
    history.calls.iter().find(login)?.success().map(|(at, params)| (at, &params["session"]))
}

/// Returns whether a connection that nothing had stopped was told something after a time.
fn heard_after(history: &History, sightings: &Sightings, link: usize, deadline: u64) -> bool {
    let at = |place: usize| history.records[place].at;
    // A change that nobody knew by then was told after it; of everything else it is not known when it was said.
    let late = |push: &&Push| match push.conv().zip(push.rev()).map(|(conv, rev)| sightings.first(conv, rev))
    {
        Some(Some(first)) => at(first) > deadline,
        _ => at(push.at) > deadline + ON_ITS_WAY,
    };
    let pushes = history.pushes.iter().filter(|push| push.link == link);
    let mut stalled = history
        .records
        .iter()
        .filter(|record| matches!(record.seen, crate::testkit::sim::Seen::Stalled(of) if of == link));
    stalled.next().is_none() && pushes.into_iter().any(|push| late(&push))
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

    #[test]
    fn what_happens_after_a_revocation_is_seen() {
        let revoked = || {
            Story::new()
                .up(1, "1", "login", json!({}))
                .ok(1, "1", json!({"session": "a"}))
                .up(0, "1", "session", json!({"revoke": "a"}))
                .ok(0, "1", json!({}))
        };
        let sends = |story: Story| {
            story.up(1, "2", "send", send("a", "x")).ok(1, "2", json!({"conv": CONV, "seq": 1, "rev": 2}))
        };
        sends(revoked()).breaks(check);
        let other = Story::new().up(1, "1", "login", json!({})).ok(1, "1", json!({"session": "b"}));
        sends(other.up(0, "1", "session", json!({"revoke": "a"})).ok(0, "1", json!({}))).keeps(check);
        let reads = |story: Story| story.up(1, "2", "get", json!({})).ok(1, "2", json!({}));
        reads(revoked()).breaks(check);
    }
}
