//! What every kind of change does to the model.

use super::*;
use crate::proto::{GetRequest, Mark, Request, Role};

/// Three messages of Bob's, none read.
fn rig() -> Rig {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    for seq in 1..=3 {
        rig.recv(data(CONV, seq, seq));
    }
    assert_eq!(rig.conversation().view().unread, 3);
    rig.events.clear();
    rig
}

fn message(rig: &Rig, seq: u64) -> crate::proto::MessageItem {
    rig.conversation().messages()[&Seq(seq)].clone()
}

#[test]
fn an_edit_replaces_the_content_and_is_counted() {
    let mut rig = rig();
    rig.recv(info("edit", 4, json!({"seq": 2, "content": {"v": 1, "text": "x"}})));
    let message = message(&rig, 2);
    assert_eq!(message.content.unwrap().as_str(), r#"{"text":"x","v":1}"#);
    let head = message.head.unwrap();
    assert_eq!((head.edit_count, head.edited_at.unwrap().to_string().as_str()), (Some(1), TS));
    assert!(rig.saw(|event| matches!(event, Event::Edited { seq: Seq(2), .. })));
}

#[test]
fn deleted_messages_become_tombstones_and_are_not_unread() {
    for (what, unsent) in [("unsend", true), ("delete", false)] {
        let mut rig = rig();
        rig.recv(info(what, 4, json!({"seq": 2})));
        let message = message(&rig, 2);
        assert_eq!((message.content, message.deleted, message.rev.0), (None, Some(true), 4));
        assert_eq!(message.head.is_some_and(|head| head.unsent == Some(true)), unsent);
        assert_eq!(rig.conversation().view().unread, 2);
        assert!(
            rig.saw(|event| matches!(event, Event::Deleted { seq: Seq(2), unsent: is, .. } if *is == unsent))
        );
        assert!(rig.quiet());
    }
}

#[test]
fn reactions_are_added_and_taken_back() {
    let mut rig = rig();
    let react =
        |rev: u64, op: Value| info("react", rev, json!({"seq": 1, "emoji": "👍", "op": op, "count": 1}));
    let users =
        |rig: &Rig| message(rig, 1).head.map_or(0, |head| head.reactions.get("👍").map_or(0, Vec::len));
    rig.recv(react(4, json!("add")));
    rig.recv(react(5, json!("add")));
    assert_eq!(users(&rig), 1);
    rig.recv(react(6, json!("remove")));
    assert_eq!((users(&rig), message(&rig, 1).head), (0, None));
    rig.recv(react(7, json!(null)));
    assert_eq!(users(&rig), 1);
    rig.recv(react(8, json!(null)));
    assert_eq!(users(&rig), 0);
    let added: Vec<_> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Reaction { added, .. } => Some(*added),
            _ => None,
        })
        .collect();
    assert_eq!(added, [true, true, false, true, false]);
}

#[test]
fn settings_of_the_conversation_follow() {
    let mut rig = rig();
    rig.recv(info("pin", 4, json!({"seq": 2})));
    let pinned = rig.conversation().view().clone();
    assert_eq!((pinned.pinned_seq, pinned.pinned_by), (Some(Seq(2)), Some(bob())));
    rig.recv(info("unpin", 5, json!({})));
    assert_eq!(rig.conversation().view().pinned_seq, None);
    rig.recv(info("disappearing_updated", 6, json!({"ttl": 60})));
    assert_eq!(rig.conversation().view().disappearing_ttl, Some(60));
    rig.recv(info("disappearing_updated", 7, json!({})));
    assert_eq!(rig.conversation().view().disappearing_ttl, None);
    rig.recv(info("room_updated", 8, json!({"content": {"fn": "G"}})));
    assert_eq!(rig.conversation().view().public.as_ref().unwrap().as_str(), r#"{"fn":"G"}"#);
    assert!(rig.quiet());
    rig.recv(info("room_updated", 9, json!({})));
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 8, "it does not say what changed");
    let mut fresh = view(CONV, 9, 3);
    fresh["noScreenshots"] = json!(true);
    rig.reply(
        &id,
        200,
        json!({"rev": 9, "own": 0, "more": false, "items": [{"rev": 9, "conversation": fresh}]}),
    );
    assert_eq!(rig.conversation().view().no_screenshots, Some(true));
    assert!(rig.client.is_synced());
}

