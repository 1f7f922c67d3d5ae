//! I13: on a connection that stays open, every change is told once and in order.

use crate::proto::ConvId;
use crate::testkit::sim::{History, Members, Seen};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where a connection is in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Nothing was told yet.
    Start,
    /// Up to here everything was told, and what comes up to the other number may be known already.
    Told(u64, u64),
    /// The user was told to be out.
    Out,
}

/// Something with a number that a connection was told.
struct Told<'a> {
    at: usize,
    conv: ConvId,
    rev: u64,
    what: &'a str,
    pushed: bool,
    about: Option<&'a Value>,
    from: Option<&'a Value>,
}

pub(super) fn check(history: &History) -> Vec<String> {
    let mut broken = Vec::new();
    let members = Members::new(history);
    for link in 0..history.links.len() {
        let user = history.user(history.links[link].user);
        let mut places: BTreeMap<ConvId, At> = BTreeMap::new();
        for told in told(history, link) {
            let place = places.entry(told.conv).or_insert(At::Start);
            match follow(*place, &told, user.to_string().as_str()) {
                Ok(next) => *place = next,
                Err(why) => broken.push(format!("connection {link} hears {why}")),
            }
        }
        if history.links[link].closed.is_none() && !history.links[link].broken {
            broken.extend(behind(history, &members, link, &places));
        }
    }
    broken
}

fn told(history: &History, link: usize) -> Vec<Told<'_>> {
    let pushes = history.pushes.iter().filter(|push| push.link == link).filter_map(|push| {
        Some(Told {
            at: push.at,
            conv: push.conv()?,
            rev: push.rev()?,
            what: push.body["what"].as_str().unwrap_or("data"),
            pushed: true,
            about: push.body.get("user"),
            from: push.body.get("from"),
        })
    });
    let answers = history.calls.iter().filter(|call| call.link == link).filter_map(|call| {
        let (conv, rev) = call.change()?;
        let what = if call.body["action"] == "leave" { "left" } else { "answer" };
        Some(Told { at: call.success()?.0, conv, rev, what, pushed: false, about: None, from: None })
    });
    let mut all: Vec<_> = pushes.chain(answers).collect();
    all.sort_by_key(|told| told.at);
    all
}

fn follow(place: At, told: &Told<'_>, user: &str) -> Result<At, String> {
    let (what, rev) = (told.what, told.rev);
    if what == "conv_added" {
        return Ok(At::Told(rev, rev));
    }
    let is_me = |value: Option<&Value>| value.and_then(Value::as_str) == Some(user);
    let gone = match what {
        "left" => true,
        "member_left" => is_me(told.from),
        "member_kicked" | "member_banned" => is_me(told.about),
        _ => false,
    };
    let next = if gone { At::Out } else { At::Told(rev, 0) };
    match place {
        At::Start => Ok(next),
        At::Out if gone => Ok(At::Out),
        At::Out => Err(format!("{what} {rev} of {} when it is out", told.conv)),
        At::Told(last, _) if rev == last + 1 => Ok(next),
        // Whoever asks for some changes hears of them besides the answer.
        At::Told(last, _) if rev == last && (told.pushed || gone) => Ok(if gone { next } else { place }),
        At::Told(last, known) if rev <= known => Ok(At::Told(last, known)),
        At::Told(last, _) => Err(format!("{what} {rev} of {} after {last}", told.conv)),
    }
}

/// Finds what a connection that is still open was not told at all.
fn behind(history: &History, members: &Members, link: usize, places: &BTreeMap<ConvId, At>) -> Vec<String> {
    let user = history.user(history.links[link].user);
    let login = history.calls.iter().rfind(|call| call.link == link && call.kind == "login");
    let Some((since, _)) = login.and_then(|call| call.success()) else { return Vec::new() };
    // What was asked for when it listened already; the last moments of a run are left out, frames are on their way.
    let end = history.records.last().map_or(0, |record| record.at);
    let mut expected: BTreeMap<ConvId, u64> = BTreeMap::new();
    for call in history.calls.iter().filter(|call| call.sent > since) {
        if let Some((conv, rev)) = call.change()
            && members.inside(conv, user, rev)
            && history.records[call.sent].at + 30_000 < end
        {
            let highest = expected.entry(conv).or_default();
            *highest = rev.max(*highest);
        }
    }
    let healed = history.records.iter().any(|record| record.seen == Seen::Healed);
    let misses = expected.into_iter().filter(|(conv, rev)| match places.get(conv) {
        Some(At::Told(told, _)) => told < rev,
        Some(At::Out) => false,
        Some(At::Start) | None => true,
    });
    misses
        .filter(|_| healed)
        .map(|(conv, rev)| {
            format!("connection {link} is at {:?} of {conv}, where {rev} happened", places.get(&conv))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, user};
    use super::check;
    use crate::testkit::sim::Seen;
    use serde_json::{Value, json};

    fn data(rev: u64) -> Value {
        json!({"conv": CONV, "seq": rev - 1, "rev": rev, "from": user(0), "content": "x"})
    }

    #[test]
    fn gaps_and_wrong_orders_are_seen() {
        Story::new().down(1, "data", data(2)).down(1, "data", data(3)).keeps(check);
        Story::new().down(1, "data", data(2)).down(1, "data", data(4)).breaks(check);
        Story::new().down(1, "data", data(3)).down(1, "data", data(2)).breaks(check);
        Story::new().down(1, "data", data(2)).down(0, "data", data(4)).keeps(check);
    }

    #[test]
    fn an_answer_takes_the_place_of_the_frame() {
        let story = |rev: u64| {
            Story::new()
                .down(0, "data", data(2))
                .up(0, "1", "pin", json!({"conv": CONV, "seq": 1}))
                .ok(0, "1", json!({"conv": CONV, "seq": 1, "rev": rev}))
                .down(0, "data", data(4))
        };
        story(3).keeps(check);
        story(2).breaks(check);
    }

    #[test]
    fn who_is_out_hears_nothing_more() {
        let kicked = || {
            let info = json!({"what": "member_kicked", "conv": CONV, "rev": 3, "user": user(1)});
            Story::new().down(1, "data", data(2)).down(1, "info", info)
        };
        kicked().keeps(check);
        kicked().down(1, "data", data(4)).breaks(check);
        let added = json!({"what": "conv_added", "conv": CONV, "rev": 9});
        kicked().down(1, "info", added).down(1, "data", data(10)).keeps(check);
    }

    #[test]
    fn what_never_comes_is_seen() {
        let story = |rev: u64| {
            Story::new()
                .up(1, "1", "login", json!({}))
                .ok(1, "1", json!({}))
                .down(1, "data", data(2))
                .up(0, "1", "pin", json!({"conv": CONV, "seq": 1}))
                .ok(0, "1", json!({"conv": CONV, "seq": 1, "rev": rev}))
                .later(60_000)
                .and(Seen::Healed)
        };
        story(2).keeps(check);
        story(3).breaks(check);
    }
}
