//! I5, I23: nobody hears or does anything in a conversation without being in it.
//!
//! Every text of a simulation holds a canary, a number that is written nowhere else. Wherever it turns up, it is known
//! where it was said.

use super::idempotent_retry::text;
use crate::proto::{ConvId, UserId};
use crate::seam::{LogEntry, LogEvent};
use crate::testkit::sim::Sightings;
use crate::testkit::sim::{Call, History, Members};
use std::collections::BTreeMap;

pub(super) fn check(history: &History) -> Vec<String> {
    let members = Members::new(history);
    let mut broken = outsiders(history, &members);
    broken.extend(told(history, &members));
    broken.extend(leaked(history, &members));
    broken
}

/// Finds changes by those who were not in the conversation.
fn outsiders(history: &History, members: &Members) -> Vec<String> {
    let outside = |entry: &&LogEntry| {
        let came = entry.event == LogEvent::Joined(entry.actor);
        // The pin of a message goes with it, by nobody.
        let by_itself = entry.event == LogEvent::Unpinned && entry.actor.0.is_nil();
        entry.rev.0 > 0 && !came && !by_itself && !members.inside(entry.conv, entry.actor, entry.rev.0 - 1)
    };
    history.audit.log.iter().filter(outside).map(|entry| format!("an outsider did {entry:?}")).collect()
}

/// Finds notices to those who were not in the conversation at the time.
fn told(history: &History, members: &Members) -> Vec<String> {
    let mut broken = Vec::new();
    for push in &history.pushes {
        let Some(conv) = push.conv() else { continue };
        let user = history.user(push.user);
        let fine = match push.rev() {
            Some(rev) => members.inside(conv, user, rev) || is_farewell(history, conv, user, rev),
            None => members.ever(conv, user),
        };
        if !fine {
            broken.push(format!("{user} was told {} without being in it", push.body));
        }
    }
    broken
}

fn is_farewell(history: &History, conv: ConvId, user: UserId, rev: u64) -> bool {
    history.log_of(conv).get(&rev).is_some_and(|entry| match entry.event {
        LogEvent::Left(gone) | LogEvent::Kicked(gone) | LogEvent::Banned(gone) => gone == user,
        _ => false,
    })
}

/// Finds canaries where they must not be.
fn leaked(history: &History, members: &Members) -> Vec<String> {
    let mut said: BTreeMap<&str, ConvId> = BTreeMap::new();
    for call in history.calls.iter().filter(|call| call.kind == "send" || call.kind == "edit") {
        if let Some(conv) = call.conv() {
            said.extend(canaries(text(&call.body["content"])).map(|canary| (canary, conv)));
        }
    }
    let sightings = Sightings::new(history);
    let mut broken = Vec::new();
    for call in &history.calls {
        let Some((at, params)) = call.answers.first() else { continue };
        let user = history.user(call.user);
        let shown = params.to_string();
        for canary in canaries(&shown) {
            let Some(conv) = said.get(canary) else { continue };
            if !members.ever(*conv, user) || since_gone(history, members, &sightings, *conv, call, *at) {
                broken
                    .push(format!("{canary} of {conv} is in the answer to {} of {user}: {shown}", call.body));
            }
        }
    }
    for push in &history.pushes {
        let user = history.user(push.user);
        let shown = push.body.to_string();
        for canary in canaries(&shown) {
            let at_home = said.get(canary).is_none_or(|conv| members.ever(*conv, user));
            if !at_home {
                broken.push(format!("{canary} is in what {user} is told: {shown}"));
            }
        }
    }
    broken
}

/// Returns whether an answer was asked for when it was known that the user is out, and nobody asked them back.
fn since_gone(
    history: &History,
    members: &Members,
    sightings: &Sightings,
    conv: ConvId,
    call: &Call,
    at: usize,
) -> bool {
    let user = history.user(call.user);
    let outs = members.turns(conv, user).filter(|(_, inside)| !inside);
    let known = outs.filter_map(|(rev, _)| sightings.first(conv, rev)).filter(|seen| *seen < call.sent);
    let Some(since) = known.max() else { return false };
    let invited = history.calls.iter().any(|other| {
        let action = other.body["action"].as_str();
        let back = action == Some("invite") && other.body["user"] == user.to_string();
        let asked = back && other.conv() == Some(conv) || action == Some("join");
        // One that was under way when the user was removed may have been carried out after it.
        let answered = other.answers.first().map_or(usize::MAX, |(at, _)| *at);
        asked && other.sent < at && answered > since
    });
    !invited && !members.inside(conv, user, last_before(history, sightings, conv, call.sent))
}

fn last_before(history: &History, sightings: &Sightings, conv: ConvId, at: usize) -> u64 {
    let log = history.log_of(conv);
    let known = log.keys().copied().filter(|rev| sightings.first(conv, *rev).is_some_and(|seen| seen < at));
    known.max().unwrap_or_default()
}

/// Returns the canaries of a text.
pub(super) fn canaries(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("canary-").filter_map(|(start, _)| {
        let end = text[start..].find('.')?;
        Some(&text[start..start + end])
    })
}

#[cfg(test)]
mod tests {
    use super::super::story::{CONV, Story, send, user};
    use super::{canaries, check};
    use crate::seam::LogEvent;
    use serde_json::json;

    const WORDS: &str = "hello canary-0-0011.";

    #[test]
    fn canaries_are_found() {
        assert_eq!(
            canaries("a canary-1-22. b canary-3-44.").collect::<Vec<_>>(),
            ["canary-1-22", "canary-3-44"]
        );
    }

    #[test]
    fn what_an_outsider_does_is_seen() {
        Story::new().log(1, LogEvent::Sent, Some(1)).keeps(check);
        Story::new().log(2, LogEvent::Sent, Some(1)).breaks(check);
        Story::new().log(0, LogEvent::Kicked(user(1)), None).log(1, LogEvent::Sent, Some(1)).breaks(check);
    }

    #[test]
    fn what_an_outsider_hears_is_seen() {
        let data = json!({"conv": CONV, "seq": 1, "rev": 2, "from": user(0), "content": WORDS});
        let story = |link: usize| {
            Story::new().up(0, "1", "send", send("a", WORDS)).log(0, LogEvent::Sent, Some(1)).down(
                link,
                "data",
                data.clone(),
            )
        };
        story(1).keeps(check);
        story(2).breaks(check);
    }

    #[test]
    fn what_is_read_after_a_removal_is_seen() {
        let story = |asked_first: bool| {
            let get = |story: Story| story.up(1, "1", "get", json!({"what": "messages", "conv": CONV}));
            let kicked = json!({"what": "member_kicked", "conv": CONV, "rev": 3, "user": user(1)});
            let story = Story::new()
                .up(0, "1", "send", send("a", WORDS))
                .log(0, LogEvent::Sent, Some(1))
                .log(0, LogEvent::Kicked(user(1)), None);
            let story = if asked_first { get(story) } else { story };
            let story = story.down(0, "info", kicked);
            let story = if asked_first { story } else { get(story) };
            story.ok(1, "1", json!({"messages": [{"content": WORDS}]}))
        };
        story(true).keeps(check);
        story(false).breaks(check);
    }
}