#[test]
fn a_switch_that_is_off_looks_like_one_that_never_was_on() {
    let mut rig = rig();
    for (rev, on) in [(4, true), (5, false)] {
        let fields = crate::proto::Group {
            action: Some("update".to_owned()),
            id: Some(CONV.to_owned()),
            no_screenshots: Some(on),
            ..crate::proto::Group::default()
        };
        rig.act(|client, now| client.request(Request::Group(fields), now));
        let (id, _) = rig.asked("group");
        rig.reply(&id, 200, json!({"conv": CONV, "noScreenshots": on, "rev": rev}));
        assert_eq!(rig.conversation().view().no_screenshots, on.then_some(true));
    }
}

#[test]
fn own_messages_are_read_whether_they_or_the_mark_come_first() {
    let own = |seq: u64| {
        let mut frame = data(CONV, seq, seq);
        frame["data"]["from"] = json!(ME);
        frame
    };
    let mark = json!({"info": {"conv": CONV, "what": "own", "own": 1, "content": {"readSeq": 3}, "ts": TS}});
    let mut early = rig();
    early.recv(mark.clone());
    early.recv(own(4));
    early.recv(own(5));
    let mut late = rig();
    late.recv(own(4));
    assert_eq!(late.conversation().view().read_seq, Seq(0), "what was not read is not passed");
    late.recv(own(5));
    late.recv(mark);
    for rig in [early, late] {
        let view = rig.conversation().view();
        assert_eq!((view.read_seq, view.recv_seq, view.unread), (Seq(5), Seq(5), 0));
    }
}

#[test]
fn memberships_are_told_and_the_own_role_is_kept() {
    let mut rig = rig();
    rig.recv(info("member_joined", 4, json!({"user": BOB})));
    rig.recv(info("role_changed", 5, json!({"user": ME, "content": {"role": "admin"}})));
    assert_eq!(rig.conversation().view().role, Role::Admin);
    rig.recv(info("owner_changed", 6, json!({"user": ME})));
    assert_eq!(rig.conversation().view().role, Role::Owner);
    rig.recv(info("owner_changed", 7, json!({"user": BOB})));
    assert_eq!(rig.conversation().view().role, Role::Admin);
    rig.recv(info("member_kicked", 8, json!({"user": BOB})));
    rig.recv(info("member_left", 9, json!({})));
    let changes: Vec<_> = rig
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Member { change, .. } => Some(*change),
            _ => None,
        })
        .collect();
    use MemberChange::{Joined, Kicked, Left, Role as Roled};
    assert_eq!(changes, [Joined, Roled, Roled, Roled, Kicked, Left]);
    rig.recv(json!({"info": {"conv": CONV, "from": ME, "what": "member_left", "rev": 10, "ts": TS}}));
    assert!(rig.client.state().conversations().is_empty());
}

#[test]
fn unread_follows_the_read_mark() {
    let mut rig = rig();
    let mark = |seq| Request::Read(Mark { conv: Some(CONV.into()), seq: Some(crate::proto::Int(seq)) });
    rig.act(|client, now| client.request(mark(2), now));
    let (id, _) = rig.asked("read");
    rig.reply(&id, 200, json!({"conv": CONV, "seq": 2, "own": 1}));
    let view = rig.conversation().view();
    assert_eq!((view.read_seq, view.recv_seq, view.unread, view.own.0), (Seq(2), Seq(2), 1, 1));
    rig.recv(json!({"info": {"conv": CONV, "what": "own", "own": 2, "hidden": [3], "ts": TS}}));
    assert_eq!((rig.conversation().view().unread, rig.conversation().messages().len()), (0, 2));
    rig.recv(json!({"info": {"conv": CONV, "what": "expired", "own": 3, "hidden": [2], "ts": TS}}));
    rig.recv(json!({"info": {"conv": CONV, "what": "own", "own": 4, "content": {"clearSeq": 2}, "ts": TS}}));
    assert_eq!(rig.conversation().messages().len(), 0);
    assert!(rig.quiet());
}

#[test]
fn what_was_hidden_meanwhile_is_not_unread() {
    let mut rig = rig();
    rig.break_and_log_in();
    let mut fresh = view(CONV, 4, 4);
    (fresh["own"], fresh["readSeq"], fresh["recvSeq"], fresh["unread"]) =
        (1.into(), 0.into(), 0.into(), 3.into());
    rig.list(json!([fresh]));
    let (id, _) = rig.get("changes");
    rig.reply(&id, 200, json!({"rev": 4, "own": 1, "more": false, "items": [item(4, 4)], "hidden": [1]}));
    assert_eq!((rig.conversation().view().unread, rig.conversation().messages().len()), (3, 3));
    assert!(rig.client.is_synced() && rig.quiet());
}

#[test]
fn whether_what_was_taken_back_was_counted_is_asked() {
    let unread = |rev: u64, last: u64, unread: u64| {
        let mut view = view(CONV, rev, last);
        (view["readSeq"], view["recvSeq"], view["unread"]) = (json!(0), json!(0), json!(unread));
        view
    };
    let mut rig = Rig::ready(json!([unread(2, 2, 2)]));
    rig.break_and_log_in();
    rig.list(json!([unread(3, 3, 3)]));
    let (id, _) = rig.get("changes");
    let mut gone = item(3, 4);
    (gone["message"]["content"], gone["message"]["deleted"]) = (json!(null), json!(true));
    rig.reply(&id, 200, json!({"rev": 4, "own": 0, "more": false, "items": [gone], "hidden": []}));
    let (id, _) = rig.get("conversation");
    rig.reply(&id, 200, json!({"conversation": unread(4, 3, 2)}));
    assert_eq!(rig.conversation().view().unread, 2);
    assert!(rig.client.is_synced() && rig.quiet());
}

#[test]
fn an_own_message_that_was_hidden_before_it_was_known_counts_as_read() {
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    rig.recv(json!({"info": {"conv": CONV, "what": "own", "own": 1, "hidden": [1], "ts": TS}}));
    for seq in 1..=2 {
        let mut own = data(CONV, seq, seq);
        own["data"]["from"] = json!(ME);
        rig.recv(own);
    }
    let view = rig.conversation().view();
    assert_eq!((view.read_seq, view.recv_seq, view.unread), (Seq(2), Seq(2), 0));
}

#[test]
fn marks_move_on_whatever_else_is_known() {
    let mut rig = rig();
    let own = |content: Value| json!({"info": {"conv": CONV, "what": "own", "own": 1, "content": content, "ts": TS}});
    rig.recv(own(json!({"muted": true})));
    rig.recv(own(json!({"muted": false, "readSeq": 2, "recvSeq": 3})));
    let view = rig.conversation().view();
    assert_eq!((view.muted, view.read_seq, view.recv_seq, view.unread), (true, Seq(2), Seq(3), 1));
    rig.recv(own(json!({"readSeq": 1})));
    assert_eq!(rig.conversation().view().read_seq, Seq(2));
    assert!(rig.quiet());
}

#[test]
fn a_page_that_was_read_before_does_not_bring_hidden_messages_back() {
    let mut rig = rig();
    let get = GetRequest { what: Some("messages".into()), conv: Some(CONV.into()), ..GetRequest::default() };
    rig.act(|client, now| client.request(Request::Get(get), now));
    let (id, _) = rig.get("messages");
    rig.recv(json!({"info": {"conv": CONV, "what": "own", "own": 1, "hidden": [2], "ts": TS}}));
    let rows = [1, 2, 3].map(|seq| super::message(seq, seq));
    rig.reply(&id, 200, json!({"messages": rows, "more": false, "rev": 3, "own": 0}));
    let kept: Vec<u64> = rig.conversation().messages().iter().map(|(seq, _)| seq.0).collect();
    assert_eq!(kept, [1, 3]);
}

#[test]
fn a_page_that_brings_a_message_before_it_is_told_does_not_keep_it_from_being_told() {
    let mut rig = rig();
    let get = GetRequest { what: Some("messages".into()), conv: Some(CONV.into()), ..GetRequest::default() };
    rig.act(|client, now| client.request(Request::Get(get), now));
    let (id, _) = rig.get("messages");
    let rows = [1, 2, 3, 4].map(|seq| super::message(seq, seq));
    rig.reply(&id, 200, json!({"messages": rows, "more": false, "rev": 4, "own": 0}));
    rig.recv(data(CONV, 4, 4));
    assert!(rig.saw(|event| matches!(event, Event::Message { message, .. } if message.seq == Seq(4))));
    let view = rig.conversation().view();
    assert_eq!((view.last_seq, view.unread, view.rev.0), (Seq(4), 4, 4));
    assert!(rig.quiet());
}

#[test]
fn unread_that_cannot_be_known_is_asked_for() {
    let mut unread = view(CONV, 9, 9);
    (unread["readSeq"], unread["unread"]) = (json!(2), json!(7));
    let mut rig = Rig::ready(json!([unread]));
    rig.recv(data(CONV, 10, 10));
    assert_eq!((rig.conversation().view().unread, rig.quiet()), (8, true));
    rig.recv(json!({"info": {"conv": CONV, "what": "own", "own": 1, "content": {"readSeq": 5}, "ts": TS}}));
    let (id, _) = rig.get("conversation");
    let mut fresh = view(CONV, 10, 10);
    (fresh["readSeq"], fresh["own"], fresh["unread"]) = (json!(5), json!(1), json!(4));
    rig.reply(&id, 200, json!({"conversation": fresh}));
    assert_eq!(rig.conversation().view().unread, 4);
    assert!(rig.client.is_synced());
}

#[test]
fn an_own_message_is_read_when_everything_before_it_was() {
    let mine = |seq: u64| {
        let mut frame = data(CONV, seq, seq);
        frame["data"]["from"] = json!(ME);
        frame
    };
    let mut rig = Rig::ready(json!([view(CONV, 0, 0)]));
    rig.recv(mine(1));
    rig.recv(data(CONV, 2, 2));
    rig.recv(mine(3));
    let view = rig.conversation().view();
    assert_eq!((view.read_seq, view.unread), (Seq(1), 1));
}

#[test]
fn only_the_newest_messages_are_kept() {
    let mut config = ClientConfig::new(Credentials::basic("alice", "pass"));
    config.max_messages = 3;
    let mut rig = Rig::with(config);
    rig.log_in();
    rig.list(json!([view(CONV, 0, 0)]));
    for seq in 1..=10 {
        rig.recv(data(CONV, seq, seq));
    }
    assert_eq!(rig.conversation().messages().keys().map(|seq| seq.0).collect::<Vec<_>>(), [8, 9, 10]);
    assert_eq!(rig.conversation().view().unread, 10);
}

#[test]
fn what_is_not_durable_is_just_told() {
    let mut rig = rig();
    rig.recv(json!({"info": {"conv": CONV, "from": BOB, "what": "typing", "ts": TS}}));
    rig.recv(json!({"info": {"conv": CONV, "from": BOB, "what": "read", "seq": 3, "ts": TS}}));
    rig.recv(json!({"info": {"conv": CONV, "from": ME, "what": "typing", "ts": TS}}));
    rig.recv(json!({"pres": {"user": BOB, "what": "off", "lastSeen": TS}}));
    rig.recv(json!({"info": {"conv": CONV, "from": BOB, "what": "levitating", "ts": TS, "how": "high"}}));
    assert!(rig.quiet() && rig.events.len() == 3, "{:?}", rig.events);
    assert!(rig.saw(|event| matches!(event, Event::Typing { .. })));
    assert!(rig.saw(|event| matches!(event, Event::Mark { seq: Seq(3), .. })));
    assert!(rig.saw(|event| matches!(event, Event::Presence { online: false, .. })));
}

#[test]
fn an_unknown_durable_change_is_asked_about() {
    let mut rig = rig();
    rig.recv(info("levitated", 4, json!({"seq": 1})));
    let (id, get) = rig.get("changes");
    assert_eq!(get["since"], 3);
    let tombstone = json!({"seq": 1, "rev": 4, "from": BOB, "ts": TS, "deleted": true});
    rig.reply(
        &id,
        200,
        json!({"rev": 4, "own": 0, "more": false, "items": [{"rev": 4, "message": tombstone}]}),
    );
    assert!(rig.saw(|event| matches!(event, Event::Deleted { .. })));
    assert_eq!(rig.conversation().view().unread, 2);
    assert!(rig.client.is_synced());
}
